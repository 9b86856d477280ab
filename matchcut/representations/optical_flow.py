"""Action match: the same movement carried on over the cut.

Each shot keeps its dense optical flow (DIS, Kroeger et al., arXiv 1603.03590) on a coarse grid, at both ends
and over the whole: the way that each cell went, divided by the time that it took, so that frame rates and
doubled frames make no difference. A cut from A to B is good when B begins to move as A ended, in the same
places, directions and speeds. What hardly moves matches nothing: a still wall has noise, but no action.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from matchcut.pictures import Tile, sheet, thumbnails
from matchcut.proxy import Proxy
from matchcut.representations.flavor import BlockScores, Representation, UsableShots
from matchcut.representations.grid import lay_field, picture_box

ALGORITHM = "1"
SCORE_ALGORITHM = "1"

GRID_HEIGHT, GRID_WIDTH = 9, 16
FLOW_HEIGHT, FLOW_WIDTH = 180, 320  # box into which a frame is fitted: 1 ms a pair
START, WHOLE, END = range(3)

# Root mean square speed, in heights of the 16:9 picture per second, that counts nothing and that counts fully.
# By eye on twelve films: compression noise and breathing stay under 0.02; a slow pan or a gesture reaches 0.12.
# Part of SCORE_ALGORITHM.
STILL_SPEED, MOVING_SPEED = 0.02, 0.12
# What a ratio of speeds (slower to faster) is worth: up to half again as fast is felt as the same speed, three
# times as fast is not. Part of SCORE_ALGORITHM.
SPEED_RATIOS = (0.0, 1 / 3, 2 / 3)
RATIO_WORTH = (0.0, 0.5, 1.0)
WHOLE_WEIGHT = 0.25  # how much the shots' average movement may take away. Part of SCORE_ALGORITHM.

_TILE_WIDTH = 256
_ARROW_COLOR = (255, 220, 60)
_ARROW_SECONDS = 0.25  # an arrow is as long as the way in this time


@dataclass(frozen=True)
class OpticalFlowParameters:
    """How flow is sampled; at most `2 * pairs_per_end + pairs_over_all` pairs of frames per shot.

    Attributes:
        end_seconds: duration of the start and of the end of a shot; an editor's cut overlaps about half a second.
        pairs_per_end: pairs of consecutive frames at either end; 12 are every pair at 24 frames per second.
        pairs_over_all: pairs spread over the whole shot.
    """

    end_seconds: float = 0.5
    pairs_per_end: int = 12
    pairs_over_all: int = 24

    def __post_init__(self) -> None:
        """Refuse samples that measure nothing."""
        if self.end_seconds <= 0 or self.pairs_per_end < 1 or self.pairs_over_all < 1:
            raise ValueError(f"end_seconds must be positive and pairs at least 1, got {self}")


@dataclass(frozen=True)
class OpticalFlow:
    """The flavor `action_match`.

    Rows of the representation: `frame` int64 (N, 2), first and last usable frame; `flow` float32
    (N, 3, 9, 16, 2), movement to the right and down at the start, over the whole and at the end, in heights of
    the 16:9 picture per second; `camera` float32 (N, 3, 2), the picture's median movement, which is the
    camera's where most of the picture is background; `picture_cells` int64 (N,), cells that the picture covers.
    Shots of a single frame have no row.
    """

    parameters: OpticalFlowParameters = field(default_factory=OpticalFlowParameters)

    name: ClassVar[str] = "action_match"
    representation: ClassVar[str] = "optical_flow"
    title: ClassVar[str] = "Action match"
    summary: ClassVar[str] = "a movement begun before the cut goes on after it"
    description: ClassVar[str] = (
        "A row is a kept shot of two frames or more: dense flow per second on a 16x9 grid, at the start, over the "
        "whole and at the end, and the camera's movement."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = ()
    cues: ClassVar[Mapping[str, str]] = {
        "flow_cosine": "same direction at the cut",
        "mean_flow_cosine": "over the whole shots",
        "speed_a": "heights a second before",
        "speed_b": "heights a second after",
    }

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, Path]) -> Representation:
        """Measure the flow of each shot of at least two frames."""
        long_enough = shots.stop_frame - shots.start_frame >= 2
        first, stop = shots.start_frame[long_enough], shots.stop_frame[long_enough]
        windows = [self.windows(int(start), int(end), proxy.seconds) for start, end in zip(first, stop, strict=True)]
        flow, camera = _averages(proxy, windows)
        _, _, columns, rows = picture_box(proxy.record.width, proxy.record.height, GRID_WIDTH, GRID_HEIGHT)
        return Representation(
            shots.shot[long_enough],
            {
                "frame": np.stack([first, stop - 1], axis=1),
                "flow": flow,
                "camera": camera,
                "picture_cells": np.full(len(first), columns * rows),
            },
        )

    def windows(self, start: int, stop: int, seconds: np.ndarray) -> tuple[np.ndarray, ...]:
        """First frames of the pairs of consecutive frames to measure at the start, over the whole, at the end.

        Args:
            start: first frame of the shot.
            stop: one past the last, at least `start + 2`.
            seconds: float64 (num_frames,), times of the title's frames.
        """
        pairs = np.arange(start, stop - 1)
        since_start = seconds[pairs] - seconds[start]
        until_end = seconds[stop - 1] - seconds[pairs + 1]
        limit = self.parameters.end_seconds
        return (
            _evenly(pairs[since_start < limit], self.parameters.pairs_per_end),
            _evenly(pairs, self.parameters.pairs_over_all),
            _evenly(pairs[until_end < limit], self.parameters.pairs_per_end),
        )

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Score every cut from a row of `a` to a row of `b`: the end of `a` against the start of `b`."""
        (end, speed_a), (start, speed_b) = _directions(a, END), _directions(b, START)
        (whole_a, _), (whole_b, _) = _directions(a, WHOLE), _directions(b, WHOLE)
        cosine, mean_cosine = end @ start.T, whole_a @ whole_b.T
        score = np.maximum(cosine, 0)
        score *= 1 - WHOLE_WEIGHT + WHOLE_WEIGHT * np.maximum(mean_cosine, 0)
        score *= np.sqrt(np.multiply.outer(_movement_worth(speed_a), _movement_worth(speed_b)))
        score *= _ratio_worth(speed_a, speed_b)
        shape = score.shape
        return BlockScores(
            score=np.clip(score, 0, 1),
            frame_a=np.broadcast_to(a.arrays["frame"][:, 1, None], shape),
            frame_b=np.broadcast_to(b.arrays["frame"][None, :, 0], shape),
            cues={
                "flow_cosine": cosine,
                "speed_a": np.broadcast_to(speed_a[:, None], shape),
                "speed_b": np.broadcast_to(speed_b[None, :], shape),
                "mean_flow_cosine": mean_cosine,
            },
        )

    def bytes_per_pair(self) -> int:
        """About sixteen float32 matrices at a time."""
        return 64

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """The start and the end of each shot with an arrow per cell, as a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(number) for row in rows for number in frames[row]})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=6, tile_width=_TILE_WIDTH)


def flow_between(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Dense flow from one picture to the next.

    Args:
        before: uint8 (H, W), grey.
        after: uint8 (H, W), grey.

    Returns:
        float32 (H, W, 2), the way of each pixel to the right and down, in pixels.
    """
    import cv2

    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(dis.calc(before, after, None), np.float32)  # type: ignore[call-overload]


