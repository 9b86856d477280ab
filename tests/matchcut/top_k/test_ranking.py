import re
from dataclasses import replace
from time import perf_counter

import numpy as np
import pyarrow as pa
import pytest

from matchcut.errors import MissingFeatureError
from matchcut.top_k import (
    LISTED_COLUMNS,
    Candidate,
    RankingWeights,
    TitleShots,
    TopKParameters,
    candidates_to_arrow,
    load_candidates,
    rank_candidates,
    save_candidates,
)
from tests.encodes import encode_record

FRAMES_PER_SHOT = 25  # one second
RECORD = encode_record(start_timecode="10:00:00:00")
PLAIN = TopKParameters(near_seconds=0, weights=RankingWeights(diversity=0))  # no demotion by time or repeats
NO_DIVERSITY = TopKParameters(weights=RankingWeights(diversity=0))


def title_of(num_shots, *, vectors=None, kept=None):
    """A title of one-second shots."""
    start = np.arange(num_shots) * FRAMES_PER_SHOT
    return TitleShots(
        record=RECORD,
        start_frame=start,
        stop_frame=start + FRAMES_PER_SHOT,
        kept=np.ones(num_shots, dtype=bool) if kept is None else np.array(kept),
        group=np.arange(num_shots),
        vectors=None if vectors is None else np.array(vectors, dtype=np.float32)[:, None, :],
    )


def pairs_of(*rows):
    """Scored pairs from (title_a, shot_a, title_b, shot_b, score); cut from A's last frame to B's first."""
    title_a, shot_a, title_b, shot_b, score = zip(*rows, strict=True)
    return pa.table(
        {
            "title_a": pa.array(title_a),
            "shot_a": pa.array(shot_a, pa.int64()),
            "frame_a": pa.array([shot * FRAMES_PER_SHOT + FRAMES_PER_SHOT - 1 for shot in shot_a], pa.int64()),
            "title_b": pa.array(title_b),
            "shot_b": pa.array(shot_b, pa.int64()),
            "frame_b": pa.array([shot * FRAMES_PER_SHOT for shot in shot_b], pa.int64()),
            "score": pa.array(score, pa.float32()),
            "iou": pa.array(score, pa.float32()),
        }
    )


def ranked(pairs, titles, k=10, parameters=PLAIN):
    """(title_a, shot_a, title_b, shot_b) of the candidates, best first."""
    found = rank_candidates(pairs, titles, flavor="frame_match", k=k, parameters=parameters)
    return [(each.title_a, each.shot_a, each.title_b, each.shot_b) for each in found]


def test_the_best_score_comes_first_with_everything_an_editor_needs():
    pairs = pairs_of(("film", 0, "film", 2, 0.5), ("film", 1, "other", 3, 0.75))
    best, second = rank_candidates(
        pairs, {"film": title_of(4), "other": title_of(4)}, flavor="frame_match", k=10, parameters=PLAIN
    )
    assert best == Candidate(
        rank=1,
        flavor="frame_match",
        score=0.75,
        title_a="film",
        shot_a=1,
        frame_a=49,
        timecode_a="10:00:01:24",
        title_b="other",
        shot_b=3,
        frame_b=75,
        timecode_b="10:00:03:00",
        cues={"iou": 0.75, "pair_score": 0.75, "shorter_seconds": 1.0, "repeats": 0.0},
        start_frame_a=25,
        stop_frame_a=50,
        start_frame_b=75,
        stop_frame_b=100,
    )
    assert second.rank == 2
    assert second.cues["seconds_apart"] == pytest.approx(26 / 25)


def test_no_more_than_k_are_returned():
    pairs = pairs_of(*[("film", i, "film", i + 10, 0.5) for i in range(8)])
    assert len(ranked(pairs, {"film": title_of(20)}, k=3)) == 3
    assert len(ranked(pairs, {"film": title_of(20)}, k=None, parameters=TopKParameters(k=4))) == 4


def test_the_better_of_both_directions_stays():
    pairs = pairs_of(("film", 0, "film", 5, 0.5), ("film", 5, "film", 0, 0.6), ("film", 5, "film", 0, 0.6))
    assert ranked(pairs, {"film": title_of(6)}) == [("film", 5, "film", 0)]


def test_a_shot_appears_in_three_candidates_and_no_more():
    pairs = pairs_of(*[("film", 0, "film", i, 1 - i / 100) for i in range(2, 7)], ("film", 8, "film", 5, 0.1))
    assert ranked(pairs, {"film": title_of(9)}) == [
        ("film", 0, "film", 2),
        ("film", 0, "film", 3),
        ("film", 0, "film", 4),
        ("film", 8, "film", 5),
    ]


