"""Frame match: the same silhouette on both sides of the cut.

Each shot keeps the masks of its persons at its first, middle and last usable frame, on the canonical grid. A
cut from A to B is judged at the end of A and the beginning of B (and at their middles, because an editor may
trim): how far the masks overlap as a whole, how far person by person, and how far the outlines lie on each
other. The outlines' overlap (boundary IoU, arXiv 2103.16562) is there because plain overlap is generous to
large shapes: any two close-ups of heads share most of their pixels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import ClassVar

import numpy as np

from matchcut.pictures import Tile, sheet, thumbnails
from matchcut.proxy import Proxy
from matchcut.representations.flavor import BlockScores, Representation, UsableShots
from matchcut.representations.grid import CELLS, GRID_HEIGHT, GRID_WIDTH, lay_mask, picture_box
from matchcut.representations.persons import WEIGHTS, Person, PersonFinder, PersonParameters

ALGORITHM = "1"
SCORE_ALGORITHM = "1"

FIRST, MIDDLE, LAST = range(3)
OUT_MOMENTS = (LAST, MIDDLE)  # where a shot may be left, the preferred moment first
IN_MOMENTS = (FIRST, MIDDLE)  # where a shot may be entered

# What a silhouette's share of the picture is worth. A speck matches every speck, what fills the picture matches
# all that fills it; by eye, on pairs of twelve films. Part of SCORE_ALGORITHM.
AREA_SHARES = (0.01, 0.04, 0.45, 0.85)
AREA_WORTH = (0.0, 1.0, 1.0, 0.0)
# How much the masks as a whole, person by person, and their outlines have to say. Part of SCORE_ALGORITHM.
UNION_WEIGHT, PERSON_WEIGHT, OUTLINE_WEIGHT = 0.25, 0.25, 0.5

_COLORS = ((235, 80, 70), (80, 200, 120), (90, 140, 250), (240, 190, 60))
_TILE_WIDTH = 256


@dataclass(frozen=True)
class SilhouetteParameters:
    """How silhouettes are taken.

    Attributes:
        persons: what counts as a person.
        max_persons: persons kept per frame, the largest; a crowd is no silhouette.
        same_person_iou: overlap from which persons at two moments of a shot are one; by eye.
        seen_once: factor on the confidence of a person that is found at one moment only, as false ones mostly are.
        outline_cells: width of the outline in cells; 2 are 2.7 % of the picture's diagonal (the paper: 2 %).
    """

    persons: PersonParameters = field(default_factory=PersonParameters)
    max_persons: int = 4
    same_person_iou: float = 0.3
    seen_once: float = 0.75
    outline_cells: int = 2


@dataclass(frozen=True)
class Silhouettes:
    """The flavor `frame_match`.

    Rows of the representation: `frame` int64 (N, 3), frame numbers of the moments; `persons` uint8 (N, 3, P, 288),
    one mask per person, packed bits of the grid, the largest first; `outline` uint8 (N, 3, 288), the inner
    border of all persons together; `confidence` float32 (N, 3, P), 0 where there is no person;
    `picture_cells` int64 (N,), cells that the picture covers. Shots without persons have no row.
    """

    parameters: SilhouetteParameters = field(default_factory=SilhouetteParameters)

    name: ClassVar[str] = "frame_match"
    representation: ClassVar[str] = "silhouettes"
    title: ClassVar[str] = "Frame match"
    summary: ClassVar[str] = "the same silhouette on both sides of the cut"
    description: ClassVar[str] = (
        "A row is a kept shot with persons: one mask per person on a 64x36 grid, at the first, middle and last "
        "usable frame."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = False
    weights: ClassVar[tuple[str, ...]] = WEIGHTS
    cues: ClassVar[Mapping[str, str]] = {
        "union_iou": "overlap of silhouettes",
        "outline_iou": "overlap of outlines",
        "person_iou": "overlap person by person",
        "confidence": "sureness that these are persons",
        "area": "share of the picture",
        "persons": "persons",
    }

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, Path]) -> Representation:
        """Find the persons of each shot; shots without any are left out."""
        finder = PersonFinder(weights, self.parameters.persons)
        size = (proxy.record.width, proxy.record.height)
        moments = moments_of(shots)
        found = {
            number: self.on_grid(finder.find(frame), size)
            for number, frame in proxy.frames_at(moments.ravel().tolist())
        }
        return self.rows_of(shots.shot, moments, found, size)

    def on_grid(self, persons: Sequence[Person], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Lay a frame's persons on the grid.

        Args:
            persons: the largest first.
            size: width and height of the picture in square pixels.

        Returns:
            bool (P, 36, 64) and confidence float32 (P,), P being `max_persons`; empty masks with confidence 0
            where there are fewer, and for persons so thin that no cell is half covered.
        """
        limit = self.parameters.max_persons
        grids = np.zeros((limit, GRID_HEIGHT, GRID_WIDTH), bool)
        confidence = np.zeros(limit, np.float32)
        for slot, person in enumerate(persons[:limit]):
            # Half a cell each would count it twice; scoring relies on persons sharing none.
            grids[slot] = lay_mask(person.mask, *size) & ~grids[:slot].any(axis=0)
            confidence[slot] = person.confidence
        return grids, np.where(grids.any(axis=(1, 2)), confidence, 0).astype(np.float32)

    def rows_of(
        self,
        shot: np.ndarray,
        moments: np.ndarray,
        found: Mapping[int, tuple[np.ndarray, np.ndarray]],
        size: tuple[int, int],
    ) -> Representation:
        """Rows from the persons that were found.

        Args:
            shot: int64 (N,), index of each shot.
            moments: int64 (N, 3), frame numbers.
            found: for every frame number what `on_grid` gives.
            size: width and height of the picture in square pixels.
        """
        with_persons = np.array([any(found[n][0].any() for n in row) for row in moments.tolist()], bool)
        kept = moments[with_persons]
        shape = (*kept.shape, self.parameters.max_persons)
        grids = np.array([found[n][0] for n in kept.ravel().tolist()], bool).reshape(*shape, GRID_HEIGHT, GRID_WIDTH)
        confidence = np.array([found[n][1] for n in kept.ravel().tolist()], np.float32).reshape(shape)
        for row in np.flatnonzero(kept[:, FIRST] < kept[:, LAST]):
            confidence[row] = self._agreed(grids[row], confidence[row])
        _, _, columns, rows = picture_box(*size)
        return Representation(
            shot[with_persons],
            {
                "frame": kept,
                "persons": _packed(grids),
                "outline": _packed(self._outlines(np.bitwise_or.reduce(grids, axis=2), size)),
                "confidence": confidence,
                "picture_cells": np.full(len(kept), columns * rows),
            },
        )

    def _agreed(self, grids: np.ndarray, confidence: np.ndarray) -> np.ndarray:
        """Confidence of a shot's persons, float32 (3, P), averaged over the moments at which each is seen."""
        agreed = confidence.copy()
        for moment, slot in zip(*np.nonzero(confidence), strict=True):
            others = [
                confidence[other][overlap.argmax()]
                for other in range(3)
                if other != moment
                and (overlap := _overlaps(grids[moment, slot], grids[other])).max() >= self.parameters.same_person_iou
            ]
            mean = np.mean([confidence[moment, slot], *others])
            agreed[moment, slot] = mean if others else mean * self.parameters.seen_once
        return agreed

    def _outlines(self, grids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Inner borders of masks, bool (N, 3, 36, 64); the picture's own edge is no border."""
        import cv2

        left, top, columns, rows = picture_box(*size)
        inside = (..., slice(top, top + rows), slice(left, left + columns))
        outlines = np.zeros_like(grids)
        kernel = np.ones((3, 3), np.uint8)
        for index in np.ndindex(grids.shape[:2]):
            mask = np.ascontiguousarray(grids[index][inside], np.uint8)
            # Outside the picture counts as the mask continued, which is OpenCV's default for erosion.
            core = cv2.erode(mask, kernel, iterations=self.parameters.outline_cells)
            outlines[index][inside] = (mask > 0) & (core == 0)
        return outlines

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Score every cut from a row of `a` to a row of `b`, at the best pair of moments."""
        out, into = Side.of(a, OUT_MOMENTS), Side.of(b, IN_MOMENTS)
        overlaps = _compare(out, into)
        shape = (
            UNION_WEIGHT * overlaps["union_iou"]
            + PERSON_WEIGHT * overlaps["person_iou"]
            + OUTLINE_WEIGHT * overlaps["outline_iou"]
        )
        score = shape * np.sqrt(np.multiply.outer(out.worth, into.worth))
        best = _by_moments(score).argmax(axis=2)
        i = np.arange(len(a))[:, None] * len(OUT_MOMENTS) + best // len(IN_MOMENTS)
        j = np.arange(len(b))[None, :] * len(IN_MOMENTS) + best % len(IN_MOMENTS)
        chosen = {name: overlap[i, j] for name, overlap in overlaps.items()}
        chosen["confidence"] = np.sqrt(out.confidence[i] * into.confidence[j])
        chosen["area"] = np.sqrt(out.area[i] * into.area[j])
        chosen["persons"] = np.minimum(out.count[i], into.count[j])
        return BlockScores(
            score=score[i, j],
            frame_a=a.arrays["frame"][:, OUT_MOMENTS].ravel()[i],
            frame_b=b.arrays["frame"][:, IN_MOMENTS].ravel()[j],
            cues=chosen,
        )

    def bytes_per_pair(self) -> int:
        """Measured with four persons in every frame, blocks of 128 MB and more, unpacked masks included."""
        return 1024

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """Three moments per shot with a colour per person, as a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(frames[row, moment]) for row in rows for moment in range(3)})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=6, tile_width=_TILE_WIDTH)


