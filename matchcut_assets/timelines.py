"""`timelines`: a title's candidates for editing programs, as OTIO, EDL, both FCP XMLs and CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import dagster as dg

from matchcut.cut_events import DEFAULT_SECONDS, CutEvent
from matchcut.feature import digest_of
from matchcut_assets.delivery import Candidates, Desk
from matchcut_assets.export import write_event_list
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import failures_named, materialized, remember
from matchcut_assets.specs import asset_arguments
from matchcut_assets.top_k import load_lists, stored_list_keys
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore, Summary
from resources.media_library import MediaLibrary
from resources.progress import Progress

STORED_FORMATS: tuple[Literal["otio", "edl", "fcpxml", "xmeml"], ...] = ("otio", "edl", "fcpxml", "xmeml")
"""AAF takes seconds and megabytes: `matchcut export` writes it when somebody asks."""


def write_title_timelines(events: Sequence[CutEvent], title: str, folder: Path) -> Summary:
    """Write every format into `folder`; the summary tells what a reader of the files has to know."""
    from matchcut.timelines import SUFFIXES, write_timelines

    notes: list[str] = []
    files = 0
    for format_ in STORED_FORMATS:
        written = write_timelines(events, folder / f"{title}{SUFFIXES[format_]}", format_, name=title)
        notes += [f"{format_}: {note}" for note in written.notes]
        files += len(written.files)
    write_event_list(events, folder / f"{title}.csv", "csv")
    return {"pairs": len(events), "timelines": files, "notes": notes}


def events_of_title(desk: Desk, lists: Candidates) -> tuple[list[CutEvent], str]:
    """A title's events, and a digest of the places of their original files."""
    events = desk.events(lists, DEFAULT_SECONDS)
    return events, digest_of(sorted({side.media.url for event in events for side in (event.a, event.b)}))


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """The asset."""

    @dg.asset(
        **asset_arguments(
            pipeline.timelines,
            group="delivery",
            kinds=("xml", "json"),
            deps=[features.top_k.name for features in pipeline.flavors],
            description="A timeline of the title's candidates for each editing program: pairs of clips that meet at "
            "the cut, with markers and handles, referring to the original files.",
        )
    )
    def timelines(
        context: dg.AssetExecutionContext,
        library: MediaLibrary,
        catalogue: Catalogue,
        store: FeatureStore,
        progress: Progress,
    ) -> dg.MaterializeResult:
        title = context.partition_key
        with failures_named(progress, title, pipeline.timelines.name):
            desk = Desk.of(library, store, pipeline, catalogue)
            keys = stored_list_keys(catalogue, store, pipeline, title)
            events, places = events_of_title(desk, load_lists(store, pipeline, title, keys))
        stored = remember(
            store,
            progress,
            title,
            digest_of([[key.path for key in keys], places]),
            pipeline.timelines,
            lambda folder, report: write_title_timelines(events, title, folder),
        )
        return materialized(stored)

    return timelines
