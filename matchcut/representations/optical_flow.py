"""Action match: the same movement carried on over the cut.

Each shot keeps how it moves just before the moments at which it may be left and just after those at which it may be
entered, split in two (`movement.py`): what the camera does and what moves before it, on a coarse grid. A cut is good
when both go on: same direction, speed and place. What hardly moves matches nothing, nor does water or smoke, whose
parts go other ways from frame to frame. A movement of what is filmed is worth most, and more when it begins in A and
comes to rest in B; of camera movements, which any two drifts share, only a fast pan or whip is worth much. Over the
whole shot counts the spectrum of its movement (a histogram of oriented flow, Chaudhry et al., CVPR 2009), not its mean:
a shake has no mean.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from matchcut.pictures import Tile, sheet, thumbnails
from matchcut.proxy import Proxy
from matchcut.representations.flavor import BlockScores, Representation, UsableShots
from matchcut.representations.grid import picture_box
from matchcut.representations.moments import IN, OUT, MomentParameters, cut_moments
from matchcut.representations.movement import (
    DIRECTIONS,
    FLOW_HEIGHT,
    FLOW_WIDTH,
    GRID_HEIGHT,
    GRID_WIDTH,
    SPEED_BANDS,
    PairFlow,
    camera_field,
    flow_between,
    pair_flow,
    spectrum_of,
)

ALGORITHM = "3"
SCORE_ALGORITHM = "3"

SUBJECT_NOISE = 0.03  # heights per second by which flow beside the camera's is wrong without anything moving
# What a similarity's four numbers move: growth and turn act over the distance from the middle, 0.59 heights on average
# (root mean square) in a 16:9 picture. From here on part of SCORE_ALGORITHM.
CAMERA_SCALE = np.array([1, 1, 0.59, 0.59], np.float32)
# What the slower side's root mean square speed, in heights of the 16:9 picture per second, is worth. The slower side's:
# a fast partner makes no better match of a slow movement. What is filmed fills a part of the picture only: a person of
# a twentieth of it who crosses it in three seconds has 0.13. A camera that drifts is in every film; a whip pan exceeds
# 1. These, CAMERA_WORTH, SUBJECT_CLOSENESS and SUBJECT_BLUR were chosen among 36 combinations by the graded candidates
# of `benchmarks.graded_top`; the planted movements for tuning tell them apart by two queries in 200.
SUBJECT_SPEEDS, SUBJECT_SPEED_WORTH = (0.02, 0.05, 0.15), (0.0, 0.3, 1.0)
CAMERA_SPEEDS, CAMERA_SPEED_WORTH = (0.02, 0.15, 0.4, 1.0), (0.0, 0.15, 0.5, 1.0)
STILL_SPEED = 0.02
# The difference of two movements as a share of the faster: at the first number they are worth 1/e, and from the second
# (eight times as fast, of a camera) on nothing at all. Twice as fast differs by 0.5, at a right angle by 1.4. What is
# filmed has a shape and a place beside its speed: it may differ a little more.
CAMERA_CLOSENESS = 0.55, 0.86
SUBJECT_CLOSENESS = 0.55, 0.9
CAMERA_WORTH = 0.4  # of the camera's movement, against that of what is filmed
CARRIED_WEIGHT = 0.15  # how much is taken from what does not begin in A and come to rest in B
SPECTRUM_WEIGHT = 0.2  # how much another spectrum over the whole shots may take away
SUBJECT_BLUR = 2.0  # cells: a movement may be that far from its place
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
            agreement = _agreement(
                _squared(out.subject[:, m], into.subject[:, n]),
                _squared(out.camera[:, m], into.camera[:, n]),
                out.speeds((slice(None), m, None)),
                into.speeds((slice(None), n)),
            )
            np.maximum(score, agreement.score, out=score)
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
        subject: float32 (N, M, 288), blurred, the same: what shakes to and fro from cell to cell is no movement.
        camera_speed, subject_speed: float32 (N, M), their lengths.
        rest: float32 (N,).
        spectrum: float32 (N, 33).
    """

    frame: np.ndarray
    camera: np.ndarray
    subject: np.ndarray
    camera_speed: np.ndarray
    subject_speed: np.ndarray
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
        flat = field.reshape(-1, GRID_HEIGHT, GRID_WIDTH, 2)
        soft = np.array([cv2.GaussianBlur(one, (0, 0), SUBJECT_BLUR) for one in flat], np.float32)
        subject = soft.reshape(numbers) / cells[..., None]
        camera_speed = np.linalg.norm(camera, axis=2)
        return cls(
            rows.arrays["frame"][:, side],
            camera,
            subject,
            camera_speed,
            np.linalg.norm(subject, axis=2),
            rows.arrays["rest"],
            rows.arrays["spectrum"],
        )

    def speeds(self, at: tuple[Any, ...]) -> "Speeds":
        """Speeds at an index of (N, M)."""
        return Speeds(self.subject_speed[at], self.camera_speed[at])


