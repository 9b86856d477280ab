"""A candidate played: the end of A, then the beginning of B, from the original files, with their sound.

One ffmpeg process seeks into both files, takes exactly the wanted frames, and writes a small MP4 that any browser
plays: every source frame once, at its own time, so that 23.976 meets 25 and variable rate without a repeated frame.
B's first frame follows A's last after that frame's own duration.

Which frames were taken is not trusted to seeking. The same process reports the time stamp of every frame that it
encoded; unless they are the known ones of the wanted frames (`frame_times.npz` of the standardized encode), the cut
is made again by counting frames from the file's beginning, which is slow and always right. The picture is the
standardized encode's, uncropped bars gone, upright and tone-mapped, so that both can be compared.
"""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np

from matchcut.errors import BadVideoError
from matchcut.ffmpeg import Ffmpeg
from matchcut.proxy import Proxy
from matchcut.source_video import SourceVideo
from matchcut.standardized_encode import (
    ASCENDING_TIMES,
    EncodeParameters,
    deinterlacing,
    filters,
    picture_filters,
    proxy_size,
)

ALGORITHM = "2"
PLAYED_NAME = "cut.mp4"

TIME_SCALE = 120_000  # ticks per second: whole numbers for frames of 24, 25, 30, 50 and 60 Hz, also divided by 1.001
SAMPLE_RATE = 48_000
SEEK_LIMIT_SECONDS, TIME_LIMIT_SECONDS = 60.0, 600.0
# Decoding begins this much before the first wanted frame, for what a seek lands on may lean on frames before it. Files
# without an index (transport streams) are entered by guess, often too late; then once more from far before.
LEADS_SECONDS = (Fraction(1, 2), Fraction(15))


