import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchcut.deduplicated_shots import (
    DeduplicatedShots,
    DeduplicatedShotsParameters,
    average_linkage,
    deduplicate,
    require_usable,
    usable_shots,
)
from matchcut.errors import BadVideoError
from matchcut.shot_embeddings import ShotEmbeddings
from matchcut.shots.table import ShotTable
from matchcut.text_cards import TextCards
from tests.shot_embeddings import embeddings_of, embeddings_of_frames, model_of
from tests.shot_tables import shot_table

FRAMES_PER_SHOT = 25


LIKE_0_8 = model_of(-31.5, 40)  # even odds at a cosine of 0.7875


def no_cards(count: int) -> TextCards:
    return TextCards(
        np.zeros(count, np.int64), np.zeros(count, bool), np.zeros(count, np.float32), np.zeros(count, bool)
    )


def marked(shots: ShotTable, embeddings: ShotEmbeddings, seconds: np.ndarray, **parameters: float) -> DeduplicatedShots:
    chosen = DeduplicatedShotsParameters(**parameters)
    return deduplicate(shots, embeddings, no_cards(len(embeddings)), seconds, chosen, LIKE_0_8)


def deduplicated(views: list, **parameters: float) -> DeduplicatedShots:
    shots = shot_table([FRAMES_PER_SHOT] * len(views))
    return marked(shots, embeddings_of(views), np.arange(shots.num_frames) / 25, **parameters)


def with_luma(embeddings: ShotEmbeddings, shot: int, mean: float, std: float) -> ShotEmbeddings:
    embeddings.luma_mean[shot], embeddings.luma_std[shot] = mean, std
    return embeddings


def test_identical_shots_are_near_duplicates_and_the_earliest_is_kept():
    told = deduplicated([0, 1, 0, 2, 0])
    assert told.group.tolist() == [0, -1, 0, -1, 0]
    assert told.kept.tolist() == [True, True, False, True, False]
    assert told.reason.tolist() == ["", "", "near-duplicate of shot 0", "", "near-duplicate of shot 0"]
    np.testing.assert_allclose(told.similarity, 1, atol=1e-3)


def test_groups_are_numbered_in_the_order_of_their_first_shots():
    assert deduplicated([5, 3, 3, 5, 1, 1]).group.tolist() == [0, 1, 1, 0, 2, 2]


def test_similarity_is_told_to_the_kept_shot():
    told = deduplicated([[1, 0], [4, 3]])
    assert told.kept.tolist() == [True, False]
    np.testing.assert_allclose(told.similarity, [1, 1 / (1 + np.exp(-0.5))], atol=1e-4)


def test_a_shot_between_two_set_ups_does_not_make_them_one():
    # 0 and 1 resemble the middle one (cosine 0.8) and not each other (0.28).
    told = deduplicated([[4, 3], [4, -3], [1, 0]])
    assert told.group.tolist() == [0, -1, 0]


def test_a_title_of_different_shots_keeps_all():
    told = deduplicated([0, 1, 2])
    assert told.kept.all()
    assert told.group.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("mean", "std", "reason"), [(0, 0, "black"), (15, 3.9, "black"), (200, 2, "blank"), (15, 4, ""), (200, 4, "")]
)
def test_black_and_blank_shots_are_marked(mean, std, reason):
    shots = shot_table([25, 25])
    told = marked(shots, with_luma(embeddings_of([0, 1]), 0, mean, std), np.arange(50) / 25)
    assert told.reason.tolist() == [reason, ""]
    assert told.kept.tolist() == [reason == "", True]


def test_a_marked_shot_joins_no_group_and_is_not_lost():
    shots = shot_table([25, 25, 5, 25])
    told = marked(shots, with_luma(embeddings_of([0, 0, 0, 0]), 0, 0, 0), np.arange(80) / 25)
    assert told.reason.tolist() == ["black", "", "too short", "near-duplicate of shot 1"]
    assert told.group.tolist() == [-1, 0, -1, 0]
    np.testing.assert_allclose(told.similarity, [np.nan, 1, np.nan, 1], atol=1e-3)


def test_a_shot_without_any_sharp_frame_is_marked():
    embeddings = embeddings_of([0, 1])
    embeddings.sharpness[0] = 1.4
    assert marked(shot_table([25, 25]), embeddings, np.arange(50) / 25).reason.tolist() == ["blurred", ""]


def test_text_cards_and_credits_are_marked_before_all_else():
    cards = no_cards(5)
    cards.lines[:2], cards.is_credits[1], cards.is_written_over[4] = (1, 9), True, True
    embeddings = with_luma(embeddings_of([0, 0, 0, 0, 0]), 0, 0, 2)
    told = deduplicate(shot_table([25] * 5), embeddings, cards, np.arange(125) / 25, model=LIKE_0_8)
    assert told.reason.tolist() == [
        "text card",
        "credits",
        "",
        "near-duplicate of shot 2",
        "words over the picture",
    ]
    assert told.group.tolist() == [-1, -1, 0, 0, -1]


def test_a_shot_of_exactly_the_least_duration_stays():
    for frames, reason in [(9, ""), (8, "too short")]:
        told = marked(shot_table([30, frames]), embeddings_of([0, 1]), np.arange(30 + frames) / 30)
        assert told.reason.tolist() == ["", reason]


