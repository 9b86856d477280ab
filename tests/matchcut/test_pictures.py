import re

import cv2
import numpy as np
import pytest

from matchcut.pictures import (
    boxed,
    contact_sheet,
    duplicate_groups_sheet,
    encode_jpeg,
    onion_skin,
    side_by_side,
    thumbnails,
)
from tests.encodes import GreyProxy
from tests.shot_tables import shot_table


def shots_of(num_shots, frames_per_shot=10):
    kinds = ["start", *["cut", "dissolve", "fade"] * num_shots][:num_shots]
    return shot_table([frames_per_shot] * num_shots, kinds)


def has_level(picture, level):
    """Whether a good part of a thumbnail is grey of that level."""
    return int(np.all(picture == level, axis=2).sum()) > 500


def test_a_contact_sheet_shows_the_middle_of_every_shot():
    sheet = contact_sheet(GreyProxy(), shots_of(6), columns=3)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (26 + 2 * (108 + 26), 6 + 3 * (192 + 6), 3)
    assert all(has_level(sheet, 10 * shot + 4) for shot in range(6))


def test_of_many_shots_evenly_spread_ones_are_shown():
    sheet = contact_sheet(GreyProxy(), shots_of(25), max_shots=3)
    assert [shot for shot in range(25) if has_level(sheet, 10 * shot + 4)] == [0, 12, 24]


def test_a_title_without_cuts_has_a_sheet_of_one():
    assert contact_sheet(GreyProxy(), shots_of(1)).shape == (26 + 108 + 26, 6 + 192 + 6, 3)


def test_how_a_shot_begins_is_marked_by_colour():
    sheet = contact_sheet(GreyProxy(), shots_of(3))
    assert (240, 180, 70) in {tuple(pixel) for pixel in sheet.reshape(-1, 3).tolist()}  # dissolve


def test_groups_of_near_duplicates_stand_in_rows_the_largest_first():
    group = np.array([0, 1, 0, 2, 1, 1])
    sheet = duplicate_groups_sheet(GreyProxy(), shots_of(6), group)
    row_of_group_1, row_of_group_0 = sheet[26:134], sheet[160:268]
    assert [shot for shot in range(6) if has_level(row_of_group_1, 10 * shot + 4)] == [1, 4, 5]
    assert [shot for shot in range(6) if has_level(row_of_group_0, 10 * shot + 4)] == [0, 2]
    assert not has_level(sheet, 34)


def test_large_and_many_groups_are_cut_off():
    sheet = duplicate_groups_sheet(GreyProxy(), shots_of(20), np.arange(20) // 5, max_groups=2, max_members=3)
    assert sheet.shape == (26 + 2 * 134, 6 + 3 * 198, 3)


def test_a_title_without_near_duplicates_says_so():
    assert duplicate_groups_sheet(GreyProxy(), shots_of(3), np.arange(3)).shape[0] == 26
    assert duplicate_groups_sheet(GreyProxy(), shots_of(3), np.full(3, -1)).shape[0] == 26


def test_a_cut_is_shown_as_a_b_and_onion_skin():
    picture = side_by_side(GreyProxy(), 100, GreyProxy(), 201, height=108, caption_a="Café <b>")
    thirds = [picture[6:114, 6 + i * 198 : 198 + i * 198] for i in range(3)]
    assert [int(np.median(third)) for third in thirds] == [100, 201, 151]


def test_onion_skin_of_a_picture_with_itself_is_that_picture():
    picture = np.random.default_rng(1).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    assert np.array_equal(onion_skin(picture, picture), picture)


@pytest.mark.parametrize(
    ("width", "height", "covered"),
    [(160, 90, (108, 192)), (240, 100, (80, 192)), (90, 160, (108, 61)), (4, 4, (108, 108)), (2, 2000, (108, 2))],
)
def test_shapes_are_kept_inside_the_16_9_box(width, height, covered):
    (picture,) = thumbnails(GreyProxy(width=width, height=height), [200], width=192)
    assert picture.shape == (108, 192, 3)
    grey = picture[:, :, 0] == 200
    assert (int(grey.any(axis=1).sum()), int(grey.any(axis=0).sum())) == covered


def test_thumbnails_come_in_the_order_asked_for():
    levels = [int(picture[50, 90, 0]) for picture in thumbnails(GreyProxy(), [7, 3, 7], width=192)]
    assert levels == [7, 3, 7]


def test_a_jpeg_fits_into_its_bytes_and_is_still_rgb():
    noise = np.random.default_rng(2).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    data = encode_jpeg(noise, max_bytes=5000)
    assert len(data) <= 5000
    red = np.zeros((32, 32, 3), dtype=np.uint8)
    red[:, :, 0] = 255
    decoded = cv2.imdecode(np.frombuffer(encode_jpeg(red), np.uint8), cv2.IMREAD_COLOR)
    assert decoded[16, 16].tolist() == pytest.approx([0, 0, 254], abs=3)  # OpenCV reads blue first


def test_a_full_contact_sheet_fits_into_a_catalogue_entry():
    class NoisyProxy(GreyProxy):
        def frames_at(self, frames, *, size=None):
            for frame, picture in super().frames_at(frames, size=size):
                yield frame, np.random.default_rng(frame).integers(0, 256, picture.shape, dtype=np.uint8)

    sheet = contact_sheet(NoisyProxy(num_frames=2000), shots_of(200))
    assert max(sheet.shape) <= 1500
    assert len(encode_jpeg(sheet, max_bytes=200_000)) <= 200_000


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(bad):
    with pytest.raises(ValueError, match=re.escape(f"got {bad.dtype} {bad.shape}")):
        encode_jpeg(bad)


def test_bytes_in_which_nothing_fits_are_refused():
    with pytest.raises(ValueError, match="no JPEG of 64x32 fits into 100 bytes"):
        encode_jpeg(np.zeros((32, 64, 3), np.uint8), max_bytes=100)


def test_pictures_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match=re.escape("(2, 2, 3) and (2, 3, 3)")):
        onion_skin(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(ValueError, match="3x2 does not fit into a box of 2x2"):
        boxed(np.zeros((2, 3, 3), np.uint8), (2, 2))


def test_at_least_one_picture_must_be_allowed():
    with pytest.raises(ValueError, match="at least one picture must be allowed, got 0"):
        contact_sheet(GreyProxy(), shots_of(2), max_shots=0)
