"""How well two movements go on into each other: direction, speed and place, of what is filmed and of the camera.

Both are compared apart, and weighed by what they are worth: a movement of what is filmed most, and more when it begins
in A and comes to rest in B; of camera movements, which any two drifts share, only a fast pan or whip much, and only
where something moves before it. Over the whole shot counts the spectrum of its movement (a histogram of oriented flow,
Chaudhry et al., CVPR 2009), not its mean: a shake has no mean.

What moves is in one place for a frame or two only, so that every frame of A is compared with every frame of B; and any
two shots agree by chance for a frame or two, so that a cut is worth what both have in common over a quarter of a second
around it, frame by frame.

Where hardly anything at the picture's ends moves with the camera that was fitted, as when somebody runs before an empty
sky, nobody knows whether the camera moves. There a movement has two *readings*: as it was fitted, and that the camera
stands still and all that moves is filmed. What two sides have in common is the best of their readings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from matchcut.representations.flavor import BlockScores, Representation, scored_in_parts
from matchcut.representations.moments import IN, OUT
from matchcut.representations.movement import GRID_HEIGHT, GRID_WIDTH

# What a similarity's four numbers move: growth and turn act over the distance from the middle, 0.59 heights on average
# (root mean square) in a 16:9 picture. Part of `optical_flow.SCORE_ALGORITHM`, as all here.
CAMERA_SCALE = np.array([1, 1, 0.59, 0.59], np.float32)
# What the slower side is worth: a fast partner makes no better match of a slow movement. Of what is filmed first counts
# its pace, how fast goes what goes, in heights of the 16:9 picture per second, whatever its size: a person who crosses
# the picture in two seconds has 0.9, a pot that is tilted 0.25. Of all that was measured on the graded candidates it
# tells the accepted best from the others, and without it planted movements for tuning are less often found first.
# Then counts the root mean square speed over the picture, which grows with the size.
PACES, PACE_WORTH = (0.15, 0.4, 0.8), (0.0, 0.5, 1.0)
SUBJECT_SPEEDS, SUBJECT_SPEED_WORTH = (0.02, 0.05, 0.15, 0.3), (0.0, 0.6, 0.85, 1.0)
# A camera that drifts is in every film; a whip pan crosses the picture's width in a second.
CAMERA_SPEEDS, CAMERA_SPEED_WORTH = (0.02, 0.15, 0.4, 1.0, 1.8), (0.0, 0.15, 0.35, 0.65, 1.0)
STILL_SPEED = 0.02
# The difference of two movements as a share of the faster: at the first number they are worth 1/e, and from the second
# on nothing at all. Twice as fast differs by 0.5, at a right angle by 1.4. Among all pairs of frames of two shots some
# agree by half; only what agrees further is one movement.
CAMERA_CLOSENESS = 0.25, 0.6
SUBJECT_CLOSENESS = 0.3, 0.9
# Consistency of the flow from which on a movement is worth something, and from which on all. Below lie dust, fire and
# blur, of which nobody sees where they go. Of the graded candidates the accepted have 0.7 and more at nine of ten cuts,
# a fifth of the others less.
CONSISTENCIES = (0.5, 0.8)
CAMERA_WORTH = 0.4  # of the camera's movement, against that of what is filmed
NOTHING_FILMED_WORTH = 0.3  # of a camera's movement past what does not move: a wall, dunes
# Support below which the camera is not known. Of the planted movements for tuning, a third of which lie under made-up
# skies, 0.88 are found among the first ten where each is read in one way, 0.925 where those are read in two. Most of
# the others show nothing that moves.
KNOWN_SUPPORT = 0.05
STILL_WORTH = 0.8  # of a movement that is one reading of two
HARDLY_SEEN_WORTH = 0.25  # of a camera's movement without support: a drift past an empty wall
CARRIED_WEIGHT = 0.15  # how much is taken from what does not begin in A and come to rest in B
# How much is taken from what has not gone on in A for a while: an eye that has not followed it sees no way to carry on.
SUSTAINED_WEIGHT = 0.8
SPECTRUM_WEIGHT = 0.2  # how much another spectrum over the whole shots may take away
SUBJECT_BLUR = 1.5  # cells: a movement may be that far from its place; 1.25 to 2 find as many planted ones
HELD_MOMENTS = 3  # before and after a cut at which both have to agree: an eighth of a second each
# Every other moment is enough to propose a pair: what agrees does so for three moments or more. So is every other cell.
_PROPOSED_STEP = _PROPOSED_CELLS = 2
_FITTED, _STILL = range(2)  # readings
_PAIRS_AT_ONCE = _ROWS_AT_ONCE = 256


def proposed(a: Representation, b: Representation) -> BlockScores:
    """Every row of `a` against every row of `b` at some moments, without cues; frames are the outermost."""
    every_other = slice(None, None, _PROPOSED_STEP)
    out, into = Side.of(a, OUT, every_other), Side.of(b, IN, every_other)
    score = np.zeros((len(a), len(b)), np.float32)
    for first, second in product(_moving(out), _moving(into)):
        _propose(score, out, into, first, second)
    return BlockScores.proposal(score, a.arrays["frame"][:, OUT], b.arrays["frame"][:, IN])


def refined(a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """The given pairs of rows, int64 (P,) each, at the best of all their moments; arrays of the result are (P,)."""
    tile = rows_a // _ROWS_AT_ONCE * (len(b) // _ROWS_AT_ONCE + 1) + rows_b // _ROWS_AT_ONCE
    order = np.argsort(tile, kind="stable")
    tiles = np.split(order, np.flatnonzero(np.diff(tile[order])) + 1)
    found = BlockScores.joined([_refined_tile(a, b, rows_a[which], rows_b[which]) for which in tiles])
    back = np.argsort(order)
    cues = {name: values[back] for name, values in found.cues.items()}
    return BlockScores(found.score[back], found.frame_a[back], found.frame_b[back], cues)


def _refined_tile(a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """Pairs of a few rows, which are unpacked once."""
    (some_a, at_a), (some_b, at_b) = (np.unique(rows, return_inverse=True) for rows in (rows_a, rows_b))
    out, into = Side.of(a.rows(some_a), OUT), Side.of(b.rows(some_b), IN)
    return scored_in_parts(partial(_refined, out, into), at_a, at_b, _PAIRS_AT_ONCE)


@dataclass(frozen=True)
class Side:
    """One side of a comparison: N rows with 2 readings, as fitted and as still, of each of M moments.

    Attributes:
        frame: int64 (N, M).
        is_moment: bool (N, M); the others only fill up the row of a shorter shot.
        camera: float32 (N, 2, M, 4), such that its length is the root mean square speed.
        subject: float32 (N, 2, M, 288), blurred, the same: what shakes to and fro from cell to cell is no movement.
        camera_speed, subject_speed: float32 (N, 2, M), their lengths.
        subject_worth, camera_worth: float32 (N, 2, M), what these speeds are worth, in [0, 1].
        pace_worth: float32 (N, 2, M), the same for the pace of what is filmed.
        camera_known, subject_known: float32 (N, 2, M), what they are worth by how well they are known, in [0, 1]: by
            support and consistency. 0 for the still readings of moments that have none.
        mover: float32 (N, 2, M, 4), where what is filmed is in the middle of the window, and how fast it goes.
        window: int64 (N, M, 2), first and last frame.
        rate: float32 (N, M), frames per second.
        sustained: float32 (N, M), in [0, 1].
        rest: float32 (N,).
        spectrum: float32 (N, 33).
    """

    frame: np.ndarray
    is_moment: np.ndarray
    camera: np.ndarray
    subject: np.ndarray
    camera_speed: np.ndarray
    subject_speed: np.ndarray
    subject_worth: np.ndarray
    camera_worth: np.ndarray
    pace_worth: np.ndarray
    camera_known: np.ndarray
    subject_known: np.ndarray
    mover: np.ndarray
    window: np.ndarray
    rate: np.ndarray
    sustained: np.ndarray
    rest: np.ndarray
    spectrum: np.ndarray

    @classmethod
    def of(cls, rows: Representation, side: int, moments: slice = slice(None)) -> "Side":
        """Unpack some moments of a side."""
        of_side = {name: rows.arrays[name][:, side, moments] for name in _STORED_PER_MOMENT}
        frame, fitted = of_side["frame"], of_side["camera"] * CAMERA_SCALE
        is_moment = np.diff(frame, axis=1, prepend=-1) > 0  # the last one is repeated to fill the row
        clear = np.interp(of_side["consistency"], CONSISTENCIES, (0, 1)) * is_moment
        seen = np.clip(of_side["support"] / KNOWN_SUPPORT, HARDLY_SEEN_WORTH, 1)
        is_doubted = of_side["support"] < KNOWN_SUPPORT
        known = np.stack([clear, clear * is_doubted * STILL_WORTH], axis=1).astype(np.float32)
        camera = np.stack([fitted, np.zeros_like(fitted)], axis=1)
        subject, pace = _unpacked(of_side, known > 0, rows.arrays["picture_cells"])
        camera_speed, subject_speed = np.linalg.norm(camera, axis=3), np.linalg.norm(subject, axis=3)
        return cls(
            frame,
            is_moment,
            camera,
            subject,
            camera_speed,
            subject_speed,
            np.interp(subject_speed, SUBJECT_SPEEDS, SUBJECT_SPEED_WORTH).astype(np.float32),
            np.interp(camera_speed, CAMERA_SPEEDS, CAMERA_SPEED_WORTH).astype(np.float32),
            np.interp(pace, PACES, PACE_WORTH).astype(np.float32),
            (np.stack([seen, seen], axis=1) * clear[:, None]).astype(np.float32),
            known,
            np.moveaxis(of_side["mover"], 2, 1),
            of_side["window"],
            of_side["rate"],
            np.clip(of_side["sustained"], 0, 1),
            rows.arrays["rest"],
            rows.arrays["spectrum"],
        )

    def speeds(self, at: tuple[Any, ...]) -> "Speeds":
        """Speeds at an index of (N, 2, M)."""
        speeds = self.subject_speed, self.camera_speed
        worths = self.subject_worth, self.pace_worth, self.camera_worth
        return Speeds(*(values[at] for values in (*speeds, *worths, self.subject_known, self.camera_known)))

    def frame_after(self, seconds: np.ndarray, row: np.ndarray, moment: np.ndarray) -> np.ndarray:
        """Frames to cut at, int64 (P,), so much later than at these moments, as far as the windows go."""
        moved = self.frame[row, moment] + np.rint(seconds * self.rate[row, moment]).astype(np.int64)
        return np.clip(moved, *np.moveaxis(self.window[row, moment], -1, 0))

    def coarse(self) -> np.ndarray:
        """What is filmed on every other cell, float32 (N, 2, M, 80); lengths stay about the same."""
        readings = self.subject.shape[:3]
        grid = self.subject.reshape(*readings, GRID_HEIGHT, GRID_WIDTH, 2)
        some = grid[..., ::_PROPOSED_CELLS, ::_PROPOSED_CELLS, :] * _PROPOSED_CELLS
        return some.reshape(*readings, np.prod(some.shape[3:]))


_STORED_PER_MOMENT = (
    "frame",
    "window",
    "rate",
    "camera",
    "subject",
    "total",
    "mover",
    "support",
    "consistency",
    "sustained",
)


def _unpacked(
    stored: dict[str, np.ndarray], is_read: np.ndarray, picture_cells: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is filmed in every reading, float32 (N, 2, M, 288), and its pace, (N, 2, M).

    Args:
        stored: arrays of one side.
        is_read: bool (N, 2, M); the others are zero.
        picture_cells: int64 (N,).
    """
    flow = np.stack([stored["subject"], stored["total"]], axis=1).astype(np.float32)
    flow *= is_read[..., None, None, None]
    squared = np.square(flow).sum(axis=-1)
    energy = squared.sum(axis=(-2, -1))
    pace = np.sqrt(np.square(squared).sum(axis=(-2, -1)) / np.maximum(energy, 1e-9))
    rows = _blur_of(GRID_HEIGHT) @ flow.reshape(*is_read.shape, GRID_HEIGHT, GRID_WIDTH * 2)
    soft = rows @ np.kron(_blur_of(GRID_WIDTH), np.eye(2, dtype=np.float32)).T
    soft /= np.sqrt(picture_cells).astype(np.float32)[:, None, None, None, None]
    return soft.reshape(*is_read.shape, GRID_HEIGHT * GRID_WIDTH * 2), pace


