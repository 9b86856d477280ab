"""The representation of each flavor, by one factory: a new flavor needs no code here."""

from pathlib import Path

import dagster as dg

from matchcut.deduplicated_shots import usable_shots
from matchcut.pictures import CONTACT_SHEET_BYTES, encode_jpeg
from matchcut.representations.flavor import Flavor
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import FlavorFeatures, Pipeline
from matchcut_assets.remember import PICTURE_NAME
from matchcut_assets.specs import asset_arguments
from matchcut_assets.title_stage import asset_with_weights
from resources.feature_store import Summary
from resources.model_weights import ModelWeights

PICTURED_SHOTS = 24


def represent(inputs: TitleInputs, flavor: Flavor, weights: ModelWeights, folder: Path) -> Summary:
    """Write a flavor's representation of a title's kept shots, and pictures of some, into `folder`."""
    kept = usable_shots(inputs.shots, inputs.deduplicated)
    proxy = inputs.proxy_with_sound if flavor.reads_sound else inputs.proxy
    representation = flavor.represent(proxy, kept, weights.paths(flavor.weights))
    representation.save(folder)
    step = max(1, -(-len(representation) // PICTURED_SHOTS))
    rows = range(0, len(representation), step)
    if rows:
        picture = flavor.picture(proxy, representation, rows)
        (folder / PICTURE_NAME).write_bytes(encode_jpeg(picture, max_bytes=CONTACT_SHEET_BYTES))
    return {"kept_shots": len(kept), "with_something_to_match": len(representation)}


def build(pipeline: Pipeline, features: FlavorFeatures) -> dg.AssetsDefinition:
    """The asset of one flavor."""
    flavor = features.flavor
    return asset_with_weights(
        pipeline,
        features.representation,
        lambda inputs, weights, folder: represent(inputs, flavor, weights, folder),
        asset_arguments(
            features.representation,
            group=flavor.name,
            kinds=("numpy", "opencv"),
            deps=tuple(feature.name for feature in features.representation.made_from),
            description=flavor.description,
        ),
        rows="with_something_to_match",
        content_of=features.content_of,
    )
