"""Finds the persons of one frame: a mask, a confidence and the joints of each.

One network marks the pixels of people (MediaPipe Selfie Segmentation), but it takes whatever stands out for a
person: a dune, smoke, a chair, the Earth. Two detectors therefore bear witness: faces (BlazeFace full range,
arXiv 1907.05047) and bodies (the detector of BlazePose, arXiv 2006.10204). Where one of them saw somebody, a third
network looks closely (BlazePose's landmarks): it says whether somebody is there, where the joints are, and which
pixels are this one person's, without the mat under the gymnast or the piano before the pianist. A person's mask is
where both masks together are sure. What only one of them believes in is less sure to be a person.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

SEGMENTATION = "selfie_segmentation_landscape"
FACES = "face_detection_full_range"
BODIES = "pose_detection"
LANDMARKS = "pose_landmark_full"
WEIGHTS = (SEGMENTATION, FACES, BODIES, LANDMARKS)

MASK_HEIGHT, MASK_WIDTH = 144, 256  # what the segmentation network takes and gives
SPECK = 16  # mask pixels; a smaller piece belongs to nobody
REGION = 256  # pixels of the square that the landmark network looks at
REGION_MARGIN = 1.25  # MediaPipe's pose_landmarks: the square is this much larger than the body's circle
# Where a face is all that was seen: the middle of the hips lies this many face heights below, and the circle around
# the body reaches as far again above the face. By eye, on portraits.
HIPS_BELOW_FACE, BODY_RADIUS = 2.8, 3.6
CUT_OFF = 12  # mask pixels on the square's border from which a body goes on beyond it
WIDER = 1.5  # how much larger the second square is
LANDMARK_VALUES = 5  # x, y, z, visibility and presence of each
JOINTS = (0, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
JOINT_NAMES = (
    "nose", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist",
    "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",
)  # fmt: skip
NUM_HEAD_JOINTS = 3  # the first ones
MIRRORED_JOINTS = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13)


@dataclass(frozen=True)
class PersonParameters:
    """What counts as a person. "By eye" means: on the middles of the 126 shots of twelve films, looked at one by one.

    Attributes:
        mask_threshold: probability from which a pixel belongs to a person; the networks' own.
        pose_weight: how much the landmark network's mask has to say, the rest being the segmentation's. By eye: more
            than half, so that it can take away a mat that the other is sure of.
        min_score: detector score below which nothing was seen.
        overlap: intersection over union from which two boxes are one detection; both models' default.
        max_looks: witnesses that are looked at closely, the best first.
        same_mask: share of a person's mask that lies on a better one's, from which they are one.
        no_score, sure_score: detector score at which belief begins and is full; by eye: 0.3 to 0.45 is mostly smoke,
            text and bicycles, actors in the dark reach 0.6.
        mask_score: what a mask alone counts as a witness, where it is no detected person's.
        explained: overlap with a person from which a mask is that person's.
        no_presence, sure_presence: the same for the landmark network's "somebody is here"; by eye: what is nobody
            stays under 0.25 in nine cases of ten, persons reach 0.7.
        unseen: belief in a detected body in which the landmark network sees nobody, when the mask covers it.
        no_agreement, sure_agreement: the same for the share of the mask that the segmentation network marks too.
        lone_mask: belief in a mask that it does not mark at all.
        min_area: share of the picture below which a mask is no silhouette.
        max_area: share of the picture above which a mask has no shape left to match.
        min_confidence: persons below it are dropped.
    """

    mask_threshold: float = 0.5
    pose_weight: float = 0.6
    min_score: float = 0.3
    overlap: float = 0.3
    max_looks: int = 6
    same_mask: float = 0.6
    no_score: float = 0.35
    sure_score: float = 0.65
    mask_score: float = 0.5
    explained: float = 0.7
    no_presence: float = 0.2
    sure_presence: float = 0.7
    unseen: float = 0.6
    no_agreement: float = 0.3
    sure_agreement: float = 0.8
    lone_mask: float = 0.7
    min_area: float = 0.008
    max_area: float = 0.85
    min_confidence: float = 0.15


@dataclass(frozen=True)
class Person:
    """One person in one frame.

    Attributes:
        mask: bool (144, 256), stretched over the whole picture whatever its shape.
        confidence: in [0, 1]: mean probability of the mask, by the surer network, times the beliefs of detector and
            networks.
        joints: float32 (15, 3), x and y in shares of the picture's width and height (outside [0, 1] beyond its
            edge) and visibility in [0, 1], in the order of `JOINT_NAMES`; None where they were not looked for.
        witness: whom the landmark network looked at; None where it did not look.
    """

    mask: np.ndarray
    confidence: float
    joints: np.ndarray | None = None
    witness: "Witness | None" = None


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
    """Where a detector saw a person, in pixels of the frame.

    Attributes:
        score: in [0, 1].
        center: float32 (2,), x and y of the middle of the hips.
        top: float32 (2,), the point above the head where the circle around the body ends.
        head: float32 (2,), the middle of the face, or of the shoulders where no face was seen.
        reach: how far from the head another detection is still this person's; 0 where nothing was detected.
    """

    score: float
    center: np.ndarray
    top: np.ndarray
    head: np.ndarray
    reach: float


@dataclass(frozen=True)
class Body:
    """What the landmark network saw.

    Attributes:
        score: of the detector, in [0, 1].
        presence: in [0, 1], whether somebody is there.
        probability: float32 (144, 256), whether a pixel is this person's; 0 outside the square that was looked at.
        inside: bool (144, 256), the square that was looked at.
        joints: as in `Person`.
        axis: bool (144, 256), a line from the hips to the head that a detector saw; None where it saw none.
        witness: whom it looked at.
    """

    score: float
    presence: float
    probability: np.ndarray
    inside: np.ndarray
    joints: np.ndarray
    axis: np.ndarray | None = None
    witness: Witness | None = None


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
    def _landmarks(self) -> Network:
        return Network(self._weights[LANDMARKS])

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
        settings, probability = self._parameters, self.probability(frame)
        bodies = [self._whole_body(frame, witness) for witness in self.witnesses(frame)[: settings.max_looks]]
        persons = persons_of(probability, bodies, settings)
        # A mask that is nobody's yet may be a person whom the detectors missed, or saw the half of.
        masks = unexplained(probability, persons, frame.shape[:2], settings)
        if not masks:
            return persons
        return persons_of(probability, [*bodies, *(self.body(frame, witness) for witness in masks)], settings)

    def probability(self, frame: np.ndarray) -> np.ndarray:
        """float32 (144, 256), how probably each pixel belongs to a person."""
        import cv2

        small = cv2.resize(frame, (MASK_WIDTH, MASK_HEIGHT), interpolation=cv2.INTER_AREA)
        return self._segmentation(small / 255)[0][..., 0]

    def witnesses(self, frame: np.ndarray) -> list[Witness]:
        """Bodies and faces, one per person, best first."""
        settings = self._parameters
        faces = self._faces(frame, settings.min_score, settings.overlap)
        bodies = self._bodies(frame, settings.min_score, settings.overlap)
        return one_per_person(list(_body_witnesses(bodies)), list(_face_witnesses(faces)))

    def follow(self, frame: np.ndarray, known: Sequence[Person]) -> list[Person]:
        """Look where persons were seen a moment before or after.

        Args:
            frame: uint8 (H, W, 3) RGB, of the film in which they were seen.
            known: as `find` or `follow` gave them.
        """
        bodies = [self._whole_body(frame, person.witness) for person in known if person.witness is not None]
        return persons_of(self.probability(frame), bodies, self._parameters)

    def _whole_body(self, frame: np.ndarray, witness: Witness) -> Body:
        """Look closely, and from farther away at somebody who reaches beyond the square."""
        body = self.body(frame, witness)
        if body.presence < self._parameters.sure_presence or not is_cut_off(body):
            return body
        up = (witness.top - witness.center) * WIDER
        wider = self.body(frame, replace(witness, top=witness.center + up))
        return wider if wider.presence >= self._parameters.sure_presence else body

    def body(self, frame: np.ndarray, witness: Witness) -> Body:
        """Look closely where a detector saw somebody."""
        import cv2

        to_region = region_map(witness)
        region = cv2.warpAffine(frame, to_region, (REGION, REGION), flags=cv2.INTER_LINEAR)
        landmarks, presence, mask = self._landmarks(region / 255)[:3]
        height, width = frame.shape[:2]
        # From mask pixels to frame pixels to the region: their centres lie half a pixel in.
        across, down = width / MASK_WIDTH, height / MASK_HEIGHT
        to_frame = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
        from_mask = to_region @ to_frame
        back = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (MASK_WIDTH, MASK_HEIGHT)
        probability = 1 / (1 + np.exp(-np.clip(mask[..., 0], -60, 60)))
        return Body(
            witness.score,
            float(presence.ravel()[0]),
            cv2.warpAffine(probability, from_mask, size, flags=back),
            cv2.warpAffine(np.ones((REGION, REGION), np.float32), from_mask, size, flags=back) > 0.5,
            _joints(landmarks, to_region, (width, height)),
            _axis(witness, (width, height)) if witness.reach > 0 else None,
            witness,
        )


def is_cut_off(body: Body) -> bool:
    """Whether a body goes on beyond the square that was looked at, though the picture does too."""
    import cv2

    kernel = np.ones((3, 3), np.uint8)  # beyond the picture counts as the square continued
    border = body.inside & (cv2.erode(body.inside.astype(np.uint8), kernel, iterations=2) == 0)
    return int((border & (body.probability >= 0.5)).sum()) > CUT_OFF


def unexplained(
    probability: np.ndarray, persons: Sequence[Person], shape: tuple[int, int], parameters: PersonParameters
) -> list[Witness]:
    """The pieces of a mask of all people that are no person's yet, as witnesses of upright bodies, the largest first.

    Args:
        probability: float32 (144, 256), in [0, 1].
        persons: who was found so far.
        shape: the frame's height and width in pixels.
        parameters: what counts as a person.
    """
    import cv2

    mask = (probability >= parameters.mask_threshold).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found: list[Witness] = []
    for piece in sorted(range(1, count), key=lambda piece: -int(stats[piece, cv2.CC_STAT_AREA])):
        if not parameters.min_area <= stats[piece, cv2.CC_STAT_AREA] / mask.size <= parameters.max_area:
            continue
        pixels = labels == piece
        if not any(_overlap(pixels, person.mask) >= parameters.explained for person in persons):
            found.append(upright(pixels, shape, parameters.mask_score))
    return found[: parameters.max_looks]


def upright(mask: np.ndarray, shape: tuple[int, int], score: float) -> Witness:
    """An upright body that fills a mask (144, 256) of a frame of the given height and width, as a witness."""
    y, x = np.nonzero(mask)
    scale = np.array([shape[1] / MASK_WIDTH, shape[0] / MASK_HEIGHT], np.float32)
    low, high = np.array([x.min(), y.min()]) * scale, np.array([x.max() + 1, y.max() + 1]) * scale
    center, up = (low + high) / 2, np.array([0, (high - low).max() / 2], np.float32)
    return Witness(score, center, center - up, center - up * 0.8, 0.0)


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    return float((a & b).sum() / max(float((a | b).sum()), 1.0))


def region_map(witness: Witness) -> np.ndarray:
    """The turn, shift and scale that set a person upright into the landmark network's square, float64 (2, 3)."""
    up = witness.top - witness.center
    scale = REGION / max(2 * REGION_MARGIN * float(np.hypot(*up)), 1e-6)
    turn = -(np.arctan2(up[1], up[0]) + np.pi / 2)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    x, y = witness.center
    return np.array([[cos, -sin, REGION / 2 - cos * x + sin * y], [sin, cos, REGION / 2 - sin * x - cos * y]])


