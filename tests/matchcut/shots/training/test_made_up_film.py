from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from matchcut.shots.boundary import read_network, write_network
from matchcut.shots.boundary_network import OUTPUTS, BoundaryNetwork
from matchcut.shots.training.made_up_film import IGNORE, MadeUpFilm, made_up_film
from matchcut.shots.training.material import read_material
from matchcut.shots.training.takes import Material, look_alike, mip_levels, random_take
from matchcut.shots.training.train import TrainingParameters, loss_of, train
from tests.clips import texture


@pytest.fixture(scope="module")
def material() -> Material:
    """Six textures and a disc."""
    disc = np.zeros((40, 40, 4), np.uint8)
    cv2.circle(disc, (20, 20), 18, (200, 60, 40, 255), -1)
    return Material([mip_levels(texture(seed, (320, 200))) for seed in range(6)], [disc], [])


def film(material: Material, seed: int, num_frames: int = 160) -> MadeUpFilm:
    return made_up_film(np.random.default_rng(seed), material, num_frames)


def test_a_film_has_small_frames_and_a_label_for_each(material: Material) -> None:
    made = film(material, 1, 90)
    assert made.frames.shape == (90, 27, 48, 3)
    assert made.frames.dtype == np.uint8
    for name in OUTPUTS:
        labels = getattr(made, name)
        assert labels.shape == (90,)
        assert np.isin(labels[labels < 0], IGNORE).all()
        assert labels.max() <= 1


def test_the_same_seed_makes_the_same_film_and_another_one_another(material: Material) -> None:
    np.testing.assert_array_equal(film(material, 5).frames, film(material, 5).frames)
    assert (film(material, 5).frames != film(material, 6).frames).any()


def test_most_cuts_are_where_the_picture_changes_most(material: Material) -> None:
    at_cuts, elsewhere = [], []
    for seed in range(25):
        made = film(material, seed)
        step = np.abs(np.diff(made.frames.astype(float), axis=0, prepend=made.frames[:1])).mean(axis=(1, 2, 3))
        at_cuts += step[made.cut == 1].tolist()
        elsewhere += step[(made.cut == 0) & (made.mixed == 0)].tolist()
    assert len(at_cuts) > 30
    assert np.median(at_cuts) > 8 * np.median(elsewhere)


def test_the_middle_of_a_gradual_transition_is_among_its_mixed_frames_or_the_first_after(material: Material) -> None:
    middles = 0
    for seed in range(25):
        made = film(material, seed)
        for frame in np.flatnonzero(made.middle == 1):
            assert made.mixed[max(0, frame - 1) : frame + 1].any()
            middles += 1
    assert middles > 10


def test_a_look_alike_shows_the_same_place(material: Material) -> None:
    rng = np.random.default_rng(3)
    take = random_take(rng, material, 100)
    assert look_alike(rng, material, take, 50, 100).background is take.background


def test_pictures_are_sorted_by_their_transparency(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (300, 400, 3), np.uint8)
    (tmp_path / "stamps").mkdir()
    cut_out = np.dstack([noise[:100, :100], np.zeros((100, 100), np.uint8)])
    cut_out[20:80, 20:80, 3] = 255
    cv2.imwrite(str(tmp_path / "photo.png"), noise)
    cv2.imwrite(str(tmp_path / "again.png"), noise)
    cv2.imwrite(str(tmp_path / "stamps" / "thing.png"), cut_out)
    found = read_material(tmp_path)
    assert (len(found.photos), len(found.sprites), len(found.films)) == (1, 1, 0)
    np.testing.assert_array_equal(found.photos[0][0], noise[..., ::-1])


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no photos; unpack these packages there: .*gnome-backgrounds"):
        read_material(tmp_path)


def test_what_nobody_can_tell_costs_nothing() -> None:
    labels = torch.tensor([[[1.0, 0.0, IGNORE]]])
    right, wrong = torch.tensor([[[20.0, -20.0, 7.0]]]), torch.tensor([[[-20.0, -20.0, 7.0]]])
    weights = torch.ones(3)
    assert loss_of(right, labels, weights) == pytest.approx(0, abs=1e-6)
    assert loss_of(wrong, labels, weights) == pytest.approx(10)


@pytest.mark.slow
def test_a_few_steps_make_the_loss_fall_and_the_same_seed_the_same_network(material: Material, tmp_path: Path) -> None:
    cv2.setNumThreads(0)
    parameters = TrainingParameters(steps=40, batch_films=2, film_frames=80, warmup_steps=5)
    first, again = (train(material, parameters, tmp_path / f"{n}.jsonl") for n in range(2))
    for name, value in first.state_dict().items():
        torch.testing.assert_close(value, again.state_dict()[name], rtol=0, atol=0)
    lines = (tmp_path / "0.jsonl").read_text().splitlines()
    losses = [float(line.split('"loss": ')[1].split(",")[0]) for line in lines[1:]]
    assert losses[-1] < 0.95 * losses[0]


def test_a_network_is_written_and_read_in_half_precision(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = BoundaryNetwork()
    write_network(network, tmp_path / "network.npz")
    for name, value in read_network(tmp_path / "network.npz").state_dict().items():
        torch.testing.assert_close(value, network.state_dict()[name], rtol=1e-3, atol=1e-4)
