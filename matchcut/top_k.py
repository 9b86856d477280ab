"""The best match cuts of a set of titles: scored pairs in, a short list worth an editor's time out.

A high pair score alone is no match cut (the task: Chen et al., *Match Cutting: Finding Cuts with Smooth
Visual Transitions*, arXiv:2210.05766). Two takes of one set-up score best of all and surprise nobody, so
near-duplicates are removed, pairs that look alike or lie close in time are demoted, and no shot takes more
than a few places. A cut that the film makes itself, from a shot to the next, is no find and is removed too;
the way back, from a shot to the one before it, is a new cut and may stay. Selection is greedy and exact:
demotions only lower a score, so the cheap one gives a bound by which pairs are visited, and the costly
comparison of embeddings is made for the visited ones only.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from matchcut.errors import MissingFeatureError
from matchcut.proxy import EncodeRecord, Proxy
from matchcut.shots.table import ShotTable
from matchcut.timecode import timecode_of

ALGORITHM = "2"
TABLE_NAME = "top_k.parquet"

PAIR_COLUMNS = ("title_a", "shot_a", "frame_a", "title_b", "shot_b", "frame_b", "score")
PAIR_SCORE_CUE = "pair_score"
LOOK_CUE = "look"
SECONDS_APART_CUE = "seconds_apart"
OTHER_LOOK = 0.6  # seen on one edited video: 0.6 to 0.7 the same place or person, 0.45 two random shots
SAME_LOOK = 0.75
_VISITED_AT_ONCE = 1024  # 2 x 16 MB of embeddings at 3 frames of 1280 numbers


@dataclass(frozen=True)
class TopKParameters:
    """What is removed, what is demoted, and by how much.

    Whatever the parameters, a pair whose shot B directly follows shot A in the same title is removed.

    Attributes:
        k: candidates in a title's stored list.
        minimum_score: pairs at or below it are no candidates. 0: nothing of the flavor was found in common.
        near_duplicate_similarity: cosine of embeddings, of two titles or one, from which two shots show the
            same thing: such a pair is removed, and such shots share their uses. As measured for
            `DeduplicatedShotsParameters.same_setup`: precision 1.00, recall 0.99 within four labelled films.
        alike_similarity: cosine from which a pair begins to be demoted: the place or person may be the same.
        alike_factor: what the score is multiplied by just below `near_duplicate_similarity`;
            linear in between.
        near_seconds: pairs of one title with less time between the shots are demoted; Netflix found most of
            them under two minutes to be no match cuts.
        near_share: the same limit as a share of the title's duration, which rules in titles under 8 minutes.
        near_factor: what the score is multiplied by when nothing lies between the shots; rises linearly to 1.
        max_uses_per_shot: candidates in which one shot, or one of its near-duplicates, may appear.
    """

    k: int = 50
    minimum_score: float = 0.0
    near_duplicate_similarity: float = 0.82
    alike_similarity: float = 0.65
    alike_factor: float = 0.5
    near_seconds: float = 120.0
    near_share: float = 0.25
    near_factor: float = 0.5
    max_uses_per_shot: int = 2

    def __post_init__(self) -> None:
        """Refuse factors that would raise a score, and limits that allow nothing."""
        for name in ("alike_factor", "near_factor", "near_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if not -1 <= self.alike_similarity < self.near_duplicate_similarity:
            raise ValueError(
                f"alike_similarity must lie in [-1, near_duplicate_similarity), got {self.alike_similarity} "
                f"and {self.near_duplicate_similarity}"
            )
        if min(self.k, self.max_uses_per_shot) < 1 or self.near_seconds < 0:
            raise ValueError(f"k and max_uses_per_shot must be at least 1 and near_seconds at least 0: {self}")


@dataclass(frozen=True)
class TitleShots:
    """What ranking has to know of a title's N shots.

    Attributes:
        record: rate and start timecode.
        start_frame: int64 (N,), first frame.
        stop_frame: int64 (N,), one past the last.
        kept: bool (N,), whether the shot may be a candidate: no near-duplicate, not too short, not black.
        group: int64 (N,), the same number for near-duplicates within the title; negative for a shot of its
            own.
        ticks: int64 (num_frames,), frame times in `record.time_base`; None where the rate is constant.
        vectors: float32 or float16 (N, F, D), L2-normalized embeddings of F frames per shot; None where there
            are none.
    """

    record: EncodeRecord
    start_frame: np.ndarray
    stop_frame: np.ndarray
    kept: np.ndarray
    group: np.ndarray
    ticks: np.ndarray | None = None
    vectors: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuse columns of different lengths, and a variable rate without times."""
        for name in ("stop_frame", "kept", "group", "vectors"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.start_frame):
                raise ValueError(f"{name} has {len(column)} rows for {len(self.start_frame)} shots")
        if self.record.is_variable_rate and self.ticks is None:
            raise ValueError("a title of variable frame rate needs the ticks of its frames")

    @classmethod
    def of(
        cls,
        proxy: Proxy,
        shots: ShotTable,
        kept: np.ndarray,
        group: np.ndarray,
        vectors: np.ndarray | None = None,
    ) -> Self:
        """Gather the facts from what the earlier stages stored; frame times are read only where they vary."""
        ticks = proxy.ticks if proxy.record.is_variable_rate else None
        return cls(proxy.record, shots.start_frame, shots.stop_frame, kept, group, ticks, vectors)

    def __len__(self) -> int:
        return len(self.start_frame)

    def time_of(self, frame: int) -> Fraction:
        """Exact time of a frame in seconds, the end of the last one included."""
        if self.ticks is None:
            return frame / self.record.frame_rate
        if frame >= len(self.ticks):
            return self.time_of(len(self.ticks) - 1) + 1 / self.record.frame_rate
        return int(self.ticks[frame]) * self.record.time_base

    def timecode_of(self, frame: int) -> str:
        """SMPTE timecode of a frame."""
        return timecode_of(frame, self.record, self.time_of(frame))

    def seconds_of(self, frames: np.ndarray) -> np.ndarray:
        """float64, the times of many frames, the end of the last one included, for measuring distances."""
        if self.ticks is None:
            return frames / float(self.record.frame_rate)
        end = float(self.time_of(len(self.ticks)))
        return np.asarray(np.append(self.ticks * float(self.record.time_base), end)[frames])


