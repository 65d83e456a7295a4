"""Position and shape of the leading shower of a calorimeter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.geometry import Section
from recon.profile import SCurve, ShowerProfile, invert, s_curve, strip_shares
from recon.shower_lanes import LANES, StripTable, fit_lanes, lanes_workspace, strip_table

__all__ = ["Shower", "ShowerConfig", "reconstruct_shower", "to_global"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

REACH = 0.6  # pitches: how far from the centre of its brightest cell a shower may be


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowerConfig:
    """How the leading shower is compared with the profile."""

    min_energy: float = 1.0  # [GeV] of all cells together; below it there is no shower
    window: int = 5  # cells on a side, around the cell with most energy; odd
    noise: float = 0.0  # [GeV] of a cell, added to the profile's own fluctuation
    calibration: float = 0.0  # relative error of a cell's energy, added too
    n_steps: int = 2  # Gauss-Newton steps from the S-curve's position

    def __post_init__(self) -> None:
        if self.window < 3 or self.window % 2 == 0:
            msg = f"shower.window must be odd and >= 3, got {self.window}"
            raise ValueError(msg)
        if not self.min_energy > 0 or self.n_steps < 0:
            msg = f"shower needs min_energy > 0 and n_steps >= 0, got {self}"
            raise ValueError(msg)
        if not self.noise >= 0 or not self.calibration >= 0:
            msg = f"shower needs noise >= 0 and calibration >= 0, got {self.noise}, {self.calibration}"
            raise ValueError(msg)


class Shower(NamedTuple):
    """Where the leading shower is, and how much it looks like one."""

    x: Floats  # [mm] (n_events,) global
    y: Floats  # [mm] (n_events,) global
    chi2: Floats  # (n_events,) per degree of freedom: cells of the window less 3
    max_x: npt.NDArray[np.int64]  # (n_events,) index of the cell with most energy, -1 if undefined
    max_y: npt.NDArray[np.int64]  # (n_events,)
    is_valid: npt.NDArray[np.bool_]  # (n_events,)


def reconstruct_shower(
    cells: npt.NDArray[np.floating], section: Section, profile: ShowerProfile, config: ShowerConfig
) -> Shower:
    """
    Fit the lateral profile to the cells around the one with most energy.

    The position starts from the S-curves of the 3 x 3 cells and is refined by Gauss-Newton steps on
    ``chi2 = sum_i (f_i - p_i)^2 / (k^2 p_i + (noise / e)^2 + (calibration p_i)^2)`` over the cells of the
    window that exist: ``e`` is their energy, ``f`` its measured and ``p`` the profile's fractions (both add
    up to 1), and ``k`` that of `recon.profile.fraction_rms` at the energy of the shower, ``e`` over the share
    of the profile in the window. Dividing by ``k^2 p``, not by the rms squared ``k^2 p (1 - p)``, is
    Pearson's way to respect that the fractions add up to 1; it costs the third degree of freedom.

    Parameters
    ----------
    cells : float, shape (n_events, n_x, n_y) [GeV]
        Calibrated energies, summed over the sections along the shower; 0 where empty.
    section : Section
        Gives the grid's pitch, centre and rotation.
    profile : ShowerProfile
    config : ShowerConfig

    Returns
    -------
    Shower
        NaN, -1 and False where a cell is not finite or the energy is below ``config.min_energy``.

    Raises
    ------
    ValueError
        If the cells are not those of the section's grid, or there are fewer than 2 x 2.
    """
    check_cells(cells, section)
    pitch = section.grid.pitch
    local_x, local_y, chi2, max_x, max_y = _fit_events(
        np.require(cells, np.float64, ["C", "W"]),
        (float(pitch[0]), float(pitch[1])),
        (s_curve(profile, pitch[0]), s_curve(profile, pitch[1])),
        (np.array(profile.share), np.array(profile.width)),
        (
            strip_table(profile, pitch[0], config.window, REACH * pitch[0], weighted=True),
            strip_table(profile, pitch[1], config.window, REACH * pitch[1], weighted=False),
        ),
        np.square([profile.stochastic, profile.constant, config.noise, config.calibration], dtype=np.float64),
        (float(config.min_energy), config.window // 2, config.n_steps),
    )
    return Shower(*to_global(local_x, local_y, section), chi2, max_x, max_y, np.isfinite(chi2))


def check_cells(cells: npt.NDArray[np.floating], section: Section) -> None:
    """Raise unless ``cells`` are those of the section's grid, at least 2 x 2."""
    if cells.ndim != 3 or cells.shape[1:] != section.grid.shape or min(section.grid.shape) < 2:
        msg = (
            f"showers need cells of shape (n_events, n_x, n_y) with at least 2 x 2 cells; section "
            f"'{section.name}' has {section.grid.shape}, the array {cells.shape}"
        )
        raise ValueError(msg)


