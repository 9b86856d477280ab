"""What all assets of the graph share: partitions, owners, kinds, and how columns and checks are declared."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from matchcut.feature import Feature
from matchcut_assets.partitions import titles

OWNERS = ["team:matchcut"]


def asset_arguments(
    feature: Feature,
    *,
    group: str,
    kinds: Sequence[str],
    description: str,
    deps: Sequence[str] = (),
    columns: Mapping[str, tuple[str, str]] | None = None,
) -> dict[str, Any]:
    """Arguments of `dagster.asset` for the asset that stores a feature.

    Args:
        feature: names the asset; its version is the code version.
        group: the stage's group in the lineage.
        kinds: at most three, shown as chips.
        description: what a row is.
        deps: keys of the assets it reads, as `"prefix/name"`.
        columns: name to (type, meaning) where the value is a table.
    """
    schema = dg.TableSchema(
        [dg.TableColumn(name, type_, meaning) for name, (type_, meaning) in (columns or {}).items()]
    )
    return {
        "key": dg.AssetKey(feature.name.split("/")),
        "partitions_def": titles,
        "group_name": group,
        "kinds": set(kinds),
        "owners": OWNERS,
        "description": description,
        "code_version": feature.version,
        "deps": [dg.AssetKey(dep.split("/")) for dep in deps],
        "metadata": {"dagster/column_schema": schema} if columns else {},
    }


def check_of_title(
    asset: dg.AssetsDefinition, description: str, *, blocking: bool = False
) -> Callable[[Callable[..., dg.AssetCheckResult]], dg.AssetChecksDefinition]:
    """Decorator: a check of one title's partition, named like its function; blocking ones stop what is downstream."""

    def declare(check: Callable[..., dg.AssetCheckResult]) -> dg.AssetChecksDefinition:
        with warnings.catch_warnings():
            # Partitions of checks are a preview in the pinned Dagster; without them one title's result hides another's.
            warnings.simplefilter("ignore", dg.PreviewWarning)
            decorate = dg.asset_check(asset=asset, partitions_def=titles, blocking=blocking, description=description)
            return decorate(check)

    return declare
