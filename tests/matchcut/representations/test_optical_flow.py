from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from matchcut.representations.flavor import BlockScores, Representation, UsableShots
from matchcut.representations.moments import IN, OUT
from matchcut.representations.movement import camera_field, fit_camera, flow_between, spectrum_of, texture_of
from matchcut.representations.optical_flow import OpticalFlow, OpticalFlowParameters, steady
from tests.clips import make_proxy

FLAVOR = OpticalFlow()
SIZE = (320, 180)
PICTURE = np.kron(np.random.default_rng(5).integers(30, 220, (60, 80), np.uint8), np.ones((6, 8), np.uint8))
STILL = (0, 0)


def view(right: float, down: float = 0, growth: float = 1, turn: float = 0) -> np.ndarray:
    """A window on a large picture that is moved, grown and turned (radians, clockwise)."""
    cos, sin = growth * np.cos(turn), growth * np.sin(turn)
    place = np.array([[cos, -sin, 160 + right - cos * 320 + sin * 180], [sin, cos, 90 + down - sin * 320 - cos * 180]])
    return np.dstack([cv2.warpAffine(PICTURE, place, SIZE, flags=cv2.INTER_LINEAR)] * 3)


def rows(
    *subjects: object, camera: tuple[float, ...] = (0, 0, 0, 0), rest: float = 0, size: int = 144
) -> Representation:
    """Shots in which the same moves at all moments: one (x, y) everywhere, or a whole (9, 16, 2) field."""
    n = len(subjects)
    fields = np.stack([np.broadcast_to(np.asarray(subject, np.float32), (9, 16, 2)) for subject in subjects])
    spectra = [spectrum_of(field + np.array(camera[:2])) for field in fields]
    return Representation(
        np.arange(n),
        {
            "frame": np.arange(10 * n).reshape(n, 2, 5),
            "camera": np.tile(np.array(camera, np.float32), (n, 2, 5, 1)),
            "subject": np.tile(fields[:, None, None], (1, 2, 5, 1, 1, 1)).astype(np.float16),
            "rest": np.full(n, rest, np.float32),
            "spectrum": np.array(spectra),
            "picture_cells": np.full(n, size),
        },
    )


def pan(right: float, down: float = 0, **more: float) -> Representation:
    return rows(STILL, camera=(right, down, 0, 0), **more)  # type: ignore[arg-type]


def patch(left: int, right: float, down: float = 0) -> np.ndarray:
    """A thing of 4 x 4 cells that moves."""
    field = np.zeros((9, 16, 2), np.float32)
    field[2:6, left : left + 4] = (right, down)
    return field


def block(a: Representation, b: Representation) -> BlockScores:
    """Full scores of the first rows."""
    return FLAVOR.refine(a, b, np.array([0]), np.array([0]))


def score(a: Representation, b: Representation) -> float:
    return float(block(a, b).score[0])


def whole_shots(*ranges: tuple[int, int]) -> UsableShots:
    start, stop = np.array(ranges).T
    return UsableShots(np.arange(len(ranges)), start, stop)


def test_flow_of_a_picture_moved_by_three_pixels_is_three_pixels():
    before, after = view(0)[..., 0], view(3, 2)[..., 0]
    assert np.median(flow_between(before, after), axis=(0, 1)) == pytest.approx([3, 2], abs=0.2)


def test_a_camera_is_fitted_beside_a_thing_that_moves_otherwise():
    y, x = np.mgrid[-4:5, -8:9]
    places = np.stack([x.ravel(), y.ravel()], axis=1) / 9
    camera = np.array([0.02, -0.01, 0.03, 0.02])
    flow = camera_field(camera, places)
    flow[:50] = (-0.2, 0.1)
    assert fit_camera(flow, places, np.ones(len(flow))) == pytest.approx(camera, abs=1e-3)


