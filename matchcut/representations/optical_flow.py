"""Action match: the same movement carried on over the cut.

Each shot keeps how it moves just before the moments at which it may be left and just after those at which it may be
entered. Dense flow (DIS, Kroeger et al., arXiv 1603.03590) is split in two: what the camera does (pan, tilt, zoom and
roll, a similarity fitted robustly, as in iteratively reweighted least squares, Holland and Welsch 1977) and what moves
before it, on a coarse grid. A cut is good when both go on: same direction, speed and place. What hardly moves matches
nothing, nor does a wall without texture, on which flow is made up. A movement of what is filmed is worth more than one
of the camera, which any two pans share, and one that begins in A and comes to rest in B is worth most. Over the whole
shot counts the spectrum of its movement (a histogram of oriented flow, Chaudhry et al., CVPR 2009), not its mean: a
shake has no mean.
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
from matchcut.representations.moments import IN, OUT, MomentParameters, cut_moments

ALGORITHM = "2"
SCORE_ALGORITHM = "2"

GRID_HEIGHT, GRID_WIDTH = 9, 16
FLOW_HEIGHT, FLOW_WIDTH = 180, 320  # box into which a frame is fitted: 1 ms a pair
FIT_CELL = 10  # pixels of the cells on which the camera is fitted

# Brightness steps per pixel below which flow is made up, and from which it is trusted. By eye on twelve films: a wall
# out of focus has under 2, faces 5 and more. Part of ALGORITHM, as all up to the next mark.
NO_TEXTURE, SURE_TEXTURE = 1.5, 5.0
FIT_ROUNDS = 6
FIT_NOISE = 0.0006  # heights per pair of frames: a tenth of a pixel, what flow is wrong by anyway
SUBJECT_NOISE = 0.03  # heights per second by which flow beside the camera's is wrong without anything moving
DIRECTIONS = 8
SPEED_BANDS = (0.03, 0.1, 0.3, 0.9)  # heights per second, lower ends

# What a similarity's four numbers move: growth and turn act over the distance from the middle, 0.59 heights on average
# (root mean square) in a 16:9 picture. From here on part of SCORE_ALGORITHM.
CAMERA_SCALE = np.array([1, 1, 0.59, 0.59], np.float32)
# Root mean square speed, in heights of the 16:9 picture per second, that counts nothing and that counts fully.
# By eye on twelve films: compression noise and breathing stay under 0.02, and two drifts of a tenth of a height match
# well but are hardly seen.
STILL_SPEED, MOVING_SPEED = 0.02, 0.3
# The difference of two movements as a share of the faster: at the first number they are worth 1/e, and from the second
# (eight times as fast) on nothing at all. Twice as fast differs by 0.5, at a right angle by 1.4. What is filmed has a
# shape and a place beside its speed, and its flow is less sure: it may differ more.
CAMERA_CLOSENESS = 0.55, 0.86
SUBJECT_CLOSENESS = 0.7, 0.99
# A movement of the camera is worth the first, one of what is filmed the second on top, and one that begins in A and
# comes to rest in B the third.
CAMERA_WORTH, SUBJECT_WORTH, CARRIED_WORTH = 0.5, 0.35, 0.15
SPECTRUM_WEIGHT = 0.2  # how much another spectrum over the whole shots may take away
SUBJECT_BLUR = 1.2  # cells: a movement may be that far from its place
COARSE_MOMENTS = ((-1, 0), (-1, 2), (2, 0), (2, 2))  # of five: where A is left and B is entered
_PAIRS_AT_ONCE = 1024

_TILE_WIDTH = 256
_ARROW_COLOR = (255, 220, 60)
_ARROW_SECONDS = 0.25  # an arrow is as long as the way in this time


@dataclass(frozen=True)
class OpticalFlowParameters:
    """How flow is sampled.

    Attributes:
        moments: at which a shot may be cut.
        window_seconds: of movement before or after a moment; as long as an eye needs to see where something goes.
        pairs_per_window: pairs of consecutive frames in a window at most.
        pairs_over_all: pairs spread over the whole shot.
    """

    moments: MomentParameters = field(default_factory=MomentParameters)
    window_seconds: float = 0.25
    pairs_per_window: int = 12
    pairs_over_all: int = 16

    def __post_init__(self) -> None:
        """Refuse samples that measure nothing."""
        if self.window_seconds <= 0 or self.pairs_per_window < 1 or self.pairs_over_all < 1:
            raise ValueError(f"window_seconds must be positive and pairs at least 1, got {self}")


@dataclass(frozen=True)
class OpticalFlow:
    """The flavor `action_match`.

    Rows of the representation: `frame` int64 (N, 2, M), moments at which the shot may be entered and left; `camera`
    float32 (N, 2, M, 4), what the camera makes the picture do after and before them: movement to the right and down in
    heights of the 16:9 picture, growth and clockwise turn in radians, per second; `subject` float16
    (N, 2, M, 9, 16, 2), the movement that is left, to the right and down; `rest` float32 (N,), the speed below which
    the whole picture is for a tenth of the shot; `spectrum` float32 (N, 33), square roots of the shares of 8 directions
    in 4 bands of speed, and of stillness; `picture_cells` int64 (N,), cells that the picture covers. Shots of a single
    frame have no row.
    """

    parameters: OpticalFlowParameters = field(default_factory=OpticalFlowParameters)

    name: ClassVar[str] = "action_match"
    representation: ClassVar[str] = "optical_flow"
    title: ClassVar[str] = "Action match"
    summary: ClassVar[str] = "a movement begun before the cut goes on after it"
    description: ClassVar[str] = (
        "A row is a kept shot of two frames or more: the camera's movement and, on a 16x9 grid, that of what is "
        "filmed, at moments of the shot's first and last third, and the spectrum of all movement."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = ()
    cues: ClassVar[Mapping[str, str]] = {
        "movement": "same movement at the cut",
        "subject_share": "share of what is filmed in it",
        "camera": "same movement of the camera",
        "subject": "same movement of what is filmed",
        "carried": "begins in A and comes to rest in B",
        "spectrum": "same kinds of movement over the whole shots",
        "speed_a": "heights a second before",
        "speed_b": "heights a second after",
    }

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, Path]) -> Representation:
        """Measure the flow of each shot of at least two frames."""
        long_enough = shots.stop_frame - shots.start_frame >= 2
        kept = UsableShots(*(column[long_enough] for column in (shots.shot, shots.start_frame, shots.stop_frame)))
        moments = cut_moments(kept, proxy.seconds, self.parameters.moments)
        windows = [
            self.windows(int(start), int(stop), row, proxy.seconds)
            for start, stop, row in zip(kept.start_frame, kept.stop_frame, moments, strict=True)
        ]
        measured = _measured(proxy, windows)
        _, _, columns, rows = picture_box(proxy.record.width, proxy.record.height, GRID_WIDTH, GRID_HEIGHT)
        shape = moments.shape
        return Representation(
            kept.shot,
            {
                "frame": moments,
                "camera": np.array([m.camera for m in measured], np.float32).reshape(*shape, 4),
                "subject": np.array([m.subject for m in measured], np.float16).reshape(
                    *shape, GRID_HEIGHT, GRID_WIDTH, 2
                ),
                "rest": np.array([m.rest for m in measured], np.float32),
                "spectrum": np.array([m.spectrum for m in measured], np.float32).reshape(
                    len(kept), DIRECTIONS * len(SPEED_BANDS) + 1
                ),
                "picture_cells": np.full(len(kept), columns * rows),
            },
        )

    def windows(self, start: int, stop: int, moments: np.ndarray, seconds: np.ndarray) -> list[np.ndarray]:
        """First frames of the pairs of consecutive frames to measure.

        Args:
            start: first frame of the shot.
            stop: one past the last, at least `start + 2`.
            moments: int64 (2, M), at which it may be cut.
            seconds: float64 (num_frames,), times of the title's frames.

        Returns:
            For every moment of both sides its pairs, and the pairs over the whole shot.
        """
        pairs, limit = np.arange(start, stop - 1), self.parameters.window_seconds
        chosen = []
        for moment in moments[IN].tolist():
            first = min(moment, stop - 2)
            after = pairs[(pairs >= first) & (seconds[pairs] < seconds[first] + limit)]
            chosen.append(_evenly(after, self.parameters.pairs_per_window))
        for moment in moments[OUT].tolist():
            last = max(moment, start + 1)
            before = pairs[(pairs + 1 <= last) & (seconds[pairs + 1] > seconds[last] - limit)]
            chosen.append(_evenly(before, self.parameters.pairs_per_window))
        return [*chosen, _evenly(pairs, self.parameters.pairs_over_all)]

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Compare some moments; `refine` scores in full what this proposes."""
        out, into = Side.of(a, OUT), Side.of(b, IN)
        score = np.zeros((len(a), len(b)), np.float32)
        for m, n in COARSE_MOMENTS:
            subject = _closeness(
                _squared(out.subject[:, m], into.subject[:, n]),
                out.blurred_speed[:, m, None],
                into.blurred_speed[:, n],
                SUBJECT_CLOSENESS,
            )
            camera = _closeness(
                _squared(out.camera[:, m], into.camera[:, n]),
                out.camera_speed[:, m, None],
                into.camera_speed[:, n],
                CAMERA_CLOSENESS,
            )
            share = _subject_share(
                out.subject_speed[:, m, None], out.camera_speed[:, m, None],
                into.subject_speed[:, n], into.camera_speed[:, n],
            )  # fmt: skip
            worth = np.sqrt(np.multiply.outer(_movement_worth(out.speed[:, m]), _movement_worth(into.speed[:, n])))
            agreement = share * subject + (1 - share) * camera
            agreement *= worth * (CAMERA_WORTH + SUBJECT_WORTH * share)
            np.maximum(score, agreement, out=score)
        return BlockScores(
            score=score,
            frame_a=np.broadcast_to(out.frame[:, -1, None], score.shape),
            frame_b=np.broadcast_to(into.frame[None, :, 0], score.shape),
        )

    def refine(self, a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
        """Score the given pairs of rows at the best of all their moments; arrays of the result are (P,)."""
        parts = []
        for first in range(0, max(len(rows_a), 1), _PAIRS_AT_ONCE):
            some_a, at_a = np.unique(rows_a[first : first + _PAIRS_AT_ONCE], return_inverse=True)
            some_b, at_b = np.unique(rows_b[first : first + _PAIRS_AT_ONCE], return_inverse=True)
            parts.append(_refined(Side.of(a.rows(some_a), OUT), Side.of(b.rows(some_b), IN), at_a, at_b))
        return BlockScores.joined(parts)

    def bytes_per_pair(self) -> int:
        """About twenty float32 matrices at a time."""
        return 96

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """The first and the last moment of each shot with an arrow per cell, as a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(n) for row in rows for n in (frames[row, IN, 0], frames[row, OUT, -1])})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=6, tile_width=_TILE_WIDTH)


@dataclass(frozen=True)
class PairFlow:
    """What moves between two consecutive frames.

    Attributes:
        camera: float64 (4,), right and down in heights, growth, clockwise turn.
        subject: float32 (9, 16, 2), what the camera does not explain, in heights.
        total: float32 (9, 16, 2), all movement that can be trusted, in heights.
    """

    camera: np.ndarray
    subject: np.ndarray
    total: np.ndarray


@dataclass(frozen=True)
class ShotMovement:
    """What is stored of a shot; see `OpticalFlow`."""

    camera: np.ndarray
    subject: np.ndarray
    rest: float
    spectrum: np.ndarray


@dataclass(frozen=True)
class Side:
    """One side of a comparison: N rows with M moments each.

    Attributes:
        frame: int64 (N, M).
        camera: float32 (N, M, 4), such that its length is the root mean square speed.
        subject: float32 (N, M, 288), blurred, the same.
        camera_speed, subject_speed, speed: float32 (N, M), of the camera, of what is filmed, of both.
        blurred_speed: float32 (N, M), of `subject`.
        rest: float32 (N,).
        spectrum: float32 (N, 33).
    """

    frame: np.ndarray
    camera: np.ndarray
    subject: np.ndarray
    camera_speed: np.ndarray
    subject_speed: np.ndarray
    speed: np.ndarray
    blurred_speed: np.ndarray
    rest: np.ndarray
    spectrum: np.ndarray

    @classmethod
    def of(cls, rows: Representation, side: int) -> "Side":
        """Unpack a side."""
        import cv2

        camera = rows.arrays["camera"][:, side] * CAMERA_SCALE
        field = rows.arrays["subject"][:, side].astype(np.float32)
        cells = np.sqrt(rows.arrays["picture_cells"]).astype(np.float32)[:, None]
        numbers = (*field.shape[:2], GRID_HEIGHT * GRID_WIDTH * 2)
        speed = np.linalg.norm(field.reshape(numbers), axis=2) / cells
        flat = field.reshape(-1, GRID_HEIGHT, GRID_WIDTH, 2)
        soft = np.array([cv2.GaussianBlur(one, (0, 0), SUBJECT_BLUR) for one in flat], np.float32)
        subject = soft.reshape(numbers) / cells[..., None]
        camera_speed = np.linalg.norm(camera, axis=2)
        return cls(
            rows.arrays["frame"][:, side],
            camera,
            subject,
            camera_speed,
            speed,
            np.hypot(camera_speed, speed),
            np.linalg.norm(subject, axis=2),
            rows.arrays["rest"],
            rows.arrays["spectrum"],
        )


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


def texture_of(grey: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """How far flow can be trusted, float32 (rows, columns) in [0, 1], by the steps of brightness in each cell.

    Args:
        grey: uint8 (H, W).
        size: columns and rows.
    """
    import cv2

    right, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    steps = cv2.resize(np.hypot(right, down), size, interpolation=cv2.INTER_AREA)
    return np.asarray(np.interp(steps, (NO_TEXTURE, SURE_TEXTURE), (0, 1)), np.float32)


def fit_camera(flow: np.ndarray, places: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """The similarity that explains most of a flow; what moves otherwise has little to say.

    Args:
        flow: float (K, 2), movement to the right and down.
        places: float (K, 2), x and y from the middle of the picture, in the same unit.
        trust: float (K,), in [0, 1].

    Returns:
        float64 (4,): movement to the right and down, growth and clockwise turn (radians); zeros without trust.
    """
    if trust.sum() < 4:
        return np.zeros(4)
    x, y = places.T.astype(np.float64)
    one, nothing = np.ones_like(x), np.zeros_like(x)
    design = np.stack([np.stack([one, nothing, x, -y], axis=1), np.stack([nothing, one, y, x], axis=1)], axis=1)
    camera = np.array([*np.median(flow[trust > 0], axis=0), 0, 0])
    for _ in range(FIT_ROUNDS):
        missed = np.linalg.norm(flow - design @ camera, axis=1)
        spread = max(1.5 * float(np.median(missed[trust > 0])), FIT_NOISE)
        weight = trust / (1 + np.square(missed / spread)) ** 2
        square = np.einsum("kai,kaj,k->ij", design, design, weight) + 1e-9 * np.eye(4)
        camera = np.linalg.solve(square, np.einsum("kai,ka,k->i", design, flow, weight))
    return camera


def camera_field(camera: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Movement (K, 2) that a camera gives to places (K, 2)."""
    right, down, growth, turn = camera
    x, y = places.T
    return np.stack([right + growth * x - turn * y, down + growth * y + turn * x], axis=1)


def _measured(proxy: Proxy, windows: Sequence[list[np.ndarray]]) -> list[ShotMovement]:
    """Movement in all windows, in one pass over the proxy; a shot's pairs are let go when it is over."""
    last_of = [max(int(pairs[-1]) for pairs in of_shot) for of_shot in windows]
    wanted = {pair for of_shot in windows for pairs in of_shot for pair in pairs.tolist()}
    known: dict[int, PairFlow] = {}
    done: list[ShotMovement] = []
    for pair, flow in _flows(proxy, wanted):
        known[pair] = flow
        while len(done) < len(windows) and last_of[len(done)] <= pair:
            done.append(_movement(windows[len(done)], known, proxy.seconds))
            known = {number: kept for number, kept in known.items() if number > pair}
    return done


def _movement(windows: list[np.ndarray], known: Mapping[int, PairFlow], seconds: np.ndarray) -> ShotMovement:
    camera, subject = [], []
    for pairs in windows[:-1]:
        duration = float(np.sum(seconds[pairs + 1] - seconds[pairs]))
        camera.append(np.sum([known[pair].camera for pair in pairs.tolist()], axis=0) / duration)
        subject.append(np.sum([known[pair].subject for pair in pairs.tolist()], axis=0) / duration)
    whole = windows[-1]
    duration = seconds[whole + 1] - seconds[whole]
    total = np.array([known[pair].total for pair in whole.tolist()]) / duration[:, None, None, None]
    speeds = np.sqrt(np.square(total).sum(axis=3).mean(axis=(1, 2)))
    quiet = np.array([np.abs(field) < SUBJECT_NOISE for field in subject]).all(axis=-1, keepdims=True)
    moving = np.where(quiet, 0, np.array(subject))
    return ShotMovement(np.array(camera), moving, float(np.quantile(speeds, 0.1)), spectrum_of(total))


def spectrum_of(flow: np.ndarray) -> np.ndarray:
    """Shares of directions and speeds in a flow, as square roots: the product of two is their Bhattacharyya overlap.

    Args:
        flow: float (..., 2), movement to the right and down, heights per second.

    Returns:
        float32 (33,): 8 directions in 4 bands of speed, the slowest first, and stillness.
    """
    vectors = flow.reshape(-1, 2)
    speed = np.hypot(*vectors.T)
    band = np.searchsorted(SPEED_BANDS, speed, side="right") - 1
    direction = np.rint(np.arctan2(vectors[:, 1], vectors[:, 0]) / (2 * np.pi / DIRECTIONS)).astype(int) % DIRECTIONS
    still = DIRECTIONS * len(SPEED_BANDS)
    place = np.where(band < 0, still, band * DIRECTIONS + direction)
    counts = np.bincount(place, minlength=still + 1)
    return np.sqrt(counts / counts.sum()).astype(np.float32)


def _flows(proxy: Proxy, pairs: set[int]) -> Iterator[tuple[int, PairFlow]]:
    """What moves between each pair of consecutive frames, by the first frame's number, ascending."""
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
            flow = flow_between(before, grey) * to_heights
            yield last, pair_flow(flow, before, (width / FLOW_HEIGHT, height / FLOW_HEIGHT))
        before, last = grey, number


def pair_flow(flow: np.ndarray, grey: np.ndarray, size: tuple[float, float]) -> PairFlow:
    """Split a flow into the camera's and the rest.

    Args:
        flow: float32 (H, W, 2), in heights of the 16:9 picture.
        grey: uint8 (H, W), the picture that moves.
        size: its width and height in those heights.
    """
    import cv2

    columns, rows = max(1, grey.shape[1] // FIT_CELL), max(1, grey.shape[0] // FIT_CELL)
    cells = cv2.resize(flow, (columns, rows), interpolation=cv2.INTER_AREA).reshape(-1, 2)
    trust = texture_of(grey, (columns, rows)).ravel()
    y, x = np.mgrid[:rows, :columns]
    places = np.stack([((x + 0.5) / columns - 0.5) * size[0], ((y + 0.5) / rows - 0.5) * size[1]], axis=-1)
    places = places.reshape(-1, 2)
    camera = fit_camera(cells, places, trust)
    rest = (cells - camera_field(camera, places)) * trust[:, None]

    def laid(field: np.ndarray) -> np.ndarray:
        shaped = np.ascontiguousarray(field.reshape(rows, columns, 2), np.float32)
        return lay_field(shaped, round(size[0] * FLOW_HEIGHT), round(size[1] * FLOW_HEIGHT), GRID_WIDTH, GRID_HEIGHT)

    return PairFlow(camera, laid(rest), laid(cells * trust[:, None]))


def _evenly(values: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the values, evenly spread, the first and the last among them."""
    if len(values) <= count:
        return values
    chosen: np.ndarray = values[np.unique(np.linspace(0, len(values) - 1, count).round().astype(int))]
    return chosen


def _refined(out: Side, into: Side, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """Full scores of pairs of rows at the best of their pairs of moments."""

    def squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        products = np.einsum("pmc,pnc->pmn", a, b)
        return np.square(a).sum(axis=2)[:, :, None] + np.square(b).sum(axis=2)[:, None] - 2 * products

    at_a, at_b = (rows_a, slice(None), None), (rows_b, None)
    subject = _closeness(
        squared(out.subject[rows_a], into.subject[rows_b]),
        out.blurred_speed[at_a],
        into.blurred_speed[at_b],
        SUBJECT_CLOSENESS,
    )
    camera = _closeness(
        squared(out.camera[rows_a], into.camera[rows_b]),
        out.camera_speed[at_a],
        into.camera_speed[at_b],
        CAMERA_CLOSENESS,
    )
    share = _subject_share(
        out.subject_speed[at_a], out.camera_speed[at_a], into.subject_speed[at_b], into.camera_speed[at_b]
    )
    movement = share * subject + (1 - share) * camera
    begun, finished = (
        _change(out.rest[rows_a, None], out.speed[rows_a]),
        _change(into.rest[rows_b, None], into.speed[rows_b]),
    )
    carried = np.sqrt(begun[:, :, None] * finished[:, None])
    spectrum = np.einsum("pc,pc->p", out.spectrum[rows_a], into.spectrum[rows_b])[:, None, None]
    worth = np.sqrt(_movement_worth(out.speed[at_a]) * _movement_worth(into.speed[at_b]))
    score = movement * worth * (CAMERA_WORTH + SUBJECT_WORTH * share + CARRIED_WORTH * carried)
    score *= 1 - SPECTRUM_WEIGHT * (1 - spectrum)
    moments = score.shape[2]
    best = score.reshape(len(score), moments * moments).argmax(axis=1)
    m, n, pairs = best // moments, best % moments, np.arange(len(score))
    chosen = {"movement": movement, "subject_share": share, "camera": camera, "subject": subject, "carried": carried}
    return BlockScores(
        score=np.clip(score[pairs, m, n], 0, 1),
        frame_a=out.frame[rows_a, m],
        frame_b=into.frame[rows_b, n],
        cues={
            **{name: values[pairs, m, n] for name, values in chosen.items()},
            "spectrum": spectrum[:, 0, 0],
            "speed_a": out.speed[rows_a, m],
            "speed_b": into.speed[rows_b, n],
        },
    )


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances, float32 (A, B), of rows (A, C) and (B, C)."""
    return np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * (a @ b.T)


def _closeness(
    squared: np.ndarray, speed_a: np.ndarray, speed_b: np.ndarray, limits: tuple[float, float]
) -> np.ndarray:
    """How alike two movements are, in [0, 1], by the square of their difference and their speeds."""
    faster = np.maximum(np.maximum(speed_a, speed_b), 1e-6)
    difference = np.sqrt(np.maximum(squared, 0)) / faster
    different, nothing = limits
    least = np.exp(-np.square(nothing / different))
    return np.asarray(np.maximum(np.exp(-np.square(difference / different)) - least, 0) / (1 - least), np.float32)


def _subject_share(
    subject_a: np.ndarray, camera_a: np.ndarray, subject_b: np.ndarray, camera_b: np.ndarray
) -> np.ndarray:
    """The share in [0, 1] of what is filmed in the movement of both sides, by energy; arguments are speeds."""
    subject = np.square(subject_a) + np.square(subject_b)
    return np.asarray(subject / np.maximum(subject + np.square(camera_a) + np.square(camera_b), 1e-9), np.float32)


def _movement_worth(speed: np.ndarray) -> np.ndarray:
    return np.asarray(np.interp(speed, (STILL_SPEED, MOVING_SPEED), (0.0, 1.0)), np.float32)


def _change(rest: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """How much faster a shot is at a moment than when it is slowest, in [0, 1]."""
    return np.clip(1 - rest / np.maximum(speed, 1e-6), 0, 1)


def _row_tiles(representation: Representation, row: int, shown: Mapping[int, np.ndarray]) -> Iterator[Tile]:
    """The first and the last moment of a shot with their movement, the camera's included."""
    y, x = np.mgrid[:GRID_HEIGHT, :GRID_WIDTH]
    places = np.stack([(x + 0.5 - GRID_WIDTH / 2) / GRID_HEIGHT, (y + 0.5) / GRID_HEIGHT - 0.5], axis=-1)
    for side, moment, words in ((IN, 0, "starts"), (OUT, -1, "ends")):
        number = int(representation.arrays["frame"][row, side, moment])
        camera = representation.arrays["camera"][row, side, moment]
        subject = representation.arrays["subject"][row, side, moment].astype(np.float32)
        field = camera_field(camera, places.reshape(-1, 2)).reshape(subject.shape) + subject
        told = f"shot {representation.shot[row]} {words}: camera {np.linalg.norm(camera * CAMERA_SCALE):.2f} heights/s"
        yield Tile(_with_arrows(shown[number], field), told)


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
