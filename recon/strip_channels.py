"""Channels of strips: bad input, common mode, cross-talk and noise, before anything is searched in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.geometry import Plane, StripReadout

__all__ = ["Channels", "StripTable", "clear", "load", "strip_table"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NUMBERS = (
    "pitch", "latency", "sampling_period", "shaping_time", "cluster_width", "cross_talk", "saturation",
)  # fmt: skip


class StripTable(NamedTuple):
    """Both coordinates of all planes, row 2 * plane + (0 for x, 1 for y); mostly of shape (n_rows,)."""

    n_samples: int
    centre: Floats  # [mm]
    resolution: Floats  # [mm] of the plane, beside what the noise adds
    pitch: Floats  # [mm]
    latency: Floats  # [ns]
    period: Floats  # [ns]
    shaping: Floats  # [ns]
    width: Floats  # [mm] rms of the charge on the strips
    cross_talk: Floats
    saturation: Floats  # [ADC]
    n_strips: Ints  # 0 where a plane has other digits
    n_channels: Ints
    channel: Ints  # (n_rows, most strips) of each strip; -1: dead
    n_shared: Ints  # (n_rows, most channels) strips of each channel, dead ones too
    noise: Floats  # [ADC] (n_rows, most channels) rms of a sample
    is_bad: Mask  # (n_rows, most channels) never to be used


def strip_table(
    planes: Sequence[Plane], noise: Floats | None = None, is_bad: Mask | None = None
) -> StripTable:
    """
    Lay out the strips of planes.

    Parameters
    ----------
    planes : sequence of Plane
        Of all spectrometers, in the order that the digits count them in.
    noise : float64, shape (2 n_planes, most channels of a coordinate) [ADC], optional
        Measured rms of a sample; NaN, 0 or left out: the readout's.
    is_bad : bool, shape (2 n_planes, most channels of a coordinate), optional
        Channels to be left out.

    Raises
    ------
    ValueError
        If planes have different numbers of samples, or `noise` or `is_bad` has another shape.
    """
    readouts = [plane.readout for plane in planes if isinstance(plane.readout, StripReadout)]
    lengths = {readout.n_samples for readout in readouts}
    if len(lengths) > 1:
        msg = f"strips reconstructed together need the same n_samples, the planes have {sorted(lengths)}"
        raise ValueError(msg)
    n_rows = 2 * len(planes)
    numbers, counts = np.zeros((2 + len(_NUMBERS), n_rows)), np.zeros((2, n_rows), dtype=np.int64)
    channel = np.full((n_rows, max((r.n_strips for r in readouts), default=0)), -1, dtype=np.int64)
    shape = n_rows, max((r.n_channels for r in readouts), default=0)
    n_shared, rms = np.zeros(shape, dtype=np.int64), np.ones(shape)
    for row in range(n_rows):
        plane, axis = planes[row // 2], row % 2
        readout = plane.readout
        if isinstance(readout, StripReadout):
            numbers[:, row] = [plane.centre[axis], plane.resolution, *(getattr(readout, n) for n in _NUMBERS)]
            counts[:, row] = readout.n_strips, readout.n_channels
            n_shared[row, : readout.n_channels] = np.bincount(readout.channels, minlength=readout.n_channels)
            channel[row, : readout.n_strips] = readout.channels
            channel[row, list(readout.dead_strips[axis])] = -1
            rms[row] = readout.noise
    for name, given in (("noise", noise), ("is_bad", is_bad)):
        if given is not None and given.shape != shape:
            msg = f"{name} must have the shape (2 n_planes, most channels) = {shape}, got {given.shape}"
            raise ValueError(msg)
    if noise is not None:
        rms = np.where(np.isfinite(noise) & (noise > 0), noise, rms)
    bad = np.zeros(shape, dtype=bool) if is_bad is None else np.array(is_bad, dtype=bool)
    columns: list[Any] = [max(lengths, default=3), *numbers, *counts, channel, n_shared, rms, bad]
    return StripTable(*columns)


class Channels(NamedTuple):
    """The channels of one event, filled by `load`."""

    charge: Floats  # [ADC] (n_rows, most channels, n_samples)
    is_there: Mask  # (n_rows, most channels)
    is_fired: Mask  # (n_rows, most channels) above the noise
    is_full: Mask  # (n_rows, most channels, n_samples) at the end of the range
    n_there: Ints  # (n_rows,)
    before: Floats  # (n_samples,) [ADC] of the channel before, untouched


@njit(cache=True)
def clear(channels: Channels) -> None:
    """Forget the channels of an event."""
    for row in range(len(channels.n_there)):
        if channels.n_there[row] > 0:
            channels.charge[row] = 0.0
            channels.is_there[row] = False
            channels.is_fired[row] = False
            channels.is_full[row] = False
            channels.n_there[row] = 0


@njit(cache=True)
def load(
    detector: npt.NDArray[np.integer],
    channel: npt.NDArray[np.integer],
    samples: npt.NDArray[np.integer],
    table: StripTable,
    cuts: tuple[float, float, int, float],
    channels: Channels,
    quality: Ints,
) -> None:
    """
    Fill the channels of one event.

    Parameters
    ----------
    detector, channel : int, shape (n_digits,)
    samples : int, shape (n_digits, n_samples) [ADC]
    table : StripTable
    cuts : (noise_cut, common_mode_share, chip_channels, hidden_factor)
    channels : Channels
        Cleared before.
    quality : int64, shape (6,) or more
        Raised by the digits of unknown detectors, unknown channels, duplicates, bad channels, noise, and
        neighbours of a channel beyond the range.
    """
    for i in range(len(detector)):
        row, c = detector[i], channel[i]
        if row < 0 or row >= len(table.n_strips) or table.n_strips[row] == 0:
            quality[0] += 1
        elif c < 0 or c >= table.n_channels[row]:
            quality[1] += 1
        elif channels.is_there[row, c]:
            quality[2] += 1
        elif table.is_bad[row, c]:
            quality[3] += 1
        else:
            channels.is_there[row, c] = True
            channels.n_there[row] += 1
            for k in range(table.n_samples):
                channels.charge[row, c, k] = samples[i, k]
                channels.is_full[row, c, k] = samples[i, k] >= table.saturation[row]
    for row in range(len(table.n_strips)):
        if channels.n_there[row] > 0:
            _clean(row, table, cuts, channels, quality)


@njit(cache=True)
def _clean(
    row: int, table: StripTable, cuts: tuple[float, float, int, float], channels: Channels, quality: Ints
) -> None:
    """Subtract what is not the channels' own, and find those that fired."""
    n = table.n_channels[row]
    charge, is_there = channels.charge[row, :n], channels.is_there[row, :n]
    _subtract_common_mode(charge, is_there, cuts[1], cuts[2])
    _subtract_cross_talk(charge, is_there, table.cross_talk[row], channels.before)
    share = cuts[3] * table.cross_talk[row]
    for c in range(n):
        if is_there[c]:
            largest = charge[c, 0]
            for k in range(1, charge.shape[1]):
                largest = max(largest, charge[c, k])
            is_noise = largest < cuts[0] * table.noise[row, c]
            is_hidden = table.n_shared[row, c] > 1 and _is_hidden(c, charge, channels.is_full[row, :n], share)
            channels.is_fired[row, c] = not (is_noise or is_hidden)
            quality[4] += is_noise
            quality[5] += is_hidden and not is_noise


