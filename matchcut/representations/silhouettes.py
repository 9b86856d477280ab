"""Frame match: the same silhouette on both sides of the cut.

Each shot keeps the masks and the joints of its persons at several moments of its first third, where it may be
entered, and of its last third, where it may be left; the same person has the same place in all of them. With
`finder = "mask_rcnn"` animals and objects are kept like them. All pairs of shots are compared by their blurred
silhouettes, one matrix product; the best are then scored exactly (`silhouette_scores.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from matchcut.cue_words import CueWords, Grade
from matchcut.pictures import Tile, sheet, thumbnails
from matchcut.proxy import Proxy
from matchcut.representations.bodies import JOINTS
from matchcut.representations.flavor import BlockScores, Representation, UsableShots, scored_in_parts
from matchcut.representations.grid import CELLS, GRID_HEIGHT, GRID_WIDTH, lay_mask, picture_box
from matchcut.representations.instances import CATEGORIES, Instance
from matchcut.representations.mask_rcnn import WEIGHTS as MASK_RCNN_WEIGHTS
from matchcut.representations.mask_rcnn import MaskRcnn, MaskRcnnParameters
from matchcut.representations.masks import unpacked
from matchcut.representations.moments import IN, OUT, MomentParameters, coarse_moments, cut_moments
from matchcut.representations.person_finder import WEIGHTS as PERSON_WEIGHTS
from matchcut.representations.person_finder import PersonFinder
from matchcut.representations.person_tracks import Sight, Track, find_persons
from matchcut.representations.persons import PersonParameters
from matchcut.representations.silhouette_scores import Side, better_of, refined
from matchcut.representations.things import with_things

ALGORITHM = "5"
SCORE_ALGORITHM = "6"

_PAIRS_AT_ONCE = 256

_COLORS = ((235, 80, 70), (80, 200, 120), (90, 140, 250), (240, 190, 60))
_TILE_WIDTH = 256


@dataclass(frozen=True)
class SilhouetteParameters:
    """How silhouettes are taken.

    Attributes:
        finder: "persons" finds persons alone; "mask_rcnn" animals and objects beside them, with the extra `objects`.
        persons: what counts as a person.
        mask_rcnn: what is looked for beside them.
        moments: when.
        max_instances: persons, animals and objects kept per shot, those with the largest masks; a crowd is no
            silhouette.
        same_person_iou: overlap from which instances of a kind at neighbouring moments are one.
        same_person_distance: or distance of their middles, in square roots of their area: a leaper overlaps little.
        seen_once: factor on the confidence of an instance that is found at one of a side's moments only, as false ones
            mostly are; rises linearly to 1 for one that is found at all.
        flop: whether B may be mirrored, which an editor can do with a shot without text.
    """

    finder: Literal["persons", "mask_rcnn"] = "persons"
    persons: PersonParameters = field(default_factory=PersonParameters)
    mask_rcnn: MaskRcnnParameters = field(default_factory=MaskRcnnParameters)
    moments: MomentParameters = field(default_factory=MomentParameters)
    max_instances: int = 4
    same_person_iou: float = 0.3
    same_person_distance: float = 0.6
    seen_once: float = 0.6
    flop: bool = False


@dataclass(frozen=True)
class Silhouettes:
    """The flavor `frame_match`.

    Rows of the representation: `frame` int64 (N, 2, M), frame numbers of the moments at which the shot may be entered
    and left; `masks` uint8 (N, 2, M, P, 288), one mask per instance, packed bits of the grid, each instance in one
    place P throughout the shot; `category` uint8 (N, P), what it is by `instances.CATEGORIES`, 0 for none;
    `confidence` float32 (N, 2, M, P), 0 where it is not seen; `joints` float16 (N, 2, M, P, 15, 3), x and y in heights
    of the grid and visibility; `motion` float32 (N, 2, M, P, 2), to the right and down in heights per second;
    `picture_box` int64 (N, 4), left, top, columns and rows that the picture covers. Shots that show nothing that was
    looked for have no row.
    """

    parameters: SilhouetteParameters = field(default_factory=SilhouetteParameters)

    name: ClassVar[str] = "frame_match"
    representation: ClassVar[str] = "silhouettes"
    title: ClassVar[str] = "Frame match"
    summary: ClassVar[str] = "the same silhouette on both sides of the cut"
    description: ClassVar[str] = (
        "A row is a kept shot with persons (by a setting also animals and objects): the mask on a 64x36 grid, the "
        "joints and the movement of each, followed through moments of the shot's first and last third."
    )
    algorithm: ClassVar[str] = ALGORITHM
    score_algorithm: ClassVar[str] = SCORE_ALGORITHM
    reads_sound: ClassVar[bool] = False
    cues: ClassVar[Mapping[str, CueWords]] = {
        "head": CueWords(
            "nearness of faces",
            (Grade("faces in the same place", least=0.9), Grade("faces nearly in the same place", least=0.7)),
        ),
        "union_iou": CueWords(
            "overlap of silhouettes",
            (Grade("silhouettes overlap well", least=0.7), Grade("silhouettes overlap by half", least=0.5)),
        ),
        # Third, so that it is never left out: whoever cuts has to know.
        "flopped": CueWords("B has to be mirrored", (Grade("B mirrored", least=1),)),
        "outline_iou": CueWords(
            "overlap of outlines",
            (Grade("outlines run together", least=0.4), Grade("outlines partly run together", least=0.3)),
        ),
        # Nothing, where the masks overlap all the same: what one belongs to is of another kind.
        "instance_iou": CueWords("overlap of each with its like", (Grade("one shape of unlike things", most=0.0),)),
        "joints": CueWords("nearness of joints", (Grade("same pose", least=0.6), Grade("similar pose", least=0.45))),
        "persons": CueWords("persons", (Grade("three persons or more", least=3), Grade("two persons", least=2))),
        "animals": CueWords("animals", (Grade("several animals", least=2), Grade("an animal", least=1))),
        "objects": CueWords("objects", (Grade("several objects", least=2), Grade("an object", least=1))),
        "motion": CueWords("same movement of the silhouettes"),
        "confidence": CueWords("sureness of what is seen"),
        "area": CueWords("share of the picture"),
        "reframed": CueWords("has to be reframed"),
    }

    @property
    def weights(self) -> tuple[str, ...]:
        """Those of the chosen finders."""
        return PERSON_WEIGHTS if self.parameters.finder == "persons" else PERSON_WEIGHTS + MASK_RCNN_WEIGHTS

    def represent(self, proxy: Proxy, shots: UsableShots, weights: Mapping[str, Path]) -> Representation:
        """Find and follow the persons, and whatever else is looked for, of each shot; shots without any are left out.

        Raises:
            MatchcutError: animals and objects are looked for, but torchvision is not there or does not fit torch.
        """
        size = (proxy.record.width, proxy.record.height)
        moments = cut_moments(shots, proxy.seconds, self.parameters.moments)
        things = self._finder_of_things(weights)
        found = find_persons(proxy, moments, lambda: PersonFinder(weights, self.parameters.persons))
        if things is not None:
            found = with_things(proxy, moments, found, things, self.parameters.persons.same_mask)
        shown = np.array([any(found.get(n) for n in row) for row in moments.reshape(len(moments), -1).tolist()], bool)
        return self.rows_of(shots.shot[shown], moments[shown], found, size, proxy.seconds)

    def _finder_of_things(self, weights: Mapping[str, Path]) -> MaskRcnn | None:
        """What finds animals and objects, ready; None where they are not looked for."""
        if self.parameters.finder == "persons":
            return None
        finder = MaskRcnn(weights[MASK_RCNN_WEIGHTS[0]], self.parameters.mask_rcnn)
        finder.load()
        return finder

    def rows_of(
        self,
        shot: np.ndarray,
        moments: np.ndarray,
        found: Mapping[int, Sequence[Instance]],
        size: tuple[int, int],
        seconds: np.ndarray,
    ) -> Representation:
        """Rows from what was found.

        Args:
            shot: int64 (N,), index of each shot.
            moments: int64 (N, 2, M), frame numbers.
            found: the instances of every frame.
            size: width and height of the picture in square pixels.
            seconds: float64, times of the title's frames.
        """
        tracks = [self._followed(row, found, size, seconds) for row in moments]
        shape = (len(moments), *moments.shape[1:], self.parameters.max_instances)
        arrays = {
            "frame": moments,
            "masks": np.zeros((*shape, CELLS // 8), np.uint8),
            "category": np.zeros((len(moments), self.parameters.max_instances), np.uint8),
            "confidence": np.zeros(shape, np.float32),
            "joints": np.zeros((*shape, len(JOINTS), 3), np.float16),
            "motion": np.zeros((*shape, 2), np.float32),
            "picture_box": np.tile(np.array(picture_box(*size)), (len(moments), 1)),
        }
        for row, of_shot in enumerate(tracks):
            for slot, track in enumerate(of_shot[: self.parameters.max_instances]):
                self._write(arrays, row, slot, track)
        rows = Representation(shot, arrays)
        seen = arrays["confidence"].any(axis=(1, 2, 3))
        return Representation(shot[seen], {name: array[seen] for name, array in rows.arrays.items()})

    def _followed(
        self, moments: np.ndarray, found: Mapping[int, Sequence[Instance]], size: tuple[int, int], seconds: np.ndarray
    ) -> list[Track]:
        """The instances of a shot, those with the largest masks first."""
        tracks: list[Track] = []
        for number in np.unique(moments).tolist():
            free = list(tracks)
            taken = np.zeros((GRID_HEIGHT, GRID_WIDTH), bool)
            for instance in found[number]:
                # Half a cell each would count it twice; scoring relies on instances sharing none.
                mask = lay_mask(instance.mask, *size) & ~taken
                if not mask.any():
                    continue
                taken |= mask
                joints = _joints_on_grid(instance.joints, size)
                seen = Sight(mask, instance.confidence, instance.category, joints, float(seconds[number]))
                alike = [track for track in free if track.kind == seen.kind]
                track = max(alike, key=lambda track: track.likeness(seen), default=None)
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
        """Enter an instance into its slot of a row."""
        arrays["category"][row, slot] = track.category
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
                    arrays["masks"][at] = np.packbits(sight.mask)
                    arrays["confidence"][at] = confidence
                    arrays["joints"][at] = sight.joints
                    arrays["motion"][at] = track.motion(number)

    def score_block(self, a: Representation, b: Representation) -> BlockScores:
        """Compare blurred silhouettes at some moments; `refine` scores in full what this proposes."""
        out, into = Side.of(a, OUT), Side.of(b, IN)
        sides = [into, into.mirrored()] if self.parameters.flop else [into]
        score = np.zeros((len(a), len(b)), np.float32)
        left, entered = out.blurred, [side.blurred for side in sides]
        coarse = coarse_moments(out.frame.shape[1])
        for m, n, blurred in product(coarse, coarse, entered):
            np.maximum(score, left[:, m] @ blurred[:, n].T, out=score)
        return BlockScores.proposal(score, out.frame, into.frame)

    def refine(self, a: Representation, b: Representation, rows_a: np.ndarray, rows_b: np.ndarray) -> BlockScores:
        """Score the given pairs of rows at their best moments; arrays of the result are (P,)."""
        out, into = Side.of(a, OUT), Side.of(b, IN)
        sides = [into, into.mirrored()] if self.parameters.flop else [into]

        def some(part_a: np.ndarray, part_b: np.ndarray) -> BlockScores:
            return better_of([refined(out, side, part_a, part_b) for side in sides])

        return scored_in_parts(some, rows_a, rows_b, _PAIRS_AT_ONCE)

    def bytes_per_pair(self) -> int:
        """Half a dozen small matrices, and the unpacked rows."""
        return 128

    def picture(self, proxy: Proxy, representation: Representation, rows: Sequence[int]) -> np.ndarray:
        """The ends of both thirds of each shot with a colour per instance, as a sheet."""
        frames = representation.arrays["frame"]
        wanted = sorted({int(n) for row in rows for n in frames[row][:, [0, -1]].ravel()})
        shown = dict(zip(wanted, thumbnails(proxy, wanted, width=_TILE_WIDTH), strict=True))
        tiles = [tile for row in rows for tile in _row_tiles(representation, row, shown)]
        return sheet(tiles, columns=8, tile_width=_TILE_WIDTH)


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
        masks = unpacked(representation.arrays["masks"][row, side, moment])
        confidence = representation.arrays["confidence"][row, side, moment]
        named = zip(representation.arrays["category"][row].tolist(), confidence.tolist(), strict=True)
        words = ", ".join(f"{CATEGORIES[category]} {value:.2f}" for category, value in named if value > 0) or "nobody"
        picture = _with_masks(shown[number], masks)
        yield Tile(picture, f"shot {representation.shot[row]}  frame {number}: {words}")


def _with_masks(picture: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """A 16:9 picture with a colour over each instance."""
    import cv2

    height, width = picture.shape[:2]
    painted = picture.copy()
    for mask, color in zip(masks, _COLORS, strict=False):
        large = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
        painted[large] = (painted[large] * 0.45 + np.array(color) * 0.55).astype(np.uint8)
    return painted
