"""Clusters: showers side by side on one grid of cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.geometry import Section
from recon.profile import SCurve, ShowerProfile, s_curve, strip_shares
from recon.shower import check_cells, neighbours, position, to_global

__all__ = ["ClusterConfig", "Clusters", "find_clusters"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TOLERANCE = 0.01  # [mm] clusters that move less in an iteration stand still


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """What makes a cluster."""

    seed_energy: float = 0.5  # [GeV] least energy of the cell that starts a cluster
    leakage_factor: float = 3.0  # a seed must exceed what brighter clusters put there so many times
    reach: int = 2  # cells from the seed that belong to a cluster: 2 gives 5 x 5
    cell_energy: float = 0.05  # [GeV] least energy, of the cluster, in a cell that is counted in `n_cells`
    n_iterations: int = 50  # of sharing the cells' energies, at most; it stops when no cluster moves
    time_window: tuple[float, float] = (-math.inf, math.inf)  # [ns] of the cells that make the time

    def __post_init__(self) -> None:
        if not self.seed_energy > 0 or not self.leakage_factor >= 1 or not self.cell_energy >= 0:
            msg = f"clusters need seed_energy > 0, leakage_factor >= 1 and cell_energy >= 0, got {self}"
            raise ValueError(msg)
        if self.reach < 1 or self.n_iterations < 1:
            msg = f"clusters need reach and n_iterations of at least 1, got {self}"
            raise ValueError(msg)
        if not self.time_window[0] < self.time_window[1]:
            msg = f"clusters.time_window must rise, got {self.time_window}"
            raise ValueError(msg)


class Clusters(NamedTuple):
    """Clusters of all events, one after the other; brightest first within an event."""

    offsets: Ints  # (n_events + 1,) event i has the clusters offsets[i]:offsets[i + 1]
    energy: Floats  # [GeV] (n_clusters,) in the cells within reach of the seed, not corrected for the rest
    x: Floats  # [mm] (n_clusters,) global
    y: Floats  # [mm] (n_clusters,) global
    size: Floats  # [mm] (n_clusters,) rms distance of the energy, cell by cell, from its centre of gravity
    time: Floats  # [ns] (n_clusters,) NaN without a cell in time
    n_cells: Ints  # (n_clusters,)


def find_clusters(
    cells: npt.NDArray[np.floating],
    section: Section,
    profile: ShowerProfile,
    config: ClusterConfig,
    times: npt.NDArray[np.floating] | None = None,
) -> Clusters:
    """
    Find the showers on a grid and share the cells' energies between them.

    A seed is a cell above ``seed_energy`` that no neighbour exceeds; of equal neighbours, the one of lower x,
    then lower y, counts as the brighter. From the brightest down, a seed is kept if it holds more than
    ``leakage_factor`` times what the profiles of the clusters before it put there. Then each cell is divided
    in proportion to the profiles of the clusters within reach, and energies and positions (from the S-curves
    of the 3 x 3 cells around the seed) are taken anew from the parts, until the positions stand still.

    Parameters
    ----------
    cells : float, shape (n_events, n_x, n_y) [GeV]
        Calibrated energies, summed over the sections along the shower; 0 where empty.
    section : Section
        Gives the grid's pitch, centre and rotation.
    profile : ShowerProfile
    config : ClusterConfig
    times : float, shape (n_events, n_x, n_y) [ns], optional
        NaN where a cell has no time.

    Returns
    -------
    Clusters
        None for an event in which the energy of any cell is not finite.

    Raises
    ------
    ValueError
        If the cells are not those of the section's grid, there are fewer than 2 x 2, or the times are not as
        many as the cells.
    """
    check_cells(cells, section)
    if times is not None and times.shape != cells.shape:
        msg = f"times of the cells must have the shape of their energies, {cells.shape}, got {times.shape}"
        raise ValueError(msg)
    pitch = section.grid.pitch
    offsets, found = _find(
        np.require(cells, np.float64, ["C", "W"]),
        np.full(cells.shape, np.nan) if times is None else np.require(times, np.float64, ["C", "W"]),
        (float(pitch[0]), float(pitch[1])),
        (s_curve(profile, pitch[0]), s_curve(profile, pitch[1])),
        (np.array(profile.share), np.array(profile.width)),
        np.array(
            [config.seed_energy, config.leakage_factor, config.cell_energy, *config.time_window],
            dtype=np.float64,
        ),
        (config.reach, config.n_iterations),
    )
    energy, local_x, local_y, size, time, n_cells = np.ascontiguousarray(found.T)
    return Clusters(
        offsets, energy, *to_global(local_x, local_y, section), size, time, n_cells.astype(np.int64)
    )


@njit(cache=True)
def _find(
    cells: Floats,
    times: Floats,
    pitch: tuple[float, float],
    curves: tuple[SCurve, SCurve],
    mixture: tuple[Floats, Floats],
    thresholds: Floats,
    counts: tuple[int, int],
) -> tuple[Ints, Floats]:
    """Return the offsets and one row (energy, x, y, size, time, n_cells) per cluster."""
    n_events, n_x, n_y = cells.shape
    most = ((n_x + 1) // 2) * ((n_y + 1) // 2)  # seeds never touch
    side = 2 * counts[0] + 1
    seeds = np.empty((most, 2), np.int64)
    axes = np.empty((most, 3))  # amplitude [GeV], offset in x and y from the seed's centre [mm]
    shape, part = np.empty((most, side, side)), np.empty((most, side, side))  # profile and energy of each
    claim = np.empty((n_x, n_y))
    work = np.empty((4, len(mixture[0]), side))
    offsets, rows, total = np.zeros(n_events + 1, np.int64), np.empty((n_events + most, 6)), 0
    for event in range(n_events):
        n = _seeds(cells[event], thresholds[0], seeds)
        n = _select(cells[event], seeds, n, axes, pitch, curves, mixture, thresholds[1], work)
        for _ in range(counts[1]):
            _share(cells[event], seeds[:n], axes, shape, part, claim, pitch, mixture, work)
            if n < 2 or _locate(part[:n], shape, seeds, axes, claim.shape, curves) < TOLERANCE:
                break
        if total + n > len(rows):
            rows = np.concatenate((rows, np.empty((len(rows) + most, 6))))
        _describe(part[:n], times[event], seeds, axes, pitch, thresholds, rows[total : total + n])
        total += n
        offsets[event + 1] = total
    return offsets, rows[:total].copy()


@njit(cache=True)
def _seeds(cells: Floats, seed_energy: float, seeds: Ints) -> int:
    """Fill the local maxima above ``seed_energy``, brightest first, and return how many there are."""
    if not np.isfinite(cells.sum()):
        return 0
    n = 0
    for i in range(cells.shape[0]):
        for j in range(cells.shape[1]):
            if cells[i, j] < seed_energy or not _is_peak(cells, i, j):
                continue
            place = n
            while place > 0 and cells[seeds[place - 1, 0], seeds[place - 1, 1]] < cells[i, j]:
                seeds[place] = seeds[place - 1]
                place -= 1
            seeds[place, 0], seeds[place, 1] = i, j
            n += 1
    return n


@njit(cache=True)
def _is_peak(cells: Floats, i: int, j: int) -> bool:
    """Return whether no neighbour of cell (i, j) is brighter; an equal one is if it comes before it."""
    for k in range(max(i - 1, 0), min(i + 2, cells.shape[0])):
        for m in range(max(j - 1, 0), min(j + 2, cells.shape[1])):
            before = k < i or (k == i and m < j)
            if cells[k, m] > cells[i, j] or (before and cells[k, m] == cells[i, j]):
                return False
    return True


@njit(cache=True)
def _select(
    cells: Floats,
    seeds: Ints,
    n_seeds: int,
    axes: Floats,
    pitch: tuple[float, float],
    curves: tuple[SCurve, SCurve],
    mixture: tuple[Floats, Floats],
    leakage_factor: float,
    work: Floats,
) -> int:
    """Move the seeds that stand out of the leakage to the front, with a first guess of their axes."""
    n, around = 0, np.empty((3, 3))
    for candidate in range(n_seeds):
        i, j = seeds[candidate]
        leakage = 0.0
        for c in range(n):
            away = (i - seeds[c, 0]) * pitch[0] - axes[c, 1], (j - seeds[c, 1]) * pitch[1] - axes[c, 2]
            leakage += axes[c, 0] * _block(away, 0, pitch, mixture, work)
        if cells[i, j] <= leakage_factor * leakage:
            continue
        neighbours(cells, i, j, around)
        seeds[n, 0], seeds[n, 1] = i, j
        axes[n, 1], axes[n, 2] = position(around, i, j, cells.shape, curves)
        axes[n, 0] = around.sum() / _block((-axes[n, 1], -axes[n, 2]), 1, pitch, mixture, work)
        n += 1
    return n


@njit(cache=True)
def _block(
    away: tuple[float, float],
    half: int,
    pitch: tuple[float, float],
    mixture: tuple[Floats, Floats],
    work: Floats,
) -> float:
    """Return the profile's fraction in 2 half + 1 cells squared, centred at ``away`` [mm] from the axis."""
    width = (2 * half + 1) * pitch[0], (2 * half + 1) * pitch[1]
    strip_shares(away[0] - 0.5 * width[0], width[0], 1, mixture[1], work[0], work[1])
    strip_shares(away[1] - 0.5 * width[1], width[1], 1, mixture[1], work[2], work[3])
    return float((mixture[0] * work[0, :, 0] * work[2, :, 0]).sum())


