"""Grades belong to cuts, and outlive another ranking and moved boundaries."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.blind_grading import main as read_grades
from benchmarks.graded_top import NUM_RANDOM, main
from benchmarks.grades import GRADES, Cut, Grade, Side, grade_of, kappa, load_grades, save_grades, summary
from benchmarks.plain_match import PlainShots, action_pairs, frame_pairs

A, B = Side("film", 3, 120, 100, 150), Side("other", 7, 300, 300, 380)
CUT = Cut(A, B, 0.8)
GOOD = Grade("frame_match", A, B, ("accepted", "weak", "accepted"), "both look left")


def test_a_grade_is_found_whatever_the_boundaries_and_the_numbers() -> None:
    moved = Cut(replace(A, shot=4, frame=125, start_frame=103), replace(B, frame=303, stop_frame=370), 0.2)
    assert grade_of([GOOD], "frame_match", moved) == GOOD
    assert grade_of([GOOD], "frame_match", CUT) == GOOD


def test_of_two_grades_the_one_of_the_nearer_cut_counts():
    near = replace(GOOD, a=replace(A, frame=A.frame + 4), verdicts=("weak",))
    assert grade_of([GOOD, near], "frame_match", replace(CUT, a=replace(A, frame=A.frame + 3))) == near
    assert grade_of([near, GOOD], "frame_match", replace(CUT, a=replace(A, frame=A.frame + 1))) == GOOD


def test_another_point_to_cut_at_is_not_graded_unless_the_verdict_is_about_the_shots() -> None:
    moved = replace(CUT, a=replace(A, frame=140))
    assert grade_of([GOOD], "frame_match", moved) is None
    repeat = replace(GOOD, verdicts=("near-duplicate",), reason="the same shot")
    assert grade_of([repeat], "frame_match", moved) == repeat


def test_another_shot_another_way_of_matching_and_the_way_back_are_not_graded() -> None:
    assert grade_of([GOOD], "action_match", CUT) is None
    assert grade_of([GOOD], "frame_match", Cut(B, A, 0.8)) is None
    assert grade_of([GOOD], "frame_match", replace(CUT, a=replace(A, start_frame=150, stop_frame=200))) is None
    assert grade_of([GOOD], "frame_match", replace(CUT, b=replace(B, title="third"))) is None


def test_the_verdict_is_what_most_graders_accept_or_else_what_most_of_the_others_say() -> None:
    assert GOOD.verdict == "accepted"
    assert replace(GOOD, verdicts=("accepted", "weak")).verdict == "weak"
    assert replace(GOOD, verdicts=("black", "credit", "credit", "accepted")).verdict == "credit"


def test_kappa_is_one_where_graders_agree_and_zero_where_they_do_so_by_chance() -> None:
    def of(*verdicts: str) -> list[Grade]:
        return [
            replace(GOOD, verdicts=tuple("accepted" if said == "+" else "weak" for said in each)) for each in verdicts
        ]

    assert kappa(of("+++", "---", "---")) == pytest.approx(1)
    assert kappa(of("++", "+-", "-+", "--")) == pytest.approx(0)
    assert kappa(of("+++", "++-", "---", "---")) == pytest.approx(1 - (1 / 6) / (2 * 5 / 12 * 7 / 12))
    assert kappa(of("+++", "+++")) == 1


def test_repeats_of_one_cut_count_once() -> None:
    found = [
        GOOD,
        replace(GOOD, same_as="heads"),
        replace(GOOD, same_as="heads"),
        replace(GOOD, verdicts=("credit",)),
        None,
    ]
    counts = summary(found)
    assert counts["accepted"] == 3
    assert counts["different_accepted"] == 2
    assert counts["ungraded"] == 1
    assert counts["verdicts"] == {"accepted": 3, "credit": 1}


def test_grades_survive_the_file(tmp_path: Path) -> None:
    grades = [GOOD, replace(GOOD, verdicts=("weak",), reason="", same_as="x")]
    save_grades(grades, tmp_path / "new" / "grades.json")
    assert load_grades(tmp_path / "new" / "grades.json") == grades
    assert load_grades(tmp_path / "none.json") == []


@pytest.mark.parametrize("verdicts", [("nice",), ()])
def test_an_unknown_verdict_and_none_are_refused(verdicts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="verdicts must be some of"):
        replace(GOOD, verdicts=verdicts)


def test_the_graded_file_of_the_project_can_be_read_and_says_why() -> None:
    grades = load_grades(Path(__file__).parents[2] / GRADES)
    assert grades
    assert all(grade.reason for grade in grades if grade.verdict != "accepted")


@pytest.mark.slow
@pytest.mark.weights
def test_real_films_are_listed_drawn_and_offered_for_grading(films: dict[str, Path], tmp_path: Path) -> None:
    grades, out, sheets = tmp_path / "grades.json", tmp_path / "out.json", tmp_path / "sheets"
    options = ["--home", tmp_path / "home", "--grades", grades, "--json", out, "--sheets", sheets]
    command = [str(each) for each in [*films.values(), *options]]
    main([*command, "--draw", str(tmp_path / "drawn"), "--leave-one-out"])
    lists = json.loads(out.read_text())["lists"]
    assert {"action_match", "plain action_match", "plain frame_match"} <= lists.keys()
    first = lists["action_match"]["list"][0]
    assert lists["action_match"]["ungraded"] == lists["action_match"]["candidates"] > 0
    assert (sheets / "action_match.jpg").exists()
    key = json.loads((tmp_path / "drawn" / "key.json").read_text())
    assert len(key) == len(list((tmp_path / "drawn").glob("*.jpg"))) > NUM_RANDOM
    asked = {"method": "action_match", "a": first["a"], "b": first["b"]}
    assert key.count(asked) == 1
    said = ["accepted" if row == asked else "weak" for row in key]
    lines = [f"{number:03d},{verdict},seen" for number, verdict in enumerate(said, start=1)]
    (tmp_path / "grader.csv").write_text("\n".join(["cut,verdict,reason", *lines]))
    read_grades([str(tmp_path / "drawn"), str(tmp_path / "grader.csv"), "--grades", str(grades)])
    main([*command, "--handles", "0.1"])
    graded = json.loads(out.read_text())
    assert graded["lists"]["action_match"]["accepted"] == 1
    assert graded["handles"]["0.1 s"]["candidates"] > 0
    assert not (tmp_path / "home" / "matchcut.toml").exists()


def test_a_drawing_is_not_drawn_over_and_this_is_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key.json").touch()
    with pytest.raises(SystemExit):
        main(["--draw", str(tmp_path)])
    assert "name another folder" in capsys.readouterr().err


def plain(masks: list[list[int]], flows: list[float]) -> PlainShots:
    mask = np.zeros((len(masks), 2304), np.float32)
    for row, cells in enumerate(masks):
        mask[row, cells[0] : cells[1]] = 1
    flow = np.repeat(np.array(flows, np.float32)[:, None], 288, axis=1)
    return PlainShots(np.arange(len(masks)), 10 * np.arange(len(masks)), mask, flow)


def test_the_plain_method_takes_overlap_and_cosine_as_they_are() -> None:
    titles = {"a": plain([[0, 100], [0, 5]], [0.5, 0.001]), "b": plain([[50, 100], [0, 0]], [2.0, -0.5])}
    best, *others = frame_pairs(titles, 6)
    assert (best.title_a, best.shot_a, best.title_b, best.shot_b, best.score) == ("a", 0, "b", 0, pytest.approx(0.5))
    assert [pair.score for pair in others] == [0] * 5  # specks and empty masks overlap with nothing
    fast, *rest = action_pairs(titles, 6)
    assert (fast.title_a, fast.shot_a, fast.title_b, fast.shot_b, fast.score) == (
        "a",
        0,
        "b",
        0,
        pytest.approx(1, abs=1e-4),
    )
    assert min(pair.score for pair in rest) == pytest.approx(-1, abs=1e-4)
