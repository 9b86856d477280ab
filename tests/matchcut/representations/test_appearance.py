from pathlib import Path

import cv2
import numpy as np
import pytest

from matchcut.representations.appearance import Appearance, AppearanceParameters
from matchcut.representations.flavor import Representation, UsableShots
from tests.clips import make_proxy, texture

FLAVOR = Appearance()
SIZE = (320, 180)
MOMENTS = 5  # per side
RED, BLUE = (200, 60, 50), (50, 80, 210)


def lamp(x: float, y: float, color: tuple[int, int, int] = (200, 200, 200)) -> np.ndarray:
    """A soft light at a place of the picture, in shares of its size, on nearly black."""
    rows, columns = np.mgrid[:180, :320]
    falloff = np.exp(-((columns / 320 - x) ** 2 * 3 + (rows / 180 - y) ** 2) * 6)
    return (12 + falloff[..., None] * np.array(color)).astype(np.uint8)


def rows(*pictures: np.ndarray) -> Representation:
    """Shots that show one picture each from beginning to end."""
    seen = [FLAVOR.describe(picture, *SIZE) for picture in pictures]
    number = np.arange(len(pictures))
    frame = 100 * number[:, None, None] + np.arange(2 * MOMENTS).reshape(2, MOMENTS)
    arrays = {name: np.stack([[[each[name]] * MOMENTS] * 2 for each in seen]) for name in seen[0]}
    return Representation(number, {"frame": frame, **arrays})


