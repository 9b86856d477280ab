"""The standardized encode: what it costs beside ffmpeg alone, and what other settings would cost to write and to read.

    python -m benchmarks.encode [--videos DIR] [--json FILE] [--seconds N]

The proxy is written once and read by every later stage, so settings are compared by the sum: writing; decoding every
frame, as shot detectors do; and the reads of the other stages (some frames per shot for the embeddings, those at which
it may be cut for silhouettes and appearance, runs of frames for the flow) with a shot every `SHOT_FRAMES` frames.
Figures are seconds of processor time, over all threads and subprocesses, because they change less with what else the
machine does; the ratio to ffmpeg alone is also given in time that passed. Quality is that of luma in sampled frames
against a nearly lossless encode of the same height: peak signal-to-noise ratio, and structural similarity.

Films are cut to their first seconds without encoding, so that many codecs fit into some minutes.
"""

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import av
import cv2
import numpy as np

from benchmarks.machine import machine_facts, shared_videos
from matchcut.ffmpeg import find_ffmpeg
from matchcut.proxy import LUMA_WEIGHTS, Proxy
from matchcut.representations.appearance import PICTURE_HEIGHT, PICTURE_WIDTH
from matchcut.representations.flavor import UsableShots
from matchcut.representations.moments import MomentParameters, cut_moments
from matchcut.representations.movement import FLOW_HEIGHT, FLOW_WIDTH
from matchcut.representations.movement_windows import OpticalFlowParameters, windows_of
from matchcut.shot_embeddings import INPUT_SIZE, chosen_frames
from matchcut.shots.table import ShotTable
from matchcut.source_video import SourceVideo, inspect_source
from matchcut.standardized_encode import EncodeParameters, encode_arguments, standardize
from resources.media_library import VIDEO_SUFFIXES

DEFAULT_JSON = Path("benchmarks/results/encode.json")
SHOT_FRAMES = 80  # the median shot of a feature film lasts three to four seconds
REPEATS = 4
QUALITY_EVERY_FRAMES = 40
DEFAULTS = EncodeParameters()
# Beside the defaults: what is changed, one or two parameters at a time.
OTHERS: tuple[dict[str, Any], ...] = (
    {"fast_decode": False},
    {"preset": "ultrafast"},
    {"preset": "veryfast"},
    {"height": 288},
    {"height": 432},
    {"keyframe_interval": 12},
    {"keyframe_interval": 48},
    {"keyframe_interval": 96},
    {"crf": 22},
)


@dataclass(frozen=True)
class Film:
    """The beginning of a film and what is known of it."""

    path: Path
    source: SourceVideo


@dataclass(frozen=True)
class Seconds:
    """Processor time of this process, its threads and its subprocesses, and time that passed."""

    processor: float
    passed: float

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.processor + other.processor, self.passed + other.passed)


def timed(work: Callable[[], object]) -> Seconds:
    """How long something takes."""
    processor, passed = _processor_seconds(), time.perf_counter()
    work()
    return Seconds(_processor_seconds() - processor, time.perf_counter() - passed)


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def beginnings(videos: list[Path], folder: Path, seconds: float) -> list[Film]:
    """The films' first seconds, copied without encoding."""
    ffmpeg, films = find_ffmpeg(), []
    for video in videos:
        # A program stream's buffers overflow when it is written at full speed.
        path = (folder / video.name).with_suffix({".mpg": ".ts"}.get(video.suffix, video.suffix))
        limits = ("-t", str(seconds), "-map", "0:v:0", "-c", "copy")
        _run_ffmpeg("-i", video, *limits, path)
        films.append(Film(path, inspect_source(path, ffmpeg)))
    return films


