"""Pretrained weights, found in a cache by name and checked by hash.

    python -m resources.model_weights [--objects]

`model_weights.toml` names every file. The command (a part of `make setup`) fetches them, those of the extra `objects`
when it is asked to; during a run a file is there and right, or the error says which command to run. Nothing is
downloaded during a run.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import dagster as dg

from matchcut.errors import MatchcutError, MissingWeightsError
from resources.model_downloads import fetch_download, read_downloads
from resources.registry_files import RegistryFile, default_cache, fetch, file_named, is_right, read_manifest

MANIFEST = Path(__file__).with_name("model_weights.toml")
FOLDER = "weights"
FETCH_COMMAND = "`make setup` or `python -m resources.model_weights`"
FETCH_OBJECTS_COMMAND = "`python -m resources.model_weights --objects`"


class ModelWeights(dg.ConfigurableResource):
    """The weights in the cache.

    Args:
        cache: the cache's root; empty for `$MATCHCUT_CACHE` or the user's cache folder.
    """

    cache: str = ""

    @property
    def folder(self) -> Path:
        """Where the weight files lie."""
        return (Path(self.cache).expanduser().absolute() if self.cache else default_cache()) / FOLDER

    def path(self, name: str) -> Path:
        """The checked file of the given name. Its hash is computed once per process.

        Raises:
            MissingWeightsError: the file is not there, or is not the one that the manifest names.
            ValueError: the manifest has no such name.
        """
        download = read_downloads(MANIFEST).get(name)
        if download is not None:
            path = download.path_in(self.folder)
            if not download.is_right(path):
                raise MissingWeightsError(
                    f"{path} is not there, or is not the file that the manifest names for {name!r} (its SHA-256 begins "
                    f"with {download.sha256}). Run {FETCH_OBJECTS_COMMAND} once, online."
                )
            return path
        file = weights_named(name)
        path = file.path_in(self.folder)
        if is_right(file, path):
            return path
        if path.exists():
            raise MissingWeightsError(
                f"{path} is not the file that the manifest names for {name!r} (another size or SHA-256 than "
                f"{file.size_bytes} bytes, {file.sha256}). Remove it and run {FETCH_COMMAND}."
            )
        raise MissingWeightsError(f"The weights {name!r} are not at {path}. Run {FETCH_COMMAND} once, online.")

    def paths(self, names: Iterable[str]) -> dict[str, Path]:
        """The checked files of the given names; errors as in `path`."""
        return {name: self.path(name) for name in names}


def weights_named(name: str) -> RegistryFile:
    """What the manifest says of a file.

    Raises:
        ValueError: the manifest has no such name.
    """
    return file_named(read_manifest(MANIFEST), name, MANIFEST)


def sha256_of(name: str) -> str:
    """The hash of a weight file as the manifest names it; the file need not be there.

    It has 64 hex digits, or as many as are published of a download's.

    Raises:
        ValueError: the manifest has no such name.
    """
    download = read_downloads(MANIFEST).get(name)
    return download.sha256 if download is not None else weights_named(name).sha256


def main(arguments: Sequence[str] = ()) -> int:
    """Fetch what is missing into the cache; 0 when all is there."""
    parser = argparse.ArgumentParser(description="Fetch the model weights into the cache.")
    parser.add_argument("--objects", action="store_true", help="also those that find animals and objects")
    with_objects = parser.parse_args(arguments).objects
    folder = ModelWeights().folder
    try:
        fetch(read_manifest(MANIFEST).values(), folder, say=_say)
        if with_objects:
            for download in read_downloads(MANIFEST).values():
                fetch_download(download, folder, say=_say)
    except MatchcutError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _say(line: str) -> None:
    print(f"weights: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
