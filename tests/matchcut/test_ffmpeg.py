import re
import stat
from pathlib import Path

import pytest

from matchcut.errors import BadVideoError, FeatureStoreError, MatchcutError, SourceChangedError
from matchcut.ffmpeg import PATH_VARIABLE, Ffmpeg, find_ffmpeg
from tests.clips import Shot, make_clip

NULL_OUTPUT = ("-map", "0:v", "-f", "null", "-")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("film") / "film.mp4", [Shot(50)]).path


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_decoded_frames_are_counted(film: Path) -> None:
    report = find_ffmpeg().run(NULL_OUTPUT, film)

    assert (report.num_decoded, report.num_decode_errors, report.errors) == (50, 0, ())


def test_progress_reaches_the_end_of_the_film(film: Path) -> None:
    seconds: list[float] = []
    report = find_ffmpeg().run(NULL_OUTPUT, film, seconds.append)

    assert report.seconds == pytest.approx(2.0, abs=0.05)
    assert seconds[-1] == report.seconds


def test_a_run_beyond_the_time_limit_is_stopped(tmp_path: Path, film: Path) -> None:
    slow = Ffmpeg(program(tmp_path / "slow", "exec sleep 30"), time_limit_seconds=0.2)

    with pytest.raises(BadVideoError, match=re.escape("film.mp4: ffmpeg took longer than 0.2 s and was stopped")):
        slow.run(NULL_OUTPUT, film)


def test_a_callback_that_raises_ends_the_run(film: Path) -> None:
    def refuse(_: float) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        find_ffmpeg().run(NULL_OUTPUT, film, refuse)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_named(film: Path) -> None:
    with pytest.raises(FeatureStoreError, match=r"disk full while film\.mp4"):
        find_ffmpeg().run(("-map", "0:v", "-f", "rawvideo", "file:/dev/full"), film)


def test_a_file_that_is_no_video_is_refused_with_ffmpegs_reason(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no film")

    with pytest.raises(BadVideoError, match=re.escape("a.mp4: ffmpeg cannot read it: ")):
        find_ffmpeg().run(NULL_OUTPUT, tmp_path / "a.mp4")


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceChangedError, match=r"gone\.mp4 vanished"):
        find_ffmpeg().run(NULL_OUTPUT, tmp_path / "gone.mp4")


def test_a_binary_can_be_named_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = program(tmp_path / "my ffmpeg", "echo ffmpeg version 7.1 Copyright")
    monkeypatch.setenv(PATH_VARIABLE, str(own))

    assert find_ffmpeg() == Ffmpeg(own)
    assert find_ffmpeg().version == "ffmpeg version 7.1"


def test_an_old_binary_is_refused(tmp_path: Path) -> None:
    old = program(tmp_path / "old", "echo ffmpeg version n4.4.2 Copyright")

    with pytest.raises(MatchcutError, match=r"too old. Name a working ffmpeg ≥ 6\.1 in MATCHCUT_FFMPEG"):
        find_ffmpeg(old)


def test_a_missing_binary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MatchcutError, match=r"nowhere cannot be run"):
        find_ffmpeg(tmp_path / "nowhere")


def test_a_time_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="time_limit_seconds must be positive, got 0"):
        Ffmpeg(Path("ffmpeg"), time_limit_seconds=0)
