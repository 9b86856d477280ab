"""A reel of played cuts with captions, one film that can be sent round.

The cuts are those that `played_cut.py` wrote, so they are safe to decode in this process. Each keeps the times of its
frames; below the picture stand rank, score and why, and the title and timecode of the side that is seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from matchcut.cut_events import CutEvent
from matchcut.errors import FeatureStoreError
from matchcut.played_cut import SAMPLE_RATE, TIME_SCALE

CAPTION_LINES = 2
LINE_HEIGHT = 26  # pixels
CRF = "21"

_TEXT = (236, 236, 240)
_SIDE_COLORS = ((79, 209, 197), (245, 177, 76))  # A and B, as on the page
_FONT_SCALE = 0.5


@dataclass(frozen=True)
class ReelCut:
    """A played cut and what it shows.

    Attributes:
        path: what `play_cut` wrote.
        event: with the frames that were played.
    """

    path: Path
    event: CutEvent


def write_reel(cuts: Sequence[ReelCut], path: Path) -> None:
    """Write the cuts one after the other, each with its caption.

    Args:
        cuts: at least one, all of one picture size.
        path: of an MP4.

    Raises:
        ValueError: there is no cut.
        FeatureStoreError: the file cannot be written.
    """
    if not cuts:
        raise ValueError("a reel needs at least one cut")
    import av

    partial = path.with_name(f".{path.name}.partial")
    try:
        with av.open(str(partial), "w", format="mp4", options={"movflags": "+faststart"}) as reel:
            _encode(cuts, reel)
        partial.replace(path)
    except OSError as error:
        raise FeatureStoreError(f"{path}: the reel cannot be written: {error}. Choose another file.") from error
    finally:
        partial.unlink(missing_ok=True)


def _encode(cuts: Sequence[ReelCut], reel: Any) -> None:
    import av

    pictures, sound = reel.add_stream("libx264", rate=30), reel.add_stream("aac", rate=SAMPLE_RATE)
    pictures.pix_fmt, pictures.options = "yuv420p", {"crf": CRF, "preset": "veryfast"}
    with av.open(str(cuts[0].path)) as played:
        size = played.streams.video[0]
        pictures.width, pictures.height = size.width, size.height + CAPTION_LINES * LINE_HEIGHT
    pictures.time_base = pictures.codec_context.time_base = Fraction(1, TIME_SCALE)
    sound.layout = "stereo"
    begin = Fraction(0)
    for cut in cuts:
        length = cut.event.a.seconds + cut.event.b.seconds
        with av.open(str(cut.path)) as played:
            for picture, seconds in _captioned(played, cut.event):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = round((begin + seconds) * TIME_SCALE), Fraction(1, TIME_SCALE)
                reel.mux(pictures.encode(frame))
        with av.open(str(cut.path)) as played:
            # Samples are counted from the reel's beginning, so that rounding never adds up.
            count = round((begin + length) * SAMPLE_RATE) - round(begin * SAMPLE_RATE)
            for frame in _samples(played, round(begin * SAMPLE_RATE), count):
                reel.mux(sound.encode(frame))
        begin += length
    reel.mux(pictures.encode())
    reel.mux(sound.encode())


def _captioned(played: Any, event: CutEvent) -> Iterator[tuple[np.ndarray, Fraction]]:
    """Frames with a caption below, uint8 (H, W, 3) RGB, and when each is shown."""
    captions: dict[int, np.ndarray] = {}
    num_frames_a = event.a.stop_frame - event.a.start_frame
    for number, frame in enumerate(played.decode(video=0)):
        picture = frame.to_ndarray(format="rgb24")
        side = int(number >= num_frames_a)
        if side not in captions:
            captions[side] = _caption(event, side, picture.shape[1])
        yield np.concatenate([picture, captions[side]]), frame.pts * frame.time_base


def _caption(event: CutEvent, side: int, width: int) -> np.ndarray:
    """Two lines: what the pair is, and what is seen; uint8 (H, width, 3) RGB."""
    media, frame = (event.a.media, event.a.stop_frame - 1) if side == 0 else (event.b.media, event.b.start_frame)
    canvas = np.full((CAPTION_LINES * LINE_HEIGHT, width, 3), 20, np.uint8)
    _write(canvas, event.label, 0, _TEXT)
    says = f"{'AB'[side]}  {media.name}  {'out after' if side == 0 else 'in at'} {media.timecode(frame)}"
    _write(canvas, says, 1, _SIDE_COLORS[side])
    return canvas


def _write(canvas: np.ndarray, text: str, line: int, color: tuple[int, int, int]) -> None:
    """One line, cut off where it is too long; OpenCV's font has ASCII only, other letters lose their accents."""
    import cv2
    from text_unidecode import unidecode

    text = " ".join(unidecode(text).split())
    while text and cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, _FONT_SCALE, 1)[0][0] > canvas.shape[1] - 16:
        text = text[:-4].rstrip() + "..."
        if len(text) <= len("..."):
            break
    place = (8, line * LINE_HEIGHT + LINE_HEIGHT - 8)
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, _FONT_SCALE, color, 1, cv2.LINE_AA)


def _samples(played: Any, begin: int, count: int) -> Iterator[Any]:
    """Exactly `count` samples of a played cut's sound, from sample `begin` of the reel on."""
    import av

    decoded = [frame.to_ndarray() for frame in played.decode(audio=0)]
    heard = np.concatenate(decoded, axis=1)[:, :count] if decoded else np.zeros((2, 0), np.float32)
    whole = np.zeros((2, count), np.float32)
    whole[:, : heard.shape[1]] = heard
    for start in range(0, count, 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(whole[:, start : start + 1024]), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, begin + start, Fraction(1, SAMPLE_RATE)
        yield frame