def test_near_duplicates_in_two_titles_are_no_match_cut():
    titles = {"film": title_of(2, vectors=[[1, 0], [0, 1]]), "recap": title_of(1, vectors=[[1, 0]])}
    pairs = pairs_of(("film", 0, "recap", 0, 0.9), ("film", 1, "recap", 0, 0.2))
    assert ranked(pairs, titles) == [("film", 1, "recap", 0)]


def test_a_shot_and_its_copy_in_another_title_share_their_uses():
    vectors = np.eye(5)
    titles = {name: title_of(2, vectors=[vectors[0], vectors[i]]) for i, name in enumerate("abcd", start=1)}
    order = [("a", 0, "b", 1), ("b", 0, "c", 1), ("c", 1, "a", 1), ("c", 0, "d", 1), ("d", 0, "a", 1)]
    pairs = pairs_of(*[(*cut, 1 - place / 10) for place, cut in enumerate(order)])
    assert ranked(pairs, titles) == order[:4]


def test_one_pair_of_near_duplicate_pairs_stays():
    titles = {name: title_of(2, vectors=[[1, 0], [0, 1]]) for name in "ab"}
    pairs = pairs_of(("a", 1, "a", 0, 0.9), ("b", 1, "b", 0, 0.8), ("b", 0, "a", 1, 0.7))
    assert ranked(pairs, titles) == [("a", 1, "a", 0)]


def test_a_cut_that_the_film_makes_itself_is_no_candidate():
    titles = {"film": title_of(3), "next": title_of(2)}
    pairs = pairs_of(
        ("film", 0, "film", 1, 0.9),
        ("film", 1, "film", 0, 0.8),
        ("film", 2, "next", 0, 0.7),
        ("film", 0, "next", 1, 0.6),
    )
    assert ranked(pairs, titles) == [("film", 1, "film", 0), ("film", 2, "next", 0), ("film", 0, "next", 1)]


def test_shots_that_are_not_kept_are_no_candidates():
    pairs = pairs_of(("film", 0, "film", 2, 0.9), ("film", 1, "film", 3, 0.5))
    assert ranked(pairs, {"film": title_of(4, kept=[False, True, True, True])}) == [("film", 1, "film", 3)]


def test_shots_of_one_group_are_no_pair_and_shots_of_their_own_are():
    film = replace(title_of(4), group=np.array([-1, 3, -1, 3]))
    pairs = pairs_of(("film", 1, "film", 3, 0.9), ("film", 0, "film", 2, 0.5))
    assert ranked(pairs, {"film": film}) == [("film", 0, "film", 2)]


def test_alike_shots_are_demoted_and_say_so():
    cosine = 0.625  # half way from alike (0.55) to the same place (0.7)
    film = title_of(3, vectors=[[1, 0], [cosine, np.sqrt(1 - cosine**2)], [0, 1]])
    pairs = pairs_of(("film", 1, "film", 0, 0.8))
    (only,) = rank_candidates(pairs, {"film": film}, flavor="f", k=1, parameters=PLAIN)
    assert only.score == pytest.approx(0.8 * (1 - 0.9 / 2))
    assert only.cues["look"] == pytest.approx(cosine)
    assert only.cues["pair_score"] == pytest.approx(0.8)


def test_a_demoted_pair_comes_after_the_weaker_one_that_surprises():
    film = title_of(4, vectors=[[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1], [0, 1, 0]])
    pairs = pairs_of(("film", 1, "film", 0, 0.9), ("film", 3, "film", 2, 0.6))
    assert ranked(pairs, {"film": film}) == [("film", 3, "film", 2), ("film", 1, "film", 0)]


def test_shots_close_in_time_are_demoted_in_proportion():
    film = title_of(100)  # 100 s: near means less than 50 s
    pairs = pairs_of(("film", 1, "film", 0, 0.8), ("film", 10, "film", 13, 0.8), ("film", 20, "film", 80, 0.8))
    found = rank_candidates(pairs, {"film": film}, flavor="f", k=3, parameters=NO_DIVERSITY)
    assert [each.score for each in found] == pytest.approx([0.8, 0.8 * (1 - 0.7 * 48 / 50), 0.8 * 0.3])


