"""What editing programs are handed, read back by OpenTimelineIO and compared frame by frame."""

import re
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchcut.cut_events import Media
from matchcut.timecode import parse_timecode
from matchcut.timelines import SUFFIXES, write_timelines
from matchcut.timelines.edl import edl_clock, edl_text, reel_names
from matchcut.timelines.sheet import sheets_of
from tests.matchcut.test_cut_events import candidate_of, events, media_of, record_of, timing_of

FILM, PAL, VIDEO, HFR = Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001)
HOSTILE = 'O\'Brien "<script>"\n002  AX V C 00:00:00:00 ]]>&.mov'
TIMECODES = [
    (FILM, None),
    (FILM, "01:00:00:00"),
    (PAL, "10:00:00:00"),
    (VIDEO, "01:00:00;00"),
    (VIDEO, "01:00:00:00"),
    (HFR, "00:59:58;00"),
    (Fraction(50), None),
]


def shown(event):
    """The four frame numbers that matter: in and exclusive out of both sides."""
    return [frame for side in (event.a, event.b) for frame in (side.start_frame, side.stop_frame)]


def frames_in(timeline):
    """The same four numbers for each pair of clips on the first track of a timeline that was read back."""
    clips = timeline.tracks[0].find_clips()
    found = []
    for clip in clips:
        first = clip.media_reference.available_range.start_time
        start = clip.source_range.start_time - first
        stop = clip.source_range.end_time_exclusive() - first
        assert start.value == int(start.value)
        assert stop.value == int(stop.value)
        found += [int(start.value), int(stop.value)]
    return [found[i : i + 4] for i in range(0, len(found), 4)]


def some(media, count=3):
    return events([candidate_of(rank + 1, a=("film", 100 + rank, 60, 160)) for rank in range(count)], media)


def write(tmp_path, several, format_, **changes):
    return write_timelines(several, tmp_path / f"cuts{SUFFIXES[format_]}", format_, **changes)


@pytest.mark.parametrize(("rate", "timecode"), TIMECODES)
def test_otio_read_back_has_the_same_frames(tmp_path, rate, timecode):
    several = some({"film": media_of(rate=rate, timecode=timecode, has_sound=True)})
    written = write(tmp_path, several, "otio")
    assert written.files == (tmp_path / "cuts.otio",)
    assert written.notes == ()
    timeline = otio.adapters.read_from_file(str(written.files[0]))
    assert frames_in(timeline) == [shown(event) for event in several]
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio"]
    assert timeline.tracks[0].duration() == timeline.tracks[1].duration()
    clip = next(iter(timeline.find_clips()))
    assert Fraction(clip.source_range.start_time.rate).limit_denominator(2000) == rate
    assert clip.source_range.start_time.rate == float(rate)  # the double nearest to the rational
    assert clip.metadata["matchcut"]["frame_rate"] == str(rate)
    assert clip.media_reference.available_range.duration.value == 1000
    assert clip.media_reference.target_url == "file:///films/film.mov"


def test_every_time_in_an_otio_file_is_a_whole_frame(tmp_path):
    media = {"film": media_of(rate=FILM, timecode="01:00:00:00"), "other": media_of("other", PAL)}
    mixed = events([candidate_of(b=("other", 500, 500, 590))], media)
    text = write(tmp_path, mixed, "otio").files[0].read_text()
    values = re.findall(r'"value": ([0-9.]+)', text)
    assert values
    assert all(float(value).is_integer() for value in values)


def test_a_marker_says_rank_score_and_why(tmp_path):
    written = write(tmp_path, some({"film": media_of()}), "otio")
    timeline = otio.adapters.read_from_file(str(written.files[0]))
    clips = timeline.find_clips()
    assert [len(clip.markers) for clip in clips] == [0, 1] * 3
    marker = clips[1].markers[0]
    assert marker.name == "1. Frame match 0.83: same pose, other place"
    assert marker.marked_range.start_time == clips[1].source_range.start_time
    assert marker.metadata["matchcut"]["cues"]["iou"] == 0.9


def test_both_sides_have_handles(tmp_path):
    timeline = otio.adapters.read_from_file(str(write(tmp_path, some({"film": media_of()}), "otio").files[0]))
    a, b = timeline.find_clips()[:2]
    assert a.available_range().end_time_exclusive() > a.source_range.end_time_exclusive()
    assert b.available_range().start_time < b.source_range.start_time


