"""Films whose match cuts are known, because they were planted: composed out of real pictures.

*Frame match*: a dancer who was filmed before a blue screen (every mask is known) is put before frames of other films,
alone or with a second one, in any size, place and clothing. A planted pair shows the same poses in the same place on
both sides, up to the tenth that an editor can reframe; every other shot shows other poses or another place.

*Action match*: cameras that pan, tilt, zoom and roll over frames of films, and cut-out pictures that cross them. A
planted pair carries the movement on: B begins to move as A ended. Half of the shots do something else for the rest of
their time.

Shots for tuning and for testing are made of different poses and different films.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import cv2
import numpy as np

from matchcut.ffmpeg import find_ffmpeg
from matchcut.proxy import Proxy
from matchcut.representations.flavor import UsableShots
from matchcut.source_video import inspect_source
from matchcut.standardized_encode import EncodeParameters, standardize

Split = Literal["tune", "test"]
T = TypeVar("T")

WIDTH, HEIGHT = 640, 360
RATE = 25
DANCER = "dancer.avi"
# Films without persons or animals, and which frames of them: the two splits share none.
BACKGROUNDS: dict[Split, tuple[tuple[str, int, int], ...]] = {
    "tune": (("ocean.mp4", 0, 240), ("bikes.mp4", 137, 187), ("tos_battle.webm", 1160, 1200)),
    "test": (
        ("city_cc0.mpg", 0, 190),
        ("sintel_trailer_480p.mp4", 1010, 1130),
        ("tos_battle.webm", 1000, 1120),
        ("bbb_trailer.mp4", 60, 150),
    ),
}
POSES: dict[Split, tuple[int, int]] = {"tune": (0, 760), "test": (800, 1571)}
NUM_BACKGROUNDS = 48
DAYLIGHT = 95  # mean brightness that backgrounds have at least
# Every third background of the tuning split's action matches is out of focus: the test split has skies.
OUT_OF_FOCUS_EVERY, OUT_OF_FOCUS_SIGMA = 3, 6.0

POSE_FRAMES = 28  # of a frame match's shot
POSE_OVERLAP = 8  # poses that both shots of a pair show: somewhere among them lies the best cut
REFRAMED = 0.1  # by how much size, and half of it in heights by how much place, differ between the sides of a pair
SAME_POSE_IOU = 0.6  # shots of different pairs overlap less than this wherever they could be cut

MOVE_FRAMES = 40  # of an action match's shot
MOVE_OVERLAP = 12  # moments of the movement that both shots of a pair show
OTHER_MOVE = 0.6  # movements of different pairs differ by more than this share of the faster one
CELLS = (9, 16)


@dataclass(frozen=True)
class PlantedFilm:
    """A film of shots that follow each other, and its pairs.

    Attributes:
        proxy: its standardized encode.
        shots: all of its shots; pair *i* is shot 2i cut to shot 2i + 1.
        pose: int64 (num_frames,), which moment of the planted movement each frame shows, for judging the frames to
            cut at; within a pair equal numbers are one moment.
    """

    proxy: Proxy
    shots: UsableShots
    pose: np.ndarray


@dataclass(frozen=True)
class Figure:
    """A dancer in a shot.

    Attributes:
        pose: the dancer's frame at the moment of the cut.
        height: of the whole standing figure, in picture heights.
        x, foot: where the figure stands, in picture heights from the left and from the top.
        flip: mirrored.
    """

    pose: int
    height: float
    x: float
    foot: float
    flip: bool


@dataclass(frozen=True)
class Move:
    """A movement: of the camera, and of a cut-out thing before it.

    Attributes:
        camera: right and down in heights per second, growth and clockwise turn (radians) per second.
        thing: x, y, width, height of the thing at the cut, in picture heights; None for none.
        speed: the thing's own, right and down in heights per second.
    """

    camera: np.ndarray
    thing: tuple[float, float, float, float] | None
    speed: tuple[float, float]

    def field(self) -> np.ndarray:
        """float64 (9 * 16 * 2,), the movement of every cell of the picture at the cut, heights per second."""
        rows, columns = CELLS
        y, x = np.mgrid[:rows, :columns] + 0.5
        x, y = x / rows - columns / rows / 2, y / rows - 0.5
        right, down, growth, turn = self.camera
        field = np.stack([right + growth * x - turn * y, down + growth * y + turn * x], axis=-1)
        if self.thing:
            left, top, width, height = self.thing
            inside = (np.abs(x + columns / rows / 2 - left) < width / 2) & (np.abs(y + 0.5 - top) < height / 2)
            field[inside] = self.speed
        return field.ravel()


def frame_match_film(videos: Path, folder: Path, split: Split, pairs: int) -> PlantedFilm:
    """Compose a film of planted frame matches.

    Args:
        videos: the folder of films.
        folder: where to write it.
        split: whose poses and backgrounds.
        pairs: how many.
    """
    rng = np.random.default_rng([5, split == "test"])
    dancer, backgrounds = Dancer(videos / DANCER, POSES[split]), background_stills(videos, split, rng)
    chosen = _distinct_figures(dancer, pairs, rng)

    def frames() -> Iterator[np.ndarray]:
        for figures in chosen:
            looks = [rng.permutation(len(backgrounds))[:2], rng.uniform(0, 1, (2, len(figures), 4))]
            drift = rng.uniform(-0.03, 0.03, (2, 2))
            for side in range(2):
                shown = [_reframed(figure, rng) for figure in figures] if side else list(figures)
                first = (POSE_OVERLAP // 2 - POSE_FRAMES, -POSE_OVERLAP // 2)[side]
                for i in range(POSE_FRAMES):
                    picture = window(backgrounds[looks[0][side]], drift[side] * i / POSE_FRAMES)
                    for figure, look in zip(shown, looks[1][side], strict=True):
                        picture = dancer.draw(picture, figure, first + i, look)
                    yield picture

    count = 2 * pairs
    pose = np.tile(np.concatenate([np.arange(POSE_FRAMES), np.arange(POSE_FRAMES) + POSE_FRAMES - POSE_OVERLAP]), pairs)
    return PlantedFilm(encoded(frames(), folder), _shots(count, POSE_FRAMES), pose)


def action_match_film(videos: Path, folder: Path, split: Split, pairs: int) -> PlantedFilm:
    """Compose a film of planted action matches; arguments as for `frame_match_film`."""
    rng = np.random.default_rng([7, split == "test"])
    backgrounds = background_stills(videos, split, rng)
    if split == "tune":
        backgrounds[::OUT_OF_FOCUS_EVERY] = map(_out_of_focus, backgrounds[::OUT_OF_FOCUS_EVERY])
    moves = _distinct_moves(pairs, rng)

    def frames() -> Iterator[np.ndarray]:
        for number, move in enumerate(moves):
            places = rng.permutation(len(backgrounds))
            for side in range(2):
                # Every other pair is steady; the rest begins or ends with a movement of another pair.
                other = move if number % 2 == 0 else moves[int(rng.integers(len(moves)))]
                yield from moving(backgrounds[places[side]], backgrounds[places[2 + side]], move, other, side)

    pose = np.tile(np.concatenate([np.arange(MOVE_FRAMES), np.arange(MOVE_FRAMES) + MOVE_FRAMES - MOVE_OVERLAP]), pairs)
    return PlantedFilm(encoded(frames(), folder), _shots(2 * pairs, MOVE_FRAMES), pose)


class Dancer:
    """The dancer's cut-outs.

    Args:
        video: before a blue screen.
        poses: range of frames that may be shown.
    """

    def __init__(self, video: Path, poses: tuple[int, int]) -> None:
        self.poses = poses
        frames = list(_read(video, range(*poses)))
        self._frames = [frame[:470] for frame in frames]  # below lie the shadow and the edge of the screen
        self._alphas = [blue_screen_alpha(frame) for frame in self._frames]
        self._small_alphas = [cv2.resize(a, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) for a in self._alphas]
        boxes = [np.argwhere(alpha > 0.5) for alpha in self._alphas[:: len(self._alphas) // 20]]
        self._foot = float(np.median([box[:, 0].max() for box in boxes]))
        self._x = float(np.median([np.median(box[:, 1]) for box in boxes]))
        self._height = float(np.median([box[:, 0].max() - box[:, 0].min() for box in boxes]))

    def place(self, figure: Figure) -> np.ndarray:
        """The affine map, float32 (2, 3), from the dancer's film into the picture."""
        scale = figure.height * HEIGHT / self._height
        across = -scale if figure.flip else scale
        return np.array(
            [
                [across, 0, figure.x * HEIGHT - across * self._x],
                [0, scale, figure.foot * HEIGHT - scale * self._foot],
            ],
            np.float32,
        )

    def mask(self, figure: Figure, offset: int) -> np.ndarray:
        """float32 (36, 64): the figure's share of each cell, `offset` frames after the cut."""
        small = self._small_alphas[figure.pose + offset - self.poses[0]]
        # From quarters of the film's pixels to cells of ten of the picture's; centres of pixels lie half a pixel in.
        from_quarters = np.array([[4, 0, 1.5], [0, 4, 1.5], [0, 0, 1]])
        to_cells = np.array([[0.1, 0, -0.45], [0, 0.1, -0.45], [0, 0, 1]])
        place = (to_cells @ np.vstack([self.place(figure), [0, 0, 1]]) @ from_quarters)[:2]
        return np.asarray(cv2.warpAffine(small, place, (64, 36)))

    def draw(self, picture: np.ndarray, figure: Figure, offset: int, look: np.ndarray) -> np.ndarray:
        """The picture with the figure on it; `look` (4,) in [0, 1] are the colour and the brightness of its clothes."""
        index = figure.pose + offset - self.poses[0]
        place = self.place(figure)
        whole_alpha = cv2.warpAffine(self._alphas[index], place, (WIDTH, HEIGHT))
        rows, columns = np.flatnonzero(whole_alpha.any(axis=1)), np.flatnonzero(whole_alpha.any(axis=0))
        if len(rows) == 0:
            return picture.astype(np.uint8)
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        person = cv2.warpAffine(self._frames[index], place, (WIDTH, HEIGHT))[part].astype(np.float32)
        alpha = whole_alpha[part][..., None]
        # The screen's light on the figure is taken off. The suit is black; skin is lighter, and redder than it is blue.
        person[..., 2] = np.minimum(person[..., 2], person[..., :2].mean(axis=2))
        smooth = cv2.GaussianBlur(person, (0, 0), 1.2)
        grey, redness = smooth.max(axis=2, keepdims=True), smooth[..., :1] - smooth[..., 2:]
        cloth = np.clip((60 - grey) / 20, 0, 1) * np.clip((12 - redness) / 6, 0, 1)
        person *= 1.6
        color = 60 * look[3] * look[:3] + 1.6 * grey
        dressed = person * (1 - cloth) + color * cloth
        result = picture.astype(np.uint8)
        result[part] = np.clip(picture[part] * (1 - alpha) + dressed * alpha, 0, 255)
        return result


