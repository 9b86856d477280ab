import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from resources import sample_films
from resources.registry_files import FetchError, Package, RegistryFile, fetch, is_right, read_manifest
from resources.sample_films import (
    MANIFEST,
    SampleShot,
    SampleTitle,
    encode_title,
    make_sample_titles,
    recipe_path,
    sample_titles,
    title_frames,
)
from tests.clips import Shot, make_clip, read_frame_number

SOURCE_SIZE = (160, 96)
WHOLE = (0, 0, *SOURCE_SIZE)


def title_of(*shots: SampleShot, **fields) -> SampleTitle:
    given = {"codec": "hevc", "frame_rate": Fraction(25), "size": (160, 112), "picture": SOURCE_SIZE, **fields}
    return SampleTitle("test", "test.mkv", shots=shots, **given)


def shot(at: int = 0, frames: int = 10, **fields) -> SampleShot:
    return SampleShot("numbered", at, frames, **{"crop": WHOLE, **fields})


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dict[str, Path]:
    """Forty frames at 25 per second that carry their numbers."""
    path = tmp_path_factory.mktemp("sources") / "numbered.mp4"
    make_clip(path, [Shot(40, seed=1)], size=SOURCE_SIZE)
    return {"numbered": path}


def picture(frame: np.ndarray) -> np.ndarray:
    """Without the bars of 8 lines."""
    return frame[8:-8]


def numbers(title: SampleTitle, sources: dict[str, Path]) -> list[int]:
    return [read_frame_number(picture(frame)) for frame in title_frames(title, sources)]


def decoded(path: Path) -> list[np.ndarray]:
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_shots_show_the_source_frames_that_the_recipe_names(sources):
    assert numbers(title_of(shot(3, 4), shot(20, 3)), sources) == [3, 4, 5, 6, 20, 21, 22]


def test_slow_motion_repeats_frames_and_another_rate_picks_them(sources):
    assert numbers(title_of(shot(10, 6, speed=0.5)), sources) == [10, 10, 11, 11, 12, 12]
    assert numbers(title_of(shot(0, 4), frame_rate=Fraction(50)), sources) == [0, 0, 1, 1]
    assert numbers(title_of(shot(0, 4), frame_rate=Fraction(10)), sources) == [0, 2, 5, 7]


def test_a_dissolve_overlaps_two_shots_and_mixes_them(sources):
    title = title_of(shot(0, 10), shot(20, 10, dissolve=4))
    frames = [picture(frame).astype(int) for frame in title_frames(title, sources)]
    alone = [picture(frame).astype(int) for frame in title_frames(title_of(shot(0, 30)), sources)]
    assert len(frames) == 16
    assert title.ranges() == [(0, 6), (6, 16)]
    np.testing.assert_allclose(frames[6], 0.8 * alone[6] + 0.2 * alone[20], atol=0.5001)
    np.testing.assert_array_equal(frames[5], alone[5])
    np.testing.assert_array_equal(frames[10], alone[24])


def test_a_fade_goes_through_black(sources):
    title = title_of(shot(0, 10), shot(20, 10, fade=4))
    brightness = np.array([frame.mean() for frame in title_frames(title, sources)])
    assert title.ranges() == [(0, 10), (10, 20)]
    assert brightness[[9, 10]].tolist() == [0, 0]
    assert (np.diff(brightness[6:10]) < 0).all()
    assert (np.diff(brightness[10:15]) > 0).all()


def test_a_mirrored_shot_shows_the_crop_the_other_way_round(sources):
    part = (40, 16, 80, 48)
    (frame,) = title_frames(title_of(shot(5, 1, crop=part)), sources)
    (mirrored,) = title_frames(title_of(shot(5, 1, crop=part, mirror=True)), sources)
    np.testing.assert_array_equal(mirrored, frame[:, ::-1])


