"""Mask R-CNN as torchvision builds it; without torchvision all but the settings and the errors are skipped.

COCO's weights are 177 MB that no package carries. A network with random weights stands in for the trained one, with
the biases of its last layers set so that what it sees is known: the same file format, loading and decoding.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from matchcut.errors import MatchcutError
from matchcut.representations.flavor import UsableShots
from matchcut.representations.instances import CATEGORIES
from matchcut.representations.mask_rcnn import MaskRcnn, MaskRcnnParameters, new_network
from matchcut.representations.silhouettes import SilhouetteParameters, Silhouettes
from resources.model_downloads import read_downloads
from resources.model_weights import MANIFEST, ModelWeights
from tests.clips import make_proxy

DOG = 18
SMALL = MaskRcnnParameters(shorter_side=64)


def torchvision_problem() -> str:
    """Why torchvision cannot be used, empty when it can."""
    try:
        import torchvision.models.detection  # noqa: F401
    except (ImportError, RuntimeError) as error:
        return f"torchvision does not import beside this torch: {error}"
    return ""


PROBLEM = torchvision_problem()
needs_torchvision = pytest.mark.skipif(bool(PROBLEM), reason=PROBLEM)


@pytest.fixture(scope="module")
def dogs_everywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Weights that take whatever the network looks at for a dog that fills its box."""
    torch.manual_seed(0)
    state = new_network(SMALL).state_dict()
    for layer in ("box_predictor.cls_score", "box_predictor.bbox_pred", "mask_predictor.mask_fcn_logits"):
        state[f"roi_heads.{layer}.weight"].zero_()
    state["roi_heads.box_predictor.cls_score.bias"][DOG] = 12.0
    state["roi_heads.mask_predictor.mask_fcn_logits.bias"][:] = 9.0
    path = tmp_path_factory.mktemp("weights") / "mask_rcnn.pth"
    torch.save(state, path)
    yield path
    path.unlink()


def frame(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (72, 128, 3), dtype=np.uint8)


@needs_torchvision
@pytest.mark.slow
def test_what_the_network_sees_becomes_instances_with_category_confidence_and_mask(dogs_everywhere: Path):
    found = MaskRcnn(dogs_everywhere, SMALL).find(frame())
    assert found
    assert {CATEGORIES[each.category] for each in found} == {"dog"}
    assert all(each.confidence > 0.99 for each in found)
    assert all(each.mask.shape == (144, 256) and each.mask.dtype == bool for each in found)
    assert all(SMALL.min_area <= each.mask.mean() <= SMALL.max_area for each in found)
    assert all(each.joints is None for each in found)


@needs_torchvision
@pytest.mark.slow
def test_masks_lie_where_the_networks_boxes_are(dogs_everywhere: Path):
    finder = MaskRcnn(dogs_everywhere, SMALL)
    picture = torch.from_numpy(frame().transpose(2, 0, 1)).float() / 255
    with torch.inference_mode():
        (seen,) = finder._network([picture])
    left, top, right, bottom = (seen["boxes"][0] * 2).tolist()  # a frame of 128 x 72 under a mask of 256 x 144
    y, x = np.nonzero(finder.find(frame())[0].mask)
    assert (x.min(), y.min(), x.max() + 1, y.max() + 1) == pytest.approx((left, top, right, bottom), abs=6)


@needs_torchvision
@pytest.mark.slow
def test_only_the_categories_that_are_asked_for_are_found(dogs_everywhere: Path):
    cats = MaskRcnnParameters(categories=("cat",), shorter_side=64)
    assert MaskRcnn(dogs_everywhere, cats).find(frame()) == []


@needs_torchvision
@pytest.mark.slow
def test_a_shot_of_animals_has_a_row(dogs_everywhere: Path, tmp_path: Path):
    flavor = Silhouettes(SilhouetteParameters(finder="mask_rcnn", mask_rcnn=SMALL))
    people = ModelWeights().paths(name for name in flavor.weights if name != "mask_rcnn")
    proxy = make_proxy(tmp_path, [frame(7)] * 30)
    shots = UsableShots(np.array([3]), np.array([0]), np.array([30]))
    rows = flavor.represent(proxy, shots, {**people, "mask_rcnn": dogs_everywhere})
    assert rows.shot.tolist() == [3]
    assert DOG in rows.arrays["category"][0]
    assert (rows.arrays["confidence"][0, ..., 0] > 0.9).all()
    assert flavor.picture(proxy, rows, [0]).ndim == 3
    assert flavor.refine(rows, rows, np.array([0]), np.array([0])).cues["animals"][0] >= 1


@needs_torchvision
def test_categories_and_the_file_are_those_of_torchvision():
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights

    weights = MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1
    assert {number: weights.meta["categories"][number] for number in CATEGORIES} == dict(CATEGORIES)
    assert read_downloads(MANIFEST)["mask_rcnn"].url == weights.url


@needs_torchvision
def test_pictures_are_prepared_as_torchvision_does():
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights

    picture = torch.from_numpy(frame().transpose(2, 0, 1))
    assert torch.equal(MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.transforms()(picture), picture.float() / 255)


@needs_torchvision
@pytest.mark.slow
def test_weights_of_another_network_are_refused_with_what_to_do(tmp_path: Path):
    other, noise = tmp_path / "other.pth", tmp_path / "noise.pth"
    torch.save({"weight": torch.zeros(3)}, other)
    noise.write_bytes(bytes(range(256)))
    for path in (other, noise):
        with pytest.raises(MatchcutError, match=re.escape("once, online.")):
            MaskRcnn(path, SMALL).load()


@pytest.mark.skipif(not PROBLEM, reason="torchvision is there")
def test_without_torchvision_the_error_says_what_to_install_before_anything_is_looked_at(tmp_path: Path):
    flavor = Silhouettes(SilhouetteParameters(finder="mask_rcnn"))
    proxy = make_proxy(tmp_path, [frame()] * 2)
    shots = UsableShots(np.array([0]), np.array([0]), np.array([2]))
    weights = dict.fromkeys(flavor.weights, tmp_path / "none")  # not even those of the persons' networks are read
    with pytest.raises(MatchcutError, match=re.escape("pip install --editable '.[objects]'")):
        flavor.represent(proxy, shots, weights)


def test_a_category_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=re.escape("categories has ['unicorn']; choose of airplane, apple,")):
        MaskRcnnParameters(categories=("dog", "unicorn"))


def test_the_finder_decides_which_weights_are_needed():
    assert "mask_rcnn" not in Silhouettes().weights
    assert Silhouettes(SilhouetteParameters(finder="mask_rcnn")).weights == (*Silhouettes().weights, "mask_rcnn")