@njit(cache=True)
def _share(
    cells: Floats,
    seeds: Ints,
    axes: Floats,
    shape: Floats,
    part: Floats,
    claim: Floats,
    pitch: tuple[float, float],
    mixture: tuple[Floats, Floats],
    work: Floats,
) -> None:
    """Fill the profile's fractions of each cluster around its seed, and its part of the cells' energies."""
    n_x, n_y = cells.shape
    reach = shape.shape[1] // 2
    claim[:] = 0.0
    for c in range(len(seeds)):
        i, j = seeds[c, 0] - reach, seeds[c, 1] - reach
        _profile(shape[c], axes[c], pitch, mixture, work)
        for k in range(max(-i, 0), min(n_x - i, 2 * reach + 1)):
            for m in range(max(-j, 0), min(n_y - j, 2 * reach + 1)):
                claim[i + k, j + m] += axes[c, 0] * shape[c, k, m]
    for c in range(len(seeds)):
        i, j = seeds[c, 0] - reach, seeds[c, 1] - reach
        for k in range(2 * reach + 1):
            for m in range(2 * reach + 1):
                inside = 0 <= i + k < n_x and 0 <= j + m < n_y
                if inside and claim[i + k, j + m] > 0:
                    part[c, k, m] = cells[i + k, j + m] * axes[c, 0] * shape[c, k, m] / claim[i + k, j + m]
                else:
                    part[c, k, m] = 0.0
                    shape[c, k, m] = 0.0


