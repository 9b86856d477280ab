"""`standardized_sound`: a title's sound, decoded once, in step with the proxy."""

from operator import attrgetter
from pathlib import Path

import dagster as dg

from matchcut.ffmpeg import find_ffmpeg
from matchcut.sound import SAMPLE_RATE, standardize_sound
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import materialized
from matchcut_assets.settings import Settings
from matchcut_assets.specs import asset_arguments
from matchcut_assets.title_stage import TitleStage
from resources.catalogue import Catalogue, TitleEntry
from resources.feature_store import FeatureStore, Summary
from resources.media_library import MediaLibrary
from resources.progress import Progress


def decode_title(library: MediaLibrary, entry: TitleEntry, folder: Path, settings: Settings) -> Summary:
    """Write the sound of a title of the library into `folder`."""
    with library.local_file(library.find(entry.title, entry.path)) as path:
        record = standardize_sound(path, entry.source, folder, find_ffmpeg(settings.ffmpeg.path or None))
    return {"seconds_of_sound": record.num_samples / SAMPLE_RATE, "no_sound_because": record.reason}


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """The asset. It is named by picture and sound: another dub is decoded again, and nothing else is."""

    @dg.asset(
        **asset_arguments(
            pipeline.standardized_sound,
            group="ingest",
            kinds=("ffmpeg",),
            deps=("source_video",),
            description="The first sound track as 16 kHz mono WAV, sample 0 with frame 0; a title without sound has a "
            "record that says so.",
        )
    )
    def standardized_sound(
        context: dg.AssetExecutionContext,
        library: MediaLibrary,
        catalogue: Catalogue,
        store: FeatureStore,
        progress: Progress,
    ) -> dg.MaterializeResult:
        stage = TitleStage(
            pipeline,
            pipeline.standardized_sound,
            lambda inputs, folder, report: decode_title(library, inputs.entry, folder, pipeline.settings),
            attrgetter("sound_digest"),
        )
        return materialized(stage.materialize(context, catalogue, store, progress))

    return standardized_sound
