"""Finds the persons of one frame: a mask and a confidence for each.

One network marks the pixels of people (MediaPipe Selfie Segmentation), but it takes whatever stands out for a
person: a dune, smoke, a chair, the Earth. Two detectors therefore bear witness: faces (BlazeFace full range,
arXiv 1907.05047) and bodies (the detector of BlazePose, arXiv 2006.10204). A mask that no witness stands on is
dropped, and a mask with several witnesses is split between them, each pixel going to the nearest body axis.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

SEGMENTATION = "selfie_segmentation_landscape"
FACES = "face_detection_full_range"
BODIES = "pose_detection"
WEIGHTS = (SEGMENTATION, FACES, BODIES)

MASK_HEIGHT, MASK_WIDTH = 144, 256  # what the segmentation network takes and gives
SPECK = 16  # mask pixels; a smaller piece belongs to nobody
TRUNK_HEIGHT_TO_HALF_WIDTH = 3.0  # shoulders to hips is about 1.5 shoulder widths


@dataclass(frozen=True)
class PersonParameters:
    """What counts as a person. "By eye" means: on about 440 frames of twelve films, looked at one by one.

    Attributes:
        mask_threshold: probability from which a pixel belongs to a person; the network's own.
        min_score: detector score below which nothing was seen; by eye, smoke and bicycles reach 0.4 as bodies.
        overlap: intersection over union from which two boxes are one detection; both models' default.
        strong_support: support (score times the share of the visible body that is masked) from which a witness
            claims a person of its own; by eye.
        no_support, sure_support: confidence grows linearly between them from 0 to 1; by eye.
        reach: how far from a body's axis, in its half widths, a piece of mask may begin and still be the body's
            (legs behind a table); by eye.
        min_area: share of the picture below which a mask is no person; the segmentation network misses people
            under a sixth of the picture's height, so anything smaller is debris.
        max_area: share of the picture above which a mask has no shape left to match.
        min_confidence: persons below it are dropped.
    """

    mask_threshold: float = 0.5
    min_score: float = 0.3
    overlap: float = 0.3
    strong_support: float = 0.4
    no_support: float = 0.3
    sure_support: float = 0.6
    reach: float = 2.0
    min_area: float = 0.008
    max_area: float = 0.85
    min_confidence: float = 0.15


@dataclass(frozen=True)
class Person:
    """One person in one frame.

    Attributes:
        mask: bool (144, 256), stretched over the whole picture whatever its shape.
        confidence: in [0, 1]: mean probability of the mask times how well a face or a body supports it.
    """

    mask: np.ndarray
    confidence: float


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
class Witness:
    """Where a detector saw a person: an axis down the body and half its width, in pixels of the frame."""

    score: float
    top: np.ndarray
    bottom: np.ndarray
    half_width: float


class Network:
    """A TFLite file, ready to run on one picture at a time."""

    def __init__(self, weights: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(model_path=str(weights), num_threads=2)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]

    def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
        """Every output for a float32 (H, W, 3) picture, without the batch axis."""
        self._interpreter.set_tensor(self._input, picture[None].astype(np.float32))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output)[0] for output in self._outputs]


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
        values, logits = sorted(self.network(picture / 127.5 - 1), key=lambda output: -output.shape[-1])
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


class PersonFinder:
    """Masks of persons in single frames.

    Args:
        weights: file of each name in `WEIGHTS`.
        parameters: what counts as a person.
    """

    def __init__(self, weights: Mapping[str, Path], parameters: PersonParameters) -> None:
        self._weights = weights
        self._parameters = parameters

    @cached_property
    def _segmentation(self) -> Network:
        return Network(self._weights[SEGMENTATION])

    @cached_property
    def _faces(self) -> Detector:
        # One stride of 4 on 192 pixels, one anchor each: MediaPipe's face_detection_full_range options.
        return Detector(Network(self._weights[FACES]), 192, anchor_grid((48, 1)))

    @cached_property
    def _bodies(self) -> Detector:
        # Strides 8, 16, 32, 32, 32 on 224 pixels, two anchors each: MediaPipe's pose_detection options.
        return Detector(Network(self._weights[BODIES]), 224, anchor_grid((28, 2), (14, 2), (7, 6)))

    def find(self, frame: np.ndarray) -> list[Person]:
        """Persons in a uint8 (H, W, 3) RGB frame, the largest first."""
        probability = self.probability(frame)
        mask = probability >= self._parameters.mask_threshold
        if mask.mean() < self._parameters.min_area:
            return []  # nothing there to ask the detectors about
        return persons_of(probability, self.witnesses(frame), frame.shape[:2], self._parameters)

    def probability(self, frame: np.ndarray) -> np.ndarray:
        """float32 (144, 256), how probably each pixel belongs to a person."""
        import cv2

        small = cv2.resize(frame, (MASK_WIDTH, MASK_HEIGHT), interpolation=cv2.INTER_AREA)
        return self._segmentation(small / 255)[0][..., 0]

    def witnesses(self, frame: np.ndarray) -> list[Witness]:
        """Faces and bodies, one per person, best first."""
        settings = self._parameters
        faces = self._faces(frame, settings.min_score, settings.overlap)
        bodies = self._bodies(frame, settings.min_score, settings.overlap)
        return _one_per_person([*_face_witnesses(faces), *_body_witnesses(bodies)])


def persons_of(
    probability: np.ndarray, witnesses: list[Witness], shape: tuple[int, int], parameters: PersonParameters
) -> list[Person]:
    """Split a mask of all people into persons and drop what no witness stands on.

    Args:
        probability: float32 (144, 256), in [0, 1].
        witnesses: in pixels of the frame.
        shape: the frame's height and width in pixels.
        parameters: what counts as a person.

    Returns:
        Persons with disjoint masks, the largest first.
    """
    mask = probability >= parameters.mask_threshold
    distances = [axis_distance(witness, shape) for witness in witnesses]
    supports = [_support(witness, d, mask) for witness, d in zip(witnesses, distances, strict=True)]
    owner = np.full(mask.shape, -1)
    for component in _components(mask):
        owners = _owners(component, distances, supports, parameters)
        if owners:
            nearest = np.argmin([distances[i][component] for i in owners], axis=0)
            owner[component] = np.array(owners)[nearest]
    persons = [_person(owner == i, probability, supports[i], parameters) for i in range(len(witnesses))]
    kept = [person for person in persons if person is not None]
    return sorted(kept, key=lambda person: -int(person.mask.sum()))


def axis_distance(witness: Witness, shape: tuple[int, int]) -> np.ndarray:
    """Distance of each mask pixel from a body's axis in units of the body's half width, float32 (144, 256)."""
    height, width = shape
    y = (np.arange(MASK_HEIGHT, dtype=np.float32)[:, None] + 0.5) * (height / MASK_HEIGHT)
    x = (np.arange(MASK_WIDTH, dtype=np.float32)[None, :] + 0.5) * (width / MASK_WIDTH)
    (x0, y0), (dx, dy) = witness.top, witness.bottom - witness.top
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / max(float(dx * dx + dy * dy), 1e-6), 0, 1)
    distance: np.ndarray = np.hypot(x - x0 - along * dx, y - y0 - along * dy)
    return distance / max(witness.half_width, 1e-6)


def _support(witness: Witness, distance: np.ndarray, mask: np.ndarray) -> float:
    """The witness's score times the share of its visible body that is masked."""
    body = distance < 1
    return witness.score * float(mask[body].mean()) if body.any() else 0.0


