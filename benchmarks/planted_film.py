"""Films whose match cuts are known, because they were planted: composed out of real pictures.

Here is what frame matches (`planted_poses.py`) and action matches (`planted_movements.py`) have in common.

Shots for tuning and for testing are made of different poses and different films.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import cv2
import numpy as np

from matchcut.ffmpeg import find_ffmpeg
from matchcut.proxy import Proxy
from matchcut.representations.flavor import UsableShots
from matchcut.source_video import inspect_source
from matchcut.standardized_encode import EncodeParameters, standardize

Split = Literal["tune", "test"]
T = TypeVar("T")

WIDTH, HEIGHT = 640, 360
RATE = 25
# Films without persons or animals, and which frames of them: the two splits share none.
BACKGROUNDS: dict[Split, tuple[tuple[str, int, int], ...]] = {
    "tune": (("ocean.mp4", 0, 240), ("bikes.mp4", 137, 187), ("tos_battle.webm", 1160, 1200)),
    "test": (
        ("city_cc0.mpg", 0, 190),
        ("sintel_trailer_480p.mp4", 1010, 1130),
        ("tos_battle.webm", 1000, 1120),
        ("bbb_trailer.mp4", 60, 150),
    ),
}
NUM_BACKGROUNDS = 48
DAYLIGHT = 95  # mean brightness that backgrounds have at least


@dataclass(frozen=True)
class PlantedFilm:
    """A film of shots that follow each other, and its pairs.

    Attributes:
        proxy: its standardized encode.
        shots: all of its shots; pair *i* is shot 2i cut to shot 2i + 1.
        pose: int64 (num_frames,), which moment of the planted movement each frame shows, for judging the frames to
            cut at; within a pair equal numbers are one moment.
    """

    proxy: Proxy
    shots: UsableShots
    pose: np.ndarray


def background_stills(videos: Path, split: Split, rng: np.random.Generator) -> list[np.ndarray]:
    """uint8 (405, 720, 3) RGB frames of films without persons, some mirrored, dark ones lit."""
    stills: list[np.ndarray] = []
    sources = BACKGROUNDS[split]
    for name, first, stop in sources:
        wanted = np.linspace(first, stop - 1, NUM_BACKGROUNDS // len(sources) * 2).astype(int)
        frames = frames_of(videos / name, np.unique(wanted))
        shown = (frame for frame in frames if frame.std() > 18)  # a faded picture has nothing to see
        stills += [_covering(frame, 720, 405) for frame in shown]
    order = rng.permutation(len(stills))[:NUM_BACKGROUNDS]
    return [_lit(stills[i])[:, :: (-1 if rng.random() < 0.5 else 1)].copy() for i in order]


def _lit(still: np.ndarray) -> np.ndarray:
    """A dark picture as bright as a day's: nobody can be seen in black clothes by night."""
    return np.asarray(cv2.convertScaleAbs(still, alpha=float(np.clip(DAYLIGHT / max(still.mean(), 1), 1, 3))))


def encoded(frames: Iterator[np.ndarray], folder: Path) -> Proxy:
    """A film of these frames, and its standardized encode."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "planted.mp4"
    _write_video(frames, source)
    standardize(source, inspect_source(source, find_ffmpeg()), folder, EncodeParameters(), find_ffmpeg())
    return Proxy(folder)


def _write_video(frames: Iterator[np.ndarray], path: Path) -> None:
    """H.264, about as good as the films that the pictures come from."""
    command = [str(find_ffmpeg().path), "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-", "-vf", "scale=out_color_matrix=bt709"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for frame in frames:
            process.stdin.write(frame.tobytes())
        process.stdin.close()
    if process.returncode:
        raise SystemExit(f"ffmpeg could not write {path}")


def frames_of(video: Path, wanted: Sequence[int] | range | np.ndarray) -> Iterator[np.ndarray]:
    """The wanted frames of a film, RGB, ascending."""
    capture, remaining = cv2.VideoCapture(str(video)), {int(number) for number in wanted}
    number = 0
    while remaining:
        there, frame = capture.read()
        if not there:
            return
        if number in remaining:
            remaining.discard(number)
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        number += 1


def _covering(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of a frame, scaled to cover a size."""
    scale = max(width / frame.shape[1], height / frame.shape[0]) * 1.01
    large = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return np.asarray(large[top : top + height, left : left + width])


def equal_shots(count: int, frames: int) -> UsableShots:
    """So many shots of so many frames each, one after the other."""
    start = np.arange(count) * frames
    return UsableShots(np.arange(count), start, start + frames)


def distinct(
    draw: Callable[[], T],
    describe: Callable[[T], np.ndarray],
    likeness: Callable[[np.ndarray, np.ndarray], float],
    count: int,
    limit: float,
) -> list[T]:
    """Draw until there are `count` whose likeness to each other stays below the limit."""
    chosen: list[T] = []
    described: list[np.ndarray] = []
    for _ in range(400 * count):
        if len(chosen) == count:
            return chosen
        drawn = draw()
        description = describe(drawn)
        if np.abs(description).sum() > 8 and (not chosen or likeness(description, np.stack(described)) < limit):
            chosen.append(drawn)
            described.append(description)
    raise SystemExit(f"only {len(chosen)} of {count} planted pairs can be told apart: ask for fewer")