def _blur_of(size: int) -> np.ndarray:
    """The matrix, float32 (size, size), that blurs a column of cells: one product for all moments is soon made."""
    import cv2

    kernel = cv2.getGaussianKernel(2 * round(4 * SUBJECT_BLUR) + 1, SUBJECT_BLUR)
    return np.asarray(cv2.sepFilter2D(np.eye(size, dtype=np.float32), -1, np.ones(1), kernel))


@dataclass(frozen=True)
class Speeds:
    """Root mean square speeds, heights of the 16:9 picture per second, float32 of any one shape.

    Attributes:
        subject: of what is filmed.
        camera: of the camera.
        subject_worth, pace_worth, camera_worth: what these speeds, and the pace, are worth, in [0, 1].
        subject_known, camera_known: what they are worth by how well they are known, in [0, 1].
    """

    subject: np.ndarray
    camera: np.ndarray
    subject_worth: np.ndarray
    pace_worth: np.ndarray
    camera_worth: np.ndarray
    subject_known: np.ndarray
    camera_known: np.ndarray

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


@dataclass(frozen=True)
class Moving:
    """The K rows of a side that have one reading of one moment, and in which something moves.

    Attributes:
        at: index of (N, 2, M): the rows, int64 (K,), the reading and the moment.
        subject: float32 (K, 80), on every other cell, and `subject_length`, float32 (K,).
        camera: float32 (K, 4), and `camera_length`, float32 (K,).
    """

    at: tuple[np.ndarray, int, int]
    subject: np.ndarray
    subject_length: np.ndarray
    camera: np.ndarray
    camera_length: np.ndarray


