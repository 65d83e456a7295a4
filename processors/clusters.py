"""Where Dask workers come from: this machine, a batch system, or a scheduler that runs already."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processors.batch import open_batch
from processors.cluster_profiles import AddressProfile, Profile
from processors.environment import require_same_workers

__all__ = ["Cluster", "open_client"]


def _ignore(text: str) -> None:
    del text


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """
    Where chunks are processed by Dask workers.

    Attributes
    ----------
    name : str
        As the user calls it.
    profile : Profile, optional
        None: processes of this machine.
    most : int, optional
        Workers while there is work for them; None: as many as there are at least.
    logs : Path, optional
        Folder for what the jobs of a batch system write.
    say : callable
        Takes what the user should know while workers start.
    client : distributed.Client, optional
        Of workers that run already; `open_client` yields it and leaves it open.
    """

    name: str = "local"
    profile: Profile | None = None
    most: int | None = None
    logs: Path | None = None
    say: Callable[[str], None] = _ignore
    client: Any = field(default=None, compare=False, repr=False)


@contextmanager
def open_client(workers: int, cluster: Cluster) -> Iterator[Any]:
    """
    Start workers or find those that run, check that they compute what this machine would, and connect.

    Parameters
    ----------
    workers : int
        To keep at least; not used with a scheduler that runs already.
    cluster : Cluster

    Yields
    ------
    distributed.Client

    Raises
    ------
    ConnectionError
        If there are no workers in time, or none any more.
    RoomError
        If workers or scheduler have other packages or sources than this machine.
    ConfigError
        If the packages or commands of the batch system are not installed.
    """
    if cluster.client is not None:
        yield cluster.client
        return
    match cluster.profile:
        case None:
            opened = _open_local(workers, cluster.most or workers)
        case AddressProfile() as profile:
            opened = _open_address(profile)
        case profile:
            most = cluster.most or workers
            opened = open_batch(cluster.name, profile, (workers, most), cluster.logs, cluster.say)
    with opened as client:
        require_same_workers(client)
        cluster.say(f"cluster {cluster.name}: {_number(client)}; dashboard: {_dashboard(client, cluster)}")
        with _no_workers_told(cluster):
            yield client


def _dashboard(client: Any, cluster: Cluster) -> str:
    """Return the address of the dashboard; ours is for this machine alone, which Dask does not tell."""
    link = str(client.dashboard_link or "none")
    is_ours = not isinstance(cluster.profile, AddressProfile)
    return re.sub(r"//[^/]+:", "//127.0.0.1:", link) if is_ours else link


def _number(client: Any) -> str:
    number = len(client.nthreads())
    return f"{number} worker{'s' if number != 1 else ''} so far"


@contextmanager
def _no_workers_told(cluster: Cluster) -> Iterator[None]:
    """Say in our words that all workers were gone for too long."""
    from distributed.scheduler import NoValidWorkerError, NoWorkerError

    try:
        yield
    except (NoWorkerError, NoValidWorkerError) as error:
        msg = (
            f"cluster {cluster.name}: all workers were gone, and none came back in time ('wait' in its "
            f"profile). Its job logs may say why{f': {cluster.logs}' if cluster.logs else ''}"
        )
        raise ConnectionError(msg) from error


@contextmanager
def _open_local(least: int, most: int) -> Iterator[Any]:
    """Start worker processes on this machine."""
    import dask
    import distributed

    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):  # we count the deaths ourselves
        cluster = distributed.LocalCluster(
            n_workers=least,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,  # what fails comes back as an exception or a named loss
        )
    with cluster, distributed.Client(cluster) as client:
        if most > least:
            cluster.adapt(minimum=least, maximum=most)
        yield client


@contextmanager
def _open_address(profile: AddressProfile) -> Iterator[Any]:
    """Connect to a scheduler that runs, and has workers."""
    import distributed

    address = profile.address
    try:
        client = distributed.Client(address, timeout=15)
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {address}: {error}"
        raise ConnectionError(msg) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=60 * profile.wait)
        except TimeoutError as error:
            msg = f"the Dask scheduler at {address} has no workers; start some, or run without --cluster"
            raise ConnectionError(msg) from error
        yield client
