from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from matchcut.representations.flavor import Representation, UsableShots
from matchcut.representations.optical_flow import (
    END,
    START,
    WHOLE,
    OpticalFlow,
    OpticalFlowParameters,
    flow_between,
)
from tests.clips import make_proxy

FLAVOR = OpticalFlow()
SIZE = (320, 180)
PICTURE = np.kron(np.random.default_rng(5).integers(30, 220, (60, 80), np.uint8), np.ones((6, 8), np.uint8))


def view(right: int, down: int = 0) -> np.ndarray:
    """A window on a large picture; moving the window left by 4 pixels moves the picture right by 4."""
    window = PICTURE[80 - down : 260 - down, 160 - right : 480 - right]
    return np.dstack([window] * 3)


def rows(*flows: object, size: int = 144) -> Representation:
    """Shots whose three windows all hold the given flow: one (x, y) everywhere, or a whole (9, 16, 2) field."""
    fields = [np.broadcast_to(np.asarray(flow, np.float32), (9, 16, 2)) for flow in flows]
    flow = np.repeat(np.stack(fields)[:, None], 3, axis=1)
    n = len(flows)
    return Representation(
        np.arange(n),
        {
            "frame": np.arange(2 * n).reshape(n, 2),
            "flow": flow,
            "camera": np.zeros((n, 3, 2), np.float32),
            "picture_cells": np.full(n, size),
        },
    )


def score(a: object, b: object) -> float:
    return float(FLAVOR.score_block(rows(a), rows(b)).score[0, 0])


def whole_shots(*ranges: tuple[int, int]) -> UsableShots:
    start, stop = np.array(ranges).T
    return UsableShots(np.arange(len(ranges)), start, stop)


def test_flow_of_a_picture_moved_by_three_pixels_is_three_pixels():
    before, after = view(0)[..., 0], view(3, 2)[..., 0]
    assert np.median(flow_between(before, after), axis=(0, 1)) == pytest.approx([3, 2], abs=0.2)


def test_a_moving_picture_is_measured_in_heights_per_second(tmp_path: Path):
    proxy = make_proxy(tmp_path, [view(3 * i) for i in range(20)], Fraction(25))
    found = FLAVOR.represent(proxy, whole_shots((0, 20)), {})
    expected = 3 * 25 / 180
    assert np.median(found.arrays["flow"][0, ..., 0]) == pytest.approx(expected, rel=0.05)
    assert np.abs(np.median(found.arrays["flow"][0, ..., 1])) < 0.01
    assert found.arrays["camera"][0, WHOLE] == pytest.approx([expected, 0], abs=0.03)


