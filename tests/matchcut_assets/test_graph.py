"""The whole graph on short films: what is computed, what is remembered, what fails alone."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from matchcut.deduplicated_shots import DeduplicatedShotsParameters
from matchcut.flavors import FLAVORS
from matchcut_assets import listing
from matchcut_assets.settings import ShotOptions, Store
from tests import clips
from tests.graph import Graph, Run, files_of, graph_in

pytestmark = pytest.mark.weights

REPRESENTATIONS = {f"{flavor.name}/{flavor.representation}" for flavor in FLAVORS}
OF_ONE_TITLE = {
    "standardized_encode",
    "standardized_sound",
    "shots",
    "shot_embeddings",
    "text_cards",
    "shot_codes",
    "deduplicated_shots",
    *REPRESENTATIONS,
}
LISTS = {f"{flavor.name}/top_k" for flavor in FLAVORS}
PER_FLAVOR = {f"{flavor.name}/pair_scores" for flavor in FLAVORS} | LISTS
DELIVERY = {"played_cuts", "timelines"}
ASSETS = {"source_video", "repeats", *OF_ONE_TITLE, *PER_FLAVOR, *DELIVERY}


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory, films: dict[str, Path]) -> Iterator[tuple[Graph, Run]]:
    """One film that went through the whole graph; tests that change nothing share it."""
    folder = tmp_path_factory.mktemp("matched")
    with graph_in(folder) as graph:
        graph.add(films["one"], "one.mp4")
        yield graph, graph.match("one")


def test_every_asset_is_materialized_and_computed(matched: tuple[Graph, Run]) -> None:
    _, first = matched
    assert first.result.success, first.failures
    assert set(first.how) == ASSETS
    assert first.computed == ASSETS - {"source_video", "repeats"}  # there is no other title yet


def test_a_second_materialization_computes_nothing(matched: tuple[Graph, Run]) -> None:
    graph, _ = matched
    before = files_of(graph.home.store)
    again = graph.match("one")
    assert again.result.success
    assert again.computed == set()
    assert files_of(graph.home.store) == before


def test_materializations_say_what_they_counted_and_show_pictures(matched: tuple[Graph, Run]) -> None:
    graph, _ = matched
    metadata = graph.match("one").metadata
    assert metadata["standardized_encode"]["picture"] == "640x360"
    assert metadata["shots"]["shots"] == metadata["shots"]["dagster/row_count"] > 1
    for asset in ("shots", "deduplicated_shots", "action_match/optical_flow", "action_match/top_k"):
        assert str(metadata[asset]["picture"]).startswith("![picture](data:image/jpeg;base64,"), asset
    for asset in OF_ONE_TITLE:
        assert float(str(metadata[asset]["seconds_saved"])) > 0, asset


def test_lists_say_whether_the_other_flavors_agree(matched: tuple[Graph, Run]) -> None:
    graph, _ = matched
    found = listing.best(graph.store, graph.pipeline, graph.catalogue, flavor="action_match", k=10)["action_match"]
    assert found
    assert all(0 <= each.cues["agreement"] <= 1 for each in found)
    assert any(each.cues["agreement"] > 0 for each in found)


def test_data_versions_are_the_stores_keys(matched: tuple[Graph, Run]) -> None:
    graph, _ = matched
    for feature in graph.pipeline.of_one_title:
        event = graph.instance.get_latest_materialization_event(dg.AssetKey(feature.name.split("/")))
        assert event is not None
        assert event.asset_materialization is not None
        tags = event.asset_materialization.tags or {}
        entry = graph.catalogue.require("one")
        digest = entry.sound_digest if "sound" in feature.name else entry.digest
        assert tags["dagster/data_version"] == f"{feature.version}-{digest[:16]}"
        assert tags["dagster/code_version"] == feature.version


def test_another_copy_of_the_content_computes_nothing_of_one_title(
    matched: tuple[Graph, Run], films: dict[str, Path]
) -> None:
    graph, _ = matched
    graph.add(films["one"], "Renamed Copy.mp4")
    copy = graph.match("renamed-copy")
    assert copy.result.success
    # Its list is its own, since a list names its titles.
    assert copy.computed <= {*LISTS, "timelines"}


def test_another_dub_computes_what_is_heard_and_nothing_that_is_seen(graph: Graph, tmp_path: Path) -> None:
    clips.make_clip(tmp_path / "film.mp4", [clips.Shot(40, 1), clips.Shot(40, 2)], audio=True)
    path = graph.add(tmp_path / "film.mp4", "film.mp4")
    assert graph.match("film").result.success
    sound = ("-f", "lavfi", "-i", "sine=frequency=900:duration=3.2")
    path.unlink()
    clips.ffmpeg("-i", tmp_path / "film.mp4", *sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", path)
    dubbed = graph.match("film")
    assert dubbed.result.success
    assert dubbed.computed - {"played_cuts"} == {
        "standardized_sound",
        "sound_match/sound",
        "sound_match/pair_scores",
        *LISTS,
        "timelines",
    }
    assert graph.match("film").computed == set()


def test_a_retouched_file_computes_nothing(matched: tuple[Graph, Run]) -> None:
    graph, _ = matched
    (graph.home.library / "one.mp4").touch()
    assert graph.match("one").computed == set()


def test_a_new_parameter_recomputes_its_stage_and_what_depends_on_it(matched: tuple[Graph, Run]) -> None:
    graph, _ = matched
    changed = graph.with_settings(deduplicated_shots=replace(DeduplicatedShotsParameters(), min_seconds=0.1))
    # A film of a cut depends on its frames alone: only those are new that the new list has more.
    assert changed.match("one").computed - {"played_cuts"} == {
        "deduplicated_shots",
        *REPRESENTATIONS,
        *PER_FLAVOR,
        "timelines",
    }
    assert graph.match("one").computed == set()


def test_another_shot_detector_is_another_version_of_all_that_uses_shots(graph: Graph) -> None:
    other = graph.with_settings(shots=ShotOptions(detector="full"))
    assert other.pipeline.standardized_encode.version == graph.pipeline.standardized_encode.version
    for feature, other_feature in zip(graph.pipeline.of_one_title[2:], other.pipeline.of_one_title[2:], strict=True):
        assert feature.version != other_feature.version, feature.name


def test_a_new_title_is_scored_against_the_old_one_and_nothing_old_is_computed(
    graph: Graph, films: dict[str, Path]
) -> None:
    graph.add(films["one"], "one.mp4")
    graph.match("one")
    before = files_of(graph.home.store)
    graph.add(films["two"], "two.mp4")
    second = graph.match("two")
    new = files_of(graph.home.store) - before
    digests = {name: graph.catalogue.require(name).digest for name in ("one", "two")}
    assert second.metadata["action_match/pair_scores"]["titles_compared"] == ["one", "two"]
    assert not [path for path in new if path.endswith(f"/{digests['one']}/record.json")]
    assert [path for path in new if "+" in path and digests["one"] in path and digests["two"] in path]
    assert graph.list_again("one").computed - {"played_cuts"} == {*LISTS, "timelines"}


@pytest.mark.parametrize(
    ("make", "stage", "reason"),
    [
        (clips.empty_file, "source_video", "empty"),
        (clips.text_file, "source_video", "bad.mp4"),
        (clips.audio_only, "source_video", "no video"),
        (clips.one_frame, "source_video", "frame"),
        (clips.four_by_four, "source_video", "4×4"),
        (clips.black_second, "deduplicated_shots", "black"),
    ],
)
def test_a_bad_video_fails_with_its_name_and_a_reason_and_leaves_no_debris(
    graph: Graph, tmp_path: Path, make: Callable[[Path], Path], stage: str, reason: str
) -> None:
    video = make(tmp_path / "bad.mp4")
    graph.add(video, "bad.mp4")
    run = graph.match("bad")
    assert not run.result.success
    assert list(run.failures) == [stage]
    assert "bad" in run.failures[stage]
    assert reason in run.failures[stage]
    assert not list((graph.home.store / "tmp").glob("*"))
    stored = {path.rsplit("/", 1)[0] for path in files_of(graph.home.store) if path.startswith("features/")}
    assert all((graph.home.store / folder / "record.json").exists() for folder in stored)
    # Only the marks of a title with nothing to match are worth keeping; they are stored whole, and then it fails.
    assert stage == "deduplicated_shots" or not stored


def test_a_truncated_video_is_named(graph: Graph, tmp_path: Path) -> None:
    graph.add(clips.truncated(tmp_path / "cut-off.mkv"), "cut-off.mkv")
    run = graph.match("cut-off")
    assert len(run.failures) == 1
    assert "cut-off" in next(iter(run.failures.values()))


def test_a_film_without_any_cut_is_one_shot_and_has_no_candidates(graph: Graph, tmp_path: Path) -> None:
    clips.make_clip(tmp_path / "still.mp4", [clips.Shot(50)], number=False)
    graph.add(tmp_path / "still.mp4", "still.mp4")
    run = graph.match("still")
    assert run.result.success, run.failures
    assert run.metadata["shots"]["shots"] == 1
    assert run.metadata["action_match/top_k"]["candidates"] == 0


def test_a_file_that_vanishes_during_the_run_is_named(graph: Graph, films: dict[str, Path]) -> None:
    path = graph.add(films["one"], "one.mp4")
    job = graph.defs.resolve_job_def("match_title")
    graph.instance.add_dynamic_partitions("titles", ["one"])
    first = job.execute_in_process(
        instance=graph.instance, partition_key="one", asset_selection=[dg.AssetKey("source_video")]
    )
    assert first.success
    path.unlink()
    run = graph.match("one")
    assert "no video of this title" in run.failures["source_video"]


def test_a_file_that_is_replaced_between_two_stages_is_noticed(graph: Graph, films: dict[str, Path]) -> None:
    path = graph.add(films["one"], "one.mp4")
    graph.instance.add_dynamic_partitions("titles", ["one"])
    job = graph.defs.resolve_job_def("match_title")
    job.execute_in_process(instance=graph.instance, partition_key="one", asset_selection=[dg.AssetKey("source_video")])
    path.write_bytes(films["two"].read_bytes())
    second = job.execute_in_process(
        instance=graph.instance,
        partition_key="one",
        asset_selection=[dg.AssetKey("standardized_encode")],
        raise_on_error=False,
    )
    assert not second.success
    assert "standardized_encode" not in {path.split("/")[1] for path in files_of(graph.home.store) if "/" in path}


def test_missing_weights_name_the_command_that_fetches_them(
    graph: Graph, films: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MATCHCUT_CACHE", str(tmp_path / "empty"))
    graph.add(films["one"], "one.mp4")
    run = graph.match("one")
    assert "make setup" in run.failures["shot_embeddings"]


def test_wrong_weights_are_refused(
    graph: Graph, films: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from resources.model_weights import ModelWeights

    real = ModelWeights().path("efficientnet_lite0")
    (tmp_path / "cache" / real.parent.name).mkdir(parents=True)
    (tmp_path / "cache" / real.parent.name / real.name).write_bytes(b"something else")
    monkeypatch.setenv("MATCHCUT_CACHE", str(tmp_path / "cache"))
    graph.add(films["one"], "one.mp4")
    run = graph.match("one")
    assert "is not the file that the manifest names" in run.failures["shot_embeddings"]


def test_a_full_disk_is_named_leaves_no_debris_and_is_recovered_from(
    graph: Graph, films: dict[str, Path], small_disk: Path
) -> None:
    graph.add(films["one"], "one.mp4")
    full = graph.with_settings(store=Store(root=str(small_disk / "store")))
    (small_disk / "filler").write_bytes(bytes(16_500_000))
    run = full.match("one")
    assert list(run.failures) == ["standardized_encode"]
    assert "full" in run.failures["standardized_encode"]
    stored = {path.split("/")[1] for path in files_of(small_disk / "store") if not path.startswith("titles/")}
    assert stored <= {"standardized_sound"}  # that of a silent film is a line of text
    (small_disk / "filler").unlink()
    assert full.match("one").how["standardized_encode"] == "computed"


def test_the_page_shows_the_library(matched: tuple[Graph, Run]) -> None:
    graph, _ = matched
    assert graph.show().result.success
    page = (graph.home.page / "index.html").read_text()
    assert "one" in page


def test_definitions_load_and_every_asset_is_described(graph: Graph) -> None:
    dg.Definitions.validate_loadable(graph.defs)
    nodes = graph.defs.resolve_asset_graph()
    keys = {key.to_user_string() for key in nodes.get_all_asset_keys()}
    assert keys == ASSETS | {"candidate_page", "near_duplicate_model"}
    for key in nodes.get_all_asset_keys():
        node = nodes.get(key)
        assert node.description
        assert node.group_name != "default"
        assert node.owners
        assert node.kinds
        assert node.code_version or key == dg.AssetKey("candidate_page")
        assert node.partitions_def is None or node.partitions_def == dg.DynamicPartitionsDefinition(name="titles")


def test_top_level_rooms_are_this_repositorys() -> None:
    import resources
    import sensors

    root = Path(__file__).parents[2]
    assert Path(str(resources.__file__)).parent == root / "resources"
    assert Path(str(sensors.__file__)).parent == root / "sensors"
