"""The fit of one track: generalised least squares with scattering and the errors of its own hits.

Compiled for use inside loops over candidates: plain loops on memory that the caller gives once, which
allows to leave out the counting of references (`_nrt`), half of the time otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.field import CURVATURE
from recon.track_problem import SCALE_RANGE, FitTables

__all__ = ["Workspace", "chi2_probability", "fit", "inner", "kernel", "workspace"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BARE: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
_NEAR = 0.1  # [standard errors] from the solution, where shared matrices have done their part
_ALIKE = 0.02  # of variances
_MOVED = 0.01  # of chi2: the last step of a fit


F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a function that makes no arrays, for calls from Python."""
    compiler: Any = njit
    return compiler(**_BARE, cache=True)(function)  # type: ignore[no-any-return]


def inner(function: F) -> F:
    """Compile a function that makes no arrays, for calls from kernels alone."""
    compiler: Any = njit
    return compiler(**_BARE, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)  # type: ignore[no-any-return]


class Workspace(NamedTuple):
    """Memory of one fit of m rows, two per hit."""

    state: Floats  # (5,)
    xy: Floats  # [mm] (m,) the hits
    variance: Floats  # [mm2] (m,) of the hits
    plane: Ints  # (m // 2,) of the hits
    residual: Floats  # [mm] (m,)
    white: Floats  # (m,) L^-1 residual
    factor: Floats  # (m, m) L of the covariance of the residuals, but its inverse on the diagonal
    design: Floats  # (m, 5) L^-1 design
    normal: Floats  # (5, 5) Cholesky factor of the normal matrix, the same way
    change: Floats  # (5,)


def workspace(n_planes: int) -> Workspace:
    """Return the memory for spectrometers of so many planes."""
    m = 2 * n_planes
    return Workspace(
        np.zeros(5), np.zeros(m), np.zeros(m), np.zeros(n_planes, np.int64), np.zeros(m), np.zeros(m),
        np.zeros((m, m)), np.zeros((m, 5)), np.zeros((5, 5)), np.zeros(5),
    )  # fmt: skip


@inner
def _residuals(n: int, work: Workspace, tables: FitTables) -> None:
    """Fill measured minus predicted of n hits, by the motion of `recon.field.propagate`."""
    piece_stop, pieces, plane, residual = tables.piece_stop, tables.pieces, work.plane, work.residual
    xy = work.xy
    x, y, slope, dip_slope = work.state[0], work.state[1], work.state[2], work.state[3]
    turn, first = -CURVATURE * work.state[4], 0
    for i in range(n):
        stop = piece_stop[plane[i]]
        for k in range(first, stop):
            length, field = pieces[k, 0], pieces[k, 1]
            if field == 0.0:
                x += length * slope
                y += length * dip_slope
                continue
            cos_in = 1.0 / math.sqrt(1.0 + slope * slope)
            dip, sin_in = dip_slope * cos_in, slope * cos_in
            curvature = turn * field * math.sqrt(1.0 + dip * dip)
            sin_out = sin_in + curvature * length
            cos_out = math.sqrt(1.0 - sin_out * sin_out) if abs(sin_out) < 1.0 else np.nan
            slope, dip_slope = sin_out / cos_out, dip / cos_out
            if tables.is_thin:
                x += 0.5 * length * (sin_in / cos_in + slope)
                y += 0.5 * length * dip * (1.0 / cos_in + 1.0 / cos_out)
            else:
                mean_slope = (sin_in + sin_out) / (cos_in + cos_out)
                chord = length * math.sqrt(1.0 + mean_slope * mean_slope)
                w = 0.5 * curvature * chord
                # arcsin(w) / w: below 0.03 the next term is 1e-11 of it
                arc = 1.0 + w * w * (1.0 / 6.0 + w * w * 0.075) if abs(w) < 0.03 else math.asin(w) / w
                x += length * mean_slope
                y += dip * chord * arc
        first = stop
        residual[2 * i], residual[2 * i + 1] = xy[2 * i] - x, xy[2 * i + 1] - y


