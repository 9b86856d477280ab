"""`matchcut`: the graph without the UI. Runs, lineage and metadata are in the UI afterwards all the same."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Annotated, NoReturn

import dagster as dg
import typer

from matchcut.cut_events import DEFAULT_SECONDS
from matchcut.errors import MatchcutError
from matchcut.flavors import FLAVORS
from matchcut.given_shots import GivenShots
from matchcut_assets import listing, status_report
from matchcut_assets.definitions import (
    LIST_CANDIDATES,
    MATCH_TITLE,
    SHOW_CANDIDATES,
    build_defs,
    build_resources,
    list_keys,
)
from matchcut_assets.delivery import Desk
from matchcut_assets.export import ExportFormat
from matchcut_assets.export import export as export_candidates
from matchcut_assets.partitions import titles as titles_partitions
from matchcut_assets.pipeline import Pipeline
from matchcut_assets.settings import Settings, load_settings
from matchcut_assets.single_video import SingleVideo
from matchcut_assets.stored_scores import is_scored
from resources.catalogue import Catalogue
from resources.feature_store import FeatureStore
from resources.home import HOME_VARIABLE, Home
from resources.media_library import LibraryVideo, MediaLibrary
from resources.model_weights import ModelWeights
from sensors.stale_lists import stale_titles

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

FlavorName = Enum("FlavorName", {flavor.name: flavor.name for flavor in FLAVORS}, type=str)  # type: ignore[misc]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find match cuts in a folder of videos.\n\n"
    "Give it films, get back the pairs of shots that cut smoothly into each other. Everything is kept in one home "
    "folder: links to the videos, what was computed of them, and the runs that the Dagster UI shows. Nothing is "
    "computed twice.\n\n"
    "Exit codes: 0 done, 1 something failed (and was named), 2 wrong usage, 130 interrupted.",
)


@dataclass(frozen=True)
class Workbench:
    """The home folder with everything that a command needs, made when first asked for."""

    home: Home

    @cached_property
    def settings(self) -> Settings:
        """From `matchcut.toml`."""
        return load_settings(self.home.settings_file)

    @cached_property
    def pipeline(self) -> Pipeline:
        """Versions under these settings."""
        return Pipeline(self.settings)

    @cached_property
    def _resources(self) -> dict[str, object]:
        return build_resources(self.settings, self.home)

    @property
    def library(self) -> MediaLibrary:
        """The videos."""
        return self._resources["library"]  # type: ignore[return-value]

    @property
    def store(self) -> FeatureStore:
        """The features."""
        return self._resources["store"]  # type: ignore[return-value]

    @property
    def catalogue(self) -> Catalogue:
        """The titles."""
        return self._resources["catalogue"]  # type: ignore[return-value]

    @property
    def weights(self) -> ModelWeights:
        """The models."""
        return self._resources["weights"]  # type: ignore[return-value]

    @cached_property
    def defs(self) -> dg.Definitions:
        """The graph, telling its progress on the terminal."""
        return build_defs(self.home, self.settings, on_terminal=True)

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Dagster's instance below the home folder."""
        os.environ["DAGSTER_HOME"] = str(self.home.dagster)
        with dg.DagsterInstance.from_config(str(self.home.dagster)) as instance:
            yield instance


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help=f"Where everything is kept. Default: ${HOME_VARIABLE}, else .matchcut in this folder.",
        file_okay=False,
    ),
]
TitleOption = Annotated[list[str] | None, typer.Option("--title", "-t", metavar="T", help="May be given repeatedly.")]


@app.callback()
def common(home: HomeOption = None) -> None:
    """Options may stand before the command as well."""
    if home is not None:
        os.environ[HOME_VARIABLE] = str(home)


def workbench(home: Path | None) -> Workbench:
    """The workbench in the home folder, made where it is missing."""
    place = Home.from_environment(home)
    place.create()
    bench = Workbench(place)
    bench.store.sweep()
    return bench