def _owners(
    component: np.ndarray, distances: list[np.ndarray], supports: list[float], parameters: PersonParameters
) -> list[int]:
    """Witnesses that share a piece of mask: all the strong ones near it, else the best of the weak."""
    near = [i for i, distance in enumerate(distances) if float(distance[component].min()) < parameters.reach]
    strong = [i for i in near if supports[i] >= parameters.strong_support]
    return strong or sorted(near, key=lambda i: -supports[i])[:1]


def _person(mask: np.ndarray, probability: np.ndarray, support: float, parameters: PersonParameters) -> Person | None:
    """A person, or None for a mask that is too small, too large or too little supported."""
    area = float(mask.mean())
    if not parameters.min_area <= area <= parameters.max_area:
        return None
    belief = (support - parameters.no_support) / (parameters.sure_support - parameters.no_support)
    confidence = float(probability[mask].mean()) * min(max(belief, 0.0), 1.0)
    return Person(mask, confidence) if confidence >= parameters.min_confidence else None


def _components(mask: np.ndarray) -> Iterator[np.ndarray]:
    """Connected pieces of a mask, bool like it; single specks are left out."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] >= SPECK:
            yield labels == label


def _face_witnesses(faces: Detections) -> Iterator[Witness]:
    """The axis of a head and neck: from the middle of the face one face height down."""
    for score, box in zip(faces.score, faces.box, strict=True):
        center, (width, height) = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        bottom = center + np.array([0, height], np.float32)
        yield Witness(float(score), center, bottom, float(width) / 2)


def _body_witnesses(bodies: Detections) -> Iterator[Witness]:
    """The axis of a trunk: from the middle of the shoulders to the middle of the hips."""
    for score, points in zip(bodies.score, bodies.points, strict=True):
        hips, shoulders = points[0], points[2]
        half_width = float(np.hypot(*(shoulders - hips))) / TRUNK_HEIGHT_TO_HALF_WIDTH
        yield Witness(float(score), shoulders, hips, half_width)


def _one_per_person(witnesses: list[Witness]) -> list[Witness]:
    """Best first, without those that lie on a better one's body, or the other way round."""
    kept: list[Witness] = []
    for witness in sorted(witnesses, key=lambda witness: -witness.score):
        if not any(_is_on(witness, better) or _is_on(better, witness) for better in kept):
            kept.append(witness)
    return kept


def _is_on(witness: Witness, other: Witness) -> bool:
    """Whether the top or the middle of an axis lies within another body or the head above it."""
    middle = (witness.top + witness.bottom) / 2
    head = other.top + (other.top - other.bottom) / 2
    return any(_segment_distance(p, head, other.bottom) < other.half_width for p in (middle, witness.top))


def _segment_distance(point: np.ndarray, start: np.ndarray, stop: np.ndarray) -> float:
    """Distance of a point from a line segment, all (x, y) in pixels."""
    along = np.clip((point - start) @ (stop - start) / max(float(np.sum((stop - start) ** 2)), 1e-6), 0, 1)
    return float(np.hypot(*(point - start - along * (stop - start))))


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
