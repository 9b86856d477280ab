"""A ranked cut with everything that an editor needs, and tables of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from matchcut.cue_words import CueWords, Grade

TABLE_NAME = "top_k.parquet"

PAIR_SCORE_CUE = "pair_score"
LOOK_CUE = "look"
SECONDS_APART_CUE = "seconds_apart"
AGREEMENT_CUE = "agreement"
SHORTER_SECONDS_CUE = "shorter_seconds"
SHARPNESS_CUE = "sharpness"
REPEATS_CUE = "repeats"
RANKING_CUES: Mapping[str, CueWords] = {
    PAIR_SCORE_CUE: CueWords("score before demotion"),
    AGREEMENT_CUE: CueWords("agreement of the other ways of matching"),
    # Seen on one edited video: 0.6 to 0.7 the same place or person, 0.45 two random shots.
    LOOK_CUE: CueWords(
        "likeness of the shots",
        (Grade("same place", least=0.7), Grade("similar place", least=0.6), Grade("other place")),
    ),
    SECONDS_APART_CUE: CueWords("seconds apart"),
    SHORTER_SECONDS_CUE: CueWords("seconds of the shorter shot"),
    SHARPNESS_CUE: CueWords("sharpness of the softer frame"),
    REPEATS_CUE: CueWords("likeness to a better candidate"),
}


@dataclass(frozen=True)
class Candidate:
    """A cut worth trying: out of shot A after `frame_a`, into shot B at `frame_b`.

    Attributes:
        rank: from 1, best first.
        flavor: the way of matching.
        score: after demotion, repeats included, higher is better.
        title_a: the outgoing title.
        shot_a: the outgoing shot's index in its title.
        frame_a: the last frame that is shown of A.
        timecode_a: its timecode in the source file.
        title_b: the incoming title.
        shot_b: the incoming shot's index in its title.
        frame_b: the first frame that is shown of B.
        timecode_b: its timecode in the source file.
        cues: why, by name: the flavor's own cues and those in `RANKING_CUES`; what is not known is absent:
            `pair_score` (before demotion), `agreement` (mean of the other flavors' scores of the same cut, 0 where
            one has none), `look` (cosine of the shots' embeddings), `seconds_apart` (between the two frames, of one
            title), `shorter_seconds` (length of the shorter shot), `sharpness` (of the softer of the frames near
            the cut) and `repeats` (likeness to a better candidate, in [0, 1]).
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
