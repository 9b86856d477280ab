"""A value is computed once, is whole or absent, and follows what it was made from."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from matchcut.errors import FeatureStoreError, MissingFeatureError
from matchcut.feature import Feature
from resources.feature_store import FeatureStore, key_of, pair_digest

DIGEST = "d" * 64
SHOTS = Feature("shots", algorithm="1", parameters={"threshold": 0.5})
EMBEDDINGS = Feature("shot_embeddings", algorithm="1", weights=("a" * 64,), made_from=(SHOTS,))


class Counter:
    """Writes a value and counts how often it was asked to."""

    def __init__(self, text: str = "a value") -> None:
        self.text, self.calls = text, 0

    def __call__(self, folder: Path) -> dict[str, int]:
        self.calls += 1
        (folder / "value.txt").write_text(self.text)
        return {"rows": 3}


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FeatureStore:
    """On a local disk, and on an object store's interface, which has no rename."""
    root = str(tmp_path / "store") if request.param == "folder" else f"memory://{uuid.uuid4().hex}"
    return FeatureStore(root=root)


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_value_is_computed_once_and_then_remembered(store: FeatureStore) -> None:
    compute = Counter()
    first = store.get_or_compute(DIGEST, SHOTS, compute)
    second = store.get_or_compute(DIGEST, SHOTS, compute)
    assert compute.calls == 1
    assert (first.computed, second.computed) == (True, False)
    assert (second.folder / "value.txt").read_text() == "a value"
    assert second.summary == {"rows": 3}
    assert second.seconds == pytest.approx(first.seconds, abs=0.001)


def test_another_process_remembers_too(tmp_path: Path) -> None:
    compute = Counter()
    FeatureStore(root=str(tmp_path)).get_or_compute(DIGEST, SHOTS, compute)
    again = FeatureStore(root=str(tmp_path)).get_or_compute(DIGEST, SHOTS, compute)
    assert (compute.calls, again.computed) == (1, False)


def test_a_new_parameter_is_a_new_version_of_it_and_of_what_was_made_from_it() -> None:
    bumped = replace(SHOTS, parameters={"threshold": 0.6})
    assert bumped.version != SHOTS.version
    assert replace(EMBEDDINGS, made_from=(bumped,)).version != EMBEDDINGS.version


def test_the_order_of_parameters_and_weights_does_not_change_the_version() -> None:
    one = Feature("x", "1", {"a": 1, "b": 2}, ("p", "q"))
    other = Feature("x", "1", {"b": 2, "a": 1}, ("q", "p"))
    assert one.version == other.version


def test_old_versions_stay_when_a_new_one_is_computed(store: FeatureStore) -> None:
    old, new = Counter("old"), Counter("new")
    bumped = replace(SHOTS, algorithm="2")
    store.get_or_compute(DIGEST, SHOTS, old)
    store.get_or_compute(DIGEST, bumped, new)
    back = store.get_or_compute(DIGEST, SHOTS, old)
    assert (old.calls, new.calls, back.computed) == (1, 1, False)


def test_force_computes_again_and_replaces(store: FeatureStore) -> None:
    store.get_or_compute(DIGEST, SHOTS, Counter("old"))
    forced = store.get_or_compute(DIGEST, SHOTS, Counter("new"), force=True)
    found = store.get(forced.key)
    assert forced.computed
    assert found is not None
    assert (found.folder / "value.txt").read_text() == "new"


def test_a_failing_computation_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> dict[str, int]:
        (folder / "half.txt").write_text("half")
        raise ValueError("broken film")

    store = FeatureStore(root=str(tmp_path))
    with pytest.raises(ValueError, match="broken film"):
        store.get_or_compute(DIGEST, SHOTS, fail)
    assert not store.has(key_of(DIGEST, SHOTS))
    assert files_below(tmp_path) == []


