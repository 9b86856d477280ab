"""Appearance match: the same picture made of other things.

A cut feels smooth when the eye finds dark and bright, lines and colours where they were a moment ago, whatever they
show. Of the last frame of A and the first of B this flavor compares four things. *Composition*: brightness on a
coarse grid, by correlation, so that exposure and contrast do not count, and the strength of upright and level edges
on the same grid (after Oliva and Torralba's spatial envelope, IJCV 2001). *Colour*: a histogram in CIELAB, by the
Bhattacharyya coefficient. *Light*: which way brightness rises over the picture. What is nearly blank matches nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from matchcut.pictures import Tile, sheet, thumbnails
from matchcut.proxy import Proxy
from matchcut.representations.flavor import BlockScores, Representation, UsableShots
from matchcut.representations.grid import lay_field, picture_box

ALGORITHM = "1"
SCORE_ALGORITHM = "1"

FIRST, LAST = range(2)
GRID_HEIGHT, GRID_WIDTH = 9, 16
PICTURE_HEIGHT, PICTURE_WIDTH = 90, 160
"""The box into which a frame is fitted: ten pixels a cell."""
LIGHTNESS_BINS, COLOR_BINS = 5, 9
"""Of L* over 0 to 100 and of a* and b* over -60 to 60; the middle one holds the greys."""

# Standard deviation of brightness, of 255 levels, that counts nothing and that counts fully: blank frames have up to 4
# (`shot_embeddings.BLANK_CONTRAST`), low-key pictures about 12. Part of SCORE_ALGORITHM.
BLANK, CONTRASTED = 4.0, 12.0
# Bhattacharyya coefficients that count nothing and fully. Part of SCORE_ALGORITHM.
OTHER_COLORS, SAME_COLORS = 0.3, 0.95
# What the parts have to say; they sum to 1. Part of SCORE_ALGORITHM.
LAYOUT_WEIGHT, EDGE_WEIGHT, COLOR_WEIGHT, LIGHT_WEIGHT = 0.35, 0.25, 0.25, 0.15

_TILE_WIDTH = 256
_SWATCHES = 5
_SWATCH_HEIGHT = 14


@dataclass(frozen=True)
class AppearanceParameters:
    """How a picture is described.

    Attributes:
        smoothing_bins: standard deviation of the Gaussian by which a colour histogram is smoothed, in bins: colours
            that fall on two sides of a border are near.
    """

    smoothing_bins: float = 0.7

    def __post_init__(self) -> None:
        """Refuse what would sharpen."""
        if self.smoothing_bins <= 0:
            raise ValueError(f"smoothing_bins must be positive, got {self.smoothing_bins}")


@dataclass(frozen=True)
class Appearance:
    """The flavor `appearance_match`.

    Rows of the representation, for the first and last usable frame of every shot: `frame` int64 (N, 2); `layout`
    float32 (N, 2, 144), brightness on the grid, of mean 0 and length 1 over the picture's cells; `edges` float32
    (N, 2, 288), level and upright edges on the grid, likewise; `colors` float32 (N, 2, 405), square roots of the
    shares of colours; `light` float32 (N, 2, 2), correlation of brightness with the way right and down; `contrast`
    float32 (N, 2), standard deviation of brightness.
    """

    parameters: AppearanceParameters = field(default_factory=AppearanceParameters)

    name: ClassVar[str] = "appearance_match"
    representation: ClassVar[str] = "appearance"
    title: ClassVar[str] = "Appearance match"
    summary: ClassVar[str] = "composition, colours and light stay as they were"
    description: ClassVar[str] = (
        "A row is a kept shot: brightness and edges on a 16x9 grid, shares of colours and the direction of light, of "
        "its first and its last usable frame."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = ()
    cues: ClassVar[Mapping[str, str]] = {
        "layout": "composition",
        "colors": "colours",
        "edges": "lines",
        "light": "light from the same side",
    }

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, object]) -> Representation:
        """Describe both ends of each shot."""
        frames = np.stack([shots.start_frame, shots.stop_frame - 1], axis=1)
        _, _, width, height = picture_box(proxy.record.width, proxy.record.height, PICTURE_WIDTH, PICTURE_HEIGHT)
        seen = {
            number: self.describe(picture, proxy.record.width, proxy.record.height)
            for number, picture in proxy.frames_at(frames.ravel().tolist(), size=(width, height))
        }
        size = {"layout": _CELLS, "edges": 2 * _CELLS, "colors": _COLORS, "light": 2, "contrast": 1}
        arrays = {
            name: np.array([seen[n][name] for n in frames.ravel().tolist()], np.float32).reshape(len(frames), 2, count)
            for name, count in size.items()
        }
        return Representation(shots.shot, {"frame": frames, **arrays, "contrast": arrays["contrast"][..., 0]})

    def describe(self, picture: np.ndarray, width: int, height: int) -> dict[str, np.ndarray]:
        """One picture in numbers; see the class.

        Args:
            picture: uint8 (h, w, 3) RGB.
            width: of the proxy, in square pixels.
            height: of the proxy, in square pixels.
        """
        import cv2

        lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        luma = lab[..., 0] * 2.55
        edges = np.abs(np.stack([cv2.Sobel(luma, cv2.CV_32F, *way, ksize=3) for way in ((0, 1), (1, 0))], axis=2))
        laid = lay_field(np.dstack([luma, edges]), width, height, GRID_WIDTH, GRID_HEIGHT)
        left, top, columns, rows = picture_box(width, height, GRID_WIDTH, GRID_HEIGHT)
        inside = (slice(top, top + rows), slice(left, left + columns))
        return {
            "layout": _unit(laid[..., :1], inside),
            "edges": _unit(laid[..., 1:], inside),
            "colors": np.sqrt(self._shares(lab)),
            "light": _light(laid[..., 0][inside]),
            "contrast": np.array([luma.std()]),
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
        """Score every cut from a row of `a` to a row of `b`: the last frame of `a` against the first of `b`."""
        parts = {name: a.arrays[name][:, LAST] @ b.arrays[name][:, FIRST].T for name in self.cues}
        colors = np.interp(parts["colors"], (OTHER_COLORS, SAME_COLORS), (0.0, 1.0))
        score = (
            LAYOUT_WEIGHT * np.maximum(parts["layout"], 0)
            + EDGE_WEIGHT * np.maximum(parts["edges"], 0)
            + COLOR_WEIGHT * colors
            + LIGHT_WEIGHT * np.maximum(parts["light"], 0)
        )
        score *= np.sqrt(np.multiply.outer(_worth(a, LAST), _worth(b, FIRST)))
        return BlockScores(
            score=np.clip(score, 0, 1).astype(np.float32),
            frame_a=np.broadcast_to(a.arrays["frame"][:, LAST, None], score.shape),
            frame_b=np.broadcast_to(b.arrays["frame"][None, :, FIRST], score.shape),
            cues={name: np.clip(part, -1, 1) for name, part in parts.items()},
        )

    def bytes_per_pair(self) -> int:
        """Four float32 matrices, as many float64 on the way to the score, and as many again while they are added."""
        return 96

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """Both ends of each shot with the colours that cover most and an arrow towards the light, as a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(number) for row in rows for number in frames[row]})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=6, tile_width=_TILE_WIDTH)


_CELLS = GRID_HEIGHT * GRID_WIDTH
_COLORS = LIGHTNESS_BINS * COLOR_BINS * COLOR_BINS


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


def _worth(rows: Representation, end: int) -> np.ndarray:
    return np.asarray(np.interp(rows.arrays["contrast"][:, end], (BLANK, CONTRASTED), (0.0, 1.0)), np.float32)


def _row_tiles(representation: Representation, row: int, shown: Mapping[int, np.ndarray]) -> Iterator[Tile]:
    for end, words in ((FIRST, "starts"), (LAST, "ends")):
        number = int(representation.arrays["frame"][row, end])
        colors, light = representation.arrays["colors"][row, end], representation.arrays["light"][row, end]
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
