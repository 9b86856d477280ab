"""A candidate as an editor handles it: so many frames of A's file, cut to so many frames of B's.

Everything that leaves the project (played cuts, timelines, lists) is made from these events, so that all of it
agrees on which frames are shown. Ranges are half-open: an out point is the first frame that is *not* shown, as
in an EDL; PySceneDetect's EDL was one frame short in Resolve for want of that.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from matchcut.proxy import EncodeRecord
from matchcut.timecode import start_count, timecode_of
from matchcut.top_k import Candidate

ALGORITHM = "3"  # changes when the same candidates give other events or timelines
DEFAULT_SECONDS = 2.0


class Timing(Protocol):
    """What is asked of a title's encode: `matchcut.proxy.Proxy` answers it."""

    @property
    def record(self) -> EncodeRecord:
        """Rate, number of frames and start timecode."""
        ...

    def time_of(self, frame: int) -> Fraction:
        """Exact seconds of a frame from frame 0; `num_frames` gives the end."""
        ...


@dataclass(frozen=True)
class Media:
    """A title's original file.

    Attributes:
        title: the title's key.
        name: the file's name, as editing programs show it.
        url: where it lies: absolute, or relative to what refers to it.
        timing: of its frames.
        has_sound: whether it has a sound track.
    """

    title: str
    name: str
    url: str
    timing: Timing
    has_sound: bool = False

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second, nominal where the rate is variable."""
        return self.timing.record.frame_rate

    @property
    def num_positions(self) -> int:
        """Frames that an editing program counts in the file."""
        return self.position(self.timing.record.num_frames)

    @property
    def start_count(self) -> tuple[int, bool]:
        """Timecode of the first frame as a count of frames, and whether it is drop-frame."""
        return start_count(self.timing.record)

    def position(self, frame: int) -> int:
        """Where an editing program finds a decoded frame, counted from the file's first.

        The frame itself where the rate is constant. A file of variable rate is laid out at its nominal one, and
        the frame is found by its time.
        """
        if not self.timing.record.is_variable_rate:
            return frame
        # Nearest, as in `timecode_of`: containers round time stamps.
        return int(self.timing.time_of(frame) * self.frame_rate + Fraction(1, 2))

    def timecode(self, frame: int) -> str:
        """SMPTE timecode of a frame; `num_frames` is the one after the last."""
        return timecode_of(frame, self.timing.record, self.timing.time_of(frame))


@dataclass(frozen=True)
class Side:
    """The frames of one file that a cut shows: `[start_frame, stop_frame)`, decoded frames from 0."""

    media: Media
    shot: int
    start_frame: int
    stop_frame: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_frame < self.stop_frame <= self.media.timing.record.num_frames:
            raise ValueError(
                f"{self.media.title}: frames {self.start_frame} to {self.stop_frame} are no range of its "
                f"{self.media.timing.record.num_frames} frames. Its encode changed: list its candidates again."
            )

    @property
    def seconds(self) -> Fraction:
        """How long it is shown, exact."""
        return self.media.timing.time_of(self.stop_frame) - self.media.timing.time_of(self.start_frame)

    @property
    def positions(self) -> tuple[int, int]:
        """The same range as an editing program counts it; never empty."""
        start = self.media.position(self.start_frame)
        return start, max(start + 1, self.media.position(self.stop_frame))


@dataclass(frozen=True)
class CutEvent:
    """A candidate with the frames that are shown on both sides of its cut.

    Attributes:
        candidate: as ranked.
        flavor: as people read it.
        words: why it matches.
        a: ends with the candidate's `frame_a`.
        b: begins with its `frame_b`.
    """

    candidate: Candidate
    flavor: str
    words: str
    a: Side
    b: Side

    @property
    def label(self) -> str:
        """One line: rank, flavor, score, why."""
        return f"{self.candidate.rank}. {self.flavor} {self.candidate.score:.2f}: {self.words}"


def events_of(
    candidates: Iterable[Candidate],
    media: Mapping[str, Media],
    *,
    flavor: str,
    words: Callable[[Candidate], str],
    seconds: float = DEFAULT_SECONDS,
) -> list[CutEvent]:
    """The events of a list of candidates, in its order.

    Args:
        candidates: of one flavor.
        media: by title; every title of the candidates must be there.
        flavor: its name as people read it.
        words: says why a candidate matches.
        seconds: at most this much is shown of either side, and never more than the shot has.
    """
    if seconds <= 0:
        raise ValueError(f"seconds must be positive, got {seconds}")
    length = Fraction(seconds).limit_denominator(1000)
    return [
        CutEvent(
            each,
            flavor,
            words(each),
            _tail(media[each.title_a], each.shot_a, each.start_frame_a, each.frame_a + 1, length),
            _head(media[each.title_b], each.shot_b, each.frame_b, each.stop_frame_b, length),
        )
        for each in candidates
    ]


def _tail(media: Media, shot: int, start: int, stop: int, length: Fraction) -> Side:
    """The last `length` seconds of `[start, stop)`, at least one frame."""
    earliest = media.timing.time_of(stop) - length
    first = _first(start, stop, lambda frame: media.timing.time_of(frame) >= earliest)
    return Side(media, shot, min(first, stop - 1), stop)


def _head(media: Media, shot: int, start: int, stop: int, length: Fraction) -> Side:
    """The first `length` seconds of `[start, stop)`, at least one frame."""
    latest = media.timing.time_of(start) + length
    last = _first(start, stop, lambda frame: media.timing.time_of(frame + 1) > latest)
    return Side(media, shot, start, max(last, start + 1))


def _first(start: int, stop: int, is_reached: Callable[[int], bool]) -> int:
    """The first frame of `[start, stop)` that answers yes, `stop` when none does; a bisection."""
    while start < stop:
        middle = (start + stop) // 2
        start, stop = (start, middle) if is_reached(middle) else (middle + 1, stop)
    return start


def plain(text: str) -> str:
    """A name as one line of plain text: no line breaks, control or direction characters, no broken bytes."""
    text = text.encode("utf-8", errors="replace").decode()
    kept = (" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    return " ".join("".join(kept).split())


EVENT_COLUMNS = ("rank", "flavor", "score", "words")
SIDE_COLUMNS = (
    *("title", "file", "shot", "frame_rate"),
    *("start_frame", "stop_frame", "start_timecode", "stop_timecode", "start_position", "stop_position"),
)


def event_rows(events: Sequence[CutEvent]) -> list[dict[str, Any]]:
    """One flat row per event: `EVENT_COLUMNS`, `SIDE_COLUMNS` of a and b (`a_title`, …), then the cues."""
    return [
        {
            "rank": event.candidate.rank,
            "flavor": event.candidate.flavor,
            "score": event.candidate.score,
            "words": event.words,
            **_side_row("a", event.a),
            **_side_row("b", event.b),
            **event.candidate.cues,
        }
        for event in events
    ]


def _side_row(letter: str, side: Side) -> dict[str, Any]:
    start, stop = side.positions
    values = (
        *(side.media.title, side.media.url, side.shot, str(side.media.frame_rate)),
        *(side.start_frame, side.stop_frame),
        *(side.media.timecode(side.start_frame), side.media.timecode(side.stop_frame)),
        *(start, stop),
    )
    return {f"{letter}_{name}": value for name, value in zip(SIDE_COLUMNS, values, strict=True)}
