"""Played cuts show exactly the wanted frames: the number that is drawn into every frame is read back."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from matchcut import played_cut
from matchcut.errors import BadVideoError, SourceChangedError
from matchcut.ffmpeg import find_ffmpeg
from matchcut.played_cut import PlayedCutParameters, Take, cut_pictures, first_frame_seconds, play_cut, shift_at_cut
from matchcut.source_video import inspect_source
from tests.clips import NTSC_FILM, NTSC_VIDEO, PAL, Shot, ffmpeg, make_clip, read_frame_number
from tests.frame_for_frame import encoded

HFR = Fraction(60000, 1001)
SHOTS = [Shot(150, 3, motion=(4, 2), shape_motion=(3, 1)), Shot(150, 8, motion=(-4, 1), shape_motion=(2, 3))]
SIZE = (320, 180)
SMALL = PlayedCutParameters(height=180)
LONG_GOP = ("-g", "250", "-bf", "3", "-sc_threshold", "0")
HEVC = ("-x265-params", "log-level=error:keyint=250:min-keyint=250:scenecut=0:bframes=4:open-gop=1")

FILMS = {
    "h264 23.976": ("film.mp4", {"frame_rate": NTSC_FILM, "options": LONG_GOP, "audio": True}),
    "h264 25": ("film.mov", {"frame_rate": PAL, "options": LONG_GOP}),
    "hevc 29.97 drop-frame": (
        "film.mov",
        {"frame_rate": NTSC_VIDEO, "codec": "libx265", "options": (*HEVC, "-timecode", "01:00:00;00"), "audio": True},
    ),
    "h264 59.94": ("film.mkv", {"frame_rate": HFR, "options": LONG_GOP, "audio": True}),
    "hevc variable": (
        "film.mp4",
        {"codec": "libx265", "options": HEVC, "durations": (20, 50, 33), "time_base": Fraction(1, 1000)},
    ),
    "h264 transport stream": ("film.ts", {"frame_rate": PAL, "options": (*LONG_GOP, "-g", "50"), "audio": True}),
    "mpeg4 avi": ("film.avi", {"codec": "mpeg4", "options": ("-bf", "2", "-g", "60")}),
    "mpeg4 avi, a tick a frame": (
        "film.avi",
        {"codec": "mpeg4", "frame_rate": Fraction(30), "options": ("-bf", "2", "-g", "60")},
    ),
}


def taken(path, start, stop):
    """A range of a film's frames, ready to be played."""
    ffmpeg = find_ffmpeg()
    proxy = encoded(path, ffmpeg)
    source = inspect_source(path, ffmpeg)
    return Take(path, source, proxy, start, stop, first_frame_seconds(path, source, ffmpeg))


@pytest.fixture(scope="module")
def takes(tmp_path_factory) -> dict[str, Take]:
    made = {}
    for name, (file, recipe) in FILMS.items():
        clip = make_clip(tmp_path_factory.mktemp("film") / file, SHOTS, size=SIZE, **recipe)
        made[name] = taken(clip.path, 160, 200)
    return made


def ranged(take, start, stop):
    return replace(take, start_frame=start, stop_frame=stop)


