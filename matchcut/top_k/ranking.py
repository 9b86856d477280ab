"""From scored pairs to candidates: what is removed, what is demoted, what is chosen.

Every demotion only lowers a score, so that the cheap ones give a bound by which pairs are visited, and the costly
comparison of embeddings is made for the visited ones only.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matchcut.errors import MissingFeatureError
from matchcut.top_k import cues
from matchcut.top_k.candidate import (
    AGREEMENT_CUE,
    LOOK_CUE,
    PAIR_SCORE_CUE,
    REPEATS_CUE,
    SECONDS_APART_CUE,
    SHARPNESS_CUE,
    SHORTER_SECONDS_CUE,
    Candidate,
)
from matchcut.top_k.parameters import DEFAULTS, TopKParameters
from matchcut.top_k.selection import Choice, Chosen, choose
from matchcut.top_k.titles import Catalogue, TitleShots

PAIR_COLUMNS = ("title_a", "shot_a", "frame_a", "title_b", "shot_b", "frame_b", "score")
CONFIDENCE_COLUMN = "confidence"
"""A flavor's cue of this name says how sure it is of what it found, in [0, 1]."""
MOTION_COLUMN = "motion"
"""And of this name, how alike what it found moves on both sides, in [0, 1]."""
VISITED_AT_ONCE = 1024
"""Pairs whose embeddings are compared at once: 2 x 16 MB at 3 frames of 1280 numbers."""


def rank_candidates(
    pairs: pa.Table,
    titles: Mapping[str, TitleShots],
    *,
    flavor: str,
    k: int | None = None,
    parameters: TopKParameters = DEFAULTS,
    others: Mapping[str, pa.Table] | None = None,
    groups: Mapping[str, np.ndarray] | None = None,
) -> list[Candidate]:
    """Choose the k best pairs among the given titles.

    Args:
        pairs: scored pairs with the columns `PAIR_COLUMNS`; every other numeric column is a cue. Pairs may
            appear twice and in both orders: the better one stays, except that a pair whose shot B directly
            follows shot A in the same title is removed. Pairs with a title that is not in `titles` are left
            out, so that any subset of titles is a query.
        titles: facts per title.
        flavor: the name that the candidates carry.
        k: how many at most; None for `parameters.k`.
        parameters: what is removed and demoted.
        others: name of another flavor to its scored pairs, with the same columns; agreement is read from them.
        groups: per title int64 (N,), the same number for shots that show the same in any title
            (`repeats.catalogue_groups`): such a pair is removed, and such shots share their uses. None for the groups
            within the titles alone.

    Returns:
        Candidates, best first. Equal scores are ordered by title, shot and frame: the order of rows changes
        nothing.

    Raises:
        ValueError: a column is missing, or k is less than 1.
        MissingFeatureError: a pair names a shot or frame that its title does not have.
    """
    k = parameters.k if k is None else k
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    catalogue = Catalogue.of(titles, parameters, groups)
    rows = _Rows.of(pairs, catalogue, parameters, others or {})
    names = [name for name in pairs.column_names if name not in PAIR_COLUMNS and _is_number(pairs, name)]
    spent = np.zeros(len(catalogue.title), dtype=bool)
    best = choose(_best_first(rows, catalogue, spent, parameters), catalogue, spent, k, parameters)
    columns = pairs.select([*PAIR_COLUMNS, *names]).take([each.choice.row for each in best]).to_pylist() if best else []
    return [
        _candidate(each, rank, flavor, titles, pair, _ranking_cues(each, rows, catalogue))
        for rank, (each, pair) in enumerate(zip(best, columns, strict=True), start=1)
    ]


