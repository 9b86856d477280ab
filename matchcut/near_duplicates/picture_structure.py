"""How well two pictures coincide where light and grading do not matter: edges and texture, laid over each other.

An embedding says what kind of thing is seen, and suffers when a copy is small, colourless or written over; it also
calls two people before one wall much the same. The structure of a picture is its brightness on a small grid with the
local mean taken away and divided by the local deviation, so that exposure, contrast and grading cancel out. Two
structures are compared by normalized cross-correlation (Lewis 1995) at every small shift and a few scales, so that a
crop or a nudge of the camera changes little, and with one of the two mirrored.
"""

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


def aligned_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Greatest normalized cross-correlation of two structures over shifts and scales, in [-1, 1].

    Args:
        a: float32 (36, 64), from `structure_of`.
        b: the same of the other picture. The order of the two changes nothing.
    """
    return max(_found_in(a, b), _found_in(b, a))


def _found_in(whole: np.ndarray, part: np.ndarray) -> float:
    import cv2

    top, left = round(HEIGHT * (1 - _OVERLAP) / 2), round(WIDTH * (1 - _OVERLAP) / 2)
    middle = part[top : HEIGHT - top, left : WIDTH - left]
    best = -1.0
    for scale in _SCALES:
        size = round(middle.shape[1] * scale), round(middle.shape[0] * scale)
        template = cv2.resize(middle, size, interpolation=cv2.INTER_AREA)
        best = max(best, float(cv2.matchTemplate(whole, template, cv2.TM_CCOEFF_NORMED).max()))
    return best


def coarse_of(structure: np.ndarray) -> np.ndarray:
    """float32 (N, 576), unit vectors of halved structures, whose products are correlations without alignment."""
    rows, columns = HEIGHT // _COARSE, WIDTH // _COARSE
    halved = structure.reshape(-1, rows, _COARSE, columns, _COARSE).mean(axis=(2, 4)).reshape(len(structure), -1)
    centered = halved - halved.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.asarray(centered / np.maximum(length, 1e-6), dtype=np.float32)


def shot_correlation(a: np.ndarray, b: np.ndarray, is_blank_a: np.ndarray, is_blank_b: np.ndarray) -> float:
    """How well the frames of two shots coincide: the best of the pairs of frames that look most alike.

    Args:
        a: float32 (F, 36, 64), structures of frames of one shot.
        b: float32 (G, 36, 64), of another.
        is_blank_a: bool (F,), frames that are not compared.
        is_blank_b: bool (G,).

    Returns:
        In [-1, 1], the mirrored picture included; 0 where nothing can be compared.
    """
    frames_a, frames_b = np.flatnonzero(~is_blank_a), np.flatnonzero(~is_blank_b)
    if not len(frames_a) or not len(frames_b):
        return 0.0
    turned = np.concatenate([b[frames_b], np.ascontiguousarray(b[frames_b][..., ::-1])])
    rough = coarse_of(a[frames_a]) @ coarse_of(turned).T
    most = np.argsort(-rough, axis=None, kind="stable")[:_ALIGNED_FRAME_PAIRS]
    pairs = zip(*np.unravel_index(most, rough.shape), strict=True)
    return max(aligned_correlation(a[frames_a[i]], turned[j]) for i, j in pairs)
