"""What a computed thing is called: by what it was computed from and how.

    key = (media digest, feature name, version)
    version = hash(algorithm, parameters, weights digests, versions of the features it was made from)

A version therefore resolves recursively: a new shot detector is a new version of everything that used shots
and of nothing else.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cached_property
from typing import Any

VERSION_LENGTH = 16


@dataclass(frozen=True)
class Feature:
    """One way of computing one kind of thing, for any title.

    Attributes:
        name: the asset it belongs to, e.g. `"shots"` or `"frame_match/silhouettes"`.
        algorithm: changes whenever the code gives other numbers; declared beside that code.
        parameters: plain JSON values that change the result.
        weights: SHA-256 of every weight file that is read.
        made_from: the features that are read.
    """

    name: str
    algorithm: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    made_from: tuple["Feature", ...] = ()

    @cached_property
    def version(self) -> str:
        """Hex digits that differ whenever the result may differ."""
        return digest_of(self.recipe())[:VERSION_LENGTH]

    def recipe(self) -> dict[str, Any]:
        """How the feature is made, as it is written beside every stored value."""
        return {
            "name": self.name,
            "algorithm": self.algorithm,
            "parameters": dict(self.parameters),
            "weights": sorted(self.weights),
            "made_from": {feature.name: feature.version for feature in self.made_from},
        }


def parameters_of(settings: Any) -> dict[str, Any]:
    """The fields of a frozen dataclass of parameters as plain JSON values."""
    if not is_dataclass(settings) or isinstance(settings, type):
        raise TypeError(f"parameters must be a dataclass instance, got {settings!r}")
    return asdict(settings)


def digest_of(value: Any) -> str:
    """SHA-256, 64 hex digits, of a JSON value; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
