"""Excerpts on a made-up film: a shot that goes from one picture to another by way of a third."""

import numpy as np

from benchmarks.excerpts import EXCERPT_SECONDS, at_moments, excerpt, is_moving, measure
from matchcut.repeats import Repeats
from matchcut.shot_embeddings import ShotEmbeddings, ShotEmbeddingsParameters, chosen_frames
from tests.shot_embeddings import embeddings_of_frames, model_of
from tests.shot_tables import shot_table


def share(a: ShotEmbeddings, b: ShotEmbeddings) -> Repeats:
    from matchcut.near_duplicates.codes import ShotCodes
    from matchcut.repeats import decide, proposals

    model = model_of(-20, 25)
    codes_a, codes_b = (ShotCodes.of(each, model) for each in (a, b))
    return decide(a, b, proposals(codes_a, [codes_b])[0], model)


def test_an_excerpt_is_a_second_inside_of_each_shot_and_short_shots_stay() -> None:
    shots, seconds = shot_table([100, 20]), np.arange(120) / 25
    taken = excerpt(shots, seconds, (1,))
    start, stop = taken.usable_start_frame[0], taken.usable_stop_frame[0]
    assert 0 <= start < stop <= 100
    assert abs((stop - start) / 25 - EXCERPT_SECONDS) <= 1 / 25
    assert (taken.usable_start_frame[1], taken.usable_stop_frame[1]) == (100, 120)
    assert len(chosen_frames(taken, seconds, ShotEmbeddingsParameters(moments=(0.1, 0.5))).frames) == 4


def test_what_lies_between_the_moments_is_found_by_all_frames_only() -> None:
    film = embeddings_of_frames([[0, 1, 2], [5, 5, 5]])
    excerpts = embeddings_of_frames([[1, 1], [5, 5]])
    assert at_moments(film).frames.tolist() == [0, 2, 3, 5]
    assert is_moving(film).tolist() == [True, False]
    told = measure({"film": (film, np.array([4.0, 4.0]), excerpts)}, share)
    assert (told["shots"], told["moving"]) == (2, 1)
    assert told["ways"]["all frames"]["recall"] == {"shots": 1.0, "moving": 1.0}
    assert told["ways"]["three frames"]["recall"] == {"shots": 0.5, "moving": 0.0}
    assert told["ways"]["all frames"]["frames_per_minute"] == 45.0
