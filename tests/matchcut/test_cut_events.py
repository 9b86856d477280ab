import re
from fractions import Fraction

import numpy as np
import pytest

from matchcut.cut_events import CutEvent, Media, Side, event_rows, events_of, plain
from matchcut.top_k import Candidate, TitleShots
from tests.encodes import encode_record


def record_of(rate=Fraction(25), timecode=None, num_frames=1000, *, variable=False, time_base=None):
    return encode_record(
        num_frames,
        Fraction(rate),
        size=(640, 360),
        source_width=1920,
        source_height=1080,
        crop=(0, 0, 1920, 1080),
        is_variable_rate=variable,
        time_base=time_base or 1 / Fraction(rate),
        start_timecode=timecode,
    )


def timing_of(record, ticks=None):
    """The times of a title without its pictures: `TitleShots` answers as `Proxy` does."""
    none = np.zeros(0, np.int64)
    return TitleShots(record, none, none, none.astype(bool), none, ticks)


def media_of(title="film", rate=Fraction(25), timecode=None, *, url=None, has_sound=False, name=None, **changes):
    timing = timing_of(record_of(rate, timecode, **changes))
    return Media(title, name or f"{title}.mov", url or f"file:///films/{title}.mov", timing, has_sound)


def candidate_of(rank=1, a=("film", 100, 60, 160), b=("film", 500, 500, 590), score=0.83, flavor="frame_match"):
    """A cut out of (title, last frame, shot's start, shot's stop) into (title, first frame, start, stop)."""
    return Candidate(
        rank=rank,
        flavor=flavor,
        score=score,
        title_a=a[0],
        shot_a=3,
        frame_a=a[1],
        timecode_a="",
        title_b=b[0],
        shot_b=7,
        frame_b=b[1],
        timecode_b="",
        cues={"iou": 0.9, "look": 0.4},
        start_frame_a=a[2],
        stop_frame_a=a[3],
        start_frame_b=b[2],
        stop_frame_b=b[3],
    )


def events(candidates, media, seconds=2.0):
    return events_of(
        candidates, media, flavor="Frame match", words=lambda each: "same pose, other place", seconds=seconds
    )


def ranges(event: CutEvent):
    return (event.a.start_frame, event.a.stop_frame), (event.b.start_frame, event.b.stop_frame)


def test_a_ends_with_its_last_frame_and_b_begins_with_its_first():
    (event,) = events([candidate_of()], {"film": media_of()}, seconds=1)
    assert ranges(event) == ((76, 101), (500, 525))


def test_no_more_is_shown_than_the_shot_has():
    (event,) = events([candidate_of(a=("film", 100, 95, 160), b=("film", 500, 500, 503))], {"film": media_of()})
    assert ranges(event) == ((95, 101), (500, 503))


def test_at_least_one_frame_is_shown_of_either_side():
    (event,) = events([candidate_of()], {"film": media_of()}, seconds=0.001)
    assert ranges(event) == ((100, 101), (500, 501))


def test_two_seconds_at_23_976_are_47_whole_frames():
    (event,) = events([candidate_of()], {"film": media_of(rate=Fraction(24000, 1001))})
    assert ranges(event) == ((60, 101), (500, 547))  # the shot of A is shorter


def test_a_variable_rate_is_measured_by_its_times():
    ticks = np.cumsum([0, *([10, 30] * 500)])[:1000]  # 20 ms on average
    record = record_of(50, num_frames=1000, variable=True, time_base=Fraction(1, 1000))
    media = Media("film", "film.mp4", "film.mp4", timing_of(record, ticks))
    (event,) = events([candidate_of()], {"film": media}, seconds=0.2)
    assert ranges(event) == ((91, 101), (500, 510))
    assert event.a.seconds == Fraction(200, 1000) - Fraction(10, 1000) + Fraction(10, 1000)
    assert event.b.positions == (500, 510)
    assert media.position(501) == 501  # at 10.01 s, nearest to 500.5


def test_frames_that_the_file_does_not_have_are_refused():
    with pytest.raises(ValueError, match=re.escape("film: frames 990 to 1001 are no range of its 1000 frames")):
        Side(media_of(), 0, 990, 1001)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a\nb\t c", "a b c"), ("\u202egnp.exe", "gnp.exe"), ("x\udcffy", "x?y"), ("Ünïcode’s", "Ünïcode’s")],
)
def test_names_become_one_plain_line(name, shown):
    assert plain(name) == shown


def test_rows_tell_exclusive_out_points_and_timecodes():
    media = {"film": media_of(rate=Fraction(30000, 1001), timecode="01:00:00;00", num_frames=4000)}
    candidate = candidate_of(a=("film", 1797, 1790, 1900), b=("film", 1800, 1800, 1804))
    (row,) = event_rows(events([candidate], media))
    assert (row["a_start_frame"], row["a_stop_frame"]) == (1790, 1798)
    assert (row["a_start_timecode"], row["a_stop_timecode"]) == ("01:00:59;20", "01:00:59;28")
    assert row["b_start_timecode"] == "01:01:00;02"  # drop-frame skips :00 and :01
    assert row["a_frame_rate"] == "30000/1001"
    assert row["words"] == "same pose, other place"
    assert row["iou"] == 0.9
