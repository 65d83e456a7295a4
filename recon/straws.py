"""Straws: from drift times in the two staggered layers of each coordinate to hits with x and y.

A track crosses one straw of each layer, between their wires, which are one radius apart. So the distances to
both wires add up to the radius, and the wire of the one layer tells on which side of the other's the track
is. A track at another time than the trigger particle's shifts both drift times alike: the sum of distances
gives its time, and their difference still its position.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.geometry import Plane, StrawReadout
from recon.hits import TrackerHits
from recon.straw_edges import EDGE_STEP, edge_table

__all__ = [
    "StrawClusters",
    "StrawConfig",
    "StrawTable",
    "find_straw_clusters",
    "find_straw_hits",
    "straw_table",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer]

_QUALITY = ("unknown_detector", "unknown_channel", "duplicate_channel", "bad_channel", "out_of_time")
_COLUMNS = ("position", "error", "time", "time_error", "size", "is_ambiguous", "straw")
_STEPS = 40  # of the search for a time, each halves the interval


@dataclass(frozen=True, slots=True, kw_only=True)
class StrawConfig:
    """What makes a hit of straws."""

    max_mismatch: float = 4.0  # [standard errors] of the two distances' sum, of the times of x and y
    max_time: float = 100.0  # [ns] of a track before or after the trigger particle
    max_hits: int = 64  # of a plane and event: ways to combine x and y; a plane with more is given up

    def __post_init__(self) -> None:
        if not (self.max_mismatch > 0 and self.max_time > 0 and self.max_hits >= 1):
            msg = f"straws need max_mismatch and max_time above 0 and max_hits of at least 1, got {self}"
            raise ValueError(msg)


class StrawTable(NamedTuple):
    """Both coordinates of all planes, row 2 * plane + (0 for x, 1 for y); mostly of shape (n_rows,)."""

    centre: Floats  # [mm]
    radius: Floats  # [mm]
    max_drift_time: Floats  # [ns]
    drift_slowing: Floats
    resolution: Floats  # [mm] of the distance to a wire
    tdc_period: Floats  # [ns]
    time_zero: Floats  # [ns]
    n_straws: Ints  # of both layers; 0 where a plane has other digits
    is_bad: Mask  # (n_rows, most straws)
    edge_shift: Floats  # (n,) `recon.straw_edges.edge_table`
    edge_scale: Floats  # (n,)


class StrawClusters(NamedTuple):
    """Positions along one coordinate, of all events, sorted by event, detector and position."""

    offsets: Ints  # (n_events + 1,)
    detector: Ints  # (n_clusters,) 2 * plane + (0 for x, 1 for y)
    position: Floats  # [mm] (n_clusters,) global
    error: Floats  # [mm] (n_clusters,)
    time: Floats  # [ns] (n_clusters,) relative to the trigger particle; NaN with one layer
    time_error: Floats  # [ns] (n_clusters,)
    size: Ints  # (n_clusters,) straws: 2, or 1 if the other layer is silent
    is_ambiguous: (
        Mask  # (n_clusters,) one of two sides of a wire, or the layers disagree at the trigger's time
    )
    straw: Ints  # (n_clusters,) the first one; both sides of a wire have the same


def straw_table(planes: Sequence[Plane], is_bad: Mask | None = None) -> StrawTable:
    """
    Lay out the straws of planes.

    Parameters
    ----------
    planes : sequence of Plane
        Of all spectrometers, in the order that the digits count them in.
    is_bad : bool, shape (2 n_planes, most straws of a coordinate), optional
        Straws to be left out.

    Raises
    ------
    ValueError
        If `is_bad` has another shape.
    """
    n_rows = 2 * len(planes)
    numbers, count = np.ones((7, n_rows)), np.zeros(n_rows, dtype=np.int64)
    for row in range(n_rows):
        plane = planes[row // 2]
        straws = plane.readout
        if isinstance(straws, StrawReadout):
            count[row] = 2 * straws.n_straws
            numbers[:, row] = (
                plane.centre[row % 2], 0.5 * straws.diameter, straws.max_drift_time, straws.drift_slowing,
                straws.resolution, straws.tdc_period, straws.time_zero,
            )  # fmt: skip
    shape = n_rows, int(count.max(initial=0))
    if is_bad is not None and is_bad.shape != shape:
        msg = f"is_bad of straws must have the shape (2 n_planes, most straws) = {shape}, got {is_bad.shape}"
        raise ValueError(msg)
    bad = np.zeros(shape, dtype=bool) if is_bad is None else np.array(is_bad, dtype=bool)
    columns: list[Any] = [*numbers, count, bad, *edge_table()]
    return StrawTable(*columns)


def find_straw_hits(
    offsets: Integers,
    detector: Integers,
    number: Integers,
    time: Integers,
    table: StrawTable,
    config: StrawConfig | None = None,
    start: Floats | None = None,
) -> tuple[TrackerHits, dict[str, int]]:
    """
    Find the hits of planes of straws: `find_straw_clusters`, then all combinations of x and y.

    Without charge only the times can tell which x and y belong together, so that every combination that they
    allow is a hit, flagged if one of its clusters is in another hit too.

    Parameters
    ----------
    offsets, detector, number, time, table, config, start
        As for `find_straw_clusters`.

    Returns
    -------
    TrackerHits
        Without charge.
    dict of str to int
        As for `find_straw_clusters`; ``too_many_hits`` counts planes and events that were given up, and
        ``unmatched_x`` and ``unmatched_y`` clusters without a partner.
    """
    config = config or StrawConfig()
    clusters, quality = find_straw_clusters(offsets, detector, number, time, table, config, start)
    starts, x, y, lost = _combine(clusters, config.max_mismatch, config.max_hits)
    uses = np.bincount(np.concatenate([x, y]), minlength=len(clusters.detector))
    mean_time, time_error = _mean_time(clusters, x, y)
    hits = TrackerHits(
        starts,
        clusters.detector[x] // 2,
        clusters.position[x],
        clusters.position[y],
        clusters.error[x],
        clusters.error[y],
        mean_time,
        np.full(len(x), np.nan),
        clusters.size[x],
        clusters.size[y],
        clusters.is_ambiguous[x] | clusters.is_ambiguous[y] | (uses[x] > 1) | (uses[y] > 1),
        clusters.straw[x],
        clusters.straw[y],
        time_error,
    )
    return hits, quality | dict(
        zip(("unmatched_x", "unmatched_y", "too_many_hits"), lost.tolist(), strict=True)
    )


def _mean_time(clusters: StrawClusters, x: Ints, y: Ints) -> tuple[Floats, Floats]:
    """Return the mean of the times of x and y, or the one that there is, and its error."""
    times, errors = (np.stack([values[x], values[y]]) for values in (clusters.time, clusters.time_error))
    known = np.isfinite(times)
    count = known.sum(axis=0)
    total, variance = (np.where(known, values, 0.0).sum(axis=0) for values in (times, errors**2))
    with np.errstate(invalid="ignore"):
        return total / count, np.sqrt(variance) / np.where(count > 0, count, np.nan)


def find_straw_clusters(
    offsets: Integers,
    detector: Integers,
    number: Integers,
    time: Integers,
    table: StrawTable,
    config: StrawConfig | None = None,
    start: Floats | None = None,
) -> tuple[StrawClusters, dict[str, int]]:
    """
    Find positions along each coordinate.

    Neighbouring straws, one of each layer, make a pair; of pairs that need the same straw, the one whose
    distances agree best comes first. A straw without a partner gives a position on either side of its wire,
    or that of the wire if the track went through it within the resolution.

    Parameters
    ----------
    offsets : int, shape (n_events + 1,)
        Digits of event i are ``offsets[i]`` to ``offsets[i + 1]``.
    detector : int, shape (n_digits,)
        2 * plane + (0 for x, 1 for y).
    number : int, shape (n_digits,)
        Straw, of both layers by position.
    time : int, shape (n_digits,) [TDC counts]
    table : StrawTable
    config : StrawConfig, optional
    start : float64, shape (n_events,), optional [ns]
        When the trigger particle passed, after `time_zero`: drift times count from there. NaN counts as 0.

    Returns
    -------
    StrawClusters
    dict of str to int
        Digits left out: ``unknown_detector``, ``unknown_channel``, ``duplicate_channel`` (the first one
        stays), ``bad_channel``, ``out_of_time``.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    config = config or StrawConfig()
    n = len(detector)
    if not len(number) == len(time) == n:
        msg = f"detector, number and time must have the same length, got {n}, {len(number)}, {len(time)}"
        raise ValueError(msg)
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != n or (np.diff(offsets) < 0).any():
        msg = f"offsets must rise from 0 to the number of digits, {n}, got {offsets}"
        raise ValueError(msg)
    quality = np.zeros(len(_QUALITY), dtype=np.int64)
    zero = np.zeros(len(offsets) - 1) if start is None else np.nan_to_num(start)
    starts, rows, found = _find(
        np.asarray(offsets, dtype=np.int64), detector, number, time, table,
        (config.max_mismatch, config.max_time), zero, quality,
    )  # fmt: skip
    columns = dict(zip(_COLUMNS, np.ascontiguousarray(found.T), strict=True))
    size, is_ambiguous = columns.pop("size").astype(np.int64), columns.pop("is_ambiguous") > 0
    straw = columns.pop("straw").astype(np.int64)
    clusters = StrawClusters(starts, rows, **columns, size=size, is_ambiguous=is_ambiguous, straw=straw)
    return clusters, dict(zip(_QUALITY, quality.tolist(), strict=True))


