"""Cuts for graders who know nothing of them: in random order, without scores, ranks and names of films.

    python -m benchmarks.graded_top --draw DIR
    python -m benchmarks.blind_grading DIR GRADER.csv... [--grades FILE]

`benchmarks.graded_top --draw` draws every cut that nobody graded, and random ones as controls, as `001.jpg`, ... (six
frames of the second before the cut, six of the second from it on), says in `cuts.csv` which way of matching each is
about, tells graders in `instructions.md` what to do, and keeps in `key.json` what the cuts are, which no grader opens.
Each grader writes a CSV file with the columns `cut`, `verdict` and `reason`. This command puts these files into the
graded file; who grades a cut again adds to its verdicts.
"""

import argparse
import csv
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from benchmarks.grades import GRADES, VERDICTS, Cut, Grade, Side, kappa, load_grades, save_grades
from matchcut.pictures import Tile, encode_jpeg, sheet, thumbnails
from matchcut.proxy import Proxy

SECONDS_FROM_CUT = (0.0, 0.1, 0.2, 0.35, 0.6, 1.0)
SEED = 20
INSTRUCTIONS = """\
You are a film editor who grades proposed match cuts. Each picture is one cut: the upper row is six frames of shot A in
the second before the cut (the last one is the last frame of A that is shown), the lower row is six frames of shot B
from the cut on (the first one is the first frame of B that is shown). Imagine it played, the upper row from left to
right, then at once the lower one.

A match cut joins two shots from different places or times so that something carries over the cut: the same silhouette,
pose or shape at the same place in the picture; a movement that goes on in the same direction, speed and place; or the
composition, shapes and lines that stay where they were. `cuts.csv` says which is asked for. frame_match: a silhouette,
pose or figure stays at the same place and size. action_match: a movement, of what is filmed or of the camera, goes on.
appearance_match: shapes and lines stay where they were, whatever they show. Judge mainly that.

Look at every picture and give one verdict:
{verdicts}

Be as strict as an editor who has to show the shortlist to a director, but fair: look for surprise and for something
that visibly carries over. Judge each cut by itself and aim for no share of acceptances. Do not open `key.json`.

Write a CSV file with the columns cut, verdict and reason (a few words without commas), one row per cut.
"""
_KEY = "key.json"
_TILE_WIDTH = 250
_MARK = (150, 150, 158)


def draw(cuts: Sequence[tuple[str, Cut]], proxies: Mapping[str, Proxy], folder: Path) -> None:
    """Write the pictures, the list of cuts, instructions and the key.

    Args:
        cuts: ways of matching and cuts; they are drawn in random order.
        proxies: by the title's name in the cuts.
        folder: it must not hold another drawing, whose key graders' files belong to.

    Raises:
        FileExistsError: it does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    order = list(cuts)
    random.Random(SEED).shuffle(order)
    with (folder / _KEY).open("x") as file:
        json.dump([{"method": method, "a": asdict(cut.a), "b": asdict(cut.b)} for method, cut in order], file, indent=1)
    for number, (_, cut) in enumerate(order, start=1):
        tiles = [*_tiles("A", proxies[cut.a.title], cut.a, -1), *_tiles("B", proxies[cut.b.title], cut.b, 1)]
        picture = sheet(tiles, columns=len(SECONDS_FROM_CUT), tile_width=_TILE_WIDTH)
        (folder / f"{number:03d}.jpg").write_bytes(encode_jpeg(picture, 85))
    verdicts = "\n".join(f"- {verdict}: {meaning}" for verdict, meaning in VERDICTS.items())
    (folder / "instructions.md").write_text(INSTRUCTIONS.format(verdicts=verdicts))
    with (folder / "cuts.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("cut", "method"))
        lines.writerows((f"{number:03d}", method) for number, (method, _) in enumerate(order, start=1))


def is_drawing(folder: Path) -> bool:
    """Whether cuts are drawn there."""
    return (folder / _KEY).exists()


def _tiles(name: str, proxy: Proxy, side: Side, way: int) -> Iterator[Tile]:
    """Frames of the second before the cut (way -1) or from it on (1), as they pass."""
    seconds = [way * each for each in SECONDS_FROM_CUT][::way]
    pictures = thumbnails(proxy, frames_from(proxy.seconds, side, seconds), width=_TILE_WIDTH)
    for second, picture in zip(seconds, pictures, strict=True):
        yield Tile(picture, f"{name} {second:+.2f} s", _MARK)


def frames_from(times: np.ndarray, side: Side, seconds: Sequence[float]) -> list[int]:
    """Frames of a side's shot so many seconds from the cut; at its end the last one stays."""
    wanted = times[side.frame] + np.array(seconds)
    numbers = np.searchsorted(times, wanted - 1e-6)
    return [int(number) for number in np.clip(numbers, side.start_frame, side.stop_frame - 1)]


def read(folder: Path, files: Sequence[Path]) -> list[Grade]:
    """What graders said of a drawing.

    Raises:
        ValueError: a cut has no verdict, or one that is none.
    """
    key = json.loads((folder / _KEY).read_text())
    graders = [_said(path, len(key)) for path in files]
    grades = []
    for number, row in enumerate(key, start=1):
        said = [grader[number] for grader in graders]
        grade = Grade(row["method"], Side(**row["a"]), Side(**row["b"]), tuple(verdict for verdict, _ in said))
        grades.append(replace(grade, reason=next(reason for verdict, reason in said if verdict == grade.verdict)))
    return grades


def _said(path: Path, count: int) -> dict[int, tuple[str, str]]:
    """A grader's verdicts and reasons by the cut's number."""
    with path.open(newline="") as file:
        said = {int(row["cut"]): (row["verdict"].strip(), row["reason"].strip()) for row in csv.DictReader(file)}
    for number in range(1, count + 1):
        verdict, _ = said.get(number, ("", ""))
        if verdict not in VERDICTS:
            raise ValueError(f"{path}: cut {number:03d} has the verdict {verdict!r}; write one of {sorted(VERDICTS)}")
    return said


def merged(old: Sequence[Grade], new: Sequence[Grade]) -> list[Grade]:
    """All grades; those of the same frames, asked about in the same way, become one, by all its graders."""
    by_cut = {(grade.method, grade.a, grade.b): grade for grade in old}
    for grade in new:
        at = grade.method, grade.a, grade.b
        if known := by_cut.get(at):
            both = replace(known, verdicts=(*known.verdicts, *grade.verdicts))
            grade = both if both.verdict == known.verdict else replace(both, reason=grade.reason)
        by_cut[at] = grade
    return list(by_cut.values())


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="where they were drawn")
    parser.add_argument("graders", nargs="+", type=Path, metavar="GRADER.csv")
    parser.add_argument("--grades", type=Path, default=GRADES, metavar="FILE", help=f"default: {GRADES}")
    arguments = parser.parse_args(given)
    new = read(arguments.folder, arguments.graders)
    save_grades(merged(load_grades(arguments.grades), new), arguments.grades)
    agree = f", kappa {kappa(new):.2f}" if len(arguments.graders) > 1 else ""
    print(f"{len(new)} cuts, {len(arguments.graders)} graders{agree}")


if __name__ == "__main__":
    main()
