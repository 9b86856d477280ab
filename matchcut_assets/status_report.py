"""What is known of each title, and what it cost or saved."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import dagster as dg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from matchcut.feature import Feature
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.stored_scores import TitlePair, catalogue_pairs
from matchcut_assets.top_k import list_key
from resources.catalogue import Catalogue, TitleEntry
from resources.feature_store import FeatureKey, FeatureStore, key_of
from resources.media_library import MediaLibrary

MAX_EVENTS = 1000


@dataclass(frozen=True)
class StageStatus:
    """One stage of one title.

    Attributes:
        title: its partition key; path: of its file.
        stage: the asset.
        version: of the present code and settings.
        is_stored: whether its value of this version is in the store.
        cost_seconds: what computing it took, in all runs that Dagster remembers.
        saved_seconds: what remembering it spared, in the same runs.
        is_in_library: whether the title's file is still there.
    """

    title: str
    path: str
    stage: str
    version: str
    is_stored: bool
    cost_seconds: float
    saved_seconds: float
    is_in_library: bool


def stages(
    store: FeatureStore,
    pipeline: Pipeline,
    catalogue: Catalogue,
    library: MediaLibrary,
    instance: dg.DagsterInstance,
) -> list[StageStatus]:
    """Every stage of every title, in the order of the graph; of a file that was never read only the first."""
    entries = catalogue.entries()
    videos = library.look([(entry.title, entry.path) for entry in entries]).videos
    paths = {video.path for video in videos}
    features = [
        *pipeline.of_one_title,
        *(each for flavor in pipeline.flavors for each in (flavor.pair_scores, flavor.top_k)),
    ]
    spent = {feature.name: _seconds_by_title(instance, feature) for feature in features}
    rows = []
    for entry in entries:
        for feature in features:
            cost, saved = spent[feature.name].get(entry.title, (0.0, 0.0))
            rows.append(
                StageStatus(
                    title=entry.title,
                    path=entry.path,
                    stage=feature.name,
                    version=feature.version,
                    is_stored=all(store.has(key) for key in _keys(store, pipeline, catalogue, entry, feature)),
                    cost_seconds=round(cost, 2),
                    saved_seconds=round(saved, 2),
                    is_in_library=entry.path in paths,
                )
            )
    known = {entry.title for entry in entries}
    unread = [video for video in videos if video.title not in known]
    first = pipeline.source_video
    rows += [
        StageStatus(video.title, video.path, first.name, first.version, False, 0.0, 0.0, is_in_library=True)
        for video in unread
    ]
    return rows


def _keys(
    store: FeatureStore, pipeline: Pipeline, catalogue: Catalogue, entry: TitleEntry, feature: Feature
) -> list[FeatureKey]:
    for features in pipeline.flavors:
        if feature in (features.pair_scores, features.top_k):
            pairs = catalogue_pairs(catalogue, store, features, entry.title)
            if feature == features.top_k:
                return [list_key(entry.title, features, pairs)]
            return [pair.key for pair in pairs] or [TitlePair.of(entry, entry, features).key]
        if feature == features.representation:
            return [key_of(features.content_of(entry), feature)]
    return [key_of(entry.sound_digest if feature == pipeline.standardized_sound else entry.digest, feature)]


def _seconds_by_title(instance: dg.DagsterInstance, feature: Feature) -> dict[str, tuple[float, float]]:
    """Title to (seconds spent, seconds saved), from the materializations that Dagster recorded."""
    key = dg.AssetKey(feature.name.split("/"))
    totals: dict[str, tuple[float, float]] = {}
    for record in instance.fetch_materializations(key, limit=MAX_EVENTS).records:
        event = record.asset_materialization
        if event is not None and event.partition is not None:
            spent, saved = totals.get(event.partition, (0.0, 0.0))
            totals[event.partition] = (
                spent + _number(event.metadata.get("seconds_spent")),
                saved + _number(event.metadata.get("seconds_saved")),
            )
    return totals


def _number(value: dg.MetadataValue | None) -> float:
    return float(value.value) if isinstance(value, dg.FloatMetadataValue | dg.IntMetadataValue) and value.value else 0.0


def show(rows: Sequence[StageStatus], *, as_json: bool) -> None:
    """Print the report: a table for people, or JSON."""
    if as_json:
        json.dump([asdict(row) for row in rows], sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    console = Console(width=None if sys.stdout.isatty() else 140)
    if not rows:
        console.print("no title was matched yet. Give it videos first: matchcut run PATH...")
        return
    console.print(_table(rows))
    cost, saved = sum(row.cost_seconds for row in rows), sum(row.saved_seconds for row in rows)
    num_titles = len({row.title for row in rows})
    console.print(f"\n{num_titles} titles; {cost:.1f} s spent computing, {saved:.1f} s saved by remembering")


def _table(rows: Sequence[StageStatus]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("title", "stage", "version", "in store", "cost", "saved"):
        table.add_column(heading, justify="right" if heading in ("cost", "saved") else "left")
    previous = None
    for row in rows:
        name = row.title if row.is_in_library else f"{row.title} (file is gone)"
        table.add_row(
            Text(name if row.title != previous else ""),
            Text(row.stage),
            Text(row.version),
            Text("yes" if row.is_stored else "no"),
            Text(f"{row.cost_seconds:.1f} s"),
            Text(f"{row.saved_seconds:.1f} s"),
        )
        previous = row.title
    return table
