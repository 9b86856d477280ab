"""How well two pictures coincide where light and grading do not matter: edges and texture, laid over each other.

An embedding says what kind of thing is seen, and suffers when a copy is small, colourless or written over; it also
calls two people before one wall much the same. The structure of a picture is its brightness on a small grid with the
local mean taken away and divided by the local deviation, so that exposure, contrast and grading cancel out. Two
structures are compared by normalized cross-correlation (Lewis 1995) at every small shift and a few scales, so that a
crop or a nudge of the camera changes little, and with one of the two mirrored.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

WIDTH, HEIGHT = 64, 36
_NEIGHBORHOOD = 6.0
"""Standard deviation in cells of what counts as local."""
_LEAST_VARIANCE = 4.0
"""Levels squared: noise below it is not amplified."""
_SCALES = (1.0, 0.94, 0.88)
_OVERLAP = 0.88
"""Of width and height, the part of one picture that is searched for in the other: shifts reach 6 % to every side."""
_COARSE = 2
_ALIGNED_FRAME_PAIRS = 2


def structure_of(luma: np.ndarray) -> np.ndarray:
    """float32 (N, 36, 64), of order 1.

    Args:
        luma: uint8 or float (N, 36, 64), brightness, 0 to 255.
    """
    import cv2

    structures = np.empty(luma.shape, np.float32)
    for number, picture in enumerate(luma.astype(np.float32)):
        difference = picture - cv2.GaussianBlur(picture, (0, 0), _NEIGHBORHOOD)
        variance = cv2.GaussianBlur(difference * difference, (0, 0), _NEIGHBORHOOD)
        structures[number] = difference / np.sqrt(variance + _LEAST_VARIANCE)
    return structures


def aligned_correlations(a: np.ndarray, b: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Greatest normalized cross-correlation of pairs of structures over shifts and scales.

    Args:
        a: float32 (Na, 36, 64), from `structure_of`.
        b: float32 (Nb, 36, 64), the same of other pictures.
        i: int (P,), rows of `a`.
        j: int (P,), rows of `b`.

    Returns:
        float32 (P,), in [-1, 1]. The order of the two changes nothing.
    """
    best = np.full(len(i), -1.0, np.float32)
    for scale in _SCALES:
        np.maximum(best, _found_in(a, b, i, j, scale), out=best)
        np.maximum(best, _found_in(b, a, j, i, scale), out=best)
    return best


def _found_in(wholes: np.ndarray, parts: np.ndarray, i: np.ndarray, j: np.ndarray, scale: float) -> np.ndarray:
    """float32 (P,), how well the middle of part `j[n]`, shrunk, is found anywhere in whole `i[n]`.

    All places of one whole are compared with all the parts that are searched for in it by one matrix product.
    """
    searched, place = np.unique(j, return_inverse=True)
    templates = _templates(parts[searched], scale)
    rows, columns = templates.shape[1:]
    flat = templates.reshape(-1, rows * columns)
    found = np.empty(len(i), np.float32)
    order = np.argsort(i, kind="stable")
    for pairs in np.split(order, np.flatnonzero(np.diff(i[order])) + 1) if len(i) else ():
        whole = wholes[i[pairs[0]]]
        places = np.lib.stride_tricks.sliding_window_view(whole, (rows, columns)).reshape(-1, rows * columns)
        # The templates have no mean, so that the means of the places need not be taken away before the product.
        deviation = np.sqrt(np.maximum((places**2).sum(axis=1) - places.sum(axis=1) ** 2 / places.shape[1], 1e-6))
        found[pairs] = (flat[place[pairs]] @ places.T / deviation).max(axis=1)
    return found


def _templates(structures: np.ndarray, scale: float) -> np.ndarray:
    """float32 (N, h, w), the middles of structures, shrunk, without their means and of length 1."""
    import cv2

    top, left = round(HEIGHT * (1 - _OVERLAP) / 2), round(WIDTH * (1 - _OVERLAP) / 2)
    middles = structures[:, top : HEIGHT - top, left : WIDTH - left]
    size = round(middles.shape[2] * scale), round(middles.shape[1] * scale)
    shrunk = np.empty((len(middles), size[1], size[0]), np.float32)
    for number, middle in enumerate(middles):
        shrunk[number] = cv2.resize(middle, size, interpolation=cv2.INTER_AREA)
    shrunk -= shrunk.mean(axis=(1, 2), keepdims=True)
    return np.asarray(shrunk / np.maximum(np.linalg.norm(shrunk, axis=(1, 2), keepdims=True), 1e-6))


