"""Whether workers compute what this machine would: the same sources, Python and packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import cloudpickle

from processors.rooms import RoomError

__all__ = ["PACKAGES", "Versions", "find_faults", "require_same", "require_same_workers", "versions_here"]

PACKAGES = (  # that decide a bin, or that client and worker talk through
    "awkward",
    "boost-histogram",
    "coffea",
    "cramjam",
    "dask",
    "distributed",
    "hist",
    "numba",
    "numpy",
    "scipy",
    "uproot",
)
_SOURCES = "sources of na64"
_SCHEDULER = "the Dask scheduler"

Versions = tuple[tuple[str, str | None], ...]  # what -> version, None where it is missing


def _look(packages: tuple[str, ...]) -> dict[str, Any]:
    """Describe the process that this runs in; it travels by value, so it may need nothing of ours."""
    import platform
    import socket
    from importlib import metadata

    def version(name: str) -> str | None:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    why, sources = "", None
    try:
        from processors import rooms

        rooms.check_rooms()
        sources = rooms.source_digest()
        why = f"in {rooms.HOME}"
    except Exception as error:  # whatever hinders it is the answer
        why = f"{type(error).__name__}: {error}"
    found: dict[str, str | None] = {"python": ".".join(platform.python_version_tuple()[:2])}
    found |= {name: version(name) for name in packages}
    return {"host": socket.gethostname(), "why": why, "versions": {"sources of na64": sources, **found}}


class _Look:
    """Becomes, where it is unpickled, the description of that process."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _look, (PACKAGES,)


def looking_payload() -> bytes:
    """Return bytes that `cloudpickle.loads` turns into a description of the process that loads them."""
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        payload: bytes = cloudpickle.dumps(_Look())
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    return payload


@cache
def versions_here() -> Versions:
    """Return the versions that decide results in this process."""
    return tuple(_look(PACKAGES)["versions"].items())


def find_faults(theirs: Mapping[str, str | None], ours: Mapping[str, str | None], why: str = "") -> list[str]:
    """Return what differs between a worker and this process, one text for each package."""
    faults = []
    for name, version in ours.items():
        other = theirs.get(name)
        if other == version:
            continue
        if name == _SOURCES and other is None:
            faults.append(f"it cannot use the {name} ({why})")
        elif name == _SOURCES:
            there, here = _short(other), _short(version)
            faults.append(f"it has other {name} ({why}; digest {there} there, {here} here)")
        else:
            faults.append(f"{name} is {other or 'missing'} there and {version or 'missing'} here")
    return faults


def _short(digest: str | None) -> str:
    return (digest or "none")[:12]


def _refusal(who: str, host: str, faults: list[str]) -> RoomError:
    return RoomError(
        f"{who} on {host} would not compute what this machine does: {'; '.join(faults)}. Give workers the "
        f"environment of this machine: the same versions (constraints.txt has those that are tested), "
        f"or 'python' in the profile of the cluster"
    )


def require_same_workers(client: Any) -> None:
    """
    Check the scheduler and all workers of a Dask client, even where they have none of our packages.

    Raises
    ------
    RoomError
        Naming the first worker that differs, each package with both versions, and how many others differ.
    """
    payload, ours = looking_payload(), dict(versions_here())
    found = client.run(cloudpickle.loads, payload)
    faulty = {
        (f"worker {address}", told["host"]): faults
        for address, told in sorted(found.items())
        if (faults := find_faults(told["versions"], ours, told["why"]))
    }
    if faulty:
        (worker, host), faults = next(iter(faulty.items()))
        others = [f"so do {len(faulty) - 1} other workers"] if len(faulty) > 1 else []
        raise _refusal(worker, host, faults + others)
    told = client.run_on_scheduler(cloudpickle.loads, payload)
    if faults := find_faults(told["versions"], ours, told["why"]):
        raise _refusal(_SCHEDULER, told["host"], faults)


@cache
def require_same(versions: Versions) -> None:
    """
    Check on a worker, which may have come later, that it computes what the client would.

    Raises
    ------
    RoomError
        If it does not, naming worker, packages and both versions.
    """
    told = _look(PACKAGES)
    if faults := find_faults(told["versions"], dict(versions), told["why"]):
        raise _refusal(_here(), told["host"], faults)


def _here() -> str:
    """Return what this process is called: a Dask worker by its address, another by its number."""
    distributed = sys.modules.get("distributed")
    try:
        if distributed is not None:
            return f"worker {distributed.get_worker().address}"
    except ValueError:  # no Dask worker
        pass
    return f"process {os.getpid()}"