def _moving(side: Side) -> Iterator[Moving]:
    """All readings of moments of a side that some rows have."""
    moves = side.subject_known * np.maximum(side.subject_speed, side.camera_speed) > STILL_SPEED
    coarse = side.coarse()
    for reading, moment in product((_FITTED, _STILL), range(side.frame.shape[1])):
        at = np.flatnonzero(moves[:, reading, moment]), reading, moment
        if len(at[0]):
            yield Moving(at, coarse[at], np.linalg.norm(coarse[at], axis=1), side.camera[at], side.camera_speed[at])


def _propose(score: np.ndarray, out: Side, into: Side, a: Moving, b: Moving) -> None:
    """Raise scores (A, B) to what the rows have in common in one reading of one moment each, where it is more."""
    subject, camera = _squared(a.subject, b.subject), _squared(a.camera, b.camera)
    faster = np.maximum(a.subject_length[:, None], b.subject_length)
    faster_camera = np.maximum(a.camera_length[:, None], b.camera_length)
    # Nearly all pairs have nothing in common, which is soon seen.
    near = (subject < np.square(SUBJECT_CLOSENESS[1] * faster)) | (
        camera < np.square(CAMERA_CLOSENESS[1] * faster_camera)
    )
    i, j = np.nonzero(near)
    rows_a, rows_b = a.at[0][i], b.at[0][j]
    speeds_a, speeds_b = out.speeds((rows_a, *a.at[1:])), into.speeds((rows_b, *b.at[1:]))
    agreement = _agreement(subject[i, j], camera[i, j], speeds_a, speeds_b)
    found = agreement.score * (1 - SUSTAINED_WEIGHT * (1 - out.sustained[rows_a, a.at[2]]))
    np.maximum.at(score, (rows_a, rows_b), found)


