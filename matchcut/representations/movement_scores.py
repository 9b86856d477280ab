"""How well two movements go on into each other: direction, speed and place, of what is filmed and of the camera.

Both are compared apart, and weighed by what they are worth: a movement of what is filmed most, and more when it begins
in A and comes to rest in B; of camera movements, which any two drifts share, only a fast pan or whip much. Over the
whole shot counts the spectrum of its movement (a histogram of oriented flow, Chaudhry et al., CVPR 2009), not its mean:
a shake has no mean.

Where hardly anything at the picture's ends moves with the camera that was fitted, as when somebody runs before an empty
sky, nobody knows whether the camera moves. There a movement has two *readings*: as it was fitted, and that the camera
stands still and all that moves is filmed. What two sides have in common is the best of their readings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from matchcut.representations.flavor import BlockScores, Representation, scored_in_parts
from matchcut.representations.moments import IN, OUT, coarse_cuts
from matchcut.representations.movement import GRID_HEIGHT, GRID_WIDTH

# What a similarity's four numbers move: growth and turn act over the distance from the middle, 0.59 heights on average
# (root mean square) in a 16:9 picture. Part of `optical_flow.SCORE_ALGORITHM`, as all here.
CAMERA_SCALE = np.array([1, 1, 0.59, 0.59], np.float32)
# What the slower side's root mean square speed, in heights of the 16:9 picture per second, is worth. The slower side's:
# a fast partner makes no better match of a slow movement. What is filmed fills a part of the picture only: a person of
# a twentieth of it who crosses it in three seconds has 0.13, one of a fifth who crosses it in two 0.4. A camera that
# drifts is in every film; a whip pan crosses the picture's width in a second. These were chosen by what is right and
# wrong with the graded candidates of `benchmarks.graded_top` (small legs and walkers far away before arms and walkers
# that are seen, drifts before whips), not by an optimum; the planted movements for tuning do not fall by them.
SUBJECT_SPEEDS, SUBJECT_SPEED_WORTH = (0.02, 0.05, 0.15, 0.3), (0.0, 0.2, 0.6, 1.0)
CAMERA_SPEEDS, CAMERA_SPEED_WORTH = (0.02, 0.15, 0.4, 1.0, 1.8), (0.0, 0.15, 0.35, 0.65, 1.0)
STILL_SPEED = 0.02
# The difference of two movements as a share of the faster: at the first number they are worth 1/e, and from the second
# on nothing at all. Twice as fast differs by 0.5, at a right angle by 1.4. What is filmed has a place and a size beside
# its speed, and what agrees by half only is another movement: with a weaker demand whatever is large and fast came
# before what agrees. A camera's four numbers say all of it, so that two that are right differ by less: the accepted of
# the graded candidates by up to 0.3, half of the others by more. The planted movements for tuning are found as
# often with 0.45 and 0.86 for the camera (recall@10 0.925 against 0.935).
CAMERA_CLOSENESS = 0.25, 0.6
SUBJECT_CLOSENESS = 0.35, 0.9
# Consistency of the flow from which on a movement is worth something, and from which on all. Below lie dust, fire and
# blur, of which nobody sees where they go. Of the graded candidates the accepted have 0.7 and more at nine of ten cuts,
# a fifth of the others less. With 0.6 and 0.9 the planted movements for tuning fall (recall@1 0.71 against 0.735).
CONSISTENCIES = (0.5, 0.8)
CAMERA_WORTH = 0.4  # of the camera's movement, against that of what is filmed
# Support below which the camera is not known. Of the planted movements for tuning, a third of which lie under made-up
# skies, 0.88 are found among the first ten where each is read in one way, 0.925 where those are read in two. Most of
# the others show nothing that moves.
KNOWN_SUPPORT = 0.05
STILL_WORTH = 0.8  # of a movement that is one reading of two
HARDLY_SEEN_WORTH = 0.25  # of a camera's movement without support: a drift past an empty wall
CARRIED_WEIGHT = 0.15  # how much is taken from what does not begin in A and come to rest in B
# How much is taken from what has not gone on in A for a while: an eye that has not followed it sees no way to carry on.
# Chosen on the graded candidates (average precision 0.45 without, 0.48 to 0.53 for 0.6 to 1); among the planted ones,
# which all move steadily, it does nothing.
SUSTAINED_WEIGHT = 0.7
SPECTRUM_WEIGHT = 0.2  # how much another spectrum over the whole shots may take away
SUBJECT_BLUR = 1.5  # cells: a movement may be that far from its place; 1.25 to 2 find as many planted ones
_PAIRS_AT_ONCE = 512


def proposed(a: Representation, b: Representation) -> BlockScores:
    """Every row of `a` against every row of `b` at some moments, without cues; frames are the outermost."""
    out, into = Side.of(a, OUT), Side.of(b, IN)
    score = np.zeros((len(a), len(b)), np.float32)
    for m, n in _readings_of_coarse_cuts(out.frame.shape[1]):
        rows_a, rows_b = np.flatnonzero(out.subject_known[:, m]), np.flatnonzero(into.subject_known[:, n])
        agreement = _agreement(
            _squared(out.subject[rows_a, m], into.subject[rows_b, n]),
            _squared(out.camera[rows_a, m], into.camera[rows_b, n]),
            out.speeds((rows_a, m, None)),
            into.speeds((rows_b, n)),
        )
        block = np.ix_(rows_a, rows_b)
        score[block] = np.maximum(score[block], agreement.score)
    return BlockScores.proposal(score, out.frame, into.frame)


def refined(a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """The given pairs of rows, int64 (P,) each, at the best of all their moments; arrays of the result are (P,)."""

    def some(part_a: np.ndarray, part_b: np.ndarray) -> BlockScores:
        (some_a, at_a), (some_b, at_b) = (np.unique(rows, return_inverse=True) for rows in (part_a, part_b))
        return _refined(Side.of(a.rows(some_a), OUT), Side.of(b.rows(some_b), IN), at_a, at_b)

    return scored_in_parts(some, rows_a, rows_b, _PAIRS_AT_ONCE)


def _readings_of_coarse_cuts(moments: int) -> Iterator[tuple[int, int]]:
    """All readings of the pairs of moments that are compared first, of so many on either side."""
    for m, n in coarse_cuts(moments):
        yield from product((m, m + moments), (n, n + moments))


@dataclass(frozen=True)
class Side:
    """One side of a comparison: N rows with M moments each, which have 2 M readings: as fitted, then as still.

    Attributes:
        frame: int64 (N, M).
        camera: float32 (N, 2 M, 4), such that its length is the root mean square speed.
        subject: float32 (N, 2 M, 288), blurred, the same: what shakes to and fro from cell to cell is no movement.
        camera_speed, subject_speed: float32 (N, 2 M), their lengths.
        camera_known, subject_known: float32 (N, 2 M), what they are worth by how well they are known, in [0, 1]: by
            support and consistency. `subject_known` is 0 for the still readings of moments that have none.
        mover: float32 (N, 2 M, 4), where what is filmed is in the middle of the window, and how fast it goes.
        window: int64 (N, M, 2), first and last frame.
        rate: float32 (N, M), frames per second.
        sustained: float32 (N, 2 M), in [0, 1]; of an outgoing side only.
        rest: float32 (N,).
        spectrum: float32 (N, 33).
    """

    frame: np.ndarray
    camera: np.ndarray
    subject: np.ndarray
    camera_speed: np.ndarray
    subject_speed: np.ndarray
    camera_known: np.ndarray
    subject_known: np.ndarray
    mover: np.ndarray
    window: np.ndarray
    rate: np.ndarray
    sustained: np.ndarray
    rest: np.ndarray
    spectrum: np.ndarray

    @classmethod
    def of(cls, rows: Representation, side: int) -> "Side":
        """Unpack a side."""
        fitted, support = rows.arrays["camera"][:, side] * CAMERA_SCALE, rows.arrays["support"][:, side]
        camera = np.concatenate([fitted, np.zeros_like(fitted)], axis=1)
        clear = np.interp(rows.arrays["consistency"][:, side], CONSISTENCIES, (0, 1)).astype(np.float32)
        support, clear = np.tile(support, 2), np.tile(clear, 2)
        subject_known = np.where(support < KNOWN_SUPPORT, np.float32(STILL_WORTH), 0)
        subject_known[:, : fitted.shape[1]] = 1
        subject = _blurred(rows, side, subject_known > 0)
        return cls(
            rows.arrays["frame"][:, side],
            camera,
            subject,
            np.linalg.norm(camera, axis=2),
            np.linalg.norm(subject, axis=2),
            np.clip(support / KNOWN_SUPPORT, HARDLY_SEEN_WORTH, 1) * clear,
            subject_known * clear,
            np.moveaxis(rows.arrays["mover"][:, side], 2, 1).reshape(*camera.shape),
            rows.arrays["window"][:, side],
            rows.arrays["rate"][:, side],
            np.clip(np.tile(rows.arrays["sustained"], 2), 0, 1),
            rows.arrays["rest"],
            rows.arrays["spectrum"],
        )

    def speeds(self, at: tuple[Any, ...]) -> "Speeds":
        """Speeds at an index of (N, 2 M)."""
        return Speeds(self.subject_speed[at], self.camera_speed[at], self.subject_known[at], self.camera_known[at])

    def frame_after(self, seconds: np.ndarray, row: np.ndarray, moment: np.ndarray) -> np.ndarray:
        """Frames to cut at, int64 (P,), so much later than at these moments, as far as the windows go."""
        moved = self.frame[row, moment] + np.rint(seconds * self.rate[row, moment]).astype(np.int64)
        return np.clip(moved, *np.moveaxis(self.window[row, moment], -1, 0))


def _blurred(rows: Representation, side: int, is_read: np.ndarray) -> np.ndarray:
    """What is filmed in every reading, float32 (N, 2 M, 288), zero where `is_read`, bool (N, 2 M), is not."""
    import cv2

    moments = is_read.shape[1] // 2
    soft = np.zeros((*is_read.shape, GRID_HEIGHT, GRID_WIDTH, 2), np.float32)
    for row, reading in zip(*np.nonzero(is_read), strict=True):
        field = rows.arrays["subject" if reading < moments else "total"][row, side, reading % moments]
        soft[row, reading] = cv2.GaussianBlur(field.astype(np.float32), (0, 0), SUBJECT_BLUR)
    soft /= np.sqrt(rows.arrays["picture_cells"]).astype(np.float32)[:, None, None, None, None]
    return soft.reshape(*is_read.shape, GRID_HEIGHT * GRID_WIDTH * 2)


@dataclass(frozen=True)
class Speeds:
    """Root mean square speeds, heights of the 16:9 picture per second, float32 of any one shape.

    Attributes:
        subject: of what is filmed.
        camera: of the camera.
        subject_known, camera_known: what they are worth by how well they are known, in [0, 1].
    """

    subject: np.ndarray
    camera: np.ndarray
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


def _refined(out: Side, into: Side, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """Full scores of pairs of rows at the best of their pairs of moments and readings."""

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
    sustained = np.broadcast_to(out.sustained[rows_a, :, None], carried.shape)
    score = (
        agreement.score
        * (1 - CARRIED_WEIGHT * (1 - carried))
        * (1 - SPECTRUM_WEIGHT * (1 - spectrum))
        * (1 - SUSTAINED_WEIGHT * (1 - sustained))
    )
    readings, moments = score.shape[2], out.frame.shape[1]
    best = score.reshape(len(score), readings * readings).argmax(axis=1)
    m, n, pairs = best // readings, best % readings, np.arange(len(score))
    is_of_subject = agreement.share[pairs, m, n] > 0.5
    late = np.where(is_of_subject, _late(out.mover[rows_a, m], into.mover[rows_b, n]), 0)
    movement = agreement.share * agreement.subject + (1 - agreement.share) * agreement.camera
    chosen = {
        "movement": movement,
        "subject_share": agreement.share,
        "camera": agreement.camera,
        "subject": agreement.subject,
        "carried": carried,
        "sustained": sustained,
    }
    return BlockScores(
        score=np.clip(score[pairs, m, n], 0, 1),
        frame_a=out.frame_after(late / 2, rows_a, m % moments),
        frame_b=into.frame_after(-late / 2, rows_b, n % moments),
        cues={
            **{name: values[pairs, m, n] for name, values in chosen.items()},
            "spectrum": spectrum[:, 0, 0],
            "speed_a": out.speeds((rows_a, m)).total,
            "speed_b": into.speeds((rows_b, n)).total,
        },
    )


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
    of_subject = np.interp(np.minimum(a.subject, b.subject), SUBJECT_SPEEDS, SUBJECT_SPEED_WORTH)
    of_camera = np.interp(np.minimum(a.camera, b.camera), CAMERA_SPEEDS, CAMERA_SPEED_WORTH) * CAMERA_WORTH
    of_subject = of_subject * np.minimum(a.subject_known, b.subject_known)
    of_camera = of_camera * np.minimum(a.camera_known, b.camera_known)
    score = share * subject * of_subject + (1 - share) * camera * of_camera
    return Agreement(subject, camera, np.asarray(share, np.float32), np.asarray(score, np.float32))


def _change(rest: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """How much faster a shot is at a moment than when it is slowest, in [0, 1]."""
    return np.clip(1 - rest / np.maximum(speed, 1e-6), 0, 1)
