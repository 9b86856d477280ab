"""`shot_codes`: 32 bytes for every frame that `shot_embeddings` looked at, and the model that they come from."""

from pathlib import Path

import dagster as dg

from matchcut.near_duplicates.codes import ShotCodes
from matchcut.near_duplicates.model import CODE_LENGTHS, MODEL_SHA256, load_model
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import materialized
from matchcut_assets.specs import OWNERS, asset_arguments
from matchcut_assets.title_stage import TitleStage
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore, Summary
from resources.progress import Progress

MODEL_KEY = "near_duplicate_model"


def model_spec() -> dg.AssetSpec:
    """The trained model as a node of the lineage: it comes with the package, and no run makes it."""
    return dg.AssetSpec(
        MODEL_KEY,
        group_name="near_duplicates",
        kinds={"numpy"},
        owners=OWNERS,
        code_version=MODEL_SHA256[:16],
        description="What turns embeddings into codes and decides whether two shots show the same. Trained on made-up "
        "set-ups by `python -m matchcut.near_duplicates.training`; it comes with the package.",
        metadata={"sha256": MODEL_SHA256, "bits": ", ".join(map(str, CODE_LENGTHS))},
    )


def encode_frames(inputs: TitleInputs, folder: Path) -> Summary:
    """Write the codes of a title's frames into `folder`."""
    codes = ShotCodes.of(inputs.embeddings, load_model())
    codes.save(folder)
    return {"shots": codes.num_shots, "frames": len(codes), "bytes": codes.codes.nbytes}


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """The asset."""

    @dg.asset(
        **asset_arguments(
            pipeline.shot_codes,
            group="near_duplicates",
            kinds=("numpy",),
            deps=("shot_embeddings", MODEL_KEY),
            description="A row is a frame of a shot: a learned binary code of 256 bits, by which the whole catalogue "
            "is searched for the shot in milliseconds.",
        )
    )
    def shot_codes(
        context: dg.AssetExecutionContext, catalogue: Catalogue, store: FeatureStore, progress: Progress
    ) -> dg.MaterializeResult:
        stage = TitleStage(pipeline, pipeline.shot_codes, lambda inputs, folder, report: encode_frames(inputs, folder))
        stored = stage.materialize(context, catalogue, store, progress)
        return materialized(stored, {"dagster/row_count": stored.summary["frames"]})

    return shot_codes
