"""AAF, for Avid Media Composer: clips that are linked to the original files.

The adapter counts every source of a rate like 23.976 as drop-frame, every timeline as non-drop and one of 50 frames
per second at 60; all of it is put right in the file that it wrote. It writes no markers.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio

from matchcut.cut_events import Media
from matchcut.timecode import frames_counted_per_second
from matchcut.timelines.sheet import Sheet, timeline_of

# SMPTE 330M, a basic UMID: the label of one that names material by a hash, then 16 bytes of that.
_UMID = "urn:smpte:umid:060a2b34.01010105.01010f20.13000000"


def write_aaf(sheet: Sheet, name: str, path: Path) -> None:
    """Write the AAF of a sheet of one rate.

    Args:
        sheet: whose rate has timecode.
        name: of the timeline, one line of plain text.
        path: of the file.
    """
    timeline = timeline_of(sheet, name)
    media = sheet.media
    for track in timeline.tracks:
        for clip in track.find_clips():
            each = media[clip.media_reference.target_url]
            # Clips of one file are of one master clip, which is relinked once.
            facts = clip.media_reference.metadata["AAF"] = {"MobID": _mob_id(each)}
            if track.kind == otio.schema.TrackKind.Video:
                clip.media_reference.metadata["AAF"] = {**facts, "EssenceDescription": _description(each)}
    otio.adapters.write_to_file(timeline, str(path), "AAF")
    _count_right(path, sheet)


def _mob_id(media: Media) -> str:
    digest = hashlib.sha256(media.url.encode()).hexdigest()[:32]
    return ".".join([_UMID, *(digest[place : place + 8] for place in range(0, 32, 8))])


def _description(media: Media) -> dict[str, object]:
    record = media.timing.record
    width, height = record.source_width, record.source_height
    return {"StoredWidth": width, "StoredHeight": height, "ImageAspectRatio": f"{width}/{height}"}


def _count_right(path: Path, sheet: Sheet) -> None:
    """Say how each timecode counts, in the written file."""
    import aaf2

    with aaf2.open(str(path), "rw") as file:
        for mob in file.content.compositionmobs():
            for timecode in _timecodes(mob):
                timecode.fps, timecode.drop = frames_counted_per_second(sheet.rate), sheet.drop_frame
        for mob in file.content.sourcemobs():
            for timecode in _timecodes(mob):
                (locator,) = mob.descriptor["Locator"].value
                timecode.drop = sheet.media[locator["URLString"].value].start_count[1]


def _timecodes(mob: Any) -> Iterator[Any]:
    from aaf2.components import Timecode

    return (slot.segment for slot in mob.slots if isinstance(slot.segment, Timecode))
