"""The sensors and the schedule evaluated on a real library, catalogue and store."""

import os
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from matchcut_assets.definitions import build_resources
from matchcut_assets.stored_scores import TitlePair, catalogue_pairs
from sensors import nightly, stale_lists
from tests.graph import Graph

CONTENT = b"not a film, which no sensor notices"


def tick(graph: Graph, sensor: str, cursor: str | None = None) -> dg.SensorResult:
    """One evaluation of a sensor as the daemon makes it."""
    sensor_def = graph.defs.resolve_sensor_def(sensor)
    resources = build_resources(graph.settings, graph.home)
    names = {"new_videos": ("library", "catalogue", "store"), "stale_lists": ("catalogue", "store")}[sensor]
    with dg.build_sensor_context(instance=graph.instance, cursor=cursor) as context:
        result = sensor_def(context, **{name: resources[name] for name in names})
    assert isinstance(result, dg.SensorResult)
    return result


def put(graph: Graph, name: str) -> Path:
    path = graph.home.library / name
    path.write_bytes(CONTENT)
    return path


def test_a_new_file_becomes_a_partition_and_a_run_at_the_second_look(graph: Graph) -> None:
    put(graph, "Zwölf Töne.mp4")
    first = tick(graph, "new_videos")
    assert first.run_requests == []
    assert "waiting until unchanged: Zwölf Töne.mp4" in str(first.skip_reason)
    second = tick(graph, "new_videos", first.cursor)
    assert second.run_requests is not None
    assert [request.partition_key for request in second.run_requests] == ["zwolf-tone"]
    assert second.dynamic_partitions_requests is not None
    assert second.dynamic_partitions_requests[0].partition_keys == ["zwolf-tone"]
    third = tick(graph, "new_videos", second.cursor)
    assert not third.run_requests


def test_two_files_of_one_slug_are_refused_with_both_names_and_others_go_on(graph: Graph) -> None:
    for name in ("a b.mp4", "a-b.mp4", "c.mp4"):
        put(graph, name)
    second = tick(graph, "new_videos", tick(graph, "new_videos").cursor)
    assert sorted(str(request.partition_key) for request in second.run_requests or []) == ["a-b", "c"]
    third = tick(graph, "new_videos", second.cursor)
    assert "'a-b.mp4' and 'a b.mp4' both make the title 'a-b'" in str(third.skip_reason)


def test_an_empty_library_removes_nothing(graph: Graph) -> None:
    path = put(graph, "heat.mp4")
    cursor = tick(graph, "new_videos", tick(graph, "new_videos").cursor).cursor
    path.unlink()
    for _ in range(3):
        result = tick(graph, "new_videos", cursor)
        cursor = result.cursor
        assert not result.dynamic_partitions_requests
        assert "Is the disk mounted?" in str(result.skip_reason)


def test_a_vanished_file_takes_its_partition_with_it(graph: Graph) -> None:
    put(graph, "heat.mp4")
    put(graph, "ran.mp4")
    cursor = tick(graph, "new_videos", tick(graph, "new_videos").cursor).cursor
    (graph.home.library / "heat.mp4").unlink()
    result = tick(graph, "new_videos", tick(graph, "new_videos", cursor).cursor)
    assert result.dynamic_partitions_requests is not None
    assert [request.partition_keys for request in result.dynamic_partitions_requests] == [["heat"]]


@pytest.mark.weights
def test_a_title_that_the_command_line_matched_needs_no_run_and_stale_lists_are_noticed(
    graph: Graph, films: dict[str, Path]
) -> None:
    graph.add(films["one"], "one.mp4")
    graph.match("one")
    second = tick(graph, "new_videos", tick(graph, "new_videos").cursor)
    assert second.run_requests == []

    assert stale_lists.stale_titles(graph.catalogue, graph.store, graph.pipeline) == {}
    page = tick(graph, "stale_lists")
    assert [request.job_name for request in page.run_requests or []] == ["show_candidates"]
    graph.show()
    assert not tick(graph, "stale_lists").run_requests

    graph.add(films["two"], "two.mp4")
    graph.match("two")
    stale = tick(graph, "stale_lists")
    assert not stale.run_requests
    again = tick(graph, "stale_lists", stale.cursor)
    assert [(request.job_name, request.partition_key) for request in again.run_requests or []] == [
        ("list_candidates", "one")
    ]
    graph.list_again("one")
    assert stale_lists.stale_titles(graph.catalogue, graph.store, graph.pipeline) == {}
    features = graph.pipeline.flavors[0]
    pairs = catalogue_pairs(graph.catalogue, graph.store, features)
    one, two = (graph.catalogue.require(title) for title in ("one", "two"))
    assert {pair.key for pair in pairs} == {
        TitlePair.of(a, b, features).key for a, b in ((one, one), (one, two), (two, two))
    }


def test_the_schedule_asks_for_what_was_not_matched_yet(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(graph, "heat.mp4")
    growing = put(graph, "ran.mp4")

    def grow(seconds: float) -> None:
        with growing.open("ab") as file:
            file.write(b"more")
        os.utime(growing, ns=(1, 1))

    monkeypatch.setattr(nightly.time, "sleep", grow)
    resources = build_resources(graph.settings, graph.home)
    schedule = graph.defs.resolve_schedule_def("nightly")
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "instance")) as instance:
        night = datetime(2026, 11, 22, 2, tzinfo=UTC)
        # Left open, the context would reset Dagster's state whenever it is collected, in the middle of another test.
        with dg.build_schedule_context(instance=instance, scheduled_execution_time=night) as context:
            requests = list(schedule(context, **{name: resources[name] for name in ("library", "catalogue", "store")}))
        partitions = instance.get_dynamic_partitions("titles")
    assert [request.partition_key for request in requests if isinstance(request, dg.RunRequest)] == ["heat"]
    assert partitions == ["heat"]
