"""The fast detector: colour and texture histograms, and how well a window of frames falls apart into two.

Every frame is described by histograms of lightness, two colour axes and gradient orientation in 3 x 4 cells. For
every frame the window around it is cut there, and the mean distance across the cut is compared with the mean
distances within its halves: the min-max cut criterion on a graph of frames (Yuan et al., "A Formal Study of Shot
Boundary Detection", IEEE TCSVT 17(2), 2007, section IV). A flash is far from both sides, which are near to each
other, and makes no cut. The comparison is made a second time between pairs of frames that are equally far apart in
time: steady movement carries frames across the cut as far as within the halves, however fast it is. The smaller
of both counts. A short, dense window finds cuts; a sparse, wide one, which leaves out the middle, finds dissolves;
the brightness finds fades through black (`fades.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from matchcut.shots.detector import Boundaries, Transition
from matchcut.shots.fades import BrightnessTrack, FadeParameters, with_fades

ALGORITHM = "1"
BLOCK_FRAMES = 256  # read at a time: large enough for NumPy, small enough for the cache
CELL_ROWS, CELL_COLUMNS = 3, 4
MAX_CHROMA = 80  # of CIE a and b
LIGHTNESS_BINS, COLOR_BINS, ORIENTATION_BINS = 16, 8, 8


@dataclass(frozen=True)
class Window:
    """Which frames around a place are compared.

    Attributes:
        nodes: frames on either side.
        stride: from one to the next.
        gap: frames left out on either side of the place. Twice the gap and 1 is a multiple of the stride, so that
            frames on different sides can be as far apart in time as frames on one side.
    """

    nodes: int
    stride: int = 1
    gap: int = 0

    def __post_init__(self) -> None:
        """Refuse a window in which nothing can be compared."""
        if self.nodes < 2 or self.stride < 1 or self.gap < 0 or not self.common_lags:
            raise ValueError(
                f"{self}: needs two frames a side, and pairs across the place that are as far apart in time as pairs "
                "on one side. Take more nodes, or a gap of which the double and 1 is a multiple of the stride."
            )

    @property
    def reach(self) -> int:
        """How many frames before or after the place are looked at."""
        return self.gap + (self.nodes - 1) * self.stride + 1

    @property
    def right(self) -> np.ndarray:
        """int (nodes,), offsets of the frames from the place on."""
        return self.gap + self.stride * np.arange(self.nodes)

    @property
    def left(self) -> np.ndarray:
        """int (nodes,), offsets of the frames before the place."""
        return -1 - self.right

    @property
    def pairs_across(self) -> tuple[np.ndarray, np.ndarray]:
        """Offsets of every pair with one frame on either side, int (nodes**2,) each, the earlier first."""
        left, right = np.meshgrid(self.left, self.right, indexing="ij")
        return left.ravel(), right.ravel()

    @property
    def pairs_after(self) -> tuple[np.ndarray, np.ndarray]:
        """Offsets of every pair on the right side, the earlier first; mirrored, they are those on the left."""
        i, j = np.triu_indices(self.nodes, k=1)
        return self.right[i], self.right[j]

    @property
    def common_lags(self) -> list[int]:
        """Frames between the two of a pair, as they occur both across the place and on one side of it."""
        across, after = ({*np.subtract(b, a).tolist()} for a, b in (self.pairs_across, self.pairs_after))
        return sorted(across & after)


@dataclass(frozen=True)
class HistogramParameters:
    """Windows and thresholds.

    They are round numbers in the middle of broad optima on the twelve films of `benchmarks/shots.py`, which are
    therefore no independent test of them. That textures panned by up to 2 of 48 pixels a frame give no boundary is.

    Attributes:
        cut_nodes: frames on either side of the dense window. With four, shots of four frames are found, and flashes of
            up to two are none.
        dissolve_nodes, dissolve_stride, dissolve_gap: the sparse window; 20 frames on either side.
        floor: distance, of 2, that is noise: encoding, grain, a mouth that speaks. No change below it is a boundary.
        threshold: distance across over the sum of those within, from which on it is a boundary. Steady movement gives
            0.5, a flash of one frame nearly 1.
        texture_floor: lightness step per pixel that counts as no texture, of 255: the rounding in a flat picture.
        fades: when a frame is black.
    """

    cut_nodes: int = 4
    dissolve_nodes: int = 6
    dissolve_stride: int = 3
    dissolve_gap: int = 4
    floor: float = 0.05
    threshold: float = 1.0
    texture_floor: float = 1.0
    fades: FadeParameters = field(default_factory=FadeParameters)

    @property
    def cut_window(self) -> Window:
        """The dense window."""
        return Window(self.cut_nodes)

    @property
    def dissolve_window(self) -> Window:
        """The sparse window, which leaves out the middle."""
        return Window(self.dissolve_nodes, self.dissolve_stride, self.dissolve_gap)

    def __post_init__(self) -> None:
        """Refuse windows in which nothing can be compared, and floors that would divide by zero."""
        _ = self.cut_window, self.dissolve_window
        if min(self.floor, self.threshold, self.texture_floor) <= 0:
            raise ValueError(f"floor, threshold and texture_floor must be above 0, got {self}")


@dataclass(frozen=True)
class HistogramDetector:
    """The fast detector; needs no weights."""

    parameters: HistogramParameters = field(default_factory=HistogramParameters)
    name: str = "histogram"
    algorithm: str = ALGORITHM
    weights: tuple[str, ...] = ()
    frame_size: tuple[int, int] = (48, 27)

    def detect(self, frames: Iterable[np.ndarray], weights: Mapping[str, Path]) -> Boundaries:
        """Find all transitions; see `ShotDetector.detect`.

        Raises:
            ValueError: there are no frames, or they have another size.
        """
        del weights
        p = self.parameters
        track = BrightnessTrack(p.fades)
        blocks = self._descriptions(track.watch(frames))
        dense, sparse = window_scores(blocks, (p.cut_window, p.dissolve_window), p.floor)
        cuts = _cuts(dense, p)
        dissolves = _dissolves(sparse, [cut.frame for cut in cuts], p)
        return with_fades(Boundaries.of(len(dense), sorted([*cuts, *dissolves])), track)

    def _descriptions(self, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Blocks of `describe`."""
        width, height = self.frame_size
        iterator = iter(frames)
        while block := list(islice(iterator, BLOCK_FRAMES)):
            for frame in block:
                if frame.shape != (height, width, 3) or frame.dtype != np.uint8:
                    raise ValueError(f"frames must be uint8 of {(height, width, 3)}, got {frame.dtype} {frame.shape}")
            yield describe(np.stack(block), self.parameters.texture_floor)


