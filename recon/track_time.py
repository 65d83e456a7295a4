"""The time that the hits of a track have in common."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recon.track_candidates import Limits, inner

__all__ = ["common_time", "time_chi2"]

Floats = npt.NDArray[np.float64]


@inner
def time_chi2(n: int, at: float, time: Floats, variance: Floats, limits: Limits) -> float:
    """
    Return how far n times are from one, as a chi2; times that are NaN do not count.

    A time is Gaussian, or that of a cluster that another particle has touched: then it costs `time_outlier`,
    and grows with the wider error `time_tail`. The less of both is -2 log likelihood of such a mixture.
    """
    total = 0.0
    for i in range(n):
        away = (time[i] - at) ** 2
        if away >= 0.0:
            total += min(away / variance[i], limits.time_outlier + away / limits.time_tail**2)
    return total


@inner
def common_time(n: int, time: Floats, variance: Floats, limits: Limits) -> tuple[float, float]:
    """
    Return the time that explains n times best, and its standard error [ns]; NaN where none is known.

    The mean, if all agree with it. Else each time is tried, since one outlier would pull the mean, and the
    best one joined with those that agree.
    """
    at, error = _mean(n, 0.0, np.inf, time, variance)
    if not math.isfinite(at):
        return np.nan, np.nan
    is_agreed = True
    for i in range(n):
        is_agreed &= not (time[i] - at) ** 2 > limits.time_outlier * variance[i]
    if is_agreed:
        return at, error
    best, least = at, np.inf
    for k in range(n):
        total = time_chi2(n, time[k], time, variance, limits)
        if math.isfinite(time[k]) and total < least:
            best, least = time[k], total
    return _mean(n, best, limits.time_outlier, time, variance)


@inner
def _mean(n: int, best: float, most: float, time: Floats, variance: Floats) -> tuple[float, float]:
    """Return the mean of times near one, in chi2, and its error; NaN without any."""
    weight, moment = 0.0, 0.0
    for i in range(n):
        if (time[i] - best) ** 2 <= most * variance[i]:
            weight += 1.0 / variance[i]
            moment += time[i] / variance[i]
    return moment / weight, 1.0 / math.sqrt(weight)
