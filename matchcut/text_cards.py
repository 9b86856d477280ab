"""Which shots are text and nothing else, title cards, logos and credits, and which have big words over their picture.

Method: a text detector (the detection part of PP-OCRv4, a DB network: Liao et al., arXiv:1911.08947) marks lines of
text in the middle frame of every shot, and in the last one where the middle is nearly empty, for many a logo comes up
out of the dark. When what lies outside of them is even, of one brightness, the shot is a card.
Otherwise the words lie over a picture, which still is one, unless they are big and cover much of it: then the words are
what is seen, and what another shot's words would match. Subtitles, captions and logos are not big.
"""

from collections.abc import Iterator, Mapping, Sequence
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

ALGORITHM = "4"
WEIGHTS = ("text_detection",)
TABLE_NAME = "text_cards.parquet"
INPUT_SIZE = (512, 288)
"""Width and height that the detector sees, multiples of 32."""
INPUT_MEAN, INPUT_SCALE = 127.5, 127.5
Line = tuple[int, int, int, int]
"""Left, top, right and bottom of a line of text, in pixels of the picture that the detector sees."""


@dataclass(frozen=True)
class TextCardsParameters:
    """What makes a card, and what big words over a picture.

    What makes a card was chosen by looking at 35 frames with text of six films; none was held out. What makes a logo or
    big words was chosen on logos drawn and words written over photos and frames, none of a film that is tested on; that
    these are needed was seen on films that are.

    Attributes:
        even_levels: brightness this near to the frame's median, of 255, is even.
        even_share: of the frame outside its lines of text, the share that must be even.
        text_probability: from which a pixel belongs to text; the network's own.
        smallest_line: pixels at 512 x 288; less is a speck.
        tallest_line: share of the picture's height above which a mark is no line of text: the network marks faces too.
        margin: how far a letter reaches beyond the detector's mark, in heights of the mark: the network marks the core
            of a line.
        credits_lines: lines from which a card is called credits.
        logo_share: of the picture, that the smallest upright box around a logo covers at most, and
        logo_margin: shares of width and height that it keeps away from the picture's edges. With both, 150 of 160 drawn
            logos are cards, without 107; of 620 photos and frames none more is, and of 160 things cut out and put on an
            even ground, some of which bear letters, 52 instead of 42.
        tall_line: share of the picture's height from which the mark of a line is big words: of subtitles, captions and
            logos hardly any reached 0.045, of words a tenth of the picture high or more nearly all.
        tallest_words: share of the picture's height above which a mark is no big words: those of words up to 0.28 of
            the picture high reached 0.125, the marks of photos without words began at 0.163.
        letter_edges: standard deviation of the Laplacian of brightness in a mark, in levels, that letters have at
            least: lights out of focus are marked as text too.
        words_share: of the picture, that big words with their margins must cover to be what is seen: 130 of 200 titles
            over pictures do, 1 of 100 subtitles, and of 620 photos and frames 4 without words.
    """

    even_levels: float = 12.0
    even_share: float = 0.97
    text_probability: float = 0.3
    smallest_line: int = 20
    tallest_line: float = 0.3
    margin: float = 0.6
    credits_lines: int = 6
    logo_share: float = 0.4
    logo_margin: float = 0.03
    tall_line: float = 0.045
    tallest_words: float = 0.14
    letter_edges: float = 8.0
    words_share: float = 0.085

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        shares = (
            "even_share",
            "text_probability",
            "tallest_line",
            "logo_share",
            "tall_line",
            "tallest_words",
            "words_share",
        )
        for name in shares:
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in (0, 1], got {getattr(self, name)}")


DEFAULTS = TextCardsParameters()


@dataclass(frozen=True)
class TextCards:
    """What was found in each of N shots; row *i* is shot *i* of the title's `ShotTable`.

    Attributes:
        lines: int64 (N,), lines of text of a card; 0 for a shot that is none.
        is_credits: bool (N,), whether the card has as many lines as credits have.
        words_share: float32 (N,), of the picture, that big words cover where it is no card, in [0, 1].
        is_written_over: bool (N,), whether they cover so much that they are what is seen.
    """

    lines: np.ndarray
    is_credits: np.ndarray
    words_share: np.ndarray
    is_written_over: np.ndarray

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        if len(lengths := {len(column) for column in vars(self).values()}) != 1:
            raise ValueError(f"{' and '.join(map(str, sorted(lengths)))} rows do not belong together")

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def is_card(self) -> np.ndarray:
        """bool (N,)."""
        return np.asarray(self.lines > 0)

    def save(self, folder: Path) -> None:
        """Write `text_cards.parquet`, with the shot's index as first column."""
        shot = np.arange(len(self), dtype=np.int64)
        pq.write_table(pa.table({"shot": shot, **vars(self)}), folder / TABLE_NAME)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        table = pq.read_table(folder / TABLE_NAME)
        names = [name for name in table.column_names if name != "shot"]
        return cls(**{name: table[name].to_numpy(zero_copy_only=False) for name in names})


