"""Clusters that share channels: each gets its part of the charge.

In proportion to what a Gaussian of the known width puts there. A strip that is dead or silent counts with
what the cluster itself puts there, so that the centre of gravity does not move towards the strips that are
left.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.strip_channels import StripTable

__all__ = ["LEAST", "Cuts", "Work", "make_work", "share_channels"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LEAST = 1e-6  # [ADC] a cluster's sample is kept above 0, so that it can still grow
_TOLERANCE = 0.01  # strips; clusters that move less in an iteration stand still
_LEAST_COVERED = 0.01  # of a cluster's charge on strips that show it, to renew its pulse


class Cuts(NamedTuple):
    """Limits of the search."""

    seed: float  # noises
    noise: float  # noises
    min_strips: int
    reach: int  # strips
    model: float  # part of what clusters explain of a channel that may remain of it
    n_iterations: int
    most: int  # clusters of a coordinate


class Work(NamedTuple):
    """Buffers of the search, for one coordinate at a time."""

    seed: Ints  # (most,) strip
    position: Floats  # (most,) [strips]
    pulse: Floats  # (most, n_samples) [ADC] sums over the strips
    profile: Floats  # (most, window) part of the charge on each strip
    is_used: Mask  # (most, window) strips that fired and belong to the cluster
    rivals: Ints  # (most,)
    claim: Floats  # (most channels, n_samples) [ADC] what the clusters explain
    left: Floats  # (most channels,) [ADC] what they leave, summed over samples; 0: nothing to be searched
    on_strip: Floats  # (most strips + 2 reach + 2,) the same for each strip, reach + 1 zeros on either side
    candidates: Ints  # (most strips, 2) seed, length
    fired: Ints  # (most channels,) those that fired; only they are ever looked at
    strips: Ints  # (most strips,) whose channels fired, in order
    order: Ints  # (most,) clusters by position


def make_work(table: StripTable, cuts: Cuts) -> Work:
    """Return buffers for the largest coordinate of a table."""
    window, n_samples = 2 * cuts.reach + 1, table.n_samples
    n_channels, n_strips = table.is_bad.shape[1], table.channel.shape[1]
    return Work(
        np.empty(cuts.most, np.int64),
        np.empty(cuts.most),
        np.empty((cuts.most, n_samples)),
        np.empty((cuts.most, window)),
        np.empty((cuts.most, window), np.bool_),
        np.empty(cuts.most, np.int64),
        np.empty((n_channels, n_samples)),
        np.empty(n_channels),
        np.empty(n_strips + window + 1),
        np.empty((n_strips, 2), np.int64),
        np.empty(n_channels, np.int64),
        np.empty(n_strips, np.int64),
        np.empty(cuts.most, np.int64),
    )


@njit(cache=True)
def share_channels(
    n: int,
    charge: Floats,
    is_fired: Mask,
    is_full: Mask,
    channel: Ints,
    fired: Ints,
    width: float,
    cuts: Cuts,
    work: Work,
) -> None:
    """
    Share the channels between the clusters until these stand still, and fill what they claim.

    Parameters
    ----------
    n : int
        Clusters.
    charge : float64, shape (n_channels, n_samples) [ADC]
    is_fired : bool, shape (n_channels,)
    is_full : bool, shape (n_channels, n_samples)
        Samples at the end of the range.
    channel : int64, shape (n_strips,)
        Of each strip.
    fired : int64, shape (n_fired,)
        Channels that fired.
    width : float [strips]
        Of the Gaussian.
    cuts : Cuts
    work : Work
        Positions, pulses, profiles and claims are renewed.
    """
    reach, seed, position, pulse = cuts.reach, work.seed, work.position, work.pulse
    profile, claim = work.profile, work.claim
    for _ in range(cuts.n_iterations):
        _fill_claim(n, is_fired, channel, fired, width, reach, seed, position, pulse, profile, claim)
        farthest = 0.0
        for k in range(n):
            before, first = position[k], seed[k] - reach
            _renew(k, first, charge, is_full, channel, width, work.is_used, position, pulse, profile, claim)
            position[k] = min(max(position[k], seed[k] - 1.5), seed[k] + 1.5)
            farthest = max(farthest, abs(position[k] - before))
        if farthest < _TOLERANCE:
            break
    _fill_claim(n, is_fired, channel, fired, width, reach, seed, position, pulse, profile, claim)


@njit(cache=True)
def _fill_claim(
    n: int,
    is_fired: Mask,
    channel: Ints,
    fired: Ints,
    width: float,
    reach: int,
    seed: Ints,
    position: Floats,
    pulse: Floats,
    profile: Floats,
    claim: Floats,
) -> None:
    """Fill what the clusters put on their strips, and together on each channel that fired."""
    n_samples, scale = claim.shape[1], 1.0 / (math.sqrt(2.0) * width)
    for c in fired:
        for s in range(n_samples):
            claim[c, s] = 0.0
    for k in range(n):
        first = seed[k] - reach
        below = math.erf((first - 0.5 - position[k]) * scale)
        for j in range(profile.shape[1]):  # parts of a Gaussian
            above = math.erf((first + j + 0.5 - position[k]) * scale)
            profile[k, j] = 0.5 * (above - below)
            below = above
            strip = first + j
            if 0 <= strip < len(channel) and channel[strip] >= 0 and is_fired[channel[strip]]:
                for s in range(n_samples):
                    claim[channel[strip], s] += pulse[k, s] * profile[k, j]


@njit(cache=True)
def _renew(
    k: int,
    first: int,
    charge: Floats,
    is_full: Mask,
    channel: Ints,
    width: float,
    is_used: Mask,
    position: Floats,
    pulse: Floats,
    profile: Floats,
    claim: Floats,
) -> None:
    """Renew pulse and position of a cluster by its part of the channels."""
    total, moment, lever = 0.0, 0.0, 0.0
    for s in range(claim.shape[1]):
        seen, covered, old = 0.0, 0.0, pulse[k, s]
        for j in range(profile.shape[1]):
            if not is_used[k, j]:
                continue
            c, expected = channel[first + j], old * profile[k, j]
            part = charge[c, s] * expected / max(claim[c, s], LEAST)
            if is_full[c, s] and expected > part:
                continue  # known only to be larger
            distance = first + j - position[k]
            seen += part
            covered += profile[k, j]
            moment += (part - expected) * distance
            lever += expected * distance * distance
        if covered > _LEAST_COVERED:
            pulse[k, s] = max(seen / covered, LEAST)
        total += old
    # the step of the centre of gravity, were all strips seen, over what the seen ones know of the position
    position[k] += moment / max(lever / (width * width), 0.2 * total)
