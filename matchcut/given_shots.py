"""Shots that somebody gives as a CSV file, as the table that every stage reads.

Columns `shot`, `start_frame` and `stop_frame`, or `end_frame` for the same; frames count the source's from 0 and the
last one is exclusive. That is what `matchcut shots` writes and what editors' shot lists are easily turned into. Frames
between two given shots, before the first and after the last belong to the neighbouring shot but are never looked at.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from matchcut.errors import MatchcutError
from matchcut.feature import digest_of
from matchcut.shots.table import ShotTable

ALGORITHM = "1"
STOP_COLUMNS = ("stop_frame", "end_frame")


@dataclass(frozen=True)
class GivenShots:
    """The ranges that a file gives, in time order; shot *i* is row *i*.

    Attributes:
        name: of the file, for messages.
        start_frame: first frame of each shot.
        stop_frame: one past the last; at or before the next shot's first.
    """

    name: str
    start_frame: tuple[int, ...]
    stop_frame: tuple[int, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a CSV file.

        Raises:
            MatchcutError: there is no such file, it is no CSV with these columns, or its ranges are none. The message
                names the line.
        """
        rows = _rows(path)
        shots = [_numbers(path.name, line, row) for line, row in enumerate(rows, start=2)]
        if not shots:
            raise MatchcutError(f"{path.name}: holds no shot. Give one row per shot, or leave out --shots.")
        for index, (shot, start, stop) in enumerate(shots):
            before = shots[index - 1][2] if index else 0
            _check_order(path.name, index, shot, (before, start, stop))
        return cls(path.name, tuple(start for _, start, _ in shots), tuple(stop for _, _, stop in shots))

    @property
    def digest(self) -> str:
        """Identity of the ranges, wherever they were written: 64 hex digits."""
        return digest_of([self.start_frame, self.stop_frame])

    def table(self, num_frames: int) -> ShotTable:
        """The table of shots of a video with so many frames.

        Raises:
            MatchcutError: a shot stops after the video.
        """
        if self.stop_frame[-1] > num_frames:
            raise MatchcutError(
                f"{self.name}: shot {len(self.stop_frame) - 1} stops at frame {self.stop_frame[-1]}, but the video has "
                f"{num_frames} frames. Are these the shots of another file or encode?"
            )
        start = np.array(self.start_frame, dtype=np.int64)
        stop = np.array(self.stop_frame, dtype=np.int64)
        kinds = np.array(["start", *["cut"] * (len(start) - 1)], dtype=object)
        outer = np.array([0, *start[1:], num_frames], dtype=np.int64)
        return ShotTable(outer[:-1], outer[1:], start, stop, kinds, np.ones(len(start), dtype=np.float32))


def _rows(path: Path) -> list[dict[str, str]]:
    """The file's rows by column name, with a column `stop_frame`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), reader.fieldnames or []
    except FileNotFoundError as error:
        raise MatchcutError(f"{path}: there is no such file. Check the path given with --shots.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MatchcutError(f"{path.name}: is no readable CSV file ({error}). Write it as UTF-8 text.") from error
    stops = [column for column in STOP_COLUMNS if column in columns]
    missing = [column for column in ("shot", "start_frame") if column not in columns]
    missing += [] if stops else [" or ".join(STOP_COLUMNS)]
    if missing:
        raise MatchcutError(
            f"{path.name}: lacks the column {', '.join(missing)}; it has {', '.join(map(str, columns)) or 'none'}. "
            "Give shot,start_frame,stop_frame with frames counted from 0 and stop_frame one past the last."
        )
    return [{**row, STOP_COLUMNS[0]: row[stops[0]]} for row in rows]


def _numbers(name: str, line: int, row: Mapping[str, str | None]) -> tuple[int, int, int]:
    values = []
    for column in ("shot", "start_frame", STOP_COLUMNS[0]):
        try:
            values.append(int(row[column] or ""))
        except ValueError as error:
            raise MatchcutError(
                f"{name}, line {line}: {column} must be a whole number, got {row[column]!r}."
            ) from error
    return values[0], values[1], values[2]


def _check_order(name: str, index: int, shot: int, frames: tuple[int, int, int]) -> None:
    """Refuse other numbers than 0, 1, 2, ..., empty shots, and shots that begin before the last one ended."""
    before, start, stop = frames
    if shot != index:
        raise MatchcutError(f"{name}, line {index + 2}: shots must be numbered 0, 1, 2, … in time order, got {shot}.")
    if stop <= start:
        raise MatchcutError(
            f"{name}: shot {shot} has no frame: it starts at {start} and stops at {stop}. "
            "stop_frame is one past the last."
        )
    if start < before:
        what = f"before shot {shot - 1} stops at {before}" if index else "before the video"
        raise MatchcutError(f"{name}: shot {shot} starts at {start}, {what}. Shots must not overlap.")
