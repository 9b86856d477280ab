"""Networks in TFLite files, and single-shot detectors made of them, as MediaPipe trains them (arXiv 1907.05047)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


class Network:
    """A TFLite file, ready to run on one picture at a time, in one thread.

    These networks are so small that a second thread of their own would wait more than it works: two cores are better
    used by two of each (`person_tracks.py`).
    """

    def __init__(self, weights: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(model_path=str(weights), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]

    def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
        """Every output for a float32 (H, W, 3) picture, without the batch axis."""
        self._interpreter.set_tensor(self._input, picture[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output)[0] for output in self._outputs]


@dataclass(frozen=True)
class Detections:
    """What a detector saw, best first, in pixels of the frame.

    Attributes:
        score: float32 (N,), in [0, 1].
        box: float32 (N, 4), left, top, right, bottom.
        points: float32 (N, K, 2), the detector's key points, x and y.
    """

    score: np.ndarray
    box: np.ndarray
    points: np.ndarray


@dataclass(frozen=True)
class Detector:
    """A single-shot detector with square input and fixed-size anchors, as MediaPipe trains them.

    Attributes:
        network: gives per anchor one score (logit) and box centre, box size and key points in input pixels.
        size: side of the input in pixels.
        anchors: float32 (A, 2), centres x and y in [0, 1].
    """

    network: Network
    size: int
    anchors: np.ndarray

    def __call__(self, frame: np.ndarray, min_score: float, overlap: float) -> Detections:
        """Detections in a uint8 (H, W, 3) RGB frame."""
        picture, scale, offset = _letterbox(frame, self.size)
        values, logits = sorted(
            self.network(np.divide(picture, 127.5, dtype=np.float32) - 1), key=lambda output: -output.shape[-1]
        )
        score = 1 / (1 + np.exp(-np.clip(logits[:, 0], -80, 80)))
        seen = score >= min_score
        pairs = values[seen].reshape(int(seen.sum()), values.shape[1] // 2, 2)
        anchors = self.anchors[seen] * self.size
        center, half = pairs[:, 0] + anchors, pairs[:, 1] / 2
        box = np.concatenate([center - half, center + half], axis=1)
        points = pairs[:, 2:] + anchors[:, None]
        kept = _without_overlaps(box, score[seen], overlap)
        return Detections(
            score[seen][kept],
            (box[kept] - np.tile(offset, 2)) / scale,
            (points[kept] - offset) / scale,
        )


def anchor_grid(*layers: tuple[int, int]) -> np.ndarray:
    """Anchor centres, float32 (A, 2), row by row, of layers of (cells per side, anchors per cell)."""

    def layer(cells: int, repeats: int) -> np.ndarray:
        line = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        return np.repeat(np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2), repeats, axis=0)

    return np.concatenate([layer(*each) for each in layers])


def _letterbox(frame: np.ndarray, size: int) -> tuple[np.ndarray, float, np.ndarray]:
    """A frame fitted into a black square, with the scale and the (x, y) offset that were used."""
    import cv2

    height, width = frame.shape[:2]
    scale = size / max(height, width)
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (size - fitted[0]) // 2, (size - fitted[1]) // 2
    square = np.zeros((size, size, 3), np.uint8)
    square[top : top + fitted[1], left : left + fitted[0]] = cv2.resize(frame, fitted, interpolation=cv2.INTER_AREA)
    return square, scale, np.array([left, top], np.float32)


def _without_overlaps(box: np.ndarray, score: np.ndarray, overlap: float) -> list[int]:
    """Indices of boxes, best first, that overlap no better one by more than `overlap` (greedy suppression)."""
    area = np.prod(box[:, 2:] - box[:, :2], axis=1)
    kept: list[int] = []
    for i in np.argsort(-score, kind="stable").tolist():
        corner = np.minimum(box[i, 2:], box[kept, 2:]) - np.maximum(box[i, :2], box[kept, :2])
        shared = np.prod(np.maximum(corner, 0), axis=1)
        if np.all(shared <= overlap * (area[i] + area[kept] - shared)):
            kept.append(i)
    return kept
