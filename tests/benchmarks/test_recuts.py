"""A made-up film in another cut: which frames are left, and what is counted."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.recuts import FRAME_RATE, KEPT_SHARE, Recut, make_recut, measure
from benchmarks.shots import encode
from matchcut.repeats import Repeats
from matchcut.shot_embeddings import ShotEmbeddings
from tests import clips
from tests.shot_embeddings import embeddings_of
from tests.shot_tables import shot_table


def test_a_recut_leaves_some_shots_shorter_and_in_order() -> None:
    shots = shot_table([40] * 10)
    recut = Recut.of(shots, seed=1)
    assert len(recut.shot) == KEPT_SHARE * 10
    assert (np.diff(recut.shot) > 0).all()
    assert (recut.start_frame >= shots.start_frame[recut.shot]).all()
    assert (recut.stop_frame <= shots.stop_frame[recut.shot]).all()
    assert (recut.stop_frame - recut.start_frame >= 20).all()
    assert recut.table.num_frames == (recut.stop_frame - recut.start_frame).sum()


def test_the_encoded_recut_has_the_frames_that_are_left(tmp_path: Path) -> None:
    clips.make_clip(tmp_path / "film.mp4", [clips.Shot(20, seed) for seed in (1, 2, 3)], size=(320, 180), number=False)
    recut = Recut(np.array([0, 2]), np.array([3, 45]), np.array([15, 60]))
    film = encode(tmp_path / "film.mp4", tmp_path / "film")
    left = encode(make_recut(tmp_path / "film.mp4", recut, tmp_path / "left.mkv"), tmp_path / "left")
    assert left.record.num_frames == recut.table.num_frames == 27
    assert left.record.frame_rate == FRAME_RATE
    size = (64, 36)
    shown = [picture for _, picture in left.frames_at([0, 26], size=size)]
    meant = [picture for _, picture in film.frames_at([3, 59], size=size)]
    for one, other in zip(shown, meant, strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9


def share_by_vector(a: ShotEmbeddings, b: ShotEmbeddings) -> Repeats:
    shot_a, shot_b = np.nonzero(a.vectors @ b.vectors.T > 0.99)
    return Repeats(shot_a, shot_b, np.ones(len(shot_a), np.float32), len(a) * len(b))


def test_a_recut_is_its_own_film_and_no_other() -> None:
    films = {"one": (embeddings_of([0, 1, 2, 3]), np.ones(4)), "other": (embeddings_of([7, 8, 3]), np.ones(3))}
    left = Recut(np.array([0, 2, 3]), np.array([0, 0, 0]), np.array([1, 1, 1]))
    told = measure(films, {"one": (left, embeddings_of([0, 2, 9]), np.ones(3))}, share_by_vector)
    assert told == {
        "recuts": 1,
        "told_to_be_the_same_film": 1,
        "pairs_with_other_films": 1,
        "others_told_to_be_the_same": 0,
        "shots": 3,
        "shots_found": 2,
    }


@pytest.mark.parametrize("seed", [0, 1])
def test_a_recut_is_the_same_under_a_seed(seed: int) -> None:
    shots = shot_table([40] * 10)
    np.testing.assert_array_equal(Recut.of(shots, seed).shot, Recut.of(shots, seed).shot)
