"""Candidates as timelines of A→B pairs that editing programs open, by OpenTimelineIO and its adapters.

A pair is two clips that meet at the cut, then a second of nothing. The clips refer to the original files; what is
not shown of a file is its handle: `available_range` is always the whole file, so both sides of a cut can be slipped.
A marker on B's first frame says rank, score and why.

Rates are exact: a time is a whole number of frames over a rate, which OpenTimelineIO keeps as the double nearest
to 24000/1001. There is one timeline per frame rate of A. Where B's rate differs, B is *conformed*: it begins on its
exact frame and lasts a whole number of the timeline's frames. A file of variable rate is laid out at its
nominal rate, as editing programs do, and its frames are found by their time.

An EDL (CMX 3600) knows no rate and one way of counting, so that each holds pairs of one rate, and of drop-frame or
non-drop alone; pairs that mix them are left out and named.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import opentimelineio as otio

from matchcut.cut_events import CutEvent, Media, Side, plain
from matchcut.timecode import frames_counted_per_second, parse_timecode

Format = Literal["otio", "edl", "fcpxml"]
FORMATS: tuple[Format, ...] = ("otio", "edl", "fcpxml")

METADATA = "matchcut"
RECORD_START = "01:00:00:00"  # where programs begin a timeline
GAP_SECONDS = 1
REEL_LENGTH = 8  # CMX 3600
SOURCE_COMMENT = "SOURCE FILE"
_SHOWN = 5


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
    def suffix(self) -> str:
        """What tells its file from the others': `"23.976"`, `"29.97df"`."""
        rate = f"{float(self.rate):.3f}".rstrip("0").rstrip(".")
        return f"{rate}df" if self.drop_frame else rate


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
    make = {"otio": _otio_text, "edl": _edl_text, "fcpxml": _fcpxml_text}[format_]
    sheets = [each for each in sheets_of(events, by_count=format_ == "edl") if format_ != "edl" or _has_timecode(each)]
    files = []
    for sheet in sheets:
        file = path if len(sheets) == 1 else path.with_suffix(f".{sheet.suffix}{path.suffix}")
        file.write_text(make(sheet, plain(name)), encoding="utf-8")
        files.append(file)
    held = [event for sheet in sheets for event in sheet.events]
    return Written(tuple(files), tuple(_notes(events, held, format_)))


def sheets_of(events: Iterable[CutEvent], *, by_count: bool = False) -> list[Sheet]:
    """The events by the frame rate of A, in the order of first use.

    Args:
        events: in the order of the timelines.
        by_count: also by the way of counting, and without pairs whose sides differ in rate or count.
    """
    groups: dict[tuple[Fraction, bool], list[CutEvent]] = {}
    for event in events:
        rate, drop = event.a.media.frame_rate, event.a.media.start_count[1]
        if not by_count:
            groups.setdefault((rate, False), []).append(event)
        elif (event.b.media.frame_rate, event.b.media.start_count[1]) == (rate, drop):
            groups.setdefault((rate, drop), []).append(event)
    if by_count:
        return [Sheet(rate, drop, tuple(each)) for (rate, drop), each in groups.items()]
    # A timeline shows drop-frame where all its files do.
    return [
        Sheet(rate, all(side.media.start_count[1] for event in each for side in (event.a, event.b)), tuple(each))
        for (rate, _), each in groups.items()
    ]


def timeline_of(sheet: Sheet, name: str) -> otio.schema.Timeline:
    """The timeline in full: a track of pictures, one of sound, markers, and this project's facts as metadata."""
    return _timeline(sheet, name, float(sheet.rate), lambda media: float(media.frame_rate), with_sound=True)


def _timeline(
    sheet: Sheet, name: str, clock: float, clock_of: Callable[[Media], float], *, with_sound: bool
) -> otio.schema.Timeline:
    """A timeline whose frames pass at `clock` frames per second, and those of a file at `clock_of` it."""
    start = _record_start(sheet)
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


