import cv2
import numpy as np
import pytest

from matchcut.near_duplicates.comparison import compare, greatest_cosine
from matchcut.near_duplicates.model import load_model
from matchcut.near_duplicates.picture_structure import (
    HEIGHT,
    WIDTH,
    aligned_correlation,
    shot_correlation,
    structure_of,
)
from matchcut.shot_embeddings import DIMENSIONS, LUMA_SIZE, ShotEmbeddings
from tests.shot_embeddings import embeddings_of, model_of, picture


def large_picture(seed: int) -> np.ndarray:
    """uint8 (360, 640), blobs of all sizes."""
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.random((4 * n, 7 * n)), (640, 360), interpolation=cv2.INTER_CUBIC) for n in (1, 2, 4, 8)]
    together = sum(layers)
    return (255 * (together - together.min()) / np.ptp(together)).astype(np.uint8)


def seen(large: np.ndarray) -> np.ndarray:
    return structure_of(cv2.resize(large, LUMA_SIZE, interpolation=cv2.INTER_AREA)[None])[0]


def test_the_grid_is_the_one_that_embeddings_keep():
    assert (WIDTH, HEIGHT) == LUMA_SIZE


def test_light_and_grading_do_not_matter():
    large = large_picture(1)
    dark = (255 * (large / 255) ** 1.8 * 0.6 + 10).astype(np.uint8)
    assert aligned_correlation(seen(large), seen(dark)) > 0.85


@pytest.mark.parametrize("crop", [(0, 340, 0, 604), (14, 360, 25, 640), (10, 350, 18, 622), (0, 318, 0, 565)])
def test_a_crop_by_a_few_percent_is_found(crop):
    top, bottom, left, right = crop
    large = large_picture(2)
    cropped = cv2.resize(large[top:bottom, left:right], (640, 360), interpolation=cv2.INTER_LINEAR)
    assert aligned_correlation(seen(large), seen(cropped)) > 0.8


def test_other_pictures_do_not_coincide_and_the_order_is_indifferent():
    a, b = seen(large_picture(1)), seen(large_picture(2))
    assert aligned_correlation(a, b) < 0.5
    assert aligned_correlation(a, b) == pytest.approx(aligned_correlation(b, a))


def test_the_best_frames_of_two_shots_count_mirrored_or_not_and_blank_ones_do_not():
    a, b, c = (seen(large_picture(seed)) for seed in (1, 2, 3))
    shot, other = np.stack([a, b]), np.stack([c, np.ascontiguousarray(a[:, ::-1])])
    none = np.zeros(2, bool)
    assert shot_correlation(shot, other, none, none) == pytest.approx(1, abs=1e-3)
    assert shot_correlation(shot, other, np.array([True, False]), none) < 0.5
    assert shot_correlation(shot, other, np.ones(2, bool), none) == 0


def test_two_people_before_one_wall_are_told_apart_where_pictures_differ():
    # The embeddings say 0.9 of both pairs; the pictures coincide in one of them only.
    views = np.zeros((3, 1, DIMENSIONS), np.float32)
    views[0, 0, 0] = 1
    views[1:, 0, :2] = 0.9, np.sqrt(1 - 0.81)
    ones = np.full((3, 1), 50, np.float32)
    luma = np.stack([[picture(1)], [picture(1)], [picture(2)]])
    embeddings = ShotEmbeddings(views, np.zeros((3, 1), np.int64), ones, ones, ones, luma)
    chance = compare(embeddings, embeddings, model_of(-13, 10, 8)).chance
    assert chance[0, 1] > 0.9
    assert chance[0, 2] < 0.2
    np.testing.assert_array_equal(chance, chance.T)


def test_comparing_two_titles_gives_what_comparing_one_with_itself_gives():
    one, model = embeddings_of([0, [3, 4], [4, 3]]), load_model()
    again = embeddings_of([0, [3, 4], [4, 3]])
    within, across = compare(one, one, model), compare(one, again, model)
    off_diagonal = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(within.chance[off_diagonal], across.chance[off_diagonal], atol=1e-6)
    np.testing.assert_allclose(within.chance, across.chance, atol=1e-3)


def test_the_cosine_is_the_greatest_of_two_frames_and_blank_frames_have_none():
    vectors = np.zeros((3, 2, DIMENSIONS), dtype=np.float32)
    vectors[0, 0, 0] = vectors[0, 1, 1] = vectors[1, 0, 2] = vectors[2, :, 0] = 1
    vectors[1, 1, :2] = 0.6, 0.8
    std = np.array([[50, 50], [50, 50], [0, 0]], np.float32)
    luma = np.zeros((3, 2, *LUMA_SIZE[::-1]), np.uint8)
    embeddings = ShotEmbeddings(vectors, np.zeros((3, 2), np.int64), std, std, std, luma)
    expected = [[1, 0.8, -1], [0.8, 1, -1], [-1, -1, -1]]
    np.testing.assert_allclose(greatest_cosine(embeddings, embeddings), expected, atol=1e-6)
