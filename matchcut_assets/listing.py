"""Candidates and shots for people and programs: tables on the terminal, JSON, CSV."""

import csv
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from matchcut.cue_words import CueWords
from matchcut.deduplicated_shots import ALONE, DeduplicatedShots
from matchcut.errors import MatchcutError
from matchcut.shots import ShotTable
from matchcut.top_k import LISTED_COLUMNS, Candidate, TitleShots, words
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.stored_scores import (
    OneLook,
    Shelf,
    TitlePair,
    catalogue_pairs,
    load_repeats,
    rank_stored,
    repeats_key,
)
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore

SHOT_COLUMNS = ("shot", "start_frame", "stop_frame", "transition_in", "confidence")
DUPLICATE_COLUMNS = ("shot", "group", "kept", "similarity", "reason")
REPEAT_COLUMNS = (
    "shot",
    "start_frame",
    "timecode",
    "title",
    "other_shot",
    "other_start_frame",
    "other_timecode",
    "similarity",
)


def best(
    store: FeatureStore,
    pipeline: Pipeline,
    catalogue: Catalogue,
    *,
    titles: Sequence[str] = (),
    within: bool = False,
    flavor: str | None = None,
    k: int,
) -> dict[str, list[Candidate]]:
    """The best k candidates of each flavor, from the stored scores of all titles.

    Args:
        store: where the scores are.
        pipeline: versions and settings.
        catalogue: the titles.
        titles: only candidates with a shot of one of these; none for all.
        within: with `titles`: both shots are of these.
        flavor: only this one.
        k: how many of each flavor.

    Raises:
        MatchcutError: there is no title at all, or none of a given name.
    """
    _check_titles(catalogue, titles)
    wanted, result = set(titles), {}
    look, shelf = OneLook(store), Shelf(store, pipeline)
    for features in pipeline.flavors:
        if flavor in (None, features.flavor.name):
            pairs = catalogue_pairs(catalogue, look, features)
            chosen = [pair for pair in pairs if _is_asked_for(pair, wanted, within)]
            result[features.flavor.name] = rank_stored(shelf, features, chosen, k=k)
    return result


def seen_again(
    store: FeatureStore, pipeline: Pipeline, catalogue: Catalogue, title: str, shot: int | None = None
) -> list[dict[str, Any]]:
    """Where else the shots of a title are seen, in it or in other titles, as rows of `REPEAT_COLUMNS`.

    Args:
        store: where repeats are.
        pipeline: versions and settings.
        catalogue: the titles.
        title: whose shots.
        shot: only this one.

    Raises:
        MatchcutError: there is no such title or shot.
    """
    _check_titles(catalogue, [title])
    entry = catalogue.require(title)
    inputs = TitleInputs(store, pipeline, entry)
    own = _shots_of(inputs)
    if shot is not None and not 0 <= shot < len(own):
        raise MatchcutError(f"{title} has the shots 0 to {len(own) - 1}, and no shot {shot}.")
    rows = [_repeat_row(own, a, title, own, b, similarity) for a, b, similarity in inputs.deduplicated.repeats()]
    known = store.digests(pipeline.repeats)
    for other in catalogue.entries():
        key = repeats_key(entry, other, pipeline.repeats)
        if other.digest != entry.digest and key.digest in known:
            found = load_repeats(store, key)
            if len(found) == 0:
                continue
            found = found if entry.digest < other.digest else found.turned()
            theirs = _shots_of(TitleInputs(store, pipeline, other))
            columns = (found.shot_a.tolist(), found.shot_b.tolist(), found.similarity.tolist())
            rows += [_repeat_row(own, a, other.title, theirs, b, chance) for a, b, chance in zip(*columns, strict=True)]
    wanted = [row for row in rows if shot in (None, row["shot"])]
    return sorted(wanted, key=lambda row: (row["shot"], row["title"] != title, row["title"], row["other_shot"]))


def _shots_of(inputs: TitleInputs) -> TitleShots:
    """A title's shots with their times; embeddings, which are large, are not read."""
    return TitleShots.of(inputs.proxy, inputs.shots, inputs.deduplicated.kept, inputs.deduplicated.group)


def _repeat_row(own: TitleShots, a: int, title: str, theirs: TitleShots, b: int, similarity: float) -> dict[str, Any]:
    start_a, start_b = int(own.start_frame[a]), int(theirs.start_frame[b])
    values = (
        a,
        start_a,
        own.timecode_of(start_a),
        title,
        b,
        start_b,
        theirs.timecode_of(start_b),
        round(similarity, 4),
    )
    return dict(zip(REPEAT_COLUMNS, values, strict=True))


