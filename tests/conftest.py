"""Fixtures shared by the rooms: a graph in a home of its own, and short edited films."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.register_assert_rewrite("tests.frame_for_frame")

from tests.clips import make_edited_clip  # noqa: E402
from tests.graph import Graph, graph_in  # noqa: E402

# How long an example takes depends on the machine: no test fails for it.
settings.register_profile("matchcut", deadline=None)
settings.load_profile("matchcut")


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Graph]:
    """The real graph on an empty library."""
    with graph_in(tmp_path) as graph:
        yield graph


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two short edited films with known transitions."""
    folder = tmp_path_factory.mktemp("films")
    return {name: make_edited_clip(folder / f"{name}.mp4", seed=seed).path for seed, name in enumerate(("one", "two"))}


# Not for the session: while it runs, its event loop is the thread's, and nothing else could start one.
@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A headless Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium binary is installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