@dataclass(frozen=True)
class Candidate:
    """A cut worth trying: out of shot A after `frame_a`, into shot B at `frame_b`.

    Attributes:
        rank: from 1, best first.
        flavor: the way of matching.
        score: after demotion, higher is better.
        title_a: the outgoing title.
        shot_a: the outgoing shot's index in its title.
        frame_a: the last frame that is shown of A.
        timecode_a: its timecode in the source file.
        title_b: the incoming title.
        shot_b: the incoming shot's index in its title.
        frame_b: the first frame that is shown of B.
        timecode_b: its timecode in the source file.
        cues: why, by name: the flavor's own cues, `pair_score` (before demotion), `look` (cosine of the
            shots' embeddings, absent without embeddings) and `seconds_apart` (between the two frames, absent
            across titles).
        start_frame_a, stop_frame_a: the range of shot A.
        start_frame_b, stop_frame_b: the range of shot B.
    """

    rank: int
    flavor: str
    score: float
    title_a: str
    shot_a: int
    frame_a: int
    timecode_a: str
    title_b: str
    shot_b: int
    frame_b: int
    timecode_b: str
    cues: dict[str, float]
    start_frame_a: int
    stop_frame_a: int
    start_frame_b: int
    stop_frame_b: int


_COLUMN_TYPES = {int: pa.int64(), float: pa.float64(), str: pa.string()}
_COLUMNS = {each.name: _COLUMN_TYPES[each.type] for each in fields(Candidate) if each.type in _COLUMN_TYPES}
_RANGES = tuple(name for name in _COLUMNS if name.startswith(("start_frame", "stop_frame")))
LISTED_COLUMNS = tuple(name for name in _COLUMNS if name not in _RANGES)


