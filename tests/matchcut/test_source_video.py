import json
import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from matchcut import source_video
from matchcut.errors import BadVideoError, SourceChangedError
from matchcut.ffmpeg import Ffmpeg, find_ffmpeg
from matchcut.probe import announced_bytes, find_picture, orientation
from matchcut.source_video import SourceVideo, inspect_source
from tests import clips
from tests.clips import NTSC_FILM, Clip, Shot, make_clip

ONE = 65536  # 1.0 in the 16.16 fixed point of display matrices


@pytest.fixture(scope="module")
def ffmpeg() -> Ffmpeg:
    return find_ffmpeg()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = tmp_path_factory.mktemp("clip") / "Käse im Glas.mp4"
    return make_clip(path, [Shot(40, 1), Shot(30, 2)], frame_rate=NTSC_FILM, audio=True)


@pytest.fixture(scope="module")
def source(clip: Clip, ffmpeg: Ffmpeg) -> SourceVideo:
    return inspect_source(clip.path, ffmpeg)


def remuxed(clip: Clip, path: Path, *options: str) -> Path:
    clips.ffmpeg("-i", clip.path, "-map", "0", "-c", "copy", *options, path)
    return path


# --- identity ---


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
def test_a_remux_is_the_same_title(
    clip: Clip, source: SourceVideo, ffmpeg: Ffmpeg, tmp_path: Path, ending: str
) -> None:
    assert inspect_source(remuxed(clip, tmp_path / f"r.{ending}"), ffmpeg).digest == source.digest


