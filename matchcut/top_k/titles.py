"""What ranking has to know of titles, and all their shots in one numbering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np

from matchcut.proxy import EncodeRecord, Proxy
from matchcut.shots.table import ShotTable
from matchcut.timecode import timecode_of
from matchcut.top_k.parameters import TopKParameters


@dataclass(frozen=True)
class TitleShots:
    """What ranking has to know of a title's N shots.

    Attributes:
        record: rate and start timecode.
        start_frame: int64 (N,), first frame.
        stop_frame: int64 (N,), one past the last.
        kept: bool (N,), whether the shot may be a candidate: no near-duplicate, not too short, not black.
        group: int64 (N,), the same number for near-duplicates within the title; negative for a shot of its
            own.
        ticks: int64 (num_frames,), frame times in `record.time_base`; None where the rate is constant.
        vectors: float32 or float16 (N, F, D), L2-normalized embeddings of F frames per shot; None where there
            are none.
        sharpness: float32 (N, F), of the same frames, as in `ShotEmbeddings`; None where it is not known.
    """

    record: EncodeRecord
    start_frame: np.ndarray
    stop_frame: np.ndarray
    kept: np.ndarray
    group: np.ndarray
    ticks: np.ndarray | None = None
    vectors: np.ndarray | None = None
    sharpness: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuse columns of different lengths, and a variable rate without times."""
        for name in ("stop_frame", "kept", "group", "vectors", "sharpness"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.start_frame):
                raise ValueError(f"{name} has {len(column)} rows for {len(self.start_frame)} shots")
        if self.record.is_variable_rate and self.ticks is None:
            raise ValueError("a title of variable frame rate needs the ticks of its frames")

    @classmethod
    def of(
        cls,
        proxy: Proxy,
        shots: ShotTable,
        kept: np.ndarray,
        group: np.ndarray,
        vectors: np.ndarray | None = None,
        sharpness: np.ndarray | None = None,
    ) -> Self:
        """Gather the facts from what the earlier stages stored; frame times are read only where they vary."""
        ticks = proxy.ticks if proxy.record.is_variable_rate else None
        return cls(proxy.record, shots.start_frame, shots.stop_frame, kept, group, ticks, vectors, sharpness)

    def __len__(self) -> int:
        return len(self.start_frame)

    def time_of(self, frame: int) -> Fraction:
        """Exact time of a frame in seconds, the end of the last one included."""
        if self.ticks is None:
            return frame / self.record.frame_rate
        if frame >= len(self.ticks):
            return self.time_of(len(self.ticks) - 1) + 1 / self.record.frame_rate
        return int(self.ticks[frame]) * self.record.time_base

    def timecode_of(self, frame: int) -> str:
        """SMPTE timecode of a frame."""
        return timecode_of(frame, self.record, self.time_of(frame))

    def seconds_of(self, frames: np.ndarray) -> np.ndarray:
        """float64, the times of many frames, the end of the last one included, for measuring distances."""
        if self.ticks is None:
            return frames / float(self.record.frame_rate)
        end = float(self.time_of(len(self.ticks)))
        return np.asarray(np.append(self.ticks * float(self.record.time_base), end)[frames])


