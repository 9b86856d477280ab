import numpy as np
import pytest

from matchcut.representations.flavor import BlockScores, Representation
from matchcut.representations.moments import IN, OUT
from matchcut.representations.movement import spectrum_of
from matchcut.representations.movement_scores import (
    AREA_WORTH,
    COHERENCES,
    GOING_WORTH,
    HARDLY_SEEN_WORTH,
    STEADY_WORTH,
    STILL_WORTH,
    proposed,
    refined,
)
from tests.movement_rows import pan, patch, rows

SKY = 0.0  # support of a camera before an empty sky


def block(a: Representation, b: Representation) -> BlockScores:
    """Full scores of the first rows."""
    return refined(a, b, np.array([0]), np.array([0]))


def score(a: Representation, b: Representation) -> float:
    return float(block(a, b).score[0])


def test_opposite_and_crosswise_movement_score_zero():
    assert score(pan(0.5), pan(-0.5)) == 0
    assert score(pan(0.5), pan(0, 0.5)) == 0
    assert score(rows((0.5, 0)), rows((-0.5, 0))) == 0


def test_stillness_scores_zero_even_against_itself():
    assert score(pan(0), pan(0)) == 0
    assert score(pan(0.01), pan(0.01)) == 0


def test_the_more_speeds_differ_the_less_they_match_and_eight_times_hardly():
    for moving in (lambda speed: pan(speed), lambda speed: rows(patch(4, 2 * speed))):
        scores = [score(moving(0.2), moving(0.2 * factor)) for factor in (1, 1.5, 2, 3, 8)]
        assert scores == sorted(scores, reverse=True)
        assert scores[2] < 0.6 * scores[0]
        assert scores[4] < 0.2 * scores[0]


def test_a_pan_matches_no_thing_that_moves_as_fast():
    assert score(pan(0.2), rows(patch(4, 1.2))) == 0


def test_a_whip_pan_is_worth_several_drifts():
    drift, whip = score(pan(0.1), pan(0.1)), score(pan(1.2), pan(1.2))
    assert whip > 5 * drift > 0


def test_a_fast_partner_makes_no_better_match_of_a_slow_movement():
    slow = rows((0.3, 0))
    assert score(slow, slow) > score(slow, rows((0.4, 0))) > 0


def test_movement_in_another_place_matches_less_than_in_the_same():
    scores = [score(rows(patch(2, 1.5)), rows(patch(left, 1.5))) for left in (2, 3, 5, 11)]
    assert scores[0] > 0.8
    assert scores == sorted(scores, reverse=True)
    assert scores[3] < 0.01


def test_a_movement_of_what_is_filmed_outranks_two_pans():
    assert score(rows(patch(4, 1.5)), rows(patch(4, 1.5))) > score(pan(0.5), pan(0.5)) + 0.1


def test_what_begins_in_a_and_comes_to_rest_in_b_outranks_what_goes_on_forever():
    carried, steady = (block(pan(0.5, rest=rest), pan(0.5, rest=rest)) for rest in (0.0, 0.5))
    assert carried.cues["carried"][0] == 1
    assert steady.cues["carried"][0] == 0
    assert steady.score[0] == pytest.approx(0.85 * carried.score[0])


@pytest.mark.parametrize(("ahead", "frames"), [(0.0, 0), (0.1, 1), (-0.1, -1), (2.0, 3)])
def test_a_cut_is_made_where_both_have_come_as_far(ahead: float, frames: int):
    a, b = rows(patch(4, 1.2)), rows(patch(4, 1.2))
    for each in (a, b):
        each.arrays["mover"][:, :, [0, 1, 3, 4], :, 2:] = 0
    b.arrays["mover"][..., 0] += ahead  # heights; at 1.2 a second and 24 frames a second, 0.1 is two frames
    found, together = block(a, b), block(a, a)
    assert found.frame_a[0] - together.frame_a[0] == frames
    assert found.frame_b[0] - together.frame_b[0] == -frames


def test_a_pan_has_no_place_to_be_cut_at():
    a, b = pan(1), pan(1)
    b.arrays["mover"][..., 0] += 0.1
    assert block(a, b).frame_a[0] == block(a, a).frame_a[0]


@pytest.mark.parametrize("side", [OUT, IN])
def test_a_movement_that_is_not_seen_coming_or_does_not_go_on_is_worth_less(side: int):
    known, brief, halting = (rows(patch(4, 1.5)) for _ in range(3))
    brief.arrays["going"][:, side] = 0
    halting.arrays["steadily"][:, side] = -1

    def beside_known(other: Representation) -> float:
        return score(other, known) if side == OUT else score(known, other)

    assert beside_known(brief) == pytest.approx(GOING_WORTH[0] ** 0.5 * score(known, known), rel=1e-4)
    assert beside_known(halting) == pytest.approx(STEADY_WORTH[0] ** 0.5 * score(known, known), rel=1e-4)
    other_side = (known, brief) if side == OUT else (brief, known)
    assert score(*other_side) == score(known, known)


def test_what_goes_apart_matches_nothing():
    one_way, all_ways = rows(patch(4, 1.5)), rows(patch(4, 1.5))
    all_ways.arrays["coherence"][:] = COHERENCES[0] - 0.01
    assert score(one_way, all_ways) == score(all_ways, one_way) == 0
    assert proposed(one_way, all_ways).score.max() == 0


