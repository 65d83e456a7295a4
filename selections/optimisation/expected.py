"""What is known of the background in the box: mean and variance of each source, at many points at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from selections.background.extrapolation import ExtrapolationConfig, Shape, bin_integrals

__all__ = ["Known", "from_counts", "from_weights"]

Floats = npt.NDArray[np.float64]

_PRIOR = 0.5  # Jeffreys: what is known of a mean after n events is a gamma distribution of n + 1/2
_SLOPES = 81
_STEP = 2.0  # [GeV] at most, of the integral over the box
_NEGLIGIBLE = 1e-6  # share of a slope


class Known(NamedTuple):
    """What is known of a mean number of events."""

    mean: Floats
    variance: Floats

    def plus(self, other: Known) -> Known:
        """Return what is known of the sum of two independent sources."""
        return Known(self.mean + other.mean, self.variance + other.variance)

    def with_relative_error(self, error: float) -> Known:
        """Return the same with a further relative error."""
        return Known(self.mean, self.variance + (error * self.mean) ** 2)

    def scaled(self, factor: float) -> Known:
        """Return the same in another unit."""
        return Known(factor * self.mean, factor**2 * self.variance)


def from_weights(sums: Floats, squares: Floats, weight: float) -> Known:
    """
    Return what a sum of weights tells of its mean.

    Taken for a count of events of equal weight (G. Bohm and G. Zech, NIM A 748 (2014) 1), whose mean has
    the gamma distribution of n + 1/2: none does not mean no background, but half an event, give or take.

    Parameters
    ----------
    sums, squares : float64, any shape
    weight : float
        Of an event, where there is none.
    """
    equal = np.divide(squares, sums, out=np.full_like(sums, weight), where=sums > 0)
    number = sums / equal + _PRIOR
    return Known(number * equal, number * equal**2)


def from_counts(counts: Floats, edges: Floats, config: ExtrapolationConfig, ends: Floats) -> Known:
    """
    Return what the spectrum beside the box tells of the events in it.

    The likelihood is that of `extrapolate`; slope and total are averaged over it (flat in the slope, gamma
    distribution of n + 1/2 of the total), which is smooth in the counts where a best fit is not. The largest
    difference to another shape is an error too.

    Parameters
    ----------
    counts : float64, shape (n_points, n_bins, n_replicas)
    edges : float64, shape (n_bins + 1,) [GeV]
    config : ExtrapolationConfig
    ends : float64, shape (n_points,) [GeV]
        Where the box ends, not above the closed region.

    Returns
    -------
    Known
        Of shape (n_points, n_replicas).
    """
    found = _average(counts, edges, config, config.shape, ends)
    shifts = [_average(counts, edges, config, shape, ends).mean - found.mean for shape in config.other_shapes]
    largest = np.abs(shifts).max(axis=0) if shifts else np.zeros_like(found.mean)
    return Known(found.mean, found.variance + largest**2)


def _average(counts: Floats, edges: Floats, config: ExtrapolationConfig, shape: Shape, ends: Floats) -> Known:
    slopes = np.linspace(*config.slope, _SLOPES)
    shares = _shares(counts, edges, config, shape, slopes)
    likely = np.flatnonzero(shares.reshape(_SLOPES, -1).max(axis=1, initial=0.0) > _NEGLIGIBLE)
    if len(likely):  # again, between the slopes that any of the counts allows
        first, last = max(likely[0] - 1, 0), min(likely[-1] + 1, _SLOPES - 1)
        slopes = np.linspace(slopes[first], slopes[last], _SLOPES)
        shares = _shares(counts, edges, config, shape, slopes)
    ratios = _ratios(edges, config, shape, slopes, ends)
    number = counts.sum(axis=1) + _PRIOR
    first_moment = np.einsum("spr,sp->pr", shares, ratios)
    second_moment = np.einsum("spr,sp->pr", shares, ratios**2)
    mean = number * first_moment
    return Known(mean, np.maximum(number * (number + 1) * second_moment - mean**2, 0.0))


def _shares(
    counts: Floats, edges: Floats, config: ExtrapolationConfig, shape: Shape, slopes: Floats
) -> Floats:
    """Return how probable each slope is, (n_slopes, n_points, n_replicas)."""
    bins = bin_integrals(shape, config.edge, edges, slopes)
    log = np.tensordot(np.log(bins / bins.sum(axis=1, keepdims=True)), counts, axes=(1, 1))
    shares = np.exp(log - log.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0))


def _ratios(edges: Floats, config: ExtrapolationConfig, shape: Shape, slopes: Floats, ends: Floats) -> Floats:
    """Return events in the box per event of the fit's window, (n_slopes, n_points)."""
    window = bin_integrals(shape, config.edge, edges, slopes).sum(axis=1)
    low = config.closed[0]
    inside = np.zeros((len(slopes), len(ends)))
    for end in np.unique(ends):
        steps = np.linspace(low, end, 1 + int(np.ceil((end - low) / _STEP)))
        inside[:, ends == end] = bin_integrals(shape, config.edge, steps, slopes).sum(axis=1)[:, None]
    return np.asarray(inside / window[:, None])
