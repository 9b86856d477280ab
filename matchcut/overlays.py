"""What a flavor saw in a frame, as drawings that the page lays over it: silhouettes, what stands out, arrows.

They are read from stored representations by their arrays' names and shapes; a representation that has none of these
has no drawing. A drawing is a small SVG on the canonical 16:9 grid, which a page shows only when it is asked for.
"""

from collections.abc import Iterator

import numpy as np

from matchcut.representations.flavor import Representation
from matchcut.representations.moments import IN, OUT
from matchcut.representations.movement import camera_field, cell_places

ALGORITHM = "4"

_PALETTE = ("#2dd4bf", "#f59e0b", "#a78bfa", "#f472b6")
_CAMERA_ARROW, _MOVER_ARROW = ("#ffdc3c", 0.06), ("#50dcff", 0.18)  # colour, and width in cells
_ARROW_CELLS = 9, 16
_ARROW_SECONDS = 0.25  # an arrow is as long as the way in this time
_STILL_HEIGHTS = 0.02  # movement a second, in heights of the picture, that no arrow is drawn for
_SEEN_WORTH = 0.1  # of a figure, from which it is drawn
_BITS = 8
_ABSENT = np.zeros(0)


def overlay(representation: Representation, shot: int, frame: int, *, is_end: bool) -> str | None:
    """The drawing for one frame of a shot.

    Args:
        representation: of the shot's title.
        shot: its index in the title.
        frame: that is shown; drawn is what was seen at the nearest moment of that end of the shot.
        is_end: whether the cut leaves the shot here, rather than enters it.

    Returns:
        SVG text, None where there is nothing to draw.
    """
    rows = np.flatnonzero(representation.shot == shot)
    if len(rows) == 0:
        return None
    arrays = {name: array[rows[0]] for name, array in representation.arrays.items()}
    masks, moments, camera, mover = (arrays.get(name, _ABSENT) for name in ("masks", "frame", "camera", "mover"))
    figure, worth = (arrays.get(name, _ABSENT) for name in ("figure", "figure_worth"))
    if moments.ndim != 2:
        return None
    side = OUT if is_end else IN
    at = side, int(np.argmin(np.abs(moments[side] - frame)))
    if masks.ndim == 4 and masks.shape[:2] == moments.shape and _is_grid(masks):
        return _silhouettes(masks[at])
    if figure.ndim == 3 and figure.shape[:2] == worth.shape == moments.shape and _is_grid(figure):
        return _silhouettes(figure[at][None]) if worth[at] >= _SEEN_WORTH else None
    if mover.ndim == 4 and mover.shape[:2] == camera.shape[:2] == moments.shape:
        return _movement(camera[at].astype(np.float64), mover[at][0].astype(np.float64))
    return None


def _movement(camera: np.ndarray, mover: np.ndarray) -> str | None:
    """Thin arrows for what the camera makes the picture do, and a thick one for what moves most before it.

    Args:
        camera: float (4,), as `movement.fit_camera` gives it, per second.
        mover: float (4,), place and velocity, in heights of the picture and seconds.
    """
    rows, columns = _ARROW_CELLS
    places = cell_places(rows, columns)
    drawn = [
        _arrows(places, camera_field(camera, places), *_CAMERA_ARROW),
        _arrows(mover[None, :2], mover[None, 2:], *_MOVER_ARROW),
    ]
    shapes = [shape for shape in drawn if shape]
    return _svg(columns, rows, shapes) if shapes else None


def _is_grid(packed: np.ndarray) -> bool:
    """Whether the last axis holds the bits of a 16:9 grid."""
    cells = packed.shape[-1] * _BITS
    return _grid_height(cells) ** 2 * 16 == cells * 9


def _grid_height(cells: int) -> int:
    return round((cells * 9 / 16) ** 0.5)


def _silhouettes(packed: np.ndarray) -> str | None:
    """Persons, or whatever stands out, as filled shapes.

    Args:
        packed: uint8 (P, bytes), one mask each, bits of a 16:9 grid row by row.
    """
    height = _grid_height(packed.shape[-1] * _BITS)
    width = packed.shape[-1] * _BITS // height
    masks = np.unpackbits(packed, axis=-1).reshape(len(packed), height, width)
    shapes = [
        f'<path fill="{_PALETTE[place % len(_PALETTE)]}" fill-opacity=".55" d="{"".join(_runs(mask))}"/>'
        for place, mask in enumerate(masks)
        if mask.any()
    ]
    return _svg(width, height, shapes) if shapes else None


def _runs(mask: np.ndarray) -> Iterator[str]:
    """One rectangle per run of set cells in a row."""
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    for row in range(len(mask)):
        starts, stops = np.flatnonzero(edges[row] > 0), np.flatnonzero(edges[row] < 0)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            yield f"M{start} {row}h{stop - start}v1H{start}z"


def _arrows(places: np.ndarray, velocities: np.ndarray, color: str, width: float) -> str:
    """An arrow at each place that moves; empty where none does.

    Args:
        places: float (K, 2), right and down of the middle, in heights of the picture.
        velocities: float (K, 2), to the right and down, in heights per second.
        color: of the lines.
        width: of the lines, in cells.
    """
    rows, columns = _ARROW_CELLS
    lines = []
    for place, velocity in zip(places, velocities, strict=True):
        if np.hypot(*velocity) < _STILL_HEIGHTS:
            continue
        (x, y), step = place * rows + np.array([columns, rows]) / 2, velocity * _ARROW_SECONDS * rows
        ahead, aside = step * 0.7, np.array([-step[1], step[0]]) * 0.15
        left, right = ahead + aside, ahead - aside
        lines.append(
            f"M{x:.2f} {y:.2f}l{step[0]:.2f} {step[1]:.2f}"
            f"M{x + left[0]:.2f} {y + left[1]:.2f}L{x + step[0]:.2f} {y + step[1]:.2f}"
            f"L{x + right[0]:.2f} {y + right[1]:.2f}"
        )
    path = "".join(lines)
    return (
        f'<path fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round" d="{path}"/>'
        if path
        else ""
    )


def _svg(width: int, height: int, shapes: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        f"{''.join(shapes)}</svg>\n"
    )
