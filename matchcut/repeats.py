"""What of one title is seen again in another: recaps, trailers, credits, logos, stock shots, and whole films.

The codes of a title's frames are searched among those of the other titles (`near_duplicates.codes`); what they propose
is decided by the same comparison that groups shots within a title, and by what repeats beside it
(`near_duplicates.order`). A title costs its own shots against the index, whatever the catalogue holds. Two titles that
show the same things in the same order for most of their time are the same film in another encode or another cut.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from matchcut.near_duplicates.codes import ShotCodes, propose
from matchcut.near_duplicates.comparison import correlations, greatest_cosine
from matchcut.near_duplicates.model import MAX_BITS, NearDuplicateModel, chance_of, log_odds_of
from matchcut.near_duplicates.order import pairs_beside, same_beside
from matchcut.shot_embeddings import ShotEmbeddings

ALGORITHM = "2"
TABLE_NAME = "repeats.parquet"


@dataclass(frozen=True)
class RepeatsParameters:
    """What counts as the same.

    Attributes:
        max_distance: bits of a frame's code of 256 that may differ for a pair of shots to be compared at all. On
            made-up set-ups that were not trained on, all shots that are then told to be the same were at most 87 bits
            apart; of copies of frames of other films 98 of 100 are within 90, and a shot has three frames or more.
        same_setup: chance from which two shots of different titles show the same; the model's own, even odds.
        in_order: log odds that a pair of shots gains for each of the two pairs beside it that is the same by itself. On
            made-up films cut together anew, out of set-ups that are easily taken for each other, recall rose from 0.934
            to 0.960 at the same precision; it was chosen on others.
        same_film: share of the shorter title's time, seen again in the other in the same order, from which both are the
            same film. Chosen: a trailer shares a minute with its film, a recap two with the last episode.
    """

    max_distance: int = 90
    same_setup: float = 0.5
    in_order: float = 0.75
    same_film: float = 0.6

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not 0 <= self.max_distance < MAX_BITS:
            raise ValueError(f"max_distance must lie in [0, {MAX_BITS}), got {self.max_distance}")
        for name in ("same_setup", "same_film"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in (0, 1), got {getattr(self, name)}")
        if self.in_order < 0:
            raise ValueError(f"in_order must not be negative, got {self.in_order}")


DEFAULTS = RepeatsParameters()


@dataclass(frozen=True)
class Repeats:
    """Shots of title A that are seen again in title B; ordered by shot of A, then of B.

    Attributes:
        shot_a: int64 (R,).
        shot_b: int64 (R,).
        similarity: float32 (R,), the chance that both show the same, in [0, 1].
        compared: how many pairs of shots were compared exactly, of all that there are.
    """

    shot_a: np.ndarray
    shot_b: np.ndarray
    similarity: np.ndarray
    compared: int

    def __len__(self) -> int:
        return len(self.shot_a)

    def turned(self) -> "Repeats":
        """The same, told from title B."""
        order = np.lexsort((self.shot_a, self.shot_b))
        return Repeats(self.shot_b[order], self.shot_a[order], self.similarity[order], self.compared)

    def save(self, folder: Path) -> None:
        """Write `repeats.parquet`."""
        columns = {name: getattr(self, name) for name in ("shot_a", "shot_b", "similarity")}
        table = pa.table(columns).replace_schema_metadata({b"compared": str(self.compared)})
        pq.write_table(table, folder / TABLE_NAME)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        table = pq.read_table(folder / TABLE_NAME)
        columns = {name: table[name].to_numpy() for name in table.column_names}
        return cls(**columns, compared=int(table.schema.metadata[b"compared"]))


def proposals(
    codes: ShotCodes, others: Sequence[ShotCodes], parameters: RepeatsParameters = DEFAULTS
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of shots that may be the same, for every other title; see `near_duplicates.codes.propose`."""
    return propose(codes, others, parameters.max_distance)


def decide(
    a: ShotEmbeddings,
    b: ShotEmbeddings,
    proposed: tuple[np.ndarray, np.ndarray],
    model: NearDuplicateModel,
    parameters: RepeatsParameters = DEFAULTS,
) -> Repeats:
    """Compare what was proposed and what lies beside it, and keep what shows the same.

    Args:
        a: shots of title A.
        b: shots of title B.
        proposed: shots of A, int64 (P,), and of B, in any order.
        model: what decides.
        parameters: from which chance.
    """
    threshold = float(log_odds_of(parameters.same_setup))
    least = float(chance_of(threshold - 2 * parameters.in_order))
    i, j = proposed
    odds = _log_odds(a, b, i, j, model, least)
    beside = pairs_beside(i, j, odds >= threshold, (len(a), len(b)))
    odds = np.append(odds, _log_odds(a, b, *beside, model, least))
    i, j = np.append(i, beside[0]), np.append(j, beside[1])
    odds += parameters.in_order * same_beside(i, j, odds >= threshold)
    order = np.lexsort((j, i))
    found = order[odds[order] >= threshold]
    return Repeats(i[found], j[found], chance_of(odds[found]).astype(np.float32), len(i))


