"""TransNetV2: shot transitions by a small 3D convolutional network (arXiv:2008.04838).

The network (`transnet_network.py`) sees 100 frames at a time and is believed in the middle 50; windows overlap by
half. Its first output peaks at the last frame before a cut, its second one covers a gradual transition.
bfloat16 in the convolutions moved no probability by more than 0.0035 and is faster on CPUs that compute in it; it is
not chosen by machine, so that the same film gives the same shots everywhere.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from matchcut.errors import MissingWeightsError

Precision = Literal["bfloat16", "float32"]
ALGORITHM = "1"
WEIGHTS = "transnetv2"
WINDOW_FRAMES, STEP_FRAMES = 100, 50  # as in the paper; other windows lose accuracy
MARGIN_FRAMES = (WINDOW_FRAMES - STEP_FRAMES) // 2


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