def persons_of(probability: np.ndarray, bodies: Sequence[Body], parameters: PersonParameters) -> list[Person]:
    """One person for each body that is one.

    Args:
        probability: float32 (144, 256), in [0, 1], whether a pixel is anybody's.
        bodies: what was looked at closely.
        parameters: what counts as a person.

    Returns:
        Persons with disjoint masks, the largest first.
    """
    taken = np.zeros(probability.shape, bool)
    persons: list[Person] = []
    marked = probability >= parameters.mask_threshold
    fused_masks = [_fused(probability, body, parameters) for body in bodies]
    believed = [
        body.score * body.presence * (0.5 + _overlap(fused >= parameters.mask_threshold, marked & body.inside))
        for body, fused in zip(bodies, fused_masks, strict=True)
    ]
    for at in np.argsort(-np.array(believed), kind="stable").tolist():
        body, fused = bodies[at], fused_masks[at]
        mask = _without_specks(fused >= parameters.mask_threshold)
        if not mask.any() or (mask & taken).sum() > parameters.same_mask * mask.sum():
            continue
        mask &= ~taken
        person = _person(mask, probability, body, parameters)
        if person is not None:
            persons.append(person)
            taken |= mask
    return sorted(persons, key=lambda person: -int(person.mask.sum()))


