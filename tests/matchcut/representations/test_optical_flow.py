from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from matchcut.representations.flavor import Representation, UsableShots
from matchcut.representations.moments import IN, OUT
from matchcut.representations.movement import (
    camera_field,
    edge_say,
    ends_share,
    fit_camera,
    flow_between,
    mover_of,
    spectrum_of,
    texture_of,
)
from matchcut.representations.movement_scores import KNOWN_SUPPORT
from matchcut.representations.movement_windows import OpticalFlowParameters, moments_of, windows_of
from matchcut.representations.optical_flow import OpticalFlow, steady
from tests.clips import make_proxy
from tests.movement_rows import pan, patch, rows

FLAVOR = OpticalFlow()
SIZE = (320, 180)
PICTURE = np.kron(np.random.default_rng(5).integers(30, 220, (60, 80), np.uint8), np.ones((6, 8), np.uint8))


def view(right: float, down: float = 0, growth: float = 1, turn: float = 0) -> np.ndarray:
    """A window on a large picture that is moved, grown and turned (radians, clockwise)."""
    cos, sin = growth * np.cos(turn), growth * np.sin(turn)
    place = np.array([[cos, -sin, 160 + right - cos * 320 + sin * 180], [sin, cos, 90 + down - sin * 320 - cos * 180]])
    return np.dstack([cv2.warpAffine(PICTURE, place, SIZE, flags=cv2.INTER_LINEAR)] * 3)


def score(a: Representation, b: Representation) -> float:
    """Full score of the first rows."""
    return float(FLAVOR.refine(a, b, np.array([0]), np.array([0])).score[0])


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
    assert found["speed"][..., 0].max() < 0.1


def test_a_thing_that_crosses_a_still_picture_is_no_camera(tmp_path: Path):
    frames = [view(0) for _ in range(20)]
    for i, frame in enumerate(frames):
        frame[40:140, 60 + 4 * i : 160 + 4 * i] = view(90, 40)[40:140, 60:160]
    found = FLAVOR.represent(make_proxy(tmp_path, frames, Fraction(25)), whole_shots((0, 20)), {}).arrays
    assert np.abs(found["camera"]).max() < 0.03
    x, y, right, down = found["mover"][0, OUT, -1, 0]
    assert right == pytest.approx(100 / 180, rel=0.3)
    assert abs(down) < 0.1
    place = 110 + 4 * (found["frame"][0, OUT, -1] + 0.5)  # of the thing's middle, in pixels
    assert (x, y) == pytest.approx(((place - 160) / 180, 0), abs=0.1)
    assert found["coherence"][0, OUT, -1, 0] > 0.9
    assert found["area"][0, OUT, -1, 0] == pytest.approx(100 * 100 / (320 * 180), abs=0.08)


def test_a_thing_before_an_empty_sky_leaves_the_camera_without_support(tmp_path: Path):
    def before(background: np.ndarray) -> Representation:
        frames = [background.copy() for _ in range(20)]
        for i, frame in enumerate(frames):
            frame[50:130, 80 + 4 * i : 160 + 4 * i] = view(0)[50:130, 80:160]
        folder = tmp_path / str(background.std() > 0)
        return FLAVOR.represent(make_proxy(folder, frames, Fraction(25)), whole_shots((0, 20)), {})

    sky, wood = before(np.full_like(view(0), 170)), before(view(0))
    assert sky.arrays["support"].max() < KNOWN_SUPPORT < 0.3 < wood.arrays["support"].min()
    assert sky.arrays["camera"][0, OUT, -1, 0] == pytest.approx(100 / 180, rel=0.3)  # there is nothing else to fit
    assert sky.arrays["mover"][0, OUT, -1, 1, 2] == pytest.approx(100 / 180, rel=0.3)
    assert sky.arrays["area"][0, OUT, -1, 1] < 0.4
    assert score(sky, wood) > 0.1


def test_the_edge_has_more_say_about_the_camera_than_the_middle():
    say = edge_say(18, 32)
    assert say[[0, -1]].min() > 0.75
    assert say[:, [0, -1]].min() > 0.75
    assert say[6:12, 10:22].max() < 0.15


@pytest.mark.parametrize("upright", [False, True])
def test_what_reaches_one_end_of_the_longer_side_only_supports_no_camera(upright: bool):
    thing, ground = np.zeros((18, 32)), np.zeros((18, 32))
    thing[:12, :12], ground[14:] = 1, 1
    size = (1.0, 16 / 9) if upright else (16 / 9, 1.0)
    thing, ground = (field.T if upright else field for field in (thing, ground))
    assert ends_share(thing, size) == 0
    assert ends_share(ground, size) == pytest.approx(4 / 18)


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
    assert found["mover"][0, :, :, 0, 2].max() == pytest.approx(6 * 25 / 180, rel=0.25)


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
    assert found.arrays["mover"].shape == (0, 2, 1, 2, 4)
    assert FLAVOR.refine(found, found, none, none).score.shape == (0,)


