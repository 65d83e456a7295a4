"""Gains of a calorimeter from electrons of known energy: normal equations that add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["GainConfig", "GainEquations", "Gains", "add_events", "solve_gains"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class GainConfig:
    """How gains are found."""

    prior: float = 0.3  # relative error of the gains that are known before
    suppression_prior: float = 0.2  # relative error of the profile's word on suppressed energy
    max_error: float = 0.03  # relative: a cell that is known less well keeps its gain
    least_events: int = 50  # with the beam on the cell: it has more energy than any other
    floor: float = 0.0025  # of the energy: what the expected sum is wrong by (docs/calibration.md)

    def __post_init__(self) -> None:
        if not (self.prior > 0 and self.suppression_prior > 0 and self.max_error > 0 and self.floor >= 0):
            msg = f"gains need prior, suppression_prior and max_error above 0 and floor >= 0, got {self}"
            raise ValueError(msg)


class GainEquations(NamedTuple):
    """
    Sums over events, from which gains follow; those of two samples are added element by element.

    The unknowns are the ratios of new to old gain of all cells, and last the factor of the suppressed energy.
    """

    matrix: Floats  # (n_cells + 1, n_cells + 1) sum of w s e_i e_j, without s in the last row
    vector: Floats  # (n_cells + 1,) sum of w s e_i t
    square: Floats  # () sum of w t^2
    events: Ints  # (n_cells,) events in which it has more energy than any other
    total: Ints  # () events


class Gains(NamedTuple):
    """The solution, (n_cells,) but for the last two."""

    ratio: Floats  # new over old gain; 1 where the old one is kept
    error: Floats  # of the ratio, with that of the expected sum; NaN where it is held
    is_kept: Mask  # the old gain is kept, for lack of electrons
    suppression: float  # factor of the suppressed energy that the profile expects
    suppression_error: float  # 0 where it is held


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
        m, brightest = 0, 0
        for i in range(n):
            if rows[event, i] != 0.0:
                active[m] = i
                m += 1
            if i < n - 1 and rows[event, i] > rows[event, brightest]:
                brightest = i
        if rows[event, brightest] > 0.0 and brightest < n - 1:
            events[brightest] += 1
        for a in range(m):
            i = active[a]
            part = weight[event] * rows[event, i]
            if i < n - 1:
                part *= scale[event]
            vector[i] += part * target[event]
            for b in range(m):
                matrix[i, active[b]] += part * rows[event, active[b]]
        square[0] += weight[event] * target[event] ** 2
    return matrix, vector, square, events, np.full(1, n_events)


def solve_gains(
    sums: GainEquations,
    config: GainConfig,
    held: Mask | None = None,
    start: Floats | None = None,
    *,
    hold_suppression: bool = False,
) -> Gains:
    """
    Solve the normal equations, with the old gains as a weak prior.

    An expected sum that is wrong by a share ``floor`` of the energy t moves the gain of a cell by about
    ``floor V_i / M_ii``, V the vector and M the matrix: little for a cell with most of the energy of some
    showers, and much for one that only ever had the side of them. This is added to the statistical error.
    The side of showers tells no gain at all: its mean is wrong by more than its statistical error. So a cell
    needs showers on it; those without, and those whose error is larger than `GainConfig.max_error`, keep
    their gain exactly. Their energy is then part of what is known, and the others are solved for once more.

    Parameters
    ----------
    sums : GainEquations
        Of all events.
    config : GainConfig
    held : bool, shape (n_cells,), optional
        Cells whose ratio is known otherwise.
    start : float64, shape (n_cells,), optional
        Ratios of cells that are held; by default 1.
    hold_suppression : bool
        The factor of the suppressed energy stays 1: electrons of one or two energies cannot tell it from the
        gains.

    Returns
    -------
    Gains
        Without events all gains are kept.
    """
    n = len(sums.vector)
    prior = np.full(n, config.prior)
    prior[-1] = config.suppression_prior
    held = np.zeros(n - 1, dtype=bool) if held is None else held
    free = np.append((sums.events >= config.least_events) & ~held, not hold_suppression)
    given = np.ones(n)
    given[:-1][held] = 1.0 if start is None else start[held]
    errors = np.append(np.full(n - 1, config.prior), 0.0 if hold_suppression else config.suppression_prior)
    with np.errstate(divide="ignore", invalid="ignore"):
        systematic = config.floor * sums.vector / np.diag(sums.matrix)
    systematic[-1] = 0.0
    solution = given
    while free[:-1].any():
        solution, statistical = _solve(sums, prior, free, given)
        errors[free] = np.hypot(statistical, systematic[free])
        too_large = free & ~(errors <= config.max_error)
        too_large[-1] = False
        if not too_large.any():
            break
        free &= ~too_large
    else:
        solution = given
    errors[:-1][held] = np.nan
    last = (float(solution[-1]), float(errors[-1]))
    return Gains(solution[:-1], errors[:-1], ~free[:-1] & ~held, *last)


def _solve(sums: GainEquations, prior: Floats, free: Mask, given: Floats) -> tuple[Floats, Floats]:
    """Return the unknowns, of which those that are not free are given, and the errors of the free ones."""
    weak = 1.0 / prior[free] ** 2
    known = sums.matrix[np.ix_(free, ~free)] @ given[~free]
    matrix = sums.matrix[np.ix_(free, free)] + np.diag(weak)
    covariance = np.linalg.inv(matrix)
    solution = given.copy()
    solution[free] = covariance @ (sums.vector[free] - known + weak)
    return solution, np.sqrt(np.diag(covariance))
