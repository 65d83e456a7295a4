"""`na64 clusters`: where Dask workers can run."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from pathlib import Path

import typer
import yaml

from na64.run.cluster_profiles import LOCAL, find_profile, load_profiles, profiles_file
from na64.run.execution import choose_execution, describe_execution
from processors.cluster_profiles import AddressProfile
from processors.clusters import open_client
from processors.environment import versions_here

__all__ = ["check_cluster", "list_clusters", "show_cluster"]


def list_clusters() -> None:
    """Print each cluster with what it is."""
    typer.echo(f"{LOCAL:<16} processes of this machine")
    for name, profile in load_profiles().items():
        if isinstance(profile, AddressProfile):
            typer.echo(f"{name:<16} the Dask scheduler at {profile.address}")
        else:
            typer.echo(f"{name:<16} {profile.kind}, {profile.workers} workers of {profile.memory}")
    path = profiles_file()
    typer.echo(f"profiles of your own: {path}{'' if path.exists() else ' (not there; see docs/clusters.md)'}")


def show_cluster(name: str) -> None:
    """Print the settings of a cluster, as they would stand in the file of profiles, and its job script."""
    profile = find_profile(name)
    if profile is not None:
        typer.echo(yaml.safe_dump({name: asdict(profile)}, sort_keys=False, default_flow_style=None))
    typer.echo(describe_execution(choose_execution("dask", None, name, 1)))


def check_cluster(name: str) -> None:
    """
    Start one worker of a cluster, look at its environment, and stop it.

    Raises
    ------
    ConnectionError, RoomError, ConfigError
        As a run would.
    """
    logs = Path.cwd() / f"na64-check-{name}.logs"
    is_address = isinstance(find_profile(name), AddressProfile)
    execution = choose_execution("dask", None if is_address else 1, name, 1, logs)
    start = time.perf_counter()
    assert execution.cluster is not None
    with open_client(1, execution.cluster) as client:
        number = len(client.nthreads())
    seconds = time.perf_counter() - start
    shutil.rmtree(logs, ignore_errors=True)  # an error leaves them
    versions = ", ".join(f"{what} {version}" for what, version in versions_here()[1:])
    typer.echo(f"cluster {name}: {number} worker{'s' if number != 1 else ''} answered in {seconds:.0f} s")
    typer.echo(f"same sources of na64 there as here, and the same versions: {versions}")
