import cv2
import numpy as np
import pytest

from matchcut.representations.figure import Figure, figure_of, steadiness, surroundedness
from tests.clips import texture

HEIGHT, WIDTH = 90, 160
DARK, BRIGHT = (40, 40, 40), (210, 210, 210)


def disc(center: tuple[int, int], radius: int, color: tuple[int, int, int], ground: tuple[int, int, int]) -> np.ndarray:
    return cv2.circle(np.full((HEIGHT, WIDTH, 3), ground, np.uint8), center, radius, color, cv2.FILLED)


def found(picture: np.ndarray) -> Figure | None:
    return figure_of(surroundedness(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)))


def overlap(figure: Figure | None, center: tuple[int, int], radius: int) -> float:
    assert figure is not None
    there = disc(center, radius, (1, 1, 1), (0, 0, 0))[..., 0] > 0
    return float((figure.mask & there).sum() / (figure.mask | there).sum())


@pytest.mark.parametrize(("color", "ground"), [(BRIGHT, DARK), (DARK, BRIGHT), ((150, 70, 70), (60, 112, 60))])
def test_what_is_brighter_darker_or_of_another_colour_is_a_figure(color, ground):
    figure = found(disc((60, 40), 18, color, ground))
    assert overlap(figure, (60, 40), 18) > 0.85
    assert figure.worth > 0.7


def test_a_figure_may_stand_on_the_lower_edge_and_on_no_other():
    below = found(disc((80, HEIGHT), 30, BRIGHT, DARK))
    assert overlap(below, (80, HEIGHT), 30) > 0.85
    assert below.worth > 0.7
    for center in ((80, 0), (0, 45), (WIDTH, 45)):
        figure = found(disc(center, 30, BRIGHT, DARK))
        assert figure is None or figure.worth < 0.2


def test_holes_are_a_part_of_the_figure():
    ring = cv2.circle(disc((80, 45), 25, BRIGHT, DARK), (80, 45), 10, DARK, cv2.FILLED)
    assert overlap(found(ring), (80, 45), 25) > 0.85


def test_what_is_blank_has_no_figure_and_clutter_none_worth_anything():
    assert found(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)) is None
    clutter = found(texture(3, (WIDTH, HEIGHT)))
    assert clutter is None or clutter.worth < 0.3


def test_a_speck_and_a_wall_are_worth_less_than_what_fills_a_tenth():
    speck, some, wall = (found(disc((80, 45), radius, BRIGHT, DARK)) for radius in (10, 22, 44))
    assert speck.worth < 0.7 * some.worth
    assert some.worth > 0.8
    assert wall.worth < some.worth


def test_two_alike_are_worth_less_than_one():
    one = disc((45, 45), 16, BRIGHT, DARK)
    two = cv2.circle(one.copy(), (115, 45), 16, BRIGHT, cv2.FILLED)
    assert found(two).worth < 0.6 * found(one).worth


def test_a_figure_that_is_another_at_the_next_moment_is_none():
    left, right = (np.zeros((36, 64), bool) for _ in range(2))
    left[10:20, 10:20] = right[10:20, 40:50] = True
    steady, gone, changing = ([left] * 3, [left, left, right], [left, right, left])
    packed = np.packbits(np.array([[steady, gone], [changing, steady]]).reshape(2, 2, 3, -1), axis=-1)
    found = steadiness(packed)
    assert found[0, 0].tolist() == [1, 1, 1]
    assert found[0, 1] == pytest.approx([1, 0.5 / 0.7, 0])
    assert found[1, 0].tolist() == [0, 0, 0]
    assert steadiness(packed[:, :, :1]).tolist() == [[[1], [1]], [[1], [1]]]
