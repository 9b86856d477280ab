"""Notices lists that a newer title has scores for, and requests their `top_k` again.

A new title's scores change the lists of older ones. Lists are cheap, and they are found or missed in the store
under the digest of what they should be made from, so that a title that failed never holds up the others.
"""

import json
from typing import Any

import dagster as dg

from matchcut_assets.candidate_page import stale_page_digest
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.stored_scores import OneLook, catalogue_pairs, is_scored
from matchcut_assets.top_k import list_key
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore
from resources.home import Home

LOOK_EVERY_SECONDS = 30
MAX_REQUESTS_PER_LOOK = 50


def stale_titles(catalogue: Catalogue, store: FeatureStore, pipeline: Pipeline) -> dict[str, str]:
    """Title to a digest of the lists it should have, for titles that lack one of them."""
    stale, look = {}, OneLook(store)
    for entry in catalogue.entries():
        if not is_scored(store, pipeline, entry):
            continue
        keys = [
            list_key(entry.title, features, catalogue_pairs(catalogue, look, features, entry.title))
            for features in pipeline.flavors
        ]
        if not all(store.has(key) for key in keys):
            stale[entry.title] = "-".join(f"{key.version}{key.digest[:12]}" for key in keys)
    return stale


def build(lists_job: Any, page_job: Any, pipeline: Pipeline, home: Home) -> dg.SensorDefinition:
    """The sensor `stale_lists`, running unless it is stopped in the UI; asset jobs have no public type."""

    @dg.sensor(
        name="stale_lists",
        jobs=[lists_job, page_job],
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests the lists of older titles again when a newer title has scores for them, and then the "
        "page that shows them.",
    )
    def stale_lists(context: dg.SensorEvaluationContext, catalogue: Catalogue, store: FeatureStore) -> dg.SensorResult:
        stale = stale_titles(catalogue, store, pipeline)
        before = json.loads(context.cursor or "{}")
        # A run that is still at work writes its own lists: only what was stale twice in a row is requested.
        wanted = [title for title, key in stale.items() if before.get(title) == key][:MAX_REQUESTS_PER_LOOK]
        requests = [
            dg.RunRequest(run_key=f"{title}:{stale[title]}", partition_key=title, job_name=lists_job.name)
            for title in wanted
        ]
        if not stale:
            digest = stale_page_digest(catalogue, store, pipeline, home)
            if digest:
                requests.append(dg.RunRequest(run_key=f"page:{digest}", job_name=page_job.name))
        skip = None if requests else f"{len(stale)} titles lack a current list"
        return dg.SensorResult(run_requests=requests, skip_reason=skip, cursor=json.dumps(stale))

    return stale_lists
