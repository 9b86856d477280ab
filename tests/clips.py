"""Synthetic clips whose truth is their recipe: frames are drawn in NumPy and piped into ffmpeg.

A clip is a list of `Shot`s, each a seeded texture with a moving shape. Every frame may carry its number as a
strip of dark and white cells along its lower edge, which survives scaling and compression, so that a test
can read from a picture which source frame it shows (`read_frame_number`). Everything is deterministic.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Literal

import imageio_ffmpeg
import numpy as np

from matchcut.proxy import PROXY_NAME, RECORD_NAME, TIMES_NAME, Proxy
from tests.encodes import encode_record

BARCODE_BITS = 12
BARCODE_HEIGHT = 1 / 8  # of the picture's height
DARK_CELL = 50  # not black, which would pass for a bar
PAL = Fraction(25)
NTSC_FILM = Fraction(24000, 1001)
NTSC_VIDEO = Fraction(30000, 1001)


@dataclass(frozen=True)
class Shot:
    """One camera take of a clip.

    Attributes:
        num_frames: its length, counted between the middles of its transitions.
        seed: chooses the texture and the colours; two shots with one seed look alike.
        motion: pixels per frame by which the texture moves right and down.
        shape_motion: pixels per frame by which the shape moves right and down.
        transition_in: how it begins; the first shot's is ignored.
        transition_frames: frames of the dissolve or fade, centred on the shot's first frame; 0 for a cut.
    """

    num_frames: int
    seed: int = 0
    motion: tuple[int, int] = (1, 0)
    shape_motion: tuple[int, int] = (2, 1)
    transition_in: Literal["cut", "dissolve", "fade"] = "cut"
    transition_frames: int = 0


@dataclass(frozen=True)
class Transition:
    """A shot boundary of the recipe: frames of `[start_frame, stop_frame)` show parts of both shots.

    Attributes:
        kind: "cut", "dissolve" or "fade".
        boundary: first frame that counts to the new shot: the middle of a dissolve or a fade.
        start_frame: first mixed frame; equals `boundary` for a cut.
        stop_frame: one past the last mixed frame; equals `boundary` for a cut.
    """

    kind: str
    boundary: int
    start_frame: int
    stop_frame: int


@dataclass(frozen=True)
class Clip:
    """A file and what is known of it.

    Attributes:
        path: the file.
        num_frames: frames that a player shows.
        frame_rate: frames per second, nominal where `ticks` are uneven.
        size: (width, height) of the displayed picture, with bars, before any stretching to square pixels.
        transitions: the boundaries between its shots.
        ticks: presentation time of each frame in units of `time_base`, from 0.
        time_base: seconds per tick.
        shots: what it shows.
        picture_size: (width, height) of the picture as it was drawn, without bars.
        is_interlaced: whether a frame holds two drawn pictures.
    """

    path: Path
    num_frames: int
    frame_rate: Fraction
    size: tuple[int, int]
    transitions: tuple[Transition, ...]
    ticks: tuple[int, ...]
    time_base: Fraction
    shots: tuple[Shot, ...]
    picture_size: tuple[int, int]
    is_interlaced: bool

    @property
    def cuts(self) -> tuple[int, ...]:
        """First frames of the shots that begin with a hard cut."""
        return tuple(t.boundary for t in self.transitions if t.kind == "cut")

    @property
    def boundaries(self) -> tuple[int, ...]:
        """First frames of all shots but the first."""
        return tuple(t.boundary for t in self.transitions)

    def drawn(self) -> Iterator[np.ndarray]:
        """What each frame shows, uint8 (H, W, 3) RGB: upright, without bars, before any compression."""
        return islice(draw(self.shots, self.picture_size), None, None, 2 if self.is_interlaced else 1)


# --- drawing ---


def texture(seed: int, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3) RGB: soft blobs and stripes around one hue; neighbouring seeds have far apart hues."""
    width, height = size
    rng = np.random.default_rng(seed)
    hue = 2 * np.pi * (seed * 0.618 % 1)
    base = 120 + 70 * np.cos(hue + np.array([0, 2, 4]) * np.pi / 3) + rng.uniform(-25, 25)
    blobs = _enlarge(rng.uniform(-50, 50, (5, 7, 3)), size)
    y, x = np.mgrid[:height, :width]
    angle, period = rng.uniform(0, np.pi), rng.uniform(0.04, 0.2) * height
    stripes = 25 * np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
    return np.clip(base + blobs + stripes[..., None], 20, 235).astype(np.uint8)


