"""Instances: what in a frame has a silhouette of its own. A person, an animal or an object, and how sure that is."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from matchcut.representations.bodies import Witness

PERSON = 1
# Categories by their numbers in COCO (arXiv 1405.0312); what furnishes a room is left out: nobody cuts on a sofa.
ANIMALS = MappingProxyType({
    16: "bird", 17: "cat", 18: "dog", 19: "horse", 20: "sheep", 21: "cow", 22: "elephant", 23: "bear", 24: "zebra",
    25: "giraffe",
})  # fmt: skip
OBJECTS = MappingProxyType({
    2: "bicycle", 3: "car", 4: "motorcycle", 5: "airplane", 6: "bus", 7: "train", 8: "truck", 9: "boat",
    10: "traffic light", 11: "fire hydrant", 13: "stop sign", 14: "parking meter", 27: "backpack", 28: "umbrella",
    31: "handbag", 33: "suitcase", 34: "frisbee", 35: "skis", 36: "snowboard", 37: "sports ball", 38: "kite",
    39: "baseball bat", 41: "skateboard", 42: "surfboard", 43: "tennis racket", 44: "bottle", 46: "wine glass",
    47: "cup", 48: "fork", 49: "knife", 50: "spoon", 51: "bowl", 52: "banana", 53: "apple", 55: "orange", 60: "donut",
    61: "cake", 64: "potted plant", 77: "cell phone", 84: "book", 85: "clock", 86: "vase", 87: "scissors",
    88: "teddy bear", 90: "toothbrush",
})  # fmt: skip
CATEGORIES = MappingProxyType({PERSON: "person"} | ANIMALS | OBJECTS)
KINDS = ("persons", "animals", "objects")
_KIND_OF = np.array(
    [0 if n == PERSON else 1 if n in ANIMALS else 2 if n in OBJECTS else -1 for n in range(max(CATEGORIES) + 1)]
)


@dataclass(frozen=True)
class Instance:
    """One person, animal or object in one frame.

    Attributes:
        mask: bool (144, 256), stretched over the whole picture whatever its shape.
        confidence: in [0, 1], that it is there and is what it is said to be.
        category: its number in `CATEGORIES`.
        joints: float32 (15, 3), of a person: x and y in shares of the picture's width and height (outside [0, 1]
            beyond its edge) and visibility in [0, 1], in the order of `bodies.JOINT_NAMES`; None where they were not
            looked for.
        witness: at whom the landmark network looked; None where it did not look.
    """

    mask: np.ndarray
    confidence: float
    category: int = PERSON
    joints: np.ndarray | None = None
    witness: Witness | None = None


def kinds_of(categories: np.ndarray) -> np.ndarray:
    """Place in `KINDS` of each category, int64 of the same shape; -1 for 0, which is no category."""
    return np.asarray(_KIND_OF[categories])
