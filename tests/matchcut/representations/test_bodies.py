import numpy as np
import pytest

from matchcut.representations.bodies import (
    WIDER,
    Body,
    Witness,
    from_farther_away,
    is_cut_off,
    one_per_person,
    region_map,
)


def witness(x: float, y: float, *, score: float = 0.9) -> Witness:
    """Somebody whose hips are 40 pixels under the head at x, y."""
    head, center = np.array([x, y]), np.array([x, y + 40])
    return Witness(score, center, np.array([x, y - 20]), head, 10.0)


def test_a_face_within_a_bodys_head_makes_the_body_surer_and_another_is_a_witness_of_its_own():
    joined = one_per_person([witness(50, 50, score=0.6)], [witness(53, 50, score=0.5), witness(150, 50, score=0.7)])
    assert [round(each.score, 3) for each in joined] == [0.8, 0.7]


def test_the_region_sets_a_leaning_body_upright_with_its_hips_in_the_middle():
    lying = Witness(0.9, np.array([100.0, 80.0]), np.array([60.0, 80.0]), np.array([70.0, 80.0]), 10.0)
    to_region = region_map(lying)
    assert to_region @ [100, 80, 1] == pytest.approx([128, 128])
    x, y = to_region @ [60, 80, 1]
    assert (x, y) == pytest.approx((128, 128 - 128 / 1.25))


def test_a_wider_look_has_the_same_hips():
    near = witness(50, 50)
    far = from_farther_away(near)
    assert far.center is near.center
    assert (far.top - far.center).tolist() == [0, -60 * WIDER]


def test_a_body_that_goes_on_beyond_the_square_is_cut_off_but_not_at_the_pictures_edge():
    seen = np.zeros((144, 256), np.float32)
    seen[30:120, 60:100] = 1
    square = np.zeros((144, 256), bool)
    square[:, 50:110] = True

    def body(inside: np.ndarray) -> Body:
        return Body(0.9, 1.0, seen * inside, inside, np.zeros((15, 3), np.float32))

    assert not is_cut_off(body(square))
    square[80:] = False
    assert is_cut_off(body(square))
