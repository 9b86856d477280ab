"""The canonical grid: every picture lies in 16:9, its shape kept, so that shots of any title can be compared.

A 2.39:1 picture fills the width, a 9:16 picture the height; around them the grid is empty.
"""

import numpy as np

GRID_HEIGHT, GRID_WIDTH = 36, 64
CELLS = GRID_HEIGHT * GRID_WIDTH


def picture_box(
    width: int, height: int, grid_width: int = GRID_WIDTH, grid_height: int = GRID_HEIGHT
) -> tuple[int, int, int, int]:
    """Where a picture lies in the grid.

    Args:
        width: of the picture, in square pixels.
        height: of the picture, in square pixels.
        grid_width: cells.
        grid_height: cells.

    Returns:
        left, top, width, height in cells, at least one cell each way.
    """
    scale = min(grid_width / width, grid_height / height)
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
    return (grid_width - columns) // 2, (grid_height - rows) // 2, columns, rows


def lay_mask(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    """Lay a mask of a picture into the grid; a cell belongs to it when at least half of it does.

    Args:
        mask: bool, of any size, stretched over the whole picture.
        width: of the picture, in square pixels.
        height: of the picture, in square pixels.

    Returns:
        bool (36, 64).
    """
    import cv2

    left, top, columns, rows = picture_box(width, height)
    laid = np.zeros((GRID_HEIGHT, GRID_WIDTH), bool)
    share = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    laid[top : top + rows, left : left + columns] = share >= 0.5
    return laid


def lay_field(field: np.ndarray, width: int, height: int, grid_width: int, grid_height: int) -> np.ndarray:
    """Lay a field of numbers over a picture into a grid by area averaging; zero around the picture.

    Args:
        field: float32 (H, W, C), of any size, stretched over the whole picture.
        width: of the picture, in square pixels.
        height: of the picture, in square pixels.
        grid_width: cells.
        grid_height: cells.

    Returns:
        float32 (grid_height, grid_width, C).
    """
    import cv2

    left, top, columns, rows = picture_box(width, height, grid_width, grid_height)
    laid = np.zeros((grid_height, grid_width, field.shape[2]), np.float32)
    resized = cv2.resize(field, (columns, rows), interpolation=cv2.INTER_AREA)
    laid[top : top + rows, left : left + columns] = resized.reshape(rows, columns, -1)  # OpenCV drops a lone channel
    return laid