def to_global(x: Floats, y: Floats, section: Section) -> tuple[Floats, Floats]:
    """
    Turn positions on a section's grid into global ones.

    Parameters
    ----------
    x, y : float64, same shape [mm]
        From the grid's centre, along the rows and columns of its cells.
    section : Section
        Its ``rotation`` turns the x axis towards the y axis.

    Returns
    -------
    tuple of float64, same shape [mm]
    """
    cos, sin = np.cos(section.rotation), np.sin(section.rotation)
    return section.centre[0] + cos * x - sin * y, section.centre[1] + sin * x + cos * y


@njit(cache=True)
def position(
    around: Floats, i: int, j: int, grid: tuple[int, int], curves: tuple[SCurve, SCurve]
) -> tuple[float, float]:
    """
    Return the axis' distance in x and y from the centre of a cell by the S-curves [mm].

    Parameters
    ----------
    around : float64, shape (3, 3) [GeV]
        Energies of the cell and its neighbours; those outside of the grid are not used.
    i, j : int
        Index of the cell.
    grid : (int, int)
        Cells of the grid.
    curves : (SCurve, SCurve)
        Of the pitch in x and in y.
    """
    low_x, middle_x, high_x = _row(around[0]), _row(around[1]), _row(around[2])
    low_y, middle_y, high_y = _row(around[:, 0]), _row(around[:, 1]), _row(around[:, 2])
    return (
        _offset(low_x, middle_x, high_x, i > 0, i + 1 < grid[0], curves[0]),
        _offset(low_y, middle_y, high_y, j > 0, j + 1 < grid[1], curves[1]),
    )


@njit(cache=True)
def _row(three: Floats) -> float:
    """Return the sum of three numbers; numpy's own would make an array."""
    return float(three[0] + three[1] + three[2])


@njit(cache=True)
def _offset(low: float, middle: float, high: float, has_low: bool, has_high: bool, curve: SCurve) -> float:
    """Return the axis' distance from the middle column [mm] by the S-curve of the columns that exist."""
    if has_low and has_high:
        return invert((high - low) / (low + middle + high), curve.balance, curve.offset)
    if has_high:
        return invert(high / (middle + high), curve.edge_balance, curve.edge_offset)
    return -invert(low / (middle + low), curve.edge_balance, curve.edge_offset)


@njit(cache=True)
def neighbours(cells: Floats, i: int, j: int, around: Floats) -> None:
    """Fill ``around``, (3, 3), with the positive energies of cell (i, j) and those next to it; 0 outside."""
    for k in range(3):
        for m in range(3):
            inside = 0 < i + k <= cells.shape[0] and 0 < j + m <= cells.shape[1]
            around[k, m] = max(cells[i + k - 1, j + m - 1], 0.0) if inside else 0.0


@njit(cache=True)
def brightest(cells: Floats, min_energy: float) -> tuple[int, int]:
    """Return the brightest cell; (-1, -1) if a cell is not finite or they hold less than ``min_energy``."""
    total, i_max, j_max = 0.0, 0, 0
    for i in range(cells.shape[0]):
        for j in range(cells.shape[1]):
            total += cells[i, j]
            if cells[i, j] > cells[i_max, j_max]:
                i_max, j_max = i, j
    return (i_max, j_max) if min_energy <= total < np.inf else (-1, -1)


