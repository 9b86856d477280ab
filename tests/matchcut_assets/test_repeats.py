"""What titles share: a recap, and the same film in another encode."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from matchcut.errors import MatchcutError
from matchcut_assets import listing
from tests import clips
from tests.graph import Graph, Run, files_of, graph_in

pytestmark = pytest.mark.weights

SIZE = (320, 180)
FRAMES = 30


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Graph, dict[str, Run]]]:
    """A film of four set-ups, a recap with its second one, and a small dark copy of the film."""
    folder = tmp_path_factory.mktemp("films")
    clips.make_clip(folder / "film.mp4", [clips.Shot(FRAMES, seed) for seed in (3, 8, 5, 6)], size=SIZE, number=False)
    clips.make_clip(folder / "recap.mp4", [clips.Shot(FRAMES, seed) for seed in (11, 8)], size=SIZE, number=False)
    other_encode = ("-vf", "scale=240:-2,eq=brightness=-0.05:contrast=0.9", "-c:v", "mpeg4", "-q:v", "9")
    clips.ffmpeg("-i", folder / "film.mp4", *other_encode, folder / "copy.avi")
    with graph_in(tmp_path_factory.mktemp("graph")) as graph:
        runs = {}
        for path in (folder / "film.mp4", folder / "recap.mp4", folder / "copy.avi"):
            graph.add(path, path.name)
            runs[path.stem] = graph.match(path.stem)
            assert runs[path.stem].result.success, runs[path.stem].failures
        yield graph, runs


def test_a_recap_is_found_again_and_only_what_it_shows(catalogue: tuple[Graph, dict[str, Run]]) -> None:
    graph, runs = catalogue
    assert runs["recap"].metadata["repeats"]["titles_compared"] == ["film"]
    assert runs["recap"].metadata["repeats"]["dagster/row_count"] == 1
    rows = listing.seen_again(graph.store, graph.pipeline, graph.catalogue, "recap")
    assert {(row["shot"], row["title"], row["other_shot"]) for row in rows} == {(1, "film", 1), (1, "copy", 1)}
    assert listing.seen_again(graph.store, graph.pipeline, graph.catalogue, "recap", shot=0) == []
    back = listing.seen_again(graph.store, graph.pipeline, graph.catalogue, "film", shot=1)
    assert {(row["title"], row["other_start_frame"]) for row in back} == {("copy", FRAMES), ("recap", FRAMES)}


def test_the_same_film_in_another_encode_is_said_to_be_one(catalogue: tuple[Graph, dict[str, Run]]) -> None:
    _, runs = catalogue
    told = runs["copy"].metadata["repeats"]["seen_again_in"]
    assert told["film"] == "4 shots, 100% of this title and 100% of that one in the same order"
    passed = {
        title: all(each.passed for each in run.result.get_asset_check_evaluations() if each.check_name == "is_no_copy")
        for title, run in runs.items()
    }
    assert passed == {"film": True, "recap": True, "copy": False}


def test_what_titles_share_is_no_match_cut(catalogue: tuple[Graph, dict[str, Run]]) -> None:
    graph, _ = catalogue
    shared = {("film", n, "copy", n) for n in range(4)} | {("film", 1, "recap", 1), ("copy", 1, "recap", 1)}
    found = listing.best(graph.store, graph.pipeline, graph.catalogue, k=50)
    assert any(found.values())
    for candidates in found.values():
        pairs = {(each.title_a, each.shot_a, each.title_b, each.shot_b) for each in candidates}
        assert not pairs & (shared | {(c, d, a, b) for a, b, c, d in shared})


def test_a_second_look_computes_nothing(catalogue: tuple[Graph, dict[str, Run]]) -> None:
    graph, _ = catalogue
    before = files_of(graph.home.store)
    again = graph.match("copy")
    assert "repeats" not in again.computed
    assert {path for path in files_of(graph.home.store) - before if "repeats" in path} == set()


def test_repeats_are_listed_as_a_table_json_and_csv(
    catalogue: tuple[Graph, dict[str, Run]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    graph, _ = catalogue
    rows = listing.seen_again(graph.store, graph.pipeline, graph.catalogue, "recap")
    listing.show_repeats(rows, as_json=True, csv_file=None)
    assert json.loads(capsys.readouterr().out) == rows
    listing.show_repeats(rows, as_json=False, csv_file=tmp_path / "repeats.csv")
    assert (tmp_path / "repeats.csv").read_text().splitlines()[0] == ",".join(listing.REPEAT_COLUMNS)
    listing.show_repeats(rows, as_json=False, csv_file=None)
    assert "film" in capsys.readouterr().out
    listing.show_repeats([], as_json=False, csv_file=None)
    assert "nothing of it is seen again" in capsys.readouterr().out


def test_a_shot_or_title_that_is_not_there_is_named(catalogue: tuple[Graph, dict[str, Run]]) -> None:
    graph, _ = catalogue
    with pytest.raises(MatchcutError, match="recap has the shots 0 to 1, and no shot 2"):
        listing.seen_again(graph.store, graph.pipeline, graph.catalogue, "recap", shot=2)
    with pytest.raises(MatchcutError, match=r"there is no title 'recapp'\. Did you mean one of recap"):
        listing.seen_again(graph.store, graph.pipeline, graph.catalogue, "recapp")
