"""Shot detectors on films with hand-checked truth: precision, recall, F1 and speed, beside the public ones.

    python -m benchmarks.shots [--videos DIR] [--json FILE] [--pictures DIR]

Every detector reads the same standardized encodes, and its seconds include decoding them. The rules are those of
`score_shots.py` beside the films: a cut is found within 1 frame, a gradual transition within its extent. With
`--pictures`, every boundary that this project's default misses or makes up is drawn as a strip of frames.
"""

import argparse
import importlib.util
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.machine import machine_facts, shared_videos
from matchcut.ffmpeg import find_ffmpeg
from matchcut.pictures import encode_jpeg
from matchcut.proxy import Proxy
from matchcut.shots import DEFAULT_DETECTOR, DETECTORS, ShotDetector, detect_shots
from matchcut.shots.detector import runs_of
from matchcut.shots.transnet import load_network, predict
from matchcut.source_video import inspect_source
from matchcut.standardized_encode import EncodeParameters, standardize
from resources.model_weights import ModelWeights

DEFAULT_JSON = Path("benchmarks/results/shots.json")
COUNTS = ("hard", "found_hard", "gradual", "found_gradual", "false")
ROUNDS = 2  # of timing; the median counts, since the machine is shared
STRIP_FRAMES = 6  # drawn on either side of a boundary

Find = Callable[[Proxy], list[int]]  # the first frames of all shots but the first


def ours(detector: ShotDetector) -> Find:
    """One of this project's detectors."""
    weights = ModelWeights().paths(detector.weights)
    return lambda proxy: detect_shots(proxy, detector, weights).start_frame[1:].tolist()


def transnet_alone() -> Find:
    """TransNetV2 over every frame, read as its authors do: a shot begins after a run of likely transition frames."""
    path = ModelWeights().path("transnetv2")

    def find(proxy: Proxy) -> list[int]:
        likely = predict(load_network(path), proxy.frames(size=(48, 27)))[:, 0] > 0.5
        return [stop for _, stop in runs_of(likely) if stop < len(likely)]

    return find


def peer(name: str) -> Find:
    """One of PySceneDetect's detectors, with its defaults."""
    import scenedetect

    def find(proxy: Proxy) -> list[int]:
        scenes = scenedetect.detect(str(proxy.path), getattr(scenedetect, name)())
        return [start.frame_num for start, _ in scenes[1:]]

    return find


def detectors() -> dict[str, Find]:
    """Everything that is compared."""
    found = {f"matchcut {name}": ours(detector) for name, detector in DETECTORS.items()}
    found["TransNetV2"] = transnet_alone()
    return found | {f"PySceneDetect {name}": peer(f"{name}Detector") for name in ("Adaptive", "Content")}


def referee(videos: Path) -> Any:
    """The module that scores, from beside the films."""
    path = videos.parent / "eval" / "score_shots.py"
    spec = importlib.util.spec_from_file_location("score_shots", path)
    if spec is None or spec.loader is None or not path.exists():
        raise SystemExit(f"{path} is missing: it scores boundaries, and lies beside the films' folder")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up here
    spec.loader.exec_module(module)
    return module


def encode(video: Path, folder: Path) -> Proxy:
    """The standardized encode of a film."""
    folder.mkdir()
    source = inspect_source(video, find_ffmpeg())
    standardize(video, source, folder, EncodeParameters(), find_ffmpeg())
    return Proxy(folder)


