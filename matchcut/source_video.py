"""What a source file is: its identity by content, and the facts that the standardized encode needs.

The identity is a SHA-256 over the encoded video packets (ffmpeg's stream hash of a stream copy), the rate at
which they are shown, and the few tags that change the picture (quarter turns, pixel shape, HDR transfer, frames
hidden by an edit list). Renaming, retagging and remuxing between MP4, MOV and Matroska leave it alone; a
transport stream packs H.264 and HEVC differently, so that a remux to or from it is another identity.

Both readers of the file, ffmpeg and `probe.py`, run in subprocesses with a time limit.
"""

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from matchcut.errors import BadVideoError, SourceChangedError
from matchcut.ffmpeg import FORMATS, Ffmpeg
from matchcut.frame_rate import FrameTiming, timing_of

ALGORITHM = "1"

# A match cut needs a frame to leave and a frame to arrive at.
SMALLEST_NUM_FRAMES = 2
SMALLEST_SIDE_PIXELS = 32
# Containers round and players pad; what lacks more than this was cut off.
TOLERATED_LOSS_SECONDS, TOLERATED_LOSS_SHARE = 1.0, 0.01
PROBE_LIMIT_SECONDS = 300.0
NO_TIME = np.iinfo(np.int64).min  # AV_NOPTS_VALUE


@dataclass(frozen=True)
class AudioStream:
    """A sound track of the source."""

    stream_index: int
    codec: str
    sample_rate: int
    channels: int
    language: str | None


@dataclass(frozen=True)
class SourceVideo:
    """One film's content, whatever its file is called.

    Attributes:
        digest: 64 hex digits, the identity of the title.
        stream_hash: 64 hex digits, SHA-256 of the encoded video packets.
        stream_index: of the video stream in the file.
        container, codec, pixel_format: as ffmpeg names them.
        width, height: pixels as stored, before rotation, with bars.
        sample_aspect_ratio: width to height of a stored pixel.
        rotation: degrees clockwise to turn the picture for display: 0, 90, 180 or 270.
        is_mirrored: whether to mirror it left to right before turning.
        crop: x, y, width, height of the picture without bars, in stored pixels.
        num_packets: pictures in the file, hidden ones included.
        num_hidden: pictures that an edit list hides.
        frame_rate: frames per second, exact; nominal where the rate is variable.
        is_variable_rate: whether frame durations differ by more than the container's rounding.
        duration_seconds: from the first shown frame to the end of the last.
        start_timecode: SMPTE timecode of the first frame, None when there is none.
        bit_depth: bits per component.
        color: `primaries`, `transfer`, `matrix` and `range` as ffmpeg names them; "unknown" where unset.
        is_interlaced: whether any sampled frame is marked as two fields.
        audio: the sound tracks.
        sound_hash: 64 hex digits, SHA-256 of the first sound track's encoded packets; None without sound, or where
            they cannot be read. No part of `digest`: another dub is the same film.
    """

    digest: str
    stream_hash: str
    stream_index: int
    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    sample_aspect_ratio: Fraction
    rotation: int
    is_mirrored: bool
    crop: tuple[int, int, int, int]
    num_packets: int
    num_hidden: int
    frame_rate: Fraction
    is_variable_rate: bool
    duration_seconds: float
    start_timecode: str | None
    bit_depth: int
    color: dict[str, str]
    is_interlaced: bool
    audio: tuple[AudioStream, ...]
    sound_hash: str | None = None

    def __post_init__(self) -> None:
        x, y, width, height = self.crop
        if min(x, y) < 0 or min(width, height) < 1 or x + width > self.width or y + height > self.height:
            raise ValueError(f"crop {self.crop} does not lie inside {self.width}×{self.height} pixels")
        if self.rotation not in (0, 90, 180, 270) or self.frame_rate <= 0 or self.sample_aspect_ratio <= 0:
            raise ValueError(f"no such picture: {self}")

    @property
    def is_hdr(self) -> bool:
        """Whether the picture must be tone-mapped: PQ (SMPTE ST 2084) or HLG (ARIB STD-B67)."""
        return self.color["transfer"] in ("smpte2084", "arib-std-b67")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; rationals as `"24000/1001"`."""
        return {k: str(v) if isinstance(v, Fraction) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        rationals = {k: Fraction(value[k]) for k in ("sample_aspect_ratio", "frame_rate")}
        audio = tuple(AudioStream(**stream) for stream in value["audio"])
        return cls(**{**value, **rationals, "crop": tuple(value["crop"]), "audio": audio})


def inspect_source(path: Path, ffmpeg: Ffmpeg) -> SourceVideo:
    """Take the identity of a file and the facts of its picture. Reads every packet, decodes a few frames.

    Raises:
        BadVideoError: it is empty, no video, cut off, too small or too short.
        SourceChangedError: it vanished, or was written to meanwhile.
    """
    before = _look(path)
    if before[0] == 0:
        raise BadVideoError(f"{path.name}: the file is empty. Copy it again, completely.")
    facts = _probed(path)
    _refuse_small(path, facts)
    packets = _scan_with_sound(path, facts, ffmpeg)
    if _look(path) != before:
        raise SourceChangedError(f"{path.name} changed while it was read. Wait until it is written, and run again.")
    _refuse_cut_off(path, facts, packets)
    if packets.num_shown < SMALLEST_NUM_FRAMES:
        raise BadVideoError(
            f"{path.name}: it has {packets.num_shown} frame(s), a video needs at least {SMALLEST_NUM_FRAMES}. "
            "Remove stills from the library."
        )
    return _source(facts, packets)


def _look(path: Path) -> tuple[int, int]:
    """Size and time of last change.

    Raises:
        SourceChangedError: there is no such file.
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise SourceChangedError(f"{path.name} is not there any more ({path}). Put it back and run again.") from error
    return status.st_size, status.st_mtime_ns


