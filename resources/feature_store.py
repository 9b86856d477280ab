"""The feature store: nothing is computed twice.

A value is a folder of files under `features/<name>/<version>/<digest>/`: Parquet, NPZ, MP4 or JPEG files, readable
without this project, and `record.json`, which says how the value was made and holds the SHA-256 of each file.
Values are immutable. On a local disk a value appears whole by one rename; on an object store, which has none,
`record.json` is written last, and a folder without it is no value.
"""

import atexit
import errno
import hashlib
import json
import os
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import fsspec
from fsspec.implementations.local import LocalFileSystem
from pydantic import PrivateAttr

from matchcut.errors import FeatureStoreError, MissingFeatureError
from matchcut.feature import Feature

RECORD_NAME = "record.json"
STALE_SECONDS = 24 * 3600
"""Unfinished writes of another host are swept after a day; no stage of one title takes that long."""

Summary = dict[str, Any]


@dataclass(frozen=True)
class FeatureKey:
    """Names one value: what it was computed from, and how."""

    digest: str
    name: str
    version: str

    @property
    def path(self) -> str:
        """Where the value lies below the store's root."""
        return f"features/{self.name}/{self.version}/{self.digest}"


def key_of(digest: str, feature: Feature) -> FeatureKey:
    """The key of `feature` for the content with this digest."""
    return FeatureKey(digest, feature.name, feature.version)


def pair_digest(digest_a: str, digest_b: str) -> str:
    """What a pair of contents is keyed by; the order does not matter."""
    return "+".join(sorted((digest_a, digest_b)))


@dataclass(frozen=True)
class StoredFeature:
    """A value as it lies in the store.

    Attributes:
        key: its name.
        folder: a local folder with the value's files, read-only by agreement.
        seconds: what computing it cost.
        summary: what the stage said of it: counts and the like.
        computed: whether this call computed it; False means remembered.
    """

    key: FeatureKey
    folder: Path
    seconds: float
    summary: Mapping[str, Any]
    computed: bool


