"""The graded top 20: candidates of real films as one catalogue, looked at and judged, beside the plain method.

    python -m benchmarks.graded_top [VIDEO...] [--home DIR] [--sheets DIR] [--draw DIR] [--leave-one-out]
        [--handles SECONDS...] [--json FILE]

Runs `matchcut run` on the given videos or folders (default: `../shared/videos` where it is there, and the demo's
films), takes the best 20 of every flavor and of the plain method (`plain_match.py`), and looks the cuts up in the
graded file (`benchmarks/grades.py`). `--sheets` draws a contact sheet of each list (a row per pair: four frames of the
second before the cut, four of the second from it on, as they pass when it is played). `--draw` draws cuts that nobody
graded, for blind graders (`benchmarks/blind_grading.py`).
`--leave-one-out` ranks again with each cue of the ranking turned off. `--handles` matches movements again with other
handles (`[action_match] handle_seconds`), which moves all frames at which a shot may be cut: a list that is good with
one of them only is good by luck.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from benchmarks.blind_grading import draw, frames_from, is_drawing
from benchmarks.grades import ACCEPTED, GRADES, SAME_CUT_FRAMES, Cut, Grade, Side, grade_of, kappa, load_grades, summary
from benchmarks.machine import machine_facts, shared_videos
from benchmarks.pipeline import matchcut
from benchmarks.plain_match import action_pairs, describe, frame_pairs
from matchcut.deduplicated_shots import usable_shots
from matchcut.pictures import Tile, encode_jpeg, sheet, thumbnails
from matchcut.shots import ShotTable
from matchcut.top_k import RankingWeights
from matchcut_assets.cli import Workbench
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.stored_scores import Shelf, catalogue_pairs, one_per_content, rank_stored
from resources.home import Home
from resources.sample_films import make_sample_titles

K = 20
NUM_RANDOM = 10
"""Cuts that graders are asked about and nobody found, as controls."""
DEFAULT_JSON = Path("benchmarks/results/graded_top.json")
SECONDS_FROM_CUT = (0.0, 0.25, 0.6, 1.0)
_TILE_WIDTH = 160

Asked = tuple[str, Cut]
"""A way of matching and a cut."""


def looked_up(grades: Sequence[Grade], method: str, cuts: Sequence[Cut]) -> tuple[list[Grade | None], list[Asked]]:
    """The grade of each cut, and those that nobody looked at."""
    found = [grade_of(grades, method, cut) for cut in cuts]
    return found, [(method, cut) for cut, grade in zip(cuts, found, strict=True) if grade is None]


# --- the lists ---


@dataclass(frozen=True)
class Library:
    """A catalogue that was matched."""

    bench: Workbench

    @property
    def pipeline(self) -> Pipeline:
        """Versions under the home folder's settings."""
        return self.bench.pipeline

    def inputs(self) -> dict[str, TitleInputs]:
        """Every content once, by its title's key."""
        encoded = self.bench.store.digests(self.pipeline.deduplicated_shots)
        entries = [entry for entry in self.bench.catalogue.entries() if entry.digest in encoded]
        return {entry.title: TitleInputs(self.bench.store, self.pipeline, entry) for entry in one_per_content(entries)}

    def by_name(self) -> dict[str, TitleInputs]:
        """The same by the title's short name, as sides have it."""
        return {_short(title): each for title, each in self.inputs().items()}

    def ranked(self, flavor: str, weights: RankingWeights | None = None, k: int = K) -> list[Cut]:
        """The best candidates of a flavor, with other weights if they are given."""
        pipeline = self.pipeline
        if weights is not None:
            top_k = replace(pipeline.settings.top_k, weights=weights)
            pipeline = Pipeline(replace(pipeline.settings, top_k=top_k))
        features = pipeline.flavor(flavor)
        pairs = catalogue_pairs(self.bench.catalogue, self.bench.store, features)
        return [
            Cut(
                Side(_short(c.title_a), c.shot_a, c.frame_a, c.start_frame_a, c.stop_frame_a),
                Side(_short(c.title_b), c.shot_b, c.frame_b, c.start_frame_b, c.stop_frame_b),
                c.score,
            )
            for c in rank_stored(Shelf(self.bench.store, pipeline), features, pairs, k=k)
        ]

    def random_cuts(self, count: int, seed: int = 0) -> list[Asked]:
        """From near the end of any shot to near the start of any shot of another title, for any flavor."""
        chosen = random.Random(seed)
        methods = [features.flavor.name for features in self.pipeline.flavors if not features.flavor.reads_sound]
        shots = [
            (title, int(shot), each.shots)
            for title, each in sorted(self.inputs().items())
            for shot in usable_shots(each.shots, each.deduplicated).shot
        ]
        cuts: list[Asked] = []
        while len(cuts) < count:
            (title_a, a, of_a), (title_b, b, of_b) = chosen.sample(shots, 2)
            if title_a != title_b:
                out = max(of_a.start_frame[a], of_a.stop_frame[a] - SAME_CUT_FRAMES)
                into = min(of_b.stop_frame[b] - 1, of_b.start_frame[b] + SAME_CUT_FRAMES)
                sides = _side(of_a, title_a, a, int(out)), _side(of_b, title_b, b, int(into))
                cuts.append((chosen.choice(methods), Cut(*sides)))
        return cuts

    def plain(self) -> dict[str, list[Cut]]:
        """The best pairs of the plain method; "frame_match" and "action_match"."""
        inputs = self.inputs()
        weights = self.bench.weights.paths(["selfie_segmentation_landscape"])
        seen = {
            title: describe(each.proxy, usable_shots(each.shots, each.deduplicated), weights)
            for title, each in inputs.items()
        }
        tables = {title: each.shots for title, each in inputs.items()}
        found = {"frame_match": frame_pairs(seen, K), "action_match": action_pairs(seen, K)}
        return {
            method: [
                Cut(
                    _side(tables[pair.title_a], pair.title_a, pair.shot_a, pair.frame_a),
                    _side(tables[pair.title_b], pair.title_b, pair.shot_b, pair.frame_b),
                    pair.score,
                )
                for pair in pairs
            ]
            for method, pairs in found.items()
        }

    def picture(self, cuts: Sequence[Cut], grades: Sequence[Grade | None]) -> Any:
        """A contact sheet, uint8 (H, W, 3) RGB."""
        by_name = self.by_name()
        return sheet(
            [tile for row in enumerate(zip(cuts, grades, strict=True), start=1) for tile in _row(by_name, *row)],
            columns=2 * len(SECONDS_FROM_CUT),
            tile_width=_TILE_WIDTH,
        )


