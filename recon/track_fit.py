"""The fit of candidates: generalised least squares with scattering and the errors of their own hits."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.field import CURVATURE
from recon.track_candidates import Candidates, Limits, SortedHits, inner, kernel
from recon.track_problem import SCALE_RANGE, FitTables
from recon.track_time import common_time, time_chi2

__all__ = ["Workspace", "chi2_probability", "fit_candidates", "workspace"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NEAR = 0.1  # [standard errors] from the solution, where shared matrices have done their part
_ALIKE = 0.04  # of variances: 2% of errors
_MOVED = 0.01  # of chi2: the last step of a fit


class Workspace(NamedTuple):
    """Memory of one fit of m rows, two per hit."""

    state: Floats  # (5,)
    xy: Floats  # [mm] (m,) the hits
    variance: Floats  # [mm2] (m,) of the hits
    plane: Ints  # (m // 2,) of the hits
    time: Floats  # [ns] (m // 2,) of the hits
    time_variance: Floats  # [ns2] (m // 2,)
    residual: Floats  # [mm] (m,)
    projected: Floats  # (m,) on the parameters, and on what they do not change
    white: Floats  # (m,) L^-1 residual
    factor: Floats  # (m, m) L of the covariance of the residuals, but its inverse on the diagonal
    design: Floats  # (m, 5) L^-1 design
    normal: Floats  # (5, 5) Cholesky factor of the normal matrix, the same way
    change: Floats  # (5,)


def workspace(n_planes: int) -> Workspace:
    """Return the memory for spectrometers of so many planes."""
    m = 2 * n_planes
    return Workspace(
        np.zeros(5), np.zeros(m), np.zeros(m), np.zeros(n_planes, np.int64), np.zeros(n_planes),
        np.zeros(n_planes), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros((m, m)), np.zeros((m, 5)),
        np.zeros((5, 5)), np.zeros(5),
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


@kernel
def fit_candidates(
    n: int, hits: SortedHits, tables: FitTables, limits: Limits, work: Workspace, found: Candidates
) -> None:
    """
    Fit the first n candidates, first with the matrices that all of a pattern of planes share.

    With errors at most s times those of the shared matrix, in variance, the chi2 is at least 1/s of that with
    the shared one, which rejects most candidates. Shared matrices also serve to the end where no variance
    differs from theirs by more than 4%. What is not a track, or of hits of different times, gets no score.
    """
    state, start, score = work.state, tables.start, found.score
    is_solvable, pull_scale, scattered = tables.is_solvable, tables.pull, tables.scattered
    for at in range(n):
        score[at] = np.nan
        m, pattern, least, excess = _load(at, hits, tables, work, found)
        if not is_solvable[pattern]:
            continue
        max_chi2 = limits.max_chi2_per_ndf * (2 * m - 5)
        limit, scale = 0.0, 1.0
        _project(2 * m, pattern, work, tables)
        for step in range(limits.iterations):
            change = _move(work)
            scale = (state[4] / start[4]) ** 2
            limit = max_chi2 * max(excess, min(scale, SCALE_RANGE[1]))
            if step == 0:
                # second order in the change of direction, in standard errors; where small, the line will do
                away = max(abs(state[2] - start[2]), tables.bend * abs(change / start[4]))
                is_near = 1.5 * away**2 * pull_scale[pattern] * abs(start[4]) < 0.5
                if is_near and not _shared_chi2(2 * m, work) <= (math.sqrt(limit) + 1.0) ** 2:
                    break
            _residuals(m, work, tables)
            _project(2 * m, pattern, work, tables)
            # a step with nominal derivatives leaves about the squared bending angle of the distance
            if abs(change) * pull_scale[pattern] * 2.0 * tables.bend**2 * scale < _NEAR:
                break
        chi2 = _shared_chi2(2 * m, work)
        if not chi2 <= limit:
            continue
        log_det, q_error = 0.0, tables.q_error[pattern]
        if max(excess - 1.0, 1.0 - least, abs(scale - 1.0) * scattered[pattern]) <= _ALIKE:
            _move(work)
        else:
            log_det = _factorise(m, work, tables) - tables.log_det[pattern]
            for step in range(limits.iterations):
                # the chi2 is that of the linear problem: exact if the last step is small
                if step:
                    _residuals(m, work, tables)
                chi2, moved = _step(2 * m, work)
                if moved < _MOVED:
                    break
            q_error = work.normal[4, 4]
        if chi2 <= max_chi2 and abs(state[4]) > 0.0:
            time, time_error = common_time(m, work.time, work.time_variance, limits)
            found.time[at], found.time_error[at] = time, time_error
            late = time_chi2(m, time, work.time, work.time_variance, limits)
            _store(at, m, chi2, log_det, q_error, late, work, limits, found)


@inner
def _load(
    at: int, hits: SortedHits, tables: FitTables, work: Workspace, found: Candidates
) -> tuple[int, int, float, float]:
    """
    Fill the hits of a candidate, and their residuals to the nominal beam, where the state starts.

    Returns
    -------
    Number of hits, pattern, least and largest variance over that of the shared matrix, if below and above 1.
    """
    xy, variance, residual, state = work.xy, work.variance, work.residual, work.state
    chosen, nominal, usual = found.hits, tables.nominal, tables.variance
    n, pattern, least, excess = 0, 0, 1.0, 1.0
    for plane in range(chosen.shape[1]):
        hit = chosen[at, plane]
        if hit < 0:
            continue
        i, row = 2 * n, 2 * plane
        work.plane[n], work.time[n], work.time_variance[n] = plane, hits.time[hit], hits.time_variance[hit]
        xy[i], xy[i + 1] = hits.x[hit], hits.y[hit]
        residual[i], residual[i + 1] = xy[i] - nominal[row], xy[i + 1] - nominal[row + 1]
        variance[i], variance[i + 1] = hits.x_variance[hit], hits.y_variance[hit]
        x_ratio, y_ratio = variance[i] / usual[row], variance[i + 1] / usual[row + 1]
        least, excess = min(least, x_ratio, y_ratio), max(excess, x_ratio, y_ratio)
        pattern |= 1 << plane
        n += 1
    for p in range(5):
        state[p] = tables.start[p]
    return n, pattern, least, excess


@inner
def _store(
    at: int,
    n: int,
    chi2: float,
    log_det: float,
    q_error: float,
    late: float,
    work: Workspace,
    limits: Limits,
    found: Candidates,
) -> None:
    """Write the track of a candidate, with a score if its hits agree in time."""
    chi2 = max(chi2, 0.0)
    for p in range(5):
        found.state[at, p] = work.state[p]
    found.chi2[at], found.q_error[at] = chi2, q_error
    time, penalty = found.time[at], limits.missing_penalty * (found.hits.shape[1] - n)
    for i in range(n):
        penalty += 0.0 if math.isfinite(work.time[i]) else limits.unknown_time
    found.is_late[at] = False
    if math.isfinite(time):
        away = time**2 / (found.time_error[at] ** 2 + limits.trigger_variance)
        found.is_late[at] = away > limits.max_lateness**2
        penalty += late + away
    # -2 log likelihood, up to what all candidates share
    if late <= limits.max_time_chi2:
        found.score[at] = chi2 + log_det + penalty


@inner
def _project(m: int, pattern: int, work: Workspace, tables: FitTables) -> None:
    """Fill what the residuals of m rows say of the parameters, and of that which no parameter changes."""
    solution, residual, projected = tables.solution, work.residual, work.projected
    for k in range(m):
        projected[k] = 0.0
    for i in range(m):
        for k in range(m):
            projected[k] += solution[pattern, i, k] * residual[i]


@inner
def _move(work: Workspace) -> float:
    """Move the state by what the residuals say; return the change of q/p."""
    state, projected = work.state, work.projected
    for p in range(5):
        state[p] += projected[p]
    return float(projected[4])


@inner
def _shared_chi2(m: int, work: Workspace) -> float:
    """Return the chi2 of the residuals, which no parameter changes."""
    chi2, projected = 0.0, work.projected
    for k in range(5, m):
        chi2 += projected[k] * projected[k]
    return chi2


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