def test_two_minutes_are_far_enough_in_a_long_film():
    film = title_of(1000)
    pairs = pairs_of(("film", 0, "film", 121, 0.8), ("film", 500, "film", 560, 0.8))
    found = rank_candidates(pairs, {"film": film}, flavor="f", k=3, parameters=NO_DIVERSITY)
    assert [each.score for each in found] == pytest.approx([0.8, 0.8 * (1 - 0.7 * 61 / 120)])


def test_time_never_demotes_pairs_of_two_titles():
    pairs = pairs_of(("a", 0, "b", 0, 0.5))
    (only,) = rank_candidates(pairs, {"a": title_of(2), "b": title_of(2)}, flavor="f", k=1)
    assert only.score == pytest.approx(0.5)


def test_titles_that_are_not_asked_for_are_left_out():
    pairs = pairs_of(("a", 0, "b", 0, 0.9), ("a", 1, "a", 0, 0.5))
    assert ranked(pairs, {"a": title_of(2)}) == [("a", 1, "a", 0)]


def test_scores_of_zero_and_nan_are_no_candidates():
    pairs = pairs_of(("a", 1, "a", 0, 0.0), ("a", 0, "a", 2, float("nan")))
    assert ranked(pairs, {"a": title_of(3)}) == []


def test_no_pairs_and_no_titles_give_no_candidates():
    empty = pairs_of(("a", 1, "a", 0, 0.5)).slice(0, 0)
    assert ranked(empty, {"a": title_of(2)}) == []
    assert ranked(empty, {}) == []
    assert ranked(pairs_of(("a", 1, "a", 0, 0.5)), {}) == []


def test_the_order_of_rows_changes_nothing():
    generator = np.random.default_rng(7)
    shots = generator.integers(0, 30, (400, 2))
    scores = generator.integers(1, 5, 400) / 8  # many ties
    titles = {name: title_of(30, vectors=generator.standard_normal((30, 8))) for name in "ab"}
    pairs = pairs_of(
        *[
            ("ab"[i % 2], a, "ab"[i % 3 % 2], b, score)
            for i, ((a, b), score) in enumerate(zip(shots, scores, strict=True))
        ]
    )
    expected = ranked(pairs, titles, k=20)
    for _ in range(3):
        assert ranked(pairs.take(generator.permutation(len(pairs))), titles, k=20) == expected


def test_visiting_pairs_in_blocks_gives_what_visiting_all_at_once_gives(monkeypatch):
    generator = np.random.default_rng(8)
    vectors = generator.standard_normal((40, 3))
    film = title_of(40, vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    pairs = pairs_of(*[("film", i, "film", j, generator.random()) for i in range(40) for j in range(40) if i != j])
    expected = ranked(pairs, {"film": film}, parameters=TopKParameters())
    monkeypatch.setattr("matchcut.top_k.ranking.VISITED_AT_ONCE", 7)
    assert ranked(pairs, {"film": film}, parameters=TopKParameters()) == expected


def test_titles_as_dictionary_columns_of_several_chunks_are_read():
    parts = [pairs_of(("a", 1, "a", 0, 0.5)), pairs_of(("b", 0, "a", 1, 0.75))]
    encoded = [
        part.set_column(0, "title_a", part["title_a"].dictionary_encode()).set_column(
            3, "title_b", part["title_b"].dictionary_encode()
        )
        for part in parts
    ]
    assert ranked(pa.concat_tables(encoded), {"a": title_of(2), "b": title_of(2)}) == [
        ("b", 0, "a", 1),
        ("a", 1, "a", 0),
    ]


def test_a_variable_rate_is_measured_in_time():
    ticks = np.concatenate([np.arange(50), 250 + np.arange(25)])  # the third shot begins after 10 s
    film = replace(title_of(3), record=replace(RECORD, is_variable_rate=True), ticks=ticks)
    (only,) = rank_candidates(pairs_of(("film", 0, "film", 2, 0.5)), {"film": film}, flavor="f", k=1)
    assert only.timecode_b == "10:00:10:00"
    assert only.cues["seconds_apart"] == pytest.approx(10 - 24 / 25)


def test_candidates_survive_the_file(tmp_path):
    pairs = pairs_of(("a", 1, "a", 0, 0.5), ("a", 1, "b", 1, 0.25))
    found = rank_candidates(pairs, {"a": title_of(2), "b": title_of(2)}, flavor="f", k=5)
    save_candidates(found, tmp_path)
    assert load_candidates(tmp_path) == found
    save_candidates([], tmp_path)
    assert load_candidates(tmp_path) == []


def test_listed_columns_come_first_and_in_the_order_of_the_command_line():
    found = rank_candidates(pairs_of(("a", 1, "a", 0, 0.5)), {"a": title_of(2)}, flavor="f", k=5)
    names = candidates_to_arrow(found).column_names
    assert ",".join(LISTED_COLUMNS) == (
        "rank,flavor,score,title_a,shot_a,frame_a,timecode_a,title_b,shot_b,frame_b,timecode_b"
    )
    assert names[: len(LISTED_COLUMNS)] == list(LISTED_COLUMNS)
    assert names[len(LISTED_COLUMNS) : -4] == ["iou", "pair_score", "shorter_seconds", "repeats", "seconds_apart"]


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=re.escape("lack the columns ['frame_b']")):
        ranked(pairs_of(("a", 0, "a", 1, 0.5)).drop_columns("frame_b"), {"a": title_of(2)})


