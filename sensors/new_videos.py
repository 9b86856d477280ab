"""Notices new, changed and vanished videos in the library and requests one run per content.

The sensor never opens a video: it compares size, time and etag with its cursor. A file is left alone until it
looks the same in two consecutive looks, so that a copy in progress is not read. `source_video`, the first asset
of the run, then takes the digest; a file that was only touched or renamed costs a run that remembers everything.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Self

import dagster as dg

from matchcut_assets.partitions import titles
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.stored_scores import is_scored
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore
from resources.media_library import LibraryListing, LibraryVideo, MediaLibrary

LOOK_EVERY_SECONDS = 15
MAX_REQUESTS_PER_LOOK = 50
"""Each run key costs a database query; what is left waits for the next look."""
LOOKS_UNTIL_GONE = 2


@dataclass(frozen=True)
class Cursor:
    """What the sensor remembers between looks, by path below the library's root.

    Attributes:
        looks: fingerprint at the last look.
        requested: (title, fingerprint) for which a run was requested, or was not needed.
        generations: how many runs were requested for the path, ever. A run key holds it, or a file that returns to
            an earlier content would find its old run key and never be run.
        missing: at how many looks in a row a requested path was not there.
    """

    looks: dict[str, str] = field(default_factory=dict)
    requested: dict[str, tuple[str, str]] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str | None) -> Self:
        """Parse a cursor; nonsense gives an empty one, which costs runs that remember everything."""
        try:
            value = json.loads(text or "{}")
            requested = {path: (str(title), str(mark)) for path, (title, mark) in value.get("requested", {}).items()}
            return cls(**{**value, "requested": requested})
        except (ValueError, TypeError, AttributeError):
            return cls()

    def to_text(self) -> str:
        """The inverse of `from_text`."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Decision:
    """What follows from one look.

    Attributes:
        wanted: videos to run, with the generation of the request.
        gone: titles whose file was missing twice in a row.
        waiting: paths that changed since the last look.
        cursor: for the next look.
    """

    wanted: tuple[tuple[LibraryVideo, int], ...]
    gone: tuple[str, ...]
    waiting: tuple[str, ...]
    cursor: Cursor


def decide(cursor: Cursor, listing: LibraryListing, is_done: Callable[[LibraryVideo], bool]) -> Decision:
    """Compare a look with the cursor; `is_done` tells whether a video's file was matched already, e.g. by the CLI."""
    looks = {video.path: video.fingerprint for video in listing.videos}
    requested, generations = dict(cursor.requested), dict(cursor.generations)
    wanted: list[tuple[LibraryVideo, int]] = []
    waiting: list[str] = []
    for video in listing.videos:
        mark = (video.title, video.fingerprint)
        if requested.get(video.path) == mark or len(wanted) == MAX_REQUESTS_PER_LOOK:
            continue
        if cursor.looks.get(video.path) != video.fingerprint:
            waiting.append(video.path)
            continue
        requested[video.path] = mark
        if not is_done(video):
            generations[video.path] = generations.get(video.path, 0) + 1
            wanted.append((video, generations[video.path]))
    missing = {path: cursor.missing.get(path, 0) + 1 for path in requested if path not in looks}
    gone_paths = [path for path, count in missing.items() if count >= LOOKS_UNTIL_GONE]
    present_titles = {video.title for video in listing.videos}
    gone = sorted({requested.pop(path)[0] for path in gone_paths} - present_titles)
    missing = {path: count for path, count in missing.items() if path not in gone_paths}
    after = Cursor(looks=looks, requested=requested, generations=generations, missing=missing)
    return Decision(tuple(wanted), tuple(gone), tuple(waiting), after)


def run_key_of(video: LibraryVideo, generation: int) -> str:
    """One run per content, also when an earlier content returns."""
    return f"{video.title}:{hashlib.sha256(video.fingerprint.encode()).hexdigest()[:16]}:{generation}"


def build(job_name: str, pipeline: Pipeline) -> dg.SensorDefinition:
    """The sensor `new_videos`, running unless it is stopped in the UI."""

    @dg.sensor(
        name="new_videos",
        job_name=job_name,
        minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Adds a partition for every new video of the library and requests its run, once per content.",
    )
    def new_videos(
        context: dg.SensorEvaluationContext, library: MediaLibrary, catalogue: Catalogue, store: FeatureStore
    ) -> dg.SensorResult:
        entries = {entry.title: entry for entry in catalogue.entries()}

        def is_done(video: LibraryVideo) -> bool:
            entry = entries.get(video.title)
            return (
                entry is not None
                and (entry.path, entry.fingerprint) == (video.path, video.fingerprint)
                and is_scored(store, pipeline, entry)
            )

        cursor = Cursor.from_text(context.cursor)
        known = {title: path for path, (title, _) in cursor.requested.items()}
        known |= {entry.title: entry.path for entry in entries.values()}
        listing = library.look(list(known.items()))
        for refusal in listing.refusals:
            context.log.warning(refusal.reason)
        if not listing.videos and cursor.requested:
            # An unmounted disk looks like an empty folder: nobody deletes a whole library by accident here.
            reason = (
                f"The library {library.root} lists no video, though {len(cursor.requested)} are known. Nothing was "
                "removed. Is the disk mounted? Delete the partitions by hand if they are gone for good."
            )
            return dg.SensorResult(skip_reason=reason, cursor=replace(cursor, looks={}).to_text())
        decision = decide(cursor, listing, is_done)
        for title in decision.gone:
            catalogue.remove(title)
        return _result(context, listing, decision)

    return new_videos


def _result(context: dg.SensorEvaluationContext, listing: LibraryListing, decision: Decision) -> dg.SensorResult:
    requests = [
        dg.RunRequest(run_key=run_key_of(video, generation), partition_key=video.title)
        for video, generation in decision.wanted
    ]
    changes: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if decision.wanted:
        changes.append(titles.build_add_request([video.title for video, _ in decision.wanted]))
    if decision.gone:
        context.log.warning(f"gone from the library: {', '.join(decision.gone)}")
        changes.append(titles.build_delete_request(list(decision.gone)))
    cursor = decision.cursor.to_text()
    if requests:
        return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=changes, cursor=cursor)
    notes = [f"{len(listing.videos)} videos, nothing new"]
    if decision.waiting:
        notes.append(f"waiting until unchanged: {', '.join(decision.waiting[:10])}")
    notes += [refusal.reason for refusal in listing.refusals]
    return dg.SensorResult(skip_reason=". ".join(notes), dynamic_partitions_requests=changes, cursor=cursor)
