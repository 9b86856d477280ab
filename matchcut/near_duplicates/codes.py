"""Finding repeated shots in a catalogue of millions: binary codes propose, pictures decide.

A code is 32 bytes where an embedding is 5,120, and two codes are compared by counting bits. The search is FAISS's
(Douze et al., arXiv:2401.08281), exhaustive over codes: exact, and a million frames cost tens of milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from matchcut.near_duplicates.model import MAX_BITS, NearDuplicateModel
from matchcut.shot_embeddings import BLANK_CONTRAST, ShotEmbeddings

ALGORITHM = "1"
ARRAYS_NAME = "shot_codes.npz"


@dataclass(frozen=True)
class ShotCodes:
    """Codes of the frames of a title that show something.

    Attributes:
        codes: uint8 (M, 32), packed bits.
        shot: int64 (M,), the shot that each frame is of, ascending.
        num_shots: of the title, those without a code included.
    """

    codes: np.ndarray
    shot: np.ndarray
    num_shots: int

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        if self.codes.shape != (len(self.shot), MAX_BITS // 8):
            raise ValueError(f"{len(self.shot)} shots and codes of shape {self.codes.shape} do not belong together")

    def __len__(self) -> int:
        return len(self.shot)

    @classmethod
    def of(cls, embeddings: ShotEmbeddings, model: NearDuplicateModel, blank_contrast: float = BLANK_CONTRAST) -> Self:
        """Encode a title's frames, blank ones left out."""
        seen = embeddings.luma_std >= blank_contrast
        return cls(model.codes(embeddings.vectors[seen]), embeddings.shot[seen], len(embeddings))

    def save(self, folder: Path) -> None:
        """Write `shot_codes.npz`."""
        np.savez_compressed(folder / ARRAYS_NAME, allow_pickle=False, **vars(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(folder / ARRAYS_NAME, allow_pickle=False) as arrays:
            return cls(arrays["codes"], arrays["shot"], int(arrays["num_shots"]))


def propose(queries: ShotCodes, others: Sequence[ShotCodes], max_distance: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of shots with two frames whose codes differ in few bits.

    Args:
        queries: codes of one title.
        others: of other titles, searched all at once.
        max_distance: bits of 256 that may differ.

    Returns:
        For every other title the shots of `queries`, int64 (P,), and its own, int64 (P,), in ascending order, each
        pair once.
    """
    import faiss

    index = faiss.IndexBinaryFlat(MAX_BITS)
    for other in others:
        index.add(np.ascontiguousarray(other.codes))
    # FAISS finds what is strictly nearer than the radius.
    limits, _, found = index.range_search(np.ascontiguousarray(queries.codes), max_distance + 1)
    counts: np.ndarray = np.diff(limits.astype(np.int64))
    query = np.repeat(queries.shot, counts)
    start = np.cumsum([0, *(len(other) for other in others)])
    pairs = []
    for number, other in enumerate(others):
        mine = (found >= start[number]) & (found < start[number + 1])
        both = np.stack([query[mine], other.shot[found[mine] - start[number]]], axis=1)
        unique = np.unique(both, axis=0).astype(np.int64)
        pairs.append((unique[:, 0], unique[:, 1]))
    return pairs
