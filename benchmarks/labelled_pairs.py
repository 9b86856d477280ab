"""Labelled pairs of Netflix's match-cutting data, scored with our flavors on films that the user owns.

    python -m benchmarks.labelled_pairs --films DIR LABELS.json [LABELS.json...] [--titles test.txt] [--home DIR]

LABELS are files as in github.com/Netflix/matchcut, `data/`: `dataset-frame.json`, `dataset-motion.json`, and
`dataset-random-negatives.json`, whose pairs have no label and are bad ones. Every entry has `imdb_id`, `clip1_index`,
`clip1_start`, `clip1_end` (seconds), the same of `clip2`, and `majority_label`. A film is found in DIR by its IMDb id,
which must stand somewhere in its name: `tt0118799.mkv`, `Life Is Beautiful (1997) {imdb-tt0118799}.mp4`.

The labels' shots are used, not ours. Another copy of a film may begin earlier or later: the difference is estimated
from the boundaries that our detector finds, and the share of labelled boundaries that coincide is told; a film under
`LEAST_ALIGNED` is another cut or runs at another speed, and is left out. Printed per file and flavor: average precision
of the pair score, and of the score after the ranking's cues, beside the figures that were published for all films.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.machine import machine_facts
from matchcut.errors import MatchcutError
from matchcut.ffmpeg import find_ffmpeg
from matchcut.given_shots import GivenShots
from matchcut.pair_scores import PairScoreParameters, score_pairs
from matchcut.proxy import Proxy
from matchcut.representations.flavor import BlockScores, Flavor, Representation, UsableShots
from matchcut.sound import Sound, standardize_sound
from matchcut.top_k import TitleShots, TopKParameters, rank_candidates
from matchcut_assets.cli import Workbench
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.single_video import GivenShotsPipeline, SingleVideo
from resources.home import Home
from resources.media_library import VIDEO_SUFFIXES

IMDB_ID = re.compile(r"tt\d{7,}")
FIELDS = ("imdb_id", "clip1_index", "clip1_start", "clip1_end", "clip2_index", "clip2_start", "clip2_end")
LEAST_ALIGNED = 0.5
LARGEST_OFFSET_SECONDS = 90.0
SAME_BOUNDARY_SECONDS = 0.1

PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "frame": {
        "chance": 0.098,
        "instance segmentation IoU, no learning": 0.248,
        "EfficientNet-B7, boosted trees": 0.352,
        "EfficientNet-B7, metric learning": 0.373,
    },
    "motion": {
        "chance": 0.112,
        "RAFT flow, no learning": 0.132,
        "Farneback flow, no learning": 0.163,
        "R(2+1)D, boosted trees": 0.193,
        "R(2+1)D, metric learning": 0.217,
    },
}
"""Average precision on the test films, Chen et al., WACV 2023 (arXiv:2210.05766); which list by the file's name."""


@dataclass(frozen=True)
class LabelledPair:
    """Two shots of one film by the labels' own numbers, and whether editors call them a match cut."""

    imdb_id: str
    first: int
    second: int
    is_good: bool


@dataclass(frozen=True)
class Labels:
    """One or several files of one kind.

    Attributes:
        pairs: as labelled.
        ranges: film to shot to (start, stop) in seconds.
    """

    pairs: tuple[LabelledPair, ...]
    ranges: Mapping[str, Mapping[int, tuple[float, float]]]


