import re
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchcut.cue_words import CueWords
from matchcut.errors import MissingFeatureError
from matchcut.flavors import FLAVORS
from matchcut.pair_scores import PairScoreParameters, PairScores, blocks, score_pairs
from matchcut.representations.flavor import BlockScores, Flavor, Representation
from matchcut.top_k import PAIR_COLUMNS

SILHOUETTES, OPTICAL_FLOW = FLAVORS[:2]


@dataclass
class Closeness:
    """A flavor whose shots are whole numbers: the nearer, the better; equal ones score 1."""

    largest_block: int = 0

    name = representation = title = "closeness"
    description = "A row is a number."
    algorithm = score_algorithm = "1"
    weights = ()
    cues = {"difference": CueWords("difference")}  # noqa: RUF012
    parameters = None

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        difference = b.arrays["value"][None, :] - a.arrays["value"][:, None]
        self.largest_block = max(self.largest_block, difference.size)
        score = np.maximum(1 - np.abs(difference) / 10, 0).astype(np.float32)
        frame_a = np.broadcast_to(100 * a.shot[:, None] + 99, score.shape)
        frame_b = np.broadcast_to(100 * b.shot[None, :], score.shape)
        return BlockScores(score, frame_a, frame_b, {"difference": difference.astype(np.float32)})

    def bytes_per_pair(self) -> int:
        return 1


def numbers(*values: int, first_shot: int = 0) -> Representation:
    return Representation(np.arange(len(values)) + first_shot, {"value": np.array(values, np.int64)})


def score(
    a: Representation, b: Representation, *, same: bool = False, keep: int = 20, memory_bytes: int = 1 << 20
) -> PairScores:
    parameters = PairScoreParameters(keep_per_shot=keep)
    flavor: Flavor = Closeness()  # type: ignore[assignment]
    return score_pairs(flavor, a, b, same_title=same, parameters=parameters, memory_bytes=memory_bytes)


def cuts(scores: PairScores) -> list[tuple[str, int, int]]:
    return list(zip(scores.out_side.tolist(), scores.shot_out.tolist(), scores.shot_in.tolist(), strict=True))


def test_two_titles_are_scored_in_both_directions():
    scores = score(numbers(0, 5), numbers(5))
    assert cuts(scores) == [("a", 1, 0), ("b", 0, 1), ("a", 0, 0), ("b", 0, 0)]
    assert scores.score.tolist() == [1, 1, 0.5, 0.5]
    assert scores.frame_out.tolist() == [199, 99, 99, 99]
    assert scores.frame_in.tolist() == [0, 100, 0, 0]
    assert scores.cues["difference"].tolist() == [0, 0, 5, -5]
    assert scores.num_pairs == 4


def test_within_a_title_every_ordered_pair_but_a_shot_with_itself():
    title = numbers(0, 1, 2)
    scores = score(title, title, same=True)
    assert sorted(cuts(scores)) == [("a", i, j) for i in range(3) for j in range(3) if i != j]
    assert scores.num_pairs == 6


def test_only_the_best_partners_of_each_shot_are_kept():
    title = numbers(0, 1, 2, 7)
    best_ways_on = {("a", 0, 1), ("a", 1, 0), ("a", 2, 1), ("a", 3, 2)}  # of equal ones the earlier shot
    best_ways_in = {("a", 1, 0), ("a", 0, 1), ("a", 1, 2), ("a", 2, 3)}
    assert set(cuts(score(title, title, same=True, keep=1))) == best_ways_on | best_ways_in


def test_a_pair_is_kept_when_it_is_the_best_way_into_a_shot():
    # Every shot of A prefers the first of B, but the second of B is entered best from the last of A.
    scores = score(numbers(0, 1, 2), numbers(0, 9), keep=1)
    assert ("a", 2, 1) in cuts(scores)
    assert ("a", 0, 1) not in cuts(scores)


def test_pairs_that_score_zero_are_not_kept():
    scores = score(numbers(0), numbers(50))
    assert len(scores) == 0
    assert scores.num_pairs == 2


@pytest.mark.parametrize("same", [False, True])
def test_titles_without_rows_give_no_pairs(same: bool, tmp_path: Path):
    scores = score(numbers(), numbers(), same=same)
    scores.save(tmp_path)
    assert len(PairScores.load(tmp_path)) == scores.num_pairs == 0
    assert list(PairScores.load(tmp_path).cues) == ["difference"]