def test_without_texture_no_camera_is_made_up():
    assert texture_of(np.full((90, 160), 128, np.uint8), (16, 9)).max() == 0
    flow = np.full((10, 2), 0.5)
    assert fit_camera(flow, np.zeros((10, 2)), np.zeros(10)).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("step", "camera"),
    [
        ({"right": 3}, [75 / 180, 0, 0, 0]),
        ({"down": -2}, [0, -50 / 180, 0, 0]),
        ({"growth": 1.01}, [0, 0, 0.25, 0]),
        ({"turn": 0.01}, [0, 0, 0, 0.25]),
    ],
    ids=["pan", "tilt", "zoom", "roll"],
)
def test_pan_tilt_zoom_and_roll_are_told_apart(tmp_path: Path, step: dict[str, float], camera: list[float]):
    def at(i: int) -> np.ndarray:
        return view(**{"right": 0, **{k: v**i if k == "growth" else v * i for k, v in step.items()}})

    proxy = make_proxy(tmp_path, [at(i) for i in range(20)], Fraction(25))
    found = FLAVOR.represent(proxy, whole_shots((0, 20)), {}).arrays
    assert found["camera"][0, OUT, -1] == pytest.approx(camera, abs=0.03)
    assert np.abs(found["subject"]).max() < 0.3


def test_a_thing_that_crosses_a_still_picture_is_no_camera(tmp_path: Path):
    thing = np.random.default_rng(1).integers(0, 255, (60, 60, 1), np.uint8).repeat(3, axis=2)
    frames = [view(0) for _ in range(20)]
    for i, frame in enumerate(frames):
        frame[60:120, 100 + 4 * i : 160 + 4 * i] = cv2.blur(thing, (5, 5))
    found = FLAVOR.represent(make_proxy(tmp_path, frames, Fraction(25)), whole_shots((0, 20)), {}).arrays
    assert np.abs(found["camera"]).max() < 0.03
    right, down = found["subject"][0, OUT, -1].reshape(-1, 2).astype(float).T
    assert right.max() == pytest.approx(100 / 180, rel=0.3)
    assert np.abs(down).max() < 0.2


