"""From the options of a command to where its chunks are processed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import cast

import typer

from datasets.config import nearest
from na64.errors import UserError
from na64.run.cluster_profiles import find_profile
from processors.batch import job_script
from processors.cluster_profiles import AddressProfile, BatchProfile, Profile, Workers
from processors.clusters import Cluster
from processors.executors import ExecutorName
from processors.runner import Execution

__all__ = ["choose_execution", "describe_execution", "keep_logs", "log_folder"]

_EXECUTORS = ("iterative", "futures", "dask")


def choose_execution(
    executor: str | None,
    workers: int | str | None,
    cluster: str | None,
    chunk_size: int | None,
    logs: Path | None = None,
) -> Execution:
    """
    Choose what a user named, or what fits the workers: one process, several, or Dask on a cluster.

    Parameters
    ----------
    executor : str, optional
    workers : int or str, optional
        ``N`` or ``N:MAX``.
    cluster : str, optional
        Name of a cluster, or address of a Dask scheduler.
    chunk_size : int, optional
    logs : Path, optional
        Folder for what jobs of a batch system write.

    Raises
    ------
    UserError
        If the options do not go together.
    ConfigError
        If there is no such cluster, or its profile is wrong.
    """
    wished = _workers(workers)
    name = _executor(executor, wished, cluster)
    profile = None if cluster is None else find_profile(cluster)
    if isinstance(profile, AddressProfile) and wished is not None:
        msg = f"--workers {workers}: the scheduler at {profile.address} has workers of its own; leave it out"
        raise UserError(msg)
    count = wished or _default(name, profile)
    place = None
    if name == "dask":
        place = Cluster(profile=profile, most=count.most, logs=logs)
    if cluster is not None and place is not None:  # who names a cluster wants to hear of it
        place = replace(place, name=cluster, say=_say)
    return Execution(executor=name, workers=count.least, cluster=place, chunk_size=chunk_size)


def _workers(text: int | str | None) -> Workers | None:
    try:
        return None if text is None else Workers.parse(text)
    except ValueError as error:
        msg = f"--workers {error}"
        raise UserError(msg) from error


def _default(name: ExecutorName, profile: Profile | None) -> Workers:
    """Return the workers where the user does not say."""
    if isinstance(profile, BatchProfile):
        return Workers.parse(profile.workers)
    return Workers(1, 1) if name == "iterative" else Workers(2, 2)


def _executor(executor: str | None, workers: Workers | None, cluster: str | None) -> ExecutorName:
    """Return the executor, or say why there is none for these options."""
    if executor is not None and executor not in _EXECUTORS:
        hint = nearest(executor, _EXECUTORS) or "."
        msg = f"unknown executor '{executor}'{hint} Executors: {', '.join(_EXECUTORS)}"
        raise UserError(msg)
    follows = workers is not None and workers.most > workers.least
    if executor not in {None, "dask"} and (cluster is not None or follows):
        what = f"--cluster {cluster}" if cluster is not None else f"--workers {workers}"
        msg = f"{what} needs --executor dask, not {executor}"
        raise UserError(msg)
    if executor == "iterative" and workers is not None and workers.most > 1:
        msg = f"--executor iterative runs in this process; with --workers {workers} use futures or dask"
        raise UserError(msg)
    if executor is not None:
        return cast("ExecutorName", executor)
    if cluster is not None or follows:
        return "dask"
    return "futures" if workers is not None and workers.most > 1 else "iterative"


def _say(text: str) -> None:
    typer.echo(f"na64: {text}", err=True)


def log_folder(output: Path) -> Path:
    """Return where jobs write until the output has its name."""
    return output.absolute().with_name(f"{output.name}.logs")


def keep_logs(output: Path) -> None:
    """Move what jobs wrote into a finished output directory; beside an output file it stays where it is."""
    folder = log_folder(output)
    if folder.is_dir() and output.is_dir():
        shutil.move(folder, output / "logs")


def describe_execution(execution: Execution) -> str:
    """Return what would be submitted or started, without doing it."""
    cluster = execution.cluster
    if cluster is None:
        is_here = execution.executor == "iterative"
        place = "in this process" if is_here else f"by {execution.workers} processes of this machine"
        return f"nothing to submit: chunks are processed {place}"
    workers = Workers(execution.workers, cluster.most or execution.workers)
    if cluster.profile is None:
        return f"nothing to submit: {workers} Dask workers are started on this machine"
    if isinstance(cluster.profile, AddressProfile):
        return f"nothing to submit: the workers of the Dask scheduler at {cluster.profile.address} are used"
    script = job_script(cluster.profile, cluster.logs or Path("LOGS"))
    return (
        f"{script.rstrip()}\n\n# cluster {cluster.name}: this job is submitted for each of {workers} workers"
    )