@dataclass(frozen=True)
class PlayedCutParameters:
    """How a played cut looks.

    Attributes:
        seconds: at most this much of either side.
        height: pixels of the picture, which is 16:9; even.
        crf: x264's quality, smaller is better.
        preset: x264's speed. The defaults are as good as `veryfast` at 23 and take a fifth less processor time for the
            whole cut; without x264's macroblock tree, which costs little, they would be half as large again.
    """

    seconds: float = 2.0
    height: int = 360
    crf: int = 22
    preset: str = "superfast"

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.height < 90 or self.height % 2 or not 0 <= self.crf <= 51:
            raise ValueError(f"seconds must be positive, height an even number from 90, crf in [0, 51], got {self}")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, both even."""
        return 2 * round(self.height * 8 / 9), self.height


@dataclass(frozen=True)
class Take:
    """The frames of one original file that are played.

    Attributes:
        path: the file.
        source: what `inspect_source` said of it.
        proxy: its standardized encode, which knows the time of every frame.
        start_frame, stop_frame: decoded frames, half-open.
        first_seconds: time stamp of the file's first frame, as `first_frame_seconds` tells it.
    """

    path: Path
    source: SourceVideo
    proxy: Proxy
    start_frame: int
    stop_frame: int
    first_seconds: Fraction

    @property
    def seconds(self) -> Fraction:
        """How long it plays: whole frames of a constant rate, though the container may round their times."""
        if not self.proxy.record.is_variable_rate:
            return (self.stop_frame - self.start_frame) / self.proxy.record.frame_rate
        return self.proxy.time_of(self.stop_frame) - self.proxy.time_of(self.start_frame)

    @property
    def times(self) -> list[Fraction]:
        """Time stamps of its frames in the file."""
        frames = range(self.start_frame, self.stop_frame)
        return [self.first_seconds + self.proxy.time_of(frame) for frame in frames]

    @property
    def bounds(self) -> tuple[Fraction, Fraction]:
        """Times halfway to the neighbouring frames, which no rounding crosses."""
        return self._before(self.start_frame), self._before(self.stop_frame)

    def _before(self, frame: int) -> Fraction:
        if frame == 0:
            return self.first_seconds - 1 / self.proxy.record.frame_rate / 2
        return self.first_seconds + (self.proxy.time_of(frame - 1) + self.proxy.time_of(frame)) / 2


def first_frame_seconds(path: Path, source: SourceVideo, ffmpeg: Ffmpeg) -> Fraction:
    """Time stamp of a file's first frame, in the file's own time; frame times count from it.

    Raises:
        BadVideoError: the file cannot be decoded.
    """
    chain = ",".join(filters(source, (32, 32), EncodeParameters()))
    arguments = ["-copyts", "-map", f"0:{source.stream_index}", "-vf", chain, "-frames:v", "1", *_TIMES_ALONE]
    times = _reported_times(_limited(ffmpeg, SEEK_LIMIT_SECONDS).run(arguments, path).output)
    if not times.get(0):
        raise BadVideoError(f"{path.name}: its first frame cannot be decoded. Check that it plays, or export it again.")
    return times[0][0]


def play_cut(a: Take, b: Take, path: Path, parameters: PlayedCutParameters, ffmpeg: Ffmpeg) -> bool:
    """Write A's frames and then B's, with sound, as an MP4.

    Args:
        a: the outgoing side; its last frame is the last that is shown.
        b: the incoming side.
        path: the file to write.
        parameters: size and quality.
        ffmpeg: the binary.

    Returns:
        Whether seeking was enough; False when frames had to be counted from the beginning.

    Raises:
        BadVideoError: a file cannot be decoded, or has other frames than its standardized encode.
        SourceChangedError: a file is gone.
    """
    ways: list[Fraction | None] = [*LEADS_SECONDS, None]
    for lead in ways:
        limit = TIME_LIMIT_SECONDS if lead is None else min(SEEK_LIMIT_SECONDS, TIME_LIMIT_SECONDS)
        if _write_audibly(a, b, path, parameters, _limited(ffmpeg, limit), lead):
            return lead is not None
    raise BadVideoError(
        f"{a.path.name} and {b.path.name}: the files have other frames than when they were matched. "
        "Run `matchcut run` again, so that the changed file is read anew."
    )


def cut_pictures(path: Path, num_frames_a: int) -> tuple[np.ndarray, np.ndarray]:
    """A's last and B's first picture of a played cut, uint8 (H, W, 3) RGB.

    Args:
        path: what `play_cut` wrote.
        num_frames_a: how many frames of it are A's.
    """
    import av

    with av.open(str(path)) as container:
        last, first = islice(container.decode(video=0), num_frames_a - 1, num_frames_a + 1)
    return last.to_ndarray(format="rgb24"), first.to_ndarray(format="rgb24")


def shifts_at_cut(path: Path, a: Take, b: Take) -> tuple[int, int]:
    """By how many frames A's last and B's first picture of a played cut are off, (0, 0) where it is right.

    Args:
        path: what `play_cut` wrote.
        a, b: the sides that it should show.
    """
    last, first = cut_pictures(path, a.stop_frame - a.start_frame)
    return shift_at_cut(last, a.proxy, a.stop_frame - 1), shift_at_cut(first, b.proxy, b.start_frame)


def shift_at_cut(picture: np.ndarray, proxy: Proxy, frame: int, reach: int = 2) -> int:
    """By how many frames a picture of a played cut is off, 0 where it shows the wanted frame.

    Compares it with the wanted frame of the standardized encode and its neighbours. Where the film hardly moves,
    encoders leave parts of a picture as they were and nothing can be told: the wanted frame has the benefit of the
    doubt unless a neighbour is clearly more alike.

    Args:
        picture: uint8 (H, W, 3) RGB, as `cut_pictures` gives it.
        proxy: of the title.
        frame: the wanted frame.
        reach: how many neighbours on either side are compared.
    """
    from matchcut.pictures import boxed_frames

    near = range(max(0, frame - reach), min(proxy.record.num_frames, frame + reach + 1))
    height, width = picture.shape[:2]
    differences = {
        number - frame: float(np.abs(other[:height].astype(np.int16) - picture).mean())
        for number, other in boxed_frames(proxy, near, width=width)
    }
    best = min(differences, key=lambda shift: (differences[shift], abs(shift)))
    return 0 if differences[0] <= _CLEARLY * differences[best] + _TIE else best


# Mean difference in levels of 255 below which two frames are the same picture to an encoder, and by what factor a
# neighbour must be more alike. A film of the sea that hardly moves gave 1.09, shifts in films that move 1.6 and more.
_TIE, _CLEARLY = 0.1, 1.25

_TIMES_ALONE = (
    *("-fps_mode", "passthrough", "-enc_time_base", "demux", "-avoid_negative_ts", "disabled"),
    *("-c:v", "rawvideo", "-f", "framecrc", "-"),
)


def _limited(ffmpeg: Ffmpeg, seconds: float) -> Ffmpeg:
    return replace(ffmpeg, time_limit_seconds=min(ffmpeg.time_limit_seconds, seconds))


# Whose sound is taken. ffmpeg fails altogether when a track turns out to end before the wanted moment.
_HEARD = ((True, True), (False, True), (True, False), (False, False))


def _write_audibly(
    a: Take, b: Take, path: Path, parameters: PlayedCutParameters, ffmpeg: Ffmpeg, lead: Fraction | None
) -> bool:
    """Write with as much of the sound as there is; returns whether the frames are the wanted ones."""
    for heard in _HEARD:
        # A seek that found nothing fails like a broken file; the last way tells which it is.
        with nullcontext() if lead is None and heard == _HEARD[-1] else suppress(BadVideoError):
            return _write(a, b, path, parameters, ffmpeg, lead, heard)
    return False


def _write(
    a: Take,
    b: Take,
    path: Path,
    parameters: PlayedCutParameters,
    ffmpeg: Ffmpeg,
    lead: Fraction | None,
    heard: tuple[bool, bool],
) -> bool:
    """Run ffmpeg once; returns whether the frames that came out are the wanted ones.

    With a lead in seconds, frames are found by their times from there on; without, they are counted from the first.
    """
    by_number = lead is None
    chains = [
        chain
        for place, take in enumerate((a, b))
        for chain in (
            _pictures(place, take, parameters, by_number=by_number),
            *_sound(place, take, is_heard=heard[place]),
        )
    ]
    total = f"{float(a.seconds + b.seconds):.6f}"
    # What is still missing between the sides or at the end is filled, so that sound can be joined sample by sample.
    filled = f"aresample={SAMPLE_RATE}:async=1:first_pts=0,apad=whole_dur={total},atrim=end={total}"
    graph = ";".join([*chains, "[v0][a0][v1][a1]concat=n=2:v=1:a=1[v][j]", f"[j]{filled}[a]"])
    arguments = [
        # Threads inside a filter or x264 cost more than they save at this size; several cuts are played at once.
        *("-copyts", "-filter_complex_threads", "1", "-filter_complex", graph),
        *("-map", "[c0]", "-map", "[c1]", *_TIMES_ALONE),
        *("-map", "[v]", "-map", "[a]", "-fps_mode", "passthrough", "-enc_time_base:v", f"1:{TIME_SCALE}"),
        *("-c:v", "libx264", "-preset", parameters.preset, "-crf", str(parameters.crf), "-pix_fmt", "yuv420p"),
        *("-x264-params", "threads=1:mbtree=1:rc-lookahead=5"),
        # A keyframe at the cut: the first picture of B owes nothing to A.
        *("-force_key_frames", f"{float(a.seconds) - 0.001:.6f}", "-bf", "0"),
        *("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"),
        *("-video_track_timescale", str(TIME_SCALE), "-c:a", "aac", "-aac_coder", "fast", "-b:a", "96k"),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-movflags", "+faststart"),
        *("-f", "mp4", f"file:{path}"),
    ]
    options = [() if lead is None else _seek(take, lead) for take in (a, b)]
    report = ffmpeg.run(arguments, a.path, input_options=options[0], further=[(options[1], b.path)])
    found = _reported_times(report.output)
    return all(_are_wanted(found.get(place, []), take, by_number=by_number) for place, take in enumerate((a, b)))


def _seek(take: Take, lead: Fraction) -> tuple[str, ...]:
    """Where to begin, in the file's own time; nothing where that is its beginning."""
    begin = take.bounds[0] - lead
    if begin <= take.first_seconds:
        return ()
    return ("-noaccurate_seek", "-seek_timestamp", "1", "-ss", f"{float(begin):.6f}")