@njit(cache=True)
def _find(
    offsets: Ints,
    detector: Integers,
    number: Integers,
    time: Integers,
    table: StrawTable,
    limits: tuple[float, float],
    zero: Floats,
    quality: Ints,
) -> tuple[Ints, Ints, Floats]:
    """Return offsets, detectors and one row of `_COLUMNS` per cluster."""
    n_rows, widest = table.is_bad.shape
    drift = np.full((n_rows, widest), np.nan)
    starts, total = np.zeros(len(offsets), np.int64), 0
    most = 2 * len(detector)  # a straw alone gives two
    rows, found = np.empty(most, np.int64), np.empty((most, len(_COLUMNS)))
    for event in range(len(offsets) - 1):
        here = slice(offsets[event], offsets[event + 1])
        used = _load(detector[here], number[here], time[here], table, limits[1], zero[event], drift, quality)
        for row in range(n_rows):
            if used[row] > 0:
                n = _find_in_row(row, drift[row, : table.n_straws[row]], table, limits, found[total:])
                rows[total : total + n] = row
                total += n
                drift[row] = np.nan
        starts[event + 1] = total
    return starts, rows[:total].copy(), found[:total].copy()


@njit(cache=True)
def _load(
    detector: Integers,
    number: Integers,
    time: Integers,
    table: StrawTable,
    max_time: float,
    zero: float,
    drift: Floats,
    quality: Ints,
) -> Ints:
    """Fill the drift times of one event [ns] and return how many there are in each row."""
    used = np.zeros(len(drift), np.int64)
    for i in range(len(detector)):
        row, straw = detector[i], number[i]
        if row < 0 or row >= len(table.n_straws) or table.n_straws[row] == 0:
            quality[0] += 1
        elif straw < 0 or straw >= table.n_straws[row]:
            quality[1] += 1
        elif not np.isnan(drift[row, straw]):
            quality[2] += 1
        elif table.is_bad[row, straw]:
            quality[3] += 1
        else:
            after = time[i] * table.tdc_period[row] - table.time_zero[row] - zero
            if -max_time <= after <= table.max_drift_time[row] + max_time:
                drift[row, straw] = after
                used[row] += 1
            else:
                quality[4] += 1
    return used


