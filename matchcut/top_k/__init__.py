"""The best match cuts of a set of titles: scored pairs in, a short list worth an editor's time out.

A high pair score alone is no match cut (the task: Chen et al., *Match Cutting: Finding Cuts with Smooth
Visual Transitions*, arXiv:2210.05766). Two takes of one set-up score best of all and surprise nobody, so
near-duplicates are removed; a pair that looks alike, lies close in time, moves on differently, is short, soft or
uncertain, or that no other way of matching agrees with, is demoted, each by a weight of one table; what repeats a
better candidate is demoted by what it repeats, and no shot takes more than a few places. A cut that the film makes
itself, from a shot to the next, is no find and is removed too; the way back, from a shot to the one before it, is a
new cut and may stay.
"""

from matchcut.top_k.candidate import (
    AGREEMENT_CUE,
    LISTED_COLUMNS,
    LOOK_CUE,
    PAIR_SCORE_CUE,
    RANKING_CUES,
    REPEATS_CUE,
    SECONDS_APART_CUE,
    SHARPNESS_CUE,
    SHORTER_SECONDS_CUE,
    Candidate,
    candidates_to_arrow,
    load_candidates,
    save_candidates,
)
from matchcut.top_k.parameters import RankingWeights, TopKParameters
from matchcut.top_k.ranking import PAIR_COLUMNS, rank_candidates
from matchcut.top_k.titles import TitleShots
from matchcut.top_k.words import duration_in_words, value_in_words, words

ALGORITHM = "3"

__all__ = [
    "AGREEMENT_CUE",
    "ALGORITHM",
    "LISTED_COLUMNS",
    "LOOK_CUE",
    "PAIR_COLUMNS",
    "PAIR_SCORE_CUE",
    "RANKING_CUES",
    "REPEATS_CUE",
    "SECONDS_APART_CUE",
    "SHARPNESS_CUE",
    "SHORTER_SECONDS_CUE",
    "Candidate",
    "RankingWeights",
    "TitleShots",
    "TopKParameters",
    "candidates_to_arrow",
    "duration_in_words",
    "load_candidates",
    "rank_candidates",
    "save_candidates",
    "value_in_words",
    "words",
]
