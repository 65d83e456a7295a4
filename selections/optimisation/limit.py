"""The upper limit that a counting experiment expects to set where there is no signal."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RectBivariateSpline
from scipy.special import gammaln, xlogy

__all__ = ["LimitTable", "expected_limit", "upper_limits"]

Floats = npt.NDArray[np.float64]

_STEPS = 200  # of the signal, where a limit is looked for
_LARGEST = 25.0  # mean background up to which limits are tabulated
_MEANS, _SCALES = 18, 7  # nodes of the table
_SCALE_LIMIT = 10.0  # of variance over mean


def _background_counts(mean: float, variance: float, n: int) -> Floats:
    """Return the probability of 0 to n events of a background whose mean has a gamma distribution."""
    counts = np.arange(n + 1)
    if mean <= 0:
        return np.asarray(counts == 0, dtype=np.float64)
    if variance <= 1e-9 * mean:
        return np.asarray(np.exp(counts * np.log(mean) - mean - gammaln(counts + 1)))
    shape, scale = mean**2 / variance, variance / mean
    log_share = np.log(scale / (1 + scale))
    log = gammaln(counts + shape) - gammaln(shape) - gammaln(counts + 1)
    return np.asarray(np.exp(log + counts * log_share - shape * np.log1p(scale)))


def upper_limits(mean: float, variance: float, *, level: float = 0.90) -> tuple[Floats, Floats]:
    """
    Return upper limits on a signal for each number of events that may be observed.

    CLs, P(<= n; s + b) / P(<= n; b) = 1 - level (A. L. Read, J. Phys. G 28 (2002) 2693), both averaged over
    what is known of b (R. D. Cousins and V. L. Highland, NIM A 320 (1992) 331), a gamma distribution. For a
    known b it is the limit of O. Helene, NIM 212 (1983) 319.

    Parameters
    ----------
    mean, variance : float
        Of the expected background.
    level : float
        Of confidence.

    Returns
    -------
    limits : float64, shape (n + 1,)
        Mean number of signal events, for 0 to n observed events.
    probabilities : float64, shape (n + 1,)
        Of observing so many without a signal; what is left out is below 3e-5.
    """
    scale = 1.0 + variance / max(mean, 1e-9)
    n = int(mean + 6.0 * np.sqrt(mean * scale) + 14.0 * scale)
    counts = _background_counts(mean, variance, n)
    below = np.cumsum(counts)
    last = 1 + int(np.searchsorted(below, 1.0 - 3e-5))
    counts, below = counts[:last], below[:last]
    signal = np.linspace(0.0, 1.2 * last + 5.0 * np.sqrt(last) + 6.0, _STEPS)
    places = np.arange(last)
    poisson = np.exp(xlogy(places[:, None], signal) - signal - gammaln(places + 1)[:, None])
    poisson = np.cumsum(poisson, axis=0)  # (n + 1, steps): probability of so many or fewer
    mixing = np.where(places[:, None] >= places, counts[np.abs(places[:, None] - places)], 0.0)
    share = (mixing @ poisson) / below[:, None]
    log_share = np.log(np.maximum(share, 1e-300))
    limits = [np.interp(-np.log(1 - level), -row, signal) for row in log_share]
    return np.array(limits), counts / counts.sum()


def expected_limit(mean: float, variance: float = 0.0, *, level: float = 0.90) -> float:
    """
    Return the mean of the upper limits that are set where there is no signal.

    The "sensitivity" of G. J. Feldman and R. D. Cousins, PRD 57 (1998) 3873, which has no steps where the
    median of a discrete number would have them.

    Parameters
    ----------
    mean, variance : float
        Of the expected background.
    level : float
        Of confidence.
    """
    limits, probabilities = upper_limits(mean, variance, level=level)
    return float(limits @ probabilities)


class LimitTable(NamedTuple):
    """The expected limit as a smooth function, for arrays of backgrounds."""

    spline: RectBivariateSpline
    largest: float  # mean up to which the table holds
    largest_scale: float  # of variance over mean

    @classmethod
    def covering(cls, mean: float, scale: float, *, level: float = 0.90) -> LimitTable:
        """
        Return a table of the limit for backgrounds up to a mean, and up to a ratio of variance to mean.

        Parameters
        ----------
        mean, scale : float
            Beyond a mean of 25, or a ratio of 10, limits grow like the background's fluctuation.
        level : float
        """
        top, widest = (
            float(min(4.0 ** np.ceil(np.log2(max(value, 1.0)) / 2), last))
            for value, last in ((mean, _LARGEST), (scale, _SCALE_LIMIT))
        )
        return cls._tabulate(top, widest, level)

    @classmethod
    @lru_cache(maxsize=16)
    def _tabulate(cls, top: float, widest: float, level: float) -> LimitTable:
        roots, logs = np.linspace(0, np.sqrt(top), _MEANS), np.linspace(0, np.log1p(widest), _SCALES)
        values = [[expected_limit(r**2, r**2 * np.expm1(s), level=level) for s in logs] for r in roots]
        return cls(RectBivariateSpline(roots, logs, np.array(values)), top, widest)

    def __call__(self, mean: Floats, variance: Floats) -> Floats:
        """
        Return expected limits.

        Parameters
        ----------
        mean, variance : float64, any shape
            Not below 0.

        Returns
        -------
        float64, the same shape
        """
        mean = np.asarray(mean, dtype=np.float64)
        scale = np.divide(variance, mean, out=np.zeros_like(mean), where=mean > 0)
        known, kept = np.minimum(mean, self.largest), np.minimum(scale, self.largest_scale)
        limit = self.spline.ev(np.sqrt(known), np.log1p(kept))
        return np.asarray(limit * _growth(mean, scale, known, kept))


def _growth(mean: Floats, scale: Floats, known: Floats, kept: Floats) -> Floats:
    """Return by how much the fluctuation of a background exceeds that at the end of the table."""
    beyond = (mean > known) | (scale > kept)
    ratio = np.divide(
        mean * (1 + scale), known * (1 + kept), out=np.ones_like(mean), where=beyond & (known > 0)
    )
    return np.sqrt(ratio)
