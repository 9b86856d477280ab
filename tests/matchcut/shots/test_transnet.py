import random
import re
from pathlib import Path

import numpy as np
import pytest

from matchcut.errors import MissingWeightsError
from matchcut.shots.transnet import load_network, predict, windows
from resources.model_weights import ModelWeights
from tests.matchcut.shots.pictures import as_frames, dissolve, hold


@pytest.fixture(scope="module")
def weights() -> Path:
    return ModelWeights().path("transnetv2")


def numbered(count: int) -> list[np.ndarray]:
    """Frames that show their number."""
    return [np.full((27, 48, 3), number % 256, np.uint8) for number in range(count)]


@pytest.mark.parametrize("count", [1, 24, 25, 49, 50, 51, 74, 75, 76, 100, 101, 149, 150, 151, 230])
def test_windows_show_every_frame_once_in_their_middle_in_order(count: int) -> None:
    middles = []
    for window, own in windows(numbered(count)):
        assert window.shape == (100, 27, 48, 3)
        middles.extend(window[25 : 25 + own, 0, 0, 0].tolist())
    assert middles == list(range(count))


def test_windows_repeat_the_first_and_the_last_frame_beyond_the_ends() -> None:
    ((window, own),) = windows(numbered(10))
    assert own == 10
    assert window[:, 0, 0, 0].tolist() == [0] * 25 + list(range(10)) + [9] * 65


def test_no_frames_and_wrong_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="a video without frames has no shots"):
        list(windows([]))
    with pytest.raises(ValueError, match=re.escape("got uint8 (48, 27, 3)")):
        list(windows([np.zeros((48, 27, 3), np.uint8)]))


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"something else")
    with pytest.raises(MissingWeightsError, match=re.escape(f"{path}: not the weights of TransNetV2")):
        load_network(path)


def test_building_the_network_leaves_the_random_generators_of_others_alone() -> None:
    import torch

    from matchcut.shots.transnet_network import TransNetV2

    before = random.getstate(), np.random.get_state()[1].tolist()
    TransNetV2()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    assert not torch.are_deterministic_algorithms_enabled()


def test_similarities_are_read_along_the_diagonal() -> None:
    import torch

    from matchcut.shots.transnet_network import similarity_band

    features = torch.eye(3)[[0, 0, 1]][None]
    band = similarity_band(features)[0]
    assert band.shape == (3, 101)
    assert band[:, 50].tolist() == [1, 1, 1]  # every frame to itself
    assert band[:, 51].tolist() == [1, 0, 0]  # to the next one; the last has none
    assert band[:, 49].tolist() == [0, 1, 0]  # to the one before


def test_histograms_count_every_pixel() -> None:
    import torch

    from matchcut.shots.transnet_network import color_histograms

    frames = torch.zeros((1, 2, 27, 48, 3), dtype=torch.uint8)
    frames[0, 1, 0, 0] = torch.tensor([255, 32, 0])
    histograms = color_histograms(frames)
    assert histograms[0, 0, 0] == 27 * 48
    assert histograms[0, 1, 7 * 64 + 1 * 8] == 1
    assert histograms.sum(dim=2).tolist() == [[27 * 48, 27 * 48]]


@pytest.mark.weights
def test_bfloat16_moves_probabilities_little(weights: Path) -> None:
    frames = as_frames([*hold(1, 20), *dissolve(hold(1, 10), hold(2, 10)), *hold(2, 20)])
    exact, fast = (predict(load_network(weights, precision), frames) for precision in ("float32", "bfloat16"))
    np.testing.assert_allclose(fast, exact, atol=0.02)
    assert exact[:, 0].argmax() == pytest.approx(25, abs=3)
