"""SMPTE timecodes: what an editor types to reach a frame.

A timecode counts frames, not time: at 24000/1001 frames per second the frames are numbered 0 to 23 and the
display runs 0.1 % behind the clock (non-drop). At 30000/1001 and 60000/1001 the drop-frame count skips the
first two (four) *labels* of every minute but each tenth, and so keeps up with the clock (SMPTE ST 12-1:2014).
"""

import re
from fractions import Fraction

from matchcut.errors import MatchcutError
from matchcut.proxy import EncodeRecord

ALGORITHM = "1"

_DROPPED_LABELS = {Fraction(30000, 1001): 2, Fraction(60000, 1001): 4}
_TIMECODE = re.compile(r"(\d{2})[:;](\d{2})[:;](\d{2})([:;.])(\d{2,3})", re.ASCII)
_DROP_SEPARATORS = ";."  # ffmpeg and QuickTime write `;`, some tape logs `.`
_SHOWN = 80


def frames_counted_per_second(frame_rate: Fraction) -> int:
    """How many frame numbers a second of timecode has: 24 at 23.976, 30 at 29.97, never less than 1."""
    if frame_rate <= 0:
        raise ValueError(f"a frame rate must be positive, got {frame_rate}")
    return max(1, int(frame_rate + Fraction(1, 2)))


def allows_drop_frame(frame_rate: Fraction) -> bool:
    """Whether the standard defines a drop-frame count at this rate."""
    return frame_rate in _DROPPED_LABELS


def is_drop_frame(timecode: str) -> bool:
    """Whether the separator before the frames says drop-frame."""
    return any(separator in timecode for separator in _DROP_SEPARATORS)


def parse_timecode(timecode: str, frame_rate: Fraction) -> int:
    """Frames from 00:00:00:00 to a timecode.

    Args:
        timecode: `"HH:MM:SS:FF"`, or `"HH:MM:SS;FF"` where it is drop-frame.
        frame_rate: frames per second, exact.

    Returns:
        A count from 0, smaller than a day's frames.

    Raises:
        MatchcutError: it is no timecode, or not one that exists at this rate.
    """
    match = _TIMECODE.fullmatch(timecode)
    if match is None:
        raise MatchcutError(
            f"timecode {timecode[:_SHOWN]!r}: write HH:MM:SS:FF, or HH:MM:SS;FF where it is drop-frame."
        )
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    per_second = frames_counted_per_second(frame_rate)
    if hours > 23 or minutes > 59 or seconds > 59 or frames >= per_second:
        raise MatchcutError(
            f"timecode {timecode!r}: at {frame_rate} frames per second the last one is "
            f"23:59:59:{per_second - 1:02d}. Check the file's frame rate, or set another start timecode."
        )
    count = ((hours * 60 + minutes) * 60 + seconds) * per_second + frames
    if not is_drop_frame(timecode):
        return count
    dropped = _dropped_per_minute(frame_rate)
    if seconds == 0 and frames < dropped and minutes % 10:
        raise MatchcutError(
            f"timecode {timecode!r}: drop-frame counting skips it; the next one is "
            f"{hours:02d}:{minutes:02d}:00;{dropped:02d}."
        )
    whole_minutes = hours * 60 + minutes
    return count - dropped * (whole_minutes - whole_minutes // 10)


def format_timecode(count: int, frame_rate: Fraction, *, drop_frame: bool = False) -> str:
    """The timecode of a frame count; the inverse of `parse_timecode`.

    Args:
        count: frames since 00:00:00:00, from 0. After a day the clock starts again, as on tape.
        frame_rate: frames per second, exact.
        drop_frame: count in drop-frame, and say so by `;`.

    Returns:
        `"HH:MM:SS:FF"`; the frames have three digits where a second has more than 100.

    Raises:
        ValueError: a negative count.
        MatchcutError: drop-frame at a rate that has none.
    """
    if count < 0:
        raise ValueError(f"a timecode cannot be negative, got frame count {count}")
    per_second = frames_counted_per_second(frame_rate)
    label = _label(count, per_second, _dropped_per_minute(frame_rate) if drop_frame else 0)
    whole_seconds, frames = divmod(label, per_second)
    hours, minutes, seconds = whole_seconds // 3600, whole_seconds // 60 % 60, whole_seconds % 60
    digits = len(str(max(10, per_second - 1)))
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if drop_frame else ':'}{frames:0{digits}d}"


def timecode_of(frame: int, record: EncodeRecord, seconds: Fraction | None = None) -> str:
    """The timecode of a title's frame, as an editing program shows it for the source file.

    A start timecode that does not exist at the title's rate is no reason to lose the title: frames then count
    from 00:00:00:00, as they do in files without one. One that says drop-frame at a rate without drop-frame
    is read as non-drop, which is what editing programs do.

    Args:
        frame: the source's frame number, from 0.
        record: rate and start timecode of the title.
        seconds: exact time of the frame, 0 for frame 0. Needed where the rate is variable: an editing program
            lays such a file out at its nominal rate, so that the time and not the number finds the frame.

    Returns:
        `"HH:MM:SS:FF"`, or `"HH:MM:SS;FF"` in drop-frame.

    Raises:
        ValueError: a negative frame, or no `seconds` for a title of variable rate.
    """
    if frame < 0:
        raise ValueError(f"frames count from 0, got {frame}")
    if record.is_variable_rate:
        if seconds is None:
            raise ValueError(f"frame {frame}: a title of variable frame rate needs the frame's time in seconds")
        # Nearest, not floor: containers round time stamps, Matroska to 1 ms.
        frame = int(seconds * record.frame_rate + Fraction(1, 2))
    first, drop_frame = start_count(record)
    return format_timecode(first + frame, record.frame_rate, drop_frame=drop_frame)


def start_count(record: EncodeRecord) -> tuple[int, bool]:
    """Count of a title's frame 0 since 00:00:00:00, and whether drop-frame skips labels."""
    text = record.start_timecode
    if text is None:
        return 0, False
    drop_frame = is_drop_frame(text) and allows_drop_frame(record.frame_rate)
    text = text if drop_frame else re.sub(f"[{_DROP_SEPARATORS}]", ":", text)
    try:
        return parse_timecode(text, record.frame_rate), drop_frame
    except MatchcutError:
        return 0, False


def _dropped_per_minute(frame_rate: Fraction) -> int:
    """Labels that drop-frame skips in nine of ten minutes."""
    if not allows_drop_frame(frame_rate):
        allowed = ", ".join(map(str, _DROPPED_LABELS))
        raise MatchcutError(
            f"drop-frame timecode at {frame_rate} frames per second: it exists at {allowed} only. "
            "Write the timecode with `:` before the frames."
        )
    return _DROPPED_LABELS[frame_rate]


def _label(count: int, per_second: int, dropped: int) -> int:
    """The number that is displayed for a count of frames, within a day."""
    minute = 60 * per_second - dropped
    ten_minutes = 10 * minute + dropped
    tens, rest = divmod(count % (144 * ten_minutes), ten_minutes)
    # The first minute of ten is longer by the labels that it keeps.
    minutes_begun = max(0, rest - dropped) // minute
    return tens * 600 * per_second + rest + dropped * minutes_begun
