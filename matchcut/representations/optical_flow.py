"""Action match: the same movement carried on over the cut.

Each shot keeps how it moves before the moments at which it may be left and after those at which it may be entered,
split in two (`movement.py`): what the camera does and what moves before it, on a coarse grid. A cut is good when both
are one way (`movement_scores.py`): same direction, speed and place. It is made half-way, where what goes that way in B
has come as far as in A. What hardly moves matches nothing, nor does water or smoke, whose parts go other ways from
frame to frame.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    mover_of,
    pair_flow,
    spectrum_of,
)
from matchcut.representations.movement_scores import CAMERA_SCALE, STILL_SPEED, proposed, refined
from matchcut.representations.movement_windows import OpticalFlowParameters, Windows, windows_of

ALGORITHM = "6"
SCORE_ALGORITHM = "7"

FLOW_NOISE = 0.03  # heights per second by which flow is wrong without anything moving

_TILE_WIDTH = 256
_ARROW_COLOR = (255, 220, 60)
_ARROW_SECONDS = 0.25  # an arrow is as long as the way in this time


@dataclass(frozen=True)
class OpticalFlow:
    """The flavor `action_match`.

    Rows of the representation: `frame` int64 (N, 2, M), at which the shot may be entered and left, ascending, the last
    one repeated where another shot has more; `window` int64 (N, 2, M, 2), the first and the last frame of the window
    around it, and `rate` float32 (N, 2, M), its frames per second; `camera` float32 (N, 2, M, 4), what the camera makes
    the picture do in the window: movement to the right and down in heights of the 16:9 picture, growth and clockwise
    turn in radians, per second; `subject` float16 (N, 2, M, 9, 16, 2), the movement that is left, to the right and
    down; `total` float16 (N, 2, M, 9, 16, 2), all movement where there is something to see it by; `mover` float32 (N,
    2, M, 2, 4), place and speed of what moves in either (`movement.mover_of`); `support` float32 (N, 2, M), how much of
    either end of the picture moves with the camera, in [0, 1]; `consistency` float32 (N, 2, M), how much of all
    movement the flow back undoes, in [0, 1]; `sustained` float32 (N, 2, M), the cosine between the movement in a window
    in which the shot is left and that over the second up to its end, 1 where it is entered; `rest` float32 (N,), the
    speed below which the whole picture is for a tenth of the shot; `spectrum` float32 (N, 33), square roots of the
    shares of 8 directions in 4 bands of speed, and of stillness; `picture_cells` int64 (N,), cells that the picture
    covers. Shots of a single frame have no row.
    """

    parameters: OpticalFlowParameters = field(default_factory=OpticalFlowParameters)

    name: ClassVar[str] = "action_match"
    representation: ClassVar[str] = "optical_flow"
    title: ClassVar[str] = "Action match"
    summary: ClassVar[str] = "a movement begun before the cut goes on after it"
    description: ClassVar[str] = (
        "A row is a kept shot of two frames or more: the camera's movement and, on a 16x9 grid, that of what is "
        "filmed, at every frame of the shot's first and last third, and the spectrum of all movement."
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
        "sustained": CueWords(
            "moves the same way for a second before", (Grade("the movement is seen before the cut", least=0.8),)
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
        _, _, columns, rows = picture_box(proxy.record.width, proxy.record.height, GRID_WIDTH, GRID_HEIGHT)
        places = _places(windows)
        ends = [np.array(each.ends) for each in windows]
        rates = [np.diff(each)[:, 0] / np.diff(proxy.seconds[each])[:, 0] for each in ends]
        shape, flow_field = places.shape, (GRID_HEIGHT, GRID_WIDTH, 2)

        def per_moment(of_shots: Iterable[Any], kind: type, *more: int) -> np.ndarray:
            filled = [np.asarray(values, kind)[place] for values, place in zip(of_shots, places, strict=True)]
            return np.array(filled, kind).reshape(*shape, *more)

        return Representation(
            kept.shot,
            {
                "frame": per_moment((each.cuts for each in windows), np.int64),
                "window": per_moment(ends, np.int64, 2),
                "rate": per_moment(rates, np.float32),
                "camera": per_moment((m.camera for m in measured), np.float32, 4),
                "subject": per_moment((m.subject for m in measured), np.float16, *flow_field),
                "total": per_moment((m.total for m in measured), np.float16, *flow_field),
                "mover": per_moment((m.mover for m in measured), np.float32, 2, 4),
                "support": per_moment((m.support for m in measured), np.float32),
                "consistency": per_moment((m.consistency for m in measured), np.float32),
                "sustained": per_moment((m.sustained for m in measured), np.float32),
                "rest": np.array([m.rest for m in measured], np.float32),
                "spectrum": np.array([m.spectrum for m in measured], np.float32).reshape(
                    len(kept), DIRECTIONS * len(SPEED_BANDS) + 1
                ),
                "picture_cells": np.full(len(kept), columns * rows),
            },
        )

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Compare some moments; `refine` scores in full what this proposes."""
        return proposed(a, b)

    def refine(self, a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
        """Score the given pairs of rows at the best of all their moments; arrays of the result are (P,)."""
        return refined(a, b, rows_a, rows_b)

    def bytes_per_pair(self) -> int:
        """A score and what is near of one pair of moments, and a row's share of its unpacked moments."""
        return 256

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """The first and the last moment of each shot with an arrow per cell, as a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(n) for row in rows for n in (frames[row, IN, 0], frames[row, OUT, -1])})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=6, tile_width=_TILE_WIDTH)


@dataclass(frozen=True)
class ShotMovement:
    """What is stored of a shot; see `OpticalFlow`."""

    camera: np.ndarray
    subject: np.ndarray
    total: np.ndarray
    mover: np.ndarray
    support: np.ndarray
    consistency: np.ndarray
    sustained: np.ndarray
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
    wanted = [of_shot.all for of_shot in windows]
    last_of = [max(pairs) for pairs in wanted]
    known: dict[int, PairFlow] = {}
    done: list[ShotMovement] = []
    for pair, flow in _flows(proxy, set().union(*wanted)):
        known[pair] = flow
        while len(done) < len(windows) and last_of[len(done)] <= pair:
            done.append(_movement(windows[len(done)], known, proxy.seconds))
            known = {number: kept for number, kept in known.items() if number > pair}
    return done


def _movement(windows: Windows, known: Mapping[int, PairFlow], seconds: np.ndarray) -> ShotMovement:
    camera, subject, total, mover, support, consistency = [], [], [], [], [], []
    for pairs in (*windows.entering, *windows.leaving):
        lasted = seconds[pairs + 1] - seconds[pairs]
        flows = [known[pair] for pair in pairs.tolist()]
        of_subject, of_all = np.array([flow.subject for flow in flows]), np.array([flow.total for flow in flows])
        camera.append(np.sum([flow.camera for flow in flows], axis=0) / lasted.sum())
        subject.append(_way(of_subject, lasted))
        total.append(_way(of_all, lasted))
        mover.append([mover_of(each / lasted[:, None, None, None]) for each in (of_subject, of_all)])
        support.append(np.mean([flow.support for flow in flows]))
        consistency.append(np.mean([flow.consistency for flow in flows]))
    sustained = [1.0] * len(windows.entering)
    for left, pairs in zip(total[len(windows.entering) :], windows.seen, strict=True):
        of_all = np.array([known[pair].total for pair in pairs.tolist()])
        sustained.append(_cosine(left, _way(of_all, seconds[pairs + 1] - seconds[pairs])))
    whole = windows.over_all
    duration = seconds[whole + 1] - seconds[whole]
    over_all = np.array([known[pair].total for pair in whole.tolist()]) / duration[:, None, None, None]
    speeds = np.sqrt(np.square(over_all).sum(axis=3).mean(axis=(1, 2)))
    return ShotMovement(
        np.array(camera),
        np.array(subject),
        np.array(total),
        np.array(mover),
        np.array(support),
        np.array(consistency),
        np.array(sustained),
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


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Of two fields as one vector each; 0 where one is nothing."""
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / lengths if lengths > 0 else 0.0


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
    """The first and the last moment of a shot with their movement, the camera's included."""
    y, x = np.mgrid[:GRID_HEIGHT, :GRID_WIDTH]
    places = np.stack([(x + 0.5 - GRID_WIDTH / 2) / GRID_HEIGHT, (y + 0.5) / GRID_HEIGHT - 0.5], axis=-1)
    for side, moment, words in ((IN, 0, "starts"), (OUT, -1, "ends")):
        number = int(representation.arrays["frame"][row, side, moment])
        camera = representation.arrays["camera"][row, side, moment]
        subject = representation.arrays["subject"][row, side, moment].astype(np.float32)
        field = camera_field(camera, places.reshape(-1, 2)).reshape(subject.shape) + subject
        told = f"shot {representation.shot[row]} {words}: camera {np.linalg.norm(camera * CAMERA_SCALE):.2f} heights/s"
        yield Tile(_with_arrows(shown[number], field), told)


def _with_arrows(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """A 16:9 picture with an arrow in the middle of each cell that moves."""
    import cv2

    painted = picture.copy()
    cell = picture.shape[0] / GRID_HEIGHT
    for row, column in zip(*np.nonzero(np.hypot(flow[..., 0], flow[..., 1]) >= STILL_SPEED), strict=True):
        start = np.array([column + 0.5, row + 0.5]) * cell
        stop = start + flow[row, column] * _ARROW_SECONDS * picture.shape[0]
        tail, tip = ((round(float(x)), round(float(y))) for x, y in (start, stop))
        cv2.arrowedLine(painted, tail, tip, _ARROW_COLOR, 1, cv2.LINE_AA, tipLength=0.3)
    return painted
