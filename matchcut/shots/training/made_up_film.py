"""Made-up films with exact truth: takes joined by cuts, dissolves, fades and wipes, and what is no change of shot."""

from dataclasses import dataclass

import numpy as np

from matchcut.shots.detector import runs_of
from matchcut.shots.training.disturbances import copy_badly, disturb
from matchcut.shots.training.takes import HEIGHT, WIDTH, Material, Take, look_alike, random_take

IGNORE = -1.0
"""Label of a frame about which the truth says nothing."""
LEAST_CHANGE = 4.0  # mean of the differences, of 255, below which even a person sees no change
LEAST_CHANGE_OVER_MOVEMENT = 0.8  # and a share of what changes from any frame to the next


@dataclass(frozen=True)
class MadeUpFilm:
    """Frames, and per frame what the network shall say.

    Attributes:
        frames: uint8 (N, 27, 48, 3) RGB.
        cut: float32 (N,), 1 on the first frame after a hard cut, `IGNORE` where nobody can tell.
        mixed: float32 (N,), 1 on every frame of a gradual transition.
        middle: float32 (N,), 1 at the boundary of a gradual transition, less beside it: the middle of a dissolve or a
            wipe, the first frame of a fade's new shot.
    """

    frames: np.ndarray
    cut: np.ndarray
    mixed: np.ndarray
    middle: np.ndarray


@dataclass(frozen=True)
class Join:
    """How two takes meet at a boundary.

    Attributes:
        kind: "cut", "dissolve", "fade" or "wipe".
        before: frames of the mix before the boundary.
        after: frames of the mix from the boundary on.
        hold: of the frames before, how many show nothing of either take (fades).
        value: the grey that a fade passes through.
    """

    kind: str
    before: int = 0
    after: int = 0
    hold: int = 0
    value: int = 0