class FeatureStore(dg.ConfigurableResource):
    """Values by key on any fsspec root.

    Args:
        root: a folder, or any URL that fsspec opens.
        local_cache: where values of a remote root are kept while they are read; empty for a temporary folder.
    """

    root: str
    local_cache: str = ""

    _verified: set[str] = PrivateAttr(default_factory=set)
    _own_cache: str = PrivateAttr(default="")

    def has(self, key: FeatureKey) -> bool:
        """Whether a whole value is there; its checksums are not read."""
        with self._errors_named():
            return bool(self._fs.exists(f"{self._path(key)}/{RECORD_NAME}"))

    def digests(self, feature: Feature) -> set[str]:
        """Digests of all whole values of a feature, by one listing."""
        with self._errors_named():
            records = self._fs.glob(f"{self._base}/features/{feature.name}/{feature.version}/*/{RECORD_NAME}")
            return {record.rsplit("/", 2)[-2] for record in records}

    def get(self, key: FeatureKey) -> StoredFeature | None:
        """The value, checked against its checksums; None when it is not there or is damaged.

        A damaged value is removed, so that whoever asked computes it anew.
        """
        with self._errors_named():
            record = self._read_record(key)
            if record is None:
                return None
            folder = self._local_folder(key, record)
            if not self._is_intact(folder, record):
                dg.get_dagster_logger().warning(f"{key.path} is damaged and was removed; it will be computed again")
                self.delete(key)
                return None
            if self._is_local:
                with suppress(OSError):  # a store that is only read cannot be trimmed either
                    os.utime(folder / RECORD_NAME)  # `trim` removes what was not asked for longest
            return StoredFeature(key, folder, record["seconds"], record["summary"], computed=False)

    def require(self, digest: str, feature: Feature, title: str) -> StoredFeature:
        """The value, or a `MissingFeatureError` that says which asset to materialize."""
        stored = self.get(key_of(digest, feature))
        if stored is None:
            raise MissingFeatureError(
                f"{title}: the store holds no {feature.name} of version {feature.version} for this title. "
                f"Materialize the asset {feature.name} for {title} first."
            )
        return stored

    def get_or_compute(
        self, digest: str, feature: Feature, compute: Callable[[Path], Summary], *, force: bool = False
    ) -> StoredFeature:
        """The value from the store, or computed and stored.

        Args:
            digest: of the content that the feature is computed from.
            feature: how it is computed.
            compute: writes the value's files into the empty folder it is given and returns a summary of JSON
                values. When it raises, nothing is stored.
            force: compute even if the value is there, and replace it.

        Raises:
            FeatureStoreError: the store cannot be written.
        """
        key = key_of(digest, feature)
        stored = None if force else self.get(key)
        if stored is not None:
            return stored
        with self._errors_named(), self._scratch_folder() as scratch:
            start = time.perf_counter()
            summary = compute(scratch)
            seconds = time.perf_counter() - start
            record = {
                "digest": digest,
                **feature.recipe(),
                "version": feature.version,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(seconds, 3),
                "summary": summary,
                "files": {
                    path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)}
                    for path in sorted(scratch.iterdir())
                },
            }
            (scratch / RECORD_NAME).write_text(json.dumps(record, indent=1))
            if force:
                self.delete(key)
            self._publish(scratch, key)
            folder = self._local_folder(key, record)
        self._verified.add(str(folder))
        return StoredFeature(key, folder, seconds, summary, computed=True)

    def delete(self, key: FeatureKey) -> None:
        """Remove a value; no error when it is not there."""
        self._verified.discard(str(self._local_path(key)))
        path = self._path(key)
        if self._fs.exists(path):
            # The record goes first: without it a half-removed folder is no value.
            if self._fs.exists(f"{path}/{RECORD_NAME}"):
                self._fs.rm(f"{path}/{RECORD_NAME}")
            self._fs.rm(path, recursive=True)
        if not self._is_local:
            shutil.rmtree(self._local_path(key), ignore_errors=True)

    def trim(self, name: str, max_bytes: int, keep: Collection[FeatureKey] = ()) -> int:
        """Remove values of a feature, of any version, until they take no more than `max_bytes`; returns how many.

        Those that were not asked for longest go first. For what is cheap to compute again, and large.

        Args:
            name: of the feature.
            max_bytes: what may stay.
            keep: values that stay in any case.
        """
        kept = {key.path for key in keep}
        with self._errors_named():
            found = self._fs.find(f"{self._base}/features/{name}", detail=True)
            sizes: dict[str, int] = {}
            used: dict[str, float] = {}
            for path, info in found.items():
                folder, file = path.rsplit("/", 1)
                sizes[folder] = sizes.get(folder, 0) + info["size"]
                if file == RECORD_NAME:
                    used[folder] = _changed(info)
            total, removed = sum(sizes.values()), 0
            for folder in sorted(used, key=lambda folder: used[folder]):
                version, digest = folder.rsplit("/", 2)[1:]
                key = FeatureKey(digest, name, version)
                if total > max_bytes and key.path not in kept:
                    self.delete(key)
                    total -= sizes[folder]
                    removed += 1
        return removed

    def sweep(self) -> int:
        """Remove what interrupted writes left behind; returns how many. Running writes are left alone."""
        swept = 0
        if not self._is_local:
            return swept
        for folder in (Path(self._base) / "tmp").glob("*"):
            host, pid = folder.name.split(".")[:2]
            is_dead = host == _host() and not _is_running(int(pid))
            if is_dead or time.time() - folder.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
        return swept

    @property
    def _fs(self) -> Any:
        # Other processes write here too: a cached listing would be a lie.
        return fsspec.core.url_to_fs(self.root, use_listings_cache=False)[0]

    @property
    def _base(self) -> str:
        return str(fsspec.core.url_to_fs(self.root)[1])

    @property
    def _is_local(self) -> bool:
        return isinstance(self._fs, LocalFileSystem)

    def _path(self, key: FeatureKey) -> str:
        return f"{self._base}/{key.path}"

    def _local_path(self, key: FeatureKey) -> Path:
        return Path(self._path(key)) if self._is_local else self._cache() / key.path

    def _cache(self) -> Path:
        if self.local_cache:
            return Path(self.local_cache)
        if not self._own_cache:
            self._own_cache = tempfile.mkdtemp(prefix="matchcut-store-")
            atexit.register(shutil.rmtree, self._own_cache, ignore_errors=True)
        return Path(self._own_cache)

    def _read_record(self, key: FeatureKey) -> dict[str, Any] | None:
        try:
            record: dict[str, Any] = json.loads(self._fs.cat_file(f"{self._path(key)}/{RECORD_NAME}"))
        except FileNotFoundError:
            return None
        except ValueError:
            return {"files": {RECORD_NAME: {"bytes": -1, "sha256": ""}}, "seconds": 0.0, "summary": {}}
        return record

    def _local_folder(self, key: FeatureKey, record: Mapping[str, Any]) -> Path:
        folder = self._local_path(key)
        if not self._is_local and not all((folder / name).exists() for name in record["files"]):
            folder.mkdir(parents=True, exist_ok=True)
            for name in record["files"]:
                if self._fs.exists(f"{self._path(key)}/{name}"):
                    self._fs.get_file(f"{self._path(key)}/{name}", str(folder / name))
        return folder

    def _is_intact(self, folder: Path, record: Mapping[str, Any]) -> bool:
        """Checksums are read once a process: values are immutable, and a film's proxy is gigabytes."""
        if str(folder) not in self._verified:
            for name, file in record["files"].items():
                path = folder / name
                if not path.is_file() or path.stat().st_size != file["bytes"] or _sha256(path) != file["sha256"]:
                    return False
            self._verified.add(str(folder))
        return True

    @contextmanager
    def _scratch_folder(self) -> Iterator[Path]:
        parent = Path(self._base) / "tmp" if self._is_local else self._cache() / "tmp"
        scratch = parent / f"{_host()}.{os.getpid()}.{uuid.uuid4().hex}"
        scratch.mkdir(parents=True)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _publish(self, scratch: Path, key: FeatureKey) -> None:
        final = self._path(key)
        if not self._is_local:
            names = sorted(path.name for path in scratch.iterdir() if path.name != RECORD_NAME)
            for name in [*names, RECORD_NAME]:
                self._fs.put_file(str(scratch / name), f"{final}/{name}")
            return
        for path in scratch.iterdir():
            _flush(path)
        Path(final).parent.mkdir(parents=True, exist_ok=True)
        try:
            scratch.rename(final)
        except OSError as error:
            # Another run stored the same value meanwhile: theirs is as good as ours.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        _flush(Path(final).parent)

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Say in the user's words what the file system says in numbers."""
        try:
            yield
        except OSError as error:
            if error.errno == errno.ENOSPC or "No space left" in str(error):
                raise FeatureStoreError(
                    f"the disk of the feature store {self.root} is full. Free some space there, or choose another "
                    "folder with --home, and run again: what was stored is kept, and nothing half was left."
                ) from error
            if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
                raise FeatureStoreError(
                    f"the feature store {self.root} cannot be written ({error.strerror}). "
                    "Give this user the right to write there, or choose another folder with --home."
                ) from error
            raise


def _changed(info: Mapping[str, Any]) -> float:
    """When a file was last written, in seconds, as far as its file system tells."""
    when = info.get("mtime") or info.get("LastModified") or 0.0
    return when.timestamp() if isinstance(when, datetime) else float(when)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _host() -> str:
    return socket.gethostname().replace(".", "-")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
