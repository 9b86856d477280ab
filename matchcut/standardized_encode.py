"""The standardized encode: one small, quick, comparable proxy video per title, frame for frame.

ffmpeg crops bars, turns the picture upright, makes pixels square, deinterlaces to one frame per frame, tone-maps
HDR, and writes BT.709 8-bit H.264 of a fixed picture height. Smaller sources are enlarged to it: later stages
measure in the proxy's pixels, and one height makes their numbers comparable.

Proxy frame *i* is source frame *i*. `-fps_mode passthrough` neither drops nor doubles a frame,
`-enc_time_base demux` keeps the source's own time base, and without B-frames decoding order is presentation order.
The MP4 muxer counts time in 1/denominator of that base (or a multiple), so every time stamp is exact. In the same
run ffmpeg hashes the packets that it decodes, so that a file which changed since it was inspected is noticed.
"""

import errno
import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from matchcut.errors import BadVideoError, FeatureStoreError, SourceChangedError
from matchcut.ffmpeg import Ffmpeg, FfmpegReport
from matchcut.proxy import PROXY_NAME, RECORD_NAME, TIMES_NAME, EncodeRecord
from matchcut.source_video import (
    TOLERATED_LOSS_SECONDS,
    TOLERATED_LOSS_SHARE,
    SourceVideo,
    cut_off_message,
    stream_hash_in,
)

ALGORITHM = "2"

# Lines from which an untagged YUV picture is taken for BT.709, as players do (ITU-R BT.601 ends at 576 lines).
SMALLEST_HD_HEIGHT = 720
SMALLEST_WIDTH = 32


@dataclass(frozen=True)
class EncodeParameters:
    """What changes the proxy.

    The defaults weigh the sum of writing once and reading in all later stages against the picture and the bytes
    (`python -m benchmarks.encode`). Without CABAC and deblocking the sum is a fifth smaller than with them; an eighth
    more is written, and structural similarity is 0.9887 instead of 0.9893. `ultrafast` saves another tenth of the time
    and writes a third more, at 0.9874. Between 12 and 96 frames from keyframe to keyframe, the sum hardly differs.

    Attributes:
        height: of the picture without bars, pixels; even. Masks and flow work on coarser grids than this.
        crf: x264's quality, 0 (lossless) to 51.
        preset: x264's speed.
        keyframe_interval: the most frames between keyframes; seeking decodes half of it on average.
        fast_decode: whether to leave out what makes decoding slow: CABAC and the deblocking filter.
        hdr_peak_nits: luminance that tone mapping takes for the white of SDR; 100 as in ITU-R BT.1886.
    """

    height: int = 360
    crf: int = 20
    preset: str = "superfast"
    keyframe_interval: int = 24
    fast_decode: bool = True
    hdr_peak_nits: int = 100

    def __post_init__(self) -> None:
        if self.height < SMALLEST_WIDTH or self.height % 2:
            raise ValueError(f"height must be an even number of at least {SMALLEST_WIDTH}, got {self.height}")
        if not 0 <= self.crf <= 51:
            raise ValueError(f"crf must lie in [0, 51], got {self.crf}")
        if self.keyframe_interval < 1 or self.hdr_peak_nits < 1:
            raise ValueError(f"keyframe_interval and hdr_peak_nits must be positive, got {self}")


def standardize(
    source_path: Path,
    source: SourceVideo,
    folder: Path,
    parameters: EncodeParameters,
    ffmpeg: Ffmpeg,
    on_progress: Callable[[float], None] | None = None,
) -> EncodeRecord:
    """Write `proxy.mp4`, `encode.json` and `frame_times.npz` into a folder.

    Args:
        source_path: the file.
        source: what `inspect_source` said of it.
        folder: exists; gets the three files.
        parameters: the proxy's properties.
        ffmpeg: the binary.
        on_progress: called now and then with the share that is done, in [0, 1].

    Raises:
        BadVideoError: the file cannot be decoded, or ends well before it should.
        SourceChangedError: it vanished, or is not the file that was inspected.
        FeatureStoreError: the disk is full.
    """
    size = proxy_size(source, parameters)

    def on_seconds(seconds: float) -> None:
        if on_progress is not None:
            on_progress(min(1.0, max(0.0, seconds / source.duration_seconds)))

    proxy_and_hash = [*encode_arguments(source, folder / PROXY_NAME, parameters), *_hash_arguments(source)]
    report = ffmpeg.run(proxy_and_hash, source_path, on_seconds)
    if stream_hash_in(report.output) != source.stream_hash:
        raise SourceChangedError(f"{source_path.name} changed while it was read. Run again.")
    times, time_base = _proxy_times(folder / PROXY_NAME)
    _refuse_wrong(source_path, source, report, times, time_base)
    ticks, time_base = _in_source_ticks(times, time_base)
    record = _record(source, size, len(ticks), time_base, ffmpeg.version, report.num_decode_errors)
    _write(folder, record, ticks)
    return record