@dataclass(frozen=True)
class Speeds:
    """Root mean square speeds, heights of the 16:9 picture per second, float32 of any one shape.

    Attributes:
        subject: of what is filmed.
        camera: of the camera.
    """

    subject: np.ndarray
    camera: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Of both."""
        return np.hypot(self.subject, self.camera)


@dataclass(frozen=True)
class Agreement:
    """How far two movements agree, each in [0, 1].

    Attributes:
        subject: of what is filmed.
        camera: of the camera.
        share: of what is filmed in the movement.
        score: both, weighted by what the movement is worth.
    """

    subject: np.ndarray
    camera: np.ndarray
    share: np.ndarray
    score: np.ndarray


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
        subject.append(steady(np.array([known[pair].subject for pair in pairs.tolist()])) / duration)
    whole = windows[-1]
    duration = seconds[whole + 1] - seconds[whole]
    total = np.array([known[pair].total for pair in whole.tolist()]) / duration[:, None, None, None]
    speeds = np.sqrt(np.square(total).sum(axis=3).mean(axis=(1, 2)))
    quiet = np.array([np.abs(field) < SUBJECT_NOISE for field in subject]).all(axis=-1, keepdims=True)
    moving = np.where(quiet, 0, np.array(subject))
    return ShotMovement(np.array(camera), moving, float(np.quantile(speeds, 0.1)), spectrum_of(total))


def steady(flows: np.ndarray) -> np.ndarray:
    """The way that each cell goes over consecutive flows, less where it goes to and fro, as water and smoke do.

    Args:
        flows: float (K, H, W, 2), movement to the right and down.

    Returns:
        float (H, W, 2), the sum, times the share that it is of the whole length of the way.
    """
    way = flows.sum(axis=0)
    walked = np.linalg.norm(flows, axis=3).sum(axis=0)[..., None]
    share = np.divide(np.linalg.norm(way, axis=2, keepdims=True), walked, out=np.zeros_like(walked), where=walked > 0)
    return np.asarray(way * share)


def _flows(proxy: Proxy, pairs: set[int]) -> Iterator[tuple[int, PairFlow]]:
    """What moves between each pair of consecutive frames, by the first frame's number, ascending."""
    _, _, width, height = picture_box(proxy.record.width, proxy.record.height, FLOW_WIDTH, FLOW_HEIGHT)
    wanted = {frame for pair in pairs for frame in (pair, pair + 1)}
    before, last = None, -2
    # DIS needs pictures of some size; extreme strips are stretched to it, and their flow shrunk back.
    size = max(width, 32), max(height, 32)
    to_heights = np.array([width / size[0], height / size[1]], np.float32) / FLOW_HEIGHT
    for number, grey in proxy.brightness_at(wanted, size=size):
        if before is not None and last in pairs and number == last + 1:
            flow = flow_between(before, grey) * to_heights
            yield last, pair_flow(flow, before, (width / FLOW_HEIGHT, height / FLOW_HEIGHT))
        before, last = grey, number


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

    speeds_a, speeds_b = out.speeds((rows_a, slice(None), None)), into.speeds((rows_b, None))
    agreement = _agreement(
        squared(out.subject[rows_a], into.subject[rows_b]),
        squared(out.camera[rows_a], into.camera[rows_b]),
        speeds_a,
        speeds_b,
    )
    begun = _change(out.rest[rows_a, None, None], speeds_a.total)
    carried = np.sqrt(begun * _change(into.rest[rows_b, None, None], speeds_b.total))
    spectrum = np.einsum("pc,pc->p", out.spectrum[rows_a], into.spectrum[rows_b])[:, None, None]
    score = agreement.score * (1 - CARRIED_WEIGHT * (1 - carried)) * (1 - SPECTRUM_WEIGHT * (1 - spectrum))
    moments = score.shape[2]
    best = score.reshape(len(score), moments * moments).argmax(axis=1)
    m, n, pairs = best // moments, best % moments, np.arange(len(score))
    movement = agreement.share * agreement.subject + (1 - agreement.share) * agreement.camera
    chosen = {
        "movement": movement,
        "subject_share": agreement.share,
        "camera": agreement.camera,
        "subject": agreement.subject,
        "carried": carried,
    }
    return BlockScores(
        score=np.clip(score[pairs, m, n], 0, 1),
        frame_a=out.frame[rows_a, m],
        frame_b=into.frame[rows_b, n],
        cues={
            **{name: values[pairs, m, n] for name, values in chosen.items()},
            "spectrum": spectrum[:, 0, 0],
            "speed_a": out.speeds((rows_a, m)).total,
            "speed_b": into.speeds((rows_b, n)).total,
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


def _agreement(subject: np.ndarray, camera: np.ndarray, a: Speeds, b: Speeds) -> Agreement:
    """How far movements agree, from the squares of their differences and their speeds, all of shapes that broadcast."""
    subject = _closeness(subject, a.subject, b.subject, SUBJECT_CLOSENESS)
    camera = _closeness(camera, a.camera, b.camera, CAMERA_CLOSENESS)
    energy = np.square(a.subject) + np.square(b.subject)
    share = energy / np.maximum(energy + np.square(a.camera) + np.square(b.camera), 1e-9)
    of_subject = np.interp(np.minimum(a.subject, b.subject), SUBJECT_SPEEDS, SUBJECT_SPEED_WORTH)
    of_camera = np.interp(np.minimum(a.camera, b.camera), CAMERA_SPEEDS, CAMERA_SPEED_WORTH) * CAMERA_WORTH
    score = share * subject * of_subject + (1 - share) * camera * of_camera
    return Agreement(subject, camera, np.asarray(share, np.float32), np.asarray(score, np.float32))


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
