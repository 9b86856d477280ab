"""The whole graph on real films: seconds per stage and per minute of video, against ffmpeg alone.

    python -m benchmarks.pipeline [--videos DIR] [--json FILE]

Runs `matchcut run` twice in a fresh home folder: cold, with everything to compute, and warm, with everything
remembered. The seconds of a stage are those of its steps as Dagster recorded them, reading, storing and its own events
included; checks are told apart, and what is left of the whole is between the steps: Dagster's bookkeeping, starting the
process, printing. In the same run ffmpeg alone makes the same kind of encode of the same films, and the ratio of the
two is the figure that carries over to other machines; that of processor seconds says more where the machine does other
things meanwhile. Without `--videos`, the films in `../shared/videos` are used when they are there, else those of the
demo.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

import dagster as dg

from benchmarks.encode import Seconds, timed
from benchmarks.machine import machine_facts, shared_videos
from matchcut.ffmpeg import find_ffmpeg
from matchcut.standardized_encode import EncodeParameters
from matchcut_assets.settings import ShotOptions
from resources.media_library import VIDEO_SUFFIXES

DEMO_LIBRARY = Path(".matchcut/library")
DEFAULT_JSON = Path("benchmarks/results/pipeline.json")
CHECKS, BETWEEN = "checks", "between steps"


def matchcut(home: Path, *arguments: str | Path) -> Seconds:
    """Run the command line; its output is thrown away."""
    command = [sys.executable, "-m", "matchcut_assets.cli", *map(str, arguments), "--home", str(home)]
    return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


def ffmpeg_alone(videos: list[Path], folder: Path) -> Seconds:
    """What ffmpeg needs for the encodes alone, with the same height, preset and quality."""
    parameters = EncodeParameters()
    encode = ["-map", "0:v:0", "-an", "-vf", f"scale=-2:{parameters.height}:flags=area,setsar=1,format=yuv420p"]
    encode += ["-fps_mode", "passthrough", "-enc_time_base", "demux", "-c:v", "libx264", "-bf", "0"]
    encode += ["-preset", parameters.preset, "-crf", str(parameters.crf), "-g", str(parameters.keyframe_interval)]
    encode += ["-tune", "fastdecode"] if parameters.fast_decode else []
    binary = str(find_ffmpeg().path)

    def encode_all() -> None:
        for video in videos:
            command = [binary, "-nostdin", "-loglevel", "error", "-y", "-i", str(video), *encode]
            subprocess.run([*command, str(folder / "alone.mp4")], check=True)

    return timed(encode_all)


def measure(videos: list[Path]) -> dict[str, Any]:
    """Run everything once and gather the figures."""
    with tempfile.TemporaryDirectory(prefix="matchcut-benchmark-") as folder:
        home = Path(folder) / "home"
        alone = ffmpeg_alone(videos, Path(folder))
        cold = matchcut(home, "run", *videos)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        stages, cold_checks = seconds_of_steps(home)
        known = runs_in(home)
        warm = matchcut(home, "run", *videos)
        warm_stages, warm_checks = seconds_of_steps(home, known)
        minutes = sum(json.loads(path.read_text())["source"]["duration_seconds"] for path in titles(home)) / 60
        stored = sum(path.stat().st_size for path in (home / "store").rglob("*") if path.is_file())
    parts = {**stages, CHECKS: cold_checks, BETWEEN: cold.passed - sum(stages.values()) - cold_checks}
    return {
        "films": [video.name for video in videos],
        "minutes_of_video": round(minutes, 3),
        "shot_detector": ShotOptions().detector,
        "ffmpeg_alone_seconds": round(alone.passed, 2),
        "ffmpeg_alone_processor_seconds": round(alone.processor, 2),
        "cold_seconds": round(cold.passed, 2),
        "cold_processor_seconds": round(cold.processor, 2),
        "warm_seconds": round(warm.passed, 2),
        "warm_processor_seconds": round(warm.processor, 2),
        "cold_over_ffmpeg_alone": round(cold.passed / alone.passed, 2),
        "cold_over_ffmpeg_alone_processor": round(cold.processor / alone.processor, 2),
        "encode_over_ffmpeg_alone": round(stages["standardized_encode"] / alone.passed, 3),
        "seconds_per_stage": {part: round(seconds, 2) for part, seconds in parts.items()},
        "seconds_per_minute_of_video": {part: round(seconds / minutes, 3) for part, seconds in parts.items()},
        "warm_seconds_of": {
            "stages": round(sum(warm_stages.values()), 2),
            CHECKS: round(warm_checks, 2),
            BETWEEN: round(warm.passed - sum(warm_stages.values()) - warm_checks, 2),
        },
        "cold_seconds_per_minute_of_video": round(cold.passed / minutes, 2),
        "peak_resident_mb": round(peak / 1024),
        "stored_mb_per_minute_of_video": round(stored / 1e6 / minutes, 2),
    }


def runs_in(home: Path) -> list[str]:
    """Runs that Dagster remembers, the oldest first."""
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        return [run.run_id for run in reversed(instance.get_runs())]


def seconds_of_steps(home: Path, known: Collection[str] = ()) -> tuple[dict[str, float], float]:
    """Seconds of each stage in the order of first use, and of all checks together, in runs that were not known."""
    stages: dict[str, float] = defaultdict(float)
    checks = 0.0
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        keys = {key.to_python_identifier(): key.to_user_string() for key in instance.all_asset_keys()}
        for run_id in (each for each in runs_in(home) if each not in known):
            for step in sorted(instance.get_run_step_stats(run_id), key=lambda step: step.start_time or 0.0):
                seconds = (step.end_time or 0.0) - (step.start_time or 0.0)
                if step.step_key in keys:
                    stages[keys[step.step_key]] += seconds
                else:
                    checks += seconds
    return dict(stages), checks


def titles(home: Path) -> list[Path]:
    """The catalogue's entries."""
    return sorted((home / "store" / "titles").glob("*.json"))