def test_time_in_transitions_does_not_count():
    shots = shot_table([25, 25])
    shots.usable_start_frame[1] += 20
    told = marked(shots, embeddings_of([0, 1]), np.arange(50) / 25)
    assert told.reason.tolist() == ["", "too short"]


def test_a_video_of_one_frame_is_too_short():
    told = marked(shot_table([1]), embeddings_of([0]), np.zeros(1))
    assert told.reason.tolist() == ["too short"]


def test_duration_is_measured_by_time_stamps_not_by_frames():
    seconds = np.concatenate([np.arange(5) * 0.02, 0.1 + np.arange(5) * 0.2])
    told = marked(shot_table([5, 5]), embeddings_of([0, 1]), seconds)
    assert told.reason.tolist() == ["too short", ""]


def test_two_shots_that_fade_to_black_are_not_alike():
    # Two frames a shot: different pictures, then the same black.
    embeddings = embeddings_of_frames([[0, 7], [1, 7]])
    embeddings.luma_std[[1, 3]] = 0
    assert marked(shot_table([25, 25]), embeddings, np.arange(50) / 25).kept.all()


def test_embeddings_of_another_title_are_refused():
    with pytest.raises(ValueError, match=re.escape("3 embeddings for 2 shots: materialize `shot_embeddings` again")):
        marked(shot_table([25, 25]), embeddings_of([0, 1, 2]), np.arange(50) / 25)
    with pytest.raises(ValueError, match=re.escape("1 rows of text cards for 2 shots: materialize `text_cards` again")):
        deduplicate(shot_table([25, 25]), embeddings_of([0, 1]), no_cards(1), np.arange(50) / 25)
    with pytest.raises(ValueError, match=re.escape("49 time stamps for 50 frames")):
        marked(shot_table([25, 25]), embeddings_of([0, 1]), np.arange(49) / 25)


def test_usable_shots_are_the_kept_ones_without_their_transitions():
    shots = shot_table([25, 25, 25])
    shots.usable_start_frame[2] += 3
    usable = usable_shots(shots, deduplicated([0, 0, 1]))
    assert usable.shot.tolist() == [0, 2]
    assert usable.start_frame.tolist() == [0, 53]
    assert usable.stop_frame.tolist() == [25, 75]


def test_a_title_without_any_usable_shot_is_refused_with_what_was_found():
    embeddings = with_luma(embeddings_of([0, 1, 2]), 0, 0, 0)
    told = marked(shot_table([25, 3, 3]), embeddings, np.arange(31) / 25)
    message = "night.mp4: nothing in it can be matched. It has 3 shots: 1 black, 2 too short."
    with pytest.raises(BadVideoError, match=re.escape(message)):
        require_usable("night.mp4", told)
    with pytest.raises(BadVideoError, match=re.escape("It has 1 shot: 1 too short.")):
        require_usable("night.mp4", marked(shot_table([1]), embeddings_of([0]), np.zeros(1)))


def test_a_title_with_a_usable_shot_is_accepted():
    require_usable("day.mp4", deduplicated([0]))


def test_a_table_survives_the_store(tmp_path):
    told = marked(shot_table([25, 25, 3]), embeddings_of([0, 0, 1]), np.arange(53) / 25)
    told.save(tmp_path)
    loaded = DeduplicatedShots.load(tmp_path)
    for name, column in vars(told).items():
        np.testing.assert_array_equal(getattr(loaded, name), column)
        assert getattr(loaded, name).dtype == column.dtype


def test_a_shot_is_kept_or_has_a_reason_why_not():
    ones = np.ones(2, np.float32)
    reason = np.array(["", "black"], dtype=object)
    with pytest.raises(ValueError, match=re.escape("shots [1]: a shot is kept, or has a reason why it is not")):
        DeduplicatedShots(np.zeros(2, np.int64), np.ones(2, bool), ones, reason)
    with pytest.raises(ValueError, match="one row per shot"):
        DeduplicatedShots(np.zeros(3, np.int64), np.ones(2, bool), ones, reason)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"same_setup": 1.5}, "same_setup is a chance in (0, 1), got 1.5"),
        ({"min_seconds": -1}, "min_seconds must not be"),
    ],
)
def test_nonsense_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        DeduplicatedShotsParameters(**parameters)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_equal_items_share_a_group_and_different_ones_do_not(labels):
    items = np.array(labels)
    first = average_linkage((items[:, None] == items).astype(np.float32), 0.5)
    assert first.tolist() == [labels.index(label) for label in labels]


def test_average_linkage_of_nothing_is_nothing():
    assert average_linkage(np.zeros((0, 0)), 0.5).tolist() == []


def test_average_linkage_agrees_with_a_search_over_all_groups():
    rng = np.random.default_rng(7)
    points = rng.normal(size=(4, 8))[rng.integers(0, 4, 25)] + rng.normal(size=(25, 8)) * 0.6
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    alike = points @ points.T
    groups = [[i] for i in range(25)]
    while len(groups) > 1:
        pairs = [(alike[np.ix_(a, b)].mean(), i, j) for i, a in enumerate(groups) for j, b in enumerate(groups[:i])]
        best, i, j = max(pairs)
        if best < 0.75:
            break
        groups[j] += groups.pop(i)
    expected = {shot: min(group) for group in groups for shot in group}
    assert average_linkage(alike, 0.75).tolist() == [expected[shot] for shot in range(25)]
    assert 4 < len(groups) < 20
