import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matchcut.deduplicated_shots import deduplicate
from matchcut.near_duplicates.comparison import greatest_cosine
from matchcut.shot_embeddings import (
    DIMENSIONS,
    ShotEmbeddings,
    ShotEmbeddingsParameters,
    chosen_frames,
    embed_shots,
)
from matchcut.text_cards import TextCards
from tests.clips import Shot, draw, make_proxy
from tests.shot_tables import shot_table

SIZE = (320, 180)


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    """EfficientNet-Lite0 that learned nothing, for everything but what the numbers mean."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    path = tmp_path_factory.mktemp("weights") / "untrained.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(EfficientNet.from_name("efficientnet-lite0").state_dict(), path)
    return path


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """Texture 3, black, a flat grey, texture 3 again."""
    textured = list(draw([Shot(12, seed=3)], SIZE))
    black = [np.zeros_like(textured[0])] * 10
    grey = [np.full_like(textured[0], 128)] * 10
    return make_proxy(tmp_path_factory.mktemp("proxy"), [*textured, *black, *grey, *textured])


SHOTS = shot_table([12, 10, 10, 12])


@pytest.fixture(scope="module")
def embedded(proxy, network) -> ShotEmbeddings:
    return embed_shots(proxy, SHOTS, {"efficientnet_lite0": network})


MOMENTS = ShotEmbeddingsParameters(moments=(0, 0.5, 0.99))


def test_frames_are_taken_from_the_usable_range_of_each_shot():
    shots = shot_table([20, 10])
    shots.usable_start_frame[1] += 4
    chosen = chosen_frames(shots, np.arange(30) / 25, MOMENTS)
    assert chosen.frames.tolist() == [0, 10, 19, 24, 27, 29]
    assert chosen.shot.tolist() == [0, 0, 0, 1, 1, 1]
    assert chosen.moments.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_shot_of_one_frame_gives_that_frame_once():
    chosen = chosen_frames(shot_table([1, 1]), np.arange(2) / 25)
    assert chosen.frames.tolist() == [0, 1]
    assert chosen.moments.tolist() == [[0, 0, 0], [1, 1, 1]]


def test_long_shots_give_more_frames_up_to_a_bound():
    shots, seconds = shot_table([100, 20, 1000]), np.arange(1120) / 10
    parameters = replace(MOMENTS, gap_seconds=2.5, most_frames=9)
    chosen = chosen_frames(shots, seconds, parameters)
    assert chosen.frames[chosen.shot == 0].tolist() == [0, 25, 50, 74, 99]
    assert chosen.frames[chosen.shot == 1].tolist() == [100, 110, 119]
    assert len(chosen.frames[chosen.shot == 2]) <= 10
    assert np.diff(seconds[chosen.frames[chosen.shot == 0]]).max() <= 2.5
    np.testing.assert_array_equal(chosen.frames[chosen.moments[0]], [0, 50, 99])


def test_every_shot_has_unit_vectors_of_the_chosen_frames(embedded):
    assert embedded.vectors.shape == (12, DIMENSIONS)
    assert embedded.vectors.dtype == np.float32
    assert embedded.frames.tolist() == [0, 6, 11, 12, 17, 21, 22, 27, 31, 32, 38, 43]
    np.testing.assert_allclose(np.linalg.norm(embedded.vectors, axis=1), 1, atol=1e-3)


def test_some_shots_can_be_taken(embedded):
    some = embedded.take(np.array([1, 3]))
    assert len(some) == 2
    assert some.frames[some.moments].tolist() == [[12, 17, 21], [32, 38, 43]]
    np.testing.assert_array_equal(some.vectors, embedded.vectors[[3, 4, 5, 9, 10, 11]])


def test_the_same_pictures_have_the_same_vectors(embedded):
    alike = greatest_cosine(embedded, embedded)
    np.testing.assert_allclose(alike[[0, 3], [3, 0]], 1, atol=1e-2)
    np.testing.assert_array_equal(alike, alike.T)


def test_brightness_contrast_and_sharpness_are_those_of_the_picture(embedded):
    np.testing.assert_allclose(embedded.luma_mean[embedded.shot == 1], 0, atol=1)
    np.testing.assert_allclose(embedded.luma_mean[embedded.shot == 2], 128, atol=3)
    assert embedded.throughout(embedded.luma_std < 1).tolist() == [False, True, True, False]
    assert embedded.throughout(embedded.sharpness < 1).tolist() == [False, True, True, False]
    assert embedded.throughout(embedded.luma_std > 10).tolist() == [True, False, False, True]


def test_black_and_flat_shots_of_a_video_are_marked(embedded, proxy):
    cards = TextCards(np.zeros(4, np.int64), np.zeros(4, bool), np.zeros(4, np.float32), np.zeros(4, bool))
    told = deduplicate(SHOTS, embedded, cards, proxy.seconds)
    assert told.reason.tolist() == ["", "black", "blank", "near-duplicate of shot 0"]


def test_batches_do_not_change_what_is_seen(embedded, proxy, network, monkeypatch):
    monkeypatch.setattr("matchcut.shot_embeddings.BATCH_FRAMES", 5)
    one_by_five = embed_shots(proxy, SHOTS, {"efficientnet_lite0": network})
    np.testing.assert_allclose(one_by_five.vectors, embedded.vectors, atol=2e-3)


def test_other_moments_give_other_frames(proxy, network):
    parameters = ShotEmbeddingsParameters(moments=(0.5,))
    embedded = embed_shots(proxy, SHOTS, {"efficientnet_lite0": network}, parameters)
    assert embedded.frames.tolist() == [6, 17, 27, 38]


def test_embedding_leaves_the_process_as_it_was(proxy, network):
    import torch

    before = torch.random.get_rng_state(), torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype()
    embed_shots(proxy, SHOTS, {"efficientnet_lite0": network}, ShotEmbeddingsParameters(moments=(0.5,)))
    after = torch.random.get_rng_state(), torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


def test_remembered_embeddings_are_the_computed_ones(embedded, tmp_path):
    embedded.save(tmp_path)
    loaded = ShotEmbeddings.load(tmp_path)
    for name, array in vars(embedded).items():
        np.testing.assert_array_equal(getattr(loaded, name), array)
        assert getattr(loaded, name).dtype == array.dtype


def test_arrays_that_do_not_belong_together_are_refused(embedded):
    with pytest.raises(ValueError, match=re.escape("vectors must be (12, 1280), one per frame, got (12, 5)")):
        replace(embedded, vectors=embedded.vectors[:, :5])
    with pytest.raises(ValueError, match=re.escape("sharpness must be (12,), one per frame, got (11,)")):
        replace(embedded, sharpness=embedded.sharpness[:-1])
    with pytest.raises(ValueError, match=re.escape("luma must be (12, 36, 64), one per frame, got (12, 36, 63)")):
        replace(embedded, luma=embedded.luma[..., 1:])
    with pytest.raises(ValueError, match="each of 4 shots must have frames, in the order of the shots"):
        replace(embedded, shot=embedded.shot[::-1].copy())


def test_senseless_parameters_are_refused():
    with pytest.raises(ValueError, match="moments must ascend"):
        ShotEmbeddingsParameters(moments=(0.5, 0.1))
    with pytest.raises(ValueError, match="most_frames at least 3"):
        ShotEmbeddingsParameters(most_frames=2)


@pytest.mark.parametrize("moments", [(), (1.0,), (-0.1, 0.5)])
def test_moments_outside_a_shot_are_refused(moments):
    with pytest.raises(ValueError, match=re.escape(f"in [0, 1), got {moments}")):
        ShotEmbeddingsParameters(moments=moments)


def test_shots_of_another_encode_are_refused(proxy, network):
    with pytest.raises(ValueError, match="does not exist"):
        embed_shots(proxy, shot_table([100, 100]), {"efficientnet_lite0": network})


@pytest.mark.weights
def test_the_trained_network_tells_textures_apart(tmp_path):
    from resources.model_weights import ModelWeights

    frames = [frame for seed in (1, 2, 1) for frame in draw([Shot(12, seed=seed, motion=(3, 0))], SIZE)]
    weights = ModelWeights().paths(["efficientnet_lite0"])
    embedded = embed_shots(make_proxy(tmp_path, frames), shot_table([12, 12, 12]), weights)
    alike = greatest_cosine(embedded, embedded)
    assert alike[0, 2] > 0.95
    assert alike[0, 1] < 0.8
