from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchcut.representations.flavor import Representation, UsableShots
from matchcut.representations.persons import Person
from matchcut.representations.silhouettes import (
    SilhouetteParameters,
    Silhouettes,
    moments_of,
    silhouette_iou,
)
from tests.clips import make_proxy

FLAVOR = Silhouettes()
WIDE = (640, 360)

Box = tuple[int, int, int, int]  # top, bottom, left, right in cells


def person(box: Box, confidence: float = 1.0) -> Person:
    mask = np.zeros((144, 256), bool)
    top, bottom, left, right = (4 * side for side in box)
    mask[top:bottom, left:right] = True
    return Person(mask, confidence)


def shots(*moments_of_shots: list[list[Person]], size: tuple[int, int] = WIDE) -> Representation:
    """Rows of shots given by the persons at their three moments; shot i has the frames 10i, 10i + 1, 10i + 2."""
    frames = np.array([[10 * i, 10 * i + 1, 10 * i + 2] for i in range(len(moments_of_shots))])
    found = {
        int(frame): FLAVOR.on_grid(persons, size)
        for row, of_shot in zip(frames, moments_of_shots, strict=True)
        for frame, persons in zip(row, of_shot, strict=True)
    }
    return FLAVOR.rows_of(np.arange(len(frames)), frames, found, size)


def still(*persons: Person, size: tuple[int, int] = WIDE) -> Representation:
    return shots([list(persons)] * 3, size=size)


def score(a: Representation, b: Representation) -> float:
    return float(FLAVOR.score_block(a, b).score[0, 0])


FIGURE = (6, 34, 28, 36)


def test_the_moments_are_the_first_middle_and_last_usable_frame():
    usable = UsableShots(np.array([0, 1]), np.array([10, 30]), np.array([21, 31]))
    assert moments_of(usable).tolist() == [[10, 15, 20], [30, 30, 30]]


def test_iou_of_two_rectangles():
    a, b = np.zeros((1, 8), np.float32), np.zeros((2, 8), np.float32)
    a[0, :4], b[0, 2:6] = 1, 1
    assert silhouette_iou(a, b).tolist() == [[pytest.approx(2 / 6), 0.0]]


def test_iou_of_nothing_and_nothing_is_zero():
    assert silhouette_iou(np.zeros((1, 8), np.float32), np.zeros((1, 8), np.float32)) == 0


def test_identical_silhouettes_score_one():
    assert score(still(person(FIGURE)), still(person(FIGURE))) == pytest.approx(1)


