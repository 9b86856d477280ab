"""Persons as the real networks find and follow them, on a dancer whose blue screen tells where he is.

The film is shared/videos/dancer.avi, which the repository does not hold; what needs it is skipped without.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from matchcut.representations.instances import PERSON, Instance
from matchcut.representations.person_finder import WEIGHTS, PersonFinder
from matchcut.representations.person_tracks import Sight, Track, find_persons, lost_from_sight, persons_of_shot
from matchcut.representations.persons import PersonParameters
from resources.model_weights import ModelWeights
from tests.clips import make_proxy

DANCER = Path(__file__).parents[4] / "shared" / "videos" / "dancer.avi"
needs_dancer = pytest.mark.skipif(not DANCER.exists(), reason=f"needs {DANCER.name} in the folder shared beside")
MOMENTS = np.arange(10).reshape(1, 2, 5)
DARK = 0.06  # of the brightness: the detectors lose the dancer, the landmark network still sees him


class Watched(PersonFinder):
    """The real finder, which remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(ModelWeights().paths(WEIGHTS), PersonParameters())
        self.searched = 0
        self.followed = 0

    def find(self, frame: np.ndarray) -> list[Instance]:
        self.searched += 1
        return super().find(frame)

    def follow(self, frame: np.ndarray, known: Sequence[Instance]) -> list[Instance]:
        self.followed += 1
        return super().follow(frame, known)


@pytest.fixture(scope="module")
def dance() -> list[np.ndarray]:
    """Ten frames of a dancer, a quarter of a second apart."""
    capture = cv2.VideoCapture(str(DANCER))
    frames = [capture.read()[1] for _ in range(120)][60:120:6]
    return [cv2.cvtColor(cv2.resize(frame, (376, 360)), cv2.COLOR_BGR2RGB) for frame in frames]


@pytest.fixture(scope="module")
def finder() -> Watched:
    return Watched()


def look(finder: Watched, frames: Sequence[np.ndarray]) -> tuple[dict[int, list[Instance]], int, int]:
    """Persons in ten frames, and how many of them were searched and followed."""
    finder.searched = finder.followed = 0
    found = persons_of_shot(MOMENTS[0], dict(enumerate(frames)), finder)
    return found, finder.searched, finder.followed


def not_blue(frame: np.ndarray) -> np.ndarray:
    """bool (144, 256): what is before the blue screen."""
    red, green, blue = np.moveaxis(frame.astype(int), 2, 0)
    is_dancer = (blue - np.maximum(red, green) < 30).astype(np.float32)
    return np.asarray(cv2.resize(is_dancer, (256, 144), interpolation=cv2.INTER_AREA) >= 0.5)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


@needs_dancer
@pytest.mark.weights
def test_a_dancer_is_searched_at_the_ends_and_followed_between(finder: Watched, dance: list[np.ndarray]):
    found, searched, followed = look(finder, dance)
    assert (searched, followed) == (4, 6)
    assert sorted(found) == list(range(10))
    for number, (person,) in found.items():
        assert iou(person.mask, not_blue(dance[number])) > 0.75
        assert person.confidence > 0.9


@needs_dancer
@pytest.mark.weights
def test_who_is_lost_is_searched_for(finder: Watched, dance: list[np.ndarray]):
    black = [np.zeros_like(frame) if number == 2 else frame for number, frame in enumerate(dance)]
    found, searched, _ = look(finder, black)
    assert searched == 5
    assert found[2] == []
    assert all(len(found[number]) == 1 for number in range(10) if number != 2)


@needs_dancer
@pytest.mark.weights
def test_who_is_missed_at_an_end_is_followed_there_from_the_nearest_moment(finder: Watched, dance: list[np.ndarray]):
    dark = [*dance[:9], (dance[9] * DARK).astype(np.uint8)]
    assert finder.find(dark[9]) == []
    found, _, _ = look(finder, dark)
    (person,) = found[9]
    assert iou(person.mask, not_blue(dance[9])) > 0.4


@needs_dancer
@pytest.mark.weights
def test_who_is_followed_is_no_surer_than_where_he_was_found(finder: Watched, dance: list[np.ndarray]):
    dim = [
        cv2.GaussianBlur(frame, (0, 0), 5) if number in (0, 4, 5, 9) else frame for number, frame in enumerate(dance)
    ]
    found, _, _ = look(finder, dim)
    ends = max(person.confidence for number in (0, 4, 5, 9) for person in found[number])
    assert all(person.confidence <= ends for number in (1, 2, 3, 6, 7, 8) for person in found[number])
    assert max(person.confidence for person in finder.find(dance[2])) > ends