def _short(title: str) -> str:
    """A title's key without the folders that it came from."""
    return title.rsplit("__", 1)[-1]


def _side(table: ShotTable, title: str, shot: int, frame: int) -> Side:
    return Side(_short(title), shot, frame, int(table.start_frame[shot]), int(table.stop_frame[shot]))


def _row(inputs: Mapping[str, TitleInputs], rank: int, row: tuple[Cut, Grade | None]) -> Iterator[Tile]:
    """Frames of A up to the cut, and of B from it on."""
    cut, grade = row
    mark = (150, 150, 158) if grade is None else (110, 200, 130) if grade.verdict == ACCEPTED else (230, 90, 80)
    out, into = inputs[cut.a.title].proxy, inputs[cut.b.title].proxy
    before = frames_from(out.seconds, cut.a, [-seconds for seconds in reversed(SECONDS_FROM_CUT)])
    after = frames_from(into.seconds, cut.b, SECONDS_FROM_CUT)
    words = [f"{rank}  {cut.score:.3f}", f"{cut.a.title} {cut.a.shot}", "", f"frame {cut.a.frame}"]
    words += [f"frame {cut.b.frame}", f"{cut.b.title} {cut.b.shot}", "", grade.verdict if grade else "?"]
    pictures = [*thumbnails(out, before, width=_TILE_WIDTH), *thumbnails(into, after, width=_TILE_WIDTH)]
    yield from (Tile(picture, caption, mark) for picture, caption in zip(pictures, words, strict=True))


def measure(library: Library, grades: list[Grade], sheets: Path | None) -> tuple[dict[str, Any], list[Asked]]:
    """The lists with their grades, and the pairs that nobody graded yet."""
    lists = {f"{flavor.flavor.name}": library.ranked(flavor.flavor.name) for flavor in library.pipeline.flavors}
    lists |= {f"plain {method}": cuts for method, cuts in library.plain().items()}
    result: dict[str, Any] = {}
    missing: list[Asked] = []
    for name, cuts in lists.items():
        method = name.removeprefix("plain ")
        found, more = looked_up(grades, method, cuts)
        missing += more
        result[name] = {
            **summary(found),
            "list": [
                {**asdict(cut), "verdict": grade.verdict if grade else "", "reason": grade.reason if grade else ""}
                for cut, grade in zip(cuts, found, strict=True)
            ],
        }
        if sheets is not None and cuts:
            sheets.mkdir(parents=True, exist_ok=True)
            picture = library.picture(cuts, found)
            (sheets / f"{name.replace(' ', '_')}.jpg").write_bytes(encode_jpeg(picture, 80))
    return result, missing


def leave_one_out(library: Library, grades: list[Grade]) -> tuple[dict[str, Any], list[Asked]]:
    """Each flavor's counts with every cue, without each, and without any; and the pairs that nobody graded yet."""
    full = library.pipeline.settings.top_k.weights
    names = [each.name for each in fields(RankingWeights)]
    variants = {"all cues": full}
    variants |= {f"without {name}": replace(full, **{name: 0.0}) for name in names}
    variants["no cue"] = RankingWeights(**dict.fromkeys(names, 0.0))
    result: dict[str, Any] = {}
    missing: list[Asked] = []
    for features in library.pipeline.flavors:
        method = features.flavor.name
        rows = {}
        for name, weights in variants.items():
            cuts = library.ranked(method, weights)
            found, more = looked_up(grades, method, cuts)
            missing += more
            rows[name] = summary(found)
        result[method] = rows
    return result, missing


