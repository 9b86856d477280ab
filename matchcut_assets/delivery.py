"""What every delivery asset and `matchcut export` share: original files, events, played cuts, the page's contents."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import Lock
from types import TracebackType
from typing import Self
from urllib.parse import quote

from matchcut.candidate_page import Extras, FlavorInfo, PlayedCut, TitleInfo, write_page
from matchcut.cores import usable_cores
from matchcut.cut_events import CutEvent, Media, Side, events_of
from matchcut.errors import MatchcutError
from matchcut.ffmpeg import Ffmpeg, find_ffmpeg
from matchcut.overlays import overlay
from matchcut.played_cut import PLAYED_NAME, Take, first_frame_seconds, play_cut, shifts_at_cut
from matchcut.top_k import Candidate, words
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import FlavorFeatures, Pipeline
from resources.catalogue import Catalogue, TitleEntry
from resources.feature_store import FeatureStore, StoredFeature, Summary
from resources.media_library import LibraryVideo, MediaLibrary
from resources.progress import ReportFraction

Candidates = Mapping[str, Sequence[Candidate]]  # by flavor, best first


@dataclass(frozen=True)
class Desk:
    """Where candidates are made ready to be taken away.

    Attributes:
        library: the original files.
        store: features.
        pipeline: versions and settings.
        entries: titles by name.
    """

    library: MediaLibrary
    store: FeatureStore
    pipeline: Pipeline
    entries: Mapping[str, TitleEntry]

    @classmethod
    def of(cls, library: MediaLibrary, store: FeatureStore, pipeline: Pipeline, catalogue: Catalogue) -> Self:
        """With every title of the catalogue."""
        return cls(library, store, pipeline, {entry.title: entry for entry in catalogue.entries()})

    def inputs(self, title: str) -> TitleInputs:
        """What is stored of a title."""
        return TitleInputs(self.store, self.pipeline, self.entries[title])

    def media(self, title: str, relative_to: Path | None = None) -> Media:
        """A title's original file; its URL is relative to a folder where one is given and the file is local."""
        entry = self.entries[title]
        place = self.library.original(entry.path)
        if isinstance(place, Path):
            relative = Path(os.path.relpath(place, relative_to)).as_posix() if relative_to else None
            url = quote(os.fsencode(relative)) if relative else place.as_uri()
        else:
            url = place
        name = PurePosixPath(place).name
        return Media(title, name, url, self.inputs(title).proxy, has_sound=bool(entry.source.audio))

    def events(self, candidates: Candidates, seconds: float, relative_to: Path | None = None) -> list[CutEvent]:
        """The events of all flavors, one flavor after the other."""
        titles = {title for each in candidates.values() for c in each for title in (c.title_a, c.title_b)}
        media = {title: self.media(title, relative_to) for title in titles}
        found = []
        for name, several in candidates.items():
            flavor = self.pipeline.flavor(name).flavor
            found += events_of(
                several,
                media,
                flavor=flavor.title,
                words=lambda each, cues=flavor.cues: words(each, cues),  # type: ignore[misc]
                seconds=seconds,
            )
        return found

    def played_digest(self, event: CutEvent) -> str:
        """What a played cut is kept under: both contents and the frames that are shown."""
        return "+".join(
            f"{self.entries[side.media.title].digest}.{side.start_frame}-{side.stop_frame}"
            for side in (event.a, event.b)
        )


@dataclass(frozen=True)
class Played:
    """Cuts that were played.

    Attributes:
        stored: by (flavor, rank).
        refused: why a cut could not be played, by (flavor, rank).
    """

    stored: dict[tuple[str, int], StoredFeature] = field(default_factory=dict)
    refused: dict[tuple[str, int], str] = field(default_factory=dict)