@njit(cache=True)
def _distance(time: float, row: int, table: StrawTable) -> float:
    """Return the distance to the wire [mm] of a drift time [ns], as `StrawReadout.drift_distance` does."""
    share = min(max(time / table.max_drift_time[row], 0.0), 1.0)
    if share == 0.0:
        return 0.0
    linear = 1.0 - table.drift_slowing[row]
    root = math.sqrt(linear * linear + 4.0 * table.drift_slowing[row] * share)
    return float(table.radius[row] * 2.0 * share / (linear + root))


@njit(cache=True)
def _speed(distance: float, row: int, table: StrawTable) -> float:
    """Return how fast charge drifts at a distance [mm / ns]."""
    slowing, radius = table.drift_slowing[row], table.radius[row]
    slope = table.max_drift_time[row] / radius * (1.0 - slowing + 2.0 * slowing * distance / radius)
    return float(1.0 / max(slope, 1e-3 * table.max_drift_time[row] / radius))


@njit(cache=True)
def _excess(one: float, other: float, row: int, table: StrawTable) -> float:
    """Return by how much the distances of two drift times are more than the radius [mm]."""
    return _distance(one, row, table) + _distance(other, row, table) - float(table.radius[row])


@njit(cache=True)
def _track_time(one: float, other: float, row: int, table: StrawTable) -> float:
    """Return the time of a track [ns] at which the distances of two drift times add up to the radius."""
    low, high = min(one, other) - table.max_drift_time[row], max(one, other)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if _excess(one - middle, other - middle, row, table) > 0.0:
            low = middle
        else:
            high = middle
    return float(0.5 * (low + high))


