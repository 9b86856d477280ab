"""`standardized_encode`: the proxy video of a title and the record beside it."""

from pathlib import Path

import dagster as dg

from matchcut.ffmpeg import find_ffmpeg
from matchcut.proxy import Proxy
from matchcut.source_video import SourceVideo
from matchcut.standardized_encode import standardize
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import materialized
from matchcut_assets.settings import Settings
from matchcut_assets.specs import asset_arguments, check_of_title
from matchcut_assets.title_stage import TitleStage
from resources.catalogue import Catalogue, TitleEntry
from resources.feature_store import FeatureStore, Summary
from resources.media_library import MediaLibrary
from resources.progress import Progress, ReportFraction


def encode(
    path: Path,
    source: SourceVideo,
    folder: Path,
    settings: Settings,
    report: ReportFraction,
) -> Summary:
    """Write the proxy of a video file into `folder`."""
    record = standardize(
        path,
        source,
        folder,
        settings.standardized_encode,
        find_ffmpeg(settings.ffmpeg.path or None),
        on_progress=report,
    )
    return {
        "frames": record.num_frames,
        "duration_seconds": float(record.num_frames / record.frame_rate),
        "frame_rate": str(record.frame_rate),
        "picture": f"{record.width}x{record.height}",
    }


def encode_title(
    library: MediaLibrary,
    entry: TitleEntry,
    folder: Path,
    settings: Settings,
    report: ReportFraction,
) -> Summary:
    """Write the proxy of a title of the library into `folder`."""
    with library.local_file(library.find(entry.title, entry.path)) as path:
        return encode(path, entry.source, folder, settings, report)


def build(pipeline: Pipeline) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The encode, and the check that stops everything behind it when a frame is missing."""

    @dg.asset(
        **asset_arguments(
            pipeline.standardized_encode,
            group="ingest",
            kinds=("ffmpeg", "video"),
            deps=("source_video",),
            description="One proxy frame per source frame: bars cropped, square pixels, upright, progressive, 8 bit, "
            "360 lines, quick to decode and to seek in; the source's time stamps and facts beside it.",
        )
    )
    def standardized_encode(
        context: dg.AssetExecutionContext,
        library: MediaLibrary,
        catalogue: Catalogue,
        store: FeatureStore,
        progress: Progress,
    ) -> dg.MaterializeResult:
        settings = pipeline.settings
        stage = TitleStage(
            pipeline,
            pipeline.standardized_encode,
            lambda inputs, folder, report: encode_title(library, inputs.entry, folder, settings, report),
        )
        stored = stage.materialize(context, catalogue, store, progress)
        return materialized(stored)

    @check_of_title(
        standardized_encode, "The proxy holds one frame for each time stamp, and times rise.", blocking=True
    )
    def every_frame_once(
        context: dg.AssetCheckExecutionContext, catalogue: Catalogue, store: FeatureStore
    ) -> dg.AssetCheckResult:
        entry = catalogue.require(context.partition_key)
        proxy = Proxy(store.require(entry.digest, pipeline.standardized_encode, entry.title).folder)
        num_times, rises = len(proxy.ticks), bool((proxy.ticks[1:] > proxy.ticks[:-1]).all())
        return dg.AssetCheckResult(
            passed=rises and num_times == proxy.record.num_frames,
            metadata={"frames": proxy.record.num_frames, "time_stamps": num_times, "times_rise": rises},
        )

    return [standardized_encode, every_frame_once]