@dataclass
class Player:
    """Plays cuts of a desk, one per core at once; each original file is fetched and its first time stamp read once.

    Use as a context.
    """

    desk: Desk
    _fetching: Lock = field(default_factory=Lock)
    _open: ExitStack = field(default_factory=ExitStack)
    _files: dict[str, tuple[Path, Fraction]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @cached_property
    def ffmpeg(self) -> Ffmpeg:
        """The binary that the settings name."""
        return find_ffmpeg(self.desk.pipeline.settings.ffmpeg.path or None)

    def play(self, event: CutEvent) -> StoredFeature:
        """A played cut, remembered or made; its key is the pair of contents and the frames that are shown.

        Raises:
            MatchcutError: an original file is gone, changed or broken.
        """
        feature, settings = self.desk.pipeline.played_cut, self.desk.pipeline.settings.played_cut

        def compute(folder: Path) -> Summary:
            a, b = (self._take(side) for side in (event.a, event.b))
            sought = play_cut(a, b, folder / PLAYED_NAME, settings, self.ffmpeg)
            return played_summary(folder / PLAYED_NAME, a, b, sought=sought)

        return self.desk.store.get_or_compute(self.desk.played_digest(event), feature, compute)

    def play_all(self, events: Sequence[CutEvent], report: ReportFraction | None = None) -> Played:
        """Every cut that can be played, and why the others cannot; then the store is kept within its bounds."""
        played = Played()
        with ThreadPoolExecutor(usable_cores()) as at_once:
            for number, (event, outcome) in enumerate(zip(events, at_once.map(self._outcome, events), strict=True), 1):
                place = event.candidate.flavor, event.candidate.rank
                if isinstance(outcome, StoredFeature):
                    played.stored[place] = outcome
                else:
                    played.refused[place] = outcome
                if report is not None:
                    report(number / len(events))
        limit = self.desk.pipeline.settings.delivery.played_megabytes * 1_000_000
        keys = [stored.key for stored in played.stored.values()]
        self.desk.store.trim(self.desk.pipeline.played_cut.name, limit, keys)
        return played

    def _outcome(self, event: CutEvent) -> StoredFeature | str:
        """The played cut, or why it cannot be played."""
        try:
            return self.play(event)
        except MatchcutError as error:
            return str(error)

    def _take(self, side: Side) -> Take:
        title = side.media.title
        entry = self.desk.entries[title]
        with self._fetching:
            if title not in self._files:
                video = LibraryVideo(title, entry.path, entry.fingerprint)
                path = self._open.enter_context(self.desk.library.local_file(video))
                self._files[title] = path, first_frame_seconds(path, entry.source, self.ffmpeg)
            path, first = self._files[title]
        return Take(path, entry.source, self.desk.inputs(title).proxy, side.start_frame, side.stop_frame, first)


def played_summary(film: Path, a: Take, b: Take, *, sought: bool) -> Summary:
    """What is stored of a played cut beside the film.

    The frames at the cut are compared once, here: the store's checksums tie the outcome to the film.
    """
    shift_a, shift_b = shifts_at_cut(film, a, b)
    return {
        "frames_a": a.stop_frame - a.start_frame,
        "frames_b": b.stop_frame - b.start_frame,
        "cut_seconds": float(a.seconds),
        "found_by_seeking": sought,
        "shift_a": shift_a,
        "shift_b": shift_b,
    }


def best_of(candidates: Candidates, k: int) -> dict[str, Sequence[Candidate]]:
    """The first k of each flavor."""
    return {flavor: several[:k] for flavor, several in candidates.items()}


def write_candidates_page(
    desk: Desk,
    candidates: Candidates,
    folder: Path,
    *,
    library: str,
    titles: Sequence[str],
    num_played: int,
    report: ReportFraction | None = None,
) -> Played:
    """Write the page of the given candidates.

    Args:
        desk: where everything is read.
        candidates: that are shown.
        folder: of the page.
        library: its name.
        titles: that were compared, with candidates or without.
        num_played: how many of each flavor are played.
        report: told the share of the cuts that were played.
    """
    settings = desk.pipeline.settings.played_cut
    events = desk.events(best_of(candidates, num_played), settings.seconds)
    with Player(desk) as player:
        played = player.play_all(events, report)
    films = {
        place: PlayedCut(stored.folder / PLAYED_NAME, stored.key.path, stored.summary["cut_seconds"])
        for place, stored in played.stored.items()
    }
    write_page(
        folder,
        candidates,
        flavors=[_flavor_info(desk.pipeline.flavor(name)) for name in candidates],
        titles={title: _title_info(desk, title) for title in titles},
        proxies={title: desk.inputs(title).proxy for title in titles},
        extras=Extras(films, _overlays(desk, candidates)),
        library=library,
    )
    return played


def _flavor_info(features: FlavorFeatures) -> FlavorInfo:
    flavor = features.flavor
    return FlavorInfo(flavor.name, flavor.title, flavor.summary, flavor.cues)


def _title_info(desk: Desk, title: str) -> TitleInfo:
    entry = desk.entries[title]
    return TitleInfo(entry.title, entry.path, f"{entry.digest}-{desk.pipeline.standardized_encode.version}")


def _overlays(desk: Desk, candidates: Candidates) -> dict[tuple[str, int], tuple[str | None, str | None]]:
    """What each flavor saw on both sides of its candidates."""
    found = {}
    for name, several in candidates.items():
        features = desk.pipeline.flavor(name)
        titles = {title for each in several for title in (each.title_a, each.title_b)}
        seen = {title: desk.inputs(title).representation(features) for title in titles}
        for each in several:
            found[name, each.rank] = (
                overlay(seen[each.title_a], each.shot_a, each.frame_a, is_end=True),
                overlay(seen[each.title_b], each.shot_b, each.frame_b, is_end=False),
            )
    return found
