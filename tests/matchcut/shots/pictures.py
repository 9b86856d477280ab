"""Frames as shot detectors read them, drawn so that the truth is the recipe."""

from collections.abc import Sequence

import numpy as np

HEIGHT, WIDTH = 27, 48


def picture(seed: int, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> np.ndarray:
    """A coarse coloured texture, float32 (H, W, 3) in [20, 235], as detailed at any size: two seeds are two shots."""
    import cv2

    rng = np.random.default_rng(seed)
    coarse = rng.uniform(20, 235, (5, 8 * size[0] // WIDTH, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), 20, 235)


def hold(seed: int, count: int) -> list[np.ndarray]:
    """A shot in which nothing moves but the sensor's noise."""
    rng = np.random.default_rng(1000 + seed)
    still = picture(seed)
    return [still + rng.normal(0, 1, still.shape) for _ in range(count)]


def pan(seed: int, count: int, pixels_per_frame: float) -> list[np.ndarray]:
    """A shot across a wide picture, `pixels_per_frame` of 48."""
    wide = picture(seed, size=(WIDTH * 4, HEIGHT))
    starts = (np.arange(count) * pixels_per_frame).astype(int)
    return [wide[:, start : start + WIDTH] for start in starts]


def dissolve(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Mix two equally long runs of frames, the share of `after` rising from frame to frame."""
    shares = (np.arange(len(before)) + 1) / (len(before) + 1)
    return [a * (1 - share) + b * share for a, b, share in zip(before, after, shares, strict=True)]


def black(count: int) -> list[np.ndarray]:
    """Black frames."""
    return [np.zeros((HEIGHT, WIDTH, 3))] * count


def fade_out(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Darken a run of frames to just above black."""
    return dissolve(frames, black(len(frames)))


def fade_in(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Brighten a run of frames from just above black."""
    return dissolve(black(len(frames)), frames)


def as_frames(pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
    """uint8 frames of pictures of any float type."""
    return [np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in pictures]
