"""Reading the facts of an untrusted file, as a program of its own: `python -m matchcut.probe FILE FORMATS`.

The file is opened with PyAV, and about two dozen of its frames are decoded, so this runs in a subprocess with a time
limit (see `source_video.py`): whatever a hostile file does, it does not do it to the process that asked. The
answer is one JSON object on standard output, `{"error": …}` when the file is no video.

Bars are found on the brightest value that each pixel takes in any of the samples, so that a dark scene is never
taken for a bar: a bar is an edge of the picture that stays black throughout and ends abruptly, at a line most of
which was lit at some time. Nothing of this module's own package is imported; it runs with any path.
"""

import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

NUM_SAMPLES = 24
# Up to this long every frame is decoded, and the samples are spread evenly over them.
DECODE_ALL_SECONDS = 20.0
# Longer films are sampled at keyframes, unless they have fewer than this: then from their beginning, decoded.
FEWEST_KEYFRAMES = 6
MOST_DECODED_FRAMES = 3600

# Levels of 0-255, full range. Grain and compression noise in black stay below (maximum over the samples).
BLACK_LEVEL = 24
# A line of a bar has at most this share of lit pixels, a picture's edge line at least that.
BAR_SHARE, PICTURE_SHARE = 0.02, 0.5
# Compression smears a picture's edge over some lines of the bar: up to a macroblock.
SMEAR_LINES = 8
# A picture smaller than this share of either side is a title card on black rather than a picture between bars.
SMALLEST_PICTURE = 0.25

