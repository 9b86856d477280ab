"""The property of the standardized encode, over combinations that nobody thought of."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from matchcut.ffmpeg import find_ffmpeg
from tests.clips import NTSC_FILM, NTSC_VIDEO, PAL, Shot, make_clip
from tests.frame_for_frame import assert_same_frames_at_same_times, encoded

RATES = (NTSC_FILM, Fraction(24), PAL, NTSC_VIDEO, Fraction(50), Fraction(60000, 1001))
CAN_TURN, KEEPS_ANY_TIME = ("mp4", "mov"), ("mp4", "mov", "mkv")


@dataclass(frozen=True)
class Codec:
    """An encoder, and what its films can be."""

    encoder: str
    endings: tuple[str, ...]
    pixel_formats: tuple[str, ...] = ("yuv420p",)
    most_b_frames: int = 0
    has_open_gops: bool = False
    can_interlace: bool = False
    options: tuple[str, ...] = field(default=())


CODECS = (
    Codec("libx264", ("mp4", "mov", "mkv", "ts"), ("yuv420p", "yuv422p10le", "yuv444p"), 4, True, True),
    Codec("libx265", ("mp4", "mov", "mkv", "ts"), ("yuv420p", "yuv420p10le"), 4, True),
    Codec("mpeg2video", ("mpg", "ts", "mkv", "mxf"), ("yuv420p", "yuv422p"), 2, False, True),
    Codec("mpeg4", ("avi", "mp4", "mkv"), most_b_frames=2),
    Codec("libvpx", ("webm", "mkv")),
    Codec("libvpx-vp9", ("webm", "mkv", "mp4"), ("yuv420p", "yuv420p10le")),
    Codec("libsvtav1", ("webm", "mkv", "mp4"), ("yuv420p", "yuv420p10le"), options=("-crf", "20")),
    Codec("prores_ks", ("mov", "mkv"), ("yuv422p10le",), can_interlace=True),
)


@st.composite
def recipes(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A container's ending, and the arguments of `make_clip`."""
    codec = draw(st.sampled_from(CODECS))
    ending = draw(st.sampled_from(codec.endings))
    interlaced = codec.can_interlace and draw(st.booleans())
    rate = draw(st.sampled_from(RATES[:4] if interlaced else RATES))
    lengths = draw(st.lists(st.integers(2, 20), min_size=1, max_size=3))
    moving = {"motion": (4, 2), "shape_motion": (3, 1)}  # far enough for every codec to tell frames apart
    shots = [Shot(n * (2 if interlaced else 1), seed, **moving) for seed, n in enumerate(lengths)]
    recipe: dict[str, Any] = {
        "shots": shots,
        "codec": codec.encoder,
        "pix_fmt": draw(st.sampled_from(codec.pixel_formats)),
        "frame_rate": rate,
        "size": draw(st.sampled_from([(160, 96), (192, 80), (128, 128), (96, 160)])),
        "bars": draw(st.sampled_from([(0, 0, 0, 0), (0, 16, 0, 16), (24, 0, 24, 0), (0, 8, 0, 24)])),
        "filters": draw(st.sampled_from([(), ("setsar=4/3",), ("setsar=16/15",)])),
        "interlaced": interlaced,
        "options": (*codec.options, *draw(_groups_of_pictures(codec))),
    }
    if ending in CAN_TURN:
        recipe["clockwise"] = draw(st.sampled_from([0, 90, 180, 270]))
    if ending in KEEPS_ANY_TIME and not interlaced and codec.encoder in ("libx264", "libx265", "libvpx-vp9"):
        recipe["durations"] = draw(st.one_of(st.just(()), st.lists(st.integers(10, 200), min_size=1, max_size=5)))
        recipe["time_base"] = Fraction(1, 1000) if recipe["durations"] else None
    return ending, recipe


def _groups_of_pictures(codec: Codec) -> st.SearchStrategy[tuple[str, ...]]:
    """Options: frames between keyframes, B-frames, and whether a group may lean on the one before."""
    if codec.encoder == "prores_ks":
        return st.just(())

    def options(length: int, b_frames: int, is_open: bool) -> tuple[str, ...]:
        group = ("-g", str(length), *(("-bf", str(b_frames)) if codec.most_b_frames else ()))
        if codec.encoder == "libx265":
            return (*group, "-x265-params", f"log-level=error:open-gop={int(is_open)}:bframes={b_frames}")
        return (*group, "-x264-params", f"open-gop={int(is_open)}") if codec.has_open_gops else group

    return st.builds(options, st.integers(1, 40), st.integers(0, codec.most_b_frames), st.booleans())


def check(film: tuple[str, dict[str, Any]]) -> None:
    """Make the film, encode it, and compare every frame."""
    ending, recipe = film
    event(f"{recipe['codec']} in {ending}")
    with TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / f"film.{ending}", **recipe)
        proxy = encoded(clip.path, find_ffmpeg())
        assert_same_frames_at_same_times(proxy, clip.path, clip.drawn())
        assert proxy.record.num_frames == clip.num_frames


@settings(max_examples=12, deadline=None, derandomize=True)
@given(film=recipes())
def test_any_film_is_there_frame_for_frame(film: tuple[str, dict[str, Any]]) -> None:
    check(film)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, derandomize=True)
@given(film=recipes())
def test_very_many_films_are_there_frame_for_frame(film: tuple[str, dict[str, Any]]) -> None:
    check(film)
