"""`na64 simulate` and `na64 processes`: make simulated files."""

from __future__ import annotations

import math
import os
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import typer

from datasets.conditions import load_alignment
from datasets.config import nearest
from datasets.periods import data_period, load_periods
from datasets.setups import load_setup, setup_names
from datasets.simulation.generator import Simulation
from datasets.simulation.mixture import TRIGGERS, TriggerName
from datasets.simulation.plan import MIXTURE, describe, find_process, parse_changes, plan
from datasets.simulation.processes import PROCESSES
from datasets.simulation.production import FORMATS, LEVELS, Format, Level, make_blocks, open_writer
from datasets.simulation.raw import check_readout, readout_metadata
from na64.commands.common import show_progress
from na64.errors import UserError
from na64.run.outputs import check_output, replace_path
from na64.run.record import versions
from processors.executors import open_pool
from processors.planes import displace_setup
from recon.geometry import Setup

__all__ = ["SimulateOptions", "list_processes", "write_simulation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """The options of `na64 simulate`."""

    setup: str
    process: str
    n_events: int
    output: Path
    level: str = "simulated"
    seed: int = 1
    mixture: str | None = None
    changes: tuple[str, ...] = ()
    trigger: str | None = None
    pile_up: bool | None = None
    intensity: float | None = None  # beam particles per spill, instead of the setup's
    run: int = 0  # of all events
    alignment: tuple[str, ...] = ()  # tables that say where planes really are
    format: str | None = None
    workers: int | None = None
    is_patient: bool = False  # go on where hardly any event passes the trigger
    overwrite: bool = False


def write_simulation(options: SimulateOptions) -> int:
    """
    Simulate events and write them to a file.

    Returns
    -------
    int
        Exit status.
    """
    level = cast("Level", _choose("level", options.level, LEVELS))
    default = "rntuple" if level == "raw" else "ttree"
    container = cast("Format", _choose("format", options.format or default, FORMATS))
    if options.output.suffix != ".root":
        msg = f"cannot write {options.output.name}: the name must end in .root"
        raise UserError(msg)
    simulation = _plan(options)
    _check_run(options.run, simulation.setup.name)
    if level == "raw":
        check_readout(simulation.setup)
    check_output(options.output, (), overwrite=options.overwrite, is_directory=False)
    partial = options.output.with_name(f".{options.output.name}.partial.root")
    metadata = _metadata(simulation, options, level)
    begin = time.perf_counter()
    try:
        with open_writer(partial, metadata, level, container) as writer:
            _fill(writer, simulation, options, level, metadata)
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        partial.unlink(missing_ok=True)
    _tell(options, simulation, metadata, time.perf_counter() - begin)
    return 0


def _choose(what: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        msg = f"unknown {what} '{value}'{nearest(value, known) or '.'} Known: {', '.join(known)}"
        raise UserError(msg)
    return value


def _check_run(run: int, setup: str) -> None:
    """Refuse the run number of another setup's data, by whose period the file would be read."""
    period = data_period(run)
    if period is not None and period.setup != setup:
        ours = [p for p in load_periods() if p.setup == setup for _ in p.runs]
        listed = ", ".join(f"{first} to {last}" for p in ours for first, last in p.runs) or "none"
        msg = (
            f"--run {run} was taken in period {period.name} with setup {period.setup}, and this is a "
            f"simulation of {setup}; runs of its data: {listed}"
        )
        raise UserError(msg)


def _plan(options: SimulateOptions) -> Simulation:
    """Plan the simulation; without a word from the user, pile-up is on where the setup has an intensity."""
    setup, rotation = _with_planes(_with_intensity(load_setup(options.setup), options), options)
    pile_up = bool(setup.beam.intensity) if options.pile_up is None else options.pile_up
    simulation = plan(
        setup,
        options.process,
        mixture=options.mixture,
        changes=parse_changes(options.changes),
        seed=options.seed,
        trigger=None
        if options.trigger is None
        else cast("TriggerName", _choose("trigger", options.trigger, TRIGGERS)),
        has_pile_up=pile_up,
    )
    return replace(simulation, rotation=rotation, is_patient=options.is_patient)


def _with_planes(setup: Setup, options: SimulateOptions) -> tuple[Setup, tuple[float, ...]]:
    """Return the setup with its planes where the tables of a user have them, and their rotations."""
    if not options.alignment:
        return setup, ()
    if options.level != "raw":
        msg = (
            f"--alignment displaces planes against the setup, which raw digits alone can show; level "
            f"'{options.level}' states positions as they are: add --level raw"
        )
        raise UserError(msg)
    alignment = load_alignment(setup, 0, options.alignment)
    return displace_setup(setup, alignment), tuple(alignment.rotation.tolist())


def _with_intensity(setup: Setup, options: SimulateOptions) -> Setup:
    """Return the setup with the intensity that a user asks for."""
    value = options.intensity
    if value is None:
        return setup
    if options.pile_up is False:
        msg = f"--intensity {value:g} says how much pile-up there is, and --no-pile-up that there is none"
        raise UserError(msg)
    if not (math.isfinite(value) and value > 0):
        msg = f"--intensity must be above 0 particles per spill, got {value:g}; without any: --no-pile-up"
        raise UserError(msg)
    return replace(setup, beam=replace(setup.beam, intensity=value))


def _fill(writer: Any, simulation: Simulation, options: SimulateOptions, level: Level, metadata: Any) -> None:
    """Make all blocks and write them in order."""
    n_workers = options.workers or min(os.cpu_count() or 1, -(-options.n_events // 4096))
    pool = open_pool("futures", n_workers) if n_workers > 1 else nullcontext(None)
    written = attempts = 0
    with show_progress() as tell, pool as workers:
        tell("starting (compiles for half a minute the first time)", 0, options.n_events)
        for made in make_blocks(simulation, level, options.n_events, workers, 2 * n_workers, run=options.run):
            writer.write(made.columns)
            written += made.n_events
            attempts += made.attempts
            tell("simulating", written, options.n_events)
    total = sum(row["yield"] for row in metadata["processes"])
    metadata |= {"events": written, "attempts": attempts, "eot": attempts / total if total else None}


def _metadata(simulation: Simulation, options: SimulateOptions, level: Level) -> dict[str, Any]:
    """Return what the file says of itself; `datasets.probe` reads kind and setup from it."""
    setup = simulation.setup
    return {
        "version": 1,
        "kind": "simulation",
        "setup": setup.name if setup.name in setup_names() else options.setup,
        "simulation": simulation.name,
        "processes": describe(simulation),
        "level": level,
        "seed": simulation.seed,
        "run": options.run,
        "trigger": {name: list(limits) for name, limits in setup.trigger.limits.items()},
        "intensity": setup.beam.intensity if simulation.has_pile_up else 0.0,
        "versions": versions(),
        **(readout_metadata(setup) if level == "raw" else {}),
        **({"alignment": _planes_of(options)} if options.alignment else {}),
    }


def _planes_of(options: SimulateOptions) -> dict[str, dict[str, float]]:
    """Return by how much each plane is displaced [mm, rad], for the file to say."""
    found = load_alignment(load_setup(options.setup), 0, options.alignment)
    numbers = {name: getattr(found, name).tolist() for name in ("dx", "dy", "dz", "rotation")}
    return {plane: {n: v[at] for n, v in numbers.items()} for at, plane in enumerate(found.planes)}


def _tell(options: SimulateOptions, simulation: Simulation, metadata: dict[str, Any], seconds: float) -> None:
    size = options.output.stat().st_size
    eot = metadata["eot"]
    exposure = "no exposure (its yield is 0)" if eot is None else f"{eot:.3g} particles on target"
    told = {"none": "without trigger", "beam": "of the beam trigger", "physics": "of the physics trigger"}
    trigger = " and ".join(told[name] for name in sorted(set(simulation.triggers)))
    typer.echo(
        f"{options.output}: {metadata['events']} events {trigger}, {metadata['attempts']} simulated, "
        f"{exposure}, {size / 1e6:.1f} MB"
    )
    typer.echo(f"  {seconds:.1f} s, {metadata['attempts'] / seconds:.0f} simulated events/s")


def list_processes(setup_name: str) -> None:
    """Print each process with its code, yield and parameters."""
    setup = load_setup(setup_name)
    typer.echo(f"per beam particle on target of {setup.name}; {MIXTURE} takes them from a file (--mixture)")
    for kind in PROCESSES.values():
        rate = find_process(kind.name).rate(setup, kind.parameters)
        typer.echo(f"{kind.code:>3} {kind.name:<20} {rate.value:<9.3g} {kind.title}")
        typer.echo(f"    yield: {rate.source}")
        for name, value in kind.parameters.items():
            typer.echo(f"    --set {name}={value:g} {kind.units.get(name, '')}".rstrip())
