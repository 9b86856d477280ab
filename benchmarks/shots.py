"""Shot detectors on films with hand-checked truth: precision, recall, F1 and speed, beside PySceneDetect's.

    python -m benchmarks.shots [--videos DIR] [--json FILE]

Every detector reads the same standardized encodes, and its seconds include decoding them. The rules are those of
`score_shots.py` beside the films: a cut is found within 1 frame, a gradual transition within its extent.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_facts, shared_videos
from matchcut.ffmpeg import find_ffmpeg
from matchcut.proxy import Proxy
from matchcut.shots import DETECTORS, ShotDetector, detect_shots
from matchcut.source_video import inspect_source
from matchcut.standardized_encode import EncodeParameters, standardize
from resources.model_weights import ModelWeights

DEFAULT_JSON = Path("benchmarks/results/shots.json")
COUNTS = ("hard", "found_hard", "gradual", "found_gradual", "false")

Find = Callable[[Proxy], list[int]]  # the first frames of all shots but the first


def ours(detector: ShotDetector) -> Find:
    """One of this project's detectors."""
    weights = ModelWeights().paths(detector.weights)
    return lambda proxy: detect_shots(proxy, detector, weights).start_frame[1:].tolist()


def peer(name: str) -> Find:
    """One of PySceneDetect's detectors, with its defaults."""
    import scenedetect

    def find(proxy: Proxy) -> list[int]:
        scenes = scenedetect.detect(str(proxy.path), getattr(scenedetect, name)())
        return [start.frame_num for start, _ in scenes[1:]]

    return find


def detectors() -> dict[str, Find]:
    """Everything that is compared."""
    found = {name: ours(detector) for name, detector in DETECTORS.items()}
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


def measure(find: Find, proxies: Mapping[str, Proxy], truth: Path, rules: Any) -> dict[str, Any]:
    """What one detector finds, per film and pooled, and how fast."""
    films, total, frames, seconds = {}, dict.fromkeys(COUNTS, 0), 0, 0.0
    find(min(proxies.values(), key=lambda proxy: proxy.record.num_frames))  # imports and first-time set-up
    for name, proxy in proxies.items():
        started = time.perf_counter()
        boundaries = find(proxy)
        seconds += time.perf_counter() - started
        frames += proxy.record.num_frames
        films[name] = rules.score(rules.read_truth(truth, name), boundaries)
        total = {key: total[key] + films[name][key] for key in COUNTS}
    found = total["found_hard"] + total["found_gradual"]
    return {
        "films": films,
        "hard": rules.summary(total["found_hard"], total["hard"], total["false"]),
        "all": rules.summary(found, total["hard"] + total["gradual"], total["false"]),
        "frames_per_second": round(frames / seconds, 1),
    }


def run(videos: Path) -> dict[str, Any]:
    """All detectors on all films that have a truth."""
    rules, truth = referee(videos), videos / "truth"
    names = {path.stem for path in truth.glob("*.csv") if "." not in path.stem}
    films = sorted(path for path in videos.iterdir() if path.is_file() and path.stem in names)
    with tempfile.TemporaryDirectory() as folder:
        proxies = {video.stem: encode(video, Path(folder) / video.stem) for video in films}
        return {name: measure(find, proxies, truth, rules) for name, find in detectors().items()}


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
    arguments = parser.parse_args()
    if not (arguments.videos / "truth").is_dir():
        parser.error(f"{arguments.videos} has no folder truth/; name a folder of films that has, with --videos")
    results = run(arguments.videos)
    machine = {**machine_facts(), "scenedetect": version("scenedetect")}
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({"detectors": results, "machine": machine}, indent=1) + "\n")
    show(results)


if __name__ == "__main__":
    main()