def coarse_of(structure: np.ndarray) -> np.ndarray:
    """float32 (N, 576), unit vectors of halved structures, whose products are correlations without alignment."""
    rows, columns = HEIGHT // _COARSE, WIDTH // _COARSE
    halved = structure.reshape(-1, rows, _COARSE, columns, _COARSE).mean(axis=(2, 4)).reshape(-1, rows * columns)
    centered = halved - halved.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.asarray(centered / np.maximum(length, 1e-6), dtype=np.float32)


@dataclass(frozen=True)
class ShotPictures:
    """The structures of the frames of N shots that show something.

    Attributes:
        structures: float32 (M, 36, 64).
        rows: int64 (N, F), of each shot the rows of its frames, then -1.
    """

    structures: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, luma: np.ndarray, shot: np.ndarray, num_shots: int) -> Self:
        """Arrange frames by shot.

        Args:
            luma: uint8 (M, 36, 64), of frames that show something.
            shot: int64 (M,), the shot of each, ascending.
            num_shots: N.
        """
        count = np.bincount(shot, minlength=num_shots)
        place = np.arange(len(shot)) - np.repeat(np.cumsum(count) - count, count)
        rows = np.full((num_shots, int(count.max(initial=0))), -1, np.int64)
        rows[shot, place] = np.arange(len(shot))
        return cls(structure_of(luma), rows)


def shot_correlations(a: ShotPictures, b: ShotPictures, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """How well the pictures of pairs of shots coincide: those two pairs of frames that do best without alignment.

    Args:
        a: of one title.
        b: of the same or another.
        i: int (P,), shots of A, ascending.
        j: int (P,), shots of B.

    Returns:
        float32 (P,), in [-1, 1], the mirrored picture included; 0 where nothing can be compared.
    """
    if not len(i):
        return np.zeros(0, np.float32)
    turned = np.concatenate([b.structures, b.structures[..., ::-1]])
    mirrored_rows = np.where(b.rows < 0, -1, b.rows + len(b.structures))
    frames_a, frames_b, pair = _alike_frames(a, coarse_of(turned), np.hstack([b.rows, mirrored_rows]), i, j)
    best = np.full(len(i), -np.inf, np.float32)
    np.maximum.at(best, pair, aligned_correlations(a.structures, turned, frames_a, frames_b))
    return np.where(np.isfinite(best), best, np.float32(0))


def _alike_frames(
    a: ShotPictures, coarse_b: np.ndarray, rows_b: np.ndarray, i: np.ndarray, j: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs of frames that do best without alignment, `_ALIGNED_FRAME_PAIRS` of each pair of shots or fewer.

    Returns:
        Rows of `a.structures`, rows of `coarse_b`, and the pair of shots that each belongs to, int64 (K,) each.
    """
    coarse_a = coarse_of(a.structures)
    found = [np.zeros((3, 0), np.int64)]
    for pairs in np.split(np.arange(len(i)), np.flatnonzero(np.diff(i)) + 1):
        rows_a = a.rows[i[pairs[0]]]
        rows_a = rows_a[rows_a >= 0]
        if not len(rows_a) or not rows_b.shape[1]:
            continue
        rough = np.pad(coarse_a[rows_a] @ coarse_b.T, ((0, 0), (0, 1)), constant_values=-np.inf)
        of_pairs = rough[:, rows_b[j[pairs]]].swapaxes(0, 1).reshape(len(pairs), -1)  # row -1 is the padding
        best = np.argpartition(-of_pairs, _ALIGNED_FRAME_PAIRS - 1, axis=1)[:, :_ALIGNED_FRAME_PAIRS]
        pair, nth = np.nonzero(np.isfinite(np.take_along_axis(of_pairs, best, axis=1)))
        of_a, of_b = np.unravel_index(best[pair, nth], (len(rows_a), rows_b.shape[1]))
        found.append(np.stack([rows_a[of_a], rows_b[j[pairs[pair]], of_b], pairs[pair]]))
    frames_a, frames_b, pair = np.concatenate(found, axis=1)
    return frames_a, frames_b, pair