def test_a_night_is_darker_and_bluer(sources):
    (day,) = title_frames(title_of(shot(5, 1)), sources)
    (night,) = title_frames(title_of(shot(5, 1, look="night")), sources)
    ratio = night.sum(axis=(0, 1)) / day.sum(axis=(0, 1))
    np.testing.assert_allclose(ratio, [0.42, 0.55, 0.85], atol=0.01)


@pytest.mark.parametrize(("codec", "suffix"), [("hevc", ".mkv"), ("vp9", ".webm")])
def test_a_title_is_encoded_frame_by_frame_and_twice_the_same(sources, tmp_path, codec, suffix):
    title = title_of(shot(3, 12), shot(20, 12), codec=codec)
    once, twice = tmp_path / f"once{suffix}", tmp_path / f"twice{suffix}"
    encode_title(title, sources, once)
    encode_title(title, sources, twice)
    assert once.read_bytes() == twice.read_bytes()
    frames = decoded(once)
    assert [read_frame_number(picture(frame)) for frame in frames] == [*range(3, 15), *range(20, 32)]
    assert all(frame[:6].max() < 24 for frame in frames)


def test_a_shot_past_the_end_of_its_source_is_refused(sources, tmp_path):
    with pytest.raises(
        ValueError, match=re.escape("numbered.mp4: a shot asks for frame 40, the source ends before it")
    ):
        encode_title(title_of(shot(35, 10)), sources, tmp_path / "test.mkv")


def test_a_crop_outside_its_source_is_refused(sources):
    with pytest.raises(ValueError, match=re.escape("shot.crop = (10, 0, 160, 96) leaves the source's 160x96")):
        list(title_frames(title_of(shot(crop=(10, 0, 160, 96))), sources))


