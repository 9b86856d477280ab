"""A timeline of A→B pairs, as OpenTimelineIO holds it; what every format is written from.

A pair is two clips that meet at the cut, then a second of nothing. The clips refer to the original files; what is
not shown of a file is its handle: `available_range` is always the whole file, so both sides of a cut can be slipped.
A marker on B's first frame says rank, score and why.

Rates are exact: a time is a whole number of frames over a rate, which OpenTimelineIO keeps as the double nearest
to 24000/1001. There is one timeline per frame rate of A. Where B's rate differs, B is *conformed*: it begins on its
exact frame and lasts a whole number of the timeline's frames. A file of variable rate is laid out at its
nominal rate, as editing programs do, and its frames are found by their time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import opentimelineio as otio

from matchcut.cut_events import CutEvent, Media, Side, plain
from matchcut.timecode import frames_counted_per_second, parse_timecode

METADATA = "matchcut"
RECORD_START = "01:00:00:00"  # where programs begin a timeline
GAP_SECONDS = 1

Holds = Literal["any rates", "one rate", "one count"]
"""What a format can hold: pairs of any rates, of one, or of one rate and one way of counting timecode."""


@dataclass(frozen=True)
class Sheet:
    """The events of one timeline.

    Attributes:
        rate: frames per second, exact.
        drop_frame: whether its timecode is drop-frame.
        events: in the order of the timeline.
    """

    rate: Fraction
    drop_frame: bool
    events: tuple[CutEvent, ...]

    @property
    def has_timecode(self) -> bool:
        """Whether its rate is one that timecode counts."""
        counted = float(frames_counted_per_second(self.rate))
        return bool(otio.opentime.RationalTime(0, counted).is_smpte_timecode_rate(counted))

    @property
    def media(self) -> dict[str, Media]:
        """Its files by their URLs, in the order of first use."""
        return {side.media.url: side.media for event in self.events for side in (event.a, event.b)}

    @property
    def suffix(self) -> str:
        """What tells its file from the others': `"23.976"`, `"29.97df"`."""
        rate = f"{float(self.rate):.3f}".rstrip("0").rstrip(".")
        return f"{rate}df" if self.drop_frame else rate


def sheets_of(events: Iterable[CutEvent], holds: Holds = "any rates") -> list[Sheet]:
    """The events by the frame rate of A, in the order of first use.

    Args:
        events: in the order of the timelines.
        holds: what the sides of a pair may differ in; pairs that differ in more are left out. Where a timeline holds
            one way of counting, pairs are told apart by it too.
    """
    groups: dict[tuple[Fraction, bool], list[CutEvent]] = {}
    for event in events:
        rate, drop = event.a.media.frame_rate, event.a.media.start_count[1] and holds == "one count"
        is_one_rate = event.b.media.frame_rate == rate
        is_one_count = event.b.media.start_count[1] == event.a.media.start_count[1]
        if holds == "any rates" or (is_one_rate and (is_one_count or holds == "one rate")):
            groups.setdefault((rate, drop), []).append(event)
    # A timeline shows drop-frame where all its files do.
    return [
        Sheet(rate, all(side.media.start_count[1] for event in each for side in (event.a, event.b)), tuple(each))
        for (rate, _), each in groups.items()
    ]


def timeline_of(sheet: Sheet, name: str) -> otio.schema.Timeline:
    """The timeline in full: a track of pictures, one of sound, markers, and this project's facts as metadata."""
    return timeline_at(sheet, name, float(sheet.rate), lambda media: float(media.frame_rate), with_sound=True)


def timeline_at(
    sheet: Sheet, name: str, clock: float, clock_of: Callable[[Media], float], *, with_sound: bool
) -> otio.schema.Timeline:
    """A timeline whose frames pass at `clock` frames per second, and those of a file at `clock_of` it."""
    start = record_start(sheet)
    timeline = otio.schema.Timeline(name, global_start_time=otio.opentime.RationalTime(start, clock))
    timeline.metadata[METADATA] = {"frame_rate": str(sheet.rate), "drop_frame": sheet.drop_frame}
    pictures = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(pictures)
    sound = otio.schema.Track("A1", kind=otio.schema.TrackKind.Audio)
    gap = GAP_SECONDS * frames_counted_per_second(sheet.rate)
    for number, event in enumerate(sheet.events):
        if number:
            _append_gap(pictures, gap, clock)
            _append_gap(sound, gap, clock)
        for side in (event.a, event.b):
            length = _length(side, sheet.rate)
            clip = _clip(side, length, clock, clock_of(side.media))
            if side is event.b:
                clip.markers.append(_marker(event, clip))
            pictures.append(clip)
            if side.media.has_sound:
                sound.append(_clip(side, length, clock, clock_of(side.media)))
            else:
                _append_gap(sound, length, clock)
    if with_sound and any(isinstance(each, otio.schema.Clip) for each in sound):
        timeline.tracks.append(sound)
    return timeline


def record_start(sheet: Sheet) -> int:
    """Where the timeline begins, as a count of frames."""
    text = RECORD_START[:-3] + ";00" if sheet.drop_frame else RECORD_START
    return parse_timecode(text, sheet.rate)


def _length(side: Side, rate: Fraction) -> int:
    """Frames of the timeline that a side takes: its own where the rates agree, else the whole frames that fit."""
    start, stop = side.positions
    if side.media.frame_rate == rate:
        return stop - start
    return max(1, int((stop - start) / side.media.frame_rate * rate))


def _clip(side: Side, length: int, clock: float, own_clock: float) -> otio.schema.Clip:
    media = side.media
    first, _ = media.start_count
    time, range_ = otio.opentime.RationalTime, otio.opentime.TimeRange
    reference = otio.schema.ExternalReference(
        media.url, range_(time(first, own_clock), time(media.num_positions, own_clock))
    )
    reference.name = plain(media.name)
    facts = {"title": media.title, "frame_rate": str(media.frame_rate), "shot": side.shot}
    return otio.schema.Clip(
        plain(media.name),
        reference,
        range_(time(first + side.positions[0], own_clock), time(length, clock)),
        metadata={METADATA: {**facts, "start_frame": side.start_frame, "stop_frame": side.stop_frame}},
    )


def _marker(event: CutEvent, clip: otio.schema.Clip) -> otio.schema.Marker:
    """On the first frame of B: what the pair is."""
    one = otio.opentime.RationalTime(1, clip.source_range.start_time.rate)
    candidate = event.candidate
    facts = {"rank": candidate.rank, "flavor": candidate.flavor, "score": candidate.score, "cues": candidate.cues}
    return otio.schema.Marker(
        plain(event.label),
        otio.opentime.TimeRange(clip.source_range.start_time, one),
        otio.schema.MarkerColor.CYAN,
        metadata={METADATA: facts},
    )


def _append_gap(track: otio.schema.Track, length: int, clock: float) -> None:
    time = otio.opentime.RationalTime
    track.append(otio.schema.Gap(source_range=otio.opentime.TimeRange(time(0, clock), time(length, clock))))
