"""The standardized sound: the first sound track as 16 kHz mono, in step with the proxy's frames.

ffmpeg decodes it once, mixes it down and fills gaps, so that a sample's number is its time. Sample 0 is heard with the
proxy's frame 0, whatever the container says about where sound and picture begin. The file is plain WAV: it is read
by ranges without being decoded again. A film without sound, or with sound that cannot be decoded, simply has none.
"""

import json
import wave
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from matchcut.errors import BadVideoError, SourceChangedError
from matchcut.ffmpeg import Ffmpeg
from matchcut.source_video import SourceVideo, sound_hash_arguments, stream_hash_in

ALGORITHM = "1"
SOUND_NAME = "sound.wav"
RECORD_NAME = "sound.json"
SAMPLE_RATE = 16000
"""Hertz. What is above 8 kHz says little about what is heard; speech and music features use this rate."""


@dataclass(frozen=True)
class SoundRecord:
    """What is known of a title's sound.

    Attributes:
        num_samples: at `SAMPLE_RATE`; 0 where there is no sound.
        start_seconds: time of sample 0, from frame 0 on.
        reason: why there is none; empty where there is sound.
    """

    num_samples: int
    start_seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Sound:
    """A title's standardized sound, opened for reading.

    Attributes:
        folder: holds `sound.json`, and `sound.wav` where there is sound.
    """

    folder: Path

    @property
    def record(self) -> SoundRecord:
        """What was written beside the sound."""
        return SoundRecord(**json.loads((self.folder / RECORD_NAME).read_text()))

    def between(self, start_seconds: float, stop_seconds: float) -> np.ndarray:
        """float32 (n,), samples in [-1, 1] of a time range; shorter where the sound begins later or ends before."""
        record = self.record
        if record.num_samples == 0:
            return np.zeros(0, np.float32)
        with wave.open(str(self.folder / SOUND_NAME)) as file:
            first, stop = (
                min(max(round((seconds - record.start_seconds) * SAMPLE_RATE), 0), file.getnframes())
                for seconds in (start_seconds, stop_seconds)
            )
            file.setpos(first)
            samples = np.frombuffer(file.readframes(max(stop - first, 0)), "<i2")
        return samples.astype(np.float32) / 32768


def standardize_sound(source_path: Path, source: SourceVideo, folder: Path, ffmpeg: Ffmpeg) -> SoundRecord:
    """Write `sound.json`, and `sound.wav` where there is sound, into a folder.

    Args:
        source_path: the file.
        source: what `inspect_source` said of it.
        folder: exists; gets the files.
        ffmpeg: the binary.

    Raises:
        SourceChangedError: the file vanished, or its sound is not the one that was inspected.
        FeatureStoreError: the disk is full.
    """
    record = _decoded(source_path, source, folder, ffmpeg)
    if record.num_samples == 0:
        (folder / SOUND_NAME).unlink(missing_ok=True)
    (folder / RECORD_NAME).write_text(json.dumps(asdict(record), indent=2) + "\n")
    return record


def _decoded(path: Path, source: SourceVideo, folder: Path, ffmpeg: Ffmpeg) -> SoundRecord:
    if source.sound_hash is None:
        return SoundRecord(0, reason="no sound track" if not source.audio else "its sound track cannot be read")
    try:
        report = ffmpeg.run([*_wav(folder), *sound_hash_arguments(), *_first_picture(source)], path)
    except BadVideoError as error:
        return SoundRecord(0, reason=str(error))
    if stream_hash_in(report.output, "a") != source.sound_hash:
        raise SourceChangedError(f"{path.name} changed while its sound was read. Run again.")
    with wave.open(str(folder / SOUND_NAME)) as file:
        num_samples = file.getnframes()
    reason = "" if num_samples else "nothing of its sound track can be decoded"
    return SoundRecord(num_samples, -_seconds_of_first_picture(report.output), reason)


def _wav(folder: Path) -> list[str | Path]:
    """Mono at `SAMPLE_RATE`; silence where time stamps leave a gap, from the file's beginning on."""
    return [
        *("-map", "0:a:0", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", str(SAMPLE_RATE)),
        *("-c:a", "pcm_s16le", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"),
        *("-f", "wav", f"file:{folder / SOUND_NAME}"),
    ]


def _first_picture(source: SourceVideo) -> tuple[str, ...]:
    """The first packets of the picture with their time stamps: where frame 0 is on the sound's clock."""
    return ("-map", f"0:{source.stream_index}", "-c", "copy", "-frames:v", "8", "-f", "framecrc", "-")


def _seconds_of_first_picture(output: tuple[str, ...]) -> float:
    time_base = next((Fraction(line.split()[2]) for line in output if line.startswith("#tb 0:")), Fraction(0))
    times = [int(line.split(",")[2]) for line in output if line.startswith("0,") and "SHA256" not in line]
    # Before 0 lie pictures that an edit list hides.
    return float(min((time for time in times if time >= 0), default=0) * time_base)
