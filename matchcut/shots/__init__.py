"""Shot boundaries: one interface, one file per detector."""

from collections.abc import Mapping
from types import MappingProxyType

from matchcut.shots.boundary import BoundaryDetector
from matchcut.shots.detector import Boundaries, ShotDetector, Transition
from matchcut.shots.second_opinion import SecondOpinionDetector
from matchcut.shots.segment import ALGORITHM, detect_shots, shot_table
from matchcut.shots.table import ShotTable

__all__ = [
    "ALGORITHM",
    "DEFAULT_DETECTOR",
    "DETECTORS",
    "Boundaries",
    "BoundaryDetector",
    "SecondOpinionDetector",
    "ShotDetector",
    "ShotTable",
    "Transition",
    "detect_shots",
    "shot_table",
]

DETECTORS: Mapping[str, ShotDetector] = MappingProxyType(
    {detector.name: detector for detector in (BoundaryDetector(), SecondOpinionDetector())}
)
DEFAULT_DETECTOR = "fast"