def _refined(out: Side, into: Side, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """Full scores of pairs of rows at the best of their pairs of moments and readings."""
    best = _best_of_reading(out, into, rows_a, rows_b, _FITTED, _FITTED)
    doubted_a, doubted_b = (side.subject_known[:, _STILL].max(axis=1, initial=0) > 0 for side in (out, into))
    for reading_a, reading_b in ((_FITTED, _STILL), (_STILL, _FITTED), (_STILL, _STILL)):
        is_read = (doubted_a[rows_a] | (reading_a == _FITTED)) & (doubted_b[rows_b] | (reading_b == _FITTED))
        which = np.flatnonzero(is_read)
        if len(which):
            other = _best_of_reading(out, into, rows_a[which], rows_b[which], reading_a, reading_b)
            better = other["score"] > best["score"][which]
            for name, values in best.items():
                values[which[better]] = other[name][better]
    cues = {name: values for name, values in best.items() if name not in ("score", "frame_a", "frame_b")}
    return BlockScores(np.clip(best["score"], 0, 1), best["frame_a"], best["frame_b"], cues)


def _best_of_reading(
    out: Side, into: Side, rows_a: np.ndarray, rows_b: np.ndarray, reading_a: int, reading_b: int
) -> dict[str, np.ndarray]:
    """Score, frames and cues of pairs of rows in one reading, (P,) each, at the best of their moments."""

    def squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        lengths = np.square(a).sum(axis=2)[:, :, None] + np.square(b).sum(axis=2)[:, None]
        return np.asarray(lengths - 2 * (a @ b.transpose(0, 2, 1)))

    at_a, at_b = (rows_a, reading_a), (rows_b, reading_b)
    speeds_a, speeds_b = out.speeds((*at_a, slice(None), None)), into.speeds((*at_b, None))
    agreement = _agreement(
        squared(out.subject[at_a], into.subject[at_b]),
        squared(out.camera[at_a], into.camera[at_b]),
        speeds_a,
        speeds_b,
    )
    begun = _change(out.rest[rows_a, None, None], speeds_a.total)
    carried = np.sqrt(begun * _change(into.rest[rows_b, None, None], speeds_b.total))
    spectrum = np.einsum("pc,pc->p", out.spectrum[rows_a], into.spectrum[rows_b])
    sustained = np.broadcast_to(out.sustained[rows_a, :, None], carried.shape)
    score = (
        agreement.score
        * (1 - CARRIED_WEIGHT * (1 - carried))
        * (1 - SPECTRUM_WEIGHT * (1 - spectrum[:, None, None]))
        * (1 - SUSTAINED_WEIGHT * (1 - sustained))
    )
    held = _held(score, out.is_moment[rows_a][:, :, None] & into.is_moment[rows_b][:, None])
    pairs = np.arange(len(held))
    m, n = np.unravel_index(held.reshape(len(held), np.prod(held.shape[1:])).argmax(axis=1), held.shape[1:])
    at = (pairs, m, n)
    share = agreement.share[at]
    late = np.where(share > 0.5, _late(out.mover[(*at_a, m)], into.mover[(*at_b, n)]), 0)
    return {
        "score": held[at],
        "frame_a": out.frame_after(late / 2, rows_a, m),
        "frame_b": into.frame_after(-late / 2, rows_b, n),
        "movement": share * agreement.subject[at] + (1 - share) * agreement.camera[at],
        "subject_share": share,
        "camera": agreement.camera[at],
        "subject": agreement.subject[at],
        "carried": carried[at],
        "sustained": sustained[at],
        "spectrum": spectrum,
        "speed_a": out.speeds((*at_a, m)).total,
        "speed_b": into.speeds((*at_b, n)).total,
    }


def _held(score: np.ndarray, is_cut: np.ndarray) -> np.ndarray:
    """The mean of a score, float32 (P, M, N), over a cut and those as much earlier or later in both shots.

    Args:
        score: of every cut; where it is 0 the mean is too.
        is_cut: bool (P, M, N); the others are not counted.
    """
    _, rows, columns = score.shape
    score = np.where(is_cut, score, 0)
    around = ((0, 0), (HELD_MOMENTS, HELD_MOMENTS), (HELD_MOMENTS, HELD_MOMENTS))
    scores, counted = np.pad(score, around), np.pad(is_cut, around)
    steps = [np.s_[:, step : step + rows, step : step + columns] for step in range(2 * HELD_MOMENTS + 1)]
    total, count = sum(scores[step] for step in steps), sum(counted[step].astype(np.int32) for step in steps)
    return np.where(score > 0, total / np.maximum(count, 1), 0)


def _late(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Seconds after which what moves in A, rows (P, 4) of `mover`, is where it is in B."""
    speed = (a[:, 2:] + b[:, 2:]) / 2
    ahead = ((b[:, :2] - a[:, :2]) * speed).sum(axis=1)
    return np.asarray(ahead / np.maximum(np.square(speed).sum(axis=1), 1e-9))


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
    # Worths grow with the speed, so that the lesser worth is that of the slower side.
    of_subject, of_camera, goes = (
        np.minimum(getattr(a, name), getattr(b, name)) for name in ("subject_worth", "camera_worth", "pace_worth")
    )
    of_subject = of_subject * goes * np.minimum(a.subject_known, b.subject_known)
    of_camera = of_camera * CAMERA_WORTH * (NOTHING_FILMED_WORTH + (1 - NOTHING_FILMED_WORTH) * goes)
    of_camera = of_camera * np.minimum(a.camera_known, b.camera_known)
    score = share * subject * of_subject + (1 - share) * camera * of_camera
    return Agreement(subject, camera, np.asarray(share, np.float32), np.asarray(score, np.float32))


def _change(rest: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """How much faster a shot is at a moment than when it is slowest, in [0, 1]."""
    return np.clip(1 - rest / np.maximum(speed, 1e-6), 0, 1)
