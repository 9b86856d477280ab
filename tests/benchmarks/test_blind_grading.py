"""Graders see pictures in random order and nothing else; what they say finds its cut again."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.blind_grading import draw, frames_from, merged, read
from benchmarks.grades import VERDICTS, Cut, Grade, Side
from tests.clips import make_proxy

CUTS = [
    ("action_match", Cut(Side("a", 0, 20 + number, 0, 40), Side("b", 0, 5 + number, 0, 40), 0.9)) for number in range(4)
]


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    """Of four cuts between a dark and a light film."""
    films = {
        name: make_proxy(tmp_path / name, [np.full((36, 64, 3), level, np.uint8)] * 40)
        for name, level in (("a", 40), ("b", 200))
    }
    draw(CUTS, films, tmp_path / "drawing")
    return tmp_path / "drawing"


def graded(folder: Path, name: str, verdicts: list[str]) -> Path:
    lines = [f"{number:03d},{verdict},because" for number, verdict in enumerate(verdicts, start=1)]
    (folder / name).write_text("\n".join(["cut,verdict,reason", *lines]) + "\n")
    return folder / name


def test_a_picture_shows_a_up_to_the_cut_above_b_from_it_on(drawing: Path):
    picture = cv2.imread(str(drawing / "001.jpg"))
    height, width = picture.shape[:2]
    above, below = (int(picture[height * part // 8, width // 12].mean()) for part in (2, 6))
    assert above < 80 < 160 < below


def test_graders_are_told_the_way_of_matching_and_no_film_score_or_order(drawing: Path):
    assert (drawing / "cuts.csv").read_text().split() == [
        "cut,method",
        *(f"{number:03d},action_match" for number in (1, 2, 3, 4)),
    ]
    key = json.loads((drawing / "key.json").read_text())
    order = [row["a"]["frame"] for row in key]
    assert sorted(order) == [20, 21, 22, 23] != order


def test_graders_are_told_every_verdict(drawing: Path):
    told = (drawing / "instructions.md").read_text()
    assert all(f"\n- {verdict}: " in told for verdict in VERDICTS)


def test_another_drawing_is_not_written_over(drawing: Path):
    with pytest.raises(FileExistsError):
        draw(CUTS, {}, drawing)


def test_what_graders_say_finds_its_cut(drawing: Path):
    one = graded(drawing, "one.csv", ["accepted", "weak", "weak", "black"])
    two = graded(drawing, "two.csv", ["accepted", "accepted", "weak", "weak"])
    grades = read(drawing, [one, two])
    key = json.loads((drawing / "key.json").read_text())
    assert [grade.a.frame for grade in grades] == [row["a"]["frame"] for row in key]
    assert [grade.verdicts for grade in grades][:2] == [("accepted", "accepted"), ("weak", "accepted")]
    assert grades[0].reason == "because"


@pytest.mark.parametrize("verdicts", [["accepted"] * 3, ["accepted", "good", "weak", "weak"]])
def test_a_cut_without_a_verdict_is_named(drawing: Path, verdicts: list[str]):
    with pytest.raises(ValueError, match=r"one\.csv: cut 00\d has the verdict '(good)?'; write one of"):
        read(drawing, [graded(drawing, "one.csv", verdicts)])


def test_a_cut_that_is_graded_again_has_all_verdicts():
    grade = Grade("action_match", CUTS[0][1].a, CUTS[0][1].b, ("weak", "weak"), "still", "runner")
    other = replace(grade, method="frame_match")
    again = replace(grade, verdicts=("accepted",), reason="runs on", same_as="")
    both, untouched = merged([grade, other], [again])
    assert (both.verdicts, both.same_as, both.reason) == (("weak", "weak", "accepted"), "runner", "still")
    assert untouched == other


def test_the_reason_is_one_for_the_verdict_of_all_graders():
    grade = Grade("action_match", CUTS[0][1].a, CUTS[0][1].b, ("weak", "weak"), "still")
    again = replace(grade, verdicts=("accepted",) * 3, reason="runs on")
    (both,) = merged([grade], [again])
    assert (both.verdict, both.reason) == ("accepted", "runs on")


def test_frames_stay_within_the_shot():
    times = np.arange(100) / 25
    assert frames_from(times, Side("a", 0, 30, 25, 60), [-1.0, -0.2, 0, 0.2, 2.0]) == [25, 25, 30, 35, 59]