def numbers_in(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [read_frame_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def times_in(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def shown_at(take) -> list[Fraction]:
    """From the first frame; a constant rate is exact though a container rounds it to milliseconds."""
    if take.proxy.record.is_variable_rate:
        return [time - take.times[0] for time in take.times]
    return [number / take.source.frame_rate for number in range(take.stop_frame - take.start_frame)]


def played(a, b, tmp_path, **changes):
    path = tmp_path / "cut.mp4"
    assert play_cut(a, b, path, replace(SMALL, **changes), find_ffmpeg())
    return path


@pytest.mark.parametrize("name", FILMS)
def test_every_frame_is_the_wanted_one_from_the_first_to_the_last(takes, tmp_path, name):
    a, b = ranged(takes[name], 230, 260), ranged(takes[name], 171, 190)
    path = played(a, b, tmp_path)
    assert numbers_in(path) == [*range(230, 260), *range(171, 190)]


@pytest.mark.parametrize("name", FILMS)
def test_frames_are_shown_at_their_own_times_and_b_follows_without_a_gap(takes, tmp_path, name):
    a, b = ranged(takes[name], 230, 236), ranged(takes[name], 171, 176)
    times = times_in(played(a, b, tmp_path))
    expected = [*shown_at(a), *(a.seconds + time for time in shown_at(b))]
    assert [float(time) for time in times] == pytest.approx([float(time) for time in expected], abs=2e-5)


def test_sides_of_unlike_rates_keep_theirs(takes, tmp_path):
    path = played(ranged(takes["h264 23.976"], 100, 110), ranged(takes["h264 59.94"], 200, 210), tmp_path)
    assert numbers_in(path) == [*range(100, 110), *range(200, 210)]
    steps = np.diff([float(time) for time in times_in(path)])
    assert steps == pytest.approx([1001 / 24000] * 10 + [1001 / 60000] * 9, abs=2e-5)


@pytest.mark.parametrize("name", FILMS)
def test_a_shift_of_one_frame_is_noticed_on_both_sides(takes, tmp_path, name):
    a, b = ranged(takes[name], 230, 240), ranged(takes[name], 171, 180)
    last, first = cut_pictures(played(a, b, tmp_path), 10)
    assert (shift_at_cut(last, a.proxy, 239), shift_at_cut(first, b.proxy, 171)) == (0, 0)
    assert (shift_at_cut(last, a.proxy, 240), shift_at_cut(first, b.proxy, 170)) == (-1, 1)


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_seek_that_lands_elsewhere_is_mended_by_counting(takes, tmp_path, shift):
    """Wrong times of the first frame are what a broken index looks like."""
    right = ranged(takes["h264 25"], 171, 180)
    wrong = replace(right, first_seconds=right.first_seconds + Fraction(shift * 3, 5) / 25)
    path = tmp_path / "cut.mp4"
    assert not play_cut(wrong, right, path, SMALL, find_ffmpeg())
    assert numbers_in(path) == [*range(171, 180)] * 2


@pytest.mark.parametrize("name", ["h264 23.976", "mpeg4 avi, a tick a frame"])
def test_the_first_and_the_last_frame_of_a_film_can_be_played(takes, tmp_path, name):
    take = takes[name]
    assert numbers_in(played(ranged(take, 295, 300), ranged(take, 0, 5), tmp_path)) == [*range(295, 300), *range(5)]


@pytest.mark.parametrize(
    ("a", "b", "is_loud"),
    [
        ("h264 23.976", "hevc 29.97 drop-frame", (True, True)),
        ("h264 25", "h264 59.94", (False, True)),
        ("h264 25", "hevc variable", (False, False)),
    ],
)
def test_sound_lasts_as_long_as_the_pictures(takes, tmp_path, a, b, is_loud):
    a, b = ranged(takes[a], 200, 230), ranged(takes[b], 171, 201)
    with av.open(str(played(a, b, tmp_path))) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    cut, end = (int(48000 * float(seconds)) for seconds in (a.seconds, a.seconds + b.seconds))
    assert abs(sound.shape[1] - end) <= 2 * 1024  # AAC comes in packets of 1024
    loudness = [np.abs(sound[:, start + 2000 : stop - 2000]).mean() for start, stop in ((0, cut), (cut, end))]
    assert tuple(level > 0.01 for level in loudness) == is_loud


@pytest.mark.parametrize(("offset", "seconds"), [("9", "2"), ("0", "2")], ids=["begins late", "ends early"])
def test_a_sound_track_that_has_nothing_at_the_cut_is_silent_there(takes, tmp_path, offset, seconds):
    path, take = tmp_path / "film.mov", takes["h264 25"]
    tone = ("-itsoffset", offset, "-f", "lavfi", "-i", f"sine=d={seconds}")
    ffmpeg("-i", take.path, *tone, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", path)
    path = played(taken(path, 150, 170), ranged(take, 171, 180), tmp_path)
    assert numbers_in(path) == [*range(150, 170), *range(171, 180)]
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert np.abs(sound).max() < 0.01
    assert sound.shape[1] == pytest.approx(48000 * 29 / 25, abs=2 * 1024)


def test_the_picture_is_upright_and_without_bars(tmp_path):
    clip = make_clip(tmp_path / "phone.mp4", SHOTS, size=(180, 320), bars=(0, 40, 0, 40), clockwise=90)
    take = taken(clip.path, 160, 170)
    picture, _ = cut_pictures(played(take, take, tmp_path), 10)
    assert picture.shape == (180, 320, 3)
    lit = np.flatnonzero(picture.mean(axis=(0, 2)) > 20)
    assert len(lit) == pytest.approx(180 * 180 / 320, abs=4)  # pillars where the box is wider
    assert read_frame_number(picture[:, lit[0] : lit[-1] + 1]) == 169


def test_a_played_cut_is_small(takes, tmp_path):
    path = played(ranged(takes["h264 25"], 150, 200), ranged(takes["h264 25"], 200, 250), tmp_path, height=360)
    assert path.stat().st_size < 1_000_000


def test_another_film_under_the_name_is_named(takes, tmp_path):
    take = takes["h264 25"]
    shorter = make_clip(tmp_path / "shorter.mov", SHOTS[:1], size=SIZE).path
    with pytest.raises(BadVideoError, match=re.escape("the files have other frames than when they were matched")):
        play_cut(replace(take, path=shorter), take, tmp_path / "cut.mp4", SMALL, find_ffmpeg())


def test_a_file_that_is_gone_is_named(takes, tmp_path):
    take = takes["h264 25"]
    with pytest.raises(SourceChangedError, match=r"gone\.mov vanished"):
        play_cut(take, replace(take, path=tmp_path / "gone.mov"), tmp_path / "cut.mp4", SMALL, find_ffmpeg())


def test_parameters_that_make_no_picture_are_refused():
    with pytest.raises(ValueError, match="height an even number from 90"):
        PlayedCutParameters(height=91)


def test_the_time_limit_is_lowered_for_a_played_cut(takes, monkeypatch, tmp_path):
    monkeypatch.setattr(played_cut, "TIME_LIMIT_SECONDS", 0.01)
    take = takes["h264 25"]
    with pytest.raises(BadVideoError, match=re.escape("took longer than 0.01 s")):
        play_cut(take, take, tmp_path / "cut.mp4", SMALL, find_ffmpeg())