def test_pairs_of_unlike_rates_begin_on_their_exact_frame_and_are_said_to_be_conformed(tmp_path):
    media = {"film": media_of(rate=FILM), "other": media_of("other", PAL, "10:00:00:00")}
    several = events([candidate_of(1), candidate_of(2, b=("other", 500, 500, 590))], media)
    written = write(tmp_path, several, "otio")
    assert len(written.files) == 1
    assert written.notes == (
        "1 pair (Frame match 2) conformed to the rate of A: B begins on its exact frame and plays in real time.",
    )
    clip = otio.adapters.read_from_file(str(written.files[0])).find_clips()[3]
    first = parse_timecode("10:00:00:00", PAL)
    assert clip.source_range.start_time == otio.opentime.RationalTime(first + 500, 25)
    assert clip.source_range.duration == otio.opentime.RationalTime(47, float(FILM))  # 50 frames of 25 are 47.95


def test_there_is_one_timeline_for_each_rate_of_a(tmp_path):
    media = {"film": media_of(rate=FILM), "other": media_of("other", PAL)}
    several = events([candidate_of(1), candidate_of(2, a=("other", 100, 60, 160))], media)
    written = write(tmp_path, several, "otio")
    assert [path.name for path in written.files] == ["cuts.23.976.otio", "cuts.25.otio"]


def test_a_variable_rate_is_laid_out_at_its_nominal_one_and_said_so(tmp_path):
    ticks = np.cumsum([0, *([33, 34, 66] * 400)])[:1000]
    record = record_of(VIDEO, variable=True, time_base=Fraction(1, 1000))
    media = {"film": Media("film", "phone.mp4", "phone.mp4", timing_of(record, ticks))}
    (event,) = events([candidate_of()], media)
    written = write(tmp_path, [event], "otio")
    assert written.notes == ("film: variable frame rate; laid out at the nominal rate, frames found by their time.",)
    ((a_in, a_out, b_in, b_out),) = frames_in(otio.adapters.read_from_file(str(written.files[0])))
    assert b_in == round(float(ticks[500]) / 1000 * 30000 / 1001)
    assert a_out == round(float(ticks[101]) / 1000 * 30000 / 1001)
    assert a_in < a_out
    assert b_in < b_out


# --- EDL ---


def read_edl(text, sheet):
    return otio.adapters.read_from_string(text, "cmx_3600", rate=edl_clock(sheet))


def edl_of(tmp_path, several):
    written = write(tmp_path, several, "edl")
    return written.files[0].read_text()


@pytest.mark.parametrize(("rate", "timecode"), TIMECODES)
def test_edl_read_back_has_the_same_frames(tmp_path, rate, timecode):
    several = some({"film": media_of(rate=rate, timecode=timecode)})
    (sheet,) = sheets_of(several, "one count")
    text = edl_of(tmp_path, several)
    first = several[0].a.media.start_count[0]
    found = [
        [int(clip.source_range.start_time.value) - first, int(clip.source_range.end_time_exclusive().value) - first]
        for clip in read_edl(text, sheet).find_clips()
    ]
    assert [a + b for a, b in zip(found[::2], found[1::2], strict=True)] == [shown(event) for event in several]


@pytest.mark.parametrize(("rate", "timecode"), TIMECODES)
def test_an_edl_is_unchanged_by_reading_and_writing(tmp_path, rate, timecode):
    several = some({"film": media_of(rate=rate, timecode=timecode, name=HOSTILE)})
    (sheet,) = sheets_of(several, "one count")
    text = edl_of(tmp_path, several)
    again = edl_text(read_edl(text, sheet), edl_clock(sheet), drop_frame=sheet.drop_frame)
    assert again == text


def test_an_edl_by_eye(tmp_path):
    several = some({"film": media_of(rate=VIDEO, timecode="01:00:00;00")}, count=1)
    assert edl_of(tmp_path, several).splitlines() == [
        "TITLE: match cuts",
        "FCM: DROP FRAME",
        "",
        "001  FILM     V     C        01:00:02;00 01:00:03;11 01:00:00;00 01:00:01;11",
        "* FROM CLIP NAME:  film.mov",
        "* SOURCE FILE: file:///films/film.mov",
        "002  FILM     V     C        01:00:16;20 01:00:18;19 01:00:01;11 01:00:03;10",
        "* FROM CLIP NAME:  film.mov",
        "* SOURCE FILE: file:///films/film.mov",
        "* COMMENT: 1. Frame match 0.83: same pose, other place",
    ]


