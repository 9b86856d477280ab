"""What each shot shows, as unit vectors, and whether there is anything to see in it at all.

Method: some frames of every shot, the more the longer it is, go through EfficientNet-Lite0 without its classifier (Tan
and Le, arXiv:1905.11946; the Lite variant has neither squeeze-and-excitation nor swish). The last feature map, averaged
over space, is a vector of 1280 numbers; scaled to length 1, the dot product of two vectors is the cosine that
near-duplicates are found by. A frame is squeezed to a square, not cropped: what happens at the edges counts.
Brightness, contrast and sharpness are measured on the same small frames, so that black, blank and blurred ones are
known, and their brightness is kept on a small grid, so that two pictures can be laid over each other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from matchcut.proxy import LUMA_WEIGHTS, Proxy
from matchcut.shots.table import ShotTable

if TYPE_CHECKING:
    import torch

ALGORITHM = "3"
WEIGHTS = ("efficientnet_lite0",)
ARRAYS_NAME = "shot_embeddings.npz"

DIMENSIONS = 1280
INPUT_SIZE = 224
"""Pixels, both ways: what EfficientNet-Lite0 was trained on."""
INPUT_MEAN, INPUT_SCALE = 127.0, 128.0
"""EfficientNet-Lite's own input scaling, not ImageNet's mean and standard deviation."""
BATCH_FRAMES = 16
"""Frames per call of the network; changes memory and speed, not what is seen."""
BLANK_CONTRAST = 4.0
"""Brightness levels of 255. In eight films black frames and the ends of fades had 0 to 3.3, frames that show something
4.9 or more."""
LUMA_SIZE = (64, 36)
"""Width and height of the grid on which a frame's brightness is kept."""


@dataclass(frozen=True)
class ShotEmbeddingsParameters:
    """What changes the numbers.

    Attributes:
        moments: where in the usable range of a shot its frames are taken, each in [0, 1), ascending. The first and last
            lie near the ends, where what crosses the picture enters and leaves it: on four films with labelled set-ups
            1/14, 1/2, 13/14 gave a best F1 of 0.99 for near-duplicates, 1/6, 1/2, 5/6 gave 0.96.
        gap_seconds: the frames of a longer shot lie no further apart, so that a stretch of a moving shot that is shown
            elsewhere is found. Of a second of each of 24 made-up pans of ten seconds 20 were found by three frames, 23
            with gaps of 1.5 seconds, and no more with half a second.
        most_frames: of one shot, evenly spaced ones; a take of minutes does not cost more than that.
    """

    moments: tuple[float, ...] = (1 / 14, 1 / 2, 13 / 14)
    gap_seconds: float = 1.5
    most_frames: int = 16

    def __post_init__(self) -> None:
        if not self.moments or not all(0 <= moment < 1 for moment in self.moments):
            raise ValueError(f"moments must be one or more numbers in [0, 1), got {self.moments}")
        if self.moments != tuple(sorted(self.moments)):
            raise ValueError(f"moments must ascend, got {self.moments}")
        if self.gap_seconds <= 0 or self.most_frames < len(self.moments):
            raise ValueError(
                f"gap_seconds must be positive and most_frames at least {len(self.moments)}, as many as moments, got "
                f"{self.gap_seconds} and {self.most_frames}"
            )


DEFAULTS = ShotEmbeddingsParameters()


@dataclass(frozen=True)
class ChosenFrames:
    """Which frames of N shots are looked at, M altogether.

    Attributes:
        frames: int64 (M,), the source's frame numbers, ascending within a shot, each once there.
        shot: int64 (M,), the shot that each is of, ascending; every shot has one or more.
        moments: int64 (N, F), of each shot the rows of its frames at the parameters' moments.
    """

    frames: np.ndarray
    shot: np.ndarray
    moments: np.ndarray


