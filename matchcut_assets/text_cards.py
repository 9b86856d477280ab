"""`text_cards`: which shots are title cards, logos or credits, and which have big words over their picture."""

from pathlib import Path

import dagster as dg

from matchcut.text_cards import WEIGHTS, TextCardsParameters, find_text_cards
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.specs import asset_arguments
from matchcut_assets.title_stage import asset_with_weights
from resources.feature_store import Summary
from resources.model_weights import ModelWeights

COLUMNS = {
    "shot": ("int64", "index of the shot in its title; the same as in shots"),
    "lines": ("int64", "lines of text on an even ground; 0 for a shot that is no card"),
    "is_credits": ("bool", "whether there are as many lines as credits have"),
    "words_share": ("float32", "share of the picture that big words cover where it is no card"),
    "is_written_over": ("bool", "whether these words are what is seen"),
}


def mark_text_cards(
    inputs: TitleInputs, weights: ModelWeights, parameters: TextCardsParameters, folder: Path
) -> Summary:
    """Write which of a title's shots are text into `folder`."""
    cards = find_text_cards(inputs.proxy, inputs.shots, weights.paths(WEIGHTS), parameters)
    cards.save(folder)
    counts = {"cards": cards.is_card, "credits": cards.is_credits, "written_over": cards.is_written_over}
    return {"shots": len(cards), **{name: int(which.sum()) for name, which in counts.items()}}


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """The asset."""
    parameters = pipeline.settings.text_cards
    return asset_with_weights(
        pipeline,
        pipeline.text_cards,
        lambda inputs, weights, folder: mark_text_cards(inputs, weights, parameters, folder),
        asset_arguments(
            pipeline.text_cards,
            group="near_duplicates",
            kinds=("parquet", "opencv"),
            deps=("standardized_encode", "shots"),
            description="A row is a shot: whether its middle is text or a logo on an even ground, or a "
            "picture under big words, which no editor cuts to.",
            columns=COLUMNS,
        ),
    )
