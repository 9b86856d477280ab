"""Stored scores of any set of titles: what top-k, the command line, the page and the sensors read.

Scores are stored per unordered pair of contents, so a list over any subset of the catalogue is a query, and
whoever asks sees the scores of all titles, whichever of them arrived last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from typing import Protocol

import pyarrow as pa

from matchcut.errors import MissingFeatureError
from matchcut.feature import Feature, digest_of
from matchcut.pair_scores import PairScores
from matchcut.repeats import Repeats, catalogue_groups
from matchcut.representations.flavor import Flavor
from matchcut.top_k import PAIR_COLUMNS, Candidate, TitleShots, rank_candidates
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import FlavorFeatures, Pipeline, content_of
from resources.catalogue import Catalogue, TitleEntry
from resources.feature_store import FeatureKey, FeatureStore, key_of, pair_digest


class Digests(Protocol):
    """What says which values of a feature there are: the store, or one look at it."""

    def digests(self, feature: Feature) -> set[str]:
        """Digests of all whole values of a feature."""
        ...


@dataclass(frozen=True)
class OneLook:
    """The store as it was when each feature was first asked for: for whoever asks about many titles at once."""

    store: FeatureStore
    _seen: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def digests(self, feature: Feature) -> set[str]:
        """As the store's, by one listing per feature."""
        name = (feature.name, feature.version)
        if name not in self._seen:
            self._seen[name] = self.store.digests(feature)
        return self._seen[name]


@dataclass(frozen=True)
class TitlePair:
    """Two titles, or one with itself, and where their scores are.

    Attributes:
        a, b: the titles.
        key: of their scores in one flavor.
        others: of their scores in other flavors, as far as they are in the store, by the flavor's name.
        repeats: of what they share, if it is in the store; None for a title with itself.
    """

    a: TitleEntry
    b: TitleEntry
    key: FeatureKey
    others: Mapping[str, FeatureKey] = field(default_factory=dict)
    repeats: FeatureKey | None = None

    @classmethod
    def of(cls, one: TitleEntry, other: TitleEntry, features: FlavorFeatures) -> "TitlePair":
        """In the order of the digests, which is the order of the stored table's sides."""
        a, b = sorted((one, other), key=lambda entry: entry.digest)
        return cls(a, b, _key_of(a, b, features.flavor, features.pair_scores))

    @property
    def is_one_title(self) -> bool:
        """Whether the pair is a title with itself."""
        return self.a.digest == self.b.digest


def _key_of(a: TitleEntry, b: TitleEntry, flavor: Flavor, scores: Feature) -> FeatureKey:
    return key_of(pair_digest(content_of(a, flavor), content_of(b, flavor)), scores)


def repeats_key(a: TitleEntry, b: TitleEntry, repeats: Feature) -> FeatureKey:
    """Where it lies what two titles share; the order does not matter."""
    return key_of(pair_digest(a.digest, b.digest), repeats)


def one_per_content(entries: Iterable[TitleEntry], preferred: str | None = None) -> list[TitleEntry]:
    """Titles without those that hold the same content as another: the preferred one stays, else the first by name."""
    by_digest: dict[str, TitleEntry] = {}
    for entry in sorted(entries, key=lambda entry: (entry.title != preferred, entry.title)):
        by_digest.setdefault(entry.digest, entry)
    return sorted(by_digest.values(), key=lambda entry: entry.title)


def represented(store: FeatureStore, features: FlavorFeatures, entries: Iterable[TitleEntry]) -> list[TitleEntry]:
    """Titles whose representation is in the store."""
    present = store.digests(features.representation)
    return [entry for entry in entries if features.content_of(entry) in present]


def pairs_of(entry: TitleEntry, others: Iterable[TitleEntry], features: FlavorFeatures) -> list[TitlePair]:
    """A title with itself and with every other content."""
    contents = one_per_content([entry, *others], preferred=entry.title)
    return [TitlePair.of(entry, other, features) for other in contents]


def pairs_among(entries: Sequence[TitleEntry], features: FlavorFeatures) -> list[TitlePair]:
    """Every unordered pair of contents, each with itself included."""
    return [TitlePair.of(one, other, features) for one, other in combinations_with_replacement(entries, 2)]


def stored_pairs(store: Digests, features: FlavorFeatures, pairs: Iterable[TitlePair]) -> list[TitlePair]:
    """The pairs whose scores are in the store, with their scores in other flavors."""
    present = store.digests(features.pair_scores)
    others = [(flavor, scores, store.digests(scores)) for flavor, scores in features.others]
    shared = store.digests(features.repeats)

    def with_others(pair: TitlePair) -> TitlePair:
        keys = ((flavor.name, _key_of(pair.a, pair.b, flavor, scores), there) for flavor, scores, there in others)
        repeats = repeats_key(pair.a, pair.b, features.repeats)
        return replace(
            pair,
            others={name: key for name, key, there in keys if key.digest in there},
            repeats=repeats if repeats.digest in shared else None,
        )

    return [with_others(pair) for pair in pairs if pair.key.digest in present]


