"""What leaves the graph: played cuts, timelines and the page, on films whose frames carry their numbers."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import dagster as dg
import opentimelineio as otio
import pytest

from matchcut.cut_events import DEFAULT_SECONDS
from matchcut.errors import MatchcutError
from matchcut.ffmpeg import find_ffmpeg
from matchcut.played_cut import PLAYED_NAME, Take, first_frame_seconds, play_cut
from matchcut_assets.delivery import Candidates, Desk, Player, best_of, played_summary
from matchcut_assets.export import Exported, ExportFormat, export
from matchcut_assets.played_cuts import best_events
from matchcut_assets.settings import DeliveryOptions
from matchcut_assets.top_k import load_lists, stored_list_keys
from resources.feature_store import Summary
from tests.clips import Shot, edited_shots, make_clip, read_frame_number
from tests.graph import Graph, Run, graph_in

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Graph, dict[str, Run]]]:
    """Two films with numbered frames, matched, and their page."""
    folder = tmp_path_factory.mktemp("delivery")
    with graph_in(folder) as graph:
        runs = {}
        for seed, name in enumerate(("one", "two")):
            options = ("-timecode", "01:00:00:00") if name == "two" else ()
            path = folder / f"{name}.mp4"
            make_clip(path, edited_shots(seed), size=(320, 180), audio=name == "one", options=options)
            graph.add(path, f"{name}.mp4")
            runs[name] = graph.match(name)
        runs["again"] = graph.list_again("one")
        runs["page"] = graph.show()
        yield graph, runs


def desk_of(graph: Graph) -> Desk:
    return Desk.of(graph.library, graph.store, graph.pipeline, graph.catalogue)


def lists_of(graph: Graph, title: str) -> Candidates:
    keys = stored_list_keys(graph.catalogue, graph.store, graph.pipeline, title)
    return load_lists(graph.store, graph.pipeline, title, keys)


def exported(graph: Graph, format_: str, out: Path, **changes: object) -> Exported:
    """An export of the lists of `one`, or of other `candidates`."""
    arguments = {
        "candidates": lists_of(graph, "one"),
        **{"name": "cuts", "seconds": DEFAULT_SECONDS, "is_relative": False, "titles": ["one", "two"]},
        **changes,
    }
    return export(desk_of(graph), format_=ExportFormat(format_), out=out, **arguments)  # type: ignore[arg-type]


def numbers_in(film: Path) -> list[int]:
    with av.open(str(film)) as container:
        return [read_frame_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_every_delivery_asset_is_there_with_the_list(matched: tuple[Graph, dict[str, Run]]) -> None:
    _, runs = matched
    assert all(run.result.success for run in runs.values()), [run.failures for run in runs.values()]
    assert {"played_cuts", "timelines"} <= set(runs["again"].how)
    assert runs["again"].metadata["played_cuts"]["not_playable"] == []


def test_played_cuts_show_the_candidates_frames(matched: tuple[Graph, dict[str, Run]]) -> None:
    graph, _ = matched
    desk, (flavor, several) = desk_of(graph), next((k, v) for k, v in lists_of(graph, "one").items() if v)
    with Player(desk) as player:
        for event in desk.events({flavor: several[:3]}, 2.0):
            numbers = numbers_in(player.play(event).folder / PLAYED_NAME)
            cut = event.a.stop_frame - event.a.start_frame
            assert numbers[cut - 1 : cut + 1] == [event.candidate.frame_a, event.candidate.frame_b]


def test_a_second_materialization_remembers_all_of_it(matched: tuple[Graph, dict[str, Run]]) -> None:
    graph, _ = matched
    assert graph.list_again("one").computed == set()
    assert graph.show().how == {"candidate_page": "remembered"}


def check_of(run: Run) -> dg.AssetCheckEvaluation:
    return next(each for each in run.result.get_asset_check_evaluations() if each.check_name == "cuts_are_frame_exact")


def test_the_check_passes_and_a_film_of_a_neighbouring_frame_fails_it(matched: tuple[Graph, dict[str, Run]]) -> None:
    graph, runs = matched
    assert check_of(runs["again"]).passed
    desk = desk_of(graph)
    event = next(each for each in best_events(desk, graph.catalogue, "one") if each.a.start_frame > 0)
    ffmpeg = find_ffmpeg()

    def shifted(folder: Path) -> Summary:
        takes = []
        for side in (event.a, event.b):
            path, entry = graph.home.library / f"{side.media.title}.mp4", desk.entries[side.media.title]
            first = first_frame_seconds(path, entry.source, ffmpeg)
            proxy = desk.inputs(side.media.title).proxy
            takes.append(Take(path, entry.source, proxy, side.start_frame, side.stop_frame, first))
        a, b = takes
        one_earlier = replace(a, start_frame=a.start_frame - 1, stop_frame=a.stop_frame - 1)
        play_cut(one_earlier, b, folder / PLAYED_NAME, graph.settings.played_cut, ffmpeg)
        return played_summary(folder / PLAYED_NAME, a, b, sought=True)

    digest, feature = desk.played_digest(event), graph.pipeline.played_cut
    desk.store.get_or_compute(digest, feature, shifted, force=True)
    failed = check_of(graph.list_again("one"))
    assert not failed.passed
    place = f"{event.candidate.flavor} {event.candidate.rank}"
    assert f"{place}: A is off by -1" in failed.metadata["shifted"].value

    film = desk.store.require(digest, feature, "one").folder / PLAYED_NAME
    film.write_bytes(film.read_bytes()[:-1])  # what is damaged is made again, and compared again
    assert check_of(graph.list_again("one")).passed


def test_lists_link_to_the_page(matched: tuple[Graph, dict[str, Run]]) -> None:
    graph, runs = matched
    page = runs["again"].metadata["action_match/top_k"]["page"]
    assert page == (graph.home.page / "index.html").as_uri()
    data = json.loads(re.search(r'id="data">(.*?)</script>', (graph.home.page / "index.html").read_text(), re.S)[1])  # type: ignore[index]
    assert any(card["played"] for card in data)
    assert all((graph.home.page / card["played"]).exists() for card in data if card["played"])


def test_stored_timelines_refer_to_the_original_files(matched: tuple[Graph, dict[str, Run]]) -> None:
    graph, runs = matched
    folder = Path(str(runs["again"].metadata["timelines"]["path"]))
    assert {path.suffix for path in folder.iterdir()} >= {".otio", ".edl", ".fcpxml", ".xml", ".csv"}
    timeline = otio.adapters.read_from_file(str(folder / "one.otio"))
    urls = {clip.media_reference.target_url for clip in timeline.find_clips()}
    assert urls <= {(graph.home.library / f"{name}.mp4").resolve().as_uri() for name in ("one", "two")}


@pytest.mark.parametrize("format_", ["otio", "edl", "fcpxml", "xmeml", "csv", "json"])
def test_files_are_named_absolutely_or_relative_to_the_export(
    matched: tuple[Graph, dict[str, Run]], tmp_path: Path, format_: str
) -> None:
    graph, _ = matched
    absolute = exported(graph, format_, tmp_path / "new" / f"cuts.{format_}").files[0].read_text()
    assert str(graph.home.library / "one.mp4") in absolute
    relative = exported(graph, format_, graph.home.path / f"cuts.{format_}", is_relative=True).files[0].read_text()
    assert "library/one.mp4" in relative
    assert str(graph.home.library) not in relative


def test_a_reel_holds_every_cut_one_after_the_other(matched: tuple[Graph, dict[str, Run]], tmp_path: Path) -> None:
    graph, _ = matched
    desk, best = desk_of(graph), best_of(lists_of(graph, "one"), 2)
    done = exported(graph, "mp4", tmp_path / "reel.mp4", candidates=best)
    events = desk.events(best, graph.settings.played_cut.seconds)
    assert len({event.flavor for event in events}) > 1
    with av.open(str(done.files[0])) as reel:
        frames = [(frame.to_ndarray(format="rgb24"), frame.time) for frame in reel.decode(video=0)]
        stream = reel.streams.audio[0]
        sound = float(stream.duration * stream.time_base)
    expected = [
        number for each in events for side in (each.a, each.b) for number in range(side.start_frame, side.stop_frame)
    ]
    height = graph.settings.played_cut.height
    assert [read_frame_number(picture[:height]) for picture, _ in frames] == expected
    assert all(earlier < later for (_, earlier), (_, later) in pairwise(frames))
    assert sound == pytest.approx(float(sum(each.a.seconds + each.b.seconds for each in events)), abs=0.05)
    captions = frames[0][0][height:]
    assert captions.max() > 200  # something is written there


def test_an_exported_page_stands_alone(matched: tuple[Graph, dict[str, Run]], tmp_path: Path) -> None:
    graph, _ = matched
    done = exported(graph, "html", tmp_path / "page")
    moved = shutil.move(tmp_path / "page", tmp_path / "elsewhere")
    text = (Path(moved) / "index.html").read_text()
    assert done.files[0].name == "index.html"
    assert str(graph.home.path) not in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])  # type: ignore[index]
    assert all(card["played"] and (Path(moved) / card["played"]).exists() for card in data)


def test_played_cuts_are_bounded_on_disk(matched: tuple[Graph, dict[str, Run]]) -> None:
    graph, _ = matched
    small = graph.with_settings(delivery=DeliveryOptions(played_megabytes=0, played_per_title=1))
    folder = graph.home.store / "features" / "played_cut"
    before = len(list(folder.rglob("*.mp4")))
    assert before > 1
    small.list_again("one")
    left = list(folder.rglob("*.mp4"))
    asked_for = sum(1 for each in lists_of(graph, "one").values() if each)
    assert len(left) == asked_for < before
    assert graph.list_again("one").computed == {"played_cuts"}


def test_a_cut_whose_file_is_gone_is_named_and_holds_up_nothing(matched: tuple[Graph, dict[str, Run]]) -> None:
    graph, _ = matched
    away = (graph.home.library / "two.mp4").rename(graph.home.path / "two.mp4")
    folder = graph.home.store / "features" / "played_cut"
    shutil.move(folder, graph.home.path / "before")
    try:
        run = graph.list_again("two")
        assert run.result.success
        reasons = run.metadata["played_cuts"]["not_playable"]
        assert any("'two.mp4' vanished" in reason for reason in reasons)  # type: ignore[attr-defined]
    finally:
        away.rename(graph.home.library / "two.mp4")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(graph.home.path / "before", folder)


def test_nothing_to_export_is_said(matched: tuple[Graph, dict[str, Run]], tmp_path: Path) -> None:
    graph, _ = matched
    with pytest.raises(MatchcutError, match="there is no candidate to export"):
        export(
            desk_of(graph),
            {"frame_match": []},
            ExportFormat.otio,
            tmp_path / "cuts.otio",
            name="cuts",
            seconds=2,
            is_relative=False,
            titles=[],
        )


def test_a_place_that_cannot_be_written_is_named(matched: tuple[Graph, dict[str, Run]], tmp_path: Path) -> None:
    graph, _ = matched
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MatchcutError, match=re.escape(f"{tmp_path}/file/cuts.otio: cannot be written")):
        exported(graph, "otio", tmp_path / "file" / "cuts.otio")


def test_a_film_of_one_shot_has_nothing_to_play(graph: Graph, tmp_path: Path) -> None:
    make_clip(tmp_path / "still.mp4", [Shot(60)], size=(320, 180))
    graph.add(tmp_path / "still.mp4", "still.mp4")
    run = graph.match("still")
    assert run.result.success, run.failures
    assert run.metadata["played_cuts"]["cuts"] == 0