def test_a_shot_that_is_no_longer_there_says_what_to_do():
    with pytest.raises(MissingFeatureError, match=re.escape("film: a scored pair names shot 5 and frame 125")):
        ranked(pairs_of(("film", 0, "film", 5, 0.5)), {"film": title_of(2)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"near_share": 1.5}, "near_share must lie in [0, 1], got 1.5"),
        ({"enough_seconds": 0}, "enough_seconds and enough_sharpness must be positive"),
        (
            {"alike_similarity": 0.9},
            "alike_similarity must lie in [-1, near_duplicate_similarity), got 0.9 and 0.82",
        ),
        (
            {"same_place_similarity": 0.5},
            "alike_similarity must lie in [-1, same_place_similarity), got 0.55 and 0.5",
        ),
        ({"max_uses_per_shot": 0}, "k and max_uses_per_shot must be at least 1"),
        ({"k": 0}, "k and max_uses_per_shot must be at least 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TopKParameters(**change)


def test_weights_that_would_raise_a_score_are_refused():
    with pytest.raises(ValueError, match=re.escape("the weight place must lie in [0, 1], got 1.5")):
        RankingWeights(place=1.5)


def test_k_must_be_positive():
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        ranked(pairs_of(("a", 0, "a", 1, 0.5)), {"a": title_of(2)}, k=0)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="kept has 1 rows for 2 shots"):
        replace(title_of(2), kept=np.ones(1, dtype=bool))
    with pytest.raises(ValueError, match="needs the ticks"):
        replace(title_of(2), record=replace(RECORD, is_variable_rate=True))


def test_embeddings_of_different_models_are_refused():
    titles = {"a": title_of(1, vectors=[[1, 0]]), "b": title_of(1, vectors=[[1, 0, 0]])}
    with pytest.raises(ValueError, match=re.escape("different shapes [(1, 2), (1, 3)]")):
        ranked(pairs_of(("a", 0, "b", 0, 0.5)), titles)


def ranked_with(weights, *, titles, pairs, others=None):
    """Scores of the candidates by (shot_a, shot_b), one cue at work."""
    off = dict.fromkeys(vars(RankingWeights()), 0.0)
    parameters = TopKParameters(weights=RankingWeights(**{**off, **weights}))
    found = rank_candidates(pairs, titles, flavor="f", k=9, parameters=parameters, others=others)
    return {(each.shot_a, each.shot_b): each for each in found}


def test_what_other_flavors_agree_with_comes_first():
    pairs = pairs_of(("a", 0, "b", 0, 0.6), ("a", 1, "b", 1, 0.5))
    others = {
        "action": pairs_of(("a", 1, "b", 1, 0.8), ("b", 0, "a", 0, 0.9)),
        "sound": pairs_of(("a", 1, "b", 1, 0.4)),
    }
    titles = {"a": title_of(2), "b": title_of(2)}
    found = ranked_with({"agreement": 0.5}, titles=titles, pairs=pairs, others=others)
    assert list(found) == [(1, 1), (0, 0)]
    assert found[1, 1].cues["agreement"] == pytest.approx((0.8 + 0.4) / 2)
    assert found[1, 1].score == pytest.approx(0.5 * (1 - 0.5 * 0.4))
    assert found[0, 0].cues["agreement"] == 0  # the way back is another cut
    assert found[0, 0].score == pytest.approx(0.6 * 0.5)


def test_without_another_flavor_agreement_takes_nothing_and_is_not_told():
    found = ranked_with({"agreement": 1}, titles={"a": title_of(3)}, pairs=pairs_of(("a", 0, "a", 2, 0.6)))
    assert found[0, 2].score == pytest.approx(0.6)
    assert "agreement" not in found[0, 2].cues