def _enlarge(grid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Linear interpolation of a small (h, w, 3) grid to (height, width, 3)."""
    width, height = size
    rows, columns = np.linspace(0, grid.shape[0] - 1, height), np.linspace(0, grid.shape[1] - 1, width)
    top, left = (
        np.minimum(rows.astype(int), grid.shape[0] - 2),
        np.minimum(columns.astype(int), grid.shape[1] - 2),
    )
    down, right = (rows - top)[:, None, None], (columns - left)[None, :, None]
    upper, lower = grid[top], grid[top + 1]
    mixed = upper * (1 - down) + lower * down
    return mixed[:, left] * (1 - right) + mixed[:, left + 1] * right


class ShotPainter:
    """Draws any frame of one shot, also those before its first and after its last (for dissolves)."""

    def __init__(self, shot: Shot, size: tuple[int, int]) -> None:
        self._shot, self._size = shot, size
        self._texture = texture(shot.seed, size)
        rng = np.random.default_rng(shot.seed + 10_000)
        self._color = rng.integers(0, 256, 3)
        self._center = rng.uniform(0.35, 0.65, 2) * size
        self._radius = rng.uniform(0.12, 0.22) * min(size)

    def frame(self, index: int) -> np.ndarray:
        """uint8 (H, W, 3) RGB."""
        width, height = self._size
        picture = np.roll(self._texture, np.multiply(self._shot.motion[::-1], index), axis=(0, 1))
        x, y = self._center + np.multiply(self._shot.shape_motion, index)
        rows, columns = np.ogrid[:height, :width]
        inside = ((columns - x % width) ** 2 + (rows - y % height) ** 2) < self._radius**2
        picture[inside] = self._color
        return picture


def draw(shots: Sequence[Shot], size: tuple[int, int]) -> Iterator[np.ndarray]:
    """All frames of a recipe, uint8 (H, W, 3) RGB, without number or bars."""
    painters = [ShotPainter(shot, size) for shot in shots]
    starts = np.cumsum([0, *(shot.num_frames for shot in shots)])
    transitions = transitions_of(shots)
    for number in range(starts[-1]):
        current = int(np.searchsorted(starts, number, side="right")) - 1
        mixed = next((i for i, t in enumerate(transitions) if t.start_frame <= number < t.stop_frame), None)
        if mixed is None:
            yield painters[current].frame(number - starts[current])
            continue
        before = painters[mixed].frame(number - starts[mixed]).astype(float)
        after = painters[mixed + 1].frame(number - starts[mixed + 1]).astype(float)
        yield _mix(before, after, transitions[mixed], number).astype(np.uint8)


def _mix(before: np.ndarray, after: np.ndarray, transition: Transition, number: int) -> np.ndarray:
    length = transition.stop_frame - transition.start_frame
    progress = (number - transition.start_frame + 1) / (length + 1)
    if transition.kind == "dissolve":
        return before * (1 - progress) + after * progress
    return before * max(0.0, 1 - 2 * progress) + after * max(0.0, 2 * progress - 1)


def transitions_of(shots: Sequence[Shot]) -> tuple[Transition, ...]:
    """Where each shot but the first begins, and how."""
    boundaries = np.cumsum([shot.num_frames for shot in shots])[:-1].tolist()
    return tuple(
        Transition(shot.transition_in, b, start := b - shot.transition_frames // 2, start + shot.transition_frames)
        for shot, b in zip(shots[1:], boundaries, strict=True)
    )


def write_frame_number(frame: np.ndarray, number: int) -> None:
    """Draw a number in `[0, 4096)` along the lower edge: white, dark, then 12 bits, the highest first."""
    height, width = frame.shape[:2]
    bits = [1, 0, *(number >> bit & 1 for bit in reversed(range(BARCODE_BITS)))]
    edges = np.linspace(0, width, len(bits) + 1).round().astype(int)
    top = height - round(height * BARCODE_HEIGHT)
    for bit, left, right in zip(bits, edges, edges[1:], strict=False):
        frame[top:, left:right] = 235 if bit else DARK_CELL


def read_frame_number(frame: np.ndarray) -> int:
    """The number that `write_frame_number` drew, from a scaled and compressed (H, W, 3) picture.

    Raises:
        ValueError: there is no legible number.
    """
    height, width = frame.shape[:2]
    strip = frame[height - round(height * BARCODE_HEIGHT) :].mean(axis=2)
    rows = strip[len(strip) // 3 : max(len(strip) * 4 // 5, len(strip) // 3 + 1)].mean(axis=0)
    edges = np.linspace(0, width, BARCODE_BITS + 3)
    cells = [
        rows[int(left + (right - left) * 0.3) : int(left + (right - left) * 0.7) + 1].mean()
        for left, right in pairwise(edges)
    ]
    white, dark, *bits = cells
    if white - dark < 60 or any(0.35 < (bit - dark) / (white - dark) < 0.65 for bit in bits):
        raise ValueError(f"no frame number is legible, cells are {np.round(cells).tolist()}")
    return sum(1 << i for i, bit in enumerate(reversed(bits)) if bit > (white + dark) / 2)


def numbered(frames: Iterable[np.ndarray], fields: bool = False) -> Iterator[np.ndarray]:
    """The frames with their numbers drawn in; with `fields` two pictures share a number, for interlacing."""
    for index, frame in enumerate(frames):
        picture = frame.copy()
        write_frame_number(picture, index // 2 if fields else index)
        yield picture


def with_bars(
    frames: Iterable[np.ndarray], bars: tuple[int, int, int, int], noise: float = 0.0, seed: int = 0
) -> Iterator[np.ndarray]:
    """Black bars around the pictures.

    Args:
        frames: (H, W, 3) each.
        bars: pixels left, top, right, bottom.
        noise: standard deviation of the bars' grain, in levels of 8 bits.
        seed: chooses the grain.
    """
    left, top, right, bottom = bars
    rng = np.random.default_rng(seed)
    for frame in frames:
        height, width = frame.shape[0] + top + bottom, frame.shape[1] + left + right
        canvas = np.abs(rng.normal(0, noise, (height, width, 1))).astype(np.uint8).repeat(3, axis=2)
        canvas[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
        yield canvas


# --- encoding ---


def ffmpeg(*arguments: str | Path, frames: Iterable[np.ndarray] = ()) -> None:
    """Run ffmpeg with pictures on its standard input, and show what it says when it fails."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-hide_banner",
        "-loglevel",
        "error",
        "-y",
        *map(str, arguments),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        with suppress(BrokenPipeError), process.stdin as pictures:  # it says itself why it ended early
            for frame in frames:
                pictures.write(frame.tobytes())
        message = process.stderr.read().decode()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{message}")


def encode(
    frames: Iterable[np.ndarray],
    path: Path,
    frame_rate: Fraction = PAL,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    durations: Sequence[int] = (),
    time_base: Fraction | None = None,
    filters: Sequence[str] = (),
    options: Sequence[str] = (),
    audio: bool = False,
) -> None:
    """Encode RGB pictures with ffmpeg into any codec and container.

    Args:
        frames: uint8 (H, W, 3) RGB, all of one size.
        path: where to; the ending chooses the container.
        frame_rate: of the pictures.
        codec: ffmpeg's name of the encoder.
        pix_fmt: ffmpeg's name of the pixel format.
        durations: ticks that each frame is shown, a pattern that repeats; empty for a constant rate.
        time_base: seconds per tick of `durations`.
        filters: further video filters.
        options: further output options.
        audio: whether to add a tone.
    """
    pictures = iter(frames)
    first = next(pictures)
    height, width = first.shape[:2]
    chain = [*_retiming(durations, time_base), *filters, f"scale=out_color_matrix=bt709,format={pix_fmt}"]
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(frame_rate), "-i", "-"),
        *(("-f", "lavfi", "-i", "sine=frequency=300:sample_rate=48000", "-shortest") if audio else ()),
        *("-vf", ",".join(chain), "-c:v", codec),
        *(("-fps_mode", "passthrough", "-enc_time_base", _colon(time_base)) if time_base else ()),
        *("-threads", "2", *_speed(codec)),
        *options,
        *("-map_metadata", "-1", "-fflags", "+bitexact", path),
        frames=_chain(first, pictures),
    )


