import json
import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from matchcut.errors import BadVideoError, FeatureStoreError, SourceChangedError
from matchcut.ffmpeg import Ffmpeg, FfmpegReport, find_ffmpeg
from matchcut.proxy import PROXY_NAME, RECORD_NAME, TIMES_NAME, EncodeRecord
from matchcut.source_video import SourceVideo, inspect_source
from matchcut.standardized_encode import EncodeParameters, proxy_size, standardize
from tests import clips
from tests.clips import NTSC_FILM, NTSC_VIDEO, Shot, make_clip, read_frame_number
from tests.frame_for_frame import ALIKE, SMALL, assert_same_frames_at_same_times, encoded, likenesses

# Moving so fast that the coarsest codec tells a frame from its neighbours.
TWO_SHOTS = (Shot(30, 1, motion=(3, 1)), Shot(25, 2, motion=(3, 1)))


@pytest.fixture(scope="module")
def ffmpeg() -> Ffmpeg:
    return find_ffmpeg()


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory, ffmpeg: Ffmpeg) -> tuple[Path, SourceVideo]:
    """A film that no test may change, and what is known of it."""
    path = make_clip(tmp_path_factory.mktemp("film") / "film.mp4", TWO_SHOTS).path
    return path, inspect_source(path, ffmpeg)


OPEN_GOPS = ("-bf", "3", "-g", "12", "-x264-params", "open-gop=1")
HEVC_OPEN_GOPS = ("-x265-params", "log-level=error:open-gop=1:keyint=12:bframes=3")
# Frames that are decoded as references and never shown.
HIDDEN = ("-deadline", "good", "-auto-alt-ref", "1", "-lag-in-frames", "16")

# Every way in which films come: name, ending and recipe.
FILMS: list[tuple[str, str, dict[str, Any]]] = [
    ("h264 with B-frames", "mp4", {"options": ("-bf", "3")}),
    ("h264 with open GOPs", "mkv", {"options": OPEN_GOPS}),
    ("h264 at film rate", "mov", {"frame_rate": NTSC_FILM}),
    ("h264 at film rate in milliseconds", "mkv", {"frame_rate": NTSC_FILM}),
    ("h264 in a transport stream", "ts", {"frame_rate": NTSC_VIDEO, "audio": True}),
    ("h264 in avi", "avi", {"options": ("-bf", "2")}),
    ("h264 with B-frames of B-frames", "mp4", {"options": ("-bf", "8", "-x264-params", "b-pyramid=normal:b-adapt=0")}),
    ("h264 with open GOPs in a transport stream", "ts", {"options": OPEN_GOPS}),
    ("h264 interlaced", "mp4", {"interlaced": True, "shots": (Shot(60, 1), Shot(50, 2))}),
    ("hevc", "mp4", {"codec": "libx265"}),
    ("hevc 10 bit", "mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le"}),
    ("hevc with open GOPs", "mkv", {"codec": "libx265", "options": HEVC_OPEN_GOPS, "frame_rate": NTSC_FILM}),
    ("hevc with open GOPs in a transport stream", "ts", {"codec": "libx265", "options": HEVC_OPEN_GOPS}),
    ("vp9", "webm", {"codec": "libvpx-vp9", "frame_rate": NTSC_VIDEO}),
    ("vp9 10 bit with hidden frames", "mkv", {"codec": "libvpx-vp9", "pix_fmt": "yuv420p10le", "options": HIDDEN}),
    ("vp8 with hidden frames", "webm", {"codec": "libvpx", "options": HIDDEN}),
    ("av1", "mp4", {"codec": "libsvtav1", "frame_rate": NTSC_FILM}),
    ("av1 10 bit", "webm", {"codec": "librav1e", "pix_fmt": "yuv420p10le"}),
    ("mpeg-1", "mpg", {"codec": "mpeg1video", "options": ("-bf", "2", "-q:v", "3")}),
    ("mpeg-2 program stream", "mpg", {"codec": "mpeg2video", "options": ("-bf", "2")}),
    ("mpeg-2 in a transport stream", "ts", {"codec": "mpeg2video", "options": ("-bf", "2"), "audio": True}),
    ("mpeg-2 in mxf", "mxf", {"codec": "mpeg2video", "options": ("-bf", "2")}),
    ("mpeg-4", "avi", {"codec": "mpeg4", "frame_rate": NTSC_VIDEO}),
    ("mpeg-4 with B-frames", "avi", {"codec": "mpeg4", "options": ("-bf", "2")}),
    ("mpeg-4 with B-frames in mp4", "mp4", {"codec": "mpeg4", "options": ("-bf", "2")}),
    ("prores 4:2:2", "mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le"}),
    ("prores 4:4:4:4", "mov", {"codec": "prores_ks", "pix_fmt": "yuva444p10le"}),
    ("motion jpeg, full range", "avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    ("lossless rgb", "mkv", {"codec": "ffv1", "pix_fmt": "gbrp"}),
    ("high rate and vp8", "webm", {"codec": "libvpx", "frame_rate": Fraction(120)}),
    ("an odd size", "mp4", {"size": (161, 97), "codec": "ffv1", "pix_fmt": "yuv444p"}),
]


