"""Bodies: where one was detected, and what BlazePose's landmark network (arXiv 2006.10204) sees of it from close up.

Faces and bodies are found by two detectors; a face alone tells where the body below it should be. The landmark network
looks at a square in which the body stands upright: it says whether somebody is there, where the joints are, and which
pixels are this one person's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from matchcut.representations.detectors import Detections, Network

MASK_HEIGHT, MASK_WIDTH = 144, 256  # of masks, stretched over the whole picture: what the segmentation network gives
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
        joints: float32 (15, 3), x and y in shares of the picture's width and height (outside [0, 1] beyond its
            edge) and visibility in [0, 1], in the order of `JOINT_NAMES`.
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


def face_witnesses(faces: Detections) -> Iterator[Witness]:
    """The body below a face, as large as bodies are."""
    for score, box in zip(faces.score, faces.box, strict=True):
        face, height = (box[:2] + box[2:]) / 2, float(box[3] - box[1])
        down = np.array([0, height], np.float32)
        hips = face + HIPS_BELOW_FACE * down
        yield Witness(float(score), hips, hips - BODY_RADIUS * down, face, height / 2)


def body_witnesses(bodies: Detections) -> Iterator[Witness]:
    """Key points 0 and 1 are the middle of the hips and the end of the body's circle; the box is the face's."""
    for score, box, points in zip(bodies.score, bodies.box, bodies.points, strict=True):
        head, reach = (box[:2] + box[2:]) / 2, float(np.hypot(*(box[2:] - box[:2]))) / 2
        yield Witness(float(score), points[0], points[1], head, reach)


def upright(mask: np.ndarray, shape: tuple[int, int], score: float) -> Witness:
    """An upright body that fills a mask (144, 256) of a frame of the given height and width, as a witness."""
    y, x = np.nonzero(mask)
    scale = np.array([shape[1] / MASK_WIDTH, shape[0] / MASK_HEIGHT], np.float32)
    low, high = np.array([x.min(), y.min()]) * scale, np.array([x.max() + 1, y.max() + 1]) * scale
    center, up = (low + high) / 2, np.array([0, (high - low).max() / 2], np.float32)
    return Witness(score, center, center - up, center - up * 0.8, 0.0)


def region_map(witness: Witness) -> np.ndarray:
    """The turn, shift and scale that set a person upright into the landmark network's square, float64 (2, 3)."""
    up = witness.top - witness.center
    scale = REGION / max(2 * REGION_MARGIN * float(np.hypot(*up)), 1e-6)
    turn = -(np.arctan2(up[1], up[0]) + np.pi / 2)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    x, y = witness.center
    return np.array([[cos, -sin, REGION / 2 - cos * x + sin * y], [sin, cos, REGION / 2 - sin * x - cos * y]])


def look_closely(landmarks: Network, frame: np.ndarray, witness: Witness) -> Body:
    """What the landmark network sees of somebody in a uint8 (H, W, 3) RGB frame."""
    import cv2

    to_region = region_map(witness)
    region = cv2.warpAffine(frame, to_region, (REGION, REGION), flags=cv2.INTER_LINEAR)
    points, presence, mask = landmarks(np.divide(region, 255, dtype=np.float32))[:3]
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
        _joints(points, to_region, (width, height)),
        _axis(witness, (width, height)) if witness.reach > 0 else None,
        witness,
    )


def from_farther_away(witness: Witness) -> Witness:
    """The same body with a wider look."""
    return replace(witness, top=witness.center + (witness.top - witness.center) * WIDER)


def is_cut_off(body: Body) -> bool:
    """Whether a body goes on beyond the square that was looked at, though the picture does too."""
    import cv2

    kernel = np.ones((3, 3), np.uint8)  # beyond the picture counts as the square continued
    border = body.inside & (cv2.erode(body.inside.astype(np.uint8), kernel, iterations=2) == 0)
    return int((border & (body.probability >= 0.5)).sum()) > CUT_OFF


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
