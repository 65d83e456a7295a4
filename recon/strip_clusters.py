"""Clusters on the strips of one coordinate whose channels read several strips each.

A channel that fired may have its charge from any of its strips. The strips of a true cluster lie side by
side, and the map is made such that the channels of one cluster are side by side nowhere else; two clusters
together may still look like a third one. So the longest group of strips is taken first, of equal ones that
with more charge, and what it explains of its channels is taken away, before the next is searched.
Then all clusters share the channels (`recon.strip_sharing`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.strip_channels import StripTable
from recon.strip_pulses import fit_pulse
from recon.strip_sharing import LEAST, Cuts, Work, share_channels

__all__ = ["COLUMNS", "StripClusters", "find_in_row"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# what `find_in_row` writes of each cluster
COLUMNS = (
    "position",
    "error",
    "time",
    "time_error",
    "charge",
    "integral",
    "integral_error",
    "size",
    "rivals",
)


class StripClusters(NamedTuple):
    """Clusters of all events, sorted by event, detector and position."""

    offsets: Ints  # (n_events + 1,)
    detector: Ints  # (n_clusters,) 2 * plane + (0 for x, 1 for y)
    position: Floats  # [mm] (n_clusters,) global
    error: Floats  # [mm] (n_clusters,)
    time: Floats  # [ns] (n_clusters,) relative to the trigger particle; NaN where one sample only is in time
    time_error: Floats  # [ns] (n_clusters,)
    charge: Floats  # [ADC] (n_clusters,) over all strips at the pulse's maximum; without a time, as sampled
    integral: (
        Floats  # [ADC] (n_clusters,) sum over strips and samples: charge with less noise, to compare x and y
    )
    integral_error: Floats  # [ADC] (n_clusters,)
    size: Ints  # (n_clusters,) strips that fired
    is_ambiguous: Mask  # (n_clusters,) another group of as many strips was possible with the same channels


@njit(cache=True)
def find_in_row(
    row: int,
    charge: Floats,
    is_fired: Mask,
    is_full: Mask,
    table: StripTable,
    cuts: Cuts,
    work: Work,
    out: Floats,
) -> tuple[int, bool]:
    """
    Find the clusters of one coordinate.

    Parameters
    ----------
    row : int
        Of the table.
    charge : float64, shape (n_channels, n_samples) [ADC]
    is_fired : bool, shape (n_channels,)
    is_full : bool, shape (n_channels, n_samples)
        Samples at the end of the range.
    table : StripTable
    cuts : Cuts
    work : Work
    out : float64, shape (cuts.most, len(COLUMNS))
        A row for each cluster, in the order of position.

    Returns
    -------
    n : int
    is_overflow : bool
        There were more than `cuts.most`; the others are left out.
    """
    # Small arrays and whole tables are handed on as little as can be: in kernels that run a thousand times
    # per event, making the first and counting who holds the second takes longer than all the arithmetic.
    channel, n_channels = table.channel[row, : table.n_strips[row]], table.n_channels[row]
    width, noise, n_shared = table.width[row] / table.pitch[row], table.noise[row], table.n_shared[row]
    fired, strips = _list_fired(is_fired, channel, n_channels, work)
    work.on_strip[:] = 0.0
    for c in fired:
        for s in range(charge.shape[1]):
            work.claim[c, s] = 0.0
    n = 0
    while True:
        _fill_left(charge, fired, noise, cuts.noise, cuts.model, work.claim, work.left)
        for strip in strips:
            work.on_strip[strip + cuts.reach + 1] = work.left[channel[strip]]
        best, length, rivals = _choose(n, is_full, channel, n_shared, noise, strips, cuts, work)
        if length == 0:
            break
        if n == cuts.most:
            return _describe_all(row, n, channel, table, cuts, work, out), True
        _start(n, best, rivals, charge, channel, cuts.reach, work)
        n += 1
        share_channels(n, charge, is_fired, is_full, channel, fired, width, cuts, work)
    return _describe_all(row, n, channel, table, cuts, work, out), False


@njit(cache=True)
def _list_fired(is_fired: Mask, channel: Ints, n_channels: int, work: Work) -> tuple[Ints, Ints]:
    """Return the channels that fired and the strips that they may have their charge from."""
    n, m = 0, 0
    for c in range(n_channels):
        if is_fired[c]:
            work.fired[n] = c
            n += 1
    for strip in range(len(channel)):
        if channel[strip] >= 0 and is_fired[channel[strip]]:
            work.strips[m] = strip
            m += 1
    return work.fired[:n], work.strips[:m]


@njit(cache=True)
def _fill_left(
    charge: Floats, fired: Ints, noise: Floats, cut: float, model: float, claim: Floats, left: Floats
) -> None:
    """Fill what clusters leave of the channels, and 0 where that is no more than noise or a wrong profile."""
    for c in fired:
        rest, explained = 0.0, 0.0
        for s in range(charge.shape[1]):
            rest += charge[c, s] - claim[c, s]
            explained += claim[c, s]
        left[c] = rest if rest >= cut * noise[c] + model * explained else 0.0


@njit(cache=True)
def _end(seed: int, step: int, reach: int, on_strip: Floats) -> int:
    """Return the last strip of a seed's group in one direction: fired strips, with holes of one strip."""
    last = seed
    for distance in range(1, reach + 1):
        strip = seed + step * distance
        if on_strip[strip + reach + 1] > 0.0:
            last = strip
        elif abs(strip - last) > 1:
            break
    return last


