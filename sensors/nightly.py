"""Looks once a night for videos that were not matched yet, for who prefers that to the sensor.

Stopped until it is switched on in the UI. A schedule has no cursor, so it looks twice within one evaluation: a
file that changes meanwhile is left for the next night.
"""

import time
from collections.abc import Iterator

import dagster as dg

from matchcut_assets.partitions import titles
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.stored_scores import is_scored
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore
from resources.media_library import MediaLibrary

SECONDS_BETWEEN_LOOKS = 5.0


def build(job_name: str, pipeline: Pipeline) -> dg.ScheduleDefinition:
    """The schedule `nightly`, at two in the morning."""

    @dg.schedule(
        name="nightly",
        job_name=job_name,
        cron_schedule="0 2 * * *",
        description="Every night at two: a run for each video of the library that was not matched yet.",
    )
    def nightly(
        context: dg.ScheduleEvaluationContext,
        library: MediaLibrary,
        catalogue: Catalogue,
        store: FeatureStore,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        entries = {entry.title: entry for entry in catalogue.entries()}
        known = [(entry.title, entry.path) for entry in entries.values()]
        first = set(library.look(known).videos)
        time.sleep(SECONDS_BETWEEN_LOOKS)
        listing = library.look(known)
        for refusal in listing.refusals:
            context.log.warning(refusal.reason)
        wanted = []
        for video in listing.videos:
            entry = entries.get(video.title)
            is_current = entry is not None and entry.fingerprint == video.fingerprint
            if video in first and not (is_current and entry and is_scored(store, pipeline, entry)):
                wanted.append(video)
        if not wanted:
            yield dg.SkipReason(f"{len(listing.videos)} videos, nothing new")
            return
        context.instance.add_dynamic_partitions(titles.name or "", [video.title for video in wanted])
        night = context.scheduled_execution_time.date().isoformat()
        for video in wanted:
            yield dg.RunRequest(run_key=f"{video.title}:{video.fingerprint}:{night}", partition_key=video.title)

    return nightly
