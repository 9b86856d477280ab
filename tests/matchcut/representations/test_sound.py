import wave
from dataclasses import asdict
from json import dumps
from pathlib import Path

import numpy as np
import pytest

from benchmarks.planted_sounds import write_sound
from matchcut.proxy import Proxy
from matchcut.representations.flavor import Representation, UsableShots
from matchcut.representations.sound import END, START, SoundMatch, SoundParameters, log_mel, mel_filters
from matchcut.sound import RECORD_NAME, SAMPLE_RATE, SOUND_NAME, Sound, SoundRecord
from tests.clips import Shot, draw, make_proxy

FLAVOR = SoundMatch()
TIME = np.arange(SAMPLE_RATE) / SAMPLE_RATE


def tone(hertz: float, loudness: float = 0.3) -> np.ndarray:
    """One second with overtones."""
    return loudness * sum(np.sin(2 * np.pi * hertz * n * TIME) / n for n in (1, 2, 3)).astype(np.float32) / 2


def noise(loudness: float = 0.3, seed: int = 1) -> np.ndarray:
    return (loudness * np.random.default_rng(seed).uniform(-1, 1, SAMPLE_RATE)).astype(np.float32)


def knocks(seed: int = 1) -> np.ndarray:
    """Noise that sets in four times a second."""
    return noise(0.8, seed) * np.exp(-40 * (TIME % 0.25)).astype(np.float32)


SILENCE = np.zeros(SAMPLE_RATE, np.float32)


def film(folder: Path, *seconds: np.ndarray) -> tuple[Proxy, UsableShots]:
    """A film of 25 frames per second, one shot per two seconds of sound."""
    frames = draw([Shot(25 * len(seconds))], (32, 32))
    proxy = make_proxy(folder, frames)
    write_sound(np.concatenate(seconds), folder)
    start = np.arange(0, 25 * len(seconds), 50)
    return Proxy(proxy.path.parent, Sound(folder)), UsableShots(np.arange(len(start)), start, start + 50)


def score(a: np.ndarray, b: np.ndarray) -> float:
    """Of cutting from a shot that ends with one second into a shot that begins with another."""
    rows = [_row(FLAVOR.describe(a, END)), _row(FLAVOR.describe(b, START))]
    return float(FLAVOR.score_block(*rows).score[0, 0])


def _row(end: dict[str, np.ndarray]) -> Representation:
    arrays = {name: np.array([[value, value]], np.float32) for name, value in end.items()}
    return Representation(np.array([0]), {"frame": np.array([[0, 24]]), **arrays})


def test_a_tone_is_loudest_in_the_band_that_holds_it():
    bands = log_mel(tone(1000)).mean(axis=0)
    centres = mel_filters().argmax(axis=1) * SAMPLE_RATE / 512
    assert centres[bands.argmax()] == pytest.approx(1000, rel=0.1)


def test_full_scale_is_0_decibels():
    assert log_mel(np.sin(2 * np.pi * 1000 * TIME).astype(np.float32)).max() == pytest.approx(0, abs=2)


def test_the_same_sound_matches_and_another_does_less():
    assert score(tone(300), tone(300)) > 0.95
    assert score(tone(300), tone(300)) > score(tone(300), tone(360)) > score(tone(300), noise())
    assert score(knocks(1), knocks(2)) > 0.9
    assert score(knocks(), noise()) < score(knocks(1), knocks(2)) - 0.1


def test_a_fainter_sound_matches_less_and_silence_nothing():
    assert score(tone(300), tone(300, 0.05)) < score(tone(300), tone(300, 0.25))
    assert score(SILENCE, SILENCE) == 0
    assert score(tone(300), SILENCE) == 0


def test_the_end_of_a_is_compared_with_the_start_of_b(tmp_path: Path):
    proxy, shots = film(tmp_path, tone(300), noise(), noise(0.3, 2), tone(300))
    found = FLAVOR.represent(proxy, shots, {})
    block = FLAVOR.score_block(found, found)
    assert block.score[0, 1] > 0.8  # out of noise into noise
    assert block.score[1, 0] > 0.95  # out of a tone into the same tone
    assert block.score[0, 0] < 0.6
    assert (block.frame_a[0, 1], block.frame_b[0, 1]) == (49, 50)


def test_an_onset_counts_where_the_cut_is():
    late = np.where(TIME > 0.95, noise(0.8), noise(0.01)).astype(np.float32)
    assert FLAVOR.describe(late, END)["onsets"][1] > 5
    assert FLAVOR.describe(late, START)["onsets"][1] < 3


def test_silent_shots_have_no_row(tmp_path: Path):
    proxy, shots = film(tmp_path, SILENCE, SILENCE, tone(300), SILENCE)
    assert FLAVOR.represent(proxy, shots, {}).shot.tolist() == [1]


def test_a_title_without_sound_has_no_rows(tmp_path: Path):
    proxy, shots = film(tmp_path, tone(300), tone(300))
    (tmp_path / RECORD_NAME).write_text(dumps(asdict(SoundRecord(0, reason="no sound track"))))
    found = FLAVOR.represent(proxy, shots, {})
    assert len(found) == 0
    assert FLAVOR.score_block(found, found).score.shape == (0, 0)


def test_sound_that_ends_before_the_picture_leaves_the_rest_out(tmp_path: Path):
    proxy, shots = film(tmp_path, tone(300), tone(300), tone(300), tone(300))
    with wave.open(str(tmp_path / SOUND_NAME), "rb") as file:
        half = file.readframes(2 * SAMPLE_RATE)
    with wave.open(str(tmp_path / SOUND_NAME), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(half)
    assert FLAVOR.represent(proxy, shots, {}).shot.tolist() == [0]


def test_the_picture_has_a_tile_for_both_ends(tmp_path: Path):
    proxy, shots = film(tmp_path, tone(300), tone(900))
    found = FLAVOR.represent(proxy, shots, {})
    picture = FLAVOR.picture(proxy, found, [0])
    assert picture.shape[1] > 2 * 256
    assert (picture == (90, 170, 240)).all(axis=2).mean() > 0.1


def test_windows_that_hold_nothing_are_refused():
    with pytest.raises(ValueError, match="least_seconds <= end_seconds"):
        SoundParameters(end_seconds=0.1)