def with_handles(
    library: Library, videos: Sequence[Path], grades: list[Grade], handles: Sequence[float]
) -> tuple[dict[str, Any], list[Asked]]:
    """Counts of action match with each handle, in seconds, and the pairs that nobody graded yet.

    Raises:
        FileExistsError: the home folder has settings of its own, which would be lost.
    """
    home = library.bench.home
    result: dict[str, Any] = {}
    missing: list[Asked] = []
    for seconds in handles:
        with home.settings_file.open("x") as file:
            file.write(f"[action_match]\nhandle_seconds = {seconds}\n")
        try:
            matchcut(home.path, "run", *videos)
            cuts = Library(Workbench(home)).ranked("action_match")
        finally:
            home.settings_file.unlink()
        found, more = looked_up(grades, "action_match", cuts)
        missing += more
        result[f"{seconds:g} s"] = summary(found)
    return result, missing


def _unseen(cuts: Sequence[Asked]) -> list[Asked]:
    """Each cut once, also where it comes up at frames that are a little apart."""
    once: list[Asked] = []
    for method, cut in cuts:
        if not any(method == name and cut.is_same(other) for name, other in once):
            once.append((method, cut))
    return once


def show(result: Mapping[str, Any]) -> None:
    """Print the counts as a Markdown table."""
    print("| list | accepted | different | ungraded | why not |\n|---|---:|---:|---:|---|")
    for name, row in result.items():
        others = ", ".join(f"{count} {verdict}" for verdict, count in row["verdicts"].items() if verdict != ACCEPTED)
        print(f"| {name} | {row['accepted']} | {row['different_accepted']} | {row['ungraded']} | {others} |")


def videos_of(arguments: argparse.Namespace, folder: Path) -> list[Path]:
    """The given videos, or the demo's, made in a folder, and the shared ones."""
    if arguments.videos:
        return list(arguments.videos)
    make_sample_titles(folder / "demo")
    return [folder / "demo", *([shared_videos()] if shared_videos().is_dir() else [])]


def prepared(home: Home, videos: Sequence[Path]) -> Library:
    """The catalogue, matched; what is known already in the home folder is remembered."""
    home.create()
    matchcut(home.path, "run", *videos)
    return Library(Workbench(home))


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--home", type=Path, metavar="DIR", help="keep what is computed; default: a temporary folder")
    parser.add_argument("--sheets", type=Path, metavar="DIR", help="write a contact sheet of each list")
    parser.add_argument("--grades", type=Path, default=GRADES, metavar="FILE", help=f"default: {GRADES}")
    parser.add_argument("--draw", type=Path, metavar="DIR", help="draw cuts that nobody graded, for blind graders")
    parser.add_argument("--leave-one-out", action="store_true", help="also rank without each cue")
    parser.add_argument(
        "--handles", nargs="+", type=float, default=[], metavar="SECONDS", help="also match movements with each handle"
    )
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, metavar="FILE", help=f"default: {DEFAULT_JSON}")
    arguments = parser.parse_args(given)
    if arguments.draw and is_drawing(arguments.draw):
        parser.error(f"{arguments.draw} holds a drawing that graders may be at; name another folder")
    grades = load_grades(arguments.grades)
    with tempfile.TemporaryDirectory(prefix="matchcut-graded-") as folder:
        videos = videos_of(arguments, Path(folder))
        library = prepared(Home(arguments.home or Path(folder) / "home"), videos)
        lists, missing = measure(library, grades, arguments.sheets)
        without, more = leave_one_out(library, grades) if arguments.leave_one_out else ({}, [])
        handles, others = with_handles(library, videos, grades, arguments.handles)
        titles = [_short(title) for title in library.inputs()]
        heard = {each.flavor.name for each in library.pipeline.flavors if each.flavor.reads_sound}
        unseen = _unseen([asked for asked in (*missing, *more, *others) if asked[0] not in heard])
        if arguments.draw and unseen:
            proxies = {title: each.proxy for title, each in library.by_name().items()}
            draw([*unseen, *library.random_cuts(NUM_RANDOM)], proxies, arguments.draw)
            print(f"{len(unseen)} cuts that nobody graded are drawn in {arguments.draw}", file=sys.stderr)
    show(lists)
    for method, rows in without.items():
        print(f"\n{method}")
        show(rows)
    if handles:
        print("\naction match with other handles")
        show(handles)
    result = {
        "titles": titles,
        "k": K,
        "graded": {
            method: {
                "cuts": len(of_method),
                "accepted": sum(grade.verdict == ACCEPTED for grade in of_method),
                "kappa": kappa(of_method),
            }
            for method in sorted({grade.method for grade in grades})
            if (of_method := [grade for grade in grades if grade.method == method and len(grade.verdicts) > 1])
        },
        "lists": lists,
        "leave_one_out": without,
        "handles": handles,
        "machine": machine_facts(),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
