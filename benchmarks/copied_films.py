"""Films and other encodes of them, looked at once, for the benchmark of near-duplicates.

Shots are those of the films' truth, for the copies too: these are made frame for frame. A film in another cut has its
own shots (`recuts.py`).
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.excerpts import SEED as EXCERPT_SEED
from benchmarks.excerpts import excerpt
from benchmarks.recuts import Recut, make_recut
from benchmarks.shots import encode
from matchcut.deduplicated_shots import DeduplicatedShots, deduplicate, usable_seconds
from matchcut.ffmpeg import find_ffmpeg
from matchcut.given_shots import GivenShots
from matchcut.proxy import Proxy
from matchcut.shot_embeddings import BLANK_CONTRAST, ShotEmbeddings, embed_shots
from matchcut.shots.table import ShotTable
from matchcut.text_cards import find_text_cards
from resources.model_weights import ModelWeights

COPIED = ("sintel_trailer_480p", "nasa_rocket", "bbb_trailer", "tos_battle", "pip_people", "vertical")
COPIES = {
    "low": ("scale=426:-2", "-c:v", "mpeg4", "-q:v", "12"),
    "graded": (
        "crop=iw*0.94:ih*0.94,eq=brightness=0.06:contrast=1.15:saturation=0.7,scale=854:-2",
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "32"),
    ),
    "colourless, logo": (
        "hue=s=0,drawbox=x=20:y=20:w=80:h=40:color=white@0.9:t=fill,scale=640:-2",
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "30"),
    ),
}
"""Filter and encoder of every other encode of a film."""
EXCERPTS_OF = "graded"
"""The copies that excerpts are taken from."""
MIDDLE = 1
"""Of the frames that are embedded of every shot."""


@dataclass(frozen=True)
class Film:
    """A film or another encode of it, looked at once.

    Attributes:
        shots: of the truth.
        seconds: float64 (N,), how long each is.
        embeddings: of the same shots.
        hashes: uint8 (N, 8), pHash of the middle frames.
        deduplicated: None where nobody labelled set-ups.
        excerpts: embeddings of a second of each shot; None where none was taken.
    """

    shots: ShotTable
    seconds: np.ndarray
    embeddings: ShotEmbeddings
    hashes: np.ndarray
    deduplicated: DeduplicatedShots | None = None
    excerpts: ShotEmbeddings | None = None

    @property
    def middles(self) -> np.ndarray:
        """float32 (N, 1280)."""
        return self.embeddings.vectors[self.embeddings.moments[:, MIDDLE]]

    @property
    def shows(self) -> np.ndarray:
        """bool (N,), whether any frame shows something."""
        return ~self.embeddings.throughout(self.embeddings.luma_std < BLANK_CONTRAST)

    @property
    def middle_shows(self) -> np.ndarray:
        """bool (N,), whether the middle frame does."""
        return np.asarray(self.embeddings.luma_std[self.embeddings.moments[:, MIDDLE]] >= BLANK_CONTRAST)


def look_at(proxy: Proxy, shots: ShotTable, *, with_groups: bool = False, with_excerpts: bool = False) -> Film:
    """Embed and hash a film's shots, and group them or take excerpts if that is asked for."""
    weights = ModelWeights().paths(("efficientnet_lite0", "text_detection"))
    embeddings = embed_shots(proxy, shots, weights)
    groups = None
    if with_groups:
        groups = deduplicate(shots, embeddings, find_text_cards(proxy, shots, weights), proxy.seconds)
    excerpts = None
    if with_excerpts:
        excerpts = embed_shots(proxy, excerpt(shots, proxy.seconds, (EXCERPT_SEED, shots.num_frames)), weights)
    hashes = phashes(proxy, embeddings.frames[embeddings.moments[:, MIDDLE]])
    return Film(shots, usable_seconds(shots, proxy.seconds), embeddings, hashes, groups, excerpts)


def phashes(proxy: Proxy, frames: np.ndarray) -> np.ndarray:
    """uint8 (N, 8), of the given frames."""
    import imagehash
    from PIL import Image

    wanted, place = np.unique(frames, return_inverse=True)
    hashes = [imagehash.phash(Image.fromarray(picture)).hash.ravel() for _, picture in proxy.frames_at(wanted.tolist())]
    return np.packbits(np.array(hashes), axis=1)[place]


def make_copies(video: Path, folder: Path) -> dict[str, Path]:
    """The other encodes of a film, frame for frame, made while it is decoded once."""
    copies = {kind: folder / f"{number}.mkv" for number, kind in enumerate(COPIES)}
    outputs: list[str | Path] = []
    for kind, (pictures, *encoder) in COPIES.items():
        outputs += ["-map", "0:v:0", "-fps_mode", "passthrough", "-vf", pictures, *encoder, copies[kind]]
    find_ffmpeg().run(outputs, video)
    return copies


@dataclass(frozen=True)
class Looked:
    """All that is needed.

    Attributes:
        films: by name.
        copies: by film and kind of copy.
        recuts: by film, which of its shots are left, and these looked at.
    """

    films: Mapping[str, Film]
    copies: Mapping[str, Mapping[str, Film]]
    recuts: Mapping[str, tuple[Recut, Film]]


def look_at_all(videos: Path) -> Looked:
    """Encode and embed all films, copies and recuts."""
    with tempfile.TemporaryDirectory() as folder:
        return _look_at_all(videos, Path(folder))


def _look_at_all(videos: Path, folder: Path) -> Looked:
    truth = videos / "truth"
    labelled = {path.name.removesuffix(".setups.csv") for path in truth.glob("*.setups.csv")}
    paths = {path.stem: path for path in videos.iterdir() if path.is_file()}
    films: dict[str, Film] = {}
    copies: dict[str, dict[str, Film]] = {}
    recuts: dict[str, tuple[Recut, Film]] = {}
    for name in sorted(labelled | set(COPIED)):
        proxy = encode(paths[name], folder / name)
        shots = GivenShots.read(truth / f"{name}.csv").table(proxy.record.num_frames)
        films[name] = look_at(proxy, shots, with_groups=name in labelled)
        if name not in COPIED:
            continue
        copies[name] = {}
        for kind, path in make_copies(paths[name], folder).items():
            copy = encode(path, folder / f"{name} {path.stem}")
            if copy.record.num_frames != shots.num_frames:
                raise SystemExit(f"{name}, {kind}: {copy.record.num_frames} frames of {shots.num_frames} were copied")
            copies[name][kind] = look_at(copy, shots, with_excerpts=kind == EXCERPTS_OF)
        recut = Recut.of(shots, seed=len(recuts))
        path = make_recut(paths[name], recut, folder / f"{name} recut.mkv")
        recuts[name] = recut, look_at(encode(path, folder / f"{name} recut"), recut.table)
    return Looked(films, copies, recuts)
