from collections.abc import Sequence

import numpy as np
import pytest

from matchcut.shots.detector import Boundaries, Transition
from matchcut.shots.fades import BrightnessTrack, find_fades, picture_correlation, with_fades
from tests.matchcut.shots.pictures import as_frames, black, fade_in, fade_out, hold, picture


def track_of(pictures: Sequence[np.ndarray]) -> BrightnessTrack:
    track = BrightnessTrack()
    for _ in track.watch(as_frames(pictures)):
        pass
    return track


THROUGH_BLACK = [*hold(1, 30), *fade_out(hold(1, 10)), *black(5), *fade_in(hold(2, 10)), *hold(2, 30)]


def test_a_fade_begins_the_new_shot_at_its_first_visible_frame() -> None:
    (fade,) = find_fades(track_of(THROUGH_BLACK)).transitions
    assert (fade.frame, fade.kind) == (45, "fade")
    assert fade.first_frame == pytest.approx(30, abs=2)
    assert fade.end_frame == pytest.approx(55, abs=2)


@pytest.mark.parametrize("frames", [24, 60, 110])
def test_slow_fades_are_followed_to_their_ends(frames: int) -> None:
    pictures = [*hold(1, 20), *fade_out(hold(1, frames)), *black(3), *fade_in(hold(2, frames)), *hold(2, 20)]
    (fade,) = find_fades(track_of(pictures)).transitions
    assert fade.first_frame == pytest.approx(20, abs=3)
    assert fade.end_frame == pytest.approx(23 + 2 * frames, abs=3)


def test_a_cut_from_black_has_no_dimmed_frames_after_it() -> None:
    (fade,) = find_fades(track_of([*hold(1, 30), *fade_out(hold(1, 10)), *black(5), *hold(2, 30)])).transitions
    assert fade.frame == fade.end_frame == 45


def test_the_same_picture_before_and_after_a_blink_is_one_shot_after_long_black_two() -> None:
    assert find_fades(track_of([*hold(1, 20), *black(12), *hold(1, 20)])).transitions == ()
    assert [t.frame for t in find_fades(track_of([*hold(1, 20), *black(13), *hold(1, 20)])).transitions] == [33]


def test_fades_at_the_ends_of_the_title_are_no_transitions_but_not_visible() -> None:
    pictures = [*black(5), *fade_in(hold(1, 10)), *hold(1, 30), *fade_out(hold(1, 10)), *black(5)]
    fades = find_fades(track_of(pictures))
    assert fades.transitions == ()
    assert fades.visible_start_frame == pytest.approx(15, abs=2)
    assert fades.visible_stop_frame == pytest.approx(45, abs=2)


def test_a_black_title_has_no_transitions() -> None:
    assert find_fades(track_of(black(24))).transitions == ()


def test_a_transition_inside_a_fade_is_the_fade() -> None:
    found = Boundaries.of(85, [Transition.cut(20, 0.6), Transition.cut(38, 0.9), Transition.dissolve(44, 56, 0.7)])
    transitions = with_fades(found, track_of(THROUGH_BLACK)).transitions
    assert [(t.frame, t.kind) for t in transitions] == [(20, "cut"), (45, "fade")]


def test_a_transition_at_a_blink_is_none() -> None:
    track = track_of([*hold(1, 20), *black(1), *hold(1, 20)])
    found = Boundaries.of(41, [Transition.cut(20, 0.9), Transition.cut(21, 0.9)])
    assert with_fades(found, track).transitions == ()


def test_a_cut_to_black_stays_when_the_black_lasts() -> None:
    track = track_of([*hold(1, 20), *black(14), *fade_in(hold(2, 10)), *hold(2, 20)])
    found = Boundaries.of(64, [Transition.cut(20, 0.9)])
    assert [(t.frame, t.kind) for t in with_fades(found, track).transitions] == [(20, "cut"), (34, "fade")]


def test_a_cut_to_black_at_the_end_of_the_title_stays() -> None:
    found = Boundaries.of(44, [Transition.cut(20, 0.9)])
    assert with_fades(found, track_of([*hold(1, 20), *black(24)])).transitions == found.transitions


def test_frames_are_handed_on_unchanged() -> None:
    frames = as_frames(THROUGH_BLACK)
    assert all(a is b for a, b in zip(BrightnessTrack().watch(frames), frames, strict=True))


def test_correlation_is_blind_to_brightness_and_contrast() -> None:
    assert picture_correlation(picture(1), picture(1) * 0.3 + 5) == pytest.approx(1, abs=1e-4)
    assert abs(picture_correlation(picture(1), picture(2))) < 0.8
    assert picture_correlation(None, picture(1)) == 0
