"""The fit of showers, many at once: the same step of many events is one loop over neighbouring numbers.

`recon.shower` fits one shower after the other, in loops over five cells: too short for the vector units of a
processor. Here showers whose windows lie whole inside of the grid lie side by side (*lanes*), and the profile
comes from a table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import ndtr

from recon.geometry import ShowerProfile

__all__ = ["LANES", "StripTable", "fit_lanes", "lanes_workspace", "strip_table"]

Floats = npt.NDArray[np.float64]
Workspace = tuple[Floats, Floats, Floats, Floats]
Steps = tuple[int, int, int]  # strips in x and y, components

LANES = 32  # enough to fill vectors, few enough for the nearest cache
_NODES = 1201


@njit(cache=True)
def lanes_workspace(n_x: int, n_y: int, n_components: int) -> Workspace:
    """Return memory for `fit_lanes`: shares in x and in y with slopes, numbers of lanes, numbers of cells."""
    return (
        np.empty((2, n_components * n_x, LANES)),
        np.empty((2, n_components * n_y, LANES)),
        np.empty((24, LANES)),
        np.empty((3, LANES)),
    )


class StripTable(NamedTuple):
    """What each component of a profile puts into the strips of a window, against the position of the axis."""

    reach: float  # [mm] the table goes from minus this to plus this, from the centre of the middle strip
    step: float  # [mm] between its nodes
    nodes: Floats  # (n_nodes, 2, n_components * n_strips): shares, and slopes times the step


@lru_cache(maxsize=32)
def strip_table(
    profile: ShowerProfile, pitch: float, n_strips: int, reach: float, *, weighted: bool
) -> StripTable:
    """
    Tabulate the shares of adjoining strips and how fast they change with the axis.

    Between nodes, cubic polynomials of shares and slopes are good to 1e-7 for components as narrow as
    ``reach / 40``.

    Parameters
    ----------
    profile : ShowerProfile
    pitch : float [mm]
        Width of a strip.
    n_strips : int
        Of the window; odd.
    reach : float [mm]
        How far the axis may be from the centre of the middle strip.
    weighted : bool
        Each component is times its share of the profile, which one of the two coordinates has to bring in.
    """
    axis = np.linspace(-reach, reach, _NODES)
    step = float(axis[1] - axis[0])
    edges = (np.arange(n_strips + 1) - 0.5 * n_strips) * pitch
    z = (edges - axis[:, None, None]) / np.array(profile.width)[:, None]  # (nodes, components, edges)
    share = np.diff(ndtr(z))
    slope = -np.diff(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)) / np.array(profile.width)[:, None]
    weight = np.array(profile.share)[:, None] if weighted else 1.0
    nodes = np.stack([weight * share, weight * slope * step], axis=1).reshape(_NODES, 2, -1)
    return StripTable(reach, step, np.ascontiguousarray(nodes))


@njit(cache=True)
def _strip_shares(table: StripTable, at: Floats, out: Floats) -> None:
    """Fill shares and slopes, (2, n_components * n_strips, LANES), for axes at ``at``, (LANES,) [mm]."""
    for lane in range(LANES):
        along = (at[lane] + table.reach) / table.step
        node = min(max(int(along), 0), len(table.nodes) - 2)
        t = along - node
        u = 1.0 - t
        low, low_slope = (1.0 + 2.0 * t) * u * u, t * u * u
        high, high_slope = t * t * (3.0 - 2.0 * t), -t * t * u
        change, by_low, by_high = 6.0 * t * u / table.step, u * (1.0 - 3.0 * t), t * (3.0 * t - 2.0)
        by_low, by_high = by_low / table.step, by_high / table.step
        first, second = table.nodes[node], table.nodes[node + 1]
        for one in range(first.shape[1]):
            f, d, g, e = first[0, one], first[1, one], second[0, one], second[1, one]
            out[0, one, lane] = low * f + low_slope * d + high * g + high_slope * e
            out[1, one, lane] = change * (g - f) + by_low * d + by_high * e


@njit(cache=True)
def _insides(in_x: Floats, in_y: Floats, n_x: int, n_y: int, rows: Floats) -> None:
    """Fill rows 0-2 with the share of the profile in the window and its slopes; rows 3-6 are scratch."""
    rows[:3] = 0.0
    for k in range(in_x.shape[1] // n_x):
        rows[3:7] = 0.0
        for i in range(k * n_x, (k + 1) * n_x):
            for lane in range(LANES):
                rows[3, lane] += in_x[0, i, lane]
                rows[5, lane] += in_x[1, i, lane]
        for j in range(k * n_y, (k + 1) * n_y):
            for lane in range(LANES):
                rows[4, lane] += in_y[0, j, lane]
                rows[6, lane] += in_y[1, j, lane]
        for lane in range(LANES):
            rows[0, lane] += rows[3, lane] * rows[4, lane]
            rows[1, lane] += rows[5, lane] * rows[4, lane]
            rows[2, lane] += rows[3, lane] * rows[6, lane]


@njit(cache=True)
def _cell(first_x: int, first_y: int, steps: Steps, in_x: Floats, in_y: Floats, cell: Floats) -> None:
    """Fill the share of a cell and its slopes in x and y, (3, LANES), not yet over the share inside."""
    cell[:] = 0.0
    for k in range(steps[2]):
        a, b = k * steps[0] + first_x, k * steps[1] + first_y
        for lane in range(LANES):
            cell[0, lane] += in_x[0, a, lane] * in_y[0, b, lane]
            cell[1, lane] += in_x[1, a, lane] * in_y[0, b, lane]
            cell[2, lane] += in_x[0, a, lane] * in_y[1, b, lane]


@njit(cache=True, error_model="numpy")  # a check of each division would keep it from being a vector's
def _compare(window: Floats, energy: Floats, spread: Floats, work: Workspace, sums: Floats) -> None:
    """Fill chi2 and its normal equations, (6, LANES): chi2, right side (x, y), matrix (xx, xy, yy)."""
    in_x, in_y, rows, cell = work
    n_x, n_y = window.shape[:2]
    steps = n_x, n_y, in_x.shape[1] // n_x
    _insides(in_x, in_y, n_x, n_y, rows)
    sums[:] = 0.0
    for lane in range(LANES):
        rows[3, lane] = spread[0] * rows[0, lane] / energy[lane] + spread[1]
        rows[4, lane] = spread[2] / energy[lane] ** 2
        rows[5, lane] = 1 / energy[lane]
        rows[0, lane] = 1 / rows[0, lane]
    for i in range(n_x):
        for j in range(n_y):
            _cell(i, j, steps, in_x, in_y, cell)
            for lane in range(LANES):
                per_inside = rows[0, lane]
                p = cell[0, lane] * per_inside
                p_x = (cell[1, lane] - p * rows[1, lane]) * per_inside
                p_y = (cell[2, lane] - p * rows[2, lane]) * per_inside
                weight = 1 / (rows[3, lane] * p + rows[4, lane] + spread[3] * p * p)
                residual = window[i, j, lane] * rows[5, lane] - p
                sums[0, lane] += weight * residual * residual
                sums[1, lane] += weight * residual * p_x
                sums[2, lane] += weight * residual * p_y
                sums[3, lane] += weight * p_x * p_x
                sums[4, lane] += weight * p_x * p_y
                sums[5, lane] += weight * p_y * p_y


@njit(cache=True)
def fit_lanes(
    window: Floats,
    at: Floats,
    tables: tuple[StripTable, StripTable],
    spread: Floats,
    n_steps: int,
    work: Workspace,
    best: Floats,
) -> None:
    """
    Fit the lateral profile to showers side by side.

    Parameters
    ----------
    window : float64, shape (n_x, n_y, LANES) [GeV]
        Cells around the brightest one of each shower.
    at : float64, shape (2, LANES) [mm]
        First position from the centre of the brightest cell; is changed.
    tables : (StripTable, StripTable)
        Of the profile in x, weighted, and in y, not weighted.
    spread : float64, shape (4,)
        Squares of stochastic and constant term, noise [GeV^2] and calibration.
    n_steps : int
        Gauss-Newton steps.
    work : from `lanes_workspace`
    best : float64, shape (3, LANES)
        Output: x and y [mm] and chi2, not yet per degree of freedom.
    """
    reach_x, reach_y = tables[0].reach, tables[1].reach
    rows = work[2]
    sums, energy, open_ = rows[8:14], rows[14], rows[15]
    energy[:] = 0.0
    for i in range(window.shape[0]):
        for j in range(window.shape[1]):
            for lane in range(LANES):
                energy[lane] += window[i, j, lane]
    best[:2], best[2], open_[:] = at, np.inf, 1.0
    for step in range(n_steps + 1):
        _strip_shares(tables[0], at[0], work[0])
        _strip_shares(tables[1], at[1], work[1])
        _compare(window, energy, spread, work, sums)
        for lane in range(LANES):
            if open_[lane] == 0.0:
                continue
            x, y = at[0, lane], at[1, lane]
            chi2, to_x, to_y, xx, xy, yy = sums[:, lane]
            if chi2 < best[2, lane]:
                best[0, lane], best[1, lane], best[2, lane] = x, y, chi2
                det = xx * yy - xy * xy
                if step == n_steps or not det > 0:
                    open_[lane] = 0.0
                    continue
                x += (yy * to_x - xy * to_y) / det
                y += (xx * to_y - xy * to_x) / det
                at[0, lane] = min(max(x, -reach_x), reach_x)
                at[1, lane] = min(max(y, -reach_y), reach_y)
            else:
                at[0, lane] = 0.5 * (best[0, lane] + x)
                at[1, lane] = 0.5 * (best[1, lane] + y)
