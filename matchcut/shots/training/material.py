"""Where made-up films get their pictures from: folders of photos, cut-out things and real film.

Nothing of this is part of the project. The network that ships was trained on what `SOURCES` names, packages of Debian
12, unpacked into one folder; none of it is a film that any benchmark reads.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from matchcut.shots.training.takes import Material, mip_levels

SOURCES = (
    "endless-sky-data 0.9.8-1.2",
    "forensics-samples-files 1.1.4-5",
    "gnome-backgrounds 43.1-1",
    "kphotoalbum 5.9.1-1",
    "lomiri-wallpapers-16.04 20.04.0-2",
    "lomiri-wallpapers-20.04 20.04.0-2",
    "mate-backgrounds 1.26.0-1",
    "node-opencv 7.0.0+git20200316.f0a03a4b-1+b3",
    "opencv-doc 4.6.0+dfsg-12",
    "pd-extendedview 0.5~repack-4",
    "plasma-workspace-wallpapers 4:5.27.5-2",
    "python3-imageio 2.4.1-5",
    "python3-mecavideo 8.0~rc5-1",
    "python3-skimage 0.19.3-8",
    "stellarium-data 0.22.2-1",
    "tuxpaint-stamps-default 2022.06.04-1",
    "ukui-wallpapers 20.04.3-1.1",
    "warmux-data 1:11.04.1+repack2-4",
    "xplanet-images 1.3.1-3",
)
PICTURE_ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
FILM_ENDINGS = {".avi", ".mp4", ".mkv", ".mov", ".webm", ".mpg"}
# Edited films, for a take has no cuts; what a program shows or draws; results of another film here.
LEFT_OUT = ("Megamind", "movie-hello", "Effet_", "Force_", "Principe_", "retroMars", "output-")
SMALLEST_SIDE, LONGEST_SIDE, SPRITE_SIDE = 200, 1024, 192
SMALLEST_FILE_BYTES = 25_000
MOST_DARK_PICTURES = 40
OPAQUE, LEAST_TRANSPARENT_SHARE = 250, 0.02


def read_material(folder: Path) -> Material:
    """Every picture, thing and film below a folder, in the order of their paths, alike ones once."""
    photos, sprites, seen, num_dark = [], [], set(), 0
    for picture in _pictures(folder):
        mark = cv2.resize(picture, (4, 4), interpolation=cv2.INTER_AREA).tobytes()
        if mark in seen:
            continue
        seen.add(mark)
        if picture.shape[2] == 4 and (picture[..., 3] < OPAQUE).mean() > LEAST_TRANSPARENT_SHARE:
            sprites.append(_shrunk(picture, SPRITE_SIDE))
        elif min(picture.shape[:2]) >= SMALLEST_SIDE:
            num_dark += (is_dark := float(picture[..., :3].mean()) < 30)
            if not is_dark or num_dark <= MOST_DARK_PICTURES:
                photos.append(mip_levels(_shrunk(np.ascontiguousarray(picture[..., :3]), LONGEST_SIDE)))
    films = [film for path in _files(folder, FILM_ENDINGS) if (film := _film(path)) is not None]
    if not photos:
        raise FileNotFoundError(f"{folder} holds no photos; unpack these packages there: {', '.join(SOURCES)}")
    return Material(photos, sprites, films)


def _files(folder: Path, endings: set[str]) -> list[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in endings and path.is_file())
    return [path for path in found if not path.name.startswith(LEFT_OUT)]


def _pictures(folder: Path) -> Iterator[np.ndarray]:
    """uint8 (H, W, 3 or 4), RGB or RGBA."""
    for path in _files(folder, PICTURE_ENDINGS):
        if path.stat().st_size < (2_000 if "stamps" in path.parts else SMALLEST_FILE_BYTES) or "html" in path.parts:
            continue
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if picture is not None and picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] in (3, 4):
            code = cv2.COLOR_BGR2RGB if picture.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
            yield np.asarray(cv2.cvtColor(picture, code))


def _shrunk(picture: np.ndarray, longest: int) -> np.ndarray:
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def _film(path: Path) -> np.ndarray | None:
    """uint8 (N, 162, W, 3) RGB of a whole file without a cut."""
    import av

    with av.open(str(path)) as container:
        frames = [
            _shrunk(frame.to_ndarray(format="rgb24"), 288) for frame in container.decode(container.streams.video[0])
        ]
    return np.stack(frames) if len(frames) > 1 else None
