"""The body of every asset that stores one feature of one title, and the whole asset where it may read weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import dagster as dg

from matchcut.feature import Feature
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import failures_named, materialized, remember
from resources.catalogue import Catalogue, TitleEntry
from resources.feature_store import FeatureStore, StoredFeature, Summary
from resources.model_weights import ModelWeights
from resources.progress import Progress, ReportFraction


@dataclass(frozen=True)
class TitleStage:
    """The body of an asset that stores one feature of one title.

    Attributes:
        pipeline: versions and settings.
        feature: what is stored.
        compute: writes the feature's files into a folder and returns a summary; may report the fraction done.
        content_of: digest of what is read of a title.
    """

    pipeline: Pipeline
    feature: Feature
    compute: Callable[[TitleInputs, Path, ReportFraction], Summary]
    content_of: Callable[[TitleEntry], str] = attrgetter("digest")

    def materialize(
        self, context: dg.AssetExecutionContext, catalogue: Catalogue, store: FeatureStore, progress: Progress
    ) -> StoredFeature:
        """The feature of the partition's title, remembered or computed."""
        title = context.partition_key
        with failures_named(progress, title, self.feature.name):
            inputs = TitleInputs(store, self.pipeline, catalogue.require(title))
        return remember(
            store,
            progress,
            title,
            self.content_of(inputs.entry),
            self.feature,
            lambda folder, report: self.compute(inputs, folder, report),
        )


def asset_with_weights(
    pipeline: Pipeline,
    feature: Feature,
    compute: Callable[[TitleInputs, ModelWeights, Path], Summary],
    arguments: Mapping[str, Any],
    *,
    rows: str = "shots",
    content_of: Callable[[TitleEntry], str] = attrgetter("digest"),
) -> dg.AssetsDefinition:
    """The asset of a feature that is computed from a title's other features, by networks where they need weights.

    Args:
        pipeline: versions and settings.
        feature: what is stored.
        compute: writes the feature's files into a folder and returns a summary.
        arguments: of `dagster.asset`, by `asset_arguments`.
        rows: which number of the summary counts the rows.
        content_of: digest of what is read of a title.
    """

    @dg.asset(**arguments)
    def of_title(
        context: dg.AssetExecutionContext,
        catalogue: Catalogue,
        store: FeatureStore,
        weights: ModelWeights,
        progress: Progress,
    ) -> dg.MaterializeResult:
        stage = TitleStage(
            pipeline, feature, lambda inputs, folder, report: compute(inputs, weights, folder), content_of
        )
        stored = stage.materialize(context, catalogue, store, progress)
        return materialized(stored, {"dagster/row_count": stored.summary[rows]})

    return of_title
