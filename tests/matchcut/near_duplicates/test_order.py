import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matchcut.near_duplicates.order import pairs_beside, same_beside

SHOTS = (6, 5)
PAIRS = st.sets(st.tuples(st.integers(0, SHOTS[0] - 1), st.integers(0, SHOTS[1] - 1)), max_size=30)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    i, j = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return i, j


def test_only_the_pairs_just_before_and_after_count():
    i, j = columns([(0, 0), (1, 1), (2, 2), (2, 0), (1, 3), (3, 4)])
    assert same_beside(i, j, np.ones(6, bool)).tolist() == [1, 2, 1, 0, 0, 0]
    assert same_beside(i, j, np.array([True, False, True, False, False, False])).tolist() == [0, 2, 0, 0, 0, 0]


def test_pairs_beside_lie_inside_of_both_titles_and_are_new():
    i, j = columns([(0, 0), (3, 3), (4, 4), (5, 1)])
    beside = pairs_beside(i, j, np.array([True, True, True, False]), SHOTS)
    assert list(zip(*(shots.tolist() for shots in beside), strict=True)) == [(1, 1), (2, 2)]


@given(PAIRS, st.integers(0, 2**30))
def test_whatever_is_the_same_supports_all_that_lies_beside_it(pairs, bits):
    i, j = columns(sorted(pairs))
    is_same = np.array([bits >> n & 1 for n in range(len(i))], dtype=bool)
    beside = pairs_beside(i, j, is_same, SHOTS)
    all_i, all_j = np.append(i, beside[0]), np.append(j, beside[1])
    assert len({*zip(all_i.tolist(), all_j.tolist(), strict=True)}) == len(all_i)
    counts = same_beside(all_i, all_j, np.append(is_same, np.zeros(len(beside[0]), bool)))
    assert (counts[len(i) :] >= 1).all()
    assert (counts <= 2).all()
