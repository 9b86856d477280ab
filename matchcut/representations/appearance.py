"""Appearance match: the same picture made of other things.

A cut feels smooth when the eye finds lines and shapes where they were a moment ago, whatever they show: a face becomes
a planet, a column of fire a street. At the moments at which A may be left and B may be entered this flavor compares the
*lines*, the strength of edges of four directions on a coarse grid (after Oliva and Torralba's spatial envelope, IJCV
2001): a bright shape on black and a dark one on white have the same outline. Other *light and dark* (brightness on the
same grid, by correlation, so that exposure and contrast do not count), other *colours* (a histogram in CIELAB, by the
Bhattacharyya coefficient) and *light* from elsewhere (which way brightness rises over the picture) take away a part.
What is nearly blank matches nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from matchcut.cue_words import CueWords, Grade
from matchcut.pictures import Tile, sheet, thumbnails
from matchcut.proxy import Proxy
from matchcut.representations.flavor import BlockScores, Representation, UsableShots, scored_in_parts
from matchcut.representations.grid import lay_field, picture_box
from matchcut.representations.moments import IN, OUT, MomentParameters, coarse_cuts, cut_moments

ALGORITHM = "2"
SCORE_ALGORITHM = "3"

GRID_HEIGHT, GRID_WIDTH = 9, 16
PICTURE_HEIGHT, PICTURE_WIDTH = 90, 160
"""The box into which a frame is fitted: ten pixels a cell."""
EDGE_DIRECTIONS = 4
"""Upright, level and both diagonals."""
LIGHTNESS_BINS, COLOR_BINS = 5, 9
"""Of L* over 0 to 100 and of a* and b* over -60 to 60; the middle one holds the greys."""

# Standard deviation of brightness, of 255 levels, that counts nothing and that counts fully: blank frames have up to 4
# (`shot_embeddings.BLANK_CONTRAST`), low-key pictures about 12. Part of SCORE_ALGORITHM, as all here.
BLANK, CONTRASTED = 4.0, 12.0
OTHER_COLORS, SAME_COLORS = 0.3, 0.95  # Bhattacharyya coefficients that count nothing and fully
# What other light and dark, other colours and light from elsewhere take away. Chosen among six ways to weigh these by
# looking at the best twenty pairs of each in the films of `benchmarks.graded_top`.
LAYOUT_WEIGHT, COLOR_WEIGHT, LIGHT_WEIGHT = 0.2, 0.05, 0.05
_PAIRS_AT_ONCE = 1024

_TILE_WIDTH = 256
_SWATCHES = 5
_SWATCH_HEIGHT = 14
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
    (N, 2, M, 576), the roots of the strength of edges of four directions on the grid, each of mean 0, together of
    length 1; `colors` float16 (N, 2, M, 405), square roots of the shares of colours; `light` float16 (N, 2, M, 2),
    correlation of brightness with the way right and down; `contrast` float32 (N, 2, M), standard deviation of
    brightness.
    """

    parameters: AppearanceParameters = field(default_factory=AppearanceParameters)

    name: ClassVar[str] = "appearance_match"
    representation: ClassVar[str] = "appearance"
    title: ClassVar[str] = "Appearance match"
    summary: ClassVar[str] = "lines and shapes stay where they were"
    description: ClassVar[str] = (
        "A row is a kept shot: brightness and edges on a 16x9 grid, shares of colours and the direction of light, at "
        "moments of its first and last third."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = ()
    cues: ClassVar[Mapping[str, CueWords]] = {
        "edges": CueWords("lines", (Grade("many lines stay", least=0.5), Grade("some lines stay", least=0.35))),
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
        arrays = {
            name: np.zeros((*frames.shape, count), np.float16)
            for name, count in (
                ("layout", _CELLS),
                ("edges", EDGE_DIRECTIONS * _CELLS),
                ("colors", _COLORS),
                ("light", 2),
            )
        }
        arrays["contrast"] = np.zeros(frames.shape, np.float32)
        for place in np.ndindex(frames.shape):
            for name, values in seen[int(frames[place])].items():
                arrays[name][place] = values
        return Representation(shots.shot, {"frame": frames, **arrays})

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
        laid = lay_field(luma[..., None], width, height, GRID_WIDTH, GRID_HEIGHT)
        edges = np.sqrt(lay_field(_edges(luma), width, height, GRID_WIDTH, GRID_HEIGHT))
        left, top, columns, rows = picture_box(width, height, GRID_WIDTH, GRID_HEIGHT)
        inside = (slice(top, top + rows), slice(left, left + columns))
        return {
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
        out, into = a.arrays, b.arrays
        score = np.zeros((len(a), len(b)), np.float32)
        for m, n in coarse_cuts(out["frame"].shape[2]):
            parts = {name: _flat(out, name, OUT, m) @ _flat(into, name, IN, n).T for name in self.cues}
            worth = np.sqrt(np.multiply.outer(_worth(out["contrast"][:, OUT, m]), _worth(into["contrast"][:, IN, n])))
            np.maximum(score, _score(parts) * worth, out=score)
        return BlockScores(
            score=score,
            frame_a=np.broadcast_to(out["frame"][:, OUT, -1, None], score.shape),
            frame_b=np.broadcast_to(into["frame"][None, :, IN, 0], score.shape),
        )

    def refine(self, a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
        """Score the given pairs of rows at the best of all their moments; arrays of the result are (P,)."""

        def row_for_row(some_a: np.ndarray, some_b: np.ndarray) -> BlockScores:
            return self._refined(a.rows(some_a), b.rows(some_b))

        return scored_in_parts(row_for_row, rows_a, rows_b, _PAIRS_AT_ONCE)

    def _refined(self, a: Representation, b: Representation) -> BlockScores:
        """Row for row."""
        out, into = a.arrays, b.arrays
        parts = {
            name: np.einsum("pmc,pnc->pmn", out[name][:, OUT].astype(np.float32), into[name][:, IN].astype(np.float32))
            for name in self.cues
        }
        worth = np.sqrt(_worth(out["contrast"][:, OUT])[:, :, None] * _worth(into["contrast"][:, IN])[:, None])
        score = _score(parts) * worth
        pairs, count = np.arange(len(score)), score.shape[2]
        m, n = np.divmod(score.reshape(len(score), score.shape[1] * count).argmax(axis=1), count)
        return BlockScores(
            score=score[pairs, m, n],
            frame_a=out["frame"][pairs, OUT, m],
            frame_b=into["frame"][pairs, IN, n],
            cues={name: np.clip(part[pairs, m, n], -1, 1) for name, part in parts.items()},
        )

    def bytes_per_pair(self) -> int:
        """Four float32 matrices, and as many again on the way to the score."""
        return 64

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """Both ends of each shot with the colours that cover most and an arrow towards the light, as a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(frames[row][end]) for row in rows for end in _ENDS})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=6, tile_width=_TILE_WIDTH)


def _score(parts: Mapping[str, np.ndarray]) -> np.ndarray:
    """float32, of the shape of the parts, in [0, 1]."""
    colors = np.interp(parts["colors"], (OTHER_COLORS, SAME_COLORS), (0.0, 1.0))
    layout, light = np.clip(parts["layout"], 0, 1), np.clip(parts["light"], 0, 1)
    lost = LAYOUT_WEIGHT * (1 - layout) + COLOR_WEIGHT * (1 - colors) + LIGHT_WEIGHT * (1 - light)
    return np.asarray(np.clip(parts["edges"] * (1 - lost), 0, 1), np.float32)


def _flat(arrays: Mapping[str, np.ndarray], name: str, side: int, moment: int) -> np.ndarray:
    """float32 (N, C), of one moment."""
    return arrays[name][:, side, moment].astype(np.float32)


_CELLS = GRID_HEIGHT * GRID_WIDTH
_COLORS = LIGHTNESS_BINS * COLOR_BINS * COLOR_BINS


def _edges(luma: np.ndarray) -> np.ndarray:
    """float32 (h, w, 4), how strong edges of each direction are: the gradient's length, by the cosine squared."""
    import cv2

    smooth = cv2.GaussianBlur(luma, (0, 0), 1.0)
    right, down = (cv2.Sobel(smooth, cv2.CV_32F, *way, ksize=3) for way in ((1, 0), (0, 1)))
    angle = np.arctan2(down, right)[..., None] - np.pi / EDGE_DIRECTIONS * np.arange(EDGE_DIRECTIONS)
    return np.asarray(np.hypot(right, down)[..., None] * np.square(np.cos(angle)), np.float32)


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


def _worth(contrast: np.ndarray) -> np.ndarray:
    return np.asarray(np.interp(contrast, (BLANK, CONTRASTED), (0.0, 1.0)), np.float32)


def _row_tiles(representation: Representation, row: int, shown: Mapping[int, np.ndarray]) -> Iterator[Tile]:
    for end, words in zip(_ENDS, ("starts", "ends"), strict=True):
        number = int(representation.arrays["frame"][row][end])
        colors, light = (representation.arrays[name][row][end].astype(np.float32) for name in ("colors", "light"))
        yield Tile(_with_palette(shown[number], colors, light), f"shot {representation.shot[row]} {words}")


def _with_palette(picture: np.ndarray, colors: np.ndarray, light: np.ndarray) -> np.ndarray:
    """A picture with its most frequent colours along the lower edge and an arrow towards the light."""
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
