"""Counting of the benchmark of near-duplicates, on arrays whose answers are plain."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.code_search import CHUNK, Counts, Questions, fitted_noise, hamming, made_up, search
from benchmarks.copied_films import COPIES, make_copies, phashes
from benchmarks.near_duplicates import best_threshold, figures_of, relation_of
from benchmarks.shots import encode
from matchcut.near_duplicates.model import load_model
from matchcut.shot_embeddings import DIMENSIONS
from tests import clips

SAME, DIFFERENT, UNKNOWN = 1, 0, -1


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Forty frames of each of four films, unit vectors: frames of a film have something in common."""
    rng = np.random.default_rng(3)
    films = rng.gamma(0.5, size=(4, 1, DIMENSIONS))
    vectors = (films + rng.gamma(0.5, size=(4, 40, DIMENSIONS))).reshape(-1, DIMENSIONS).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


FILM = np.repeat(np.arange(4), 40)


def test_the_truth_knows_same_different_and_doubtful_pairs() -> None:
    relation = relation_of(4, {0: "a", 1: "a", 2: "b?", 3: "b?"})
    assert relation.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, -1], [0, 0, -1, 1]]
    assert relation_of(2, {0: "", 1: ""}).tolist() == [[1, 0], [0, 1]]
    assert relation_of(2, None).tolist() == [[1, -1], [-1, 1]]


def test_figures_and_the_best_threshold() -> None:
    assert figures_of(3, 1, 6) == {"found": 3, "false": 1, "wanted": 6, "precision": 0.75, "recall": 0.5, "f1": 0.6}
    threshold, figures = best_threshold(np.array([0.9, 0.8, 0.7, 0.2]), np.array([True, False, True, False]))
    assert threshold == 0.7
    assert figures["f1"] == 0.8


def test_bits_are_counted() -> None:
    a, b = (np.random.default_rng(seed).integers(0, 256, (5, 32)).astype(np.uint8) for seed in (1, 2))
    bits = [np.unpackbits(codes, axis=1) for codes in (a, b)]
    assert hamming(a, b).tolist() == (bits[0][:, None] != bits[1][None]).sum(axis=2).tolist()


def test_precision_counts_ties_against_and_passes_over_what_nobody_judged() -> None:
    scores = np.array([[9, 8, 7, 5]], np.int16)
    counts = Counts(scores, np.array([[UNKNOWN, SAME, DIFFERENT, SAME]], np.int8))
    assert counts.figures()["mean_average_precision"] == round((1 + 2 / 3) / 2, 4)
    counts.add(np.array([[8, 3, 1]], np.int16))
    figures = counts.figures()
    assert figures["mean_average_precision"] == round((1 / 2 + 2 / 4) / 2, 4)
    assert figures["share_at_recall_0.99"] == 0.5  # two of four others are as near as the farthest that is wanted


def test_made_up_shots_are_as_far_from_real_ones_as_asked_for(frames: np.ndarray) -> None:
    noise = fitted_noise(frames, frames, FILM, 0.75)
    others = made_up(frames, FILM, noise, 500, (1, 2))
    assert np.median((others @ frames.T).max(axis=1)) == pytest.approx(0.75, abs=0.02)
    assert np.array_equal(others, made_up(frames, FILM, noise, 500, (1, 2)))
    assert np.linalg.norm(others, axis=1) == pytest.approx(1, abs=1e-5)


def test_every_method_finds_the_same_frames_again_and_fewer_bits_find_less(frames: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    queries = frames + rng.normal(0, 0.012, frames.shape).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    relation = np.eye(len(frames), dtype=np.int8)
    questions = Questions(queries, frames, relation, FILM, FILM)
    results = search(questions, frames, FILM, 0.5, load_model(), sizes=(0, CHUNK))
    precision = {
        name: figures["sizes"][str(CHUNK)]["mean_average_precision"]
        for name, figures in results.items()
        if name != "cosine, IVF"
    }
    assert precision["cosine"] > 0.95
    assert precision["cosine"] >= precision["signs, 256 random hyperplanes"]
    assert precision["learned code, 256 bits"] > precision["learned code, 64 bits"]
    assert results["learned code, 64 bits"]["bytes_per_shot"] == 8
    inverted = results["cosine, IVF"]["sizes"][str(CHUNK)]
    assert 0 < inverted["share_at_recall_0.95"] <= inverted["share_at_recall_0.99"] <= 1


def test_copies_have_the_frames_of_the_film_and_the_same_picture(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    clips.make_clip(film, [clips.Shot(12, seed=1), clips.Shot(13, seed=2)], size=(320, 180), number=False)
    original = encode(film, tmp_path / "film")
    copies = make_copies(film, tmp_path)
    assert set(copies) == set(COPIES)
    hashes = phashes(original, np.array([6, 18]))
    for path in copies.values():
        copy = encode(path, tmp_path / path.stem)
        assert copy.record.num_frames == 25
        distance = hamming(hashes, phashes(copy, np.array([6, 18])))
        assert distance.diagonal().max() < distance[0, 1]