@dataclass(frozen=True)
class _Rows:
    """Pairs that may become candidates, best bound first.

    Attributes:
        row: int64 (P,), row of the table.
        a, b: int64 (P,), shots in the catalogue's numbering.
        bound: float64 (P,), the score after the cheap demotions: never below the final score.
        frame_a, frame_b: int64 (P,).
        agreement: float64 (P,), NaN when there is no other flavor.
    """

    row: np.ndarray
    a: np.ndarray
    b: np.ndarray
    bound: np.ndarray
    frame_a: np.ndarray
    frame_b: np.ndarray
    agreement: np.ndarray

    @classmethod
    def of(
        cls, pairs: pa.Table, catalogue: Catalogue, parameters: TopKParameters, others: Mapping[str, pa.Table]
    ) -> Self:
        scored = _Scored.of(pairs, catalogue, parameters)
        agreeing = {name: _Scored.of(table, catalogue, parameters) for name, table in others.items()}
        agreement = cues.agreement(scored.key, {name: (each.key, each.score) for name, each in agreeing.items()})
        a, b = scored.a, scored.b
        worths = {
            "agreement": agreement,
            "time": cues.time_worth(a, b, catalogue),
            "length": cues.in_proportion(cues.shorter_seconds(a, b, catalogue), parameters.enough_seconds),
            "sharpness": cues.in_proportion(cues.sharpness(a, b, catalogue), parameters.enough_sharpness),
            "shape": cues.shape_worth(a, b, catalogue),
        }
        for name in (CONFIDENCE_COLUMN, MOTION_COLUMN):
            if name in pairs.column_names:
                worths[name] = pairs[name].to_numpy()[scored.row]
        bound = scored.score * cues.factor(worths, parameters.weights)
        allowed = (
            catalogue.kept[a]
            & catalogue.kept[b]
            & (catalogue.group[a] != catalogue.group[b])
            & ~((b == a + 1) & (catalogue.title[a] == catalogue.title[b]))  # the film makes this cut itself
            & (bound > parameters.minimum_score)
        )
        best_first = np.flatnonzero(allowed)
        best_first = best_first[np.argsort(-bound[best_first], kind="stable")]
        columns = (scored.row, a, b, bound, scored.frame_a, scored.frame_b, agreement)
        return cls(*(column[best_first] for column in columns))


@dataclass(frozen=True)
class _Scored:
    """Rows of a table of scored pairs that are about the catalogue's titles and have a score; (P,) each.

    Attributes:
        row: int64, row of the table.
        a, b: int64, shots in the catalogue's numbering.
        frame_a, frame_b: int64.
        score: float64.
        key: int64, one number per ordered pair of shots.
    """

    row: np.ndarray
    a: np.ndarray
    b: np.ndarray
    frame_a: np.ndarray
    frame_b: np.ndarray
    score: np.ndarray
    key: np.ndarray

    @classmethod
    def of(cls, pairs: pa.Table, catalogue: Catalogue, parameters: TopKParameters) -> Self:
        missing = [name for name in PAIR_COLUMNS if name not in pairs.column_names]
        if missing:
            raise ValueError(f"scored pairs lack the columns {missing}, they have {pairs.column_names}")
        title_a, title_b = (_title_numbers(pairs[name], catalogue.names) for name in ("title_a", "title_b"))
        score = pairs["score"].to_numpy().astype(np.float64)
        row = np.flatnonzero((title_a >= 0) & (title_b >= 0) & (score > parameters.minimum_score))
        frame_a, frame_b = (pairs[name].to_numpy()[row] for name in ("frame_a", "frame_b"))
        a = _shots(pairs["shot_a"].to_numpy()[row], frame_a, title_a[row], catalogue)
        b = _shots(pairs["shot_b"].to_numpy()[row], frame_b, title_b[row], catalogue)
        return cls(row, a, b, frame_a, frame_b, score[row], a * len(catalogue.title) + b)


def _best_first(rows: _Rows, catalogue: Catalogue, spent: np.ndarray, parameters: TopKParameters) -> Iterator[Choice]:
    """Pairs by relevance. `spent` may grow meanwhile: pairs of such shots are no longer visited."""
    waiting: list[Choice] = []
    for first in range(0, len(rows.row), VISITED_AT_ONCE):
        block = np.arange(first, min(first + VISITED_AT_ONCE, len(rows.row)))
        block = block[~(spent[rows.a[block]] | spent[rows.b[block]])]
        for choice in _visit(rows, block, catalogue, parameters):
            heapq.heappush(waiting, choice)
        following = first + VISITED_AT_ONCE
        bound = rows.bound[following] if following < len(rows.row) else -np.inf
        while waiting and -waiting[0].minus_score > bound:
            yield heapq.heappop(waiting)


