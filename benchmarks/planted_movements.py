"""Planted action matches: one movement over two places.

Cameras that pan, tilt, zoom and roll over frames of films, and cut-out pictures that cross them. A planted pair
carries the movement on: B begins to move as A ended. Half of the shots do something else for the rest of their time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.planted_film import (
    HEIGHT,
    RATE,
    WIDTH,
    PlantedFilm,
    Split,
    background_stills,
    distinct,
    encoded,
    equal_shots,
)

# Of three backgrounds for tuning one is out of focus and one under a made-up sky, down to such a part of the height:
# the test split has skies, and none of its films is to be tuned on.
OUT_OF_FOCUS_SIGMA = 6.0
SKY_TOP, SKY_BOTTOM = (150, 174, 200), (112, 130, 150)
SKY_HEIGHTS = 0.5, 0.95
MOVE_FRAMES = 40  # of an action match's shot
MOVE_OVERLAP = 12  # moments of the movement that both shots of a pair show
OTHER_MOVE = 0.6  # movements of different pairs differ by more than this share of the faster one
CELLS = (9, 16)


@dataclass(frozen=True)
class Move:
    """A movement: of the camera, and of a cut-out thing before it.

    Attributes:
        camera: right and down in heights per second, growth and clockwise turn (radians) per second.
        thing: x, y, width, height of the thing at the cut, in picture heights; None for none.
        speed: the thing's own, right and down in heights per second.
    """

    camera: np.ndarray
    thing: tuple[float, float, float, float] | None
    speed: tuple[float, float]

    def field(self) -> np.ndarray:
        """float64 (9 * 16 * 2,), the movement of every cell of the picture at the cut, heights per second."""
        rows, columns = CELLS
        y, x = np.mgrid[:rows, :columns] + 0.5
        x, y = x / rows - columns / rows / 2, y / rows - 0.5
        right, down, growth, turn = self.camera
        field = np.stack([right + growth * x - turn * y, down + growth * y + turn * x], axis=-1)
        if self.thing:
            left, top, width, height = self.thing
            inside = (np.abs(x + columns / rows / 2 - left) < width / 2) & (np.abs(y + 0.5 - top) < height / 2)
            field[inside] = self.speed
        return field.ravel()


def action_match_film(videos: Path, folder: Path, split: Split, pairs: int) -> PlantedFilm:
    """Compose a film of planted action matches; arguments as for `planted_poses.frame_match_film`."""
    rng = np.random.default_rng([7, split == "test"])
    backgrounds = background_stills(videos, split, rng)
    if split == "tune":
        backgrounds[::3] = map(_out_of_focus, backgrounds[::3])
        backgrounds[1::3] = [_under_a_sky(still, rng.uniform(*SKY_HEIGHTS)) for still in backgrounds[1::3]]
    moves = _distinct_moves(pairs, rng)

    def frames() -> Iterator[np.ndarray]:
        for number, move in enumerate(moves):
            places = rng.permutation(len(backgrounds))
            for side in range(2):
                # Every other pair is steady; the rest begins or ends with a movement of another pair.
                other = move if number % 2 == 0 else moves[int(rng.integers(len(moves)))]
                yield from moving(backgrounds[places[side]], backgrounds[places[2 + side]], move, other, side)

    pose = np.tile(np.concatenate([np.arange(MOVE_FRAMES), np.arange(MOVE_FRAMES) + MOVE_FRAMES - MOVE_OVERLAP]), pairs)
    return PlantedFilm(encoded(frames(), folder), equal_shots(2 * pairs, MOVE_FRAMES), pose)


def _out_of_focus(still: np.ndarray) -> np.ndarray:
    """A picture with little to hold on to: soft, and of half its contrast."""
    soft = cv2.GaussianBlur(still, (0, 0), OUT_OF_FOCUS_SIGMA)
    return np.asarray(cv2.addWeighted(soft, 0.5, np.full_like(soft, 60), 1.0, 0))


def _under_a_sky(still: np.ndarray, height: float) -> np.ndarray:
    """A picture whose upper part is clear sky; there is nothing in it to see moving."""
    rows = len(still)
    sky = np.linspace(SKY_TOP, SKY_BOTTOM, rows)[:, None]
    share = cv2.GaussianBlur((np.arange(rows) < height * rows).astype(np.float64)[:, None], (0, 0), 2)[..., None]
    return np.asarray(still * (1 - share) + sky * share).astype(np.uint8)


def moving(still: np.ndarray, cloth: np.ndarray, move: Move, other: Move, side: int) -> Iterator[np.ndarray]:
    """The frames of a shot that ends (side 0) or begins (side 1) with a movement.

    Args:
        still: what the camera sees.
        cloth: what the thing is made of.
        move: at the cut.
        other: at the shot's other end.
        side: 0 for the outgoing shot.
    """
    cut = MOVE_FRAMES - MOVE_OVERLAP // 2 if side == 0 else MOVE_OVERLAP // 2
    times = (np.arange(MOVE_FRAMES) - cut) / RATE
    share = np.clip(np.abs(times) * 2.5 - 1, 0, 1)  # 0 within 0.4 s of the cut, 1 beyond 0.8 s
    steps = [(1 - s) * move.camera + s * other.camera for s in share]
    position = np.cumsum(steps, axis=0) / RATE
    position -= (position[cut - 1] + position[MOVE_FRAMES // 2]) / 2
    speed = np.array([(1 - s) * np.array(move.speed) for s in share])
    path = np.cumsum(speed, axis=0) / RATE
    path -= path[cut - 1]
    for camera, away in zip(position, path, strict=True):
        picture = _seen(still, camera)
        yield _with_thing(picture, cloth, move.thing, away) if move.thing else picture


def _distinct_moves(pairs: int, rng: np.random.Generator) -> list[Move]:
    """As many movements, no two of which are alike: half of the camera alone, half with a thing that moves."""
    scale = np.array([1, 1, 1.7, 1.7])  # growth and turn move the picture's cells by about 0.59 of their number

    def draw() -> Move:
        speed = float(np.exp(rng.uniform(np.log(0.08), np.log(0.7))))
        direction = rng.normal(size=4) * (rng.random(4) < 0.5)
        length = float(np.linalg.norm(direction))
        camera = direction / max(length, 1e-9) * speed * scale
        if rng.random() < 0.5:
            return Move(camera, None, (0.0, 0.0))
        angle, own = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(np.log(0.3), np.log(1.2)))
        size = rng.uniform(0.3, 0.7, 2)
        thing = (float(rng.uniform(0.3, 1.48)), float(rng.uniform(0.25, 0.75)), float(size[0]), float(size[1]))
        still = camera * (rng.random() < 0.4)
        return Move(still, thing, (float(own * np.cos(angle)), float(own * np.sin(angle))))

    return distinct(draw, lambda move: move.field()[None], _likeness, pairs, 1 - OTHER_MOVE)


def _likeness(field: np.ndarray, chosen: np.ndarray) -> float:
    """1 less the smallest difference to any chosen field, as a share of the faster; still ones are like all."""
    others = chosen.reshape(-1, chosen.shape[-1])
    length, lengths = np.linalg.norm(field), np.linalg.norm(others, axis=1)
    difference = np.linalg.norm(others - field, axis=1) / np.maximum(np.maximum(length, lengths), 1e-9)
    return float((1 - difference).max())


def _seen(still: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """What a moved camera sees of a still; the picture is mirrored beyond its edge."""
    right, down, growth, turn = camera
    scale = 1.25 * float(np.exp(growth))
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    x, y = WIDTH / 2 + right * HEIGHT, HEIGHT / 2 + down * HEIGHT
    place = np.array([[cos, -sin, x - cos * 360 + sin * 202], [sin, cos, y - sin * 360 - cos * 202]])
    return np.asarray(cv2.warpAffine(still, place, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT_101))


def _with_thing(
    picture: np.ndarray, cloth: np.ndarray, thing: tuple[float, float, float, float], away: np.ndarray
) -> np.ndarray:
    """The picture with an oval piece of another one on it."""
    x, y, width, height = (float(value) * HEIGHT for value in thing)
    size = (round(width), round(height))
    piece = cv2.resize(cloth[40:360, 80:640], size, interpolation=cv2.INTER_AREA)
    oval = np.zeros((size[1], size[0]), np.float32)
    cv2.ellipse(oval, (size[0] // 2, size[1] // 2), (size[0] // 2 - 1, size[1] // 2 - 1), 0, 0, 360, 1.0, -1)
    place = np.array([[1, 0, x - width / 2 + away[0] * HEIGHT], [0, 1, y - height / 2 + away[1] * HEIGHT]])
    alpha = cv2.warpAffine(oval, place, (WIDTH, HEIGHT))[..., None]
    moved = cv2.warpAffine(piece, place, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray((picture * (1 - alpha) + moved * alpha).astype(np.uint8))
