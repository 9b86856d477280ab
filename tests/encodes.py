"""Standardized encodes made up by hand, where nothing has to be decoded."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from matchcut.proxy import EncodeRecord, Proxy

UNSET = dict.fromkeys(("primaries", "transfer", "matrix", "range"), "unknown")


def encode_record(
    num_frames: int = 100, frame_rate: Fraction = Fraction(25), *, size: tuple[int, int] = (64, 36), **changes: Any
) -> EncodeRecord:
    """What is recorded of a plain film of constant rate without bars, without a timecode.

    Args:
        num_frames: of it.
        frame_rate: frames per second.
        size: width and height, of the source and of the proxy.
        changes: any other field.
    """
    plain = EncodeRecord(
        num_frames=num_frames,
        frame_rate=frame_rate,
        is_variable_rate=False,
        time_base=1 / frame_rate,
        start_timecode=None,
        source_width=size[0],
        source_height=size[1],
        crop=(0, 0, *size),
        width=size[0],
        height=size[1],
        rotation=0,
        is_interlaced=False,
        bit_depth=8,
        color=UNSET,
        codec="h264",
        tool="drawn",
    )
    return replace(plain, **changes)


class GreyProxy(Proxy):
    """Frame i is grey of level i; nothing is decoded."""

    def __init__(
        self, num_frames: int = 250, width: int = 160, height: int = 90, frame_rate: Fraction = Fraction(25)
    ) -> None:
        super().__init__(Path("none"))
        self.__dict__["record"] = encode_record(num_frames, frame_rate, size=(width, height))

    def frames_at(
        self, frames: Iterable[int], *, size: tuple[int, int] | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        width, height = size or (self.record.width, self.record.height)
        for frame in sorted(set(frames)):
            yield frame, np.full((height, width, 3), frame % 256, dtype=np.uint8)
