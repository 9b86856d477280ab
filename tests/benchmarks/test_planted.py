import numpy as np
import pytest

from benchmarks.planted import ranks, ranks_of, recall
from benchmarks.planted_movements import MOVE_FRAMES, MOVE_OVERLAP, Move, moving
from benchmarks.planted_poses import blue_screen_alpha
from matchcut.pair_scores import PairScores
from matchcut.representations.movement import flow_between


def scores(*cuts: tuple[int, int]) -> PairScores:
    """Cuts from a shot to a shot, best first."""
    out, into = np.array(cuts).T
    score = np.linspace(0.9, 0.1, len(cuts)).astype(np.float32)
    return PairScores(np.full(len(cuts), "a"), out, out, into, into, score, {}, len(cuts))


def test_the_rank_of_a_planted_cut_is_its_place_among_the_ways_on_and_in():
    on, into = ranks(scores((0, 3), (2, 1), (0, 1), (2, 0)), pairs=2)
    assert on.tolist() == [2, np.inf]
    assert into.tolist() == [2, np.inf]


def test_a_matrix_gives_the_same_ranks_and_ties_count_against():
    matrix = np.array([[0, 0.5, 0, 0.9], [0, 0, 0, 0], [0, 0.7, 0, 0], [0, 0, 0, 0]])
    on, into = ranks_of(matrix, pairs=2)
    assert on.tolist() == [2, np.inf]
    assert into.tolist() == [2, np.inf]
    assert ranks_of(np.ones((4, 4)), pairs=2)[0].tolist() == [3, 3]


def test_recall_counts_both_directions():
    found = recall(np.array([1.0, np.inf]), np.array([2.0, 11.0]))
    assert found == {"recall_at_1": 0.25, "recall_at_10": 0.5, "mrr": pytest.approx((1 + 1 / 2 + 1 / 11) / 4, abs=1e-4)}


def test_a_blue_screen_is_transparent_and_the_figure_is_not():
    frame = np.full((40, 40, 3), (10, 20, 220), np.uint8)
    frame[10:30, 15:25] = (20, 20, 25)
    alpha = blue_screen_alpha(frame)
    assert alpha[12:28, 17:23].min() == 1
    assert alpha[:5].max() == 0


@pytest.mark.parametrize("side", [0, 1])
def test_a_planted_pan_moves_by_its_speed_at_the_cut(side: int):
    still = np.kron(np.random.default_rng(4).integers(0, 255, (41, 72, 3), np.uint8), np.ones((10, 10, 1), np.uint8))
    move = Move(np.array([0.5, 0, 0, 0]), None, (0.0, 0.0))
    frames = list(moving(still[:405], still[:405], move, move, side))
    cut = MOVE_FRAMES - MOVE_OVERLAP // 2 if side == 0 else MOVE_OVERLAP // 2
    flow = flow_between(frames[cut - 1][..., 0], frames[cut][..., 0])
    assert np.median(flow, axis=(0, 1)) == pytest.approx([0.5 * 360 / 25, 0], abs=0.3)
    assert move.field().reshape(-1, 2) == pytest.approx(np.tile([0.5, 0], (144, 1)))
