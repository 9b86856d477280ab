"""The files beside the page: pictures, films and drawings, each under a name that another content does not have."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from matchcut.candidate_page.contents import Extras, TitleInfo
from matchcut.pictures import boxed_frames, encode_jpeg
from matchcut.proxy import Proxy
from matchcut.top_k import Candidate

PICTURES_NAME = "pictures"
PLAYED_NAME = "cuts"
OVERLAYS_NAME = "overlays"
PICTURE_ALGORITHM = "1"  # changes when the same frame gives another picture

_JPEG_QUALITY = 80


@dataclass(frozen=True)
class FilesBeside:
    """What lies beside the page.

    Attributes:
        folder: of the page.
        pictures: file names by (title, frame).
        played: of films, by (flavor, rank).
        cut_seconds: when B begins in these films.
        overlays: of drawings, by (flavor, rank, "a" or "b").
    """

    folder: Path
    pictures: Mapping[tuple[str, int], str]
    played: Mapping[tuple[str, int], str]
    cut_seconds: Mapping[tuple[str, int], float]
    overlays: Mapping[tuple[str, int, str], str]

    @classmethod
    def write(
        cls,
        folder: Path,
        candidates: Mapping[str, Sequence[Candidate]],
        titles: Mapping[str, TitleInfo],
        proxies: Mapping[str, Proxy],
        extras: Extras,
        *,
        picture_width: int,
    ) -> Self:
        """Write what is not there yet; see `write_page`.

        Raises:
            OSError: the folder cannot be written.
        """
        for name in (PICTURES_NAME, PLAYED_NAME, OVERLAYS_NAME):
            (folder / name).mkdir(parents=True, exist_ok=True)
        return cls(
            folder,
            _write_pictures(folder / PICTURES_NAME, candidates, titles, proxies, picture_width),
            _write_played(folder / PLAYED_NAME, extras),
            {place: film.cut_seconds for place, film in extras.played.items()},
            _write_overlays(folder / OVERLAYS_NAME, extras),
        )

    def remove_stale(self, keep_seconds: float) -> None:
        """Remove what the page does not show any more and what crashed writers left, where it is older."""
        _remove_stale(self.folder / PICTURES_NAME, set(self.pictures.values()), keep_seconds)
        _remove_stale(self.folder / PLAYED_NAME, set(self.played.values()), keep_seconds)
        _remove_stale(self.folder / OVERLAYS_NAME, set(self.overlays.values()), keep_seconds)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that its name never stands for half of it."""
    with _whole(path) as partial:
        partial.write_bytes(data)


def _write_pictures(
    folder: Path,
    candidates: Mapping[str, Sequence[Candidate]],
    titles: Mapping[str, TitleInfo],
    proxies: Mapping[str, Proxy],
    width: int,
) -> dict[tuple[str, int], str]:
    """Write the pictures that are not there yet; file names by (title, frame)."""
    names: dict[tuple[str, int], str] = {}
    for title, frames in sorted(_frames_by_title(candidates).items()):
        if title not in proxies:
            continue
        key = titles[title].picture_key if title in titles else ""
        here = {frame: _picture_name(title, key, frame, width) for frame in frames}
        missing = [frame for frame, name in here.items() if not (key and _touch(folder / name))]
        for frame, picture in boxed_frames(proxies[title], missing, width=width):
            write_whole(folder / here[frame], encode_jpeg(picture, _JPEG_QUALITY))
        names |= {(title, frame): name for frame, name in here.items()}
    return names


def _frames_by_title(candidates: Mapping[str, Sequence[Candidate]]) -> dict[str, list[int]]:
    """The frames to show of each title, ascending, each once."""
    wanted = {
        side
        for several in candidates.values()
        for each in several
        for side in ((each.title_a, each.frame_a), (each.title_b, each.frame_b))
    }
    frames: dict[str, list[int]] = {}
    for title, frame in sorted(wanted):
        frames.setdefault(title, []).append(frame)
    return frames


def _picture_name(title: str, key: str, frame: int, width: int) -> str:
    """A name that is safe whatever the title is called, and another one for another picture."""
    recipe = json.dumps([PICTURE_ALGORITHM, key or title, frame, width, _JPEG_QUALITY])
    return f"{_short_hash(recipe)}.jpg"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _write_played(folder: Path, extras: Extras) -> dict[tuple[str, int], str]:
    """Copy the films that are not there yet; file names by (flavor, rank)."""
    names = {place: f"{_short_hash(film.key)}.mp4" for place, film in extras.played.items()}
    for place, name in names.items():
        if not _touch(folder / name):
            with _whole(folder / name) as partial:
                shutil.copyfile(extras.played[place].path, partial)
    return names


def _write_overlays(folder: Path, extras: Extras) -> dict[tuple[str, int, str], str]:
    """Write the drawings that are not there yet; file names by (flavor, rank, side)."""
    names = {}
    for place, drawings in extras.overlays.items():
        for letter, drawing in zip("ab", drawings, strict=True):
            if drawing is None:
                continue
            name = names[(*place, letter)] = f"{_short_hash(drawing)}.svg"
            if not _touch(folder / name):
                write_whole(folder / name, drawing.encode())
    return names


def _touch(path: Path) -> bool:
    """Whether a file is there; if so it is young again, and no other writer removes it as stale."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Another name to write a file under, which becomes `path` once it is whole."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _remove_stale(folder: Path, shown: set[str], keep_seconds: float) -> None:
    newest_removed = time.time() - keep_seconds
    for pattern in ("*.jpg", "*.mp4", "*.svg", ".*.partial"):
        for path in folder.glob(pattern):
            if path.name not in shown and path.stat().st_mtime <= newest_removed:
                path.unlink(missing_ok=True)
