"""Every pair of shots of two titles, scored in blocks; the best partners of each shot are kept.

A flavor that `Refines` compares all pairs cheaply and scores in full, at the best frames to cut at, a few times as many
as are kept.

A film against a film is millions of pairs. Blocks are as large as the allowed memory, and of each block only
what is among the best of its row or its column goes on. A pair may be kept for its outgoing shot (one of its
best ways on) or for its incoming shot (one of its best ways in); the size of the blocks changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from matchcut.errors import MissingFeatureError
from matchcut.representations.flavor import BlockScores, Flavor, Refines, Representation

ALGORITHM = "2"
TABLE_NAME = "pair_scores.parquet"
MEMORY_BYTES = 256 * 1024**2
_NUM_PAIRS_KEY = b"num_pairs"


@dataclass(frozen=True)
class PairScoreParameters:
    """What is kept of the scores.

    Attributes:
        keep_per_shot: partners kept of each shot as the outgoing one, and as many as the incoming one, per pair
            of titles. Top-k shows a shot a few times only; the rest is for what near-duplicates take away.
        refine_per_kept: pairs that are scored in full for each that is kept, where a flavor proposes first.
    """

    keep_per_shot: int = 20
    refine_per_kept: int = 2

    def __post_init__(self) -> None:
        """Refuse to keep nothing."""
        if min(self.keep_per_shot, self.refine_per_kept) < 1:
            raise ValueError(f"keep_per_shot and refine_per_kept must be at least 1, got {self}")


@dataclass(frozen=True)
class PairScores:
    """Scored cuts between the shots of title A and title B, or within one title; best first, ties by shot.

    Attributes:
        out_side: str (N,), "a" or "b", the title that is cut away from; always "a" within one title.
        shot_out: int64 (N,), the shot that is cut away from.
        frame_out: int64 (N,), the last frame that is shown of it.
        shot_in: int64 (N,), the shot that is cut to.
        frame_in: int64 (N,), the first frame that is shown of it.
        score: float32 (N,), in (0, 1], higher is better.
        cues: name to float32 (N,).
        num_pairs: how many pairs were scored.
    """

    out_side: np.ndarray
    shot_out: np.ndarray
    frame_out: np.ndarray
    shot_in: np.ndarray
    frame_in: np.ndarray
    score: np.ndarray
    cues: Mapping[str, np.ndarray]
    num_pairs: int

    def __len__(self) -> int:
        return len(self.score)

    def to_arrow(self) -> pa.Table:
        """One row per pair; `num_pairs` in the schema's metadata."""
        columns = {name: value for name, value in vars(self).items() if name not in ("cues", "num_pairs")}
        columns["out_side"] = pa.array(self.out_side.tolist(), pa.string())
        table = pa.table({**columns, **self.cues})
        return table.replace_schema_metadata({_NUM_PAIRS_KEY: str(self.num_pairs)})

    def save(self, folder: Path) -> None:
        """Write `pair_scores.parquet`."""
        pq.write_table(self.to_arrow(), folder / TABLE_NAME)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            MissingFeatureError: there is no such table.
        """
        path = folder / TABLE_NAME
        if not path.exists():
            raise MissingFeatureError(f"{path} does not exist. Materialize `pair_scores` for this title again.")
        table = pq.read_table(path)
        own = [name for name in cls.__dataclass_fields__ if name in table.column_names]
        return cls(
            **{name: table[name].to_numpy(zero_copy_only=False) for name in own},
            cues={name: table[name].to_numpy() for name in table.column_names if name not in own},
            num_pairs=int(table.schema.metadata[_NUM_PAIRS_KEY]),
        )

    def to_candidates(self, title_a: str, title_b: str) -> pa.Table:
        """The pairs as top-k reads them: `title_a` ... are outgoing, `title_b` ... incoming.

        Args:
            title_a: name of the title that was side A.
            title_b: name of side B; the same within one title.
        """
        from_a = self.out_side == "a"
        return pa.table(
            {
                "title_a": pa.array(np.where(from_a, title_a, title_b).tolist(), pa.string()),
                "shot_a": self.shot_out,
                "frame_a": self.frame_out,
                "title_b": pa.array(np.where(from_a, title_b, title_a).tolist(), pa.string()),
                "shot_b": self.shot_in,
                "frame_b": self.frame_in,
                "score": self.score,
                **self.cues,
            }
        )


def score_pairs(
    flavor: Flavor,
    a: Representation,
    b: Representation,
    *,
    same_title: bool,
    parameters: PairScoreParameters | None = None,
    memory_bytes: int = MEMORY_BYTES,
) -> PairScores:
    """Score every cut between two titles, in both directions, or every ordered pair of shots within one.

    Args:
        flavor: how pairs are scored.
        a: rows of title A.
        b: rows of title B; those of A again within one title.
        same_title: whether A and B are one title.
        parameters: what is kept.
        memory_bytes: about how much memory a block may take; what is kept comes on top.

    Returns:
        For every shot its best partners, best by the full score. Pairs that score 0 have nothing in common and are
        not kept.
    """
    parameters = parameters or PairScoreParameters()
    directions = [("a", a, b)] if same_title else [("a", a, b), ("b", b, a)]
    best = [_best_cuts(flavor, out, into, parameters, memory_bytes, same_title) for _, out, into in directions]
    side = np.concatenate([np.full(len(cuts), name) for (name, _, _), cuts in zip(directions, best, strict=True)])
    cuts = Cuts.joined(best)
    order = np.lexsort((cuts.shot_in, cuts.shot_out, side, -cuts.score))
    ordered = cuts.take(order)
    return PairScores(
        out_side=side[order],
        shot_out=ordered.shot_out,
        frame_out=ordered.frame_out,
        shot_in=ordered.shot_in,
        frame_in=ordered.frame_in,
        score=ordered.score,
        cues=ordered.cues,
        num_pairs=len(a) * (len(a) - 1) if same_title else 2 * len(a) * len(b),
    )


@dataclass(frozen=True)
class Cuts:
    """Scored cuts in one direction, in no order; the columns of `PairScores`."""

    shot_out: np.ndarray
    frame_out: np.ndarray
    shot_in: np.ndarray
    frame_in: np.ndarray
    score: np.ndarray
    cues: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.score)

    def take(self, which: np.ndarray) -> "Cuts":
        """The given cuts: indices or a mask."""
        columns = {name: value[which] for name, value in vars(self).items() if name != "cues"}
        return Cuts(**columns, cues={name: value[which] for name, value in self.cues.items()})

    @classmethod
    def joined(cls, parts: list["Cuts"]) -> "Cuts":
        """All parts, one after the other; at least one."""
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0]) if name != "cues"
        }
        cues = {name: np.concatenate([part.cues[name] for part in parts]) for name in parts[0].cues}
        return cls(**columns, cues=cues)

    def best_per_shot(self, keep: int) -> "Cuts":
        """The cuts that are among the best `keep` of their outgoing or of their incoming shot."""
        rank_out = _rank_within(self.shot_out, self.score, self.shot_in)
        rank_in = _rank_within(self.shot_in, self.score, self.shot_out)
        return self.take((rank_out < keep) | (rank_in < keep))


def _best_cuts(
    flavor: Flavor,
    a: Representation,
    b: Representation,
    parameters: PairScoreParameters,
    memory_bytes: int,
    same_title: bool,
) -> Cuts:
    """The best cuts from rows of `a` to rows of `b`."""
    keep = parameters.keep_per_shot
    if not isinstance(flavor, Refines):
        return _best_of_blocks(flavor, a, b, keep, memory_bytes, same_title)
    proposed = _best_of_blocks(flavor, a, b, keep * parameters.refine_per_kept, memory_bytes, same_title)
    return _refined(flavor, a, b, proposed).best_per_shot(keep)


def _refined(flavor: Refines, a: Representation, b: Representation, cuts: Cuts) -> Cuts:
    """The same cuts with their full scores, without those that have nothing in common after all."""
    scores = flavor.refine(a, b, np.searchsorted(a.shot, cuts.shot_out), np.searchsorted(b.shot, cuts.shot_in))
    cues = {name: values.astype(np.float32) for name, values in scores.cues.items()}
    refined = Cuts(cuts.shot_out, scores.frame_a, cuts.shot_in, scores.frame_b, scores.score.astype(np.float32), cues)
    return refined.take(refined.score > 0)


def _best_of_blocks(
    flavor: Flavor, a: Representation, b: Representation, keep: int, memory_bytes: int, same_title: bool
) -> Cuts:
    """The best cuts by the scores of `score_block`."""
    best = _worth_keeping(a.rows(slice(0)), b.rows(slice(0)), _empty_scores(flavor), keep, same_title)
    for rows_a, rows_b in blocks(len(a), len(b), max(1, memory_bytes // flavor.bytes_per_pair())):
        part_a, part_b = a.rows(rows_a), b.rows(rows_b)
        scores = flavor.score_block(part_a, part_b)
        more = _worth_keeping(part_a, part_b, scores, keep, same_title)
        # A cut that is not among the best so far is not among the best of all.
        best = Cuts.joined([best, more]).best_per_shot(keep)
    return best


def blocks(rows: int, columns: int, pairs: int) -> Iterator[tuple[slice, slice]]:
    """Cover a table by blocks of at most `pairs` cells, square as far as they can be."""
    side = max(1, isqrt(pairs))
    for row in range(0, rows, side):
        for column in range(0, columns, side):
            yield slice(row, min(row + side, rows)), slice(column, min(column + side, columns))


def _worth_keeping(a: Representation, b: Representation, scores: BlockScores, keep: int, same_title: bool) -> Cuts:
    """The cuts of a block that are among the best of their row or column, equal ones included."""
    score = scores.score
    if same_title:
        score = np.where(a.shot[:, None] == b.shot[None, :], 0, score)
    enough = np.minimum(_kth_best(score, keep, axis=1), _kth_best(score, keep, axis=0))
    i, j = np.nonzero((score > 0) & (score >= enough))
    return Cuts(
        shot_out=a.shot[i],
        frame_out=scores.frame_a[i, j],
        shot_in=b.shot[j],
        frame_in=scores.frame_b[i, j],
        score=score[i, j].astype(np.float32),
        cues={name: values[i, j].astype(np.float32) for name, values in scores.cues.items()},
    )


def _kth_best(score: np.ndarray, keep: int, axis: int) -> np.ndarray:
    """The k-th highest score along an axis, which is kept; 0 where there are fewer."""
    count = score.shape[axis]
    if keep >= count:
        return np.zeros((1, 1), score.dtype)
    return np.take(np.partition(score, count - keep, axis=axis), [count - keep], axis=axis)


def _rank_within(group: np.ndarray, score: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """Place of each cut in its group, int64 from 0: higher scores first, lower `tie` first among equals."""
    order = np.lexsort((tie, -score, group))
    sorted_group = group[order]
    first = np.searchsorted(sorted_group, sorted_group)
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - first
    return rank


def _empty_scores(flavor: Flavor) -> BlockScores:
    """A block without pairs; what is only proposed has no cues yet."""
    nothing = np.zeros((0, 0))
    cues = {} if isinstance(flavor, Refines) else dict.fromkeys(flavor.cues, nothing)
    return BlockScores(nothing, nothing.astype(np.int64), nothing.astype(np.int64), cues)