def test_doubled_frames_change_no_speed(tmp_path: Path):
    once = make_proxy(tmp_path / "once", [view(3 * i) for i in range(24)], Fraction(25))
    twice = make_proxy(tmp_path / "twice", [view(3 * (i // 2)) for i in range(48)], Fraction(50))
    speeds = [
        FLAVOR.represent(proxy, whole_shots((0, proxy.record.num_frames)), {}).arrays["camera"][0, OUT, -1, 0]
        for proxy in (once, twice)
    ]
    assert speeds[1] == pytest.approx(speeds[0], rel=0.15)


def test_a_thing_before_a_soft_background_is_no_camera(tmp_path: Path):
    soft = cv2.GaussianBlur(view(0), (0, 0), 6)
    frames = []
    for i in range(10):
        frame = soft.copy()
        frame[50:130, 60 + 6 * i : 140 + 6 * i] = view(0)[50:130, 60:140]
        frames.append(frame)
    found = FLAVOR.represent(make_proxy(tmp_path, frames), whole_shots((0, 10)), {}).arrays
    assert np.abs(found["camera"][..., :2]).max() < 0.1
    assert found["subject"][0, ..., 0].max() == pytest.approx(6 * 25 / 180, rel=0.2)


def test_a_way_to_and_fro_is_no_movement():
    there, back = np.zeros((1, 2, 2)), np.zeros((1, 2, 2))
    there[..., 0], back[:, 0, 0], back[:, 1, 0] = 1, 1, -1
    assert steady(np.stack([there, back]))[0, :, 0].tolist() == [2, 0]


def test_a_still_picture_has_no_flow_and_matches_nothing(tmp_path: Path):
    proxy = make_proxy(tmp_path, [view(0)] * 8)
    found = FLAVOR.represent(proxy, whole_shots((0, 8)), {})
    assert np.abs(found.arrays["camera"]).max() < 0.02
    assert score(found, found) == 0
    assert score(found, pan(0.5)) == 0


def test_a_grey_wall_matches_nothing(tmp_path: Path):
    noise = np.random.default_rng(3)
    walls = [
        np.full((180, 320, 3), 120 + i, np.uint8) + noise.integers(0, 2, (180, 320, 1), np.uint8) for i in range(12)
    ]
    found = FLAVOR.represent(make_proxy(tmp_path, walls), whole_shots((0, 12)), {})
    assert score(found, found) == 0


def test_both_ends_are_measured_and_shots_do_not_mix(tmp_path: Path):
    positions = np.cumsum([4] * 20 + [0] * 30 + [-4] * 20)
    frames = [view(int(p)) for p in positions] + [view(0, 40 - 4 * i) for i in range(20)]
    proxy = make_proxy(tmp_path, frames, Fraction(25))
    found = FLAVOR.represent(proxy, whole_shots((0, 70), (70, 90)), {}).arrays
    assert found["camera"][0, IN, 0, 0] == pytest.approx(100 / 180, rel=0.1)
    assert found["camera"][0, OUT, -1, 0] == pytest.approx(-100 / 180, rel=0.1)
    assert found["camera"][1, :, 0, 1] == pytest.approx([-100 / 180] * 2, rel=0.1)
    assert found["rest"][0] < 0.05 < found["rest"][1]


def test_a_shot_of_one_frame_has_no_row(tmp_path: Path):
    proxy = make_proxy(tmp_path, [view(0)] * 5)
    assert FLAVOR.represent(proxy, whole_shots((0, 1), (1, 5)), {}).shot.tolist() == [1]


def test_no_shots_give_no_rows(tmp_path: Path):
    proxy = make_proxy(tmp_path, [view(0)] * 5)
    none = np.zeros(0, np.int64)
    found = FLAVOR.represent(proxy, UsableShots(none, none, none), {})
    assert len(found) == 0
    assert found.arrays["subject"].shape == (0, 2, 5, 9, 16, 2)
    assert FLAVOR.refine(found, found, none, none).score.shape == (0,)


def test_windows_lie_after_the_way_in_and_before_the_way_out_and_are_bounded():
    seconds = np.arange(1000) / 100
    found = FLAVOR.windows(100, 400, np.array([[120], [379]]), seconds)
    assert [len(window) for window in found] == [12, 12, 16]
    assert (found[0][0], found[0][-1]) == (120, 144)
    assert (found[1][0], found[1][-1]) == (354, 378)
    assert (found[2][0], found[2][-1]) == (100, 398)


def test_windows_of_the_shortest_shot_are_its_only_pair():
    found = FLAVOR.windows(5, 7, np.array([[5, 6], [5, 6]]), np.arange(10) / 2)
    assert [window.tolist() for window in found] == [[5]] * 5


def test_opposite_and_crosswise_movement_score_zero():
    assert score(pan(0.5), pan(-0.5)) == 0
    assert score(pan(0.5), pan(0, 0.5)) == 0
    assert score(rows((0.5, 0)), rows((-0.5, 0))) == 0


def test_stillness_scores_zero_even_against_itself():
    assert score(pan(0), pan(0)) == 0
    assert score(pan(0.01), pan(0.01)) == 0


def test_the_more_speeds_differ_the_less_they_match_and_eight_times_not_at_all():
    scores = [score(pan(0.2), pan(0.2 * factor)) for factor in (1, 1.5, 2, 3, 8)]
    assert scores == sorted(scores, reverse=True)
    assert scores[2] < 0.6 * scores[0]
    assert scores[4] == 0


def test_a_pan_matches_no_thing_that_moves_as_fast():
    assert score(pan(0.2), rows(patch(4, 1.2))) == 0


def test_a_whip_pan_is_worth_several_drifts():
    drift, whip = score(pan(0.1), pan(0.1)), score(pan(1.2), pan(1.2))
    assert whip > 5 * drift > 0


def test_a_fast_partner_makes_no_better_match_of_a_slow_movement():
    slow = rows((0.1, 0))
    assert score(slow, slow) > score(slow, rows((0.15, 0)))


def test_movement_in_another_place_matches_less_than_in_the_same():
    assert score(rows(patch(2, 1)), rows(patch(2, 1))) > 0.8
    assert score(rows(patch(2, 1)), rows(patch(11, 1))) == 0


def test_a_movement_of_what_is_filmed_outranks_two_pans():
    assert score(rows(patch(4, 1.5)), rows(patch(4, 1.5))) > score(pan(0.5), pan(0.5)) + 0.1


def test_what_begins_in_a_and_comes_to_rest_in_b_outranks_what_goes_on_forever():
    carried, steady = (block(pan(0.5, rest=rest), pan(0.5, rest=rest)) for rest in (0.0, 0.5))
    assert carried.cues["carried"][0] == 1
    assert steady.cues["carried"][0] == 0
    assert steady.score[0] == pytest.approx(0.85 * carried.score[0])


def test_shots_of_other_spectra_match_less():
    a, b = pan(0.5), pan(0.5)
    b.arrays["spectrum"][0] = spectrum_of(np.array([[0.0, 0.5]]))
    assert score(a, b) == pytest.approx(0.8 * score(a, a))


def test_the_end_of_a_is_compared_with_the_start_of_b_at_the_best_moments():
    a, b = pan(0.5), pan(0.5)
    a.arrays["camera"][0, IN] = b.arrays["camera"][0, OUT] = [0, -0.5, 0, 0]
    a.arrays["camera"][0, OUT, [0, 1, 2, 4]] = [0, 0.5, 0, 0]
    b.arrays["camera"][0, IN, [0, 2, 3, 4]] = [-0.5, 0, 0, 0]
    found = block(a, b)
    assert found.cues["movement"][0] == pytest.approx(1)
    assert found.frame_a.tolist() == [8]
    assert found.frame_b.tolist() == [1]


def test_what_is_proposed_orders_pairs_as_the_full_score_does():
    many = rows((0.5, 0), (0.45, 0), (0, 0.5), (0, 0))
    coarse = FLAVOR.score_block(many, many).score
    assert np.argsort(-coarse[0]).tolist()[:2] == [0, 1]
    assert coarse[0, 2:].tolist() == [0, 0]


def test_speed_counts_the_picture_not_the_empty_grid():
    upright = np.zeros((9, 16, 2))
    upright[:, 5:10, 1] = 0.4
    found = block(rows(upright, size=45), rows((0, 0.4)))
    assert found.cues["speed_a"][0] == pytest.approx(0.4, rel=0.26)  # 0.22 over the whole grid


def test_the_spectrum_holds_directions_bands_and_stillness():
    shares = spectrum_of(np.array([[0.5, 0], [0.5, 0], [0, 0.05], [0, 0]])) ** 2
    assert shares[2 * 8 + 0] == pytest.approx(0.5)
    assert shares[0 * 8 + 2] == pytest.approx(0.25)
    assert shares[32] == pytest.approx(0.25)


def test_picture_draws_arrows(tmp_path: Path):
    proxy = make_proxy(tmp_path, [np.full((36, 64, 3), 90, np.uint8)] * 10)
    still, moving = (FLAVOR.picture(proxy, rows(flow), [0]) for flow in ((0, 0), (0.5, 0)))
    assert still.shape == moving.shape
    yellow = (np.abs(moving.astype(int) - [255, 220, 60]).max(axis=2) < 60).sum()
    assert yellow > 144  # at least a pixel per cell
    assert (np.abs(still.astype(int) - [255, 220, 60]).max(axis=2) < 60).sum() == 0


@pytest.mark.parametrize("wrong", [{"window_seconds": 0}, {"pairs_per_window": 0}, {"pairs_over_all": 0}])
def test_parameters_that_measure_nothing_are_refused(wrong: dict[str, int]):
    with pytest.raises(ValueError, match="window_seconds must be positive and pairs at least 1"):
        OpticalFlowParameters(**wrong)