def _probed(path: Path) -> dict[str, Any]:
    """What `probe.py` prints about the file; it runs by its path, without this package on its own path."""
    program = Path(__file__).with_name("probe.py")
    command = [sys.executable, "-P", str(program), str(path), FORMATS]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BadVideoError(
            f"{path.name}: looking at it took longer than {PROBE_LIMIT_SECONDS:g} s and was stopped. "
            "Check that it plays, and export it again."
        ) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise BadVideoError(
            f"{path.name}: the reader ended with status {done.returncode}: {said[0]}. "
            "Check that it plays, and export it again."
        )
    facts: dict[str, Any] = json.loads(done.stdout)
    if "error" in facts:
        _look(path)
        raise BadVideoError(
            f"{path.name}: {facts['error']}. Check that it plays and is complete, and export or copy it again."
        )
    return facts


def _refuse_small(path: Path, facts: dict[str, Any]) -> None:
    if min(facts["width"], facts["height"]) < SMALLEST_SIDE_PIXELS:
        raise BadVideoError(
            f"{path.name}: its picture has {facts['width']}×{facts['height']} pixels, a video needs at least "
            f"{SMALLEST_SIDE_PIXELS}×{SMALLEST_SIDE_PIXELS}. Use a larger encode."
        )


@dataclass(frozen=True)
class _Packets:
    """The encoded pictures: hash, and time stamps of the shown ones in order of presentation."""

    stream_hash: str
    ticks: np.ndarray
    time_base: Fraction
    num_hidden: int
    sound_hash: str | None

    @property
    def num_shown(self) -> int:
        return len(self.ticks)

    @property
    def seconds(self) -> float:
        """From the first frame to the end of the last, which is taken to be as long as most."""
        last = int(np.median(np.diff(self.ticks))) if len(self.ticks) > 1 else 0
        return float((int(self.ticks[-1] - self.ticks[0]) + last) * self.time_base)


def _scan_with_sound(path: Path, facts: dict[str, Any], ffmpeg: Ffmpeg) -> _Packets:
    """The pictures' packets, and the sound's in the same pass; sound that cannot be read costs no film."""
    if not facts["audio"]:
        return _scan(path, facts["stream_index"], ffmpeg)
    try:
        return _scan(path, facts["stream_index"], ffmpeg, sound_hash_arguments())
    except BadVideoError:
        return _scan(path, facts["stream_index"], ffmpeg)


