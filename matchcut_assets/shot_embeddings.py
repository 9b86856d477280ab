"""`shot_embeddings`: what some frames of every shot look like, as vectors."""

from pathlib import Path

import dagster as dg

from matchcut.shot_embeddings import WEIGHTS, ShotEmbeddingsParameters, embed_shots
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.specs import asset_arguments
from matchcut_assets.title_stage import asset_with_weights
from resources.feature_store import Summary
from resources.model_weights import ModelWeights


def embed(inputs: TitleInputs, weights: ModelWeights, parameters: ShotEmbeddingsParameters, folder: Path) -> Summary:
    """Write the embeddings of a title's shots into `folder`."""
    embeddings = embed_shots(inputs.proxy, inputs.shots, weights.paths(WEIGHTS), parameters)
    embeddings.save(folder)
    frames, dimensions = embeddings.vectors.shape
    return {"shots": len(embeddings), "frames": frames, "dimensions": dimensions}


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """The asset."""
    parameters = pipeline.settings.shot_embeddings
    return asset_with_weights(
        pipeline,
        pipeline.shot_embeddings,
        lambda inputs, weights, folder: embed(inputs, weights, parameters, folder),
        asset_arguments(
            pipeline.shot_embeddings,
            group="near_duplicates",
            kinds=("numpy", "torch"),
            deps=("standardized_encode", "shots"),
            description="A row is a shot: unit vectors of EfficientNet-Lite0 for some of its frames, and how bright, "
            "even and sharp these are.",
        ),
    )