@dataclass(frozen=True)
class ShotEmbeddings(ChosenFrames):
    """Vectors and brightness of M frames of N shots; shot *i* is row *i* of the title's `ShotTable`.

    Attributes:
        vectors: float32 (M, 1280), of length 1. They are rounded to float16, as they are stored, so that computed and
            remembered ones are the same; a cosine changes by less than 0.001.
        luma_mean: float32 (M,), average brightness, 0 (black) to 255.
        luma_std: float32 (M,), contrast: standard deviation of brightness in the same levels.
        sharpness: float32 (M,), standard deviation of the Laplacian of brightness at 224 x 224, same levels.
        luma: uint8 (M, 36, 64), brightness on a small grid, 0 to 255.
    """

    vectors: np.ndarray
    luma_mean: np.ndarray
    luma_std: np.ndarray
    sharpness: np.ndarray
    luma: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        count = len(self.frames)
        if self.vectors.shape != (count, DIMENSIONS):
            raise ValueError(f"vectors must be {(count, DIMENSIONS)}, one per frame, got {self.vectors.shape}")
        for name in ("shot", "luma_mean", "luma_std", "sharpness"):
            if getattr(self, name).shape != (count,):
                raise ValueError(f"{name} must be {(count,)}, one per frame, got {getattr(self, name).shape}")
        if self.luma.shape != (grid := (count, *LUMA_SIZE[::-1])):
            raise ValueError(f"luma must be {grid}, one per frame, got {self.luma.shape}")
        if not np.array_equal(np.unique(self.shot), np.arange(len(self))) or (np.diff(self.shot) < 0).any():
            raise ValueError(f"each of {len(self)} shots must have frames, in the order of the shots, got {self.shot}")

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def first(self) -> np.ndarray:
        """int64 (N,), the row of each shot's first frame."""
        return np.searchsorted(self.shot, np.arange(len(self)))

    def throughout(self, is_so: np.ndarray) -> np.ndarray:
        """bool (N,), whether something is so of all frames of a shot, of bool (M,)."""
        return np.asarray(np.logical_and.reduceat(is_so, self.first)) if len(self) else np.zeros(0, bool)

    def take(self, shots: np.ndarray) -> Self:
        """Some of the shots, by index, ascending and each once."""
        return self.take_frames(np.flatnonzero(np.isin(self.shot, shots)))

    def take_frames(self, rows: np.ndarray) -> Self:
        """Some of the frames, by row, ascending; shots without any are gone, the others keep those at their moments."""
        shots, shot = np.unique(self.shot[rows], return_inverse=True)
        of_frames = {name: array[rows] for name, array in vars(self).items() if name not in ("shot", "moments")}
        return type(self)(**of_frames, shot=shot, moments=np.searchsorted(rows, self.moments[shots]))

    def save(self, folder: Path) -> None:
        """Write `shot_embeddings.npz`, compressed, vectors as float16."""
        arrays = {**vars(self), "vectors": self.vectors.astype(np.float16)}
        np.savez_compressed(folder / ARRAYS_NAME, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(folder / ARRAYS_NAME, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return cls(**{**arrays, "vectors": arrays["vectors"].astype(np.float32)})


def embed_shots(
    proxy: Proxy,
    shots: ShotTable,
    weights: Mapping[str, Path],
    parameters: ShotEmbeddingsParameters = DEFAULTS,
) -> ShotEmbeddings:
    """Embed every shot of a title, also those that a later stage leaves out.

    Args:
        proxy: the title's standardized encode.
        shots: the title's shots.
        weights: has a checked file for every name in `WEIGHTS`.
        parameters: which frames are looked at.

    Returns:
        One row per shot.

    Raises:
        ValueError: the shots were made from another encode.
    """
    chosen = chosen_frames(shots, proxy.seconds, parameters)
    wanted, place = np.unique(chosen.frames, return_inverse=True)
    pictures = (frame for _, frame in proxy.frames_at(wanted.tolist(), size=(INPUT_SIZE, INPUT_SIZE)))
    columns = zip(*_measured(pictures, embedding_network(weights["efficientnet_lite0"])), strict=True)
    measured = (np.concatenate(column)[place] for column in columns)
    return ShotEmbeddings(chosen.frames, chosen.shot, chosen.moments, *measured)


def chosen_frames(
    shots: ShotTable, seconds: np.ndarray, parameters: ShotEmbeddingsParameters = DEFAULTS
) -> ChosenFrames:
    """The frames of each shot's usable range at the parameters' moments, and what they call for between these.

    Args:
        shots: the title's shots.
        seconds: float64 (num_frames,), when each frame is shown.
        parameters: see there.
    """
    length = shots.usable_stop_frame - shots.usable_start_frame
    offset = np.floor(length[:, None] * np.array(parameters.moments)).astype(np.int64)
    at_moments = shots.usable_start_frame[:, None] + offset
    rows = [_with_those_between(moments, seconds, parameters) for moments in at_moments]
    counts = [len(row) for row in rows]
    first = np.cumsum(counts) - counts
    moments = [start + np.searchsorted(row, at) for start, row, at in zip(first, rows, at_moments, strict=True)]
    return ChosenFrames(np.concatenate(rows), np.repeat(np.arange(len(rows)), counts), np.stack(moments))


def _with_those_between(moments: np.ndarray, seconds: np.ndarray, parameters: ShotEmbeddingsParameters) -> np.ndarray:
    """int64 (K,), ascending frames: the given ones, and evenly spaced ones where they lie too far apart."""
    last = len(seconds) - 1
    duration = seconds[min(moments[-1], last)] - seconds[min(moments[0], last)]
    count = min(parameters.most_frames, int(np.ceil(duration / parameters.gap_seconds)) + 1)
    if count <= len(moments):
        return np.unique(moments)
    return np.union1d(moments, np.linspace(moments[0], moments[-1], count).round().astype(np.int64))


def _measured(pictures: Iterator[np.ndarray], network: "torch.nn.Module") -> Iterator[tuple[np.ndarray, ...]]:
    """Vectors, brightness, contrast, sharpness and small pictures, a batch at a time."""
    for batch in _batches(pictures):
        yield (embed(network, batch), *appearance(batch))


def _batches(pictures: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """uint8 (B, 224, 224, 3) RGB, with B up to `BATCH_FRAMES`."""
    batch: list[np.ndarray] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == BATCH_FRAMES:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def embedding_network(path: Path) -> "torch.nn.Module":
    """EfficientNet-Lite0 with its weights, ready to run."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    # On the meta device nothing is initialized, so that the process's random generator is left alone.
    with torch.device("meta"):
        network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"), assign=True)
    # Channels last took three quarters of the time of the default layout on two cores, with the same numbers.
    module: torch.nn.Module = network.eval().to(memory_format=torch.channels_last)
    return module


def embed(network: Any, batch: np.ndarray) -> np.ndarray:
    """float32 (B, 1280), unit vectors that float16 holds exactly, of uint8 (B, 224, 224, 3) RGB."""
    import torch

    with torch.inference_mode():
        # A batch of (B, H, W, 3) seen as (B, 3, H, W) already lies in memory with its channels last.
        pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).to(torch.float32).sub_(INPUT_MEAN).div_(INPUT_SCALE)
        pooled = network.extract_features(pixels).mean(dim=(2, 3))
        unit = torch.nn.functional.normalize(pooled, dim=1).to(torch.float16)
    return unit.numpy().astype(np.float32)


def appearance(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """float32 (B,) each: mean and standard deviation of brightness, and of its Laplacian; uint8 (B, 36, 64)."""
    import cv2

    luma = batch.astype(np.float32) @ LUMA_WEIGHTS
    edges = np.stack([cv2.Laplacian(picture, cv2.CV_32F) for picture in luma])
    small = np.stack([cv2.resize(picture, LUMA_SIZE, interpolation=cv2.INTER_AREA) for picture in luma])
    levels = np.clip(small + 0.5, 0, 255).astype(np.uint8)
    return luma.mean(axis=(1, 2)), luma.std(axis=(1, 2)), edges.std(axis=(1, 2)), levels
