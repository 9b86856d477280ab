"""`shots`: the table of a title's shots."""

from pathlib import Path

import dagster as dg

from matchcut.pictures import CONTACT_SHEET_BYTES, contact_sheet, encode_jpeg
from matchcut.proxy import Proxy
from matchcut.shots import ShotDetector, ShotTable, detect_shots
from matchcut_assets.inputs import TitleInputs
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.remember import PICTURE_NAME
from matchcut_assets.specs import asset_arguments, check_of_title
from matchcut_assets.title_stage import asset_with_weights
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore, Summary
from resources.model_weights import ModelWeights

COLUMNS = {
    "shot": ("int64", "index of the shot in its title, from 0"),
    "start_frame": ("int64", "first frame, counted in the source from 0"),
    "stop_frame": ("int64", "one past the last frame"),
    "usable_start_frame": ("int64", "first frame that belongs to no transition"),
    "usable_stop_frame": ("int64", "one past the last frame that belongs to no transition"),
    "transition_in": ("string", "how the shot begins: start, cut, dissolve or fade"),
    "confidence": ("float32", "the detector's belief in the boundary, 0 to 1"),
}


def find_shots(proxy: Proxy, detector: ShotDetector, weights: ModelWeights, folder: Path) -> Summary:
    """Write the table of shots and a contact sheet into `folder`."""
    table = detect_shots(proxy, detector, weights.paths(detector.weights))
    table.save(folder)
    (folder / PICTURE_NAME).write_bytes(encode_jpeg(contact_sheet(proxy, table), max_bytes=CONTACT_SHEET_BYTES))
    kinds = table.transition_in.tolist()
    return {"shots": len(table), **{f"{kind}s": kinds.count(kind) for kind in ("cut", "dissolve", "fade")}}


def build(pipeline: Pipeline) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The asset, and the check that no frame is without a shot."""
    detector = pipeline.settings.detector
    shots = asset_with_weights(
        pipeline,
        pipeline.shots,
        lambda inputs, weights, folder: find_shots(inputs.proxy, detector, weights, folder),
        asset_arguments(
            pipeline.shots,
            group="shots",
            kinds=("parquet", "torch" if detector.weights else "opencv"),
            deps=("standardized_encode",),
            description="A row is a shot: a run of frames from one camera take. Shots follow each other without gaps.",
            columns=COLUMNS,
        ),
    )

    @check_of_title(shots, "The shots cover the title from its first frame to its last.", blocking=True)
    def shots_cover_title(
        context: dg.AssetCheckExecutionContext, catalogue: Catalogue, store: FeatureStore
    ) -> dg.AssetCheckResult:
        inputs = TitleInputs(store, pipeline, catalogue.require(context.partition_key))
        table: ShotTable = inputs.shots
        num_frames = inputs.proxy.record.num_frames
        return dg.AssetCheckResult(
            passed=table.num_frames == num_frames,
            metadata={"last_stop_frame": table.num_frames, "frames": num_frames},
        )

    return [shots, shots_cover_title]
