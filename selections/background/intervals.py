"""Intervals of counts, also where there are few or none, and of sums of weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2, norm

__all__ = ["Interval", "add", "join_errors", "poisson_interval", "poisson_limits", "weighted_interval"]

Floats = npt.NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with its 68.27% interval."""

    value: float
    low: float
    high: float

    @property
    def errors(self) -> tuple[float, float]:
        """Return the distances of the value from the two ends."""
        return self.value - self.low, self.high - self.value

    def scaled(self, factor: float) -> Interval:
        """Return the interval in another unit; ``factor`` is not negative."""
        return Interval(*(factor * number for number in self))


def poisson_limits(counts: npt.ArrayLike, sigmas: npt.ArrayLike = 1.0) -> tuple[Floats, Floats]:
    """
    Return the central interval of a Poisson mean (F. Garwood, Biometrika 28 (1936) 437).

    Parameters
    ----------
    counts : int64, any shape
    sigmas : float64, any shape
        Half width of a normal distribution's interval of the same coverage: 1 for 68.27%.

    Returns
    -------
    low, high : float64
        With no count the interval goes from 0 to the mean that leaves one tail's probability to it.
    """
    n, tail = np.asarray(counts, dtype=np.float64), norm.sf(np.asarray(sigmas, dtype=np.float64))
    low = np.where(n > 0, 0.5 * chi2.ppf(tail, 2 * np.maximum(n, 1e-9)), 0.0)
    return np.asarray(low), np.asarray(0.5 * chi2.isf(tail, 2 * n + 2))


def poisson_interval(count: float) -> Interval:
    """Return the 68.27% interval of the mean of a count; (0, 0, 1.84) for none."""
    low, high = poisson_limits(count)
    return Interval(float(count), float(low), float(high))


def weighted_interval(total: float, squares: float, weight: float) -> Interval:
    """
    Return the 68.27% interval of the mean of a sum of weights.

    The sum is taken for a Poisson count of events of equal weight, as many as have its relative error
    (G. Bohm and G. Zech, NIM A 748 (2014) 1).

    Parameters
    ----------
    total, squares : float
        Sum of the weights and of their squares.
    weight : float
        Of an event that might have been seen where none is: the mean weight of the sample.

    Raises
    ------
    ValueError
        If a sum is negative or not finite, or the weight is not above 0.
    """
    if not (total >= 0 and squares >= 0 and math.isfinite(total + squares) and weight > 0):
        msg = f"weights must not add up below 0, got {total}, squares {squares}, mean weight {weight}"
        raise ValueError(msg)
    if total == 0:
        return poisson_interval(0).scaled(weight)
    equal = squares / total
    low, high = poisson_limits(total / equal)
    return Interval(total, float(equal * low), float(equal * high))


def join_errors(interval: Interval, others: Iterable[tuple[float, float]]) -> Interval:
    """Widen an interval by further errors (down, up), in quadrature on each side; not below 0."""
    down, up = interval.errors
    for more_down, more_up in others:
        down, up = math.hypot(down, more_down), math.hypot(up, more_up)
    return Interval(interval.value, max(0.0, interval.value - down), interval.value + up)


def add(parts: Sequence[Interval]) -> Interval:
    """Return the sum of independent estimates, errors in quadrature on each side."""
    value = math.fsum(part.value for part in parts)
    return join_errors(Interval(value, value, value), (part.errors for part in parts))
