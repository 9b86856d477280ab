"""`candidate_page`: one static page for the whole library, which plays the best candidates as cuts."""

from pathlib import Path

import dagster as dg

import matchcut.candidate_page
from matchcut.candidate_page import PAGE_NAME
from matchcut.errors import MissingFeatureError
from matchcut.feature import digest_of
from matchcut.overlays import ALGORITHM as OVERLAYS
from matchcut_assets.delivery import Desk, Played, write_candidates_page
from matchcut_assets.pipeline import FlavorFeatures, Pipeline
from matchcut_assets.remember import failures_named
from matchcut_assets.specs import OWNERS
from matchcut_assets.stored_scores import OneLook, Shelf, TitlePair, catalogue_pairs, list_digest, rank_stored
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore
from resources.home import Home
from resources.media_library import MediaLibrary
from resources.progress import Progress, ReportFraction

KEY = "candidate_page"
CANDIDATES_PER_FLAVOR = 200
INPUTS_NAME = ".made-from"

FlavorPairs = list[tuple[FlavorFeatures, list[TitlePair]]]


def library_pairs(catalogue: Catalogue, store: FeatureStore, pipeline: Pipeline) -> FlavorPairs:
    """The stored pairs of the whole catalogue, for each flavor."""
    look = OneLook(store)
    return [(features, catalogue_pairs(catalogue, look, features)) for features in pipeline.flavors]


def page_digest(pipeline: Pipeline, pairs: FlavorPairs) -> str:
    """What the page is made from: the scores, how they are ranked, and what is played and drawn."""
    lists = [[features.top_k.version, list_digest(each)] for features, each in pairs]
    return digest_of([lists, page_version(pipeline), pipeline.settings.delivery.played_on_page])


def page_version(pipeline: Pipeline) -> str:
    """Changes with everything that the page is made by."""
    made_by = [features.top_k.version for features in pipeline.flavors]
    return digest_of([*made_by, matchcut.candidate_page.ALGORITHM, OVERLAYS, pipeline.played_cut.version])[:16]


def stale_page_digest(catalogue: Catalogue, store: FeatureStore, pipeline: Pipeline, home: Home) -> str | None:
    """What the page should be made from, None when it is; None also when there is nothing to show yet."""
    pairs = library_pairs(catalogue, store, pipeline)
    digest = page_digest(pipeline, pairs)
    return None if _is_made_from(home.page, digest) or not any(each for _, each in pairs) else digest


def _is_made_from(folder: Path, digest: str) -> bool:
    inputs = folder / INPUTS_NAME
    return inputs.exists() and inputs.read_text() == digest and (folder / PAGE_NAME).exists()


def show_library(
    desk: Desk, pairs: FlavorPairs, folder: Path, library: str, report: ReportFraction
) -> tuple[int, Played]:
    """Write the page into `folder`; returns how many candidates it shows, and what was played."""
    shelf = Shelf(desk.store, desk.pipeline)
    candidates = {
        features.flavor.name: rank_stored(shelf, features, each, k=CANDIDATES_PER_FLAVOR) for features, each in pairs
    }
    titles = sorted({entry.title for _, each in pairs for pair in each for entry in (pair.a, pair.b)})
    num_played = desk.pipeline.settings.delivery.played_on_page
    played = write_candidates_page(
        desk, candidates, folder, library=library, titles=titles, num_played=num_played, report=report
    )
    (folder / INPUTS_NAME).write_text(page_digest(desk.pipeline, pairs))
    return sum(len(each) for each in candidates.values()), played


def build(pipeline: Pipeline, home: Home) -> dg.AssetsDefinition:
    """The asset. It is not partitioned: there is one page per library."""

    @dg.asset(
        key=KEY,
        group_name="delivery",
        kinds={"html"},
        owners=OWNERS,
        description="The page that an editor opens: the best candidates of the whole library, played as cuts, with "
        "timecodes, scores and what matches. A folder that needs no server.",
        code_version=page_version(pipeline),
        deps=[dg.AssetKey(features.top_k.name.split("/")) for features in pipeline.flavors],
    )
    def candidate_page(
        library: MediaLibrary, catalogue: Catalogue, store: FeatureStore, progress: Progress
    ) -> dg.MaterializeResult:
        with failures_named(progress, "library", KEY):
            pairs = library_pairs(catalogue, store, pipeline)
            if not any(each for _, each in pairs):
                raise MissingFeatureError("no title was matched yet. Materialize the titles' assets first.")
            digest = page_digest(pipeline, pairs)
            is_new = not _is_made_from(home.page, digest)
            shown: dict[str, int] = {}
            if is_new:
                desk = Desk.of(library, store, pipeline, catalogue)
                with progress.stage("library", KEY) as report:
                    candidates, played = show_library(desk, pairs, home.page, str(home.library), report)
                shown = {"candidates": candidates, "played": len(played.stored), "not_playable": len(played.refused)}
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
