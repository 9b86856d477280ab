"""Rows of `optical_flow` with a known movement."""

import numpy as np

from matchcut.representations.flavor import Representation
from matchcut.representations.movement import mover_of, spectrum_of


def rows(
    *subjects: object, camera: tuple[float, ...] = (0, 0, 0, 0), rest: float = 0, size: int = 144, support: float = 1
) -> Representation:
    """Shots in which the same moves at all moments: one (x, y) everywhere, or a whole (9, 16, 2) field.

    All that moves can be seen, so that the total is the sum of what is filmed and of a camera that pans.
    """
    n = len(subjects)
    fields = np.stack([np.broadcast_to(np.asarray(subject, np.float32), (9, 16, 2)) for subject in subjects])
    spectra = [spectrum_of(field + np.array(camera[:2])) for field in fields]
    movers = np.array([[mover_of(each[None]) for each in (field, field + np.array(camera[:2]))] for field in fields])
    return Representation(
        np.arange(n),
        {
            "frame": np.arange(10 * n).reshape(n, 2, 5),
            "camera": np.tile(np.array(camera, np.float32), (n, 2, 5, 1)),
            "subject": np.tile(fields[:, None, None], (1, 2, 5, 1, 1, 1)).astype(np.float16),
            "total": np.tile((fields + np.array(camera[:2]))[:, None, None], (1, 2, 5, 1, 1, 1)).astype(np.float16),
            "support": np.full((n, 2, 5), support, np.float32),
            "mover": np.tile(movers[:, None, None], (1, 2, 5, 1, 1)).astype(np.float32),
            "window": np.arange(10 * n).reshape(n, 2, 5, 1) + np.array([-3, 3]),
            "rate": np.full((n, 2, 5), 24, np.float32),
            "consistency": np.ones((n, 2, 5), np.float32),
            "sustained": np.ones((n, 2, 5), np.float32),
            "rest": np.full(n, rest, np.float32),
            "spectrum": np.array(spectra),
            "picture_cells": np.full(n, size),
        },
    )


def pan(right: float, down: float = 0, **more: float) -> Representation:
    """A shot in which the camera alone moves."""
    return rows((0, 0), camera=(right, down, 0, 0), **more)  # type: ignore[arg-type]


def patch(left: int, right: float, down: float = 0) -> np.ndarray:
    """A thing of 4 x 4 cells that moves, float32 (9, 16, 2)."""
    field = np.zeros((9, 16, 2), np.float32)
    field[2:6, left : left + 4] = (right, down)
    return field
