"""Moments at which a shot may be cut: some of its first third, where it is entered, and of its last, where it is left.

An editor trims: the best cut is seldom the very last frame against the very first. The moments leave something of the
shot beyond them (a handle), and lie among the usable frames, so that none is inside a transition.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from matchcut.representations.flavor import UsableShots

IN, OUT = range(2)


@dataclass(frozen=True)
class MomentParameters:
    """When a shot may be cut.

    Attributes:
        per_side: moments at either end. With 9 or 13 the planted frame matches for tuning are found no more often and
            cut no nearer, for 1.5 and 2 times the work.
        share: of the shot's duration, at either end, that is searched.
        longest_seconds: and never more than this: later, a shot's beginning is over.
        handle_seconds: left beyond the outermost moment, but never more than a quarter of what is searched.
    """

    per_side: int = 5
    share: float = 1 / 3
    longest_seconds: float = 2.0
    handle_seconds: float = 0.2

    def __post_init__(self) -> None:
        """Refuse moments that are none."""
        if self.per_side < 1 or not 0 < self.share <= 0.5 or self.longest_seconds <= 0 or self.handle_seconds < 0:
            raise ValueError(
                "per_side must be at least 1, share in (0, 0.5], longest_seconds positive and handle_seconds at least "
                f"0, got {self}"
            )


def cut_moments(shots: UsableShots, seconds: np.ndarray, parameters: MomentParameters) -> np.ndarray:
    """Frame numbers of the moments.

    Args:
        shots: their usable ranges.
        seconds: float64 (num_frames,), times of the title's frames.
        parameters: how many, and where.

    Returns:
        int64 (N, 2, per_side), ascending in time; of short shots some are the same frame.
    """
    moments = np.zeros((len(shots), 2, parameters.per_side), np.int64)
    for row, (start, stop) in enumerate(zip(shots.start_frame.tolist(), shots.stop_frame.tolist(), strict=True)):
        times = seconds[start:stop]
        handle, searched = searched_seconds(
            times[-1] - times[0], parameters.share, parameters.longest_seconds, parameters.handle_seconds
        )
        into = np.linspace(times[0] + handle, times[0] + searched, parameters.per_side)
        out = np.linspace(times[-1] - searched, times[-1] - handle, parameters.per_side)
        moments[row, IN], moments[row, OUT] = start + _nearest(times, into), start + _nearest(times, out)
    return moments


def searched_seconds(duration: float, share: float, longest: float, handle: float) -> tuple[float, float]:
    """From where to where either end of a shot is searched for moments, in seconds from its outermost frame.

    Args:
        duration: of the shot.
        share: of it that is searched.
        longest: seconds, and never more than this.
        handle: seconds left beyond the outermost moment, but never more than a quarter of what is searched.
    """
    searched = min(duration * share, longest)
    return min(handle, searched / 4), searched


def coarse_moments(per_side: int) -> tuple[int, ...]:
    """Places of the first, the middle and the last of a side's moments, which are compared before all are."""
    return tuple(sorted({0, per_side // 2, per_side - 1}))


def coarse_cuts(per_side: int) -> Iterator[tuple[int, int]]:
    """Of these, where A is left, late, with where B is entered, early."""
    coarse = coarse_moments(per_side)
    return product(coarse[-2:], coarse[:2])


def _nearest(times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Index of the time nearest to each wanted one."""
    after = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    if len(times) == 1:
        return np.zeros(len(wanted), np.int64)
    return np.asarray(np.where(wanted - times[after - 1] <= times[after] - wanted, after - 1, after))