def test_what_fills_the_picture_is_worth_less():
    small, large = rows(patch(4, 1.5)), rows(patch(4, 1.5))
    small.arrays["area"][:], large.arrays["area"][:] = 0.1, 1
    assert score(large, small) == pytest.approx(AREA_WORTH[1] ** 0.5 * score(small, small), rel=1e-4)


def test_what_moves_before_moving_cameras_matches_where_these_move_alike():
    def beside(right: float) -> Representation:
        return rows(patch(4, 0.5), camera=(right, 0, 0, 0))

    assert score(beside(0.8), beside(0.8)) > score(beside(0.8), beside(0.3)) > score(beside(0.8), beside(-0.8)) == 0


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


def test_what_agrees_for_longer_is_worth_more_than_what_meets_by_chance():
    a, lasting, chance = (rows(patch(4, 1.5)) for _ in range(3))
    chance.arrays["mover"][0, IN, [0, 1, 3, 4], :, 2:] *= -1
    found = block(a, chance)
    assert found.frame_b.tolist() == [2]
    assert 0 < found.score[0] < score(a, lasting) / 2


def test_moments_that_fill_up_a_row_change_nothing():
    a, b = rows(patch(4, 1.5)), rows(patch(4, 1.5))
    alone = score(a, b)
    for filled in (a, b):
        filled.arrays["frame"][..., 3:] = filled.arrays["frame"][..., 2:3]
        filled.arrays["mover"][..., 3:, :, 2:] *= -1
    assert score(a, b) == pytest.approx(alone)
    assert proposed(a, b).score[0, 0] > 0


def test_a_fast_thing_is_worth_more_than_a_slow_one():
    fast, slow = (score(rows(patch(4, speed)), rows(patch(4, speed))) for speed in (0.9, 0.2))
    assert slow < 0.6 * fast


def test_what_is_proposed_orders_pairs_as_the_full_score_does():
    many = rows((0.5, 0), (0.45, 0), (0, 0.5), (0, 0))
    coarse = proposed(many, many).score
    assert np.argsort(-coarse[0]).tolist()[:2] == [0, 1]
    assert coarse[0, 2:].tolist() == [0, 0]


def runner_before_a_sky() -> Representation:
    """A thing that alone can be seen, so that the camera is fitted to it."""
    alone, runner = rows((0, 0), camera=(1.5, 0, 0, 0), support=SKY), rows(patch(4, 1.5))
    for name in ("mover", "coherence", "area", "speed", "going", "steadily"):
        alone.arrays[name][:, :, :, 1] = runner.arrays[name][:, :, :, 1]
    alone.arrays["spectrum"] = runner.arrays["spectrum"]
    return alone


def test_a_thing_before_an_empty_sky_is_the_same_thing_before_a_wood():
    sky, wood = runner_before_a_sky(), rows(patch(4, 1.5))
    assert score(sky, wood) == pytest.approx(STILL_WORTH**0.5 * score(wood, wood), rel=1e-3)
    assert score(wood, sky) == score(sky, wood)
    assert score(sky, rows(patch(4, -1.5))) == 0


def test_a_pan_over_a_sky_is_still_a_pan():
    assert score(pan(0.5, support=SKY), pan(0.5)) > 0


def test_a_camera_that_is_known_is_not_read_as_still():
    known = runner_before_a_sky()
    known.arrays["support"][:] = 1
    assert score(known, rows(patch(4, 1.5))) == 0


def test_a_camera_that_is_hardly_seen_is_worth_little():
    seen, unseen = pan(1), pan(1, support=SKY)
    for name in ("mover", "speed", "going", "steadily"):
        unseen.arrays[name][:, :, :, 1] = 0
    assert score(seen, unseen) == pytest.approx(HARDLY_SEEN_WORTH * score(seen, seen))


def test_a_title_without_rows_is_compared_with_any():
    some, none = rows(patch(4, 1.5)), rows(patch(4, 1.5)).rows(slice(0))
    assert proposed(none, some).score.shape == (0, 1)
    assert proposed(some, none).score.shape == (1, 0)
    assert len(refined(some, none, np.zeros(0, np.int64), np.zeros(0, np.int64)).score) == 0


def test_both_readings_are_proposed():
    sky, wood = runner_before_a_sky(), rows(patch(4, 1.5), patch(4, -1.5))
    coarse = proposed(sky, wood).score
    assert coarse[0, 0] > 0
    assert coarse[0, 1] == 0


def test_the_frames_of_a_still_reading_are_those_of_its_moments():
    sky, wood = runner_before_a_sky(), rows(patch(4, 1.5))
    wood.arrays["mover"][0, IN, [0, 1, 2, 4], :, 2:] = sky.arrays["mover"][0, OUT, [0, 1, 3, 4], :, 2:] = 0
    found = block(sky, wood)
    assert found.frame_a.tolist() == sky.arrays["frame"][0, OUT, [2]].tolist()
    assert found.frame_b.tolist() == wood.arrays["frame"][0, IN, [3]].tolist()
