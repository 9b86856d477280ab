"""What repeats, repeats in order: a pair of shots is more likely the same where the shots beside it are.

A film in another cut, a recap, a trailer's borrowed scene: shots that follow each other follow each other there too.
Two shots whose pictures leave it open, in a dark or written-over copy, are decided by their neighbours. A shot that
repeats alone is no less the same for it: stock footage and logos do.
"""

import numpy as np

_BESIDE = (-1, 1)


def same_beside(i: np.ndarray, j: np.ndarray, is_same: np.ndarray) -> np.ndarray:
    """int64 (P,), of each pair of shots how many of the pair before it and the pair after it are the same, 0 to 2.

    Args:
        i: int64 (P,), shots of title A.
        j: int64 (P,), shots of title B; each pair once.
        is_same: bool (P,), which pairs show the same. Pairs that are not given do not.
    """
    found = set(zip(i[is_same].tolist(), j[is_same].tolist(), strict=True))
    pairs = zip(i.tolist(), j.tolist(), strict=True)
    counts = [sum((a + step, b + step) in found for step in _BESIDE) for a, b in pairs]
    return np.array(counts, dtype=np.int64)


def pairs_beside(
    i: np.ndarray, j: np.ndarray, is_same: np.ndarray, num_shots: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs before and after those that are the same, as far as they were not given: shots of A and of B, int64 (K,).

    Args:
        i: int64 (P,), shots of title A.
        j: int64 (P,), shots of title B; each pair once.
        is_same: bool (P,), which pairs show the same.
        num_shots: of A and of B.
    """
    same = np.stack([i[is_same], j[is_same]], axis=1)
    beside = np.concatenate([same + step for step in _BESIDE])
    inside = ((beside >= 0) & (beside < num_shots)).all(axis=1)
    given = set(zip(i.tolist(), j.tolist(), strict=True))
    new = sorted(set(map(tuple, beside[inside].tolist())) - given)
    of_a, of_b = np.array(new, dtype=np.int64).reshape(-1, 2).T
    return of_a, of_b