def show_repeats(rows: Sequence[Mapping[str, Any]], *, as_json: bool, csv_file: Path | None) -> None:
    """Repeats as JSON or CSV, or a table on the terminal."""
    if as_json:
        json.dump(rows, sys.stdout, indent=1)
        sys.stdout.write("\n")
    elif csv_file:
        _write_rows(None if str(csv_file) == "-" else csv_file, REPEAT_COLUMNS, rows)
    elif not rows:
        Console().print("nothing of it is seen again")
    else:
        table = Table("shot", "at", "is seen again in", "shot", "at", "similarity")
        for row in rows:
            told = (row["shot"], row["timecode"], row["title"], row["other_shot"], row["other_timecode"])
            table.add_row(*map(str, told), f"{row['similarity']:.2f}")
        Console().print(table)


def _is_asked_for(pair: TitlePair, titles: set[str], within: bool) -> bool:
    if not titles:
        return True
    named = [entry.title in titles for entry in (pair.a, pair.b)]
    return all(named) if within else any(named)


def _check_titles(catalogue: Catalogue, titles: Sequence[str]) -> None:
    known = [entry.title for entry in catalogue.entries()]
    if not known:
        raise MatchcutError("no title was matched yet. Give it videos first: matchcut run PATH...")
    for title in titles:
        if title not in known:
            similar = get_close_matches(title, known) or known[:10]
            raise MatchcutError(f"there is no title {title!r}. Did you mean one of {', '.join(similar)}?")


def rows_of(found: Mapping[str, Sequence[Candidate]]) -> Iterator[dict[str, Any]]:
    """One flat row per candidate, with one column per cue."""
    for candidates in found.values():
        for each in candidates:
            yield {**{name: getattr(each, name) for name in LISTED_COLUMNS}, **each.cues}


def print_json(found: Mapping[str, Sequence[Candidate]]) -> None:
    """A JSON array on standard output."""
    json.dump(list(rows_of(found)), sys.stdout, indent=1)
    sys.stdout.write("\n")


def write_csv(found: Mapping[str, Sequence[Candidate]], path: Path | None) -> None:
    """CSV into a file, or on standard output."""
    rows = list(rows_of(found))
    names = list(dict.fromkeys([*LISTED_COLUMNS, *(name for row in rows for name in row)]))
    _write_rows(path, names, rows)


def write_shots(table: ShotTable, path: Path | None) -> None:
    """A table of shots as CSV into a file, or on standard output."""
    rows = table.to_arrow().select(SHOT_COLUMNS).to_pylist()
    _write_rows(path, SHOT_COLUMNS, ({**row, "confidence": round(row["confidence"], 4)} for row in rows))


def write_duplicates(table: DeduplicatedShots, path: Path | None) -> None:
    """Groups of near-duplicates as CSV; a shot of its own has no group, one with nothing to show no similarity."""
    rows = table.to_arrow().select(DUPLICATE_COLUMNS).to_pylist()
    _write_rows(path, DUPLICATE_COLUMNS, map(_duplicate_row, rows))


def _duplicate_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "group": "" if row["group"] == ALONE else row["group"],
        "kept": str(row["kept"]).lower(),
        "similarity": "" if math.isnan(row["similarity"]) else round(row["similarity"], 4),
    }


def _write_rows(path: Path | None, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with _opened(path) as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise MatchcutError(f"{path}: cannot be written ({error.strerror}). Choose another file.") from error


def print_best(store: FeatureStore, pipeline: Pipeline, catalogue: Catalogue, *, k: int) -> None:
    """The best candidates of the whole library as tables on the terminal."""
    if catalogue.entries():
        print_tables(best(store, pipeline, catalogue, k=k), pipeline)


def print_tables(found: Mapping[str, Sequence[Candidate]], pipeline: Pipeline) -> None:
    """A table per flavor on standard output."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    for name, candidates in found.items():
        flavor = pipeline.flavor(name).flavor
        console.print(_table(flavor.title, candidates, flavor.cues) if candidates else f"{flavor.title}: no candidate")


def _table(title: str, candidates: Sequence[Candidate], cues: Mapping[str, CueWords]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("", "score", "cut from", "shot", "timecode", "to", "shot", "timecode", "what matches"):
        table.add_column(heading, justify="right" if heading in ("", "score", "shot") else "left")
    for each in candidates:
        cells = (
            str(each.rank),
            f"{each.score:.3f}",
            each.title_a,
            str(each.shot_a),
            each.timecode_a,
            each.title_b,
            str(each.shot_b),
            each.timecode_b,
            words(each, cues),
        )
        table.add_row(*map(Text, cells))
    return table