def _fused(probability: np.ndarray, body: Body, parameters: PersonParameters) -> np.ndarray:
    """Both networks' belief that a pixel is this body's, 0 outside the square that was looked at.

    The landmark network has no say where it sees nobody.
    """
    weight = parameters.pose_weight * body.presence
    fused = weight * body.probability + (1 - weight) * probability
    return np.where(body.inside, fused, 0)


def _person(mask: np.ndarray, probability: np.ndarray, body: Body, parameters: PersonParameters) -> Person | None:
    """A person, or None for a mask that is too small, too large or too little believed in."""
    if not parameters.min_area <= float(mask.mean()) <= parameters.max_area:
        return None
    agreement = float((probability[mask] >= parameters.mask_threshold).mean())
    seen = _belief(agreement, parameters.no_agreement, parameters.sure_agreement)
    confidence = (
        float(np.maximum(body.presence * body.probability, probability)[mask].mean())
        * _belief(body.score, parameters.no_score, parameters.sure_score)
        * _somebody(mask, body, parameters)
        * (parameters.lone_mask + (1 - parameters.lone_mask) * seen)
    )
    return Person(mask, confidence, body.joints, body.witness) if confidence >= parameters.min_confidence else None


def _somebody(mask: np.ndarray, body: Body, parameters: PersonParameters) -> float:
    """Belief that a body is somebody's.

    Where the landmark network sees nobody, the mask may cover what was detected; where nothing was detected, the joints
    must lie on the mask.
    """
    presence = _belief(body.presence, parameters.no_presence, parameters.sure_presence)
    if body.axis is None:
        return presence * _belief(_joints_on(mask, body.joints), 0.5, 0.9)
    covered = float(mask[body.axis].mean()) if body.axis.any() else 0.0
    return max(presence, parameters.unseen * _belief(covered, 0.5, 0.9))


