"""The best pairs one after the other, none of which repeats what was chosen before.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), over shots and scenes: the next candidate is the one
whose score, lessened by its likeness to the candidates chosen already, is greatest. It is lessened by a factor like
all other demotions, so that it means the same for flavors whose scores differ in scale.

What a pair loses only grows with every choice, so that its score without repeats is an upper bound: pairs are taken
into a pool by that bound, and only as long as one outside could be better than the best inside. The pool holds at most
`WINDOW` pairs; up to there the choice is the same as if all pairs had been looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from matchcut.top_k.cues import likeness
from matchcut.top_k.parameters import TopKParameters
from matchcut.top_k.titles import Catalogue

WINDOW = 4096
POOLED_AT_ONCE = 128
SAME_SCENE = 0.5  # likeness of two shots of one title with nothing between them, whatever they show


@dataclass(frozen=True, order=True)
class Choice:
    """A visited pair. Ordered best first, then by names, so that the order of rows decides nothing.

    Attributes:
        minus_score: the score before repeats lower it, negative.
        a, b: shots in the catalogue's numbering.
        frame_a, frame_b: where the cut is.
        row: of the table.
        place: among the rows that are ranked.
        look: cosine of the shots' embeddings, NaN without.
    """

    minus_score: float
    a: int
    b: int
    frame_a: int
    frame_b: int
    row: int
    place: int
    look: float


@dataclass(frozen=True)
class Chosen:
    """A choice with its final score, and its likeness to the candidates chosen before, in [0, 1]."""

    choice: Choice
    score: float
    repeats: float


def choose(
    best_first: Iterator[Choice], catalogue: Catalogue, spent: np.ndarray, k: int, parameters: TopKParameters
) -> list[Chosen]:
    """Up to k choices, best first.

    Args:
        best_first: pairs by score before repeats, the best first.
        catalogue: the shots.
        spent: bool (S,), all False; becomes True for shots that may not appear again.
        k: how many at most.
        parameters: how often a shot may appear, and what repeats take away.
    """
    pool, found = _Pool(catalogue, spent, parameters), list[Chosen]()
    batch = list(islice(best_first, POOLED_AT_ONCE))
    while len(found) < k:
        while batch and len(pool.choices) < WINDOW and -batch[0].minus_score >= pool.best_score:
            pool.add(batch)
            batch = list(islice(best_first, POOLED_AT_ONCE))
        if not np.isfinite(pool.best_score):
            break
        found.append(pool.take())
    return found


@dataclass
class _Pool:
    """Pairs that may be chosen next, in the order of their scores before repeats, and what was chosen so far.

    Attributes:
        choices: P pairs.
        place: shot in the catalogue's numbering to its row below; the pool's S shots.
        ends: int64 (P, 2), rows of A and of B.
        relevance, repeats: float64 (P,).
        vectors: float32 (S, F, D).
        alike: float64 (S, chosen, 2), likeness of each shot to A and to B of each chosen pair.
    """

    catalogue: Catalogue
    spent: np.ndarray
    parameters: TopKParameters
    choices: list[Choice] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)
    chosen: list[int] = field(default_factory=list)  # A and B of each chosen pair, as rows
    ends: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    relevance: np.ndarray = field(default_factory=lambda: np.zeros(0))
    repeats: np.ndarray = field(default_factory=lambda: np.zeros(0))
    vectors: np.ndarray | None = None
    alike: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 2)))

    @property
    def score(self) -> np.ndarray:
        """float64 (P,), what each pair is worth now; none where it may not be chosen."""
        score = self.relevance * (1 - self.parameters.weights.diversity * self.repeats)
        return np.where(self.repeats >= 1, -np.inf, score)  # that pair of shots is there already

    @property
    def best_score(self) -> float:
        """Of the best pair, minus infinity without any."""
        return float(self.score.max(initial=-np.inf))

    def add(self, choices: Sequence[Choice]) -> None:
        """Take in pairs that come after those in the pool."""
        self._add_shots(sorted({shot for each in choices for shot in (each.a, each.b)} - self.place.keys()))
        open_ones = [each for each in choices if not (self.spent[each.a] or self.spent[each.b])]
        ends = np.array([(self.place[each.a], self.place[each.b]) for each in open_ones], np.int64).reshape(-1, 2)
        self.choices += open_ones
        self.ends = np.concatenate([self.ends, ends])
        self.relevance = np.append(self.relevance, [-each.minus_score for each in open_ones])
        self.repeats = np.append(self.repeats, _repeats(self.alike[ends]))

    def take(self) -> Chosen:
        """Choose the best pair, and see what the others repeat of it."""
        best = int(self.score.argmax())
        taken = Chosen(self.choices[best], float(self.score[best]), float(self.repeats[best]))
        pair = self.ends[best]
        self.chosen += pair.tolist()
        more = self._likeness(np.arange(len(self.place)), pair)
        self.alike = np.concatenate([self.alike, more[:, None]], axis=1)
        self.repeats = np.maximum(self.repeats, _repeats(more[:, None][self.ends]))
        self._mark_spent(np.arange(len(self.place)))
        self._drop()
        return taken

    def _add_shots(self, shots: Sequence[int]) -> None:
        """Take in shots, with their likeness to what is chosen."""
        if not shots:
            return
        rows = np.arange(len(self.place), len(self.place) + len(shots))
        self.place.update(zip(shots, rows.tolist(), strict=True))
        new = self.catalogue.vectors(np.array(shots))
        self.vectors = new if self.vectors is None else np.concatenate([self.vectors, new])
        alike = self._likeness(rows, np.array(self.chosen, np.int64))
        self.alike = np.concatenate([self.alike, alike.reshape(len(rows), len(self.chosen) // 2, 2)])
        self._mark_spent(rows)

    def _likeness(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """float64 (rows, others), from 0 to 1 for shots that show the same."""
        if len(rows) == 0 or len(others) == 0:
            return np.zeros((len(rows), len(others)))
        assert self.vectors is not None
        frames = self.vectors.shape[1]
        cosines = (
            self.vectors[rows].reshape(len(rows) * frames, -1)
            @ self.vectors[others].reshape(len(others) * frames, -1).T
        )
        look = cosines.reshape(len(rows), frames, len(others), frames).max(axis=(1, 3))
        alike = np.nan_to_num(likeness(look, self.parameters), nan=0.0)
        numbers = np.array(list(self.place))
        a, b = np.meshgrid(numbers[rows], numbers[others], indexing="ij")
        near = SAME_SCENE * self.catalogue.nearness(a, b)
        return np.where(self.catalogue.group[a] == self.catalogue.group[b], 1.0, np.maximum(alike, near))

    def _mark_spent(self, rows: np.ndarray) -> None:
        """Mark the shots that appear, or whose near-duplicates appear, as often as they may."""
        uses = (self.alike[rows] >= 1).any(axis=2).sum(axis=1)
        numbers = np.array(list(self.place))[rows]
        self.spent[numbers[uses >= self.parameters.max_uses_per_shot]] = True

    def _drop(self) -> None:
        """Forget pairs that may not be chosen any more."""
        numbers = np.array(list(self.place))
        kept = ~self.spent[numbers[self.ends]].any(axis=1) & (self.repeats < 1)
        self.choices = [self.choices[row] for row in np.flatnonzero(kept).tolist()]
        self.ends, self.relevance, self.repeats = self.ends[kept], self.relevance[kept], self.repeats[kept]


def _repeats(alike: np.ndarray) -> np.ndarray:
    """Greatest likeness of pairs to chosen pairs, in either order; 1 where both join the same two shots.

    Args:
        alike: float64 (P, 2, C, 2), of A and B of P pairs to A and B of C chosen pairs.

    Returns:
        float64 (P,), 0 where nothing is chosen.
    """
    straight, crossed = alike[:, 0, :, 0] + alike[:, 1, :, 1], alike[:, 0, :, 1] + alike[:, 1, :, 0]
    return np.asarray(np.maximum(straight, crossed).max(axis=1, initial=0.0) / 2)
