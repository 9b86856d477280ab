import random
import re
from pathlib import Path

import numpy as np
import pytest

from matchcut.errors import MissingWeightsError
from matchcut.shots.transnet import (
    TransNetDetector,
    TransNetParameters,
    load_network,
    predict,
    transitions_of,
    windows,
)
from resources.model_weights import ModelWeights
from tests.matchcut.shots.pictures import as_frames, black, dissolve, fade_in, fade_out, hold


@pytest.fixture(scope="module")
def weights() -> Path:
    return ModelWeights().path("transnetv2")


def numbered(count: int) -> list[np.ndarray]:
    """Frames that show their number."""
    return [np.full((27, 48, 3), number % 256, np.uint8) for number in range(count)]


def probabilities(num_frames: int, middle: dict[int, float], inside: dict[int, float]) -> np.ndarray:
    array = np.zeros((num_frames, 2), np.float32)
    array[list(middle), 0] = list(middle.values())
    array[list(inside), 1] = list(inside.values())
    return array


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


def test_a_cut_begins_the_new_shot_one_frame_after_the_peak() -> None:
    (cut,) = transitions_of(probabilities(40, {19: 0.9, 20: 0.6}, {19: 0.8}), TransNetParameters())
    assert cut[:4] == (20, 20, 20, "cut")
    assert cut.confidence == pytest.approx(0.9)


def test_a_wide_transition_is_a_dissolve_with_its_boundary_in_the_middle() -> None:
    inside = dict.fromkeys(range(10, 20), 0.8)
    (dissolved,) = transitions_of(probabilities(40, {14: 0.9, 15: 0.7}, inside), TransNetParameters())
    assert dissolved[:4] == (15, 10, 20, "dissolve")


def test_a_wide_transition_without_a_sure_middle_counts_when_its_parts_add_up() -> None:
    inside = dict.fromkeys(range(10, 20), 0.8)
    unsure = dict.fromkeys(range(10, 20), 0.11)
    assert len(transitions_of(probabilities(40, unsure, inside), TransNetParameters())) == 1
    doubtful = dict.fromkeys(range(10, 20), 0.09)
    assert transitions_of(probabilities(40, doubtful, inside), TransNetParameters()) == []


def test_a_peak_at_the_last_frame_is_no_boundary() -> None:
    assert transitions_of(probabilities(40, {39: 0.9}, {}), TransNetParameters()) == []


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
def test_cuts_dissolves_and_fades_are_found(weights: Path) -> None:
    pictures = [
        *hold(1, 40),
        *hold(2, 30),
        *dissolve(hold(2, 16), hold(3, 16)),
        *hold(3, 30),
        *fade_out(hold(3, 12)),
        *black(4),
        *fade_in(hold(4, 12)),
        *hold(4, 30),
    ]
    transitions = TransNetDetector().detect(as_frames(pictures), {"transnetv2": weights}).transitions
    assert [t.kind for t in transitions] == ["cut", "dissolve", "fade"]
    assert [t.frame for t in transitions] == [40, pytest.approx(78, abs=3), 132]


@pytest.mark.weights
def test_a_still_shot_and_a_blink_have_no_boundary(weights: Path) -> None:
    pictures = [*hold(1, 40), *black(1), *hold(1, 40)]
    assert TransNetDetector().detect(as_frames(pictures), {"transnetv2": weights}).transitions == ()


@pytest.mark.weights
def test_bfloat16_moves_probabilities_little(weights: Path) -> None:
    frames = as_frames([*hold(1, 20), *dissolve(hold(1, 10), hold(2, 10)), *hold(2, 20)])
    exact, fast = (predict(load_network(weights, precision), frames) for precision in ("float32", "bfloat16"))
    np.testing.assert_allclose(fast, exact, atol=0.02)
    assert exact[:, 0].argmax() == pytest.approx(25, abs=3)
