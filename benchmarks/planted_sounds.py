"""Planted sound matches: how often a sound's way on is found among all others.

    python -m benchmarks.planted_sounds [--split tune|test] [--videos DIR] [--json FILE]

Three seconds of a film's sound are cut in two. The second half is made another recording of what goes on: louder or
softer, duller or brighter, a little higher or lower, with another stretch under it as noise. Among all halves of all
films the right one should be among the best ways on and among the best ways in. The halves beside it, from the same
music or the same battle, are what it is taken for. Beside it stands a plain method: cosine of the mean log-mel
spectra of the whole halves.

What was chosen with planted sounds in view was chosen on `tune`, cut at several places; `test` has other films.
"""

import argparse
import json
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np

from benchmarks.machine import machine_facts, shared_videos
from benchmarks.planted import ranks, ranks_of, recall, scored
from benchmarks.planted_film import HEIGHT, RATE, WIDTH, PlantedFilm, Split, encoded, equal_shots
from matchcut.ffmpeg import find_ffmpeg
from matchcut.proxy import Proxy
from matchcut.representations.sound import HEARD_DB, START, SoundMatch
from matchcut.sound import RECORD_NAME, SAMPLE_RATE, SOUND_NAME, Sound, SoundRecord, standardize_sound
from matchcut.source_video import inspect_source

DEFAULT_JSON = Path("benchmarks/results/planted_sounds.json")
FILMS: dict[Split, tuple[str, ...]] = {
    "tune": ("bbb_trailer.mp4", "ocean.mp4"),
    "test": ("sintel_trailer_480p.mp4", "tos_battle.webm", "dancer.avi"),
}
SHOT_FRAMES = 38  # 1.5 seconds
HALF_SAMPLES = SHOT_FRAMES * SAMPLE_RATE // RATE
LOUDER_DB, BRIGHTER_DB, NOISE_DB = 6.0, 6.0, -20.0
HIGHER = 0.04  # share by which the other recording runs faster or slower
STRETCH_SECONDS = SHOT_FRAMES / RATE * (2 + HIGHER)
STRETCH_SAMPLES = round(STRETCH_SECONDS * SAMPLE_RATE)
HEARD = 10 ** (HEARD_DB / 10)  # mean square of either half: what is as loud as that counts fully


def stretches(videos: Path, split: Split, folder: Path) -> list[np.ndarray]:
    """float32 (STRETCH_SAMPLES,) each: what is heard in the films of a split, one stretch after the other."""
    found: list[np.ndarray] = []
    for name in FILMS[split]:
        own = folder / name
        own.mkdir()
        record = standardize_sound(videos / name, inspect_source(videos / name, find_ffmpeg()), own, find_ffmpeg())
        seconds = record.start_seconds + np.arange(record.num_samples // STRETCH_SAMPLES + 1) * STRETCH_SECONDS
        parts = [Sound(own).between(*each)[:STRETCH_SAMPLES] for each in pairwise(seconds)]
        found += [
            part for part in parts if np.square(part[: 2 * HALF_SAMPLES].reshape(2, -1)).mean(axis=1).min() > HEARD
        ]
    return found


def other_recording(half: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same sound as another microphone would have it, float32 of the same length.

    Args:
        half: float32 (n,), longer than HALF_SAMPLES, so that it may run faster.
        noise: float32 (n,), the same.
        rng: says how.
    """
    speed = 1 + rng.uniform(-HIGHER, HIGHER)
    sound = np.interp(np.arange(HALF_SAMPLES) * speed, np.arange(len(half)), half)
    spectrum, hertz = np.fft.rfft(sound), np.fft.rfftfreq(HALF_SAMPLES, 1 / SAMPLE_RATE)
    octaves = np.log2(np.clip(hertz, 60, 8000) / 700) / 3.5  # about -1 to 1
    tilted = np.fft.irfft(spectrum * 10 ** (rng.uniform(-BRIGHTER_DB, BRIGHTER_DB) * octaves / 20), HALF_SAMPLES)
    under = noise[:HALF_SAMPLES] * np.sqrt(np.square(tilted).mean() / np.square(noise).mean())
    mixed = tilted + under * 10 ** (NOISE_DB / 20)
    return np.asarray(np.clip(mixed * 10 ** (rng.uniform(-LOUDER_DB, LOUDER_DB) / 20), -1, 1), np.float32)


def planted(videos: Path, split: Split, folder: Path) -> PlantedFilm:
    """A grey film whose shots sound."""
    rng = np.random.default_rng([11, split == "test"])
    heard = stretches(videos, split, folder)
    halves: list[np.ndarray] = []
    for number, sound in enumerate(heard):
        noise = heard[(number + len(heard) // 2) % len(heard)]
        halves += [sound[:HALF_SAMPLES], other_recording(sound[HALF_SAMPLES:], noise, rng)]
    write_sound(np.concatenate(halves), folder)
    encoded(_grey(SHOT_FRAMES * len(halves)), folder / "film")
    pose = np.tile(np.arange(2 * SHOT_FRAMES), len(heard))
    return PlantedFilm(Proxy(folder / "film", Sound(folder)), equal_shots(len(halves), SHOT_FRAMES), pose)


def _grey(count: int) -> Iterator[np.ndarray]:
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    return (picture for _ in range(count))


def write_sound(samples: np.ndarray, folder: Path) -> None:
    """A standardized sound, as `matchcut.sound` writes it."""
    with wave.open(str(folder / SOUND_NAME), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    (folder / RECORD_NAME).write_text(json.dumps(asdict(SoundRecord(len(samples)))))


def plain(flavor: SoundMatch, sound: Sound, count: int) -> np.ndarray:
    """Cosine of the mean log-mel spectra, (count, count)."""
    seconds = np.arange(count + 1) * SHOT_FRAMES / RATE
    timbre = np.array([flavor.describe(sound.between(*each), START)["timbre"] for each in pairwise(seconds)])
    return np.asarray(timbre @ timbre.T)


def run(videos: Path, split: Split) -> dict[str, Any]:
    """Recall of sound match and of the plain method."""
    flavor = SoundMatch()
    with tempfile.TemporaryDirectory() as name:
        film = planted(videos, split, Path(name))
        assert film.proxy.sound is not None
        scores, plain_scores = scored(film, flavor), plain(flavor, film.proxy.sound, len(film.shots))
    pairs = len(film.shots) // 2
    return {
        "split": split,
        "films": FILMS[split],
        "pairs": pairs,
        "distractors": 2 * pairs - 2,
        "ours": recall(*ranks(scores, pairs)),
        "plain": recall(*ranks_of(plain_scores, pairs)),
        "plain_method": "cosine of the mean log-mel spectra",
        "machine": machine_facts(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=get_args(Split), default="test")
    parser.add_argument("--videos", type=Path, default=shared_videos(), metavar="DIR", help="holds the films")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, metavar="FILE", help=f"default: {DEFAULT_JSON}")
    arguments = parser.parse_args()
    if missing := [name for name in FILMS[arguments.split] if not (arguments.videos / name).exists()]:
        parser.error(f"{arguments.videos} does not hold {', '.join(missing)}; name a folder that does, with --videos")
    result = run(arguments.videos, arguments.split)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    print("| method | recall@1 | recall@10 | MRR |\n|---|---:|---:|---:|")
    for method in ("ours", "plain"):
        print(f"| {method} | " + " | ".join(f"{figure:.3f}" for figure in result[method].values()) + " |")


if __name__ == "__main__":
    main()