def test_a_killed_write_leaves_no_value_and_is_swept(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from matchcut.feature import Feature
        from resources.feature_store import FeatureStore

        def die(folder: Path):
            (folder / "half.txt").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)

        FeatureStore(root=sys.argv[1]).get_or_compute("d" * 64, Feature("shots", "1", {"threshold": 0.5}), die)
        """
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, cwd=Path(__file__).parents[2])
    store = FeatureStore(root=str(tmp_path))
    assert killed.returncode == -signal.SIGKILL
    assert [Path(path).name for path in files_below(tmp_path)] == ["half.txt"]
    assert store.get(key_of(DIGEST, SHOTS)) is None
    assert store.sweep() == 1
    assert files_below(tmp_path) == []


def test_sweeping_leaves_running_writes_alone(tmp_path: Path) -> None:
    store = FeatureStore(root=str(tmp_path))

    def sweep_meanwhile(folder: Path) -> dict[str, int]:
        (folder / "value.txt").write_text("kept")
        assert store.sweep() == 0
        return {}

    assert (store.get_or_compute(DIGEST, SHOTS, sweep_meanwhile).folder / "value.txt").read_text() == "kept"


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "value.txt").write_text("A value"),
        lambda folder: (folder / "value.txt").write_text("a"),
        lambda folder: (folder / "value.txt").unlink(),
        lambda folder: (folder / "record.json").write_text('{"half'),
        lambda folder: (folder / "record.json").unlink(),
    ],
    ids=["changed byte", "truncated", "file missing", "record half written", "record missing"],
)
def test_a_damaged_value_is_computed_again(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    compute = Counter()
    stored = FeatureStore(root=str(tmp_path)).get_or_compute(DIGEST, SHOTS, compute)
    damage(stored.folder)
    again = FeatureStore(root=str(tmp_path)).get_or_compute(DIGEST, SHOTS, compute)
    assert (again.computed, compute.calls) == (True, 2)
    assert (again.folder / "value.txt").read_text() == "a value"


def test_of_two_writers_of_one_value_the_second_keeps_the_first_ones(tmp_path: Path) -> None:
    store = FeatureStore(root=str(tmp_path))

    def overtaken(folder: Path) -> dict[str, int]:
        FeatureStore(root=str(tmp_path)).get_or_compute(DIGEST, SHOTS, Counter("first"))
        (folder / "value.txt").write_text("second")
        return {}

    stored = store.get_or_compute(DIGEST, SHOTS, overtaken)
    assert (stored.folder / "value.txt").read_text() == "first"
    assert len(files_below(tmp_path)) == 2


def test_the_record_says_how_the_value_was_made(store: FeatureStore) -> None:
    stored = store.get_or_compute(DIGEST, EMBEDDINGS, Counter())
    if store.root.startswith("memory"):
        record = json.loads(store._fs.cat_file(f"{store._base}/{stored.key.path}/record.json"))
    else:
        record = json.loads((stored.folder / "record.json").read_text())
    assert record["made_from"] == {"shots": SHOTS.version}
    assert record["weights"] == ["a" * 64]
    assert record["files"]["value.txt"]["bytes"] == 7


def test_a_missing_feature_names_the_title_and_the_asset(store: FeatureStore) -> None:
    with pytest.raises(MissingFeatureError, match=re.escape("Materialize the asset shots for heat first.")):
        store.require(DIGEST, SHOTS, "heat")


def test_the_key_of_a_pair_does_not_depend_on_the_order() -> None:
    assert pair_digest("b", "a") == pair_digest("a", "b") == "a+b"


def test_a_full_disk_is_named_and_leaves_no_debris(small_disk: Path) -> None:
    def too_much(folder: Path) -> dict[str, int]:
        (folder / "proxy.mp4").write_bytes(os.urandom(20_000_000))
        return {}

    store = FeatureStore(root=str(small_disk))
    with pytest.raises(FeatureStoreError, match=re.escape("is full. Free some space there")):
        store.get_or_compute(DIGEST, SHOTS, too_much)
    assert files_below(small_disk) == []
    assert store.get_or_compute(DIGEST, SHOTS, Counter()).computed


def test_trimming_removes_values_of_every_version_but_those_to_keep(store: FeatureStore) -> None:
    for letter in "abc":
        store.get_or_compute(letter, SHOTS, Counter("x" * 1000))
        time.sleep(0.02)
    newer = replace(SHOTS, algorithm="2")
    store.get_or_compute("d", newer, Counter("x"))
    kept = [key_of("c", SHOTS)]
    assert store.trim("shots", 10**9) == 0
    assert store.trim("shots", 0, kept) == 3
    assert [store.has(key_of(letter, SHOTS)) for letter in "abc"] == [False, False, True]
    assert not store.has(key_of("d", newer))
    assert store.trim("nothing", 0) == 0


def test_what_was_asked_for_last_stays(tmp_path: Path) -> None:
    store = FeatureStore(root=str(tmp_path))
    for letter in "abc":
        store.get_or_compute(letter, SHOTS, Counter("x" * 10_000))
        time.sleep(0.02)
    store.get(key_of("a", SHOTS))
    assert store.trim("shots", 25_000) == 1
    assert [store.has(key_of(letter, SHOTS)) for letter in "abc"] == [True, False, True]


def test_other_features_are_not_trimmed(store: FeatureStore) -> None:
    store.get_or_compute(DIGEST, SHOTS, Counter())
    store.get_or_compute(DIGEST, EMBEDDINGS, Counter())
    assert store.trim("shots", 0) == 1
    assert store.has(key_of(DIGEST, EMBEDDINGS))
