"""Weight files that no package carries: fetched on request from where their makers publish them.

Their makers publish only the beginning of the SHA-256, as a part of the file's name, and that is what is checked. It
tells damage and mix-ups, not malice; such a file is therefore read as tensors alone (`weights_only=True`).
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resources.registry_files import FetchError, Say, sha256_at


@dataclass(frozen=True)
class Download:
    """One file behind a URL.

    Attributes:
        name: what the project calls it.
        url: where its makers publish it.
        sha256: how its SHA-256 begins, at least 8 hex digits.
        licence: under which it may be used, and where that is said.
        purpose: what the project uses it for.
    """

    name: str
    url: str
    sha256: str
    licence: str
    purpose: str

    def path_in(self, folder: Path) -> Path:
        """Where the file lies in a folder of the cache: its name with the URL's suffix."""
        return folder / (self.name + PurePosixPath(self.url).suffix)

    def is_right(self, path: Path) -> bool:
        """Whether the file at `path` is there and begins to hash as named."""
        return (sha256_at(path) or "").startswith(self.sha256)


def read_downloads(manifest: Path) -> dict[str, Download]:
    """The downloads that a manifest names, by name."""
    content = tomllib.loads(manifest.read_text(encoding="utf-8"))
    return {name: Download(name=name, **fields) for name, fields in content["downloads"].items()}


def fetch_download(download: Download, folder: Path, say: Say = print) -> Path:
    """Bring a file into a folder, whole or not at all; one that is there and right stays as it is.

    Raises:
        FetchError: it cannot be downloaded, or is not what the manifest names.
    """
    path = download.path_in(folder)
    if download.is_right(path):
        say(f"{download.name}: already there")
        return path
    import torch.hub

    say(f"fetching {download.url}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(download.url, str(path), hash_prefix=download.sha256, progress=False)
    except (OSError, RuntimeError) as error:
        raise FetchError(
            f"{download.name}: {download.url} could not be fetched ({error}). Run the command again when this machine "
            f"is online, or bring the file from elsewhere and lay it at {path}."
        ) from error
    say(f"{download.name}: fetched")
    return path