@njit(cache=True)
def _error(row: int, distance: float, table: StrawTable) -> float:
    """Return the error of a distance [mm]: resolution and TDC count."""
    count = table.tdc_period[row] / math.sqrt(12.0) * _speed(distance, row, table)
    return float(math.hypot(table.resolution[row], count))


@njit(cache=True)
def _wire(straw: int, row: int, table: StrawTable) -> float:
    """Return the position of a wire [mm]; straws of both layers together are half a diameter apart."""
    return float(table.centre[row] + (straw - 0.5 * (table.n_straws[row] - 1)) * table.radius[row])


@njit(cache=True)
def _find_in_row(row: int, drift: Floats, table: StrawTable, limits: tuple[float, float], out: Floats) -> int:
    """Write the clusters of one coordinate in the order of position, and return how many there are."""
    is_used, n = np.isnan(drift), 0
    while True:
        best, least = -1, np.inf
        for straw in range(len(drift) - 1):
            if is_used[straw] or is_used[straw + 1]:
                continue
            mismatch = abs(_excess(drift[straw], drift[straw + 1], row, table))
            if mismatch < least and abs(_track_time(drift[straw], drift[straw + 1], row, table)) <= limits[1]:
                best, least = straw, mismatch
        if best < 0:
            break
        _write_pair(best, drift, row, table, limits[0], out[n])
        is_used[best], is_used[best + 1] = True, True
        n += 1
    for straw in range(len(drift)):
        if not is_used[straw]:
            n += _write_single(straw, drift[straw], row, table, out[n:])
    out[:n] = out[:n][np.argsort(out[:n, 0])]
    return n