def proxy_size(source: SourceVideo, parameters: EncodeParameters) -> tuple[int, int]:
    """Width and height of the proxy: the fixed height, and the even width that keeps the picture's shape."""
    width, height = _upright(source, *_square(source, *source.crop[2:]))
    return max(SMALLEST_WIDTH, 2 * round(parameters.height * width / height / 2)), parameters.height


def _square(source: SourceVideo, width: int, height: int) -> tuple[Fraction, Fraction]:
    """Stored pixels as a size in square ones."""
    return width * source.sample_aspect_ratio, Fraction(height)


def _upright(source: SourceVideo, width: Fraction, height: Fraction) -> tuple[Fraction, Fraction]:
    return (height, width) if source.rotation in (90, 270) else (width, height)


def upright_crop(source: SourceVideo) -> tuple[int, int, int, int]:
    """x, y, width, height of the picture without bars, after mirroring and turning, in stored pixels."""
    x, y, width, height = source.crop
    if source.is_mirrored:
        x = source.width - x - width
    right, below = source.width - x - width, source.height - y - height
    turned = {
        0: (x, y, width, height),
        90: (below, x, height, width),
        180: (right, below, width, height),
        270: (y, right, height, width),
    }
    return turned[source.rotation]


# --- what ffmpeg is asked to do ---


def encode_arguments(source: SourceVideo, proxy: Path, parameters: EncodeParameters) -> list[str | Path]:
    """What follows ffmpeg's input to write the proxy alone."""
    gop = str(parameters.keyframe_interval)
    return [
        *("-map", f"0:{source.stream_index}"),
        *("-vf", ",".join(filters(source, proxy_size(source, parameters), parameters))),
        *("-fps_mode", "passthrough", "-enc_time_base", "demux"),
        *("-c:v", "libx264", "-preset", parameters.preset, "-crf", str(parameters.crf), "-bf", "0", "-g", gop),
        *(("-tune", "fastdecode") if parameters.fast_decode else ()),
        *("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"),
        # The first frame at 0, exactly; an edit list would count in whole milliseconds.
        *("-avoid_negative_ts", "make_zero", "-movflags", "+faststart"),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
        *("-f", "mp4", f"file:{proxy}"),
    ]


def _hash_arguments(source: SourceVideo) -> list[str | Path]:
    """A second output: the hash of the packets that are decoded, on standard output."""
    return ["-map", f"0:{source.stream_index}", "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-"]


def filters(source: SourceVideo, size: tuple[int, int], parameters: EncodeParameters) -> list[str]:
    """ffmpeg's filter chain from decoded to standardized frames."""
    return [*deinterlacing(source), *picture_filters(source, size, parameters), ASCENDING_TIMES]


# Some files repeat or turn back a time stamp; such a frame follows its predecessor by one tick.
ASCENDING_TIMES = "setpts='if(isnan(PREV_OUTPTS),PTS,max(PTS,PREV_OUTPTS+1))'"


def deinterlacing(source: SourceVideo) -> list[str]:
    """The part of the chain that looks at neighbouring frames, and comes first: one frame per frame."""
    # Fields lie in alternate lines of the stored picture: before anything moves lines.
    return ["bwdif=mode=send_frame:parity=auto:deint=interlaced"] if source.is_interlaced else []


def picture_filters(source: SourceVideo, size: tuple[int, int], parameters: EncodeParameters) -> list[str]:
    """The part that looks at one frame at a time: upright, without bars, of the wanted size and colours."""
    return [
        *_crop_filter(source),
        *(["hflip"] if source.is_mirrored else []),
        *{0: [], 90: ["transpose=clock"], 180: ["hflip", "vflip"], 270: ["transpose=cclock"]}[source.rotation],
        *(_hdr_filters(source, size, parameters) if source.is_hdr else _sdr_filters(source, size)),
        "setsar=1",
    ]


def _crop_filter(source: SourceVideo) -> list[str]:
    x, y, width, height = source.crop
    if (width, height) == (source.width, source.height):
        return []
    # In shares of the picture: some recordings change their size midway, and keep the bars' place.
    shares = f"w=iw*{width}/{source.width}:h=ih*{height}/{source.height}"
    return [f"crop={shares}:x=iw*{x}/{source.width}:y=ih*{y}/{source.height}:exact=1"]


def _sdr_filters(source: SourceVideo, size: tuple[int, int]) -> list[str]:
    """Scale and convert to BT.709 with limited range."""
    matrix = source.color["matrix"]
    if matrix == "unknown" and not source.pixel_format.startswith(("gbr", "rgb", "bgr", "pal")):
        matrix = "bt709" if source.height >= SMALLEST_HD_HEIGHT else "smpte170m"
    _, _, width, height = upright_crop(source)
    # Area averaging shrinks without aliasing, and took a tenth less of the whole encode's time than bicubic.
    kernel = "area" if width >= size[0] and height >= size[1] else "bicubic"
    scale = f"scale={size[0]}:{size[1]}:flags={kernel}"
    if matrix not in _MATRICES:  # RGB and what else the filter finds out from the frame
        return [f"{scale}:out_color_matrix=bt709:out_range=tv", "format=yuv420p"]
    name, colorspace_name = _MATRICES[matrix]
    scaled = [f"{scale}:in_color_matrix={name}:out_color_matrix={name}:out_range=tv", "format=yuv420p"]
    return scaled if name == "bt709" else [*scaled, _to_bt709(colorspace_name)]