def test_exchanging_the_titles_exchanges_the_sides_only():
    a, b = numbers(3, 1, 4, 1, 5), numbers(9, 2, 6)
    one, other = score(a, b, keep=2), score(b, a, keep=2)
    swapped = {(("b" if side == "a" else "a"), out, into) for side, out, into in cuts(other)}
    assert set(cuts(one)) == swapped
    assert one.score.tolist() == other.score.tolist()


values = st.lists(st.integers(0, 12), max_size=9)


@settings(deadline=None)
@given(values, values, st.integers(1, 4), st.integers(1, 100), st.booleans())
def test_blocks_of_any_size_keep_what_one_sorted_list_would(
    left: list[int], right: list[int], keep: int, memory_bytes: int, same: bool
):
    a = numbers(*left)
    b = a if same else numbers(*right)
    kept = cuts(score(a, b, same=same, keep=keep, memory_bytes=memory_bytes))
    assert set(kept) == set(brute_force(a, b, keep, same))
    assert kept == cuts(score(a, b, same=same, keep=keep))


def brute_force(a: Representation, b: Representation, keep: int, same: bool) -> list[tuple[str, int, int]]:
    kept = []
    for side, out, into in [("a", a, b)] if same else [("a", a, b), ("b", b, a)]:
        scored = [
            (-abs(int(x - y)), i, j)
            for i, x in enumerate(out.arrays["value"])
            for j, y in enumerate(into.arrays["value"])
            if abs(x - y) < 10 and not (same and i == j)
        ]
        for axis in (1, 2):
            for shot in {pair[axis] for pair in scored}:
                mine = sorted((pair for pair in scored if pair[axis] == shot), key=lambda p: (-p[0], p[1], p[2]))
                kept += [(side, i, j) for _, i, j in mine[:keep]]
    return kept


def test_blocks_cover_the_table_once():
    covered = np.zeros((7, 5), int)
    for rows, columns in blocks(7, 5, 9):
        assert covered[rows, columns].size <= 9
        covered[rows, columns] += 1
    assert (covered == 1).all()


def test_no_block_is_larger_than_the_memory_allows():
    flavor = Closeness()
    title = numbers(*range(100))
    score_pairs(flavor, title, title, same_title=True, memory_bytes=400)  # type: ignore[arg-type]
    assert flavor.largest_block == 400


def test_a_table_survives_saving(tmp_path: Path):
    scores = score(numbers(3, 1, 4), numbers(1, 5))
    scores.save(tmp_path)
    loaded = PairScores.load(tmp_path)
    assert loaded.to_arrow().equals(scores.to_arrow())
    assert loaded.num_pairs == 12
    assert pq.read_schema(tmp_path / "pair_scores.parquet").names == [
        "out_side", "shot_out", "frame_out", "shot_in", "frame_in", "score", "difference",
    ]  # fmt: skip


def test_candidates_name_the_outgoing_title_first():
    table = score(numbers(0, 5), numbers(5)).to_candidates("film", "trailer")
    assert table.column_names == [*PAIR_COLUMNS[:6], "score", "difference"]
    assert table.slice(0, 2).select(["title_a", "shot_a", "title_b", "shot_b"]).to_pylist() == [
        {"title_a": "film", "shot_a": 1, "title_b": "trailer", "shot_b": 0},
        {"title_a": "trailer", "shot_a": 0, "title_b": "film", "shot_b": 1},
    ]


def test_a_missing_table_says_what_to_do(tmp_path: Path):
    with pytest.raises(MissingFeatureError, match=re.escape("Materialize `pair_scores` for this title again.")):
        PairScores.load(tmp_path)


def test_keeping_nothing_is_refused():
    with pytest.raises(ValueError, match=re.escape("keep_per_shot and refine_per_kept must be at least 1, got ")):
        PairScoreParameters(keep_per_shot=0)


def random_silhouettes(count: int, persons: int, seed: int = 1) -> Representation:
    """Rows of upright rectangles side by side, one per person."""
    generator = np.random.default_rng(seed)
    grids = np.zeros((count, 2, 5, 4, 36, 64), bool)
    for row, side, moment, slot in np.ndindex(count, 2, 5, persons):
        left, top = 16 * slot + generator.integers(0, 8), generator.integers(0, 16)
        grids[row, side, moment, slot, top : top + 20, left : left + 8] = True
    shape = grids.shape[:-2]
    return Representation(
        np.arange(count),
        {
            "frame": np.arange(10 * count).reshape(count, 2, 5),
            "masks": np.packbits(grids.reshape(*shape, -1), axis=-1),
            "category": np.ones((count, 4), np.uint8),
            "confidence": grids.any(axis=(4, 5)).astype(np.float32),
            "joints": np.zeros((*shape, 15, 3), np.float16),
            "motion": np.zeros((*shape, 2), np.float32),
            "picture_box": np.tile([0, 0, 64, 36], (count, 1)),
        },
    )


