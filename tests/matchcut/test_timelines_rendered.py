"""Exported timelines, rendered by an editing engine that is not ours: MLT, which Kdenlive and Shotcut are built on.

Each is read back by OpenTimelineIO, handed to `melt` by OpenTimelineIO's MLT adapter, and every frame that comes out is
compared, by the number that is drawn into it, with what the played cut shows.
"""

import os
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit

import av
import opentimelineio as otio
import pytest

from matchcut.cut_events import Media
from matchcut.ffmpeg import find_ffmpeg
from matchcut.played_cut import PlayedCutParameters, Take, first_frame_seconds, play_cut
from matchcut.source_video import inspect_source
from matchcut.timelines import SUFFIXES, write_timelines
from matchcut.timelines.edl import SOURCE_COMMENT, edl_clock
from matchcut.timelines.sheet import GAP_SECONDS, sheets_of
from tests.clips import NTSC_FILM, NTSC_VIDEO, PAL, Shot, make_clip, read_frame_number
from tests.frame_for_frame import encoded
from tests.matchcut.test_cut_events import candidate_of, events

MELT = shutil.which("melt")
SIZE = (320, 180)
LONG_GOP = ("-g", "250", "-bf", "3", "-sc_threshold", "0")
FILMS = {
    "23.976": (NTSC_FILM, LONG_GOP, {}),
    "25 from ten o'clock": (PAL, (*LONG_GOP, "-timecode", "10:00:00:00"), {}),
    "29.97 drop-frame": (NTSC_VIDEO, (*LONG_GOP, "-timecode", "01:00:00;00"), {}),
    "29.97 non-drop": (NTSC_VIDEO, (*LONG_GOP, "-timecode", "01:00:00:00"), {}),
    "59.94 HEVC": (Fraction(60000, 1001), ("-x265-params", "log-level=error:keyint=250"), {"codec": "libx265"}),
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MELT is None, reason="melt is not installed (Debian: apt-get install melt)"),
]


def numbers_in(path: Path, height: int = SIZE[1]) -> list[int | None]:
    """The frame numbers of a film, None for a frame that has none."""
    found: list[int | None] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            try:
                found.append(read_frame_number(frame.to_ndarray(format="rgb24")))
            except ValueError:
                found.append(None)
    return found


def url_of(clip: otio.schema.Clip) -> str:
    """Where its file lies: in an EDL that stands in a comment."""
    if isinstance(clip.media_reference, otio.schema.ExternalReference):
        return clip.media_reference.target_url
    comments = clip.metadata["cmx_3600"]["comments"]
    return next(each for each in comments if each.startswith(SOURCE_COMMENT)).removeprefix(f"{SOURCE_COMMENT}: ")


def from_the_files_beginning(timeline: otio.schema.Timeline, first: int) -> otio.schema.Timeline:
    """Clips count from their file's first frame, as MLT does, and name local paths."""
    for clip in timeline.find_clips():
        range_ = clip.source_range
        start = otio.opentime.RationalTime(first, range_.start_time.rate)
        clip.source_range = otio.opentime.TimeRange(range_.start_time - start, range_.duration)
        path = unquote(urlsplit(url_of(clip)).path)
        clip.media_reference = otio.schema.ExternalReference(path)
        clip.name = Path(path).stem
    return timeline


def rendered(timeline: otio.schema.Timeline, rate: Fraction, folder: Path) -> Path:
    """The pictures of a timeline, by melt."""
    pictures = otio.schema.Timeline("pictures", global_start_time=otio.opentime.RationalTime(0, float(rate)))
    pictures.tracks.append(timeline.tracks[0].deepcopy())
    pictures.tracks[0].source_range = None
    shape = {"width": "320", "height": "180", "progressive": "1", "sample_aspect_num": "1", "sample_aspect_den": "1"}
    shape |= {"display_aspect_num": "16", "display_aspect_den": "9", "colorspace": "709"}
    shape |= {"frame_rate_num": str(rate.numerator), "frame_rate_den": str(rate.denominator)}
    project, film = folder / "cuts.mlt", folder / "rendered.mkv"
    project.write_text(otio.adapters.write_to_string(pictures, "mlt_xml", **shape))
    command = [MELT, str(project), "-consumer", f"avformat:{film}", "vcodec=mjpeg", "qscale=2", "an=1", "real_time=-1"]
    environment = {**os.environ, "SDL_AUDIODRIVER": "dummy", "QT_QPA_PLATFORM": "offscreen"}
    for _ in range(2):  # on a busy machine melt ended once without an error and without a frame
        subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment)
        if film.stat().st_size:
            break
    return film


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("format_", ["otio", "edl", "xmeml", "aaf"])
def test_melt_shows_the_frames_of_the_played_cuts(tmp_path, name, format_):
    rate, options, recipe = FILMS[name]
    shots = [Shot(150, 3, motion=(4, 2)), Shot(150, 8, motion=(-4, 1))]
    clip = make_clip(tmp_path / "the film.mov", shots, size=SIZE, frame_rate=rate, options=options, **recipe)
    ffmpeg, proxy = find_ffmpeg(), encoded(clip.path, find_ffmpeg())
    source = inspect_source(clip.path, ffmpeg)
    media = Media("film", clip.path.name, clip.path.as_uri(), proxy)
    cuts = [
        candidate_of(1, a=("film", 131, 100, 150), b=("film", 260, 260, 300)),
        candidate_of(2, a=("film", 299, 290, 300), b=("film", 1, 1, 9)),
    ]
    several = events(cuts, {"film": media}, seconds=0.5)

    played = []
    whole = Take(clip.path, source, proxy, 0, 1, first_frame_seconds(clip.path, source, ffmpeg))
    for event in several:
        a, b = (replace(whole, start_frame=side.start_frame, stop_frame=side.stop_frame) for side in (event.a, event.b))
        play_cut(a, b, tmp_path / "cut.mp4", PlayedCutParameters(height=180), ffmpeg)
        played.append(numbers_in(tmp_path / "cut.mp4"))

    (file,) = write_timelines(several, tmp_path / f"cuts{SUFFIXES[format_]}", format_).files
    arguments = {"rate": edl_clock(sheets_of(several, "one count")[0])} if format_ == "edl" else {}
    timeline = from_the_files_beginning(otio.adapters.read_from_file(str(file), **arguments), media.start_count[0])
    gap = [None] * (GAP_SECONDS * round(rate))
    assert numbers_in(rendered(timeline, rate, tmp_path)) == [*played[0], *gap, *played[1]]
