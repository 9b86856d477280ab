"""Files that the package itself carries: what was trained here, checked when it is read."""

import hashlib
from pathlib import Path

from matchcut.errors import MissingWeightsError


def require_intact(path: Path, sha256: str, what: str) -> None:
    """Refuse a file that is not the one the package was made with.

    Args:
        path: of the file.
        sha256: 64 hex digits.
        what: the file is, for the message.

    Raises:
        MissingWeightsError: it is missing or another one.
    """
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "nothing"
    if found != sha256:
        raise MissingWeightsError(
            f"{path}: {what} is damaged (SHA-256 {found[:16]}, expected {sha256[:16]}). Install matchcut again."
        )