def describe(frames: np.ndarray, texture_floor: float) -> np.ndarray:
    """Histograms of frames, made so that a dot product is a similarity.

    Args:
        frames: uint8 (N, H, W, 3), RGB.
        texture_floor: gradient magnitude per pixel, spread evenly over all orientations.

    Returns:
        float32 (N, D). The product of two rows is the mean over the cells of the Bhattacharyya coefficients of
        colour and of texture, added: 2 for equal pictures, 0 for pictures without anything in common.
    """
    import cv2

    count, height, width, _ = frames.shape
    lab = cv2.cvtColor(frames.reshape(count * height, width, 3), cv2.COLOR_RGB2LAB).reshape(frames.shape)
    cell = _cells(count, height, width)
    colors = [
        _soft_histogram(cell, position[lab[..., channel]], bins, count)
        for channel, (position, bins) in enumerate(_color_positions())
    ]
    magnitude, orientation = _gradients(lab[..., 0].astype(np.float32))
    texture = _soft_histogram(cell, orientation, ORIENTATION_BINS, count, weight=magnitude, is_circular=True)
    texture += texture_floor * height * width / (CELL_ROWS * CELL_COLUMNS * ORIENTATION_BINS)
    parts = [*(_unit(color) / np.sqrt(len(colors)) for color in colors), _unit(texture)]
    return np.concatenate([part.reshape(count, -1) for part in parts], axis=1).astype(np.float32)


