"""
The search for tracks: combinations of one hit per plane that pass a road, fitted, and made exclusive.

Tracks with a hit in every plane come first; then those that miss one, of the hits that are left, and so on.
Each round goes through all events in three loops: over hits, over the combinations found, and over tracks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from recon.track_candidates import Candidates, Limits, SortedHits, candidates, inner, kernel
from recon.track_fit import chi2_probability, fit_candidates, workspace
from recon.track_problem import FitTables

__all__ = ["search_tracks", "sort_cells"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MAX_STEPS = 1_000_000  # of the way through the combinations of an event
_ROOM = 8192  # combinations that are in memory at once


class _Walk(NamedTuple):
    """The way through the combinations of one event; entry i is the state before plane i."""

    choice: Ints  # (n_planes + 1,) hit, or the one behind the last for none
    picked: Ints  # (n_planes + 1,) planes with a hit
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
) -> tuple[Ints, Candidates, Mask]:
    """Return offsets (n_events + 1,), the tracks, best first, and the events given up (n_events,)."""
    n_planes = len(tables.z)
    room = candidates(_ROOM + limits.max_candidates, n_planes)
    walk = _Walk(*(np.zeros(n_planes + 1, np.int64) for _ in _Walk._fields))
    work, is_taken = workspace(n_planes), np.zeros(len(hits.x), np.bool_)
    is_overflow = np.zeros(n_events, np.bool_)
    parts = [Candidates(*(values[:0].copy() for values in room))]  # type: ignore[arg-type]
    for n_missing in range(n_planes - limits.min_planes + 1):
        start = 0
        while start < n_events:
            start, n = _combine(start, n_missing, hits, is_taken, tables, limits, walk, room, is_overflow)
            if n:
                fit_candidates(n, hits, tables, limits, work, room)
                kept = np.zeros(n, np.bool_)
                _accept(hits, is_taken, room, kept)
                parts.append(Candidates(*(values[:n][kept] for values in room)))  # type: ignore[arg-type]
    columns: list[Any] = [np.concatenate(values) for values in zip(*parts, strict=True)]
    found = Candidates(*columns)
    offsets, order = np.zeros(n_events + 1, np.int64), np.empty(len(found.event), np.int64)
    _rank(found.event, found.score, found.is_late, is_overflow, offsets, order)
    columns = [values[order[: offsets[-1]]] for values in found]
    return offsets, Candidates(*columns), is_overflow


@kernel
def _combine(
    start: int,
    n_missing: int,
    hits: SortedHits,
    is_taken: Mask,
    tables: FitTables,
    limits: Limits,
    walk: _Walk,
    found: Candidates,
    is_overflow: Mask,
) -> tuple[int, int]:
    """
    List the combinations with hits in all planes but so many, until the memory is full.

    Depth first: at each plane its hits in turn, then none. A hit off the line of the two before it in y,
    where nothing bends, ends its branch.

    Returns
    -------
    The event to go on with, and how many combinations there are.
    """
    choice, picked, missed, used = walk.choice, walk.picked, walk.missed, walk.used
    first, y, y_variance = hits.first, hits.y, hits.y_variance
    z, bend_variance, listed, of_event = tables.z, tables.bend_variance, found.hits, found.event
    n_planes, most, road = len(z), limits.max_candidates, limits.road**2
    n = 0
    for event in range(start, len(is_overflow)):
        if n + most > len(of_event):
            return event, n
        base, begin, level, steps = event * n_planes, n, 0, 0
        choice[0] = first[base] - 1
        while level >= 0 and not is_overflow[event]:
            steps += 1
            choice[level] += 1
            hit, stop, n_used = choice[level], first[base + level + 1], used[level]
            if hit > stop or (hit == stop and missed[level] == n_missing):
                level -= 1
            elif hit < stop and (
                is_taken[hit]
                or not _is_on_road(hit, level, n_used, choice, picked, y, y_variance, z, bend_variance, road)
            ):
                continue
            else:
                picked[n_used] = level
                missed[level + 1] = missed[level] + (hit == stop)
                used[level + 1] = n_used + (hit < stop)
                level += 1
                if level < n_planes:
                    choice[level] = first[base + level] - 1
                    continue
                level -= 1
                if missed[n_planes] != n_missing:
                    continue
                if n - begin == most:
                    is_overflow[event], n = True, begin
                    break
                of_event[n] = event
                for plane in range(n_planes):
                    has_hit = choice[plane] < first[base + plane + 1]
                    listed[n, plane] = choice[plane] if has_hit else -1
                n += 1
            if steps > _MAX_STEPS:
                is_overflow[event], n = True, begin
    return len(is_overflow), n


@inner
def _is_on_road(
    hit: int,
    plane: int,
    n_used: int,
    choice: Ints,
    picked: Ints,
    y: Floats,
    y_variance: Floats,
    z: Floats,
    bend_variance: Floats,
    road: float,
) -> bool:
    """Return whether the y of a hit is on the line of two planes before; True if there are none."""
    if n_used < 2:
        return True
    a, b = picked[0], picked[n_used - 1]
    i, j, length = choice[a], choice[b], z[b] - z[a]
    share = (z[plane] - z[a]) / length
    away = y[hit] - y[i] - share * (y[j] - y[i])
    variance = y_variance[hit] + share**2 * y_variance[j] + (1 - share) ** 2 * y_variance[i]
    # soft tracks scatter more, up to the limit of the fit
    variance += 25.0 * bend_variance[a, b, plane]
    return bool(away * away <= road * variance) or not length > 0.0


@kernel
def _accept(hits: SortedHits, is_taken: Mask, found: Candidates, kept: Mask) -> None:
    """Keep candidates that share no hit with a better one of their event, and mark their hits."""
    chosen, scores, event, first = found.hits, found.score, found.event, hits.first
    x_source, y_source, chi2, p_value = hits.x_source, hits.y_source, found.chi2, found.p_value
    n_planes, begin, n = chosen.shape[1], 0, len(kept)
    while begin < n:
        end = begin + 1
        while end < n and event[end] == event[begin]:
            end += 1
        while True:
            least = _best_free(begin, end, chosen, scores, is_taken)
            if least < 0:
                break
            kept[least], n_hits = True, 0
            for plane in range(n_planes):
                hit, cell = chosen[least, plane], event[begin] * n_planes + plane
                n_hits += hit >= 0
                # all hits of a plane that are made of the same signals are gone
                for other in range(first[cell], first[cell + 1] if hit >= 0 else 0):
                    if x_source[other] == x_source[hit] or y_source[other] == y_source[hit]:
                        is_taken[other] = True
            p_value[least] = chi2_probability(chi2[least], 2 * n_hits - 5)
        begin = end


@kernel
def _rank(event: Ints, score: Floats, is_late: Mask, is_overflow: Mask, offsets: Ints, order: Ints) -> None:
    """Fill the offsets of events, and tracks by event, in time before late, then by score."""
    for i in range(len(event)):
        offsets[event[i] + 1] += not is_overflow[event[i]]
    for i in range(len(is_overflow)):
        offsets[i + 1] += offsets[i]
    filled = np.zeros(len(is_overflow), np.int64)
    for i in range(len(event)):
        if is_overflow[event[i]]:
            continue
        begin = offsets[event[i]]
        at = begin + filled[event[i]]
        filled[event[i]] += 1
        while at > begin:
            other = order[at - 1]
            if is_late[other] < is_late[i] or (is_late[other] == is_late[i] and score[other] <= score[i]):
                break
            order[at] = other
            at -= 1
        order[at] = i


@inner
def _best_free(begin: int, end: int, chosen: Ints, scores: Floats, is_taken: Mask) -> int:
    """Return the candidate of the least score all of whose hits are free, -1 without one."""
    least, score = -1, np.inf
    for i in range(begin, end):
        if scores[i] < score:
            is_free = True
            for plane in range(chosen.shape[1]):
                is_free &= not (chosen[i, plane] >= 0 and is_taken[chosen[i, plane]])
            if is_free:
                least, score = i, scores[i]
    return least