def _visit(rows: _Rows, block: np.ndarray, catalogue: Catalogue, parameters: TopKParameters) -> Iterator[Choice]:
    """Relevance of a block of rows; near-duplicates are left out."""
    if len(block) == 0:
        return
    look = catalogue.look(rows.a[block], rows.b[block])
    place = cues.place_worth(look, parameters)
    score = rows.bound[block] * cues.factor({"place": place}, parameters.weights)
    differ = ~(look >= parameters.near_duplicate_similarity)
    for each in np.flatnonzero(differ & (score > parameters.minimum_score)):
        at = block[each]
        yield Choice(
            -float(score[each]),
            int(rows.a[at]),
            int(rows.b[at]),
            int(rows.frame_a[at]),
            int(rows.frame_b[at]),
            int(rows.row[at]),
            int(at),
            float(look[each]),
        )


def _ranking_cues(best: Chosen, rows: _Rows, catalogue: Catalogue) -> dict[str, float]:
    """What decided beside the score; NaN where it is not known."""
    choice = best.choice
    a, b = np.array([choice.a]), np.array([choice.b])
    return {
        AGREEMENT_CUE: float(rows.agreement[choice.place]),
        LOOK_CUE: choice.look,
        SHORTER_SECONDS_CUE: float(cues.shorter_seconds(a, b, catalogue)[0]),
        SHARPNESS_CUE: float(cues.sharpness(a, b, catalogue)[0]),
        REPEATS_CUE: best.repeats,
    }


def _title_numbers(column: pa.ChunkedArray, names: Sequence[str]) -> np.ndarray:
    """int64 (P,), the place of each row's title in `names`, -1 where it is not among them."""
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    array = encoded.unify_dictionaries().combine_chunks()
    places = {name: place for place, name in enumerate(names)}
    known = np.array([places.get(name, -1) for name in array.dictionary.to_pylist()], dtype=np.int64)
    return known[array.indices.to_numpy()] if len(array) else np.zeros(0, dtype=np.int64)


def _shots(shot: np.ndarray, frame: np.ndarray, title: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """int64 (P,), shots in the catalogue's numbering."""
    counts = np.diff(catalogue.offset)
    last_frame = np.array([int(each.stop_frame[-1]) - 1 if len(each) else -1 for each in catalogue.facts])
    wrong = (shot < 0) | (shot >= counts[title]) | (frame < 0) | (frame > last_frame[title])
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        name = catalogue.names[title[first]]
        raise MissingFeatureError(
            f"{name}: a scored pair names shot {shot[first]} and frame {frame[first]}, but the title has "
            f"{counts[title[first]]} shots and {last_frame[title[first]] + 1} frames. Its shots changed: "
            "materialize `pair_scores` for this title again."
        )
    return np.asarray(catalogue.offset[title] + shot)


def _candidate(
    best: Chosen,
    rank: int,
    flavor: str,
    titles: Mapping[str, TitleShots],
    pair: Mapping[str, Any],
    known: Mapping[str, float],
) -> Candidate:
    """The chosen pair with everything that an editor needs."""
    a, b = titles[pair["title_a"]], titles[pair["title_b"]]
    shot_a, shot_b, frame_a, frame_b = (pair[name] for name in ("shot_a", "shot_b", "frame_a", "frame_b"))
    return Candidate(
        rank=rank,
        flavor=flavor,
        score=best.score,
        title_a=pair["title_a"],
        shot_a=shot_a,
        frame_a=frame_a,
        timecode_a=a.timecode_of(frame_a),
        title_b=pair["title_b"],
        shot_b=shot_b,
        frame_b=frame_b,
        timecode_b=b.timecode_of(frame_b),
        cues=_cues(pair, a, known),
        start_frame_a=int(a.start_frame[shot_a]),
        stop_frame_a=int(a.stop_frame[shot_a]),
        start_frame_b=int(b.start_frame[shot_b]),
        stop_frame_b=int(b.stop_frame[shot_b]),
    )


def _cues(pair: Mapping[str, float], title: TitleShots, known: Mapping[str, float]) -> dict[str, float]:
    """The flavor's cues and ranking's own; unknown ones are absent."""
    found = {name: float(value) for name, value in pair.items() if name not in PAIR_COLUMNS and value is not None}
    found |= {PAIR_SCORE_CUE: float(pair["score"]), **known}
    if pair["title_a"] == pair["title_b"]:
        apart = title.time_of(int(pair["frame_a"])) - title.time_of(int(pair["frame_b"]))
        found[SECONDS_APART_CUE] = abs(float(apart))
    return {name: value for name, value in found.items() if not np.isnan(value)}


def _is_number(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