@needs_dancer
@pytest.mark.weights
@pytest.mark.slow
def test_shots_that_are_looked_at_side_by_side_are_as_those_looked_at_alone(tmp_path: Path, dance: list[np.ndarray]):
    wall = [np.full_like(dance[0], 120)] * 10
    proxy = make_proxy(tmp_path, [*dance, *wall, *dance[::-1]])
    moments = np.arange(30).reshape(3, 2, 5)
    found = find_persons(proxy, moments, Watched)
    alone = [find_persons(proxy, moments[shot : shot + 1], Watched) for shot in range(3)]
    assert {number: len(people) for number, people in found.items()} == {
        number: len(people) for each in alone for number, people in each.items()
    }
    assert sorted(found) == [*range(10), 10, 14, 15, 19, *range(20, 30)]
    for each in alone:
        for number, people in each.items():
            assert all(np.array_equal(a.mask, b.mask) for a, b in zip(found[number], people, strict=True))


@pytest.mark.weights
def test_where_nobody_is_seen_at_the_ends_nobody_is_followed(finder: Watched):
    found, searched, followed = look(finder, [np.full((180, 320, 3), 120, np.uint8)] * 10)
    assert (searched, followed) == (4, 0)
    assert found == {0: [], 4: [], 5: [], 9: []}


def person(share: float = 0.25, confidence: float = 1.0) -> Instance:
    """Somebody who fills the left of the picture up to a share of it."""
    mask = np.zeros((144, 256), bool)
    mask[:, : round(share * 256)] = True
    return Instance(mask, confidence)


def test_moments_that_show_much_less_than_the_best_are_lost_and_the_nearest_that_do_not_is_told():
    found = {number: [person(share)] if share else [] for number, share in enumerate([0, 0, 0, 0.25, 0.1] * 2)}
    assert lost_from_sight(MOMENTS[0], found) == {0: 3, 1: 3, 2: 3, 4: 3, 5: 3, 6: 8, 7: 8, 9: 8}


def test_a_shot_without_anybody_has_lost_nobody():
    assert lost_from_sight(MOMENTS[0], {number: [] for number in range(10)}) == {}


def test_a_track_is_what_it_was_taken_for_most():
    dog, sheep = 18, 20
    cells = np.zeros((36, 64), bool)
    cells[10:20, 10:20] = True
    joints = np.zeros((15, 3), np.float32)
    track = Track({n: Sight(cells, 0.8, category, joints, n / 25) for n, category in enumerate((dog, sheep, dog))})
    assert track.category == dog
    assert track.kind != Sight(cells, 0.8, PERSON, joints, 0.0).kind


def moving(columns: Sequence[int], seconds: Sequence[float]) -> Track:
    """Somebody whose left edge is at these columns of the grid at these times."""
    sights = {}
    for number, (column, when) in enumerate(zip(columns, seconds, strict=True)):
        mask = np.zeros((36, 64), bool)
        mask[10:20, column : column + 6] = True
        sights[number] = Sight(mask, 1.0, PERSON, np.zeros((15, 3), np.float32), when)
    return Track(sights)


def test_who_walks_moves_by_the_way_over_the_time():
    walk = moving([10, 13, 16, 19, 22], [0, 0.1, 0.2, 0.3, 0.4])
    assert walk.motion(2) == pytest.approx([30 / 36, 0])
    assert walk.motion(0) == pytest.approx([30 / 36, 0])


def test_a_mask_that_trembles_from_frame_to_frame_hardly_moves():
    trembling = moving([20, 20, 20, 21, 21, 20, 20], [number / 25 for number in range(7)])
    assert abs(trembling.motion(3)[0]) < 0.15  # between its neighbours it would be 0.35
    assert trembling.motion(3)[1] == pytest.approx(0, abs=1e-9)


def test_neighbours_tell_the_movement_where_nothing_nearer_does():
    assert moving([10, 28, 46], [0, 1, 2]).motion(1) == pytest.approx([0.5, 0])
    assert moving([10], [0]).motion(0).tolist() == [0, 0]
