"""The detector that asks twice: where the small network is in doubt of a cut, TransNetV2 is asked too.

TransNetV2 costs a hundred times as much a frame, and was trained on real film. It looks at windows of its own length
around the doubtful frames only, and both are believed alike: the logits of their chances are averaged. Gradual
transitions are left to the small network, which finds more of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from matchcut.shots import transnet
from matchcut.shots.boundary import (
    ALGORITHM,
    CUT,
    NETWORK_SHA256,
    BoundaryParameters,
    chunks,
    load_network,
    predict,
    transitions_of,
)
from matchcut.shots.detector import Boundaries, runs_of
from matchcut.shots.fades import BrightnessTrack, with_fades

LEAST_CHANCE = 1e-3
"""Nothing is surer than this, so that either opinion can be outweighed."""
MIN_GRADUAL_FRAMES = 6
"""Of TransNetV2's second output: it covers one or two frames of a cut, four where camera movement blurs it."""


@dataclass(frozen=True)
class SecondOpinionParameters:
    """What is doubtful, and how chances become transitions.

    Attributes:
        least_doubtful, most_doubtful: between which chances a cut is doubtful.
        boundary: how chances become transitions.
    """

    least_doubtful: float = 0.1
    most_doubtful: float = 0.95
    boundary: BoundaryParameters = field(default_factory=BoundaryParameters)

    def __post_init__(self) -> None:
        low, high = self.least_doubtful, self.most_doubtful
        if not 0 < low < high < 1:
            raise ValueError(f"doubt ranges from one chance to a higher one in (0, 1), got {low} to {high}")


@dataclass(frozen=True)
class SecondOpinionDetector:
    """The small network, and TransNetV2 where that is in doubt of a cut."""

    parameters: SecondOpinionParameters = field(default_factory=SecondOpinionParameters)
    name: str = "full"
    algorithm: str = f"1/{ALGORITHM}-{NETWORK_SHA256[:16]}/{transnet.ALGORITHM}"
    weights: tuple[str, ...] = (transnet.WEIGHTS,)
    frame_size: tuple[int, int] = (48, 27)

    def detect(self, frames: Iterable[np.ndarray], weights: Mapping[str, Path]) -> Boundaries:
        """Find all transitions; see `ShotDetector.detect`.

        Raises:
            MissingWeightsError: a network's weights are missing or damaged.
            ValueError: there are no frames, or they have another size.
        """
        track = BrightnessTrack(self.parameters.boundary.fades)
        small, large = load_network(), transnet.load_network(weights[transnet.WEIGHTS])
        parts = []
        for part, start, stop in chunks(track.watch(frames)):
            chances = predict(small, part, start, stop)
            chances[:, CUT] = self._reviewed(large, part, start, chances[:, CUT])
            parts.append(chances)
        chances = np.concatenate(parts)
        return with_fades(Boundaries.of(len(chances), transitions_of(chances, self.parameters.boundary)), track)

    def _reviewed(self, large: Any, frames: np.ndarray, start: int, cut: np.ndarray) -> np.ndarray:
        """The chances of cuts at a chunk's own frames, with TransNetV2's opinion around the doubtful ones."""
        p, reviewed = self.parameters, cut.copy()
        for first, last in windows_around(np.flatnonzero((p.least_doubtful < cut) & (cut < p.most_doubtful))):
            own = cut[first:last]
            opinion = opinion_on(large, frames, start + first, start + first + len(own))
            reviewed[first:last] = averaged(own, opinion, p.boundary.cut_threshold)
        return reviewed


def windows_around(frames: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of frames, as TransNetV2 tells them at once, that hold all of these: its window's own frames.

    Args:
        frames: int (N,), ascending.

    Yields:
        Half-open ranges of at most `STEP_FRAMES` frames, without overlap.
    """
    reached = 0
    for frame in frames.tolist():
        if frame >= reached:
            first = max(reached, frame - transnet.STEP_FRAMES // 2)
            reached = first + transnet.STEP_FRAMES
            yield first, reached


def opinion_on(large: Any, frames: np.ndarray, first: int, last: int) -> np.ndarray:
    """TransNetV2's chances that a shot begins with a cut at the frames `[first, last)`.

    Args:
        large: from `transnet.load_network`.
        frames: uint8 (n, 27, 48, 3), RGB; the first and the last stand for those beyond.
        first: of at most `STEP_FRAMES` frames.
        last: one past the last.

    Returns:
        float32 (last - first,) in [0, 1].
    """
    import torch

    wanted = np.arange(transnet.WINDOW_FRAMES) + first - transnet.MARGIN_FRAMES
    window = frames[wanted.clip(0, len(frames) - 1)]
    with torch.inference_mode():
        middle, inside = large(torch.from_numpy(window)[None])[0].numpy().T
    is_gradual = np.zeros(len(inside), bool)
    for start, stop in runs_of(inside > 0.5):
        is_gradual[start:stop] = stop - start >= MIN_GRADUAL_FRAMES
    own = np.arange(transnet.MARGIN_FRAMES, transnet.MARGIN_FRAMES + last - first)
    # Its middle is the last frame before a cut, where ours is the first frame after it; and it tells none from a mix's.
    return np.where(is_gradual[own], 0, middle[own - 1])


def averaged(own: np.ndarray, opinion: np.ndarray, threshold: float) -> np.ndarray:
    """Chances of which the logit is the mean of both logits, where TransNetV2's half means what our threshold means.

    Args:
        own: (N,) in [0, 1].
        opinion: (N,) in [0, 1].
        threshold: from which on one of our chances counts, in (0, 1).

    Returns:
        float32 (N,) in (0, 1).
    """
    mean = (_logit(own) + _logit(opinion) + np.log(threshold / (1 - threshold))) / 2
    return np.asarray(1 / (1 + np.exp(-mean)), np.float32)


def _logit(chances: np.ndarray) -> np.ndarray:
    clipped = np.clip(chances, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return np.asarray(np.log(clipped / (1 - clipped)))
