"""`matchcut export`: candidates of any titles in the form that somebody asked for."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from matchcut.candidate_page import PAGE_NAME
from matchcut.cut_events import EVENT_COLUMNS, SIDE_COLUMNS, CutEvent, event_rows
from matchcut.errors import MatchcutError
from matchcut.played_cut import PLAYED_NAME
from matchcut_assets.delivery import Candidates, Desk, Played, Player, write_candidates_page


class ExportFormat(StrEnum):
    """What can be exported."""

    otio = "otio"
    edl = "edl"
    fcpxml = "fcpxml"
    xmeml = "xmeml"
    aaf = "aaf"
    csv = "csv"
    json = "json"
    mp4 = "mp4"
    html = "html"


@dataclass(frozen=True)
class Exported:
    """What came of an export.

    Attributes:
        files: that were written; for a page its `index.html`.
        notes: what whoever opens them has to know.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def export(
    desk: Desk,
    candidates: Candidates,
    format_: ExportFormat,
    out: Path,
    *,
    name: str,
    seconds: float,
    is_relative: bool,
    titles: Sequence[str],
) -> Exported:
    """Write candidates.

    Args:
        desk: where everything is read.
        candidates: that are written, by flavor.
        format_: as what.
        out: a file, for a page a folder.
        name: of the timeline or page.
        seconds: at most this much of either side of a cut, on timelines and in lists.
        is_relative: whether original files are named relative to `out` rather than absolutely.
        titles: that a page can be filtered by.

    Raises:
        MatchcutError: there is no candidate, none fits the format, or `out` cannot be written.
    """
    if not any(candidates.values()):
        raise MatchcutError("there is no candidate to export. Add another title, or ask for other titles or flavors.")
    out = out.absolute()
    try:
        (out if format_ is ExportFormat.html else out.parent).mkdir(parents=True, exist_ok=True)
        if format_ is ExportFormat.html:
            played = write_candidates_page(
                desk, candidates, out, library=name, titles=titles, num_played=max(map(len, candidates.values()))
            )
            return Exported((out / PAGE_NAME,), _refusals(played))
        if format_ is ExportFormat.mp4:
            return _reel(desk, candidates, out)
        events = desk.events(candidates, seconds, out.parent if is_relative else None)
        if format_ in (ExportFormat.csv, ExportFormat.json):
            write_event_list(events, out, "csv" if format_ is ExportFormat.csv else "json")
            return Exported((out,))
        return _timelines(events, format_, out, name)
    except OSError as error:
        raise MatchcutError(f"{out}: cannot be written ({error.strerror or error}). Choose another place.") from error


def write_event_list(events: Sequence[CutEvent], path: Path, format_: Literal["csv", "json"]) -> None:
    """One row per cut: both sides' files, frames and timecodes, with exclusive out points, and the cues."""
    rows = event_rows(events)
    if format_ == "json":
        path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        return
    sides = [f"{letter}_{name}" for letter in "ab" for name in SIDE_COLUMNS]
    names = list(dict.fromkeys([*EVENT_COLUMNS, *sides, *(name for row in rows for name in row)]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def _timelines(events: Sequence[CutEvent], format_: ExportFormat, out: Path, name: str) -> Exported:
    from matchcut.timelines import SUFFIXES, write_timelines

    adapter = next(each for each in SUFFIXES if each == format_.value)
    written = write_timelines(events, out, adapter, name=name)
    if not written.files:
        raise MatchcutError(f"{out.name}: nothing was written: {' '.join(written.notes)}")
    return Exported(written.files, written.notes)


def _reel(desk: Desk, candidates: Candidates, out: Path) -> Exported:
    from matchcut.reel import ReelCut, write_reel

    events = desk.events(candidates, desk.pipeline.settings.played_cut.seconds)
    with Player(desk) as player:
        played = player.play_all(events)
    films = ((event, played.stored.get((event.candidate.flavor, event.candidate.rank))) for event in events)
    cuts = [ReelCut(stored.folder / PLAYED_NAME, event) for event, stored in films if stored is not None]
    if not cuts:
        raise MatchcutError(f"{out.name}: no cut could be played: {' '.join(_refusals(played))}")
    write_reel(cuts, out)
    return Exported((out,), _refusals(played))


def _refusals(played: Played) -> tuple[str, ...]:
    return tuple(sorted({f"not played: {reason}" for reason in played.refused.values()}))