@njit(cache=True)
def _fit_events(
    cells: Floats,
    pitch: tuple[float, float],
    curves: tuple[SCurve, SCurve],
    mixture: tuple[Floats, Floats],
    tables: tuple[StripTable, StripTable],
    spread: Floats,
    limits: tuple[float, int, int],
) -> tuple[Floats, Floats, Floats, Integers, Integers]:
    """Fit all events; positions [mm] from the grid's centre."""
    min_energy, half, n_steps = limits
    chi2 = np.full(len(cells), np.nan)
    at, brightest_cell = _find(cells, pitch, curves, min_energy, half)
    whole = np.empty(len(cells), np.int64)  # events whose window lies inside of the grid
    n_whole = 0
    work = np.empty((5, max(len(mixture[0]), 3), 2 * half + 1))  # the last is for a row of cells
    for event in range(len(cells)):
        i, j = brightest_cell[:, event]
        if i < 0:
            continue
        window = _window(cells[event], i, j, half)
        if window.shape == (2 * half + 1, 2 * half + 1):
            whole[n_whole] = event
            n_whole += 1
            continue
        edges = ((max(i - half, 0) - i - 0.5) * pitch[0], (max(j - half, 0) - j - 0.5) * pitch[1])
        start = (at[0, event], at[1, event])
        at[0, event], at[1, event], chi2[event] = _fit(
            window, start, edges, pitch, mixture, spread, n_steps, work
        )
    _fit_whole(cells, whole[:n_whole], brightest_cell, tables, len(mixture[0]), spread, limits, at, chi2)
    x = at[0] + (brightest_cell[0] - 0.5 * (cells.shape[1] - 1)) * pitch[0]
    y = at[1] + (brightest_cell[1] - 0.5 * (cells.shape[2] - 1)) * pitch[1]
    return x, y, chi2, brightest_cell[0], brightest_cell[1]


@njit(cache=True)
def _window(cells: Floats, i: int, j: int, half: int) -> Floats:
    """Return the cells around cell (i, j) that exist."""
    return cells[max(i - half, 0) : i + half + 1, max(j - half, 0) : j + half + 1]


@njit(cache=True)
def _find(
    cells: Floats, pitch: tuple[float, float], curves: tuple[SCurve, SCurve], min_energy: float, half: int
) -> tuple[Floats, Integers]:
    """Return first positions from the centre of the brightest cell [mm] and that cell, (2, n_events) both."""
    at, found = np.full((2, len(cells)), np.nan), np.full((2, len(cells)), -1)
    around = np.empty((3, 3))
    for event in range(len(cells)):
        i, j = brightest(cells[event], min_energy)
        if i < 0 or not _window(cells[event], i, j, half).sum() > 0:
            continue
        found[0, event], found[1, event] = i, j
        neighbours(cells[event], i, j, around)
        at[0, event], at[1, event] = position(around, i, j, cells.shape[1:], curves)
    return at, found


@njit(cache=True)
def _fit_whole(
    cells: Floats,
    events: Integers,
    brightest_cell: Integers,
    tables: tuple[StripTable, StripTable],
    n_components: int,
    spread: Floats,
    limits: tuple[float, int, int],
    at: Floats,
    chi2: Floats,
) -> None:
    """Fit showers whose windows lie inside of the grid, `LANES` at once; ``at`` and ``chi2`` are filled."""
    half, n_steps = limits[1], limits[2]
    size = 2 * half + 1
    window, start, best = np.empty((size, size, LANES)), np.empty((2, LANES)), np.empty((3, LANES))
    work = lanes_workspace(size, size, n_components)
    for first in range(0, len(events), LANES):
        for lane in range(LANES):
            event = events[min(first + lane, len(events) - 1)]  # the last one again where there is no more
            i, j = brightest_cell[0, event] - half, brightest_cell[1, event] - half
            start[0, lane], start[1, lane] = at[0, event], at[1, event]
            for k in range(size):
                for m in range(size):
                    window[k, m, lane] = cells[event, i + k, j + m]
        fit_lanes(window, start, tables, spread, n_steps, work, best)
        for lane in range(min(LANES, len(events) - first)):
            event = events[first + lane]
            at[0, event], at[1, event] = best[0, lane], best[1, lane]
            chi2[event] = best[2, lane] / (size * size - 3)