def test_non_drop_at_29_97_stays_non_drop(tmp_path):
    text = edl_of(tmp_path, some({"film": media_of(rate=VIDEO, timecode="01:00:00:00")}, count=1))
    assert "FCM: NON-DROP FRAME" in text
    assert "01:00:02:00 01:00:03:11" in text
    assert "* LOC: 01:00:16:20 CYAN    1. FRAME MATCH 0.83: SAME POSE, OTHER PLACE" in text
    assert ";" not in text


def test_an_edl_leaves_out_what_it_cannot_hold_and_says_so(tmp_path):
    media = {"film": media_of(rate=FILM), "other": media_of("other", PAL)}
    several = events([candidate_of(1), candidate_of(2, b=("other", 500, 500, 590))], media)
    written = write(tmp_path, several, "edl")
    assert len(written.files) == 1
    assert written.notes[0].startswith("1 pair (Frame match 2) left out: edl holds one frame rate and one way of")
    odd = write(tmp_path, some({"film": media_of(rate=Fraction(25, 2))}), "edl")
    assert odd.files == ()
    assert odd.notes[0].startswith("3 pairs")


def test_drop_and_non_drop_files_have_edls_of_their_own(tmp_path):
    media = {"film": media_of(rate=VIDEO), "other": media_of("other", VIDEO, "00:00:00;00")}
    several = events([candidate_of(1), candidate_of(2, a=("other", 9, 0, 20), b=("other", 500, 500, 590))], media)
    names = [path.name for path in write(tmp_path, several, "edl").files]
    assert names == ["cuts.29.97.edl", "cuts.29.97df.edl"]


def test_reel_names_are_short_and_different():
    reels = reel_names([("A001_C002.mov", "1"), ("a001c002 (1).mov", "2"), ("A001C00299.mov", "3"), ("日本.mov", "4")])
    assert list(reels.values()) == ["A001C002", "A001C003", "A001C004", "REEL"]


# --- FCPXML ---


def exact(seconds):
    return Fraction(seconds.removesuffix("s"))


@pytest.mark.parametrize(("rate", "timecode"), TIMECODES)
def test_fcpxml_has_the_same_frames_exactly(tmp_path, rate, timecode):
    several = some({"film": media_of(rate=rate, timecode=timecode, name=HOSTILE, has_sound=True)})
    root = ElementTree.parse(write(tmp_path, several, "fcpxml").files[0]).getroot()
    (asset,) = root.findall("resources/asset")
    assert (asset.attrib["src"], asset.attrib["hasAudio"]) == ("file:///films/film.mov", "1")
    formats = {each.attrib["id"]: each for each in root.findall("resources/format")}
    format_ = formats[asset.attrib["format"]].attrib
    assert exact(format_["frameDuration"]) == 1 / rate
    assert (format_["width"], format_["height"]) == ("1920", "1080")
    begin = position = exact(root.find("project/sequence").attrib["tcStart"])
    assert abs(position - 3600) < 4
    found = []
    for item in root.find("project/sequence/spine"):
        assert exact(item.attrib["offset"]) == position
        position += exact(item.attrib["duration"])
        if item.tag == "asset-clip":
            start = (exact(item.attrib["start"]) if "start" in item.attrib else 0) - exact(asset.attrib["start"])
            found.append([start * rate, (start + exact(item.attrib["duration"])) * rate])
    assert [a + b for a, b in zip(found[::2], found[1::2], strict=True)] == [shown(event) for event in several]
    assert exact(root.find("project/sequence").attrib["duration"]) == position - begin
    markers = list(root.iter("marker"))
    assert [each.attrib["value"].split(".")[0] for each in markers] == ["1", "2", "3"]
    drop = "DF" if timecode and ";" in timecode else "NDF"
    assert root.find("project/sequence").attrib["tcFormat"] == drop


