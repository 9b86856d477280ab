import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchcut.near_duplicates.codes import ShotCodes, codes_of_title, propose
from matchcut.near_duplicates.model import CODE_LENGTHS, MAX_BITS, NearDuplicateModel, load_model
from matchcut.shot_embeddings import DIMENSIONS
from tests.shot_embeddings import embeddings_of, model_of


def codes_of(bits: np.ndarray, shot: list[int]) -> ShotCodes:
    return ShotCodes(np.packbits(bits, axis=1), np.array(shot, dtype=np.int64), max(shot, default=-1) + 1)


def test_the_model_that_ships_is_the_one_that_was_trained_and_is_no_constant():
    model = load_model()
    assert model.weight.shape == (DIMENSIONS, MAX_BITS)
    assert (model.decision[1:] > 0).all()
    vectors = np.abs(np.random.default_rng(0).normal(size=(500, DIMENSIONS)).astype(np.float32))
    bits = np.unpackbits(model.codes(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)), axis=1)
    assert len(np.unique(bits, axis=0)) == 500


def test_shorter_codes_are_the_first_bits_of_longer_ones():
    vectors = np.eye(DIMENSIONS, dtype=np.float32)[:20]
    model = model_of(0, 1)
    longest = model.codes(vectors)
    for bits in CODE_LENGTHS:
        np.testing.assert_array_equal(model.codes(vectors, bits), longest[:, : bits // 8])
    with pytest.raises(ValueError, match="64, 128, 256 bits, not 100"):
        model.codes(vectors, 100)


def test_the_share_of_bits_that_differ_is_the_angle_over_pi():
    # What the loss assumes; here of a random head, over many angles.
    rng = np.random.default_rng(0)
    model = model_of(0, 1)
    a = rng.normal(size=DIMENSIONS)
    for angle in np.linspace(0.2, 2.8, 6):
        b = rng.normal(size=DIMENSIONS)
        b -= a * (a @ b) / (a @ a)
        turned = np.cos(angle) * a / np.linalg.norm(a) + np.sin(angle) * b / np.linalg.norm(b)
        both = model.codes(np.stack([a, turned]).astype(np.float32))
        differing = np.unpackbits(both[0] ^ both[1]).mean()
        assert differing == pytest.approx(angle / np.pi, abs=0.09)


def a_film_of_one_look(shots: int = 60) -> np.ndarray:
    """Unit vectors that have most in common, as the frames of a film have."""
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=DIMENSIONS) + 0.5 * rng.normal(size=(shots, DIMENSIONS))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def bits_that_differ(codes: np.ndarray) -> float:
    bits = np.unpackbits(codes, axis=1)
    return float((bits[:, None] != bits[None]).sum(axis=2)[np.triu_indices(len(bits), 1)].mean())


def test_the_codes_of_a_title_tell_its_shots_apart_though_all_have_its_look():
    model, film = model_of(0, 1), a_film_of_one_look()
    common, own = model.codes(film), codes_of_title(film, np.arange(len(film)), model)
    assert bits_that_differ(own) > 1.3 * bits_that_differ(common)


def test_the_center_of_a_title_of_few_shots_is_hardly_its_own():
    model, film = model_of(0, 1), a_film_of_one_look(1)
    np.testing.assert_array_equal(codes_of_title(film, np.zeros(1, np.int64), model), model.codes(film))


def test_a_shot_of_many_frames_moves_the_center_no_more_than_any_other():
    model, film = model_of(0, 1), a_film_of_one_look(9)
    codes = codes_of_title(film, np.arange(9), model)
    repeated = codes_of_title(np.repeat(film, [7, *[1] * 8], axis=0), np.repeat(np.arange(9), [7, *[1] * 8]), model)
    np.testing.assert_array_equal(repeated[6:], codes)


def test_a_title_that_shows_nothing_has_no_codes():
    assert codes_of_title(np.zeros((0, DIMENSIONS), np.float32), np.zeros(0, np.int64), model_of(0, 1)).shape == (0, 32)


def test_blank_frames_have_no_code():
    embeddings = embeddings_of([0, 1, 2])
    embeddings.luma_std[1] = 0
    codes = ShotCodes.of(embeddings, model_of(0, 1))
    assert codes.shot.tolist() == [0, 2]
    assert codes.num_shots == 3


def test_codes_survive_the_store(tmp_path):
    codes = ShotCodes.of(embeddings_of([0, 1, 2]), model_of(0, 1))
    codes.save(tmp_path)
    loaded = ShotCodes.load(tmp_path)
    np.testing.assert_array_equal(loaded.codes, codes.codes)
    assert loaded.shot.tolist() == [0, 1, 2]
    assert loaded.num_shots == 3


def test_a_model_survives_its_file(tmp_path):
    model = model_of(-3, 4, 5)
    model.save(tmp_path / "model.npz")
    loaded = NearDuplicateModel.read(tmp_path / "model.npz")
    np.testing.assert_allclose(loaded.weight, model.weight, atol=2e-3)
    assert loaded.decision.tolist() == [-3, 4, 5]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_proposals_are_all_pairs_of_shots_with_near_codes(seed, max_distance):
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2, (4, MAX_BITS))

    def title(frames: int) -> tuple[np.ndarray, np.ndarray]:
        noisy = base[rng.integers(0, 4, frames)] ^ (rng.random((frames, MAX_BITS)) < rng.uniform(0, 0.5))
        return noisy.astype(np.uint8), np.sort(rng.integers(0, max(frames, 1), frames))

    query, *others = (title(int(rng.integers(0, 9))) for _ in range(4))
    found = propose(codes_of(query[0], query[1].tolist()), [codes_of(b, s.tolist()) for b, s in others], max_distance)
    for (bits, shot), (a, b) in zip(others, found, strict=True):
        near = (query[0][:, None] != bits[None]).sum(axis=2) <= max_distance
        expected = {(int(query[1][i]), int(shot[j])) for i, j in zip(*np.nonzero(near), strict=True)}
        assert list(zip(a.tolist(), b.tolist(), strict=True)) == sorted(expected)