def _averages(proxy: Proxy, windows: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, np.ndarray]:
    """Mean flow (N, 3, 9, 16, 2) and camera movement (N, 3, 2) per second, in one pass over the proxy."""
    members: dict[int, list[tuple[int, int]]] = {}
    for row, of_shot in enumerate(windows):
        for window, pairs in enumerate(of_shot):
            for pair in pairs.tolist():
                members.setdefault(pair, []).append((row, window))
    left, top, columns, rows = picture_box(proxy.record.width, proxy.record.height, GRID_WIDTH, GRID_HEIGHT)
    way = np.zeros((len(windows), 3, GRID_HEIGHT, GRID_WIDTH, 2), np.float32)
    camera = np.zeros((len(windows), 3, 2), np.float32)
    time = np.zeros((len(windows), 3), np.float32)
    for pair, flow in _flows(proxy, members):
        duration = proxy.seconds[pair + 1] - proxy.seconds[pair]
        laid = lay_field(flow, proxy.record.width, proxy.record.height, GRID_WIDTH, GRID_HEIGHT)
        median = np.median(laid[top : top + rows, left : left + columns], axis=(0, 1))
        for row, window in members[pair]:
            way[row, window] += laid
            camera[row, window] += median
            time[row, window] += duration
    return way / time[..., None, None, None], camera / time[..., None]