def test_fcpxml_conforms_what_has_another_rate(tmp_path):
    media = {"film": media_of(rate=FILM), "other": media_of("other", PAL, "10:00:00:00")}
    mixed = events([candidate_of(b=("other", 500, 500, 590))], media)
    root = ElementTree.parse(write(tmp_path, mixed, "fcpxml").files[0]).getroot()
    a, b = root.findall("project/sequence/spine/asset-clip")
    assert a.find("conform-rate") is None
    assert b[0].tag == "conform-rate"
    assert exact(b.attrib["start"]) == 36000 + Fraction(500, 25)
    assert len({a.attrib["format"], b.attrib["format"]}) == 2


FCPXML_CHILDREN = {
    "fcpxml": ["resources", "project"],
    "resources": ["format", "asset"],
    "project": ["sequence"],
    "sequence": ["spine"],
    "spine": ["asset-clip", "gap"],
    "asset-clip": ["conform-rate", "marker"],
}
FCPXML_ATTRIBUTES = {
    "fcpxml": "version",
    "format": "id frameDuration width height",
    "asset": "id name src start duration hasVideo hasAudio format",
    "project": "name",
    "sequence": "format duration tcStart tcFormat",
    "asset-clip": "ref offset name start duration format tcFormat",
    "gap": "name offset start duration",
    "conform-rate": "scaleEnabled",
    "marker": "start duration value",
}


def test_fcpxml_is_built_as_the_published_definition_wants_it(tmp_path):
    """Elements, their order and their attributes, as far as they are used, of Apple's DTD for FCPXML."""
    media = {
        "film": media_of(rate=FILM, has_sound=True),
        "other": media_of("other", PAL, "10:00:00:00"),
    }
    several = events([candidate_of(1), candidate_of(2, b=("other", 500, 500, 590))], media)
    root = ElementTree.parse(write(tmp_path, several, "fcpxml").files[0]).getroot()
    formats, ids = {each.attrib["id"] for each in root.iter("format")}, [each.get("id") for each in root.iter()]
    for element in root.iter():
        order = FCPXML_CHILDREN.get(element.tag, [])
        places = [order.index(child.tag) for child in element]
        assert places == sorted(places) or element.tag == "spine"
        assert set(element.attrib) <= set(FCPXML_ATTRIBUTES.get(element.tag, "").split())
        assert element.attrib.get("format", "f0") in formats
    assert len([each for each in ids if each]) == len({each for each in ids if each})
    assert {clip.attrib["ref"] for clip in root.iter("asset-clip")} == {
        each.attrib["id"] for each in root.iter("asset")
    }


# --- FCP 7 XML ---


def read_xmeml(path):
    return otio.adapters.read_from_file(str(path), "fcp_xml")


@pytest.mark.parametrize(("rate", "timecode"), TIMECODES)
def test_xmeml_read_back_has_the_same_frames(tmp_path, rate, timecode):
    several = some({"film": media_of(rate=rate, timecode=timecode, name=HOSTILE, has_sound=True)})
    (file,) = write(tmp_path, several, "xmeml").files
    assert file.name == "cuts.xml"
    timeline = read_xmeml(file)
    assert frames_in(timeline) == [shown(event) for event in several]
    clips = timeline.find_clips()
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio"]
    assert {clip.media_reference.target_url for clip in clips} == {"file:///films/film.mov"}
    assert {clip.media_reference.available_range.start_time.value for clip in clips} == {
        several[0].a.media.start_count[0]
    }
    assert clips[1].markers[0].name.startswith("1. Frame match 0.83")


