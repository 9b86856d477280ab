"""Embeddings made up by hand, where what a network says does not matter."""

import numpy as np

from matchcut.near_duplicates.model import MAX_BITS, NearDuplicateModel
from matchcut.shot_embeddings import DIMENSIONS, LUMA_SIZE, ShotEmbeddings


def embeddings_of(views: list, mean: float = 120, std: float = 50) -> ShotEmbeddings:
    """One frame per shot; a view is the axis that the frame's vector points along, or the vector's first numbers.

    Every view has a picture of its own too: equal views have equal pictures, and any others have nothing in common.
    """
    vectors = np.zeros((len(views), 1, DIMENSIONS), dtype=np.float32)
    for row, view in enumerate(views):
        numbers = np.eye(DIMENSIONS)[view] if isinstance(view, int) else np.pad(view, (0, DIMENSIONS - len(view)))
        vectors[row, 0] = numbers / np.linalg.norm(numbers)
    shape = vectors.shape[:2]
    return ShotEmbeddings(
        vectors,
        np.zeros(shape, np.int64),
        np.full(shape, mean, np.float32),
        np.full(shape, std, np.float32),
        np.full(shape, 10, np.float32),
        np.stack([[picture(view)] for view in views]) if views else np.zeros((0, 1, *LUMA_SIZE[::-1]), np.uint8),
    )


def picture(view: object) -> np.ndarray:
    """uint8 (36, 64) that is the view's own."""
    seed = [int(1000 * number) for number in np.atleast_1d(np.abs(np.asarray(view, dtype=float)))]
    noise = np.random.default_rng(seed).integers(0, 256, (9, 16)).astype(np.uint8)
    return np.kron(noise, np.ones((4, 4), np.uint8))


def model_of(constant: float, of_cosine: float, of_correlation: float = 0.0) -> NearDuplicateModel:
    """A model that decides by the given numbers, with a random head."""
    weight = np.random.default_rng(1).normal(size=(DIMENSIONS, MAX_BITS)).astype(np.float32)
    return NearDuplicateModel(weight, np.zeros(MAX_BITS, np.float32), np.array([constant, of_cosine, of_correlation]))