def _log_odds(
    a: ShotEmbeddings, b: ShotEmbeddings, i: np.ndarray, j: np.ndarray, model: NearDuplicateModel, least: float
) -> np.ndarray:
    """float64 (P,), that pairs of shots show the same; minus infinity where the chance cannot reach `least`."""
    (shots_a, at_a), (shots_b, at_b) = (np.unique(shots, return_inverse=True) for shots in (i, j))
    cosine = greatest_cosine(a.take(shots_a), b.take(shots_b))[at_a, at_b]
    worth = np.flatnonzero(cosine >= model.least_cosine(least))
    worth = worth[np.argsort(i[worth], kind="stable")]
    odds = np.full(len(i), -np.inf)
    odds[worth] = model.log_odds(cosine[worth], correlations(a, b, i[worth], j[worth]))
    return odds


@dataclass(frozen=True)
class Overlap:
    """How much of two titles is the same, in the same order.

    Attributes:
        share_a: of title A's time, in [0, 1].
        share_b: of title B's.
    """

    share_a: float
    share_b: float

    def is_same_film(self, parameters: RepeatsParameters = DEFAULTS) -> bool:
        """Whether most of the shorter one is in the other."""
        return max(self.share_a, self.share_b) >= parameters.same_film


def overlap(repeats: Repeats, seconds_a: np.ndarray, seconds_b: np.ndarray) -> Overlap:
    """The longest run of repeats that goes forward in both titles, by time.

    Args:
        repeats: of A in B.
        seconds_a: float64 (Na,), how long each shot of A is.
        seconds_b: float64 (Nb,).
    """
    best: dict[int, tuple[float, float]] = {}  # the last shot of B, to the time shared in A and in B up to there
    for shot_a in np.unique(repeats.shot_a).tolist():
        extended = {}
        for shot_b in repeats.shot_b[repeats.shot_a == shot_a].tolist():
            before = max((shared for last, shared in best.items() if last < shot_b), default=(0.0, 0.0))
            extended[shot_b] = before[0] + float(seconds_a[shot_a]), before[1] + float(seconds_b[shot_b])
        for shot_b, shared in extended.items():
            best[shot_b] = max(shared, best.get(shot_b, (0.0, 0.0)))
    shared_a, shared_b = max(best.values(), default=(0.0, 0.0))
    return Overlap(_share(shared_a, seconds_a), _share(shared_b, seconds_b))


def _share(shared: float, seconds: np.ndarray) -> float:
    return min(1.0, shared / total) if (total := float(seconds.sum())) > 0 else 0.0


def catalogue_groups(
    groups: Mapping[str, np.ndarray], repeats: Iterable[tuple[str, str, Repeats]]
) -> dict[str, np.ndarray]:
    """Groups over all titles: what is a group within a title or is repeated in another is one group.

    Args:
        groups: per title, int64 (N,), the same number for near-duplicates within it; negative for a shot of its own.
        repeats: pairs of titles with what is repeated. Titles that `groups` lacks are left out.

    Returns:
        Per title int64 (N,): the same number for shots that show the same anywhere; no number is negative.
    """
    names = sorted(groups)
    start = dict(zip(names, np.cumsum([0, *(len(groups[name]) for name in names)]).tolist(), strict=False))
    links = [_links_within(groups[name], start[name]) for name in names]
    links += [
        np.stack([found.shot_a + start[a], found.shot_b + start[b]], axis=1)
        for a, b, found in repeats
        if a in start and b in start
    ]
    count = sum(len(group) for group in groups.values())
    root = _components(count, np.concatenate([np.zeros((0, 2), np.int64), *links]))
    return {name: root[start[name] : start[name] + len(groups[name])] for name in names}


def _links_within(group: np.ndarray, start: int) -> np.ndarray:
    """int64 (L, 2), every grouped shot with the first of its group, numbered from `start`."""
    grouped = np.flatnonzero(group >= 0)
    _, first, place = np.unique(group[grouped], return_index=True, return_inverse=True)
    return np.stack([grouped, grouped[first[place]]], axis=1) + start if len(grouped) else np.zeros((0, 2), np.int64)


def _components(count: int, links: np.ndarray) -> np.ndarray:
    """int64 (count,), for each item the smallest number that it is linked to, directly or not."""
    root = np.arange(count)

    def find(item: int) -> int:
        while root[item] != item:
            root[item] = root[root[item]]
            item = int(root[item])
        return item

    for one, other in links.tolist():
        a, b = find(one), find(other)
        root[max(a, b)] = min(a, b)
    return np.array([find(item) for item in range(count)], dtype=np.int64)
