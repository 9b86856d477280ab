"""How well two movements go on into each other: direction, speed and place, of what is filmed and of the camera.

Both are compared apart. Most counts one thing that goes one way, is seen coming in A and goes on in B; graders accept
such cuts, and of camera movements, which any two drifts share, hardly one. Over the whole shot counts the spectrum of
its movement (a histogram of oriented flow, Chaudhry et al., CVPR 2009), not its mean: a shake has no mean.

What moves is in one place for a frame or two only, so that every frame of A is compared with every frame of B; and any
two shots agree by chance for a frame or two, so that a cut is worth what both have in common over two fifths of a
second around it, frame by frame.

Where hardly anything at the picture's ends moves with the camera that was fitted, as when somebody runs before an empty
sky, nobody knows whether the camera moves. There a movement has two *readings*: as it was fitted, and that the camera
stands still and all that moves is filmed. What two sides have in common is the best of their readings.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from matchcut.representations.flavor import BlockScores, Representation, scored_in_parts
from matchcut.representations.moments import IN, OUT

# What a similarity's four numbers move: growth and turn act over the distance from the middle, 0.59 heights on average
# (root mean square) in a 16:9 picture. Part of `optical_flow.SCORE_ALGORITHM`, as all here.
CAMERA_SCALE = np.array([1, 1, 0.59, 0.59], np.float32)
STILL_SPEED = 0.02
# How alike two things that move are: by the cosine of their ways, by the slower one's share of the faster one's speed,
# and by how many heights of the picture they are apart, where it is worth 1/e.
SAME_WAY = (0.9, 0.99)
SAME_PLACE = 0.25
# What a thing that moves is worth on either side: by how far all of it goes one way, by how fast it goes on the same
# way before or after the cut, in heights per second, by the share that this is of its way there, and by its share of
# the picture, because a face that turns fills it and goes nowhere. Each tells the cuts that blind graders accepted from
# the others (`benchmarks.graded_top`); the numbers were chosen with these in view, and with the planted movements for
# tuning. Around them 10 to 12 of the best 20 are accepted, whichever of them changes.
COHERENCES = (0.7, 0.95)
GOINGS, GOING_WORTH = (0.05, 0.2, 0.6), (0.1, 0.5, 1.0)
STEADINESSES, STEADY_WORTH = (0.5, 0.95), (0.1, 1.0)
AREAS, AREA_WORTH = (0.1, 0.4), (1.0, 0.3)
# What is filmed stands by itself from the second share of all movement on; below the first, only as far as the cameras,
# which move more, move alike too.
SHARES = (0.2, 0.7)
# A camera that drifts is in every film; a whip pan crosses the picture's width in a second.
CAMERA_SPEEDS, CAMERA_SPEED_WORTH = (0.02, 0.15, 0.4, 1.0, 1.8), (0.0, 0.15, 0.35, 0.65, 1.0)
# The difference of two cameras' movements as a share of the faster: at the first number they are worth 1/e, and from
# the second on nothing at all. Twice as fast differs by 0.5, at a right angle by 1.4.
CAMERA_CLOSENESS = 0.35, 0.9
CAMERA_WORTH = 0.2  # of the camera's movement, against that of what is filmed
# Support below which the camera is not known. Of the planted movements for tuning, a third of which lie under made-up
# skies, 0.95 are found among the first ten, and 0.905 where all are read in one way.
KNOWN_SUPPORT = 0.05
# Of a movement that is one reading of two: a shaking camera that nobody can tell looks like a thing that moves, too.
# With 1 graders accept 8 of the best 20, and the planted movements are found as often.
STILL_WORTH = 0.2
HARDLY_SEEN_WORTH = 0.25  # of a camera's movement without support: a drift past an empty wall
CARRIED_WEIGHT = 0.15  # how much is taken from what does not begin in A and come to rest in B
SPECTRUM_WEIGHT = 0.2  # how much another spectrum over the whole shots may take away
HELD_MOMENTS = 5  # before and after a cut at which both have to agree: a fifth of a second each
_PROPOSED_STEP = 2  # every other moment is enough to propose a pair: what agrees does so for three moments or more
_FITTED, _STILL = range(2)  # readings
_NOTHING = np.float32(1e-9)
_PAIRS_AT_ONCE = 1024


def proposed(a: Representation, b: Representation) -> BlockScores:
    """Every row of `a` against every row of `b` at some moments, without cues; frames are the outermost."""
    every_other = slice(None, None, _PROPOSED_STEP)
    out, into = Side.of(a, OUT, every_other), Side.of(b, IN, every_other)
    score = np.zeros((len(a), len(b)), np.float32)
    for (rows_a, first), (rows_b, second) in product(list(_moving(out)), list(_moving(into))):
        found = _agreement(first.across(), second).score
        at = np.ix_(rows_a, rows_b)
        score[at] = np.maximum(score[at], found)
    return BlockScores.proposal(score, a.arrays["frame"][:, OUT], b.arrays["frame"][:, IN])


def refined(a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """The given pairs of rows, int64 (P,) each, at the best of all their moments; arrays of the result are (P,)."""
    return scored_in_parts(partial(_refined, Side.of(a, OUT), Side.of(b, IN)), rows_a, rows_b, _PAIRS_AT_ONCE)


@dataclass(frozen=True)
class Movement:
    """What moves, float32 arrays of any one shape, vectors in a last axis more.

    Attributes:
        place: (..., 2), of what is filmed, in heights of the 16:9 picture.
        velocity: (..., 2), heights per second, and `pace`, its length.
        worth: what it is worth, in [0, 1].
        speed: root mean square over the picture, of what is filmed.
        camera: (..., 4), such that its length, `camera_speed`, is the root mean square over the picture.
        camera_worth: in [0, 1].
        stands: how far what is filmed stands by itself, in [0, 1].
    """

    place: np.ndarray
    velocity: np.ndarray
    pace: np.ndarray
    worth: np.ndarray
    speed: np.ndarray
    camera: np.ndarray
    camera_speed: np.ndarray
    camera_worth: np.ndarray
    stands: np.ndarray

    def at(self, index: Any) -> "Movement":
        """Some of them."""
        return Movement(*(getattr(self, each.name)[index] for each in fields(self)))

    def across(self) -> "Movement":
        """Of shape (K, 1), from (K,): against each of many others."""
        return self.at(np.s_[:, None])


@dataclass(frozen=True)
class Side:
    """One side of a comparison: N rows with 2 readings, as fitted and as still, of each of M moments.

    Attributes:
        frame: int64 (N, M).
        is_moment: bool (N, M); the others only fill up the row of a shorter shot.
        movement: (N, 2, M).
        is_read: bool (N, 2), whether a row has such a reading at any moment.
        going: float32 (N, 2, M).
        window: int64 (N, M, 2), first and last frame.
        rate: float32 (N, M), frames per second.
        rest: float32 (N,).
        spectrum: float32 (N, 33).
    """

    frame: np.ndarray
    is_moment: np.ndarray
    movement: Movement
    is_read: np.ndarray
    going: np.ndarray
    window: np.ndarray
    rate: np.ndarray
    rest: np.ndarray
    spectrum: np.ndarray

    @classmethod
    def of(cls, rows: Representation, side: int, moments: slice = slice(None)) -> "Side":
        """Unpack some moments of a side."""
        stored = {name: rows.arrays[name][:, side, moments] for name in _STORED_PER_MOMENT}
        is_moment = np.diff(stored["frame"], axis=1, prepend=-1) > 0  # the last one is repeated to fill the row
        is_doubted = stored["support"] < KNOWN_SUPPORT
        # Readings before moments, so that one reading is one block of memory.
        mover, speed, going, steadily, coherence, area = (
            np.moveaxis(stored[name], 2, 1) for name in ("mover", "speed", "going", "steadily", "coherence", "area")
        )
        fitted = stored["camera"] * CAMERA_SCALE
        camera = np.stack([fitted, np.zeros_like(fitted)], axis=1)
        known = np.stack([is_moment, is_moment & is_doubted], axis=1) * np.array([1, STILL_WORTH])[:, None]
        camera_speed = np.linalg.norm(camera, axis=3)
        worth = (
            known
            * np.interp(coherence, COHERENCES, (0, 1))
            * np.interp(going, GOINGS, GOING_WORTH)
            * np.interp(steadily, STEADINESSES, STEADY_WORTH)
            * np.interp(area, AREAS, AREA_WORTH)
        )
        seen = np.clip(stored["support"] / KNOWN_SUPPORT, HARDLY_SEEN_WORTH, 1) * is_moment
        camera_worth = np.interp(camera_speed, CAMERA_SPEEDS, CAMERA_SPEED_WORTH) * seen[:, None]
        place, velocity = mover[..., :2], mover[..., 2:]
        energy = np.square(speed)
        stands = np.interp(energy / np.maximum(energy + np.square(camera_speed), 1e-9), SHARES, (0, 1))
        pace = np.linalg.norm(velocity, axis=3)
        movement = (place, velocity, pace, worth, speed, camera, camera_speed, camera_worth, stands)
        return cls(
            stored["frame"],
            is_moment,
            Movement(*(np.asarray(each, np.float32) for each in movement)),
            (known > 0).any(axis=2),
            going,
            stored["window"],
            stored["rate"],
            rows.arrays["rest"],
            rows.arrays["spectrum"],
        )

    def frame_after(self, seconds: np.ndarray, row: np.ndarray, moment: np.ndarray) -> np.ndarray:
        """Frames to cut at, int64 (P,), so much later than at these moments, as far as the windows go."""
        moved = self.frame[row, moment] + np.rint(seconds * self.rate[row, moment]).astype(np.int64)
        return np.clip(moved, *np.moveaxis(self.window[row, moment], -1, 0))


_STORED_PER_MOMENT = (
    "frame",
    "window",
    "rate",
    "camera",
    "support",
    "mover",
    "speed",
    "going",
    "steadily",
    "coherence",
    "area",
)


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


def _moving(side: Side) -> Iterator[tuple[np.ndarray, Movement]]:
    """For each reading of each moment the rows in which something moves, int64 (K,), and how, (K,)."""
    moves = np.maximum(side.movement.worth, side.movement.camera_worth) > 0
    for reading, moment in product((_FITTED, _STILL), range(side.frame.shape[1])):
        rows = np.flatnonzero(moves[:, reading, moment])
        if len(rows):
            yield rows, side.movement.at((rows, reading, moment))


def _refined(out: Side, into: Side, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """Full scores of pairs of rows at the best of their pairs of moments and readings."""
    best = _best_of_reading(out, into, rows_a, rows_b, _FITTED, _FITTED)
    for reading_a, reading_b in ((_FITTED, _STILL), (_STILL, _FITTED), (_STILL, _STILL)):
        which = np.flatnonzero(out.is_read[rows_a, reading_a] & into.is_read[rows_b, reading_b])
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
    a = out.movement.at(np.s_[rows_a, reading_a]).at(np.s_[:, :, None])
    b = into.movement.at(np.s_[rows_b, reading_b]).at(np.s_[:, None])
    agreement = _agreement(a, b)
    total_a, total_b = (np.hypot(side.speed, side.camera_speed) for side in (a, b))
    begun = _change(out.rest[rows_a, None, None], total_a)
    carried = np.sqrt(begun * _change(into.rest[rows_b, None, None], total_b))
    spectrum = np.einsum("pc,pc->p", out.spectrum[rows_a], into.spectrum[rows_b])
    score = (
        agreement.score * (1 - CARRIED_WEIGHT * (1 - carried)) * (1 - SPECTRUM_WEIGHT * (1 - spectrum[:, None, None]))
    )
    held = _held(score, out.is_moment[rows_a][:, :, None] & into.is_moment[rows_b][:, None])
    pairs = np.arange(len(held))
    m, n = np.unravel_index(held.reshape(len(held), np.prod(held.shape[1:])).argmax(axis=1), held.shape[1:])
    at = (pairs, m, n)
    share, of_a, of_b = agreement.share[at], (rows_a, reading_a, m), (rows_b, reading_b, n)
    late = np.where(share > 0.5, _late(out.movement.at(of_a), into.movement.at(of_b)), 0)
    return {
        "score": held[at],
        "frame_a": out.frame_after(late / 2, rows_a, m),
        "frame_b": into.frame_after(-late / 2, rows_b, n),
        "movement": share * agreement.subject[at] + (1 - share) * agreement.camera[at],
        "subject_share": share,
        "camera": agreement.camera[at],
        "subject": agreement.subject[at],
        "going": np.minimum(out.going[of_a], into.going[of_b]),
        "carried": carried[at],
        "spectrum": spectrum,
        "speed_a": total_a[pairs, m, 0],
        "speed_b": total_b[pairs, 0, n],
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


def _late(a: Movement, b: Movement) -> np.ndarray:
    """Seconds after which what moves in A is where it is in B, (P,)."""
    velocity = (a.velocity + b.velocity) / 2
    ahead = ((b.place - a.place) * velocity).sum(axis=1)
    return np.asarray(ahead / np.maximum(np.square(velocity).sum(axis=1), 1e-9))


def _agreement(a: Movement, b: Movement) -> Agreement:
    """How far movements agree, of shapes that broadcast."""
    slower, faster = np.minimum(a.pace, b.pace), np.maximum(np.maximum(a.pace, b.pace), _NOTHING)
    way = _summed(a.velocity, b.velocity, np.multiply) / np.maximum(slower * faster, _NOTHING)
    apart = _summed(a.place, b.place, _squared)
    subject = _risen(way, SAME_WAY) * slower / faster * np.exp(-apart / np.float32(SAME_PLACE**2))
    faster = np.maximum(np.maximum(a.camera_speed, b.camera_speed), _NOTHING)
    different, nothing = (np.float32(limit) for limit in CAMERA_CLOSENESS)
    difference = _summed(a.camera, b.camera, _squared) / np.square(faster * different)
    least = np.exp(-np.square(nothing / different))
    camera = np.maximum(np.exp(-difference) - least, 0) / (1 - least)
    energy = np.square(a.speed) + np.square(b.speed)
    share = energy / np.maximum(energy + np.square(a.camera_speed) + np.square(b.camera_speed), _NOTHING)
    stands = np.minimum(a.stands, b.stands)
    of_subject = np.sqrt(a.worth * b.worth) * (stands + (1 - stands) * camera)
    of_camera = np.float32(CAMERA_WORTH) * np.minimum(a.camera_worth, b.camera_worth)  # of the slower side
    return Agreement(subject, camera, share, subject * of_subject + (1 - share) * camera * of_camera)


def _summed(a: np.ndarray, b: np.ndarray, each: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """The sum over the last axis of two arrays of vectors; fast where these are short and many."""
    return sum((each(a[..., axis], b[..., axis]) for axis in range(1, a.shape[-1])), each(a[..., 0], b[..., 0]))


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.square(a - b))


def _risen(value: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """From 0 at the first limit to 1 at the second; stays float32."""
    low, high = (np.float32(limit) for limit in limits)
    return np.asarray(np.clip((value - low) / (high - low), 0, 1))


def _change(rest: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """How much faster a shot is at a moment than when it is slowest, in [0, 1]."""
    return np.clip(1 - rest / np.maximum(speed, 1e-6), 0, 1)
