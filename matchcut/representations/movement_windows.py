"""Which pairs of consecutive frames of a shot are measured, and where it is cut by what they show."""

from dataclasses import dataclass

import numpy as np

from matchcut.representations.moments import searched_seconds

SAME_TIME = 1e-6  # seconds: times are fractions, and six frames of 24 a second are a quarter of one


@dataclass(frozen=True)
class OpticalFlowParameters:
    """How flow is sampled, and where a shot may be cut.

    Attributes:
        share: of the shot's duration, at either end, in which it may be cut.
        longest_seconds: and never more than this: later, a shot's beginning is over.
        handle_seconds: left beyond the outermost window, but never more than a quarter of what is searched.
        moments_per_second: at which it may be cut: every frame, of video with many frames every other or third. Two
            movements agree for a few frames only; with fewer moments it is luck which agreements are met.
        window_seconds: of movement that is measured, from a moment on where the shot is entered and up to it where it
            is left. The cut is in the middle.
        pairs_per_window: pairs of consecutive frames in a window at most.
        seen_seconds: up to a cut where the shot is left, and from it on where it is entered, over which an eye follows
            what moves.
        pairs_seen: pairs of consecutive frames spread over that time, about.
        pairs_over_all: pairs spread over the whole shot.
    """

    share: float = 1 / 3
    longest_seconds: float = 1.5
    handle_seconds: float = 0.2
    moments_per_second: float = 24.0
    window_seconds: float = 0.25
    pairs_per_window: int = 12
    seen_seconds: float = 0.6
    pairs_seen: int = 8
    pairs_over_all: int = 16

    def __post_init__(self) -> None:
        """Refuse samples that measure nothing."""
        if not 0 < self.share <= 0.5 or self.handle_seconds < 0:
            raise ValueError(f"share must lie in (0, 0.5] and handle_seconds be at least 0, got {self}")
        if min(self.longest_seconds, self.moments_per_second, self.window_seconds, self.seen_seconds) <= 0:
            raise ValueError(
                f"longest_seconds, moments_per_second, window_seconds and seen_seconds must be positive, got {self}"
            )
        if min(self.pairs_per_window, self.pairs_seen, self.pairs_over_all) < 1:
            raise ValueError(f"pairs must be at least 1, got {self}")


@dataclass(frozen=True)
class Windows:
    """Pairs of consecutive frames of a shot to measure, each by its first frame, int64, ascending and never empty.

    Attributes:
        entering: pairs from each moment on at which it may be entered.
        leaving: pairs up to each moment at which it may be left.
        seen: pairs over a longer time from each cut on where the shot is entered, then up to each where it is left.
        over_all: pairs over the whole shot.
    """

    entering: list[np.ndarray]
    leaving: list[np.ndarray]
    seen: list[np.ndarray]
    over_all: np.ndarray

    @property
    def ends(self) -> list[tuple[int, int]]:
        """The first and the last frame of each window at a moment."""
        return [_ends(pairs) for pairs in (*self.entering, *self.leaving)]

    @property
    def cuts(self) -> list[int]:
        """The middle of each window: the first frame shown where the shot is entered, the last where it is left.

        Two windows match best when both hold the same way from one place to another. To show both whole would show that
        way twice.
        """
        return [_middle(pairs) for pairs in self.entering] + [_middle(pairs) - 1 for pairs in self.leaving]

    @property
    def all(self) -> set[int]:
        """Every pair."""
        windows = (*self.entering, *self.leaving, *self.seen, self.over_all)
        return {pair for pairs in windows for pair in pairs.tolist()}


def moments_of(
    start: int, stop: int, seconds: np.ndarray, parameters: OpticalFlowParameters
) -> tuple[np.ndarray, np.ndarray]:
    """Frames from which on a shot may be entered, and up to which it may be left, int64, ascending, never empty.

    Args:
        start: first frame of the shot.
        stop: one past the last, at least `start + 2`.
        seconds: float64 (num_frames,), times of the title's frames.
        parameters: how many, and where.
    """
    times = seconds[start:stop]
    duration = float(times[-1] - times[0])
    handle, searched = searched_seconds(
        duration, parameters.share, parameters.longest_seconds, parameters.handle_seconds
    )
    apart = duration / (stop - 1 - start)
    step = max(1, round(1 / apart / parameters.moments_per_second))

    def within(passed: np.ndarray) -> np.ndarray:
        """Places in the shot at which enough time has passed, and not too much, the outermost first."""
        found = np.flatnonzero((passed > handle - apart / 2) & (passed < searched + apart / 2))
        return found[::step] if len(found) else np.array([np.abs(passed - handle).argmin()])

    return start + within(times - times[0]), stop - 1 - within(times[-1] - times[::-1])[::-1]


def windows_of(start: int, stop: int, seconds: np.ndarray, parameters: OpticalFlowParameters) -> Windows:
    """First frames of the pairs of consecutive frames to measure; arguments as for `moments_of`."""
    pairs, p = np.arange(start, stop - 1), parameters
    step = max(1, round(p.seen_seconds * (stop - 1 - start) / (seconds[stop - 1] - seconds[start]) / p.pairs_seen))

    def seen(window: np.ndarray, within: np.ndarray) -> np.ndarray:
        """Those on the same frames for all moments, so that few are measured."""
        on_step = pairs[within & (pairs % step == 0)]
        return on_step if len(on_step) else window

    entering, leaving, seen_after, seen_before = [], [], [], []
    to_enter, to_leave = moments_of(start, stop, seconds, p)
    for moment in to_enter.tolist():
        first = min(moment, stop - 2)
        window = pairs[(pairs >= first) & (seconds[pairs] < seconds[first] + p.window_seconds - SAME_TIME)]
        entering.append(_evenly(window, p.pairs_per_window))
        cut = _middle(window)
        seen_after.append(seen(window, (pairs >= cut) & (seconds[pairs] < seconds[cut] + p.seen_seconds - SAME_TIME)))
    for moment in to_leave.tolist():
        last = max(moment, start + 1)
        window = pairs[(pairs + 1 <= last) & (seconds[pairs + 1] > seconds[last] - p.window_seconds + SAME_TIME)]
        leaving.append(_evenly(window, p.pairs_per_window))
        cut = _middle(window)
        seen_before.append(
            seen(window, (pairs < cut) & (seconds[pairs + 1] > seconds[cut] - p.seen_seconds + SAME_TIME))
        )
    return Windows(entering, leaving, seen_after + seen_before, _evenly(pairs, p.pairs_over_all))


def _ends(pairs: np.ndarray) -> tuple[int, int]:
    """The first and the last frame of a window."""
    return int(pairs[0]), int(pairs[-1]) + 1


def _middle(pairs: np.ndarray) -> int:
    """The frame in the middle of a window, the later of two."""
    return (sum(_ends(pairs)) + 1) // 2


def _evenly(values: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the values, evenly spread, the first and the last among them."""
    if len(values) <= count:
        return values
    chosen: np.ndarray = values[np.unique(np.linspace(0, len(values) - 1, count).round().astype(int))]
    return chosen