def test_doubled_frames_change_no_speed(tmp_path: Path):
    once = make_proxy(tmp_path / "once", [view(3 * i) for i in range(16)], Fraction(25))
    twice = make_proxy(tmp_path / "twice", [view(3 * (i // 2)) for i in range(32)], Fraction(50))
    speeds = [
        FLAVOR.represent(proxy, whole_shots((0, proxy.record.num_frames)), {}).arrays["camera"][0, WHOLE, 0]
        for proxy in (once, twice)
    ]
    assert speeds[1] == pytest.approx(speeds[0], rel=0.08)


def test_a_still_picture_has_no_flow_and_matches_nothing(tmp_path: Path):
    proxy = make_proxy(tmp_path, [view(0)] * 8)
    found = FLAVOR.represent(proxy, whole_shots((0, 8)), {})
    assert np.abs(found.arrays["flow"]).max() < 0.02
    assert FLAVOR.score_block(found, found).score[0, 0] == 0
    assert FLAVOR.score_block(found, rows((0.5, 0))).score[0, 0] == 0


def test_start_and_end_are_told_apart_and_shots_do_not_mix(tmp_path: Path):
    steps = [4] * 15 + [0] * 30 + [-4] * 15
    positions = np.cumsum(steps)
    frames = [view(int(p)) for p in positions] + [view(0, 40 - 4 * i) for i in range(20)]
    proxy = make_proxy(tmp_path, frames, Fraction(25))
    found = FLAVOR.represent(proxy, whole_shots((0, 60), (60, 80)), {})
    horizontal = found.arrays["camera"][..., 0]
    assert horizontal[0, START] == pytest.approx(100 / 180, rel=0.1)
    assert horizontal[0, END] == pytest.approx(-100 / 180, rel=0.1)
    assert abs(horizontal[0, WHOLE]) < 0.1
    assert found.arrays["camera"][1, :, 1] == pytest.approx([-100 / 180] * 3, rel=0.1)
    assert found.arrays["frame"].tolist() == [[0, 59], [60, 79]]


def test_a_shot_of_one_frame_has_no_row(tmp_path: Path):
    proxy = make_proxy(tmp_path, [view(0)] * 5)
    assert FLAVOR.represent(proxy, whole_shots((0, 1), (1, 5)), {}).shot.tolist() == [1]


def test_no_shots_give_no_rows(tmp_path: Path):
    proxy = make_proxy(tmp_path, [view(0)] * 5)
    none = np.zeros(0, np.int64)
    found = FLAVOR.represent(proxy, UsableShots(none, none, none), {})
    assert len(found) == 0
    assert found.arrays["flow"].shape == (0, 3, 9, 16, 2)


def test_windows_hold_a_bounded_number_of_pairs_inside_the_shot():
    seconds = np.arange(10_000) / 64
    start, whole, end = FLAVOR.windows(100, 9_100, seconds)
    assert [len(window) for window in (start, whole, end)] == [12, 24, 12]
    assert (start[0], start[-1]) == (100, 131)  # half a second at 64 frames per second
    assert (whole[0], whole[-1]) == (100, 9_098)
    assert (end[0], end[-1]) == (9_067, 9_098)


def test_windows_of_the_shortest_shot_are_its_only_pair():
    assert [window.tolist() for window in FLAVOR.windows(5, 7, np.arange(10) / 2)] == [[5], [5], [5]]


def test_the_same_movement_scores_one():
    assert score((0.5, 0), (0.5, 0)) == pytest.approx(1)


def test_opposite_movement_scores_zero():
    assert score((0.5, 0), (-0.5, 0)) == 0


def test_crosswise_movement_scores_zero():
    assert score((0.5, 0), (0, 0.5)) == 0


def test_stillness_scores_zero_even_against_itself():
    assert score((0, 0), (0, 0)) == 0
    assert score((0.01, 0), (0.01, 0)) == 0


def test_the_more_speeds_differ_the_less_they_match():
    scores = [score((0.3, 0), (0.3 * factor, 0)) for factor in (1, 2, 3, 6)]
    assert scores[0] == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert scores[2] == pytest.approx(0.5)
    assert scores[3] == pytest.approx(0.25)


def test_movement_in_another_place_matches_less_than_in_the_same():
    left, right = np.zeros((9, 16, 2)), np.zeros((9, 16, 2))
    left[:, :8, 0] = right[:, 8:, 0] = 0.5
    assert score(left, right) == 0
    assert score(left, left) == pytest.approx(1)


def test_the_end_of_a_is_compared_with_the_start_of_b():
    a, b = rows((0.5, 0)), rows((0.5, 0))
    a.arrays["flow"][0, START] = b.arrays["flow"][0, END] = [0, -0.5]
    assert FLAVOR.score_block(a, b).score[0, 0] == pytest.approx(1)
    assert FLAVOR.score_block(b, a).score[0, 0] == pytest.approx(1)
    a.arrays["flow"][0, END] = [0, 0.5]
    assert FLAVOR.score_block(a, b).score[0, 0] == 0


def test_the_cut_lies_between_the_last_and_the_first_frame():
    block = FLAVOR.score_block(rows((1, 0), (1, 0)), rows((1, 0)))
    assert block.frame_a.tolist() == [[1], [3]]
    assert block.frame_b.tolist() == [[0], [0]]


def test_speed_counts_the_picture_not_the_empty_grid():
    upright = np.zeros((9, 16, 2))
    upright[:, 5:10, 1] = 0.4
    block = FLAVOR.score_block(rows(upright, size=45), rows((0, 0.4)))
    assert block.cues["speed_a"][0, 0] == pytest.approx(0.4)


def test_picture_draws_arrows(tmp_path: Path):
    proxy = make_proxy(tmp_path, [np.full((36, 64, 3), 90, np.uint8)] * 4)
    still, moving = (FLAVOR.picture(proxy, rows(flow), [0]) for flow in ((0, 0), (0.5, 0)))
    assert still.shape == moving.shape
    yellow = (np.abs(moving.astype(int) - [255, 220, 60]).max(axis=2) < 60).sum()
    assert yellow > 144  # at least a pixel per cell
    assert (np.abs(still.astype(int) - [255, 220, 60]).max(axis=2) < 60).sum() == 0


@pytest.mark.parametrize("wrong", [{"end_seconds": 0}, {"pairs_per_end": 0}, {"pairs_over_all": 0}])
def test_parameters_that_measure_nothing_are_refused(wrong: dict[str, int]):
    with pytest.raises(ValueError, match="end_seconds must be positive and pairs at least 1"):
        OpticalFlowParameters(**wrong)
