"""Running ffmpeg as a subprocess: the only program that decodes an untrusted file for its pictures.

It gets a time limit, may open local files and pipes only (no network addresses inside playlists), and only
the formats that hold films: no playlists, image sequences or scripts that name other files.
"""

import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from matchcut.errors import BadVideoError, FeatureStoreError, MatchcutError, SourceChangedError

PATH_VARIABLE = "MATCHCUT_FFMPEG"
PROTOCOLS = "file,pipe"
# Demuxers, as ffmpeg names them, that read one self-contained file. Playlists (hls, concat, …) name others.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,mxf,ogg,flv,asf,dv,gxf,nut,rm,wtv,"
    "ivf,h264,hevc,m4v,obu,av1,yuv4mpegpipe"
)
# `-enc_time_base demux` came with 6.1 (ffmpeg's Changelog).
OLDEST_VERSION = (6, 1)
TAIL_LINES = 200


@dataclass(frozen=True)
class FfmpegReport:
    """What a successful run said.

    Attributes:
        output: lines of standard output that are not progress.
        seconds: time stamp of the output's end, as the last progress report gives it; 0 when it gave none.
        num_decoded: frames decoded from the input's mapped streams.
        num_decode_errors: packets that could not be decoded, or only in part.
        errors: lines that ffmpeg marks as errors, of the last ones that it wrote.
    """

    output: tuple[str, ...]
    seconds: float
    num_decoded: int
    num_decode_errors: int
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Ffmpeg:
    """An ffmpeg binary.

    Attributes:
        path: the binary.
        time_limit_seconds: a run that takes longer is killed. A feature film at a tenth of real time fits.
    """

    path: Path
    time_limit_seconds: float = 12 * 3600.0

    def __post_init__(self) -> None:
        if self.time_limit_seconds <= 0:
            raise ValueError(f"time_limit_seconds must be positive, got {self.time_limit_seconds}")

    @cached_property
    def version(self) -> str:
        """The first line of `ffmpeg -version`, without the copyright.

        Raises:
            MatchcutError: the binary cannot be run, or is too old.
        """
        advice = f"Name a working ffmpeg ≥ {_dotted(OLDEST_VERSION)} in {PATH_VARIABLE}, or unset it."
        try:
            line = subprocess.run([self.path, "-version"], capture_output=True, text=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise MatchcutError(f"{self.path} cannot be run: {error}. {advice}") from error
        name = line.stdout.split(" Copyright")[0].strip()
        number = re.search(r"version n?(\d+)\.(\d+)", name)  # a development build has no number and is new enough
        if number and (int(number[1]), int(number[2])) < OLDEST_VERSION:
            raise MatchcutError(f"{self.path} is {name!r}, too old. {advice}")
        return name

    def run(
        self,
        arguments: Sequence[str | Path],
        source: Path,
        on_seconds: Callable[[float], None] | None = None,
        *,
        input_options: Sequence[str] = (),
        further: Sequence[tuple[Sequence[str], Path]] = (),
    ) -> FfmpegReport:
        """Run on one source file, or on several.

        Args:
            arguments: everything that follows the inputs: maps, filters, outputs. `-` as an output is standard
                output, whose lines come back in the report.
            source: the untrusted input; opened without automatic rotation.
            on_seconds: called now and then with the time stamp that the output has reached.
            input_options: stand before the input, e.g. where to begin.
            further: options and path of more untrusted inputs.

        Raises:
            BadVideoError: ffmpeg refused the file, or took longer than the limit.
            SourceChangedError: the file is gone.
            FeatureStoreError: the disk that the output goes to is full.
        """
        tail: deque[str] = deque(maxlen=TAIL_LINES)
        inputs = [(input_options, source), *further]
        command = [
            self.path,
            *_COMMON,
            *(each for options, path in inputs for each in _input(options, path)),
            *arguments,
        ]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            output, seconds, killed = self._follow(process, tail, on_seconds)
        if process.returncode != 0:
            raise self._failure([path for _, path in inputs], tail, killed)
        decoded, errors = _decoded(tail)
        return FfmpegReport(output, seconds, decoded, errors, tuple(_errors(tail)))

    def _follow(
        self, process: "subprocess.Popen[str]", tail: deque[str], on_seconds: Callable[[float], None] | None
    ) -> tuple[tuple[str, ...], float, bool]:
        """Read both outputs to their end, or kill the process at the time limit."""
        assert process.stdout is not None
        assert process.stderr is not None
        limit_reached = threading.Event()

        def stop() -> None:
            limit_reached.set()
            process.kill()

        timer = threading.Timer(self.time_limit_seconds, stop)
        reader = threading.Thread(target=tail.extend, args=(process.stderr,), daemon=True)
        timer.start()
        reader.start()
        try:
            output, seconds = _read_progress(process.stdout, on_seconds)
            process.wait()
        finally:
            timer.cancel()
            process.kill()  # does nothing when it has ended; else the callback raised or the user stopped us
            reader.join()
        return output, seconds, limit_reached.is_set()

    def _failure(self, sources: Sequence[Path], tail: deque[str], killed: bool) -> MatchcutError:
        """The error that tells what happened, by what ffmpeg wrote last."""
        source = next((path for path in sources if not path.exists()), sources[0])
        name = " and ".join(dict.fromkeys(path.name for path in sources))
        said = "; ".join(_errors(tail)[:3]) or "it gave no reason"
        if killed:
            return BadVideoError(
                f"{name}: ffmpeg took longer than {self.time_limit_seconds:g} s and was stopped. "
                "Raise the time limit if the film is that long, or repair the file."
            )
        if any("No space left on device" in line for line in tail):
            return FeatureStoreError(
                f"disk full while {name} was encoded. Free space, or move the store, and run again."
            )
        if not source.exists():
            return SourceChangedError(
                f"{source.name} vanished while it was read ({source}). Put it back and run again."
            )
        return BadVideoError(
            f"{name}: ffmpeg cannot read it: {said}. Check that it plays, and export or copy it again."
        )


_COMMON = ("-nostdin", "-hide_banner", "-y", "-loglevel", "level+verbose", "-nostats", "-progress", "pipe:1")


def _input(options: Sequence[str], path: Path) -> list[str]:
    """One untrusted input: ffmpeg's limits hold for the input that they stand before."""
    limits = ["-protocol_whitelist", PROTOCOLS, "-format_whitelist", FORMATS]
    return [*limits, *options, "-noautorotate", "-i", f"file:{path}"]


# What ffmpeg adds to the reason that it gave before.
_SAYS_NOTHING = ("Error opening input file", "Error opening output file", "Conversion failed")


def find_ffmpeg(path: str | os.PathLike[str] | None = None) -> Ffmpeg:
    """The ffmpeg at a path, or named in `MATCHCUT_FFMPEG`, or the one that `imageio-ffmpeg` carries.

    Raises:
        MatchcutError: there is no such file, it cannot be run, or it is too old.
    """
    named = path or os.environ.get(PATH_VARIABLE)
    if named is None:
        import imageio_ffmpeg

        named = imageio_ffmpeg.get_ffmpeg_exe()
    found = Ffmpeg(Path(named))
    _ = found.version  # refuses a binary that cannot be run
    return found


def _read_progress(lines: Iterable[str], on_seconds: Callable[[float], None] | None) -> tuple[tuple[str, ...], float]:
    """Tell progress reports (`key=value`) from an output's lines."""
    output: list[str] = []
    seconds = 0.0
    for line in lines:
        if re.fullmatch(r"[a-z_0-9]+=.*\n?", line) is None:
            output.append(line.rstrip("\n"))
        elif line.startswith("out_time_us=") and (microseconds := line.strip().split("=")[1]) != "N/A":
            seconds = int(microseconds) / 1e6
            if on_seconds is not None:
                on_seconds(seconds)
    return tuple(output), seconds


def _decoded(tail: Sequence[str]) -> tuple[int, int]:
    """Frames decoded and decode errors, from the statistics that ffmpeg writes at the end of a run."""
    found = [re.search(r"(\d+) frames decoded; (\d+) decode errors", line) for line in tail]
    counts = [(int(m[1]), int(m[2])) for m in found if m]
    return sum(c[0] for c in counts), sum(c[1] for c in counts)


def _errors(tail: Sequence[str]) -> list[str]:
    """What ffmpeg marks as errors, without addresses, each once, the first first."""
    marked = [line for line in tail if "[error]" in line or "[fatal]" in line]
    plain = [re.sub(r"\[([^]]* @ 0x[0-9a-f]+|error|fatal)\] ?", "", line).strip(" .\n") for line in marked]
    return [line for line in dict.fromkeys(plain) if not line.startswith(_SAYS_NOTHING)]


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