@pytest.mark.parametrize(("ending", "recipe"), [f[1:] for f in FILMS], ids=[f[0] for f in FILMS])
def test_every_frame_of_every_kind_of_film_is_there_at_its_time(
    ending: str, recipe: dict[str, Any], ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = tmp_path / f"film.{'mkv' if recipe.get('codec') == 'ffv1' else ending}"
    clip = make_clip(path, **{"shots": TWO_SHOTS, **recipe})

    proxy = encoded(clip.path, ffmpeg)

    assert_same_frames_at_same_times(proxy, clip.path, clip.drawn())
    assert proxy.record.num_frames == clip.num_frames
    assert proxy.record.frame_rate == clip.frame_rate
    assert not proxy.record.is_variable_rate


@pytest.mark.parametrize(
    ("ending", "durations", "time_base"),
    [
        ("mkv", (33, 33, 67, 20), Fraction(1, 1000)),
        ("mp4", (3003, 3003, 9009, 1), Fraction(1, 90_000)),
        ("webm", (16, 17, 300), Fraction(1, 1000)),
        ("mov", (20, 20, 45), Fraction(1, 600)),
    ],
)
def test_a_variable_rate_survives(
    ending: str, durations: tuple[int, ...], time_base: Fraction, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    codec = "libvpx-vp9" if ending == "webm" else "libx264"
    clip = make_clip(tmp_path / f"v.{ending}", TWO_SHOTS, codec=codec, durations=durations, time_base=time_base)

    proxy = encoded(clip.path, ffmpeg)

    assert_same_frames_at_same_times(proxy, clip.path, clip.drawn())
    assert proxy.record.is_variable_rate
    assert [proxy.time_of(i) for i in range(55)] == [tick * time_base for tick in clip.ticks]


@pytest.mark.parametrize("ending", ["mp4", "mov"])
@pytest.mark.parametrize(
    ("codec", "options", "first_shown"),
    [
        ("libx264", ("-g", "250", "-bf", "0"), 10),
        ("libx264", ("-g", "250", "-bf", "3"), 10),
        # Cut in the second group of pictures, whose first frames lean on the group before.
        ("libx264", ("-g", "12", "-bf", "3", "-x264-params", "open-gop=1"), 18),
        ("libx265", ("-x265-params", "log-level=error:bframes=3"), 10),
    ],
    ids=["p-frames", "b-frames", "open gops", "hevc"],
)
def test_frames_hidden_by_an_edit_list_do_not_count(
    codec: str, options: tuple[str, ...], first_shown: int, ending: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    whole = make_clip(tmp_path / f"whole.{ending}", TWO_SHOTS, codec=codec, options=options)
    trimmed = tmp_path / f"trimmed.{ending}"
    clips.ffmpeg("-ss", str(first_shown / 25), "-i", whole.path, "-c", "copy", trimmed)

    proxy = encoded(trimmed, ffmpeg)

    assert_same_frames_at_same_times(proxy, trimmed, whole.drawn(), first_number=first_shown)
    assert proxy.record.num_frames == whole.num_frames - first_shown


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
def test_a_recording_that_begins_between_keyframes_counts_from_the_first_whole_picture(
    codec: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    whole = make_clip(tmp_path / "whole.ts", TWO_SHOTS, codec=codec, options=("-g", "20"))
    content, late = whole.path.read_bytes(), tmp_path / "late.ts"
    late.write_bytes(content[len(content) // 4 // 188 * 188 :])

    proxy = encoded(late, ffmpeg)

    first_number = read_frame_number(next(proxy.frames()))
    assert first_number > 0
    assert_same_frames_at_same_times(proxy, late, whole.drawn(), first_number)
    assert first_number + proxy.record.num_frames == whole.num_frames


@pytest.mark.parametrize(("ending", "codec"), [("ts", "libx264"), ("ts", "libx265"), ("h264", "libx264")])
@pytest.mark.parametrize("factor", [2, 0.5], ids=["larger", "smaller"])
def test_a_picture_that_changes_its_size_midway_keeps_its_frames_and_its_bars(
    factor: float, ending: str, codec: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    film, whole = tmp_path / f"film.{ending}", list(clips.draw(TWO_SHOTS, (320, 192)))
    with film.open("wb") as file:
        for name, shown, scale in (("a", whole[:30], 1), ("b", whole[30:], factor)):
            size = (int(320 * scale), int(220 * scale))
            barred = clips.with_bars(clips.numbered(shown), (0, 8, 0, 20))
            part = tmp_path / f"{name}.{ending}"
            clips.encode((cv2.resize(frame, size) for frame in barred), part, codec=codec, options=("-bf", "0"))
            file.write(part.read_bytes())

    proxy = encoded(film, ffmpeg)

    frames = list(proxy.frames())
    assert [read_frame_number(frame) for frame in frames] == [*range(30), *range(25)]
    likeness, _ = likenesses(frames, whole)
    assert likeness.argmax(axis=1).tolist() == list(range(55))
    assert likeness.diagonal().min() > ALIKE


def test_a_picture_that_changes_in_a_way_that_loses_frames_is_refused(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    """The deinterlacer loses the frame that it holds when the size changes."""
    film = tmp_path / "film.ts"
    sizes = [(160, 96), (320, 192)]
    parts = [
        make_clip(tmp_path / f"{size[0]}.ts", [Shot(50)], size=size, codec="mpeg2video", interlaced=True)
        for size in sizes
    ]
    film.write_bytes(b"".join(part.path.read_bytes() for part in parts))

    with pytest.raises(
        BadVideoError, match=r"frames were decoded, but \d+ encoded. .* export it again at a constant size"
    ):
        encoded(film, ffmpeg)


@pytest.mark.parametrize(("ending", "codec"), [("h264", "libx264"), ("hevc", "libx265")])
def test_a_bare_stream_without_times_runs_at_its_own_rate(
    ending: str, codec: str, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / f"bare.{ending}", TWO_SHOTS, codec=codec, options=("-bf", "0"))

    proxy = encoded(clip.path, ffmpeg)

    assert [read_frame_number(frame) for frame in proxy.frames()] == list(range(clip.num_frames))
    assert [proxy.time_of(i) for i in range(clip.num_frames)] == [Fraction(i, 25) for i in range(clip.num_frames)]


def test_sound_that_starts_earlier_moves_no_frame(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    silent, late = make_clip(tmp_path / "silent.mp4", TWO_SHOTS), tmp_path / "late.mp4"
    sound = ("-f", "lavfi", "-i", "sine=frequency=300:duration=3")
    clips.ffmpeg("-itsoffset", "0.123", "-i", silent.path, *sound, "-c:v", "copy", late)

    assert_same_frames_at_same_times(encoded(late, ffmpeg), late, silent.drawn())


# --- geometry ---


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_the_picture_is_turned_upright(clockwise: int, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "r.mp4", [Shot(8)], clockwise=clockwise)

    proxy = encoded(clip.path, ffmpeg)

    assert_same_frames_at_same_times(proxy, clip.path, clip.drawn())
    assert proxy.record.rotation == clockwise
    assert (proxy.record.width, proxy.record.height) == (160, 96)
    assert (proxy.record.source_width, proxy.record.source_height) == (160, 96)


def test_a_mirrored_picture_is_mirrored_back(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    drawn = list(clips.draw([Shot(8)], (160, 96)))
    clips.encode([np.ascontiguousarray(f[:, ::-1]) for f in clips.numbered(drawn)], tmp_path / "plain.mp4")
    mirrored = tmp_path / "mirrored.mp4"
    clips.ffmpeg("-display_hflip", "-i", tmp_path / "plain.mp4", "-c", "copy", mirrored)

    assert_same_frames_at_same_times(encoded(mirrored, ffmpeg), mirrored, drawn)


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_bars_are_cropped_from_a_turned_picture(clockwise: int, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "b.mp4", [Shot(8)], clockwise=clockwise, bars=(0, 8, 0, 20))

    proxy = encoded(clip.path, ffmpeg)

    assert_same_frames_at_same_times(proxy, clip.path, clip.drawn())
    assert proxy.record.crop == (0, 8, 160, 96)
    assert (proxy.record.source_width, proxy.record.source_height) == clip.size == (160, 124)
    assert (proxy.record.width, proxy.record.height) == (160, 96)


def test_anamorphic_pixels_become_square(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "wide.mpg", [Shot(8)], size=(180, 144), codec="mpeg2video", filters=["setdar=16/9"])

    record = encoded(clip.path, ffmpeg).record

    assert (record.source_width, record.source_height) == (256, 144)
    assert (record.width, record.height) == (170, 96)


def test_the_picture_has_the_same_height_whatever_the_sources(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    for height in (64, 480):
        clip = make_clip(tmp_path / f"{height}.mp4", [Shot(3)], size=(height * 2, height), number=False)
        record = encoded(clip.path, ffmpeg, EncodeParameters()).record
        assert (record.width, record.height) == (720, 360)


def test_an_interlaced_film_keeps_one_frame_per_frame(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    fast = [Shot(40, 3, motion=(6, 0), shape_motion=(6, 0))]
    clip = make_clip(tmp_path / "i.mpg", fast, size=(352, 288), codec="mpeg2video", interlaced=True)

    proxy = encoded(clip.path, ffmpeg, EncodeParameters(height=288))

    assert_same_frames_at_same_times(proxy, clip.path, clip.drawn())
    assert proxy.record.is_interlaced
    assert proxy.record.num_frames == clip.num_frames == 20
    with av.open(str(clip.path)) as container:
        combed = next(container.decode(video=0)).to_ndarray(format="rgb24")
    (straight,) = proxy.frames(0, 1)
    assert combing(straight) < 0.5 * combing(combed)


def combing(frame: np.ndarray) -> float:
    """How much neighbouring lines differ more than next neighbours do."""
    lines = frame[: frame.shape[0] * 3 // 4].astype(float).mean(axis=2)
    return float(np.abs(lines[1:-1] - (lines[:-2] + lines[2:]) / 2).mean())


# --- colour ---


@pytest.mark.parametrize(
    ("size", "matrix", "options"),
    [
        ((160, 96), "smpte170m", ()),  # untagged and small: BT.601
        ((1280, 720), "bt709", ()),  # untagged and large: BT.709
        ((160, 96), "bt709", ("-colorspace", "bt709")),
        ((160, 96), "bt2020", ("-colorspace", "bt2020nc")),
    ],
)
def test_colors_are_kept(
    size: tuple[int, int], matrix: str, options: tuple[str, ...], ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    orange = np.full((size[1], size[0], 3), (210, 110, 50), np.uint8)
    path = tmp_path / "c.mp4"
    unset = ("-bsf:v", "h264_metadata=matrix_coefficients=2", "-colorspace", "unknown")
    conversion = f"scale=out_color_matrix={matrix},setparams=colorspace={options[1] if options else 'unknown'}"
    clips.ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", "25", "-i", "-"),
        *("-vf", f"{conversion},format=yuv420p", "-c:v", "libx264", *(options or unset), path),
        frames=[orange] * 3,
    )

    (frame,) = encoded(path, ffmpeg).frames(1, 2)

    np.testing.assert_allclose(frame.mean(axis=(0, 1)), (210, 110, 50), atol=3)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_high_dynamic_range_is_mapped_to_a_normal_picture(transfer: str, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    tags = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    to_hdr = [f"zscale=tin=709:min=gbr:pin=709:rin=full:t={transfer}:m=2020_ncl:p=2020:r=limited:npl=203"]
    path = tmp_path / "hdr.mp4"
    size = (160, 96)
    drawn = list(clips.draw([Shot(8)], size))
    clips.ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "160x96", "-r", "25", "-i", "-"),
        *("-vf", ",".join(["format=gbrp", *to_hdr, "format=yuv420p10le"]), "-c:v", "libx265", *tags),
        *("-x265-params", "log-level=error", path),
        frames=clips.numbered(drawn),
    )

    proxy = encoded(path, ffmpeg)

    assert_same_frames_at_same_times(proxy, path, drawn)
    assert proxy.record.color["transfer"] == transfer
    assert proxy.record.bit_depth == 10
    expected = clips.texture(0, size)[:80].mean(axis=(0, 1))
    (frame,) = proxy.frames(0, 1)
    np.testing.assert_allclose(frame[:80].mean(axis=(0, 1)), expected, atol=45)


# --- the record ---


def test_the_record_tells_the_facts_of_the_source(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "tc.mov", [Shot(8)], frame_rate=NTSC_VIDEO, options=("-timecode", "10:00:00;00"))

    proxy = encoded(clip.path, ffmpeg)

    assert proxy.record.start_timecode == "10:00:00;00"
    assert proxy.record.frame_rate == NTSC_VIDEO
    assert (proxy.record.codec, proxy.record.bit_depth, proxy.record.num_decode_errors) == ("h264", 8, 0)
    assert proxy.record.tool == ffmpeg.version
    assert EncodeRecord.from_json(json.loads((proxy.path.parent / RECORD_NAME).read_text())) == proxy.record
    assert {p.name for p in proxy.path.parent.iterdir()} == {PROXY_NAME, RECORD_NAME, TIMES_NAME}


def test_the_same_film_gives_the_same_bytes(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    film = make_clip(tmp_path / "a.mp4", TWO_SHOTS).path
    clips.ffmpeg("-i", film, "-c", "copy", "-metadata", "title=b", tmp_path / "b.mov")

    a, b = encoded(film, ffmpeg), encoded(tmp_path / "b.mov", ffmpeg)

    assert a.path.read_bytes() == b.path.read_bytes()


def test_progress_ends_at_one(inspected: tuple[Path, SourceVideo], ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    shares: list[float] = []

    standardize(*inspected, tmp_path, SMALL, ffmpeg, shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1, abs=0.05)


def test_an_extreme_picture_still_has_an_even_width(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "slit.mp4", [Shot(3)], size=(34, 400), number=False)

    assert proxy_size(inspect_source(clip.path, ffmpeg), SMALL) == (32, 96)


# --- what cannot be encoded ---


def test_another_film_under_the_same_name_is_noticed(
    inspected: tuple[Path, SourceVideo], ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = make_clip(tmp_path / "film.mp4", [Shot(55, 9)]).path

    with pytest.raises(SourceChangedError, match=r"film\.mp4 changed while it was read. Run again"):
        standardize(path, inspected[1], tmp_path, SMALL, ffmpeg)


def test_a_file_that_vanished_is_named(inspected: tuple[Path, SourceVideo], ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    path, source = Path(shutil.copy(inspected[0], tmp_path)), inspected[1]
    path.unlink()

    with pytest.raises(SourceChangedError, match=r"film\.mp4 vanished"):
        standardize(path, source, tmp_path, SMALL, ffmpeg)


def test_some_broken_packets_are_noted_but_not_fatal(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "film.ts", [Shot(100)], number=False, options=("-g", "10"))
    content = bytearray(clip.path.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 188 * 12, 188):
        content[place + 20 : place + 150] = bytes(130)
    clip.path.write_bytes(content)

    record = encoded(clip.path, ffmpeg).record

    assert 90 <= record.num_frames <= 100


def test_a_decoder_that_gives_up_early_is_noticed(
    inspected: tuple[Path, SourceVideo], ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    """The header promises ten seconds more than there are."""
    path, source = inspected
    promising = type(source)(**{**vars(source), "duration_seconds": 12.2})

    with pytest.raises(BadVideoError, match=re.escape("it announces 12.20 s of picture, but 2.20 s are in it")):
        standardize(path, promising, tmp_path, SMALL, ffmpeg)


def test_a_full_disk_is_named(
    inspected: tuple[Path, SourceVideo], ffmpeg: Ffmpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, source = inspected

    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", no_room)
    with pytest.raises(FeatureStoreError, match=r"disk full: .* Free space, and run again"):
        standardize(path, source, tmp_path, SMALL, ffmpeg)


def test_a_dropped_frame_would_be_noticed(inspected: tuple[Path, SourceVideo], ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    path, source = inspected

    class OneMore(Ffmpeg):
        def run(self, arguments: Any, source: Path, on_seconds: Callable[[float], None] | None = None) -> FfmpegReport:
            report = super().run(arguments, source, on_seconds)
            return FfmpegReport(**{**vars(report), "num_decoded": report.num_decoded + 1})

    with pytest.raises(BadVideoError, match="56 frames were decoded, but 55 encoded"):
        standardize(path, source, tmp_path, SMALL, OneMore(ffmpeg.path))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"height": 361}, "height must be an even number of at least 32, got 361"),
        ({"crf": 52}, "crf must lie in [0, 51], got 52"),
        ({"keyframe_interval": 0}, "keyframe_interval and hdr_peak_nits must be positive"),
    ],
)
def test_impossible_parameters_are_refused(setting: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        EncodeParameters(**setting)


@pytest.mark.slow
def test_an_edited_film_is_there_frame_for_frame(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    clip = clips.make_edited_clip(tmp_path / "edit.mp4", number=True)

    assert_same_frames_at_same_times(encoded(clip.path, ffmpeg), clip.path, clip.drawn())
    assert clip.boundaries == (40, 95, 125, 195, 240)
    assert clip.cuts == (40, 125, 240)


@pytest.mark.slow
@pytest.mark.parametrize("keyframe_interval", [12, 900], ids=["many keyframes", "one keyframe"])
def test_bars_of_a_longer_film_are_found(keyframe_interval: int, ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    options = ("-g", str(keyframe_interval), "-sc_threshold", "0")
    clip = make_clip(
        tmp_path / "long.mp4", [Shot(300, 5), Shot(300, 6)], number=False, bars=(0, 10, 0, 10), options=options
    )

    assert inspect_source(clip.path, ffmpeg).crop == (0, 10, 160, 96)
