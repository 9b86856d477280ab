"""A candidate in an editor's words."""

from collections.abc import Mapping

from matchcut.top_k.candidate import LOOK_CUE, SECONDS_APART_CUE, Candidate

OTHER_LOOK = 0.6  # seen on one edited video: 0.6 to 0.7 the same place or person, 0.45 two random shots
SAME_LOOK = 0.7


def words(candidate: Candidate, cue_words: Mapping[str, str], *, max_cues: int = 2) -> str:
    """Say why a candidate matches, e.g. `"silhouette overlap 0.83, other place, 41 s apart"`.

    Args:
        candidate: as ranked.
        cue_words: name of a cue to the words an editor reads (`Flavor.cues`), in the order of telling; cues
            without words are left out.
        max_cues: how many of them are told; a sentence of six numbers is not read.
    """
    cues = told_cues(candidate, cue_words, max_cues=max_cues)
    told = [f"{cue_words[name]} {value_in_words(candidate.cues[name])}" for name in cues]
    look = candidate.cues.get(LOOK_CUE)
    if look is not None:
        told.append("other place" if look < OTHER_LOOK else "similar place" if look < SAME_LOOK else "same place")
    return ", ".join([*told, _distance_in_words(candidate)])


def told_cues(candidate: Candidate, cue_words: Mapping[str, str], *, max_cues: int = 2) -> list[str]:
    """Names of the cues that `words` tells."""
    return [name for name in cue_words if name in candidate.cues][:max_cues]


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