def is_scored(store: FeatureStore, pipeline: Pipeline, entry: TitleEntry) -> bool:
    """Whether a title went through the graph: its scores with itself are stored for every flavor."""
    return all(store.has(TitlePair.of(entry, entry, features).key) for features in pipeline.flavors)


def list_digest(pairs: Sequence[TitlePair], title: str = "") -> str:
    """What a ranked list was made from: the titles' names and the keys of the scores that it read."""
    return digest_of([title, sorted([pair.a.title, pair.b.title, *_paths(pair)] for pair in pairs)])


def _paths(pair: TitlePair) -> list[str]:
    return [pair.key.path, *(key.path for key in pair.others.values()), *([pair.repeats.path] if pair.repeats else [])]


@dataclass(frozen=True)
class Shelf:
    """What ranking reads of the store, each thing once however many flavors are ranked.

    Attributes:
        store: where everything is.
        pipeline: versions and settings.
    """

    store: FeatureStore
    pipeline: Pipeline
    _facts: dict[str, TitleShots] = field(default_factory=dict)
    _repeats: dict[FeatureKey, Repeats] = field(default_factory=dict)
    _scores: dict[tuple[FeatureKey, str, str], pa.Table] = field(default_factory=dict)

    def facts(self, entry: TitleEntry) -> TitleShots:
        """What ranking has to know of a title."""
        if entry.title not in self._facts:
            self._facts[entry.title] = title_shots(TitleInputs(self.store, self.pipeline, entry))
        return self._facts[entry.title]

    def repeats(self, key: FeatureKey) -> Repeats:
        """What two titles share."""
        if key not in self._repeats:
            self._repeats[key] = load_repeats(self.store, key)
        return self._repeats[key]

    def scores(self, pair: TitlePair, key: FeatureKey) -> pa.Table:
        """The scores of two titles in the flavor that the key is of."""
        place = key, pair.a.title, pair.b.title
        if place not in self._scores:
            self._scores[place] = _scores_of(self.store, pair, key)
        return self._scores[place]


def rank_stored(shelf: Shelf, features: FlavorFeatures, pairs: Sequence[TitlePair], *, k: int) -> list[Candidate]:
    """The best k candidates of the given pairs of titles.

    Args:
        shelf: where scores and facts are read; the same one for several flavors of the same titles.
        features: the flavor.
        pairs: whose scores are in the store.
        k: how many at most.
    """
    if not pairs:
        return []
    entries = {entry.title: entry for pair in pairs for entry in (pair.a, pair.b)}
    facts = {name: shelf.facts(entry) for name, entry in entries.items()}
    return rank_candidates(
        pa.concat_tables(shelf.scores(pair, pair.key) for pair in pairs),
        facts,
        flavor=features.flavor.name,
        k=k,
        parameters=shelf.pipeline.settings.top_k,
        others=_other_scores(shelf, features, pairs),
        groups=catalogue_groups(
            {name: each.group for name, each in facts.items()},
            ((pair.a.title, pair.b.title, shelf.repeats(pair.repeats)) for pair in pairs if pair.repeats),
        ),
    )


def load_repeats(store: FeatureStore, key: FeatureKey) -> Repeats:
    """What two titles share, told from the one with the lower digest.

    Raises:
        MissingFeatureError: it is not in the store any more.
    """
    stored = store.get(key)
    if stored is None:
        raise MissingFeatureError(f"{key.path} is not in the store any more. Materialize the asset repeats again.")
    return Repeats.load(stored.folder)


def _other_scores(shelf: Shelf, features: FlavorFeatures, pairs: Sequence[TitlePair]) -> dict[str, pa.Table]:
    """The same cuts in other flavors; a flavor without any stored scores is left out."""
    tables = {
        name: [shelf.scores(pair, pair.others[name]).select(PAIR_COLUMNS) for pair in pairs if name in pair.others]
        for name in (flavor.name for flavor, _ in features.others)
    }
    return {name: pa.concat_tables(each) for name, each in tables.items() if each}


def title_shots(inputs: TitleInputs) -> TitleShots:
    """What ranking has to know of a title."""
    marks = inputs.deduplicated
    seen = inputs.embeddings
    vectors, sharpness = seen.vectors[seen.moments], seen.sharpness[seen.moments]
    return TitleShots.of(inputs.proxy, inputs.shots, marks.kept, marks.group, vectors, sharpness)


def _scores_of(store: FeatureStore, pair: TitlePair, key: FeatureKey) -> pa.Table:
    stored = store.get(key)
    if stored is None:
        raise MissingFeatureError(
            f"{pair.a.title} and {pair.b.title}: their {key.name} is not in the store any more. "
            f"Materialize the asset {key.name} for {pair.a.title} again."
        )
    return PairScores.load(stored.folder).to_candidates(pair.a.title, pair.b.title)


def catalogue_pairs(
    catalogue: Catalogue, store: Digests, features: FlavorFeatures, title: str | None = None
) -> list[TitlePair]:
    """The stored pairs of the whole catalogue, or those that a title takes part in."""
    entries = catalogue.entries()
    if title is None:
        return stored_pairs(store, features, pairs_among(one_per_content(entries), features))
    entry = catalogue.require(title)
    return stored_pairs(store, features, pairs_of(entry, entries, features))
