"""The project's own detector: a small network over every frame, trained on made-up film, and what it says put in order.

The network (`boundary_network.py`) costs a fraction of the decoding, and is read in long overlapping chunks, so that
what it says of a frame does not depend on where a chunk ends. Its training is in `training/`. Fades through black are
decided by the brightness (`fades.py`), of which no network is as sure.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from matchcut.packaged_file import require_intact
from matchcut.shots.detector import Boundaries, Transition, runs_of
from matchcut.shots.fades import BrightnessTrack, FadeParameters, with_fades

ALGORITHM = "1"
NETWORK_FILE = Path(__file__).with_name("boundary_network.npz")
NETWORK_SHA256 = "18afb303aa69ec6bf2dad0cde594e35be5f8b9453c183fd86e9ddc5df19773d4"
"""Of the file that the package carries; a part of what names the result."""
CHUNK_FRAMES = 512  # whose chances count; long enough that the frames read twice cost little
FRAMES_BEFORE, FRAMES_AFTER = 112, 48  # the network looks 107 frames back and 43 ahead
CUT, MIXED, MIDDLE = range(3)
TWO_CUTS = 1.35
"""Sum of the chances of neighbouring frames from which on both are cuts, and the shot between them has one frame."""


@dataclass(frozen=True)
class BoundaryParameters:
    """How chances become transitions.

    A chance of a half in a film is a higher one here, for the training overstates: a missed cut cost it three times as
    much as a wrong one, and cuts and gradual transitions were more frequent than in films. On made-up films that
    nothing was trained on, F1 of cuts is flat from 0.55 to 0.75: it tells no threshold from another. A low one
    is taken, for a candidate with a cut inside is worse than a shot in two parts. That, `mixed_threshold` and
    `middle_threshold` were settled with the films of `benchmarks/shots.py` in view, which are therefore no independent
    test of these three.

    Attributes:
        cut_threshold: chance from which on a frame begins a new shot.
        mixed_threshold: chance from which on a frame lies in a gradual transition.
        middle_threshold: chance of the likeliest middle from which on a run of mixed frames is a transition. A long
            dissolve's middle is told to a tenth of its length only.
        min_mixed_frames: a shorter run of mixed frames is the blur around a cut, a shorter gap between two runs a
            part of one transition.
        fades: when a frame is black.
    """

    cut_threshold: float = 0.6
    mixed_threshold: float = 0.7
    middle_threshold: float = 0.35
    min_mixed_frames: int = 3
    fades: FadeParameters = field(default_factory=FadeParameters)


@dataclass(frozen=True)
class BoundaryDetector:
    """The network alone; needs no weights but those that the package carries."""

    parameters: BoundaryParameters = field(default_factory=BoundaryParameters)
    name: str = "fast"
    algorithm: str = f"{ALGORITHM}-{NETWORK_SHA256[:16]}"
    weights: tuple[str, ...] = ()
    frame_size: tuple[int, int] = (48, 27)

    def detect(self, frames: Iterable[np.ndarray], weights: Mapping[str, Path]) -> Boundaries:
        """Find all transitions; see `ShotDetector.detect`.

        Raises:
            MissingWeightsError: the package's network is damaged.
            ValueError: there are no frames, or they have another size.
        """
        del weights
        track = BrightnessTrack(self.parameters.fades)
        network = load_network()
        chances = np.concatenate([predict(network, *chunk) for chunk in chunks(track.watch(frames))])
        return with_fades(Boundaries.of(len(chances), transitions_of(chances, self.parameters)), track)


@lru_cache
def load_network(path: Path = NETWORK_FILE, sha256: str = NETWORK_SHA256) -> Any:
    """The trained network, ready to predict in bfloat16.

    Raises:
        MissingWeightsError: the file is missing or not the one that was trained.
    """
    import torch

    require_intact(path, sha256, "the shot detector's network")
    return read_network(path).eval().to(torch.bfloat16)


def read_network(path: Path) -> Any:
    """The network that `write_network` wrote, in float32."""
    import torch

    from matchcut.shots.boundary_network import BoundaryNetwork

    network = BoundaryNetwork()
    with np.load(path) as arrays:
        network.load_state_dict({name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files})
    return network


def write_network(network: Any, path: Path) -> None:
    """Write a network's weights in half precision, twice as fine as what it is used in."""
    weights = {name: value.float().numpy().astype(np.float16) for name, value in network.state_dict().items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **weights)


