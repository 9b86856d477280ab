import numpy as np
import pytest

from matchcut.representations.bodies import Body
from matchcut.representations.persons import PersonParameters, persons_of, unexplained

SHAPE = (144, 256)  # a frame as large as the mask, so that pixels are pixels
PARAMETERS = PersonParameters()
WHOLE = np.ones(SHAPE, bool)


def block(*columns: tuple[int, int], probability: float = 1.0) -> np.ndarray:
    """Probabilities of people standing in the given columns, from row 30 to 120."""
    image = np.zeros(SHAPE, np.float32)
    for left, right in columns:
        image[30:120, left:right] = probability
    return image


def body(columns: tuple[int, int], *, score: float = 0.9, presence: float = 1.0, inside: np.ndarray = WHOLE) -> Body:
    """What the landmark network saw of somebody in the given columns."""
    axis = np.zeros(SHAPE, bool)
    axis[40:80, sum(columns) // 2] = True
    return Body(score, presence, block(columns) * inside, inside, np.zeros((15, 3), np.float32), axis)


def test_a_mask_without_a_body_is_nobody():
    assert persons_of(block((60, 100)), [], PARAMETERS) == []


def test_a_body_that_both_networks_see_is_a_person_with_full_confidence():
    (person,) = persons_of(block((60, 100)), [body((60, 100))], PARAMETERS)
    assert np.array_equal(person.mask, block((60, 100)) > 0.5)
    assert person.confidence == pytest.approx(1)


def test_the_mat_under_the_gymnast_is_taken_away():
    (person,) = persons_of(block((60, 200)), [body((60, 100))], PARAMETERS)
    assert person.mask.sum() == 90 * 40


def test_what_only_the_landmark_network_sees_is_less_sure():
    (person,) = persons_of(np.zeros(SHAPE, np.float32), [body((60, 100))], PARAMETERS)
    assert person.mask.sum() == 90 * 40
    assert person.confidence == pytest.approx(PARAMETERS.lone_mask)


def test_where_the_landmark_network_sees_nobody_a_detected_body_on_a_mask_is_less_sure():
    (person,) = persons_of(block((60, 100)), [body((60, 100), presence=0.0)], PARAMETERS)
    assert person.confidence == pytest.approx(PARAMETERS.unseen)


def test_where_the_landmark_network_sees_nobody_a_body_beside_the_mask_is_nobody():
    assert persons_of(block((60, 100)), [body((180, 220), presence=0.0)], PARAMETERS) == []


def test_a_weak_detection_makes_a_person_of_low_confidence():
    (person,) = persons_of(block((60, 100)), [body((60, 100), score=0.41)], PARAMETERS)
    assert person.confidence == pytest.approx((0.41 - 0.35) / (0.65 - 0.35), abs=1e-5)


def test_who_has_the_least_score_can_just_be_believed_in():
    for score, count in ((PARAMETERS.least_score - 1e-3, 0), (PARAMETERS.least_score + 1e-3, 1)):
        assert len(persons_of(block((60, 100)), [body((60, 100), score=score)], PARAMETERS)) == count


def test_one_mask_with_two_bodies_is_two_persons_without_a_common_pixel():
    people = persons_of(block((60, 140)), [body((60, 100)), body((96, 140))], PARAMETERS)
    assert sum(int(person.mask.sum()) for person in people) == 90 * 80
    assert not (people[0].mask & people[1].mask).any()


def test_two_witnesses_of_one_body_are_one_person():
    assert len(persons_of(block((60, 100)), [body((60, 100)), body((62, 100), score=0.7)], PARAMETERS)) == 1


def test_persons_come_largest_first():
    people = persons_of(block((20, 50), (150, 230)), [body((20, 50)), body((150, 230))], PARAMETERS)
    assert [int(person.mask.sum()) for person in people] == [90 * 80, 90 * 30]


@pytest.mark.parametrize("columns", [(78, 80), (0, 256)])
def test_a_speck_and_a_filled_picture_are_nobody(columns):
    probability = block(columns) if columns == (78, 80) else np.ones(SHAPE, np.float32)
    seen = Body(0.9, 1.0, probability, WHOLE, np.zeros((15, 3), np.float32))
    assert persons_of(probability, [seen], PARAMETERS) == []


def test_a_mask_that_is_nobodys_is_looked_at_and_one_that_is_somebodys_is_not():
    probability = block((20, 60), (150, 190))
    people = persons_of(probability, [body((20, 60))], PARAMETERS)
    (found,) = unexplained(probability, people, SHAPE, PARAMETERS)
    assert found.center == pytest.approx([170, 75])
    assert found.reach == 0  # no detector saw it
