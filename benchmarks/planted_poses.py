"""Planted frame and appearance matches: the same outline before two places.

A dancer was filmed before a blue screen, so that every mask is known, and is put before frames of other films,
alone or with a second one, in any size, place and clothing. A planted pair shows the same poses in the same place on
both sides, up to the tenth that an editor can reframe; every other shot shows other poses or another place.

For appearance matches the dancer's outline is cut out of a picture, so that whatever stands there is no person; what
lies behind it is out of focus, and darker or brighter.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from benchmarks.planted_film import (
    HEIGHT,
    WIDTH,
    PlantedFilm,
    Split,
    background_stills,
    distinct,
    encoded,
    equal_shots,
    frames_of,
)

DANCER = "dancer.avi"
POSES: dict[Split, tuple[int, int]] = {"tune": (0, 760), "test": (800, 1571)}
POSE_FRAMES = 28  # of a frame match's shot
POSE_OVERLAP = 8  # poses that both shots of a pair show: somewhere among them lies the best cut
REFRAMED = 0.1  # by how much size, and half of it in heights by how much place, differ between the sides of a pair
# What stands out for appearance matches: how far out of focus all else is (standard deviation in heights), how much of
# a picture's contrast is left within it, and by how many of 255 levels it is darker or brighter than what it hides.
OUT_OF_FOCUS, FLATTENED, STANDS_OUT = 0.08, 0.4, (50, 110)
SAME_POSE_IOU = 0.6  # shots of different pairs overlap less than this wherever they could be cut


@dataclass(frozen=True)
class Figure:
    """A dancer in a shot.

    Attributes:
        pose: the dancer's frame at the moment of the cut.
        height: of the whole standing figure, in picture heights.
        x, foot: where the figure stands, in picture heights from the left and from the top.
        flip: mirrored.
    """

    pose: int
    height: float
    x: float
    foot: float
    flip: bool


def frame_match_film(videos: Path, folder: Path, split: Split, pairs: int) -> PlantedFilm:
    """Compose a film of planted frame matches.

    Args:
        videos: the folder of films.
        folder: where to write it.
        split: whose poses and backgrounds.
        pairs: how many.
    """
    rng = np.random.default_rng([5, split == "test"])
    dancer, backgrounds = Dancer(videos / DANCER, POSES[split]), background_stills(videos, split, rng)
    chosen = _distinct_figures(dancer, pairs, rng)

    def frames() -> Iterator[np.ndarray]:
        for figures in chosen:
            looks = [rng.permutation(len(backgrounds))[:2], rng.uniform(0, 1, (2, len(figures), 4))]
            drift = rng.uniform(-0.03, 0.03, (2, 2))
            for side in range(2):
                draw = [partial(dancer.draw, look=look) for look in looks[1][side]]
                yield from _shot(backgrounds[looks[0][side]], figures, side, drift[side], draw, rng)

    return _film(frames(), folder, pairs)


def appearance_match_film(videos: Path, folder: Path, split: Split, pairs: int) -> PlantedFilm:
    """Compose a film of planted appearance matches.

    Args:
        videos: the folder of films.
        folder: where to write it.
        split: whose poses and backgrounds.
        pairs: how many.
    """
    rng = np.random.default_rng([6, split == "test"])
    dancer, stills = Dancer(videos / DANCER, POSES[split]), background_stills(videos, split, rng)
    chosen = _distinct_figures(dancer, pairs, rng, most=1)

    def frames() -> Iterator[np.ndarray]:
        for figures in chosen:
            shown, drift = rng.permutation(len(stills))[:4], rng.uniform(-0.03, 0.03, (2, 2))
            levels = rng.uniform(*STANDS_OUT, 2)
            for side in range(2):
                ground = cv2.GaussianBlur(stills[shown[side]], (0, 0), OUT_OF_FOCUS * HEIGHT)
                filling = window(stills[shown[2 + side]], np.zeros(2))
                draw = [partial(dancer.cut_out, filling, levels[side])]
                yield from _shot(ground, figures, side, drift[side], draw, rng)

    return _film(frames(), folder, pairs)


Draw = Callable[[np.ndarray, "Figure", int], np.ndarray]
"""Draws a figure on a picture, so many frames after the cut."""


def _shot(
    still: np.ndarray,
    figures: Sequence[Figure],
    side: int,
    drift: np.ndarray,
    draw: Sequence[Draw],
    rng: np.random.Generator,
) -> Iterator[np.ndarray]:
    """Frames of a shot before a still that moves by `drift` (2,) heights; the second of a pair is reframed."""
    shown = [_reframed(figure, rng) for figure in figures] if side else list(figures)
    first = (POSE_OVERLAP // 2 - POSE_FRAMES, -POSE_OVERLAP // 2)[side]
    for i in range(POSE_FRAMES):
        picture = window(still, drift * i / POSE_FRAMES)
        for figure, drawn in zip(shown, draw, strict=True):
            picture = drawn(picture, figure, first + i)
        yield picture


def _film(frames: Iterator[np.ndarray], folder: Path, pairs: int) -> PlantedFilm:
    count = 2 * pairs
    pose = np.tile(np.concatenate([np.arange(POSE_FRAMES), np.arange(POSE_FRAMES) + POSE_FRAMES - POSE_OVERLAP]), pairs)
    return PlantedFilm(encoded(frames, folder), equal_shots(count, POSE_FRAMES), pose)


class Dancer:
    """The dancer's cut-outs.

    Args:
        video: before a blue screen.
        poses: range of frames that may be shown.
    """

    def __init__(self, video: Path, poses: tuple[int, int]) -> None:
        self.poses = poses
        frames = list(frames_of(video, range(*poses)))
        self._frames = [frame[:470] for frame in frames]  # below lie the shadow and the edge of the screen
        self._alphas = [blue_screen_alpha(frame) for frame in self._frames]
        self._small_alphas = [cv2.resize(a, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for a in self._alphas]
        boxes = [np.argwhere(alpha > 0.5) for alpha in self._alphas[:: len(self._alphas) // 20]]
        self._foot = float(np.median([box[:, 0].max() for box in boxes]))
        self._x = float(np.median([np.median(box[:, 1]) for box in boxes]))
        self._height = float(np.median([box[:, 0].max() - box[:, 0].min() for box in boxes]))

    def place(self, figure: Figure) -> np.ndarray:
        """The affine map, float32 (2, 3), from the dancer's film into the picture."""
        scale = figure.height * HEIGHT / self._height
        across = -scale if figure.flip else scale
        return np.array(
            [
                [across, 0, figure.x * HEIGHT - across * self._x],
                [0, scale, figure.foot * HEIGHT - scale * self._foot],
            ],
            np.float32,
        )

    def mask(self, figure: Figure, offset: int) -> np.ndarray:
        """float32 (36, 64): the figure's share of each cell, `offset` frames after the cut."""
        small = self._small_alphas[figure.pose + offset - self.poses[0]]
        # From quarters of the film's pixels to cells of ten of the picture's; centres of pixels lie half a pixel in.
        from_quarters = np.array([[4, 0, 1.5], [0, 4, 1.5], [0, 0, 1]])
        to_cells = np.array([[0.1, 0, -0.45], [0, 0.1, -0.45], [0, 0, 1]])
        place = (to_cells @ np.vstack([self.place(figure), [0, 0, 1]]) @ from_quarters)[:2]
        return np.asarray(cv2.warpAffine(small, place, (64, 36)))

    def draw(self, picture: np.ndarray, figure: Figure, offset: int, look: np.ndarray) -> np.ndarray:
        """The picture with the figure on it; `look` (4,) in [0, 1] are the colour and the brightness of its clothes."""
        index = figure.pose + offset - self.poses[0]
        place = self.place(figure)
        whole_alpha = cv2.warpAffine(self._alphas[index], place, (WIDTH, HEIGHT))
        rows, columns = np.flatnonzero(whole_alpha.any(axis=1)), np.flatnonzero(whole_alpha.any(axis=0))
        if len(rows) == 0:
            return picture.astype(np.uint8)
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        person = cv2.warpAffine(self._frames[index], place, (WIDTH, HEIGHT))[part].astype(np.float32)
        alpha = whole_alpha[part][..., None]
        # The screen's light on the figure is taken off. The suit is black; skin is lighter, and redder than it is blue.
        person[..., 2] = np.minimum(person[..., 2], person[..., :2].mean(axis=2))
        smooth = cv2.GaussianBlur(person, (0, 0), 1.2)
        grey, redness = smooth.max(axis=2, keepdims=True), smooth[..., :1] - smooth[..., 2:]
        cloth = np.clip((60 - grey) / 20, 0, 1) * np.clip((12 - redness) / 6, 0, 1)
        person *= 1.6
        color = 60 * look[3] * look[:3] + 1.6 * grey
        dressed = person * (1 - cloth) + color * cloth
        result = picture.astype(np.uint8)
        result[part] = np.clip(picture[part] * (1 - alpha) + dressed * alpha, 0, 255)
        return result

    def cut_out(
        self, filling: np.ndarray, levels: float, picture: np.ndarray, figure: Figure, offset: int
    ) -> np.ndarray:
        """The picture with another one, both float32 (H, W, 3), where the figure is, by so many levels off from it."""
        alpha = cv2.warpAffine(self._alphas[figure.pose + offset - self.poses[0]], self.place(figure), (WIDTH, HEIGHT))
        inside = alpha > 0.5
        if not inside.any():
            return picture.astype(np.uint8)
        mean, hidden = filling[inside].mean(axis=0), float(picture[inside].mean())
        wanted = hidden + (levels if hidden + levels < 255 - levels / 2 else -levels)
        drawn = (filling - mean) * FLATTENED + mean + (wanted - mean.mean())
        return np.clip(picture + (drawn - picture) * alpha[..., None], 0, 255).astype(np.uint8)