def find_text_cards(
    proxy: Proxy, shots: ShotTable, weights: Mapping[str, Path], parameters: TextCardsParameters = DEFAULTS
) -> TextCards:
    """Look at the middle of every shot, and at the end where that is nearly empty.

    Args:
        proxy: the title's standardized encode.
        shots: the title's shots.
        weights: has a checked file for every name in `WEIGHTS`.
        parameters: what makes a card.
    """
    import cv2

    lines, words = np.zeros(len(shots), np.int64), np.zeros(len(shots), np.float32)
    detector = cv2.dnn.readNetFromONNX(str(weights["text_detection"]))
    middle = (shots.usable_start_frame + shots.usable_stop_frame) // 2
    empty: list[int] = []
    for shot, picture in _pictures(proxy, dict(enumerate(middle.tolist()))):
        marks = text_lines(picture, detector, parameters)
        if _shows_text_only(picture, marks, parameters):
            lines[shot] = len(marks)
        else:
            words[shot] = words_share(picture, marks, parameters)
            if even_share(luma_of(picture), parameters.even_levels) >= parameters.even_share:
                empty.append(shot)
    for shot, picture in _pictures(proxy, {shot: int(shots.usable_stop_frame[shot]) - 1 for shot in empty}):
        marks = text_lines(picture, detector, parameters)
        if _shows_text_only(picture, marks, parameters):
            lines[shot], words[shot] = len(marks), 0
    return TextCards(lines, lines >= parameters.credits_lines, words, words >= parameters.words_share)


def _pictures(proxy: Proxy, frame_of: Mapping[int, int]) -> Iterator[tuple[int, np.ndarray]]:
    """Each shot with a frame of it, uint8 (288, 512, 3) RGB."""
    shots_at: dict[int, list[int]] = {}
    for shot, frame in frame_of.items():
        shots_at.setdefault(frame, []).append(shot)
    for frame, picture in proxy.frames_at(sorted(shots_at), size=INPUT_SIZE):
        for shot in shots_at[frame]:
            yield shot, picture


def _shows_text_only(picture: np.ndarray, lines: Sequence[Line], parameters: TextCardsParameters) -> bool:
    return is_card(picture, lines, parameters) or is_logo(picture, lines, parameters)


def luma_of(picture: np.ndarray) -> np.ndarray:
    """float32 (H, W), brightness of uint8 (H, W, 3) RGB, 0 to 255."""
    return np.asarray(picture.astype(np.float32) @ LUMA_WEIGHTS)


def even_share(luma: np.ndarray, levels: float) -> float:
    """The share of pixels whose brightness is within so many levels of the median; 0 of no pixels."""
    return float((np.abs(luma - np.median(luma)) < levels).mean()) if luma.size else 0.0


def is_card(picture: np.ndarray, lines: Sequence[Line], parameters: TextCardsParameters = DEFAULTS) -> bool:
    """Whether a picture has lines of text and is even outside of them.

    Args:
        picture: uint8 (288, 512, 3) RGB.
        lines: from `text_lines`.
        parameters: what makes a card.
    """
    outside = ~_covered(picture.shape[:2], lines, parameters.margin)
    return bool(lines) and even_share(luma_of(picture)[outside], parameters.even_levels) >= parameters.even_share


def is_logo(picture: np.ndarray, lines: Sequence[Line], parameters: TextCardsParameters = DEFAULTS) -> bool:
    """Whether letters and what they stand on or beside are all that is seen on an even ground; as `is_card`."""
    import cv2

    letters = _with_letters(picture, lines, parameters)
    if not letters:
        return False
    luma = luma_of(picture)
    is_uneven = (np.abs(luma - np.median(luma)) >= parameters.even_levels).astype(np.uint8)
    parts = cv2.connectedComponentsWithStats(is_uneven)[2][1:]
    boxes = [(x, y, x + width, y + height) for x, y, width, height, size in parts if size >= parameters.smallest_line]
    left, top, right, bottom = np.array([*letters, *boxes]).T
    low, high = np.array([left.min(), top.min()]), np.array([right.max(), bottom.max()])
    size = np.array(picture.shape[1::-1])
    margin = parameters.logo_margin * size
    keeps_away = bool((low >= margin).all() and (high <= size - margin).all())
    return keeps_away and bool((high - low).prod() <= parameters.logo_share * size.prod())


def words_share(picture: np.ndarray, lines: Sequence[Line], parameters: TextCardsParameters = DEFAULTS) -> float:
    """The share of a picture that big words and their margins cover, in [0, 1]; arguments as of `is_card`."""
    big = [
        (left, top, right, bottom)
        for left, top, right, bottom in _with_letters(picture, lines, parameters)
        if parameters.tall_line <= (bottom - top) / picture.shape[0] <= parameters.tallest_words
    ]
    return float(_covered(picture.shape[:2], big, parameters.margin).mean())


def _with_letters(picture: np.ndarray, lines: Sequence[Line], parameters: TextCardsParameters) -> list[Line]:
    """The marks that have the edges of letters."""
    import cv2

    edges = cv2.Laplacian(luma_of(picture), cv2.CV_32F)
    return [
        (left, top, right, bottom)
        for left, top, right, bottom in lines
        if edges[top:bottom, left:right].std() >= parameters.letter_edges
    ]


def _covered(shape: tuple[int, ...], lines: Sequence[Line], margin: float) -> np.ndarray:
    """bool (H, W), where lines of text and their margins lie."""
    covered = np.zeros(shape, bool)
    for left, top, right, bottom in lines:
        reach = int(margin * (bottom - top)) + 2
        covered[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach] = True
    return covered


def text_lines(picture: np.ndarray, detector: "cv2.dnn.Net", parameters: TextCardsParameters = DEFAULTS) -> list[Line]:
    """Every line of text.

    Args:
        picture: uint8 (288, 512, 3) RGB.
        detector: the text detector.
        parameters: what is a line.
    """
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
