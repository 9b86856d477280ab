"""Pairs in Netflix's schema, made up for films whose shots are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.labelled_pairs import average_precision, films_in, main, offset_of, read_labels
from matchcut.errors import MatchcutError
from tests import clips

SEEDS = (11, 12, 13, 14, 15, 16)
PANS = ((4, 0), (-4, 0), (4, 0), (0, 3), (0, -3), (-4, 0))
FRAMES = 40  # 1.6 s at 25 frames per second


def entry(first: int, second: int, is_good: bool | None, imdb_id: str = "tt0000001", late: float = 0.0) -> dict:
    """A pair of shots as Netflix writes it."""
    row: dict[str, object] = {"imdb_id": imdb_id}
    for clip, shot in (("clip1", first), ("clip2", second)):
        row |= {
            f"{clip}_index": 10 * shot,  # the labels' numbers are not ours
            f"{clip}_start": shot * FRAMES / 25 - late,
            f"{clip}_end": (shot + 1) * FRAMES / 25 - late,
        }
    if is_good is not None:
        row |= {"majority_label": is_good, "annotator_labels": {"1": is_good, "2": is_good, "3": is_good}}
        row["source_info"] = [{"source_name": "heuristic 1", "rank": 1, "score": 1.0}]
    return row


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One film of six pans: 0 and 2 go right, 1 and 5 left."""
    folder = tmp_path_factory.mktemp("films")
    shots = [clips.Shot(FRAMES, seed, pan, (0, 0)) for seed, pan in zip(SEEDS, PANS, strict=True)]
    clips.make_clip(folder / "Pans (2001) {imdb-tt0000001}.mp4", shots, size=(320, 180), number=False)
    return folder


def motion_labels(late: float = 0.0) -> list[dict]:
    good = {(0, 2), (1, 5)}
    return [entry(a, b, (a, b) in good, late=late) for a in range(6) for b in range(a + 1, 6)]


@pytest.mark.slow
@pytest.mark.weights
def test_pairs_of_a_film_are_scored_by_every_flavor(films: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    labels, negatives, out = (tmp_path / name for name in ("dataset-motion.json", "dataset-random-negatives.json", "o"))
    labels.write_text(json.dumps([*motion_labels(late=0.4), entry(0, 1, True, "tt0000002")]))
    negatives.write_text(json.dumps([entry(3, 4, None, late=0.4)]))
    assert (
        main(["--films", str(films), "--json", str(out), "--home", str(tmp_path / "h"), str(labels), str(negatives)])
        == 0
    )
    result = json.loads(out.read_text())
    film = result["films"]["tt0000001"]
    assert film["offset_seconds"] == pytest.approx(0.4, abs=0.02)
    assert film["aligned"] == 1
    assert film["shots"] == 6
    motion = result["tasks"]["motion"]
    assert (motion["pairs"], motion["good"]) == (16, 2)
    assert motion["average_precision"]["action_match"] == 1
    assert motion["average_precision"]["sound_match"] == pytest.approx(
        2 / 16
    )  # nothing is heard: no better than chance
    assert motion["published"]["R(2+1)D, metric learning"] == 0.217
    told = capsys.readouterr().out
    assert "| action_match | 1.000 |" in told
    assert "| published, all test films: R(2+1)D, metric learning | 0.217 |" in told


def test_films_that_are_not_there_are_said(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    labels = tmp_path / "dataset-frame.json"
    labels.write_text(json.dumps([entry(0, 1, True)]))
    (tmp_path / "films").mkdir()
    assert main(["--films", str(tmp_path / "films"), str(labels)]) == 1
    assert "Name the films that you own like tt0118799.mkv" in capsys.readouterr().err


def test_a_file_of_another_kind_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "dataset-frame.json"
    path.write_text(json.dumps([{"imdb_id": "tt0000001", "clip1_index": 3}]))
    with pytest.raises(MatchcutError, match=r"entry 0 lacks clip1_start, clip1_end, clip2_index"):
        read_labels(path)
    path.write_text("imdb_id,clip1_index")
    with pytest.raises(MatchcutError, match="cannot be read as JSON"):
        read_labels(path)
    path.write_text("{}")
    with pytest.raises(MatchcutError, match="no list of labelled pairs"):
        read_labels(path)


def test_a_film_is_found_by_the_id_in_its_name(tmp_path: Path) -> None:
    for name in ("tt0118799.mkv", "A (1997) {imdb-tt0050706}.mp4", "tt0050706.txt", "none.mp4"):
        (tmp_path / name).touch()
    assert {key: path.name for key, path in films_in(tmp_path).items()} == {
        "tt0118799": "tt0118799.mkv",
        "tt0050706": "A (1997) {imdb-tt0050706}.mp4",
    }


def test_average_precision_of_lists_counted_by_hand() -> None:
    assert average_precision([True, False, True, False], [4, 3, 2, 1]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([False, True], [2, 1]) == pytest.approx(1 / 2)
    assert average_precision([True, False, False, False], [0, 0, 0, 0]) == pytest.approx(1 / 4)  # ties are chance
    assert np.isnan(average_precision([False], [1]))


def test_an_offset_is_found_among_boundaries_that_belong_to_no_label() -> None:
    generator = np.random.default_rng(3)
    boundaries = np.sort(generator.uniform(0, 3000, 400))
    starts = boundaries[::3] - 12.5
    offset, aligned = offset_of(starts, boundaries)
    assert offset == pytest.approx(12.5, abs=0.05)
    assert aligned == 1
    assert offset_of(starts, boundaries * 25 / 24)[1] < 0.5  # another speed is another film
    assert offset_of(np.array([0.0]), np.zeros(0)) == (0.0, 0.0)