@njit(cache=True)
def _profile(
    shape: Floats, axis: Floats, pitch: tuple[float, float], mixture: tuple[Floats, Floats], work: Floats
) -> None:
    """Fill the profile's fractions of the cells around a seed."""
    side = len(shape)
    strip_shares(-0.5 * side * pitch[0] - axis[1], pitch[0], side, mixture[1], work[0], work[1])
    strip_shares(-0.5 * side * pitch[1] - axis[2], pitch[1], side, mixture[1], work[2], work[3])
    for k in range(side):
        for m in range(side):
            shape[k, m] = (mixture[0] * work[0, :, k] * work[2, :, m]).sum()


@njit(cache=True)
def _locate(
    part: Floats,
    shape: Floats,
    seeds: Ints,
    axes: Floats,
    grid: tuple[int, int],
    curves: tuple[SCurve, SCurve],
) -> float:
    """Renew amplitude and position of each cluster by its part of the cells, return the farthest move."""
    reach, around, move = part.shape[1] // 2, np.empty((3, 3)), 0.0
    for c in range(len(part)):
        axes[c, 0] = np.maximum(part[c], 0.0).sum() / shape[c].sum()
        neighbours(part[c], reach, reach, around)
        x, y = position(around, seeds[c, 0], seeds[c, 1], grid, curves)
        move = max(move, abs(x - axes[c, 1]), abs(y - axes[c, 2]))
        axes[c, 1], axes[c, 2] = x, y
    return move


@njit(cache=True)
def _describe(
    part: Floats,
    times: Floats,
    seeds: Ints,
    axes: Floats,
    pitch: tuple[float, float],
    thresholds: Floats,
    rows: Floats,
) -> None:
    """Fill a row per cluster, brightest first: energy, position from the grid's centre, size, time, cells."""
    n_x, n_y = times.shape
    for c in range(len(part)):
        energy = part[c].sum()
        place = c
        while place > 0 and rows[place - 1, 0] < energy:
            rows[place] = rows[place - 1]
            place -= 1
        rows[place, 0] = energy
        rows[place, 1] = (seeds[c, 0] - 0.5 * (n_x - 1)) * pitch[0] + axes[c, 1]
        rows[place, 2] = (seeds[c, 1] - 0.5 * (n_y - 1)) * pitch[1] + axes[c, 2]
        rows[place, 3] = _rms_radius(part[c], pitch)
        rows[place, 4] = _mean_time(part[c], times, seeds[c], thresholds[3], thresholds[4])
        rows[place, 5] = (part[c] >= thresholds[2]).sum()


@njit(cache=True)
def _rms_radius(part: Floats, pitch: tuple[float, float]) -> float:
    """Return the rms distance of the energy from its centre of gravity [mm], every cell at its centre."""
    total, x, y, square = 0.0, 0.0, 0.0, 0.0
    for k in range(part.shape[0]):
        for m in range(part.shape[1]):
            energy, at_x, at_y = max(part[k, m], 0.0), k * pitch[0], m * pitch[1]
            total += energy
            x += energy * at_x
            y += energy * at_y
            square += energy * (at_x * at_x + at_y * at_y)
    return math.sqrt(max(square / total - (x * x + y * y) / total**2, 0.0))


@njit(cache=True)
def _mean_time(part: Floats, times: Floats, seed: Ints, early: float, late: float) -> float:
    """Return the mean time of the cells between ``early`` and ``late`` [ns], by energy; NaN without any."""
    reach = len(part) // 2
    total, moment = 0.0, 0.0
    for k in range(len(part)):
        for m in range(len(part)):
            i, j = seed[0] + k - reach, seed[1] + m - reach
            if part[k, m] > 0 and early <= times[i, j] <= late:
                total += part[k, m]
                moment += part[k, m] * times[i, j]
    return moment / total if total > 0 else np.nan
