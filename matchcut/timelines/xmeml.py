"""FCP 7 XML (xmeml 4), which Premiere and Resolve read.

As of version 1.0 the adapter takes a file's timecode for non-drop whatever it is, counts markers from midnight instead
of the file's first frame, leaves the sequence without picture size, writes a sound clip that equals a picture clip as a
reference to it, and does not say which belong together. It gets clips of names that are all different, and what it
writes is completed here.
"""

from xml.etree import ElementTree

import opentimelineio as otio

from matchcut.cut_events import Media, plain
from matchcut.timecode import format_timecode, frames_counted_per_second
from matchcut.timelines.document import document, only
from matchcut.timelines.sheet import Sheet, record_start, timeline_of

_KINDS = ("video", "audio")


def xmeml_of(sheet: Sheet, name: str) -> str:
    """The XML of a sheet of one rate.

    Args:
        sheet: whose rate has timecode.
        name: of the timeline, one line of plain text.
    """
    timeline = timeline_of(sheet, name)
    for number, clip in enumerate(timeline.find_clips()):
        clip.name = f"clip {number}"
    root = ElementTree.fromstring(otio.adapters.write_to_string(timeline, "fcp_xml"))
    (sequence,) = root.iter("sequence")
    _complete_sequence(sequence, sheet)
    files = {file.attrib["id"]: sheet.media[_text(file, "pathurl")] for file in root.iter("file") if len(file)}
    for file in root.iter("file"):
        if len(file):
            _complete_file(file, files[file.attrib["id"]])
    for kind in _KINDS:
        for clip in sequence.findall(f"media/{kind}/track/clipitem"):
            _complete_clip(clip, files[only(clip, "file").attrib["id"]], kind)
    _link(sequence)
    return document(root)


def _complete_sequence(sequence: ElementTree.Element, sheet: Sheet) -> None:
    _replace_timecode(sequence, record_start(sheet), sheet.events[0].a.media, drop_frame=sheet.drop_frame)
    only(sequence, "media/video/format").append(_picture(sheet.events[0].a.media))


def _complete_file(file: ElementTree.Element, media: Media) -> None:
    only(file, "name").text = plain(media.name)
    first, drop_frame = media.start_count
    _replace_timecode(file, first, media, drop_frame=drop_frame)
    only(file, "media/video").append(_picture(media))
    if not media.has_sound:
        for sound in file.findall("media/audio"):
            only(file, "media").remove(sound)


def _complete_clip(clip: ElementTree.Element, media: Media, kind: str) -> None:
    only(clip, "name").text = plain(media.name)
    for double in clip.findall("rate")[1:]:
        clip.remove(double)
    only(clip, "duration").text = str(media.num_positions)
    for place in (each for name in ("in", "out") for each in clip.findall(f"marker/{name}")):
        place.text = str(int(place.text or 0) - media.start_count[0])
    if kind == "audio":
        track = ElementTree.SubElement(clip, "sourcetrack")
        _add(track, mediatype="audio", trackindex="1")


def _link(sequence: ElementTree.Element) -> None:
    """Tell which picture and which sound belong together: those that begin at the same frame."""
    by_start: dict[str, dict[str, tuple[str, str]]] = {}
    for kind in _KINDS:
        for number, clip in enumerate(sequence.findall(f"media/{kind}/track/clipitem"), start=1):
            by_start.setdefault(_text(clip, "start"), {})[kind] = clip.attrib["id"], str(number)
    for kind in _KINDS:
        for clip in sequence.findall(f"media/{kind}/track/clipitem"):
            linked = by_start[_text(clip, "start")]
            for other, (id_, index) in linked.items() if len(linked) > 1 else ():
                link = ElementTree.SubElement(clip, "link")
                _add(link, linkclipref=id_, mediatype=other, trackindex="1", clipindex=index)


def _replace_timecode(parent: ElementTree.Element, first: int, media: Media, *, drop_frame: bool) -> None:
    """Say that frame 0 has the timecode that counts `first` frames."""
    for wrong in parent.findall("timecode"):
        parent.remove(wrong)
    timecode = ElementTree.SubElement(parent, "timecode")
    timecode.append(_rate(media))
    text = format_timecode(first, media.frame_rate, drop_frame=drop_frame)
    _add(timecode, string=text, frame=str(first), displayformat="DF" if drop_frame else "NDF")


def _rate(media: Media) -> ElementTree.Element:
    rate, counted = ElementTree.Element("rate"), frames_counted_per_second(media.frame_rate)
    _add(rate, timebase=str(counted), ntsc="FALSE" if media.frame_rate == counted else "TRUE")
    return rate


def _picture(media: Media) -> ElementTree.Element:
    record = media.timing.record
    characteristics = ElementTree.Element("samplecharacteristics")
    characteristics.append(_rate(media))
    size = {"width": str(record.source_width), "height": str(record.source_height)}
    _add(characteristics, **size, pixelaspectratio="square", fielddominance="none")
    return characteristics


def _add(parent: ElementTree.Element, **texts: str) -> None:
    for tag, text in texts.items():
        ElementTree.SubElement(parent, tag).text = text


def _text(parent: ElementTree.Element, path: str) -> str:
    return only(parent, path).text or ""