def chunks(frames: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, int, int]]:
    """Cut a stream into overlapping chunks.

    Yields:
        (uint8 (n, 27, 48, 3), start, stop): every frame of the stream lies in `[start, stop)` of exactly one chunk,
        with what the network sees around it before and after.

    Raises:
        ValueError: there are no frames, or they have another size.
    """
    buffer: list[np.ndarray] = []
    start = 0
    for frame in frames:
        if frame.shape != (27, 48, 3) or frame.dtype != np.uint8:
            raise ValueError(f"frames must be uint8 of (27, 48, 3), got {frame.dtype} {frame.shape}")
        buffer.append(frame)
        if len(buffer) == start + CHUNK_FRAMES + FRAMES_AFTER:
            yield np.stack(buffer), start, start + CHUNK_FRAMES
            del buffer[: start + CHUNK_FRAMES - FRAMES_BEFORE]
            start = FRAMES_BEFORE
    if not buffer:
        raise ValueError("a video without frames has no shots")
    if len(buffer) > start:
        yield np.stack(buffer), start, len(buffer)


def predict(network: Any, frames: np.ndarray, start: int, stop: int) -> np.ndarray:
    """The chances of a chunk's own frames.

    Args:
        network: from `load_network`.
        frames: uint8 (n, 27, 48, 3), RGB.
        start: the first frame whose chances count.
        stop: one past the last.

    Returns:
        float32 (stop - start, 3) in [0, 1]: that a shot begins here with a cut, that the frame is mixed, and that it is
        the boundary of a gradual transition.
    """
    import torch

    with torch.inference_mode(), _one_thread():
        logits = network(torch.from_numpy(frames)[None])[0]
        chances: np.ndarray = torch.sigmoid(logits)[start:stop].numpy()
    return chances


@contextmanager
def _one_thread() -> Iterator[None]:
    """Leave the other cores to the decoder, which has more to do: with two cores, an eighth is gained."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def transitions_of(chances: np.ndarray, parameters: BoundaryParameters) -> list[Transition]:
    """Turn chances into cuts and dissolves.

    Args:
        chances: float32 (N, 3), from `predict`.
        parameters: the thresholds.
    """
    cuts = _cuts(chances[:, CUT], parameters)
    found = {t.frame: t for t in cuts}
    for start, stop in _without_gaps(runs_of(chances[:, MIXED] > parameters.mixed_threshold), parameters):
        boundary = start + int(chances[start:stop, MIDDLE].argmax())
        is_gradual = (
            stop - start >= parameters.min_mixed_frames
            and chances[boundary, MIDDLE] > parameters.middle_threshold
            and not any(start - 1 <= cut.frame <= stop for cut in cuts)
        )
        if is_gradual and 0 < boundary < len(chances):
            confidence = float(chances[start:stop, MIXED].mean())
            found.setdefault(boundary, Transition(boundary, start, stop, "dissolve", confidence))
    return [found[frame] for frame in sorted(found)]


def _without_gaps(runs: list[tuple[int, int]], parameters: BoundaryParameters) -> list[tuple[int, int]]:
    """Runs of mixed frames, those joined between which there is no room for a shot."""
    joined: list[tuple[int, int]] = []
    for start, stop in runs:
        if joined and start - joined[-1][1] < parameters.min_mixed_frames:
            start, _ = joined.pop()
        joined.append((start, stop))
    return joined


def _cuts(chances: np.ndarray, parameters: BoundaryParameters) -> list[Transition]:
    """Every likely frame; of two neighbours that may be one cut, told of both, the likelier one."""
    is_pair = chances[:-1] + chances[1:] > TWO_CUTS
    is_second, is_first = np.append(False, is_pair), np.append(is_pair, False)
    is_cut = (chances > parameters.cut_threshold) | is_first | is_second
    found: list[Transition] = []
    for frame in np.flatnonzero(is_cut).tolist():
        cut = Transition.cut(frame, float(chances[frame]))
        if found and frame == found[-1].frame + 1 and not is_second[frame]:
            cut = max(found.pop(), cut, key=lambda each: each.confidence)
        if frame > 0:
            found.append(cut)
    return found
