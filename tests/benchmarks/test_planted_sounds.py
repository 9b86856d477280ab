import numpy as np
import pytest

from benchmarks.planted_sounds import HALF_SAMPLES, STRETCH_SAMPLES, other_recording, plain, write_sound
from matchcut.representations.sound import SoundMatch, log_mel
from matchcut.sound import SAMPLE_RATE, Sound

TIME = np.arange(STRETCH_SAMPLES) / SAMPLE_RATE


def tone(hertz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * TIME)).astype(np.float32)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, STRETCH_SAMPLES).astype(np.float32)


def test_another_recording_is_another_and_still_the_same_sound():
    half = tone(500)[: HALF_SAMPLES + HALF_SAMPLES // 10]
    made = other_recording(half, noise(1), np.random.default_rng(2))
    assert made.shape == (HALF_SAMPLES,)
    assert np.abs(made).max() <= 1
    assert not np.allclose(made, half[:HALF_SAMPLES], atol=0.01)
    loudest = [int(log_mel(each).mean(axis=0).argmax()) for each in (made, half[:HALF_SAMPLES])]
    assert abs(loudest[0] - loudest[1]) <= 1


def test_the_plain_method_likes_what_sounds_alike(tmp_path):
    halves = [each[:HALF_SAMPLES] for each in (tone(300), tone(300), noise(1))]
    write_sound(np.concatenate(halves), tmp_path)
    scores = plain(SoundMatch(), Sound(tmp_path), 3)
    assert scores[0, 1] == pytest.approx(1, abs=1e-3)
    assert scores[0, 2] < 0.8
