"""`played_cuts`: the best candidates of a title as films: the end of A, then the beginning of B."""

from collections.abc import Sequence

import dagster as dg

from matchcut.cut_events import CutEvent
from matchcut.feature import digest_of
from matchcut.played_cut import PLAYED_NAME
from matchcut_assets.delivery import Desk, Played, Player, best_of
from matchcut_assets.partitions import titles
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import failures_named, how_metadata, outcome_of
from matchcut_assets.specs import OWNERS, check_of_title
from matchcut_assets.top_k import load_lists, stored_list_keys
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore, key_of
from resources.media_library import MediaLibrary
from resources.progress import Progress, ReportFraction

KEY = "played_cuts"


def best_events(desk: Desk, catalogue: Catalogue, title: str) -> list[CutEvent]:
    """The first candidates of a title's lists, with the frames that are played."""
    settings = desk.pipeline.settings
    keys = stored_list_keys(catalogue, desk.store, desk.pipeline, title)
    lists = load_lists(desk.store, desk.pipeline, title, keys)
    return desk.events(best_of(lists, settings.delivery.played_per_title), settings.played_cut.seconds)


def play_best(desk: Desk, catalogue: Catalogue, title: str, report: ReportFraction) -> Played:
    """Play the first candidates of a title's lists."""
    with Player(desk) as player:
        return player.play_all(best_events(desk, catalogue, title), report)


def build(pipeline: Pipeline) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The asset, and the check that looks at both frames of every cut."""

    @dg.asset(
        key=KEY,
        partitions_def=titles,
        group_name="delivery",
        kinds={"ffmpeg", "mp4"},
        owners=OWNERS,
        description="The best candidates of a title, played: the last two seconds of A and the first two of B from "
        "the original files, frame for frame, with sound. They are kept under the pair and its frames.",
        code_version=pipeline.played_cut.version,
        deps=[dg.AssetKey(features.top_k.name.split("/")) for features in pipeline.flavors],
    )
    def played_cuts(
        context: dg.AssetExecutionContext,
        library: MediaLibrary,
        catalogue: Catalogue,
        store: FeatureStore,
        progress: Progress,
    ) -> dg.MaterializeResult:
        title = context.partition_key
        with failures_named(progress, title, KEY), progress.stage(title, KEY) as report:
            played = play_best(Desk.of(library, store, pipeline, catalogue), catalogue, title, report)
        stored = list(played.stored.values())
        for (flavor, rank), reason in played.refused.items():
            context.log.warning(f"{flavor} {rank} cannot be played: {reason}")
        progress.finished(title, KEY, outcome_of(stored, {"cuts": len(stored), "not playable": len(played.refused)}))
        return dg.MaterializeResult(
            data_version=dg.DataVersion(digest_of(sorted(each.key.path for each in stored))[:32]),
            metadata={
                **how_metadata(stored),
                "cuts": len(stored),
                "not_playable": sorted(set(played.refused.values())),
                "films": {
                    f"{flavor} {rank}": (each.folder / PLAYED_NAME).as_uri()
                    for (flavor, rank), each in played.stored.items()
                },
                "version": pipeline.played_cut.version,
            },
        )

    @check_of_title(
        played_cuts,
        "At its cut, each film shows the last frame of A and the first of B: when it was made, both were decoded and "
        "compared with the standardized encode's and its neighbours. A shift of one frame fails.",
    )
    def cuts_are_frame_exact(
        context: dg.AssetCheckExecutionContext, library: MediaLibrary, catalogue: Catalogue, store: FeatureStore
    ) -> dg.AssetCheckResult:
        desk = Desk.of(library, store, pipeline, catalogue)
        num_cuts, shifts = shifts_of(desk, best_events(desk, catalogue, context.partition_key))
        return dg.AssetCheckResult(passed=not shifts, metadata={"cuts": num_cuts, "shifted": shifts})

    return [played_cuts, cuts_are_frame_exact]


def shifts_of(desk: Desk, events: Sequence[CutEvent]) -> tuple[int, list[str]]:
    """How many of the events have a film, and the films whose frames at the cut are off, with side and by how much."""
    num_cuts, found = 0, []
    for event in events:
        stored = desk.store.get(key_of(desk.played_digest(event), desk.pipeline.played_cut))
        if stored is None:
            continue
        num_cuts += 1
        for letter in "AB":
            shift = stored.summary[f"shift_{letter.lower()}"]
            if shift:
                found.append(f"{event.candidate.flavor} {event.candidate.rank}: {letter} is off by {shift}")
    return num_cuts, sorted(found)
