"""Upper limits of a model: by toys where counts are small, by asymptotic formulas where they are not."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
from scipy.stats import norm

from limits.model import Channel, ModelError, counts_of, workspace
from limits.toys import BAND, Limits, toy_limits

__all__ = ["Method", "asymptotic_limits", "mean_limit", "upper_limits"]

Method = Literal["auto", "toys", "asymptotic"]

_SEARCHES = 4  # of the median limit
_STEPS = 8  # of the scan of the strength around it
_CENTRE = np.linspace(0.025, 0.975, 951)  # shares of experiments, of the mean
_FEW = 20.0  # events: with fewer expected or seen the asymptotic formulas are not used


def upper_limits(
    channels: Sequence[Channel],
    *,
    level: float = 0.90,
    method: Method = "auto",
    n_toys: int = 10_000,
    seed: int = 1,
) -> Limits:
    """
    Return observed and expected upper limits on the strength.

    Parameters
    ----------
    channels : sequence of Channel
    level : float
        Of confidence.
    method : "auto", "toys" or "asymptotic"
        "auto": toys where fewer than 20 events are expected and seen in all channels together.
    n_toys, seed : int

    Raises
    ------
    ModelError
        If the method is unknown.
    """
    if method not in get_args(Method):
        msg = f"unknown method '{method}'; there are: {', '.join(get_args(Method))}"
        raise ModelError(msg)
    counts = sum(max(c.background, float(c.observed or 0)) for c in channels)
    if method == "toys" or (method == "auto" and counts < _FEW):
        return toy_limits(channels, level, n_toys, np.random.default_rng(seed))
    return asymptotic_limits(channels, level)


def mean_limit(channels: Sequence[Channel], *, level: float, n_toys: int, seed: int) -> float:
    """
    Return the mean upper limit by toys, over the central 95% of experiments without a signal.

    The median is the limit of a whole number of events and jumps with it; the mean follows what is expected.

    Parameters
    ----------
    channels, level, n_toys, seed
        As for `upper_limits`; toys of one seed are the same.
    """
    found = toy_limits(channels, level, n_toys, np.random.default_rng(seed), places=_CENTRE.tolist())
    return float(np.mean(found.expected))


def asymptotic_limits(channels: Sequence[Channel], level: float) -> Limits:
    """
    Return the limits by asymptotic formulas (G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554), by pyhf.

    Parameters
    ----------
    channels, level
        As for `upper_limits`.
    """
    import pyhf

    blinded = any(c.observed is None for c in channels)
    seen = counts_of(channels)
    model = pyhf.Workspace(workspace(channels, seen)).model()
    data = [*seen, *model.config.auxdata]
    total = sum(c.signal for c in channels)
    largest = (12 + 6 * np.sqrt(sum(seen) + sum(c.background for c in channels))) / total
    bounds = model.config.suggested_bounds()
    bounds[model.config.poi_index] = (0.0, 20 * largest)

    def cls(strength: float) -> tuple[float, float]:
        """Return CLs of the data and the median one expected."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # roots of negative numbers near the bound, within pyhf
            found: Any = pyhf.infer.hypotest(
                strength, data, model, par_bounds=bounds, test_stat="qtilde", return_expected_set=True
            )
        return float(found[0]), float(found[1][BAND.index(0)])

    return _solve(cls, 0.3 * largest, 1 - level, is_blinded=blinded)


def _solve(
    cls: Callable[[float], tuple[float, float]], start: float, alpha: float, *, is_blinded: bool
) -> Limits:
    """
    Return the strengths at which CLs is ``alpha``, of the data and of the expected band.

    With the median CLs = 2 (1 - Phi(r)), r the root of the test statistic of the expected data, the band at
    N standard deviations has its limit where r = Phi^-1(1 - alpha Phi(N)) + N (G. Cowan et al., eq. 89).
    """
    median = start
    for _ in range(_SEARCHES):
        root = norm.isf(0.5 * max(cls(median)[1], 1e-12))
        step = norm.isf(0.5 * alpha) / max(root, 0.1)
        median *= step
        if abs(step - 1) < 0.05:
            break
    strengths = list(median * np.geomspace(0.4, 3.0, _STEPS))
    values = [cls(s) for s in strengths]
    while not is_blinded and values[-1][0] > alpha and len(values) < 2 * _STEPS:
        strengths.append(1.5 * strengths[-1])
        values.append(cls(strengths[-1]))
    roots = norm.isf(0.5 * np.array([v[1] for v in values]))
    expected = [
        float(np.interp(norm.isf(alpha * norm.cdf(place)) + place, roots, strengths)) for place in BAND
    ]
    seen = norm.isf(np.array([v[0] for v in values]).clip(1e-12, 1 - 1e-12))
    observed = None if is_blinded else float(np.interp(norm.isf(alpha), seen, strengths, right=np.nan))
    return Limits(observed, tuple(expected), "asymptotic")
