"""What every asset does: ask the store, compute when it has no answer, store, and say which of the two happened."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from matchcut.errors import MatchcutError
from matchcut.feature import Feature
from resources.feature_store import FeatureKey, FeatureStore, StoredFeature, Summary
from resources.progress import Progress, ReportFraction

PICTURE_NAME = "preview.jpg"


def data_version_of(key: FeatureKey) -> dg.DataVersion:
    """Dagster's data version, from the same key as the store's path."""
    return dg.DataVersion(f"{key.version}-{key.digest[:16]}")


@contextmanager
def failures_named(progress: Progress, title: str, stage: str) -> Iterator[None]:
    """Turn what the user can mend into a `dagster.Failure` that is not retried."""
    try:
        yield
    except MatchcutError as error:
        reason = str(error)
        progress.failed(title, stage, reason)
        raise dg.Failure(
            reason if title in reason else f"{title}: {reason}",
            metadata={"title": title, "stage": stage, "reason": reason},
            allow_retries=False,
        ) from error


def remember(
    store: FeatureStore,
    progress: Progress,
    title: str,
    digest: str,
    feature: Feature,
    compute: Callable[[Path, ReportFraction], Summary],
) -> StoredFeature:
    """The feature from the store, or computed with its progress told, and stored."""
    with failures_named(progress, title, feature.name):
        with progress.stage(title, feature.name) as report:
            stored = store.get_or_compute(digest, feature, lambda folder: compute(folder, report))
        progress.finished(title, feature.name, outcome_of(stored))
    return stored


def outcome_of(stored: StoredFeature) -> str:
    """One line for people: computed or remembered, the cost, the counts."""
    counts = ", ".join(f"{value} {name}" for name, value in stored.summary.items() if isinstance(value, int))
    how = f"computed in {stored.seconds:.1f} s" if stored.computed else f"remembered ({stored.seconds:.1f} s saved)"
    return f"{how}; {counts}" if counts else how


def materialized(stored: StoredFeature, metadata: Mapping[str, Any] | None = None) -> dg.MaterializeResult:
    """The asset's result: data version, what happened, the stage's summary, its picture."""
    picture = stored.folder / PICTURE_NAME
    return dg.MaterializeResult(
        data_version=data_version_of(stored.key),
        metadata={
            **how_metadata(stored),
            **stored.summary,
            "path": dg.MetadataValue.path(str(stored.folder)),
            "version": stored.key.version,
            **({"picture": picture_metadata(picture.read_bytes())} if picture.exists() else {}),
            **(metadata or {}),
        },
    )


def how_metadata(stored: StoredFeature) -> dict[str, Any]:
    """*computed* or *remembered*, and the seconds that it cost or saved."""
    return how_happened(computed=stored.computed, seconds=stored.seconds)


def how_happened(*, computed: bool, seconds: float) -> dict[str, Any]:
    """The same for an asset that is made of several stored values."""
    return {
        "how": "computed" if computed else "remembered",
        "seconds_spent": round(seconds, 3) if computed else 0.0,
        "seconds_saved": 0.0 if computed else round(seconds, 3),
    }


def picture_metadata(jpeg: bytes, alt: str = "picture") -> dg.MetadataValue:
    """A picture that the Dagster UI shows on a click: base64 in Markdown, since it serves no files."""
    import base64

    return dg.MetadataValue.md(f"![{alt}](data:image/jpeg;base64,{base64.b64encode(jpeg).decode()})")
