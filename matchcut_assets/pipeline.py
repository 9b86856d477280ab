"""The features of every stage under the present settings: one place where versions come from.

Dagster's code versions, the feature store's keys and the command line all read them here.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import matchcut.cut_events
import matchcut.deduplicated_shots
import matchcut.pair_scores
import matchcut.played_cut
import matchcut.shot_embeddings
import matchcut.shots
import matchcut.source_video
import matchcut.standardized_encode
import matchcut.timecode
import matchcut.top_k
from matchcut.feature import Feature, parameters_of
from matchcut.representations.flavor import Flavor
from matchcut_assets.settings import Settings
from resources.model_weights import sha256_of


def weight_digests(names: Sequence[str]) -> tuple[str, ...]:
    """SHA-256 of the named weights, from the manifest: no file is read."""
    return tuple(sha256_of(name) for name in names)


@dataclass(frozen=True)
class FlavorFeatures:
    """A flavor with the features of its three assets."""

    flavor: Flavor
    representation: Feature
    pair_scores: Feature
    top_k: Feature


@dataclass(frozen=True)
class Pipeline:
    """The graph's features; each names those it is made from."""

    settings: Settings

    @cached_property
    def source_video(self) -> Feature:
        """What is read from the file itself."""
        return Feature("source_video", matchcut.source_video.ALGORITHM)

    @cached_property
    def standardized_encode(self) -> Feature:
        """The proxy and its record."""
        return Feature(
            "standardized_encode",
            matchcut.standardized_encode.ALGORITHM,
            parameters_of(self.settings.standardized_encode),
            made_from=(self.source_video,),
        )

    @cached_property
    def shots(self) -> Feature:
        """The table of shots, by the chosen detector."""
        detector = self.settings.detector
        return Feature(
            "shots",
            f"{matchcut.shots.ALGORITHM}/{detector.name}-{detector.algorithm}",
            parameters_of(detector.parameters),
            weight_digests(detector.weights),
            (self.standardized_encode,),
        )

    @cached_property
    def shot_embeddings(self) -> Feature:
        """Embeddings of some frames of every shot."""
        return Feature(
            "shot_embeddings",
            matchcut.shot_embeddings.ALGORITHM,
            parameters_of(self.settings.shot_embeddings),
            weight_digests(matchcut.shot_embeddings.WEIGHTS),
            (self.standardized_encode, self.shots),
        )

    @cached_property
    def deduplicated_shots(self) -> Feature:
        """Which shots are kept."""
        return Feature(
            "deduplicated_shots",
            matchcut.deduplicated_shots.ALGORITHM,
            parameters_of(self.settings.deduplicated_shots),
            made_from=(self.shots, self.shot_embeddings),
        )

    @cached_property
    def flavors(self) -> tuple[FlavorFeatures, ...]:
        """The features of every flavor."""
        return tuple(self._flavor_features(flavor) for flavor in self.settings.flavors)

    def flavor(self, name: str) -> FlavorFeatures:
        """The features of the flavor with this name."""
        return next(features for features in self.flavors if features.flavor.name == name)

    def _flavor_features(self, flavor: Flavor) -> FlavorFeatures:
        representation = Feature(
            f"{flavor.name}/{flavor.representation}",
            flavor.algorithm,
            parameters_of(flavor.parameters),
            weight_digests(flavor.weights),
            (self.standardized_encode, self.deduplicated_shots),
        )
        pair_scores = Feature(
            f"{flavor.name}/pair_scores",
            f"{matchcut.pair_scores.ALGORITHM}/{flavor.score_algorithm}",
            parameters_of(self.settings.pair_scores),
            made_from=(representation,),
        )
        top_k = Feature(
            f"{flavor.name}/top_k",
            f"{matchcut.top_k.ALGORITHM}/{matchcut.timecode.ALGORITHM}",
            asdict(self.settings.top_k),
            made_from=(pair_scores, self.deduplicated_shots, self.shot_embeddings),
        )
        return FlavorFeatures(flavor, representation, pair_scores, top_k)

    @cached_property
    def played_cut(self) -> Feature:
        """One candidate as a film."""
        return Feature(
            "played_cut",
            matchcut.played_cut.ALGORITHM,
            parameters_of(self.settings.played_cut),
            made_from=(self.standardized_encode,),
        )

    @cached_property
    def timelines(self) -> Feature:
        """A title's candidates for editing programs."""
        return Feature(
            "timelines",
            f"{matchcut.cut_events.ALGORITHM}/{matchcut.timecode.ALGORITHM}",
            made_from=tuple(features.top_k for features in self.flavors),
        )

    @cached_property
    def of_one_title(self) -> tuple[Feature, ...]:
        """Features that depend on one title alone, in the order of the graph."""
        shared = (self.standardized_encode, self.shots, self.shot_embeddings, self.deduplicated_shots)
        return (*shared, *(features.representation for features in self.flavors))
