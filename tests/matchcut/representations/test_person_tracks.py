from collections.abc import Mapping
from pathlib import Path

import numpy as np

from matchcut.representations.person_tracks import find_persons, lost_from_sight
from matchcut.representations.persons import Person, PersonFinder, PersonParameters
from tests.clips import make_proxy

SHAPE = (144, 256)
MOMENTS = np.arange(10).reshape(1, 2, 5)


def person(share: float = 0.25, confidence: float = 1.0) -> Person:
    """Somebody who fills the left of the picture up to a share of it."""
    mask = np.zeros(SHAPE, bool)
    mask[:, : round(share * SHAPE[1])] = True
    return Person(mask, confidence)


class ScriptedFinder(PersonFinder):
    """Finds and follows what a script says of each frame, told by its brightness, and remembers who was asked."""

    def __init__(self, found: Mapping[int, list[Person]], followed: Mapping[int, list[Person]]) -> None:
        super().__init__({}, PersonParameters())
        self._found, self._followed = found, followed
        self.searched: list[int] = []
        self.looked: list[int] = []

    def find(self, frame: np.ndarray) -> list[Person]:
        self.searched.append(number_of(frame))
        return self._found.get(number_of(frame), [])

    def follow(self, frame: np.ndarray, known: object) -> list[Person]:
        self.looked.append(number_of(frame))
        return self._followed.get(number_of(frame), [])


def number_of(frame: np.ndarray) -> int:
    return round((float(frame.mean()) - 20) / 20)


def film(folder: Path) -> object:
    return make_proxy(folder, [np.full((36, 64, 3), 20 + 20 * i, np.uint8) for i in range(10)])


def test_persons_are_searched_at_the_ends_and_followed_between(tmp_path: Path):
    finder = ScriptedFinder({n: [person()] for n in range(10)}, {n: [person(0.3)] for n in range(10)})
    found = find_persons(film(tmp_path), MOMENTS, finder)  # type: ignore[arg-type]
    assert finder.searched == [0, 4, 5, 9]
    assert finder.looked == [1, 2, 3, 6, 7, 8]
    assert sorted(found) == list(range(10))


def test_where_nobody_is_seen_at_the_ends_nobody_is_followed(tmp_path: Path):
    finder = ScriptedFinder({}, {})
    found = find_persons(film(tmp_path), MOMENTS, finder)  # type: ignore[arg-type]
    assert finder.looked == []
    assert found == {0: [], 4: [], 5: [], 9: []}


def test_somebody_who_is_lost_is_searched_for(tmp_path: Path):
    finder = ScriptedFinder({n: [person()] for n in range(10)}, {n: [person()] for n in range(10) if n != 2})
    found = find_persons(film(tmp_path), MOMENTS, finder)  # type: ignore[arg-type]
    assert 2 in finder.searched
    assert len(found[2]) == 1


def test_somebody_who_is_missed_at_an_end_is_followed_there_from_the_nearest_moment(tmp_path: Path):
    finder = ScriptedFinder({n: [person()] for n in range(10) if n != 9}, {n: [person()] for n in range(10)})
    found = find_persons(film(tmp_path), MOMENTS, finder)  # type: ignore[arg-type]
    assert len(found[9]) == 1


def test_moments_that_show_much_less_than_the_best_are_lost_and_the_nearest_that_do_not_is_told():
    found = {number: [person()] if number in (3, 8) else [] for number in range(20)}
    found[4] = [person(0.1)]
    found[7] = [person(0.2)]
    moments = np.arange(20).reshape(2, 2, 5)
    assert lost_from_sight(moments, found) == {0: 3, 1: 3, 2: 3, 4: 3, 5: 3, 6: 7, 9: 8}
