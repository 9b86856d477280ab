"""Cues in words: what a figure measures, and what is said of a pair for which it stands out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Grade:
    """What is said of a pair whose cue lies in a range.

    Attributes:
        words: without a figure: "faces in the same place".
        least: the range's lower end, included.
        most: its upper end, included.
    """

    words: str
    least: float = -inf
    most: float = inf

    def __post_init__(self) -> None:
        """Refuse what is never said."""
        if not self.words or not self.least <= self.most:
            raise ValueError(f"a grade needs words and a range, got {self.words!r} from {self.least} to {self.most}")


@dataclass(frozen=True)
class CueWords:
    """What people read of a cue.

    Where the flavors' grades begin was chosen by eye, on the page of fifteen short films; on others it was not tried.

    Attributes:
        label: what its figure measures; stands beside the figure.
        grades: what is said of a pair, the most striking first: of those that hold its value the first. A value in
            none of them is not worth a word.
    """

    label: str
    grades: tuple[Grade, ...] = ()

    def place_of(self, value: float) -> int | None:
        """Which grade holds a value: 0 for the most striking, None for none."""
        places = (place for place, grade in enumerate(self.grades) if grade.least <= value <= grade.most)
        return next(places, None)


def labels(cues: Mapping[str, CueWords]) -> dict[str, str]:
    """Name of a cue to its label."""
    return {name: cue.label for name, cue in cues.items()}


def striking(values: Mapping[str, float], cues: Mapping[str, CueWords], *, most: int) -> list[str]:
    """What stands out of a pair, in words: the most striking first, those alike in the order of the cues.

    Args:
        values: of the pair, by name of the cue; cues without a value are not told.
        cues: by name, in the order of telling.
        most: how many are told at the most.
    """
    told = sorted(_graded(values, cues), key=lambda each: each[0])
    return [words for _, words in told[:most]]


def _graded(values: Mapping[str, float], cues: Mapping[str, CueWords]) -> Iterator[tuple[int, str]]:
    """The place of each cue's grade and its words; cues whose value is in no grade are left out."""
    for name, cue in cues.items():
        place = cue.place_of(values[name]) if name in values else None
        if place is not None:
            yield place, cue.grades[place].words
