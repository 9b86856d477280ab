import re

import numpy as np

from matchcut.overlays import overlay
from matchcut.representations.flavor import Representation


def persons(*masks):
    """A representation of one shot, its masks at frames 10 and 20."""
    packed = np.packbits(np.stack(masks).reshape(1, len(masks), 1, -1), axis=-1)
    return Representation(np.array([4]), {"persons": packed, "frame": np.array([[10, 20]])})


def grid(rows, columns):
    mask = np.zeros((36, 64), bool)
    mask[rows, columns] = True
    return mask


def test_a_silhouette_is_drawn_cell_by_cell():
    drawn = overlay(persons(grid(slice(2, 4), slice(5, 8)), grid(0, 0)), 4, 11, is_end=True)
    assert 'viewBox="0 0 64 36"' in drawn
    assert 'd="M5 2h3v1H5zM5 3h3v1H5z"' in drawn


def test_the_nearest_frame_with_masks_is_drawn():
    drawn = overlay(persons(grid(2, 5), grid(0, 0)), 4, 16, is_end=False)
    assert 'd="M0 0h1v1H0z"' in drawn


def test_movement_is_drawn_as_arrows_of_its_end_of_the_shot():
    flow = np.zeros((1, 3, 9, 16, 2), np.float32)
    flow[0, 2, 4, 8] = (0.4, 0)  # to the right, at the end
    flow[0, 0, 1, 1] = (0, 0.001)  # noise
    movement = Representation(np.array([4]), {"flow": flow})
    drawn = overlay(movement, 4, 99, is_end=True)
    assert re.search(r'viewBox="0 0 16 9".*d="M8\.50 4\.50l0\.90 0\.00M', drawn)
    assert overlay(movement, 4, 99, is_end=False) is None


def test_nothing_is_drawn_for_a_shot_without_a_row_or_for_another_kind_of_representation():
    assert overlay(persons(grid(2, 5), grid(0, 0)), 5, 10, is_end=True) is None
    assert overlay(persons(grid(slice(0), 0), grid(0, 0)), 4, 10, is_end=True) is None
    others = (
        {"vectors": np.zeros((1, 8))},
        {"persons": np.zeros((1, 2, 1, 100), np.uint8), "frame": np.array([[10, 20]])},  # no 16:9 grid
        {"persons": np.zeros((1, 2, 1, 288), np.uint8), "frame": np.array([10])},
        {"flow": np.zeros((1, 9, 16, 2))},
    )
    for arrays in others:
        assert overlay(Representation(np.array([4]), arrays), 4, 10, is_end=True) is None