@pytest.mark.parametrize(("rate", "timecode"), TIMECODES)
def test_xmeml_counts_and_links_as_programs_do(tmp_path, rate, timecode):
    media = {"film": media_of(rate=rate, timecode=timecode, has_sound=True), "mute": media_of("mute", rate, timecode)}
    several = events([candidate_of(1), candidate_of(2, b=("mute", 500, 500, 590))], media)
    root = ElementTree.parse(write(tmp_path, several, "xmeml").files[0]).getroot()
    drop = "DF" if timecode and ";" in timecode else "NDF"
    timecodes = list(root.iter("timecode"))
    assert [each.findtext("displayformat") for each in timecodes] == [drop] * 3
    begins = [each.findtext("timecode/string") for each in root.iter("file") if len(each)]
    assert begins == [timecode or "00:00:00:00"] * 2
    assert int(root.findtext(".//sequence/timecode/frame")) in (
        parse_timecode("01:00:00:00", rate),
        parse_timecode("01:00:00;00", VIDEO),
        parse_timecode("01:00:00;00", HFR),
    )
    assert root.findtext(".//sequence/rate/timebase") == str(round(rate))
    assert root.findtext(".//sequence/rate/ntsc") == ("TRUE" if rate.denominator == 1001 else "FALSE")
    pictures, sound = (root.findall(f".//sequence/media/{kind}/track/clipitem") for kind in ("video", "audio"))
    assert (len(pictures), len(sound)) == (4, 3)
    ids = [clip.attrib["id"] for clip in (*pictures, *sound)]
    assert len(set(ids)) == 7
    links = [[link.findtext("linkclipref") for link in clip.findall("link")] for clip in pictures]
    assert links == [[ids[0], ids[4]], [ids[1], ids[5]], [ids[2], ids[6]], []]
    assert all(len(clip.findall("rate")) == 1 for clip in (*pictures, *sound))
    assert [int(each.findtext("in")) for each in root.iter("marker")] == [500, 500]
    files = [each for each in root.iter("file") if len(each)]
    assert [each.find("media/audio") is None for each in files] == [False, True]


# --- AAF ---


@pytest.mark.parametrize(("rate", "timecode"), TIMECODES)
def test_aaf_read_back_has_the_same_frames_and_counts_as_the_files_do(tmp_path, rate, timecode):
    import aaf2

    several = some({"film": media_of(rate=rate, timecode=timecode, name=HOSTILE, has_sound=True)}, count=2)
    (file,) = write(tmp_path, several, "aaf").files
    timeline = otio.adapters.read_from_file(str(file))
    assert frames_in(timeline) == [shown(event) for event in several]
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio"]
    clips = timeline.find_clips()
    assert {clip.media_reference.target_url for clip in clips} == {"file:///films/film.mov"}
    is_drop = bool(timecode) and ";" in timecode
    with aaf2.open(str(file)) as content:
        counts = [
            (slot.segment.drop, slot.segment.fps, Fraction(slot.edit_rate))
            for mob in content.content.mobs
            for slot in mob.slots
            if isinstance(slot.segment, aaf2.components.Timecode)
        ]
        masters = list(content.content.mastermobs())
    assert counts == [(is_drop, round(rate), rate)] * 2  # the timeline's and the one source's
    assert len(masters) == 1


@pytest.mark.parametrize("format_", ["xmeml", "aaf"])
def test_formats_of_one_rate_leave_out_mixed_pairs_and_say_so(tmp_path, format_):
    media = {"film": media_of(rate=FILM), "other": media_of("other", PAL)}
    several = events([candidate_of(1), candidate_of(2, b=("other", 500, 500, 590))], media)
    written = write(tmp_path, several, format_)
    assert len(written.files) == 1
    assert written.notes == (
        f"1 pair (Frame match 2) left out: {format_} holds one frame rate, and their sides differ, or their rate has "
        "no timecode. Export them as otio or fcpxml.",
    )


@settings(max_examples=60, deadline=None)
@given(
    rate_and_timecode=st.sampled_from(TIMECODES),
    frame_a=st.integers(0, 999),
    frame_b=st.integers(0, 999),
    seconds=st.floats(0.04, 5),
)
def test_any_cut_survives_every_text_format(tmp_path_factory, rate_and_timecode, frame_a, frame_b, seconds):
    rate, timecode = rate_and_timecode
    folder = tmp_path_factory.mktemp("any")
    candidate = candidate_of(a=("film", frame_a, 0, 1000), b=("film", frame_b, 0, 1000))
    several = events([candidate], {"film": media_of(rate=rate, timecode=timecode)}, seconds)
    (sheet,) = sheets_of(several, "one count")
    assert frames_in(otio.adapters.read_from_file(str(write(folder, several, "otio").files[0]))) == [shown(several[0])]
    text = edl_of(folder, several)
    assert edl_text(read_edl(text, sheet), edl_clock(sheet), drop_frame=sheet.drop_frame) == text
    root = ElementTree.parse(write(folder, several, "fcpxml").files[0]).getroot()
    first = exact(root.find("resources/asset").attrib["start"])
    starts = [exact(clip.get("start", "0s")) - first for clip in root.iter("asset-clip")]
    assert [start * rate for start in starts] == shown(several[0])[::2]
    assert frames_in(read_xmeml(write(folder, several, "xmeml").files[0])) == [shown(several[0])]
