"""`matchcut` as people run it: in a process of its own, with exit codes, files and messages."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import clips
from tests.command_line import help_of, matchcut

pytestmark = pytest.mark.weights

TOP_COLUMNS = [
    "rank",
    "flavor",
    "score",
    "title_a",
    "shot_a",
    "frame_a",
    "timecode_a",
    "title_b",
    "shot_b",
    "frame_b",
    "timecode_b",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, films: dict[str, Path]) -> Path:
    """A folder as people have it: films with odd names, a file that is no film, notes."""
    folder = tmp_path_factory.mktemp("Meine Filme")
    shutil.copyfile(films["one"], folder / "Über den Dächern.mp4")
    shutil.copyfile(films["two"], folder / "two.mp4")
    clips.text_file(folder / "broken.mp4")
    (folder / "notes.txt").write_text("not a film")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """A home in which the folder was run once; the run itself is looked at by the first test."""
    home = tmp_path_factory.mktemp("home") / "of matchcut"
    home.mkdir()
    done = matchcut("run", folder, home=home)
    (home / "first-run.json").write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    return home


def test_one_bad_title_fails_alone_and_makes_the_exit_code_1(home: Path) -> None:
    code, output, errors = json.loads((home / "first-run.json").read_text())
    assert code == 1
    assert "failed: meine-filme0__broken" in errors
    assert "Traceback" not in errors
    assert "Action match" in output
    assert "/page/index.html" in output
    assert (home / "page" / "index.html").exists()


@pytest.fixture(scope="module")
def second_run(home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What is told when the whole library is run again."""
    again = matchcut("run", folder / "two.mp4", home=home)
    # The same file by another name in the library is another title of the same content.
    assert again.returncode == 0, again.stderr
    return matchcut("run", home=home)


def test_a_second_run_computes_nothing(second_run: subprocess.CompletedProcess[str]) -> None:
    assert "computed in" not in second_run.stderr
    assert second_run.stderr.count("remembered") > 10


def test_top_writes_the_named_columns_best_first(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "top.csv"
    done = matchcut("top", "--csv", file, "--flavor", "action_match", "-k", "5", home=home)
    assert done.returncode == 0, done.stderr
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert list(rows[0])[: len(TOP_COLUMNS)] == TOP_COLUMNS
    assert "movement" in rows[0]
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)


def test_top_of_a_title_and_json(home: Path) -> None:
    title = "meine-filme0__uber-den-dachern"
    rows = json.loads(matchcut("top", "--title", title, "--json", home=home).stdout)
    assert rows
    assert all(title in (row["title_a"], row["title_b"]) for row in rows)
    inside = json.loads(matchcut("top", "--title", title, "--within", "--json", home=home).stdout)
    assert all(row["title_a"] == row["title_b"] == title for row in inside)


def test_an_unknown_title_names_similar_ones(home: Path) -> None:
    done = matchcut("top", "--title", "meine-filme0__uber-den-dacher", home=home)
    assert done.returncode == 1
    assert "Did you mean one of meine-filme0__uber-den-dachern" in done.stderr


@pytest.mark.parametrize("format_", ["otio", "csv"])
def test_export_writes_the_best_cuts_and_says_where(home: Path, tmp_path: Path, format_: str) -> None:
    title, file = "meine-filme0__uber-den-dachern", tmp_path / "for the editor" / f"cuts.{format_}"
    done = matchcut("export", "--format", format_, "--title", title, "-k", "2", "--out", file, home=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{file}\n"
    assert "%C3%9Cber%20den%20D%C3%A4chern.mp4" in file.read_text()  # where the file lies, as a URL


def test_export_writes_a_page_and_a_reel(home: Path, tmp_path: Path) -> None:
    page = matchcut("export", "--format", "html", "-k", "1", "--out", tmp_path / "page", home=home)
    assert page.stdout == f"{tmp_path / 'page' / 'index.html'}\n", page.stderr
    reel = matchcut("export", "--format", "mp4", "-k", "1", "--out", tmp_path / "reel.mp4", home=home)
    assert reel.returncode == 0, reel.stderr
    assert (tmp_path / "reel.mp4").stat().st_size > 10_000


def test_shots_of_a_file_outside_the_library(home: Path, films: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "shots.csv"
    done = matchcut("shots", films["one"], "--csv", file, home=home)
    assert done.returncode == 0, done.stderr
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert list(rows[0]) == ["shot", "start_frame", "stop_frame", "transition_in", "confidence"]
    assert rows[0]["start_frame"] == "0"
    assert [row["stop_frame"] for row in rows[:-1]] == [row["start_frame"] for row in rows[1:]]


@pytest.mark.usefixtures("second_run")
def test_status_tells_versions_costs_and_savings(home: Path) -> None:
    rows = json.loads(matchcut("status", "--json", home=home).stdout)
    encode = next(row for row in rows if row["stage"] == "standardized_encode" and row["title"] == "meine-filme0__two")
    assert encode["is_stored"]
    assert encode["cost_seconds"] > 0
    assert encode["saved_seconds"] > 0
    assert len(encode["version"]) == 16
    broken = [row for row in rows if row["title"] == "meine-filme0__broken"]
    assert [(row["stage"], row["is_stored"]) for row in broken] == [("source_video", False)]
    assert "spent computing" in matchcut("status", home=home).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "nowhere.mp4"], 1, "there is no such file or folder"),
        (["top"], 1, "no title was matched yet"),
        (["shots", "nowhere.mp4"], 1, "there is no such file"),
        (["top", "-k", "0"], 2, "-k"),
        (["export", "--format", "otio", "--out", "cuts.otio"], 1, "no title was matched yet"),
        (["export", "--format", "prproj", "--out", "cuts.prproj"], 2, "otio"),
        (["export", "--format", "otio"], 2, "--out"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_mistakes_are_named_and_make_the_exit_code(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = matchcut(*arguments, home=tmp_path / "home")
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "matchcut.toml").write_text('[shots]\ndetector = "magic"\n')
    done = matchcut("status", home=home)
    assert done.returncode == 1
    assert "matchcut.toml" in done.stderr
    assert "fast" in done.stderr


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = matchcut("status", home=tmp_path / "file" / "home")
    assert done.returncode == 1
    assert "--home" in done.stderr


def test_help_is_worth_reading() -> None:
    program = Path(sys.executable).with_name("matchcut")
    text = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    for name in ("run", "shots", "duplicates", "top", "export", "status"):
        assert name in text
        assert "--home" in help_of(name)
