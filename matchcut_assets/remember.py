"""What every asset does: ask the store, compute when it has no answer, store, and say which of the two happened."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
        progress.finished(title, feature.name, outcome_of([stored], stored.summary))
    return stored


def outcome_of(stored: Sequence[StoredFeature], counts: Mapping[str, Any]) -> str:
    """One line for people: computed or remembered, the cost, the counts."""
    told = ", ".join(f"{value} {name}" for name, value in counts.items() if isinstance(value, int))
    spent, saved = _seconds_of(stored)
    computed = any(each.computed for each in stored)
    how = f"computed in {spent:.1f} s" if computed else f"remembered ({saved:.1f} s saved)"
    return f"{how}; {told}" if told else how


def materialized(stored: StoredFeature, metadata: Mapping[str, Any] | None = None) -> dg.MaterializeResult:
    """The asset's result: data version, what happened, the stage's summary, its picture."""
    picture = stored.folder / PICTURE_NAME
    return dg.MaterializeResult(
        data_version=data_version_of(stored.key),
        metadata={
            **how_metadata([stored]),
            **stored.summary,
            "path": dg.MetadataValue.path(str(stored.folder)),
            "version": stored.key.version,
            **({"picture": picture_metadata(picture.read_bytes())} if picture.exists() else {}),
            **(metadata or {}),
        },
    )


def how_metadata(stored: Sequence[StoredFeature]) -> dict[str, Any]:
    """*computed* or *remembered*, and the seconds that it cost and saved."""
    spent, saved = _seconds_of(stored)
    return {
        "how": "computed" if any(each.computed for each in stored) else "remembered",
        "seconds_spent": round(spent, 3),
        "seconds_saved": round(saved, 3),
    }


def _seconds_of(stored: Sequence[StoredFeature]) -> tuple[float, float]:
    """Seconds spent on what was computed, and saved on what was remembered."""
    spent = sum(each.seconds for each in stored if each.computed)
    return spent, sum(each.seconds for each in stored if not each.computed)


def picture_metadata(jpeg: bytes, alt: str = "picture") -> dg.MetadataValue:
    """A picture that the Dagster UI shows on a click: base64 in Markdown, since it serves no files."""
    import base64

    return dg.MetadataValue.md(f"![{alt}](data:image/jpeg;base64,{base64.b64encode(jpeg).decode()})")
