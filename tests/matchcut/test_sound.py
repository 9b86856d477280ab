"""The standardized sound of films whose tones are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from matchcut.errors import SourceChangedError
from matchcut.ffmpeg import Ffmpeg, find_ffmpeg
from matchcut.sound import RECORD_NAME, SAMPLE_RATE, SOUND_NAME, Sound, standardize_sound
from matchcut.source_video import inspect_source
from tests import clips


@pytest.fixture(scope="module")
def ffmpeg() -> Ffmpeg:
    return find_ffmpeg()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with a tone of 300 Hz."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    clips.make_clip(path, [clips.Shot(50)], audio=True)
    return path


def dubbed(film: Path, path: Path, sound: str, *options: str) -> Path:
    """The same pictures with another sound, by a description of ffmpeg's."""
    clips.ffmpeg("-i", film, "-f", "lavfi", "-i", sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", *options, path)
    return path


def standardized(path: Path, folder: Path, ffmpeg: Ffmpeg) -> Sound:
    folder.mkdir()
    standardize_sound(path, inspect_source(path, ffmpeg), folder, ffmpeg)
    return Sound(folder)


def pitch(samples: np.ndarray) -> float:
    """Hertz of the strongest tone."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[spectrum.argmax()])


def test_the_sound_is_the_one_of_the_film(film: Path, tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    sound = standardized(film, tmp_path / "sound", ffmpeg)
    assert sound.record.num_samples == pytest.approx(2 * SAMPLE_RATE, rel=0.03)
    middle = sound.between(0.5, 1.5)
    assert len(middle) == SAMPLE_RATE
    assert pitch(middle) == pytest.approx(300, abs=2)
    assert len(sound.between(1.9, 9.0)) < 0.2 * SAMPLE_RATE
    assert len(sound.between(5.0, 6.0)) == 0


def test_a_film_without_sound_has_none_and_is_no_failure(tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    path = tmp_path / "silent.mp4"
    clips.make_clip(path, [clips.Shot(30)])
    sound = standardized(path, tmp_path / "sound", ffmpeg)
    assert json.loads((sound.folder / RECORD_NAME).read_text())["reason"] == "no sound track"
    assert not (sound.folder / SOUND_NAME).exists()
    assert len(sound.between(0, 1)) == 0


def test_another_dub_is_another_sound_of_the_same_film(film: Path, tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    before = inspect_source(film, ffmpeg)
    after = inspect_source(dubbed(film, tmp_path / "dub.mp4", "sine=frequency=600:duration=2"), ffmpeg)
    assert after.digest == before.digest
    assert after.sound_hash != before.sound_hash
    assert before.sound_hash is not None


def test_sound_that_begins_late_is_late(film: Path, tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    late = tmp_path / "late.mkv"
    clips.ffmpeg(
        *("-i", film, "-itsoffset", "0.5", "-f", "lavfi", "-i", "sine=frequency=600:duration=1"),
        *("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "pcm_s16le", late),
    )
    sound = standardized(late, tmp_path / "sound", ffmpeg)
    assert np.abs(sound.between(0.0, 0.45)).max() < 0.01
    assert np.abs(sound.between(0.55, 1.0)).max() > 0.05


def test_pictures_that_begin_late_take_the_sounds_beginning_off(film: Path, tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    path = tmp_path / "early.mkv"
    sound = "aevalsrc=if(lt(t\\,0.5)\\,0\\,0.5*sin(2*PI*600*t)):d=2"
    clips.ffmpeg(
        *("-itsoffset", "0.5", "-i", film, "-f", "lavfi", "-i", sound),
        *("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "pcm_s16le", path),
    )
    # Half a second of silence comes before the first picture: the tone begins with frame 0.
    found = standardized(path, tmp_path / "sound", ffmpeg)
    assert np.abs(found.between(0.05, 0.3)).max() > 0.2
    assert found.record.start_seconds == pytest.approx(-0.5, abs=0.05)


def test_a_file_whose_sound_was_replaced_meanwhile_is_noticed(film: Path, tmp_path: Path, ffmpeg: Ffmpeg) -> None:
    source = inspect_source(film, ffmpeg)
    other = dubbed(film, tmp_path / "dub.mp4", "sine=frequency=600:duration=2")
    with pytest.raises(SourceChangedError, match=r"dub.mp4 changed while its sound was read"):
        standardize_sound(other, source, tmp_path, ffmpeg)