def test_a_shot_may_be_cut_at_every_frame_of_its_thirds_but_for_the_handles():
    seconds = np.arange(1000) / 24
    enter, leave = moments_of(100, 172, seconds, OpticalFlowParameters(longest_seconds=9))
    assert enter.tolist() == list(range(105, 125))  # 3 seconds: a third is 24 frames, a handle of 0.2 s is 5
    assert leave.tolist() == list(range(147, 167))
    enter, leave = moments_of(0, 1000, seconds, OpticalFlowParameters(longest_seconds=1.0))
    assert (enter.max(), leave.min()) == (24, 975)


def test_of_video_with_many_frames_a_second_every_other_is_enough():
    seconds = np.arange(1000) / 50
    enter, leave = moments_of(100, 250, seconds, OpticalFlowParameters())
    assert np.unique(np.diff(enter)).tolist() == np.unique(np.diff(leave)).tolist() == [2]
    assert (enter[0], leave[-1]) == (110, 239)


def test_the_shortest_shots_have_one_moment_at_either_end():
    for frames in (2, 3):
        enter, leave = moments_of(5, 5 + frames, np.arange(10) / 24, OpticalFlowParameters())
        assert (enter[0], leave[-1]) == (5, 5 + frames - 1)
        assert max(len(enter), len(leave)) < frames


def test_windows_lie_after_the_way_in_and_before_the_way_out_and_are_bounded():
    seconds = np.arange(1000) / 100
    found = windows_of(100, 401, seconds, OpticalFlowParameters())
    assert {len(window) for window in (*found.entering, *found.leaving)} == {12}
    assert len(found.over_all) == 16
    assert (found.entering[0][0], found.entering[0][-1]) == (120, 144)
    assert (found.leaving[-1][0], found.leaving[-1][-1]) == (355, 379)
    assert (found.over_all[0], found.over_all[-1]) == (100, 399)


def test_what_is_seen_around_a_cut_lies_on_the_same_frames_for_all_moments():
    found = windows_of(100, 401, np.arange(1000) / 100, OpticalFlowParameters())
    entered, left = found.seen[: len(found.entering)], found.seen[len(found.entering) :]
    for windows, cuts in ((entered, found.cuts[: len(entered)]), (left, found.cuts[len(entered) :])):
        first, second = (set(windows[at].tolist()) for at in (0, 1))
        assert min(len(first), len(second)) >= 7
        assert len(first & second) >= 6
        assert len(windows) == len(cuts)
    assert found.cuts[0] <= min(entered[0]) < max(entered[0]) < found.cuts[0] + 60
    assert found.cuts[-1] - 60 < min(left[-1]) < max(left[-1]) <= found.cuts[-1]


def test_a_way_in_and_a_way_out_are_cut_in_the_middle_of_the_same_way():
    found = windows_of(0, 100, np.arange(100) / 24, OpticalFlowParameters())
    entered, left = found.cuts[0], found.cuts[-1]
    before, after = left + 1 - int(found.leaving[-1][0]), entered - int(found.entering[0][0])
    assert before == after == 3  # of the 6 frames of a window, so many are shown of A and not of B


def test_windows_of_the_shortest_shot_are_its_only_pair():
    found = windows_of(5, 7, np.arange(10) / 2, OpticalFlowParameters())
    windows = (*found.entering, *found.leaving, *found.seen, found.over_all)
    assert [window.tolist() for window in windows] == [[5]] * 5
    assert found.cuts == [6, 5]


def test_shots_of_any_length_have_rows_of_one_length(tmp_path: Path):
    proxy = make_proxy(tmp_path, [view(3 * number) for number in range(60)], Fraction(24))
    found = FLAVOR.represent(proxy, whole_shots((0, 2), (2, 60)), {})
    moments = [len(np.unique(row)) for row in found.arrays["frame"].reshape(4, -1)]
    assert moments == [1, 1, found.arrays["frame"].shape[2], found.arrays["frame"].shape[2]]
    assert (np.diff(found.arrays["frame"], axis=2) >= 0).all()
    both = np.array([0, 1])
    assert FLAVOR.refine(found, found, both, both[::-1]).score.min() > 0


def test_the_spectrum_holds_directions_bands_and_stillness():
    shares = spectrum_of(np.array([[0.5, 0], [0.5, 0], [0, 0.05], [0, 0]])) ** 2
    assert shares[2 * 8 + 0] == pytest.approx(0.5)
    assert shares[0 * 8 + 2] == pytest.approx(0.25)
    assert shares[32] == pytest.approx(0.25)


