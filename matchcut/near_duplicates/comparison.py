"""Whether two shots show the same set-up: how alike they look, and how well their pictures coincide.

An embedding alone is no judge: of two people before one wall it says "the same" as loudly as of one shot in two
encodes. Where two shots look alike enough for it to matter, their pictures are therefore laid over each other
(`picture_structure.py`), and both measurements decide together.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matchcut.near_duplicates.model import NearDuplicateModel
from matchcut.near_duplicates.picture_structure import shot_correlation, structure_of
from matchcut.shot_embeddings import BLANK_CONTRAST, ShotEmbeddings

LEAST_CHANCE = 0.02
"""Pairs that cannot reach it are not laid over each other; `same_setup` is of use above it only."""


@dataclass(frozen=True)
class Comparison:
    """Every shot of A against every shot of B.

    Attributes:
        cosine: float32 (Na, Nb), the greatest of their frames' embeddings; -1 where there is nothing to compare.
        correlation: float32 (Na, Nb), of their pictures; 0 where it was not measured.
        chance: float32 (Na, Nb), that they show the same set-up, in [0, 1].
    """

    cosine: np.ndarray
    correlation: np.ndarray
    chance: np.ndarray


def compare(
    a: ShotEmbeddings, b: ShotEmbeddings, model: NearDuplicateModel, blank_contrast: float = BLANK_CONTRAST
) -> Comparison:
    """Compare all shots of two titles, or of one with itself.

    Args:
        a: shots of one title.
        b: of the same (the same object: each pair is then measured once) or another.
        model: what decides.
        blank_contrast: frames whose `luma_std` is smaller are left out: two shots that both fade to black are not
            alike.
    """
    cosine = greatest_cosine(a, b, blank_contrast)
    correlation = np.zeros_like(cosine)
    worth = cosine >= model.least_cosine(LEAST_CHANCE)
    if a is b:
        worth &= np.triu(np.ones_like(worth), 1)
    i, j = np.nonzero(worth)
    for row, column, value in zip(i, j, correlations(a, b, i, j, blank_contrast), strict=True):
        correlation[row, column] = value
    if a is b:
        correlation += correlation.T
        np.fill_diagonal(correlation, 1.0)
    return Comparison(cosine, correlation, model.chance(cosine, correlation).astype(np.float32))


def greatest_cosine(a: ShotEmbeddings, b: ShotEmbeddings, blank_contrast: float = BLANK_CONTRAST) -> np.ndarray:
    """float32 (Na, Nb), in [-1, 1]: of every two shots the greatest cosine of two of their frames, blank ones left out.

    -1 where one of the two has no frame to compare.
    """
    greatest = np.full((len(a), len(b)), -1.0, dtype=np.float32)
    for i in range(a.vectors.shape[1]):
        for j in range(b.vectors.shape[1]):
            cosine = a.vectors[:, i] @ b.vectors[:, j].T
            cosine[a.luma_std[:, i] < blank_contrast] = -1.0
            cosine[:, b.luma_std[:, j] < blank_contrast] = -1.0
            np.maximum(greatest, cosine, out=greatest)
    np.minimum(greatest, np.float32(1.0), out=greatest)
    return greatest


def correlations(
    a: ShotEmbeddings, b: ShotEmbeddings, i: np.ndarray, j: np.ndarray, blank_contrast: float = BLANK_CONTRAST
) -> Iterator[float]:
    """How well the pictures of shot `i[n]` of A and shot `j[n]` of B coincide, pair by pair.

    Args:
        a: shots of one title.
        b: of the same or another.
        i: int (P,), shots of A.
        j: int (P,), shots of B.
        blank_contrast: as in `compare`.
    """
    structures_a = _structures(a, i)
    structures_b = structures_a | _structures(b, np.setdiff1d(j, i)) if a is b else _structures(b, j)
    blank_a, blank_b = a.luma_std < blank_contrast, b.luma_std < blank_contrast
    for one, other in zip(i.tolist(), j.tolist(), strict=True):
        yield shot_correlation(structures_a[one], structures_b[other], blank_a[one], blank_b[other])


def _structures(embeddings: ShotEmbeddings, shots: np.ndarray) -> dict[int, np.ndarray]:
    return {shot: structure_of(embeddings.luma[shot]) for shot in np.unique(shots).tolist()}
