"""The documents stay true: commands exist, assets are listed, links lead somewhere."""

import re
from pathlib import Path

from benchmarks.readme import figures, with_figures
from tests.command_line import help_of
from tests.graph import Graph

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE))
    assert named
    assert named <= targets


def test_every_matchcut_command_and_option_of_the_readme_exists() -> None:
    lines = re.findall(r"^(?:\.venv/bin/)?matchcut (\w+)(.*)$", README, re.MULTILINE)
    assert {command for command, _ in lines} == {"run", "shots", "duplicates", "repeats", "top", "export", "status"}
    for command in {command for command, _ in lines}:
        text = help_of(command)
        used = {option for name, rest in lines if name == command for option in re.findall(r"--[a-z]+", rest)}
        assert all(option in text for option in used), command


def test_every_export_of_the_guide_for_editors_exists() -> None:
    text = help_of("export")
    guide = (ROOT / "docs" / "editors.md").read_text()
    assert {*re.findall(r"(--[a-z]+)", guide)} <= {*re.findall(r"(--[a-z]+)", text)}
    assert set(re.findall(r"--format (\w+)", guide)) == {"html", "mp4", "otio", "xmeml", "aaf", "edl", "fcpxml", "csv"}


def test_every_asset_is_in_the_readme(graph: Graph) -> None:
    for key in graph.defs.resolve_asset_graph().get_all_asset_keys():
        assert f"`{key.to_user_string()}`" in README or f"`…/{key.path[-1]}`" in README


def test_every_relative_link_leads_to_a_file() -> None:
    for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/editors.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text()):
            assert ((ROOT / name).parent / link).exists(), f"{name}: {link}"


def test_every_module_that_the_readme_runs_exists() -> None:
    for module in re.findall(r"python -m ([\w.]+)", README):
        assert (ROOT / (module.replace(".", "/") + ".py")).exists(), module


def test_the_figures_of_the_readme_are_those_of_the_benchmarks() -> None:
    assert with_figures(README, figures()) == README