def _pictures(place: int, take: Take, parameters: PlayedCutParameters, *, by_number: bool) -> str:
    """Decoded frames to `[v0]`, in the box, and to `[c0]`, tiny, for their time stamps."""
    width, height = parameters.size
    full, tall = proxy_size(take.source, EncodeParameters(height=height))
    size = (full, tall) if full <= width else (width, max(2, 2 * round(tall * width / full / 2)))
    start, stop = take.bounds
    wanted = (
        f"trim=start_frame={take.start_frame}:end_frame={take.stop_frame}"
        if by_number
        else f"trim=start={float(start):.6f}:end={float(stop):.6f}"
    )
    chain = [
        *deinterlacing(take.source),
        # In ticks that are finer than a frame: the filter rounds its bounds to whole ones.
        *(ASCENDING_TIMES, f"settb=1/{TIME_SCALE}", wanted),
        *picture_filters(take.source, size, EncodeParameters(height=height)),
    ]
    rate = take.proxy.record.frame_rate
    retimed = "PTS-STARTPTS" if take.proxy.record.is_variable_rate else f"N*{rate.denominator}/{rate.numerator}/TB"
    box = f"setpts={retimed},pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,setsar=1"
    return (
        f"[{place}:{take.source.stream_index}]{','.join(chain)},split[t{place}][p{place}];"
        f"[t{place}]scale=16:16:flags=neighbor[c{place}];[p{place}]{box}[v{place}]"
    )