@njit(cache=True)
def _write_pair(
    straw: int, drift: Floats, row: int, table: StrawTable, max_mismatch: float, out: Floats
) -> None:
    """Write the position between the wires of two straws that follow each other."""
    one, other = drift[straw], drift[straw + 1]
    time = _track_time(one, other, row, table)
    near, far = _distance(one - time, row, table), _distance(other - time, row, table)
    error = math.hypot(_error(row, near, table), _error(row, far, table))
    is_late = abs(_excess(one, other, row, table)) > max_mismatch * error
    if not is_late:  # the trigger's time is known better than that of the pair
        near, far = _distance(one, row, table), _distance(other, row, table)
    place, scale = 0.5 * (table.radius[row] + near - far), 1.0
    if not is_late:
        unit = error / math.sqrt(2.0)
        before, behind = place / unit, (table.radius[row] - place) / unit
        place += unit * (_at(before, table.edge_shift) - _at(behind, table.edge_shift))
        scale = _at(min(before, behind), table.edge_scale)
    out[0] = _wire(straw, row, table) + place
    out[1] = 0.5 * error * scale
    out[2] = time
    out[3] = error / (_speed(near, row, table) + _speed(far, row, table))
    out[4], out[5], out[6] = 2, is_late, straw


@njit(cache=True)
def _at(place: float, values: Floats) -> float:
    """Return the value of a table of `recon.straw_edges` at a place [errors of a distance]."""
    at = min(max(place / EDGE_STEP, 0.0), len(values) - 1.0)
    low = min(int(at), len(values) - 2)
    return float(values[low] + (at - low) * (values[low + 1] - values[low]))


@njit(cache=True)
def _write_single(straw: int, drift: float, row: int, table: StrawTable, out: Floats) -> int:
    """Write the positions on both sides of a wire, or that of the wire, and return how many there are."""
    distance, wire = _distance(drift, row, table), _wire(straw, row, table)
    error = _error(row, distance, table)
    n = 1 if distance < error else 2
    for i in range(n):
        out[i, 0] = wire if n == 1 else wire + (2 * i - 1) * distance
        out[i, 1] = math.hypot(error, distance) if n == 1 else error
        out[i, 2], out[i, 3] = np.nan, np.nan
        out[i, 4], out[i, 5], out[i, 6] = 1, n == 2, straw
    return n


@njit(cache=True)
def _combine(clusters: StrawClusters, max_mismatch: float, max_hits: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return offsets, the x and the y cluster of each hit, and the clusters lost and planes given up."""
    n_events, n = len(clusters.offsets) - 1, 0
    starts, lost = np.zeros(n_events + 1, np.int64), np.zeros(3, np.int64)
    x, y = np.empty(max_hits, np.int64), np.empty(max_hits, np.int64)
    for event in range(n_events):
        at, stop = clusters.offsets[event], clusters.offsets[event + 1]
        while at < stop:
            plane = clusters.detector[at] // 2
            middle = at
            while middle < stop and clusters.detector[middle] == 2 * plane:
                middle += 1
            end = middle
            while end < stop and clusters.detector[end] == 2 * plane + 1:
                end += 1
            if n + max_hits > len(x):
                x = np.concatenate((x, np.empty(len(x) + max_hits, np.int64)))
                y = np.concatenate((y, np.empty(len(y) + max_hits, np.int64)))
            found = _combine_plane(
                clusters, at, middle, end, max_mismatch, x[n : n + max_hits], y[n : n + max_hits], lost
            )
            n += found
            at = end
        starts[event + 1] = n
    return starts, x[:n].copy(), y[:n].copy(), lost


@njit(cache=True)
def _combine_plane(
    clusters: StrawClusters,
    first: int,
    middle: int,
    end: int,
    max_mismatch: float,
    x: Ints,
    y: Ints,
    lost: Ints,
) -> int:
    """Fill the combinations of one plane; none if there are more than there is room for."""
    n, has_partner = 0, np.zeros(end - first, np.bool_)
    for i in range(first, middle):
        for j in range(middle, end):
            difference = abs(clusters.time[i] - clusters.time[j])
            if difference > max_mismatch * math.hypot(clusters.time_error[i], clusters.time_error[j]):
                continue  # where one has no time, the comparison with NaN is False
            if n == len(x):
                lost[2] += 1
                return 0
            x[n], y[n] = i, j
            has_partner[i - first], has_partner[j - first] = True, True
            n += 1
    lost[0] += (middle - first) - has_partner[: middle - first].sum()
    lost[1] += (end - middle) - has_partner[middle - first :].sum()
    return n
