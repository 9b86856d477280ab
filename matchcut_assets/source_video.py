"""`source_video`: what a title's file holds, and the digest by which everything else is found."""

import dagster as dg

from matchcut.ffmpeg import find_ffmpeg
from matchcut.source_video import inspect_source
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import failures_named
from matchcut_assets.specs import asset_arguments
from resources.catalogue import Catalogue, TitleEntry
from resources.media_library import MediaLibrary
from resources.progress import Progress


def register_title(library: MediaLibrary, catalogue: Catalogue, title: str, ffmpeg_path: str) -> TitleEntry:
    """Take the digest of a title's file and enter both into the catalogue."""
    known = catalogue.get(title)
    video = library.find(title, known.path if known else None)
    with library.local_file(video) as path:
        source = inspect_source(path, find_ffmpeg(ffmpeg_path or None))
    entry = TitleEntry(title, video.path, video.fingerprint, source)
    catalogue.put(entry)
    return entry


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """The first asset of the graph. It stores nothing but the title's entry in the catalogue."""

    @dg.asset(
        **asset_arguments(
            pipeline.source_video,
            group="ingest",
            kinds=("video",),
            description="A title's video file: its digest (a hash over the encoded video packets and the frame rate, "
            "so that renaming or retagging changes nothing), size, rate, timecode and codec.",
        )
    )
    def source_video(
        context: dg.AssetExecutionContext, library: MediaLibrary, catalogue: Catalogue, progress: Progress
    ) -> dg.MaterializeResult:
        title = context.partition_key
        with failures_named(progress, title, "source_video"):
            entry = register_title(library, catalogue, title, pipeline.settings.ffmpeg.path)
        progress.finished(title, "source_video", f"digest {entry.digest[:12]}")
        facts = {name: str(value) for name, value in entry.source.to_json().items()}
        return dg.MaterializeResult(data_version=dg.DataVersion(entry.digest), metadata={"file": entry.path, **facts})

    return source_video