def test_a_new_name_and_new_tags_are_the_same_title(
    clip: Clip, source: SourceVideo, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    tagged = remuxed(clip, tmp_path / "other.mp4", "-metadata", "title=Other", "-movflags", "+faststart")

    assert inspect_source(tagged, ffmpeg).digest == source.digest


def test_without_sound_it_is_the_same_title(clip: Clip, source: SourceVideo, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    silent = inspect_source(remuxed(clip, tmp_path / "silent.mp4", "-an"), ffmpeg)

    assert (silent.digest, silent.audio) == (source.digest, ())
    assert [stream.codec for stream in source.audio] == ["aac"]


def test_a_retimed_copy_is_another_title(clip: Clip, source: SourceVideo, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    slower = tmp_path / "slower.mkv"
    clips.ffmpeg("-itsscale", "1.001", "-i", clip.path, "-map", "0:v", "-c", "copy", slower)

    retimed = inspect_source(slower, ffmpeg)

    assert retimed.stream_hash == source.stream_hash
    assert retimed.digest != source.digest


def test_a_recut_is_another_title(source: SourceVideo, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    recut = make_clip(tmp_path / "c.mp4", [Shot(40, 1), Shot(29, 2)], frame_rate=NTSC_FILM)

    assert inspect_source(recut.path, ffmpeg).digest != source.digest


def test_a_trim_by_edit_list_is_another_title(clip: Clip, source: SourceVideo, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    trimmed = tmp_path / "trimmed.mp4"
    clips.ffmpeg("-ss", "0.5", "-i", clip.path, "-map", "0:v", "-c", "copy", trimmed)

    found = inspect_source(trimmed, ffmpeg)

    assert found.num_hidden > 0
    assert found.digest != source.digest


def test_a_turned_copy_is_another_title(clip: Clip, source: SourceVideo, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    clips.ffmpeg("-display_rotation", "180", "-i", clip.path, "-c", "copy", turned)

    found = inspect_source(turned, ffmpeg)

    assert found.rotation == 180
    assert found.digest != source.digest


def test_a_variable_rate_title_keeps_its_identity_in_another_container(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "phone.mp4", [Shot(60)], durations=(3000, 3000, 3753, 6006), time_base=Fraction(1, 90_000)
    )
    first, second = inspect_source(clip.path, ffmpeg), inspect_source(remuxed(clip, tmp_path / "p.mkv"), ffmpeg)

    assert first.is_variable_rate
    assert second.digest == first.digest


# --- facts ---


def test_facts_are_those_of_the_recipe(source: SourceVideo) -> None:
    assert source.frame_rate == NTSC_FILM
    assert (source.width, source.height, source.sample_aspect_ratio) == (160, 96, 1)
    assert source.num_packets == 70
    assert source.duration_seconds == pytest.approx(70 * 1001 / 24000)
    assert (source.codec, source.pixel_format, source.bit_depth) == ("h264", "yuv420p", 8)
    assert (source.is_interlaced, source.is_variable_rate, source.is_hdr) == (False, False, False)


def test_facts_survive_the_way_through_json(source: SourceVideo) -> None:
    assert SourceVideo.from_json(json.loads(json.dumps(source.to_json()))) == source


def test_the_start_timecode_is_read(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "tc.mov", options=("-timecode", "01:02:03:04"))

    assert inspect_source(clip.path, ffmpeg).start_timecode == "01:02:03:04"


def test_a_cover_picture_is_not_the_film(clip: Clip, source: SourceVideo, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    cover, path = tmp_path / "cover.png", tmp_path / "covered.mp4"
    clips.encode(iter([np.full((480, 640, 3), 90, np.uint8)]), cover, codec="png", pix_fmt="rgb24")
    maps = ("-map", "1", "-map", "0", "-c", "copy", "-disposition:v:0", "attached_pic")
    clips.ffmpeg("-i", clip.path, "-i", cover, *maps, path)

    assert inspect_source(path, ffmpeg).stream_hash == source.stream_hash


# --- bars ---


@pytest.mark.parametrize(
    "bars", [(0, 12, 0, 12), (20, 0, 20, 0), (16, 10, 16, 10), (0, 0, 0, 14)], ids=["letter", "pillar", "window", "one"]
)
def test_bars_are_found_to_the_pixel(ffmpeg: Ffmpeg, tmp_path: Path, bars: tuple[int, int, int, int]) -> None:
    clip = make_clip(tmp_path / "b.mp4", [Shot(12)], number=False, bars=bars, bar_noise=2, options=("-crf", "12"))

    assert inspect_source(clip.path, ffmpeg).crop == (bars[0], bars[1], 160, 96)


def test_odd_bars_are_cropped_inwards_to_even_numbers() -> None:
    brightest = np.zeros((100, 120), np.uint8)
    brightest[11:87] = 200

    assert find_picture(brightest) == (0, 12, 120, 74)


def test_an_all_black_film_keeps_its_picture() -> None:
    assert find_picture(np.full((90, 160), 5, np.uint8)) == (0, 0, 160, 90)


def test_a_title_card_on_black_is_no_picture_between_bars() -> None:
    brightest = np.zeros((90, 160), np.uint8)
    brightest[40:50:2, 50:110:3] = 255

    assert find_picture(brightest) == (0, 0, 160, 90)


def test_a_picture_that_darkens_towards_its_edge_has_no_bar() -> None:
    brightest = np.repeat(np.clip(np.arange(90) * 3, 0, 255)[:, None], 160, axis=1).astype(np.uint8)
    brightest[:30, ::20] = 60  # a few lights in the dark part

    assert find_picture(brightest) == (0, 0, 160, 90)


def test_a_dark_scene_does_not_narrow_the_picture(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    bright = list(clips.draw([Shot(20)], (160, 96)))
    dark = [np.zeros_like(frame) for frame in bright]
    for frame in dark:
        frame[30:60] = 120
    clips.encode([*dark, *bright, *dark], tmp_path / "night.mp4")

    assert inspect_source(tmp_path / "night.mp4", ffmpeg).crop == (0, 0, 160, 96)


# --- orientation ---


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (None, (0, False)),
        ((ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30), (0, False)),
        ((0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30), (90, False)),
        ((-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30), (180, False)),
        ((0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30), (270, False)),
        ((-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30), (0, True)),
        ((ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30), (180, True)),
    ],
)
def test_the_display_matrix_says_how_to_turn(matrix: tuple[int, ...] | None, expected: tuple[int, bool]) -> None:
    assert orientation(matrix) == expected


# --- files that cannot be used ---


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (clips.empty_file, "the file is empty. Copy it again"),
        (clips.text_file, "it is no video that can be read"),
        (clips.audio_only, "it has no video stream"),
        (clips.truncated, "the file is cut off: it announces 4.00 s of picture, but "),
        (clips.one_frame, "it has 1 frame(s), a video needs at least 2"),
        (clips.four_by_four, "its picture has 4×4 pixels, a video needs at least 32×32"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(
    make: Callable[[Path], Path], reason: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = make(tmp_path / "böser film.mp4")

    with pytest.raises(BadVideoError, match=re.escape(f"böser film.mp4: {reason}")):
        inspect_source(path, ffmpeg)


@pytest.mark.parametrize("ending", ["mkv", "avi", "mov", "flv", "mxf"])
def test_a_file_cut_in_half_is_refused_in_any_container(ending: str, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    codec = {"flv": "flv", "mxf": "mpeg2video"}.get(ending, "mpeg4")
    whole = make_clip(tmp_path / f"whole.{ending}", [Shot(100)], codec=codec).path.read_bytes()
    (tmp_path / f"half.{ending}").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(BadVideoError, match=r"cut off|no video that can be read"):
        inspect_source(tmp_path / f"half.{ending}", ffmpeg)


def test_half_a_matroska_file_is_noticed_by_its_size_when_no_tag_tells_its_length(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    whole = (
        make_clip(tmp_path / "film.mkv", [Shot(100)], audio=True).path.read_bytes().replace(b"DURATION", b"SOMETHNG")
    )
    (tmp_path / "whole.mkv").write_bytes(whole)
    (tmp_path / "half.mkv").write_bytes(whole[: len(whole) // 2])

    assert announced_bytes(tmp_path / "whole.mkv") == len(whole)
    assert inspect_source(tmp_path / "whole.mkv", ffmpeg).num_packets == 100
    with pytest.raises(BadVideoError, match=r"half\.mkv: the file is cut off: it announces 0\.\d\d MB, but 0\.\d\d MB"):
        inspect_source(tmp_path / "half.mkv", ffmpeg)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", None),
        (b"RIFF", None),
        (b"\x1a\x45\xdf\xa3", None),  # ends before the size of the header
        (b"\x1a\x45\xdf\xa3\x82xx\x18\x53\x80\x67\x84", 16),  # one byte of size
        (b"\x1a\x45\xdf\xa3\x82xx\x18\x53\x80\x67\x40\x05", 18),  # two bytes of size
        (b"\x1a\x45\xdf\xa3\x82xx\x18\x53\x80\x67\x01" + b"\xff" * 7, None),  # a live recording: size unknown
        (b"\x1a\x45\xdf\xa3\x82xx\x18\x53\x80\x67\x00", None),  # no such size
        (b"\x1a\x45\xdf\xa3\x82xxWEBM", None),  # no segment follows
    ],
)
def test_a_matroska_file_says_how_long_it_is(content: bytes, expected: int | None, tmp_path: Path) -> None:
    (tmp_path / "film.mkv").write_bytes(content)

    assert announced_bytes(tmp_path / "film.mkv") == expected


def test_a_playlist_under_a_videos_name_is_not_followed(clip: Clip, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    shutil.copy(clip.path, tmp_path / "secret.mp4")
    playlist = tmp_path / "list.mp4"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nsecret.mp4\n#EXT-X-ENDLIST\n")

    with pytest.raises(BadVideoError, match=r"list\.mp4: it is no video that can be read"):
        inspect_source(playlist, ffmpeg)


def test_a_file_that_is_gone_is_named(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    with pytest.raises(SourceChangedError, match=r"gone\.mp4 is not there any more"):
        inspect_source(tmp_path / "gone.mp4", ffmpeg)


def test_a_file_that_is_still_being_written_is_noticed(
    clip: Clip, ffmpeg: Ffmpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(clip.path, tmp_path / "growing.mp4"))
    probed = source_video._probed

    def write_on(path: Path) -> dict[str, object]:
        facts = probed(path)
        with path.open("ab") as file:
            file.write(b"more")
        return facts

    monkeypatch.setattr(source_video, "_probed", write_on)
    with pytest.raises(SourceChangedError, match=r"growing\.mp4 changed while it was read"):
        inspect_source(path, ffmpeg)


def test_a_reader_that_never_ends_is_stopped(clip: Clip, ffmpeg: Ffmpeg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_video, "PROBE_LIMIT_SECONDS", 0.001)

    with pytest.raises(BadVideoError, match=r"took longer than 0\.001 s and was stopped"):
        inspect_source(clip.path, ffmpeg)
