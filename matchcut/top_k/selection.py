"""The best pairs one after the other, none of which repeats what was chosen before.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), over shots and scenes: the next candidate is the one
whose score, lessened by its likeness to the candidates chosen already, is greatest. It is lessened by a factor like
all other demotions, so that it means the same for flavors whose scores differ in scale.

The choice is greedy and lazy (Minoux 1978): what a pair loses only grows with every choice, so an older value is an
upper bound, and only pairs that reach the top are looked at again. At most `WINDOW` pairs wait; up to there the
choice is the same as if all pairs had been looked at.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from matchcut.top_k.cues import likeness
from matchcut.top_k.parameters import TopKParameters
from matchcut.top_k.titles import Catalogue

WINDOW = 4096
SAME_SCENE = 0.5  # likeness of two shots of one title with nothing between them, whatever they show


@dataclass(frozen=True, order=True)
class Choice:
    """A visited pair. Ordered best first, then by names, so that the order of rows decides nothing.

    Attributes:
        minus_score: the score, as far as it is known, negative.
        a, b: shots in the catalogue's numbering.
        frame_a, frame_b: where the cut is.
        row: of the table.
        place: among the rows that are ranked.
        look: cosine of the shots' embeddings, NaN without.
        repeats: likeness to the candidates chosen before, in [0, 1].
        seen: how many candidates `repeats` knows.
        relevance: the score before `repeats` lowers it.
    """

    minus_score: float
    a: int
    b: int
    frame_a: int
    frame_b: int
    row: int
    place: int
    look: float
    relevance: float
    repeats: float = 0.0
    seen: int = 0


def chosen(best_first: Iterator[Choice], taken: "Taken", k: int) -> list[Choice]:
    """Up to k choices, best first.

    Args:
        best_first: pairs by `relevance`, the best first.
        taken: none yet; knows afterwards what was chosen.
        k: how many at most.
    """
    found: list[Choice] = []
    waiting: list[Choice] = []
    upcoming = next(best_first, None)
    while len(found) < k:
        while upcoming is not None and len(waiting) < WINDOW and (not waiting or upcoming <= waiting[0]):
            heapq.heappush(waiting, upcoming)
            upcoming = next(best_first, None)
        if not waiting:
            break
        best = heapq.heappop(waiting)
        if taken.is_spent(best.a) or taken.is_spent(best.b):
            continue
        if best.seen < len(found):
            renewed = taken.renewed(best)
            if renewed is not None:
                heapq.heappush(waiting, renewed)
            continue
        taken.add(best.a, best.b)
        found.append(best)
    return found


@dataclass
class Taken:
    """The chosen candidates, and how much any shot is like theirs.

    Side 2i is A, side 2i + 1 is B of the i-th chosen candidate.
    """

    catalogue: Catalogue
    parameters: TopKParameters
    spent: np.ndarray  # bool (S,), shots that may not appear again, as far as was asked
    sides: list[int] = field(default_factory=list)
    _vectors: np.ndarray | None = None  # (room for sides, F, D): stacking a list anew took most of the time
    _known: dict[int, np.ndarray] = field(default_factory=dict)

    def add(self, a: int, b: int) -> None:
        """Take a candidate."""
        new, used = self.catalogue.vectors(np.array([a, b])), len(self.sides)
        if self._vectors is None:
            self._vectors = new
        if used + 2 > len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
        self._vectors[used : used + 2] = new
        self.sides += [a, b]

    def is_spent(self, shot: int) -> bool:
        """Whether a shot, or its near-duplicates, appear as often as they may."""
        if not self.spent[shot]:
            uses = (self._likeness(shot) >= 1).any(axis=1).sum()
            self.spent[shot] = uses >= self.parameters.max_uses_per_shot
        return bool(self.spent[shot])

    def renewed(self, choice: Choice) -> Choice | None:
        """A choice lessened by what it repeats; None when it joins the same two shots as a chosen one."""
        repeats = self.repeats(choice.a, choice.b)
        if repeats >= 1:
            return None
        score = choice.relevance * (1 - self.parameters.weights.diversity * repeats)
        return replace(choice, minus_score=-score, repeats=repeats, seen=len(self.sides) // 2)

    def repeats(self, a: int, b: int) -> float:
        """Greatest likeness of a pair to a chosen one, in either order; 1 when it joins the same two shots."""
        if not self.sides:
            return 0.0
        of_a, of_b = self._likeness(a), self._likeness(b)
        return float(np.maximum(of_a[:, 0] + of_b[:, 1], of_a[:, 1] + of_b[:, 0]).max() / 2)

    def _likeness(self, shot: int) -> np.ndarray:
        """float64 (chosen, 2), of a shot to both sides of each chosen candidate; 1 where they show the same."""
        known = self._known.get(shot, np.zeros(0))
        if len(known) < len(self.sides):
            known = np.concatenate([known, self._likeness_from(shot, len(known))])
            self._known[shot] = known
        return known.reshape(-1, 2)

    def _likeness_from(self, shot: int, first_side: int) -> np.ndarray:
        assert self._vectors is not None
        sides = np.array(self.sides[first_side:])
        vectors = self._vectors[first_side : len(self.sides)]
        cosines = vectors.reshape(-1, vectors.shape[2]) @ self.catalogue.vectors(np.array([shot]))[0].T
        look = cosines.reshape(len(vectors), -1).max(axis=1)
        alike = np.nan_to_num(likeness(look, self.parameters), nan=0.0)
        near = SAME_SCENE * self.catalogue.nearness(np.full(len(sides), shot), sides)
        return np.where(self.catalogue.group[sides] == self.catalogue.group[shot], 1.0, np.maximum(alike, near))
