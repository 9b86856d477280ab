"""`matchcut duplicates` as people run it, on a film in which two set-ups come back."""

import csv
import json
from pathlib import Path

import pytest

from tests.clips import Shot, make_clip
from tests.command_line import matchcut

pytestmark = pytest.mark.weights

SEEDS = (3, 8, 3, 5, 8)
FRAMES = 25


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five shots: the first and the second set-up come back, the fourth stands alone."""
    path = tmp_path_factory.mktemp("film") / "again.mp4"
    make_clip(path, [Shot(FRAMES, seed) for seed in SEEDS], size=(320, 180), number=False)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def shot_list(path: Path, column: str = "end_frame", frames: int = FRAMES) -> Path:
    lines = [f"{n},{n * frames},{(n + 1) * frames}" for n in range(len(SEEDS))]
    path.write_text("\n".join([f"shot,start_frame,{column}", *lines]) + "\n")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_given_shots_are_grouped_and_the_earliest_kept(film: Path, home: Path, tmp_path: Path) -> None:
    shots, found = shot_list(tmp_path / "shots.csv"), tmp_path / "found.csv"
    done = matchcut("duplicates", film, "--shots", shots, "--csv", found, home=home)
    assert done.returncode == 0, done.stderr
    rows = rows_of(found)
    assert list(rows[0]) == ["shot", "group", "kept", "similarity", "reason"]
    assert [row["shot"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [row["group"] for row in rows] == ["0", "1", "0", "", "1"]
    assert [row["kept"] for row in rows] == ["true", "true", "false", "true", "false"]
    assert [row["reason"] for row in rows] == ["", "", "near-duplicate of shot 0", "", "near-duplicate of shot 1"]
    assert float(rows[2]["similarity"]) > 0.9


def test_detected_shots_are_grouped_too_and_given_ones_do_not_replace_them(
    film: Path, home: Path, tmp_path: Path
) -> None:
    detected = matchcut("duplicates", film, home=home)
    assert detected.returncode == 0, detected.stderr
    assert detected.stdout.splitlines()[0] == "shot,group,kept,similarity,reason"
    # The shots that `matchcut shots` writes are a shot list that `--shots` takes.
    shots = tmp_path / "shots.csv"
    assert matchcut("shots", film, "--csv", shots, home=home).returncode == 0
    again = matchcut("duplicates", film, "--shots", shots, home=home)
    assert again.stdout == detected.stdout


def test_the_same_ranges_from_another_file_are_remembered(film: Path, home: Path, tmp_path: Path) -> None:
    first = shot_list(tmp_path / "one.csv")
    assert matchcut("duplicates", film, "--shots", first, home=home).returncode == 0
    again = matchcut("duplicates", film, "--shots", shot_list(tmp_path / "two.csv", "stop_frame"), home=home)
    assert "computed in" not in again.stderr
    records = (json.loads(path.read_text()) for path in (home / "store" / "features" / "shots").rglob("record.json"))
    assert any("given" in record["algorithm"] for record in records)


def test_a_shot_list_of_another_film_is_named(film: Path, home: Path, tmp_path: Path) -> None:
    done = matchcut("duplicates", film, "--shots", shot_list(tmp_path / "other.csv", frames=99), home=home)
    assert done.returncode == 1
    assert "other.csv: shot 4 stops at frame 495, but the video has 125 frames" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_shot_list_is_named_before_anything_is_computed(film: Path, tmp_path: Path) -> None:
    (tmp_path / "shots.csv").write_text("first,last\n0,9\n")
    done = matchcut("duplicates", film, "--shots", tmp_path / "shots.csv", home=tmp_path / "home")
    assert done.returncode == 1
    assert "shots.csv: lacks the column shot, start_frame" in done.stderr
    assert not (tmp_path / "home").exists()
