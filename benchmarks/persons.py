"""Persons in frames with and without people: what is found, and what is taken for a person that is none.

    python -m benchmarks.persons [--videos DIR] [--json FILE]

Looks at the middle frame of every shot whose truth says whether it shows people, and of the shots of films without any.
Shots of drawn animals are left out: they are no persons, but silhouettes that an editor may want. Beside it stands the
plain method: a mask of all people by the segmentation network alone. `PersonParameters` were set by eye on the middles
of shots of the same films: the figures say how well they fit, not how they carry over.

Where persons are sure, they also tell how far what stands out of a picture (`figure.py`, which knows nothing of
persons) is what should: the overlap of both.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.machine import machine_facts, shared_videos
from matchcut.representations.appearance import PICTURE_HEIGHT, PICTURE_WIDTH, Appearance
from matchcut.representations.grid import CELLS, lay_mask, picture_box
from matchcut.representations.instances import Instance
from matchcut.representations.masks import iou, num_cells
from matchcut.representations.person_finder import WEIGHTS, PersonFinder
from matchcut.representations.persons import PersonParameters
from resources.model_weights import ModelWeights

DEFAULT_JSON = Path("benchmarks/results/persons.json")
WITHOUT_PEOPLE = ("ocean", "city_cc0", "nasa_rocket")
WITH_PEOPLE = ("dancer",)
DRAWN_ANIMALS = "bbb"
SURE = 0.5
HEIGHT = 360  # of proxies
# Persons that a figure is compared with: how sure, and what share of the picture they cover together.
VERY_SURE, COVERED = 0.8, (0.03, 0.5)
SAME = 0.6  # overlap from which a figure is the persons


def labelled(videos: Path) -> dict[str, list[tuple[int, bool]]]:
    """For each film the middle frames of its shots, and whether they show people."""
    found: dict[str, list[tuple[int, bool]]] = {}
    for path in sorted((videos / "truth").glob("*.csv")):
        name, *kind = path.stem.split(".")
        if kind not in ([], ["shots"]):
            continue
        rows = list(csv.DictReader(path.open()))
        middles = [(int(row["start_frame"]) + int(row["end_frame"])) // 2 for row in rows]
        if kind == ["shots"]:
            people = [row["person"] == "1" for row in rows]
            clips = [row["clip"] for row in rows]
            shown = zip(middles, people, clips, strict=True)
            found[name] = [
                (middle, is_person) for middle, is_person, clip in shown if not clip.startswith(DRAWN_ANIMALS)
            ]
        elif not kind and name in (*WITHOUT_PEOPLE, *WITH_PEOPLE):
            found[name] = [(middle, name in WITH_PEOPLE) for middle in middles]
    return found


def run(videos: Path) -> dict[str, Any]:
    """Best confidence, and size of the plain mask, of every labelled frame."""
    settings = PersonParameters()
    finder = PersonFinder(ModelWeights().paths(WEIGHTS), settings)
    truth: list[bool] = []
    confidence: list[float] = []
    masked: list[bool] = []
    figures: list[tuple[float, float]] = []
    for name, frames in labelled(videos).items():
        (video,) = (path for path in videos.iterdir() if path.is_file() and path.stem == name)
        for frame, (_, is_person) in zip(_read(video, [number for number, _ in frames]), frames, strict=True):
            truth.append(is_person)
            persons = finder.find(frame)
            confidence.append(max((person.confidence for person in persons), default=0.0))
            figures += compared_figure(frame, persons)
            masked.append(float((finder.probability(frame) >= settings.mask_threshold).mean()) >= settings.min_area)
    people, sure = np.array(truth), np.array(confidence) >= SURE
    return {
        "with_people": int(people.sum()),
        "without_people": int((~people).sum()),
        "sure_from": SURE,
        "matchcut": {"found": int(sure[people].sum()), "made_up": int(sure[~people].sum())},
        "plain": {"found": int(np.array(masked)[people].sum()), "made_up": int(np.array(masked)[~people].sum())},
        "figures": overlaps(*np.array(figures).T),
    }


def compared_figure(frame: np.ndarray, persons: Sequence[Instance]) -> list[tuple[float, float]]:
    """Overlap of a frame's figure with its persons, and its worth; nothing where no persons are sure enough."""
    height, width = frame.shape[:2]
    sure = [lay_mask(person.mask, width, height) for person in persons if person.confidence >= VERY_SURE]
    _, _, columns, rows = picture_box(width, height)
    wanted = np.packbits(np.any(sure, axis=0)) if sure else np.zeros(CELLS // 8, np.uint8)
    if not COVERED[0] < num_cells(wanted) / (columns * rows) < COVERED[1]:
        return []
    size = picture_box(width, height, PICTURE_WIDTH, PICTURE_HEIGHT)[2:]
    seen = Appearance().describe(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), width, height)
    figure = np.asarray(seen["figure"])
    overlap = iou(num_cells(figure & wanted), num_cells(figure), num_cells(wanted))
    return [(float(overlap), float(seen["figure_worth"]))]


def overlaps(overlap: np.ndarray, worth: np.ndarray) -> dict[str, float]:
    """Mean overlap of all figures and of the quarter that is worth most; how well worth tells the right ones."""
    best, right = np.argsort(-worth)[: len(worth) // 4], overlap >= SAME
    above = (worth[right][:, None] > worth[~right]) + 0.5 * (worth[right][:, None] == worth[~right])
    return {
        "frames": len(overlap),
        "overlap": round(float(overlap.mean()), 3),
        "overlap_of_best_quarter": round(float(overlap[best].mean()), 3),
        "right_from": SAME,
        "right": round(float(right.mean()), 3),
        "area_under_curve": round(float(above.mean()), 3),
    }


def _read(video: Path, wanted: list[int]) -> list[np.ndarray]:
    """RGB frames of a proxy's height, in the order of the film."""
    capture, frames = cv2.VideoCapture(str(video)), []
    for number in range(max(wanted) + 1):
        there, frame = capture.read()
        if not there:
            raise SystemExit(f"{video} ends at frame {number}, but its truth names frame {max(wanted)}")
        if number in wanted:
            scale = HEIGHT / frame.shape[0]
            small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            frames.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=shared_videos(), metavar="DIR", help="holds films and truth/")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, metavar="FILE", help=f"default: {DEFAULT_JSON}")
    arguments = parser.parse_args()
    if not (arguments.videos / "truth").is_dir():
        parser.error(f"{arguments.videos} has no folder truth/; name a folder of films that has, with --videos")
    result = run(arguments.videos)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({**result, "machine": machine_facts()}, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
