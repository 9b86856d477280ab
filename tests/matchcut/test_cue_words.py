import re

import pytest

from matchcut.cue_words import CueWords, Grade, labels, striking

OVERLAP = CueWords("overlap of masks", (Grade("overlap well", least=0.7), Grade("overlap", least=0.5)))
FACES = CueWords("nearness of faces", (Grade("faces in one place", least=0.9),))
LEVEL = CueWords("decibels between them", (Grade("equally loud", most=3),))
CUES = {"overlap": OVERLAP, "faces": FACES, "level": LEVEL, "area": CueWords("share of the picture")}


@pytest.mark.parametrize(("value", "place"), [(1, 0), (0.7, 0), (0.69, 1), (0.5, 1), (0.49, None), (-1, None)])
def test_the_first_grade_that_holds_a_value_counts(value, place):
    assert OVERLAP.place_of(value) == place


def test_what_is_striking_by_being_little_is_told_too():
    assert striking({"level": 0.0}, CUES, most=3) == ["equally loud"]
    assert striking({"level": 3.1}, CUES, most=3) == []


def test_the_more_striking_is_told_first_and_equals_in_the_order_of_the_cues():
    assert striking({"overlap": 0.6, "faces": 0.95}, CUES, most=3) == ["faces in one place", "overlap"]
    assert striking({"faces": 0.95, "overlap": 0.8}, CUES, most=3) == ["overlap well", "faces in one place"]


def test_no_more_is_told_than_asked_for():
    assert striking({"overlap": 0.6, "faces": 0.95, "level": 1}, CUES, most=2) == ["faces in one place", "equally loud"]


def test_what_is_not_known_or_has_no_words_is_not_told():
    assert striking({"area": 1.0, "unheard": 1.0}, CUES, most=3) == []


def test_labels_are_those_of_all_cues_in_their_order():
    assert list(labels(CUES)) == list(CUES)
    assert labels(CUES)["area"] == "share of the picture"


@pytest.mark.parametrize("arguments", [("", 0.0, 1.0), ("overlap", 0.5, 0.4)])
def test_a_grade_that_is_never_told_is_refused(arguments):
    with pytest.raises(ValueError, match=re.escape(f"got {arguments[0]!r} from {arguments[1]} to {arguments[2]}")):
        Grade(*arguments)
