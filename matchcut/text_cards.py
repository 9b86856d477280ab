"""Which shots are text and nothing else: title cards, credits, logos with a name.

Method: of the middle frame of every shot it is measured how much of it has one brightness. Where that is most of it, a
text detector (the detection part of PP-OCRv4, a DB network: Liao et al., arXiv:1911.08947) marks lines of text; when
what lies outside of them is even, the shot is a card. Words over a picture make no card: the picture still is one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from matchcut.proxy import LUMA_WEIGHTS, Proxy
from matchcut.shots.table import ShotTable

if TYPE_CHECKING:
    import cv2

ALGORITHM = "1"
WEIGHTS = ("text_detection",)
TABLE_NAME = "text_cards.parquet"
INPUT_SIZE = (512, 288)
"""Width and height that the detector sees, multiples of 32."""
INPUT_MEAN, INPUT_SCALE = 127.5, 127.5


@dataclass(frozen=True)
class TextCardsParameters:
    """What makes a card. All were chosen by looking at 35 frames with text of six films; none was held out.

    Attributes:
        even_levels: brightness this near to the frame's median, of 255, is even.
        even_share: of the frame outside its lines of text, the share that must be even.
        text_probability: from which a pixel belongs to text; the network's own.
        smallest_line: pixels at 512 x 288; less is a speck.
        tallest_line: share of the picture's height above which a mark is no line of text: the network marks faces too.
        margin: how far a letter reaches beyond the detector's mark, in heights of the mark: the network marks the core
            of a line.
        credits_lines: lines from which a card is called credits.
    """

    even_levels: float = 12.0
    even_share: float = 0.97
    text_probability: float = 0.3
    smallest_line: int = 20
    tallest_line: float = 0.3
    margin: float = 0.6
    credits_lines: int = 6

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        for name in ("even_share", "text_probability", "tallest_line"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in (0, 1], got {getattr(self, name)}")


DEFAULTS = TextCardsParameters()


@dataclass(frozen=True)
class TextCards:
    """What was found in the middle of each of N shots; row *i* is shot *i* of the title's `ShotTable`.

    Attributes:
        lines: int64 (N,), lines of text of a card; 0 for a shot that is none.
        is_credits: bool (N,), whether the card has as many lines as credits have.
    """

    lines: np.ndarray
    is_credits: np.ndarray

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        if len(self.lines) != len(self.is_credits):
            raise ValueError(f"{len(self.lines)} and {len(self.is_credits)} rows do not belong together")

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def is_card(self) -> np.ndarray:
        """bool (N,)."""
        return np.asarray(self.lines > 0)

    def save(self, folder: Path) -> None:
        """Write `text_cards.parquet`, with the shot's index as first column."""
        shot = np.arange(len(self), dtype=np.int64)
        pq.write_table(
            pa.table({"shot": shot, "lines": self.lines, "is_credits": self.is_credits}), folder / TABLE_NAME
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        table = pq.read_table(folder / TABLE_NAME)
        return cls(table["lines"].to_numpy(), table["is_credits"].to_numpy(zero_copy_only=False))


def find_text_cards(
    proxy: Proxy, shots: ShotTable, weights: Mapping[str, Path], parameters: TextCardsParameters = DEFAULTS
) -> TextCards:
    """Look at the middle of every shot.

    Args:
        proxy: the title's standardized encode.
        shots: the title's shots.
        weights: has a checked file for every name in `WEIGHTS`.
        parameters: what makes a card.
    """
    import cv2

    lines = np.zeros(len(shots), np.int64)
    detector = cv2.dnn.readNetFromONNX(str(weights["text_detection"]))
    for shot, picture in _middles(proxy, shots):
        # What is to be even outside of the text cannot be most of the frame if most of it is not even.
        if even_share(luma_of(picture), parameters.even_levels) >= parameters.even_share / 2:
            lines[shot] = lines_of_card(picture, detector, parameters)
    return TextCards(lines, lines >= parameters.credits_lines)


def _middles(proxy: Proxy, shots: ShotTable) -> Iterator[tuple[int, np.ndarray]]:
    """Every shot with the middle of its usable range, uint8 (288, 512, 3) RGB."""
    middle = (shots.usable_start_frame + shots.usable_stop_frame) // 2
    shots_at: dict[int, list[int]] = {}
    for shot, frame in enumerate(middle.tolist()):
        shots_at.setdefault(frame, []).append(shot)
    for frame, picture in proxy.frames_at(sorted(shots_at), size=INPUT_SIZE):
        for shot in shots_at[frame]:
            yield shot, picture


def luma_of(picture: np.ndarray) -> np.ndarray:
    """float32 (H, W), brightness of uint8 (H, W, 3) RGB, 0 to 255."""
    return np.asarray(picture.astype(np.float32) @ LUMA_WEIGHTS)


def even_share(luma: np.ndarray, levels: float) -> float:
    """The share of pixels whose brightness is within so many levels of the median; 0 of no pixels."""
    return float((np.abs(luma - np.median(luma)) < levels).mean()) if luma.size else 0.0


def lines_of_card(picture: np.ndarray, detector: "cv2.dnn.Net", parameters: TextCardsParameters = DEFAULTS) -> int:
    """How many lines of text a card has; 0 for what is no card.

    Args:
        picture: uint8 (288, 512, 3) RGB.
        detector: the text detector.
        parameters: what makes a card.
    """
    boxes = text_lines(picture, detector, parameters)
    if not boxes:
        return 0
    outside = np.ones(picture.shape[:2], bool)
    for left, top, right, bottom in boxes:
        margin = int(parameters.margin * (bottom - top)) + 2
        outside[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin] = False
    return len(boxes) if even_share(luma_of(picture)[outside], parameters.even_levels) >= parameters.even_share else 0


def text_lines(
    picture: np.ndarray, detector: "cv2.dnn.Net", parameters: TextCardsParameters = DEFAULTS
) -> list[tuple[int, int, int, int]]:
    """Left, top, right and bottom of every line of text, in pixels; arguments as of `lines_of_card`."""
    import cv2

    # The network was trained on blue, green, red.
    pixels: Any = (picture[..., ::-1].astype(np.float32) - INPUT_MEAN) / INPUT_SCALE
    detector.setInput(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))
    is_text = (np.asarray(detector.forward())[0, 0] > parameters.text_probability).astype(np.uint8)
    found = cv2.connectedComponentsWithStats(is_text)[2][1:]
    return [
        (int(left), int(top), int(left + width), int(top + height))
        for left, top, width, height, pixels_marked in found
        if pixels_marked >= parameters.smallest_line and height <= parameters.tallest_line * picture.shape[0]
    ]
