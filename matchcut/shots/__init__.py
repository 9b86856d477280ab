"""Shot boundaries: one interface, one file per detector."""

from collections.abc import Mapping
from types import MappingProxyType

from matchcut.shots.detector import Boundaries, ShotDetector, Transition
from matchcut.shots.histogram import HistogramDetector
from matchcut.shots.segment import ALGORITHM, detect_shots, shot_table
from matchcut.shots.table import ShotTable
from matchcut.shots.transnet import TransNetDetector

__all__ = [
    "ALGORITHM",
    "DETECTORS",
    "Boundaries",
    "HistogramDetector",
    "ShotDetector",
    "ShotTable",
    "TransNetDetector",
    "Transition",
    "detect_shots",
    "shot_table",
]

DETECTORS: Mapping[str, ShotDetector] = MappingProxyType(
    {detector.name: detector for detector in (HistogramDetector(), TransNetDetector())}
)