def test_picture_draws_arrows(tmp_path: Path):
    proxy = make_proxy(tmp_path, [np.full((36, 64, 3), 90, np.uint8)] * 10)
    still, moving = (FLAVOR.picture(proxy, pan(right), [0]) for right in (0, 0.5))
    assert still.shape == moving.shape
    yellow = (np.abs(moving.astype(int) - [255, 220, 60]).max(axis=2) < 60).sum()
    assert yellow > 144  # at least a pixel per cell
    assert (np.abs(still.astype(int) - [255, 220, 60]).max(axis=2) < 60).sum() == 0
    thing = FLAVOR.picture(proxy, rows(patch(4, 0.5)), [0])
    assert (np.abs(thing.astype(int) - [80, 220, 255]).max(axis=2) < 60).sum() > 20


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"share": 0.6}, r"share must lie in \(0, 0.5\]"),
        ({"handle_seconds": -1}, "handle_seconds be at least 0"),
        ({"longest_seconds": 0}, "must be positive"),
        ({"moments_per_second": 0}, "must be positive"),
        ({"window_seconds": 0}, "window_seconds and seen_seconds must be positive"),
        ({"seen_seconds": 0}, "window_seconds and seen_seconds must be positive"),
        ({"pairs_per_window": 0}, "pairs must be at least 1"),
        ({"pairs_seen": 0}, "pairs must be at least 1"),
        ({"pairs_over_all": 0}, "pairs must be at least 1"),
    ],
)
def test_parameters_that_measure_nothing_are_refused(wrong: dict[str, int], message: str):
    with pytest.raises(ValueError, match=message):
        OpticalFlowParameters(**wrong)


def test_the_mover_is_what_is_nearly_as_fast_as_the_fastest():
    field = np.zeros((9, 16, 2))
    nothing = mover_of(field)
    assert (*nothing.place, *nothing.velocity, nothing.coherence, nothing.area) == (0,) * 6
    field[3:5, 3:5], field[0] = (0.5, 0.25), (-0.1, 0)
    found = mover_of(field)
    assert found.place == pytest.approx([-4 / 9, -0.5 / 9])
    assert found.velocity == pytest.approx([0.5, 0.25])
    assert (found.coherence, found.area) == pytest.approx((1, 4 / 144))
    field[4, 3:5] = (-0.5, -0.25)
    assert mover_of(field).coherence == pytest.approx(0)


def test_what_crosses_the_picture_is_cut_where_it_is_in_the_other_shot(tmp_path: Path):
    def crossing(name: str, first: int) -> Representation:
        frames = [view(0) for _ in range(40)]
        for i, frame in enumerate(frames):
            left = first + 4 * i
            frame[50:130, left : left + 60] = view(90, 40)[50:130, 40:100]
        return FLAVOR.represent(make_proxy(tmp_path / name, frames, Fraction(25)), whole_shots((0, 40)), {})

    a, b = crossing("a", 10), crossing("b", 90)
    found = FLAVOR.refine(a, b, np.array([0]), np.array([0]))
    place_a, place_b = 10 + 4 * (found.frame_a[0] + 1), 90 + 4 * found.frame_b[0]
    assert abs(place_a - place_b) <= 2 * 4  # pixels: two frames of the way


def test_snow_on_a_screen_goes_no_way(tmp_path: Path):
    noise = np.random.default_rng(4)
    snow = [cv2.resize(noise.integers(0, 255, (23, 40, 3), np.uint8), SIZE) for _ in range(16)]
    found = FLAVOR.represent(make_proxy(tmp_path, snow, Fraction(25)), whole_shots((0, 16)), {})
    assert score(found, found) < 0.05


def test_a_movement_that_has_just_begun_or_turned_does_not_go_on(tmp_path: Path):
    def going(steps: list[int]) -> tuple[float, float]:
        frames = []
        for place in np.cumsum(steps):
            frame = view(0)
            frame[40:140, 100 + place : 200 + place] = view(90, 40)[40:140, 100:200]
            frames.append(frame)
        proxy = make_proxy(tmp_path / str(steps[0]), frames, Fraction(25))
        found = FLAVOR.represent(proxy, whole_shots((0, len(steps))), {}).arrays
        return tuple(float(found[name][0, OUT, -1, 0]) for name in ("going", "steadily"))  # type: ignore[return-value]

    speed = 2 * 25 / 180
    mean, steadily = going([2] * 60)
    assert mean == pytest.approx(speed, rel=0.4)
    assert steadily > 0.95
    mean, steadily = going([-2] * 46 + [2] * 14)  # it is left at frame 54
    assert abs(mean) < speed / 2
    assert steadily < 0.5
