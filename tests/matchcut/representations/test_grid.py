import numpy as np
import pytest

from matchcut.representations.grid import lay_field, lay_mask, picture_box


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [(640, 360, (0, 0, 64, 36)), (860, 360, (0, 4, 64, 27)), (202, 360, (22, 0, 20, 36)), (2000, 2, (0, 17, 64, 1))],
)
def test_a_picture_keeps_its_shape_and_fills_width_or_height(width, height, box):
    assert picture_box(width, height) == box


def test_a_mask_that_covers_the_picture_covers_its_box_only():
    laid = lay_mask(np.ones((144, 256), bool), 202, 360)
    assert laid.sum() == 20 * 36
    assert laid[:, 22:42].all()


def test_a_cell_belongs_to_a_mask_that_covers_half_of_it():
    mask = np.zeros((144, 256), bool)
    mask[0:2, 0:4] = True  # half of the first cell, which is 4 x 4 pixels
    mask[0, 8] = True
    assert np.argwhere(lay_mask(mask, 640, 360)).tolist() == [[0, 0]]


def test_a_field_is_averaged_and_zero_around_the_picture():
    field = np.dstack([np.full((180, 101), 3.0), np.zeros((180, 101))]).astype(np.float32)
    laid = lay_field(field, 202, 360, 16, 9)
    assert laid.shape == (9, 16, 2)
    assert np.allclose(laid[:, 5:10, 0], 3)
    assert laid[:, :5].sum() == 0
    assert laid[:, 10:].sum() == 0
