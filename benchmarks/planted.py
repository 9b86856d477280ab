"""Planted match cuts: how many of them are found among all pairs of hundreds of shots.

    python -m benchmarks.planted [--split tune|test] [--pairs N] [--videos DIR] [--json FILE] [--pictures DIR]

Films are composed (`planted_poses.py`, `planted_movements.py`), encoded and represented as any title is, and every pair
of shots is scored by `score_pairs`. The planted partner of each shot should be among the best ways on from the outgoing
one and among the best ways into the incoming one. Beside each flavor stands the plain method that production systems
use: overlap of the middle frames' person masks, and cosine of the mean flow; for appearance, correlation of small grey
middle frames.

Everything that was chosen with planted films in view was chosen on `tune`; `test` has other poses, backgrounds and
movements. That some backgrounds for tuning lie under made-up skies is because those of `test` were seen to matter.
Give `--split test`, the default, for figures to report.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from benchmarks.machine import machine_facts, shared_videos
from benchmarks.planted_film import PlantedFilm, Split
from benchmarks.planted_movements import action_match_film
from benchmarks.planted_poses import DANCER, appearance_match_film, frame_match_film
from matchcut.flavors import FLAVORS
from matchcut.pair_scores import PairScoreParameters, PairScores, score_pairs
from matchcut.pictures import encode_jpeg, side_by_side
from matchcut.representations.flavor import Flavor
from matchcut.representations.grid import lay_field, lay_mask
from matchcut.representations.movement import flow_between
from matchcut.representations.person_finder import PersonFinder
from matchcut.representations.persons import PersonParameters
from matchcut.representations.silhouette_scores import silhouette_iou
from resources.model_weights import ModelWeights

DEFAULT_JSON = Path("benchmarks/results/planted.json")
FILMS: Mapping[str, Callable[[Path, Path, Split, int], PlantedFilm]] = {
    "frame_match": frame_match_film,
    "action_match": action_match_film,
    "appearance_match": appearance_match_film,
}
PLAIN_METHODS = {
    "frame_match": "IoU of the masks of all persons, middle frames",
    "action_match": "cosine of the mean flow",
    "appearance_match": "correlation of brightness, middle frames",
}
PLAIN_PAIRS = 24  # pairs of frames over a shot whose flow the plain method averages
PLAIN_SIZE = (32, 18)  # of pictures whose brightness it compares


def run(videos: Path, split: Split, pairs: int, names: list[str], pictures: Path | None) -> dict[str, Any]:
    """Recall of every flavor and of its plain method, on freshly composed films."""
    plain = {
        "frame_match": plain_frame_match,
        "action_match": plain_action_match,
        "appearance_match": plain_appearance_match,
    }
    results: dict[str, Any] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            film = FILMS[name](videos, Path(folder), split, pairs)
            flavor = next(flavor for flavor in FLAVORS if flavor.name == name)
            started = time.perf_counter()
            scores = scored(film, flavor)
            seconds = time.perf_counter() - started
            results[name] = {
                "queries": 2 * pairs,
                "distractors": 2 * pairs - 2,
                "ours": {**recall(*ranks(scores, pairs)), "cut": cut_points(scores, film, pairs)},
                "plain": recall(*ranks_of(plain[name](film), pairs)),
                "plain_method": PLAIN_METHODS[name],
                "seconds": round(seconds, 1),
            }
            if pictures is not None:
                draw(scores, film, pairs, pictures / name)
    return results


def scored(film: PlantedFilm, flavor: Flavor) -> PairScores:
    """Every pair of the film's shots, all that score kept."""
    rows = flavor.represent(film.proxy, film.shots, ModelWeights().paths(flavor.weights))
    return score_pairs(flavor, rows, rows, same_title=True, parameters=PairScoreParameters())


