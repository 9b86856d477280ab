import re
from collections.abc import Sequence

import numpy as np
import pytest

from matchcut.shots.detector import Boundaries
from matchcut.shots.histogram import (
    BLOCK_FRAMES,
    HistogramDetector,
    HistogramParameters,
    Window,
    describe,
    window_scores,
)
from tests.matchcut.shots.pictures import as_frames, black, dissolve, hold, pan, picture


def found(pictures: Sequence[np.ndarray]) -> Boundaries:
    return HistogramDetector().detect(as_frames(pictures), {})


def cuts(pictures: Sequence[np.ndarray]) -> list[int]:
    boundaries = found(pictures)
    assert all(t.kind == "cut" for t in boundaries.transitions)
    return [t.frame for t in boundaries.transitions]


def test_a_boundary_is_the_first_frame_of_the_new_shot() -> None:
    assert cuts([*hold(1, 30), *hold(2, 25), *hold(3, 40)]) == [30, 55]


def test_a_still_shot_has_no_boundary() -> None:
    assert cuts(hold(1, 100)) == []


@pytest.mark.parametrize("pixels_per_frame", [0.25, 0.5, 1, 2])
def test_a_pan_is_one_shot(pixels_per_frame: float) -> None:
    assert cuts(pan(4, 70, pixels_per_frame)) == []


def test_a_cut_between_pans_is_found() -> None:
    assert cuts([*pan(4, 50, 1), *pan(5, 50, 1)]) == [50]


@pytest.mark.parametrize("length", [4, 6, 10])
def test_very_short_shots_are_found(length: int) -> None:
    assert cuts([*hold(1, 30), *hold(2, length), *hold(3, 30)]) == [30, 30 + length]


@pytest.mark.parametrize("length", [1, 2])
def test_a_flash_is_no_cut(length: int) -> None:
    flash = [np.full((27, 48, 3), 250.0)] * length
    assert cuts([*hold(1, 30), *flash, *hold(1, 30)]) == []


@pytest.mark.parametrize("length", [1, 2, 6])
def test_a_short_blackout_inside_a_shot_is_no_cut(length: int) -> None:
    assert cuts([*hold(1, 30), *black(length), *hold(1, 30)]) == []


def test_a_single_black_frame_between_two_shots_is_one_boundary_at_the_new_shot() -> None:
    (transition,) = found([*hold(1, 30), *black(1), *hold(2, 30)]).transitions
    assert transition[:4] == (31, 30, 31, "fade")


def test_a_dissolve_has_its_boundary_inside_and_its_extent_about_right() -> None:
    (transition,) = found([*hold(1, 40), *dissolve(hold(1, 12), hold(2, 12)), *hold(2, 40)]).transitions
    assert transition.kind == "dissolve"
    assert transition.frame == pytest.approx(46, abs=3)
    assert transition.first_frame == pytest.approx(40, abs=5)
    assert transition.end_frame == pytest.approx(52, abs=5)


def test_a_title_may_be_shorter_than_a_window() -> None:
    assert found(hold(1, 1)) == Boundaries.of(1)
    assert cuts(hold(1, 5)) == []


def test_the_result_does_not_depend_on_where_blocks_end() -> None:
    for first in (BLOCK_FRAMES - 1, BLOCK_FRAMES, BLOCK_FRAMES + 1, 2 * BLOCK_FRAMES - 3):
        assert cuts([*hold(1, first), *hold(2, 30)]) == [first]


def test_frames_are_read_one_block_at_a_time() -> None:
    read = 0

    def frames():  # type: ignore[no-untyped-def]
        nonlocal read
        for frame in as_frames(hold(1, 2 * BLOCK_FRAMES)):
            read += 1
            yield frame

    blocks = HistogramDetector()._descriptions(frames())
    next(blocks)
    assert read == BLOCK_FRAMES


def test_equal_frames_have_a_product_of_two_and_others_less() -> None:
    rows = describe(np.stack(as_frames([picture(1), picture(1), picture(2)])), texture_floor=1.0)
    assert rows[0] @ rows[1] == pytest.approx(2, abs=1e-5)
    assert rows[0] @ rows[2] < 1.8


def test_a_clean_split_scores_its_distance_over_the_floor() -> None:
    rows = np.array([[2**0.5, 0]] * 4 + [[0, 2**0.5]] * 4, np.float32)  # distance 2 across, 0 within
    (scores,) = window_scores([rows], (Window(nodes=2),), floor=0.5)
    assert scores.argmax() == 4
    assert scores[4] == pytest.approx(2 / 0.5)
    assert scores[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("window", [Window(nodes=4), Window(nodes=6, stride=3, gap=4)])
def test_steady_movement_scores_a_half_however_fast_it_is(window: Window) -> None:
    angles = np.arange(100) * 0.02
    rows = 2**0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    (scores,) = window_scores([rows], (window,), floor=1e-6)
    assert scores[30:70] == pytest.approx(0.5, abs=0.01)


def test_no_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="a video without frames has no shots"):
        HistogramDetector().detect([], {})


def test_frames_of_another_size_are_refused() -> None:
    message = "frames must be uint8 of (27, 48, 3), got uint8 (48, 27, 3)"
    with pytest.raises(ValueError, match=re.escape(message)):
        HistogramDetector().detect([np.zeros((48, 27, 3), np.uint8)], {})


def test_a_window_compares_pairs_that_are_equally_far_apart() -> None:
    assert Window(nodes=3).common_lags == [1, 2]
    assert Window(nodes=6, stride=3, gap=4).common_lags == [9, 12, 15]


@pytest.mark.parametrize("window", [(1, 1, 0), (4, 0, 0), (4, 3, 5), (3, 3, 4)])
def test_a_window_in_which_nothing_can_be_compared_is_refused(window: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="needs two frames a side"):
        Window(*window)


def test_parameters_that_would_divide_by_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        HistogramParameters(texture_floor=0)
