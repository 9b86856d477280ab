"""From boundaries to the table of shots: gaps closed, transitions left out of the usable frames."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from matchcut.proxy import Proxy
from matchcut.read_ahead import read_ahead
from matchcut.shots.detector import Boundaries, ShotDetector
from matchcut.shots.table import ShotTable

ALGORITHM = "1"


def detect_shots(proxy: Proxy, detector: ShotDetector, weights: Mapping[str, Path]) -> ShotTable:
    """All shots of a title; a title without any transition is one shot.

    Args:
        proxy: the title's standardized encode.
        detector: see `DETECTORS`.
        weights: a checked file for every name in `detector.weights`.
    """
    with closing(read_ahead(proxy.frames(size=detector.frame_size))) as frames:
        return shot_table(detector.detect(frames, weights))


def shot_table(boundaries: Boundaries) -> ShotTable:
    """The shots between the boundaries.

    Usable frames are those of no transition. A shot that lies in transitions altogether keeps the one frame farthest
    from being something else: in the middle between where the transition in ends and the one out begins.
    """
    transitions = boundaries.transitions
    edges = np.array([0, *(t.frame for t in transitions), boundaries.num_frames], np.int64)
    settled = np.array([boundaries.visible_start_frame, *(t.end_frame for t in transitions)], np.int64)
    leaving = np.array([*(t.first_frame for t in transitions), boundaries.visible_stop_frame], np.int64)
    start, stop = edges[:-1], edges[1:]
    usable_start, usable_stop = np.maximum(start, settled), np.minimum(stop, leaving)
    least_bad = np.clip((settled + leaving) // 2, start, stop - 1)
    is_empty = usable_start >= usable_stop
    return ShotTable(
        start_frame=start,
        stop_frame=stop,
        usable_start_frame=np.where(is_empty, least_bad, usable_start),
        usable_stop_frame=np.where(is_empty, least_bad + 1, usable_stop),
        transition_in=np.array(["start", *(t.kind for t in transitions)], dtype=object),
        confidence=np.array([1, *(t.confidence for t in transitions)], np.float32),
    )
