"""`repeats`: what of a title is seen again in the titles that are there, and whether one of them is the same film.

As with scores: the codes are written first and the catalogue listed after, so that of two titles that arrive together
at least one sees the other. What two titles share is stored once, under both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dagster as dg
import numpy as np

from matchcut.deduplicated_shots import usable_seconds
from matchcut.feature import digest_of
from matchcut.near_duplicates.model import load_model
from matchcut.repeats import Overlap, decide, overlap, proposals
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import failures_named, how_metadata, outcome_of
from matchcut_assets.specs import asset_arguments, check_of_title
from matchcut_assets.stored_scores import one_per_content, repeats_key
from resources.catalogue import Catalogue, TitleEntry
from resources.feature_store import FeatureStore, StoredFeature, Summary
from resources.progress import Progress

COLUMNS = {
    "shot_a": ("int64", "shot of the title with the lower digest"),
    "shot_b": ("int64", "shot of the other title"),
    "similarity": ("float32", "chance that both show the same, 0 to 1"),
}


@dataclass(frozen=True)
class SharedWith:
    """What a title shares with another one.

    Attributes:
        other: the other title.
        stored: the repeats of both, told from the one with the lower digest.
        is_a: whether the title itself is that one.
    """

    other: TitleEntry
    stored: StoredFeature
    is_a: bool

    @property
    def overlap(self) -> Overlap:
        """Shares of the title's own time (a) and of the other's (b)."""
        shares = self.stored.summary["share_a"], self.stored.summary["share_b"]
        return Overlap(*(shares if self.is_a else shares[::-1]))


def others_with_codes(
    store: FeatureStore, pipeline: Pipeline, entry: TitleEntry, entries: Sequence[TitleEntry]
) -> list[TitleEntry]:
    """Every other content whose codes are in the store."""
    present = store.digests(pipeline.shot_codes)
    contents = one_per_content([entry, *entries], preferred=entry.title)
    return [other for other in contents if other.digest in present and other.digest != entry.digest]


def share_with(
    store: FeatureStore, pipeline: Pipeline, entry: TitleEntry, others: Sequence[TitleEntry]
) -> list[SharedWith]:
    """What a title shares with each of the others, computed or remembered: one search for all that are new."""
    inputs = TitleInputs(store, pipeline, entry)
    known = store.digests(pipeline.repeats)
    new = [other for other in others if repeats_key(entry, other, pipeline.repeats).digest not in known]
    codes = [TitleInputs(store, pipeline, other).shot_codes for other in new]
    found = proposals(inputs.shot_codes, codes, pipeline.settings.repeats) if new else []
    proposed = {other.digest: pair for other, pair in zip(new, found, strict=True)}
    shared = []
    for other in others:
        compute = partial(_decide, inputs, TitleInputs(store, pipeline, other), proposed.get(other.digest))
        key = repeats_key(entry, other, pipeline.repeats)
        stored = store.get_or_compute(key.digest, pipeline.repeats, compute)
        shared.append(SharedWith(other, stored, entry.digest < other.digest))
    return shared


def _decide(
    own: TitleInputs, other: TitleInputs, proposed: tuple[np.ndarray, np.ndarray] | None, folder: Path
) -> Summary:
    """Write what two titles share into `folder`; proposals are searched here where a stored value was damaged."""
    parameters = own.pipeline.settings.repeats
    pair = proposed or proposals(own.shot_codes, [other.shot_codes], parameters)[0]
    a, b, pair = (own, other, pair) if own.entry.digest < other.entry.digest else (other, own, pair[::-1])
    repeats = decide(a.embeddings, b.embeddings, pair, load_model(), parameters)
    repeats.save(folder)
    shares = overlap(repeats, *(usable_seconds(each.shots, each.proxy.seconds) for each in (a, b)))
    return {
        "repeats": len(repeats),
        "compared": repeats.compared,
        "share_a": round(shares.share_a, 4),
        "share_b": round(shares.share_b, 4),
    }


def build(pipeline: Pipeline) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The asset, and the check that no other title is the same film."""

    @dg.asset(
        **asset_arguments(
            pipeline.repeats,
            group="near_duplicates",
            kinds=("parquet", "faiss"),
            deps=("shots", "shot_embeddings", "shot_codes"),
            description="A row is a shot of this title and one of another title that shows the same: recaps, trailers, "
            "credits, logos, stock shots. Such a pair is no match cut.",
            columns=COLUMNS,
        )
    )
    def repeats(
        context: dg.AssetExecutionContext, catalogue: Catalogue, store: FeatureStore, progress: Progress
    ) -> dg.MaterializeResult:
        title, name = context.partition_key, pipeline.repeats.name
        with failures_named(progress, title, name), progress.stage(title, name) as report:
            entry = catalogue.require(title)
            store.require(entry.digest, pipeline.shot_codes, title)
            others = others_with_codes(store, pipeline, entry, catalogue.entries())
            shared = share_with(store, pipeline, entry, others)
            report(1.0)
        stored = [each.stored for each in shared]
        count = sum(each.summary["repeats"] for each in stored)
        progress.finished(title, name, outcome_of(stored, {"titles": len(shared), "repeats": count}))
        keys = sorted(each.stored.key.path for each in shared)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(digest_of(keys)[:32]),
            metadata={
                **how_metadata(stored),
                "dagster/row_count": count,
                "titles_compared": [each.other.title for each in shared],
                "seen_again_in": _told(shared),
                "version": pipeline.repeats.version,
            },
        )

    @check_of_title(
        repeats, "No other title is the same film in another encode or cut: each of its shots would be found twice."
    )
    def is_no_copy(
        context: dg.AssetCheckExecutionContext, catalogue: Catalogue, store: FeatureStore
    ) -> dg.AssetCheckResult:
        entry = catalogue.require(context.partition_key)
        others = others_with_codes(store, pipeline, entry, catalogue.entries())
        copies = copies_of(share_with(store, pipeline, entry, others), pipeline)
        return dg.AssetCheckResult(
            passed=not copies,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"same_film": copies},
        )

    return [repeats, is_no_copy]


def copies_of(shared: Sequence[SharedWith], pipeline: Pipeline) -> list[str]:
    """Titles that are the same film."""
    return [each.other.title for each in shared if each.overlap.is_same_film(pipeline.settings.repeats)]


def _told(shared: Sequence[SharedWith]) -> dict[str, str]:
    """Per title that shares something, what in words."""
    return {
        each.other.title: f"{each.stored.summary['repeats']} shots, {each.overlap.share_a:.0%} of this title and "
        f"{each.overlap.share_b:.0%} of that one in the same order"
        for each in shared
        if each.stored.summary["repeats"]
    }
