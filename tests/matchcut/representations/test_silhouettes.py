from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchcut.representations.bodies import JOINTS
from matchcut.representations.flavor import BlockScores, Representation
from matchcut.representations.instances import KINDS, PERSON, Instance
from matchcut.representations.masks import outlines
from matchcut.representations.moments import IN, OUT
from matchcut.representations.silhouette_scores import moved, silhouette_iou
from matchcut.representations.silhouettes import SilhouetteParameters, Silhouettes
from tests.clips import make_proxy

FLAVOR = Silhouettes()
WIDE = (640, 360)
SECONDS = np.arange(1000) / 25
MOMENTS = 5  # per side

Box = tuple[int, int, int, int]  # top, bottom, left, right in cells
FIGURE = (1, 34, 24, 38)  # a fifth of the picture: large enough to count in full
CAT, DOG, HORSE, SHEEP, PLANE, BAT = 17, 18, 19, 20, 5, 39  # COCO's categories


def joints_at(x: float, y: float) -> np.ndarray:
    """All joints in one place, in shares of the picture."""
    return np.tile(np.array([x, y, 1.0], np.float32), (len(JOINTS), 1))


def person(box: Box, confidence: float = 1.0, joints: np.ndarray | None = None, category: int = PERSON) -> Instance:
    mask = np.zeros((144, 256), bool)
    top, bottom, left, right = (4 * side for side in box)
    mask[top:bottom, left:right] = True
    return Instance(mask, confidence, category, joints)


def shots(
    *moments_of_shots: list[list[Instance]], size: tuple[int, int] = WIDE, flavor: Silhouettes = FLAVOR
) -> Representation:
    """Rows of shots given by the persons at their ten moments, one a frame; shot i begins at frame 20i."""
    frames = np.array([20 * i + np.arange(2 * MOMENTS) for i in range(len(moments_of_shots))])
    found = {
        int(frame): persons
        for row, of_shot in zip(frames, moments_of_shots, strict=True)
        for frame, persons in zip(row, of_shot, strict=True)
    }
    return flavor.rows_of(np.arange(len(frames)), frames.reshape(-1, 2, MOMENTS), found, size, SECONDS)


def still(*persons: Instance, size: tuple[int, int] = WIDE) -> Representation:
    return shots([list(persons)] * (2 * MOMENTS), size=size)


def block(a: Representation, b: Representation, flavor: Silhouettes = FLAVOR) -> BlockScores:
    """Full scores of the first rows."""
    return flavor.refine(a, b, np.array([0]), np.array([0]))


def score(a: Representation, b: Representation, flavor: Silhouettes = FLAVOR) -> float:
    return float(block(a, b, flavor).score[0])


def test_iou_of_two_rectangles():
    a, b = np.zeros((1, 8), np.float32), np.zeros((2, 8), np.float32)
    a[0, :4], b[0, 2:6] = 1, 1
    assert silhouette_iou(a, b).tolist() == [[pytest.approx(2 / 6), 0.0]]


def test_iou_of_nothing_and_nothing_is_zero():
    assert silhouette_iou(np.zeros((1, 8), np.float32), np.zeros((1, 8), np.float32)) == 0


def test_identical_silhouettes_score_one_and_need_no_reframing():
    found = block(still(person(FIGURE)), still(person(FIGURE)))
    assert found.score[0] == pytest.approx(1)
    assert found.cues["reframed"][0] == 0


def test_a_small_shift_is_reframed_at_little_cost():
    found = block(still(person(FIGURE)), still(person((3, 36, 26, 40))))
    assert found.score[0] == pytest.approx(0.95)
    assert found.cues["reframed"][0] == 1


def test_a_tenth_of_size_is_reframed_at_little_cost():
    large, small = person((3, 33, 22, 42)), person((4, 32, 23, 41))
    found = block(still(large), still(small))
    assert found.cues["reframed"][0] == 1
    assert found.score[0] > 0.85


