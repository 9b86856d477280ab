"""A candidate in an editor's words."""

from collections.abc import Mapping

from matchcut.cue_words import CueWords, striking
from matchcut.top_k.candidate import LOOK_CUE, RANKING_CUES, SECONDS_APART_CUE, Candidate

MOST_REASONS = 3  # more are not read
_PLACE = {LOOK_CUE: RANKING_CUES[LOOK_CUE]}


def words(candidate: Candidate, cues: Mapping[str, CueWords]) -> str:
    """Say why a candidate matches, e.g. `"faces in the same place, silhouettes overlap well; other place; 41 s apart"`.

    Args:
        candidate: as ranked.
        cues: the flavor's, in the order of telling. Those that stand out are told.
    """
    reasons = striking(candidate.cues, cues, most=MOST_REASONS) or ["nothing stands out"]
    place = striking(candidate.cues, _PLACE, most=1)
    return "; ".join([", ".join(reasons), *place, _distance_in_words(candidate)])


def value_in_words(value: float) -> str:
    """Two decimals, none for a whole number: `"0.83"`, `"2"`."""
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def _distance_in_words(candidate: Candidate) -> str:
    if candidate.title_a != candidate.title_b:
        return "two titles"
    return f"{duration_in_words(candidate.cues.get(SECONDS_APART_CUE, 0.0))} apart"


def duration_in_words(seconds: float) -> str:
    """`"0.4 s"`, `"41 s"`, `"3 min 20 s"`, `"1 h 5 min"`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
