from dataclasses import replace

import pytest

from matchcut.cue_words import CueWords, Grade
from matchcut.top_k import duration_in_words, value_in_words, words
from tests.candidates import candidate_of

CUES = {
    "iou": CueWords("overlap", (Grade("silhouettes overlap well", least=0.7), Grade("silhouettes overlap", least=0.5))),
    "head": CueWords("nearness of faces", (Grade("faces in the same place", least=0.9),)),
    "area": CueWords("area"),
}


def told(cues, titles=("a", "a")):
    return words(replace(candidate_of(1, titles=titles), cues=cues), CUES)


def test_words_say_what_stands_out_then_the_place_and_how_far():
    cues = {"iou": 0.83, "head": 0.95, "area": 0.4, "look": 0.3, "seconds_apart": 41.2}
    assert told(cues) == "silhouettes overlap well, faces in the same place; other place; 41 s apart"
    assert told(cues | {"iou": 0.6}) == "faces in the same place, silhouettes overlap; other place; 41 s apart"


def test_words_tell_no_figures_of_cues():
    assert told({"iou": 0.5, "area": 0.25}, ("a", "b")) == "silhouettes overlap; two titles"


def test_words_admit_that_nothing_stands_out():
    assert told({"iou": 0.49, "look": 0.3}, ("a", "b")) == "nothing stands out; other place; two titles"


@pytest.mark.parametrize(
    ("look", "place"), [(-0.2, "other"), (0.59, "other"), (0.6, "similar"), (0.69, "similar"), (0.7, "same")]
)
def test_the_likeness_of_the_shots_says_whether_the_place_is_the_same(look, place):
    assert told({"iou": 0.9, "look": look}, ("a", "b")) == f"silhouettes overlap well; {place} place; two titles"


@pytest.mark.parametrize(("value", "expected"), [(0.826, "0.83"), (2.0, "2"), (-0.5, "-0.50")])
def test_figures_have_two_decimals_and_counts_none(value, expected):
    assert value_in_words(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3900, "1 h 5 min"),
    ],
)
def test_durations_are_told_as_people_do(seconds, expected):
    assert duration_in_words(seconds) == expected
