"""Which titles there are and what each holds: one small JSON file per title beside the features.

The catalogue is the only thing in the store that changes: it points from a title's name to the digest of its
content. Everything else is found from that digest.
"""

import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import dagster as dg
import fsspec
from fsspec.implementations.local import LocalFileSystem

from matchcut.errors import MissingFeatureError
from matchcut.feature import digest_of
from matchcut.source_video import SourceVideo


@dataclass(frozen=True)
class TitleEntry:
    """A title of the catalogue.

    Attributes:
        title: its partition key.
        path: of the video, below the library's root.
        fingerprint: of the file when its digest was taken; what the sensors compare.
        source: what was read from the file, with the digest of its content.
    """

    title: str
    path: str
    fingerprint: str
    source: SourceVideo

    @property
    def digest(self) -> str:
        """Identity of the content."""
        return self.source.digest

    @property
    def sound_digest(self) -> str:
        """Identity of the content with its sound: another one for another dub."""
        return digest_of([self.source.digest, self.source.sound_hash])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "source": self.source.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**value, "source": SourceVideo.from_json(value["source"])})


class Catalogue(dg.ConfigurableResource):
    """The titles on any fsspec root.

    Args:
        root: the feature store's root.
    """

    root: str

    def get(self, title: str) -> TitleEntry | None:
        """The title's entry, None when its `source_video` was never materialized."""
        try:
            return TitleEntry.from_json(json.loads(self._fs.cat_file(self._path(title))))
        except FileNotFoundError:
            return None

    def require(self, title: str) -> TitleEntry:
        """The title's entry, or a `MissingFeatureError` that says what to materialize."""
        entry = self.get(title)
        if entry is None:
            raise MissingFeatureError(
                f"{title}: the catalogue does not know this title. Materialize the asset source_video for it first."
            )
        return entry

    def entries(self) -> list[TitleEntry]:
        """All titles, by name."""
        folder = f"{self._base}/titles"
        if not self._fs.exists(folder):
            return []
        names = (path.rsplit("/", 1)[-1] for path in self._fs.ls(folder, detail=False))
        found = (self.get(name.removesuffix(".json")) for name in sorted(names) if name.endswith(".json"))
        return [entry for entry in found if entry is not None]

    def put(self, entry: TitleEntry) -> None:
        """Write or replace a title's entry, whole."""
        path, content = self._path(entry.title), json.dumps(entry.to_json(), indent=1).encode()
        if not isinstance(self._fs, LocalFileSystem):
            self._fs.pipe_file(path, content)
            return
        self._fs.makedirs(f"{self._base}/titles", exist_ok=True)
        temporary = f"{path}.{uuid.uuid4().hex}.tmp"
        try:
            self._fs.pipe_file(temporary, content)
            Path(temporary).replace(path)
        finally:
            if self._fs.exists(temporary):
                self._fs.rm(temporary)

    def remove(self, title: str) -> None:
        """Forget a title; its features stay and are found again when the content comes back."""
        if self._fs.exists(self._path(title)):
            self._fs.rm(self._path(title))

    @property
    def _fs(self) -> Any:
        return fsspec.core.url_to_fs(self.root, use_listings_cache=False)[0]

    @property
    def _base(self) -> str:
        return str(fsspec.core.url_to_fs(self.root)[1])

    def _path(self, title: str) -> str:
        return f"{self._base}/titles/{title}.json"
