"""Made-up set-ups: what one camera set-up shows, again and again, never twice the same.

A family is four set-ups that are easily taken for each other: a place with somebody before it; the same place with
somebody else; the same somebody before another place; and another part of the first place. In half of the families
the place is a plain wall and both stand in the same pose, as in interviews. Every view of a set-up is
another take or another copy of it: the camera has moved a little, the subject sways, somebody stands at the edge, and
the picture is exposed, graded, cropped, mirrored, scaled, compressed or written over in another way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from matchcut.shot_embeddings import INPUT_SIZE
from matchcut.shots.training.takes import Material, cut_out, pick

WIDTH, HEIGHT = 480, 270
LEAST_SUBJECT, MOST_SUBJECT = 0.5, 1.25  # height of a subject in shares of the picture's: enough of it to matter
SETUPS_PER_FAMILY = 4


@dataclass(frozen=True)
class Subject:
    """Somebody or something before the place.

    Attributes:
        picture: uint8 (h, w, 4) RGBA.
        x, y: its middle, in shares of the picture's width and height.
        size: its height in shares of the picture's.
    """

    picture: np.ndarray
    x: float
    y: float
    size: float


@dataclass(frozen=True)
class Setup:
    """A place, a part of it that the camera sees, and who stands before it.

    Attributes:
        place: uint8 (H, W, 3) RGB.
        left, top, extent: of the part that is seen, in shares of the place's width and height.
        subjects: drawn in this order.
    """

    place: np.ndarray
    left: float
    top: float
    extent: float
    subjects: tuple[Subject, ...] = ()


def family(rng: np.random.Generator, material: Material, place: np.ndarray, other_place: np.ndarray) -> list[Setup]:
    """Four set-ups that must be told apart.

    Args:
        rng: seeded.
        material: where subjects come from.
        place: uint8 (H, W, 3) RGB.
        other_place: the same of another photo.
    """
    extent = float(rng.uniform(0.45, 0.62))
    left, top = (float(rng.choice([0.0, 1 - extent])) for _ in range(2))
    first, second = _subject(rng, material), _subject(rng, material)
    if rng.random() < 0.5:
        place, other_place = _wall(rng, place), _wall(rng, other_place)
        poses = cut_out(rng, material), cut_out(rng, material)
        same_pose = np.dstack([poses[1][..., :3], poses[0][..., 3]])
        first, second = replace(first, picture=poses[0]), replace(second, picture=same_pose)
    here = Setup(place, left, top, extent, (first,))
    someone_else = replace(here, subjects=(replace(second, x=first.x, size=first.size),))
    other_left, other_top = (float(n) for n in rng.uniform(0, 0.3, 2))
    elsewhere = Setup(other_place, other_left, other_top, float(rng.uniform(0.5, 0.7)), (first,))
    other_part = Setup(place, 1 - extent - left, 1 - extent - top, extent, () if rng.random() < 0.5 else (second,))
    return [here, someone_else, elsewhere, other_part]


def _wall(rng: np.random.Generator, place: np.ndarray) -> np.ndarray:
    """A place far out of focus."""
    coarse = cv2.resize(place, tuple(rng.integers(3, 12, 2)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(coarse, place.shape[1::-1], interpolation=cv2.INTER_CUBIC))


def _subject(rng: np.random.Generator, material: Material) -> Subject:
    picture = pick(rng, material.sprites) if rng.random() < 0.6 else cut_out(rng, material)
    size = float(rng.uniform(LEAST_SUBJECT, MOST_SUBJECT))
    return Subject(picture, float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.5, 0.7)), size)


def view(rng: np.random.Generator, setup: Setup, material: Material) -> np.ndarray:
    """One frame of some take and copy of a set-up.

    Returns:
        uint8 (224, 224, 3) RGB, squeezed to the square that embeddings are made of.
    """
    reach = 0.02 if rng.random() < 0.7 else 0.06
    shift_x, shift_y = rng.normal(0, reach, 2) * setup.extent
    zoom = float(np.exp(rng.normal(0, reach)))
    frame = _place(setup, setup.left + shift_x, setup.top + shift_y, setup.extent * zoom)
    for subject in setup.subjects:
        sway_x, sway_y = rng.normal(0, 0.03, 2)
        moved = replace(
            subject,
            x=subject.x + sway_x - shift_x / setup.extent,
            y=subject.y + sway_y - shift_y / setup.extent,
            size=subject.size * float(np.exp(rng.normal(0, 0.05))) / zoom,
        )
        frame = _over(frame, moved, roll=float(rng.normal(0, 4)))
    if rng.random() < 0.15:  # somebody walks in or out
        edge = float(rng.choice([-0.02, 1.02]))
        frame = _over(frame, replace(_subject(rng, material), x=edge, size=float(rng.uniform(0.4, 0.9))), roll=0.0)
    return copied(rng, frame)


def _place(setup: Setup, left: float, top: float, extent: float) -> np.ndarray:
    height, width = setup.place.shape[:2]
    x, y = np.clip(left, 0, max(0.0, 1 - extent)) * width, np.clip(top, 0, max(0.0, 1 - extent)) * height
    matrix = np.array([[extent * width / WIDTH, 0, x], [0, extent * height / HEIGHT, y]])
    flags = cv2.INTER_AREA if extent * width > WIDTH else cv2.INTER_LINEAR
    if flags == cv2.INTER_AREA:
        part = setup.place[int(y) : int(y + extent * height), int(x) : int(x + extent * width)]
        return np.asarray(cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
    return np.asarray(
        cv2.warpAffine(
            setup.place, matrix, (WIDTH, HEIGHT), flags=flags | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101
        )
    )


def _over(frame: np.ndarray, subject: Subject, roll: float) -> np.ndarray:
    height, width = subject.picture.shape[:2]
    scale = subject.size * HEIGHT / height
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll, scale)
    matrix[:, 2] += subject.x * WIDTH - width / 2, subject.y * HEIGHT - height / 2
    layer = cv2.warpAffine(subject.picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    alpha = layer[..., 3:].astype(np.uint16)
    return ((frame * (255 - alpha) + layer[..., :3] * alpha) // 255).astype(np.uint8)


def copied(rng: np.random.Generator, frame: np.ndarray) -> np.ndarray:
    """What another take's light and another copy's grading, cropping, scaling and codec do.

    Args:
        rng: seeded.
        frame: uint8 (270, 480, 3) RGB.

    Returns:
        uint8 (224, 224, 3) RGB.
    """
    if rng.random() < 0.1:
        frame = frame[:, ::-1]
    if rng.random() < 0.3:  # cropped or reframed
        top, bottom, left, right = (rng.uniform(0, 0.07, 4) * (HEIGHT, HEIGHT, WIDTH, WIDTH)).astype(int)
        frame = frame[top : HEIGHT - bottom, left : WIDTH - right]
    x = cv2.resize(np.ascontiguousarray(frame), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    gain, gamma = np.exp(rng.normal(0, 0.15)), np.exp(rng.normal(0, 0.15))
    x = 255 * (np.clip(x * gain, 0, 255) / 255) ** gamma
    x *= np.exp(rng.normal(0, 0.05, 3)).astype(np.float32)
    if rng.random() < 0.3:
        grey = x.mean(axis=2, keepdims=True)
        x = grey + (x - grey) * rng.uniform(0.0 if rng.random() < 0.25 else 0.5, 1.4)
    if rng.random() < 0.4:
        x += rng.normal(0, rng.uniform(1, 9), x.shape[:2])[..., None].astype(np.float32)
    copied = np.ascontiguousarray(np.clip(x, 0, 255).astype(np.uint8))
    if rng.random() < 0.25:
        _write_over(rng, copied)
    if rng.random() < 0.1:  # bars that cropping has missed
        bar = int(rng.uniform(0.03, 0.12) * HEIGHT)
        copied[:bar], copied[HEIGHT - bar :] = 0, 0
    height = int(np.exp(rng.uniform(np.log(100), np.log(270))))
    small = cv2.resize(copied, (height * 16 // 9, height), interpolation=cv2.INTER_AREA)
    quality = int(rng.integers(20, 96))
    packed = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    seen = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))[..., ::-1]
    # The proxy is 360 lines high whatever the source was; the embedding sees it squeezed.
    tall = cv2.resize(np.ascontiguousarray(seen), (640, 360), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(tall, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA))


def _write_over(rng: np.random.Generator, frame: np.ndarray) -> None:
    """A logo in a corner or a line of words, in place."""
    if rng.random() < 0.5:
        top, left = rng.choice([10, HEIGHT - 50]), rng.choice([10, WIDTH - 90])
        frame[top : top + int(rng.integers(15, 40)), left : left + int(rng.integers(20, 80))] = rng.integers(0, 256, 3)
        return
    words = "".join(rng.choice(list("ABCDEFGHIJ KLMNOPRSTUW aeinrst"), int(rng.integers(5, 26))))
    place = int(rng.integers(5, 200)), int(rng.choice([40, HEIGHT - 30]))
    ink = (255, 255, 255) if rng.random() < 0.7 else tuple(int(n) for n in rng.integers(0, 256, 3))
    cv2.putText(frame, words, place, cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.6, 1.3)), ink, 2, cv2.LINE_AA)


def places(material: Material) -> Sequence[np.ndarray]:
    """The photos that are large enough to be places, uint8 (H, W, 3) RGB each."""
    return [levels[0] for levels in material.photos if min(levels[0].shape[:2]) >= 250]
