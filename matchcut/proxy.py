"""The standardized encode as every later stage sees it: frames by the source's frame number.

The proxy is written by this project (`standardized_encode.py`), so it is safe to decode in this process.
Proxy frame *i* shows source frame *i*; times are the source's own, exact rationals.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from matchcut.errors import MissingFeatureError
from matchcut.sound import Sound

PROXY_NAME = "proxy.mp4"
RECORD_NAME = "encode.json"
TIMES_NAME = "frame_times.npz"

# A seek empties the decoder's threads, which costs about as much as decoding this many 360-line frames.
SEEK_PAYS_FRAMES = 12

# From this reduction on, frames are scaled plane by plane.
SMALL_FACTOR = 4

# Rows R, G, B; columns Y, Cb, Cr and 1: BT.709 with limited range, 8 bit (ITU-R BT.709-6, items 3.2 to 3.5).
BT709_LIMITED_TO_RGB = np.array(
    [
        [1.16438, 0.0, 1.79274, -248.1007],
        [1.16438, -0.21325, -0.53291, 76.8780],
        [1.16438, 2.11240, 0.0, -289.0180],
    ]
)

# Brightness of red, green, blue: ITU-R BT.709, the proxy's matrix.
LUMA_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


@dataclass(frozen=True)
class EncodeRecord:
    """What is known of a title's picture, written beside the proxy.

    Attributes:
        num_frames: decoded frames of the source, and of the proxy.
        frame_rate: frames per second of the source, exact; nominal where the rate is variable.
        is_variable_rate: whether frame durations differ by more than the container's rounding.
        time_base: seconds per tick of the time stamps in `frame_times.npz`.
        start_timecode: SMPTE timecode of frame 0 (`;` before the frames: drop-frame), None when it has none.
        source_width, source_height: the displayed size in square pixels before cropping, after rotation.
        crop: x, y, width, height of the picture without bars, in the rotated source's coded pixels.
        width, height: the proxy's size, square pixels.
        rotation: degrees clockwise by which the source was turned for display.
        is_interlaced: whether the source was deinterlaced.
        bit_depth: bits per component of the source.
        color: `primaries`, `transfer`, `matrix` and `range` as ffmpeg names them; "unknown" where unset.
        codec: the source's codec as ffmpeg names it.
        tool: ffmpeg's version line.
        num_decode_errors: packets of the source that could not be decoded; pictures near them may be damaged.
    """

    num_frames: int
    frame_rate: Fraction
    is_variable_rate: bool
    time_base: Fraction
    start_timecode: str | None
    source_width: int
    source_height: int
    crop: tuple[int, int, int, int]
    width: int
    height: int
    rotation: int
    is_interlaced: bool
    bit_depth: int
    color: dict[str, str]
    codec: str
    tool: str
    num_decode_errors: int = 0

    def __post_init__(self) -> None:
        if self.num_frames < 1 or self.width < 2 or self.height < 2 or self.frame_rate <= 0:
            raise ValueError(f"no such picture: {self}")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; rationals as `"24000/1001"`."""
        return {k: str(v) if isinstance(v, Fraction) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            **{
                **value,
                "frame_rate": Fraction(value["frame_rate"]),
                "time_base": Fraction(value["time_base"]),
                "crop": tuple(value["crop"]),
            }
        )