def _flows(proxy: Proxy, pairs: Mapping[int, object]) -> Iterator[tuple[int, np.ndarray]]:
    """Flow of each pair of consecutive frames, in heights of the 16:9 picture, by the first frame's number."""
    import cv2

    _, _, width, height = picture_box(proxy.record.width, proxy.record.height, FLOW_WIDTH, FLOW_HEIGHT)
    wanted = {frame for pair in pairs for frame in (pair, pair + 1)}
    before, last = None, -2
    # DIS needs pictures of some size; extreme strips are stretched to it, and their flow shrunk back.
    size = max(width, 32), max(height, 32)
    to_heights = np.array([width / size[0], height / size[1]], np.float32) / FLOW_HEIGHT
    for number, frame in proxy.frames_at(wanted, size=size):
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if before is not None and last in pairs and number == last + 1:
            yield last, flow_between(before, grey) * to_heights
        before, last = grey, number


def _evenly(values: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the values, evenly spread, the first and the last among them."""
    if len(values) <= count:
        return values
    chosen: np.ndarray = values[np.unique(np.linspace(0, len(values) - 1, count).round().astype(int))]
    return chosen


def _directions(rows: Representation, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Flow as unit vectors, float32 (N, 288), zero where nothing moves, and root mean square speed (N,)."""
    flow = rows.arrays["flow"][:, window].reshape(len(rows), -1)
    length = np.sqrt(np.square(flow).sum(axis=1))
    unit = np.divide(flow, length[:, None], out=np.zeros_like(flow), where=length[:, None] > 0)
    return unit, length / np.sqrt(rows.arrays["picture_cells"]).astype(np.float32)


def _movement_worth(speed: np.ndarray) -> np.ndarray:
    return np.asarray(np.interp(speed, (STILL_SPEED, MOVING_SPEED), (0.0, 1.0)), np.float32)


def _ratio_worth(speed_a: np.ndarray, speed_b: np.ndarray) -> np.ndarray:
    slower = np.minimum.outer(speed_a, speed_b)
    faster = np.maximum(np.maximum.outer(speed_a, speed_b), 1e-9)
    return np.asarray(np.interp(slower / faster, SPEED_RATIOS, RATIO_WORTH), np.float32)


def _row_tiles(representation: Representation, row: int, shown: Mapping[int, np.ndarray]) -> Iterator[Tile]:
    """The first and the last usable frame of a shot with their movement."""
    first, last = representation.arrays["frame"][row].tolist()
    for number, window, words in ((first, START, "starts"), (last, END, "ends")):
        _, speed = _directions(representation.rows(slice(row, row + 1)), window)
        picture = _with_arrows(shown[number], representation.arrays["flow"][row, window])
        yield Tile(picture, f"shot {representation.shot[row]} {words}: {speed[0]:.2f} heights/s")


def _with_arrows(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """A 16:9 picture with an arrow in the middle of each cell that moves."""
    import cv2

    painted = picture.copy()
    cell = picture.shape[0] / GRID_HEIGHT
    for row, column in zip(*np.nonzero(np.hypot(flow[..., 0], flow[..., 1]) >= STILL_SPEED), strict=True):
        start = np.array([column + 0.5, row + 0.5]) * cell
        stop = start + flow[row, column] * _ARROW_SECONDS * picture.shape[0]
        tail, tip = ((round(float(x)), round(float(y))) for x, y in (start, stop))
        cv2.arrowedLine(painted, tail, tip, _ARROW_COLOR, 1, cv2.LINE_AA, tipLength=0.3)
    return painted
