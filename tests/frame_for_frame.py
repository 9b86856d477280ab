"""What every encode must do: proxy frame *i* shows source frame *i*, at its time.

The picture counts three times: by the number that is drawn into it, by its likeness to every drawn picture of the film
of which its own must be the greatest, and by how alike the two are. Times are those of PyAV's decoder, which is not
the encode's.
"""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from matchcut.ffmpeg import Ffmpeg
from matchcut.proxy import Proxy
from matchcut.source_video import inspect_source
from matchcut.standardized_encode import EncodeParameters, standardize
from tests import clips
from tests.clips import read_frame_number

MICROSECOND = Fraction(1, 1_000_000)
SMALL = EncodeParameters(height=96)
# Correlation of a frame with what was drawn, and the contrast in levels below which noise decides.
ALIKE, FAINT = 0.85, 10.0
ALIKE_IN_PART = 0.7  # a deinterlaced frame: half of its lines were drawn half a frame later


def encoded(path: Path, ffmpeg: Ffmpeg, parameters: EncodeParameters = SMALL) -> Proxy:
    """The standardized encode of a file, in a folder beside it."""
    folder = path.with_name("proxy of " + path.name)
    folder.mkdir()
    record = standardize(path, inspect_source(path, ffmpeg), folder, parameters, ffmpeg)
    proxy = Proxy(folder)
    assert proxy.record == record
    return proxy


def decoded_times(path: Path) -> list[Fraction]:
    """When a player shows each frame of a file, from the first; by another decoder than the encode's."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic)
        # Sorted: AVI keeps the times of decoding only, which B-frames take along.
        times = sorted(frame.pts * frame.time_base for frame in container.decode(stream))
    return [time - times[0] for time in times]


def assert_same_frames_at_same_times(
    proxy: Proxy, path: Path, drawn: Iterable[np.ndarray], first_number: int = 0
) -> None:
    """Proxy frame i shows source frame i, when the source does.

    Args:
        proxy: the encode.
        path: the source, whose times count.
        drawn: the pictures that the source was made of.
        first_number: of the drawn picture that frame 0 should show.
    """
    times = decoded_times(path)
    frames = list(proxy.frames())
    numbers = range(first_number, first_number + len(times))

    assert [read_frame_number(frame) for frame in frames] == list(numbers)
    assert proxy.record.num_frames == len(proxy.ticks) == len(times)
    assert max(abs(proxy.time_of(i) - time) for i, time in enumerate(times)) < MICROSECOND
    assert proxy.ticks[0] == 0
    likeness, is_visible = likenesses(frames, list(drawn))
    assert likeness.argmax(axis=1)[is_visible].tolist() == np.array(numbers)[is_visible].tolist()
    least = ALIKE_IN_PART if proxy.record.is_interlaced else ALIKE
    assert likeness[range(len(frames)), numbers][is_visible].min() > least


def likenesses(frames: list[np.ndarray], drawn: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """How each frame's picture, above the number strip, resembles each drawn one, whatever contrast and tint.

    Returns:
        float (N, M) correlations, and bool (N,), whether a frame is bright enough to tell.
    """
    height, width = frames[0].shape[:2]
    shown = np.array([luma(frame) for frame in frames])
    scaled = np.array([luma(cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA)) for p in drawn])
    units = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (shown, scaled)]
    return units[0] @ units[1].T, shown.std(axis=1) > FAINT


def luma(frame: np.ndarray) -> np.ndarray:
    """float (pixels,), brightness above the number strip, less its mean."""
    rows = int(frame.shape[0] * (1 - clips.BARCODE_HEIGHT)) - 1
    brightness: np.ndarray = frame[:rows].mean(axis=2).ravel()
    return brightness - brightness.mean()