def scored(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    found = FLAVOR.refine(rows(a), rows(b), np.array([0]), np.array([0]))
    return {"score": float(found.score[0]), **{name: float(cue[0]) for name, cue in found.cues.items()}}


def test_a_picture_matches_itself_in_everything():
    found = scored(lamp(0.2, 0.3, RED), lamp(0.2, 0.3, RED))
    assert [found[name] for name in ("layout", "edges", "colors")] == pytest.approx([1, 1, 1], abs=1e-5)
    assert found["score"] > 0.8


def test_composition_does_not_ask_how_bright_or_which_colour():
    red, dim_blue = lamp(0.2, 0.3, RED), (lamp(0.2, 0.3, BLUE) * 0.6).astype(np.uint8)
    found = scored(red, dim_blue)
    assert found["layout"] > 0.95
    assert found["light"] > 0.3
    assert found["colors"] < 0.8
    assert found["score"] < scored(red, red)["score"]


def test_light_from_the_other_side_is_another_picture():
    found = scored(lamp(0.15, 0.5), lamp(0.85, 0.5))
    assert found["light"] < -0.3
    assert found["layout"] < 0
    assert found["score"] < 0.5


def test_the_direction_of_light_is_where_it_is_brighter():
    right_below = FLAVOR.describe(lamp(0.9, 0.9), *SIZE)["light"]
    assert right_below[0] > 0.3
    assert right_below[1] > 0.3
    assert np.hypot(*right_below) <= 1 + 1e-6


def test_shares_of_colours_sum_to_one_and_near_colours_share_bins():
    red = FLAVOR.describe(np.full((90, 160, 3), (200, 40, 40), np.uint8), *SIZE)["colors"]
    near = FLAVOR.describe(np.full((90, 160, 3), (190, 50, 48), np.uint8), *SIZE)["colors"]
    far = FLAVOR.describe(np.full((90, 160, 3), (40, 40, 200), np.uint8), *SIZE)["colors"]
    assert np.square(red).sum() == pytest.approx(1)
    assert red @ near > 0.5
    assert red @ far < 0.05


def disc(x: int, color: int, ground: int) -> np.ndarray:
    """A disc in one of two places, of any brightness."""
    return cv2.circle(np.full((180, 320, 3), ground, np.uint8), (x, 90), 40, (color,) * 3, cv2.FILLED)


def test_what_stands_out_matches_the_same_shape_there_whatever_it_is():
    bright, dark, elsewhere = disc(100, 220, 30), disc(100, 30, 220), disc(220, 220, 30)
    there, gone = scored(bright, dark), scored(bright, elsewhere)
    assert there["figure"] > 0.7
    assert there["layout"] < 0
    assert gone["figure"] < 0.1
    assert there["score"] > 3 * gone["score"]


def test_what_is_blank_matches_nothing():
    grey = np.full((180, 320, 3), 90, np.uint8)
    assert scored(grey, grey)["score"] == 0
    assert scored(lamp(0.5, 0.5), grey)["score"] == 0


def test_lines_elsewhere_are_another_picture_though_it_is_bright_in_the_same_place():
    level, upright = (np.tile(lamp(0.5, 0.5), 1) for _ in range(2))
    level[40:140:12, 80:240], upright[40:140, 80:240:12] = 255, 255
    found = scored(level, upright)
    assert found["layout"] > 0.8
    assert found["edges"] < 0.75
    assert found["score"] < 0.85 * scored(level, level)["score"]


def test_the_end_of_a_is_compared_with_the_start_of_b(tmp_path: Path):
    left, right = lamp(0.15, 0.5), lamp(0.85, 0.5)
    proxy = make_proxy(tmp_path, [left] * 30 + [right] * 30 + [right] * 30 + [left] * 30)
    shots = UsableShots(np.array([3, 7]), np.array([0, 60]), np.array([60, 120]))
    found = FLAVOR.represent(proxy, shots, {})
    assert found.shot.tolist() == [3, 7]
    a, b = np.array([0, 1, 0]), np.array([1, 0, 0])
    there, back, same = FLAVOR.refine(found, found, a, b).score
    assert min(there, back) > 0.65  # out of the lamp on the right into the lamp on the right
    assert same < 0.3
    proposed = FLAVOR.score_block(found, found).score[a, b]
    assert proposed.argmin() == 2
    assert proposed[:2] == pytest.approx([there, back], abs=0.15)


def test_the_cut_lies_where_the_pictures_match_best(tmp_path: Path):
    left, right = lamp(0.15, 0.5), lamp(0.85, 0.5)
    proxy = make_proxy(tmp_path, [left] * 50 + [right] * 2 + [left] * 8 + [right] * 60)
    shots = UsableShots(np.array([0, 1]), np.array([0, 60]), np.array([60, 120]))
    found = FLAVOR.represent(proxy, shots, {})
    moments = found.arrays["frame"][0, 1]
    block = FLAVOR.refine(found, found, np.array([0]), np.array([1]))
    assert 50 <= block.frame_a[0] < 52
    assert block.frame_a[0] in moments
    assert block.score[0] > 0.5


def test_around_an_upright_picture_the_grid_is_empty(tmp_path: Path):
    upright = np.ascontiguousarray(texture(3, SIZE).transpose(1, 0, 2))
    found = FLAVOR.represent(make_proxy(tmp_path, [upright] * 3), UsableShots(*np.array([[0], [0], [3]])), {})
    layout = found.arrays["layout"][0, 0, 0].astype(np.float32).reshape(9, 16)
    assert not layout[:, :5].any()
    assert not layout[:, -5:].any()
    assert np.square(layout).sum() == pytest.approx(1, rel=1e-3)


def test_an_upright_and_a_level_picture_can_be_compared(tmp_path: Path):
    upright = np.ascontiguousarray(lamp(0.2, 0.2).transpose(1, 0, 2))
    a = FLAVOR.represent(make_proxy(tmp_path, [upright] * 3), UsableShots(*np.array([[0], [0], [3]])), {})
    found = FLAVOR.refine(a, rows(lamp(0.2, 0.2)), np.array([0]), np.array([0]))
    assert 0 <= found.score[0] < 1


def test_no_shots_give_no_rows(tmp_path: Path):
    nothing = np.zeros(0, np.int64)
    found = FLAVOR.represent(make_proxy(tmp_path, [lamp(0.5, 0.5)] * 3), UsableShots(nothing, nothing, nothing), {})
    assert len(found) == 0
    assert FLAVOR.score_block(found, rows(lamp(0.5, 0.5))).score.shape == (0, 1)
    assert FLAVOR.refine(found, found, nothing, nothing).score.shape == (0,)


def test_the_picture_shows_both_ends_with_their_colours(tmp_path: Path):
    proxy = make_proxy(tmp_path, [lamp(0.2, 0.3, RED)] * 5)
    found = FLAVOR.represent(proxy, UsableShots(*np.array([[0], [0], [5]])), {})
    picture = FLAVOR.picture(proxy, found, [0])
    assert picture.dtype == np.uint8
    assert picture.shape[1] > 2 * 256
    strip = picture[6 + 144 - 10, 6 : 6 + 256].reshape(-1, 3).astype(int)
    assert (strip[:, 0] > strip[:, 2] + 30).any()  # red is among the colours that cover most


def test_smoothing_by_nothing_is_refused():
    with pytest.raises(ValueError, match="smoothing_bins must be positive, got 0"):
        AppearanceParameters(smoothing_bins=0)