@inner
def fit(
    n: int, pattern: int, most_steps: int, max_chi2: float, work: Workspace, tables: FitTables
) -> tuple[float, float, float]:
    """
    Fit n hits, first with the matrices that all candidates of a pattern share.

    With errors at most s times those of the shared matrix, in variance, the chi2 is at least 1/s of that with
    the shared one, which rejects most candidates. Shared matrices also serve to the end where no variance
    differs from theirs by more than 2%.

    Returns
    -------
    chi2, log determinant of the covariance of the hits, standard error of q/p
        Infinity and NaN where the chi2 cannot be as small as `max_chi2`.
    """
    residual, variance, state, start = work.residual, work.variance, work.state, tables.start
    least, excess, limit, chi2, scale = 1.0, 1.0, 0.0, np.inf, 1.0
    for i in range(2 * n):
        row = 2 * work.plane[i // 2] + i % 2
        residual[i] = work.xy[i] - tables.nominal[row]
        ratio = variance[i] / tables.variance[row]
        least, excess = min(least, ratio), max(excess, ratio)
    for p in range(5):
        state[p] = start[p]
    for step in range(most_steps):
        change = _shared_step(n, pattern, work, tables)
        scale = (state[4] / start[4]) ** 2
        limit = max_chi2 * max(excess, min(scale, SCALE_RANGE[1]))
        if step == 0:
            # second order in the change of direction, in standard errors; where small, the line will do
            away = max(abs(state[2] - start[2]), tables.bend * abs(change / start[4]))
            if 1.5 * away**2 * tables.pull[pattern] * abs(start[4]) < 0.5:
                wide = (math.sqrt(limit) + 1.0) ** 2
                if not _shared_chi2(wide, n, pattern, work, tables) <= wide:
                    return np.inf, np.nan, np.nan
        _residuals(n, work, tables)
        # a step with nominal derivatives leaves about the squared bending angle of the distance
        if abs(change) * tables.pull[pattern] * 2.0 * tables.bend**2 * scale < _NEAR:
            break
    chi2 = _shared_chi2(limit, n, pattern, work, tables)
    if not chi2 <= limit:
        return np.inf, np.nan, np.nan
    if max(excess - 1.0, 1.0 - least, abs(scale - 1.0) * tables.scattered[pattern]) <= _ALIKE:
        _shared_step(n, pattern, work, tables)
        return chi2, tables.log_det[pattern], tables.q_error[pattern]
    return _fit_own(n, most_steps, work, tables)


@inner
def _shared_step(n: int, pattern: int, work: Workspace, tables: FitTables) -> float:
    """Move the state by the residuals that are there; return the change of q/p."""
    gain, residual, state = tables.gain, work.residual, work.state
    change = 0.0
    for p in range(5):
        change = 0.0
        for i in range(2 * n):
            change += gain[pattern, p, i] * residual[i]
        state[p] += change
    return change


@inner
def _shared_chi2(limit: float, n: int, pattern: int, work: Workspace, tables: FitTables) -> float:
    """Return the chi2 of the residuals, which no parameter changes; infinity above the limit."""
    free, residual = tables.free, work.residual
    chi2 = 0.0
    for k in range(2 * n - 5):
        value = 0.0
        for i in range(2 * n):
            value += free[pattern, k, i] * residual[i]
        chi2 += value * value
        if not chi2 <= limit:
            return np.inf
    return chi2


@inner
def _fit_own(n: int, most_steps: int, work: Workspace, tables: FitTables) -> tuple[float, float, float]:
    """
    Fit n hits with the errors of their own, starting from the state and residuals that are there.

    The chi2 is that of the linear problem: exact if the last step is small. NaN where the hits do not
    determine the parameters.
    """
    log_det = _factorise(n, work, tables)
    chi2 = np.nan
    for step in range(most_steps):
        if step:
            _residuals(n, work, tables)
        chi2, moved = _step(2 * n, work)
        if moved < _MOVED:
            break
    return chi2, log_det, work.normal[4, 4]


@inner
def _factorise(n: int, work: Workspace, tables: FitTables) -> float:
    """
    Fill the factors of the covariance and of the normal matrix; return the log determinant.

    Scattering is that of the track's own momentum. What is not positive definite ends as NaN.
    """
    factor, white, normal, plane = work.factor, work.design, work.normal, work.plane
    variance, scatter, design = work.variance, tables.scatter, tables.design
    scale = (work.state[4] / tables.start[4]) ** 2
    scale = min(max(scale, SCALE_RANGE[0]), SCALE_RANGE[1])
    log_det, product = 0.0, 1.0
    for i in range(2 * n):
        row = 2 * plane[i // 2] + i % 2
        for j in range(i):
            value = scale * scatter[row, 2 * plane[j // 2] + j % 2]
            for k in range(j):
                value -= factor[i, k] * factor[j, k]
            factor[i, j] = value * factor[j, j]
        value = scale * scatter[row, row] + variance[i]
        for k in range(i):
            value -= factor[i, k] * factor[i, k]
        product *= value
        factor[i, i] = 1.0 / math.sqrt(value)
        if i % 8 == 7:  # before it runs out of range
            log_det += math.log(product)
            product = 1.0
        for p in range(5):
            value = design[row, p]
            for k in range(i):
                value -= factor[i, k] * white[k, p]
            white[i, p] = value * factor[i, i]
    for p in range(5):
        for q in range(p + 1):
            value = 0.0
            for i in range(2 * n):
                value += white[i, p] * white[i, q]
            for k in range(q):
                value -= normal[p, k] * normal[q, k]
            normal[p, q] = value * normal[q, q] if q < p else 1.0 / math.sqrt(value)
    return log_det + math.log(product)


@inner
def _step(m: int, work: Workspace) -> tuple[float, float]:
    """Move the state to the least squares; return the chi2 there and by how much it has fallen."""
    factor, design, residual, state = work.factor, work.design, work.residual, work.state
    change, normal, white = work.change, work.normal, work.white
    chi2, fallen = 0.0, 0.0
    for i in range(m):
        value = residual[i]
        for k in range(i):
            value -= factor[i, k] * white[k]
        white[i] = value * factor[i, i]
        chi2 += white[i] * white[i]
    for p in range(5):
        value = 0.0
        for i in range(m):
            value += design[i, p] * white[i]
        for k in range(p):
            value -= normal[p, k] * change[k]
        change[p] = value * normal[p, p]
        fallen += change[p] * change[p]
    for p in range(4, -1, -1):
        value = change[p]
        for k in range(p + 1, 5):
            value -= normal[k, p] * change[k]
        change[p] = value * normal[p, p]
        state[p] += change[p]
    return chi2 - fallen, fallen


@kernel
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