def window_scores(blocks: Iterable[np.ndarray], windows: tuple[Window, ...], floor: float) -> list[np.ndarray]:
    """How clearly the title falls apart before every frame.

    Args:
        blocks: float32 (n, D) each, from `describe`, all frames in order.
        windows: what to compare.
        floor: distance that is noise.

    Returns:
        For each window float64 (N,), the mean distance across over the sum of the mean distances within.

    Raises:
        ValueError: there are no frames.
    """
    reach = max(window.reach for window in windows)
    scores: list[list[np.ndarray]] = [[] for _ in windows]
    for rows in _overlapping(blocks, reach):
        distance = 2 - rows @ rows.T
        places = np.arange(reach, len(rows) - reach)
        for found, window in zip(scores, windows, strict=True):
            found.append(_scores_at(distance, places, window, floor))
    return [np.concatenate(found) for found in scores]


def _scores_at(distance: np.ndarray, places: np.ndarray, window: Window, floor: float) -> np.ndarray:
    """Scores of one window, float64 (places,), from a distance matrix."""

    def between(pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return distance[places[:, None] + pairs[0], places[:, None] + pairs[1]]

    earlier, later = window.pairs_after
    across, after, before = between(window.pairs_across), between((earlier, later)), between((-1 - later, -1 - earlier))
    lag_across, lag_within = np.subtract(*window.pairs_across[::-1]), later - earlier
    lags = window.common_lags
    overall = _ratio(across.mean(axis=1), before.mean(axis=1), after.mean(axis=1), floor)
    at_equal_lags = _ratio(
        _mean_over_lags(across, lag_across, lags),
        _mean_over_lags(before, lag_within, lags),
        _mean_over_lags(after, lag_within, lags),
        floor,
    )
    return np.minimum(overall, at_equal_lags).astype(np.float64)


def _ratio(across: np.ndarray, before: np.ndarray, after: np.ndarray, floor: float) -> np.ndarray:
    """The min-max cut, with a floor under what is divided by."""
    return np.asarray(across / (before + after + floor))


def _mean_over_lags(distance: np.ndarray, lag: np.ndarray, lags: list[int]) -> np.ndarray:
    """The mean of the means at every lag, (places,), from distances (places, pairs) of pairs that are `lag` apart."""
    return np.asarray(np.mean([distance[:, lag == each].mean(axis=1) for each in lags], axis=0))


def _overlapping(blocks: Iterable[np.ndarray], reach: int) -> Iterator[np.ndarray]:
    """Blocks with `reach` rows before and after; the first and the last row repeated beyond the ends."""
    kept: np.ndarray | None = None
    for block in blocks:
        kept = np.concatenate([np.repeat(block[:1], reach, axis=0) if kept is None else kept, block])
        if len(kept) > 2 * reach:
            yield kept
            kept = kept[-2 * reach :]
    if kept is None:
        raise ValueError("a video without frames has no shots")
    yield np.concatenate([kept, np.repeat(kept[-1:], reach, axis=0)])


def _cuts(scores: np.ndarray, p: HistogramParameters) -> list[Transition]:
    """The highest scores above the threshold, no two within less than a window's half."""
    places = [i for i in _peaks(scores, p.cut_nodes - 1, p.threshold) if i > 0]
    return [Transition.cut(i, _confidence(scores[i], p)) for i in places]


def _dissolves(scores: np.ndarray, cuts: list[int], p: HistogramParameters) -> list[Transition]:
    """Peaks of the sparse window that no cut explains."""
    reach = p.dissolve_window.reach
    taken = np.zeros(len(scores), bool)
    for cut in cuts:
        taken[max(0, cut - reach) : cut + reach + 1] = True
    found = []
    for place in _peaks(scores, reach, p.threshold):
        first, end = _half_height(scores, place)
        is_inside = reach < place < len(scores) - reach
        if is_inside and not taken[place] and end - first >= 2:
            found.append(Transition(place, first, end, "dissolve", _confidence(scores[place], p)))
    return found


def _peaks(scores: np.ndarray, radius: int, threshold: float) -> list[int]:
    """Indices of values above a threshold, each the highest within a radius; the first one of equals."""
    padded = np.pad(scores, radius, constant_values=-1.0)
    neighbours = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1)
    return np.flatnonzero((neighbours.argmax(axis=1) == radius) & (scores > threshold)).tolist()


