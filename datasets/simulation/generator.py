"""The simulation itself: blocks of events of a setup and a mixture of processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.config import ConfigError
from datasets.simulation.beam import sample_beam
from datasets.simulation.event import EventHits, merge_light, passes_trigger, select_hits
from datasets.simulation.flight import Flight, Stage, fly
from datasets.simulation.knock_on import displace_hits
from datasets.simulation.light import CellLight, Light, collect_light, light_tables
from datasets.simulation.mixture import TRIGGERS, Sampling, TriggerName, pick
from datasets.simulation.model import Primaries
from datasets.simulation.process import Process, Yield
from datasets.simulation.stack import Stack, build_stack
from datasets.simulation.streams import BLOCK, stream
from recon.geometry import Setup

__all__ = ["Block", "PileUp", "Simulation", "SimulationError", "simulate_block"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = Mapping[str, npt.NDArray[Any]]

_PATIENCE = 64  # blocks of attempts before we look whether it is worth going on
_FEWEST = 8  # events that pass the trigger until then: with fewer, 1024 need more than 8 million attempts


class SimulationError(ConfigError):
    """What was asked for cannot be simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What is simulated: all that the events depend on."""

    setup: Setup
    name: str  # of the mixture or the process
    processes: tuple[Process, ...]
    parameters: tuple[Mapping[str, float], ...]  # of each process, complete
    rates: tuple[Yield, ...]  # how often events of each process are recorded, per beam particle
    sampling: Sampling
    triggers: tuple[TriggerName, ...]  # that events of each process must pass
    has_pile_up: bool = True
    seed: int = 1
    rotation: tuple[float, ...] = ()  # [rad] of each plane in raw digits, from x to y; empty: none
    is_patient: bool = False  # go on where hardly any event passes the trigger

    @property
    def source(self) -> str:
        """Return the name of its random numbers."""
        return f"{self.setup.name}/{self.name}"


class PileUp(NamedTuple):
    """Beam particles beside the trigger particle, sorted by event."""

    offsets: Ints  # (n_events + 1,)
    pdg: Ints
    momentum: Floats  # [GeV]
    time: Floats  # [ns]


class Block(NamedTuple):
    """Events in the order of their making."""

    columns: Columns  # one number per event: truth, weight, attempt
    merged: Light  # (n_events, n_cells): what a readout makes of all beam particles together
    hits: EventHits
    pile_up: PileUp
    light: Light  # (n_primaries, n_cells), sorted by event
    primary_event: Ints  # (n_primaries,)
    cells: Mapping[str, slice]  # detector -> its cells in the arrays of cells

    @property
    def n_events(self) -> int:
        """Return the number of events."""
        return len(self.merged.energy)

    def first(self, n_events: int) -> Block:
        """Return the first events."""
        return self if n_events == self.n_events else self.select(np.arange(self.n_events) < n_events)

    def select(self, mask: npt.NDArray[np.bool_]) -> Block:
        """Return the events of a mask, (n_events,)."""
        new_row = np.cumsum(mask) - 1
        of_primary = mask[self.primary_event]
        return Block(
            {name: values[mask] for name, values in self.columns.items()},
            Light(*(values[mask] for values in self.merged)),
            EventHits(*_select_jagged(self.hits, mask)),
            PileUp(*_select_jagged(self.pile_up, mask)),
            Light(*(values[of_primary] for values in self.light)),
            new_row[self.primary_event[of_primary]],
            self.cells,
        )


def simulate_block(simulation: Simulation, number: int) -> Block:
    """
    Simulate the events [1024 number, 1024 (number + 1)).

    Attempts are made until 1024 events pass the trigger. The column `attempt` counts them within the block,
    so that the first n events are what is left of `attempt[n - 1]` attempts.

    Parameters
    ----------
    simulation : Simulation
    number : int
        The same number gives the same events, whoever asks.

    Raises
    ------
    SimulationError
        If fewer than 8 of the first 65536 attempts pass the trigger, unless the simulation is patient.
    """
    rng = stream(simulation.seed, simulation.source, number)
    stack = build_stack(simulation.setup)
    cells = light_tables(stack)
    parts: list[Block] = []
    accepted = attempts = 0
    while accepted < BLOCK:
        part = _attempt(simulation, stack, cells, rng, attempts)
        attempts += BLOCK
        accepted += part.n_events
        parts.append(part)
        if not simulation.is_patient and attempts >= _PATIENCE * BLOCK and accepted < _FEWEST:
            raise SimulationError(_hopeless(simulation, accepted, attempts))
    return _join(parts).first(BLOCK)


def _hopeless(simulation: Simulation, accepted: int, attempts: int) -> str:
    """Return what to tell where hardly any event passes the trigger."""
    setup = simulation.setup
    asked = " or ".join(name for name in TRIGGERS if name in simulation.triggers and name != "none")
    passed = f"only {accepted} of {attempts} events pass" if accepted else f"none of {attempts} events passes"
    return (
        f"process {simulation.name}: {passed} the {asked} trigger of {setup.name} ({setup.trigger}), and a "
        f"block needs {BLOCK}; ask for less (--trigger none{'' if asked == 'beam' else ', or beam'}), "
        f"simulate another process, or go on with --patient, however long it takes"
    )


def _attempt(
    simulation: Simulation, stack: Stack, cells: CellLight, rng: np.random.Generator, before: int
) -> Block:
    """Simulate 1024 events and keep those that pass the trigger."""
    primaries, process = _draw_primaries(simulation, rng)
    stage = Stage(simulation.setup, stack, simulation.processes, simulation.parameters)
    flight = fly(stage, primaries, process, rng)
    light = collect_light(flight.visible, primaries.time, cells, rng)
    merged = merge_light(light, primaries, cells, BLOCK)
    seen = displace_hits(flight.hits, simulation.setup, rng)
    hits = select_hits(seen, primaries, simulation.setup, BLOCK, rng)
    passed = np.ones(BLOCK, dtype=bool)
    asked = np.array(simulation.triggers)[process]
    if (asked != "none").any():
        setup = simulation.setup
        beam = passes_trigger(light, primaries, stack, setup, BLOCK, setup.trigger.beam_limits)
        passed = (asked == "none") | (flight.counted[primaries.is_trigger] & beam)
        passed &= (asked != "physics") | passes_trigger(light, primaries, stack, setup, BLOCK)
    columns = _columns(simulation, primaries, process, flight, before)
    block = Block(columns, merged, hits, _pile_up(primaries), light, primaries.event, stack.columns)
    return block if passed.all() else block.select(passed)


def _draw_primaries(simulation: Simulation, rng: np.random.Generator) -> tuple[Primaries, Ints]:
    """Return beam particles sorted by event, and the process of each event."""
    process = pick(simulation.sampling, BLOCK, rng)
    parts = []
    for index, kind in enumerate(simulation.processes):
        events = np.flatnonzero(process == index)
        if not len(events):
            continue
        part = sample_beam(
            simulation.setup,
            len(events),
            rng,
            particle=kind.particle_of(simulation.setup),
            is_halo=kind.is_halo,
            pile_up=simulation.has_pile_up,
            follower=_follower(kind, simulation.parameters[index]),
        )
        parts.append(part._replace(event=events[part.event]))
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Primaries(*(values[order] for values in columns)), process


def _follower(kind: Process, parameters: Mapping[str, float]) -> tuple[float, float] | None:
    """Return when the other beam particle comes that a process asks for [ns]."""
    return None if kind.follower is None else (parameters[kind.follower[0]], parameters[kind.follower[1]])


def _columns(
    simulation: Simulation, primaries: Primaries, process: Ints, flight: Flight, before: int
) -> Columns:
    """Return truth, weight and the number of the attempt, (n_events,) each."""
    trigger = np.flatnonzero(primaries.is_trigger)
    codes = np.array([kind.code for kind in simulation.processes])
    return {
        "weight": simulation.sampling.weights[process],
        "truth_pdg": primaries.pdg[trigger],
        "truth_momentum": primaries.momentum[trigger],
        "truth_x": primaries.x[trigger],
        "truth_y": primaries.y[trigger],
        "truth_beam_energy": np.full(BLOCK, simulation.setup.beam.momentum),
        "truth_process": codes[process],
        "truth_missing_energy": flight.missing[trigger],
        "attempt": before + np.arange(1, BLOCK + 1),
    }


def _pile_up(primaries: Primaries) -> PileUp:
    others = ~primaries.is_trigger
    counts = np.bincount(primaries.event[others], minlength=BLOCK)
    return PileUp(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        primaries.pdg[others],
        primaries.momentum[others],
        primaries.time[others],
    )


def _select_jagged(table: tuple[Any, ...], passed: npt.NDArray[np.bool_]) -> list[Any]:
    """Return offsets and values of the events of a mask."""
    offsets, *values = table
    counts = np.diff(offsets)
    kept = np.repeat(passed, counts)
    new = np.concatenate([[0], np.cumsum(counts[passed])]).astype(np.int64)
    return [new, *(column[kept] for column in values)]


def _join(parts: list[Block]) -> Block:
    """Return the events of several parts of a block."""
    if len(parts) == 1:
        return parts[0]
    rows = np.cumsum([0, *(part.n_events for part in parts)])
    return Block(
        {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
        Light(*(np.concatenate(c) for c in zip(*(part.merged for part in parts), strict=True))),
        EventHits(*_join_jagged([part.hits for part in parts])),
        PileUp(*_join_jagged([part.pile_up for part in parts])),
        Light(*(np.concatenate(c) for c in zip(*(part.light for part in parts), strict=True))),
        np.concatenate([row + part.primary_event for row, part in zip(rows, parts, strict=False)]),
        parts[0].cells,
    )


def _join_jagged(tables: list[Any]) -> list[Any]:
    starts = np.cumsum([0, *(table[0][-1] for table in tables)])
    offsets = [[0], *(start + table[0][1:] for start, table in zip(starts, tables, strict=False))]
    columns = (np.concatenate(c) for c in zip(*(table[1:] for table in tables), strict=True))
    return [np.concatenate(offsets).astype(np.int64), *columns]