@dataclass(frozen=True)
class Side:
    """One side of a block: M moments of every row, row by row; R = rows times M.

    Attributes:
        cells: float32 (R,), covered by all persons together.
        outline: float32 (R, 2304), 0 or 1.
        persons: for each slot, int64 (S,) which of the R have such a person, and float32 (S, 2304) its mask.
        confidence: float32 (R,), mean over persons, weighted by area.
        area: float32 (R,), share of the picture.
        worth: float32 (R,), confidence times what the area is worth.
        count: float32 (R,), persons.
    """

    cells: np.ndarray
    outline: np.ndarray
    persons: tuple[tuple[np.ndarray, np.ndarray], ...]
    confidence: np.ndarray
    area: np.ndarray
    worth: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, rows: Representation, moments: tuple[int, ...]) -> "Side":
        """Unpack the given moments."""
        packed = rows.arrays["persons"][:, moments].reshape(-1, *rows.arrays["persons"].shape[2:])
        confidence = rows.arrays["confidence"][:, moments].reshape(len(packed), -1)
        cells = np.bitwise_count(packed).sum(axis=2, dtype=np.float32)  # (R, P)
        total = cells.sum(axis=1)
        mean = np.divide((confidence * cells).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
        area = total / np.repeat(rows.arrays["picture_cells"], len(moments)).astype(np.float32)
        return cls(
            cells=total,
            outline=_unpacked(rows.arrays["outline"][:, moments].reshape(len(packed), -1)),
            persons=tuple(_slots(packed, cells)),
            confidence=mean,
            area=area,
            worth=mean * np.interp(area, AREA_SHARES, AREA_WORTH).astype(np.float32),
            count=(cells > 0).sum(axis=1).astype(np.float32),
        )


def moments_of(shots: UsableShots) -> np.ndarray:
    """int64 (N, 3), the first, middle and last usable frame of each shot."""
    last = shots.stop_frame - 1
    return np.stack([shots.start_frame, (shots.start_frame + last) // 2, last], axis=1)


def silhouette_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Overlap of each mask of A with each of B: intersection over union.

    Args:
        a: float32 (A, C), 0 or 1.
        b: float32 (B, C), 0 or 1.

    Returns:
        float32 (A, B), in [0, 1], 1.0 when identical; 0.0 when both are empty.
    """
    return _iou(a @ b.T, a.sum(axis=1), b.sum(axis=1))


def _compare(out: Side, into: Side) -> dict[str, np.ndarray]:
    """Overlaps of all moments of both sides, float32 (R, R').

    Persons of a frame are disjoint, so the cells shared by all persons together are the sum over pairs of
    persons, and those shared by matched persons are the part of that sum that a matching keeps.
    """
    shared = {(i, j): _slot_product(out, into, i, j) for i in range(len(out.persons)) for j in range(len(into.persons))}
    nothing = np.zeros((len(out.cells), len(into.cells)), np.float32)
    union = _iou(sum(shared.values(), start=nothing), out.cells, into.cells)
    return {
        "union_iou": union,
        "person_iou": _iou(_matched_cells(shared, len(out.persons), len(into.persons)), out.cells, into.cells)
        if shared
        else nothing,
        # At most the masks' overlap, as in the paper: the left side of one shape may lie on the right of another.
        "outline_iou": np.minimum(silhouette_iou(out.outline, into.outline), union),
    }


def _iou(shared: np.ndarray, cells_a: np.ndarray, cells_b: np.ndarray) -> np.ndarray:
    total = np.add.outer(cells_a, cells_b)
    total -= shared
    overlap: np.ndarray = np.divide(shared, np.maximum(total, 1, out=total), out=total)
    return overlap


def _matched_cells(shared: Mapping[tuple[int, int], np.ndarray], slots_out: int, slots_in: int) -> np.ndarray:
    """Cells shared when each person is matched to at most one, so that most are shared; float32 like `shared`."""
    few, many = sorted((slots_out, slots_in))
    best = np.zeros_like(shared[0, 0])
    for others in permutations(range(many), few):
        pairs = [(i, j) if few == slots_out else (j, i) for i, j in enumerate(others)]
        np.maximum(best, sum((shared[pair] for pair in pairs[1:]), start=shared[pairs[0]]), out=best)
    return best


def _slot_product(out: Side, into: Side, i: int, j: int) -> np.ndarray:
    """Cells shared by person `i` of every moment of one side and person `j` of the other's, float32 (R, R')."""
    (rows_a, masks_a), (rows_b, masks_b) = out.persons[i], into.persons[j]
    shared = np.zeros((len(out.cells), len(into.cells)), np.float32)
    shared[np.ix_(rows_a, rows_b)] = masks_a @ masks_b.T
    return shared


def _slots(packed: np.ndarray, cells: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For every slot that anybody fills: who, and the masks."""
    for slot in range(packed.shape[1]):
        filled = np.flatnonzero(cells[:, slot])
        if len(filled):
            yield filled, _unpacked(packed[filled, slot])


def _by_moments(values: np.ndarray) -> np.ndarray:
    """(A, B, 4) from (2A, 2B): the four pairs of moments last."""
    m, n = len(OUT_MOMENTS), len(IN_MOMENTS)
    rows, columns = values.shape[0] // m, values.shape[1] // n
    pairs = values.reshape(rows, m, columns, n).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(pairs).reshape(rows, columns, m * n)


def _overlaps(mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    flat = others.reshape(len(others), CELLS).astype(np.float32)
    overlaps: np.ndarray = silhouette_iou(mask.reshape(1, CELLS).astype(np.float32), flat)[0]
    return overlaps


def _packed(grids: np.ndarray) -> np.ndarray:
    return np.packbits(grids.reshape(*grids.shape[:-2], CELLS), axis=-1)


def _unpacked(packed: np.ndarray) -> np.ndarray:
    return np.unpackbits(packed, axis=-1).astype(np.float32)


def _row_tiles(representation: Representation, row: int, shown: Mapping[int, np.ndarray]) -> Iterator[Tile]:
    """The three moments of a shot with their persons."""
    for moment, number in enumerate(representation.arrays["frame"][row].tolist()):
        masks = np.unpackbits(representation.arrays["persons"][row, moment], axis=-1)
        confidence = representation.arrays["confidence"][row, moment]
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
