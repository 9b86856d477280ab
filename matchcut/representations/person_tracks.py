"""Who is seen at the moments of a shot: persons found at a few of them, and followed to the others.

Detectors lose a person from one moment to the next, in the dark above all, and cost most of the time. They search
the outermost moments of either end of a shot only. At the moments between, the landmark network looks where the person
was at the nearest of those, as BlazePose follows a body through a film (arXiv 2006.10204); where it sees less than
was there, the detectors search after all. Last, moments that show much less than their neighbours are looked at again
from these. Whoever is followed is no surer than where he was found: a network that looks twice at the same smoke is
wrong twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matchcut.proxy import Proxy
from matchcut.representations.grid import GRID_HEIGHT
from matchcut.representations.persons import Person, PersonFinder

SEARCHED_MOMENTS = (0, -1)  # of either side
LOST = 0.6  # share of what is known of a shot's persons below which a moment has lost some of them
NEAR_MOMENT = 0.1  # what a distance of one size is worth in overlap, when persons are told apart


def find_persons(proxy: Proxy, moments: np.ndarray, finder: PersonFinder) -> dict[int, list[Person]]:
    """Persons at the moments of each shot.

    Args:
        proxy: the title.
        moments: int64 (N, 2, M), frame numbers at which each shot may be entered and left.
        finder: looks at single frames.

    Returns:
        Frame number to persons, the largest first; of shots in which nobody was found the searched moments only.
    """
    found: dict[int, list[Person]] = {}
    searched = moments[:, :, list(SEARCHED_MOMENTS)].reshape(len(moments), -1)
    found |= {number: finder.find(frame) for number, frame in proxy.frames_at(searched.ravel().tolist())}
    seen_from = {
        number: nearest
        for shot, known in zip(moments, searched.tolist(), strict=True)
        if any(found[each] for each in known)
        for number, nearest in _nearest(set(shot.ravel().tolist()) - found.keys(), [n for n in known if found[n]])
    }
    for number, frame in proxy.frames_at(seen_from):
        known = found[seen_from[number]]
        followed = _followed(finder, frame, known)
        found[number] = followed if not _is_lost(followed, known) else _more(followed, finder.find(frame))
    again = lost_from_sight(moments, found)
    for number, frame in proxy.frames_at(again):
        found[number] = _more(found[number], _followed(finder, frame, found[again[number]]))
    return found


def _followed(finder: PersonFinder, frame: np.ndarray, known: Sequence[Person]) -> list[Person]:
    """Persons where they were a moment before or after, no surer than there."""
    surest = max(person.confidence for person in known)
    followed = finder.follow(frame, known)
    return [replace(person, confidence=min(person.confidence, surest)) for person in followed]


def lost_from_sight(moments: np.ndarray, found: Mapping[int, Sequence[Person]]) -> dict[int, int]:
    """Moments (N, 2, M) that show much less of persons than the shot's best, and the nearest of it that does not.

    Shots at whose moments nobody was found have none, nor have those that were not searched throughout.
    """
    lost: dict[int, int] = {}
    for shot in moments:
        numbers = [number for number in np.unique(shot).tolist() if number in found]
        sight = {number: _sight(found[number]) for number in numbers}
        enough = LOST * max(sight.values())
        rich = [number for number in numbers if sight[number] >= enough > 0]
        if rich:
            lost.update(_nearest([number for number in numbers if sight[number] < enough], rich))
    return lost


def _nearest(numbers: Iterable[int], known: Sequence[int]) -> list[tuple[int, int]]:
    """Each number with the nearest known one, the earlier among equals."""
    return [(number, min(known, key=lambda each: (abs(each - number), each))) for number in numbers]


def _sight(persons: Sequence[Person]) -> float:
    """How much of persons is seen: area times confidence."""
    return sum(float(person.mask.mean()) * person.confidence for person in persons)


def _is_lost(persons: Sequence[Person], known: Sequence[Person]) -> bool:
    return len(persons) < len(known) or _sight(persons) < LOST * _sight(known)


def _more(a: list[Person], b: list[Person]) -> list[Person]:
    """Whichever sees more; the first among equals."""
    return a if _sight(a) >= _sight(b) else b


@dataclass(frozen=True)
class Sight:
    """A person at one moment.

    Attributes:
        mask: bool (36, 64).
        confidence: in [0, 1].
        joints: float32 (15, 3), x and y in heights of the grid, visibility.
        seconds: when.
    """

    mask: np.ndarray
    confidence: float
    joints: np.ndarray
    seconds: float

    @property
    def middle(self) -> np.ndarray:
        """float64 (2,), x and y in heights of the grid."""
        y, x = np.nonzero(self.mask)
        return (np.array([x.mean(), y.mean()]) + 0.5) / GRID_HEIGHT

    @property
    def size(self) -> float:
        """The square root of the area, in heights of the grid."""
        return float(np.sqrt(self.mask.sum())) / GRID_HEIGHT


@dataclass(frozen=True, eq=False)
class Track:
    """A person followed through a shot: what was seen of it, by frame number, ascending."""

    sights: dict[int, Sight]

    def compared(self, seen: Sight) -> tuple[float, float]:
        """Overlap with the last sight, and distance from it in sizes."""
        last = next(reversed(self.sights.values()))
        union = float((last.mask | seen.mask).sum())
        overlap = float((last.mask & seen.mask).sum()) / union
        size = max(min(last.size, seen.size), 1e-6)
        return overlap, float(np.hypot(*(last.middle - seen.middle))) / size

    def likeness(self, seen: Sight) -> float:
        """For choosing among tracks: overlap, and nearness where there is none."""
        overlap, distance = self.compared(seen)
        return overlap - NEAR_MOMENT * distance

    def weight(self) -> float:
        """Area times confidence over all moments."""
        return sum(float(sight.mask.sum()) * sight.confidence for sight in self.sights.values())

    def motion(self, number: int) -> np.ndarray:
        """float64 (2,), movement at a moment in heights per second, between its neighbours; 0 for a lone one."""
        numbers = list(self.sights)
        at = numbers.index(number)
        before, after = self.sights[numbers[max(at - 1, 0)]], self.sights[numbers[min(at + 1, len(numbers) - 1)]]
        duration = after.seconds - before.seconds
        return (after.middle - before.middle) / duration if duration > 0 else np.zeros(2)