def blue_screen_alpha(frame: np.ndarray) -> np.ndarray:
    """float32 (H, W) in [0, 1]: 0 where an RGB frame shows the blue screen."""
    red, green, blue = (frame[..., channel].astype(np.float32) for channel in range(3))
    alpha = np.clip(1 - (blue - np.maximum(red, green) - 25) / 30, 0, 1)
    opened = cv2.morphologyEx(alpha, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((opened > 0.5).astype(np.uint8))
    if count < 2:
        return np.zeros_like(alpha)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    near = cv2.dilate((labels == largest).astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray(opened * near)


def window(still: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """The middle of a still as a picture, float32, moved by `shift` (2,) heights."""
    center = (360 + shift[0] * HEIGHT, 202 + shift[1] * HEIGHT)
    return np.asarray(cv2.getRectSubPix(still, (WIDTH, HEIGHT), center).astype(np.float32))


def _reframed(figure: Figure, rng: np.random.Generator) -> Figure:
    scale = 1 + rng.uniform(-REFRAMED, REFRAMED)
    x, y = rng.uniform(-REFRAMED / 2, REFRAMED / 2, 2)
    return Figure(figure.pose, figure.height * scale, figure.x + x, figure.foot + y, figure.flip)


def _distinct_figures(
    dancer: Dancer, pairs: int, rng: np.random.Generator, most: Literal[1, 2] = 2
) -> list[tuple[Figure, ...]]:
    """As many groups of one figure, or of two, no two of which overlap much where they could be cut."""
    first, stop = dancer.poses
    offsets = (-POSE_OVERLAP // 2, 0, POSE_OVERLAP // 2)

    def draw() -> tuple[Figure, ...]:
        def figure() -> Figure:
            height = float(rng.choice([0.65, 0.8, 0.92, 1.3, 1.8]) * rng.uniform(0.93, 1.07))
            pose = int(rng.integers(first + POSE_FRAMES, stop - POSE_FRAMES))
            foot = 0.96 if height < 1 else 0.1 + height
            return Figure(pose, height, float(rng.uniform(0.3, 1.48)), foot, bool(rng.random() < 0.5))

        one = figure()
        if most == 2 and one.height < 1 and rng.random() < 0.35:
            other = figure()
            apart = 0.45 * (one.height + other.height)
            if other.height < 1 and abs(other.x - one.x) > apart:
                return (one, other)
        return (one,)

    return distinct(draw, lambda figures: _masks(dancer, figures, offsets), _overlap, pairs, SAME_POSE_IOU)


def _masks(dancer: Dancer, figures: tuple[Figure, ...], offsets: Sequence[int]) -> np.ndarray:
    """float32 (offsets, 36 * 64)."""
    return np.stack([np.max([dancer.mask(f, o) for f in figures], axis=0).ravel() for o in offsets])


def _overlap(masks: np.ndarray, chosen: np.ndarray) -> float:
    """The largest IoU of a group of figures with any chosen before."""
    a, b = masks, chosen.reshape(-1, chosen.shape[-1])
    shared = a @ b.T
    total = a.sum(axis=1)[:, None] + b.sum(axis=1) - shared
    return float((shared / np.maximum(total, 1e-6)).max())
