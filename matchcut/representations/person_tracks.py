"""Who is seen at the moments of a shot: persons found at a few of them, and followed to the others.

Detectors lose a person from one moment to the next, in the dark above all, and cost most of the time. They search
the outermost moments of either end of a shot only. At the moments between, the landmark network looks where the person
was at the nearest of those, as BlazePose follows a body through a film (arXiv 2006.10204); where it sees less than
was there, the detectors search after all. Last, moments that show much less than their neighbours are looked at again
from these. Whoever is followed is no surer than where he was found: a network that looks twice at the same smoke is
wrong twice.

The proxy is decoded once. Each shot is looked at by one thread, as many shots at once as there are cores.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from queue import SimpleQueue

import numpy as np

from matchcut.cores import usable_cores
from matchcut.proxy import Proxy
from matchcut.representations.grid import GRID_HEIGHT
from matchcut.representations.instances import Instance, kinds_of
from matchcut.representations.person_finder import PersonFinder

SEARCHED_MOMENTS = (0, -1)  # of either side
LOST = 0.6  # share of what is known of a shot's persons below which a moment has lost some of them
MOST_THREADS = 8  # decoding is about a tenth of the work and done by one: it keeps no more of them busy
# Movement is read from what was seen so long before and after: between two frames a mask's border trembles more than a
# person moves. On the planted pairs for tuning recall@1 is 0.76, with 0.15 and with 0.4 seconds 0.745, between the
# neighbouring moments alone 0.72.
MOTION_SECONDS = 0.25
NEAR_MOMENT = 0.1  # what a distance of one size is worth in overlap, when persons are told apart

Found = dict[int, list[Instance]]


def find_persons(proxy: Proxy, moments: np.ndarray, new_finder: Callable[[], PersonFinder]) -> Found:
    """Persons at the moments of each shot.

    Args:
        proxy: the title.
        moments: int64 (N, 2, M), frame numbers at which each shot may be entered and left, ascending.
        new_finder: makes what looks at single frames; called once for each thread.

    Returns:
        Frame number to persons, the largest first; of shots in which nobody was found the searched moments only.
    """
    count = min(usable_cores(), MOST_THREADS, max(len(moments), 1))
    idle: SimpleQueue[PersonFinder] = SimpleQueue()
    for _ in range(count):
        idle.put(new_finder())

    def look(shot: np.ndarray, frames: Mapping[int, np.ndarray]) -> Found:
        finder = idle.get()
        try:
            return persons_of_shot(shot, frames, finder)
        finally:
            idle.put(finder)

    found: Found = {}
    waiting: deque[Future[Found]] = deque()
    with ThreadPoolExecutor(count) as threads:
        for shot, frames in _frames_of(proxy, moments):
            waiting.append(threads.submit(look, shot, frames))
            if len(waiting) > count:
                found |= waiting.popleft().result()
        for each in waiting:
            found |= each.result()
    return found


def _frames_of(proxy: Proxy, moments: np.ndarray) -> Iterator[tuple[np.ndarray, dict[int, np.ndarray]]]:
    """Each shot's moments (2, M) with the frames there, in one pass over the proxy."""
    decoded = proxy.frames_at(moments.ravel().tolist())
    for shot in moments:
        yield shot, dict(islice(decoded, len(np.unique(shot))))


def persons_of_shot(shot: np.ndarray, frames: Mapping[int, np.ndarray], finder: PersonFinder) -> Found:
    """Persons at the moments (2, M) of one shot.

    Args:
        shot: int64 (2, M), frame numbers.
        frames: of each of them, uint8 (H, W, 3) RGB.
        finder: looks at them.
    """
    searched = sorted({int(number) for number in shot[:, list(SEARCHED_MOMENTS)].ravel()})
    found = {number: finder.find(frames[number]) for number in searched}
    peopled = [number for number in searched if found[number]]
    if not peopled:
        return found
    seen_from = dict(_nearest(sorted(frames.keys() - found.keys()), peopled))
    for number, nearest in seen_from.items():
        known = found[nearest]
        followed = _followed(finder, frames[number], known)
        found[number] = followed if not _is_lost(followed, known) else _more(followed, finder.find(frames[number]))
    # Looking once more from where a moment was looked at already would show the same.
    again = lost_from_sight(shot, found).items() - seen_from.items()
    for number, nearest in sorted(again):
        found[number] = _more(found[number], _followed(finder, frames[number], found[nearest]))
    return found


