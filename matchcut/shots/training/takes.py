"""Made-up camera takes: a picture that a camera moves over, with things moving before it, or a stretch of real film.

Everything that may happen within one take and is no change of shot is made here or in `disturbances.py`: pans, zooms,
rolls, shakes, whip pans, people and things that move, enter, leave or pass close by the lens, water that ripples.
Frames are drawn at twice the size that the network reads and scaled down by area, as the proxy's frames are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np

T = TypeVar("T")
WIDTH, HEIGHT = 96, 54
RESERVE_FRAMES = 160
"""Frames that a take can deliver before its first and after its last, for what overlaps with its neighbours."""


@dataclass(frozen=True)
class Material:
    """What takes are made of.

    Attributes:
        photos: per photo its mip levels, uint8 (H, W, 3) RGB each, every level half the size of the one before.
        sprites: uint8 (H, W, 4) RGBA, things before a transparent ground.
        films: stretches of real film without a cut, uint8 (N, h, w, 3) RGB each, larger than a frame.
    """

    photos: Sequence[Sequence[np.ndarray]]
    sprites: Sequence[np.ndarray]
    films: Sequence[np.ndarray]


def mip_levels(picture: np.ndarray) -> list[np.ndarray]:
    """The picture, and half-sized ones down to the size of a frame."""
    levels = [picture]
    while min(levels[-1].shape[:2]) >= 2 * HEIGHT:
        height, width = levels[-1].shape[:2]
        levels.append(cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return levels


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """Any one of them."""
    return items[int(rng.integers(len(items)))]


def smooth_noise(rng: np.random.Generator, num_frames: int, scale_frames: float) -> np.ndarray:
    """A random walk that returns: float (num_frames,), deviation 1, correlated over about `scale_frames` frames."""
    knots = max(4, int(num_frames / max(scale_frames, 1)) + 4)
    values = rng.normal(0, 1, knots)
    return np.asarray(cv2.resize(values[None].astype(np.float32), (num_frames, 1), interpolation=cv2.INTER_CUBIC)[0])


@dataclass(frozen=True)
class CameraPath:
    """Where the camera looks: per frame the middle (shares of the picture's size), the extent and the roll."""

    x: np.ndarray
    y: np.ndarray
    extent: np.ndarray
    roll: np.ndarray


def camera_path(rng: np.random.Generator, num_frames: int, is_fast: bool = False) -> CameraPath:
    """A random camera: still, handheld, panning, zooming, rolling, whipping, bumped; or one that never rests."""
    time = np.arange(num_frames, dtype=np.float32)
    extent = float(np.exp(rng.uniform(np.log(0.18), np.log(0.85))))
    x, y = (np.full(num_frames, rng.uniform(0, 1), np.float32) for _ in range(2))
    zoom, roll = np.zeros(num_frames, np.float32), np.zeros(num_frames, np.float32)
    kind = rng.choice(
        ["still", "handheld", "pan", "zoom", "roll", "whip", "mixed"],
        p=[0.05, 0.25, 0.4, 0.05, 0.03, 0.07, 0.15] if is_fast else [0.24, 0.22, 0.28, 0.1, 0.02, 0.06, 0.08],
    )
    if kind in ("handheld", "mixed"):
        for path, share in ((x, 1.0), (y, 0.7)):
            path += (
                extent
                * share
                * rng.uniform(0.03 if is_fast else 0.003, 0.12 if is_fast else 0.05)
                * smooth_noise(rng, num_frames, rng.uniform(3, 20))
            )
        roll += rng.uniform(0, 2.5) * smooth_noise(rng, num_frames, 12)
    if kind in ("pan", "mixed"):
        speed = extent * np.exp(rng.uniform(np.log(0.02 if is_fast else 0.001), np.log(0.15 if is_fast else 0.09)))
        angle = rng.uniform(0, 2 * np.pi)
        ease = 1 + 0.6 * smooth_noise(rng, num_frames, 25) if rng.random() < 0.5 else 1.0
        x += np.cumsum(np.float32(speed * np.cos(angle)) * np.ones(num_frames, np.float32) * ease)
        y += np.cumsum(np.float32(speed * np.sin(angle) * 0.4) * np.ones(num_frames, np.float32) * ease)
    if kind in ("zoom", "mixed"):
        zoom += np.cumsum(rng.choice([-1, 1]) * np.exp(rng.uniform(np.log(0.0005), np.log(0.02))) * np.ones(num_frames))
    if kind == "roll":
        roll += rng.uniform(-2.5, 2.5) * time
    if kind == "whip":
        for _ in range(rng.integers(1, 4)):
            middle, width = rng.uniform(0, num_frames), rng.uniform(1.5, 8)
            way = extent * rng.uniform(0.3, 2.0) * rng.choice([-1, 1])
            x += way * (1 + np.tanh((time - middle) / (2 * width))) / 2
    if rng.random() < 0.12:  # a bump, a step, a blast
        for _ in range(rng.integers(1, 5)):
            at, length = int(rng.integers(0, num_frames)), int(rng.integers(2, 12))
            shape = np.exp(-np.arange(length) / (length / 3)) * np.where(np.arange(length) % 2, -1, 1)
            size = extent * rng.uniform(0.01, 0.12)
            stop = min(num_frames, at + length)
            y[at:stop] += size * shape[: stop - at]
            x[at:stop] += size * rng.uniform(-1, 1) * shape[: stop - at]
    limited = np.clip(extent * np.exp(zoom - zoom[RESERVE_FRAMES]), 0.06, 1.6)
    return CameraPath(x, y, limited.astype(np.float32), roll)


@dataclass(frozen=True)
class Actor:
    """Something that moves before the picture.

    Attributes:
        picture: uint8 (h, w, 4) RGBA.
        x, y, size, roll: float (N,), the middle and height in shares of the frame's height, and degrees.
    """

    picture: np.ndarray
    x: np.ndarray
    y: np.ndarray
    size: np.ndarray
    roll: np.ndarray


def actor(rng: np.random.Generator, material: Material, num_frames: int, is_fast: bool = False) -> Actor:
    """A random thing or a piece of another photo that stands, sways, walks through, or passes close by."""
    picture = pick(rng, material.sprites) if material.sprites and rng.random() < 0.6 else cut_out(rng, material)
    if rng.random() < 0.7:
        gain, tint = rng.uniform(0.3, 1.2), rng.uniform(0.8, 1.2, 3)
        picture = picture.copy()
        picture[..., :3] = np.clip(picture[..., :3] * gain * tint, 0, 255)
    time = np.arange(num_frames, dtype=np.float32)
    size = np.exp(rng.uniform(np.log(0.15), np.log(1.6))) * np.ones(num_frames, np.float32)
    x = np.full(num_frames, rng.uniform(0, WIDTH / HEIGHT), np.float32)
    y = np.full(num_frames, rng.uniform(0.2, 1.0), np.float32)
    roll = np.zeros(num_frames, np.float32)
    kind = rng.choice(
        ["talks", "walks", "sways", "passes", "grows", "jerks"],
        p=[0.05, 0.25, 0.2, 0.2, 0.1, 0.2] if is_fast else [0.35, 0.25, 0.15, 0.1, 0.08, 0.07],
    )
    if kind in ("talks", "sways"):
        reach = rng.uniform(0.004, 0.03) if kind == "talks" else rng.uniform(0.03, 0.25)
        for path in (x, y):
            path += reach * smooth_noise(rng, num_frames, rng.uniform(4, 25))
        roll += rng.uniform(0, 8) * smooth_noise(rng, num_frames, 12)
    if kind == "walks":
        x += rng.choice([-1, 1]) * rng.uniform(0.004, 0.05) * (time - rng.uniform(0, num_frames))
        y += 0.02 * np.sin(time * rng.uniform(0.2, 0.8)).astype(np.float32)
    if kind == "passes":
        size *= rng.uniform(1.2, 2.2)
        x += rng.choice([-1, 1]) * rng.uniform(0.03, 0.2) * (time - rng.uniform(0, num_frames))
    if kind == "grows":
        size *= np.exp(np.clip(rng.uniform(-0.03, 0.03) * (time - num_frames / 2), -2, 1.2))
    if kind == "jerks":
        for path in (x, y):
            path += np.cumsum(rng.normal(0, rng.uniform(0.01, 0.06), num_frames)).astype(np.float32)
    return Actor(picture, x, y, np.clip(size, 0.03, 4).astype(np.float32), roll)


def cut_out(rng: np.random.Generator, material: Material) -> np.ndarray:
    """A soft-edged body-like piece of a photo, uint8 (96, 64, 4) RGBA: a head on shoulders, or a blob."""
    levels = pick(rng, material.photos)
    level = pick(rng, levels[-3:])
    top, left = rng.integers(0, level.shape[0] - 48 + 1), rng.integers(0, max(1, level.shape[1] - 32 + 1))
    piece = cv2.resize(level[top : top + 48, left : left + 32], (64, 96), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros((96, 64), np.uint8)
    if rng.random() < 0.6:
        cv2.ellipse(mask, (32, 22), (int(rng.integers(9, 16)), int(rng.integers(14, 22))), 0, 0, 360, 255, -1)
        cv2.ellipse(mask, (32, 90), (int(rng.integers(20, 31)), int(rng.integers(40, 56))), 0, 0, 360, 255, -1)
    else:
        points = np.stack([np.cos(a := np.linspace(0, 2 * np.pi, 9)[:-1]), np.sin(a)], 1) * rng.uniform(0.5, 1, (8, 1))
        cv2.fillPoly(mask, [(points * (30, 46) + (32, 48)).astype(np.int32)], 255)
    return np.dstack([piece, cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 2.5))])


