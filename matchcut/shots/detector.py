"""What a shot detector is, and what it finds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

Kind = Literal["cut", "dissolve", "fade"]
KINDS: tuple[Kind, ...] = ("cut", "dissolve", "fade")


class Transition(NamedTuple):
    """One change of shot.

    Attributes:
        frame: first frame of the new shot. Of a dissolve: the middle of its extent. Of a fade through black: the
            first frame in which something of the new shot is visible.
        first_frame: first frame that is mixed, dimmed or black.
        end_frame: one past the last such frame; `first_frame == end_frame == frame` for a cut.
        kind: "cut", "dissolve" or "fade".
        confidence: in [0, 1], the detector's belief.
    """

    frame: int
    first_frame: int
    end_frame: int
    kind: Kind
    confidence: float

    @classmethod
    def cut(cls, frame: int, confidence: float) -> "Transition":
        """A change from one frame to the next."""
        return cls(frame, frame, frame, "cut", confidence)

    @classmethod
    def dissolve(cls, first_frame: int, end_frame: int, confidence: float) -> "Transition":
        """A gradual change with its boundary in the middle of `[first_frame, end_frame)`."""
        return cls((first_frame + end_frame) // 2, first_frame, end_frame, "dissolve", confidence)


@dataclass(frozen=True)
class Boundaries:
    """Everything that was found in one title. Frames count from 0.

    Attributes:
        num_frames: frames that were looked at, at least 1.
        transitions: in order; every `frame` lies in `(0, num_frames)` and is unique. Extents may overlap.
        visible_start_frame: one past the fade-in from black that the title opens with, 0 when there is none.
        visible_stop_frame: first frame of the fade-out to black that the title ends with, else `num_frames`.
    """

    num_frames: int
    transitions: tuple[Transition, ...]
    visible_start_frame: int
    visible_stop_frame: int

    def __post_init__(self) -> None:
        """Refuse boundaries that no sequence of shots can have."""
        frames = [0, *(t.frame for t in self.transitions), self.num_frames]
        if any(a >= b for a, b in pairwise(frames)):
            raise ValueError(f"boundaries must rise strictly between 0 and {self.num_frames}, got {frames[1:-1]}")
        for t in self.transitions:
            if not 0 <= t.first_frame <= t.frame <= t.end_frame <= self.num_frames:
                raise ValueError(f"{t}: the boundary must lie in the extent, the extent in the title")
            if t.kind not in KINDS or not 0 <= t.confidence <= 1:
                raise ValueError(f"{t}: the kind must be one of {KINDS}, the confidence in [0, 1]")
        if not 0 <= self.visible_start_frame <= self.num_frames >= self.visible_stop_frame >= 0:
            raise ValueError(f"the visible frames must lie in the title's {self.num_frames} frames")

    @classmethod
    def of(cls, num_frames: int, transitions: Sequence[Transition] = ()) -> "Boundaries":
        """Boundaries of a title that neither opens nor ends with a fade."""
        return cls(num_frames, tuple(transitions), 0, num_frames)


class ShotDetector(Protocol):
    """A way of finding shots. Stateless: everything that changes the result is in `algorithm` and `parameters`."""

    @property
    def name(self) -> str:
        """Its key in `DETECTORS`."""
        ...

    @property
    def algorithm(self) -> str:
        """Changes with what `detect` finds."""
        ...

    @property
    def parameters(self) -> Any:
        """A frozen dataclass of plain values; part of what names the result."""
        ...

    @property
    def weights(self) -> tuple[str, ...]:
        """Names in the weights manifest."""
        ...

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) of the frames that `detect` reads."""
        ...

    def detect(self, frames: Iterable[np.ndarray], weights: Mapping[str, Path]) -> Boundaries:
        """Find all transitions of one title in one pass, in bounded memory.

        Args:
            frames: every frame in order, uint8 (height, width, 3) RGB of `frame_size`; at least one.
            weights: a checked file for every name in `self.weights`.

        Returns:
            The transitions, and how many frames there were.

        Raises:
            ValueError: there are no frames, or they have another size.
        """
        ...


def runs_of(mask: np.ndarray) -> list[tuple[int, int]]:
    """Half-open ranges in which a bool (N,) mask is true."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
