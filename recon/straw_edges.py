"""Pairs of straws near a wire: one distance cannot be less than 0, the other not more than the radius."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

__all__ = ["EDGE_STEP", "edge_table"]

Floats = npt.NDArray[np.float64]

EDGE_STEP = 0.125  # [errors of a distance] between the points of the table
_FAR = 4.0  # [errors] from a wire, where it is no longer felt
_FINE = 0.125  # [errors] of the integrals


@lru_cache(maxsize=1)
def edge_table() -> tuple[Floats, Floats]:
    """
    Return what the place of a pair near a wire says of the track.

    A track at the distance d from one wire, in units of the error of a distance, is measured at ``|d + g|``
    from it and, towards the wall of the other straw, at ``max(d + h, 0)``, with unit Gaussians g and h: drift
    times are neither negative nor longer than from the wall. The place is half the sum. Returned are the mean
    of d beyond the place, and its standard deviation over ``1 / sqrt(2)``, the one far from wires, for tracks
    that are equally likely everywhere (Bayes).

    Returns
    -------
    shift, scale : float64, shape (n,)
        At places 0, `EDGE_STEP`, 2 `EDGE_STEP`, ...; the last ones are 0 and 1.
    """
    place = np.arange(0.0, _FAR + EDGE_STEP, EDGE_STEP)
    d = np.arange(0.5 * _FINE, _FAR + 5.0, _FINE)
    # of the other straw, at its wall or before
    inside = np.arange(0.5 * _FINE, 2 * _FAR, _FINE)
    likelihood = norm.cdf(-d) * _folded(2 * place[:, None], d)
    for h in inside:
        near = np.where(2 * place[:, None] >= h, _folded(2 * place[:, None] - h, d), 0.0)
        likelihood += _FINE * norm.pdf(h - d) * near
    likelihood /= likelihood.sum(axis=1, keepdims=True)
    mean = likelihood @ d
    spread = np.sqrt(likelihood @ d**2 - mean**2)
    shift, scale = mean - place, spread * np.sqrt(2.0)
    shift[-1], scale[-1] = 0.0, 1.0
    return shift, scale


def _folded(distance: Floats, d: Floats) -> Floats:
    return np.asarray(norm.pdf(distance - d) + norm.pdf(distance + d))
