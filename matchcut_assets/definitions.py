"""The only place where assets, resources, sensors, jobs and checks meet."""

import dagster as dg

from matchcut_assets import (
    candidate_page,
    deduplicated_shots,
    pair_scores,
    played_cuts,
    repeats,
    representations,
    shot_codes,
    shot_embeddings,
    shots,
    source_video,
    standardized_encode,
    standardized_sound,
    text_cards,
    timelines,
    top_k,
)
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.settings import Settings, load_settings
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore
from resources.home import Home
from resources.media_library import MediaLibrary
from resources.model_weights import ModelWeights
from resources.progress import Progress
from sensors import new_videos, nightly, stale_lists

MATCH_TITLE = "match_title"
LIST_CANDIDATES = "list_candidates"
SHOW_CANDIDATES = "show_candidates"


def build_assets(pipeline: Pipeline, home: Home) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """Every asset and check of the graph, the flavors' from their list."""
    return [
        source_video.build(pipeline),
        *standardized_encode.build(pipeline),
        standardized_sound.build(pipeline),
        *shots.build(pipeline),
        shot_embeddings.build(pipeline),
        text_cards.build(pipeline),
        shot_codes.build(pipeline),
        *repeats.build(pipeline),
        deduplicated_shots.build(pipeline),
        *(representations.build(pipeline, features) for features in pipeline.flavors),
        *(pair_scores.build(pipeline, features) for features in pipeline.flavors),
        *(each for features in pipeline.flavors for each in top_k.build(pipeline, features, home)),
        *played_cuts.build(pipeline),
        timelines.build(pipeline),
        candidate_page.build(pipeline, home),
    ]


def build_resources(settings: Settings, home: Home, *, on_terminal: bool = False) -> dict[str, object]:
    """The resources under these settings."""
    store_root = settings.store.root or str(home.store)
    return {
        "library": MediaLibrary(root=settings.library.root or str(home.library)),
        "store": FeatureStore(root=store_root),
        "catalogue": Catalogue(root=store_root),
        "weights": ModelWeights(),
        "progress": Progress(on_terminal=on_terminal),
    }


def list_keys(pipeline: Pipeline) -> list[list[str]]:
    """The assets of a title that are made again when a newer title changes its lists."""
    top = [features.top_k.name.split("/") for features in pipeline.flavors]
    return [*top, [played_cuts.KEY], [pipeline.timelines.name]]


def build_defs(home: Home, settings: Settings | None = None, *, on_terminal: bool = False) -> dg.Definitions:
    """Definitions for one home folder; tests and the command line build their own."""
    settings = settings or load_settings(home.settings_file)
    pipeline = Pipeline(settings)
    lists = [dg.AssetKey(key) for key in list_keys(pipeline)]
    page = dg.AssetSelection.assets(candidate_page.KEY)
    match_title = dg.define_asset_job(
        MATCH_TITLE,
        dg.AssetSelection.all() - page,
        description="A title from its file to its candidates. What is known already is remembered.",
    )
    list_candidates = dg.define_asset_job(
        LIST_CANDIDATES,
        dg.AssetSelection.assets(*lists),
        description="A title's lists again, from the stored scores of all titles, and what is made from them.",
    )
    show_candidates = dg.define_asset_job(
        SHOW_CANDIDATES, page, description="The page that shows the candidates of the whole library."
    )
    executors = {"in_process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor}
    return dg.Definitions(
        assets=[*build_assets(pipeline, home), shot_codes.model_spec()],
        jobs=[match_title, list_candidates, show_candidates],
        sensors=[
            new_videos.build(MATCH_TITLE, pipeline),
            stale_lists.build(list_candidates, show_candidates, pipeline, home),
        ],
        schedules=[nightly.build(MATCH_TITLE, pipeline)],
        resources=build_resources(settings, home, on_terminal=on_terminal),
        executor=executors[settings.dagster.executor],
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads: the graph on the home folder that the environment names."""
    return build_defs(Home.from_environment())