def _followed(finder: PersonFinder, frame: np.ndarray, known: Sequence[Instance]) -> list[Instance]:
    """Persons where they were a moment before or after, no surer than there."""
    surest = max(person.confidence for person in known)
    followed = finder.follow(frame, known)
    return [replace(person, confidence=min(person.confidence, surest)) for person in followed]


def lost_from_sight(shot: np.ndarray, found: Mapping[int, Sequence[Instance]]) -> dict[int, int]:
    """Moments (2, M) that show much less of persons than the shot's best, and the nearest of it that does not."""
    sight = {number: _sight(found[number]) for number in np.unique(shot).tolist()}
    enough = LOST * max(sight.values())
    rich = [number for number in sight if sight[number] >= enough > 0]
    return dict(_nearest([number for number in sight if sight[number] < enough], rich)) if rich else {}


def _nearest(numbers: Iterable[int], known: Sequence[int]) -> list[tuple[int, int]]:
    """Each number with the nearest known one, the earlier among equals."""
    return [(number, min(known, key=lambda each: (abs(each - number), each))) for number in numbers]


def _sight(persons: Sequence[Instance]) -> float:
    """How much of persons is seen: area times confidence."""
    return sum(float(person.mask.mean()) * person.confidence for person in persons)


def _is_lost(persons: Sequence[Instance], known: Sequence[Instance]) -> bool:
    return len(persons) < len(known) or _sight(persons) < LOST * _sight(known)


def _more(a: list[Instance], b: list[Instance]) -> list[Instance]:
    """Whichever sees more; the first among equals."""
    return a if _sight(a) >= _sight(b) else b


@dataclass(frozen=True)
class Sight:
    """An instance at one moment.

    Attributes:
        mask: bool (36, 64).
        confidence: in [0, 1].
        category: its number in `instances.CATEGORIES`.
        joints: float32 (15, 3), x and y in heights of the grid, visibility.
        seconds: when.
    """

    mask: np.ndarray
    confidence: float
    category: int
    joints: np.ndarray
    seconds: float

    @property
    def kind(self) -> int:
        """Person, animal or object."""
        return int(kinds_of(np.array(self.category)))

    @property
    def weight(self) -> float:
        """Area times confidence."""
        return float(self.mask.sum()) * self.confidence

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
    """An instance followed through a shot: what was seen of it, by frame number, ascending."""

    sights: dict[int, Sight]

    @property
    def kind(self) -> int:
        """Person, animal or object: the same throughout."""
        return next(iter(self.sights.values())).kind

    @property
    def category(self) -> int:
        """What it was taken for most: a network that sees a dog here may see a sheep there."""
        weights: dict[int, float] = defaultdict(float)
        for sight in self.sights.values():
            weights[sight.category] += sight.weight
        return max(weights, key=lambda category: weights[category])

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
        return sum(sight.weight for sight in self.sights.values())

    def motion(self, number: int) -> np.ndarray:
        """float64 (2,), movement around a moment in heights per second; 0 for a lone one.

        The slope of a line through where it was seen within `MOTION_SECONDS` before and after, and at its neighbours
        where these are farther away.
        """
        numbers = list(self.sights)
        at, now = numbers.index(number), self.sights[number].seconds
        near = {each for each in numbers if abs(self.sights[each].seconds - now) <= MOTION_SECONDS}
        used = [self.sights[each] for each in sorted(near.union(numbers[max(at - 1, 0) : at + 2]))]
        seconds = np.array([sight.seconds for sight in used])
        from_middle = seconds - seconds.mean()
        spread = float(np.square(from_middle).sum())
        return from_middle @ np.array([sight.middle for sight in used]) / spread if spread > 0 else np.zeros(2)
