"""The search for tracks: combinations of one hit per plane that pass a road, fitted, and made exclusive.

Tracks with a hit in every plane come first; then those that miss one, of the hits that are left, and so on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from recon.track_fit import Workspace, chi2_probability, fit, inner, kernel, workspace
from recon.track_problem import FitTables

__all__ = ["FoundTracks", "Limits", "SortedHits", "search_tracks", "sort_cells"]

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

    min_planes: int
    max_chi2_per_ndf: float
    road: float  # [standard errors]
    max_candidates: int
    iterations: int
    missing_penalty: float


class FoundTracks(NamedTuple):
    """Tracks of all events, best first; also the memory for the candidates of one event."""

    state: Floats  # (n, 5)
    q_error: Floats  # [1/GeV] (n,) of q/p
    chi2: Floats  # (n,)
    p_value: Floats  # (n,)
    score: Floats  # (n,) the less the better
    hits: Ints  # (n, n_planes) -1 where there is none


class _Walk(NamedTuple):
    """The way through the combinations of one event; entry i is the state before plane i."""

    choice: Ints  # (n_planes,) hit, or the one behind the last for none
    picked: Ints  # (n_planes,) planes with a hit
    missed: Ints  # (n_planes + 1,) planes without
    used: Ints  # (n_planes + 1,) planes with one


@kernel
def sort_cells(first: Ints, x: Floats, y: Floats, order: Ints) -> None:
    """Sort `order` by x, then y, within each cell; they are short."""
    for cell in range(len(first) - 1):
        for i in range(first[cell] + 1, first[cell + 1]):
            hit, j = order[i], i
            while j > first[cell]:
                other = order[j - 1]
                if x[other] < x[hit] or (x[other] == x[hit] and y[other] <= y[hit]):
                    break
                order[j], j = other, j - 1
            order[j] = hit


def search_tracks(
    hits: SortedHits, n_events: int, tables: FitTables, limits: Limits
) -> tuple[Ints, FoundTracks, Mask]:
    """Return offsets (n_events + 1,), the tracks, and the events that were given up (n_events,)."""
    n_planes = len(tables.z)
    offsets, is_overflow = np.zeros(n_events + 1, np.int64), np.zeros(n_events, np.bool_)
    # a track takes at least three hits
    out, found = (_room(size, n_planes) for size in (len(hits.x) // 3, limits.max_candidates))
    walk = _Walk(*(np.zeros(n_planes + 1, np.int64) for _ in _Walk._fields))
    is_taken = np.zeros(len(hits.x), np.bool_)
    _search(hits, tables, limits, workspace(n_planes), walk, found, is_taken, out, offsets, is_overflow)
    columns: list[Any] = [values[: offsets[-1]].copy() for values in out]
    return offsets, FoundTracks(*columns), is_overflow


def _room(size: int, n_planes: int) -> FoundTracks:
    numbers = [np.empty(size) for _ in range(4)]
    columns: list[Any] = [np.empty((size, 5)), *numbers, np.empty((size, n_planes), np.int64)]
    return FoundTracks(*columns)


@kernel
def _search(
    hits: SortedHits,
    tables: FitTables,
    limits: Limits,
    work: Workspace,
    walk: _Walk,
    found: FoundTracks,
    is_taken: Mask,
    out: FoundTracks,
    offsets: Ints,
    is_overflow: Mask,
) -> None:
    n_planes, total = len(tables.z), 0
    for event in range(len(is_overflow)):
        start, base = total, event * n_planes
        empty = 0
        for plane in range(n_planes):
            empty += hits.first[base + plane + 1] == hits.first[base + plane]
        for n_missing in range(empty, n_planes - limits.min_planes + 1):
            n = _combine(base, n_missing, hits, is_taken, tables, limits, work, walk, found)
            if n < 0:
                is_overflow[event], total = True, start
                break
            total = _accept(n, base, hits, is_taken, found, out, start, total)
        offsets[event + 1] = total


@inner
def _combine(
    base: int,
    n_missing: int,
    hits: SortedHits,
    is_taken: Mask,
    tables: FitTables,
    limits: Limits,
    work: Workspace,
    walk: _Walk,
    found: FoundTracks,
) -> int:
    """
    Fit all combinations with hits in all planes but so many; return how many pass, -1 where it is too much.

    Depth first: at each plane its hits in turn, then none. A hit off the line of the two before it in y,
    where nothing bends, ends its branch.
    """
    picked = walk.picked
    n_planes, first = len(tables.z), hits.first
    choice, missed, used = walk.choice, walk.missed, walk.used
    level, n, n_fits = 0, 0, 0
    choice[0] = first[base] - 1
    for _ in range(_MAX_STEPS):
        choice[level] += 1
        hit, stop = choice[level], first[base + level + 1]
        if hit > stop or (hit == stop and missed[level] == n_missing):
            level -= 1
            if level < 0:
                return n
            continue
        if hit == stop:
            missed[level + 1], used[level + 1] = missed[level] + 1, used[level]
        else:
            if is_taken[hit] or not _is_on_road(hit, level, hits, tables, limits, walk):
                continue
            picked[used[level]] = level
            missed[level + 1], used[level + 1] = missed[level], used[level] + 1
        if level + 1 < n_planes:
            level += 1
            choice[level] = first[base + level] - 1
        elif missed[n_planes] == n_missing:
            n_fits += 1
            if n_fits > limits.max_candidates:
                return -1
            n += _try(n, used[n_planes], hits, tables, limits, work, walk, found)
    return -1


@inner
def _is_on_road(
    hit: int, plane: int, hits: SortedHits, tables: FitTables, limits: Limits, walk: _Walk
) -> bool:
    """Return whether the y of a hit is on the line of two planes before; True if there are none."""
    y, y_variance, z, picked = hits.y, hits.y_variance, tables.z, walk.picked
    choice = walk.choice
    n_used = walk.used[plane]
    if n_used < 2:
        return True
    a, b = picked[0], picked[n_used - 1]
    length = z[b] - z[a]
    if not length > 0.0:
        return True
    i, j = choice[a], choice[b]
    share = (z[plane] - z[a]) / length
    away = y[hit] - y[i] - share * (y[j] - y[i])
    variance = y_variance[hit] + share**2 * y_variance[j] + (1 - share) ** 2 * y_variance[i]
    # soft tracks scatter more, up to the limit of the fit
    variance += 25.0 * tables.bend_variance[a, b, plane]
    return bool(away * away <= limits.road**2 * variance)


@inner
def _try(
    at: int,
    n: int,
    hits: SortedHits,
    tables: FitTables,
    limits: Limits,
    work: Workspace,
    walk: _Walk,
    found: FoundTracks,
) -> int:
    """Fit the combination of n hits that the walk has reached; return 1 if it is a track."""
    picked, choice, planes, xy = walk.picked, walk.choice, work.plane, work.xy
    variance = work.variance
    n_planes, pattern, lateness = len(tables.z), 0, 0.0
    for i in range(n):
        plane = picked[i]
        hit = choice[plane]
        planes[i] = plane
        xy[2 * i], xy[2 * i + 1] = hits.x[hit], hits.y[hit]
        variance[2 * i], variance[2 * i + 1] = hits.x_variance[hit], hits.y_variance[hit]
        pattern |= 1 << plane
        lateness += hits.lateness[hit]
    max_chi2 = limits.max_chi2_per_ndf * (2 * n - 5)
    if not tables.is_solvable[pattern]:
        return 0
    chi2, log_det, q_error = fit(n, pattern, limits.iterations, max_chi2, work, tables)
    if not chi2 <= max_chi2 or not abs(work.state[4]) > 0.0:
        return 0
    chi2 = max(chi2, 0.0)
    for p in range(5):
        found.state[at, p] = work.state[p]
    for plane in range(n_planes):
        found.hits[at, plane] = -1
    for i in range(n):
        found.hits[at, planes[i]] = choice[planes[i]]
    found.chi2[at], found.q_error[at] = chi2, q_error
    found.p_value[at] = chi2_probability(chi2, 2 * n - 5)
    # -2 log likelihood, up to what all candidates share
    penalty = lateness + limits.missing_penalty * (n_planes - n)
    found.score[at] = chi2 + log_det - tables.log_det[pattern] + penalty
    return 1


@inner
def _accept(
    n: int,
    base: int,
    hits: SortedHits,
    is_taken: Mask,
    found: FoundTracks,
    out: FoundTracks,
    start: int,
    total: int,
) -> int:
    """Append candidates that share no hit with a better one, in their order; return the new total."""
    first, chosen, scores, done = hits.first, found.hits, found.score, out.score
    n_planes = chosen.shape[1]
    for _ in range(n):
        least, score = -1, np.inf
        for i in range(n):
            if not scores[i] < score:
                continue
            is_free = True
            for plane in range(n_planes):
                hit = chosen[i, plane]
                is_free = is_free and not (hit >= 0 and is_taken[hit])
            if is_free:
                least, score = i, scores[i]
            else:
                scores[i] = np.nan
        if least < 0:
            break
        to = total
        while to > start and done[to - 1] > score:
            _copy(out, to - 1, out, to)
            to -= 1
        _copy(found, least, out, to)
        total += 1
        for plane in range(n_planes):
            hit = chosen[least, plane]
            if hit >= 0:
                _take(hit, first[base + plane], first[base + plane + 1], hits, is_taken)
    return total


@inner
def _copy(source: FoundTracks, i: int, target: FoundTracks, j: int) -> None:
    to, state, copied, hits = target.state, source.state, target.hits, source.hits
    for p in range(5):
        to[j, p] = state[i, p]
    for plane in range(hits.shape[1]):
        copied[j, plane] = hits[i, plane]
    target.q_error[j], target.chi2[j] = source.q_error[i], source.chi2[i]
    target.p_value[j], target.score[j] = source.p_value[i], source.score[i]


@inner
def _take(hit: int, first: int, stop: int, hits: SortedHits, is_taken: Mask) -> None:
    """Mark a hit and all others of its plane that are made of the same signals."""
    x_source, y_source = hits.x_source, hits.y_source
    for other in range(first, stop):
        if x_source[other] == x_source[hit] or y_source[other] == y_source[hit]:
            is_taken[other] = True
