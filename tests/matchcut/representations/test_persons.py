import numpy as np
import pytest

from matchcut.representations.bodies import Body, Witness, is_cut_off, one_per_person, region_map
from matchcut.representations.detectors import Detector, anchor_grid
from matchcut.representations.person_finder import WEIGHTS, PersonFinder
from matchcut.representations.persons import PersonParameters, persons_of, unexplained
from resources.model_weights import ModelWeights

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


def witness(x: float, y: float, *, score: float = 0.9) -> Witness:
    """Somebody whose hips are 40 pixels under the head at x, y."""
    head, center = np.array([x, y]), np.array([x, y + 40])
    return Witness(score, center, np.array([x, y - 20]), head, 10.0)


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


def test_a_face_within_a_bodys_head_makes_the_body_surer_and_another_is_a_witness_of_its_own():
    joined = one_per_person([witness(50, 50, score=0.6)], [witness(53, 50, score=0.5), witness(150, 50, score=0.7)])
    assert [round(each.score, 3) for each in joined] == [0.8, 0.7]


def test_the_region_sets_a_leaning_body_upright_with_its_hips_in_the_middle():
    lying = Witness(0.9, np.array([100.0, 80.0]), np.array([60.0, 80.0]), np.array([70.0, 80.0]), 10.0)
    to_region = region_map(lying)
    assert to_region @ [100, 80, 1] == pytest.approx([128, 128])
    x, y = to_region @ [60, 80, 1]
    assert (x, y) == pytest.approx((128, 128 - 128 / 1.25))


def test_a_body_that_goes_on_beyond_the_square_is_cut_off_but_not_at_the_pictures_edge():
    square = np.zeros(SHAPE, bool)
    square[:, 50:110] = True
    assert not is_cut_off(body((60, 100), inside=square))
    square[80:] = False
    assert is_cut_off(body((60, 100), inside=square))


def test_anchors_are_cell_centres_row_by_row():
    assert anchor_grid((2, 1), (1, 2)).tolist() == [
        [0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75], [0.5, 0.5], [0.5, 0.5],
    ]  # fmt: skip


def test_a_detection_is_decoded_into_pixels_of_the_frame_and_doubles_are_dropped():
    def network(_picture: np.ndarray) -> list[np.ndarray]:
        values = np.zeros((4, 6), np.float32)  # centre offset, size, one key point; in input pixels
        values[:, 2:4] = [40, 20]
        values[1, 0] = -50  # the second cell's box lies exactly on the first's
        values[1, 4] = -50
        logits = np.array([[4.0], [3.0], [-9.0], [-9.0]], np.float32)
        return [logits, values]

    detector = Detector(network, 100, anchor_grid((2, 1)))  # type: ignore[arg-type]
    found = detector(np.zeros((100, 200, 3), np.uint8), min_score=0.5, overlap=0.3)
    # A frame of 200 x 100 in a square of 100: scale 0.5, 25 pixels down. Anchor at (25, 25).
    assert found.box.tolist() == [[10, -20, 90, 20]]
    assert found.points.tolist() == [[[50, 0]]]
    assert found.score == pytest.approx(1 / (1 + np.exp(-4)))


@pytest.mark.weights
@pytest.mark.parametrize("brightness", [0, 255])
def test_an_empty_picture_shows_nobody(brightness):
    finder = PersonFinder(ModelWeights().paths(WEIGHTS), PARAMETERS)
    assert finder.find(np.full((360, 640, 3), brightness, np.uint8)) == []


@pytest.mark.weights
def test_a_dune_is_nobody_though_the_network_masks_it():
    y, x = np.mgrid[:360, :860].astype(np.float32)
    ground = (y > 170 + 25 * np.sin(x / 130))[..., None]
    dune = np.where(ground, [222, 160, 90], [140, 140, 130]).astype(np.uint8)
    finder = PersonFinder(ModelWeights().paths(WEIGHTS), PARAMETERS)
    assert (finder.probability(dune) > 0.5).mean() > 0.05
    assert finder.find(dune) == []
