import numpy as np
import pytest

from matchcut.representations.instances import CATEGORIES, KINDS, PERSON, Instance, kinds_of
from matchcut.representations.things import beside

DOG, HORSE, BALL = 18, 19, 37
SAME = 0.6
JOINTS = np.zeros((15, 3), np.float32)


def instance(left: int, right: int, confidence: float, category: int, joints: np.ndarray | None = None) -> Instance:
    mask = np.zeros((144, 256), bool)
    mask[40:100, left:right] = True
    return Instance(mask, confidence, category, joints)


def told(instances: list[Instance]) -> list[tuple[str, int]]:
    """What there is, and how many columns of it."""
    return [(CATEGORIES[each.category], int(each.mask.any(axis=0).sum())) for each in instances]


def test_an_animal_beside_a_person_is_kept():
    found = beside([instance(20, 50, 0.8, PERSON)], [instance(60, 120, 0.9, DOG)], SAME)
    assert told(found) == [("dog", 60), ("person", 30)]


def test_a_person_whom_both_see_keeps_the_joints():
    found = beside([instance(20, 50, 0.6, PERSON, JOINTS)], [instance(18, 52, 0.99, PERSON)], SAME)
    assert told(found) == [("person", 30)]
    assert found[0].joints is JOINTS


def test_a_person_whom_only_mask_rcnn_sees_is_added():
    found = beside([instance(20, 60, 0.6, PERSON)], [instance(100, 130, 0.9, PERSON)], SAME)
    assert told(found) == [("person", 40), ("person", 30)]


def test_a_dog_that_was_taken_for_a_person_is_what_is_surer():
    assert told(beside([instance(20, 50, 0.4, PERSON)], [instance(20, 52, 0.9, DOG)], SAME)) == [("dog", 32)]
    assert told(beside([instance(20, 50, 0.9, PERSON)], [instance(20, 52, 0.6, DOG)], SAME)) == [("person", 30)]


def test_a_rider_and_the_horse_share_no_pixel():
    rider, horse = instance(40, 60, 0.9, PERSON), instance(20, 90, 0.8, HORSE)
    found = beside([rider], [horse], SAME)
    assert told(found) == [("horse", 50), ("person", 20)]
    assert not (found[0].mask & found[1].mask).any()


def test_nothing_beside_nothing_is_nothing():
    assert beside([], [], SAME) == []


def test_every_category_is_of_one_kind():
    kinds = {name: KINDS[kinds_of(np.array(number))] for number, name in CATEGORIES.items()}
    assert (kinds["person"], kinds["dog"], kinds["sports ball"]) == KINDS
    assert len(set(CATEGORIES.values())) == len(CATEGORIES)


def test_no_category_is_of_no_kind():
    assert kinds_of(np.zeros((2, 4), np.uint8)).tolist() == [[-1] * 4] * 2


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_what_was_seen_changes_nothing(order):
    seen = [instance(60, 120, 0.9, DOG), instance(130, 150, 0.7, BALL), instance(125, 152, 0.6, BALL)][::order]
    assert told(beside([instance(20, 50, 0.8, PERSON)], seen, SAME)) == [
        ("dog", 60),
        ("person", 30),
        ("sports ball", 20),
    ]