class Proxy:
    """A title's standardized encode, opened for reading.

    Args:
        folder: holds `proxy.mp4`, `encode.json` and `frame_times.npz`.
        sound: the title's sound; None where nobody asked for it.
    """

    def __init__(self, folder: Path, sound: Sound | None = None) -> None:
        self.path = folder / PROXY_NAME
        self.sound = sound
        self._folder = folder

    @cached_property
    def record(self) -> EncodeRecord:
        """What was written beside the proxy."""
        return EncodeRecord.from_json(json.loads((self._folder / RECORD_NAME).read_text()))

    @cached_property
    def ticks(self) -> np.ndarray:
        """int64 (num_frames,), the source's presentation times in `record.time_base`, frame 0 at 0."""
        with np.load(self._folder / TIMES_NAME) as arrays:
            ticks: np.ndarray = arrays["ticks"]
            return ticks

    @cached_property
    def seconds(self) -> np.ndarray:
        """float64 (num_frames,), for measuring and showing; exact times are `time_of`."""
        return self.ticks * float(self.record.time_base)

    def time_of(self, frame: int) -> Fraction:
        """Exact presentation time of a frame in seconds; `num_frames` gives the end of the last frame."""
        if frame == self.record.num_frames:
            return self.time_of(frame - 1) + 1 / self.record.frame_rate
        return int(self.ticks[frame]) * self.record.time_base

    def frames(
        self, start_frame: int = 0, stop_frame: int | None = None, *, size: tuple[int, int] | None = None
    ) -> Iterator[np.ndarray]:
        """Consecutive frames of `[start_frame, stop_frame)`.

        Args:
            start_frame: first frame, 0-based.
            stop_frame: one past the last; None for the end.
            size: (width, height) to scale to by area averaging; None leaves the proxy's own size.

        Yields:
            uint8 (H, W, 3), RGB.
        """
        stop = self.record.num_frames if stop_frame is None else stop_frame
        yield from (frame for _, frame in self.frames_at(range(start_frame, stop), size=size))

    def frames_at(
        self, frames: Iterable[int], *, size: tuple[int, int] | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Chosen frames in ascending order, each once, seeking where that is cheaper than decoding on.

        Args:
            frames: frame numbers in `[0, num_frames)`, any order, doubles allowed.
            size: (width, height) to scale to by area averaging; None leaves the proxy's own size.

        Yields:
            (frame number, uint8 (H, W, 3) RGB).

        Raises:
            ValueError: a frame number lies outside the video.
        """
        from av.video.reformatter import VideoReformatter

        reformatter = VideoReformatter()
        for number, frame in self._decoded_at(frames):
            yield number, _to_rgb(frame, size, reformatter)

    def brightness_at(self, frames: Iterable[int], *, size: tuple[int, int]) -> Iterator[tuple[int, np.ndarray]]:
        """Chosen frames as `frames_at` gives them, without colour, which costs a quarter of its time.

        Args:
            frames: frame numbers in `[0, num_frames)`, any order, doubles allowed.
            size: (width, height) to scale to by area averaging.

        Yields:
            (frame number, uint8 (H, W), BT.709 luma in limited range: black is 16, white 235).

        Raises:
            ValueError: a frame number lies outside the video.
        """
        for number, frame in self._decoded_at(frames):
            yield number, _area_scaled(_plane(frame.planes[0]), *size)

    def _decoded_at(self, frames: Iterable[int]) -> Iterator[tuple[int, Any]]:
        """The decoder's own frames, with their numbers."""
        wanted = self._checked(frames)
        if len(wanted) == 0:
            return
        import av

        with av.open(str(self.path)) as container:
            yield from self._read(container, wanted)

    def _checked(self, frames: Iterable[int]) -> np.ndarray:
        """The wanted frame numbers, ascending, each once."""
        wanted = np.unique(np.fromiter(frames, dtype=np.int64))
        outside = wanted[(wanted < 0) | (wanted >= self.record.num_frames)]
        if len(outside):
            raise ValueError(
                f"{self.path}: frame {outside[0]} does not exist, the video has {self.record.num_frames} frames. "
                "Were the shots made from another encode? Materialize `shots` for this title again."
            )
        return wanted

    def _read(self, container: Any, wanted: np.ndarray) -> Iterator[tuple[int, Any]]:
        """Decode on from frame to frame, or seek where a later keyframe serves the next wanted one."""
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        pts_of = self._proxy_pts(stream.time_base)
        keyframes = np.searchsorted(pts_of, [e.timestamp for e in stream.index_entries if e.is_keyframe])
        decoded = self._numbered(container, stream, pts_of)
        position = -1  # the last frame that was decoded
        for number in wanted.tolist():
            entry = int(keyframes[np.searchsorted(keyframes, number, side="right") - 1])
            if entry > position + SEEK_PAYS_FRAMES:
                container.seek(int(pts_of[entry]), stream=stream)
                decoded = self._numbered(container, stream, pts_of)
            position, frame = next(((i, f) for i, f in decoded if i >= number), (-1, None))
            if position != number:
                raise self._damaged(f"frame {number} of {self.record.num_frames} cannot be decoded")
            yield number, frame

    def _proxy_pts(self, time_base: Fraction) -> np.ndarray:
        """int64 (num_frames,), the frames' time stamps in the proxy's own time base, exact."""
        scale = self.record.time_base / time_base
        return self.ticks * scale.numerator // scale.denominator

    def _numbered(self, container: Any, stream: Any, pts_of: np.ndarray) -> Iterator[tuple[int, Any]]:
        """Decoded frames with their numbers, from the container's present position on."""
        for frame in container.decode(stream):
            number = int(np.searchsorted(pts_of, frame.pts))
            if number == len(pts_of) or pts_of[number] != frame.pts:
                raise self._damaged(f"the frame at {frame.time} s is not in {TIMES_NAME}")
            yield number, frame

    def _damaged(self, what: str) -> MissingFeatureError:
        return MissingFeatureError(
            f"{self.path}: {what}. The stored encode is damaged: remove it and materialize "
            "`standardized_encode` for this title again."
        )


def _to_rgb(frame: Any, size: tuple[int, int] | None, reformatter: Any) -> np.ndarray:
    """uint8 (H, W, 3); the proxy is BT.709, limited range, whatever the source was.

    Args:
        frame: decoded.
        size: (width, height), None for the frame's own.
        reformatter: of the whole reading: making its tables costs more than scaling a frame.
    """
    width, height = size or (frame.width, frame.height)
    if width * SMALL_FACTOR <= frame.width and height * SMALL_FACTOR <= frame.height:
        return _small_rgb(frame, width, height)
    rgb: np.ndarray = reformatter.reformat(
        frame,
        width=width,
        height=height,
        format="rgb24",
        interpolation="AREA",
        src_colorspace="ITU709",
        dst_colorspace="ITU709",
    ).to_ndarray()
    return rgb


def _small_rgb(frame: Any, width: int, height: int) -> np.ndarray:
    """The same for a much smaller picture, in a ninth of the time: planes are halved first, and turned to RGB last."""
    import cv2

    yuv = cv2.merge([_area_scaled(_plane(plane), width, height) for plane in frame.planes])
    return np.asarray(cv2.transform(yuv, BT709_LIMITED_TO_RGB))


def _plane(plane: Any) -> np.ndarray:
    """uint8 (H, W), a view of a decoded plane."""
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _area_scaled(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """Halved as long as it is more than twice too large: halving is what computers do fastest."""
    import cv2

    while plane.shape[1] >= 2 * width and plane.shape[0] >= 2 * height:
        halved = plane.shape[1] // 2, plane.shape[0] // 2
        plane = cv2.resize(plane, halved, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))
