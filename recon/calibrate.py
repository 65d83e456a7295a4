"""Gains of a calorimeter from electrons of known energy: normal equations, and the energy that nobody saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import gammainc

from recon.geometry import Section
from recon.profile import ShowerProfile, cell_fractions

__all__ = ["Expected", "GainConfig", "GainEquations", "Gains", "add_events", "expect_sum", "solve_gains"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_LEAST = 1e-9  # of a shower: a cell with less is not followed


@dataclass(frozen=True, slots=True, kw_only=True)
class GainConfig:
    """How gains are found."""

    prior: float = 0.3  # relative error of the gains that are known before
    suppression_prior: float = 0.2  # relative error of the profile's word on suppressed energy
    max_error: float = 0.03  # relative: a cell that is known less well keeps its gain
    least_events: int = 50  # with energy in the cell

    def __post_init__(self) -> None:
        if not (self.prior > 0 and self.suppression_prior > 0 and self.max_error > 0):
            msg = f"gains need prior, suppression_prior and max_error above 0, got {self}"
            raise ValueError(msg)


class GainEquations(NamedTuple):
    """
    Sums over events, from which gains follow; those of two samples are added element by element.

    The unknowns are the ratios of new to old gain of all cells, and last the factor of the suppressed energy.
    """

    matrix: Floats  # (n_cells + 1, n_cells + 1) sum of w s e_i e_j, without s in the last row
    vector: Floats  # (n_cells + 1,) sum of w s e_i t
    square: Floats  # () sum of w t^2
    events: Ints  # (n_cells,) events with energy in the cell
    total: Ints  # () events


class Gains(NamedTuple):
    """The solution, (n_cells,) but for the last two."""

    ratio: Floats  # new over old gain; 1 where the old one is kept
    error: Floats  # statistical, of the ratio, for sums as wide as the weights say; NaN where it is held
    is_kept: Mask  # the old gain is kept, for lack of electrons
    suppression: float  # factor of the suppressed energy that the profile expects
    suppression_error: float


class Expected(NamedTuple):
    """What the cells of a calorimeter should tell of showers of known energy, (n_events,) [GeV]."""

    inside: Floats  # energy in the calorimeter, over that of a shower at the reference point
    suppressed: Floats  # in cells below the threshold of the readout


def add_events(
    cells: Floats, suppressed: Floats, target: Floats, weight: Floats, scale: Floats
) -> GainEquations:
    """
    Add up the equations of ``sum_i r_i e_i + k u = t``.

    In least squares each event is multiplied by its e_i. A fluctuation of the whole shower, or of the beam's
    energy, is then squared, and pulls all gains down by its variance: enough to spoil the small suppressed
    energy. The multiplier here is ``e_i scale``, with the target over the sum as scale: only the share of
    the cell, which does not know of such fluctuations.

    Parameters
    ----------
    cells : float64, shape (n_events, n_cells) [GeV]
        With the old gains; 0 where empty, all finite.
    suppressed, target : float64, shape (n_events,) [GeV]
        u and t, from `expect_sum`.
    weight : float64, shape (n_events,) [1 / GeV^2]
        Inverse of the variance of the sum.
    scale : float64, shape (n_events,)
        Target over the sum by the best gains so far.

    Raises
    ------
    ValueError
        If something is not finite: it would spoil all gains.
    """
    rows = np.ascontiguousarray(np.column_stack([cells, suppressed]), dtype=np.float64)
    if not all(np.isfinite(values).all() for values in (rows, target, weight, scale)):
        msg = "events with energies that are not known cannot enter a calibration; leave them out"
        raise ValueError(msg)
    return GainEquations(*_add(rows, *(values.astype(np.float64) for values in (target, weight, scale))))


@njit(cache=True)
def _add(
    rows: Floats, target: Floats, weight: Floats, scale: Floats
) -> tuple[Floats, Floats, Floats, Ints, Ints]:
    n_events, n = rows.shape
    matrix, vector, square = np.zeros((n, n)), np.zeros(n), np.zeros(1)
    events, active = np.zeros(n - 1, np.int64), np.empty(n, np.int64)
    for event in range(n_events):
        m = 0
        for i in range(n):
            if rows[event, i] != 0.0:
                active[m] = i
                m += 1
        for a in range(m):
            i = active[a]
            part = weight[event] * rows[event, i]
            if i < n - 1:
                part *= scale[event]
            vector[i] += part * target[event]
            for b in range(m):
                matrix[i, active[b]] += part * rows[event, active[b]]
            if i < n - 1:
                events[i] += 1
        square[0] += weight[event] * target[event] ** 2
    return matrix, vector, square, events, np.full(1, n_events)


def solve_gains(
    sums: GainEquations, config: GainConfig, held: Mask | None = None, start: Floats | None = None
) -> Gains:
    """
    Solve the normal equations, with the old gains as a weak prior.

    Cells with too few electrons for `GainConfig.max_error` keep their gain exactly: their energy is then
    part of what is known, and the others are solved for once more.

    Parameters
    ----------
    sums : GainEquations
        Of all events.
    config : GainConfig
    held : bool, shape (n_cells,), optional
        Cells whose ratio is known otherwise.
    start : float64, shape (n_cells,), optional
        Ratios of cells that are held; by default 1.

    Returns
    -------
    Gains
        Without events all gains are kept.
    """
    n = len(sums.vector)
    prior = np.full(n, config.prior)
    prior[-1] = config.suppression_prior
    free = np.ones(n, dtype=bool)
    free[:-1] = sums.events >= config.least_events
    errors = np.full(n, config.prior)
    held = np.zeros(n - 1, dtype=bool) if held is None else held
    free[:-1] &= ~held
    given = np.ones(n)
    given[:-1][held] = 1.0 if start is None else start[held]
    solution = given
    while free[:-1].any():
        solution, errors_free = _solve(sums, prior, free, given)
        errors[free] = errors_free
        too_large = free & (errors > config.max_error)
        too_large[-1] = False
        if not too_large.any():
            break
        free &= ~too_large
    else:
        solution = given
    kept = ~free[:-1] & ~held
    errors[:-1][held] = np.nan
    last = (float(solution[-1]), float(errors[-1]))
    return Gains(solution[:-1], errors[:-1], kept, *last)


def _solve(sums: GainEquations, prior: Floats, free: Mask, given: Floats) -> tuple[Floats, Floats]:
    """Return the unknowns, of which those that are not free are given, and the errors of the free ones."""
    weak = 1.0 / prior[free] ** 2
    known = sums.matrix[np.ix_(free, ~free)] @ given[~free]
    matrix = sums.matrix[np.ix_(free, free)] + np.diag(weak)
    covariance = np.linalg.inv(matrix)
    solution = given.copy()
    solution[free] = covariance @ (sums.vector[free] - known + weak)
    return solution, np.sqrt(np.diag(covariance))


def expect_sum(
    energy: Floats,
    x: Floats,
    y: Floats,
    threshold: Floats,
    section: Section,
    profile: ShowerProfile,
    reference: tuple[float, float],
) -> Expected:
    """
    Return what showers leave in the calorimeter, and how much of it in cells below their threshold.

    A cell with the mean energy m = f E, f of the profile, and the variance of
    `recon.profile.fraction_rms` has a gamma distribution with the shape a = m^2 / var; of it
    ``m P(a + 1, t a / m)`` lies below the threshold t on average, P the regularised incomplete gamma
    function (NIST DLMF 8.2.4).

    Parameters
    ----------
    energy : float64, shape (n_events,) [GeV]
        Of the electrons.
    x, y : float64, shape (n_events,) [mm]
        Of the shower axis, global.
    threshold : float64, shape (n_cells,) [GeV]
        Of each cell of the section.
    section : Section
    profile : ShowerProfile
    reference : (float, float) [mm]
        Where an electron has just its own energy, by the definition of the energy scale.

    Returns
    -------
    Expected
    """
    at = _fractions(x, y, section, profile)
    there = _fractions(np.array([reference[0]]), np.array([reference[1]]), section, profile).sum()
    mean = np.maximum(at * energy[:, None], _LEAST)
    spread = profile.stochastic**2 / energy[:, None] + profile.constant**2
    shape = np.maximum(mean / (energy[:, None] * spread * np.maximum(1 - at, _LEAST)), _LEAST)
    below = mean * gammainc(shape + 1.0, threshold * shape / mean)
    inside, suppressed = np.zeros(len(energy)), np.zeros(len(energy))
    for cell in range(at.shape[1]):
        inside += at[:, cell]
        suppressed += below[:, cell]
    return Expected(energy * inside / there, suppressed)


def _fractions(x: Floats, y: Floats, section: Section, profile: ShowerProfile) -> Floats:
    """Return the mean fraction of showers in each cell, (n_events, n_cells)."""
    centres = cell_centres(section)
    return cell_fractions(profile, centres[:, 0] - x[:, None], centres[:, 1] - y[:, None], section.grid.pitch)


def cell_centres(section: Section) -> Floats:
    """Return the centres of the cells of an unrotated section, (n_cells, 2) [mm]."""
    (n_x, n_y), (pitch_x, pitch_y) = section.grid.shape, section.grid.pitch
    along_x = section.centre[0] + (np.arange(n_x) - (n_x - 1) / 2) * pitch_x
    along_y = section.centre[1] + (np.arange(n_y) - (n_y - 1) / 2) * pitch_y
    grid = np.meshgrid(along_x, along_y, indexing="ij")
    return np.stack([part.ravel() for part in grid], axis=1)