def _half_height(scores: np.ndarray, place: int) -> tuple[int, int]:
    """The half-open range around a peak in which the score is at least half of it."""
    low = np.flatnonzero(scores < scores[place] / 2)
    before, after = low[low < place], low[low > place]
    return int(before[-1]) + 1 if len(before) else 0, int(after[0]) if len(after) else len(scores)


def _confidence(score: float, p: HistogramParameters) -> float:
    """0.5 at the threshold, 0.75 at twice it, towards 1."""
    return 1.0 - float(np.exp2(-score / p.threshold))


def _cells(count: int, height: int, width: int) -> np.ndarray:
    """int64 (count, height, width), the number of every pixel's cell, counted on from frame to frame."""
    rows = np.arange(height) * CELL_ROWS // height
    columns = np.arange(width) * CELL_COLUMNS // width
    cells = rows[:, None] * CELL_COLUMNS + columns
    return np.arange(count)[:, None, None] * (CELL_ROWS * CELL_COLUMNS) + cells


def _color_positions() -> list[tuple[np.ndarray, int]]:
    """Where in its histogram every 8-bit value of L, a and b falls: float32 (256,) in bins, and how many bins.

    Colour is resolved finest around grey, by the root, where film lives; what is more colourful than anything in the
    BT.709 gamut but its corners falls into the outermost bins.
    """
    lightness = np.arange(256) / 255 * (LIGHTNESS_BINS - 1)
    signed = np.arange(256) - 128.0
    root = np.sign(signed) * np.sqrt(np.minimum(np.abs(signed) / MAX_CHROMA, 1))
    color = (root + 1) / 2 * (COLOR_BINS - 1)
    tables = ((lightness, LIGHTNESS_BINS), (color, COLOR_BINS), (color, COLOR_BINS))
    return [(position.astype(np.float32), bins) for position, bins in tables]


def _soft_histogram(
    cell: np.ndarray,
    position: np.ndarray,
    bins: int,
    count: int,
    *,
    weight: np.ndarray | None = None,
    is_circular: bool = False,
) -> np.ndarray:
    """Histograms per cell, every pixel shared between its two nearest bins, so that light may drift.

    Args:
        cell: int64 (count, H, W), from `_cells`.
        position: float32 (count, H, W), in bins.
        bins: of each histogram.
        count: frames.
        weight: float32 (count, H, W) of every pixel; 1 by default.
        is_circular: whether the first bin follows the last.

    Returns:
        float64 (count, cells, bins).
    """
    lower = position.astype(np.int64)
    share = position - lower
    upper = (lower + 1) % bins if is_circular else np.minimum(lower + 1, bins - 1)
    base = cell * bins
    total = count * CELL_ROWS * CELL_COLUMNS * bins
    upper_weight = share if weight is None else share * weight
    lower_weight = (1 - share) if weight is None else weight - upper_weight
    histogram = np.bincount((base + lower % bins).ravel(), lower_weight.ravel(), total)
    histogram += np.bincount((base + upper).ravel(), upper_weight.ravel(), total)
    return histogram.reshape(count, -1, bins)


def _gradients(lightness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Magnitude, and orientation in bins, of the gradient: float32 (N, H, W) both; 0 at the picture's edge."""
    import cv2

    across, down = np.zeros_like(lightness), np.zeros_like(lightness)
    across[:, :, 1:-1] = lightness[:, :, 2:] - lightness[:, :, :-2]
    down[:, 1:-1] = lightness[:, 2:] - lightness[:, :-2]
    flat = (len(lightness), -1)
    magnitude, angle = cv2.cartToPolar(across.reshape(flat), down.reshape(flat))
    return magnitude.reshape(lightness.shape), (angle * (ORIENTATION_BINS / (2 * np.pi))).reshape(lightness.shape)


def _unit(histogram: np.ndarray) -> np.ndarray:
    """Root of the shares of every cell's histogram, scaled so that equal frames have a product of 1."""
    shares: np.ndarray = histogram / histogram.sum(axis=2, keepdims=True)
    return np.asarray(np.sqrt(shares / histogram.shape[1]))