def _joints_on(mask: np.ndarray, joints: np.ndarray) -> float:
    """Share of the visible joints within the picture that lie on a mask; 0 with fewer than four."""
    import cv2

    x, y = np.floor(joints[:, 0] * MASK_WIDTH).astype(int), np.floor(joints[:, 1] * MASK_HEIGHT).astype(int)
    shown = (joints[:, 2] >= 0.5) & (x >= 0) & (x < MASK_WIDTH) & (y >= 0) & (y < MASK_HEIGHT)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    return float(near[y[shown], x[shown]].mean()) if shown.sum() >= 4 else 0.0


def _belief(value: float, none: float, sure: float) -> float:
    """0 up to `none`, 1 from `sure` on, linear in between."""
    return min(max((value - none) / (sure - none), 0.0), 1.0)


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """A mask without its smaller pieces: those under a tenth of the largest one, and specks."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = 1 + np.flatnonzero((areas >= SPECK) & (areas >= areas.max() / 10))
    return np.isin(labels, kept)


def _joints(landmarks: np.ndarray, to_region: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Joints in shares of the picture's size, with their visibility, float32 (15, 3)."""
    points = landmarks.reshape(-1, LANDMARK_VALUES)[list(JOINTS)]
    turn, shift = to_region[:, :2], to_region[:, 2]
    places = np.linalg.solve(turn, (points[:, :2] - shift).T).T / np.array(size)
    visible = 1 / (1 + np.exp(-np.clip(points[:, 3], -60, 60)))
    return np.concatenate([places, visible[:, None]], axis=1).astype(np.float32)


def _axis(witness: Witness, size: tuple[int, int]) -> np.ndarray:
    """The line from the hips to the head, as far as it is in the picture, bool (144, 256)."""
    scale = np.array([MASK_WIDTH, MASK_HEIGHT]) / np.array(size)
    points = witness.head + np.linspace(0, 1, 40)[:, None] * (witness.center - witness.head)
    x, y = np.floor(points * scale).astype(int).T
    inside = (x >= 0) & (x < MASK_WIDTH) & (y >= 0) & (y < MASK_HEIGHT)
    line = np.zeros((MASK_HEIGHT, MASK_WIDTH), bool)
    line[y[inside], x[inside]] = True
    return line


def _face_witnesses(faces: Detections) -> Iterator[Witness]:
    """The body below a face, as large as bodies are."""
    for score, box in zip(faces.score, faces.box, strict=True):
        face, height = (box[:2] + box[2:]) / 2, float(box[3] - box[1])
        down = np.array([0, height], np.float32)
        hips = face + HIPS_BELOW_FACE * down
        yield Witness(float(score), hips, hips - BODY_RADIUS * down, face, height / 2)


def _body_witnesses(bodies: Detections) -> Iterator[Witness]:
    """Key points 0 and 1 are the middle of the hips and the end of the body's circle; the box is the face's."""
    for score, box, points in zip(bodies.score, bodies.box, bodies.points, strict=True):
        head, reach = (box[:2] + box[2:]) / 2, float(np.hypot(*(box[2:] - box[:2]))) / 2
        yield Witness(float(score), points[0], points[1], head, reach)


def one_per_person(bodies: list[Witness], faces: list[Witness]) -> list[Witness]:
    """Bodies, and faces that are no body's, best first. A face within a body's makes the body surer."""
    joined: list[Witness] = list(bodies)
    for face in faces:
        near = [i for i, body in enumerate(joined) if float(np.hypot(*(body.head - face.head))) < body.reach]
        if near:
            body = joined[near[0]]
            both = 1 - (1 - body.score) * (1 - face.score)
            joined[near[0]] = Witness(both, body.center, body.top, body.head, body.reach)
        else:
            joined.append(face)
    return sorted(joined, key=lambda witness: -witness.score)


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
