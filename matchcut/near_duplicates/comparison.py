"""Whether two shots show the same set-up: how alike they look, and how well their pictures coincide.

An embedding alone is no judge: of two people before one wall it says "the same" as loudly as of one shot in two
encodes. Where two shots look alike enough for it to matter, their pictures are therefore laid over each other
(`picture_structure.py`), and both measurements decide together.
"""

from dataclasses import dataclass

import numpy as np

from matchcut.near_duplicates.model import NearDuplicateModel
from matchcut.near_duplicates.picture_structure import ShotPictures, shot_correlations
from matchcut.shot_embeddings import BLANK_CONTRAST, ShotEmbeddings

LEAST_CHANCE = 0.02
"""Pairs that cannot reach it are not laid over each other; `same_setup` is of use above it only."""
BLOCK_FRAMES = 1024
"""Of A, that are multiplied at a time; changes memory, not the result."""


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
    correlation[i, j] = correlations(a, b, i, j, blank_contrast)
    if a is b:
        correlation += correlation.T
        np.fill_diagonal(correlation, 1.0)
    return Comparison(cosine, correlation, model.chance(cosine, correlation).astype(np.float32))


def greatest_cosine(a: ShotEmbeddings, b: ShotEmbeddings, blank_contrast: float = BLANK_CONTRAST) -> np.ndarray:
    """float32 (Na, Nb), in [-1, 1]: of every two shots the greatest cosine of two of their frames, blank ones left out.

    -1 where one of the two has no frame to compare.
    """
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)), np.float32)
    seen_a, seen_b = a.luma_std >= blank_contrast, b.luma_std >= blank_contrast
    greatest = np.empty((len(a), len(b)), np.float32)
    for shots in np.array_split(np.arange(len(a)), -(-len(a.frames) // BLOCK_FRAMES)):
        rows = slice(a.first[shots[0]], np.searchsorted(a.shot, shots[-1], side="right"))
        cosine = np.where(seen_a[rows, None] & seen_b, a.vectors[rows] @ b.vectors.T, np.float32(-1))
        of_shots = np.maximum.reduceat(cosine, b.first, axis=1)
        greatest[shots] = np.maximum.reduceat(of_shots, a.first[shots] - rows.start, axis=0)
    return np.minimum(greatest, np.float32(1.0), out=greatest)


def correlations(
    a: ShotEmbeddings, b: ShotEmbeddings, i: np.ndarray, j: np.ndarray, blank_contrast: float = BLANK_CONTRAST
) -> np.ndarray:
    """float32 (P,): how well the pictures of shot `i[n]` of A and shot `j[n]` of B coincide; 0 without a picture.

    Args:
        a: shots of one title.
        b: of the same or another.
        i: int (P,), shots of A, ascending.
        j: int (P,), shots of B.
        blank_contrast: as in `compare`.
    """
    pictures_a = _pictures(a, i, blank_contrast)
    return shot_correlations(pictures_a, _pictures(b, j, blank_contrast), i, j)


def _pictures(embeddings: ShotEmbeddings, shots: np.ndarray, blank_contrast: float) -> ShotPictures:
    """Of the given shots; the others have none."""
    used = np.isin(embeddings.shot, shots) & (embeddings.luma_std >= blank_contrast)
    return ShotPictures.of(embeddings.luma[used], embeddings.shot[used], len(embeddings))
