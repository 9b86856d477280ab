"""What counts as a person: a body's mask is where two networks together are sure, its confidence what all believe."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matchcut.representations.bodies import MASK_HEIGHT, MASK_WIDTH, Body, Witness, upright
from matchcut.representations.instances import Instance

SPECK = 16  # mask pixels; a smaller piece belongs to nobody


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

    @property
    def least_score(self) -> float:
        """Score of a witness below which nobody can be believed in, whatever a closer look shows."""
        return self.no_score + self.min_confidence * (self.sure_score - self.no_score)


def persons_of(probability: np.ndarray, bodies: Sequence[Body], parameters: PersonParameters) -> list[Instance]:
    """One person for each body that is one.

    Args:
        probability: float32 (144, 256), in [0, 1], whether a pixel is anybody's.
        bodies: what was looked at closely.
        parameters: what counts as a person.

    Returns:
        Persons with disjoint masks, the largest first.
    """
    taken = np.zeros(probability.shape, bool)
    persons: list[Instance] = []
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


def _person(mask: np.ndarray, probability: np.ndarray, body: Body, parameters: PersonParameters) -> Instance | None:
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
    return (
        Instance(mask, confidence, joints=body.joints, witness=body.witness)
        if confidence >= parameters.min_confidence
        else None
    )


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


def unexplained(
    probability: np.ndarray, persons: Sequence[Instance], shape: tuple[int, int], parameters: PersonParameters
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


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    return float((a & b).sum() / max(float((a | b).sum()), 1.0))