@dataclass(frozen=True)
class PlacedTake:
    """A take of which frame 0 is shown as the film's frame `origin`."""

    take: Take
    origin: int

    def frame(self, number: int) -> np.ndarray:
        """What the camera sees at a frame of the film."""
        return self.take.frame(number - self.origin)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> int:
    """A whole number, every octave equally likely."""
    return int(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_join(rng: np.random.Generator) -> Join:
    """A join as films have them, the rare ones more often than there."""
    kind = rng.choice(["cut", "dissolve", "fade", "wipe"], p=[0.68, 0.16, 0.11, 0.05])
    if kind == "dissolve":
        length = log_uniform(rng, 4, 70)
        return Join("dissolve", length // 2, length - length // 2)
    if kind == "wipe":
        length = log_uniform(rng, 4, 40)
        return Join("wipe", length // 2, length - length // 2)
    if kind == "fade":
        out, into, hold = log_uniform(rng, 2, 45), log_uniform(rng, 2, 45), int(rng.choice([0, 1, 2, 4, 8, 16, 30]))
        one_sided = rng.random()
        out, into = (0, into) if one_sided < 0.15 and hold else (out, 0) if one_sided > 0.85 else (out, into)
        return Join("fade", out + hold, into, hold, 255 if rng.random() < 0.12 else 0)
    return Join("cut")


def shot_length(rng: np.random.Generator) -> int:
    """Frames of a shot: from one, as in action scenes, to hundreds."""
    return int(rng.integers(1, 6)) if rng.random() < 0.1 else log_uniform(rng, 6, 220)


def made_up_film(rng: np.random.Generator, material: Material, num_frames: int) -> MadeUpFilm:
    """A film of `num_frames` frames that begins and ends within shots."""
    canvas = np.zeros((num_frames, HEIGHT, WIDTH, 3), np.uint8)
    truth = {name: np.zeros(num_frames, np.float32) for name in ("cut", "mixed", "middle")}
    start, join = -int(rng.integers(0, 60)), Join("cut")
    pace = float(np.exp(rng.normal(-0.35, 0.5)))
    busy = rng.choice([0.05, 0.8], p=[0.7, 0.3])  # how many of its takes are fast: few, or a chase
    take = random_take(rng, material, 250, rng.random() < busy)
    previous: PlacedTake | None = None
    while start < num_frames:
        following = random_join(rng)
        room = join.after + following.before
        length = max(1, round(shot_length(rng) * pace), room + int(rng.integers(2, 12)) if room else 0)
        placed = PlacedTake(take, start)
        _paint(rng, canvas, placed, (start + join.after, start + length - following.before), material)
        if previous is not None:
            _join(rng, canvas, truth, (previous, placed), start, join)
        previous, start, join = placed, start + length, following
        is_alike = rng.random() < 0.4 and take.film is None
        take = (
            look_alike(rng, material, take, length, 250)
            if is_alike
            else (random_take(rng, material, 250, rng.random() < busy))
        )
    _forget_the_invisible(canvas, truth)
    return MadeUpFilm(copy_badly(rng, canvas), **truth)


def _paint(
    rng: np.random.Generator, canvas: np.ndarray, placed: PlacedTake, extent: tuple[int, int], material: Material
) -> None:
    """Draw the frames that show this take alone, and what disturbs them."""
    start, stop = max(extent[0], 0), min(extent[1], len(canvas))
    for number in range(start, stop):
        canvas[number] = placed.frame(number)
    if start < stop:
        disturb(rng, canvas[start:stop], material)


def _join(
    rng: np.random.Generator,
    canvas: np.ndarray,
    truth: dict[str, np.ndarray],
    takes: tuple[PlacedTake, PlacedTake],
    boundary: int,
    join: Join,
) -> None:
    """Draw the mixed frames of a join, and label them."""
    num_frames = len(canvas)
    if join.kind == "cut":
        if 0 < boundary < num_frames:
            truth["cut"][boundary] = 1
            if rng.random() < 0.06:  # a rate conversion has mixed the frames on either side
                canvas[boundary - 1] = canvas[boundary - 1] // 2 + takes[1].frame(boundary) // 2
                truth["mixed"][boundary - 1] = IGNORE
        return
    start, stop = boundary - join.before, boundary + join.after
    mix = {"dissolve": _dissolve, "fade": _fade, "wipe": _wipe_of(rng)}[join.kind]
    for number in range(max(start, 0), min(stop, num_frames)):
        share = (number - start + 1) / (stop - start + 1)
        canvas[number] = mix(takes, number, share, boundary, join)
    truth["mixed"][max(start, 0) : max(stop, 0)] = 1
    width = max(1.0, (stop - start) / 10) if join.kind != "fade" else 1.0
    near = np.exp(-(((np.arange(num_frames) - boundary) / width) ** 2) / 2).astype(np.float32)
    truth["middle"] = np.maximum(truth["middle"], np.where(near > 0.05, near, 0))
    if join.kind == "fade" and join.before == join.hold and 0 < start < num_frames:
        truth["cut"][start] = IGNORE  # a cut to black, and the light comes back slowly
    if join.kind == "fade" and join.after == 0 and 0 < boundary < num_frames:
        truth["cut"][boundary] = IGNORE


def _dissolve(takes: tuple[PlacedTake, PlacedTake], number: int, share: float, boundary: int, join: Join) -> np.ndarray:
    mixed = takes[0].frame(number) * (1 - share) + takes[1].frame(number) * share
    return mixed.astype(np.uint8)


def _fade(takes: tuple[PlacedTake, PlacedTake], number: int, share: float, boundary: int, join: Join) -> np.ndarray:
    """Down to one grey until the hold, up from the boundary on."""
    out, into = join.before - join.hold, join.after
    if number >= boundary:
        light = (number - boundary + 1) / (into + 1)
        return (takes[1].frame(number) * light + join.value * (1 - light)).astype(np.uint8)
    light = max(0.0, (boundary - join.hold - number) / (out + 1))
    return (takes[0].frame(number) * light + join.value * (1 - light)).astype(np.uint8)


def _wipe_of(rng: np.random.Generator):  # type: ignore[no-untyped-def]
    """A wipe in a random direction with a soft edge, or a push."""
    angle, soft, is_push = rng.uniform(0, 2 * np.pi), rng.uniform(0.01, 0.2), rng.random() < 0.3
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ramp = (columns / WIDTH - 0.5) * np.cos(angle) + (rows / HEIGHT - 0.5) * np.sin(angle)
    ramp = (ramp - ramp.min()) / (ramp.max() - ramp.min())

    def wipe(takes: tuple[PlacedTake, PlacedTake], number: int, share: float, boundary: int, join: Join) -> np.ndarray:
        before, after = takes[0].frame(number), takes[1].frame(number)
        if is_push:
            shift = int(share * WIDTH)
            return np.concatenate([before[:, shift:], after[:, :shift]], axis=1)
        alpha = np.clip((share * (1 + soft) - ramp) / soft, 0, 1)[..., None]
        return (before * (1 - alpha) + after * alpha).astype(np.uint8)

    return wipe


def _forget_the_invisible(canvas: np.ndarray, truth: dict[str, np.ndarray]) -> None:
    """Take back what nobody can see: cuts and mixes between pictures that hardly differ."""
    small = canvas[:, ::2, ::2].astype(np.float32)
    step = np.abs(np.diff(small, axis=0, prepend=small[:1])).mean(axis=(1, 2, 3))
    for number in np.flatnonzero(truth["cut"] == 1):
        beside = np.r_[step[max(0, number - 4) : number], step[number + 1 : number + 5]]
        if step[number] < max(
            LEAST_CHANGE, LEAST_CHANGE_OVER_MOVEMENT * float(np.median(beside)) if len(beside) else 0
        ):
            truth["cut"][max(0, number - 1) : number + 2] = IGNORE
    for start, stop in runs_of(truth["mixed"] == 1):
        before, after = small[max(start - 1, 0)], small[min(stop, len(small) - 1)]
        if np.abs(before - after).mean() < 2 * LEAST_CHANGE:
            truth["mixed"][start:stop] = IGNORE
            truth["middle"][start:stop] = IGNORE
