"""Played cuts: how long one takes, how large it is, and whether it shows the right frames.

    python -m benchmarks.played_cuts [--videos DIR] [--json FILE] [--per-film N]

Each film is cut to the next one in alphabetical order at places spread over both, two seconds of either side. The
standardized encodes, which the graph has anyway, are made first and not counted; the first time stamp of a file is
read once per film and is not counted either. Seconds of processor time, over all subprocesses, say more where the
machine does other things meanwhile. Right is what `shift_at_cut` finds: the last frame of A and the first of B,
compared with the standardized encode's frame and its neighbours.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.encode import Seconds, timed
from benchmarks.machine import machine_facts, shared_videos
from matchcut.ffmpeg import Ffmpeg, find_ffmpeg
from matchcut.played_cut import PlayedCutParameters, Take, first_frame_seconds, play_cut, shifts_at_cut
from matchcut.proxy import Proxy
from matchcut.source_video import inspect_source
from matchcut.standardized_encode import EncodeParameters, standardize
from resources.media_library import VIDEO_SUFFIXES

DEFAULT_JSON = Path("benchmarks/results/played_cuts.json")
PARAMETERS = PlayedCutParameters()


@dataclass(frozen=True)
class Cut:
    """One played cut: what it cost, bytes, whether seeking was enough, frames by which A and B are off."""

    name: str
    cost: Seconds
    num_bytes: int
    sought: bool
    shifts: tuple[int, int]


def films_in(videos: list[Path], folder: Path, ffmpeg: Ffmpeg) -> list[Take]:
    """Every film as its first frame, with its standardized encode."""
    found = []
    for path in videos:
        source = inspect_source(path, ffmpeg)
        (folder / path.name).mkdir()
        standardize(path, source, folder / path.name, EncodeParameters(), ffmpeg)
        proxy = Proxy(folder / path.name)
        found.append(Take(path, source, proxy, 0, 1, first_frame_seconds(path, source, ffmpeg)))
    return found


def cuts_of(films: list[Take], per_film: int, folder: Path, ffmpeg: Ffmpeg) -> Iterator[Cut]:
    """Cuts from each film to the next."""
    for place, film in enumerate(films):
        other = films[(place + 1) % len(films)]
        for number in range(1, per_film + 1):
            stop = film.proxy.record.num_frames * number // per_film
            start = other.proxy.record.num_frames * (number - 1) // per_film
            yield _cut(_ending(film, stop), _beginning(other, start), folder / "cut.mp4", ffmpeg)


def _ending(film: Take, stop: int) -> Take:
    length = int(PARAMETERS.seconds * film.source.frame_rate)
    return Take(film.path, film.source, film.proxy, max(0, stop - length), stop, film.first_seconds)


def _beginning(film: Take, start: int) -> Take:
    length = int(PARAMETERS.seconds * film.source.frame_rate)
    stop = min(film.proxy.record.num_frames, start + length)
    return Take(film.path, film.source, film.proxy, start, stop, film.first_seconds)


def _cut(a: Take, b: Take, path: Path, ffmpeg: Ffmpeg) -> Cut:
    sought: list[bool] = []
    cost = timed(lambda: sought.append(play_cut(a, b, path, PARAMETERS, ffmpeg)))
    return Cut(f"{a.path.stem} to {b.path.stem}", cost, path.stat().st_size, sought[0], shifts_at_cut(path, a, b))


def measure(videos: list[Path], per_film: int) -> dict[str, Any]:
    """All figures."""
    ffmpeg = find_ffmpeg()
    with tempfile.TemporaryDirectory() as folder:
        films = films_in(videos, Path(folder), ffmpeg)
        cuts = list(cuts_of(films, per_film, Path(folder), ffmpeg))
    slowest = max(cuts, key=lambda cut: cut.cost.passed)
    return {
        "machine": machine_facts(),
        "films": [path.name for path in videos],
        "cuts": len(cuts),
        "median_seconds": round(median(cut.cost.passed for cut in cuts), 3),
        "median_processor_seconds": round(median(cut.cost.processor for cut in cuts), 3),
        "most_seconds": round(slowest.cost.passed, 3),
        "slowest": slowest.name,
        "median_kilobytes": round(median(cut.num_bytes for cut in cuts) / 1000),
        "found_by_seeking": sum(cut.sought for cut in cuts),
        "shifted": [f"{cut.name}: {cut.shifts}" for cut in cuts if any(cut.shifts)],
    }


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=None)
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON)
    parser.add_argument("--per-film", type=int, default=3)
    options = parser.parse_args()
    folder = options.videos or shared_videos()
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    result = measure(videos, options.per_film)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
