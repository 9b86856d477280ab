import json
from dataclasses import replace
from math import comb

import numpy as np
import pytest
import torch

from matchcut.near_duplicates.model import CODE_LENGTHS
from matchcut.near_duplicates.training.films import moments_of, read_stretches
from matchcut.near_duplicates.training.loss import chance_of_a_bit, hamming_target_loss, log_chances
from matchcut.near_duplicates.training.setups import SETUPS_PER_FAMILY, family, view
from matchcut.near_duplicates.training.train import VIEWS, TrainingParameters, Views, discriminant, train
from matchcut.shot_embeddings import DIMENSIONS, INPUT_SIZE, LUMA_SIZE
from matchcut.shots.training.takes import Material, mip_levels
from tests.clips import Shot, make_clip

SMALL = replace(TrainingParameters(), steps=60, batch_families=6, unrelated=4)


def photo(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (27, 48, 3)).astype(np.uint8).repeat(10, 0).repeat(10, 1)


@pytest.fixture(scope="module")
def material() -> Material:
    sprite = np.full((60, 40, 4), 255, np.uint8)
    return Material([mip_levels(photo(seed)) for seed in (1, 2, 3)], [sprite], [])


@pytest.mark.parametrize("p", [0.01, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("target", [0, 5, 20])
def test_the_chances_are_those_of_a_binomial_distance(p, target):
    exact = sum(comb(64, k) * p**k * (1 - p) ** (64 - k) for k in range(target + 1))
    within, beyond = log_chances(torch.tensor([p], dtype=torch.float64), 64, target)
    assert float(within.exp()) == pytest.approx(exact, rel=1e-9)
    assert float(beyond.exp()) == pytest.approx(1 - exact, rel=2e-3, abs=1e-9)


def test_a_bit_differs_by_the_angle_over_pi():
    points = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])
    np.testing.assert_allclose(chance_of_a_bit(points)[0, 1:], [0.5, 1.0], atol=1e-3)


def test_the_loss_pulls_similar_items_together_and_pushes_others_apart():
    torch.manual_seed(0)
    points = torch.randn(8, 64, requires_grad=True)
    group = torch.arange(4).repeat_interleave(2)
    optimizer = torch.optim.Adam([points], lr=0.05)
    for _ in range(100):
        loss = hamming_target_loss(points, group, 10, 10.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    signs = (points > 0).numpy()
    distance = (signs[:, None] != signs[None]).sum(axis=2)
    same = group[:, None] == group[None]
    assert distance[same].max() <= 10
    assert distance[~same].min() > 10


def test_views_are_pictures_of_the_embeddings_size_and_the_same_under_a_seed(material):
    def drawn() -> np.ndarray:
        rng = np.random.default_rng(5)
        setups = family(rng, material, photo(1), photo(2))
        return np.stack([view(rng, setup, material) for setup in setups])

    first = drawn()
    assert first.shape == (SETUPS_PER_FAMILY, INPUT_SIZE, INPUT_SIZE, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, drawn())
    assert len({each.tobytes() for each in first}) == SETUPS_PER_FAMILY


def made_up_views(families: int = 20) -> Views:
    """Set-ups as clusters of vectors, each with a picture of its own, both a little disturbed in every view."""
    rng = np.random.default_rng(0)
    shape = families, SETUPS_PER_FAMILY, VIEWS
    of_setup = rng.normal(size=(*shape[:2], 1, DIMENSIONS))
    vectors = of_setup + 0.7 * rng.normal(size=(*shape, DIMENSIONS))
    luma = rng.integers(0, 256, (*shape[:2], 1, 9, 16)) + rng.normal(0, 20, (*shape, 9, 16))
    large = np.clip(luma, 0, 255).astype(np.uint8).repeat(4, -2).repeat(4, -1)
    assert large.shape[-2:] == LUMA_SIZE[::-1]
    unit = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return Views(unit.astype(np.float32), large, np.full(shape, 50, np.float32), np.arange(families))


def test_training_finds_codes_and_a_decision_deterministically(tmp_path):
    views = made_up_views()
    films = made_up_views(6).vectors[:, :3]
    model = train(views, films, SMALL, tmp_path / "log.jsonl")
    again = train(views, films, SMALL, tmp_path / "again.jsonl")
    np.testing.assert_array_equal(model.weight, again.weight)
    np.testing.assert_array_equal(model.decision, again.decision)
    held_out = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["held_out"]
    assert held_out["f1"] > 0.95
    assert (model.decision[1:] > 0).all()
    bits = np.unpackbits(model.codes(views.vectors), axis=-1)
    same = (bits[:, :, 0] != bits[:, :, 1]).mean()
    other = (bits[:, 0] != bits[:, 1]).mean()
    assert same < 0.8 * other
    assert CODE_LENGTHS[-1] == bits.shape[-1]


def test_the_discriminant_directions_weigh_set_ups_against_their_views():
    rng = np.random.default_rng(1)
    vectors = np.zeros((30, 4, 4, 300), np.float32)
    vectors[..., 0] = rng.normal(size=(30, 4, 1))  # tells set-ups apart
    vectors[..., 1] = 5 * rng.normal(size=(30, 4, 4))  # differs from view to view
    vectors[..., 2:] = 0.01 * rng.normal(size=(30, 4, 4, 298))
    _, basis = discriminant([vectors.reshape(-1, 4, 300)], 0.1)
    assert abs(basis[0, 0]) > 100 * abs(basis[1, 0])


def test_photos_and_films_count_the_same_however_many_there_are():
    photos, films = (np.random.default_rng(seed).normal(size=(seed, 4, 300)) for seed in (90, 10))
    mean, _ = discriminant([photos, films], 1.0)
    np.testing.assert_allclose(mean, (photos.mean(axis=(0, 1)) + films.mean(axis=(0, 1))) / 2, atol=1e-6)


def test_films_are_parted_at_cuts_and_seen_again_nearby(tmp_path):
    takes = [Shot(30, seed=1, motion=(2, 0)), Shot(30, seed=2)]
    make_clip(tmp_path / "a.mp4", takes, size=(320, 180), number=False)
    stretches = read_stretches(tmp_path)
    assert [len(stretch) for stretch in stretches] == [6, 6]
    assert stretches[0].shape[1:] == (270, 480, 3)
    views = moments_of(np.random.default_rng(0), stretches[0], 4)
    assert views.shape == (4, INPUT_SIZE, INPUT_SIZE, 3)
    np.testing.assert_array_equal(views, moments_of(np.random.default_rng(0), stretches[0], 4))
    assert read_stretches(tmp_path / "nothing") == []
