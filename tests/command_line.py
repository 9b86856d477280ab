"""`matchcut` as people run it, and its help."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from matchcut_assets.cli import app


def matchcut(*arguments: str | Path, home: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command on a home folder, in a process of its own."""
    command = [str(Path(sys.executable).with_name("matchcut")), *map(str, arguments), "--home", str(home)]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=240, env={**os.environ, **environment}
    )


def help_of(command: str) -> str:
    """What `matchcut COMMAND --help` writes, without a process of its own."""
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0, shown.output
    return shown.output