def _record_start(sheet: Sheet) -> int:
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


def _notes(events: Sequence[CutEvent], held: Sequence[CutEvent], format_: Format) -> Iterator[str]:
    """What was conformed, left out or laid out at a nominal rate."""
    kept = {id(event) for event in held}
    left_out = [event for event in events if id(event) not in kept]
    if left_out:
        yield (
            f"{_counted(left_out)} left out: an EDL holds one frame rate and one way of counting timecode, and their "
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


# --- OTIO ---


def _otio_text(sheet: Sheet, name: str) -> str:
    return str(otio.adapters.write_to_string(timeline_of(sheet, name), "otio_json"))


# --- EDL ---


def edl_text(timeline: otio.schema.Timeline, clock: float, *, drop_frame: bool) -> str:
    """CMX 3600 by the adapter, and the line that says how timecode counts, which the adapter leaves out.

    Args:
        timeline: one track of pictures whose times are counted at `clock`.
        clock: the exact rate where timecode is drop-frame, else the frames that a second of timecode has: the
            adapter writes drop-frame wherever the rate has one.
        drop_frame: what the line says.
    """
    text = str(otio.adapters.write_to_string(timeline, "cmx_3600", rate=clock, reelname_len=None))
    header = f"FCM: {'DROP FRAME' if drop_frame else 'NON-DROP FRAME'}"
    title, _, rest = text.partition("\n\n")
    return f"{title}\n{header}\n\n{rest}"


def _edl_text(sheet: Sheet, name: str) -> str:
    clock = edl_clock(sheet)
    timeline = _timeline(sheet, name, clock, lambda _: clock, with_sound=False)
    track = timeline.tracks[0]
    # The adapter takes the record timecode of the first event from the track's own start, and reads it back so.
    start = otio.opentime.RationalTime(-_record_start(sheet), clock)
    track.source_range = otio.opentime.TimeRange(start, track.duration())
    media = {side.media.url: side.media for event in sheet.events for side in (event.a, event.b)}
    reels = reel_names((each.name, url) for url, each in media.items())
    for clip in track.find_clips():
        url = clip.media_reference.target_url
        # As a comment: the adapter's own line for it, FROM CLIP, makes Premiere forget the clip's name.
        comments = [f"{SOURCE_COMMENT}: {url}"]
        if sheet.drop_frame:
            # The adapter writes a drop-frame locator and does not read it; a comment is read as well.
            comments += [f"COMMENT: {marker.name}" for marker in clip.markers]
            clip.markers.clear()
        clip.metadata["cmx_3600"] = {"reel": reels[url], "comments": comments}
        clip.media_reference = otio.schema.MissingReference()
    return edl_text(timeline, clock, drop_frame=sheet.drop_frame)


def edl_clock(sheet: Sheet) -> float:
    """At how many frames per second an EDL's times are to be read and written."""
    return float(sheet.rate) if sheet.drop_frame else float(frames_counted_per_second(sheet.rate))


def _has_timecode(sheet: Sheet) -> bool:
    return bool(otio.opentime.RationalTime(0, edl_clock(sheet)).is_smpte_timecode_rate(edl_clock(sheet)))


def reel_names(files: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A reel name for each file: eight capitals and digits, no two alike.

    Args:
        files: (file name, URL).

    Returns:
        Names by URL, from the file names' stems; a number replaces the end where two would be alike.
    """
    reels: dict[str, str] = {}
    for name, url in files:
        stem = re.sub(r"[^A-Z0-9]", "", Path(name).stem.upper())[:REEL_LENGTH] or "REEL"
        reel, number = stem, 1
        while reel in reels.values():
            number += 1
            reel = f"{stem[: REEL_LENGTH - len(str(number))]}{number}"
        reels[url] = reel
    return reels


# --- FCPXML ---


def _fcpxml_text(sheet: Sheet, name: str) -> str:
    """FCPXML by the adapter, with what it gets wrong put right.

    As of version 1.0 it knows only rates that are rounded to two digits, places a clip without regard for its file's
    start timecode, cannot have quotes in names, and asks an ffprobe from the path about every file. It therefore gets
    names and addresses that stand for the real ones, and formats and clips are completed here.
    """
    timeline = _timeline(sheet, name, float(sheet.rate), lambda media: float(media.frame_rate), with_sound=False)
    media = {side.media.url: side.media for event in sheet.events for side in (event.a, event.b)}
    tokens = {url: f"media-{number}" for number, url in enumerate(media)}
    for clip in timeline.find_clips():
        token = tokens[clip.media_reference.target_url]
        clip.name = clip.media_reference.name = clip.media_reference.target_url = token
    written = otio.adapters.write_to_string(timeline, "fcpx_xml")
    root = ElementTree.fromstring(written)
    _complete(root, sheet, {tokens[url]: each for url, each in media.items()})
    ElementTree.indent(root, "    ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _complete(root: ElementTree.Element, sheet: Sheet, media: Mapping[str, Media]) -> None:
    """Put rates, addresses, names and start timecodes right, in place."""
    resources = _only(root, "resources")
    for format_ in resources.findall("format"):
        resources.remove(format_)
    kinds = dict.fromkeys([_kind(sheet.events[0].a.media), *map(_kind, media.values())])
    formats = {kind: f"f{number}" for number, kind in enumerate(kinds)}
    for place, ((rate, width, height), name) in enumerate(formats.items()):
        facts = {"id": name, "frameDuration": _seconds(1 / rate), "width": str(width), "height": str(height)}
        resources.insert(place, ElementTree.Element("format", facts))
    assets = {}
    for asset in resources.findall("asset"):
        each = assets[asset.attrib["id"]] = media[asset.attrib["src"]]
        asset.attrib |= {"name": plain(each.name), "src": each.url, "format": formats[_kind(each)]}
        asset.attrib |= {"hasVideo": "1", "hasAudio": str(int(each.has_sound))}
        asset.attrib |= {"start": _seconds(each.start_count[0] / each.frame_rate)}
    for clip in root.findall("asset-clip"):
        root.remove(clip)  # the adapter's bin of clips; the timeline is what is wanted
    _only(root, "project").attrib.pop("uid", None)
    sequence = _only(root, "project/sequence")
    start = _seconds(_record_start(sheet) / sheet.rate)
    sequence.attrib |= {"format": next(iter(formats.values())), "tcStart": start}
    sequence.attrib |= {"tcFormat": _counting(drop_frame=sheet.drop_frame)}
    for clip in _only(sequence, "spine").findall("clip"):
        video = _only(clip, "video")
        each = assets[video.attrib["ref"]]
        clip.remove(video)
        clip.tag, clip.text = "asset-clip", None
        clip.attrib |= {"name": plain(each.name), "ref": video.attrib["ref"]}
        clip.attrib |= {"format": formats[_kind(each)]}
        clip.attrib |= {"tcFormat": _counting(drop_frame=each.start_count[1])}
        if each.frame_rate != sheet.rate:
            clip.insert(0, ElementTree.Element("conform-rate", {"scaleEnabled": "0"}))


def _kind(media: Media) -> tuple[Fraction, int, int]:
    """What FCPXML calls a format: rate and size."""
    record = media.timing.record
    return media.frame_rate, record.source_width, record.source_height


def _only(parent: ElementTree.Element, path: str) -> ElementTree.Element:
    found = parent.findall(path)
    if len(found) != 1:
        raise RuntimeError(f"the FCPXML adapter wrote {len(found)} of {path} in {parent.tag}, one was expected")
    return found[0]


def _counting(*, drop_frame: bool) -> str:
    return "DF" if drop_frame else "NDF"


def _seconds(value: Fraction) -> str:
    """FCPXML's rational seconds: `"1001/24000s"`, `"3600s"`."""
    value = Fraction(value)
    return f"{value.numerator}s" if value.denominator == 1 else f"{value.numerator}/{value.denominator}s"
