"""Check that the packages Python finds under our names are ours, and the same everywhere.

`datasets` and `processors` are common names, and a worker may have another version installed. Imports nothing
but the standard library, so that the check itself cannot fail on a wrong package.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

__all__ = ["HOME", "ROOMS", "RoomError", "check_rooms", "source_digest"]

ROOMS = ("physics", "recon", "datasets", "selections", "limits", "processors", "na64")
HOME = Path(__file__).resolve().parent.parent


class RoomError(ImportError):
    """A package of the project is hidden by another one, or is another version."""


def check_rooms() -> None:
    """
    Check that each of our packages is found where this one lies.

    Raises
    ------
    RoomError
        Naming the foreign package and its place.
    """
    for room in ROOMS:
        spec = importlib.util.find_spec(room)
        found = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
        if found != HOME / room:
            msg = (
                f"package '{room}' of the NA64 pipeline is hidden: Python finds {found or 'none'} instead of "
                f"{HOME / room}. Another distribution uses the same name; install the pipeline in an "
                f"environment of its own"
            )
            raise RoomError(msg)


@cache
def source_digest() -> str:
    """Return the SHA-256 of all our sources and configuration files: the version that really runs."""
    hasher = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((HOME / room).rglob("*")):
            if path.suffix in {".py", ".yaml"}:
                hasher.update(f"{path.relative_to(HOME).as_posix()} ".encode())
                hasher.update(path.read_bytes())
    return hasher.hexdigest()
