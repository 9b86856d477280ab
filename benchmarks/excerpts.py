"""A second of a shot, shown in another film: is it known again, and what do more frames per shot buy?

Excerpts are stretches of shots of the films' copies, at random places. They are looked for among the whole shots of the
films themselves, by all frames that a shot's length calls for, and by those at the three moments alone. A shot counts
as moving where the pictures at its two ends do not coincide: there three frames are least likely to meet an excerpt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from matchcut.near_duplicates.comparison import correlations
from matchcut.repeats import Repeats
from matchcut.shot_embeddings import BLANK_CONTRAST, ShotEmbeddings
from matchcut.shots.table import ShotTable

LEAST_SECONDS = 3.0
"""Of a shot that an excerpt is taken from."""
EXCERPT_SECONDS = 1.0
MOVING_CORRELATION = 0.5
SEED = 4


def excerpt(shots: ShotTable, seconds: np.ndarray, seed: Sequence[int]) -> ShotTable:
    """Shots of which only a second may be looked at, at a random place; shorter ones stay as they are.

    Args:
        shots: of a film.
        seconds: float64 (num_frames,), when each frame is shown.
        seed: of the places.
    """
    rng = np.random.default_rng(seed)
    start, stop = shots.usable_start_frame.copy(), shots.usable_stop_frame.copy()
    for shot in range(len(shots)):
        latest = seconds[stop[shot] - 1] - EXCERPT_SECONDS
        if latest > seconds[start[shot]]:
            begin = rng.uniform(seconds[start[shot]], latest)
            start[shot] = np.searchsorted(seconds, begin)
            stop[shot] = np.searchsorted(seconds, begin + EXCERPT_SECONDS)
    return replace(shots, usable_start_frame=start, usable_stop_frame=stop)


def at_moments(embeddings: ShotEmbeddings) -> ShotEmbeddings:
    """What is left without the frames between the moments."""
    return embeddings.take_frames(np.unique(embeddings.moments))


def is_moving(embeddings: ShotEmbeddings) -> np.ndarray:
    """bool (N,), whether the pictures at both ends of a shot do not coincide."""
    first, last = (_only(embeddings, embeddings.moments[:, moment]) for moment in (0, -1))
    shots = np.arange(len(embeddings))
    return np.asarray(correlations(first, last, shots, shots) < MOVING_CORRELATION)


def _only(embeddings: ShotEmbeddings, rows: np.ndarray) -> ShotEmbeddings:
    """The same with all other frames taken as blank."""
    contrast = np.zeros_like(embeddings.luma_std)
    contrast[rows] = embeddings.luma_std[rows]
    return replace(embeddings, luma_std=contrast)


def measure(
    films: Mapping[str, tuple[ShotEmbeddings, np.ndarray, ShotEmbeddings]],
    share: Callable[[ShotEmbeddings, ShotEmbeddings], Repeats],
) -> dict[str, Any]:
    """Excerpts found again, of all long shots and of the moving ones, by all frames and by three.

    Args:
        films: by name the embeddings of the shots, how many seconds each has, and the embeddings of its excerpts.
        share: what finds repeats.
    """
    counts = {"shots": 0, "moving": 0}
    found = {way: {"shots": 0, "moving": 0} for way in ("all frames", "three frames")}
    frames = dict.fromkeys(found, 0)
    for whole, seconds, excerpts in films.values():
        long = (seconds >= LEAST_SECONDS) & ~whole.throughout(whole.luma_std < BLANK_CONTRAST)
        moving = long & is_moving(whole)
        counts = {"shots": counts["shots"] + int(long.sum()), "moving": counts["moving"] + int(moving.sum())}
        for way, looked_at in (("all frames", whole), ("three frames", at_moments(whole))):
            repeats = share(looked_at, at_moments(excerpts))
            is_found = np.zeros(len(whole), bool)
            is_found[repeats.shot_a[repeats.shot_a == repeats.shot_b]] = True
            found[way]["shots"] += int((is_found & long).sum())
            found[way]["moving"] += int((is_found & moving).sum())
            frames[way] += len(looked_at.frames)
    minutes = sum(float(seconds.sum()) for _, seconds, _ in films.values()) / 60
    return {
        **counts,
        "excerpt_seconds": EXCERPT_SECONDS,
        "ways": {
            way: {
                "found": found[way],
                "recall": {name: round(found[way][name] / counts[name], 4) for name in counts if counts[name]},
                "frames_per_minute": round(frames[way] / minutes, 1),
            }
            for way in found
        },
    }
