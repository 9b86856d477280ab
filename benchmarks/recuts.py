"""The same film in another cut: is it told to be one, and are its shots found again?

A recut is made of a real film: two fifths of the shots are left out, the others trimmed at both ends, their order kept,
and all is encoded once more, smaller and by another codec.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from matchcut.ffmpeg import find_ffmpeg
from matchcut.repeats import Repeats, overlap
from matchcut.shot_embeddings import ShotEmbeddings
from matchcut.shots.table import ShotTable

KEPT_SHARE = 0.6
"""Of the shots."""
MOST_TRIMMED = 0.25
"""Of a shot's length, at either end."""
FRAME_RATE = 25
ENCODER = ("-c:v", "mpeg4", "-q:v", "8")
SEED = 4


@dataclass(frozen=True)
class Recut:
    """Stretches of a film, one after the other.

    Attributes:
        shot: int64 (K,), the film's shots that are left, ascending.
        start_frame: int64 (K,), the first frame of each that is left, counted in the film.
        stop_frame: int64 (K,), one past the last.
    """

    shot: np.ndarray
    start_frame: np.ndarray
    stop_frame: np.ndarray

    @classmethod
    def of(cls, shots: ShotTable, seed: int) -> Self:
        """Leave out and trim some of a film's shots."""
        rng = np.random.default_rng((SEED, seed))
        count = max(1, round(KEPT_SHARE * len(shots)))
        shot = np.sort(rng.choice(len(shots), count, replace=False))
        start, stop = shots.usable_start_frame[shot], shots.usable_stop_frame[shot]
        trimmed = (rng.uniform(0, MOST_TRIMMED, (2, count)) * (stop - start)).astype(np.int64)
        return cls(shot, start + trimmed[0], stop - trimmed[1])

    @property
    def table(self) -> ShotTable:
        """Its own shots."""
        stop = np.cumsum(self.stop_frame - self.start_frame)
        start = np.append(0, stop[:-1])
        begins = np.array(["start"] + ["cut"] * (len(stop) - 1), dtype=object)
        return ShotTable(start, stop, start, stop, begins, np.ones(len(stop), np.float32))


def make_recut(video: Path, recut: Recut, path: Path) -> Path:
    """Encode what a recut leaves of a film into a file, frame for frame, without sound."""
    ranges = zip(recut.start_frame.tolist(), recut.stop_frame.tolist(), strict=True)
    kept = "+".join(f"between(n,{start},{stop - 1})" for start, stop in ranges)
    pictures = f"select='{kept}',setpts=N/{FRAME_RATE}/TB,scale=480:-2"
    stream = ("-map", "0:v:0", "-vf", pictures, "-r", str(FRAME_RATE))
    find_ffmpeg().run([*stream, *ENCODER, path], video)
    return path


def measure(
    films: Mapping[str, tuple[ShotEmbeddings, np.ndarray]],
    recuts: Mapping[str, tuple[Recut, ShotEmbeddings, np.ndarray]],
    share: Callable[[ShotEmbeddings, ShotEmbeddings], Repeats],
) -> dict[str, Any]:
    """Every recut against every film.

    Args:
        films: by name the embeddings of the shots, and how many seconds each has.
        recuts: by the name of the film which is left of it, and the same of its shots.
        share: what finds repeats.
    """
    shots, found, told, told_of_others = 0, 0, [], []
    for name, (recut, embeddings, seconds) in recuts.items():
        for other, (of_film, film_seconds) in films.items():
            repeats = share(embeddings, of_film)
            is_same_film = overlap(repeats, seconds, film_seconds).is_same_film()
            if other != name:
                told_of_others.append(is_same_film)
                continue
            told.append(is_same_film)
            again = repeats.shot_a[recut.shot[repeats.shot_a] == repeats.shot_b]
            shots, found = shots + len(recut.shot), found + len(np.unique(again))
    return {
        "recuts": len(told),
        "told_to_be_the_same_film": sum(told),
        "pairs_with_other_films": len(told_of_others),
        "others_told_to_be_the_same": sum(told_of_others),
        "shots": shots,
        "shots_found": found,
    }
