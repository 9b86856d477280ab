"""Settings change what they name and nothing else; what does not exist is refused with what does."""

import re
from pathlib import Path

import pytest

from matchcut.errors import MatchcutError
from matchcut.flavors import FLAVORS
from matchcut.top_k import RankingWeights
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.settings import Settings, load_settings, settings_of


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "matchcut.toml") == Settings()


def test_every_kind_of_section_is_read() -> None:
    settings = settings_of(
        {
            "library": {"root": "memory://films"},
            "shots": {"detector": "full"},
            "fast": {"cut_threshold": 0.6},
            "top_k": {"k": 7, "weights": {"place": 0.2}},
            "delivery": {"played_on_page": 9},
            "frame_match": {"max_instances": 2, "finder": "mask_rcnn", "mask_rcnn": {"categories": ["dog", "car"]}},
        }
    )
    assert settings.library.root == "memory://films"
    assert settings.detector.name == "full"
    assert settings.detectors["fast"].parameters.cut_threshold == 0.6
    assert settings.top_k.k == 7
    assert settings.top_k.weights == RankingWeights(place=0.2)
    assert settings.delivery.played_on_page == 9
    assert settings.flavors[0].parameters.max_instances == 2
    assert settings.flavors[0].parameters.mask_rcnn.categories == ("dog", "car")
    assert "mask_rcnn" in settings.flavors[0].weights


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"shot": {}}, "there is no section ['shot']; sections are"),
        ({"shots": {"detectr": "fast"}}, "[shots] has no ['detectr']; it has ['detector']"),
        ({"top_k": {"k": "many"}}, "[top_k] k: "),
        ({"top_k": {"weights": {"places": 0.2}}}, "[top_k.weights] has no ['places']; it has ['agreement'"),
        ({"top_k": {"weights": {"place": 2}}}, "the weight place must lie in [0, 1], got 2"),
        ({"delivery": {"played_megabytes": -1}}, "played_megabytes must be at least 0"),
        ({"top_k": 3}, "[top_k] has no 3"),
        ({"dagster": {"executor": "celery"}}, "[dagster] executor: "),
        ({"frame_match": {"finder": "yolo"}}, "[frame_match] finder: "),
        ({"frame_match": {"mask_rcnn": {"categories": ["unicorn"]}}}, "categories has ['unicorn']; choose of"),
    ],
)
def test_what_does_not_exist_is_refused(sections: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        settings_of(sections)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "matchcut.toml").write_text("[shots")
    with pytest.raises(MatchcutError, match=re.escape("Correct the file, or remove it")):
        load_settings(tmp_path / "matchcut.toml")


LISTS = {f"{flavor.name}/top_k" for flavor in FLAVORS}


def versions(**sections: dict[str, object]) -> dict[str, str]:
    pipeline = Pipeline(settings_of(sections))
    lists = [each for flavor in pipeline.flavors for each in (flavor.pair_scores, flavor.top_k)]
    return {feature.name: feature.version for feature in (*pipeline.of_one_title, *lists)}


@pytest.mark.parametrize(
    ("sections", "changed"),
    [
        ({"library": {"root": "elsewhere"}, "dagster": {"executor": "multiprocess"}}, set()),
        ({"top_k": {"k": 7}}, LISTS),
        ({"top_k": {"weights": {"place": 0.2}}}, LISTS),
        (
            {"frame_match": {"max_instances": 2}},
            # A list asks whether the other flavors agree.
            {"frame_match/silhouettes", "frame_match/pair_scores", *LISTS},
        ),
        (
            {"frame_match": {"finder": "mask_rcnn"}},
            {"frame_match/silhouettes", "frame_match/pair_scores", *LISTS},
        ),
        ({"standardized_encode": {"height": 240}}, versions().keys() - {"standardized_sound"}),
    ],
)
def test_a_setting_changes_the_versions_that_depend_on_it(
    sections: dict[str, dict[str, object]], changed: set[str]
) -> None:
    before, after = versions(), versions(**sections)
    assert {name for name in before if before[name] != after[name]} == changed
