"""The real daemon and the real UI: a title launched over GraphQL, one found by the sensor, a backfill, the browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from resources.home import Home
from tests.dagster_ui import DagsterUi, dagster_dev, wait_for
from tests.matchcut_assets.test_graph import ASSETS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.weights, pytest.mark.timeout(900)]

LAST = ("frame_match/top_k", "action_match/top_k")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("e2e") / "home")
    home.create()
    return home


@pytest.fixture(scope="module")
def ui(home: Home, films: dict[str, Path]) -> Iterator[DagsterUi]:
    shutil.copyfile(films["one"], home.library / "one.mp4")
    with dagster_dev(home.path, home.path / "dagster-dev.log") as ui:
        yield ui


def test_a_title_launched_over_graphql_reaches_top_k(ui: DagsterUi) -> None:
    ui.add_partition("one")
    run = ui.launch("match_title", "one")
    status = wait_for("the run", 240, lambda: (s := ui.run_status(run)) in ("SUCCESS", "FAILURE", "CANCELED") and s)
    assert status == "SUCCESS"
    for asset in LAST:
        assert "one" in ui.materialized_titles(asset)


def test_a_new_video_of_the_library_is_found_and_matched_once(
    ui: DagsterUi, home: Home, films: dict[str, Path]
) -> None:
    shutil.copyfile(films["two"], home.library / "Zwölf Töne.mp4")
    wait_for("the sensor's run", 240, lambda: {"zwolf-tone"} <= ui.materialized_titles(LAST[1]))
    runs = [run for run in ui.runs("zwolf-tone") if run["jobName"] == "match_title"]
    assert len(runs) == 1
    # The older title's list follows, since it has new scores, and then the page.
    wait_for("the page", 240, lambda: "zwolf-tone" in _page(home) and "one" in _page(home))


def test_a_backfill_of_several_titles_works(ui: DagsterUi) -> None:
    backfill = ui.backfill(sorted(ASSETS), ["one", "zwolf-tone"])
    done = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED")
    status = wait_for("the backfill", 300, lambda: (s := ui.backfill_status(backfill)) in done and s)
    assert status == "COMPLETED_SUCCESS"


def test_the_browser_lists_every_asset_and_its_pictures(ui: DagsterUi, browser: "Browser", tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1600, "height": 1400})
    page.goto(f"{ui.url}/assets")
    for asset in ASSETS | {"candidate_page"}:
        page.get_by_text(asset.replace("/", " / "), exact=True).first.wait_for(timeout=60_000)
    page.screenshot(path=tmp_path / "assets.png")
    page.goto(f"{ui.url}/assets/shots?view=partitions&partition=one")
    page.get_by_text("one", exact=True).first.wait_for(timeout=60_000)
    page.get_by_text("remembered").first.wait_for(timeout=60_000)
    page.close()


def _page(home: Home) -> str:
    path = home.page / "index.html"
    return path.read_text() if path.exists() else ""
