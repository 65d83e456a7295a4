"""From the visible energy of each beam particle to the light that a readout sees, and when."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.stack import Stack

__all__ = ["CellLight", "Light", "collect_light", "light_tables"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SCINTILLATION = 3.0  # [ns] decay time of plastic scintillator: the first photons come within it
_MANY = 60.0  # photoelectrons from which on their number is drawn from a Gaussian


class CellLight(NamedTuple):
    """Properties of the light of all cells, each of shape (n_cells,)."""

    light_yield: Floats  # [photoelectrons / GeV visible]; 0: no photo-statistics
    time_resolution: Floats  # [ns]
    resolving_time: Floats  # [ns]
    partner: Ints  # the other photomultiplier of a panel; -1: none


class Light(NamedTuple):
    """What arrives in each cell, both of shape (n_primaries, n_cells)."""

    energy: Floats  # [GeV] visible, photo-statistics included
    time: Floats  # [ns] against the trigger particle; NaN without energy


def light_tables(stack: Stack) -> CellLight:
    """Lay out the light of all cells of a setup."""
    numbers = np.zeros((3, stack.n_cells))
    partner = np.full(stack.n_cells, -1, dtype=np.int64)
    for volume in stack.volumes:
        first, last = volume.first_cell, volume.first_cell + volume.section.grid.n_cells
        r = volume.detector.response
        numbers[:, first:last] = [[r.light_yield], [r.time_resolution], [r.resolving_time]]
        if volume.section.combine == "geometric_mean":
            partner[[first, first + 1]] = first + 1, first
    light_yield, time_resolution, resolving_time = numbers
    return CellLight(light_yield, time_resolution, resolving_time, partner)


def collect_light(visible: Floats, time: Floats, cells: CellLight, rng: np.random.Generator) -> Light:
    """
    Draw photo-statistics and arrival times.

    Both photomultipliers of a panel see all of its light. The number of photoelectrons N is Poisson; the
    time has a Gaussian error of the cell's resolution and, in quadrature, of the scintillator's decay time
    / sqrt(N).

    Parameters
    ----------
    visible : float64, shape (n_primaries, n_cells) [GeV]
        True visible energy.
    time : float64, shape (n_primaries,) [ns]
        Of the beam particle against the trigger particle.
    cells : CellLight
    rng : numpy.random.Generator

    Returns
    -------
    Light
    """
    return Light(*_collect(visible, time, cells, rng))


@numba.njit(cache=True)
def _collect(
    visible: Floats, time: Floats, cells: CellLight, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    energy = np.zeros_like(visible)
    when = np.full_like(visible, np.nan)
    for i in range(visible.shape[0]):
        for c in range(visible.shape[1]):
            e = visible[i, c]
            if cells.partner[c] >= 0:
                e += visible[i, cells.partner[c]]
            if not e > 0.0:
                continue
            scale = cells.light_yield[c]
            spread = cells.time_resolution[c]
            if scale > 0.0:
                mean = e * scale
                few = mean < _MANY
                n = float(rng.poisson(mean)) if few else max(0.0, rng.normal(mean, np.sqrt(mean)))
                if n == 0.0:
                    continue
                e = n / scale
                spread = np.sqrt(spread**2 + _SCINTILLATION**2 / n)
            energy[i, c] = e
            when[i, c] = rng.normal(time[i], spread) if spread > 0.0 else time[i]
    return energy, when