def _to_bt709(matrix: str) -> str:
    """Another YUV matrix, the same primaries and curve; `scale` would darken by 1.4 of 255 levels here."""
    given = f"ispace={matrix}:iprimaries=bt709:itrc=bt709:irange=tv"
    return f"colorspace={given}:space=bt709:primaries=bt709:trc=bt709:range=tv:fast=1"


# ffmpeg's name of a matrix: its names in the filters `scale` and `colorspace`.
_MATRICES = {
    **{name: (name, name) for name in ("bt709", "fcc", "bt470bg", "smpte170m", "smpte240m")},
    "bt2020nc": ("bt2020", "bt2020ncl"),
}


def _hdr_filters(source: SourceVideo, size: tuple[int, int], parameters: EncodeParameters) -> list[str]:
    """Scale, then linear light, then Hable's curve down to SDR; untagged values as in BT.2100."""
    color = source.color
    matrix = {"bt2020c": "2020_cl", "bt709": "709", "ictcp": "ictcp"}.get(color["matrix"], "2020_ncl")
    primaries = {"bt709": "709", "smpte432": "smpte432"}.get(color["primaries"], "2020")
    given = f"tin={color['transfer']}:min={matrix}:pin={primaries}:rin={_zscale_range(color['range'])}"
    return [
        f"zscale=w={size[0]}:h={size[1]}:{given}:t=linear:npl={parameters.hdr_peak_nits}",
        "format=gbrpf32le",
        "zscale=p=709",
        "tonemap=tonemap=hable:desat=0",
        "zscale=t=709:m=709:r=limited",
        "format=yuv420p",
    ]


def _zscale_range(name: str) -> str:
    return "full" if name == "pc" else "limited"


# --- what came out ---


def _proxy_times(proxy: Path) -> tuple[np.ndarray, Fraction]:
    """int64 (N,) ascending time stamps of the proxy's frames from 0, and its time base."""
    import av

    with av.open(str(proxy)) as container:
        stream = container.streams.video[0]
        times = np.sort(np.array([p.pts for p in container.demux(stream) if p.pts is not None], dtype=np.int64))
        time_base = Fraction(stream.time_base)  # type: ignore[arg-type]  # a demuxed stream has one
    return times - times[:1], time_base


def _refuse_wrong(
    path: Path, source: SourceVideo, report: FfmpegReport, times: np.ndarray, time_base: Fraction
) -> None:
    """Raise unless the proxy has one frame per decoded frame, and the decoder came to the end."""
    if len(times) == 0:
        said = "; ".join(report.errors[:3]) or "it gave no reason"
        raise BadVideoError(
            f"{path.name}: none of its {source.num_packets} pictures can be decoded: {said}. Export it again."
        )
    if len(times) != report.num_decoded:
        raise BadVideoError(
            f"{path.name}: {report.num_decoded} frames were decoded, but {len(times)} encoded. "
            "Its picture changes in a way that frame numbers do not survive: export it again at a constant size."
        )
    found = float(int(times[-1] - times[0]) * time_base + 1 / source.frame_rate)
    tolerated = max(TOLERATED_LOSS_SECONDS, TOLERATED_LOSS_SHARE * source.duration_seconds)
    if source.duration_seconds - found > tolerated:
        raise BadVideoError(cut_off_message(path, source.duration_seconds, found))


def _in_source_ticks(times: np.ndarray, time_base: Fraction) -> tuple[np.ndarray, Fraction]:
    """The same times in the coarsest ticks that hold them exactly."""
    common = int(np.gcd.reduce(times)) or 1
    return times // common, time_base * common


def _record(
    source: SourceVideo, size: tuple[int, int], num_frames: int, time_base: Fraction, tool: str, num_errors: int
) -> EncodeRecord:
    width, height = _upright(source, *_square(source, source.width, source.height))
    return EncodeRecord(
        num_frames=num_frames,
        frame_rate=source.frame_rate,
        is_variable_rate=source.is_variable_rate,
        time_base=time_base,
        start_timecode=source.start_timecode,
        source_width=round(width),
        source_height=round(height),
        crop=upright_crop(source),
        width=size[0],
        height=size[1],
        rotation=source.rotation,
        is_interlaced=source.is_interlaced,
        bit_depth=source.bit_depth,
        color=dict(source.color),
        codec=source.codec,
        tool=tool,
        num_decode_errors=num_errors,
    )


def _write(folder: Path, record: EncodeRecord, ticks: np.ndarray) -> None:
    """Write the record and the times beside the proxy."""
    try:
        (folder / RECORD_NAME).write_text(json.dumps(record.to_json(), indent=2) + "\n")
        np.savez_compressed(folder / TIMES_NAME, ticks=ticks)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise FeatureStoreError(
            f"disk full: {folder} has no room for the record of the encode. Free space, and run again."
        ) from error
