"""Embeddings made up by hand, where what a network says does not matter."""

import numpy as np

from matchcut.near_duplicates.model import MAX_BITS, NearDuplicateModel
from matchcut.shot_embeddings import DIMENSIONS, LUMA_SIZE, ShotEmbeddings


def embeddings_of(views: list, mean: float = 120, std: float = 50) -> ShotEmbeddings:
    """One frame per shot; a view is the axis that the frame's vector points along, or the vector's first numbers.

    Every view has a picture of its own too: equal views have equal pictures, and any others have nothing in common.
    """
    return embeddings_of_frames([[view] for view in views], mean, std)


def embeddings_of_frames(shots: list[list], mean: float = 120, std: float = 50) -> ShotEmbeddings:
    """Any number of frames per shot, views as in `embeddings_of`; the moments are the first and the last frame."""
    views = [view for shot in shots for view in shot]
    count = len(views)
    stop = np.cumsum([len(shot) for shot in shots]).astype(np.int64)
    return ShotEmbeddings(
        np.arange(count),
        np.repeat(np.arange(len(shots)), [len(shot) for shot in shots]),
        np.stack([np.append(0, stop[:-1])[: len(shots)], stop - 1], axis=1),
        np.array([unit(view) for view in views], np.float32).reshape(count, DIMENSIONS),
        np.full(count, mean, np.float32),
        np.full(count, std, np.float32),
        np.full(count, 10, np.float32),
        np.array([picture(view) for view in views], np.uint8).reshape(count, *LUMA_SIZE[::-1]),
    )


def unit(view: int | list) -> np.ndarray:
    """float64 (1280,), of length 1, that a view stands for."""
    numbers = np.eye(DIMENSIONS)[view] if isinstance(view, int) else np.pad(view, (0, DIMENSIONS - len(view)))
    return np.asarray(numbers / np.linalg.norm(numbers))


def picture(view: object) -> np.ndarray:
    """uint8 (36, 64) that is the view's own."""
    seed = [int(1000 * number) for number in np.atleast_1d(np.abs(np.asarray(view, dtype=float)))]
    noise = np.random.default_rng(seed).integers(0, 256, (9, 16)).astype(np.uint8)
    return np.kron(noise, np.ones((4, 4), np.uint8))


def model_of(constant: float, of_cosine: float, of_correlation: float = 0.0) -> NearDuplicateModel:
    """A model that decides by the given numbers, with a random head."""
    weight = np.random.default_rng(1).normal(size=(DIMENSIONS, MAX_BITS)).astype(np.float32)
    return NearDuplicateModel(weight, np.zeros(MAX_BITS, np.float32), np.array([constant, of_cosine, of_correlation]))
