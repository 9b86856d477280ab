"""The folder of videos: what is in it, what each file is called as a title, and a local copy to read.

Nothing here opens a video. Files are compared by size, time and etag; what they hold is found out by
`source_video`, the first asset of a run.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import dagster as dg
import fsspec
from fsspec.implementations.local import LocalFileSystem
from slugify import slugify

from matchcut.errors import BadVideoError, MatchcutError, SourceChangedError

VIDEO_SUFFIXES = frozenset(
    [
        ".3gp",
        ".asf",
        ".avi",
        ".dv",
        ".f4v",
        ".flv",
        ".gxf",
        ".m2ts",
        ".m2v",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpe",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".ogm",
        ".ogv",
        ".qt",
        ".rm",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
        ".y4m",
    ]
)
SLUG_PATTERN = re.compile(r"[a-z0-9_-]+")
MAX_SLUG_LENGTH = 120


@dataclass(frozen=True)
class LibraryVideo:
    """A video file of the library.

    Attributes:
        title: its partition key.
        path: below the library's root, with forward slashes.
        fingerprint: changes when the file's size, time or etag changes.
    """

    title: str
    path: str
    fingerprint: str


@dataclass(frozen=True)
class Refusal:
    """A file that cannot be a title, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class LibraryListing:
    """One look at the library: the videos by path, and the files that were refused."""

    videos: tuple[LibraryVideo, ...]
    refusals: tuple[Refusal, ...]

    def by_title(self) -> dict[str, LibraryVideo]:
        """The videos by partition key."""
        return {video.title: video for video in self.videos}


def title_slug(path: str) -> str:
    """The partition key of a video: its path without the suffix, folders joined by `__`.

    Always matches `[a-z0-9_-]+`; depends on the path alone, so it is the same on every machine. Letters are
    transliterated ("Überfälle" gives "uberfalle"); a name with nothing to transliterate gets a hash of itself.
    """
    parts = PurePosixPath(path).with_suffix("").parts
    slugs = [slugify(part, regex_pattern=r"[^a-z0-9_-]+") or _short_hash(part) for part in parts]
    slug = "__".join(slugs)
    if len(slug) <= MAX_SLUG_LENGTH:
        return slug
    return f"{slug[: MAX_SLUG_LENGTH - 9]}-{_short_hash(path)}"


