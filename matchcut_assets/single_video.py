"""Shots of one file, without taking it into the library; remembered under its content like everything else."""

from collections.abc import Callable
from pathlib import Path

from matchcut.errors import SourceChangedError
from matchcut.feature import Feature
from matchcut.ffmpeg import find_ffmpeg
from matchcut.proxy import Proxy
from matchcut.shots import ShotTable
from matchcut.source_video import inspect_source
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import outcome_of
from matchcut_assets.shots import find_shots
from matchcut_assets.standardized_encode import encode
from resources.feature_store import FeatureStore, StoredFeature, Summary
from resources.model_weights import ModelWeights
from resources.progress import Progress, ReportFraction


def shots_of_file(video: Path, pipeline: Pipeline, store: FeatureStore, weights: ModelWeights) -> ShotTable:
    """The table of shots of a video file.

    Raises:
        MatchcutError: the file is no usable video.
    """
    if not video.exists():
        raise SourceChangedError(f"{video}: there is no such file. Check the path.")
    source = inspect_source(video.resolve(), find_ffmpeg(pipeline.settings.ffmpeg.path or None))
    detector = pipeline.settings.detector
    encoded = _remember(
        store,
        video.name,
        source.digest,
        pipeline.standardized_encode,
        lambda folder, report: encode(video.resolve(), source, folder, pipeline.settings, report),
    )
    detected = _remember(
        store,
        video.name,
        source.digest,
        pipeline.shots,
        lambda folder, report: find_shots(Proxy(encoded.folder), detector, weights, folder),
    )
    return ShotTable.load(detected.folder)


def _remember(
    store: FeatureStore,
    name: str,
    digest: str,
    feature: Feature,
    compute: Callable[[Path, ReportFraction], Summary],
) -> StoredFeature:
    """As the assets do it, but with errors as they are: there is no run that could fail."""
    progress = Progress(on_terminal=True)
    with progress.stage(name, feature.name) as report:
        stored = store.get_or_compute(digest, feature, lambda folder: compute(folder, report))
    progress.finished(name, feature.name, outcome_of([stored], stored.summary))
    return stored