def _run_ffmpeg(*arguments: str | Path) -> None:
    command = [find_ffmpeg().path, "-nostdin", "-loglevel", "error", "-y", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


# --- beside ffmpeg alone ---


def overhead(film: Film, folder: Path) -> dict[str, float]:
    """Seconds to inspect, to standardize, and of ffmpeg writing the same proxy alone; medians of alternating runs."""
    ffmpeg, arguments = find_ffmpeg(), encode_arguments(film.source, folder / "alone.mp4", DEFAULTS)
    work: dict[str, Callable[[], object]] = {
        "alone": lambda: _run_ffmpeg("-noautorotate", "-i", film.path, *arguments),
        "standardize": lambda: standardize(film.path, film.source, folder, DEFAULTS, ffmpeg),
        "inspect": lambda: inspect_source(film.path, ffmpeg),
    }
    orders = [list(work), list(work)[::-1]] * REPEATS  # what runs after what must favour nobody
    runs = [{name: timed(work[name]) for name in orders[index]} for index in range(REPEATS)]
    return {
        f"{name}_{kind}_seconds": round(median(getattr(run[name], kind) for run in runs), 3)
        for name in work
        for kind in ("processor", "passed")
    }


# --- writing and reading ---


def cost(parameters: EncodeParameters, films: list[Film], folder: Path) -> dict[str, Any]:
    """Seconds of processor time per minute of video, by what is done, and what is written."""
    seconds = dict.fromkeys(("write", "decode", "embeddings", "silhouettes", "appearance", "flow"), 0.0)
    num_bytes, minutes, likeness = 0, 0.0, []
    for film in films:
        work = folder / film.path.name
        work.mkdir(parents=True, exist_ok=True)
        seconds["write"] += timed(lambda: write(film, work, parameters)).processor  # noqa: B023
        proxy = Proxy(work)
        for name, read in reads(proxy).items():
            seconds[name] += timed(read).processor
        num_bytes += proxy.path.stat().st_size
        minutes += float(proxy.time_of(proxy.record.num_frames)) / 60
        likeness.append(likenesses(proxy, lossless(film, folder, parameters.height)))
    error, similarity = np.concatenate(likeness).mean(axis=0)
    per_minute = {name: round(value / minutes, 3) for name, value in seconds.items()}
    return {
        "parameters": asdict(parameters),
        "seconds_per_minute": {**per_minute, "sum": round(sum(seconds.values()) / minutes, 3)},
        "mb_per_minute": round(num_bytes / 1e6 / minutes, 3),
        "psnr_db": round(float(10 * np.log10(255**2 / error)), 2),
        "ssim": round(float(similarity), 4),
    }


def write(film: Film, folder: Path, parameters: EncodeParameters) -> None:
    """The standardized encode."""
    standardize(film.path, film.source, folder, parameters, find_ffmpeg())


def reads(proxy: Proxy) -> dict[str, Callable[[], object]]:
    """What the later stages read of a proxy, by what for."""
    starts = np.arange(0, max(1, proxy.record.num_frames - 1), SHOT_FRAMES)
    stops = np.append(starts[1:], proxy.record.num_frames)
    shots = UsableShots(np.arange(len(starts)), starts, stops)
    kinds = np.array(["start"] + ["cut"] * (len(starts) - 1), dtype=object)
    table = ShotTable(starts, stops, starts, stops, kinds, np.ones(len(starts), np.float32))
    embedded = chosen_frames(table, proxy.seconds).frames
    cuts = cut_moments(shots, proxy.seconds, MomentParameters())
    long = [(int(a), int(b)) for a, b in zip(starts, stops, strict=True) if b - a >= 2]
    windows = [windows_of(a, b, proxy.seconds, OpticalFlowParameters()) for a, b in long]
    flow = np.unique([frame for of_shot in windows for pair in of_shot.all for frame in (pair, pair + 1)])
    return {
        "decode": lambda: decode(proxy.path),
        "embeddings": lambda: _exhaust(proxy.frames_at(embedded.tolist(), size=(INPUT_SIZE, INPUT_SIZE))),
        "silhouettes": lambda: _exhaust(proxy.frames_at(cuts.ravel().tolist())),
        "appearance": lambda: _exhaust(proxy.frames_at(cuts.ravel().tolist(), size=(PICTURE_WIDTH, PICTURE_HEIGHT))),
        "flow": lambda: _exhaust(proxy.brightness_at(flow.tolist(), size=(FLOW_WIDTH, FLOW_HEIGHT))),
    }


def decode(path: Path) -> None:
    """Every frame's luma, scaled to the 48 x 27 pixels of shot detectors."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            plane = frame.planes[0]
            luma = np.frombuffer(memoryview(plane), np.uint8).reshape(frame.height, plane.line_size)[:, : frame.width]
            cv2.resize(luma, (48, 27), interpolation=cv2.INTER_AREA)


def _exhaust(frames: Iterator[object]) -> None:
    for _ in frames:
        pass


# --- quality ---


def lossless(film: Film, folder: Path, height: int) -> Proxy:
    """A proxy of the same height in which next to nothing is lost; made once."""
    reference = folder / f"lossless {height} {film.path.name}"
    if not reference.is_dir():
        reference.mkdir()
        write(film, reference, replace(DEFAULTS, height=height, crf=2, preset="ultrafast"))
    return Proxy(reference)


def likenesses(proxy: Proxy, reference: Proxy) -> np.ndarray:
    """float (F, 2), mean squared difference of luma in levels of 8 bits, and structural similarity, frame by frame."""
    sampled = range(0, proxy.record.num_frames, QUALITY_EVERY_FRAMES)
    pairs = zip(proxy.frames_at(sampled), reference.frames_at(sampled), strict=True)
    lumas = ((_luma(a), _luma(b)) for (_, a), (_, b) in pairs)
    return np.array([(np.square(a - b).mean(), structural_similarity(a, b)) for a, b in lumas])


def _luma(frame: np.ndarray) -> np.ndarray:
    return frame.astype(np.float32) @ LUMA_WEIGHTS


def structural_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of two pictures of 8 bits, 1.0 when identical (Wang et al. 2004, doi:10.1109/TIP.2003.819861)."""

    def local(picture: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(picture, (11, 11), 1.5)

    mean_a, mean_b, c1, c2 = local(a), local(b), (0.01 * 255) ** 2, (0.03 * 255) ** 2
    variance_a, variance_b = local(a * a) - mean_a**2, local(b * b) - mean_b**2
    covariance = local(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((luminance * (2 * covariance + c2) / (variance_a + variance_b + c2)).mean())


# --- the program ---


def measure(videos: list[Path], seconds: float) -> dict[str, Any]:
    """Both parts."""
    with tempfile.TemporaryDirectory(prefix="matchcut-benchmark-") as name:
        folder = Path(name)
        (folder / "films").mkdir()
        films = beginnings(videos, folder / "films", seconds)
        beside = {film.path.name: overhead(film, folder) for film in films}
        grid = [
            cost(parameters, films, folder / "proxies")
            for parameters in (DEFAULTS, *(replace(DEFAULTS, **o) for o in OTHERS))
        ]
    return {"seconds_per_film": seconds, "films": beside, **ratios(beside), "settings": grid}


def ratios(films: dict[str, dict[str, float]]) -> dict[str, float]:
    """The encode, and the encode with the inspection before it, over ffmpeg alone: medians over films, and of sums."""

    def ratio(each: dict[str, float], kind: str, *names: str) -> float:
        return sum(each[f"{name}_{kind}_seconds"] for name in names) / each[f"alone_{kind}_seconds"]

    keys = next(iter(films.values()))
    total = {key: sum(film[key] for film in films.values()) for key in keys}
    found = {}
    for kind in ("processor", "passed"):
        for label, names in (("encode", ("standardize",)), ("encode_and_inspect", ("standardize", "inspect"))):
            found[f"{label}_over_alone_{kind}"] = round(ratio(total, kind, *names), 3)
            found[f"{label}_over_alone_{kind}_median"] = round(
                median(ratio(film, kind, *names) for film in films.values()), 3
            )
    return found


def show(result: dict[str, Any]) -> None:
    """Print the figures as Markdown tables."""
    print("| film | inspect | standardize | ffmpeg alone | ratio |\n|---|---:|---:|---:|---:|")
    for name, film in result["films"].items():
        inspect, whole, alone = (film[f"{each}_processor_seconds"] for each in ("inspect", "standardize", "alone"))
        print(f"| {name} | {inspect:.2f} | {whole:.2f} | {alone:.2f} | {whole / alone:.3f} |")
    print()
    print(*(f"{name}: {value}" for name, value in result.items() if "_over_alone_" in name), sep="\n")
    print(f"\n{settings_table(result)}")


def settings_table(result: dict[str, Any]) -> str:
    """Seconds per minute of video for each setting, in Markdown."""
    names = list(result["settings"][0]["seconds_per_minute"])
    rows = [f"| setting | {' | '.join(names)} | MB/min | PSNR | SSIM |", "|---|" + "---:|" * (len(names) + 3)]
    base = result["settings"][0]["parameters"]
    for row in result["settings"]:
        changed = [f"{key} {value}" for key, value in row["parameters"].items() if value != base[key]]
        cells = [f"{row['seconds_per_minute'][name]:.2f}" for name in names]
        label = ", ".join(changed) or "defaults"
        cells += [f"{row['mb_per_minute']:.2f}", f"{row['psnr_db']:.1f}", f"{row['ssim']:.4f}"]
        rows.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=shared_videos(), metavar="DIR", help="a folder of films")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, metavar="FILE", help=f"default: {DEFAULT_JSON}")
    parser.add_argument("--seconds", type=float, default=8.0, metavar="N", help="of each film; default: 8")
    arguments = parser.parse_args()
    found = sorted(arguments.videos.iterdir()) if arguments.videos.is_dir() else []
    videos = [path for path in found if path.suffix.lower() in VIDEO_SUFFIXES]
    if not videos:
        parser.error(f"{arguments.videos} holds no video; name a folder that does, with --videos")
    result = {**measure(videos, arguments.seconds), "machine": machine_facts()}
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    show(result)


if __name__ == "__main__":
    main()