@njit(cache=True)
def _is_hidden(c: int, charge: Floats, is_full: Mask, share: float) -> bool:
    """Return whether a channel may have all its charge from a neighbour that is beyond the range."""
    n_samples = charge.shape[1]
    own, is_beyond = 0.0, False
    for k in range(n_samples):
        own += charge[c, k]
        is_beyond |= is_full[c, k]
    is_hidden = False
    for beside in (c - 1, c + 1):
        if is_beyond or not 0 <= beside < len(charge):
            continue
        other, is_saturated = 0.0, False
        for k in range(n_samples):
            other += charge[beside, k]
            is_saturated |= is_full[beside, k]
        is_hidden |= is_saturated and own < share * other
    return is_hidden


@njit(cache=True)
def _subtract_common_mode(charge: Floats, is_there: Mask, least_share: float, chip: int) -> None:
    """Subtract the median of each chip's channels, sample by sample, where enough of them are there."""
    for start in range(0, len(charge), chip):
        stop = min(start + chip, len(charge))
        n_there = is_there[start:stop].sum()
        if n_there < max(least_share * (stop - start), 2.0):
            continue
        here = np.flatnonzero(is_there[start:stop]) + start
        for k in range(charge.shape[1]):
            shift = np.median(charge[here, k])
            for c in here:
                charge[c, k] -= shift


@njit(cache=True)
def _subtract_cross_talk(charge: Floats, is_there: Mask, share: float, before: Floats) -> None:
    """Take from each channel what it sees of its two neighbours, to first order in the share."""
    n, n_samples = charge.shape
    if share == 0.0:
        return
    before[:] = 0.0
    for c in range(n):
        if is_there[c]:
            for k in range(n_samples):
                after = charge[c + 1, k] if c + 1 < n else 0.0
                old = charge[c, k]
                charge[c, k] = old - share * (before[k] + after)
                before[k] = old
        else:  # it has no charge
            for k in range(n_samples):
                before[k] = 0.0
