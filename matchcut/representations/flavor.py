"""What a flavor is: a representation of every kept shot, and a score for every ordered pair of shots.

A flavor never sees titles, stores or Dagster. It turns frames into rows, one row per shot, and compares blocks
of rows; `pair_scores.py` walks over the blocks and `top_k.py` ranks what comes out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from matchcut.cue_words import CueWords
from matchcut.proxy import Proxy

ARRAYS_NAME = "representation.npz"


@dataclass(frozen=True)
class UsableShots:
    """The shots that a representation is computed for: kept ones, without their transitions.

    Attributes:
        shot: int64 (N,), index in the title's `ShotTable`, ascending.
        start_frame: int64 (N,), first usable frame.
        stop_frame: int64 (N,), one past the last usable frame.
    """

    shot: np.ndarray
    start_frame: np.ndarray
    stop_frame: np.ndarray

    def __len__(self) -> int:
        return len(self.shot)


@dataclass(frozen=True)
class Representation:
    """One row per shot, as stored.

    Attributes:
        shot: int64 (N,), index in the title's `ShotTable`, ascending. A shot without anything to match may be absent.
        arrays: name to array of shape (N, ...); the flavor knows what they mean.
    """

    shot: np.ndarray
    arrays: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            if len(array) != len(self.shot):
                raise ValueError(f"{name} has {len(array)} rows for {len(self.shot)} shots")

    def __len__(self) -> int:
        return len(self.shot)

    def rows(self, which: slice | np.ndarray) -> "Representation":
        """The given rows only: a range, or indices."""
        return Representation(self.shot[which], {name: array[which] for name, array in self.arrays.items()})

    def save(self, folder: Path) -> None:
        """Write `representation.npz`, compressed."""
        np.savez_compressed(folder / ARRAYS_NAME, allow_pickle=False, shot=self.shot, **self.arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(folder / ARRAYS_NAME, allow_pickle=False) as file:
            return cls(file["shot"], {name: file[name] for name in file.files if name != "shot"})


@dataclass(frozen=True)
class BlockScores:
    """Scores of cutting from every shot of A to every shot of B; of a list of P pairs, all arrays are (P,).

    Attributes:
        score: float32 (A, B), higher is better, in [0, 1].
        frame_a: int64 (A, B), the last frame that is shown of A.
        frame_b: int64 (A, B), the first frame that is shown of B.
        cues: name to float32 (A, B): why the pair matches; the same names in every block.
    """

    score: np.ndarray
    frame_a: np.ndarray
    frame_b: np.ndarray
    cues: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def proposal(cls, score: np.ndarray, left: np.ndarray, entered: np.ndarray) -> Self:
        """Scores of a flavor that `Refines`, without cues, cut at the outermost moments.

        Args:
            score: float32 (A, B).
            left: int64 (A, M), frames at which each shot of A may be left, ascending.
            entered: int64 (B, M), frames at which each shot of B may be entered, ascending.
        """
        frame_a = np.broadcast_to(left[:, -1, None], score.shape)
        return cls(score, frame_a, np.broadcast_to(entered[None, :, 0], score.shape))

    @classmethod
    def joined(cls, parts: Sequence["BlockScores"]) -> Self:
        """Lists of pairs, one after the other; at least one."""
        return cls(
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.frame_a for part in parts]),
            np.concatenate([part.frame_b for part in parts]),
            {name: np.concatenate([part.cues[name] for part in parts]) for name in parts[0].cues},
        )


def scored_in_parts(
    score: Callable[[np.ndarray, np.ndarray], BlockScores], rows_a: np.ndarray, rows_b: np.ndarray, pairs_at_once: int
) -> BlockScores:
    """Scores of a list of pairs, some of them at a time, so that memory is needed for those only.

    Args:
        score: of rows of A and of B, int64 (K,) each; arrays of its result are (K,).
        rows_a: int64 (P,).
        rows_b: int64 (P,).
        pairs_at_once: how many at a time.
    """
    starts = range(0, max(len(rows_a), 1), pairs_at_once)  # once also for no pairs: the result has cues all the same
    return BlockScores.joined(
        [score(rows_a[first : first + pairs_at_once], rows_b[first : first + pairs_at_once]) for first in starts]
    )


class Flavor(Protocol):
    """A way of matching, stateless: a frozen dataclass whose only field is `parameters`."""

    @property
    def name(self) -> str:
        """ "frame_match": the asset key's prefix."""
        ...

    @property
    def representation(self) -> str:
        """ "silhouettes": the asset key's last part."""
        ...

    @property
    def title(self) -> str:
        """ "Frame match", as people read it."""
        ...

    @property
    def summary(self) -> str:
        """What its candidates have in common, half a sentence for editors."""
        ...

    @property
    def description(self) -> str:
        """What a row of the representation is, for the asset catalogue."""
        ...

    @property
    def algorithm(self) -> str:
        """Changes with what `represent` computes."""
        ...

    @property
    def score_algorithm(self) -> str:
        """Changes with what `score_block` computes."""
        ...

    @property
    def reads_sound(self) -> bool:
        """Whether `represent` reads `Proxy.sound`: its results are then another's for another dub."""
        ...

    @property
    def weights(self) -> tuple[str, ...]:
        """Names in the weights manifest."""
        ...

    @property
    def cues(self) -> Mapping[str, CueWords]:
        """Name of a cue to the words an editor reads, in the order of telling."""
        ...

    @property
    def parameters(self) -> Any:
        """A frozen dataclass."""
        ...

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, Path]) -> Representation:
        """Compute the rows of one title; `weights` has a checked file for every name in `self.weights`."""
        ...

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Score cutting from each row of `a` to each row of `b`, exactly, or as a proposal where it `Refines`."""
        ...

    def bytes_per_pair(self) -> int:
        """About how much memory `score_block` needs per pair, unpacked rows included, so that blocks can be sized."""
        ...

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """uint8 (H, W, 3) RGB: what was found in the given rows, for the catalogue (mask overlays, flow arrows)."""
        ...


@runtime_checkable
class Refines(Protocol):
    """A flavor that scores all pairs cheaply, and those that come out best in full, at the best frames to cut at."""

    def refine(self, a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
        """Score P pairs in full, in bounded memory.

        Args:
            a: rows that are cut away from.
            b: rows that are cut to.
            rows_a: int64 (P,), rows of `a`.
            rows_b: int64 (P,), rows of `b`.

        Returns:
            Arrays of shape (P,), all of the flavor's cues. `score_block` of such a flavor need not give cues, nor
            choose frames.
        """
        ...
