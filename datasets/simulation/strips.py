"""Strips: the charge of a track on the strips of a plane, on shared channels, in three samples."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from datasets.config import ConfigError
from datasets.digits import StripDigits
from datasets.simulation.event import EventHits
from physics.ionisation import LANDAU_MODE, landau_quantiles
from recon.geometry import Plane, Setup, StripReadout

__all__ = ["Strips", "planes_of", "read_strips", "strip_tables"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_REACH = 5.0  # widths of a cluster within which strips get charge
_NUMBERS = (
    "pitch", "latency", "sampling_period", "shaping_time", "cluster_width", "gain", "gain_spread",
    "cross_talk", "noise", "saturation", "threshold",
)  # fmt: skip


class Strips(NamedTuple):
    """Both coordinates of all planes, row 2 * plane + (0 for x, 1 for y); mostly of shape (n_rows,)."""

    n_samples: int
    centre: Floats  # [mm]
    resolution: Floats  # [mm] of the centre of a cluster
    pitch: Floats  # [mm]
    latency: Floats  # [ns]
    period: Floats  # [ns]
    shaping: Floats  # [ns]
    width: Floats  # [mm]
    gain: Floats  # [ADC]
    spread: Floats
    cross_talk: Floats
    noise: Floats  # [ADC]
    saturation: Floats  # [ADC]
    threshold: Floats  # [ADC]
    n_strips: Ints  # 0 where a plane has other digits
    n_channels: Ints
    channel: Ints  # (n_rows, most strips) of each strip; -1: dead


def planes_of(setup: Setup) -> list[Plane]:
    """Return the planes of all spectrometers: hits and digits count them in this order."""
    return [plane for spectrometer in setup.spectrometers.values() for plane in spectrometer.planes]


def strip_tables(setup: Setup) -> Strips:
    """
    Lay out the strips of all planes of a setup.

    Raises
    ------
    ConfigError
        If planes have different numbers of samples.
    """
    planes = planes_of(setup)
    readouts = [plane.readout for plane in planes if isinstance(plane.readout, StripReadout)]
    lengths = {readout.n_samples for readout in readouts}
    if len(lengths) > 1:
        msg = (
            f"setup {setup.name}: all strips need the same n_samples in one file, they have {sorted(lengths)}"
        )
        raise ConfigError(msg)
    numbers = np.zeros((2 + len(_NUMBERS), 2 * len(planes)))
    counts = np.zeros((2, 2 * len(planes)), dtype=np.int64)
    channel = np.full((2 * len(planes), max((r.n_strips for r in readouts), default=0)), -1, dtype=np.int64)
    for row in range(2 * len(planes)):
        plane, axis = planes[row // 2], row % 2
        readout = plane.readout
        if isinstance(readout, StripReadout):
            values = [getattr(readout, name) for name in _NUMBERS]
            numbers[:, row] = [plane.centre[axis], plane.resolution, *values]
            counts[:, row] = readout.n_strips, readout.n_channels
            channel[row, : readout.n_strips] = readout.channels
            channel[row, list(readout.dead_strips[axis])] = -1
    columns: list[Any] = [max(lengths, default=3), *numbers, *counts, channel]
    return Strips(*columns)


def read_strips(hits: EventHits, strips: Strips, rng: np.random.Generator) -> StripDigits:
    """
    Collect the charge of hits on strips and keep the channels where one of the samples reaches the threshold.

    A hit has one Landau charge, which both coordinates see, around a point that is off by the plane's
    resolution. It is shared by a Gaussian of the cluster's width, and shaped in time. Charges of all strips
    of a channel add up, neighbouring channels see a part of it, and each sample has Gaussian noise, is
    rounded, and cut at 0 and at the largest number.

    Parameters
    ----------
    hits : EventHits
        True positions. Hits in planes without strips are left out.
    strips : Strips
    rng : numpy.random.Generator

    Returns
    -------
    StripDigits
        Per event in the order of detector and channel.
    """
    return StripDigits(*_read(hits, strips, landau_quantiles(), rng))


@numba.njit(cache=True)
def _read(
    hits: EventHits, strips: Strips, quantiles: Floats, rng: np.random.Generator
) -> tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint16]]:
    s, n_events, n_rows = strips, len(hits.offsets) - 1, len(strips.n_strips)
    most = n_events * s.n_channels.sum()
    offsets = np.zeros(n_events + 1, dtype=np.int64)
    detector, channel = np.empty(most + 1, dtype=np.int32), np.empty(most + 1, dtype=np.int32)
    samples = np.empty((most + 1, s.n_samples), dtype=np.uint16)
    widest = s.n_channels.max() if n_rows else 0
    charge = np.zeros((n_rows, widest + 2, s.n_samples))  # with an empty channel on either side
    used = 0
    for event in range(n_events):
        charge[:] = 0.0
        for i in range(hits.offsets[event], hits.offsets[event + 1]):
            x_row = 2 * hits.plane[i]
            if s.n_strips[x_row] > 0:
                at = rng.random() * (len(quantiles) - 1)
                low = int(at)
                landau = quantiles[low] + (at - low) * (quantiles[low + 1] - quantiles[low])
                _add_cluster(charge[x_row], s, x_row, landau, hits.x[i], hits.time[i], rng)
                _add_cluster(charge[x_row + 1], s, x_row + 1, landau, hits.y[i], hits.time[i], rng)
        for row in range(n_rows):
            for c in range(s.n_channels[row]):
                is_seen = False
                for k in range(s.n_samples):
                    beside = charge[row, c, k] + charge[row, c + 2, k]
                    value = charge[row, c + 1, k] + s.cross_talk[row] * beside
                    value += s.noise[row] * rng.standard_normal()
                    digit = min(max(np.floor(value + 0.5), 0.0), s.saturation[row])
                    is_seen |= digit >= s.threshold[row]
                    samples[used, k] = np.uint16(digit)
                detector[used], channel[used] = row, c
                used += is_seen
        offsets[event + 1] = used
    return offsets, detector[:used].copy(), channel[:used].copy(), samples[:used].copy()


@numba.njit(cache=True)
def _add_cluster(
    charge: Floats, s: Strips, row: int, landau: float, at: float, time: float, rng: np.random.Generator
) -> None:
    """Add the charge of a hit at a position [mm] and time [ns] to the channels of one coordinate."""
    total = s.gain[row] * max(0.0, 1.0 + s.spread[row] * (landau - LANDAU_MODE))
    pitch, reach = s.pitch[row], _REACH * s.width[row]
    middle = at - s.centre[row] + s.resolution[row] * rng.standard_normal() + 0.5 * s.n_strips[row] * pitch
    first = max(0, int(np.floor((middle - reach) / pitch)))
    last = min(s.n_strips[row] - 1, int(np.floor((middle + reach) / pitch)))
    scale = 1.0 / (math.sqrt(2.0) * s.width[row])
    below = math.erf((first * pitch - middle) * scale)
    for strip in range(first, last + 1):
        above = math.erf(((strip + 1) * pitch - middle) * scale)
        share, below = 0.5 * (above - below), above
        channel = s.channel[row, strip]
        if channel < 0:
            continue
        for k in range(s.n_samples):
            since = (s.latency[row] + k * s.period[row] - time) / s.shaping[row]
            if since > 0.0:
                charge[channel + 1, k] += total * share * since * math.exp(1.0 - since)