def test_the_best_of_several_scores_of_one_cut_agrees():
    others = {"action": pairs_of(("a", 0, "a", 2, 0.2), ("a", 0, "a", 2, 0.7), ("a", 0, "a", 2, 0.3))}
    found = ranked_with(
        {"agreement": 1}, titles={"a": title_of(3)}, pairs=pairs_of(("a", 0, "a", 2, 0.5)), others=others
    )
    assert found[0, 2].cues["agreement"] == pytest.approx(0.7)


def test_a_flash_is_demoted_in_proportion_to_its_length():
    film = title_of(5)
    film = replace(film, stop_frame=film.start_frame + np.array([25, 5, 25, 10, 25]))
    found = ranked_with(
        {"length": 0.5}, titles={"a": film}, pairs=pairs_of(("a", 0, "a", 2, 0.5), ("a", 3, "a", 1, 0.5))
    )
    assert found[0, 2].score == pytest.approx(0.5)
    assert found[3, 1].score == pytest.approx(0.5 * (1 - 0.5 * 0.8))
    assert found[3, 1].cues["shorter_seconds"] == pytest.approx(0.2)


def test_sharpness_is_asked_where_the_cut_is():
    film = replace(title_of(3), sharpness=np.array([[1, 20], [20, 20], [20, 5]], np.float32))  # start, end of each
    there, back = (
        ranked_with({"sharpness": 1}, titles={"a": film}, pairs=pairs_of(("a", a, "a", b, 0.5)))[a, b]
        for a, b in ((0, 2), (2, 0))
    )
    assert there.score == pytest.approx(0.5)
    assert back.score == pytest.approx(0.5 * 0.1)
    assert back.cues["sharpness"] == 1


@pytest.mark.parametrize("cue", ["confidence", "motion"])
def test_what_the_flavor_is_not_sure_of_or_what_moves_on_differently_is_demoted(cue):
    pairs = pairs_of(("a", 0, "b", 0, 0.6), ("a", 1, "b", 1, 0.5))
    pairs = pairs.append_column(cue, pa.array([0.5, 1.0], pa.float32()))
    found = ranked_with({cue: 0.5}, titles={"a": title_of(2), "b": title_of(2)}, pairs=pairs)
    assert found[0, 0].score == pytest.approx(0.6 * 0.75)
    assert list(found) == [(1, 1), (0, 0)]


@pytest.mark.parametrize(("width", "height", "covered"), [(36, 64, 81 / 256), (86, 36, 64 / 86), (128, 72, 1)])
def test_a_picture_of_another_shape_is_demoted_by_what_it_does_not_cover(width, height, covered):
    titles = {"wide": title_of(1), "other": replace(title_of(1), record=replace(RECORD, width=width, height=height))}
    (only,) = ranked_with({"shape": 0.5}, titles=titles, pairs=pairs_of(("other", 0, "wide", 0, 0.8))).values()
    assert only.score == pytest.approx(0.8 * (1 - 0.5 * (1 - covered)))


def test_a_cut_that_repeats_a_better_one_gives_way_to_a_weaker_new_one():
    vectors = [[1, 0, 0, 0], [0, 1, 0, 0], [0.685, 0, np.sqrt(1 - 0.685**2), 0], [0, 0, 0, 1]]
    titles = {name: title_of(1, vectors=[vector]) for name, vector in zip("abcd", vectors, strict=True)}
    pairs = pairs_of(("a", 0, "b", 0, 0.9), ("c", 0, "b", 0, 0.8), ("d", 0, "a", 0, 0.7))
    off = dict.fromkeys(vars(RankingWeights()), 0.0)

    def order(diversity):
        parameters = TopKParameters(weights=RankingWeights(**{**off, "diversity": diversity}))
        found = rank_candidates(pairs, titles, flavor="f", k=3, parameters=parameters)
        return [(each.title_a + each.title_b, round(each.cues["repeats"], 3), each.score) for each in found]

    # c is half alike a (0.685 lies between 0.55 and 0.82) and b is b again: three quarters; a alone: a half.
    assert order(0) == [
        ("ab", 0, pytest.approx(0.9)),
        ("cb", 0.75, pytest.approx(0.8)),
        ("da", 0.5, pytest.approx(0.7)),
    ]
    assert order(0.8) == [
        ("ab", 0, pytest.approx(0.9)),
        ("da", 0.5, pytest.approx(0.7 * 0.6)),
        ("cb", 0.75, pytest.approx(0.8 * 0.4)),
    ]


