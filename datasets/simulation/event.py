"""From beam particles to events: what a readout makes of several in one window, and the trigger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.light import CellLight, Light
from datasets.simulation.model import Hits, Primaries
from datasets.simulation.stack import Stack
from recon.geometry import Setup

__all__ = ["EventHits", "merge_light", "passes_trigger", "select_hits"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Limit = tuple[float | None, float | None]


class EventHits(NamedTuple):
    """Tracker hits sorted by event."""

    offsets: Ints  # (n_events + 1,)
    plane: Ints  # (n_hits,)
    x: Floats  # [mm]
    y: Floats  # [mm]
    time: Floats  # [ns]


def merge_light(light: Light, primaries: Primaries, cells: CellLight, n_events: int) -> Light:
    """
    Merge the pulses of all beam particles of an event, cell by cell.

    A readout takes the pulse next to the expected time, and cannot tell pulses apart that are closer than its
    resolving time. So what comes within that time of the trigger particle adds up; a cell where nothing does
    shows its largest other pulse, with the time of that.

    Parameters
    ----------
    light : Light, arrays of shape (n_primaries, n_cells)
    primaries : Primaries
        Sorted by event.
    cells : CellLight
    n_events : int

    Returns
    -------
    Light, arrays of shape (n_events, n_cells)
        Times are averages by energy; NaN in cells without energy.
    """
    starts = np.searchsorted(primaries.event, np.arange(n_events + 1)).astype(np.int64)
    return Light(*_merge(light.energy, light.time, primaries.time, starts, cells.resolving_time))


@numba.njit(cache=True)
def _merge(
    energy: Floats, time: Floats, passage: Floats, starts: Ints, resolving: Floats
) -> tuple[Floats, Floats]:
    n_events, n_cells = len(starts) - 1, energy.shape[1]
    merged = np.zeros((n_events, n_cells))
    when = np.full((n_events, n_cells), np.nan)
    for event in range(n_events):
        for c in range(n_cells):
            total = moment = largest = late = 0.0
            for i in range(starts[event], starts[event + 1]):
                e = energy[i, c]
                if e == 0.0:
                    continue
                if abs(passage[i]) <= resolving[c]:
                    total += e
                    moment += e * time[i, c]
                elif e > largest:
                    largest, late = e, time[i, c]
            if total > 0.0:
                merged[event, c], when[event, c] = total, moment / total
            elif largest > 0.0:
                merged[event, c], when[event, c] = largest, late
    return merged, when


def passes_trigger(
    light: Light,
    primaries: Primaries,
    stack: Stack,
    setup: Setup,
    n_events: int,
    limits: Mapping[str, Limit] | None = None,
) -> Mask:
    """
    Apply energy limits of the setup's trigger to what its electronics sees.

    It sees the sum of all pulses that come within the detector's resolving time of the trigger particle,
    without offline corrections.

    Parameters
    ----------
    light : Light, arrays of shape (n_primaries, n_cells)
    primaries : Primaries
    stack : Stack
    setup : Setup
    n_events : int
    limits : mapping of column to (low, high) [GeV], optional
        By default those of the physics trigger.

    Returns
    -------
    bool, shape (n_events,)

    Raises
    ------
    ValueError
        If the trigger asks for an energy that no detector or section has.
    """
    passed = np.ones(n_events, dtype=bool)
    for column, (low, high) in (setup.trigger.limits if limits is None else limits).items():
        detector, cells = _cells_of(column, stack)
        response = setup.detectors[detector].response
        adds_up = np.abs(primaries.time) <= response.resolving_time
        sums = light.energy[adds_up, cells].sum(axis=1) / response.sampling_fraction
        seen = np.bincount(primaries.event[adds_up], weights=sums, minlength=n_events)
        passed &= (seen > (-np.inf if low is None else low)) & (seen < (np.inf if high is None else high))
    return passed


def _cells_of(column: str, stack: Stack) -> tuple[str, slice]:
    """Return detector and cells of a trigger energy; `ps_energy` is that of the target's preshower."""
    name = column.removesuffix("_energy")
    if column == "ps_energy":
        return stack.target.name, _preshower_cells(stack)
    if name in stack.columns and column.endswith("_energy"):
        return name, stack.columns[name]
    for volume in stack.volumes:
        if volume.section.name == name and column.endswith("_energy"):
            start = volume.first_cell
            return volume.detector.name, slice(start, start + volume.section.grid.n_cells)
    known = ", ".join(f"{detector}_energy" for detector in stack.columns)
    msg = (
        f"the trigger of the setup has limits on '{column}'; known: ps_energy, {known}, or those of sections"
    )
    raise ValueError(msg)


def _preshower_cells(stack: Stack) -> slice:
    """Return the cells of the target's preshower; without one those of its first section."""
    layers, offsets = stack.target.preshower or (0,), stack.target.offsets
    start = stack.columns[stack.target.name].start
    return slice(start + int(offsets[layers[0]]), start + int(offsets[layers[-1] + 1]))


def select_hits(
    hits: Hits, primaries: Primaries, setup: Setup, n_events: int, rng: np.random.Generator
) -> EventHits:
    """
    Return the hits that each plane reads out, sorted by event, then plane.

    Parameters
    ----------
    hits : Hits
    primaries : Primaries
    setup : Setup
        Gives the time window of each plane.
    n_events : int
    rng : numpy.random.Generator
        Draws the order of hits on one plane: a file must not tell the trigger particle's by its place.
    """
    planes = [plane for spectrometer in setup.spectrometers.values() for plane in spectrometer.planes]
    early, late = (np.array(limits) for limits in zip(*(p.time_window for p in planes), strict=True))
    time = primaries.time[hits.primary]
    kept = (time >= early[hits.plane]) & (time <= late[hits.plane])
    event, plane, when = primaries.event[hits.primary][kept], hits.plane[kept], time[kept]
    x, y = hits.x[kept], hits.y[kept]
    order = np.lexsort((rng.random(len(event)), plane, event))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(event, minlength=n_events))]).astype(np.int64)
    return EventHits(offsets, plane[order], x[order], y[order], when[order])