def run(videos: Path, pictures: Path | None) -> dict[str, Any]:
    """All detectors on all films that have a truth, taking turns."""
    rules, truth = referee(videos), videos / "truth"
    names = {path.stem for path in truth.glob("*.csv") if "." not in path.stem}
    films = sorted(path for path in videos.iterdir() if path.is_file() and path.stem in names)
    with tempfile.TemporaryDirectory() as folder:
        proxies = {video.stem: encode(video, Path(folder) / video.stem) for video in films}
        finds = detectors()
        seconds: dict[str, list[float]] = {name: [] for name in finds}
        boundaries: dict[str, dict[str, list[int]]] = {}
        shortest = min(proxies.values(), key=lambda proxy: proxy.record.num_frames)
        for find in finds.values():
            find(shortest)  # imports and first-time set-up
        for _ in range(ROUNDS):
            for name, find in finds.items():
                started = time.perf_counter()
                boundaries[name] = {film: find(proxy) for film, proxy in proxies.items()}
                seconds[name].append(time.perf_counter() - started)
        if pictures is not None:
            for film, proxy in proxies.items():
                draw_errors(
                    proxy,
                    rules.read_truth(truth, film),
                    boundaries[f"matchcut {DEFAULT_DETECTOR}"][film],
                    pictures / film,
                )
    num_frames = sum(proxy.record.num_frames for proxy in proxies.values())
    results = {
        name: scored({film: rules.score(rules.read_truth(truth, film), b) for film, b in found.items()}, rules)
        for name, found in boundaries.items()
    }
    return {
        name: {**result, "frames_per_second": round(num_frames / median(seconds[name]), 1), "seconds": seconds[name]}
        for name, result in results.items()
    }


def scored(films: dict[str, dict[str, int]], rules: Any) -> dict[str, Any]:
    """The counts of every film, and precision, recall and F1 of all together."""
    total = {key: sum(counts[key] for counts in films.values()) for key in COUNTS}
    found = total["found_hard"] + total["found_gradual"]
    return {
        "films": films,
        "hard": rules.summary(total["found_hard"], total["hard"], total["false"]),
        "all": rules.summary(found, total["hard"] + total["gradual"], total["false"]),
    }


def draw_errors(proxy: Proxy, truth: Any, found: list[int], folder: Path) -> None:
    """A strip of frames around every missed boundary and every made-up one."""
    extents = [*truth.gradual, *truth.neutral]
    missed = [cut for cut in truth.hard if not any(abs(cut - frame) <= 1 for frame in found)]
    missed += [(a + b) // 2 for a, b in truth.gradual if not any(a - 2 <= frame <= b + 2 for frame in found)]
    made_up = [
        frame
        for frame in found
        if frame < truth.num_frames
        and not any(abs(frame - cut) <= 1 for cut in truth.hard)
        and not any(a - 2 <= frame <= b + 2 for a, b in extents)
    ]
    for kind, frames in (("missed", missed), ("made_up", made_up)):
        for frame in frames:
            shown = range(max(0, frame - STRIP_FRAMES), min(proxy.record.num_frames, frame + STRIP_FRAMES))
            strip = np.hstack([picture for _, picture in proxy.frames_at(shown, size=(160, 90))])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{kind}_{frame:06d}.jpg").write_bytes(encode_jpeg(strip))


def show(results: Mapping[str, Any]) -> None:
    """Print the figures as Markdown tables."""
    print("| detector | cuts P | R | F1 | all P | R | F1 | frames/s |\n|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, result in results.items():
        figures = [result[which][key] for which in ("hard", "all") for key in ("precision", "recall", "f1")]
        print(f"| {name} | " + " | ".join(f"{f:.3f}" for f in figures) + f" | {result['frames_per_second']:.0f} |")
    print("\nFound cuts + gradual transitions, false ones after the minus:\n")
    print("| film (cuts + gradual) | " + " | ".join(results) + " |\n|---" + "|---" * len(results) + "|")
    for film, counts in next(iter(results.values()))["films"].items():
        each = (result["films"][film] for result in results.values())
        cells = (f"{c['found_hard']} + {c['found_gradual']} − {c['false']}" for c in each)
        print(f"| {film} ({counts['hard']} + {counts['gradual']}) | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=shared_videos(), metavar="DIR", help="holds films and truth/")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, metavar="FILE", help=f"default: {DEFAULT_JSON}")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="where to draw what the default gets wrong")
    arguments = parser.parse_args()
    if not (arguments.videos / "truth").is_dir():
        parser.error(f"{arguments.videos} has no folder truth/; name a folder of films that has, with --videos")
    results = run(arguments.videos, arguments.pictures)
    machine = {**machine_facts(), "scenedetect": version("scenedetect")}
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(
        json.dumps({"detectors": results, "peak_resident_mb": peak, "machine": machine}, indent=1) + "\n"
    )
    show(results)


if __name__ == "__main__":
    main()
