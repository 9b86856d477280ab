"""Candidates as timelines that editing programs open, by OpenTimelineIO and its adapters.

What the adapters get wrong is completed by the modules beside this one, which say why.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import opentimelineio as otio

from matchcut.cut_events import CutEvent, plain
from matchcut.timelines.aaf import write_aaf
from matchcut.timelines.edl import edl_of
from matchcut.timelines.fcpxml import fcpxml_of
from matchcut.timelines.sheet import Holds, Sheet, sheets_of, timeline_of
from matchcut.timelines.xmeml import xmeml_of

Format = Literal["otio", "edl", "fcpxml", "xmeml", "aaf"]
SUFFIXES: Mapping[Format, str] = {
    "otio": ".otio",
    "edl": ".edl",
    "fcpxml": ".fcpxml",
    "xmeml": ".xml",
    "aaf": ".aaf",
}

_HOLDS: Mapping[Format, Holds] = {
    "otio": "any rates",
    "fcpxml": "any rates",
    "xmeml": "one rate",
    "aaf": "one rate",
    "edl": "one count",
}
_ALSO_ONE: Mapping[Holds, str] = {"any rates": "", "one rate": "", "one count": " and one way of counting timecode"}
_SHOWN = 5


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        files: one per timeline.
        notes: what a reader of the files has to know: conformed pairs, pairs left out, variable rates.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def write_timelines(events: Sequence[CutEvent], path: Path, format_: Format, *, name: str = "match cuts") -> Written:
    """Write a timeline per frame rate.

    Args:
        events: in the order of the timelines.
        path: of the file; where there are several timelines their rates are put before the suffix.
        format_: which adapter writes.
        name: of the timeline.

    Returns:
        The files, none where there is no event that the format can hold, and notes for people.
    """
    write = _writer(format_)
    holds = _HOLDS[format_]
    sheets = [each for each in sheets_of(events, holds) if each.has_timecode or holds == "any rates"]
    files = []
    for sheet in sheets:
        file = path if len(sheets) == 1 else path.with_suffix(f".{sheet.suffix}{path.suffix}")
        write(sheet, plain(name), file)
        files.append(file)
    held = [event for sheet in sheets for event in sheet.events]
    return Written(tuple(files), tuple(_notes(events, held, format_)))


def _writer(format_: Format) -> Callable[[Sheet, str, Path], None]:
    if format_ == "aaf":
        return write_aaf
    text_of = {"otio": _otio_of, "edl": edl_of, "fcpxml": fcpxml_of, "xmeml": xmeml_of}[format_]

    def write(sheet: Sheet, name: str, file: Path) -> None:
        file.write_text(text_of(sheet, name), encoding="utf-8")

    return write


def _otio_of(sheet: Sheet, name: str) -> str:
    return str(otio.adapters.write_to_string(timeline_of(sheet, name), "otio_json"))


def _notes(events: Sequence[CutEvent], held: Sequence[CutEvent], format_: Format) -> Iterator[str]:
    """What was conformed, left out or laid out at a nominal rate."""
    kept = {id(event) for event in held}
    left_out = [event for event in events if id(event) not in kept]
    if left_out:
        yield (
            f"{_counted(left_out)} left out: {format_} holds one frame rate{_ALSO_ONE[_HOLDS[format_]]}, and their "
            "sides differ, or their rate has no timecode. Export them as otio or fcpxml."
        )
    conformed = [event for event in held if event.a.media.frame_rate != event.b.media.frame_rate]
    if conformed:
        yield f"{_counted(conformed)} conformed to the rate of A: B begins on its exact frame and plays in real time."
    sides = (side for event in held for side in (event.a, event.b))
    variable = sorted({side.media.title for side in sides if side.media.timing.record.is_variable_rate})
    if variable:
        yield f"{', '.join(variable)}: variable frame rate; laid out at the nominal rate, frames found by their time."


def _counted(events: Sequence[CutEvent]) -> str:
    ranks = ", ".join(f"{event.flavor} {event.candidate.rank}" for event in events[:_SHOWN])
    more = f" and {len(events) - _SHOWN} more" if len(events) > _SHOWN else ""
    return f"{len(events)} pair{'s' * (len(events) != 1)} ({ranks}{more})"
