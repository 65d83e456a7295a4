"""Simulated processes in run directories: what their files say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from na64.errors import UserError
from na64.run.stored import StoredRun
from selections.background.plane import Sum, sum_region
from selections.regions import Region

__all__ = ["Simulation", "simulation_of", "simulations_of"]


class Simulation(NamedTuple):
    """One simulated process: a dataset of a run directory."""

    process: str
    run: StoredRun
    dataset: str
    eot: float  # particles on target that it stands for
    mean_weight: float
    without: tuple[str, ...]  # cuts that it lacks and the data have
    trigger: str

    def sum_of(self, plane: str, region: Region) -> Sum:
        """Return the weights in a region of a plane."""
        return sum_region(self.run.plane(plane, [self.dataset]), region)


def simulations_of(runs: Sequence[StoredRun], data: StoredRun) -> list[Simulation]:
    """
    Return the simulated processes of run directories.

    Raises
    ------
    UserError
        If a dataset is no single process, has no exposure, or a process is there twice.
    """
    found: dict[str, Simulation] = {}
    for run in runs:
        without = tuple(sorted(set(run.record["without_cuts"]) - set(data.record["without_cuts"])))
        for dataset in run.datasets:
            made = simulation_of(run, dataset, without)
            if made.process in found:
                msg = f"process {made.process} is there twice: {found[made.process].run.path}, {run.path}"
                raise UserError(msg)
            found[made.process] = made
    return list(found.values())


def simulation_of(run: StoredRun, dataset: str, without: tuple[str, ...] = ()) -> Simulation:
    """
    Return what the files of one simulated dataset say of themselves.

    Raises
    ------
    UserError
        If it is no single process, or has no exposure or no events.
    """
    parents = [source.get("parent") or {} for source in run.inputs_of(dataset)]
    names = {row["name"] for parent in parents for row in parent.get("processes", [])}
    if len(names) != 1:
        what = f"holds the processes {', '.join(sorted(names))}" if names else "does not say its process"
        msg = (
            f"dataset '{dataset}' of {run.path} {what}; sources are told apart by files of one process each "
            f"(na64 simulate SETUP PROCESS)"
        )
        raise UserError(msg)
    eot = [float(parent.get("eot") or 0.0) for parent in parents]
    if not all(value > 0 for value in eot):
        msg = f"dataset '{dataset}' of {run.path} has no particles on target (its process has yield 0)"
        raise UserError(msg)
    events = run.record["events"]
    kept = events["processed"] / events["input"] if events["input"] else 0.0
    every = run.datasets[dataset]["cuts"][0]
    if not every["in_order"] or not kept:
        msg = f"dataset '{dataset}' of {run.path} has no events"
        raise UserError(msg)
    triggers = {row["trigger"] for parent in parents for row in parent["processes"]}
    return Simulation(
        names.pop(),
        run,
        dataset,
        sum(eot) * kept,
        every["in_order_weighted"] / every["in_order"],
        without,
        ", ".join(sorted(triggers)),
    )
