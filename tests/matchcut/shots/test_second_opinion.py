from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchcut.shots.second_opinion import (
    SecondOpinionDetector,
    SecondOpinionParameters,
    averaged,
    opinion_on,
    windows_around,
)
from matchcut.shots.transnet import STEP_FRAMES, load_network, predict
from resources.model_weights import ModelWeights
from tests.matchcut.shots.pictures import as_frames, black, dissolve, fade_in, fade_out, hold


@pytest.fixture(scope="module")
def weights() -> Path:
    return ModelWeights().path("transnetv2")


@given(st.sets(st.integers(0, 600)))
def test_windows_hold_every_doubtful_frame_without_overlap(frames: set[int]) -> None:
    windows = list(windows_around(np.array(sorted(frames), int)))
    covered = [frame for first, last in windows for frame in range(first, last)]
    assert len(covered) == len(set(covered))
    assert frames <= set(covered)
    assert all(0 <= first < last <= first + STEP_FRAMES for first, last in windows)


def test_two_opposite_opinions_of_equal_weight_cancel_out() -> None:
    assert averaged(np.array([0.9, 0.2, 1.0]), np.array([0.1, 0.2, 1.0]), 0.5) == pytest.approx([0.5, 0.2, 0.999])


def test_a_half_of_transnet_means_what_our_threshold_means() -> None:
    assert averaged(np.array([0.75]), np.array([0.5]), 0.75) == pytest.approx([0.75])


@pytest.mark.weights
def test_the_opinion_of_a_window_is_that_of_the_whole_film(weights: Path) -> None:
    large = load_network(weights)
    frames = as_frames([*hold(1, 60), *hold(2, 60)])
    whole = predict(large, frames)
    opinion = opinion_on(large, np.stack(frames), 50, 100)
    assert opinion.shape == (50,)
    assert opinion.argmax() == 10  # the first frame of the new shot, where the network tells the last of the old
    assert whole[:, 0].argmax() == 59
    assert opinion_on(large, np.stack(frames), 100, 120).shape == (20,)


@pytest.mark.weights
def test_cuts_dissolves_and_fades_are_found_whoever_decides(weights: Path) -> None:
    pictures = [
        *hold(1, 40),
        *hold(2, 30),
        *dissolve(hold(2, 16), hold(3, 16)),
        *hold(3, 30),
        *fade_out(hold(3, 12)),
        *black(4),
        *fade_in(hold(4, 12)),
        *hold(4, 30),
        *black(1),
        *hold(4, 30),
    ]
    everything = SecondOpinionParameters(least_doubtful=1e-6, most_doubtful=1 - 1e-6)
    for parameters in (SecondOpinionParameters(), everything):
        found = SecondOpinionDetector(parameters).detect(as_frames(pictures), {"transnetv2": weights}).transitions
        assert [t.kind for t in found] == ["cut", "dissolve", "fade"]
        assert [t.frame for t in found] == [40, pytest.approx(78, abs=6), 132]


def test_an_empty_doubt_is_refused() -> None:
    with pytest.raises(ValueError, match=r"in \(0, 1\), got 0\.6 to 0\.5"):
        SecondOpinionParameters(least_doubtful=0.6, most_doubtful=0.5)