def test_scenes_of_one_title_repeat_whatever_their_shots_show():
    pairs = pairs_of(("a", 0, "b", 0, 0.9), ("a", 1, "b", 1, 0.8), ("a", 99, "b", 99, 0.7))
    titles = {"a": title_of(100), "b": title_of(100)}
    found = ranked_with({"diversity": 0.5}, titles=titles, pairs=pairs)
    assert list(found) == [(0, 0), (99, 99), (1, 1)]
    assert found[99, 99].cues["repeats"] == 0
    assert found[1, 1].score == pytest.approx(0.8 * (1 - 0.5 * 0.5))  # neighbours in time are half the same


@pytest.mark.parametrize("pooled_at_once", [1, 7, 1000])
def test_the_choice_is_the_greatest_each_time_however_few_are_looked_at(monkeypatch, pooled_at_once):
    monkeypatch.setattr("matchcut.top_k.selection.POOLED_AT_ONCE", pooled_at_once)
    generator = np.random.default_rng(10)
    vectors = generator.standard_normal((30, 4))
    film = title_of(30, vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    pairs = pairs_of(*[("film", i, "film", j, generator.random()) for i in range(30) for j in range(30) if j != i + 1])
    parameters = TopKParameters(weights=RankingWeights(diversity=0.9), max_uses_per_shot=3)
    found = rank_candidates(pairs, {"film": film}, flavor="film", k=12, parameters=parameters)
    scores = _without_repeats(pairs, film, parameters)
    chosen: list[tuple[int, int]] = []
    for each in found:
        marginal = {pair: score * (1 - 0.9 * _repeats(pair, chosen, film)) for pair, score in scores.items()}
        allowed = {pair: score for pair, score in marginal.items() if _is_open(pair, chosen, film)}
        assert (each.shot_a, each.shot_b) == max(allowed, key=lambda pair: allowed[pair])
        assert each.score == pytest.approx(allowed[each.shot_a, each.shot_b])
        chosen.append((each.shot_a, each.shot_b))
    assert len(chosen) == 12


def _without_repeats(pairs, film, parameters):
    """(shot_a, shot_b) to the score of the pair where none repeats another."""
    alone = replace(parameters, weights=replace(parameters.weights, diversity=0), max_uses_per_shot=2 * len(pairs))
    found = rank_candidates(pairs, {"film": film}, flavor="f", k=len(pairs), parameters=alone)
    return {(each.shot_a, each.shot_b): each.score for each in found}


def _alike(x, y, film):
    """Likeness of two shots, one number at a time: from cosine 0.55 to 0.82, or half of nearness within 15 s."""
    look = np.clip((float(film.vectors[x, 0] @ film.vectors[y, 0]) - 0.55) / 0.27, 0, 1)
    nearness = 1 - min(max(abs(x - y) - 1, 0) / 15, 1)
    return 1.0 if x == y else max(look, 0.5 * nearness)


def _repeats(pair, chosen, film):
    both = [
        max(_alike(pair[0], a, film) + _alike(pair[1], b, film), _alike(pair[0], b, film) + _alike(pair[1], a, film))
        / 2
        for a, b in chosen
    ]
    return max(both, default=0.0)


def _is_open(pair, chosen, film):
    uses = [sum(any(_alike(shot, side, film) >= 1 for side in other) for other in chosen) for shot in pair]
    return max(uses) < 3 and _repeats(pair, chosen, film) < 1


@pytest.mark.slow
def test_a_million_pairs_rank_in_seconds():
    generator = np.random.default_rng(9)
    num_shots, num_pairs = 500, 1_000_000
    titles = {}
    for name in ("a", "b", "c", "d"):
        vectors = generator.standard_normal((num_shots, 3, 1280)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
        titles[name] = replace(title_of(num_shots), vectors=vectors)
    names = np.array(list(titles))
    shot_a, shot_b = generator.integers(0, num_shots, (2, num_pairs))
    pairs = pa.table(
        {
            "title_a": names[generator.integers(0, 4, num_pairs)],
            "shot_a": shot_a,
            "frame_a": shot_a * FRAMES_PER_SHOT,
            "title_b": names[generator.integers(0, 4, num_pairs)],
            "shot_b": shot_b,
            "frame_b": shot_b * FRAMES_PER_SHOT,
            "score": generator.random(num_pairs, dtype=np.float32),
        }
    )
    begin = perf_counter()
    assert len(ranked(pairs, titles, k=200)) == 200
    assert perf_counter() - begin < 20