def ranks(scores: PairScores, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Rank of each planted cut, from 1, among the ways on from its first and into its second shot; inf if unlisted."""
    on, into = np.full(pairs, np.inf), np.full(pairs, np.inf)
    for pair in range(pairs):
        ways_on = scores.shot_in[scores.shot_out == 2 * pair]  # best first, as stored
        ways_in = scores.shot_out[scores.shot_in == 2 * pair + 1]
        for place, ways, wanted in ((on, ways_on, 2 * pair + 1), (into, ways_in, 2 * pair)):
            at = np.flatnonzero(ways == wanted)
            if len(at):
                place[pair] = at[0] + 1
    return on, into


def ranks_of(score: np.ndarray, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """The same from a full matrix of scores (shots, shots), outgoing first; ties count against it."""
    score = score.copy()
    np.fill_diagonal(score, -np.inf)
    out, into = 2 * np.arange(pairs), 2 * np.arange(pairs) + 1
    planted = score[out, into]
    on = (score[out] >= planted[:, None]).sum(axis=1)
    return np.where(planted > 0, on, np.inf), np.where(planted > 0, (score[:, into] >= planted).sum(axis=0), np.inf)


def recall(on: np.ndarray, into: np.ndarray) -> dict[str, float]:
    """Shares of the queries whose partner is first and among the first ten, and the mean reciprocal rank."""
    rank = np.concatenate([on, into])
    figures = {"recall_at_1": (rank <= 1).mean(), "recall_at_10": (rank <= 10).mean(), "mrr": (1 / rank).mean()}
    return {name: round(float(figure), 4) for name, figure in figures.items()}


def cut_points(scores: PairScores, film: PlantedFilm, pairs: int) -> dict[str, float]:
    """How many frames of the movement are skipped or shown twice at the chosen cuts, and at the default ones."""
    planted = (scores.shot_out % 2 == 0) & (scores.shot_in == scores.shot_out + 1)
    chosen = film.pose[scores.frame_in[planted]] - film.pose[scores.frame_out[planted]] - 1
    first, last = film.shots.start_frame[1::2], film.shots.stop_frame[::2] - 1
    default = film.pose[first] - film.pose[last] - 1
    return {
        "found": int(planted.sum()),
        "median_frames_off": float(np.median(np.abs(chosen))) if planted.any() else float("nan"),
        "default_frames_off": float(np.median(np.abs(default))),
    }


def plain_frame_match(film: PlantedFilm) -> np.ndarray:
    """IoU of the union masks of all persons in the shots' middle frames."""
    finder = PersonFinder(ModelWeights().paths(FLAVORS[0].weights), PersonParameters())
    record = film.proxy.record
    masks = [
        lay_mask(finder.probability(frame) >= 0.5, record.width, record.height).ravel()
        for _, frame in film.proxy.frames_at(_middles(film))
    ]
    flat = np.array(masks, np.float32)
    return silhouette_iou(flat, flat)


def plain_appearance_match(film: PlantedFilm) -> np.ndarray:
    """Correlation of the shots' middle frames, small and grey."""
    grey = [frame.mean(axis=2).ravel() for _, frame in film.proxy.frames_at(_middles(film), size=PLAIN_SIZE)]
    return np.corrcoef(np.array(grey))


def _middles(film: PlantedFilm) -> list[int]:
    """The middle frame of each shot."""
    return ((film.shots.start_frame + film.shots.stop_frame - 1) // 2).tolist()


def plain_action_match(film: PlantedFilm) -> np.ndarray:
    """Cosine of the flow averaged over each shot."""
    import cv2

    means = []
    for start, stop in zip(film.shots.start_frame.tolist(), film.shots.stop_frame.tolist(), strict=True):
        grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in film.proxy.frames(start, stop, size=(320, 180))]
        at = np.unique(np.linspace(0, len(grey) - 2, PLAIN_PAIRS).astype(int))
        mean = np.mean([flow_between(grey[i], grey[i + 1]) for i in at], axis=0)
        means.append(lay_field(mean, 16, 9, 16, 9).ravel())
    flow = np.array(means)
    unit = flow / np.maximum(np.linalg.norm(flow, axis=1, keepdims=True), 1e-9)
    return np.asarray(unit @ unit.T)


def draw(scores: PairScores, film: PlantedFilm, pairs: int, folder: Path) -> None:
    """What was put before each planted cut that is not first, above the planted one as it would be cut by default."""
    folder.mkdir(parents=True, exist_ok=True)
    on, _ = ranks(scores, pairs)
    for pair in np.flatnonzero(on > 1):
        shots = film.shots
        default = (int(shots.stop_frame[2 * pair]) - 1, int(shots.start_frame[2 * pair + 1]))
        best = np.flatnonzero(scores.shot_out == 2 * pair)[:1]
        cuts = [(int(scores.frame_out[i]), int(scores.frame_in[i])) for i in best]
        sheets = [side_by_side(film.proxy, a, film.proxy, b) for a, b in [default, *cuts]]
        (folder / f"pair_{pair:03d}_rank_{on[pair]:.0f}.jpg").write_bytes(encode_jpeg(np.vstack(sheets)))


def show(results: Mapping[str, Any]) -> None:
    """Print the figures as a Markdown table."""
    print("| planted | method | recall@1 | recall@10 | MRR |\n|---|---|---:|---:|---:|")
    for name, result in results.items():
        for method in ("ours", "plain"):
            figures = " | ".join(f"{result[method][key]:.3f}" for key in ("recall_at_1", "recall_at_10", "mrr"))
            print(f"| {name} | {method} | {figures} |")
        print(f"{name}: {result['seconds']} s, cut points {result['ours']['cut']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=get_args(Split), default="test")
    parser.add_argument("--pairs", type=int, default=100, metavar="N", help="planted pairs per flavor, default 100")
    parser.add_argument("--flavor", choices=FILMS, help="this one only; default: all")
    parser.add_argument("--videos", type=Path, default=shared_videos(), metavar="DIR", help="holds the films")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, metavar="FILE", help=f"default: {DEFAULT_JSON}")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="where to draw what was put before a planted cut")
    arguments = parser.parse_args()
    if not (arguments.videos / DANCER).exists():
        parser.error(f"{arguments.videos} does not hold the films that are composed; name a folder that does")
    names = [arguments.flavor] if arguments.flavor else list(FILMS)
    results = run(arguments.videos, arguments.split, arguments.pairs, names, arguments.pictures)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    found = {"split": arguments.split, "flavors": results, "machine": machine_facts()}
    arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    show(results)


if __name__ == "__main__":
    main()
