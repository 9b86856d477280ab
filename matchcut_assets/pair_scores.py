"""`<flavor>/pair_scores`: a title's shots against its own and those of every other title that is there.

Write the representation first, list the catalogue after: of two titles that arrive together at least one sees
the other, so no pair is lost. Nothing about older titles is recomputed.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import dagster as dg

from matchcut.cue_words import labels
from matchcut.feature import digest_of
from matchcut.pair_scores import score_pairs
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import FlavorFeatures, Pipeline
from matchcut_assets.remember import failures_named, how_metadata, outcome_of
from matchcut_assets.specs import asset_arguments
from matchcut_assets.stored_scores import TitlePair, pairs_of, represented
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore, StoredFeature, Summary
from resources.progress import Progress

SCORE_COLUMNS = {
    "out_side": ("string", "title that is cut away from: a or b, in the order of the digests"),
    "shot_out": ("int64", "shot that is cut away from"),
    "frame_out": ("int64", "last frame that is shown of it"),
    "shot_in": ("int64", "shot that is cut to"),
    "frame_in": ("int64", "first frame that is shown of it"),
    "score": ("float32", "higher is better, 0 to 1"),
}


def score_pair(
    store: FeatureStore, pipeline: Pipeline, features: FlavorFeatures, pair: TitlePair, folder: Path
) -> Summary:
    """Write the scores of one pair of titles into `folder`."""
    a, b = (TitleInputs(store, pipeline, entry).representation(features) for entry in (pair.a, pair.b))
    scores = score_pairs(features.flavor, a, b, same_title=pair.is_one_title, parameters=pipeline.settings.pair_scores)
    scores.save(folder)
    return {"pairs_scored": scores.num_pairs, "pairs_stored": len(scores)}


def score_title(
    store: FeatureStore,
    progress: Progress,
    pipeline: Pipeline,
    features: FlavorFeatures,
    title: str,
    pairs: Sequence[TitlePair],
) -> list[StoredFeature]:
    """The scores of each pair of titles, computed or remembered; progress is told once for the title."""
    name = features.pair_scores.name
    stored: list[StoredFeature] = []
    with failures_named(progress, title, name), progress.stage(title, name) as report:
        for pair in pairs:
            compute = partial(score_pair, store, pipeline, features, pair)
            stored.append(store.get_or_compute(pair.key.digest, features.pair_scores, compute))
            report(len(stored) / len(pairs))
    progress.finished(title, name, outcome_of(stored, {"titles": len(pairs), "pairs_scored": total(stored, "scored")}))
    return stored


def total(stored: Sequence[StoredFeature], what: Literal["scored", "stored"]) -> int:
    """Pairs of shots that were scored or stored, over all pairs of titles."""
    return sum(each.summary[f"pairs_{what}"] for each in stored)


def build(pipeline: Pipeline, features: FlavorFeatures) -> dg.AssetsDefinition:
    """The asset of one flavor."""
    flavor = features.flavor

    @dg.asset(
        **asset_arguments(
            features.pair_scores,
            group=flavor.name,
            kinds=("parquet",),
            deps=(features.representation.name,),
            description="A row is a scored cut from one shot to another, of this title or of any title that was there: "
            "every pair is compared, the best are scored in full at the frames that cut best, and the best partners of "
            "each shot are stored with their cues.",
            columns={**SCORE_COLUMNS, **{name: ("float32", label) for name, label in labels(flavor.cues).items()}},
        )
    )
    def pair_scores(
        context: dg.AssetExecutionContext, catalogue: Catalogue, store: FeatureStore, progress: Progress
    ) -> dg.MaterializeResult:
        title = context.partition_key
        with failures_named(progress, title, features.pair_scores.name):
            entry = catalogue.require(title)
            store.require(features.content_of(entry), features.representation, title)
        pairs = pairs_of(entry, represented(store, features, catalogue.entries()), features)
        stored = score_title(store, progress, pipeline, features, title, pairs)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(digest_of(sorted(pair.key.path for pair in pairs))[:32]),
            metadata={
                **how_metadata(stored),
                "pairs_scored": total(stored, "scored"),
                "dagster/row_count": total(stored, "stored"),
                "titles_compared": [pair.b.title if pair.a.title == title else pair.a.title for pair in pairs],
                "titles_computed": sum(each.computed for each in stored),
                "version": features.pair_scores.version,
            },
        )

    return pair_scores
