"""The fit of one track: generalised least squares with scattering and the errors of its own hits.

Compiled for use inside loops over candidates; arrays named `work` are only there to save allocations.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.field import CURVATURE
from recon.track_problem import TrackProblem

__all__ = ["Workspace", "chi2_probability", "cross", "factorise", "residuals", "step", "workspace"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SCALE_RANGE = (0.04, 25.0)  # of the variance of scattering: momenta from a fifth to five times the beam's


class Workspace(NamedTuple):
    """Memory of one fit; `n` rows are used, two per hit."""

    state: Floats  # (5,)
    rows: Ints  # (2 n_planes,) of the problem
    residual: Floats  # [mm] (2 n_planes,)
    white: Floats  # (2 n_planes,) L^-1 residual
    factor: Floats  # (2 n_planes, 2 n_planes) L of the covariance of the residuals
    design: Floats  # (2 n_planes, 5) L^-1 design
    normal: Floats  # (5, 5) Cholesky factor of the normal matrix
    change: Floats  # (5,)


def workspace(n_planes: int) -> Workspace:
    """Return the memory for spectrometers of so many planes."""
    n = 2 * n_planes
    return Workspace(
        np.zeros(5), np.zeros(n, np.int64), np.zeros(n), np.zeros(n), np.zeros((n, n)), np.zeros((n, 5)),
        np.zeros((5, 5)), np.zeros(5),
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def cross(state: Floats, pieces: Floats, first: int, stop: int, is_thin: bool) -> None:
    """Move a state (5,) in place through pieces of field, as `recon.field.propagate` does."""
    for i in range(first, stop):
        length, field = pieces[i, 0], pieces[i, 1]
        if field == 0.0:
            state[0] += length * state[2]
            state[1] += length * state[3]
            continue
        cos_in = 1.0 / math.sqrt(1.0 + state[2] * state[2])
        dip = state[3] * cos_in
        curvature = -CURVATURE * field * state[4] * math.sqrt(1.0 + dip * dip)
        sin_in = state[2] * cos_in
        sin_out = sin_in + curvature * length
        if not abs(sin_out) < 1.0:
            state[:4] = np.nan
            return
        cos_out = math.sqrt(1.0 - sin_out * sin_out)
        if is_thin:
            state[0] += 0.5 * length * (state[2] + sin_out / cos_out)
            state[1] += 0.5 * length * (state[3] + dip / cos_out)
        else:
            mean_slope = (sin_in + sin_out) / (cos_in + cos_out)
            chord = length * math.sqrt(1.0 + mean_slope * mean_slope)
            w = 0.5 * curvature * chord
            arc = 1.0 + w * w / 6.0 if abs(w) < 1e-4 else math.asin(w) / w
            state[0] += length * mean_slope
            state[1] += dip * chord * arc
        state[2], state[3] = sin_out / cos_out, dip / cos_out


@njit(cache=True, error_model="numpy")
def residuals(state: Floats, xy: Floats, problem: TrackProblem, work: Workspace, n: int) -> None:
    """Fill measured minus predicted; `xy` (2 n_planes,) has the hits in the rows that are used."""
    there, first, row = work.change, 0, 0
    there[:] = state
    for plane in range(len(problem.z)):
        cross(there, problem.pieces, first, problem.piece_stop[plane], problem.is_thin)
        first = problem.piece_stop[plane]
        if row < n and work.rows[row] == 2 * plane:
            work.residual[row] = xy[2 * plane] - there[0]
            work.residual[row + 1] = xy[2 * plane + 1] - there[1]
            row += 2


@njit(cache=True, error_model="numpy")
def factorise(variance: Floats, q_over_p: float, problem: TrackProblem, work: Workspace, n: int) -> float:
    """
    Fill the factors of the covariance and of the normal matrix; return the log determinant.

    `variance` [mm2] (2 n_planes,) is that of the hits. Scattering is that of the track's own momentum. NaN
    where the hits do not determine the parameters.
    """
    scale = (q_over_p / problem.start[4]) ** 2
    scale = min(max(scale, _SCALE_RANGE[0]), _SCALE_RANGE[1])
    factor, design, normal = work.factor, work.design, work.normal
    log_det = 1.0  # the determinant itself, first
    total = 0.0
    for i in range(n):
        row = work.rows[i]
        for j in range(i + 1):
            value = scale * problem.scatter[row, work.rows[j]]
            if i == j:
                value += variance[row]
            for k in range(j):
                value -= factor[i, k] * factor[j, k]
            if i == j:
                if not value > 0.0:
                    return np.nan
                log_det *= value
                factor[i, i] = math.sqrt(value)
            else:
                factor[i, j] = value / factor[j, j]
        if i % 8 == 7:  # before it runs out of range
            total += math.log(log_det)
            log_det = 1.0
        for p in range(5):
            value = problem.design[row, p]
            for k in range(i):
                value -= factor[i, k] * design[k, p]
            design[i, p] = value / factor[i, i]
    for p in range(5):
        for q in range(p + 1):
            value = 0.0
            for i in range(n):
                value += design[i, p] * design[i, q]
            for k in range(q):
                value -= normal[p, k] * normal[q, k]
            if p == q:
                if not value > 0.0:
                    return np.nan
                normal[p, p] = math.sqrt(value)
            else:
                normal[p, q] = value / normal[q, q]
    return total + math.log(log_det)


@njit(cache=True, error_model="numpy")
def whiten(work: Workspace, n: int) -> float:
    """Fill L^-1 residual and return its square, the chi2."""
    chi2 = 0.0
    for i in range(n):
        value = work.residual[i]
        for k in range(i):
            value -= work.factor[i, k] * work.white[k]
        work.white[i] = value / work.factor[i, i]
        chi2 += work.white[i] * work.white[i]
    return chi2


@njit(cache=True, error_model="numpy")
def step(work: Workspace, n: int) -> float:
    """
    Move the state towards the least squares by the residuals that are there; return their chi2 behind it.

    The chi2 is that of the linear problem: exact if the step is small.
    """
    chi2 = whiten(work, n)
    change, normal = work.change, work.normal
    for p in range(5):
        value = 0.0
        for i in range(n):
            value += work.design[i, p] * work.white[i]
        for k in range(p):
            value -= normal[p, k] * change[k]
        change[p] = value / normal[p, p]
        chi2 -= change[p] * change[p]
    for p in range(4, -1, -1):
        value = change[p]
        for k in range(p + 1, 5):
            value -= normal[k, p] * change[k]
        change[p] = value / normal[p, p]
        work.state[p] += change[p]
    return chi2


@njit(cache=True, error_model="numpy")
def chi2_probability(chi2: float, ndf: int) -> float:
    """Return the probability of a larger chi2 (Abramowitz and Stegun 26.4.4 and 26.4.5)."""
    if ndf % 2 == 0:
        term, total = math.exp(-0.5 * chi2), 0.0
        for k in range(ndf // 2):
            total += term
            term *= 0.5 * chi2 / (k + 1)
        return total
    total = math.erfc(math.sqrt(0.5 * chi2))
    term = math.sqrt(2.0 * chi2 / math.pi) * math.exp(-0.5 * chi2)
    for k in range(1, (ndf - 1) // 2 + 1):
        total += term
        term *= chi2 / (2 * k + 1)
    return total