def read_labels(path: Path) -> Labels:
    """Read a file in Netflix's schema.

    Raises:
        MatchcutError: it is no such file; the message says what it lacks.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = f"{path}: cannot be read as JSON ({error}). Give a dataset-*.json of Netflix/matchcut."
        raise MatchcutError(reason) from error
    if not isinstance(rows, list) or not rows:
        raise MatchcutError(f"{path}: holds no list of labelled pairs. Give a dataset-*.json of Netflix/matchcut.")
    pairs: list[LabelledPair] = []
    ranges: dict[str, dict[int, tuple[float, float]]] = {}
    for number, row in enumerate(rows):
        missing = [name for name in FIELDS if name not in row]
        if missing:
            raise MatchcutError(f"{path}: entry {number} lacks {', '.join(missing)}; it has {', '.join(row)}.")
        film = ranges.setdefault(str(row["imdb_id"]), {})
        for clip in ("clip1", "clip2"):
            film[int(row[f"{clip}_index"])] = (float(row[f"{clip}_start"]), float(row[f"{clip}_end"]))
        first, second = int(row["clip1_index"]), int(row["clip2_index"])
        pairs.append(LabelledPair(str(row["imdb_id"]), first, second, bool(row.get("majority_label", False))))
    return Labels(tuple(pairs), ranges)


def films_in(folder: Path) -> dict[str, Path]:
    """IMDb id to the video whose name holds it, the first by name."""
    videos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    found: dict[str, Path] = {}
    for video in videos:
        for imdb_id in IMDB_ID.findall(video.name):
            found.setdefault(imdb_id, video)
    return found


def average_precision(is_good: Sequence[bool], score: Sequence[float]) -> float:
    """Area under precision over recall, each step once; equal scores are one step. NaN without good pairs."""
    good, value = np.asarray(is_good, bool), np.asarray(score, np.float64)
    order = np.argsort(-value, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(value[order])), len(value) - 1)
    found = np.cumsum(good[order])[ends]
    if len(value) == 0 or found[-1] == 0:
        return float("nan")
    gained = np.diff(found, prepend=0) / found[-1]
    return float((gained * found / (ends + 1)).sum())


def offset_of(starts: np.ndarray, boundaries: np.ndarray) -> tuple[float, float]:
    """By how much a copy of a film is late against the labels.

    Args:
        starts: seconds at which labelled shots start.
        boundaries: seconds at which the copy's shots start.

    Returns:
        The offset in seconds with which most labelled starts are boundaries, the nearest to 0 of equals, and the share
        of the starts that then are.
    """
    apart = np.subtract.outer(boundaries, starts)
    near = apart[np.abs(apart) <= LARGEST_OFFSET_SECONDS]
    if len(near) == 0:
        return 0.0, 0.0
    steps = np.append(np.round(near / (SAME_BOUNDARY_SECONDS / 2)), 0)
    tried, counts = np.unique(steps, return_counts=True)
    around = np.array([counts[np.abs(tried - each) <= 1].sum() for each in tried])
    best = tried[np.lexsort((np.abs(tried), -around))[0]] * SAME_BOUNDARY_SECONDS / 2
    close = near[np.abs(near - best) <= SAME_BOUNDARY_SECONDS]
    offset = float(np.median(close)) if len(close) else 0.0
    return offset, float((np.abs(apart - offset) <= SAME_BOUNDARY_SECONDS).any(axis=0).mean())


@dataclass(frozen=True)
class Film:
    """A film that the user owns, with the labels' shots.

    Attributes:
        inputs: what is stored of it under those shots.
        shots: their ranges; `shot` counts them in time order.
        numbers: the labels' number of each shot.
        offset_seconds: by which the copy is late.
        aligned: share of the labelled boundaries that coincide with detected ones.
    """

    inputs: TitleInputs
    shots: UsableShots
    numbers: np.ndarray
    offset_seconds: float
    aligned: float

    @classmethod
    def open(cls, path: Path, ranges: Mapping[int, tuple[float, float]], bench: Workbench) -> "Film":
        """Encode the film, find where the labels' shots lie in it, and embed them."""
        single = SingleVideo.open(path, bench.pipeline, bench.store, bench.weights)
        detected = single.shots()
        proxy = single.inputs.proxy
        starts = np.array([start for start, _ in ranges.values()])
        offset, aligned = offset_of(starts, proxy.seconds[detected.start_frame])
        numbers, start, stop = _in_frames(ranges, proxy, offset)
        given = GivenShots(path.name, tuple(start.tolist()), tuple(stop.tolist()))
        single.duplicates_of(given)
        pipeline = GivenShotsPipeline(bench.settings, given.digest)
        inputs = TitleInputs(bench.store, pipeline, single.inputs.entry)
        return cls(inputs, UsableShots(np.arange(len(start)), start, stop), numbers, offset, aligned)

    def facts(self) -> TitleShots:
        """What ranking has to know; every labelled shot may be a candidate."""
        seen, count = self.inputs.embeddings, len(self.shots)
        kept, group = np.ones(count, bool), np.full(count, -1)
        vectors, sharpness = seen.vectors[seen.moments], seen.sharpness[seen.moments]
        return TitleShots.of(self.inputs.proxy, self.inputs.shots, kept, group, vectors, sharpness)


