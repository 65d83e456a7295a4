"""Upper limits of a model: by toys where counts are small, by asymptotic formulas where they are not."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from limits.model import Channel, ModelError, workspace
from limits.toys import Limits, crossing, toy_limits

__all__ = ["Method", "asymptotic_limits", "upper_limits"]

Method = Literal["auto", "toys", "asymptotic"]

_STEPS = 25  # of the scan of the strength
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
    seen = [c.background if blinded else float(c.observed or 0) for c in channels]
    model = pyhf.Workspace(workspace(channels, seen)).model()
    data = [*seen, *model.config.auxdata]
    total = sum(c.signal for c in channels)
    largest = (12 + 6 * np.sqrt(sum(seen) + sum(c.background for c in channels))) / total
    bounds = model.config.suggested_bounds()
    bounds[model.config.poi_index] = (0.0, 8 * largest)
    strengths = np.geomspace(0.02 * largest, 2 * largest, _STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # roots of negative numbers near the bound, within pyhf
        found: list[Any] = [
            pyhf.infer.hypotest(
                s, data, model, par_bounds=bounds, test_stat="qtilde", return_expected_set=True
            )
            for s in strengths
        ]
    curves = np.array([[*(float(v) for v in bands), float(value)] for value, bands in found]).T
    roots = [crossing(strengths, curve, 1 - level) for curve in curves]
    return Limits(None if blinded else roots[5], tuple(roots[:5]), "asymptotic")
