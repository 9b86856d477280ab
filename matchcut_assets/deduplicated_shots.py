"""`deduplicated_shots`: which shots go on, and why the others do not."""

from pathlib import Path

import dagster as dg

from matchcut.deduplicated_shots import DeduplicatedShots, DeduplicatedShotsParameters, deduplicate, require_usable
from matchcut.pictures import CONTACT_SHEET_BYTES, duplicate_groups_sheet, encode_jpeg
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import PICTURE_NAME, failures_named, materialized
from matchcut_assets.shot_codes import MODEL_KEY
from matchcut_assets.specs import asset_arguments
from matchcut_assets.title_stage import TitleStage
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore, Summary
from resources.progress import Progress

COLUMNS = {
    "shot": ("int64", "index of the shot in its title; the same as in shots"),
    "group": ("int64", "near-duplicates share one, in time order; -1 for a shot of its own"),
    "kept": ("bool", "whether the shot goes on to matching"),
    "similarity": ("float32", "chance that it shows the same as the kept shot of its group"),
    "reason": (
        "string",
        "why it is not kept: near-duplicate, too short, black, blank, blurred, credits, text card or words over the "
        "picture",
    ),
}


def mark_duplicates(inputs: TitleInputs, parameters: DeduplicatedShotsParameters, folder: Path) -> Summary:
    """Write which shots are kept, and a sheet of the groups, into `folder`."""
    proxy, shots = inputs.proxy, inputs.shots
    result = deduplicate(shots, inputs.embeddings, inputs.text_cards, proxy.seconds, parameters)
    result.save(folder)
    sheet = duplicate_groups_sheet(proxy, shots, result.group)
    (folder / PICTURE_NAME).write_bytes(encode_jpeg(sheet, max_bytes=CONTACT_SHEET_BYTES))
    reasons = [reason.split(" of ")[0] for reason in result.reason.tolist() if reason]
    counts = {reason.replace(" ", "_").replace("-", "_"): reasons.count(reason) for reason in sorted(set(reasons))}
    return {"shots": len(shots), "kept": int(result.kept.sum()), **counts}


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """The asset."""

    @dg.asset(
        **asset_arguments(
            pipeline.deduplicated_shots,
            group="near_duplicates",
            kinds=("parquet",),
            deps=("shots", "shot_embeddings", "text_cards", MODEL_KEY),
            description="A row is a shot, indices unchanged. Of near-duplicates the earliest usable one is kept; "
            "shots that are too short, black, blank, blurred or text are marked, not lost.",
            columns=COLUMNS,
        )
    )
    def deduplicated_shots(
        context: dg.AssetExecutionContext, catalogue: Catalogue, store: FeatureStore, progress: Progress
    ) -> dg.MaterializeResult:
        parameters = pipeline.settings.deduplicated_shots
        stage = TitleStage(
            pipeline,
            pipeline.deduplicated_shots,
            lambda inputs, folder, report: mark_duplicates(inputs, parameters, folder),
        )
        stored = stage.materialize(context, catalogue, store, progress)
        with failures_named(progress, context.partition_key, pipeline.deduplicated_shots.name):
            require_usable(context.partition_key, DeduplicatedShots.load(stored.folder))
        return materialized(stored, {"dagster/row_count": stored.summary["shots"]})

    return deduplicated_shots
