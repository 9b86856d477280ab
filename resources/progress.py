"""What is being worked on, for whoever watches: lines on a terminal, or bounded entries in Dagster's log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
from rich.console import Console
from rich.text import Text

LOG_EVERY_SECONDS = 10.0
"""Dagster's log is a database: one entry costs 1.5 ms and stays for good."""

ReportFraction = Callable[[float], None]


class Progress(dg.ConfigurableResource):
    """Tells of stages of titles.

    Args:
        on_terminal: write to standard error for people instead of to Dagster's log.
    """

    on_terminal: bool = False

    @contextmanager
    def stage(self, title: str, stage: str) -> Iterator[ReportFraction]:
        """A stage at work; yields a function that takes the fraction done, in [0, 1]."""
        if not self.on_terminal:
            yield _log_reporter(title, stage)
            return
        console = _console()
        label = f"{title}: {stage}"
        if not console.is_terminal:
            yield lambda fraction: None
            return
        with console.status(Text(label)) as status:
            yield lambda fraction: status.update(Text(f"{label} {fraction:4.0%}"))

    def finished(self, title: str, stage: str, outcome: str) -> None:
        """A stage of a title is done; `outcome` says how in a few words."""
        if self.on_terminal:
            _console().print(Text(f"{title:32.32} {stage:28} {outcome}"), soft_wrap=True)

    def failed(self, title: str, stage: str, reason: str) -> None:
        """A stage of a title failed."""
        if self.on_terminal:
            _console().print(Text(f"{title:32.32} {stage:28} FAILED: {reason}", style="red"), soft_wrap=True)


def _console() -> Console:
    return Console(stderr=True, file=sys.stderr)


def _log_reporter(title: str, stage: str) -> ReportFraction:
    log, last = dg.get_dagster_logger(), time.monotonic()

    def report(fraction: float) -> None:
        nonlocal last
        if time.monotonic() - last >= LOG_EVERY_SECONDS:
            last = time.monotonic()
            log.info(f"{title}: {stage} {fraction:.0%}")

    return report
