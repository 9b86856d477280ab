from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchcut.frame_rate import STANDARD_RATES, FrameTiming, timing_of

MILLISECONDS = Fraction(1, 1000)


def test_whole_ticks_give_their_rate() -> None:
    assert timing_of(np.arange(100), Fraction(1001, 24000)) == FrameTiming(Fraction(24000, 1001), False)


@given(rate=st.sampled_from(STANDARD_RATES), offset=st.floats(0, 1))
def test_a_standard_rate_survives_rounding_to_milliseconds(rate: Fraction, offset: float) -> None:
    ticks = np.round((np.arange(3000) / float(rate)) * 1000 + offset).astype(np.int64)

    assert timing_of(ticks, MILLISECONDS) == FrameTiming(rate, False)


@pytest.mark.parametrize("rate", ["25/2", "10", "15", "29/2", "12"])
def test_an_unusual_rate_is_taken_as_it_is(rate: str) -> None:
    ticks = np.round(np.arange(2000) / float(Fraction(rate)) * 90_000).astype(np.int64)

    assert timing_of(ticks, Fraction(1, 90_000)) == FrameTiming(Fraction(rate), False)


def test_alternating_durations_are_variable() -> None:
    ticks = np.cumsum(np.resize([33, 33, 33, 80], 400))

    assert timing_of(ticks, MILLISECONDS) == FrameTiming(Fraction(1000, 33), True)


def test_one_missing_frame_makes_the_rate_variable() -> None:
    ticks = np.delete(np.arange(1000), 700)

    assert timing_of(ticks, Fraction(1, 25)) == FrameTiming(Fraction(25), True)


def test_two_frames_have_a_rate() -> None:
    assert timing_of(np.array([0, 40]), MILLISECONDS) == FrameTiming(Fraction(25), False)


def test_two_equally_common_durations_have_a_rate_of_one_of_them() -> None:
    ticks = np.cumsum([0, 10, 14, 10, 14])

    assert timing_of(ticks, MILLISECONDS) == FrameTiming(Fraction(100), True)
