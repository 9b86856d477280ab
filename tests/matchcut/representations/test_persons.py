import numpy as np
import pytest

from matchcut.representations.persons import (
    WEIGHTS,
    Detector,
    PersonFinder,
    PersonParameters,
    Witness,
    anchor_grid,
    axis_distance,
    persons_of,
)
from resources.model_weights import ModelWeights

SHAPE = (144, 256)  # a frame as large as the mask, so that pixels are pixels
PARAMETERS = PersonParameters()


def body(x: float, *, score: float = 0.9) -> Witness:
    """A trunk 30 pixels high and 20 wide around x."""
    return Witness(score, np.array([x, 50.0]), np.array([x, 80.0]), 10.0)


def block(*columns: tuple[int, int], probability: float = 1.0) -> np.ndarray:
    """Probabilities of people standing in the given columns, from row 30 to 120."""
    image = np.zeros(SHAPE, np.float32)
    for left, right in columns:
        image[30:120, left:right] = probability
    return image


def test_a_mask_without_a_face_or_body_is_nobody():
    assert persons_of(block((60, 100)), [], SHAPE, PARAMETERS) == []


def test_a_mask_far_from_the_only_body_is_nobody():
    assert persons_of(block((60, 100)), [body(200)], SHAPE, PARAMETERS) == []


def test_a_body_on_a_mask_is_a_person_with_the_whole_mask():
    probability = block((60, 100), probability=0.8)
    (person,) = persons_of(probability, [body(80)], SHAPE, PARAMETERS)
    assert np.array_equal(person.mask, probability > 0.5)
    assert person.confidence == pytest.approx(0.8)


def test_one_mask_with_two_bodies_is_split_halfway():
    probability = block((60, 140))
    people = persons_of(probability, [body(80), body(120)], SHAPE, PARAMETERS)
    left, right = sorted(people, key=lambda person: person.mask.argmax(axis=1).max())
    assert np.array_equal(left.mask | right.mask, probability > 0.5)
    assert not (left.mask & right.mask).any()
    assert left.mask[:, :100].sum() == left.mask.sum()
    assert right.mask[:, 100:].sum() == right.mask.sum()


def test_a_weak_body_claims_nothing_from_a_strong_one():
    (person,) = persons_of(block((60, 140)), [body(80), body(120, score=0.35)], SHAPE, PARAMETERS)
    assert person.mask.sum() == 90 * 80


def test_a_weak_body_makes_a_person_of_low_confidence():
    (person,) = persons_of(block((60, 100)), [body(80, score=0.4)], SHAPE, PARAMETERS)
    assert person.confidence == pytest.approx((0.4 - 0.3) / (0.6 - 0.3), abs=1e-5)


def test_a_body_that_is_half_masked_supports_half():
    parameters = PersonParameters(no_support=0.0, sure_support=1.0, min_confidence=0.0)
    (person,) = persons_of(block((80, 120)), [body(80, score=1.0)], SHAPE, parameters)
    assert person.confidence == pytest.approx(0.5, abs=0.01)


def test_persons_come_largest_first():
    people = persons_of(block((20, 50), (150, 230)), [body(35), body(190)], SHAPE, PARAMETERS)
    assert [int(person.mask.sum()) for person in people] == [90 * 80, 90 * 30]


@pytest.mark.parametrize("columns", [(78, 80), (0, 256)])
def test_a_speck_and_a_filled_picture_are_nobody(columns):
    probability = block(columns)
    if columns == (0, 256):
        probability[:] = 1
    assert persons_of(probability, [body(80)], SHAPE, PARAMETERS) == []


def test_distance_is_zero_on_the_axis_and_one_at_the_half_width():
    distance = axis_distance(Witness(1, np.array([99.5, 50.5]), np.array([99.5, 80.5]), 10.0), SHAPE)
    assert distance[60, 99] == 0
    assert distance[60, 109] == pytest.approx(1)
    assert distance[90, 99] == pytest.approx(1)


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
