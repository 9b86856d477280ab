"""One file, without taking it into the library; what is computed is remembered under its content like everything."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import matchcut.given_shots
from matchcut.deduplicated_shots import DeduplicatedShots
from matchcut.errors import SourceChangedError
from matchcut.feature import Feature
from matchcut.ffmpeg import find_ffmpeg
from matchcut.given_shots import GivenShots
from matchcut.shots import ShotTable
from matchcut.source_video import inspect_source
from matchcut_assets.deduplicated_shots import mark_duplicates
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import outcome_of
from matchcut_assets.shot_embeddings import embed
from matchcut_assets.shots import find_shots
from matchcut_assets.standardized_encode import encode
from matchcut_assets.text_cards import mark_text_cards
from resources.catalogue import TitleEntry
from resources.feature_store import FeatureStore, Summary
from resources.model_weights import ModelWeights
from resources.progress import Progress, ReportFraction


@dataclass(frozen=True)
class GivenShotsPipeline(Pipeline):
    """The graph's features for a title whose shots are given, not detected: other shots, other versions.

    Attributes:
        table_digest: identity of the given shots.
    """

    table_digest: str

    @cached_property
    def shots(self) -> Feature:
        """The given table."""
        return Feature(
            "shots",
            f"given-{matchcut.given_shots.ALGORITHM}",
            {"table": self.table_digest},
            made_from=(self.standardized_encode,),
        )


@dataclass(frozen=True)
class SingleVideo:
    """A video file and what is remembered of it.

    Attributes:
        inputs: the stored features, under the file's name.
        path: of the file, absolute.
        weights: the models.
    """

    inputs: TitleInputs
    path: Path
    weights: ModelWeights

    @classmethod
    def open(cls, video: Path, pipeline: Pipeline, store: FeatureStore, weights: ModelWeights) -> Self:
        """Look into the file.

        Raises:
            MatchcutError: it is not there, or is no usable video.
        """
        if not video.exists():
            raise SourceChangedError(f"{video}: there is no such file. Check the path.")
        source = inspect_source(video.resolve(), find_ffmpeg(pipeline.settings.ffmpeg.path or None))
        entry = TitleEntry(video.name, str(video), "", source)
        return cls(TitleInputs(store, pipeline, entry), video.resolve(), weights)

    def shots(self) -> ShotTable:
        """The table of shots, detected.

        Raises:
            MatchcutError: the file cannot be encoded.
        """
        self._encode()
        detector = self._pipeline.settings.detector
        self._remember(
            self._pipeline.shots, lambda folder, report: find_shots(self.inputs.proxy, detector, self.weights, folder)
        )
        return self.inputs.shots

    def duplicates(self) -> DeduplicatedShots:
        """Which of the detected shots show what an earlier one showed."""
        self.shots()
        return self._duplicates()

    def duplicates_of(self, given: GivenShots) -> DeduplicatedShots:
        """The same for given shots.

        Raises:
            MatchcutError: they are not of this video.
        """
        pipeline = GivenShotsPipeline(self._pipeline.settings, given.digest)
        inputs = TitleInputs(self.inputs.store, pipeline, self.inputs.entry)
        return replace(self, inputs=inputs)._with_shots(given)._duplicates()

    def _with_shots(self, given: GivenShots) -> Self:
        self._encode()
        self._remember(self._pipeline.shots, lambda folder, report: _save_given(given, self.inputs, folder))
        return self

    def _duplicates(self) -> DeduplicatedShots:
        settings, inputs = self._pipeline.settings, self.inputs
        self._remember(
            self._pipeline.shot_embeddings,
            lambda folder, report: embed(inputs, self.weights, settings.shot_embeddings, folder),
        )
        self._remember(
            self._pipeline.text_cards,
            lambda folder, report: mark_text_cards(inputs, self.weights, settings.text_cards, folder),
        )
        self._remember(
            self._pipeline.deduplicated_shots,
            lambda folder, report: mark_duplicates(inputs, settings.deduplicated_shots, folder),
        )
        return inputs.deduplicated

    @property
    def _pipeline(self) -> Pipeline:
        return self.inputs.pipeline

    def _encode(self) -> None:
        source, settings = self.inputs.entry.source, self._pipeline.settings
        self._remember(
            self._pipeline.standardized_encode,
            lambda folder, report: encode(self.path, source, folder, settings, report),
        )

    def _remember(self, feature: Feature, compute: Callable[[Path, ReportFraction], Summary]) -> None:
        """As the assets do it, but with errors as they are: there is no run that could fail."""
        progress, entry = Progress(on_terminal=True), self.inputs.entry
        with progress.stage(entry.title, feature.name) as report:
            stored = self.inputs.store.get_or_compute(entry.digest, feature, lambda folder: compute(folder, report))
        progress.finished(entry.title, feature.name, outcome_of([stored], stored.summary))


def _save_given(given: GivenShots, inputs: TitleInputs, folder: Path) -> Summary:
    table = given.table(inputs.proxy.record.num_frames)
    table.save(folder)
    return {"shots": len(table)}