def test_the_farther_a_silhouette_is_shifted_the_less_it_scores():
    scores = [score(still(person(FIGURE)), still(person((6, 34, 28 + by, 36 + by)))) for by in range(0, 9, 2)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 5
    assert scores[-1] == 0


def test_two_persons_are_matched_whatever_their_order():
    a, b = person((6, 34, 10, 18), 0.9), person((8, 34, 40, 46), 0.9)
    block = FLAVOR.score_block(still(a, b), still(b, a))
    assert block.cues["person_iou"][0, 0] == 1
    assert block.cues["persons"][0, 0] == 2
    assert block.score[0, 0] == pytest.approx(0.9)


def test_two_persons_against_one_of_the_same_outline_overlap_as_a_whole_only():
    two = still(person((6, 34, 20, 30)), person((6, 34, 30, 40)))
    block = FLAVOR.score_block(two, still(person((6, 34, 20, 40))))
    assert block.cues["union_iou"][0, 0] == 1
    assert block.cues["person_iou"][0, 0] == pytest.approx(1 / 3)  # 10 of 30 columns, counted on both sides


@pytest.mark.parametrize("box", [(17, 19, 31, 33), (0, 36, 0, 63)])
def test_specks_and_filled_pictures_score_nothing(box):
    assert score(still(person(box)), still(person(box))) == 0


def test_close_ups_of_different_shape_score_less_than_figures_that_overlap_as_much():
    close_ups = score(still(person((0, 36, 16, 48))), still(person((4, 36, 18, 46))))
    block = FLAVOR.score_block(still(person((0, 36, 16, 48))), still(person((4, 36, 18, 46))))
    assert block.cues["outline_iou"][0, 0] < 0.2 < 0.75 < block.cues["union_iou"][0, 0]
    assert close_ups < block.cues["union_iou"][0, 0]


def test_the_edge_of_the_picture_is_no_outline():
    outline = np.unpackbits(still(person((0, 36, 20, 30))).arrays["outline"][0, 0]).reshape(36, 64)
    assert outline[:, 20:22].all()
    assert outline[:, 28:30].all()
    assert not outline[:, 22:28].any()


def test_unsure_persons_score_less():
    assert score(still(person(FIGURE, 0.5)), still(person(FIGURE, 0.5))) == pytest.approx(0.5)


def test_the_cut_lies_where_the_silhouettes_match_best():
    here, there = [person(FIGURE)], [person((6, 34, 4, 10))]
    a = shots([there, here, there])
    b = shots([there] * 3, [here, there, here], [here, here, there])
    block = FLAVOR.score_block(a, b)
    assert block.score.min() > 0.8
    assert block.frame_a.tolist() == [[2, 2, 1]]  # the last frame is preferred to the middle
    assert block.frame_b.tolist() == [[0, 11, 20]]


def test_the_last_of_a_and_the_first_of_b_matter_not_the_first_of_a():
    here, there = [person(FIGURE)], [person((6, 34, 4, 10))]
    block = FLAVOR.score_block(shots([here, there, there]), shots([here, here, here]))
    assert block.score[0, 0] == 0


def test_shots_without_persons_have_no_row():
    rows = shots([[], [], []], [[], [person(FIGURE)], []])
    assert rows.shot.tolist() == [1]
    assert rows.arrays["confidence"][0, :, 0].tolist() == [0, 0.75, 0]


def test_confidence_is_averaged_over_the_moments_at_which_a_person_is_seen():
    rows = shots([[person(FIGURE, 0.9)], [], [person(FIGURE, 0.3)]])
    assert rows.arrays["confidence"][0, :, 0] == pytest.approx([0.6, 0, 0.6])


def test_a_fifth_person_is_left_out():
    rows = still(*[person((6, 34, left, left + 6)) for left in range(0, 50, 10)])
    assert rows.arrays["persons"].shape == (1, 3, 4, 288)
    assert np.unpackbits(rows.arrays["persons"][0, 0]).sum() == 4 * 28 * 6


def test_area_is_the_share_of_the_picture_not_of_the_grid():
    upright = still(person((0, 36, 0, 64 // 2)), size=(202, 360))  # the left half of a portrait picture
    assert FLAVOR.score_block(upright, upright).cues["area"][0, 0] == pytest.approx(0.5)


def test_representation_survives_saving(tmp_path: Path):
    rows = still(person(FIGURE, 0.7))
    rows.save(tmp_path)
    assert score(Representation.load(tmp_path), rows) == pytest.approx(0.7)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_overlaps_are_those_of_a_plain_count(seed: int):
    generator = np.random.default_rng(seed)
    boxes = generator.integers(0, [[18, 32]], size=(2, 2, 2))
    people = [[person((y, y + 12, x, x + 20)) for y, x in pair.tolist()] for pair in boxes]
    a, b = (still(*pair) for pair in people)
    block = FLAVOR.score_block(a, b)
    cells_a, cells_b = (np.unpackbits(rows.arrays["persons"][0, 0], axis=1).astype(bool) for rows in (a, b))
    shared = (cells_a.any(axis=0) & cells_b.any(axis=0)).sum()
    total = (cells_a.any(axis=0) | cells_b.any(axis=0)).sum()
    assert block.cues["union_iou"][0, 0] == pytest.approx(shared / total)
    matched = max((cells_a[0] & cells_b[i]).sum() + (cells_a[1] & cells_b[1 - i]).sum() for i in range(2))
    assert block.cues["person_iou"][0, 0] == pytest.approx(matched / (cells_a.sum() + cells_b.sum() - matched))


def test_picture_shows_three_moments_of_each_row(tmp_path: Path):
    proxy = make_proxy(tmp_path, [np.full((36, 64, 3), 90, np.uint8)] * 13)
    rows = shots([[person(FIGURE)]] * 3, [[person(FIGURE)]] * 3)
    picture = FLAVOR.picture(proxy, rows, [0, 1])
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert picture.shape[1] > 6 * 256
    assert (np.abs(picture.astype(int) - [169, 84, 79]).max(axis=2) < 6).any()  # 0.45 grey and 0.55 of the colour


def test_a_shot_of_one_frame_counts_its_person_in_full():
    frames = np.array([[5, 5, 5]])
    rows = FLAVOR.rows_of(np.array([0]), frames, {5: FLAVOR.on_grid([person(FIGURE, 0.8)], WIDE)}, WIDE)
    assert rows.arrays["confidence"][0, :, 0] == pytest.approx([0.8] * 3)


def test_parameters_reach_the_rows():
    flavor = Silhouettes(SilhouetteParameters(max_persons=1))
    grids, confidence = flavor.on_grid([person(FIGURE), person((6, 34, 4, 10))], WIDE)
    assert grids.shape == (1, 36, 64)
    assert confidence.tolist() == [1]
