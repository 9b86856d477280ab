"""`candidate_page`: one static page for the whole library, which shows the best candidates side by side."""

from pathlib import Path

import dagster as dg

from matchcut.candidate_page import PAGE_NAME, FlavorInfo, TitleInfo, write_page
from matchcut.errors import MissingFeatureError
from matchcut.feature import digest_of
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import FlavorFeatures, Pipeline
from matchcut_assets.remember import failures_named
from matchcut_assets.specs import OWNERS
from matchcut_assets.stored_scores import TitlePair, catalogue_pairs, list_digest, rank_stored
from resources.catalogue import Catalogue, TitleEntry
from resources.feature_store import FeatureStore
from resources.home import Home
from resources.progress import Progress

KEY = "candidate_page"
CANDIDATES_PER_FLAVOR = 200
INPUTS_NAME = ".made-from"

FlavorPairs = list[tuple[FlavorFeatures, list[TitlePair]]]


def library_pairs(catalogue: Catalogue, store: FeatureStore, pipeline: Pipeline) -> FlavorPairs:
    """The stored pairs of the whole catalogue, for each flavor."""
    return [(features, catalogue_pairs(catalogue, store, features)) for features in pipeline.flavors]


def page_digest(pairs: FlavorPairs) -> str:
    """What the page is made from: the scores, and how they are ranked."""
    return digest_of([[features.top_k.version, list_digest(each)] for features, each in pairs])


def stale_page_digest(catalogue: Catalogue, store: FeatureStore, pipeline: Pipeline, home: Home) -> str | None:
    """What the page should be made from, None when it is; None also when there is nothing to show yet."""
    pairs = library_pairs(catalogue, store, pipeline)
    digest = page_digest(pairs)
    return None if _is_made_from(home.page, digest) or not any(each for _, each in pairs) else digest


def _is_made_from(folder: Path, digest: str) -> bool:
    inputs = folder / INPUTS_NAME
    return inputs.exists() and inputs.read_text() == digest and (folder / PAGE_NAME).exists()


def show_library(store: FeatureStore, pipeline: Pipeline, pairs: FlavorPairs, folder: Path, library: str) -> int:
    """Write the page into `folder`; returns how many candidates it shows."""
    candidates = {
        features.flavor.name: rank_stored(store, pipeline, features, each, k=CANDIDATES_PER_FLAVOR)
        for features, each in pairs
    }
    entries = {entry.title: entry for _, each in pairs for pair in each for entry in (pair.a, pair.b)}
    write_page(
        folder,
        candidates,
        flavors=[_flavor_info(features) for features, _ in pairs],
        titles={title: _title_info(pipeline, entry) for title, entry in entries.items()},
        proxies={title: TitleInputs(store, pipeline, entry).proxy for title, entry in entries.items()},
        library=library,
    )
    (folder / INPUTS_NAME).write_text(page_digest(pairs))
    return sum(len(each) for each in candidates.values())


def _flavor_info(features: FlavorFeatures) -> FlavorInfo:
    flavor = features.flavor
    return FlavorInfo(flavor.name, flavor.title, flavor.summary, flavor.cues)


def _title_info(pipeline: Pipeline, entry: TitleEntry) -> TitleInfo:
    return TitleInfo(entry.title, entry.path, f"{entry.digest}-{pipeline.standardized_encode.version}")


def build(pipeline: Pipeline, home: Home) -> dg.AssetsDefinition:
    """The asset. It is not partitioned: there is one page per library."""

    @dg.asset(
        key=KEY,
        group_name="delivery",
        kinds={"html"},
        owners=OWNERS,
        description="The page that an editor opens: the best candidates of the whole library side by side, with "
        "timecodes, scores and what matches. A folder that needs no server.",
        code_version=digest_of([features.top_k.version for features in pipeline.flavors])[:16],
        deps=[dg.AssetKey(features.top_k.name.split("/")) for features in pipeline.flavors],
    )
    def candidate_page(catalogue: Catalogue, store: FeatureStore, progress: Progress) -> dg.MaterializeResult:
        with failures_named(progress, "library", KEY):
            pairs = library_pairs(catalogue, store, pipeline)
            if not any(each for _, each in pairs):
                raise MissingFeatureError("no title was matched yet. Materialize the titles' assets first.")
            digest = page_digest(pairs)
            is_new = not _is_made_from(home.page, digest)
            shown = {"candidates": show_library(store, pipeline, pairs, home.page, str(home.library))} if is_new else {}
        progress.finished("library", KEY, "computed" if is_new else "remembered")
        page = home.page / PAGE_NAME
        return dg.MaterializeResult(
            data_version=dg.DataVersion(digest[:32]),
            metadata={
                "how": "computed" if is_new else "remembered",
                **shown,
                "page": dg.MetadataValue.url(page.as_uri()),
                "path": dg.MetadataValue.path(str(page)),
            },
        )

    return candidate_page