# Names of ffmpeg for the code points of ITU-T H.273.
PRIMARIES = {
    **{1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020"},
    **{10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"},
}
TRANSFERS = {
    **{1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100"},
    **{10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10"},
    **{15: "bt2020-12", 16: "smpte2084", 17: "smpte428", 18: "arib-std-b67"},
}
MATRICES = {
    **{0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco"},
    **{9: "bt2020nc", 10: "bt2020c", 14: "ictcp"},
}
RANGES = {1: "tv", 2: "pc"}
EBML_HEADER, EBML_SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def probe(path: Path, formats: str) -> dict[str, Any]:
    """Everything that is read from the container and from sampled frames; rationals as strings.

    Args:
        path: the file.
        formats: the demuxers that may open it, comma-separated, as ffmpeg names them.

    Returns:
        JSON values, or only `error` when there is no video stream that can be decoded.
    """
    import av

    options = {"protocol_whitelist": "file", "format_whitelist": formats}
    try:
        with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
            stream = _film_stream(container)
            if stream is None:
                return {"error": "it has no video stream"}
            return {**_facts(container, stream), "announced_bytes": announced_bytes(path)}
    except av.FFmpegError as error:
        return {"error": f"it is no video that can be read: {error.strerror or error}"}


def _film_stream(container: Any) -> Any:
    """The video stream with the most pixels that is not a cover picture; None when there is none."""
    films = [s for s in container.streams.video if s.codec_context is not None and not _is_still(s)]
    return max(films, key=lambda s: s.codec_context.width * s.codec_context.height, default=None)


def _is_still(stream: Any) -> bool:
    import av

    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    return bool(stream.disposition & covers)


def _facts(container: Any, stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    samples = Samples()
    for frame in _sampled(container, stream):
        samples.add(frame)
    if samples.first is None:
        return {"error": "none of its pictures can be decoded"}
    first = samples.first
    rotation, is_mirrored = orientation(_display_matrix(first))
    return {
        "stream_index": stream.index,
        "container": container.format.name,
        "codec": context.codec.canonical_name,
        "width": first.width,
        "height": first.height,
        "sample_aspect_ratio": str(stream.sample_aspect_ratio or context.sample_aspect_ratio or 1),
        "rotation": rotation,
        "is_mirrored": is_mirrored,
        "average_rate": _text(stream.average_rate),
        "base_rate": _text(stream.base_rate),
        "start_timecode": _timecode(container, stream),
        "announced_seconds": _announced_seconds(container, stream),
        "pixel_format": first.format.name,
        "bit_depth": max(component.bits for component in first.format.components),
        "color": {
            "primaries": PRIMARIES.get(int(first.color_primaries), "unknown"),
            "transfer": TRANSFERS.get(int(first.color_trc), "unknown"),
            "matrix": MATRICES.get(int(first.colorspace), "unknown"),
            "range": RANGES.get(int(first.color_range), "unknown"),
        },
        "is_interlaced": samples.is_interlaced,
        "crop": find_picture(samples.brightest),
        "audio": [_audio(s) for s in container.streams.audio],
    }


def _text(rational: Any) -> str | None:
    return str(rational) if rational else None


def _audio(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "stream_index": stream.index,
        "codec": context.codec.canonical_name if context else "unknown",
        "sample_rate": context.sample_rate if context else 0,
        "channels": context.channels if context else 0,
        "language": stream.language,
    }


def _timecode(container: Any, stream: Any) -> str | None:
    """From the stream, the QuickTime timecode track or the container, in this order."""
    tagged = [stream, *container.streams.data, container]
    return next((t.metadata["timecode"] for t in tagged if t.metadata.get("timecode")), None)


def _announced_seconds(container: Any, stream: Any) -> float | None:
    """How long the picture should be; None where nothing says so, or only a guess from the bit rate does.

    Matroska and Flash announce the length of the whole file, which sound or subtitles may determine, and Matroska a
    tag per stream when ffmpeg (`DURATION`) or mkvmerge (`DURATION-eng`) wrote it. AVI counts ticks, empty ones
    included. Transport and program streams announce nothing.
    """
    names = set(container.format.name.split(","))
    if names & {"mov", "mxf", "asf"} and stream.duration:
        return float(stream.duration * stream.time_base)
    if "avi" in names:
        return float(stream.frames * stream.time_base) or None
    if not names & {"matroska", "flv"}:
        return None
    if clock := next((value for key, value in stream.metadata.items() if key.startswith("DURATION")), None):
        hours, minutes, seconds = clock.split(":")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    is_alone = len(container.streams) == 1
    return container.duration / 1e6 if is_alone and container.duration else None


def announced_bytes(path: Path) -> int | None:
    """How long a Matroska file says that it is; None for other files, and where the writer could not go back to say.

    The first two elements are the header and the segment, which is all the rest (RFC 8794, RFC 9559).
    """
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.startswith(EBML_HEADER):
        return None
    segment = _element_stop(start, len(EBML_HEADER))
    if segment is None or start[segment : segment + len(EBML_SEGMENT)] != EBML_SEGMENT:
        return None
    return _element_stop(start, segment + len(EBML_SEGMENT))


def _element_stop(content: bytes, place: int) -> int | None:
    """Where the element ends whose size stands at a place; None where the size is left open or is not there.

    A size of n bytes begins with n - 1 zero bits and a one; all ones after that: unknown.
    """
    num_bytes = 9 - content[place].bit_length() if place < len(content) else 9
    field = content[place : place + num_bytes]
    if num_bytes > 8 or len(field) < num_bytes:
        return None
    most = (1 << 7 * num_bytes) - 1
    size = int.from_bytes(field, "big") & most
    return None if size == most else place + num_bytes + size


# --- samples ---


class Samples:
    """What sampled frames have in common.

    Attributes:
        first: the first frame; None before any was added.
        brightest: uint8 (H, W), the brightest luma of each pixel in any sample, full range.
        is_interlaced: whether any sample is marked as two fields.
    """

    def __init__(self) -> None:
        self.first: Any = None
        self.brightest: np.ndarray = np.zeros((0, 0), np.uint8)
        self.is_interlaced = False

    def add(self, frame: Any) -> None:
        """Take a decoded frame into account; one of another size than the first is left out."""
        self.is_interlaced |= bool(frame.interlaced_frame)
        if self.first is None:
            self.first = frame
            self.brightest = _luma(frame)
        elif (frame.width, frame.height) == (self.first.width, self.first.height) and not frame.is_corrupt:
            self.brightest = np.maximum(self.brightest, _luma(frame))


def _luma(frame: Any) -> np.ndarray:
    luma: np.ndarray = frame.to_ndarray(format="gray", dst_color_range="JPEG")
    return luma


def _sampled(container: Any, stream: Any) -> Iterator[Any]:
    """Frames spread over the film."""
    stream.thread_type = "AUTO"
    seconds = _seconds_to_sample(container, stream)
    if seconds <= DECODE_ALL_SECONDS:
        yield from _every(container, stream, seconds)
        return
    seen: set[int | None] = set()
    for index in range(NUM_SAMPLES):
        frame = _frame_at(container, (index + 0.5) / NUM_SAMPLES * seconds, stream)
        if frame is not None and frame.pts not in seen:
            seen.add(frame.pts)
            yield frame
    if len(seen) < FEWEST_KEYFRAMES:
        container.seek(0)
        yield from _every(container, stream, seconds)


def _seconds_to_sample(container: Any, stream: Any) -> float:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else 0.0


def _every(container: Any, stream: Any, seconds: float) -> Iterator[Any]:
    """About `NUM_SAMPLES` frames, evenly, of the first `MOST_DECODED_FRAMES`."""
    import av

    expected = min(seconds * float(stream.average_rate or 25), MOST_DECODED_FRAMES)
    step = max(1, round(expected / NUM_SAMPLES))
    try:
        for number, frame in enumerate(container.decode(stream)):
            if number % step == 0:
                yield frame
            if number >= MOST_DECODED_FRAMES:
                return
    except av.FFmpegError:
        return  # a damaged end; the encode will tell


def _frame_at(container: Any, seconds: float, stream: Any) -> Any:
    """The keyframe before a moment; None when nothing can be decoded there."""
    import av

    try:
        container.seek((container.start_time or 0) + int(seconds * 1e6))
        return next(container.decode(stream), None)
    except av.FFmpegError:
        return None


# --- geometry ---


def _display_matrix(frame: Any) -> tuple[int, ...] | None:
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            return struct.unpack("=9i", bytes(data)[:36])
    return None


def orientation(matrix: tuple[int, ...] | None) -> tuple[int, bool]:
    """How to turn the stored picture for display.

    Args:
        matrix: ffmpeg's display matrix: row by row, 16.16 fixed point; None for upright.

    Returns:
        Degrees clockwise (0, 90, 180 or 270, the nearest), and whether it is mirrored left to right before.
    """
    if matrix is None:
        return 0, False
    a, b, _, c, d, *_ = matrix
    is_mirrored = a * d - b * c < 0
    if is_mirrored:
        a, b = -a, -b
    return round(float(np.degrees(np.arctan2(b, a))) / 90) * 90 % 360, is_mirrored


def find_picture(brightest: np.ndarray) -> tuple[int, int, int, int]:
    """The picture between letterbox and pillarbox bars.

    Args:
        brightest: uint8 (H, W), the brightest luma of each pixel over samples of the film, black at 0.

    Returns:
        x, y, width, height; even numbers, except that an edge without a bar keeps the picture's own edge. The
        whole picture when there are no bars, or when it is all black.
    """
    height, width = brightest.shape
    lit = brightest > BLACK_LEVEL
    columns = np.count_nonzero(lit.mean(axis=0) > BAR_SHARE)
    rows = np.count_nonzero(lit.mean(axis=1) > BAR_SHARE)
    if columns < SMALLEST_PICTURE * width or rows < SMALLEST_PICTURE * height:
        return 0, 0, width, height
    row_share, column_share = lit.sum(axis=1) / columns, lit.sum(axis=0) / rows
    top, bottom = _bar(row_share), _bar(row_share[::-1])
    left, right = _bar(column_share), _bar(column_share[::-1])
    # Inwards to even numbers, so that no line of a bar stays and chroma keeps its grid.
    top, left = top + top % 2, left + left % 2
    picture_height, picture_width = height - top - bottom, width - left - right
    if bottom or top:
        picture_height -= picture_height % 2
    if right or left:
        picture_width -= picture_width % 2
    return left, top, picture_width, picture_height


def _bar(share: np.ndarray) -> int:
    """Lines of the bar at the beginning, given each line's share of lit pixels; 0 when there is no clear bar."""
    lit_lines = np.flatnonzero(share >= PICTURE_SHARE)
    edge = int(lit_lines[0]) if len(lit_lines) else 0
    is_black = share[0] <= BAR_SHARE and np.all(share[: max(0, edge - SMEAR_LINES)] <= BAR_SHARE)
    return edge if is_black else 0


def main() -> None:
    """Print the facts of the file named on the command line."""
    json.dump(probe(Path(sys.argv[1]), sys.argv[2]), sys.stdout)


if __name__ == "__main__":
    main()
