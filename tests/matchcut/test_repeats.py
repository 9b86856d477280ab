import numpy as np
import pytest

from matchcut.near_duplicates.codes import ShotCodes
from matchcut.repeats import Overlap, Repeats, RepeatsParameters, catalogue_groups, decide, overlap, proposals
from tests.shot_embeddings import embeddings_of, model_of

MODEL = model_of(-20, 25)  # even odds at a cosine of 0.8


def repeats_of(*pairs: tuple[int, int]) -> Repeats:
    a, b = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Repeats(a, b, np.ones(len(a), np.float32), len(a))


def test_what_another_title_repeats_is_found_and_nothing_else():
    film, recap = embeddings_of([0, 1, 2, 3]), embeddings_of([9, 2, 0])
    codes = [ShotCodes.of(each, MODEL) for each in (film, recap)]
    [proposed] = proposals(codes[0], [codes[1]])
    found = decide(film, recap, proposed, MODEL)
    assert list(zip(found.shot_a.tolist(), found.shot_b.tolist(), strict=True)) == [(0, 2), (2, 1)]
    assert (found.similarity > 0.9).all()
    assert found.turned().shot_a.tolist() == [1, 2]
    assert found.turned().shot_b.tolist() == [2, 0]


LIKE_IT = [0.76, 0.65]  # by itself no near-duplicate of view 0: its cosine is 0.76
NOTHING = np.zeros(0, np.int64)


def found_in(film: list, other: list, *proposed: tuple[int, int]) -> list[tuple[int, int]]:
    i, j = np.array(proposed, dtype=np.int64).reshape(-1, 2).T
    found = decide(embeddings_of(film), embeddings_of(other), (i, j), MODEL)
    return list(zip(found.shot_a.tolist(), found.shot_b.tolist(), strict=True))


def test_a_doubtful_shot_between_two_that_repeat_in_order_repeats_too():
    assert found_in([5, 0, 6], [5, LIKE_IT, 6], (0, 0), (2, 2)) == [(0, 0), (1, 1), (2, 2)]


def test_a_doubtful_shot_repeats_neither_alone_nor_out_of_order_nor_beside_only_one():
    assert found_in([5, 0, 6], [7, LIKE_IT, 8], (1, 1)) == []
    assert found_in([5, 0, 6], [6, LIKE_IT, 5], (0, 2), (1, 1), (2, 0)) == [(0, 2), (2, 0)]
    assert found_in([5, 0, 6], [5, LIKE_IT, 8], (0, 0), (1, 1)) == [(0, 0)]


def test_another_shot_between_two_that_repeat_stays_another():
    assert found_in([5, 0, 6], [5, 1, 6], (0, 0), (2, 2)) == [(0, 0), (2, 2)]


def test_nothing_that_is_proposed_repeats_nothing():
    found = decide(embeddings_of([0]), embeddings_of([0]), (NOTHING, NOTHING), MODEL)
    assert (len(found), found.compared) == (0, 0)


def test_the_order_of_proposals_is_indifferent():
    film, recap = embeddings_of([0, 1, 2]), embeddings_of([2, 0])
    found = decide(film, recap, (np.array([2, 0]), np.array([0, 1])), MODEL)
    assert list(zip(found.shot_a.tolist(), found.shot_b.tolist(), strict=True)) == [(0, 1), (2, 0)]


def test_a_catalogue_without_repeats_has_none():
    codes = [ShotCodes.of(embeddings_of([view]), MODEL) for view in (0, 1)]
    [proposed] = proposals(codes[0], [codes[1]], RepeatsParameters(max_distance=40))
    assert len(proposed[0]) == 0
    assert len(decide(embeddings_of([0]), embeddings_of([1]), proposed, MODEL)) == 0
    assert proposals(codes[0], []) == []


def test_blank_frames_repeat_nothing():
    a, b = embeddings_of([0]), embeddings_of([0])
    b.luma_std[:] = 0
    assert len(decide(a, b, (np.zeros(1, np.int64), np.zeros(1, np.int64)), MODEL)) == 0


def test_a_table_survives_the_store(tmp_path):
    repeats = repeats_of((0, 3), (2, 1))
    repeats.save(tmp_path)
    loaded = Repeats.load(tmp_path)
    assert loaded.shot_a.tolist() == [0, 2]
    assert loaded.shot_b.tolist() == [3, 1]
    assert loaded.compared == 2


def test_the_overlap_is_the_longest_run_forward_in_both_by_time():
    seconds_a, seconds_b = np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 3, 4, 10])
    whole = overlap(repeats_of((0, 0), (1, 1), (2, 2), (3, 3)), seconds_a, seconds_b)
    assert whole == Overlap(1.0, 0.5)
    assert whole.is_same_film()
    # The long shot comes back out of order: the three others go forward for 6 seconds, it for 4.
    jumbled = overlap(repeats_of((0, 1), (1, 2), (2, 3), (3, 0)), seconds_a, seconds_b)
    assert jumbled.share_a == pytest.approx(0.6)
    assert overlap(repeats_of(), seconds_a, seconds_b) == Overlap(0.0, 0.0)


def test_a_shot_that_repeats_twice_counts_once():
    shared = overlap(repeats_of((0, 0), (0, 1), (1, 1)), np.array([5.0, 5.0]), np.array([1.0, 1.0]))
    assert shared == Overlap(1.0, 1.0)


def test_a_trailer_is_not_the_film():
    assert not overlap(repeats_of((3, 0)), np.ones(90), np.ones(4)).is_same_film()


def test_groups_of_the_catalogue_join_what_titles_share():
    groups = {"film": np.array([0, -1, 0, -1]), "recap": np.array([-1, -1]), "other": np.array([-1])}
    joined = catalogue_groups(groups, [("film", "recap", repeats_of((2, 1))), ("film", "gone", repeats_of((1, 0)))])
    film, recap, other = joined["film"], joined["recap"], joined["other"]
    assert film[0] == film[2] == recap[1]
    assert len({film[0], film[1], film[3], recap[0], other[0]}) == 5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_distance": 256}, "max_distance"),
        ({"same_setup": 1.0}, "same_setup"),
        ({"same_film": 0}, "same_film"),
        ({"in_order": -1}, "in_order"),
    ],
)
def test_nonsense_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        RepeatsParameters(**parameters)
