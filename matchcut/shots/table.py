"""The table of shots: what every detector returns and every later stage reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TABLE_NAME = "shots.parquet"
TRANSITIONS = ("start", "cut", "dissolve", "fade")


@dataclass(frozen=True)
class ShotTable:
    """Shots of one title, in order, without gaps. Ranges are half-open, frames count the source's from 0.

    Attributes:
        start_frame: int64 (N,), first frame.
        stop_frame: int64 (N,), one past the last; equals the next shot's `start_frame`.
        usable_start_frame: int64 (N,), first frame that belongs to no transition.
        usable_stop_frame: int64 (N,), one past the last frame that belongs to no transition.
        transition_in: str (N,), how the shot begins: "start" for the first, then "cut", "dissolve" or "fade".
        confidence: float32 (N,), in [0, 1], the detector's belief in the boundary at `start_frame`; 1 for the first.
    """

    start_frame: np.ndarray
    stop_frame: np.ndarray
    usable_start_frame: np.ndarray
    usable_stop_frame: np.ndarray
    transition_in: np.ndarray
    confidence: np.ndarray

    def __post_init__(self) -> None:
        """Refuse a table with gaps, overlaps, empty shots or unknown transitions."""
        if len(self.start_frame) == 0 or self.start_frame[0] != 0:
            raise ValueError("shots must begin at frame 0")
        if not np.array_equal(self.start_frame[1:], self.stop_frame[:-1]):
            raise ValueError("shots must follow each other without gap or overlap")
        if not np.all(self.start_frame < self.stop_frame):
            raise ValueError("every shot must hold at least one frame")
        usable = (
            (self.start_frame <= self.usable_start_frame)
            & (self.usable_start_frame < self.usable_stop_frame)
            & (self.usable_stop_frame <= self.stop_frame)
        )
        if not np.all(usable):
            raise ValueError(f"shots {np.flatnonzero(~usable).tolist()}: usable frames must lie inside the shot")
        unknown = set(self.transition_in.tolist()) - set(TRANSITIONS)
        if unknown:
            raise ValueError(f"unknown transitions {sorted(unknown)}, allowed are {TRANSITIONS}")

    def __len__(self) -> int:
        return len(self.start_frame)

    @property
    def num_frames(self) -> int:
        """Frames of the whole title."""
        return int(self.stop_frame[-1])

    def to_arrow(self) -> pa.Table:
        """One row per shot, with the shot's index as first column."""
        return pa.table({"shot": np.arange(len(self), dtype=np.int64), **vars(self)})

    def save(self, folder: Path) -> None:
        """Write `shots.parquet`."""
        pq.write_table(self.to_arrow(), folder / TABLE_NAME)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        table = pq.read_table(folder / TABLE_NAME)
        return cls(**{name: table[name].to_numpy() for name in table.column_names if name != "shot"})
