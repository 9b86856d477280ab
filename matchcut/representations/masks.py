"""Masks on the canonical grid, compared."""

import numpy as np

from matchcut.representations.grid import CELLS, GRID_HEIGHT, GRID_WIDTH

# Part of the score algorithms of all that compare masks.
OUTLINE_CELLS = 2  # width of an outline: 2.7 % of the picture's diagonal (boundary IoU, arXiv 2103.16562: 2 %)
COARSE_BLUR = 1.0  # standard deviation in cells of the halved grid


def iou(shared: np.ndarray, cells_a: np.ndarray, cells_b: np.ndarray) -> np.ndarray:
    """Intersection over union, float32, of cells that are shared and of those of either; 0 where there are none."""
    return np.asarray(shared / np.maximum(cells_a + cells_b - shared, 1), np.float32)


def num_cells(packed: np.ndarray) -> np.ndarray:
    """Cells that belong to packed masks, uint8 or uint64 (..., B): float32 (...)."""
    return np.asarray(np.bitwise_count(packed).sum(axis=-1, dtype=np.float32))


def unpacked(packed: np.ndarray) -> np.ndarray:
    """Masks, bool (..., 36, 64), of their packed bits, uint8 (..., 288)."""
    return np.unpackbits(packed, axis=-1).reshape(*packed.shape[:-1], GRID_HEIGHT, GRID_WIDTH).astype(bool)


def outlines(masks: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Inner borders of masks; the picture's own edge is no border.

    Args:
        masks: bool (N, 36, 64).
        boxes: int64 (N, 4), left, top, columns and rows of the picture.

    Returns:
        bool (N, 36, 64).
    """
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    result = np.zeros_like(masks)
    for mask, (left, top, columns, rows), outline in zip(masks, boxes.tolist(), result, strict=True):
        inside = (slice(top, top + rows), slice(left, left + columns))
        part = np.ascontiguousarray(mask[inside], np.uint8)
        # Outside the picture counts as the mask continued, which is OpenCV's default for erosion.
        core = cv2.erode(part, kernel, iterations=OUTLINE_CELLS)
        outline[inside] = (part > 0) & (core == 0)
    return result


def softened(masks: np.ndarray) -> np.ndarray:
    """Blurred masks as vectors of length 1: products of two are near their overlap, and cheap.

    Args:
        masks: bool (..., 36, 64).

    Returns:
        float32 (..., 576); zero for an empty mask.
    """
    import cv2

    halved = masks.reshape(-1, GRID_HEIGHT // 2, 2, GRID_WIDTH // 2, 2).mean(axis=(2, 4), dtype=np.float32)
    soft = np.array([cv2.GaussianBlur(mask, (0, 0), COARSE_BLUR) for mask in halved], np.float32)
    flat = soft.reshape(*masks.shape[:-2], CELLS // 4)
    length = np.linalg.norm(flat, axis=-1, keepdims=True)
    return np.divide(flat, length, out=np.zeros_like(flat), where=length > 0)