@dataclass(frozen=True)
class Catalogue:
    """The shots of all titles in one numbering: S shots, titles in the order of their names.

    Attributes:
        names: of the T titles.
        facts: of the T titles.
        offset: int64 (T + 1,), number of each title's first shot.
        title: int64 (S,), the title's place in `names`.
        start_seconds, stop_seconds: float64 (S,).
        near_seconds: float64 (T,), below which two shots of the title are near.
        aspect: float64 (T,), width by height of the picture without bars.
        sharpness_in, sharpness_out: float32 (S,), where a cut would come in and go out; NaN where it is not known.
        kept: bool (S,).
        group: int64 (S,), the same for shots that show the same, in one title or in several.
    """

    names: tuple[str, ...]
    facts: tuple[TitleShots, ...]
    offset: np.ndarray
    title: np.ndarray
    start_seconds: np.ndarray
    stop_seconds: np.ndarray
    near_seconds: np.ndarray
    aspect: np.ndarray
    sharpness_in: np.ndarray
    sharpness_out: np.ndarray
    kept: np.ndarray
    group: np.ndarray

    @classmethod
    def of(
        cls,
        titles: Mapping[str, TitleShots],
        parameters: TopKParameters,
        groups: Mapping[str, np.ndarray] | None = None,
    ) -> Self:
        """Number the shots of the given titles; `groups` as in `rank_candidates`."""
        names = tuple(sorted(titles))
        facts = tuple(titles[name] for name in names)
        counts = np.array([len(each) for each in facts], dtype=np.int64)
        offset = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        starts = [each.seconds_of(each.start_frame) for each in facts]
        stops = [each.seconds_of(each.stop_frame) for each in facts]
        durations = np.array([stop.max(initial=0.0) for stop in stops])
        within = [_group_numbers(each.group) + first for each, first in zip(facts, offset, strict=False)]
        group = within if groups is None else [groups[name] for name in names]
        return cls(
            names,
            facts,
            offset,
            np.repeat(np.arange(len(names)), counts),
            _joined(starts, np.float64),
            _joined(stops, np.float64),
            np.minimum(parameters.near_seconds, durations * parameters.near_share),
            np.array([each.record.width / each.record.height for each in facts]),
            _joined([_sharpness(each, 0) for each in facts], np.float32),
            _joined([_sharpness(each, -1) for each in facts], np.float32),
            _joined([each.kept for each in facts], np.bool_),
            _joined(group, np.int64),
        )

    def vectors(self, shots: np.ndarray) -> np.ndarray:
        """float32 (P, F, D), embeddings of the given shots; NaN where a title has none."""
        shapes = {each.vectors.shape[1:] for each in self.facts if each.vectors is not None}
        if len(shapes) > 1:
            raise ValueError(f"titles have embeddings of different shapes {sorted(shapes)}: embed them all alike")
        result = np.full((len(shots), *(shapes.pop() if shapes else (1, 1))), np.nan, dtype=np.float32)
        titles = self.title[shots]
        for title in np.unique(titles).tolist():
            vectors = self.facts[title].vectors
            if vectors is not None:
                here = titles == title
                result[here] = vectors[shots[here] - self.offset[title]]
        return result

    def look(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """float32 (P,), as `shot_embeddings.similarity`, but of chosen pairs; NaN without embeddings."""
        cosines = np.matmul(self.vectors(a), self.vectors(b).transpose(0, 2, 1))
        return np.asarray(np.minimum(cosines.max(axis=(1, 2)), 1))

    def seconds_of(self, shots: np.ndarray) -> np.ndarray:
        """float64 (P,), how long the given shots last."""
        return np.asarray(self.stop_seconds[shots] - self.start_seconds[shots])

    def nearness(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """float64 (P,), 1 for shots of one title with nothing between them, 0 for far ones and two titles."""
        start, stop = self.start_seconds, self.stop_seconds
        gap = np.maximum(np.maximum(start[a], start[b]) - np.minimum(stop[a], stop[b]), 0)
        near = self.near_seconds[self.title[a]]
        nearness = 1 - np.clip(np.divide(gap, near, out=np.ones_like(gap), where=near > 0), 0, 1)
        return np.where(self.title[a] == self.title[b], nearness, 0.0)


def _sharpness(title: TitleShots, frame: int) -> np.ndarray:
    """float32 (N,), of one of the frames that were embedded."""
    return np.full(len(title), np.nan) if title.sharpness is None else title.sharpness[:, frame]


def _group_numbers(group: np.ndarray) -> np.ndarray:
    """int64 (N,), the first shot of each shot's group: of a shot of its own, itself."""
    own = np.arange(len(group))
    first_of, place = np.unique(np.where(group < 0, -1 - own, group), return_index=True, return_inverse=True)[1:]
    return np.asarray(first_of[place])


def _joined(columns: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """One column of all titles' columns, also of none."""
    return np.concatenate([np.zeros(0, dtype), *columns]).astype(dtype)