@app.command()
def run(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Videos, or folders of videos. None: the whole library."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Take videos into the library and find their match cuts.

    Files are linked, not copied. Every stage of every title is materialized through Dagster; what is known already
    is remembered. A title that cannot be used fails alone, is named, and makes the exit code 1.
    """
    bench = workbench(home)
    videos, problems = _ingest(bench, paths or [])
    with bench.instance() as instance:
        instance.add_dynamic_partitions(str(titles_partitions.name), [video.title for video in videos])
        failed = [video.title for video in videos if not _match(bench, instance, video.title)]
        failed += _list(bench, instance, [video.title for video in videos if video.title not in failed])
        page_failed = not _execute(bench, instance, SHOW_CANDIDATES, None)
    listing.print_best(bench.store, bench.pipeline, bench.catalogue, k=10)
    typer.echo(f"\nPage: {(bench.home.page / 'index.html').as_uri()}")
    for problem in problems:
        typer.echo(f"refused: {problem}", err=True)
    if failed:
        typer.echo(f"failed: {', '.join(sorted(set(failed)))} (reasons above and in the Dagster UI)", err=True)
    if failed or problems or page_failed:
        raise typer.Exit(EXIT_FAILED)


def _ingest(bench: Workbench, paths: list[Path]) -> tuple[list[LibraryVideo], list[str]]:
    """The videos to run, and what was refused; one bad path does not hold up the others."""
    wanted: set[str] = set()
    problems = []
    for path in paths:
        try:
            wanted.update(bench.library.ingest([path]))
        except MatchcutError as error:
            problems.append(str(error))
    found = bench.library.look([(entry.title, entry.path) for entry in bench.catalogue.entries()])
    problems += [refusal.reason for refusal in found.refusals if not paths or refusal.path in wanted]
    videos = [video for video in found.videos if not paths or video.path in wanted]
    if not videos and not problems:
        raise MatchcutError(f"the library {bench.library.root} is empty. Name videos or folders: matchcut run PATH...")
    return videos, problems


def _match(bench: Workbench, instance: dg.DagsterInstance, title: str) -> bool:
    """Everything of a title but its lists, which would be made again when the next title is there."""
    lists = {dg.AssetKey(key) for key in list_keys(bench.pipeline)}
    job = bench.defs.resolve_job_def(MATCH_TITLE)
    keys = [key for key in job.asset_layer.executable_asset_keys if key not in lists]
    return _execute(bench, instance, MATCH_TITLE, title, keys)


def _list(bench: Workbench, instance: dg.DagsterInstance, asked: list[str]) -> list[str]:
    """Lists of the titles asked for and of those that got new scores by them; returns the titles that failed."""
    stale = stale_titles(bench.catalogue, bench.store, bench.pipeline)
    scored = {entry.title for entry in bench.catalogue.entries() if is_scored(bench.store, bench.pipeline, entry)}
    wanted = sorted(scored & {*asked, *stale})
    instance.add_dynamic_partitions(str(titles_partitions.name), wanted)
    return [title for title in wanted if not _execute(bench, instance, LIST_CANDIDATES, title)]


def _execute(
    bench: Workbench,
    instance: dg.DagsterInstance,
    job_name: str,
    title: str | None,
    keys: list[dg.AssetKey] | None = None,
) -> bool:
    """Run a job in this process; failures were told by the asset, anything else is told here."""
    result = bench.defs.resolve_job_def(job_name).execute_in_process(
        instance=instance,
        partition_key=title,
        asset_selection=keys,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            if error is not None and error.cls_name != "Failure":
                typer.echo(f"{title or job_name}: {event.step_key} failed: {error.to_string()}", err=True)
    return result.success


@app.command()
def shots(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file; it is not taken into the library.")],
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Default: standard output.")] = None,
    home: HomeOption = None,
) -> None:
    """Write the shots of one video as CSV.

    Columns: shot,start_frame,stop_frame,transition_in,confidence. Frames are the source's, counted from 0;
    stop_frame is one past the last. What is computed is remembered under the video's content, so that a later
    `matchcut run` finds it.
    """
    bench = workbench(home)
    listing.write_shots(SingleVideo.open(video, bench.pipeline, bench.store, bench.weights).shots(), csv)


@app.command()
def duplicates(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file; it is not taken into the library.")],
    shots: Annotated[
        Path | None,
        typer.Option(
            "--shots",
            metavar="CSV",
            help="Shots as a CSV file: shot,start_frame,stop_frame (or end_frame), as `matchcut shots` writes it. "
            "Default: they are detected.",
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Default: standard output.")] = None,
    home: HomeOption = None,
) -> None:
    """Write which shots of one video show what an earlier one showed, as CSV.

    Columns: shot,group,kept,similarity,reason. Shots of one group are near-duplicates; a shot of its own has none.
    The earliest usable shot of a group is kept; similarity is that to it; reason says why a shot is not kept.
    """
    given = GivenShots.read(shots) if shots else None
    bench = workbench(home)
    single = SingleVideo.open(video, bench.pipeline, bench.store, bench.weights)
    listing.write_duplicates(single.duplicates_of(given) if given else single.duplicates(), csv)


@app.command()
def repeats(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="A title that was matched.")],
    shot: Annotated[int | None, typer.Option(min=0, help="Only this shot. Default: all that are seen again.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="CSV into a file; - for output.")] = None,
    home: HomeOption = None,
) -> None:
    """List where else the shots of a title are seen: in it, in a trailer, a recap, another cut of the film."""
    if as_json and csv:
        raise typer.BadParameter("choose one of --json and --csv")
    bench = workbench(home)
    rows = listing.seen_again(bench.store, bench.pipeline, bench.catalogue, title, shot)
    listing.show_repeats(rows, as_json=as_json, csv_file=csv)


@app.command()
def top(
    title: TitleOption = None,
    within: Annotated[
        bool, typer.Option(help="With --title: both shots are of the named titles, not just one.")
    ] = False,
    flavor: Annotated[FlavorName | None, typer.Option(help="Default: every flavor, one after the other.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many of each flavor.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="CSV into a file; - for output.")] = None,
    home: HomeOption = None,
) -> None:
    """List the best match cuts, best first.

    They come from the stored scores of all titles, so that the list is never stale.

    A is cut away from after frame_a, B is cut to at frame_b; frames and timecodes are the source files'.
    """
    if as_json and csv:
        raise typer.BadParameter("choose one of --json and --csv")
    bench = workbench(home)
    found = listing.best(
        bench.store,
        bench.pipeline,
        bench.catalogue,
        titles=title or [],
        within=within,
        flavor=flavor.value if flavor else None,
        k=k,
    )
    if as_json:
        listing.print_json(found)
    elif csv:
        listing.write_csv(found, None if str(csv) == "-" else csv)
    else:
        listing.print_tables(found, bench.pipeline)


@app.command()
def export(
    format_: Annotated[
        ExportFormat,
        typer.Option("--format", help="otio, edl, fcpxml, xmeml, aaf: timelines; csv, json: lists; mp4; html: a page."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="PATH", help="A file; for html a folder.")],
    title: TitleOption = None,
    within: Annotated[
        bool, typer.Option(help="With --title: both shots are of the named titles, not just one.")
    ] = False,
    flavor: Annotated[FlavorName | None, typer.Option(help="Default: every flavor, one after the other.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many of each flavor.")] = 20,
    relative: Annotated[
        bool, typer.Option(help="Name original files relative to PATH, so that both can be moved together.")
    ] = False,
    seconds: Annotated[
        float, typer.Option(min=0.04, max=60, help="Of either side of a cut, on timelines and in lists.")
    ] = DEFAULT_SECONDS,
    home: HomeOption = None,
) -> None:
    """Write the best match cuts for an editing program, as a list, a film or a page.

    Timelines hold pairs of clips that meet at the cut and refer to the original files, with a marker that says why. Out
    points are exclusive. There is one timeline per frame rate; what was conformed or left out is told. Which settings
    Resolve, Premiere and Avid want is in docs/editors.md.
    """
    bench = workbench(home)
    wanted = flavor.value if flavor else None
    found = listing.best(
        bench.store, bench.pipeline, bench.catalogue, titles=title or [], within=within, flavor=wanted, k=k
    )
    shown = {name for several in found.values() for each in several for name in (each.title_a, each.title_b)}
    done = export_candidates(
        Desk.of(bench.library, bench.store, bench.pipeline, bench.catalogue),
        found,
        format_,
        out,
        name="match cuts" + (f" of {', '.join(title)}" if title else ""),
        seconds=seconds,
        is_relative=relative,
        titles=sorted(shown),
    )
    for note in done.notes:
        typer.echo(f"note: {note}", err=True)
    for path in done.files:
        typer.echo(path)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    home: HomeOption = None,
) -> None:
    """List titles, stages and what they cost or saved."""
    bench = workbench(home)
    with bench.instance() as instance:
        rows = status_report.stages(bench.store, bench.pipeline, bench.catalogue, bench.library, instance)
    status_report.show(rows, as_json=as_json)


def main() -> NoReturn:
    """Entry point: what the user can mend is one line and an exit code, never a traceback."""
    try:
        app(standalone_mode=True)
    except MatchcutError as error:
        typer.echo(f"matchcut: {error}", err=True)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        typer.echo("matchcut: interrupted; what was finished is kept", err=True)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(0)


if __name__ == "__main__":
    main()
