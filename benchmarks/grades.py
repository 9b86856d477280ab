"""What graders said of cuts: the graded file, `benchmarks/results/grades.json`, and how it is looked up.

A grade belongs to a cut, not to a rank, so that it outlives another ranking, but not a cut point that moved.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

GRADES = Path("benchmarks/results/grades.json")
ACCEPTED = "accepted"
VERDICTS: Mapping[str, str] = {
    ACCEPTED: "an editor would put it on the shortlist: something visibly carries over the cut",
    "weak": "what should match does not, or does not show",
    "same place": "it matches because it is one room, set-up or person a moment later",
    "near-duplicate": "both sides show the same shot",
    "mask error": "what matches is no figure at all, where a figure was asked for",
    "credit": "a title card, a logo or credits",
    "black": "a black or blank frame at the cut",
}
OF_SHOTS = ("same place", "near-duplicate")
"""Verdicts that hold wherever the two shots are cut."""
SAME_CUT_FRAMES = 6
"""A cut point that moved by more frames, a quarter of a second, is another cut."""


@dataclass(frozen=True)
class Side:
    """One side of a cut: the title by its file's name, a frame, and the shot that it lies in."""

    title: str
    shot: int
    frame: int
    start_frame: int
    stop_frame: int

    def is_same_shot(self, other: "Side") -> bool:
        """Whether both mean one shot, also where its boundaries moved a little or shots before it changed."""
        if self.title != other.title:
            return False
        shared = min(self.stop_frame, other.stop_frame) - max(self.start_frame, other.start_frame)
        return 2 * shared > max(self.stop_frame - self.start_frame, other.stop_frame - other.start_frame)


@dataclass(frozen=True)
class Cut:
    """A candidate of any method."""

    a: Side
    b: Side
    score: float = 0.0

    def is_of_same_shots(self, other: "Cut") -> bool:
        """Whether both cut from the same shot into the same shot; the way back is another cut."""
        return self.a.is_same_shot(other.a) and self.b.is_same_shot(other.b)

    def moved(self, other: "Cut") -> int:
        """How many frames lie between two cuts of the same shots, on the side that moved more."""
        return max(abs(self.a.frame - other.a.frame), abs(self.b.frame - other.b.frame))

    def is_same(self, other: "Cut") -> bool:
        """Whether both are cut at about the same frames."""
        return self.is_of_same_shots(other) and self.moved(other) <= SAME_CUT_FRAMES


@dataclass(frozen=True)
class Grade:
    """What graders said of a cut.

    Attributes:
        method: which way of matching was asked for: frame_match, action_match, ...; a pair may be good in one way only.
        a, b: the sides as they were seen.
        verdicts: one per grader, keys of `VERDICTS`.
        reason: in the words of one whose verdict counts.
        same_as: a name that pairs share which show the same cut again; each name counts once. Empty: its own.
    """

    method: str
    a: Side
    b: Side
    verdicts: tuple[str, ...]
    reason: str = ""
    same_as: str = ""

    def __post_init__(self) -> None:
        """Refuse a grade without graders, and unknown verdicts."""
        unknown = set(self.verdicts) - VERDICTS.keys()
        if unknown or not self.verdicts:
            raise ValueError(f"verdicts must be some of {sorted(VERDICTS)}, got {self.verdicts}")

    @property
    def verdict(self) -> str:
        """Accepted if more than half accept; else what most of the others said."""
        if 2 * self.verdicts.count(ACCEPTED) > len(self.verdicts):
            return ACCEPTED
        others = Counter(verdict for verdict in self.verdicts if verdict != ACCEPTED)
        return max(VERDICTS, key=lambda verdict: others[verdict])

    def is_of(self, method: str, cut: Cut) -> bool:
        """Whether the grade is about this cut; another point to cut at is another cut, unless the shots are judged."""
        if self.method != method:
            return False
        return self.cut.is_of_same_shots(cut) if self.verdict in OF_SHOTS else self.cut.is_same(cut)

    @property
    def cut(self) -> Cut:
        """What was graded."""
        return Cut(self.a, self.b)


def load_grades(path: Path) -> list[Grade]:
    """The graded file; empty where there is none."""
    rows = json.loads(path.read_text()) if path.exists() else []
    return [
        Grade(**{**row, "a": Side(**row["a"]), "b": Side(**row["b"]), "verdicts": tuple(row["verdicts"])})
        for row in rows
    ]


def save_grades(grades: Sequence[Grade], path: Path) -> None:
    """One line per grade, so that differences can be read."""
    lines = ",\n".join(" " + json.dumps(asdict(grade)) for grade in grades)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[\n{lines}\n]\n")


def grade_of(grades: Sequence[Grade], method: str, cut: Cut) -> Grade | None:
    """The grade of a cut, that of the nearest where several are; None where nobody looked at it."""
    about = (grade for grade in grades if grade.is_of(method, cut))
    return min(about, key=lambda grade: grade.cut.moved(cut), default=None)


def summary(found: Sequence[Grade | None]) -> dict[str, Any]:
    """Counts of a graded list.

    Args:
        found: the grade of each candidate, best first.

    Returns:
        `accepted` (all), `different_accepted` (each `same_as` once), `ungraded`, and every verdict with its count.
    """
    accepted = [(place, grade) for place, grade in enumerate(found) if grade and grade.verdict == ACCEPTED]
    return {
        "candidates": len(found),
        "accepted": len(accepted),
        "different_accepted": len({grade.same_as or place for place, grade in accepted}),
        "ungraded": sum(grade is None for grade in found),
        "verdicts": dict(Counter(grade.verdict for grade in found if grade)),
    }


def kappa(grades: Sequence[Grade]) -> float:
    """Fleiss' kappa of accepted or not (Psychological Bulletin 76, 1971): 1 agree always, 0 no more than by chance.

    Args:
        grades: by two graders or more each; how many may differ, each then counts by its pairs of graders.
    """
    counts = [(grade.verdicts.count(ACCEPTED), len(grade.verdicts)) for grade in grades]
    alike = sum((n * (n - 1) + (of - n) * (of - n - 1)) / (of * (of - 1)) for n, of in counts) / len(counts)
    share = sum(n for n, _ in counts) / sum(of for _, of in counts)
    chance = share**2 + (1 - share) ** 2
    return (alike - chance) / (1 - chance) if chance < 1 else 1.0