def show(result: dict[str, Any]) -> None:
    """Print the figures as a Markdown table."""
    print(f"{len(result['films'])} films, {result['minutes_of_video']:.1f} minutes of video\n")
    print("| stage | seconds | seconds per minute of video |\n|---|---:|---:|")
    for stage, seconds in result["seconds_per_stage"].items():
        print(f"| {stage} | {seconds:.1f} | {result['seconds_per_minute_of_video'][stage]:.2f} |")
    print(f"| **all, cold** | {result['cold_seconds']:.1f} | {result['cold_seconds_per_minute_of_video']:.2f} |")
    print(f"| all, warm | {result['warm_seconds']:.1f} | |")
    print(f"| ffmpeg alone, the same encodes | {result['ffmpeg_alone_seconds']:.1f} | |\n")
    print(f"cold / ffmpeg alone: {result['cold_over_ffmpeg_alone']}, in processor time", end=" ")
    print(f"{result['cold_over_ffmpeg_alone_processor']}; warm: {result['warm_processor_seconds']} s of it")
    print(f"encode stage / ffmpeg alone: {result['encode_over_ffmpeg_alone']}")
    print(f"peak resident memory: {result['peak_resident_mb']} MB of the largest process")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = shared_videos() if shared_videos().is_dir() else DEMO_LIBRARY
    parser.add_argument("--videos", type=Path, default=default, metavar="DIR", help=f"default: {default}")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, metavar="FILE", help=f"default: {DEFAULT_JSON}")
    arguments = parser.parse_args()
    videos = sorted(path for path in arguments.videos.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        parser.error(f"{arguments.videos} holds no video; run `make demo` first, or name a folder with --videos")
    result = {**measure(videos), "machine": machine_facts()}
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    show(result)


if __name__ == "__main__":
    main()
