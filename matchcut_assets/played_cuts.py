"""`played_cuts`: the best candidates of a title as films: the end of A, then the beginning of B."""

import dagster as dg

from matchcut.feature import digest_of
from matchcut.played_cut import PLAYED_NAME, cut_pictures, shift_at_cut
from matchcut_assets.delivery import Desk, Played, Player, best_of
from matchcut_assets.partitions import titles
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import failures_named, how_metadata, outcome_of
from matchcut_assets.specs import OWNERS, check_of_title
from matchcut_assets.top_k import stored_lists
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore
from resources.media_library import MediaLibrary
from resources.progress import Progress, ReportFraction

KEY = "played_cuts"


def play_best(desk: Desk, catalogue: Catalogue, title: str, report: ReportFraction) -> Played:
    """Play the first candidates of a title's lists."""
    settings = desk.pipeline.settings
    lists = best_of(stored_lists(catalogue, desk.store, desk.pipeline, title), settings.delivery.played_per_title)
    with Player(desk) as player:
        return player.play_all(desk.events(lists, settings.played_cut.seconds), report)


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
        "At its cut, each film shows the last frame of A and the first of B: both are decoded and compared with the "
        "standardized encode's and its neighbours. A shift of one frame fails.",
    )
    def cuts_are_frame_exact(
        context: dg.AssetCheckExecutionContext, library: MediaLibrary, catalogue: Catalogue, store: FeatureStore
    ) -> dg.AssetCheckResult:
        desk = Desk.of(library, store, pipeline, catalogue)
        title = context.partition_key
        played = play_best(desk, catalogue, title, lambda fraction: None)
        shifts = shifts_of(desk, catalogue, title, played)
        return dg.AssetCheckResult(passed=not shifts, metadata={"cuts": len(played.stored), "shifted": sorted(shifts)})

    return [played_cuts, cuts_are_frame_exact]


def shifts_of(desk: Desk, catalogue: Catalogue, title: str, played: Played) -> list[str]:
    """The cuts whose frames are not the candidate's, each with its side and by how much it is off."""
    found = []
    for flavor, several in stored_lists(catalogue, desk.store, desk.pipeline, title).items():
        for each in several:
            stored = played.stored.get((flavor, each.rank))
            if stored is None:
                continue
            pictures = cut_pictures(stored.folder / PLAYED_NAME, stored.summary["frames_a"])
            sides = ((each.title_a, each.frame_a), (each.title_b, each.frame_b))
            for letter, picture, (name, frame) in zip("AB", pictures, sides, strict=True):
                shift = shift_at_cut(picture, desk.inputs(name).proxy, frame)
                if shift:
                    found.append(f"{flavor} {each.rank}: {letter} is off by {shift}")
    return found
