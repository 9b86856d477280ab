from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from matchcut.cue_words import striking
from matchcut.flavors import FLAVORS
from matchcut.representations.appearance import Appearance
from matchcut.representations.flavor import Flavor, UsableShots
from matchcut.representations.moments import MomentParameters
from matchcut.top_k import PAIR_COLUMNS
from matchcut.top_k.words import MOST_REASONS
from tests.clips import make_proxy, texture


def test_names_are_unique():
    assert len({flavor.name for flavor in FLAVORS}) == len(FLAVORS)


@pytest.mark.parametrize("flavor", FLAVORS, ids=lambda flavor: flavor.name)
def test_a_flavor_says_what_the_graph_needs(flavor: Flavor):
    assert flavor.name.isidentifier()
    assert flavor.representation.isidentifier()
    assert flavor.title
    assert flavor.description.endswith(".")
    assert flavor.algorithm
    assert flavor.score_algorithm
    assert flavor.bytes_per_pair() > 0


@pytest.mark.parametrize("flavor", FLAVORS, ids=lambda flavor: flavor.name)
def test_parameters_are_a_frozen_dataclass_that_can_be_replaced(flavor: Flavor):
    assert is_dataclass(flavor.parameters)
    assert flavor.parameters.__dataclass_params__.frozen
    assert [f.name for f in fields(flavor)] == ["parameters"]  # type: ignore[arg-type]
    assert replace(flavor, parameters=flavor.parameters) == flavor  # type: ignore[type-var]


@pytest.mark.parametrize("flavor", FLAVORS, ids=lambda flavor: flavor.name)
def test_cues_do_not_hide_columns_of_the_pairs(flavor: Flavor):
    assert not flavor.cues.keys() & set(PAIR_COLUMNS)
    assert all(cue.label for cue in flavor.cues.values())


@pytest.mark.parametrize("flavor", FLAVORS, ids=lambda flavor: flavor.name)
def test_a_pair_that_agrees_in_everything_is_told_by_the_most_striking_words(flavor: Flavor):
    told = {cue.grades[0].words for cue in flavor.cues.values() if cue.grades}
    same = striking(dict.fromkeys(flavor.cues, 1.0), flavor.cues, most=MOST_REASONS)
    assert len(same) == 3
    assert set(same) <= told


@pytest.mark.parametrize("flavor", FLAVORS, ids=lambda flavor: flavor.name)
def test_words_of_a_cue_are_told_apart(flavor: Flavor):
    words = [grade.words for cue in flavor.cues.values() for grade in cue.grades]
    assert len(set(words)) == len(words)
    assert not any(character.isdigit() or character in ",;" for character in "".join(words))


def test_that_b_has_to_be_mirrored_is_always_told():
    (frame_match,) = (flavor for flavor in FLAVORS if flavor.name == "frame_match")
    assert "B mirrored" in striking(dict.fromkeys(frame_match.cues, 1.0), frame_match.cues, most=MOST_REASONS)
    assert "B mirrored" not in striking({"flopped": 0.0}, frame_match.cues, most=MOST_REASONS)


@pytest.mark.parametrize("per_side", [1, 2, 3])
def test_shots_may_be_cut_at_any_number_of_moments(per_side: int, tmp_path: Path):
    flavor = Appearance()
    still = texture(3, (320, 180))
    proxy = make_proxy(tmp_path, [np.roll(still, 4 * number, axis=1) for number in range(20)])
    few = replace(flavor, parameters=replace(flavor.parameters, moments=MomentParameters(per_side=per_side)))
    rows = few.represent(proxy, UsableShots(*np.array([[0, 1], [0, 10], [10, 20]])), {})
    assert rows.arrays["frame"].shape == (2, 2, per_side)
    (refined,) = few.refine(rows, rows, np.array([0]), np.array([1])).score
    assert few.score_block(rows, rows).score[0, 1] > 0
    assert refined > 0