class MediaLibrary(dg.ConfigurableResource):
    """Videos below any fsspec root.

    Args:
        root: a folder, or any URL that fsspec opens.
    """

    root: str

    def look(self, known: Sequence[tuple[str, str]] = ()) -> LibraryListing:
        """List the videos.

        Args:
            known: (title, path) pairs that exist already: of two files with one slug the known one keeps it.

        Raises:
            MatchcutError: the library is not there.
        """
        owners = dict(known)
        files = [file for file in self._files() if _is_video(file[0])]
        files.sort(key=lambda file: (owners.get(title_slug(file[0])) != file[0], file[0]))
        videos: dict[str, LibraryVideo] = {}
        refusals = []
        for path, fingerprint in files:
            title = title_slug(path)
            if title in videos:
                reason = (
                    f"{path!r} and {videos[title].path!r} both make the title {title!r}. "
                    f"Rename one of them; until then only {videos[title].path!r} is used."
                )
                refusals.append(Refusal(path, reason))
            else:
                videos[title] = LibraryVideo(title, path, fingerprint)
        return LibraryListing(tuple(sorted(videos.values(), key=lambda video: video.path)), tuple(refusals))

    def find(self, title: str, known_path: str | None = None) -> LibraryVideo:
        """The video of a title.

        Raises:
            SourceChangedError: the library has no such video (any more).
        """
        listing = self.look([(title, known_path)] if known_path else [])
        video = listing.by_title().get(title)
        if video is None:
            raise SourceChangedError(
                f"{title}: the library {self.root} has no video of this title (any more). Put the file back, "
                "or remove the partition if it is gone for good."
            )
        return video

    def original(self, path: str) -> Path | str:
        """Where a video really lies: the file that a link leads to, or the URL in a remote library.

        Args:
            path: below the library's root; the file need not be there any more.
        """
        if isinstance(self._fs, LocalFileSystem):
            return (Path(self._base) / path).resolve()
        return f"{self.root.rstrip('/')}/{path}"

    @contextmanager
    def local_file(self, video: LibraryVideo) -> Iterator[Path]:
        """A local path with the video's bytes: the file itself, or a copy that is removed afterwards.

        Raises:
            SourceChangedError: the file vanished.
        """
        if isinstance(self._fs, LocalFileSystem):
            path = Path(self._base) / video.path
            if not path.exists():
                raise self._vanished(video)
            yield path.resolve()
            return
        with tempfile.TemporaryDirectory(prefix="matchcut-source-") as folder:
            path = Path(folder) / PurePosixPath(video.path).name
            try:
                self._fs.get_file(f"{self._base}/{video.path}", str(path))
            except FileNotFoundError as error:
                raise self._vanished(video) from error
            yield path

    def ingest(self, paths: Sequence[Path]) -> list[str]:
        """Put files and folders into the library as links, so that nothing is copied or moved.

        Args:
            paths: video files, or folders whose videos are taken with their paths below the folder's name.

        Returns:
            The paths below the library's root.

        Raises:
            MatchcutError: a path does not exist, holds no video, or its name is taken by another file.
        """
        if not isinstance(self._fs, LocalFileSystem):
            raise MatchcutError(f"the library {self.root} is no local folder: upload the videos there instead")
        base = Path(self._base).resolve()
        base.mkdir(parents=True, exist_ok=True)
        return [self._link(base, source, name) for path in paths for source, name in _videos_below(path, base)]

    def _link(self, base: Path, source: Path, name: str) -> str:
        if source.is_relative_to(base):
            return source.relative_to(base).as_posix()
        link = base / name
        if link.is_symlink() and link.resolve() == source:
            return name
        if link.is_symlink() and not link.exists():
            link.unlink()
        if link.exists():
            raise MatchcutError(
                f"{source}: the library has another video named {name!r} (from {link.resolve()}). "
                "Rename one of them, or pass the folder that holds both: paths below it are kept apart."
            )
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source)
        return name

    def _files(self) -> list[tuple[str, str]]:
        """(path below the root, fingerprint) of every file that is still there."""
        if not self._fs.exists(self._base):
            raise MatchcutError(
                f"the library {self.root} does not exist. Create it and put videos into it, "
                "or name another one in [library] root of matchcut.toml."
            )
        found = self._fs.find(self._base, detail=True)
        files = ((path[len(self._base) :].lstrip("/"), self._fingerprint(path, info)) for path, info in found.items())
        return [(path, fingerprint) for path, fingerprint in files if fingerprint is not None]

    def _fingerprint(self, path: str, info: dict[str, Any]) -> str | None:
        if isinstance(self._fs, LocalFileSystem):
            try:
                stat = Path(path).stat()
            except FileNotFoundError:
                return None
            return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"
        marks = [info.get(name) for name in ("size", "mtime", "LastModified", "created", "ETag", "etag", "md5Hash")]
        return _short_hash(repr(marks))

    def _vanished(self, video: LibraryVideo) -> SourceChangedError:
        return SourceChangedError(
            f"{video.title}: {video.path!r} vanished from the library {self.root} during the run. "
            "Put it back and run again; everything that was computed is remembered."
        )

    @property
    def _fs(self) -> Any:
        return fsspec.core.url_to_fs(self.root, use_listings_cache=False)[0]

    @property
    def _base(self) -> str:
        return str(fsspec.core.url_to_fs(self.root)[1]).rstrip("/")


def _is_video(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return PurePosixPath(path).suffix.lower() in VIDEO_SUFFIXES and not any(part.startswith(".") for part in parts)


def _videos_below(path: Path, base: Path) -> list[tuple[Path, str]]:
    """(real file, path in the library) of every video that `path` names."""
    if not path.exists():
        raise MatchcutError(f"{path}: there is no such file or folder. Check the path.")
    if path.is_file():
        if not _is_video(path.name):
            raise BadVideoError(
                f"{path}: the name does not end like a video's ({', '.join(sorted(VIDEO_SUFFIXES))}). "
                "Rename it if it is one."
            )
        # A link in the library stays the library's name for the file.
        inside = path.absolute()
        return [(inside if inside.is_relative_to(base) else path.resolve(), path.name)]
    folder = path.resolve()
    files = sorted(
        file for file in folder.rglob("*") if file.is_file() and _is_video(file.relative_to(folder).as_posix())
    )
    if not files:
        raise MatchcutError(f"{path}: the folder holds no video. Name a folder with videos, or a video file.")
    if folder.is_relative_to(base):
        return [(file, file.name) for file in files]
    return [(file.resolve(), f"{folder.name}/{file.relative_to(folder).as_posix()}") for file in files]


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