def rank_candidates(
    pairs: pa.Table,
    titles: Mapping[str, TitleShots],
    *,
    flavor: str,
    k: int | None = None,
    parameters: TopKParameters = TopKParameters(),
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
    catalogue = _Catalogue.of(titles, parameters)
    rows = _Rows.of(pairs, catalogue, parameters)
    cues = [name for name in pairs.column_names if name not in PAIR_COLUMNS and _is_number(pairs, name)]
    return [
        _candidate(choice, rank, flavor, titles, pairs.slice(choice.row, 1).select([*PAIR_COLUMNS, *cues]))
        for rank, choice in enumerate(_chosen(rows, catalogue, k, parameters), start=1)
    ]


def save_candidates(candidates: Sequence[Candidate], folder: Path) -> None:
    """Write `top_k.parquet`: one row per candidate, one column per cue, null where it is unknown."""
    pq.write_table(candidates_to_arrow(candidates), folder / TABLE_NAME)


def load_candidates(folder: Path) -> list[Candidate]:
    """Read what `save_candidates` wrote."""
    rows = pq.read_table(folder / TABLE_NAME).to_pylist()
    return [
        Candidate(
            **{name: row[name] for name in _COLUMNS},
            cues={name: value for name, value in row.items() if name not in _COLUMNS and value is not None},
        )
        for row in rows
    ]


def candidates_to_arrow(candidates: Sequence[Candidate]) -> pa.Table:
    """Candidates as a table: `LISTED_COLUMNS`, the cues in order of appearance, the shots' ranges."""
    cues = list(dict.fromkeys(name for candidate in candidates for name in candidate.cues))
    columns = {name: pa.array([getattr(each, name) for each in candidates], _COLUMNS[name]) for name in _COLUMNS}
    cue_columns = {name: pa.array([each.cues.get(name) for each in candidates], pa.float64()) for name in cues}
    return pa.table(
        {name: columns[name] for name in LISTED_COLUMNS} | cue_columns | {name: columns[name] for name in _RANGES}
    )


def words(candidate: Candidate, cue_words: Mapping[str, str], *, max_cues: int = 2) -> str:
    """Say why a candidate matches, e.g. `"silhouette overlap 0.83, other place, 41 s apart"`.

    Args:
        candidate: as ranked.
        cue_words: name of a cue to the words an editor reads (`Flavor.cues`), in the order of telling; cues
            without words are left out.
        max_cues: how many of them are told; a sentence of six numbers is not read.
    """
    cues = told_cues(candidate, cue_words, max_cues=max_cues)
    told = [f"{cue_words[name]} {value_in_words(candidate.cues[name])}" for name in cues]
    look = candidate.cues.get(LOOK_CUE)
    if look is not None:
        told.append("other place" if look < OTHER_LOOK else "similar place" if look < SAME_LOOK else "same place")
    return ", ".join([*told, _distance_in_words(candidate)])


def told_cues(candidate: Candidate, cue_words: Mapping[str, str], *, max_cues: int = 2) -> list[str]:
    """Names of the cues that `words` tells."""
    return [name for name in cue_words if name in candidate.cues][:max_cues]


def value_in_words(value: float) -> str:
    """Two decimals, none for a whole number: `"0.83"`, `"2"`."""
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def _distance_in_words(candidate: Candidate) -> str:
    if candidate.title_a != candidate.title_b:
        return "two titles"
    return f"{duration_in_words(candidate.cues.get(SECONDS_APART_CUE, 0.0))} apart"


def duration_in_words(seconds: float) -> str:
    """`"0.4 s"`, `"41 s"`, `"3 min 20 s"`, `"1 h 5 min"`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@dataclass(frozen=True)
class _Catalogue:
    """The shots of all titles in one numbering: S shots, titles in the order of their names.

    Attributes:
        names: of the T titles.
        facts: of the T titles.
        offset: int64 (T + 1,), number of each title's first shot.
        title: int64 (S,), the title's place in `names`.
        start_seconds, stop_seconds: float64 (S,).
        near_seconds: float64 (T,), below which two shots of the title are near.
        kept: bool (S,).
        group: int64 (S,), different in different titles.
    """

    names: tuple[str, ...]
    facts: tuple[TitleShots, ...]
    offset: np.ndarray
    title: np.ndarray
    start_seconds: np.ndarray
    stop_seconds: np.ndarray
    near_seconds: np.ndarray
    kept: np.ndarray
    group: np.ndarray

    @classmethod
    def of(cls, titles: Mapping[str, TitleShots], parameters: TopKParameters) -> Self:
        names = tuple(sorted(titles))
        facts = tuple(titles[name] for name in names)
        counts = np.array([len(each) for each in facts], dtype=np.int64)
        offset = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        starts = [each.seconds_of(each.start_frame) for each in facts]
        stops = [each.seconds_of(each.stop_frame) for each in facts]
        durations = np.array([stop.max(initial=0.0) for stop in stops])
        groups = [_group_numbers(each.group) for each in facts]
        return cls(
            names,
            facts,
            offset,
            np.repeat(np.arange(len(names)), counts),
            _joined(starts, np.float64),
            _joined(stops, np.float64),
            np.minimum(parameters.near_seconds, durations * parameters.near_share),
            _joined([each.kept for each in facts], np.bool_),
            _joined([group + first for group, first in zip(groups, offset, strict=False)], np.int64),
        )

    def vectors(self, shots: np.ndarray) -> np.ndarray:
        """float32 (P, F, D), embeddings of the given shots; NaN where a title has none."""
        shapes = {each.vectors.shape[1:] for each in self.facts if each.vectors is not None}
        if len(shapes) > 1:
            raise ValueError(f"titles have embeddings of different shapes {sorted(shapes)}: embed them all alike")
        result = np.full((len(shots), *(shapes.pop() if shapes else (1, 1))), np.nan, dtype=np.float32)
        titles = self.title[shots]
        for title in np.unique(titles):
            vectors = self.facts[title].vectors
            if vectors is not None:
                here = titles == title
                result[here] = vectors[shots[here] - self.offset[title]]
        return result

    def look(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """float32 (P,), as `shot_embeddings.similarity`, but of chosen pairs; NaN without embeddings."""
        cosines = np.matmul(self.vectors(a), self.vectors(b).transpose(0, 2, 1))
        return np.asarray(np.minimum(cosines.max(axis=(1, 2)), 1))


@dataclass(frozen=True)
class _Rows:
    """Pairs that may become candidates, best bound first.

    Attributes:
        row: int64 (P,), row of the table.
        a, b: int64 (P,), shots in the catalogue's numbering.
        bound: float64 (P,), the score, demoted by time: never below the final score.
        frame_a, frame_b: int64 (P,).
    """

    row: np.ndarray
    a: np.ndarray
    b: np.ndarray
    bound: np.ndarray
    frame_a: np.ndarray
    frame_b: np.ndarray

    @classmethod
    def of(cls, pairs: pa.Table, catalogue: _Catalogue, parameters: TopKParameters) -> Self:
        missing = [name for name in PAIR_COLUMNS if name not in pairs.column_names]
        if missing:
            raise ValueError(f"scored pairs lack the columns {missing}, they have {pairs.column_names}")
        title_a, title_b = (_title_numbers(pairs[name], catalogue.names) for name in ("title_a", "title_b"))
        score = pairs["score"].to_numpy().astype(np.float64)
        row = np.flatnonzero((title_a >= 0) & (title_b >= 0) & (score > parameters.minimum_score))
        frame_a, frame_b = (pairs[name].to_numpy()[row] for name in ("frame_a", "frame_b"))
        a = _shots(pairs["shot_a"].to_numpy()[row], frame_a, title_a[row], catalogue)
        b = _shots(pairs["shot_b"].to_numpy()[row], frame_b, title_b[row], catalogue)
        bound = score[row] * _time_factor(a, b, catalogue, parameters)
        allowed = (
            catalogue.kept[a]
            & catalogue.kept[b]
            & (catalogue.group[a] != catalogue.group[b])
            & ~((b == a + 1) & (catalogue.title[a] == catalogue.title[b]))  # the film makes this cut itself
            & (bound > parameters.minimum_score)
        )
        best_first = np.flatnonzero(allowed)
        best_first = best_first[np.argsort(-bound[best_first], kind="stable")]
        return cls(*(column[best_first] for column in (row, a, b, bound, frame_a, frame_b)))


@dataclass(frozen=True, order=True)
class _Choice:
    """A visited pair. Ordered best first, then by names, so that the order of rows decides nothing."""

    minus_score: float
    a: int
    b: int
    frame_a: int
    frame_b: int
    row: int
    look: float


@dataclass
class _Uses:
    """Which chosen candidates a shot already appears in, itself or by a near-duplicate.

    Side 2i is A, side 2i + 1 is B of the i-th chosen candidate.
    """

    catalogue: _Catalogue
    parameters: TopKParameters
    sides: list[int] = field(default_factory=list)
    _vectors: np.ndarray | None = None  # (room for sides, F, D): stacking a list anew took most of the time
    _known: dict[int, tuple[int, frozenset[int]]] = field(default_factory=dict)

    def add(self, a: int, b: int) -> None:
        new, used = self.catalogue.vectors(np.array([a, b])), len(self.sides)
        if self._vectors is None:
            self._vectors = new
        if used + 2 > len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
        self._vectors[used : used + 2] = new
        self.sides += [a, b]

    def of(self, shot: int) -> frozenset[int]:
        """The sides that show the same as a shot."""
        checked, found = self._known.get(shot, (0, frozenset()))
        if checked < len(self.sides):
            found |= {checked + int(side) for side in np.flatnonzero(self._shows_same(shot, checked))}
            self._known[shot] = (len(self.sides), found)
        return found

    def is_spent(self, shot: int) -> bool:
        """Whether the shot may not appear again."""
        return len({side // 2 for side in self.of(shot)}) >= self.parameters.max_uses_per_shot

    def has_pair(self, a: int, b: int) -> bool:
        """Whether a chosen candidate joins the same two shots already, in either order."""
        others = self.of(b)
        return any(side ^ 1 in others for side in self.of(a))

    def _shows_same(self, shot: int, first_side: int) -> np.ndarray:
        if self._vectors is None:
            return np.zeros(0, dtype=bool)
        group = self.catalogue.group
        same_group = group[np.array(self.sides[first_side:])] == group[shot]
        chosen = self._vectors[first_side : len(self.sides)]
        cosines = chosen.reshape(-1, chosen.shape[2]) @ self.catalogue.vectors(np.array([shot]))[0].T
        most_alike = cosines.reshape(len(chosen), -1).max(axis=1)
        same_look = most_alike >= self.parameters.near_duplicate_similarity
        return np.asarray(same_group | same_look)


def _chosen(rows: _Rows, catalogue: _Catalogue, k: int, parameters: TopKParameters) -> list[_Choice]:
    """Take the best pairs one after the other, as long as their shots may be used."""
    uses = _Uses(catalogue, parameters)
    spent = np.zeros(len(catalogue.title), dtype=bool)
    chosen: list[_Choice] = []
    for choice in _best_first(rows, catalogue, spent, parameters):
        if len(chosen) == k:
            break
        for shot in (choice.a, choice.b):
            spent[shot] = spent[shot] or uses.is_spent(shot)
        if not spent[choice.a] and not spent[choice.b] and not uses.has_pair(choice.a, choice.b):
            uses.add(choice.a, choice.b)
            chosen.append(choice)
    return chosen


def _best_first(rows: _Rows, catalogue: _Catalogue, spent: np.ndarray, parameters: TopKParameters) -> Iterator[_Choice]:
    """Pairs by final score. `spent` may grow meanwhile: pairs of such shots are no longer visited."""
    waiting: list[_Choice] = []
    for first in range(0, len(rows.row), _VISITED_AT_ONCE):
        block = np.arange(first, min(first + _VISITED_AT_ONCE, len(rows.row)))
        block = block[~(spent[rows.a[block]] | spent[rows.b[block]])]
        for choice in _visit(rows, block, catalogue, parameters):
            heapq.heappush(waiting, choice)
        following = first + _VISITED_AT_ONCE
        bound = rows.bound[following] if following < len(rows.row) else -np.inf
        while waiting and -waiting[0].minus_score > bound:
            yield heapq.heappop(waiting)


def _visit(rows: _Rows, block: np.ndarray, catalogue: _Catalogue, parameters: TopKParameters) -> Iterator[_Choice]:
    """Final scores of a block of rows; near-duplicates are left out."""
    if len(block) == 0:
        return
    look = catalogue.look(rows.a[block], rows.b[block])
    score = rows.bound[block] * _look_factor(look, parameters)
    for place in np.flatnonzero(score > parameters.minimum_score):
        at = block[place]
        yield _Choice(
            -float(score[place]),
            int(rows.a[at]),
            int(rows.b[at]),
            int(rows.frame_a[at]),
            int(rows.frame_b[at]),
            int(rows.row[at]),
            float(look[place]),
        )


def _look_factor(look: np.ndarray, parameters: TopKParameters) -> np.ndarray:
    """1 where shots look different or unknown (NaN), falling to `alike_factor`; 0 for near-duplicates."""
    low, high = parameters.alike_similarity, parameters.near_duplicate_similarity
    factor = 1 - (1 - parameters.alike_factor) * np.clip((look - low) / (high - low), 0, 1)
    return np.where(np.isnan(look), 1.0, np.where(look >= high, 0.0, factor))


def _time_factor(a: np.ndarray, b: np.ndarray, catalogue: _Catalogue, parameters: TopKParameters) -> np.ndarray:
    """1 for two titles or far apart, falling to `near_factor` for shots with nothing between them."""
    start, stop = catalogue.start_seconds, catalogue.stop_seconds
    gap = np.maximum(np.maximum(start[a], start[b]) - np.minimum(stop[a], stop[b]), 0)
    near = catalogue.near_seconds[catalogue.title[a]]
    nearness = 1 - np.clip(np.divide(gap, near, out=np.ones_like(gap), where=near > 0), 0, 1)
    return np.where(catalogue.title[a] == catalogue.title[b], 1 - (1 - parameters.near_factor) * nearness, 1.0)


def _title_numbers(column: pa.ChunkedArray, names: Sequence[str]) -> np.ndarray:
    """int64 (P,), the place of each row's title in `names`, -1 where it is not among them."""
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    array = encoded.unify_dictionaries().combine_chunks()
    places = {name: place for place, name in enumerate(names)}
    known = np.array([places.get(name, -1) for name in array.dictionary.to_pylist()], dtype=np.int64)
    return known[array.indices.to_numpy()] if len(array) else np.zeros(0, dtype=np.int64)


def _shots(shot: np.ndarray, frame: np.ndarray, title: np.ndarray, catalogue: _Catalogue) -> np.ndarray:
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


def _candidate(choice: _Choice, rank: int, flavor: str, titles: Mapping[str, TitleShots], row: pa.Table) -> Candidate:
    """The chosen pair with everything that an editor needs."""
    pair = row.to_pylist()[0]
    a, b = titles[pair["title_a"]], titles[pair["title_b"]]
    shot_a, shot_b, frame_a, frame_b = (pair[name] for name in ("shot_a", "shot_b", "frame_a", "frame_b"))
    return Candidate(
        rank=rank,
        flavor=flavor,
        score=-choice.minus_score,
        title_a=pair["title_a"],
        shot_a=shot_a,
        frame_a=frame_a,
        timecode_a=a.timecode_of(frame_a),
        title_b=pair["title_b"],
        shot_b=shot_b,
        frame_b=frame_b,
        timecode_b=b.timecode_of(frame_b),
        cues=_cues(choice, pair, a),
        start_frame_a=int(a.start_frame[shot_a]),
        stop_frame_a=int(a.stop_frame[shot_a]),
        start_frame_b=int(b.start_frame[shot_b]),
        stop_frame_b=int(b.stop_frame[shot_b]),
    )


def _cues(choice: _Choice, pair: Mapping[str, float], title: TitleShots) -> dict[str, float]:
    """The flavor's cues and ranking's own; unknown ones are absent."""
    cues = {name: float(value) for name, value in pair.items() if name not in PAIR_COLUMNS and value is not None}
    cues |= {PAIR_SCORE_CUE: float(pair["score"]), LOOK_CUE: choice.look}
    if pair["title_a"] == pair["title_b"]:
        apart = title.time_of(int(pair["frame_a"])) - title.time_of(int(pair["frame_b"]))
        cues[SECONDS_APART_CUE] = abs(float(apart))
    return {name: value for name, value in cues.items() if not np.isnan(value)}


def _group_numbers(group: np.ndarray) -> np.ndarray:
    """int64 (N,), the first shot of each shot's group: of a shot of its own, itself."""
    own = np.arange(len(group))
    first_of, place = np.unique(np.where(group < 0, -1 - own, group), return_index=True, return_inverse=True)[1:]
    return np.asarray(first_of[place])


def _is_number(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _joined(columns: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """One column of all titles' columns, also of none."""
    return np.concatenate([np.zeros(0, dtype), *columns]).astype(dtype)
