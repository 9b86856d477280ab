"""What ranking knows of a pair beside its score, each as a worth in [0, 1]: 1 takes nothing away.

A high score alone is no match cut. Two takes of one set-up score best of all and surprise nobody; a flash of a
quarter of a second or a blurred frame shows nothing that could match; what two ways of matching find is seldom chance.
"""

from collections.abc import Mapping

import numpy as np

from matchcut.top_k.parameters import RankingWeights, TopKParameters
from matchcut.top_k.titles import Catalogue

SCREEN_ASPECT = 16 / 9
"""Of the frame into which pictures of any shape are fitted."""


def factor(worths: Mapping[str, np.ndarray], weights: RankingWeights) -> np.ndarray | float:
    """What scores are multiplied by, in [0, 1].

    Args:
        worths: name of a weight to float (P,), in [0, 1]; NaN where it is not known, which takes nothing.
        weights: the table.
    """
    product: np.ndarray | float = 1.0
    for name, worth in worths.items():
        product = product * (1 - getattr(weights, name) * (1 - np.nan_to_num(worth, nan=1.0)))
    return product


def time_worth(a: np.ndarray, b: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """1 for two titles or far apart, 0 for shots with nothing between them."""
    return np.asarray(1 - catalogue.nearness(a, b))


def shorter_seconds(a: np.ndarray, b: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """float64 (P,), length of the shorter shot."""
    return np.minimum(catalogue.seconds_of(a), catalogue.seconds_of(b))


def sharpness(a: np.ndarray, b: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """float32 (P,), of the softer frame: near the end of A and near the start of B; NaN where one is not known."""
    return np.minimum(catalogue.sharpness_out[a], catalogue.sharpness_in[b])


def shape_worth(a: np.ndarray, b: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """float64 (P,), overlap over union of both pictures, each as large as it fits into one frame; 1 for one shape."""
    aspect = catalogue.aspect[catalogue.title]
    first, second = aspect[a] / SCREEN_ASPECT, aspect[b] / SCREEN_ASPECT
    width, height = (np.minimum(1, each) for each in ((first, second), (1 / first, 1 / second)))
    shared = width.min(axis=0) * height.min(axis=0)
    return np.asarray(shared / ((width * height).sum(axis=0) - shared))


def in_proportion(value: np.ndarray, enough: float) -> np.ndarray:
    """1 from `enough` on, in proportion below; NaN stays."""
    return np.minimum(value / enough, 1.0)


def place_worth(look: np.ndarray, parameters: TopKParameters) -> np.ndarray:
    """float (P,), from 1 for shots that look different to 0 for those of one place.

    Args:
        look: cosines of embeddings; NaN where there are none, which stays.
        parameters: from where to where it falls.
    """
    return 1 - _risen(look, parameters.alike_similarity, parameters.same_place_similarity)


def likeness(look: np.ndarray, parameters: TopKParameters) -> np.ndarray:
    """float (P,), from 0 for shots that look different to 1 for near-duplicates.

    Args:
        look: cosines of embeddings; NaN where there are none, which stays.
        parameters: from where to where it rises.
    """
    return _risen(look, parameters.alike_similarity, parameters.near_duplicate_similarity)


def _risen(look: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip((look - low) / (high - low), 0.0, 1.0)


def agreement(key: np.ndarray, others: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Mean score that the other flavors give the same cuts.

    Args:
        key: int64 (P,), one number per ordered pair of shots.
        others: flavor to the keys and scores of its scored pairs, (Q,) each, in no order, doubles allowed.

    Returns:
        float64 (P,). A flavor that has no score of a cut counts as 0: it found nothing in common, or enough better
        partners of both shots. NaN when there is no other flavor.
    """
    if not others:
        return np.full(len(key), np.nan)
    order = np.argsort(key)  # searching for sorted keys is many times faster: it stays in the cache
    found = [_best_at(key[order], *scored) for scored in others.values()]
    mean = np.empty(len(key))
    mean[order] = np.mean(found, axis=0)
    return mean


def _best_at(key: np.ndarray, keys: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """float64 (P,), the greatest score of each key, 0 for those without."""
    if len(keys) == 0:
        return np.zeros(len(key))
    order = np.argsort(keys)
    keys, scores = keys[order], scores[order]
    first = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    best = np.maximum.reduceat(scores, first)
    place = np.minimum(np.searchsorted(keys[first], key), len(first) - 1)
    return np.where(keys[first][place] == key, best[place], 0.0).astype(np.float64)