@dataclass(frozen=True)
class Take:
    """One camera take, frame by frame reproducible; frames before 0 and after the last exist up to the reserve."""

    num_frames: int
    background: Sequence[np.ndarray]
    camera: CameraPath
    actors: tuple[Actor, ...] = ()
    film: np.ndarray | None = None
    film_frames: np.ndarray | None = None
    film_box: tuple[int, int, int, int] = (0, 0, 1, 1)
    ripple: float = 0.0
    mirror: bool = False
    is_blurred: bool = False

    def frame(self, number: int) -> np.ndarray:
        """uint8 (HEIGHT, WIDTH, 3) RGB; blurred by movement as with an open shutter."""
        if not self.is_blurred:
            return self._sharp(number)
        return np.asarray(cv2.addWeighted(self._sharp(number), 0.5, self._sharp(number + 1), 0.5, 0))

    def _sharp(self, number: int) -> np.ndarray:
        index = min(max(number + RESERVE_FRAMES, 0), self.num_frames + 2 * RESERVE_FRAMES - 1)
        if self.film is not None and self.film_frames is not None:
            left, top, width, height = self.film_box
            picture = self.film[self.film_frames[index]][top : top + height, left : left + width]
            frame = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        else:
            frame = self._background(index)
        for each in self.actors:
            frame = _over(frame, each, index)
        return np.ascontiguousarray(frame[:, ::-1]) if self.mirror else frame

    def _background(self, index: int) -> np.ndarray:
        extent = float(self.camera.extent[index])
        wanted = WIDTH / extent  # the width of the level at which a pixel is a pixel
        levels = self.background
        level = next((each for each in reversed(levels) if each.shape[1] >= 0.8 * wanted), levels[0])
        height, width = level.shape[:2]
        scale = width * extent / WIDTH
        matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), float(self.camera.roll[index]), scale)
        matrix[:, 2] += (
            _reflect(float(self.camera.x[index])) * width - WIDTH / 2,
            _reflect(float(self.camera.y[index])) * height - HEIGHT / 2,
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = cv2.warpAffine(level, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        return _rippled(picture, self.ripple, index) if self.ripple else picture


def _reflect(position: float) -> float:
    """Walk to and fro in [0, 1]."""
    folded = position % 2
    return 2 - folded if folded > 1 else folded


_ROWS, _COLUMNS = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)


def _rippled(picture: np.ndarray, size: float, index: int) -> np.ndarray:
    across = _COLUMNS + size * np.sin(_ROWS * 0.35 + index * 0.5) + size * np.sin(_ROWS * 0.13 - index * 0.31)
    down = _ROWS + size * np.sin(_COLUMNS * 0.23 + index * 0.43)
    return np.asarray(cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))