@njit(cache=True)
def _fit(
    window: Floats,
    start: tuple[float, float],
    edges: tuple[float, float],
    pitch: tuple[float, float],
    mixture: tuple[Floats, Floats],
    spread: Floats,
    n_steps: int,
    work: Floats,
) -> tuple[float, float, float]:
    """Return the best offsets from the brightest cell [mm] and chi2 per degree of freedom there."""
    x, y = start
    best_x, best_y, best = x, y, np.inf
    for step in range(n_steps + 1):
        strip_shares(edges[0] - x, pitch[0], window.shape[0], mixture[1], work[0], work[1])
        strip_shares(edges[1] - y, pitch[1], window.shape[1], mixture[1], work[2], work[3])
        chi2, to_x, to_y, xx, xy, yy = _compare(window, mixture[0], work, spread)
        if chi2 < best:
            best_x, best_y, best = x, y, chi2
            det = xx * yy - xy * xy
            if step == n_steps or not det > 0:
                break
            x += (yy * to_x - xy * to_y) / det
            y += (xx * to_y - xy * to_x) / det
            x = min(max(x, -REACH * pitch[0]), REACH * pitch[0])
            y = min(max(y, -REACH * pitch[1]), REACH * pitch[1])
        else:
            x, y = 0.5 * (best_x + x), 0.5 * (best_y + y)
    return best_x, best_y, best / (window.size - 3)


@njit(cache=True)
def _compare(
    window: Floats, share: Floats, work: Floats, spread: Floats
) -> tuple[float, float, float, float, float, float]:
    """Return chi2 and its normal equations: right side (x, y), matrix (xx, xy, yy)."""
    n_x, n_y = window.shape
    energy = 0.0
    for i in range(n_x):
        for j in range(n_y):
            energy += window[i, j]
    inside, inside_x, inside_y = 0.0, 0.0, 0.0
    for k in range(len(share)):
        in_x, in_y, slope_x, slope_y = 0.0, 0.0, 0.0, 0.0
        for i in range(n_x):
            in_x += work[0, k, i]
            slope_x += work[1, k, i]
        for j in range(n_y):
            in_y += work[2, k, j]
            slope_y += work[3, k, j]
        inside += share[k] * in_x * in_y
        inside_x += share[k] * slope_x * in_y
        inside_y += share[k] * in_x * slope_y
    variance = spread[0] * inside / energy + spread[1]
    noise, cells = spread[2] / energy**2, work[4]
    chi2, to_x, to_y, xx, xy, yy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(n_x):
        for j in range(n_y):
            cells[0, j], cells[1, j], cells[2, j] = 0.0, 0.0, 0.0
        for k in range(len(share)):  # cells last: they are next to each other in memory
            in_x, slope_x = share[k] * work[0, k, i], share[k] * work[1, k, i]
            for j in range(n_y):
                cells[0, j] += in_x * work[2, k, j]
                cells[1, j] += slope_x * work[2, k, j]
                cells[2, j] += in_x * work[3, k, j]
        for j in range(n_y):
            p, p_x, p_y = cells[0, j], cells[1, j], cells[2, j]
            p /= inside
            p_x = (p_x - p * inside_x) / inside
            p_y = (p_y - p * inside_y) / inside
            weight = 1 / (variance * p + noise + spread[3] * p * p)
            residual = window[i, j] / energy - p
            chi2 += weight * residual * residual
            to_x += weight * residual * p_x
            to_y += weight * residual * p_y
            xx += weight * p_x * p_x
            xy += weight * p_x * p_y
            yy += weight * p_y * p_y
    return chi2, to_x, to_y, xx, xy, yy
