"""
CLs by toys, for few counts.

CLs = P(Q <= Q_obs | s + b) / P(Q <= Q_obs | b) (A. Read, J. Phys. G 28 (2002) 2693) with the logarithm of the
likelihood ratio Q = sum n_i ln(1 + s_i / b_i), which for one channel orders like the count itself. Toys draw
the nuisances from their constraints first (R. Cousins, V. Highland, NIM A 320 (1992) 331), then the counts.
One channel needs no counts to be drawn: the Poisson probability is averaged over the nuisances.

Each nuisance and the counts of each channel have a stream of random numbers by their name, and a count is a
quantile at one number, whatever is expected: models that differ in one nuisance share all other numbers. Of
n numbers each n-th part of 0 to 1 has one (M. McKay et al., Technometrics 21 (1979) 239).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import norm, poisson

from limits.model import Channel, Nuisance

__all__ = ["BAND", "Limits", "crossing", "poisson_counts", "toy_limits"]

Floats = npt.NDArray[np.float64]

BAND = (-2, -1, 0, 1, 2)  # [standard deviations] of the expected limit
_FEWEST = 1e-3  # of a background: the weight of an event where none is expected stays finite
_STEPS = 60  # of the scan of the strength
_PLACES = tuple(float(p) for p in norm.cdf(BAND))
_FAR = 10.0  # standard deviations below the mean: there counts begin
_NOTHING = 1e-20  # probability of counts above


class Limits(NamedTuple):
    """Upper limits on the strength of the signal."""

    observed: float | None  # None: blinded
    expected: tuple[float, ...]  # at the five places of `BAND`
    method: str


def toy_limits(
    channels: Sequence[Channel],
    level: float,
    n_toys: int,
    rng: np.random.Generator,
    *,
    places: Sequence[float] = _PLACES,
) -> Limits:
    """
    Return the upper limits by toys.

    Parameters
    ----------
    channels : sequence of Channel
        With a signal above 0 in all of them together. All or none have observed events.
    level : float
        Of confidence: 0.9.
    n_toys : int
    rng : numpy.random.Generator
        One number of it makes all streams.
    places : sequence of float
        Shares of the experiments without a signal at which the expected limits are; `BAND` by default.

    Raises
    ------
    ValueError
        If there is no signal.
    """
    total = sum(channel.signal for channel in channels)
    if not total > 0:
        msg = f"no limit without a signal: {total:g} events are expected for a strength of 1"
        raise ValueError(msg)
    used = [channel for channel in channels if channel.signal > 0]
    seen = [channel.observed for channel in used]
    observed = None if any(n is None for n in seen) else np.array(seen, dtype=np.float64)
    root = int(rng.integers(2**63))
    signal, background = _rates(used, n_toys, root)
    # from far below one event to far above what the largest counts allow
    top = 12.0 + 3.0 * (background.mean(axis=0).sum() + (0.0 if observed is None else observed.sum()))
    strengths = np.geomspace(0.3, 2 * top, _STEPS) / total
    if len(used) == 1:
        curves = _count_scan(strengths, signal, background, observed, places)
    else:
        uniforms = [
            np.stack([_uniforms(root, f"{kind} of {c.name}", n_toys) for c in used], axis=1)
            for kind in ("background", "signal")
        ]
        curves = _ratio_scan(strengths, signal, background, observed, places, uniforms)
    found = [crossing(strengths, curve, 1.0 - level) for curve in curves]
    last = None if observed is None else found[-1]
    return Limits(last, tuple(found[: len(places)]), "toys")


def _uniforms(root: int, name: str, n: int) -> Floats:
    rng = np.random.default_rng([root, *name.encode()])
    return (rng.permutation(n) + rng.random(n)) / n


def _rates(channels: Sequence[Channel], n_toys: int, root: int) -> tuple[Floats, Floats]:
    """Return the signal for a strength of 1 and the background of every toy, (n_toys, n_channels)."""
    every = [n for c in channels for n in (*c.signal_nuisances, *c.background_nuisances)]
    names = dict.fromkeys(n.name for n in every)
    pulls = {name: ndtri(_uniforms(root, f"nuisance {name}", n_toys)) for name in names}

    def factor(nuisances: Sequence[Nuisance]) -> Floats:
        found = np.ones(n_toys)
        for nuisance in nuisances:
            pull = pulls[nuisance.name]
            found *= np.where(pull > 0, nuisance.high**pull, nuisance.low**-pull)
        return found

    signal = [c.signal * factor(c.signal_nuisances) for c in channels]
    background = [c.background * factor(c.background_nuisances) for c in channels]
    return np.stack(signal, axis=1), np.stack(background, axis=1)


def _count_scan(
    strengths: Floats,
    signal: Floats,
    background: Floats,
    observed: Floats | None,
    places: Sequence[float],
) -> list[Floats]:
    """Return CLs against the strength for the counts at places of the background, and for that observed."""
    largest = int(10 + 2 * background.mean() + 10 * np.sqrt(background.max()))
    counts = np.arange(largest + 1)
    below = poisson.cdf(counts[:, None], background[:, 0]).mean(axis=1)
    chosen = [float(counts[np.searchsorted(below, place)]) for place in places]
    chosen += [] if observed is None else [float(observed[0])]
    curves = {
        n: np.array([poisson.cdf(n, m * signal[:, 0] + background[:, 0]).mean() for m in strengths])
        / poisson.cdf(n, background[:, 0]).mean()
        for n in set(chosen)
    }
    return [curves[n] for n in chosen]


def _ratio_scan(
    strengths: Floats,
    signal: Floats,
    background: Floats,
    observed: Floats | None,
    places: Sequence[float],
    uniforms: Sequence[Floats],
) -> list[Floats]:
    """Return the same for several channels, by the likelihood ratio of counts of background and signal."""
    only = poisson_counts(uniforms[0], background)
    nominal = np.maximum(np.median(background, axis=0), _FEWEST)
    expected = np.median(signal, axis=0)
    rows = []
    for strength in strengths:
        weights = np.log1p(strength * expected / nominal)
        without = np.sort(only @ weights)
        both = np.sort((only + poisson_counts(uniforms[1], strength * signal)) @ weights)
        at = without[[int(place * (len(without) - 1)) for place in places]]
        at = np.append(at, [] if observed is None else [observed @ weights]) + 1e-9
        rows.append(np.searchsorted(both, at, "right") / np.maximum(np.searchsorted(without, at, "right"), 1))
    return list(np.array(rows).T)


@numba.njit(cache=True)
def poisson_counts(shares: Floats, means: Floats) -> Floats:
    """
    Return Poisson counts by their quantiles: the least count with a cumulative probability of a share.

    Parameters
    ----------
    shares : float64, shape (n, m)
        From 0 to 1.
    means : float64, shape (n, m)
        Not negative.

    Returns
    -------
    float64, shape (n, m)
    """
    found = np.empty_like(means)
    for i in range(means.shape[0]):
        for j in range(means.shape[1]):
            mean = means[i, j]
            count = max(math.floor(mean - _FAR * math.sqrt(mean)), 0)
            start = count * math.log(mean) - math.lgamma(count + 1) if count > 0 else 0.0
            probability = math.exp(start - mean)
            total = probability
            while total < shares[i, j] and (count < mean or probability > _NOTHING):
                count += 1
                probability *= mean / count
                total += probability
            found[i, j] = count
    return found


def crossing(strengths: Floats, curve: Floats, at: float) -> float:
    """Return where a falling curve crosses a value, linear in its logarithm; NaN if it does not."""
    above = np.flatnonzero(curve > at)
    if not len(above) or above[-1] + 1 >= len(curve):
        return float("nan")
    first = above[-1]
    ends = np.log(np.maximum(curve[[first, first + 1]], 1e-12))
    share = (ends[0] - np.log(at)) / (ends[0] - ends[1])
    return float(strengths[first] + share * (strengths[first + 1] - strengths[first]))
