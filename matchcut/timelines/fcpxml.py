"""FCPXML 1.8, for Final Cut Pro and Resolve."""

from collections.abc import Mapping
from fractions import Fraction
from xml.etree import ElementTree

import opentimelineio as otio

from matchcut.cut_events import Media, plain
from matchcut.timelines.document import document, only
from matchcut.timelines.sheet import Sheet, record_start, timeline_at


def fcpxml_of(sheet: Sheet, name: str) -> str:
    """FCPXML by the adapter, with what it gets wrong put right.

    As of version 1.0 it knows only rates that are rounded to two digits, places a clip without regard for its file's
    start timecode, cannot have quotes in names, and asks an ffprobe from the path about every file. It therefore gets
    names and addresses that stand for the real ones, and formats and clips are completed here.
    """
    timeline = timeline_at(sheet, name, float(sheet.rate), lambda media: float(media.frame_rate), with_sound=False)
    media = sheet.media
    tokens = {url: f"media-{number}" for number, url in enumerate(media)}
    for clip in timeline.find_clips():
        token = tokens[clip.media_reference.target_url]
        clip.name = clip.media_reference.name = clip.media_reference.target_url = token
    written = otio.adapters.write_to_string(timeline, "fcpx_xml")
    root = ElementTree.fromstring(written)
    _complete(root, sheet, {tokens[url]: each for url, each in media.items()})
    return document(root)


def _complete(root: ElementTree.Element, sheet: Sheet, media: Mapping[str, Media]) -> None:
    """Put rates, addresses, names and start timecodes right, in place."""
    resources = only(root, "resources")
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
    only(root, "project").attrib.pop("uid", None)
    sequence = only(root, "project/sequence")
    start = record_start(sheet) / sheet.rate
    sequence.attrib |= {"format": next(iter(formats.values())), "tcStart": _seconds(start)}
    sequence.attrib |= {"tcFormat": _counting(drop_frame=sheet.drop_frame)}
    for item in only(sequence, "spine"):
        # An offset counts from where the timeline's timecode does: at 0 it would lie an hour before the beginning.
        item.attrib["offset"] = _seconds(start + Fraction(item.attrib["offset"].removesuffix("s")))
    for clip in only(sequence, "spine").findall("clip"):
        video = only(clip, "video")
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


def _counting(*, drop_frame: bool) -> str:
    return "DF" if drop_frame else "NDF"


def _seconds(value: Fraction) -> str:
    """FCPXML's rational seconds: `"1001/24000s"`, `"3600s"`."""
    value = Fraction(value)
    return f"{value.numerator}s" if value.denominator == 1 else f"{value.numerator}/{value.denominator}s"
