"""TransNetV2: shot transitions by a small 3D convolutional network (arXiv:2008.04838).

The network (`transnet_network.py`) sees 100 frames at a time and is believed in the middle 50; windows overlap by
half. Its first output peaks at the last frame before a cut, its second one covers a gradual transition; fades
through black, of which it is unsure, are decided by the brightness (`fades.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from matchcut.errors import MissingWeightsError
from matchcut.shots.detector import Boundaries, Transition
from matchcut.shots.fades import BrightnessTrack, FadeParameters, with_fades

Precision = Literal["bfloat16", "float32"]
ALGORITHM = "1"
WEIGHTS = "transnetv2"
WINDOW_FRAMES, STEP_FRAMES = 100, 50  # as in the paper; other windows lose accuracy
MARGIN_FRAMES = (WINDOW_FRAMES - STEP_FRAMES) // 2


@dataclass(frozen=True)
class TransNetParameters:
    """How probabilities become transitions.

    Attributes:
        threshold: of the probability of a transition's middle; the authors' own choice.
        gradual_threshold: of the probability that a frame lies in a transition, for the extent of gradual ones.
        min_gradual_frames: a transition whose extent is shorter is a cut: the second output covers one or two frames
            of a cut, four where camera movement blurs it.
        min_gradual_mass: sum of the middle's probability over the extent, from which on a gradual transition is one.
            The longer it is, the less the network knows which frame is the middle: over 40 frames it puts 0.25 on
            the likeliest, but a whole transition on all of them together.
        precision: of the convolutions. bfloat16 moved no probability by more than 0.0035 and is faster on CPUs that
            compute in it; float32 is faster on others. Not chosen by machine, so that the same film gives the same
            shots everywhere.
        fades: when a frame is black.
    """

    threshold: float = 0.5
    gradual_threshold: float = 0.5
    min_gradual_frames: int = 6
    min_gradual_mass: float = 1.0
    precision: Precision = "bfloat16"
    fades: FadeParameters = field(default_factory=FadeParameters)


@dataclass(frozen=True)
class TransNetDetector:
    """The accurate detector."""

    parameters: TransNetParameters = field(default_factory=TransNetParameters)
    name: str = "transnetv2"
    algorithm: str = ALGORITHM
    weights: tuple[str, ...] = (WEIGHTS,)
    frame_size: tuple[int, int] = (48, 27)

    def detect(self, frames: Iterable[np.ndarray], weights: Mapping[str, Path]) -> Boundaries:
        """Find all transitions; see `ShotDetector.detect`.

        Raises:
            MissingWeightsError: the file is not the weights of TransNetV2.
            ValueError: there are no frames, or they have another size.
        """
        track = BrightnessTrack(self.parameters.fades)
        network = load_network(weights[WEIGHTS], self.parameters.precision)
        probabilities = predict(network, track.watch(frames))
        transitions = transitions_of(probabilities, self.parameters)
        return with_fades(Boundaries.of(len(probabilities), transitions), track)


def load_network(path: Path, precision: Precision = "bfloat16") -> Any:
    """The network with its weights, ready to predict.

    Args:
        path: `transnetv2-pytorch-weights.pth`.
        precision: "bfloat16" or "float32", of the convolutions.

    Raises:
        MissingWeightsError: the file is missing or holds something else.
    """
    import torch

    from matchcut.shots.transnet_network import TransNetV2

    network = TransNetV2()
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    except Exception as error:  # torch raises a dozen types for a file that is something else
        raise MissingWeightsError(
            f"{path}: not the weights of TransNetV2 ({type(error).__name__}: {str(error).splitlines()[0]}). "
            "Fetch them with `make setup`."
        ) from error
    return network.prepare(getattr(torch, precision))


def predict(network: Any, frames: Iterable[np.ndarray]) -> np.ndarray:
    """Both probabilities of every frame.

    Args:
        network: from `load_network`.
        frames: uint8 (27, 48, 3) RGB, at least one.

    Returns:
        float32 (N, 2) in [0, 1]: that the transition's middle is this frame (of a cut, the last before it), and that
        the frame lies in a transition.
    """
    import torch

    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(window)[None])[0, MARGIN_FRAMES : MARGIN_FRAMES + count].numpy()
            for window, count in windows(frames)
        ]
    return np.concatenate(parts)


def windows(frames: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int]]:
    """Cut a stream into overlapping windows, the first and the last frame repeated beyond the ends.

    Yields:
        (uint8 (100, 27, 48, 3), how many frames from the 25th on are the stream's own next ones).
    """
    buffer: list[np.ndarray] = []
    for frame in frames:
        if frame.shape != (27, 48, 3) or frame.dtype != np.uint8:
            raise ValueError(f"TransNetV2 reads uint8 frames of (27, 48, 3), got {frame.dtype} {frame.shape}")
        buffer.extend([frame] * (1 if buffer else MARGIN_FRAMES + 1))
        if len(buffer) == WINDOW_FRAMES:
            yield np.stack(buffer), STEP_FRAMES
            del buffer[:STEP_FRAMES]
    if not buffer:
        raise ValueError("a video without frames has no shots")
    while (count := min(len(buffer) - MARGIN_FRAMES, STEP_FRAMES)) > 0:
        padding = [buffer[-1]] * (WINDOW_FRAMES - len(buffer))
        yield np.stack(buffer + padding), count
        del buffer[:STEP_FRAMES]


def transitions_of(probabilities: np.ndarray, parameters: TransNetParameters) -> list[Transition]:
    """Turn probabilities into cuts and dissolves.

    Args:
        probabilities: float32 (N, 2), from `predict`.
        parameters: the thresholds.
    """
    middle, inside = probabilities.T
    gradual = [
        (start, stop)
        for start, stop in runs_of(inside > parameters.gradual_threshold)
        if stop - start >= parameters.min_gradual_frames and middle[start:stop].sum() >= parameters.min_gradual_mass
    ]
    found = {t.frame: t for t in (Transition.dissolve(a, b, float(inside[a:b].mean())) for a, b in gradual)}
    for start, stop in runs_of(middle > parameters.threshold):
        peak = start + int(np.argmax(middle[start:stop]))
        is_new = not any(a - 1 <= peak <= b for a, b in gradual)
        if is_new and peak + 1 < len(middle):
            found.setdefault(peak + 1, Transition.cut(peak + 1, float(middle[peak])))
    return [found[frame] for frame in sorted(found)]


def runs_of(mask: np.ndarray) -> list[tuple[int, int]]:
    """Half-open ranges in which a bool (N,) mask is true."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
