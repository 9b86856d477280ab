"""The real graph on a home folder of a test's own: materialize titles, see what was computed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import dagster as dg

from matchcut_assets.definitions import LIST_CANDIDATES, MATCH_TITLE, SHOW_CANDIDATES, build_defs, build_resources
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.settings import Settings
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore
from resources.home import Home
from resources.media_library import MediaLibrary

DEFAULTS = Settings()


@dataclass
class Run:
    """What came of one run.

    Attributes:
        result: Dagster's.
        how: asset to "computed" or "remembered", for assets that were materialized.
        metadata: asset to the values of its metadata.
        failures: step to the reason that `dagster.Failure` gave.
    """

    result: dg.ExecuteInProcessResult
    how: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, dict[str, object]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def computed(self) -> set[str]:
        """Assets that were computed."""
        return {asset for asset, how in self.how.items() if how == "computed"}


@dataclass
class Graph:
    """A home folder and an instance."""

    home: Home
    instance: dg.DagsterInstance
    settings: Settings = DEFAULTS

    @property
    def defs(self) -> dg.Definitions:
        """Made anew each time, as a new process would."""
        return build_defs(self.home, self.settings)

    @property
    def pipeline(self) -> Pipeline:
        return Pipeline(self.settings)

    @property
    def store(self) -> FeatureStore:
        store = build_resources(self.settings, self.home)["store"]
        assert isinstance(store, FeatureStore)
        return store

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(root=self.store.root)

    @property
    def library(self) -> MediaLibrary:
        library = build_resources(self.settings, self.home)["library"]
        assert isinstance(library, MediaLibrary)
        return library

    def add(self, video: Path, name: str) -> Path:
        """Copy a video into the library."""
        path = self.home.library / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(video, path)
        return path

    def with_settings(self, **changes: object) -> "Graph":
        """The same home under other settings."""
        return replace(self, settings=replace(self.settings, **changes))  # type: ignore[arg-type]

    def match(self, title: str) -> Run:
        """The whole graph for one title."""
        self.instance.add_dynamic_partitions("titles", [title])
        return self._execute(MATCH_TITLE, title)

    def list_again(self, title: str) -> Run:
        """The lists of one title."""
        return self._execute(LIST_CANDIDATES, title)

    def show(self) -> Run:
        """The page."""
        return self._execute(SHOW_CANDIDATES, None)

    def _execute(self, job: str, title: str | None) -> Run:
        result = self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=title,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        run = Run(result)
        for event in result.all_events:
            if event.is_step_materialization:
                materialization = event.step_materialization_data.materialization
                asset = materialization.asset_key.to_user_string()
                values = {name: value.value for name, value in materialization.metadata.items()}
                run.metadata[asset] = values
                run.how[asset] = str(values.get("how", ""))
            if event.is_step_failure:
                data = event.step_failure_data
                error = data.error
                reason = data.user_failure_data.description if data.user_failure_data else None
                run.failures[str(event.step_key)] = reason or (error.to_string() if error else "")
        return run


@contextmanager
def graph_in(folder: Path, settings: Settings = DEFAULTS) -> Iterator[Graph]:
    """A new home below `folder`, with an instance that ends with the test."""
    home = Home(folder / "home")
    home.create()
    with dg.DagsterInstance.ephemeral() as instance:
        yield Graph(home, instance, settings)


def files_of(folder: Path) -> set[str]:
    """Paths of all files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
