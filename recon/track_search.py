"""The search for tracks: combinations of one hit per plane that pass a road, fitted, and made exclusive.

Tracks with a hit in every plane come first; then those that miss one, of the hits that are left, and so on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.track_fit import Workspace, factorise, residuals, step
from recon.track_problem import TrackProblem

__all__ = ["Limits", "SortedHits", "search"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MAX_STEPS = 1_000_000  # of the way through the combinations of an event


class SortedHits(NamedTuple):
    """Good hits in the order of event, plane, x, y: independent of the order they came in."""

    first: Ints  # (n_events * n_planes + 1,) hits of event i in plane j start at [i n_planes + j]
    x: Floats  # [mm] (n_hits,)
    y: Floats  # [mm] (n_hits,)
    x_variance: Floats  # [mm2] (n_hits,)
    y_variance: Floats  # [mm2] (n_hits,)
    lateness: Floats  # (n_hits,) square of the time over its error; 0 where not known
    x_source: Ints  # (n_hits,) equal in a plane: of one signal
    y_source: Ints  # (n_hits,)
    index: Ints  # type: ignore[assignment]  # (n_hits,) in the order they came in


class Limits(NamedTuple):
    """Numbers of a `TrackConfig`."""

    max_chi2_per_ndf: float
    road: float  # [standard errors]
    max_candidates: int
    iterations: int
    missing_penalty: float


class _Candidates(NamedTuple):
    """Fitted candidates of one event."""

    state: Floats  # (most, 5)
    chi2: Floats  # (most,)
    score: Floats  # (most,) the less the better
    hits: Ints  # (most, n_planes) -1 where there is none


@njit(cache=True, error_model="numpy")
def search(
    hits: SortedHits, n_events: int, problem: TrackProblem, limits: Limits, work: Workspace
) -> tuple[Ints, Floats, Floats, Ints, Mask]:
    """Return offsets, states, chi2 and hits of the tracks, best first, and the events that were given up."""
    n_planes = len(problem.z)
    offsets, is_overflow = np.zeros(n_events + 1, np.int64), np.zeros(n_events, np.bool_)
    room = max(16, n_events)
    states, chi2, chosen = np.empty((room, 5)), np.empty(room), np.empty((room, n_planes), np.int64)
    most = limits.max_candidates
    found = _Candidates(
        np.empty((most, 5)), np.empty(most), np.empty(most), np.empty((most, n_planes), np.int64)
    )
    best = _Candidates(
        np.empty((most, 5)), np.empty(most), np.empty(most), np.empty((most, n_planes), np.int64)
    )
    is_taken = np.zeros(len(hits.x), np.bool_)
    total = 0
    for event in range(n_events):
        first = hits.first[event * n_planes : (event + 1) * n_planes + 1]
        n_best = 0
        for n_missing in range(n_planes - problem.min_planes + 1):
            n = _combine(first, hits, is_taken, n_missing, problem, limits, work, found)
            if n < 0:
                is_overflow[event], n_best = True, 0
                break
            n_best = _accept(found, n, hits, first, is_taken, best, n_best)
        if total + n_best > len(chi2):
            room = len(chi2) + n_best
            states = np.concatenate((states, np.empty((room, 5))))
            chi2 = np.concatenate((chi2, np.empty(room)))
            chosen = np.concatenate((chosen, np.empty((room, n_planes), np.int64)))
        order = np.argsort(best.score[:n_best], kind="mergesort") if n_best > 1 else np.arange(n_best)
        for i in order:
            states[total], chi2[total], chosen[total] = best.state[i], best.chi2[i], best.hits[i]
            total += 1
        offsets[event + 1] = total
    return offsets, states[:total].copy(), chi2[:total].copy(), chosen[:total].copy(), is_overflow


@njit(cache=True, error_model="numpy")
def _combine(
    first: Ints,
    hits: SortedHits,
    is_taken: Mask,
    n_missing: int,
    problem: TrackProblem,
    limits: Limits,
    work: Workspace,
    found: _Candidates,
) -> int:
    """
    Fit all combinations with hits in all planes but so many; return how many pass, -1 where it is too much.

    Depth first: at each plane its hits in turn, then none. A hit off the line of the two before it in y,
    where nothing bends, ends its branch.
    """
    n_planes = len(problem.z)
    empty = 0
    for plane in range(n_planes):
        empty += first[plane + 1] == first[plane]
    if empty > n_missing:
        return 0
    choice, missed = np.empty(n_planes, np.int64), np.zeros(n_planes + 1, np.int64)
    used, picked = np.zeros(n_planes + 1, np.int64), np.empty(n_planes, np.int64)
    level, n, n_fits, n_steps = 0, 0, 0, 0
    choice[0] = first[0] - 1
    while level >= 0:
        n_steps += 1
        choice[level] += 1
        hit = choice[level]
        if hit > first[level + 1]:
            level -= 1
            continue
        if hit == first[level + 1]:
            if missed[level] == n_missing:
                level -= 1
                continue
            missed[level + 1], used[level + 1] = missed[level] + 1, used[level]
        else:
            if is_taken[hit] or not _is_on_road(
                hit, level, used[level], picked, choice, hits, problem, limits
            ):
                continue
            picked[used[level]] = level
            missed[level + 1], used[level + 1] = missed[level], used[level] + 1
        if level + 1 < n_planes:
            level += 1
            choice[level] = first[level] - 1
        elif missed[n_planes] == n_missing:
            n_fits += 1
            if n_fits > limits.max_candidates:
                return -1
            n += _fit(choice, first, hits, problem, limits, work, found, n)
        if n_steps > _MAX_STEPS:
            return -1
    return n


@njit(cache=True, error_model="numpy")
def _is_on_road(
    hit: int,
    plane: int,
    n_used: int,
    picked: Ints,
    choice: Ints,
    hits: SortedHits,
    problem: TrackProblem,
    limits: Limits,
) -> bool:
    """Return whether the y of a hit is on the line of two planes before; True if there are none."""
    if n_used < 2:
        return True
    a, b = picked[0], picked[n_used - 1]
    base = problem.z[b] - problem.z[a]
    if not base > 0.0:
        return True
    i, j = choice[a], choice[b]
    share = (problem.z[plane] - problem.z[a]) / base
    away = hits.y[hit] - hits.y[i] - share * (hits.y[j] - hits.y[i])
    variance = hits.y_variance[hit] + share**2 * hits.y_variance[j] + (1 - share) ** 2 * hits.y_variance[i]
    # soft tracks scatter more, up to the limit of the fit
    variance += 25.0 * problem.bend_variance[a, b, plane]
    return bool(away * away <= limits.road**2 * variance)


@njit(cache=True, error_model="numpy")
def _fit(
    choice: Ints,
    first: Ints,
    hits: SortedHits,
    problem: TrackProblem,
    limits: Limits,
    work: Workspace,
    found: _Candidates,
    at: int,
) -> int:
    """Fit one combination and keep it as candidate `at`; return 1 if it is a track."""
    n_planes = len(problem.z)
    xy, variance = np.empty(2 * n_planes), np.ones(2 * n_planes)
    n, pattern, lateness = 0, 0, 0.0
    for plane in range(n_planes):
        hit = choice[plane]
        found.hits[at, plane] = -1
        if hit < first[plane + 1]:
            found.hits[at, plane] = hit
            xy[2 * plane], xy[2 * plane + 1] = hits.x[hit], hits.y[hit]
            variance[2 * plane], variance[2 * plane + 1] = hits.x_variance[hit], hits.y_variance[hit]
            work.rows[n], work.rows[n + 1] = 2 * plane, 2 * plane + 1
            n, pattern = n + 2, pattern | (1 << plane)
            lateness += hits.lateness[hit]
    if not problem.is_solvable[pattern]:
        return 0
    _approach(xy, pattern, problem, limits.iterations, work, n)
    log_det = factorise(variance, work.state[4], problem, work, n)
    chi2 = np.nan
    for _ in range(2):
        residuals(work.state, xy, problem, work, n)
        chi2 = step(work, n)
    if not chi2 <= limits.max_chi2_per_ndf * (n - 5) or not abs(work.state[4]) > 0.0:
        return 0
    found.state[at], found.chi2[at] = work.state, max(chi2, 0.0)
    # -2 log likelihood, up to what all candidates share
    found.score[at] = chi2 + log_det - problem.log_det[pattern] + lateness
    found.score[at] += limits.missing_penalty * (n_planes - n // 2)
    return 1


@njit(cache=True, error_model="numpy")
def _approach(
    xy: Floats, pattern: int, problem: TrackProblem, iterations: int, work: Workspace, n: int
) -> None:
    """Bring the state near the solution by the gain that all candidates of a pattern share."""
    gain = problem.gain[pattern]
    work.state[:] = problem.start
    for iteration in range(iterations):
        if iteration == 0:
            for i in range(n):
                work.residual[i] = xy[work.rows[i]] - problem.nominal[work.rows[i]]
        else:
            residuals(work.state, xy, problem, work, n)
        for p in range(5):
            for i in range(n):
                work.state[p] += gain[p, work.rows[i]] * work.residual[i]


@njit(cache=True, error_model="numpy")
def _accept(
    found: _Candidates, n: int, hits: SortedHits, first: Ints, is_taken: Mask, best: _Candidates, n_best: int
) -> int:
    """Move candidates to `best` that share no hit with a better one; return how many there are."""
    for _ in range(n):
        least = -1
        for i in range(n):
            if np.isnan(found.score[i]):
                continue
            for hit in found.hits[i]:
                if hit >= 0 and is_taken[hit]:
                    found.score[i] = np.nan
            if found.score[i] == found.score[i] and (least < 0 or found.score[i] < found.score[least]):
                least = i
        if least < 0 or n_best == len(best.chi2):
            break
        best.state[n_best], best.chi2[n_best] = found.state[least], found.chi2[least]
        best.score[n_best], best.hits[n_best] = found.score[least], found.hits[least]
        n_best += 1
        for plane, hit in enumerate(found.hits[least]):
            if hit >= 0:
                _take(hit, first[plane], first[plane + 1], hits, is_taken)
    return n_best


@njit(cache=True, error_model="numpy")
def _take(hit: int, first: int, stop: int, hits: SortedHits, is_taken: Mask) -> None:
    """Mark a hit and all others of its plane that are made of the same signals."""
    for other in range(first, stop):
        if hits.x_source[other] == hits.x_source[hit] or hits.y_source[other] == hits.y_source[hit]:
            is_taken[other] = True
