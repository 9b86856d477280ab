"""EDL (CMX 3600): the oldest format, which every program reads.

It knows no rate and one way of counting, so that each holds pairs of one rate, and of drop-frame or non-drop alone.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import opentimelineio as otio

from matchcut.timecode import frames_counted_per_second
from matchcut.timelines.sheet import Sheet, record_start, timeline_at

REEL_LENGTH = 8  # CMX 3600
SOURCE_COMMENT = "SOURCE FILE"


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


def edl_of(sheet: Sheet, name: str) -> str:
    """The EDL of a sheet of one way of counting; the source's address stands in a comment.

    Args:
        sheet: whose rate has timecode.
        name: of the timeline, one line of plain text.
    """
    clock = edl_clock(sheet)
    timeline = timeline_at(sheet, name, clock, lambda _: clock, with_sound=False)
    track = timeline.tracks[0]
    # The adapter takes the record timecode of the first event from the track's own start, and reads it back so.
    start = otio.opentime.RationalTime(-record_start(sheet), clock)
    track.source_range = otio.opentime.TimeRange(start, track.duration())
    reels = reel_names((each.name, url) for url, each in sheet.media.items())
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