def sound_hash_arguments() -> tuple[str, ...]:
    """An output of ffmpeg: the hash of the first sound track's packets, for `stream_hash_in`."""
    return ("-map", "0:a:0", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-")


def _scan(path: Path, stream_index: int, ffmpeg: Ffmpeg, sound: tuple[str, ...] = ()) -> _Packets:
    """One pass over all packets without decoding them."""
    copy = ("-map", f"0:{stream_index}", "-c", "copy", "-f")
    report = ffmpeg.run([*copy, "streamhash", "-hash", "sha256", "-", *copy, "framecrc", "-", *sound], path)
    stream_hash = stream_hash_in(report.output)
    time_base = next((Fraction(line.split()[2]) for line in report.output if line.startswith("#tb 0:")), None)
    rows = [line.split(",") for line in report.output if line.startswith("0,") and "SHA256" not in line]
    if stream_hash is None or time_base is None or not rows:
        raise BadVideoError(
            f"{path.name}: its video stream holds no pictures. Check that it plays, and export it again."
        )
    is_hidden = [_is_discarded(row) for row in rows]
    shown = [row for row, hidden in zip(rows, is_hidden, strict=True) if not hidden]
    return _Packets(
        stream_hash=stream_hash,
        ticks=_presentation(shown),
        time_base=time_base,
        num_hidden=sum(is_hidden),
        sound_hash=stream_hash_in(report.output, "a"),
    )


def stream_hash_in(output: tuple[str, ...], kind: Literal["v", "a"] = "v") -> str | None:
    """The digest that ffmpeg's `streamhash` muxer wrote of a video or an audio stream, 64 hex digits."""
    return next((line.split("SHA256=")[1].strip() for line in output if f",{kind},SHA256=" in line), None)


def _is_discarded(row: list[str]) -> bool:
    """Whether the demuxer marked the packet as hidden: flag 4 (`AV_PKT_FLAG_DISCARD`) in framecrc's `F=`."""
    flags = next((int(cell.split("=")[1], 16) for cell in row[6:] if cell.strip().startswith("F=")), 0)
    return bool(flags & 4)


def _presentation(rows: list[list[str]]) -> np.ndarray:
    """int64 (N,), sorted presentation times; decoding times where some packet has none (old AVI files)."""
    decoding, presentation = np.array([row[1:3] for row in rows], dtype=np.int64).reshape(-1, 2).T
    return np.sort(decoding if np.any(presentation == NO_TIME) else presentation)


def _refuse_cut_off(path: Path, facts: dict[str, Any], packets: _Packets) -> None:
    """Raise when the file announces more than is in it."""
    found, announced = packets.seconds if packets.num_shown else 0.0, facts["announced_seconds"]
    if announced and announced - found > max(TOLERATED_LOSS_SECONDS, TOLERATED_LOSS_SHARE * announced):
        raise BadVideoError(cut_off_message(path, announced, found))
    num_bytes, announced = _look(path)[0], facts["announced_bytes"]
    if announced and announced - num_bytes > TOLERATED_LOSS_SHARE * announced:
        raise BadVideoError(
            f"{path.name}: the file is cut off: it announces {announced / 1e6:.2f} MB, but {num_bytes / 1e6:.2f} MB "
            "are there. Copy or download it again, completely."
        )


def cut_off_message(path: Path, announced_seconds: float, found_seconds: float) -> str:
    """How a truncated file is reported."""
    return (
        f"{path.name}: the file is cut off: it announces {announced_seconds:.2f} s of picture, but "
        f"{found_seconds:.2f} s are in it. Copy or download it again, completely."
    )


def _source(facts: dict[str, Any], packets: _Packets) -> SourceVideo:
    timing = timing_of(packets.ticks, packets.time_base)
    aspect = Fraction(facts["sample_aspect_ratio"])
    kept = (
        *("stream_index", "container", "codec", "pixel_format", "width", "height", "rotation", "is_mirrored"),
        *("start_timecode", "bit_depth", "color", "is_interlaced"),
    )
    return SourceVideo(
        digest=_digest(facts, packets, timing),
        stream_hash=packets.stream_hash,
        sample_aspect_ratio=aspect if aspect > 0 else Fraction(1),
        crop=tuple(facts["crop"]),
        num_packets=packets.num_shown + packets.num_hidden,
        num_hidden=packets.num_hidden,
        frame_rate=timing.frame_rate,
        is_variable_rate=timing.is_variable,
        duration_seconds=packets.seconds,
        sound_hash=packets.sound_hash,
        audio=tuple(AudioStream(**stream) for stream in facts["audio"]),
        **{name: facts[name] for name in kept},
    )


def _digest(facts: dict[str, Any], packets: _Packets, timing: FrameTiming) -> str:
    """The identity: packets, rate, and what else changes the pictures.

    Nothing in it may depend on a container's rounding: Matroska keeps milliseconds, and the pixel shape as a
    display size in whole pixels.
    """
    rate = f"{round(packets.seconds)} s" if timing.is_variable else str(timing.frame_rate)
    aspect = round(float(Fraction(facts["sample_aspect_ratio"]) or 1) * 20)
    shown = [facts["rotation"], facts["is_mirrored"], aspect, packets.num_hidden]
    transfer = facts["color"]["transfer"]
    hdr = transfer if transfer in ("smpte2084", "arib-std-b67") else "sdr"
    recipe = ["matchcut", ALGORITHM, packets.stream_hash, rate, *shown, hdr]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
