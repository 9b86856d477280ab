"""`<flavor>/top_k`: a title's best candidates, from the stored scores of all titles."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import numpy as np

from matchcut.candidate_page import PAGE_NAME
from matchcut.cue_words import labels
from matchcut.pictures import CONTACT_SHEET_BYTES, encode_jpeg, side_by_side
from matchcut.top_k import RANKING_CUES, Candidate, candidates_to_arrow, load_candidates, save_candidates
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import FlavorFeatures, Pipeline
from matchcut_assets.remember import PICTURE_NAME, failures_named, materialized, remember
from matchcut_assets.specs import asset_arguments, check_of_title
from matchcut_assets.stored_scores import (
    OneLook,
    Shelf,
    TitlePair,
    catalogue_pairs,
    list_digest,
    pairs_of,
    rank_stored,
    represented,
)
from resources.catalogue import Catalogue
from resources.feature_store import FeatureKey, FeatureStore, Summary, key_of
from resources.home import Home
from resources.progress import Progress

PICTURED_CANDIDATES = 5
TABLED_CANDIDATES = 10


def list_key(title: str, features: FlavorFeatures, pairs: list[TitlePair]) -> FeatureKey:
    """Where the list of a title lies that was made from these scores."""
    return key_of(list_digest(pairs, title), features.top_k)


def stored_list_keys(catalogue: Catalogue, store: FeatureStore, pipeline: Pipeline, title: str) -> list[FeatureKey]:
    """Where a title's lists of all flavors lie, from the scores that are stored now."""
    look = OneLook(store)
    return [
        list_key(title, features, catalogue_pairs(catalogue, look, features, title)) for features in pipeline.flavors
    ]


def load_lists(
    store: FeatureStore, pipeline: Pipeline, title: str, keys: Sequence[FeatureKey]
) -> dict[str, list[Candidate]]:
    """A title's lists by flavor.

    Args:
        store: where they are.
        pipeline: versions.
        title: named in errors.
        keys: as `stored_list_keys` gives them.

    Raises:
        MissingFeatureError: one is not there.
    """
    return {
        features.flavor.name: load_candidates(store.require(key.digest, features.top_k, title).folder)
        for features, key in zip(pipeline.flavors, keys, strict=True)
    }


def list_best(
    store: FeatureStore, pipeline: Pipeline, features: FlavorFeatures, pairs: list[TitlePair], folder: Path
) -> Summary:
    """Write the best candidates of the given pairs of titles, and pictures of the first, into `folder`."""
    candidates = rank_stored(Shelf(store, pipeline), features, pairs, k=pipeline.settings.top_k.k)
    save_candidates(candidates, folder)
    entries = {entry.title: entry for pair in pairs for entry in (pair.a, pair.b)}
    pictures = [
        side_by_side(
            TitleInputs(store, pipeline, entries[each.title_a]).proxy,
            each.frame_a,
            TitleInputs(store, pipeline, entries[each.title_b]).proxy,
            each.frame_b,
        )
        for each in candidates[:PICTURED_CANDIDATES]
    ]
    if pictures:
        (folder / PICTURE_NAME).write_bytes(encode_jpeg(np.concatenate(pictures), max_bytes=CONTACT_SHEET_BYTES))
    return {"candidates": len(candidates), "title_pairs": len(pairs)}


def best_as_table(candidates: list[Candidate]) -> dg.MetadataValue:
    """The first candidates as a table in the Dagster UI."""
    best = candidates_to_arrow(candidates[:TABLED_CANDIDATES]).drop_columns("flavor")
    schema = dg.TableSchema([dg.TableColumn(field.name, str(field.type)) for field in best.schema])
    return dg.MetadataValue.table([dg.TableRecord(row) for row in best.to_pylist()], schema=schema)


def build(
    pipeline: Pipeline, features: FlavorFeatures, home: Home
) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The asset of one flavor, and the check that it has seen the whole catalogue."""
    flavor = features.flavor

    @dg.asset(
        **asset_arguments(
            features.top_k,
            group=flavor.name,
            kinds=("parquet",),
            deps=tuple(feature.name for feature in features.top_k.made_from),
            description="A row is a candidate: a cut from a frame of one shot to a frame of another, ranked. "
            "Near-duplicates are gone; what is no surprise, short, soft or doubtful, or repeats a better candidate, is "
            "demoted; what other flavors agree with is not. No shot is used more than a few times.",
            columns={
                "rank": ("int64", "1 is the best"),
                "score": ("float64", "after demotion, higher is better"),
                "title_a, shot_a, frame_a, timecode_a": ("", "where the cut leaves: the last frame that is shown"),
                "title_b, shot_b, frame_b, timecode_b": ("", "where it goes: the first frame that is shown"),
                **{name: ("float64", label) for name, label in labels({**flavor.cues, **RANKING_CUES}).items()},
            },
        )
    )
    def top_k(
        context: dg.AssetExecutionContext, catalogue: Catalogue, store: FeatureStore, progress: Progress
    ) -> dg.MaterializeResult:
        title = context.partition_key
        with failures_named(progress, title, features.top_k.name):
            entry = catalogue.require(title)
            pairs = catalogue_pairs(catalogue, store, features, title)
            store.require(TitlePair.of(entry, entry, features).key.digest, features.pair_scores, title)
        stored = remember(
            store,
            progress,
            title,
            list_digest(pairs, title),
            features.top_k,
            lambda folder, report: list_best(store, pipeline, features, pairs, folder),
        )
        candidates = load_candidates(stored.folder)
        page = dg.MetadataValue.url((home.page / PAGE_NAME).as_uri())
        return materialized(
            stored, {"dagster/row_count": len(candidates), "best": best_as_table(candidates), "page": page}
        )

    @check_of_title(
        top_k,
        "The list has seen the scores against every title that is represented. Dagster itself says "
        "nothing true of this beyond 100 titles.",
    )
    def covers_catalogue(
        context: dg.AssetCheckExecutionContext, catalogue: Catalogue, store: FeatureStore
    ) -> dg.AssetCheckResult:
        entry = catalogue.require(context.partition_key)
        present = represented(store, features, catalogue.entries())
        unscored = [pair for pair in pairs_of(entry, present, features) if not store.has(pair.key)]
        current = catalogue_pairs(catalogue, store, features, entry.title)
        is_current = store.has(list_key(entry.title, features, current))
        return dg.AssetCheckResult(
            passed=is_current and not unscored,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "is_current": is_current,
                "titles_not_scored_yet": sorted(
                    {entry.title for pair in unscored for entry in (pair.a, pair.b)} - {entry.title}
                ),
            },
        )

    return [top_k, covers_catalogue]
