import numpy as np
import pytest

from matchcut.representations.flavor import UsableShots
from matchcut.representations.moments import IN, OUT, MomentParameters, coarse_cuts, coarse_moments, cut_moments

SECONDS = np.arange(1000) / 25


def moments(start: int, stop: int, **parameters: float) -> np.ndarray:
    shots = UsableShots(np.array([0]), np.array([start]), np.array([stop]))
    return cut_moments(shots, SECONDS, MomentParameters(**parameters))[0]  # type: ignore[arg-type]


def test_a_shot_is_entered_in_its_first_third_and_left_in_its_last_with_handles():
    found = moments(100, 176, per_side=3)  # three seconds: a third is 25 frames, a handle 5
    assert found[IN].tolist() == [105, 115, 125]
    assert found[OUT].tolist() == [150, 160, 170]


def test_the_search_ends_after_some_seconds_in_a_long_shot():
    found = moments(0, 1000, per_side=2, longest_seconds=2.0)
    assert found.tolist() == [[5, 50], [949, 994]]


def test_moments_of_short_shots_lie_inside_them():
    for length in range(1, 12):
        found = moments(20, 20 + length)
        assert found.min() >= 20
        assert found.max() < 20 + length
        assert (np.diff(found, axis=1) >= 0).all()


def test_times_decide_not_frame_numbers():
    slow_then_fast = np.concatenate([np.arange(10), 9 + np.arange(1, 91) / 10])
    shots = UsableShots(np.array([0]), np.array([0]), np.array([100]))
    found = cut_moments(shots, slow_then_fast, MomentParameters(per_side=2, handle_seconds=0, longest_seconds=9))
    assert found[0].tolist() == [[0, 6], [39, 99]]


@pytest.mark.parametrize("wrong", [{"per_side": 0}, {"share": 0.6}, {"longest_seconds": 0}, {"handle_seconds": -1}])
def test_moments_that_are_none_are_refused(wrong: dict[str, float]):
    with pytest.raises(ValueError, match="per_side must be at least 1, share in"):
        MomentParameters(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("per_side", "moments", "cuts"),
    [
        (1, (0,), {(0, 0)}),
        (2, (0, 1), {(0, 0), (0, 1), (1, 0), (1, 1)}),
        (5, (0, 2, 4), {(2, 0), (2, 2), (4, 0), (4, 2)}),
    ],
)
def test_what_is_compared_first_lies_at_the_ends_and_in_the_middle(per_side, moments, cuts):
    assert coarse_moments(per_side) == moments
    assert set(coarse_cuts(per_side)) == cuts
