"""What a stage reads of one title: stored features, opened as the types of `matchcut`."""

from dataclasses import dataclass
from functools import cached_property

from matchcut.deduplicated_shots import DeduplicatedShots
from matchcut.near_duplicates.codes import ShotCodes
from matchcut.proxy import Proxy
from matchcut.representations.flavor import Representation
from matchcut.shot_embeddings import ShotEmbeddings
from matchcut.shots import ShotTable
from matchcut.sound import Sound
from matchcut.text_cards import TextCards
from matchcut_assets.pipeline import FlavorFeatures, Pipeline
from resources.catalogue import TitleEntry
from resources.feature_store import FeatureStore


@dataclass(frozen=True)
class TitleInputs:
    """The stored features of a title, each read when it is first asked for.

    Every property raises `MissingFeatureError` when its feature is not in the store.
    """

    store: FeatureStore
    pipeline: Pipeline
    entry: TitleEntry

    @cached_property
    def proxy(self) -> Proxy:
        """The standardized encode."""
        return Proxy(self.store.require(self.entry.digest, self.pipeline.standardized_encode, self.entry.title).folder)

    @cached_property
    def proxy_with_sound(self) -> Proxy:
        """The same with the standardized sound."""
        stored = self.store.require(self.entry.sound_digest, self.pipeline.standardized_sound, self.entry.title)
        return Proxy(self.proxy.path.parent, Sound(stored.folder))

    @cached_property
    def shots(self) -> ShotTable:
        """The table of shots."""
        return ShotTable.load(self.store.require(self.entry.digest, self.pipeline.shots, self.entry.title).folder)

    @cached_property
    def embeddings(self) -> ShotEmbeddings:
        """Embeddings of the shots' frames."""
        stored = self.store.require(self.entry.digest, self.pipeline.shot_embeddings, self.entry.title)
        return ShotEmbeddings.load(stored.folder)

    @cached_property
    def text_cards(self) -> TextCards:
        """Which shots are text."""
        return TextCards.load(self.store.require(self.entry.digest, self.pipeline.text_cards, self.entry.title).folder)

    @cached_property
    def shot_codes(self) -> ShotCodes:
        """Binary codes of the shots' frames."""
        return ShotCodes.load(self.store.require(self.entry.digest, self.pipeline.shot_codes, self.entry.title).folder)

    @cached_property
    def deduplicated(self) -> DeduplicatedShots:
        """Which shots are kept."""
        stored = self.store.require(self.entry.digest, self.pipeline.deduplicated_shots, self.entry.title)
        return DeduplicatedShots.load(stored.folder)

    def representation(self, features: FlavorFeatures) -> Representation:
        """A flavor's representation."""
        stored = self.store.require(features.content_of(self.entry), features.representation, self.entry.title)
        return Representation.load(stored.folder)
