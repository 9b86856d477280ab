"""Slugs are stable and unique, nothing is copied, and odd names are no trouble."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchcut.errors import BadVideoError, MatchcutError, SourceChangedError
from resources.media_library import MAX_SLUG_LENGTH, SLUG_PATTERN, MediaLibrary, title_slug


@pytest.fixture
def library(tmp_path: Path) -> MediaLibrary:
    (tmp_path / "library").mkdir()
    return MediaLibrary(root=str(tmp_path / "library"))


def put(library: MediaLibrary, name: str, content: bytes = b"film") -> Path:
    path = Path(library.root) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("heat.mp4", "heat"),
        ("Big Buck Bunny.mov", "big-buck-bunny"),
        ("Überfälle im März.mkv", "uberfalle-im-marz"),
        ("season 1/episode_02.mp4", "season-1__episode_02"),
        ("../../etc/passwd.mp4", "4a32a6ae__4a32a6ae__etc__passwd"),
    ],
)
def test_slugs_read_like_the_path(path: str, slug: str) -> None:
    assert re.sub(r"^[0-9a-f]{8}__[0-9a-f]{8}", "4a32a6ae__4a32a6ae", title_slug(path)) == slug


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_any_path_gives_a_valid_partition_key(name: str) -> None:
    slug = title_slug(name + ".mp4")
    assert SLUG_PATTERN.fullmatch(slug)
    assert len(slug) <= MAX_SLUG_LENGTH


def test_only_videos_are_listed(library: MediaLibrary) -> None:
    for name in ("b.MP4", "a/c.mkv", "notes.txt", ".hidden.mp4", ".trash/d.mp4", "e.mp4.part"):
        put(library, name)
    assert [video.path for video in library.look().videos] == ["a/c.mkv", "b.MP4"]


def test_of_two_files_with_one_slug_the_second_is_refused_and_both_are_named(library: MediaLibrary) -> None:
    put(library, "a b.mp4")
    put(library, "a-b.mp4")
    listing = library.look()
    assert [video.path for video in listing.videos] == ["a b.mp4"]
    assert listing.refusals[0].path == "a-b.mp4"
    assert "Rename one of them" in listing.refusals[0].reason


def test_a_known_title_keeps_its_slug_when_a_rival_arrives(library: MediaLibrary) -> None:
    put(library, "a b.mp4")
    put(library, "a-b.mp4")
    assert [video.path for video in library.look([("a-b", "a-b.mp4")]).videos] == ["a-b.mp4"]


def test_touching_or_writing_a_file_changes_its_fingerprint(library: MediaLibrary) -> None:
    path = put(library, "heat.mp4")
    before = library.find("heat").fingerprint
    path.write_bytes(b"another film")
    assert library.find("heat").fingerprint != before


def test_ingesting_links_and_copies_nothing(library: MediaLibrary, tmp_path: Path) -> None:
    original = tmp_path / "Föhn im März.mp4"
    original.write_bytes(b"film")
    assert library.ingest([original]) == ["Föhn im März.mp4"]
    assert library.ingest([original]) == ["Föhn im März.mp4"]
    assert (Path(library.root) / "Föhn im März.mp4").resolve() == original.resolve()
    with library.local_file(library.find("fohn-im-marz")) as path:
        assert path == original.resolve()


def test_a_folder_keeps_the_paths_below_it(library: MediaLibrary, tmp_path: Path) -> None:
    for card in ("A001", "A002"):
        (tmp_path / "cards" / card).mkdir(parents=True)
        (tmp_path / "cards" / card / "clip1.mov").write_bytes(card.encode())
    library.ingest([tmp_path / "cards"])
    assert sorted(library.look().by_title()) == ["cards__a001__clip1", "cards__a002__clip1"]


def test_two_different_files_of_one_name_are_not_mixed_up(library: MediaLibrary, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").write_bytes(folder.encode())
    library.ingest([tmp_path / "one" / "clip.mp4"])
    with pytest.raises(MatchcutError, match=re.escape("the library has another video named 'clip.mp4'")):
        library.ingest([tmp_path / "two" / "clip.mp4"])


def test_a_link_whose_target_is_gone_can_be_replaced(library: MediaLibrary, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").write_bytes(folder.encode())
    library.ingest([tmp_path / "one" / "clip.mp4"])
    (tmp_path / "one" / "clip.mp4").unlink()
    assert library.look().videos == ()
    assert library.ingest([tmp_path / "two" / "clip.mp4"]) == ["clip.mp4"]


def test_a_file_inside_the_library_is_used_as_it_is(library: MediaLibrary) -> None:
    path = put(library, "sub/heat.mp4")
    assert library.ingest([path]) == ["sub/heat.mp4"]
    assert library.ingest([Path(library.root)]) == ["sub/heat.mp4"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("nowhere.mp4", "there is no such file or folder"), ("notes.txt", "does not end like a video's")],
)
def test_what_cannot_be_ingested_says_why(library: MediaLibrary, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "notes.txt").write_text("no film")
    with pytest.raises((MatchcutError, BadVideoError), match=message):
        library.ingest([tmp_path / name])


def test_an_empty_folder_says_so(library: MediaLibrary, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MatchcutError, match="the folder holds no video"):
        library.ingest([tmp_path / "empty"])


def test_a_vanished_file_is_named(library: MediaLibrary) -> None:
    path = put(library, "heat.mp4")
    video = library.find("heat")
    path.unlink()
    with pytest.raises(SourceChangedError, match="vanished from the library"), library.local_file(video):
        pass


def test_a_missing_library_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MatchcutError, match=re.escape("does not exist. Create it")):
        MediaLibrary(root=str(tmp_path / "nowhere")).look()


def test_a_library_on_an_object_store_is_read_through_a_copy() -> None:
    import fsspec

    fsspec.filesystem("memory").pipe_file("/films/a/heat.mp4", b"film")
    library = MediaLibrary(root="memory://films")
    video = library.find("a__heat")
    with library.local_file(video) as path:
        assert path.read_bytes() == b"film"
        assert path.name == "heat.mp4"
    assert not path.exists()


def test_the_original_of_a_link_is_the_file_that_it_leads_to(library: MediaLibrary, tmp_path: Path) -> None:
    outside = tmp_path / "rushes" / "A 001.mov"
    outside.parent.mkdir()
    outside.write_bytes(b"film")
    (name,) = library.ingest([outside])
    assert library.original(name) == outside
    assert MediaLibrary(root="memory://films").original("heat.mp4") == "memory://films/heat.mp4"
