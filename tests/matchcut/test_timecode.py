import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchcut.errors import MatchcutError
from matchcut.timecode import format_timecode, frames_counted_per_second, parse_timecode, timecode_of
from tests.encodes import encode_record

FILM = Fraction(24000, 1001)
NTSC = Fraction(30000, 1001)
NTSC_60 = Fraction(60000, 1001)
RATES = [
    FILM,
    Fraction(24),
    Fraction(25),
    NTSC,
    Fraction(30),
    Fraction(50),
    NTSC_60,
    Fraction(120),
    Fraction(25, 2),
]

RECORD = encode_record()


@pytest.mark.parametrize(
    ("rate", "count"), [(FILM, 24), (NTSC, 30), (NTSC_60, 60), (Fraction(25, 2), 13), (Fraction(1, 10), 1)]
)
def test_a_second_of_timecode_has_the_rounded_number_of_frames(rate, count):
    assert frames_counted_per_second(rate) == count


@pytest.mark.parametrize(
    ("count", "rate", "expected"),
    [
        (0, FILM, "00:00:00:00"),
        (23, FILM, "00:00:00:23"),
        (24, FILM, "00:00:01:00"),
        (86400, FILM, "01:00:00:00"),  # non-drop: an hour of labels, 3.6 s more on the clock
        (1799, NTSC, "00:00:59:29"),
        (1800, NTSC, "00:01:00:00"),
        (119, Fraction(120), "00:00:00:119"),
        (24 * 3600 * 25, Fraction(25), "00:00:00:00"),
    ],
)
def test_non_drop_counts_every_frame(count, rate, expected):
    assert format_timecode(count, rate) == expected


@pytest.mark.parametrize(
    ("count", "rate", "expected"),
    [
        (1799, NTSC, "00:00:59;29"),
        (1800, NTSC, "00:01:00;02"),
        (17981, NTSC, "00:09:59;29"),
        (17982, NTSC, "00:10:00;00"),
        (107892, NTSC, "01:00:00;00"),  # ten minutes are 17982 frames, an hour six times that
        (2589407, NTSC, "23:59:59;29"),
        (2589408, NTSC, "00:00:00;00"),
        (3599, NTSC_60, "00:00:59;59"),
        (3600, NTSC_60, "00:01:00;04"),
        (215784, NTSC_60, "01:00:00;00"),
    ],
)
def test_drop_frame_skips_labels_but_no_frames(count, rate, expected):
    assert format_timecode(count, rate, drop_frame=True) == expected


@given(st.sampled_from(RATES), st.integers(0, 24 * 3600 * 24 - 1))
def test_non_drop_survives_the_round_trip(rate, count):
    count %= 24 * 3600 * frames_counted_per_second(rate)
    assert parse_timecode(format_timecode(count, rate), rate) == count


@given(st.sampled_from([NTSC, NTSC_60]), st.integers(0, 2589407))
def test_drop_frame_survives_the_round_trip(rate, count):
    assert parse_timecode(format_timecode(count, rate, drop_frame=True), rate) == count


@given(st.sampled_from([NTSC, NTSC_60]), st.integers(0, 2589407))
def test_drop_frame_stays_within_a_fifth_of_a_second_of_the_clock(rate, count):
    text = format_timecode(count, rate, drop_frame=True)
    hours, minutes, seconds, frames = (int(part) for part in re.split("[:;]", text))
    shown = hours * 3600 + minutes * 60 + seconds + Fraction(frames, frames_counted_per_second(rate))
    # Between two corrections up to 2 frames (4 at 59.94), and 86 ms a day are never made up.
    assert abs(shown - count / rate) < Fraction(1, 5)


def test_frames_count_from_the_start_timecode():
    assert timecode_of(26, replace(RECORD, start_timecode="10:00:00:00")) == "10:00:01:01"
    assert timecode_of(26, RECORD) == "00:00:01:01"


def test_drop_frame_follows_the_start_timecode():
    record = replace(RECORD, frame_rate=NTSC, start_timecode="00:00:59;29")
    assert timecode_of(1, record) == "00:01:00;02"
    assert timecode_of(1, replace(record, start_timecode="00:00:59:29")) == "00:01:00:00"
    assert timecode_of(1800, replace(record, start_timecode=None)) == "00:01:00:00"


def test_drop_frame_at_25_per_second_is_read_as_non_drop():
    assert timecode_of(1, replace(RECORD, start_timecode="01:00:00;00")) == "01:00:00:01"


@pytest.mark.parametrize("text", ["00:00:00:25", "", "yesterday", "1:2:3:4", "٠١:00:00:00"])
def test_a_start_timecode_that_cannot_be_counts_as_none(text):
    assert timecode_of(1, replace(RECORD, start_timecode=text)) == "00:00:00:01"


def test_a_variable_rate_counts_time_at_the_nominal_rate():
    record = replace(RECORD, is_variable_rate=True)
    assert timecode_of(7, record, Fraction(2)) == "00:00:02:00"
    assert timecode_of(7, record, Fraction(2039, 1000)) == "00:00:02:01"  # 2.04 s, rounded by the container


def test_a_variable_rate_asks_for_the_time():
    with pytest.raises(ValueError, match="variable frame rate needs the frame's time"):
        timecode_of(7, replace(RECORD, is_variable_rate=True))


@pytest.mark.parametrize(
    ("text", "rate", "message"),
    [
        ("1:00", FILM, "timecode '1:00': write HH:MM:SS:FF"),
        ("00:00:00:00\n", FILM, "write HH:MM:SS:FF"),
        ("00:00:00:24", FILM, "at 24000/1001 frames per second the last one is 23:59:59:23"),
        ("24:00:00:00", Fraction(25), "the last one is 23:59:59:24"),
        ("00:01:00;01", NTSC, "drop-frame counting skips it; the next one is 00:01:00;02"),
        ("00:00:00;00", Fraction(25), "it exists at 30000/1001, 60000/1001 only"),
    ],
)
def test_a_bad_timecode_is_refused_with_help(text, rate, message):
    with pytest.raises(MatchcutError, match=re.escape(message)):
        parse_timecode(text, rate)


def test_negative_frames_are_refused():
    with pytest.raises(ValueError, match="got -1"):
        timecode_of(-1, RECORD)
    with pytest.raises(ValueError, match="got frame count -1"):
        format_timecode(-1, FILM)