def test_an_encoder_that_fails_is_told_with_what_it_said(sources, tmp_path):
    with pytest.raises(FetchError, match=r"(?s)test\.mkv: ffmpeg could not encode it.*nowhere"):
        encode_title(title_of(shot(0, 40)), sources, tmp_path / "nowhere" / "test.mkv")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dissolve": 4, "fade": 4}, "begins with a dissolve or with a fade, not with both"),
        ({"look": "sepia"}, "has the look 'sepia', there are ['', 'night']"),
    ],
)
def test_nonsense_in_a_recipe_is_refused(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        shot(**fields)


# --- the manifest ---


def test_the_manifest_describes_three_titles_of_different_kinds():
    titles = sample_titles()
    assert [title.file for title in titles] == ["big-buck-bunny-trailer.mp4", "walkers.mkv", "street.webm"]
    built = titles[1:]
    assert len({title.size for title in built} | {title.codec for title in built}) == 4
    assert all(15 < title.ranges()[-1][1] / title.frame_rate < 60 for title in built)
    files = read_manifest(MANIFEST)
    assert {name for title in titles for name in title.sources()} == set(files)


def test_each_built_title_has_one_dissolve_one_fade_and_set_ups_that_come_back():
    for title in sample_titles()[1:]:
        assert sum(shot.dissolve > 0 for shot in title.shots) == 1
        assert sum(shot.fade > 0 for shot in title.shots) == 1
        setups = [(shot.source, shot.crop, shot.mirror) for shot in title.shots]
        assert len(set(setups)) < len(setups)


def test_the_picture_is_centred_and_crops_keep_its_shape():
    for title in sample_titles()[1:]:
        assert all((outer - inner) % 2 == 0 for outer, inner in zip(title.size, title.picture, strict=True))
        for shot_ in title.shots:
            assert shot_.crop[2] / shot_.crop[3] == pytest.approx(title.picture[0] / title.picture[1], rel=0.01)


# --- the folder ---


@pytest.fixture
def demo(sources, tmp_path, monkeypatch):
    """A cache that holds a source and a manifest that names it; nothing needs to be downloaded."""
    content = sources["numbered"].read_bytes()
    package = Package("tiny-films", "1.0", "0" * 64, "wheel", 1)
    digest = sample_films.hashlib.sha256(content).hexdigest()
    file = RegistryFile("numbered", package, "films/numbered.mp4", digest, len(content), "CC0", "a test")
    cache = tmp_path / "cache"
    file.path_in(cache / "sample_films").parent.mkdir(parents=True)
    file.path_in(cache / "sample_films").write_bytes(content)
    monkeypatch.setattr(sample_films, "read_manifest", lambda path: {"numbered": file})
    titles = (SampleTitle("as-is", "as-is.mp4", copy="numbered"), title_of(shot(0, 8), shot(20, 8, dissolve=4)))
    return cache, titles


def make(demo, out: Path) -> list[str]:
    cache, titles = demo
    said: list[str] = []
    assert make_sample_titles(out, cache, titles, said.append) == [out / title.file for title in titles]
    return said


def test_titles_are_made_once_and_what_exists_is_left_alone(demo, tmp_path):
    said = make(demo, tmp_path / "library")
    assert said[1:] == ["as-is.mp4: made", "test.mkv: cutting 2 shots together", "test.mkv: made"]
    (tmp_path / "library" / "test.mkv").write_bytes(b"an editor's own")
    assert make(demo, tmp_path / "library") == ["as-is.mp4: already there", "test.mkv: already there"]
    assert (tmp_path / "library" / "test.mkv").read_bytes() == b"an editor's own"
    assert "test.mkv: cutting 2 shots together" not in make(demo, tmp_path / "another")


def test_the_folder_holds_the_videos_and_says_that_they_are_samples(demo, tmp_path):
    make(demo, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"as-is.mp4", "test.mkv", "README.txt", "cache"}
    readme = (tmp_path / "README.txt").read_text(encoding="utf-8")
    assert "These are samples" in readme
    assert "numbered.mp4 of tiny-films 1.0\n    CC0" in readme


def test_what_was_cut_from_where_is_kept_beside_the_sources(demo, tmp_path):
    make(demo, tmp_path)
    cache, (_, title) = demo
    record = json.loads(recipe_path(title, cache).read_text())
    assert record["frame_rate"] == "25"
    assert [(s["start_frame"], s["stop_frame"], s["source"], s["at"]) for s in record["shots"]] == [
        (0, 4, "numbered", 0),
        (4, 12, "numbered", 20),
    ]


def test_another_recipe_is_another_file_in_the_cache(demo):
    cache, (_, title) = demo
    other = replace(title, shots=(shot(0, 9), *title.shots[1:]))
    assert recipe_path(other, cache) != recipe_path(title, cache)
    assert recipe_path(replace(title), cache) == recipe_path(title, cache)


def test_a_folder_that_cannot_be_written_is_told(demo, tmp_path):
    cache, titles = demo
    (tmp_path / "out").write_text("a file")
    with pytest.raises(FetchError, match=re.escape(f"{tmp_path / 'out'}: the sample films cannot be written")):
        make_sample_titles(tmp_path / "out", cache, titles, lambda line: None)


def test_the_command_needs_one_folder(capsys):
    assert sample_films.main([]) == 2
    assert sample_films.main(["--help"]) == 2
    assert "usage: python -m resources.sample_films FOLDER" in capsys.readouterr().err


def test_the_command_says_what_failed_and_ends_with_1(monkeypatch, capsys, tmp_path):
    def refuse(*arguments, **keywords):
        raise FetchError("no connection")

    monkeypatch.setattr(sample_films, "fetch", refuse)
    assert sample_films.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == "no connection\n"


@pytest.mark.slow
def test_the_fetched_sources_hold_every_frame_that_the_titles_ask_for():
    folder = sample_films.default_cache() / sample_films.FOLDER
    files = read_manifest(MANIFEST)
    if not all(is_right(file, file.path_in(folder)) for file in files.values()):
        pytest.skip("the sample films were not fetched: run `make demo`")
    paths = dict(zip(files, fetch(files.values(), folder, lambda line: None), strict=True))
    for title in sample_titles()[1:]:
        assert sum(1 for _ in title_frames(title, paths)) == title.ranges()[-1][1]
