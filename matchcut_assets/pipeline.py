"""The features of every stage under the present settings: one place where versions come from.

Dagster's code versions, the feature store's keys and the command line all read them here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import matchcut.cut_events
import matchcut.deduplicated_shots
import matchcut.near_duplicates.codes
import matchcut.pair_scores
import matchcut.played_cut
import matchcut.repeats
import matchcut.shot_embeddings
import matchcut.shots
import matchcut.sound
import matchcut.source_video
import matchcut.standardized_encode
import matchcut.text_cards
import matchcut.timecode
import matchcut.top_k
from matchcut.feature import Feature, parameters_of
from matchcut.near_duplicates.model import MODEL_SHA256
from matchcut.representations.flavor import Flavor
from matchcut_assets.settings import Settings
from resources.catalogue import TitleEntry
from resources.model_weights import sha256_of


def weight_digests(names: Sequence[str]) -> tuple[str, ...]:
    """SHA-256 of the named weights, from the manifest: no file is read."""
    return tuple(sha256_of(name) for name in names)


@dataclass(frozen=True)
class FlavorFeatures:
    """A flavor with the features of its three assets.

    Attributes:
        flavor: how pairs are matched.
        representation, pair_scores, top_k: its assets' features.
        others: all other flavors with their pair scores: a list reads whether they agree.
        repeats: what titles share: a list shows no shot that another title has too more often than any other.
    """

    flavor: Flavor
    representation: Feature
    pair_scores: Feature
    top_k: Feature
    others: tuple[tuple[Flavor, Feature], ...]
    repeats: Feature

    def content_of(self, entry: TitleEntry) -> str:
        """Digest of what the flavor reads of a title."""
        return content_of(entry, self.flavor)


def content_of(entry: TitleEntry, flavor: Flavor) -> str:
    """Digest of what a flavor reads of a title: its picture, or picture and sound."""
    return entry.sound_digest if flavor.reads_sound else entry.digest


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
    def standardized_sound(self) -> Feature:
        """The sound beside the proxy."""
        return Feature("standardized_sound", matchcut.sound.ALGORITHM, made_from=(self.source_video,))

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
    def text_cards(self) -> Feature:
        """Which shots are title cards, logos or credits."""
        return Feature(
            "text_cards",
            matchcut.text_cards.ALGORITHM,
            parameters_of(self.settings.text_cards),
            weight_digests(matchcut.text_cards.WEIGHTS),
            (self.standardized_encode, self.shots),
        )

    @cached_property
    def deduplicated_shots(self) -> Feature:
        """Which shots are kept."""
        return Feature(
            "deduplicated_shots",
            matchcut.deduplicated_shots.ALGORITHM,
            parameters_of(self.settings.deduplicated_shots),
            (MODEL_SHA256,),
            (self.shots, self.shot_embeddings, self.text_cards),
        )

    @cached_property
    def shot_codes(self) -> Feature:
        """Binary codes of the frames of every shot."""
        return Feature(
            "shot_codes",
            matchcut.near_duplicates.codes.ALGORITHM,
            weights=(MODEL_SHA256,),
            made_from=(self.shot_embeddings,),
        )

    @cached_property
    def repeats(self) -> Feature:
        """What two titles share."""
        return Feature(
            "repeats",
            matchcut.repeats.ALGORITHM,
            parameters_of(self.settings.repeats),
            (MODEL_SHA256,),
            (self.shots, self.shot_embeddings, self.shot_codes),
        )

    @cached_property
    def flavors(self) -> tuple[FlavorFeatures, ...]:
        """The features of every flavor."""
        scores = {flavor.name: self._pair_scores(flavor) for flavor in self.settings.flavors}
        return tuple(self._flavor_features(flavor, scores) for flavor in self.settings.flavors)

    def flavor(self, name: str) -> FlavorFeatures:
        """The features of the flavor with this name."""
        return next(features for features in self.flavors if features.flavor.name == name)

    def _flavor_features(self, flavor: Flavor, scores: Mapping[str, Feature]) -> FlavorFeatures:
        others = tuple((each, scores[each.name]) for each in self.settings.flavors if each.name != flavor.name)
        top_k = Feature(
            f"{flavor.name}/top_k",
            f"{matchcut.top_k.ALGORITHM}/{matchcut.timecode.ALGORITHM}",
            asdict(self.settings.top_k),
            made_from=(*scores.values(), self.deduplicated_shots, self.shot_embeddings, self.repeats),
        )
        return FlavorFeatures(flavor, self._representation(flavor), scores[flavor.name], top_k, others, self.repeats)

    def _representation(self, flavor: Flavor) -> Feature:
        return Feature(
            f"{flavor.name}/{flavor.representation}",
            flavor.algorithm,
            parameters_of(flavor.parameters),
            weight_digests(flavor.weights),
            (
                self.standardized_encode,
                *((self.standardized_sound,) if flavor.reads_sound else ()),
                self.deduplicated_shots,
            ),
        )

    def _pair_scores(self, flavor: Flavor) -> Feature:
        return Feature(
            f"{flavor.name}/pair_scores",
            f"{matchcut.pair_scores.ALGORITHM}/{flavor.score_algorithm}",
            parameters_of(self.settings.pair_scores),
            made_from=(self._representation(flavor),),
        )

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
        shared = (
            self.standardized_encode,
            self.standardized_sound,
            self.shots,
            self.shot_embeddings,
            self.text_cards,
            self.shot_codes,
            self.deduplicated_shots,
        )
        return (*shared, *(features.representation for features in self.flavors))
