"""A real `dagster dev`: webserver, daemon and code server on a home folder, spoken to over GraphQL."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[1]
SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "matchcut"}
START_SECONDS = 90.0

Found = TypeVar("Found")


@dataclass(frozen=True)
class DagsterUi:
    """A running `dagster dev`."""

    url: str

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL query; its errors raise."""
        request = urllib.request.Request(
            f"{self.url}/graphql",
            json.dumps({"query": text, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]  # type: ignore[no-any-return]

    def assets(self) -> dict[str, dict[str, Any]]:
        """The asset nodes by key."""
        nodes = self.query("{ assetNodes { assetKey { path } groupName partitionStats { numMaterialized } } }")[
            "assetNodes"
        ]
        return {"/".join(node["assetKey"]["path"]): node for node in nodes}

    def add_partition(self, title: str) -> None:
        """Add a title."""
        self.query(
            "mutation($selector: RepositorySelector!, $key: String!) { addDynamicPartition("
            'repositorySelector: $selector, partitionsDefName: "titles", partitionKey: $key) { __typename } }',
            selector=SELECTOR,
            key=title,
        )

    def launch(self, job: str, title: str) -> str:
        """Launch a job for a title; the run's id."""
        answer = self.query(
            "mutation($parameters: ExecutionParams!) { launchRun(executionParams: $parameters) { __typename"
            " ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }",
            parameters={
                "selector": {**SELECTOR, "jobName": job},
                "runConfigData": {},
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": title}]},
            },
        )["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def backfill(self, asset_keys: list[str], titles: list[str]) -> str:
        """Launch a backfill as the UI's dialog does; its id."""
        answer = self.query(
            "mutation($parameters: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $parameters)"
            " { __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
            parameters={"assetSelection": [{"path": key.split("/")} for key in asset_keys], "partitionNames": titles},
        )["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return str(answer["backfillId"])

    def backfill_status(self, backfill: str) -> str:
        """E.g. `COMPLETED_SUCCESS`."""
        return str(
            self.query(
                "query($id: String!) { partitionBackfillOrError(backfillId: $id)"
                " { __typename ... on PartitionBackfill { status } } }",
                id=backfill,
            )["partitionBackfillOrError"]["status"]
        )

    def runs(self, title: str) -> list[dict[str, Any]]:
        """The runs of a title, newest first."""
        answer = self.query(
            "query($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results"
            " { runId status jobName tags { key value } } } } }",
            filter={"tags": [{"key": "dagster/partition", "value": title}]},
        )
        return list(answer["runsOrError"]["results"])

    def run_status(self, run_id: str) -> str:
        """E.g. `SUCCESS`."""
        answer = self.query("query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)
        return str(answer["runOrError"]["status"])

    def materialized_titles(self, asset: str) -> set[str]:
        """Partitions of an asset that were materialized."""
        answer = self.query(
            "query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode"
            " { assetMaterializations(limit: 100) { partition } } } }",
            key={"path": asset.split("/")},
        )
        return {event["partition"] for event in answer["assetNodeOrError"]["assetMaterializations"]}


def wait_for(what: str, seconds: float, ask: Callable[[], Found | None]) -> Found:
    """Ask every second until there is an answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ask()
        if found:
            return found
        time.sleep(1)
    raise TimeoutError(f"{what}: not within {seconds:.0f} s")


@contextmanager
def dagster_dev(home: Path, log: Path) -> Iterator[DagsterUi]:
    """Start `dagster dev` on a home folder, stop it with everything it started."""
    port = _free_port()
    environment = {**os.environ, "MATCHCUT_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "dev",
        "-w",
        str(ROOT / "workspace.yaml"),
        "-p",
        str(port),
    ]
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A background shell hands down an ignored SIGINT, which Dagster would take for SIGTERM too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            ui = DagsterUi(f"http://127.0.0.1:{port}")
            wait_for("dagster dev", START_SECONDS, lambda: _answers(ui, process))
            yield ui
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _answers(ui: DagsterUi, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "dagster dev ended; see its log"
    try:
        return bool(ui.assets())
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
