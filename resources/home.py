"""Where everything is kept that this project writes: library, feature store, page and Dagster's instance.

One folder, `$MATCHCUT_HOME` or `.matchcut` in the working directory:

    library/       the videos, or links to them
    store/         the feature store and the catalogue of titles
    page/          the candidate page
    dagster/       Dagster's instance
    matchcut.toml  settings, optional
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from matchcut.errors import FeatureStoreError

HOME_VARIABLE = "MATCHCUT_HOME"
DEFAULT_HOME = ".matchcut"


@dataclass(frozen=True)
class Home:
    """The home folder.

    Attributes:
        path: absolute.
    """

    path: Path

    @classmethod
    def from_environment(cls, path: Path | None = None) -> "Home":
        """The given folder, else the one that the environment names, else the default."""
        return cls((path or Path(os.environ.get(HOME_VARIABLE, DEFAULT_HOME))).expanduser().absolute())

    @property
    def library(self) -> Path:
        """The default root of the media library."""
        return self.path / "library"

    @property
    def store(self) -> Path:
        """The default root of the feature store."""
        return self.path / "store"

    @property
    def page(self) -> Path:
        """The folder of the candidate page."""
        return self.path / "page"

    @property
    def dagster(self) -> Path:
        """Dagster's instance, `$DAGSTER_HOME`."""
        return self.path / "dagster"

    @property
    def settings_file(self) -> Path:
        """Settings; absent means the defaults."""
        return self.path / "matchcut.toml"

    def create(self) -> None:
        """Make the folders and Dagster's configuration where they are missing.

        Raises:
            FeatureStoreError: the folder cannot be written.
        """
        try:
            for folder in (self.library, self.store, self.dagster):
                folder.mkdir(parents=True, exist_ok=True)
            if not (self.dagster / "dagster.yaml").exists():
                shutil.copyfile(Path(__file__).with_name("dagster.yaml"), self.dagster / "dagster.yaml")
        except OSError as error:
            raise FeatureStoreError(
                f"{self.path}: the home folder cannot be written ({error.strerror}). "
                f"Choose another with --home or {HOME_VARIABLE}."
            ) from error


if __name__ == "__main__":
    Home.from_environment().create()
