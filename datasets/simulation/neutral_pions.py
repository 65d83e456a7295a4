"""Neutral pions of a hadron shower: their energy in lumps close by, and in thin counters behind."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.hadron_media import HadronMedia
from datasets.simulation.stack import Tables, cell_at
from physics.electromagnetic_shower import gamma_fraction

__all__ = ["LIGHT", "put", "shower_pion"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FAR = 30.0  # [X0] behind which nothing of a neutral pion is left
_LUMPS = 4  # points at which the shower of a neutral pion deposits its energy
LIGHT = -1.0  # of `charged`, of what leaves: a photon


@numba.njit(cache=True)
def put(cells: Floats, tables: Tables, v: int, x: float, y: float, visible: float) -> None:
    """Add visible energy [GeV] to the cell of a volume at a place, if there is one."""
    cell = cell_at(tables, v, x, y)
    if cell >= 0:
        cells[cell] += visible


@numba.njit(cache=True)
def shower_pion(
    energy: float,
    x: float,
    y: float,
    z: float,
    slope_x: float,
    slope_y: float,
    v: int,
    cells: Floats,
    leaving: Floats,
    gone: Ints,
    tables: Tables,
    media: HadronMedia,
    rng: np.random.Generator,
) -> None:
    """
    Deposit a neutral pion in lumps: depths by a gamma distribution, radii by an exponential.

    Lumps that are behind all volumes leave together as one photon.
    """
    escaped = 0.0
    log_y = max(np.log(energy / tables.critical_energy[v]), 1.5)
    alpha = 0.81 + 0.5 * log_y  # mean shape of physics.electromagnetic_shower
    beta = (alpha - 1.0) / max(log_y - 0.812, 0.5)
    _cross_counters(energy, alpha, beta, x, y, z, slope_x, slope_y, v, cells, tables, media)
    for _ in range(_LUMPS):
        depth = rng.standard_gamma(alpha) / beta
        radius = rng.exponential(0.5 * media.moliere[v])
        angle = 2.0 * np.pi * rng.random()
        is_inside = False
        for w in range(v, len(tables.z)):
            begin, end = max(tables.z[w], z), tables.z[w] + tables.length[w]
            middle = 0.5 * (begin + end) - z
            if end <= begin or _is_in_hole(tables, w, x + middle * slope_x, y + middle * slope_y):
                continue
            through = (end - begin) / tables.radiation_length[w]
            if depth < through:
                is_inside = True
                if tables.layers[w] == 1:
                    break
                step = begin + depth * tables.radiation_length[w] - z
                px, py = (
                    x + step * slope_x + radius * np.cos(angle),
                    y + step * slope_y + radius * np.sin(angle),
                )
                put(cells, tables, w, px, py, energy * media.em_fraction[w] / _LUMPS)
                break
            depth -= through
        if not is_inside:
            escaped += energy / _LUMPS
    if escaped > 0.0 and gone[0] < len(leaving):
        row = leaving[gone[0]]
        row[0], row[1], row[2], row[3] = escaped, x, y, z
        row[4], row[5], row[6], row[7] = slope_x, slope_y, LIGHT, 0.0
        gone[0] += 1


@numba.njit(cache=True, inline="always")
def _is_in_hole(tables: Tables, v: int, x: float, y: float) -> bool:
    """Return whether a place is in the hole of a volume."""
    return bool(
        2 * abs(x - tables.centre_x[v]) < tables.hole_x[v]
        and 2 * abs(y - tables.centre_y[v]) < tables.hole_y[v]
    )


@numba.njit(cache=True)
def _cross_counters(
    energy: float,
    alpha: float,
    beta: float,
    x: float,
    y: float,
    z: float,
    slope_x: float,
    slope_y: float,
    v: int,
    cells: Floats,
    tables: Tables,
    media: HadronMedia,
) -> None:
    """
    Deposit what the particles of a neutral pion's shower leave in thin counters behind it.

    Their number is the energy loss per radiation length of the shower over the critical energy of the
    matter in front; each loses the critical energy of the counter per radiation length there.
    """
    depth = 0.0
    for w in range(v, len(tables.z)):
        begin, end = max(tables.z[w], z), tables.z[w] + tables.length[w]
        if end <= begin:
            continue
        through = (end - begin) / tables.radiation_length[w]
        if tables.layers[w] == 1:
            share = gamma_fraction(alpha, beta * (depth + through)) - gamma_fraction(alpha, beta * depth)
            gain = tables.critical_energy[w] / tables.critical_energy[v]
            step = begin - z
            put(
                cells,
                tables,
                w,
                x + step * slope_x,
                y + step * slope_y,
                energy * share * gain * media.em_fraction[w],
            )
        depth += through
        if depth > _FAR:
            return