def random_flow(count: int, seed: int = 2) -> Representation:
    generator = np.random.default_rng(seed)
    spectrum = generator.random((count, 33)).astype(np.float32)
    return Representation(
        np.arange(count),
        {
            "frame": np.arange(10 * count).reshape(count, 2, 5),
            "camera": generator.normal(size=(count, 2, 5, 4)).astype(np.float32),
            "support": generator.uniform(0, 0.2, size=(count, 2, 5)).astype(np.float32),
            "mover": generator.normal(size=(count, 2, 5, 2, 4)).astype(np.float32),
            "window": np.arange(10 * count).reshape(count, 2, 5, 1) + np.array([-3, 3]),
            "rate": np.full((count, 2, 5), 24, np.float32),
            "coherence": generator.uniform(0.8, 1, size=(count, 2, 5, 2)).astype(np.float32),
            "area": generator.uniform(0, 0.5, size=(count, 2, 5, 2)).astype(np.float32),
            "speed": generator.uniform(0, 1, size=(count, 2, 5, 2)).astype(np.float32),
            "going": generator.uniform(0, 1, size=(count, 2, 5, 2)).astype(np.float32),
            "steadily": generator.uniform(-0.5, 1, size=(count, 2, 5, 2)).astype(np.float32),
            "rest": np.zeros(count, np.float32),
            "spectrum": spectrum / np.linalg.norm(spectrum, axis=1, keepdims=True),
        },
    )


class Doubtful(Closeness):
    """Proposes by closeness; the full score turns the order of what it proposes around."""

    def refine(self, a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
        difference = b.arrays["value"][rows_b] - a.arrays["value"][rows_a]
        score = np.minimum(np.abs(difference), 10) / 10
        frames = 100 * a.shot[rows_a] + 50, 100 * b.shot[rows_b] + 50
        return BlockScores(score, *frames, {"difference": difference})


def test_what_is_proposed_is_kept_by_its_full_score_with_its_frames_and_cues():
    flavor: Flavor = Doubtful()  # type: ignore[assignment]
    parameters = PairScoreParameters(keep_per_shot=1, refine_per_kept=2)
    scores = score_pairs(flavor, numbers(0), numbers(0, 1, 2, 3), same_title=False, parameters=parameters)
    ways_on = [cut for cut in cuts(scores) if cut[0] == "a"]
    # 0 and 1 are proposed for their closeness, and every way in is; the same number has nothing in common in full.
    assert ways_on == [("a", 0, 3), ("a", 0, 2), ("a", 0, 1)]
    assert scores.score[0] == pytest.approx(0.3)
    assert scores.frame_out[0] == 50
    assert scores.cues["difference"][0] == 3


@pytest.mark.parametrize("memory_bytes", [200_000, 3_000_000])
def test_silhouettes_score_the_same_in_blocks_of_any_size(memory_bytes: int):
    rows = random_silhouettes(60, persons=2)
    whole = score_pairs(SILHOUETTES, rows, rows, same_title=True, memory_bytes=1 << 30)
    parts = score_pairs(SILHOUETTES, rows, rows, same_title=True, memory_bytes=memory_bytes)
    assert parts.to_arrow().equals(whole.to_arrow())


def test_flow_scores_the_same_in_blocks_of_any_size_but_for_rounding():
    rows = random_flow(60)
    whole = score_pairs(OPTICAL_FLOW, rows, rows, same_title=True, memory_bytes=1 << 30)
    parts = score_pairs(OPTICAL_FLOW, rows, rows, same_title=True, memory_bytes=20_000)
    assert parts.score == pytest.approx(whole.score, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flavor", "rows_of", "count"),
    [(SILHOUETTES, lambda count: random_silhouettes(count, persons=4), 300), (OPTICAL_FLOW, random_flow, 3000)],
    ids=["frame_match", "action_match"],
)
def test_memory_stays_within_what_was_allowed(flavor: Flavor, rows_of: Callable[[int], Representation], count: int):
    rows = rows_of(count)
    allowed, kept = 32 << 20, 16 << 20  # what is kept comes on top of a block
    tracemalloc.start()
    score_pairs(flavor, rows, rows, same_title=True, memory_bytes=allowed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < allowed + kept
