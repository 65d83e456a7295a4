"""Clusters along x and along y that belong together make the hits of strips."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.hits import TrackerHits
from recon.strip_clusters import StripClusters

__all__ = ["MatchConfig", "match_clusters"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchConfig:
    """Which clusters of x and y may be of one hit."""

    charge_ratio: float = 1.0  # of x to y, mean
    charge_spread: float = 0.03  # rms of the logarithm of the ratio, beside what the noise adds
    time_spread: float = 1.0  # [ns] rms of the difference of times, beside what the noise adds
    max_mismatch: float = 400.0  # of the squares of both deviations, in standard errors
    margin: float = 4.0  # a match is ambiguous if another one is worse by less

    def __post_init__(self) -> None:
        low = min(self.charge_ratio, self.charge_spread, self.time_spread, self.max_mismatch)
        if not (low > 0 and math.isfinite(self.charge_ratio) and self.margin >= 0):
            msg = (
                "a match needs charge_ratio, charge_spread, time_spread and max_mismatch above 0 and a "
                f"margin that is not negative, got {self}"
            )
            raise ValueError(msg)


def match_clusters(
    clusters: StripClusters, config: MatchConfig | None = None
) -> tuple[TrackerHits, dict[str, int]]:
    """
    Match clusters along x with clusters along y by charge and time.

    Both strips see the charge of one avalanche, so that the ratio is nearly the same for all hits. Of all
    ways to match the clusters of a plane, the one with the least sum of mismatches is taken, as far as
    exchanging two at a time finds it. A cluster has one partner or none, which costs `max_mismatch`.

    Parameters
    ----------
    clusters : StripClusters
        As `find_strip_clusters` sorts them.
    config : MatchConfig, optional

    Returns
    -------
    TrackerHits
    dict of str to int
        ``unmatched_x`` and ``unmatched_y``: clusters without a partner.
    """
    config = config or MatchConfig()
    limits = (config.charge_ratio, config.charge_spread, config.time_spread, config.max_mismatch)
    offsets, x, y, is_near, lost = _match(clusters, limits, config.margin)
    time, time_error = _mean_time(clusters, x, y)
    hits = TrackerHits(
        offsets,
        clusters.detector[x] // 2,
        clusters.position[x],
        clusters.position[y],
        clusters.error[x],
        clusters.error[y],
        time,
        0.5 * (clusters.charge[x] + clusters.charge[y]),
        clusters.size[x],
        clusters.size[y],
        is_near | clusters.is_ambiguous[x] | clusters.is_ambiguous[y],
        x,
        y,
        time_error,
    )
    return hits, {"unmatched_x": int(lost[0]), "unmatched_y": int(lost[1])}


def _mean_time(clusters: StripClusters, x: Ints, y: Ints) -> tuple[Floats, Floats]:
    """Return the mean of both times by their errors, or the one that there is, and its error."""
    times, errors = (np.stack([values[x], values[y]]) for values in (clusters.time, clusters.time_error))
    weight = np.where(np.isfinite(times), 1 / np.maximum(errors, 1e-3) ** 2, 0.0)
    total, moment = weight.sum(axis=0), (weight * np.where(weight > 0, times, 0.0)).sum(axis=0)
    total[total == 0] = np.nan
    return moment / total, 1 / np.sqrt(total)


@njit(cache=True)
def _match(
    clusters: StripClusters, limits: tuple[float, float, float, float], margin: float
) -> tuple[Ints, Ints, Ints, Mask, Ints]:
    """Return offsets, x and y cluster of each hit, whether its match is ambiguous, and clusters lost."""
    n_events, n_clusters = len(clusters.offsets) - 1, len(clusters.detector)
    offsets, n = np.zeros(n_events + 1, np.int64), 0
    x, y = np.empty(n_clusters, np.int64), np.empty(n_clusters, np.int64)
    is_near, lost = np.zeros(n_clusters, np.bool_), np.zeros(2, np.int64)
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
            n_x, n_y = middle - at, end - middle
            side = max(n_x, n_y)
            cost = np.full((side, side), limits[3])
            for i in range(n_x):
                for j in range(n_y):
                    cost[i, j] = min(_mismatch(clusters, at + i, middle + j, limits), limits[3])
            partner = _assign(cost)
            matched = 0
            for i in range(n_x):
                j = partner[i]
                if j < n_y and cost[i, j] < limits[3]:
                    x[n], y[n] = at + i, middle + j
                    is_near[n] = _is_near(i, partner, cost, margin)
                    n += 1
                    matched += 1
            lost[0] += n_x - matched
            lost[1] += n_y - matched
            at = end
        offsets[event + 1] = n
    return offsets, x[:n].copy(), y[:n].copy(), is_near[:n].copy(), lost


@njit(cache=True)
def _mismatch(clusters: StripClusters, i: int, j: int, limits: tuple[float, float, float, float]) -> float:
    """Return the squared deviations of charge and time of two clusters, in standard errors."""
    one, other = clusters.integral[i], clusters.integral[j]
    if not (one > 0.0 and other > 0.0):
        return np.inf
    relative = (clusters.integral_error[i] / one) ** 2 + (clusters.integral_error[j] / other) ** 2
    total = math.log(one / (other * limits[0])) ** 2 / (relative + limits[1] ** 2)
    difference = clusters.time[i] - clusters.time[j]
    if math.isfinite(difference):
        variance = clusters.time_error[i] ** 2 + clusters.time_error[j] ** 2 + limits[2] ** 2
        total += difference**2 / variance
    return float(total)


@njit(cache=True)
def _assign(cost: Floats) -> Ints:
    """Return the column of each row such that no exchange of two lowers the sum."""
    side = len(cost)
    partner, is_free = np.empty(side, np.int64), np.ones(side, np.bool_)
    for i in range(side):
        best = -1
        for j in range(side):
            if is_free[j] and (best < 0 or cost[i, j] < cost[i, best]):
                best = j
        partner[i] = best
        is_free[best] = False
    has_changed = True
    while has_changed:
        has_changed = False
        for i in range(side):
            for k in range(i):
                if _gain(i, k, partner, cost) > 1e-9:
                    partner[i], partner[k] = partner[k], partner[i]
                    has_changed = True
    return partner


@njit(cache=True)
def _gain(i: int, k: int, partner: Ints, cost: Floats) -> float:
    """Return by how much the sum falls if two rows exchange their columns."""
    now = cost[i, partner[i]] + cost[k, partner[k]]
    return float(now - cost[i, partner[k]] - cost[k, partner[i]])


@njit(cache=True)
def _is_near(i: int, partner: Ints, cost: Floats, margin: float) -> bool:
    """Return whether an exchange of a row with another one would be nearly as good."""
    is_near = False
    for k in range(len(partner)):
        is_near |= k != i and _gain(i, k, partner, cost) > -margin
    return is_near
