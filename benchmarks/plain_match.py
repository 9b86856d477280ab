"""The plain method, as published systems describe it: middle frames, one mask of all persons; mean flow.

*Frame*: union masks of the middle frames, intersection over union (Chen et al., arXiv:2210.05766, heuristic 3).
*Action*: dense flow averaged over the shot, cosine. Within a title near-duplicates keep the earliest shot, as there;
nothing else is removed, demoted or checked. It shares no code with the flavors, so that it stays what it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matchcut.proxy import Proxy
from matchcut.representations.flavor import UsableShots
from matchcut.representations.grid import GRID_HEIGHT, GRID_WIDTH, lay_field, lay_mask

MASK_SIZE = (256, 144)
FLOW_SIZE = (320, 180)
FLOW_GRID = (16, 9)
PAIRS_OVER_SHOT = 24
SMALLEST_MASK = 0.01
"""Share of the grid: an empty mask has no overlap with anything."""
SMALLEST_FLOW = 0.02
"""Heights a second: under it a shot stands still, and the direction of its flow is noise."""


@dataclass(frozen=True)
class PlainShots:
    """One title's shots as the plain method sees them.

    Attributes:
        shot: int64 (N,), index in the title's table.
        middle: int64 (N,), frame number.
        mask: float32 (N, 2304), of the middle frame, 0 or 1.
        flow: float32 (N, 288), mean flow, heights of the picture per second.
    """

    shot: np.ndarray
    middle: np.ndarray
    mask: np.ndarray
    flow: np.ndarray


def describe(proxy: Proxy, shots: UsableShots, weights: Mapping[str, Path]) -> PlainShots:
    """Masks and flow of a title's kept shots.

    Args:
        proxy: the title.
        shots: the kept ones.
        weights: holds `selfie_segmentation_landscape`.
    """
    middle = (shots.start_frame + shots.stop_frame - 1) // 2
    masks = _masks(proxy, middle, weights["selfie_segmentation_landscape"])
    return PlainShots(shots.shot, middle, masks, _flow(proxy, shots))


def _masks(proxy: Proxy, middle: np.ndarray, weights: Path) -> np.ndarray:
    import cv2
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(model_path=str(weights), num_threads=2)
    network.allocate_tensors()
    entry, exit_ = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]
    found: dict[int, np.ndarray] = {}
    for number, frame in proxy.frames_at(middle.tolist()):
        network.set_tensor(entry, cv2.resize(frame, MASK_SIZE, interpolation=cv2.INTER_AREA)[None] / np.float32(255))
        network.invoke()
        mask = network.get_tensor(exit_)[0, ..., 0] >= 0.5
        found[number] = lay_mask(mask, proxy.record.width, proxy.record.height)
    grids = np.array([found[number] for number in middle.tolist()], np.float32)
    return grids.reshape(len(middle), GRID_HEIGHT * GRID_WIDTH)


def _flow(proxy: Proxy, shots: UsableShots) -> np.ndarray:
    import cv2

    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    rows = []
    for start, stop in zip(shots.start_frame.tolist(), shots.stop_frame.tolist(), strict=True):
        firsts = np.unique(np.linspace(start, max(start, stop - 2), PAIRS_OVER_SHOT).astype(int))
        wanted = {number for first in firsts.tolist() for number in (first, first + 1) if number < stop}
        grey = {
            number: cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for number, frame in proxy.frames_at(wanted, size=FLOW_SIZE)
        }
        flows = [
            dis.calc(grey[first], grey[first + 1], None)  # type: ignore[call-overload]
            / FLOW_SIZE[1]
            / float(proxy.seconds[first + 1] - proxy.seconds[first])
            for first in firsts.tolist()
            if first + 1 in grey
        ]
        mean = np.mean(flows, axis=0) if flows else np.zeros((*FLOW_SIZE[::-1], 2), np.float32)
        rows.append(lay_field(mean.astype(np.float32), proxy.record.width, proxy.record.height, *FLOW_GRID).ravel())
    return np.array(rows, np.float32).reshape(len(rows), FLOW_GRID[0] * FLOW_GRID[1] * 2)


@dataclass(frozen=True)
class PlainPair:
    """A pair of shots and what the plain method says of it; the cut is at both middles."""

    score: float
    title_a: str
    shot_a: int
    frame_a: int
    title_b: str
    shot_b: int
    frame_b: int


def frame_pairs(titles: Mapping[str, PlainShots], k: int) -> list[PlainPair]:
    """The k best unordered pairs by overlap of masks."""
    masks = np.concatenate([each.mask for each in titles.values()])
    area = masks.sum(axis=1)
    shared = masks @ masks.T
    union = np.add.outer(area, area) - shared
    visible = area >= SMALLEST_MASK * masks.shape[1]
    score = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0) * np.outer(visible, visible)
    return list(_best(titles, score, k))


def action_pairs(titles: Mapping[str, PlainShots], k: int) -> list[PlainPair]:
    """The k best unordered pairs by the cosine of mean flow."""
    flow = np.concatenate([each.flow for each in titles.values()])
    length = np.sqrt(np.square(flow).sum(axis=1))
    moves = length / np.sqrt(flow.shape[1] / 2) >= SMALLEST_FLOW
    unit = np.divide(flow, length[:, None], out=np.zeros_like(flow), where=length[:, None] > 0)
    return list(_best(titles, (unit @ unit.T) * np.outer(moves, moves), k))


def _best(titles: Mapping[str, PlainShots], score: np.ndarray, k: int) -> Iterator[PlainPair]:
    names = [name for name, each in titles.items() for _ in each.shot]
    shot, middle = (np.concatenate([getattr(each, name) for each in titles.values()]) for name in ("shot", "middle"))
    first, second = np.triu_indices(len(names), 1)
    values = score[first, second]
    for place in np.argsort(-values, kind="stable")[:k].tolist():
        a, b = int(first[place]), int(second[place])
        yield PlainPair(
            float(values[place]), names[a], int(shot[a]), int(middle[a]), names[b], int(shot[b]), int(middle[b])
        )
