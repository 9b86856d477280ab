"""Appearance match: the same picture made of other things.

A cut feels smooth when the eye finds shapes and lines where they were a moment ago, whatever they show: a face becomes
a planet, a column of fire a street. At the moments at which A may be left and B may be entered this flavor compares
(`appearance_scores.py`) the *figure*, what stands out of its ground (`figure.py`), and the *lines*, the strength of
edges of four directions on a coarse grid (after Oliva and Torralba's spatial envelope, IJCV 2001): a bright shape on
black and a dark one on white have the same outline. Other *light and dark* (brightness on the same grid, by
correlation, so that exposure and contrast do not count), other *colours* (a histogram in CIELAB, by the Bhattacharyya
coefficient) and *light* from elsewhere (which way brightness rises over the picture) take away a part. What is nearly
blank matches nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from matchcut.cue_words import CueWords, Grade
from matchcut.pictures import Tile, sheet, thumbnails
from matchcut.proxy import Proxy
from matchcut.representations.appearance_scores import proposed, refined
from matchcut.representations.figure import figure_of, most_surrounded, steadiness, surroundedness
from matchcut.representations.flavor import BlockScores, Representation, UsableShots
from matchcut.representations.grid import CELLS, GRID_HEIGHT, GRID_WIDTH, lay_field, lay_mask, picture_box
from matchcut.representations.masks import outlines, unpacked
from matchcut.representations.moments import IN, OUT, MomentParameters, cut_moments

ALGORITHM = "3"
SCORE_ALGORITHM = "4"

FIELD_HEIGHT, FIELD_WIDTH = 9, 16
PICTURE_HEIGHT, PICTURE_WIDTH = 90, 160
"""The box into which a frame is fitted: ten pixels a cell."""
EDGE_DIRECTIONS = 4
"""Upright, level and both diagonals."""
NO_BORDER, BORDER_POWER = 0.01, 0.1
"""How much stronger an edge is for bounding what stands out, whose gradient reaches 4: up to 1.8 times. With or without
that, and without roots of the strengths, more of `benchmarks.planted`'s matches for tuning are found (recall@10 0.68,
0.65 without, 0.41 with roots), and as many candidates were accepted by one grader (7, 6 and 8 of 20)."""
LIGHTNESS_BINS, COLOR_BINS = 5, 9
"""Of L* over 0 to 100 and of a* and b* over -60 to 60; the middle one holds the greys."""

_TILE_WIDTH = 256
_SWATCHES = 5
_SWATCH_HEIGHT = 14
_FIGURE_COLOR = (80, 220, 255)
_ENDS = ((IN, 0), (OUT, -1))


@dataclass(frozen=True)
class AppearanceParameters:
    """How a picture is described, and where.

    Attributes:
        moments: at which a shot may be cut.
        smoothing_bins: standard deviation of the Gaussian by which a colour histogram is smoothed, in bins: colours
            that fall on two sides of a border are near.
    """

    moments: MomentParameters = field(default_factory=MomentParameters)
    smoothing_bins: float = 0.7

    def __post_init__(self) -> None:
        """Refuse what would sharpen."""
        if self.smoothing_bins <= 0:
            raise ValueError(f"smoothing_bins must be positive, got {self.smoothing_bins}")


@dataclass(frozen=True)
class Appearance:
    """The flavor `appearance_match`.

    Rows of the representation, for every moment of both sides: `frame` int64 (N, 2, M), frame numbers; `layout` float16
    (N, 2, M, 144), brightness on the grid, of mean 0 and length 1 over the picture's cells; `edges` float16
    (N, 2, M, 576), the strength of edges of four directions on the grid, each of mean 0, together of length 1; `colors`
    float16 (N, 2, M, 405), square roots of the shares of colours; `light` float16 (N, 2, M, 2), correlation of
    brightness with the way right and down; `contrast` float32 (N, 2, M), standard deviation of brightness; `figure` and
    `outline` uint8 (N, 2, M, 288), packed masks on the 64x36 grid of what stands out and of its inner border;
    `figure_worth` float32 (N, 2, M), in [0, 1], how much it stands out and stays what it was.
    """

    parameters: AppearanceParameters = field(default_factory=AppearanceParameters)

    name: ClassVar[str] = "appearance_match"
    representation: ClassVar[str] = "appearance"
    title: ClassVar[str] = "Appearance match"
    summary: ClassVar[str] = "shapes and lines stay where they were"
    description: ClassVar[str] = (
        "A row is a kept shot: the mask of what stands out on a 64x36 grid, brightness and edges on a 16x9 grid, "
        "shares of colours and the direction of light, at moments of its first and last third."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = ()
    cues: ClassVar[Mapping[str, CueWords]] = {
        "figure": CueWords(
            "overlap of what stands out",
            (Grade("one shape stays", least=0.35), Grade("a similar shape stays", least=0.2)),
        ),
        "edges": CueWords("lines", (Grade("many lines stay", least=0.4), Grade("some lines stay", least=0.3))),
        "layout": CueWords(
            "light and dark",
            (
                Grade("light and dark stay", least=0.5),
                Grade("light and dark partly stay", least=0.3),
                Grade("light and dark change places", most=-0.3),
            ),
        ),
        "colors": CueWords("colours", (Grade("same colours", least=0.9), Grade("similar colours", least=0.8))),
        "light": CueWords("light from the same side", (Grade("light from the same side", least=0.3),)),
    }

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, object]) -> Representation:
        """Describe the moments of each shot."""
        frames = cut_moments(shots, proxy.seconds, self.parameters.moments)
        shape = proxy.record.width, proxy.record.height
        _, _, width, height = picture_box(*shape, PICTURE_WIDTH, PICTURE_HEIGHT)
        seen = {
            number: self.describe(picture, *shape)
            for number, picture in proxy.frames_at(np.unique(frames).tolist(), size=(width, height))
        }
        arrays = {"frame": frames}
        for name, (kind, *length) in _COLUMNS.items():
            arrays[name] = np.zeros((*frames.shape, *length), kind)
            for place in np.ndindex(frames.shape):
                arrays[name][place] = seen[int(frames[place])][name]
        arrays["figure_worth"] *= steadiness(arrays["figure"])
        return Representation(shots.shot, arrays)

    def describe(self, picture: np.ndarray, width: int, height: int) -> dict[str, np.ndarray | np.floating[Any]]:
        """One picture in numbers; see the class.

        Args:
            picture: uint8 (h, w, 3) RGB.
            width: of the proxy, in square pixels.
            height: of the proxy, in square pixels.
        """
        import cv2

        lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        luma = lab[..., 0] * 2.55
        laid = lay_field(luma[..., None], width, height, FIELD_WIDTH, FIELD_HEIGHT)
        surrounded = surroundedness(lab)
        edges = lay_field(_edges(luma, surrounded), width, height, FIELD_WIDTH, FIELD_HEIGHT)
        left, top, columns, rows = picture_box(width, height, FIELD_WIDTH, FIELD_HEIGHT)
        inside = (slice(top, top + rows), slice(left, left + columns))
        found = figure_of(surrounded)
        figure = lay_mask(found.mask, width, height) if found else np.zeros((GRID_HEIGHT, GRID_WIDTH), bool)
        outline = outlines(figure[None], np.array([picture_box(width, height)]))
        return {
            "figure": np.packbits(figure),
            "outline": np.packbits(outline),
            "figure_worth": np.float32(found.worth if found else 0),
            "layout": _unit(laid, inside),
            "edges": _unit(edges, inside),
            "colors": np.sqrt(self._shares(lab)),
            "light": _light(laid[..., 0][inside]),
            "contrast": luma.std(),
        }

    def _shares(self, lab: np.ndarray) -> np.ndarray:
        """float64 (405,), how much of the picture each colour covers; they sum to 1."""
        import cv2

        edges = (
            np.linspace(0, 100, LIGHTNESS_BINS + 1),
            np.linspace(-60, 60, COLOR_BINS + 1),
            np.linspace(-60, 60, COLOR_BINS + 1),
        )
        inside = [np.clip(lab[..., i].ravel(), e[0], e[-1]) for i, e in enumerate(edges)]
        counts = np.histogramdd(np.stack(inside, axis=1), bins=edges)[0]
        for axis in range(3):
            turned = np.moveaxis(counts, axis, 0).reshape(counts.shape[axis], -1)
            smooth = cv2.GaussianBlur(
                turned, (1, 5), sigmaX=0.1, sigmaY=self.parameters.smoothing_bins, borderType=cv2.BORDER_REFLECT
            )
            shape = np.moveaxis(counts, axis, 0).shape
            counts = np.moveaxis(smooth.reshape(shape), 0, axis)
        return np.asarray(counts.ravel() / counts.sum())

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Compare some moments; `refine` scores in full what this proposes."""
        return proposed(a, b)

    def refine(self, a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
        """Score the given pairs of rows at the best of all their moments; arrays of the result are (P,)."""
        return refined(a, b, rows_a, rows_b)

    def bytes_per_pair(self) -> int:
        """Four float32 matrices, and as many again on the way to the score."""
        return 64

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """Both ends of each shot: what stands out, the colours that cover most, an arrow towards the light; a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(frames[row][end]) for row in rows for end in _ENDS})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=6, tile_width=_TILE_WIDTH)


_CELLS = FIELD_HEIGHT * FIELD_WIDTH
_COLORS = LIGHTNESS_BINS * COLOR_BINS * COLOR_BINS
_COLUMNS: Mapping[str, tuple[Any, ...]] = {
    "figure": (np.uint8, CELLS // 8),
    "outline": (np.uint8, CELLS // 8),
    "figure_worth": (np.float32,),
    "layout": (np.float16, _CELLS),
    "edges": (np.float16, EDGE_DIRECTIONS * _CELLS),
    "colors": (np.float16, _COLORS),
    "light": (np.float16, 2),
    "contrast": (np.float32,),
}
"""What `describe` gives, with its type and length."""


def _edges(luma: np.ndarray, surrounded: np.ndarray) -> np.ndarray:
    """float32 (h, w, 4), how strong edges of each direction are: the gradient's length, by the cosine squared.

    Those that bound what stands out are stronger.
    """
    right, down = _gradient(luma)
    border = np.hypot(*_gradient(surrounded)) / max(most_surrounded(surrounded), 1e-6)
    strength = np.hypot(right, down) * (border + NO_BORDER) ** BORDER_POWER
    angle = np.arctan2(down, right)[..., None] - np.pi / EDGE_DIRECTIONS * np.arange(EDGE_DIRECTIONS)
    return np.asarray(strength[..., None] * np.square(np.cos(angle)), np.float32)


def _gradient(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """To the right and down, of a smoothed field (h, w)."""
    import cv2

    smooth = cv2.GaussianBlur(field, (0, 0), 1.0)
    return cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3)


def _unit(laid: np.ndarray, inside: tuple[slice, slice]) -> np.ndarray:
    """float32 (cells,), of mean 0 over the picture and length 1; zero where nothing varies."""
    vector = np.zeros_like(laid)
    vector[inside] = laid[inside] - laid[inside].mean(axis=(0, 1))
    length = np.sqrt(np.square(vector).sum())
    return np.asarray(vector.ravel() / length if length > 1e-3 else np.zeros(vector.size, np.float32))


def _light(luma: np.ndarray) -> np.ndarray:
    """float (2,), correlation of brightness with the way right and the way down; at most of length 1."""
    spread = luma.std()
    if spread < 1e-3:
        return np.zeros(2)
    rows, columns = (np.linspace(-1, 1, count) if count > 1 else np.zeros(1) for count in luma.shape)
    centred = (luma - luma.mean()) / spread
    right = (centred * columns).mean() / max(columns.std(), 1e-9)
    down = (centred * rows[:, None]).mean() / max(rows.std(), 1e-9)
    return np.array([right, down])


def _row_tiles(representation: Representation, row: int, shown: Mapping[int, np.ndarray]) -> Iterator[Tile]:
    arrays = representation.arrays
    for end, words in zip(_ENDS, ("starts", "ends"), strict=True):
        colors, light = (arrays[name][row][end].astype(np.float32) for name in ("colors", "light"))
        picture = _with_palette(shown[int(arrays["frame"][row][end])], colors, light)
        figure = unpacked(arrays["figure"][row][end])
        said = f"shot {representation.shot[row]} {words}  figure {arrays['figure_worth'][row][end]:.2f}"
        yield Tile(_with_figure(picture, figure), said)


def _with_figure(picture: np.ndarray, figure: np.ndarray) -> np.ndarray:
    """A 16:9 picture with a line around a mask of the grid."""
    import cv2

    large = cv2.resize(figure.astype(np.uint8), picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(picture, contours, -1, _FIGURE_COLOR, 2)


def _with_palette(picture: np.ndarray, colors: np.ndarray, light: np.ndarray) -> np.ndarray:
    """A copy of a picture with its most frequent colours along the lower edge and an arrow towards the light."""
    import cv2

    painted = picture.copy()
    height, width = picture.shape[:2]
    step = width // _SWATCHES
    for place, color in enumerate(np.argsort(-colors)[:_SWATCHES].tolist()):
        painted[height - _SWATCH_HEIGHT :, place * step : (place + 1) * step] = _rgb_of(color)
    centre = np.array([width, height]) / 2
    tail, tip = ((round(float(x)), round(float(y))) for x, y in (centre, centre + light * height / 2))
    cv2.arrowedLine(painted, tail, tip, (255, 220, 60), 2, cv2.LINE_AA, tipLength=0.3)
    return painted


def _rgb_of(color: int) -> np.ndarray:
    """uint8 (3,), the middle of a bin of the histogram."""
    import cv2

    lightness, green_red, blue_yellow = np.unravel_index(color, (LIGHTNESS_BINS, COLOR_BINS, COLOR_BINS))
    lab = [
        (lightness + 0.5) * 100 / LIGHTNESS_BINS,
        (green_red + 0.5) * 120 / COLOR_BINS - 60,
        (blue_yellow + 0.5) * 120 / COLOR_BINS - 60,
    ]
    rgb = cv2.cvtColor(np.array([[lab]], np.float32), cv2.COLOR_LAB2RGB)[0, 0]
    return np.asarray(np.clip(rgb * 255, 0, 255).astype(np.uint8))
