"""Frame match: the same silhouette on both sides of the cut.

Each shot keeps the masks and the joints of its persons at several moments of its first third, where it may be
entered, and of its last third, where it may be left; the same person has the same place in all of them. All pairs of
shots are compared by their blurred silhouettes, one matrix product; the best are then scored exactly at every pair of
moments: how far the masks overlap as a whole, how far person by person, how far the outlines lie on each other
(boundary IoU, arXiv 2103.16562: any two close-ups of heads share most of their pixels), and how near the joints are,
the head's above all. A silhouette may be shifted and scaled a little before, as an editor reframes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path
from typing import ClassVar

import numpy as np

from matchcut.pictures import Tile, sheet, thumbnails
from matchcut.proxy import Proxy
from matchcut.representations.flavor import BlockScores, Representation, UsableShots
from matchcut.representations.grid import CELLS, GRID_HEIGHT, GRID_WIDTH, lay_mask, picture_box
from matchcut.representations.moments import IN, OUT, MomentParameters, cut_moments
from matchcut.representations.person_tracks import Sight, Track, find_persons
from matchcut.representations.persons import (
    JOINTS,
    MIRRORED_JOINTS,
    NUM_HEAD_JOINTS,
    WEIGHTS,
    Person,
    PersonFinder,
    PersonParameters,
)

ALGORITHM = "3"
SCORE_ALGORITHM = "3"

# What a silhouette's share of the picture is worth. A speck matches every speck, what fills the picture matches
# all that fills it; by eye, on pairs of twelve films. Part of SCORE_ALGORITHM, as all that follows.
AREA_SHARES = (0.01, 0.04, 0.6, 0.9)
AREA_WORTH = (0.0, 1.0, 1.0, 0.0)
# How much the masks as a whole, person by person, their outlines and the joints have to say.
UNION_WEIGHT, PERSON_WEIGHT, OUTLINE_WEIGHT, JOINT_WEIGHT = 0.25, 0.15, 0.35, 0.25
OUTLINE_CELLS = 2  # width of an outline: 2.7 % of the picture's diagonal (the paper: 2 %)
HEAD_WEIGHT = 2.0  # of the nose and the ears among the joints: where the face is, the eye is
JOINT_REACH = 0.09  # heights: joints this far apart are worth 1/e; by eye
VISIBLE = 0.5  # visibility from which a joint counts
# An editor reframes by a tenth: two cells are 5.6 % of the height to either side, and sizes differ by this much.
REFRAME_CELLS = 2
REFRAME_SCALES = (0.9, 1.0, 1.1)
REFRAME_WORTH = 0.95  # of a pair that has to be reframed, against one that has not
MOTION_WEIGHT = 0.15  # how much a silhouette that moves on differently takes away
STILL_SPEED = 0.2  # heights per second: differences of slower movements are not seen
COARSE_MOMENTS = (0, 2, 4)  # compared first, of five
COARSE_BLUR = 1.0  # standard deviation in cells of the halved grid
COMPARED_MOMENTS = 4  # pairs of moments that are compared in full, the best by plain overlap
# A person is there or is not: doubt lowers a score by this power of the confidence only. On the planted pairs for
# tuning recall@1 was 0.68 with the confidence itself, 0.75 with its square root.
CONFIDENCE_POWER = 0.5
_PAIRS_AT_ONCE = 256

_COLORS = ((235, 80, 70), (80, 200, 120), (90, 140, 250), (240, 190, 60))
_TILE_WIDTH = 256


@dataclass(frozen=True)
class SilhouetteParameters:
    """How silhouettes are taken.

    Attributes:
        persons: what counts as a person.
        moments: when.
        max_persons: persons kept per shot, those with the largest masks; a crowd is no silhouette.
        same_person_iou: overlap from which persons at neighbouring moments are one.
        same_person_distance: or distance of their middles, in square roots of their area: a leaper overlaps little.
        seen_once: factor on the confidence of a person that is found at one of a side's moments only, as false ones
            mostly are; rises linearly to 1 for one that is found at all.
        flop: whether B may be mirrored, which an editor can do with a shot without text.
    """

    persons: PersonParameters = field(default_factory=PersonParameters)
    moments: MomentParameters = field(default_factory=MomentParameters)
    max_persons: int = 4
    same_person_iou: float = 0.3
    same_person_distance: float = 0.6
    seen_once: float = 0.6
    flop: bool = False


@dataclass(frozen=True)
class Silhouettes:
    """The flavor `frame_match`.

    Rows of the representation: `frame` int64 (N, 2, M), frame numbers of the moments at which the shot may be entered
    and left; `persons` uint8 (N, 2, M, P, 288), one mask per person, packed bits of the grid, each person in one place
    P throughout the shot; `confidence` float32 (N, 2, M, P), 0 where the person is not seen; `joints` float16
    (N, 2, M, P, 15, 3), x and y in heights of the grid and visibility; `motion` float32 (N, 2, M, P, 2), to the right
    and down in heights per second; `picture_box` int64 (N, 4), left, top, columns and rows that the picture covers.
    Shots without persons have no row.
    """

    parameters: SilhouetteParameters = field(default_factory=SilhouetteParameters)

    name: ClassVar[str] = "frame_match"
    representation: ClassVar[str] = "silhouettes"
    title: ClassVar[str] = "Frame match"
    summary: ClassVar[str] = "the same silhouette on both sides of the cut"
    description: ClassVar[str] = (
        "A row is a kept shot with persons: the mask on a 64x36 grid, the joints and the movement of each, followed "
        "through moments of the shot's first and last third."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = WEIGHTS
    cues: ClassVar[Mapping[str, str]] = {
        "union_iou": "overlap of silhouettes",
        "outline_iou": "overlap of outlines",
        "person_iou": "overlap person by person",
        "joints": "nearness of joints",
        "motion": "same movement of the silhouettes",
        "confidence": "sureness that these are persons",
        "area": "share of the picture",
        "persons": "persons",
        "reframed": "has to be reframed",
        "flopped": "B has to be mirrored",
    }

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, Path]) -> Representation:
        """Find and follow the persons of each shot; shots without any are left out."""
        finder = PersonFinder(weights, self.parameters.persons)
        size = (proxy.record.width, proxy.record.height)
        moments = cut_moments(shots, proxy.seconds, self.parameters.moments)
        found = find_persons(proxy, moments, finder)
        peopled = np.array([any(found.get(n) for n in row) for row in moments.reshape(len(moments), -1).tolist()], bool)
        return self.rows_of(shots.shot[peopled], moments[peopled], found, size, proxy.seconds)

    def rows_of(
        self,
        shot: np.ndarray,
        moments: np.ndarray,
        found: Mapping[int, Sequence[Person]],
        size: tuple[int, int],
        seconds: np.ndarray,
    ) -> Representation:
        """Rows from the persons that were found.

        Args:
            shot: int64 (N,), index of each shot.
            moments: int64 (N, 2, M), frame numbers.
            found: the persons of every frame.
            size: width and height of the picture in square pixels.
            seconds: float64, times of the title's frames.
        """
        tracks = [self._followed(row, found, size, seconds) for row in moments]
        shape = (len(moments), *moments.shape[1:], self.parameters.max_persons)
        arrays = {
            "frame": moments,
            "persons": np.zeros((*shape, CELLS // 8), np.uint8),
            "confidence": np.zeros(shape, np.float32),
            "joints": np.zeros((*shape, len(JOINTS), 3), np.float16),
            "motion": np.zeros((*shape, 2), np.float32),
            "picture_box": np.tile(np.array(picture_box(*size)), (len(moments), 1)),
        }
        for row, of_shot in enumerate(tracks):
            for slot, track in enumerate(of_shot[: self.parameters.max_persons]):
                self._write(arrays, row, slot, track)
        rows = Representation(shot, arrays)
        seen = arrays["confidence"].any(axis=(1, 2, 3))
        return Representation(shot[seen], {name: array[seen] for name, array in rows.arrays.items()})

    def _followed(
        self, moments: np.ndarray, found: Mapping[int, Sequence[Person]], size: tuple[int, int], seconds: np.ndarray
    ) -> list[Track]:
        """The persons of a shot, those with the largest masks first."""
        tracks: list[Track] = []
        for number in np.unique(moments).tolist():
            free = list(tracks)
            taken = np.zeros((GRID_HEIGHT, GRID_WIDTH), bool)
            for person in found[number]:
                # Half a cell each would count it twice; scoring relies on persons sharing none.
                mask = lay_mask(person.mask, *size) & ~taken
                if not mask.any():
                    continue
                taken |= mask
                seen = Sight(mask, person.confidence, _joints_on_grid(person.joints, size), float(seconds[number]))
                track = max(free, key=lambda track: track.likeness(seen), default=None)
                if track is not None and self._is_same(track, seen):
                    free.remove(track)
                else:
                    track = Track({})
                    tracks.append(track)
                track.sights[number] = seen
        return sorted(tracks, key=lambda track: -track.weight())

    def _is_same(self, track: Track, seen: Sight) -> bool:
        overlap, distance = track.compared(seen)
        return overlap >= self.parameters.same_person_iou or distance <= self.parameters.same_person_distance

    def _write(self, arrays: Mapping[str, np.ndarray], row: int, slot: int, track: Track) -> None:
        """Enter a person into its slot of a row."""
        for side in (IN, OUT):
            numbers = arrays["frame"][row, side].tolist()
            sights = [track.sights[n] for n in numbers if n in track.sights]
            if not sights:
                continue
            share = (len({n for n in numbers if n in track.sights}) - 1) / max(len(set(numbers)) - 1, 1)
            steady = 1.0 if len(set(numbers)) == 1 else self.parameters.seen_once * (1 - share) + share
            confidence = steady * float(np.mean([sight.confidence for sight in sights]))
            for moment, number in enumerate(numbers):
                if number in track.sights:
                    at = (row, side, moment, slot)
                    sight = track.sights[number]
                    arrays["persons"][at] = np.packbits(sight.mask)
                    arrays["confidence"][at] = confidence
                    arrays["joints"][at] = sight.joints
                    arrays["motion"][at] = track.motion(number)

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Compare blurred silhouettes at some moments; `refine` scores in full what this proposes."""
        out, into = Side.of(a, OUT), Side.of(b, IN)
        sides = [into, into.mirrored()] if self.parameters.flop else [into]
        score = np.zeros((len(a), len(b)), np.float32)
        left, entered = out.blurred, [side.blurred for side in sides]
        for m in COARSE_MOMENTS:
            for n in COARSE_MOMENTS:
                for blurred in entered:
                    np.maximum(score, left[:, m] @ blurred[:, n].T, out=score)
        return BlockScores(
            score=score,
            frame_a=np.broadcast_to(out.frame[:, -1, None], score.shape),
            frame_b=np.broadcast_to(into.frame[None, :, 0], score.shape),
        )

    def refine(self, a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
        """Score the given pairs of rows at their best moments; arrays of the result are (P,)."""
        out, into = Side.of(a, OUT), Side.of(b, IN)
        sides = [into, into.mirrored()] if self.parameters.flop else [into]
        parts = []
        for first in range(0, max(len(rows_a), 1), _PAIRS_AT_ONCE):
            pairs = rows_a[first : first + _PAIRS_AT_ONCE], rows_b[first : first + _PAIRS_AT_ONCE]
            parts.append(_better([_refined(out, side, *pairs) for side in sides]))
        return BlockScores.joined(parts)

    def bytes_per_pair(self) -> int:
        """Half a dozen small matrices, and the unpacked rows."""
        return 128

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """The ends of both thirds of each shot with a colour per person, as a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(n) for row in rows for n in frames[row][:, [0, -1]].ravel()})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=8, tile_width=_TILE_WIDTH)


@dataclass(frozen=True)
class Side:
    """One side of a comparison: N rows with M moments each.

    Attributes:
        frame: int64 (N, M).
        packed: uint8 (N, M, P, 288), packed masks of persons; `masks` unpacks some.
        is_mirrored: whether `masks` mirrors them.
        words: uint64 (N, M, 36), all persons together, packed.
        cells: float32 (N, M), of the union.
        box: int64 (N, 4), where the picture lies.
        joints: float32 (N, M, P, 15, 3).
        motion: float32 (N, M, 2), of all persons, weighted by area.
        confidence: float32 (N, M), the same.
        area: float32 (N, M), share of the picture.
        sureness: float32 (N, M), what the confidence is worth.
        size: float32 (N, M), what the area is worth.
    """

    frame: np.ndarray
    packed: np.ndarray
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
        packed = rows.arrays["persons"][:, side]
        each = np.bitwise_count(packed).sum(axis=3, dtype=np.float32)
        total = each.sum(axis=2)
        share = np.divide(each, total[..., None], out=np.zeros_like(each), where=total[..., None] > 0)
        confidence = (rows.arrays["confidence"][:, side] * share).sum(axis=2)
        box = rows.arrays["picture_box"]
        area = total / (box[:, 2] * box[:, 3])[:, None].astype(np.float32)
        union = np.bitwise_or.reduce(packed, axis=2)
        return cls(
            frame=rows.arrays["frame"][:, side],
            packed=packed,
            is_mirrored=False,
            words=np.ascontiguousarray(union).view(np.uint64),
            cells=total,
            box=box,
            joints=rows.arrays["joints"][:, side].astype(np.float32),
            motion=(rows.arrays["motion"][:, side] * share[..., None]).sum(axis=2),
            confidence=confidence,
            area=area,
            sureness=confidence**CONFIDENCE_POWER,
            size=np.interp(area, AREA_SHARES, AREA_WORTH).astype(np.float32),
        )

    def mirrored(self) -> "Side":
        """The same, left and right exchanged."""
        joints = self.joints[..., list(MIRRORED_JOINTS), :].copy()
        joints[..., 0] = GRID_WIDTH / GRID_HEIGHT - joints[..., 0]
        box = self.box.copy()
        box[:, 0] = GRID_WIDTH - self.box[:, 0] - self.box[:, 2]
        motion = self.motion * np.array([-1, 1], np.float32)
        union = np.packbits(
            _unpacked(self.words.view(np.uint8))[..., ::-1].reshape(*self.words.shape[:2], CELLS), axis=-1
        )
        words = np.ascontiguousarray(union).view(np.uint64)
        return replace(self, is_mirrored=True, words=words, box=box, joints=joints, motion=motion)

    def masks(self, at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Persons of P rows at a moment each, bool (P, S, 36, 64); S is as many as any of them shows."""
        chosen = self.packed[at]
        slots = int(chosen.any(axis=(0, 2)).nonzero()[0].max(initial=0)) + 1
        unpacked = _unpacked(chosen[:, :slots])
        return unpacked[..., ::-1] if self.is_mirrored else unpacked

    @property
    def blurred(self) -> np.ndarray:
        """float32 (N, M, 576), unit vectors times the root of the sureness: their product is the coarse score."""
        import cv2

        union = _unpacked(self.words.view(np.uint8))
        halved = union.reshape(-1, GRID_HEIGHT // 2, 2, GRID_WIDTH // 2, 2).mean(axis=(2, 4), dtype=np.float32)
        soft = np.array([cv2.GaussianBlur(mask, (0, 0), COARSE_BLUR) for mask in halved], np.float32)
        flat = soft.reshape(*self.words.shape[:2], CELLS // 4)
        length = np.linalg.norm(flat, axis=2, keepdims=True)
        unit = np.divide(flat, length, out=np.zeros_like(flat), where=length > 0)
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
    return _iou(shared, a.sum(axis=1)[:, None], b.sum(axis=1)[None, :])


def outlines(masks: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Inner borders of masks; the picture's own edge is no border.

    Args:
        masks: bool (N, 36, 64).
        boxes: int64 (N, 4), left, top, columns and rows of the picture.

    Returns:
        bool (N, 36, 64).
    """
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    result = np.zeros_like(masks)
    for mask, (left, top, columns, rows), outline in zip(masks, boxes.tolist(), result, strict=True):
        inside = (slice(top, top + rows), slice(left, left + columns))
        part = np.ascontiguousarray(mask[inside], np.uint8)
        # Outside the picture counts as the mask continued, which is OpenCV's default for erosion.
        core = cv2.erode(part, kernel, iterations=OUTLINE_CELLS)
        outline[inside] = (part > 0) & (core == 0)
    return result


def _refined(out: Side, into: Side, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
    """Pairs of rows at the best of their moments: plain overlap proposes some, the full score decides."""
    plain = _plain_overlap(out, into, rows_a, rows_b)
    count = plain.shape[1] * plain.shape[2]
    proposed = np.argsort(-plain.reshape(len(plain), count), axis=1, kind="stable")[:, :COMPARED_MOMENTS]
    tried = []
    for place in proposed.T:
        at_a, at_b = (rows_a, place // plain.shape[2]), (rows_b, place % plain.shape[2])
        tried.append(_at_moments(out, into, at_a, at_b))
    return _better(tried)


def _plain_overlap(out: Side, into: Side, rows_a: np.ndarray, rows_b: np.ndarray) -> np.ndarray:
    """float32 (P, M, M): IoU of the unions times what both are worth and how alike they move."""
    shared = np.bitwise_count(out.words[rows_a][:, :, None] & into.words[rows_b][:, None]).sum(axis=3, dtype=np.float32)
    overlap = _iou(shared, out.cells[rows_a][:, :, None], into.cells[rows_b][:, None])
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
    persons_a, persons_b = out.masks(at_a), into.masks(at_b)
    union_a = _together(persons_a)
    outline_a = outlines(union_a, out.box[at_a[0]])

    def compared(moved_b: np.ndarray, joints_b: np.ndarray, cost: np.ndarray) -> BlockScores:
        union_b = _together(moved_b)
        union = _mask_iou(union_a, union_b)
        # At most the masks' overlap, as in the paper: the left side of one shape may lie on the right of another.
        outline = np.minimum(_mask_iou(outline_a, outlines(union_b, into.box[at_b[0]])), union)
        shared = np.matmul(_flat(persons_a), _flat(moved_b).transpose(0, 2, 1))
        matching, kept = _matching(shared)
        person = _iou(kept, union_a.sum(axis=(1, 2), dtype=np.float32), union_b.sum(axis=(1, 2), dtype=np.float32))
        joints = _joint_nearness(out.joints[at_a], joints_b, shared, matching)
        shape = UNION_WEIGHT * union + PERSON_WEIGHT * person + OUTLINE_WEIGHT * outline
        known = ~np.isnan(joints)
        shape = np.where(known, shape + JOINT_WEIGHT * np.nan_to_num(joints), shape / (1 - JOINT_WEIGHT))
        count = np.minimum(persons_a.any(axis=(2, 3)).sum(axis=1), moved_b.any(axis=(2, 3)).sum(axis=1))
        cues = {
            "union_iou": union,
            "outline_iou": outline,
            "person_iou": person,
            "joints": np.nan_to_num(joints),
            "persons": count,
            "reframed": (cost < 1).astype(np.float32),
        }
        score = (shape * worth * cost).astype(np.float32)
        return BlockScores(score, out.frame[at_a], into.frame[at_b], common | cues)

    scale, shift = _reframing(union_a, _together(persons_b))
    as_it_lies = compared(persons_b, into.joints[at_b], np.ones(len(worth)))
    cost = np.where((scale != 1) | (shift != 0).any(axis=1), REFRAME_WORTH, 1.0)
    reframed = compared(moved(persons_b, scale, shift), _joints_moved(into.joints[at_b], persons_b, scale, shift), cost)
    return _better([as_it_lies, reframed])


def _joints_moved(joints: np.ndarray, persons: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Joints (P, S, 15, 3) as `moved` moves the masks (P, S, 36, 64) that they belong to."""
    middle = (_middles(_together(persons))[0] + 0.5) / GRID_HEIGHT
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
    """Each person matched to at most one of the other side so that most cells are shared.

    Args:
        shared: float32 (P, S, T), cells that person x of A and person y of B share.

    Returns:
        int64 (P, min(S, T), 2), pairs of persons, and float32 (P,), the cells that matched persons share.
    """
    few, many = sorted(shared.shape[1:])
    orders = np.array([list(zip(range(few), order, strict=True)) for order in permutations(range(many), few)])
    if shared.shape[1] > shared.shape[2]:
        orders = orders[..., ::-1]
    kept = shared[:, orders[..., 0], orders[..., 1]].sum(axis=2)
    best = kept.argmax(axis=1)
    return orders[best], kept[np.arange(len(kept)), best]


def _joint_nearness(a: np.ndarray, b: np.ndarray, shared: np.ndarray, matching: np.ndarray) -> np.ndarray:
    """Mean nearness of the joints of matched persons, weighted by shared cells, float64 (P,); NaN without joints."""
    pairs = np.arange(len(a))[:, None]
    mine, partner = a[pairs, matching[..., 0]], b[pairs, matching[..., 1]]
    distance = np.linalg.norm(mine[..., :2] - partner[..., :2], axis=-1)
    weight = np.where(np.arange(len(JOINTS)) < NUM_HEAD_JOINTS, HEAD_WEIGHT, 1.0)
    seen = ((mine[..., 2] >= VISIBLE) & (partner[..., 2] >= VISIBLE)) * weight
    seen = seen * shared[pairs, matching[..., 0], matching[..., 1]][..., None]
    total = seen.sum(axis=(1, 2))
    nearness = (seen * np.exp(-np.square(distance / JOINT_REACH))).sum(axis=(1, 2))
    return np.divide(nearness, total, out=np.full(len(a), np.nan), where=total > 0)


def _motion(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How alike silhouettes move, 1 for equally or not at all; float32, the last axis gone."""
    faster = np.maximum(np.linalg.norm(a, axis=-1), np.linalg.norm(b, axis=-1))
    difference = np.linalg.norm(a - b, axis=-1) / np.maximum(faster, STILL_SPEED)
    return np.asarray(1 - np.minimum(difference, 1), np.float32)


def _motion_factor(motion: np.ndarray) -> np.ndarray:
    return 1 - MOTION_WEIGHT * (1 - motion)


def _better(parts: Sequence[BlockScores]) -> BlockScores:
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


def _iou(shared: np.ndarray, cells_a: np.ndarray, cells_b: np.ndarray) -> np.ndarray:
    return np.asarray(shared / np.maximum(cells_a + cells_b - shared, 1), np.float32)


def _mask_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float32 (P,) of bool (P, 36, 64) each."""
    shared = (a & b).sum(axis=(1, 2), dtype=np.float32)
    return _iou(shared, a.sum(axis=(1, 2), dtype=np.float32), b.sum(axis=(1, 2), dtype=np.float32))


def _together(persons: np.ndarray) -> np.ndarray:
    """bool (P, 36, 64), the union of (P, S, 36, 64)."""
    return np.asarray(persons.any(axis=1))


def _flat(masks: np.ndarray) -> np.ndarray:
    return masks.reshape(*masks.shape[:-2], CELLS).astype(np.float32)


def _unpacked(packed: np.ndarray) -> np.ndarray:
    """bool (..., 36, 64) of packed bits (..., 288)."""
    return np.unpackbits(packed, axis=-1).reshape(*packed.shape[:-1], GRID_HEIGHT, GRID_WIDTH).astype(bool)


def _joints_on_grid(joints: np.ndarray | None, size: tuple[int, int]) -> np.ndarray:
    """Joints of a picture in heights of the grid, float32 (15, 3); none visible where there are none."""
    if joints is None:
        return np.zeros((len(JOINTS), 3), np.float32)
    left, top, columns, rows = picture_box(*size)
    placed = joints.copy()
    placed[:, 0] = (left + joints[:, 0] * columns) / GRID_HEIGHT
    placed[:, 1] = (top + joints[:, 1] * rows) / GRID_HEIGHT
    return placed


def _row_tiles(representation: Representation, row: int, shown: Mapping[int, np.ndarray]) -> Iterator[Tile]:
    """The first and the last moment of each side of a shot with their persons."""
    for side, moment in ((IN, 0), (IN, -1), (OUT, 0), (OUT, -1)):
        number = int(representation.arrays["frame"][row, side, moment])
        masks = np.unpackbits(representation.arrays["persons"][row, side, moment], axis=-1)
        confidence = representation.arrays["confidence"][row, side, moment]
        words = " ".join(f"{value:.2f}" for value in confidence if value > 0) or "nobody"
        picture = _with_masks(shown[number], masks.reshape(-1, GRID_HEIGHT, GRID_WIDTH))
        yield Tile(picture, f"shot {representation.shot[row]}  frame {number}: {words}")


def _with_masks(picture: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """A 16:9 picture with a colour over each person."""
    import cv2

    height, width = picture.shape[:2]
    painted = picture.copy()
    for mask, color in zip(masks, _COLORS, strict=False):
        large = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 0
        painted[large] = (painted[large] * 0.45 + np.array(color) * 0.55).astype(np.uint8)
    return painted