@njit(cache=True)
def _choose(
    n_found: int,
    is_full: Mask,
    channel: Ints,
    n_shared: Ints,
    noise: Floats,
    strips: Ints,
    cuts: Cuts,
    work: Work,
) -> tuple[int, int, int]:
    """Return seed and length of the longest group, and how many as long ones need one of its channels."""
    on_strip, reach, n, best, length, most = work.on_strip, cuts.reach, 0, -1, 0, 0.0
    for strip in strips:
        at, c = strip + reach + 1, channel[strip]
        here = on_strip[at]
        if here < cuts.seed * noise[c] or here <= 0.0 or here < on_strip[at + 1] or here <= on_strip[at - 1]:
            continue
        if n_found and _is_tail(strip, n_found, is_full, channel, reach, work.seed):
            continue
        first, last = _end(strip, -1, reach, on_strip), _end(strip, 1, reach, on_strip)
        size, total = 0, 0.0
        for s in range(first + reach + 1, last + reach + 2):
            size += on_strip[s] > 0.0
            total += on_strip[s]
        if size < cuts.min_strips and n_shared[c] > 1:
            continue
        work.candidates[n, 0], work.candidates[n, 1] = strip, size
        n += 1
        if size > length or (size == length and total > most):
            best, length, most = strip, size, total
    rivals = 0
    for i in range(n):
        seed, size = work.candidates[i, 0], work.candidates[i, 1]
        if size >= length and abs(seed - best) > 2 * reach:
            rivals += _is_shared(seed, best, reach, channel, on_strip)
    return best, length, rivals


@njit(cache=True)
def _is_tail(strip: int, n: int, is_full: Mask, channel: Ints, reach: int, seed: Ints) -> bool:
    """Return whether a strip is within reach of a saturated cluster, whose tail is not known well enough."""
    is_tail = False
    for k in range(n):
        if abs(strip - seed[k]) <= reach:
            for s in range(is_full.shape[1]):
                is_tail |= is_full[channel[seed[k]], s]
    return is_tail


@njit(cache=True)
def _is_shared(one: int, other: int, reach: int, channel: Ints, on_strip: Floats) -> bool:
    """Return whether the groups of two seeds have a fired channel in common."""
    first, last = _end(other, -1, reach, on_strip), _end(other, 1, reach, on_strip)
    for s in range(_end(one, -1, reach, on_strip), _end(one, 1, reach, on_strip) + 1):
        if on_strip[s + reach + 1] > 0.0:
            for t in range(first, last + 1):
                if channel[s] == channel[t]:
                    return True
    return False


@njit(cache=True)
def _start(n: int, seed: int, rivals: int, charge: Floats, channel: Ints, reach: int, work: Work) -> None:
    """Add a cluster, with the charge that its strips have left."""
    first, last = _end(seed, -1, reach, work.on_strip), _end(seed, 1, reach, work.on_strip)
    pulse, n_samples = work.pulse, charge.shape[1]
    work.seed[n], work.rivals[n] = seed, rivals
    for j in range(work.is_used.shape[1]):
        work.is_used[n, j] = False
    for s in range(n_samples):
        pulse[n, s] = 0.0
    moment, total = 0.0, 0.0
    for strip in range(first, last + 1):
        left = work.on_strip[strip + reach + 1]
        if left > 0.0:
            work.is_used[n, strip - seed + reach] = True
            for s in range(n_samples):
                pulse[n, s] += charge[channel[strip], s] - work.claim[channel[strip], s]
            moment += left * strip
            total += left
    work.position[n] = moment / total
    for s in range(n_samples):
        pulse[n, s] = max(pulse[n, s], LEAST)


@njit(cache=True)
def _describe_all(
    row: int, n: int, channel: Ints, table: StripTable, cuts: Cuts, work: Work, out: Floats
) -> int:
    """Write the clusters in the order of position, and return how many there are."""
    order = work.order
    for i in range(n):  # few, and mostly one: sorted as they are put in
        at = i
        while at > 0 and work.position[order[at - 1]] > work.position[i]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = i
    for i in range(n):
        _describe(row, order[i], channel, table, cuts, work, out[i])
    return n


@njit(cache=True)
def _describe(
    row: int, k: int, channel: Ints, table: StripTable, cuts: Cuts, work: Work, out: Floats
) -> None:
    """Write one cluster."""
    first, position, integral = work.seed[k] - cuts.reach, work.position[k], 0.0
    for s in range(table.n_samples):
        integral += work.pulse[k, s]
    size, variance, noise, lever, square = 0, 0.0, 0.0, 0.0, 0.0
    for j in range(work.profile.shape[1]):
        if work.is_used[k, j]:
            rms, distance = table.noise[row, channel[first + j]], first + j - position
            size += 1
            noise += rms * rms
            variance += rms * rms * distance * distance
            lever += integral * work.profile[k, j] * distance * distance
            square += work.profile[k, j]
    pitch, width, n_samples = table.pitch[row], table.width[row] / table.pitch[row], table.n_samples
    error = math.sqrt(1.0 / 12.0)
    if lever > 0.0:
        error = min(error, math.sqrt(variance * n_samples) * width * width / lever)
    time, time_error, height = fit_pulse(
        work.pulse[k],
        math.sqrt(noise) / max(square, LEAST),
        table.latency[row],
        table.period[row],
        table.shaping[row],
    )
    out[0] = table.centre[row] + (position - 0.5 * (table.n_strips[row] - 1)) * pitch
    out[1] = math.hypot(table.resolution[row], error * pitch)
    out[2], out[3], out[4] = time, time_error, height
    out[5], out[6] = integral, math.sqrt(noise * n_samples) / max(square, LEAST)
    out[7], out[8] = size, work.rivals[k]