def test_the_farther_a_silhouette_is_shifted_the_less_it_scores():
    scores = [score(still(person(FIGURE)), still(person((1, 34, 24 + by, 38 + by)))) for by in range(0, 18, 2)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == 0


def test_two_persons_are_matched_whatever_their_order():
    a, b = person((3, 36, 8, 18), 0.9), person((6, 36, 40, 48), 0.9)
    found = block(still(a, b), still(b, a))
    assert found.cues["instance_iou"][0] == 1
    assert found.cues["persons"][0] == 2
    assert found.score[0] == pytest.approx(0.9**0.5)


def test_two_persons_against_one_of_the_same_outline_overlap_as_a_whole_only():
    two = still(person((6, 34, 20, 30)), person((6, 34, 30, 40)))
    found = block(two, still(person((6, 34, 20, 40))))
    assert found.cues["union_iou"][0] == 1
    assert found.cues["instance_iou"][0] == pytest.approx(1 / 3)  # 10 of 30 columns, counted on both sides


def test_animals_are_matched_as_persons_are():
    found = block(still(person(FIGURE, category=DOG)), still(person(FIGURE, category=CAT)))
    assert found.score[0] == pytest.approx(1)
    assert [found.cues[kind][0] for kind in KINDS] == [0, 1, 0]


def test_a_bone_becomes_a_satellite_whatever_objects_they_are():
    assert score(still(person(FIGURE, category=BAT)), still(person(FIGURE, category=PLANE))) == pytest.approx(1)


def test_the_same_shape_of_another_kind_is_worth_four_fifths():
    found = block(still(person(FIGURE)), still(person(FIGURE, category=DOG)))
    assert found.score[0] == pytest.approx(0.8)
    assert found.cues["union_iou"][0] == 1
    assert found.cues["instance_iou"][0] == 0
    assert [found.cues[kind][0] for kind in KINDS] == [0, 0, 0]


def test_a_rider_is_matched_with_the_rider_and_the_horse_with_the_horse():
    upper, lower = (4, 18, 28, 40), (18, 32, 22, 46)
    riding = still(person(upper), person(lower, category=HORSE))
    carrying = still(person(lower), person(upper, category=HORSE))
    assert block(riding, riding).cues["instance_iou"][0] == 1
    assert block(riding, carrying).cues["instance_iou"][0] == 0
    assert score(riding, carrying) == pytest.approx(0.8)


def test_what_turns_from_a_dog_into_a_sheep_stays_one_and_a_person_there_is_another():
    dog, sheep = person(FIGURE, category=DOG), person(FIGURE, 0.5, category=SHEEP)
    rows = shots([[dog]] * 4 + [[sheep]] * 4 + [[person(FIGURE)]] * 2)
    assert rows.arrays["category"].tolist() == [[DOG, PERSON, 0, 0]]
    assert (rows.arrays["confidence"][0, ..., 0] > 0).sum() == 8


@pytest.mark.parametrize("box", [(17, 19, 31, 33), (0, 36, 0, 63)])
def test_specks_and_filled_pictures_score_nothing(box):
    assert score(still(person(box)), still(person(box))) == 0


def test_the_larger_a_silhouette_is_the_more_it_strikes_up_to_a_fifth_of_the_picture():
    scores = [score(still(person(box)), still(person(box))) for box in ((10, 22, 28, 34), (4, 32, 26, 36), FIGURE)]
    assert scores == sorted(scores)
    assert scores[0] < 0.5 < 0.9 < scores[2]


def test_close_ups_of_different_shape_score_less_than_figures_that_overlap_as_much():
    found = block(still(person((0, 36, 16, 48))), still(person((4, 36, 18, 46))))
    assert found.cues["outline_iou"][0] < 0.5 < 0.75 < found.cues["union_iou"][0]
    assert found.score[0] < found.cues["union_iou"][0]


def test_the_edge_of_the_picture_is_no_outline():
    mask = np.zeros((1, 36, 64), bool)
    mask[0, :, 20:30] = True
    (outline,) = outlines(mask, np.array([[0, 0, 64, 36]]))
    assert outline[:, 20:22].all()
    assert outline[:, 28:30].all()
    assert not outline[:, 22:28].any()


def test_moved_masks_are_scaled_about_their_middle_and_shifted():
    mask = np.zeros((1, 1, 36, 64), bool)
    mask[0, 0, 10:20, 20:30] = True
    (grown,) = moved(mask, np.array([2.0]), np.array([[3, -4]]))
    rows, columns = np.nonzero(grown[0])
    assert (rows.min(), rows.max() + 1) == pytest.approx((5 - 4, 25 - 4), abs=1)
    assert (columns.min(), columns.max() + 1) == pytest.approx((15 + 3, 35 + 3), abs=1)


def test_heads_in_the_same_place_score_more_than_heads_apart():
    high, low = joints_at(0.5, 0.25), joints_at(0.5, 0.75)
    same = score(still(person(FIGURE, joints=high)), still(person(FIGURE, joints=high)))
    apart = score(still(person(FIGURE, joints=high)), still(person(FIGURE, joints=low)))
    assert same == pytest.approx(1)
    assert apart == pytest.approx(0.75 / 2, abs=0.001)


def test_unsure_persons_score_less():
    assert score(still(person(FIGURE, 0.5)), still(person(FIGURE, 0.5))) == pytest.approx(0.5**0.5)


def test_the_cut_lies_where_the_silhouettes_match_best():
    here, left, right = [person(FIGURE)], [person((6, 34, 2, 10))], [person((6, 34, 54, 62))]
    a = shots([left] * 7 + [here] + [left] * 2)
    b = shots([right] * 3 + [here] + [right] * 6)
    found = block(a, b)
    assert found.cues["union_iou"][0] == 1
    assert found.frame_a.tolist() == [7]
    assert found.frame_b.tolist() == [3]


def test_the_end_of_a_and_the_beginning_of_b_count_so_that_the_way_back_is_another_cut():
    here, there = [person(FIGURE)], [person((6, 34, 2, 10))]
    a, b = shots([there] * 5 + [here] * 5), still(person(FIGURE))
    assert score(a, b) == pytest.approx(1)
    assert score(b, a) == 0


def test_a_silhouette_that_moves_on_scores_more_than_one_that_turns_back():
    def walking(step: int, first: int) -> Representation:
        return shots([[person((6, 34, first + step * i, first + 8 + step * i))] for i in range(10)])

    onwards, back = block(walking(1, 20), walking(1, 28)), block(walking(1, 20), walking(-1, 32))
    assert onwards.cues["motion"][0] == pytest.approx(1, abs=0.01)
    assert back.cues["motion"][0] == 0
    assert onwards.score[0] > back.score[0]


def test_a_mirrored_silhouette_matches_where_flopping_is_allowed():
    flop = Silhouettes(SilhouetteParameters(flop=True))
    left, right = still(person((1, 34, 6, 20))), still(person((1, 34, 44, 58)))
    assert score(left, right) == 0
    found = block(left, right, flop)
    assert found.score[0] == pytest.approx(1)
    assert found.cues["flopped"][0] == 1
    assert block(left, left, flop).cues["flopped"][0] == 0


def test_a_person_keeps_its_place_through_the_shot_whoever_is_larger():
    near, far = [(6, 34, 10, 10 + i) for i in range(8, 18)], (6, 34, 40, 52)
    rows = shots([sorted([person(box), person(far)], key=lambda p: -int(p.mask.sum())) for box in near])
    masks = np.unpackbits(rows.arrays["masks"][0], axis=-1).reshape(10, 4, 36, 64)
    first_columns = [[int(np.nonzero(mask)[1].min()) for mask in moment[:2]] for moment in masks]
    assert len({tuple(columns) for columns in first_columns}) == 1


def test_a_person_seen_once_is_less_sure_than_one_seen_throughout():
    once = shots([[person(FIGURE)] if i == 2 else [] for i in range(10)])
    assert once.arrays["confidence"][0, IN, :, 0].tolist() == pytest.approx([0, 0, 0.6, 0, 0])
    assert once.arrays["confidence"][0, OUT].max() == 0
    assert still(person(FIGURE)).arrays["confidence"][0, ..., 0] == pytest.approx(1)


def test_shots_without_persons_have_no_row():
    assert shots([[]] * 10, [[person(FIGURE)]] * 10).shot.tolist() == [1]


def test_a_fifth_person_is_left_out():
    rows = still(*[person((6, 34, left, left + 6)) for left in range(0, 50, 10)])
    assert rows.arrays["masks"].shape == (1, 2, MOMENTS, 4, 288)
    assert np.unpackbits(rows.arrays["masks"][0, 0, 0]).sum() == 4 * 28 * 6


def test_area_is_the_share_of_the_picture_not_of_the_grid():
    upright = still(person((0, 36, 0, 64 // 2)), size=(202, 360))  # the left half of a portrait picture
    assert block(upright, upright).cues["area"][0] == pytest.approx(0.5)


def test_what_is_proposed_orders_pairs_as_the_full_score_does():
    rows = shots(*[[[person((6, 34, left, left + 8))]] * 10 for left in (10, 12, 30, 50)])
    coarse = FLAVOR.score_block(rows, rows).score
    assert np.argsort(-coarse[0]).tolist()[:2] == [0, 1]
    assert coarse[0, 3] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("per_side", [1, 2, 3])
def test_shots_may_be_cut_at_any_number_of_moments(per_side):
    moments = np.arange(2 * per_side).reshape(1, 2, per_side)
    rows = FLAVOR.rows_of(np.array([0]), moments, {n: [person(FIGURE)] for n in moments.ravel()}, WIDE, SECONDS)
    assert FLAVOR.score_block(rows, rows).score[0, 0] == pytest.approx(1, abs=0.01)
    assert score(rows, rows) == pytest.approx(1)


def test_no_shots_give_no_pairs():
    nothing, none = shots([[]] * 10), np.zeros(0, np.int64)
    assert FLAVOR.score_block(nothing, still(person(FIGURE))).score.shape == (0, 1)
    assert FLAVOR.refine(nothing, nothing, none, none).score.shape == (0,)


def test_representation_survives_saving(tmp_path: Path):
    rows = still(person(FIGURE, 0.7))
    rows.save(tmp_path)
    assert score(Representation.load(tmp_path), rows) == pytest.approx(0.7**0.5)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_overlaps_are_those_of_a_plain_count(seed: int):
    generator = np.random.default_rng(seed)
    boxes = generator.integers(0, [[18, 32]], size=(2, 2, 2))
    people = [[person((y, y + 12, x, x + 20)) for y, x in pair.tolist()] for pair in boxes]
    a, b = (still(*pair) for pair in people)
    found = block(a, b)
    cells_a, cells_b = (np.unpackbits(rows.arrays["masks"][0, 0, 0], axis=1).astype(bool) for rows in (a, b))
    shared = (cells_a.any(axis=0) & cells_b.any(axis=0)).sum()
    total = (cells_a.any(axis=0) | cells_b.any(axis=0)).sum()
    matched = max((cells_a[0] & cells_b[i]).sum() + (cells_a[1] & cells_b[1 - i]).sum() for i in range(2))
    if found.cues["reframed"][0] == 0:
        assert found.cues["union_iou"][0] == pytest.approx(shared / total)
        assert found.cues["instance_iou"][0] == pytest.approx(matched / (cells_a.sum() + cells_b.sum() - matched))
    else:
        assert found.score[0] <= 0.95


def test_picture_shows_the_ends_of_both_thirds_of_each_row(tmp_path: Path):
    proxy = make_proxy(tmp_path, [np.full((36, 64, 3), 90, np.uint8)] * 30)
    picture = FLAVOR.picture(proxy, shots([[person(FIGURE)]] * 10, [[person(FIGURE)]] * 10), [0, 1])
    assert picture.dtype == np.uint8
    assert picture.shape[1] > 8 * 256
    assert (np.abs(picture.astype(int) - [169, 84, 79]).max(axis=2) < 6).any()  # 0.45 grey and 0.55 of the colour


def test_a_shot_of_one_frame_counts_its_person_in_full():
    moments = np.full((1, 2, MOMENTS), 5)
    rows = FLAVOR.rows_of(np.array([0]), moments, {5: [person(FIGURE, 0.8)]}, WIDE, SECONDS)
    assert rows.arrays["confidence"][0, ..., 0] == pytest.approx(0.8)


def test_parameters_reach_the_rows():
    flavor = Silhouettes(SilhouetteParameters(max_instances=1))
    rows = shots([[person(FIGURE), person((6, 34, 4, 10))]] * 10, flavor=flavor)
    assert rows.arrays["masks"].shape == (1, 2, MOMENTS, 1, 288)
