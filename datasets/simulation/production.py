"""Make many blocks, here or in a pool of workers, in the order of their numbers."""

from __future__ import annotations

import concurrent.futures as cf
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from datasets.config import ConfigError
from datasets.simulation.generator import Simulation, simulate_block
from datasets.simulation.raw import RawWriter, digit_columns, trigger_word
from datasets.simulation.simulated import SimulatedWriter, cell_columns
from datasets.simulation.streams import BLOCK, stream

__all__ = ["FORMATS", "LEVELS", "Format", "Level", "Made", "make_block", "make_blocks", "open_writer"]

Level = Literal["simulated", "raw"]
Format = Literal["ttree", "rntuple"]
LEVELS: tuple[Level, ...] = ("simulated", "raw")
FORMATS: tuple[Format, ...] = ("ttree", "rntuple")
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Made:
    """Events of a block as they are written."""

    columns: Arrays
    n_events: int
    attempts: int  # beam particles that these events are left of, whatever the process


def make_blocks(
    simulation: Simulation,
    level: Level,
    n_events: int,
    pool: cf.Executor | None = None,
    width: int = 1,
    *,
    run: int = 0,
) -> Iterator[Made]:
    """
    Simulate events [0, n_events).

    Parameters
    ----------
    simulation : Simulation
    level : "simulated" or "raw"
    n_events : int
    pool : concurrent.futures.Executor, optional
        Where blocks are made; None: here.
    width : int
        Blocks under way at once in the pool.
    run : int
        Run number of all events; 0 belongs to no run of data.

    Yields
    ------
    Made
        Blocks in order: the same for any pool and width.
    """
    tasks = [(number, min(BLOCK, n_events - first)) for number, first in enumerate(range(0, n_events, BLOCK))]
    if pool is None:
        for number, wanted in tasks:
            yield make_block(simulation, level, number, wanted, run)
        return
    waiting: deque[cf.Future[Made]] = deque()
    for number, wanted in tasks:
        waiting.append(pool.submit(make_block, simulation, level, number, wanted, run))
        if len(waiting) >= width:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def make_block(simulation: Simulation, level: Level, number: int, wanted: int, run: int = 0) -> Made:
    """Simulate the first events of a block and give them the form of a file."""
    block = simulate_block(simulation, number).first(wanted)
    attempts = int(block.columns["attempt"][-1])
    event = number * BLOCK + np.arange(block.n_events)
    per_spill = simulation.setup.trigger.per_spill or np.iinfo(np.int64).max
    identity: Arrays = {
        "run": np.full(block.n_events, run, dtype=np.int32),
        "spill": (1 + event // per_spill).astype(np.int32),
        "event": event.astype(np.int64),
        "master_time": np.full(block.n_events, _master_time(simulation, level), dtype=np.float32),
        "trigger_is_physics": np.ones(block.n_events, dtype=bool),
    }
    if level == "raw":
        digits = stream(simulation.seed, f"{simulation.source}/digits", number)
        columns = digit_columns(block, simulation.setup, digits, simulation.rotation)
        columns["trigger_word"] = trigger_word(physics=identity["trigger_is_physics"])
    else:
        columns = cell_columns(block)
    del columns["attempt"]
    return Made(identity | columns, block.n_events, attempts)


def _master_time(simulation: Simulation, level: Level) -> float:
    """Return the master time that a file states [ns]; NaN where it is left to waveforms of beam counters."""
    return float("nan") if level == "raw" and simulation.setup.counters is not None else 0.0


def open_writer(
    path: Path, metadata: dict[str, Any], level: Level, container: Format
) -> SimulatedWriter | RawWriter:
    """
    Open a file to write events of a level to.

    Raises
    ------
    ConfigError
        If the level cannot be written in that container.
    """
    if level == "raw":
        return RawWriter(path, metadata, container)
    if container != "ttree":
        msg = "simulated energies are written as a TTree; --format rntuple is for --level raw"
        raise ConfigError(msg)
    return SimulatedWriter(path, metadata)