def _over(frame: np.ndarray, actor: Actor, index: int) -> np.ndarray:
    """The actor laid over a frame."""
    height, width = actor.picture.shape[:2]
    scale = float(actor.size[index]) * HEIGHT / height
    x, y = float(actor.x[index]) * HEIGHT, float(actor.y[index]) * HEIGHT
    reach = scale * max(width, height)
    if not (-reach < x < WIDTH + reach and -reach < y < HEIGHT + reach):
        return frame
    picture = actor.picture
    while scale < 0.5 and min(picture.shape[:2]) >= 4:
        picture = cv2.resize(picture, (picture.shape[1] // 2, picture.shape[0] // 2), interpolation=cv2.INTER_AREA)
        scale *= 2
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(actor.roll[index]), scale)
    matrix[:, 2] += (x - width / 2, y - height / 2)
    layer = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    alpha = layer[..., 3:].astype(np.uint16)
    return ((frame * (255 - alpha) + layer[..., :3] * alpha) // 255).astype(np.uint8)


def soft(rng: np.random.Generator, material: Material) -> list[np.ndarray]:
    """A photo far out of focus, in stronger colours: nothing but soft blobs."""
    coarse = cv2.resize(pick(rng, material.photos)[-1], tuple(rng.integers(5, 20, 2)), interpolation=cv2.INTER_AREA)
    grey = coarse.mean(axis=2, keepdims=True)
    strong = np.clip(grey + (coarse - grey) * rng.uniform(0.5, 3), 0, 255).astype(np.uint8)
    return [cv2.resize(strong, (4 * WIDTH, 4 * HEIGHT), interpolation=cv2.INTER_CUBIC)]


def random_take(rng: np.random.Generator, material: Material, num_frames: int, is_fast: bool = False) -> Take:
    """A take of anything; `is_fast`, as in a chase or a fight, where nothing rests."""
    length = num_frames + 2 * RESERVE_FRAMES
    background = soft(rng, material) if rng.random() < 0.1 else pick(rng, material.photos)
    actors = tuple(actor(rng, material, length, is_fast) for _ in range(rng.choice(5, p=[0.25, 0.3, 0.25, 0.12, 0.08])))
    take = Take(
        num_frames,
        background,
        camera_path(rng, length, is_fast),
        actors,
        ripple=rng.uniform(0.3, 2.5) if rng.random() < 0.1 else 0.0,
        mirror=bool(rng.random() < 0.5),
        is_blurred=bool(rng.random() < (0.7 if is_fast else 0.35)),
    )
    return _on_film(rng, material, take) if material.films and rng.random() < 0.18 else take


def _on_film(rng: np.random.Generator, material: Material, take: Take) -> Take:
    """The same with a stretch of real film as its ground, played to and fro at some speed."""
    film = pick(rng, material.films)
    length, height, width = film.shape[:3]
    speed = rng.choice([0.5, 1, 1, 2, 3])
    position = rng.integers(length) + np.arange(take.num_frames + 2 * RESERVE_FRAMES) * speed
    folded = position.astype(int) % (2 * length - 2) if length > 1 else np.zeros(len(position), int)
    share = rng.uniform(0.5, 1)
    box_width, box_height = int(width * share), int(height * share)
    left, top = rng.integers(width - box_width + 1), rng.integers(height - box_height + 1)
    return replace(
        take,
        film=film,
        film_frames=np.where(folded < length, folded, 2 * length - 2 - folded),
        film_box=(int(left), int(top), box_width, box_height),
        actors=take.actors[: int(rng.integers(0, 2))],
    )


def look_alike(rng: np.random.Generator, material: Material, take: Take, shown_frames: int, num_frames: int) -> Take:
    """Another take of the same set-up: the same place from the same or nearly the same camera, people elsewhere.

    One in five shows another part of the same place, so that colours tell nothing.

    Args:
        rng: seeded.
        material: what it is made of.
        take: of which `shown_frames` were shown.
        num_frames: of the new one.
    """
    length = num_frames + 2 * RESERVE_FRAMES
    other = random_take(rng, material, num_frames)
    if rng.random() < 0.2:
        return replace(other, background=take.background, film=None, film_frames=None)
    start = min(shown_frames, take.num_frames + RESERVE_FRAMES) + RESERVE_FRAMES - 1
    camera = other.camera
    here_x, here_y = float(take.camera.x[start]), float(take.camera.y[start])
    extent = float(take.camera.extent[start])
    shift, zoom = (0.0, 1.0) if rng.random() < 0.5 else (extent * rng.uniform(-0.4, 0.4), rng.uniform(0.6, 1.6))
    moved = CameraPath(
        camera.x - camera.x[RESERVE_FRAMES] + here_x + shift,
        camera.y - camera.y[RESERVE_FRAMES] + here_y + shift / 2,
        np.clip(camera.extent / camera.extent[RESERVE_FRAMES] * extent * zoom, 0.06, 1.6),
        camera.roll - camera.roll[RESERVE_FRAMES] + take.camera.roll[start],
    )
    actors = other.actors or (actor(rng, material, length),)
    if take.actors and (choice := rng.random()) < 0.8:
        first = take.actors[0]
        size = actors[0].size / actors[0].size[RESERVE_FRAMES] * first.size[start]
        if choice < 0.35:  # the same person, who has moved meanwhile
            actors = (replace(actors[0], picture=first.picture, size=size), *actors[1:])
        else:  # another person in the same place
            x, y = (
                own - own[RESERVE_FRAMES] + there[start] + rng.normal(0, 0.06)
                for own, there in ((actors[0].x, first.x), (actors[0].y, first.y))
            )
            actors = (replace(actors[0], x=x, y=y, size=size * rng.uniform(0.8, 1.25)), *take.actors[1:])
    return replace(
        other,
        background=take.background,
        camera=moved,
        actors=actors,
        film=None,
        film_frames=None,
        mirror=take.mirror,
        ripple=take.ripple,
    )
