"""Rows of `optical_flow` with a known movement."""

import numpy as np

from matchcut.representations.flavor import Representation
from matchcut.representations.movement import mover_of, spectrum_of


def rows(
    *subjects: object, camera: tuple[float, ...] = (0, 0, 0, 0), rest: float = 0, support: float = 1
) -> Representation:
    """Shots in which the same moves at all moments: one (x, y) everywhere, or a whole (9, 16, 2) field.

    All that moves can be seen, so that all movement is the sum of what is filmed and of a camera that pans.
    """
    n = len(subjects)
    fields = np.stack([np.broadcast_to(np.asarray(subject, np.float32), (9, 16, 2)) for subject in subjects])
    readings = np.stack([fields, fields + np.array(camera[:2])], axis=1)
    movers = [[mover_of(field) for field in shot] for shot in readings]

    def at_all(values: object) -> np.ndarray:
        """float32 (n, 2, 5, ...), of one value per shot."""
        each = np.asarray(values, np.float32)
        return np.tile(each[:, None, None], (1, 2, 5, *(1 for _ in each.shape[1:])))

    def of_movers(name: str) -> np.ndarray:
        return at_all([[getattr(mover, name) for mover in shot] for shot in movers])

    going = np.linalg.norm(of_movers("velocity"), axis=-1)
    return Representation(
        np.arange(n),
        {
            "frame": np.arange(10 * n).reshape(n, 2, 5),
            "window": np.arange(10 * n).reshape(n, 2, 5, 1) + np.array([-3, 3]),
            "rate": np.full((n, 2, 5), 24, np.float32),
            "camera": at_all([camera] * n),
            "support": np.full((n, 2, 5), support, np.float32),
            "mover": np.concatenate([of_movers("place"), of_movers("velocity")], axis=-1),
            "coherence": of_movers("coherence"),
            "area": of_movers("area"),
            "speed": at_all(np.sqrt(np.square(readings).sum(axis=-1).mean(axis=(2, 3)))),
            "going": going,
            "steadily": (going > 0).astype(np.float32),
            "rest": np.full(n, rest, np.float32),
            "spectrum": np.array([spectrum_of(field) for field in readings[:, 1]]),
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
