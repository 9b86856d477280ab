"""The exact frame rate behind time stamps that a container rounded.

Matroska and WebM keep whole milliseconds, so 24000/1001 frames per second arrive as 41, 42, 42, 41, … ms. A rate is
constant when every time stamp lies within the rounding of where that rate puts it. Rates
are those of film and television (24, 25, 30, 50, 60 and multiples, and those of NTSC divided by 1.001), or whole
or simple numbers.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

_FILM_AND_PAL = (24, 25, 30, 48, 50, 60, 72, 75, 90, 96, 100, 120, 144, 240)
_NTSC = (24, 30, 48, 60, 120, 240)
STANDARD_RATES = (*map(Fraction, _FILM_AND_PAL), *(Fraction(n * 1000, 1001) for n in _NTSC))
# Coarsest time stamps of a common container (Matroska's default TimestampScale).
MILLISECOND = Fraction(1, 1000)
# A rate that belongs to no standard is taken as written by a program: 12.5, 10, 15, 29.5.
LARGEST_DENOMINATOR = 1001
# A nominal rate nearer than this to a standard one is meant to be it (phones vary by some per mille).
NOMINAL_TOLERANCE = 0.005


@dataclass(frozen=True)
class FrameTiming:
    """Frames per second, exact where the rate is constant, nominal where it is variable."""

    frame_rate: Fraction
    is_variable: bool


def timing_of(ticks: np.ndarray, time_base: Fraction) -> FrameTiming:
    """The rate that a video's time stamps follow.

    Args:
        ticks: int64 (N,), N ≥ 2, presentation times, ascending.
        time_base: seconds per tick.
    """
    span = Fraction(int(ticks[-1] - ticks[0])) * time_base
    if span <= 0:
        return FrameTiming(Fraction(25), is_variable=True)
    average = (len(ticks) - 1) / span
    # Where ticks are coarse or frames are short, a frame that is missing must not pass for rounding.
    rounding = max(0.49 * float(time_base), min(float(MILLISECOND), 0.25 / float(average)))
    for rate in _candidates(ticks, time_base, average):
        if _largest_deviation(ticks, time_base, rate) <= rounding:
            return FrameTiming(rate, is_variable=False)
    return FrameTiming(_nominal(ticks, time_base), is_variable=True)


def _candidates(ticks: np.ndarray, time_base: Fraction, average: Fraction) -> list[Fraction]:
    """Rates that could be meant: standard ones, the best fit first, then whole, then simple numbers."""
    nearest = sorted(STANDARD_RATES, key=lambda rate: abs(rate - average))[:3]
    nearest.sort(key=lambda rate: round(_largest_deviation(ticks, time_base, rate), 9))
    simple = [average.limit_denominator(d) for d in (1, 2, LARGEST_DENOMINATOR)]
    return [rate for rate in [*nearest, *simple, average] if rate > 0]


def _largest_deviation(ticks: np.ndarray, time_base: Fraction, rate: Fraction) -> float:
    """Seconds between the outermost deviations from the rate's grid, halved: the grid may begin off a tick."""
    expected = np.arange(len(ticks)) / float(rate)
    deviation = (ticks - ticks[0]) * float(time_base) - expected
    return float(deviation.max() - deviation.min()) / 2


def _nominal(ticks: np.ndarray, time_base: Fraction) -> Fraction:
    """The rate of the commonest frame duration; durations within a millisecond count as one."""
    durations = np.diff(ticks) * float(time_base)
    durations = durations[durations > 0]
    middle = np.quantile(durations, 0.5, method="inverted_cdf")  # a duration that occurs, unlike the median of two
    near = np.abs(durations - middle) <= float(MILLISECOND)
    rate = 1 / float(durations[near].mean())
    nearest = min(STANDARD_RATES, key=lambda standard: abs(float(standard) - rate))
    if abs(float(nearest) / rate - 1) <= NOMINAL_TOLERANCE:
        return nearest
    return Fraction(rate).limit_denominator(LARGEST_DENOMINATOR)
