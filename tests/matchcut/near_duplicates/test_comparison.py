import cv2
import numpy as np
import pytest

from matchcut.near_duplicates.comparison import compare, greatest_cosine
from matchcut.near_duplicates.model import load_model
from matchcut.near_duplicates.picture_structure import (
    HEIGHT,
    WIDTH,
    ShotPictures,
    aligned_correlations,
    shot_correlations,
    structure_of,
)
from matchcut.shot_embeddings import LUMA_SIZE
from tests.shot_embeddings import embeddings_of, embeddings_of_frames, model_of, picture


def large_picture(seed: int) -> np.ndarray:
    """uint8 (360, 640), blobs of all sizes."""
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.random((4 * n, 7 * n)), (640, 360), interpolation=cv2.INTER_CUBIC) for n in (1, 2, 4, 8)]
    together = sum(layers)
    return (255 * (together - together.min()) / np.ptp(together)).astype(np.uint8)


def seen(large: np.ndarray) -> np.ndarray:
    return structure_of(cv2.resize(large, LUMA_SIZE, interpolation=cv2.INTER_AREA)[None])[0]


def aligned_correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(aligned_correlations(a[None], b[None], np.zeros(1, int), np.zeros(1, int))[0])


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


def test_many_pairs_at_once_are_what_template_matching_finds_pair_by_pair():
    structures = structure_of(np.random.default_rng(0).integers(0, 256, (6, HEIGHT, WIDTH)).astype(np.uint8))
    i, j = (each.ravel() for each in np.meshgrid(np.arange(3), np.arange(3), indexing="ij"))
    found = aligned_correlations(structures[:3], structures[3:], i, j)
    expected = [max(matched(a, b), matched(b, a)) for a in structures[:3] for b in structures[3:]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def matched(whole: np.ndarray, part: np.ndarray) -> float:
    """By OpenCV: the middle of the part, in three sizes."""
    middle = part[2:-2, 4:-4]
    sizes = [(56, 32), (53, 30), (49, 28)]
    templates = [cv2.resize(middle, size, interpolation=cv2.INTER_AREA) for size in sizes]
    return max(float(cv2.matchTemplate(whole, template, cv2.TM_CCOEFF_NORMED).max()) for template in templates)


def test_the_best_frames_of_two_shots_count_mirrored_or_not_and_blank_ones_do_not():
    luma = [cv2.resize(large_picture(seed), LUMA_SIZE, interpolation=cv2.INTER_AREA) for seed in (1, 2, 3)]
    shot = ShotPictures.of(np.stack(luma[:2]), np.array([0, 0]), 1)
    second_only = ShotPictures.of(np.stack(luma[1:2]), np.array([0]), 1)
    none = ShotPictures.of(np.zeros((0, HEIGHT, WIDTH), np.uint8), np.zeros(0, int), 1)
    other = ShotPictures.of(np.stack([luma[2], luma[0][:, ::-1]]), np.array([0, 0]), 1)
    first = np.zeros(1, int)
    assert shot_correlations(shot, other, first, first)[0] == pytest.approx(1, abs=1e-3)
    assert shot_correlations(second_only, other, first, first)[0] < 0.5
    assert shot_correlations(none, other, first, first)[0] == 0
    assert shot_correlations(other, none, first, first)[0] == 0
    assert len(shot_correlations(shot, other, first[:0], first[:0])) == 0


def test_two_people_before_one_wall_are_told_apart_where_pictures_differ():
    # The embeddings say 0.9 of both pairs; the pictures coincide in one of them only.
    wall, again = [1.0], [0.9, np.sqrt(1 - 0.81)]
    embeddings = embeddings_of([wall, again, again])
    embeddings.luma[:] = picture(1), picture(1), picture(2)
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
    embeddings = embeddings_of_frames([[0, 1], [2, [0.6, 0.8], 3], [0]])
    embeddings.luma_std[-1] = 0
    expected = [[1, 0.8, -1], [0.8, 1, -1], [-1, -1, -1]]
    np.testing.assert_allclose(greatest_cosine(embeddings, embeddings), expected, atol=1e-6)


def test_blocks_change_nothing(monkeypatch):
    one = embeddings_of_frames([[0, [3, 4]], [1], [[4, 3], 2, 0], [1, 1]])
    whole = greatest_cosine(one, one)
    monkeypatch.setattr("matchcut.near_duplicates.comparison.BLOCK_FRAMES", 2)
    np.testing.assert_allclose(greatest_cosine(one, one), whole, atol=1e-6)


def test_a_moving_shot_and_its_way_back_show_the_same():
    there, back = embeddings_of_frames([[0, 1, 2]]), embeddings_of_frames([[2, 1, 0]])
    assert compare(there, back, load_model()).chance[0, 0] > 0.9
