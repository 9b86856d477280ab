"""Action match: the same movement carried on over the cut.

Each shot keeps how it moves around the moments at which it may be left and entered, split in two (`movement.py`): what
the camera does, and what moves most before it, as one thing. A cut is good when one thing goes the way of the other
(`movement_scores.py`): same direction, speed and place, seen coming in A and going on in B. It is made half-way, where
what goes that way in B has come as far as in A. What hardly moves matches nothing, nor do water or smoke, whose parts
go other ways.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from matchcut.cue_words import CueWords, Grade
from matchcut.pictures import Tile, sheet, thumbnails
from matchcut.proxy import Proxy
from matchcut.representations.flavor import BlockScores, Representation, UsableShots
from matchcut.representations.grid import picture_box
from matchcut.representations.moments import IN, OUT
from matchcut.representations.movement import (
    DIRECTIONS,
    FLOW_HEIGHT,
    FLOW_WIDTH,
    GRID_HEIGHT,
    GRID_WIDTH,
    SPEED_BANDS,
    PairFlow,
    camera_field,
    cell_places,
    mover_of,
    pair_flow,
    spectrum_of,
)
from matchcut.representations.movement_scores import CAMERA_SCALE, STILL_SPEED, proposed, refined
from matchcut.representations.movement_windows import OpticalFlowParameters, Windows, windows_of

ALGORITHM = "7"
SCORE_ALGORITHM = "8"

FLOW_NOISE = 0.03  # heights per second by which flow is wrong without anything moving

_TILE_WIDTH = 256
_CAMERA_COLOR, _MOVER_COLOR = (255, 220, 60), (80, 220, 255)
_ARROW_SECONDS = 0.25  # an arrow is as long as the way in this time


@dataclass(frozen=True)
class OpticalFlow:
    """The flavor `action_match`.

    Rows of the representation: `frame` int64 (N, 2, M), at which the shot may be entered and left, ascending, the last
    one repeated where another shot has more; `window` int64 (N, 2, M, 2), the first and the last frame of the window
    around it, and `rate` float32 (N, 2, M), its frames per second; `camera` float32 (N, 2, M, 4), what the camera makes
    the picture do in the window: movement to the right and down in heights of the 16:9 picture, growth and clockwise
    turn in radians, per second; `support` float32 (N, 2, M), how much of either end of the picture moves with the
    camera, in [0, 1]; `rest` float32 (N,), the speed below which the whole picture is for a tenth of the shot;
    `spectrum` float32 (N, 33), square roots of the shares of 8 directions in 4 bands of speed, and of stillness. Of
    what moves in two readings, what the camera does not explain and all movement where there is something to see it by:
    `mover` float32 (N, 2, M, 2, 4), place and velocity of what moves most in the window (`movement.Mover`), and float32
    (N, 2, M, 2) each `coherence` and `area`, of the same; `speed`, the root mean square over the picture's cells;
    `going`, how fast what moves goes that way for longer, from the cut on where the shot is entered and up to it where
    it is left, and `steadily`, the share that this is of all its way in that time, in [-1, 1]. All in heights and
    seconds. Shots of a single frame have no row.
    """

    parameters: OpticalFlowParameters = field(default_factory=OpticalFlowParameters)

    name: ClassVar[str] = "action_match"
    representation: ClassVar[str] = "optical_flow"
    title: ClassVar[str] = "Action match"
    summary: ClassVar[str] = "a movement begun before the cut goes on after it"
    description: ClassVar[str] = (
        "A row is a kept shot of two frames or more: the camera's movement and the place and movement of what moves "
        "most before it, at every frame of the shot's first and last third, and the spectrum of all movement."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = ()
    cues: ClassVar[Mapping[str, CueWords]] = {
        # What is filmed has a place and a size too, so that it seldom agrees as far as two cameras do.
        "subject": CueWords(
            "same movement of what is filmed",
            (Grade("what is filmed moves alike", least=0.25), Grade("what is filmed moves partly alike", least=0.05)),
        ),
        "camera": CueWords(
            "same movement of the camera",
            (Grade("the camera moves alike", least=0.7), Grade("the camera moves partly alike", least=0.4)),
        ),
        "carried": CueWords(
            "begins in A and comes to rest in B", (Grade("begins in A and comes to rest in B", least=0.7),)
        ),
        "going": CueWords(
            "goes on the same way, heights a second",
            (Grade("it is seen coming and goes on", least=0.2),),
        ),
        "spectrum": CueWords(
            "same kinds of movement over the whole shots", (Grade("both shots move alike throughout", least=0.9),)
        ),
        "movement": CueWords("same movement at the cut"),
        "subject_share": CueWords("share of what is filmed in it"),
        "speed_a": CueWords("heights a second before"),
        "speed_b": CueWords("heights a second after"),
    }

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, Path]) -> Representation:
        """Measure the flow of each shot of at least two frames."""
        long_enough = shots.stop_frame - shots.start_frame >= 2
        kept = UsableShots(*(column[long_enough] for column in (shots.shot, shots.start_frame, shots.stop_frame)))
        windows = [
            windows_of(int(start), int(stop), proxy.seconds, self.parameters)
            for start, stop in zip(kept.start_frame, kept.stop_frame, strict=True)
        ]
        measured = _measured(proxy, windows)
        places = _places(windows)
        ends = [np.array(each.ends) for each in windows]
        rates = [np.diff(each)[:, 0] / np.diff(proxy.seconds[each])[:, 0] for each in ends]

        def per_moment(of_shots: Iterable[Any], kind: type, *more: int) -> np.ndarray:
            filled = [np.asarray(values, kind)[place] for values, place in zip(of_shots, places, strict=True)]
            return np.array(filled, kind).reshape(*places.shape, *more)

        return Representation(
            kept.shot,
            {
                "frame": per_moment((each.cuts for each in windows), np.int64),
                "window": per_moment(ends, np.int64, 2),
                "rate": per_moment(rates, np.float32),
                **{
                    name: per_moment((m.per_moment[name] for m in measured), np.float32, *shape)
                    for name, shape in _PER_MOMENT.items()
                },
                "rest": np.array([m.rest for m in measured], np.float32),
                "spectrum": np.array([m.spectrum for m in measured], np.float32).reshape(
                    len(kept), DIRECTIONS * len(SPEED_BANDS) + 1
                ),
            },
        )

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Compare some moments; `refine` scores in full what this proposes."""
        return proposed(a, b)

    def refine(self, a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
        """Score the given pairs of rows at the best of all their moments; arrays of the result are (P,)."""
        return refined(a, b, rows_a, rows_b)

    def bytes_per_pair(self) -> int:
        """A score, and what is compared of one pair of moments."""
        return 256

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """The first and the last moment of each shot: how the camera moves the picture, and what moves; a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(n) for row in rows for n in (frames[row, IN, 0], frames[row, OUT, -1])})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=6, tile_width=_TILE_WIDTH)


_PER_MOMENT: Mapping[str, tuple[int, ...]] = {
    "camera": (4,),
    "support": (),
    "mover": (2, 4),
    "coherence": (2,),
    "area": (2,),
    "speed": (2,),
    "going": (2,),
    "steadily": (2,),
}
"""What is measured at every moment, with its shape."""


@dataclass(frozen=True)
class ShotMovement:
    """What is stored of a shot; see `OpticalFlow`."""

    per_moment: Mapping[str, np.ndarray]
    rest: float
    spectrum: np.ndarray


def _places(windows: Sequence[Windows]) -> np.ndarray:
    """Places of each shot's moments among all its windows, int64 (N, 2, M); the last is repeated to fill a row."""
    counts = np.array([(len(each.entering), len(each.leaving)) for each in windows], np.int64).reshape(-1, 2)
    within = np.minimum(np.arange(counts.max(initial=1)), counts[..., None] - 1)
    within[:, OUT] += counts[:, IN, None]
    return within


def _measured(proxy: Proxy, windows: Sequence[Windows]) -> list[ShotMovement]:
    """Movement in all windows, in one pass over the proxy; a shot's pairs are let go when it is over."""
    _, _, columns, rows = picture_box(proxy.record.width, proxy.record.height, GRID_WIDTH, GRID_HEIGHT)
    wanted = [of_shot.all for of_shot in windows]
    last_of = [max(pairs) for pairs in wanted]
    known: dict[int, PairFlow] = {}
    done: list[ShotMovement] = []
    for pair, flow in _flows(proxy, set().union(*wanted)):
        known[pair] = flow
        while len(done) < len(windows) and last_of[len(done)] <= pair:
            done.append(_movement(windows[len(done)], known, proxy.seconds, columns * rows))
            known = {number: kept for number, kept in known.items() if number > pair}
    return done


def _movement(windows: Windows, known: Mapping[int, PairFlow], seconds: np.ndarray, cells: int) -> ShotMovement:
    moments: dict[str, list[Any]] = {name: [] for name in _PER_MOMENT}

    @cache
    def velocity_of(pair: int) -> np.ndarray:
        """Of what moves most from this frame to the next, in both readings, (2, 2)."""
        lasted = seconds[pair + 1] - seconds[pair]
        return np.array([mover_of(flow / lasted).velocity for flow in known[pair].readings])

    for pairs, seen in zip((*windows.entering, *windows.leaving), windows.seen, strict=True):
        lasted = seconds[pairs + 1] - seconds[pairs]
        flows = [known[pair] for pair in pairs.tolist()]
        ways = [_way(np.array(reading), lasted) for reading in zip(*(flow.readings for flow in flows), strict=True)]
        movers = [mover_of(way) for way in ways]
        velocity = np.array([mover.velocity for mover in movers])
        forwards = velocity / np.maximum(np.linalg.norm(velocity, axis=1, keepdims=True), 1e-9)
        velocities = np.array([velocity_of(pair) for pair in seen.tolist()])
        seconds_of = seconds[seen + 1] - seconds[seen]
        going = np.average((velocities * forwards).sum(axis=2), axis=0, weights=seconds_of)
        walked = np.average(np.linalg.norm(velocities, axis=2), axis=0, weights=seconds_of)
        moments["camera"].append(np.sum([flow.camera for flow in flows], axis=0) / lasted.sum())
        moments["support"].append(np.mean([flow.support for flow in flows]))
        moments["mover"].append([np.concatenate([mover.place, mover.velocity]) for mover in movers])
        moments["coherence"].append([mover.coherence for mover in movers])
        moments["area"].append([mover.area for mover in movers])
        moments["speed"].append([np.sqrt(np.square(way).sum() / cells) for way in ways])
        moments["going"].append(going)
        moments["steadily"].append(going / np.maximum(walked, 1e-9))
    whole = windows.over_all
    duration = seconds[whole + 1] - seconds[whole]
    over_all = np.array([known[pair].total for pair in whole.tolist()]) / duration[:, None, None, None]
    speeds = np.sqrt(np.square(over_all).sum(axis=3).mean(axis=(1, 2)))
    return ShotMovement(
        {name: np.array(values) for name, values in moments.items()},
        float(np.quantile(speeds, 0.1)),
        spectrum_of(over_all),
    )


def _way(flows: np.ndarray, lasted: np.ndarray) -> np.ndarray:
    """Where each cell goes over some pairs of frames, (9, 16, 2) in heights per second.

    Args:
        flows: float32 (K, 9, 16, 2), from pair to pair.
        lasted: float64 (K,), seconds of each.
    """
    return _seen(steady(flows) / float(lasted.sum()))


def _seen(flow: np.ndarray) -> np.ndarray:
    """A flow (H, W, 2), in heights per second, without what may be noise."""
    return np.asarray(np.where((np.abs(flow) < FLOW_NOISE).all(axis=-1, keepdims=True), 0, flow))


def steady(flows: np.ndarray) -> np.ndarray:
    """The way that each cell goes over consecutive flows, less where it goes to and fro, as water and smoke do.

    Args:
        flows: float (K, H, W, 2), movement to the right and down.

    Returns:
        float (H, W, 2), the sum, times the share that it is of the whole length of the way.
    """
    way = flows.sum(axis=0)
    walked = np.linalg.norm(flows, axis=3).sum(axis=0)[..., None]
    share = np.divide(np.linalg.norm(way, axis=2, keepdims=True), walked, out=np.zeros_like(walked), where=walked > 0)
    return np.asarray(way * share)


def _flows(proxy: Proxy, pairs: set[int]) -> Iterator[tuple[int, PairFlow]]:
    """What moves between each pair of consecutive frames, by the first frame's number, ascending."""
    _, _, width, height = picture_box(proxy.record.width, proxy.record.height, FLOW_WIDTH, FLOW_HEIGHT)
    wanted = {frame for pair in pairs for frame in (pair, pair + 1)}
    before, last = None, -2
    # DIS needs pictures of some size; extreme strips are stretched to it, and their flow shrunk back.
    for number, grey in proxy.brightness_at(wanted, size=(max(width, 32), max(height, 32))):
        if before is not None and last in pairs and number == last + 1:
            yield last, pair_flow(before, grey, (width / FLOW_HEIGHT, height / FLOW_HEIGHT))
        before, last = grey, number


def _row_tiles(representation: Representation, row: int, shown: Mapping[int, np.ndarray]) -> Iterator[Tile]:
    """The first and the last moment of a shot with their movement."""
    places = cell_places(GRID_HEIGHT, GRID_WIDTH)
    for side, moment, words in ((IN, 0, "starts"), (OUT, -1, "ends")):
        number = int(representation.arrays["frame"][row, side, moment])
        camera, mover = (representation.arrays[name][row, side, moment] for name in ("camera", "mover"))
        painted = _with_arrows(shown[number], places, camera_field(camera, places), _CAMERA_COLOR, 1)
        painted = _with_arrows(painted, mover[:1, :2], mover[:1, 2:], _MOVER_COLOR, 3)
        speed = np.linalg.norm(camera * CAMERA_SCALE)
        yield Tile(painted, f"shot {representation.shot[row]} {words}: camera {speed:.2f} heights/s")


def _with_arrows(
    picture: np.ndarray, places: np.ndarray, velocities: np.ndarray, color: tuple[int, int, int], thickness: int
) -> np.ndarray:
    """A copy of a 16:9 picture with an arrow at each place that moves; (K, 2) each, in heights and seconds."""
    import cv2

    painted = picture.copy()
    height, width = picture.shape[:2]
    for place, velocity in zip(places, velocities, strict=True):
        if np.hypot(*velocity) >= STILL_SPEED:
            start = place * height + np.array([width, height]) / 2
            stop = start + velocity * _ARROW_SECONDS * height
            tail, tip = ((round(float(x)), round(float(y))) for x, y in (start, stop))
            cv2.arrowedLine(painted, tail, tip, color, thickness, cv2.LINE_AA, tipLength=0.3)
    return painted
