"""What is asked of a fitted track: covariance, residuals, pulls, kinks, and where it goes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.track_fit import Workspace, chi2_probability, cross, factorise, residuals
from recon.track_problem import TrackProblem
from recon.track_search import SortedHits

__all__ = ["describe"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_LEVER = 1e-3  # of a kick's information that the other parameters leave


@njit(cache=True, error_model="numpy")
def describe(
    states: Floats, chi2: Floats, chosen: Ints, hits: SortedHits, problem: TrackProblem, work: Workspace
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    """
    Return covariances, p-values, residuals, pulls, kinks, and states with covariances at the faces.

    Parameters
    ----------
    states : float64, shape (n, 5)
    chi2 : float64, shape (n,)
    chosen : int64, shape (n, n_planes)
        Hits, -1 where there is none.

    Returns
    -------
    covariance : float64, shape (n, 5, 5)
    p_value : float64, shape (n,)
    residual : float64, shape (n, 2 n_planes) [mm]
        NaN where there is no hit.
    pull : float64, shape (n, 2 n_planes)
        By the error of the residual itself; NaN where the track follows the hit.
    kink : float64, shape (n,)
        Largest pull of a change of slope in a layer of matter.
    face_state : float64, shape (n, n_faces, 5)
    face_covariance : float64, shape (n, n_faces, 5, 5)
    """
    n_tracks, n_planes, n_faces = len(states), len(problem.z), len(problem.face_stop)
    covariance, p_value = np.empty((n_tracks, 5, 5)), np.empty(n_tracks)
    residual = np.full((n_tracks, 2 * n_planes), np.nan)
    pull = np.full((n_tracks, 2 * n_planes), np.nan)
    kink = np.full(n_tracks, np.nan)
    at_face, face_covariance = np.empty((n_tracks, n_faces, 5)), np.empty((n_tracks, n_faces, 5, 5))
    for track in range(n_tracks):
        xy, variance, n = np.empty(2 * n_planes), np.ones(2 * n_planes), 0
        for plane in range(n_planes):
            hit = chosen[track, plane]
            if hit >= 0:
                xy[2 * plane], xy[2 * plane + 1] = hits.x[hit], hits.y[hit]
                variance[2 * plane], variance[2 * plane + 1] = hits.x_variance[hit], hits.y_variance[hit]
                work.rows[n], work.rows[n + 1] = 2 * plane, 2 * plane + 1
                n += 2
        work.state[:] = states[track]
        scale = min(max((states[track, 4] / problem.start[4]) ** 2, 0.04), 25.0)
        factorise(variance, states[track, 4], problem, work, n)
        residuals(work.state, xy, problem, work, n)
        rows = work.rows[:n]
        lower = np.ascontiguousarray(work.factor[:n, :n])
        inverse = _inverse_of_lower(lower)
        upper = _inverse_of_lower(np.ascontiguousarray(work.normal))
        cov = upper.T @ upper
        covariance[track] = cov
        p_value[track] = chi2_probability(chi2[track], n - 5)
        # residuals in units of their covariance, and the part of those units that no parameter takes up
        white = inverse @ work.residual[:n]
        design = np.ascontiguousarray(work.design[:n])
        free = np.eye(n) - design @ cov @ design.T
        full = np.zeros((n, n))
        for i in range(n):
            full[i, : i + 1] = lower[i, : i + 1]
        left = full @ free @ full.T
        for i in range(n):
            residual[track, rows[i]] = work.residual[i]
            if left[i, i] > 1e-9 * variance[rows[i]]:
                pull[track, rows[i]] = work.residual[i] / math.sqrt(left[i, i])
        kink[track] = _kink(inverse, white, free, rows, problem)
        _reach_faces(
            states[track], scale, cov, inverse, white, design, rows, problem,
            at_face[track], face_covariance[track],
        )  # fmt: skip
    return covariance, p_value, residual, pull, kink, at_face, face_covariance


@njit(cache=True, error_model="numpy")
def _inverse_of_lower(lower: Floats) -> Floats:
    """Return the inverse of a lower triangle; what is above the diagonal is not looked at."""
    n = len(lower)
    inverse = np.zeros((n, n))
    for j in range(n):
        for i in range(j, n):
            value = 1.0 if i == j else 0.0
            for k in range(j, i):
                value -= lower[i, k] * inverse[k, j]
            inverse[i, j] = value / lower[i, i]
    return inverse


@njit(cache=True, error_model="numpy")
def _kink(inverse: Floats, white: Floats, free: Floats, rows: Ints, problem: TrackProblem) -> float:
    """Return the largest score of one more kick in any layer and direction, NaN where none can be seen."""
    n, largest = len(rows), np.nan
    for k in range(problem.kicks.shape[1]):
        moved = np.empty(n)
        for i in range(n):
            moved[i] = problem.kicks[rows[i], k]
        lever = inverse @ moved
        seen = free @ lever
        information, all_of_it = seen @ lever, lever @ lever
        if information <= _LEAST_LEVER * all_of_it:
            continue
        score = abs(seen @ white) / math.sqrt(information)
        if not score <= largest:
            largest = score  # type: ignore[assignment]
    return largest


@njit(cache=True, error_model="numpy")
def _reach_faces(
    state: Floats,
    scale: float,
    covariance: Floats,
    inverse: Floats,
    white: Floats,
    design: Floats,
    rows: Ints,
    problem: TrackProblem,
    out: Floats,
    out_covariance: Floats,
) -> None:
    """
    Fill the state at each face and its covariance.

    The scatter on the way is as far known as the residuals tell: the best linear unbiased prediction
    (Goldberger, J. Am. Stat. Assoc. 57 (1962) 369).
    """
    first, n = 0, len(rows)
    for face in range(len(problem.face_stop)):
        out[face] = state
        cross(out[face], problem.face_pieces, first, problem.face_stop[face], problem.is_thin)
        first = problem.face_stop[face]
        shared = np.zeros((5, n))
        for i in range(n):
            shared[:4, i] = scale * problem.face_scatter[face, :, rows[i]]
        known = shared @ inverse.T  # times L^-1 residuals
        out[face] += known @ white
        moves = np.zeros((5, 5))
        moves[:4], moves[4, 4] = problem.face_design[face], 1.0
        moves -= known @ design
        spread = moves @ covariance @ moves.T - known @ known.T
        spread[:4, :4] += scale * problem.face_variance[face]
        out_covariance[face] = spread
