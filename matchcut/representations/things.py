"""Animals and objects beside the persons of a shot, where Mask R-CNN looks for them.

It looks at the same outermost moments of either end of a shot as the detectors of persons do, and where it saw
anything there at all others too: it cannot follow. Persons keep the masks and joints that their own finder gave them;
those that only Mask R-CNN sees come without joints.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from matchcut.proxy import Proxy
from matchcut.representations.instances import PERSON, Instance
from matchcut.representations.mask_rcnn import MaskRcnn
from matchcut.representations.person_tracks import SEARCHED_MOMENTS, Found


def with_things(
    proxy: Proxy, moments: np.ndarray, persons: Mapping[int, Sequence[Instance]], finder: MaskRcnn, same_mask: float
) -> Found:
    """Persons, animals and objects at the moments of each shot.

    Args:
        proxy: the title.
        moments: int64 (N, 2, M), frame numbers at which each shot may be entered and left.
        persons: frame number to who was found; moments that are not in it show nobody.
        finder: looks at single frames.
        same_mask: share of an instance's mask that lies on a surer one's, from which they are one.

    Returns:
        Frame number to instances with disjoint masks, the largest first.
    """
    found = {number: list(there) for number, there in persons.items()}

    def look(numbers: set[int]) -> Iterator[tuple[int, bool]]:
        for number, frame in proxy.frames_at(numbers):
            seen = finder.find(frame)
            found[number] = beside(found.get(number, []), seen, same_mask)
            yield number, bool(seen)

    ends = [set(shot[:, list(SEARCHED_MOMENTS)].ravel().tolist()) for shot in moments]
    has_any = dict(look(set().union(*ends)))
    between = {
        number
        for shot, searched in zip(moments, ends, strict=True)
        if any(has_any[each] for each in searched)
        for number in set(shot.ravel().tolist()) - searched
    }
    dict(look(between))
    return found


def beside(persons: Sequence[Instance], seen: Sequence[Instance], same_mask: float) -> list[Instance]:
    """Persons, and what else was seen in the same frame, every pixel the surest's that it may belong to.

    Args:
        persons: as their own finder gave them; they are preferred to persons among `seen`, which lack joints.
        seen: of any category.
        same_mask: share of a mask that lies on surer ones, from which it is one of them.

    Returns:
        Instances with disjoint masks, the largest first.
    """
    people = np.any([person.mask for person in persons], axis=0) if persons else False
    new = [each for each in seen if each.category != PERSON or _share_on(each.mask, people) <= same_mask]
    kept: list[Instance] = []
    taken: np.ndarray | bool = False
    for each in sorted([*persons, *new], key=lambda instance: -instance.confidence):
        if _share_on(each.mask, taken) <= same_mask:
            kept.append(replace(each, mask=each.mask & np.logical_not(taken)))
            taken = taken | each.mask
    return sorted(kept, key=lambda instance: -int(instance.mask.sum()))


def _share_on(mask: np.ndarray, others: np.ndarray | bool) -> float:
    """Share of a mask that lies on others."""
    return float((mask & others).sum() / max(int(mask.sum()), 1))