def _chain(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest


def _speed(codec: str) -> tuple[str, ...]:
    """Options that make slow encoders quick enough for a test."""
    return {
        "libx264": ("-preset", "veryfast"),
        "libx265": ("-preset", "ultrafast", "-x265-params", "log-level=error"),
        "libvpx-vp9": ("-deadline", "realtime", "-cpu-used", "8"),
        "libvpx": ("-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M"),
        "mpeg2video": ("-q:v", "3"),
        "mpeg4": ("-q:v", "3"),
        "libsvtav1": ("-preset", "10", "-svtav1-params", "lp=2"),
        "librav1e": ("-speed", "10"),
    }.get(codec, ())


def _retiming(durations: Sequence[int], time_base: Fraction | None) -> list[str]:
    """The filters that give frame N the time stamp of the repeated pattern of durations."""
    if not durations or time_base is None:
        return []
    starts = np.cumsum([0, *durations]).tolist()
    inside = "+".join(f"eq(mod(N,{len(durations)}),{i})*{start}" for i, start in enumerate(starts[:-1]))
    return [f"settb={time_base}", f"setpts='floor(N/{len(durations)})*{starts[-1]}+{inside}'"]


def _colon(value: Fraction) -> str:
    return f"{value.numerator}:{value.denominator}"


# --- clips ---


def make_clip(
    path: Path,
    shots: Sequence[Shot] = (Shot(30),),
    *,
    size: tuple[int, int] = (160, 96),
    frame_rate: Fraction = PAL,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    number: bool = True,
    bars: tuple[int, int, int, int] = (0, 0, 0, 0),
    bar_noise: float = 0.0,
    clockwise: int = 0,
    durations: Sequence[int] = (),
    time_base: Fraction | None = None,
    interlaced: bool = False,
    filters: Sequence[str] = (),
    options: Sequence[str] = (),
    audio: bool = False,
) -> Clip:
    """Write a clip by its recipe.

    Args:
        path: where to; the ending chooses the container.
        shots: what it shows.
        size: (width, height) of the picture without bars, as displayed.
        frame_rate: frames per second.
        codec: ffmpeg's name of the encoder.
        pix_fmt: ffmpeg's name of the pixel format.
        number: whether every frame carries its number.
        bars: pixels of black left, top, right and bottom.
        bar_noise: the bars' grain.
        clockwise: degrees by which a player must turn the stored picture; MP4 and MOV only.
        durations: ticks that each frame is shown, repeated; empty for a constant rate.
        time_base: seconds per tick of `durations`.
        interlaced: two moments in every frame, upper field first; `shots` then count fields.
        filters: further filters.
        options: further output options.
        audio: whether to add a tone.
    """
    pictures = draw(shots, size)
    if number:
        pictures = numbered(pictures, fields=interlaced)
    if any(bars):
        pictures = with_bars(pictures, bars, bar_noise)
    if interlaced:
        filters = ("tinterlace=mode=interleave_top", "setfield=tff", *filters)
        options = ("-flags", "+ildct+ilme", *options)
    total = sum(shot.num_frames for shot in shots) // (2 if interlaced else 1)
    target = path.with_name("unturned_" + path.name) if clockwise else path
    encode(
        (np.ascontiguousarray(np.rot90(p, clockwise // 90)) for p in pictures),
        target,
        2 * frame_rate if interlaced else frame_rate,
        codec=codec,
        pix_fmt=pix_fmt,
        durations=durations,
        time_base=time_base,
        filters=filters,
        options=options,
        audio=audio,
    )
    if clockwise:
        ffmpeg("-display_rotation", str(-clockwise), "-i", target, "-c", "copy", path)
        target.unlink()
    return Clip(
        path=path,
        num_frames=total,
        frame_rate=frame_rate,
        size=(size[0] + bars[0] + bars[2], size[1] + bars[1] + bars[3]),
        transitions=transitions_of(shots),
        ticks=_ticks(total, durations),
        time_base=time_base or 1 / frame_rate,
        shots=tuple(shots),
        picture_size=size,
        is_interlaced=interlaced,
    )


def _ticks(total: int, durations: Sequence[int]) -> tuple[int, ...]:
    pattern = durations or (1,)
    return tuple(np.cumsum([0, *np.resize(pattern, total - 1)]).tolist())


def edited_shots(seed: int = 0, lengths: Sequence[int] = (40, 55, 30, 70, 45, 60)) -> tuple[Shot, ...]:
    """A short edited film: moving shots joined by cuts, one dissolve and one fade; the last moves as the first does."""
    rng = np.random.default_rng(seed)
    joins: dict[int, tuple[Literal["cut", "dissolve", "fade"], int]] = {2: ("dissolve", 12), 4: ("fade", 16)}
    shots = []
    for index, length in enumerate(lengths):
        kind, frames = joins.get(index, ("cut", 0))
        motion = (int(rng.integers(-2, 3)), int(rng.integers(-1, 2)))
        shape_motion = (int(rng.integers(-3, 4)), int(rng.integers(-2, 3)))
        if index == len(lengths) - 1:
            motion, shape_motion = shots[0].motion, shots[0].shape_motion
        shots.append(Shot(length, seed * 100 + index, motion, shape_motion, kind, frames))
    return tuple(shots)


def make_edited_clip(path: Path, seed: int = 0, *, size: tuple[int, int] = (320, 180), number: bool = False) -> Clip:
    """A clip of six shots with cuts, a dissolve and a fade, for shot detectors and the whole graph."""
    return make_clip(path, edited_shots(seed), size=size, number=number)


def make_proxy(folder: Path, frames: Iterable[np.ndarray], frame_rate: Fraction = PAL) -> Proxy:
    """A standardized encode written directly from pictures of even size, without a source file.

    Args:
        folder: where to; made when missing.
        frames: uint8 (H, W, 3) RGB, all of one size.
        frame_rate: frames per second.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [np.ascontiguousarray(frame, dtype=np.uint8) for frame in frames]
    options = ("-bf", "0", "-g", "24", "-crf", "12", "-video_track_timescale", str(frame_rate.numerator))
    encode(pictures, folder / PROXY_NAME, frame_rate, options=options)
    height, width = pictures[0].shape[:2]
    record = encode_record(len(pictures), frame_rate, size=(width, height))
    (folder / RECORD_NAME).write_text(json.dumps(record.to_json()))
    np.savez_compressed(folder / TIMES_NAME, ticks=np.arange(len(pictures), dtype=np.int64))
    return Proxy(folder)


# --- files that cannot be used ---


def empty_file(path: Path) -> Path:
    """Zero bytes."""
    path.write_bytes(b"")
    return path


def text_file(path: Path) -> Path:
    """Prose under a video's name."""
    path.write_text("This is a shopping list: milk, bread, 24 frames of film.\n" * 50)
    return path


def audio_only(path: Path) -> Path:
    """One second of a tone."""
    ffmpeg("-f", "lavfi", "-i", "sine=frequency=300:duration=1", "-c:a", "aac", path)
    return path


def truncated(path: Path, fraction: float = 0.5) -> Path:
    """A film whose copy was cut off in the middle: its index, in front, still announces the whole."""
    whole = path.with_name("whole_" + path.name)
    make_clip(whole, [Shot(100)], options=("-movflags", "+faststart", "-g", "10"))
    content = whole.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    whole.unlink()
    return path


def one_frame(path: Path) -> Path:
    """A video of one picture."""
    make_clip(path, [Shot(1)])
    return path


def black_second(path: Path) -> Path:
    """A second in which nothing is to be seen."""
    encode((np.zeros((96, 160, 3), np.uint8) for _ in range(25)), path)
    return path


def four_by_four(path: Path) -> Path:
    """A video of 4×4 pixels."""
    make_clip(path, [Shot(25)], size=(4, 4), number=False, codec="mpeg4")
    return path
