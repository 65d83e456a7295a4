"""What is asked of some fitted tracks: covariance, residuals, pulls, kinks, and where they go."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.field import State, propagate
from recon.geometry import Spectrometer
from recon.track_problem import SCALE_RANGE, TrackProblem

__all__ = ["TrackDetails", "describe"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_LEVER = 1e-3  # of a kick's information that the other parameters leave
_LEAST_LEFT = 1e-9  # of the variance of a hit that the fit leaves to its residual


class TrackDetails(NamedTuple):
    """Of n tracks; face 0 is the last plane, then those that were asked for."""

    covariance: Floats  # (n, 5, 5)
    residual: Floats  # [mm] (n, n_planes, 2) hit minus track; NaN without a hit
    pull: Floats  # (n, n_planes, 2) residual over its error; NaN where the track follows the hit
    kink: Floats  # (n,) largest pull of an additional change of slope in a plane or window
    face_state: Floats  # (n, n_faces, 5), scattering on the way included
    face_covariance: Floats  # (n, n_faces, 5, 5)


def describe(
    state: Floats, xy: Floats, variance: Floats, problem: TrackProblem, spectrometer: Spectrometer
) -> TrackDetails:
    """
    Return covariances, residuals, pulls, kinks, and states with covariances at the faces.

    Parameters
    ----------
    state : float64, shape (n, 5)
        Fitted, at the first plane.
    xy : float64, shape (n, 2 n_planes) [mm]
        Hits; NaN where there is none.
    variance : float64, shape (n, 2 n_planes) [mm2]
        Of the hits.
    problem : TrackProblem
    spectrometer : Spectrometer
        The one of the problem.
    """
    n, m, n_faces = len(state), xy.shape[1], len(problem.faces)
    out = TrackDetails(
        np.full((n, 5, 5), np.nan), xy - _crossings(state, problem, spectrometer), np.full((n, m), np.nan),
        np.full(n, np.nan), np.full((n, n_faces, 5), np.nan), np.full((n, n_faces, 5, 5), np.nan),
    )  # fmt: skip
    code = np.isfinite(xy) @ (1 << np.arange(m, dtype=np.int64))
    for one in np.unique(code):
        tracks, rows = np.flatnonzero(code == one), np.flatnonzero(one >> np.arange(m) & 1)
        _describe_pattern(out, tracks, rows, state[tracks], variance[np.ix_(tracks, rows)], problem)
    ends = [_reach(state, problem, spectrometer, face) for face in problem.faces]
    if ends:
        out.face_state[...] += np.stack(ends, axis=1)
    shape = n, m // 2, 2
    return out._replace(residual=out.residual.reshape(shape), pull=out.pull.reshape(shape))


def _reach(state: Floats, problem: TrackProblem, spectrometer: Spectrometer, z: float) -> Floats:
    """Return states at another z, (n, 5)."""
    moved = propagate(State(*state.T), problem.fit.z[0], z, spectrometer.magnets, is_thin=problem.fit.is_thin)
    return np.stack(moved, axis=1)


def _crossings(state: Floats, problem: TrackProblem, spectrometer: Spectrometer) -> Floats:
    """Return where tracks cross the planes, (n, 2 n_planes) [mm]."""
    at, z, crossings = State(*state.T), problem.fit.z.tolist(), np.empty((len(state), 2 * len(problem.fit.z)))
    for i, to in enumerate(z):
        at = propagate(at, z[max(i - 1, 0)], to, spectrometer.magnets, is_thin=problem.fit.is_thin)
        crossings[:, 2 * i], crossings[:, 2 * i + 1] = at.x, at.y
    return crossings


def _describe_pattern(
    out: TrackDetails, tracks: Ints, rows: Ints, state: Floats, variance: Floats, problem: TrackProblem
) -> None:
    """Fill the tracks with hits in these rows."""
    tables = problem.fit
    scale = np.clip((state[:, 4] / tables.start[4]) ** 2, *SCALE_RANGE)[:, None, None]
    covariance = scale * tables.scatter[np.ix_(rows, rows)]
    covariance[:, np.arange(len(rows)), np.arange(len(rows))] += variance
    weight, design = np.linalg.inv(covariance), tables.design[rows]
    pulled = weight @ design
    normal = design.T @ pulled
    unit = np.sqrt(np.diagonal(normal, axis1=1, axis2=2))
    unit = unit[:, :, None] * unit[:, None, :]
    fitted = np.linalg.inv(normal / unit) / unit
    out.covariance[tracks] = fitted
    residual = out.residual[np.ix_(tracks, rows)][..., None]
    weighted = weight @ residual  # no parameter changes it: it is the same of residuals before the fit
    left = np.diagonal(covariance, axis1=1, axis2=2) - ((design @ fitted) * design).sum(axis=2)
    error = np.sqrt(np.where(left > _LEAST_LEFT * variance, left, np.nan))
    out.pull[np.ix_(tracks, rows)] = residual[..., 0] / error
    out.kink[tracks] = _kinks(weight, pulled, fitted, weighted, problem.kicks[rows])
    # Scatter on the way is as far known as the residuals tell: the best linear unbiased prediction
    # (Goldberger, J. Am. Stat. Assoc. 57 (1962) 369)
    for face in range(len(problem.faces)):
        shared = scale * problem.face_scatter[face][:, rows]
        moves = problem.face_design[face] - shared @ pulled
        moves = np.concatenate([moves, np.broadcast_to(np.eye(5)[4:], (len(tracks), 1, 5))], axis=1)
        spread = moves @ fitted @ moves.swapaxes(1, 2)
        known = shared @ weight @ shared.swapaxes(1, 2)
        spread[:, :4, :4] += scale * problem.face_variance[face] - known
        out.face_covariance[tracks, face] = spread
        out.face_state[tracks, face, :4] = (shared @ weighted)[..., 0]
        out.face_state[tracks, face, 4] = 0.0


def _kinks(weight: Floats, pulled: Floats, fitted: Floats, weighted: Floats, kicks: Floats) -> Floats:
    """Return the largest score of one more kick in any layer and direction, NaN where none can be seen."""
    lever = (kicks * (weight @ kicks)).sum(axis=1)  # information, if the parameters were known
    taken = pulled.swapaxes(1, 2) @ kicks
    free = lever - (taken * (fitted @ taken)).sum(axis=1)
    score = np.abs(kicks.T @ weighted)[..., 0] / np.sqrt(np.where(free > _LEAST_LEVER * lever, free, np.nan))
    if not score.size:
        return np.full(len(score), np.nan)
    largest = np.where(np.isnan(score), -1.0, score).max(axis=1)
    return np.where(largest >= 0, largest, np.nan)