def _sound(place: int, take: Take, *, is_heard: bool) -> Sequence[str]:
    """The same moments of the first sound track to `[a0]`, exactly as long as the pictures; silence without one."""
    length = f"{float(take.seconds):.6f}"
    even = f"aformat=sample_fmts=fltp:sample_rates={SAMPLE_RATE}:channel_layouts=stereo"
    if not (take.source.audio and is_heard):
        return [f"anullsrc=r={SAMPLE_RATE}:cl=stereo,atrim=end={length},{even}[a{place}]"]
    start = take.first_seconds + take.proxy.time_of(take.start_frame)
    stop = start + take.seconds
    chain = [
        # Before the track is cut, for it may begin late: a resampler that gets nothing at all fails.
        f"aresample={SAMPLE_RATE}:async=1:first_pts={round(start * SAMPLE_RATE)}",
        even,
        f"atrim=start={float(start):.6f}:end={float(stop):.6f}",
        f"asetpts=PTS-{float(start):.6f}/TB",
    ]
    # Silence mixed in keeps the length where the track begins late, ends early or has nothing there.
    return [
        f"[{place}:{take.source.audio[0].stream_index}]{','.join(chain)}[s{place}]",
        f"anullsrc=r={SAMPLE_RATE}:cl=stereo,{even}[n{place}]",
        f"[s{place}][n{place}]amix=inputs=2:duration=longest:normalize=0,atrim=end={length}[a{place}]",
    ]


def _are_wanted(found: Sequence[Fraction], take: Take, *, by_number: bool) -> bool:
    wanted = take.times
    if len(found) != len(wanted):
        return False
    start, stop = take.bounds
    tolerance = min([wanted[0] - start, stop - wanted[-1]]) / 2
    return by_number or all(abs(one - other) <= tolerance for one, other in zip(found, wanted, strict=True))


def _reported_times(lines: Sequence[str]) -> dict[int, list[Fraction]]:
    """Presentation times in seconds by stream, from ffmpeg's `framecrc` lines."""
    bases: dict[int, Fraction] = {}
    times: dict[int, list[Fraction]] = {}
    for line in lines:
        if line.startswith("#tb "):
            stream, base = line[4:].split(":")
            bases[int(stream)] = Fraction(base.strip())
        elif line[:1].isdigit():
            stream, _, pts = line.split(",")[:3]
            times.setdefault(int(stream), []).append(int(pts) * bases[int(stream)])
    return {stream: sorted(each) for stream, each in times.items()}
