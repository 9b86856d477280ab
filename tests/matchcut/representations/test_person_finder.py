import numpy as np
import pytest

from matchcut.representations.person_finder import WEIGHTS, PersonFinder
from matchcut.representations.persons import PersonParameters
from resources.model_weights import ModelWeights

PARAMETERS = PersonParameters()


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
