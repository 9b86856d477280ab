"""How well two silhouettes match: overlap, person by person, outlines, joints, at the best moments.

Any two close-ups of heads share most of their pixels, so that outlines are compared too (boundary IoU, arXiv
2103.16562), and joints, the head's above all. A silhouette may be shifted and scaled a little before, as an editor
reframes.

A person is matched with a person only, an animal with an animal, an object with any object. Shape counts whatever it
belongs to, so that a bone may become a satellite: a pair of different kinds lacks what the masks say one by one, and is
worth at most four fifths of what it would be among its like.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from matchcut.representations.bodies import JOINT_NAMES, JOINTS, MIRRORED_JOINTS, NUM_HEAD_JOINTS
from matchcut.representations.flavor import BlockScores, Representation
from matchcut.representations.grid import CELLS, GRID_HEIGHT, GRID_WIDTH
from matchcut.representations.instances import KINDS, kinds_of
from matchcut.representations.masks import iou, num_cells, outlines, softened, unpacked

# What a silhouette's share of the picture is worth, before the square root. A speck matches every speck and strikes
# nobody, what fills the picture matches all that fills it. This, HEAD_REACH and HEAD_WEIGHT were chosen by 226
# candidates that one grader judged, where others near them do as well; on the planted pairs for tuning they leave
# recall@10 as it was and take 9 of 200 from recall@1. Part of `silhouettes.SCORE_ALGORITHM`, as all here.
AREA_SHARES = (0.01, 0.2, 0.6, 0.9)
AREA_WORTH = (0.0, 1.0, 1.0, 0.0)
# How much the masks as a whole, each with its like, their outlines and the joints have to say.
UNION_WEIGHT, INSTANCE_WEIGHT, OUTLINE_WEIGHT, JOINT_WEIGHT = 0.25, 0.15, 0.35, 0.25
# Of the nose and the ears among the joints: where the face is, the eye is. They also tell which way it looks: as a term
# of its own that moved hardly one of the planted pairs for tuning, and is left out.
HEAD_JOINT_WEIGHT = 2.0
JOINT_REACH = 0.09  # heights: joints this far apart are worth 1/e; by eye
# Whatever else matches: a face that jumps takes away up to half.
HEAD_REACH, HEAD_WEIGHT = 0.18, 0.5
VISIBLE = 0.5  # visibility from which a joint counts
# An editor reframes by a tenth: two cells are 5.6 % of the height to either side, and sizes differ by this much.
REFRAME_CELLS = 2
REFRAME_SCALES = (0.9, 1.0, 1.1)
REFRAME_WORTH = 0.95  # of a pair that has to be reframed, against one that has not
MOTION_WEIGHT = 0.15  # how much a silhouette that moves on differently takes away
STILL_SPEED = 0.2  # heights per second: differences of slower movements are not seen
COMPARED_MOMENTS = 4  # pairs of moments that are compared in full, the best by plain overlap
# A person is there or is not: doubt lowers a score by this power of the confidence only. On the planted pairs for
# tuning recall@1 was 0.68 with the confidence itself, 0.75 with its square root.
CONFIDENCE_POWER = 0.5
_JOINT_WEIGHTS = np.where(np.arange(len(JOINTS)) < NUM_HEAD_JOINTS, HEAD_JOINT_WEIGHT, 1.0)
_NOSE_ALONE = np.eye(len(JOINTS))[JOINT_NAMES.index("nose")]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: N rows with M moments each.

    Attributes:
        frame: int64 (N, M).
        packed: uint8 (N, M, P, 288), packed masks of instances; `masks` unpacks some.
        kind: int64 (N, P), of each instance, its place in `KINDS`; -1 for none.
        is_mirrored: whether `masks` mirrors them.
        words: uint64 (N, M, 36), all instances together, packed.
        cells: float32 (N, M), of the union.
        box: int64 (N, 4), where the picture lies.
        joints: float32 (N, M, P, 15, 3).
        motion: float32 (N, M, 2), of all instances, weighted by area.
        confidence: float32 (N, M), the same.
        area: float32 (N, M), share of the picture.
        sureness: float32 (N, M), what the confidence is worth.
        size: float32 (N, M), what the area is worth.
    """

    frame: np.ndarray
    packed: np.ndarray
    kind: np.ndarray
    is_mirrored: bool
    words: np.ndarray
    cells: np.ndarray
    box: np.ndarray
    joints: np.ndarray
    motion: np.ndarray
    confidence: np.ndarray
    area: np.ndarray
    sureness: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, rows: Representation, side: int) -> "Side":
        """Unpack a side."""
        packed = rows.arrays["masks"][:, side]
        each = num_cells(packed)
        total = each.sum(axis=2)
        share = np.divide(each, total[..., None], out=np.zeros_like(each), where=total[..., None] > 0)
        confidence = (rows.arrays["confidence"][:, side] * share).sum(axis=2)
        box = rows.arrays["picture_box"]
        area = total / (box[:, 2] * box[:, 3])[:, None].astype(np.float32)
        union = np.bitwise_or.reduce(packed, axis=2)
        return cls(
            frame=rows.arrays["frame"][:, side],
            packed=packed,
            kind=kinds_of(rows.arrays["category"]),
            is_mirrored=False,
            words=np.ascontiguousarray(union).view(np.uint64),
            cells=total,
            box=box,
            joints=rows.arrays["joints"][:, side].astype(np.float32),
            motion=(rows.arrays["motion"][:, side] * share[..., None]).sum(axis=2),
            confidence=confidence,
            area=area,
            sureness=confidence**CONFIDENCE_POWER,
            size=np.sqrt(np.interp(area, AREA_SHARES, AREA_WORTH)).astype(np.float32),
        )

    def mirrored(self) -> "Side":
        """The same, left and right exchanged."""
        joints = self.joints[..., list(MIRRORED_JOINTS), :].copy()
        joints[..., 0] = GRID_WIDTH / GRID_HEIGHT - joints[..., 0]
        box = self.box.copy()
        box[:, 0] = GRID_WIDTH - self.box[:, 0] - self.box[:, 2]
        motion = self.motion * np.array([-1, 1], np.float32)
        union = np.packbits(
            unpacked(self.words.view(np.uint8))[..., ::-1].reshape(*self.words.shape[:2], CELLS), axis=-1
        )
        words = np.ascontiguousarray(union).view(np.uint64)
        return replace(self, is_mirrored=True, words=words, box=box, joints=joints, motion=motion)

    def masks(self, at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Instances of P rows at a moment each, bool (P, S, 36, 64); S is as many as any of them shows."""
        chosen = self.packed[at]
        slots = int(chosen.any(axis=(0, 2)).nonzero()[0].max(initial=0)) + 1
        masks = unpacked(chosen[:, :slots])
        return masks[..., ::-1] if self.is_mirrored else masks

    @property
    def blurred(self) -> np.ndarray:
        """float32 (N, M, 576), unit vectors times the root of the sureness: their product is the coarse score."""
        unit = softened(unpacked(self.words.view(np.uint8)))
        return unit * (np.sqrt(self.sureness) * (self.size > 0))[..., None]


def silhouette_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Overlap of each mask of A with each of B: intersection over union.

    Args:
        a: float32 (A, C), 0 or 1.
        b: float32 (B, C), 0 or 1.

    Returns:
        float32 (A, B), in [0, 1], 1.0 when identical; 0.0 when both are empty.
    """
    shared = a @ b.T
    return iou(shared, a.sum(axis=1)[:, None], b.sum(axis=1)[None, :])


def refined(out: Side, into: Side, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """Pairs of rows at the best of their moments: plain overlap proposes some, the full score decides."""
    plain = _plain_overlap(out, into, rows_a, rows_b)
    count = plain.shape[1] * plain.shape[2]
    proposed = np.argsort(-plain.reshape(len(plain), count), axis=1, kind="stable")[:, :COMPARED_MOMENTS]
    tried = []
    for place in proposed.T:
        at_a, at_b = (rows_a, place // plain.shape[2]), (rows_b, place % plain.shape[2])
        tried.append(_at_moments(out, into, at_a, at_b))
    return better_of(tried)


def _plain_overlap(out: Side, into: Side, rows_a: np.ndarray, rows_b: np.ndarray) -> np.ndarray:
    """float32 (P, M, M): IoU of the unions times what both are worth and how alike they move."""
    shared = num_cells(out.words[rows_a][:, :, None] & into.words[rows_b][:, None])
    overlap = iou(shared, out.cells[rows_a][:, :, None], into.cells[rows_b][:, None])
    overlap *= np.sqrt(out.sureness[rows_a][:, :, None] * into.sureness[rows_b][:, None])
    overlap *= np.minimum(out.size[rows_a][:, :, None], into.size[rows_b][:, None])
    return overlap * _motion_factor(_motion(out.motion[rows_a][:, :, None], into.motion[rows_b][:, None]))


def _at_moments(
    out: Side, into: Side, at_a: tuple[np.ndarray, np.ndarray], at_b: tuple[np.ndarray, np.ndarray]
) -> BlockScores:
    """Full scores of pairs at given moments, as they lie and reframed, whichever is better."""
    motion = _motion(out.motion[at_a], into.motion[at_b])
    worth = np.sqrt(out.sureness[at_a] * into.sureness[at_b]) * _motion_factor(motion)
    worth *= np.minimum(out.size[at_a], into.size[at_b])
    common = {
        "motion": motion,
        "confidence": np.sqrt(out.confidence[at_a] * into.confidence[at_b]),
        "area": np.sqrt(out.area[at_a] * into.area[at_b]),
        "flopped": np.full(len(worth), float(into.is_mirrored), np.float32),
    }
    masks_a, masks_b = out.masks(at_a), into.masks(at_b)
    kind_a, kind_b = out.kind[at_a[0], : masks_a.shape[1]], into.kind[at_b[0], : masks_b.shape[1]]
    is_like = kind_a[:, :, None] == kind_b[:, None, :]
    union_a = _together(masks_a)
    outline_a = outlines(union_a, out.box[at_a[0]])

    def compared(moved_b: np.ndarray, joints_b: np.ndarray, cost: np.ndarray) -> BlockScores:
        union_b = _together(moved_b)
        union = _mask_iou(union_a, union_b)
        # At most the masks' overlap, as in the paper: the left side of one shape may lie on the right of another.
        outline = np.minimum(_mask_iou(outline_a, outlines(union_b, into.box[at_b[0]])), union)
        shared = np.matmul(_flat(masks_a), _flat(moved_b).transpose(0, 2, 1)) * is_like
        matching, kept = _matching(shared)
        instance = iou(kept, union_a.sum(axis=(1, 2), dtype=np.float32), union_b.sum(axis=(1, 2), dtype=np.float32))
        distance, seen = _joint_distances(out.joints[at_a], joints_b, shared, matching)
        joints = _nearness(distance, seen * _JOINT_WEIGHTS, JOINT_REACH)
        head = _nearness(distance, seen * _NOSE_ALONE, HEAD_REACH)
        shape = UNION_WEIGHT * union + INSTANCE_WEIGHT * instance + OUTLINE_WEIGHT * outline
        known = ~np.isnan(joints)
        shape = np.where(known, shape + JOINT_WEIGHT * np.nan_to_num(joints), shape / (1 - JOINT_WEIGHT))
        cues = {
            "union_iou": union,
            "outline_iou": outline,
            "instance_iou": instance,
            "joints": np.nan_to_num(joints),
            "head": np.nan_to_num(head),
            **_counts(masks_a, kind_a, moved_b, kind_b),
            "reframed": (cost < 1).astype(np.float32),
        }
        head_worth = 1 - HEAD_WEIGHT * (1 - np.nan_to_num(head, nan=1.0))
        score = (shape * head_worth * worth * cost).astype(np.float32)
        return BlockScores(score, out.frame[at_a], into.frame[at_b], common | cues)

    scale, shift = _reframing(union_a, _together(masks_b))
    as_it_lies = compared(masks_b, into.joints[at_b], np.ones(len(worth)))
    cost = np.where((scale != 1) | (shift != 0).any(axis=1), REFRAME_WORTH, 1.0)
    reframed = compared(moved(masks_b, scale, shift), _joints_moved(into.joints[at_b], masks_b, scale, shift), cost)
    return better_of([as_it_lies, reframed])


def _counts(masks_a: np.ndarray, kind_a: np.ndarray, masks_b: np.ndarray, kind_b: np.ndarray) -> dict[str, np.ndarray]:
    """How many of each kind both sides show, by the names in `KINDS`: int64 (P,) of masks (P, S, 36, 64)."""
    there_a, there_b = masks_a.any(axis=(2, 3)), masks_b.any(axis=(2, 3))
    return {
        name: np.minimum((there_a & (kind_a == kind)).sum(axis=1), (there_b & (kind_b == kind)).sum(axis=1))
        for kind, name in enumerate(KINDS)
    }


def _joints_moved(joints: np.ndarray, masks: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Joints (P, S, 15, 3) as `moved` moves the masks (P, S, 36, 64) that they belong to."""
    middle = (_middles(_together(masks))[0] + 0.5) / GRID_HEIGHT
    placed = joints.copy()
    placed[..., :2] -= middle[:, None, None]
    placed[..., :2] *= scale[:, None, None, None]
    placed[..., :2] += (middle + shift / GRID_HEIGHT)[:, None, None]
    return placed


def _reframing(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scale and the shift in cells (P, 2), right and down, that lay silhouettes of B on those of A, in bounds."""
    (middle_a, cells_a), (middle_b, cells_b) = _middles(a), _middles(b)
    ratio = np.sqrt(np.divide(cells_a, cells_b, out=np.ones_like(cells_a), where=cells_b > 0))
    scales = np.array(REFRAME_SCALES)
    scale = scales[np.abs(np.log(np.maximum(ratio, 1e-3))[:, None] - np.log(scales)).argmin(axis=1)]
    shift = np.clip(np.rint(middle_a - middle_b), -REFRAME_CELLS, REFRAME_CELLS).astype(np.int64)
    return scale, shift


def moved(masks: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Masks scaled about the middle of their union, then shifted; what leaves the grid is lost.

    Args:
        masks: bool (P, S, 36, 64).
        scale: float (P,).
        shift: int (P, 2), cells to the right and down.

    Returns:
        bool (P, S, 36, 64).
    """
    (middle, _), pairs = _middles(_together(masks)), np.arange(len(masks))[:, None, None]
    # Each cell of the result asks where it came from.
    y = (np.arange(GRID_HEIGHT)[None, :] - shift[:, 1:] - middle[:, 1:]) / scale[:, None] + middle[:, 1:]
    x = (np.arange(GRID_WIDTH)[None, :] - shift[:, :1] - middle[:, :1]) / scale[:, None] + middle[:, :1]
    y, x = np.rint(y).astype(np.int64), np.rint(x).astype(np.int64)
    there = ((y >= 0) & (y < GRID_HEIGHT))[:, :, None] & ((x >= 0) & (x < GRID_WIDTH))[:, None]
    y, x = np.clip(y, 0, GRID_HEIGHT - 1)[:, :, None], np.clip(x, 0, GRID_WIDTH - 1)[:, None]
    taken = [masks[:, slot][pairs, y, x] & there for slot in range(masks.shape[1])]
    return np.stack(taken, axis=1)


def _middles(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the middle of each mask in cells, float64 (P, 2), the grid's where it is empty, and its cells."""
    columns, rows = masks.sum(axis=1, dtype=np.float64), masks.sum(axis=2, dtype=np.float64)
    cells = rows.sum(axis=1)
    sums = np.stack([columns @ np.arange(GRID_WIDTH), rows @ np.arange(GRID_HEIGHT)], axis=1)
    center = np.array([GRID_WIDTH / 2, GRID_HEIGHT / 2])
    return np.where(cells[:, None] > 0, sums / np.maximum(cells, 1)[:, None], center), cells


def _matching(shared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each instance matched to at most one of the other side so that most cells are shared.

    Args:
        shared: float32 (P, S, T), cells that instance x of A and instance y of B share; 0 where they are not alike.

    Returns:
        int64 (P, min(S, T), 2), pairs of instances, and float32 (P,), the cells that matched ones share.
    """
    few, many = sorted(shared.shape[1:])
    orders = np.array([list(zip(range(few), order, strict=True)) for order in permutations(range(many), few)])
    if shared.shape[1] > shared.shape[2]:
        orders = orders[..., ::-1]
    kept = shared[:, orders[..., 0], orders[..., 1]].sum(axis=2)
    best = kept.argmax(axis=1)
    return orders[best], kept[np.arange(len(kept)), best]


def _joint_distances(
    a: np.ndarray, b: np.ndarray, shared: np.ndarray, matching: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How far the joints of matched instances are apart, and what each has to say.

    Args:
        a: float32 (P, S, 15, 3).
        b: float32 (P, T, 15, 3).
        shared: float32 (P, S, T), cells.
        matching: int64 (P, K, 2), pairs of instances.

    Returns:
        Heights, and cells that the instances share, 0 for joints that one of them does not show; (P, K, 15) each.
    """
    pairs = np.arange(len(a))[:, None]
    mine, partner = a[pairs, matching[..., 0]], b[pairs, matching[..., 1]]
    distance = np.linalg.norm(mine[..., :2] - partner[..., :2], axis=-1)
    seen = (mine[..., 2] >= VISIBLE) & (partner[..., 2] >= VISIBLE)
    return distance, seen * shared[pairs, matching[..., 0], matching[..., 1]][..., None]


def _nearness(distance: np.ndarray, weight: np.ndarray, reach: float) -> np.ndarray:
    """Mean nearness of joints, float64 (P,), of (P, K, 15) each; those `reach` apart are worth 1/e. NaN without any."""
    total = weight.sum(axis=(1, 2))
    nearness = (weight * np.exp(-np.square(distance / reach))).sum(axis=(1, 2))
    return np.divide(nearness, total, out=np.full(len(total), np.nan), where=total > 0)


def _motion(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How alike silhouettes move, 1 for equally or not at all; float32, the last axis gone."""
    faster = np.maximum(np.linalg.norm(a, axis=-1), np.linalg.norm(b, axis=-1))
    difference = np.linalg.norm(a - b, axis=-1) / np.maximum(faster, STILL_SPEED)
    return np.asarray(1 - np.minimum(difference, 1), np.float32)


def _motion_factor(motion: np.ndarray) -> np.ndarray:
    return 1 - MOTION_WEIGHT * (1 - motion)


def better_of(parts: Sequence[BlockScores]) -> BlockScores:
    """Of several scores of the same pairs the best of each; the earlier among equals."""
    best = parts[0]
    for other in parts[1:]:
        better = other.score > best.score
        best = BlockScores(
            np.where(better, other.score, best.score),
            np.where(better, other.frame_a, best.frame_a),
            np.where(better, other.frame_b, best.frame_b),
            {name: np.where(better, other.cues[name], best.cues[name]) for name in best.cues},
        )
    return best


def _mask_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float32 (P,) of bool (P, 36, 64) each."""
    shared = (a & b).sum(axis=(1, 2), dtype=np.float32)
    return iou(shared, a.sum(axis=(1, 2), dtype=np.float32), b.sum(axis=(1, 2), dtype=np.float32))


def _together(masks: np.ndarray) -> np.ndarray:
    """bool (P, 36, 64), the union of (P, S, 36, 64)."""
    return np.asarray(masks.any(axis=1))


def _flat(masks: np.ndarray) -> np.ndarray:
    return masks.reshape(*masks.shape[:-2], CELLS).astype(np.float32)