def blue_screen_alpha(frame: np.ndarray) -> np.ndarray:
    """float32 (H, W) in [0, 1]: 0 where an RGB frame shows the blue screen."""
    red, green, blue = (frame[..., channel].astype(np.float32) for channel in range(3))
    alpha = np.clip(1 - (blue - np.maximum(red, green) - 25) / 30, 0, 1)
    opened = cv2.morphologyEx(alpha, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats((opened > 0.5).astype(np.uint8))
    if count < 2:
        return np.zeros_like(alpha)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    near = cv2.dilate((labels == largest).astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray(opened * near)


def background_stills(videos: Path, split: Split, rng: np.random.Generator) -> list[np.ndarray]:
    """uint8 (405, 720, 3) RGB frames of films without persons, some mirrored, dark ones lit."""
    stills: list[np.ndarray] = []
    sources = BACKGROUNDS[split]
    for name, first, stop in sources:
        wanted = np.linspace(first, stop - 1, NUM_BACKGROUNDS // len(sources) * 2).astype(int)
        frames = _read(videos / name, np.unique(wanted))
        shown = (frame for frame in frames if frame.std() > 18)  # a faded picture has nothing to see
        stills += [_covering(frame, 720, 405) for frame in shown]
    order = rng.permutation(len(stills))[:NUM_BACKGROUNDS]
    return [_lit(stills[i])[:, :: (-1 if rng.random() < 0.5 else 1)].copy() for i in order]


def _lit(still: np.ndarray) -> np.ndarray:
    """A dark picture as bright as a day's: nobody can be seen in black clothes by night."""
    return np.asarray(cv2.convertScaleAbs(still, alpha=float(np.clip(DAYLIGHT / max(still.mean(), 1), 1, 3))))


def _out_of_focus(still: np.ndarray) -> np.ndarray:
    """A picture with little to hold on to: soft, and of half its contrast."""
    soft = cv2.GaussianBlur(still, (0, 0), OUT_OF_FOCUS_SIGMA)
    return np.asarray(cv2.addWeighted(soft, 0.5, np.full_like(soft, 60), 1.0, 0))


def window(still: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """The middle of a still as a picture, float32, moved by `shift` (2,) heights."""
    center = (360 + shift[0] * HEIGHT, 202 + shift[1] * HEIGHT)
    return np.asarray(cv2.getRectSubPix(still, (WIDTH, HEIGHT), center).astype(np.float32))


def moving(still: np.ndarray, cloth: np.ndarray, move: Move, other: Move, side: int) -> Iterator[np.ndarray]:
    """The frames of a shot that ends (side 0) or begins (side 1) with a movement.

    Args:
        still: what the camera sees.
        cloth: what the thing is made of.
        move: at the cut.
        other: at the shot's other end.
        side: 0 for the outgoing shot.
    """
    cut = MOVE_FRAMES - MOVE_OVERLAP // 2 if side == 0 else MOVE_OVERLAP // 2
    times = (np.arange(MOVE_FRAMES) - cut) / RATE
    share = np.clip(np.abs(times) * 2.5 - 1, 0, 1)  # 0 within 0.4 s of the cut, 1 beyond 0.8 s
    steps = [(1 - s) * move.camera + s * other.camera for s in share]
    position = np.cumsum(steps, axis=0) / RATE
    position -= (position[cut - 1] + position[MOVE_FRAMES // 2]) / 2
    speed = np.array([(1 - s) * np.array(move.speed) for s in share])
    path = np.cumsum(speed, axis=0) / RATE
    path -= path[cut - 1]
    for camera, away in zip(position, path, strict=True):
        picture = _seen(still, camera)
        yield _with_thing(picture, cloth, move.thing, away) if move.thing else picture


def encoded(frames: Iterator[np.ndarray], folder: Path) -> Proxy:
    """A film of these frames, and its standardized encode."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "planted.mp4"
    _write_video(frames, source)
    standardize(source, inspect_source(source, find_ffmpeg()), folder, EncodeParameters(), find_ffmpeg())
    return Proxy(folder)


def _write_video(frames: Iterator[np.ndarray], path: Path) -> None:
    """H.264, about as good as the films that the pictures come from."""
    command = [str(find_ffmpeg().path), "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-", "-vf", "scale=out_color_matrix=bt709"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for frame in frames:
            process.stdin.write(frame.tobytes())
        process.stdin.close()
    if process.returncode:
        raise SystemExit(f"ffmpeg could not write {path}")


def _read(video: Path, wanted: Sequence[int] | range | np.ndarray) -> Iterator[np.ndarray]:
    """The wanted frames of a film, RGB, ascending."""
    capture, remaining = cv2.VideoCapture(str(video)), {int(number) for number in wanted}
    number = 0
    while remaining:
        there, frame = capture.read()
        if not there:
            return
        if number in remaining:
            remaining.discard(number)
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        number += 1


def _covering(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle of a frame, scaled to cover a size."""
    scale = max(width / frame.shape[1], height / frame.shape[0]) * 1.01
    large = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return np.asarray(large[top : top + height, left : left + width])


def _shots(count: int, frames: int) -> UsableShots:
    start = np.arange(count) * frames
    return UsableShots(np.arange(count), start, start + frames)


def _reframed(figure: Figure, rng: np.random.Generator) -> Figure:
    scale = 1 + rng.uniform(-REFRAMED, REFRAMED)
    x, y = rng.uniform(-REFRAMED / 2, REFRAMED / 2, 2)
    return Figure(figure.pose, figure.height * scale, figure.x + x, figure.foot + y, figure.flip)


def _distinct_figures(dancer: Dancer, pairs: int, rng: np.random.Generator) -> list[tuple[Figure, ...]]:
    """As many groups of one or two figures, no two of which overlap much where they could be cut."""
    first, stop = dancer.poses
    offsets = (-POSE_OVERLAP // 2, 0, POSE_OVERLAP // 2)

    def draw() -> tuple[Figure, ...]:
        def figure() -> Figure:
            height = float(rng.choice([0.65, 0.8, 0.92, 1.3, 1.8]) * rng.uniform(0.93, 1.07))
            pose = int(rng.integers(first + POSE_FRAMES, stop - POSE_FRAMES))
            foot = 0.96 if height < 1 else 0.1 + height
            return Figure(pose, height, float(rng.uniform(0.3, 1.48)), foot, bool(rng.random() < 0.5))

        one = figure()
        if one.height < 1 and rng.random() < 0.35:
            other = figure()
            apart = 0.45 * (one.height + other.height)
            if other.height < 1 and abs(other.x - one.x) > apart:
                return (one, other)
        return (one,)

    return _distinct(draw, lambda figures: _masks(dancer, figures, offsets), _overlap, pairs, SAME_POSE_IOU)


def _masks(dancer: Dancer, figures: tuple[Figure, ...], offsets: Sequence[int]) -> np.ndarray:
    """float32 (offsets, 36 * 64)."""
    return np.stack([np.max([dancer.mask(f, o) for f in figures], axis=0).ravel() for o in offsets])


def _overlap(masks: np.ndarray, chosen: np.ndarray) -> float:
    """The largest IoU of a group of figures with any chosen before."""
    a, b = masks, chosen.reshape(-1, chosen.shape[-1])
    shared = a @ b.T
    total = a.sum(axis=1)[:, None] + b.sum(axis=1) - shared
    return float((shared / np.maximum(total, 1e-6)).max())


def _distinct_moves(pairs: int, rng: np.random.Generator) -> list[Move]:
    """As many movements, no two of which are alike: half of the camera alone, half with a thing that moves."""
    scale = np.array([1, 1, 1.7, 1.7])  # growth and turn move the picture's cells by about 0.59 of their number

    def draw() -> Move:
        speed = float(np.exp(rng.uniform(np.log(0.08), np.log(0.7))))
        direction = rng.normal(size=4) * (rng.random(4) < 0.5)
        length = float(np.linalg.norm(direction))
        camera = direction / max(length, 1e-9) * speed * scale
        if rng.random() < 0.5:
            return Move(camera, None, (0.0, 0.0))
        angle, own = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(np.log(0.3), np.log(1.2)))
        size = rng.uniform(0.3, 0.7, 2)
        thing = (float(rng.uniform(0.3, 1.48)), float(rng.uniform(0.25, 0.75)), float(size[0]), float(size[1]))
        still = camera * (rng.random() < 0.4)
        return Move(still, thing, (float(own * np.cos(angle)), float(own * np.sin(angle))))

    return _distinct(draw, lambda move: move.field()[None], _likeness, pairs, 1 - OTHER_MOVE)


def _likeness(field: np.ndarray, chosen: np.ndarray) -> float:
    """1 less the smallest difference to any chosen field, as a share of the faster; still ones are like all."""
    others = chosen.reshape(-1, chosen.shape[-1])
    length, lengths = np.linalg.norm(field), np.linalg.norm(others, axis=1)
    difference = np.linalg.norm(others - field, axis=1) / np.maximum(np.maximum(length, lengths), 1e-9)
    return float((1 - difference).max())


def _distinct(
    draw: Callable[[], T],
    describe: Callable[[T], np.ndarray],
    likeness: Callable[[np.ndarray, np.ndarray], float],
    count: int,
    limit: float,
) -> list[T]:
    """Draw until there are `count` whose likeness to each other stays below the limit."""
    chosen: list[T] = []
    described: list[np.ndarray] = []
    for _ in range(400 * count):
        if len(chosen) == count:
            return chosen
        drawn = draw()
        description = describe(drawn)
        if np.abs(description).sum() > 8 and (not chosen or likeness(description, np.stack(described)) < limit):
            chosen.append(drawn)
            described.append(description)
    raise SystemExit(f"only {len(chosen)} of {count} planted pairs can be told apart: ask for fewer")


def _seen(still: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """What a moved camera sees of a still; the picture is mirrored beyond its edge."""
    right, down, growth, turn = camera
    scale = 1.25 * float(np.exp(growth))
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    x, y = WIDTH / 2 + right * HEIGHT, HEIGHT / 2 + down * HEIGHT
    place = np.array([[cos, -sin, x - cos * 360 + sin * 202], [sin, cos, y - sin * 360 - cos * 202]])
    return np.asarray(cv2.warpAffine(still, place, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT_101))


def _with_thing(
    picture: np.ndarray, cloth: np.ndarray, thing: tuple[float, float, float, float], away: np.ndarray
) -> np.ndarray:
    """The picture with an oval piece of another one on it."""
    x, y, width, height = (float(value) * HEIGHT for value in thing)
    size = (round(width), round(height))
    piece = cv2.resize(cloth[40:360, 80:640], size, interpolation=cv2.INTER_AREA)
    oval = np.zeros((size[1], size[0]), np.float32)
    cv2.ellipse(oval, (size[0] // 2, size[1] // 2), (size[0] // 2 - 1, size[1] // 2 - 1), 0, 0, 360, 1.0, -1)
    place = np.array([[1, 0, x - width / 2 + away[0] * HEIGHT], [0, 1, y - height / 2 + away[1] * HEIGHT]])
    alpha = cv2.warpAffine(oval, place, (WIDTH, HEIGHT))[..., None]
    moved = cv2.warpAffine(piece, place, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray((picture * (1 - alpha) + moved * alpha).astype(np.uint8))
