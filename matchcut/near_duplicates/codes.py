"""Finding repeated shots in a catalogue of millions: binary codes propose, pictures decide.

A code is 32 bytes where an embedding is 5,120, and two codes are compared by counting bits. The search is FAISS's
(Douze et al., arXiv:2401.08281), exhaustive over codes: exact, and a million frames cost tens of milliseconds.

A bit parts what is seen only where about half of it lies on either side. The frames of one title have much in common,
its look and its grading, so that many bits would be the same for all of them; the codes of a title are therefore taken
around a center of its own. What two titles share is still to be found in both, so that their centers must not lie too
far apart: a center lies most of the way from what was trained on to the mean of the title's shots, and less far where
there are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from matchcut.near_duplicates.model import MAX_BITS, NearDuplicateModel
from matchcut.shot_embeddings import BLANK_CONTRAST, ShotEmbeddings

ALGORITHM = "2"
ARRAYS_NAME = "shot_codes.npz"

OWN_SHARE = 0.8
"""Of the way to a title's mean. On films and folders of photos that the head did not know, at the distance that finds
99 of 100 copies of a frame, 22 % of the other frames of a title are as near around one center for all, 13 % around
these. Around the mean itself it would be fewer, but a frame that another, long title has too is then found 7 or 8 times
in 10 within `RepeatsParameters.max_distance`, not 9 times."""
PRIOR_SHOTS = 20.0
"""As many shots of what was trained on are averaged with a title's own: a mean of few says little."""


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
        shot = embeddings.shot[seen]
        return cls(codes_of_title(embeddings.vectors[seen], shot, model), shot, len(embeddings))

    def save(self, folder: Path) -> None:
        """Write `shot_codes.npz`."""
        np.savez_compressed(folder / ARRAYS_NAME, allow_pickle=False, **vars(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(folder / ARRAYS_NAME, allow_pickle=False) as arrays:
            return cls(arrays["codes"], arrays["shot"], int(arrays["num_shots"]))


def codes_of_title(
    vectors: np.ndarray, shot: np.ndarray, model: NearDuplicateModel, bits: int = MAX_BITS
) -> np.ndarray:
    """uint8 (M, bits / 8), packed codes of the frames of one title, around its own center.

    Args:
        vectors: float32 (M, 1280), unit vectors.
        shot: int (M,), the shot that each frame is of, ascending; a shot counts once, however many frames it has.
        model: gives the outputs.
        bits: one of `CODE_LENGTHS`.
    """
    if not len(shot):
        return model.codes(vectors, bits)
    _, first, frames = np.unique(shot, return_index=True, return_counts=True)
    of_shots = np.add.reduceat(model.outputs(vectors), first) / frames[:, None]
    return model.codes(vectors, bits, OWN_SHARE * of_shots.sum(axis=0) / (len(first) + PRIOR_SHOTS))


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