def _in_frames(
    ranges: Mapping[int, tuple[float, float]], proxy: Proxy, offset: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The shots that lie in a copy of the film, in time order: number, first frame, one past the last."""
    half_frame = 0.5 / float(proxy.record.frame_rate)
    rows = sorted((start, stop, number) for number, (start, stop) in ranges.items())
    frames = [
        (number, *np.searchsorted(proxy.seconds, np.array([start, stop]) + offset - half_frame).tolist())
        for start, stop, number in rows
    ]
    inside: list[tuple[int, int, int]] = []
    for number, start, stop in frames:
        begin = max(start, inside[-1][2]) if inside else start
        if begin < stop:
            inside.append((number, begin, stop))
    numbers, start, stop = np.array(inside, np.int64).reshape(-1, 3).T
    return numbers, start, stop


def scores_of(film: Film, flavors: Iterable[Flavor], bench: Workbench, folder: Path) -> dict[str, BlockScores]:
    """Every ordered pair of the labels' shots, by flavor, (N, N); 0 where a shot has no row."""
    inputs = film.inputs
    with tempfile.TemporaryDirectory(dir=folder) as sound:
        source = inputs.entry.source
        standardize_sound(Path(inputs.entry.path).resolve(), source, Path(sound), find_ffmpeg())
        proxy = Proxy(inputs.proxy.path.parent, Sound(Path(sound)))
        return {
            flavor.name: _all_pairs(
                flavor, flavor.represent(proxy, film.shots, bench.weights.paths(flavor.weights)), len(film.shots)
            )
            for flavor in flavors
        }


def _all_pairs(flavor: Flavor, rows: Representation, count: int) -> BlockScores:
    """The scores of all rows with all rows, as the graph computes them, laid into a table of all shots."""
    parameters = PairScoreParameters(keep_per_shot=max(1, len(rows)))
    found = score_pairs(flavor, rows, rows, same_title=True, parameters=parameters)

    def laid(values: np.ndarray) -> np.ndarray:
        whole = np.zeros((count, count), values.dtype)
        whole[found.shot_out, found.shot_in] = values
        return whole

    cues = {name: laid(values) for name, values in found.cues.items()}
    return BlockScores(laid(found.score), laid(found.frame_out), laid(found.frame_in), cues)


def score_film(
    film: Film, pairs: Sequence[LabelledPair], scores: Mapping[str, BlockScores], parameters: TopKParameters
) -> Iterator[dict[str, Any]]:
    """What each flavor and the ranking say of each labelled pair, in the better direction."""
    place = {int(number): row for row, number in enumerate(film.numbers)}
    facts = {"film": film.facts()}
    one_by_one = replace(parameters, weights=replace(parameters.weights, diversity=0.0))
    for pair in pairs:
        if pair.first not in place or pair.second not in place:
            continue
        both = [(place[pair.first], place[pair.second]), (place[pair.second], place[pair.first])]
        tables = {name: _table(block, both) for name, block in scores.items()}
        row: dict[str, Any] = {"is_good": pair.is_good}
        for name, table in tables.items():
            others = {other: each for other, each in tables.items() if other != name}
            best = rank_candidates(table, facts, flavor=name, k=1, parameters=one_by_one, others=others)
            row[name] = max(table["score"].to_pylist())
            row[f"{name}, ranked"] = best[0].score if best else 0.0
        yield row


def _table(block: BlockScores, both: Sequence[tuple[int, int]]) -> pa.Table:
    a, b = np.array(both).T
    return pa.table(
        {
            "title_a": ["film"] * len(both),
            "shot_a": a,
            "frame_a": block.frame_a[a, b],
            "title_b": ["film"] * len(both),
            "shot_b": b,
            "frame_b": block.frame_b[a, b],
            "score": block.score[a, b],
            **{name: cue[a, b] for name, cue in block.cues.items()},
        }
    )


def task_of(path: Path) -> str:
    """ "frame", "motion" or, for the random negatives, ""."""
    return next((task for task in PUBLISHED if task in path.name), "")


def measure(
    files: Sequence[Path], films: Mapping[str, Path], titles: set[str] | None, bench: Workbench
) -> dict[str, Any]:
    """Average precision per task and flavor.

    Raises:
        MatchcutError: none of the labelled films is there, or a file is none.
    """
    labels = {path: read_labels(path) for path in files}
    wanted = {imdb_id for each in labels.values() for imdb_id in each.ranges}
    wanted &= films.keys() & (titles if titles is not None else wanted)
    if not wanted:
        raise MatchcutError(
            f"none of the labelled films is there: {len(films)} videos have an IMDb id in their names. Name the films "
            "that you own like tt0118799.mkv."
        )
    tasks = {task_of(path) or path.stem for path in files if "negatives" not in path.name}
    rows: dict[str, list[dict[str, Any]]] = {task: [] for task in sorted(tasks)}
    told: dict[str, dict[str, Any]] = {}
    for imdb_id in sorted(wanted):
        ranges = {shot: span for each in labels.values() for shot, span in each.ranges.get(imdb_id, {}).items()}
        film = Film.open(films[imdb_id], ranges, bench)
        told[imdb_id] = {
            "file": films[imdb_id].name,
            "offset_seconds": round(film.offset_seconds, 3),
            "aligned": round(film.aligned, 3),
            "shots": len(film.shots),
            "used": film.aligned >= LEAST_ALIGNED,
        }
        print(f"{imdb_id}: {told[imdb_id]}", file=sys.stderr)
        if not told[imdb_id]["used"]:
            continue
        scores = scores_of(film, bench.settings.flavors, bench, bench.home.path)
        for path, each in labels.items():
            pairs = [pair for pair in each.pairs if pair.imdb_id == imdb_id]
            found = list(score_film(film, pairs, scores, bench.settings.top_k))
            for task in [task_of(path) or path.stem] if "negatives" not in path.name else rows:
                rows[task] += found
    return {"films": told, "tasks": {task: _figures(task, found) for task, found in rows.items() if found}}


def _figures(task: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    good = [row["is_good"] for row in rows]
    names = [name for name in rows[0] if name != "is_good"]
    return {
        "pairs": len(rows),
        "good": sum(good),
        "chance": sum(good) / len(good),
        "average_precision": {name: average_precision(good, [row[name] for row in rows]) for name in names},
        "published": dict(PUBLISHED.get(task, {})),
    }


def show(result: Mapping[str, Any]) -> None:
    """Print a Markdown table per task."""
    for task, found in result["tasks"].items():
        print(f"\n{task}: {found['pairs']} pairs, {found['good']} good\n\n| method | AP |\n|---|---:|")
        print(f"| chance on these films | {found['chance']:.3f} |")
        for name, value in found["average_precision"].items():
            print(f"| {name} | {value:.3f} |")
        for name, value in found["published"].items():
            print(f"| published, all test films: {name} | {value:.3f} |")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", nargs="+", type=Path, metavar="LABELS.json")
    parser.add_argument("--films", type=Path, required=True, metavar="DIR", help="films with IMDb ids in their names")
    parser.add_argument("--titles", type=Path, metavar="FILE", help="only these films: a line each, as in test.txt")
    parser.add_argument("--home", type=Path, metavar="DIR", help="keep what is computed; default: a temporary folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures into a file as well")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="matchcut-labelled-") as folder:
        home = Home(given.home or Path(folder))
        home.create()
        try:
            titles = set(given.titles.read_text().split()) if given.titles else None
            result = measure(given.labels, films_in(given.films), titles, Workbench(home))
        except MatchcutError as error:
            print(error, file=sys.stderr)
            return 1
    show(result)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps({**result, "machine": machine_facts()}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
