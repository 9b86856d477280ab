import re

import numpy as np

from matchcut.overlays import overlay
from matchcut.representations.flavor import Representation


def persons(*masks):
    """A representation of one shot, its masks at frames 10 and 20, where it is entered and where it is left."""
    packed = np.packbits(np.stack(masks).reshape(1, len(masks), 1, -1), axis=-1)
    both = np.stack([packed, packed], axis=1)
    return Representation(np.array([4]), {"masks": both, "frame": np.array([[[10, 20], [10, 20]]])})


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


def test_what_stands_out_is_drawn_where_it_does():
    packed = np.packbits(np.stack([grid(slice(2, 4), slice(5, 8)), grid(0, 0)]).reshape(1, 1, 2, -1), axis=-1)
    arrays = {
        "figure": np.repeat(packed, 2, axis=1),
        "figure_worth": np.array([[[0.8, 0.02], [0.8, 0.02]]], np.float32),
        "frame": np.array([[[10, 20], [10, 20]]]),
    }
    appearance = Representation(np.array([4]), arrays)
    assert 'd="M5 2h3v1H5zM5 3h3v1H5z"' in overlay(appearance, 4, 10, is_end=True)
    assert overlay(appearance, 4, 20, is_end=True) is None


def moving(camera=((0, 0, 0, 0),) * 2, mover=((0, 0, 0, 0),) * 2):
    """A representation of one shot, movement at frame 10, where it is entered, and 90, where it is left."""
    arrays = {
        "camera": np.array(camera, np.float32)[None, :, None],
        "mover": np.array(mover, np.float32)[None, :, None, None].repeat(2, axis=3),
        "frame": np.array([[[10], [90]]]),
    }
    return Representation(np.array([4]), arrays)


def test_what_moves_is_drawn_as_one_arrow_at_its_end_of_the_shot():
    movement = moving(mover=((0.2, 0, 0.001, 0), (1 / 18, 0, 0.4, 0)))  # noise, and half a cell from the middle
    drawn = overlay(movement, 4, 99, is_end=True)
    assert re.search(r'viewBox="0 0 16 9".*d="M8\.50 4\.50l0\.90 0\.00M', drawn)
    assert overlay(movement, 4, 99, is_end=False) is None


def test_a_pan_moves_every_cell_and_a_zoom_moves_the_edges_outwards():
    movement = moving(camera=((0.2, 0, 0, 0), (0, 0, 0.5, 0)))
    pan, zoom = (overlay(movement, 4, 50, is_end=is_end) for is_end in (False, True))
    assert len(re.findall(r"l0\.45 0\.00M", pan)) == 9 * 16
    assert "M0.50 4.50l-0.94 0.00M" in zoom
    assert "M15.50 4.50l0.94 0.00M" in zoom


def test_nothing_is_drawn_for_a_shot_without_a_row_or_for_another_kind_of_representation():
    assert overlay(persons(grid(2, 5), grid(0, 0)), 5, 10, is_end=True) is None
    assert overlay(persons(grid(slice(0), 0), grid(0, 0)), 4, 10, is_end=True) is None
    others = (
        {"vectors": np.zeros((1, 8))},
        {"masks": np.zeros((1, 2, 1, 1, 100), np.uint8), "frame": np.array([[[10], [20]]])},  # no 16:9 grid
        {"masks": np.zeros((1, 2, 1, 1, 288), np.uint8), "frame": np.array([10])},
        {"mover": np.zeros((1, 2, 1, 2, 4)), "frame": np.array([[[10], [20]]])},
    )
    for arrays in others:
        assert overlay(Representation(np.array([4]), arrays), 4, 10, is_end=True) is None
