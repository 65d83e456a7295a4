"""Waveforms of the cells: pulses of all beam particles of an event, sampled and zero-suppressed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from datasets.config import ConfigError
from datasets.digits import Waveforms
from datasets.simulation.light import Light
from datasets.simulation.streams import stream
from recon.geometry import Digitizer, Setup

__all__ = ["Converters", "channel_labels", "channel_pedestals", "converter_tables", "sample_light"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Converters(NamedTuple):
    """Properties of the converters of all cells, each of shape (n_cells,) but for the first and the last."""

    n_samples: int
    scale: Floats  # [ADC / GeV visible] of the difference of exponentials
    rise: Floats  # [ns]
    fall: Floats  # [ns]
    period: Floats  # [ns]
    start: Floats  # [ns] from the first sample to the start of a pulse in time
    noise: Floats  # [ADC]
    threshold: Floats  # [ADC] above the pedestal
    saturation: Floats  # [ADC]
    pedestal: Floats  # [ADC] (n_cells, 2): of even and of odd samples


def channel_labels(setup: Setup) -> list[str]:
    """
    Return the name of each channel, for example `ECAL0-2-3`: detector, section, x, y.

    A channel is the place of a cell in the row of all cells: detectors and sections in the order of the
    setup, x slow and y fast, then the beam counters (`S0-0-0`).
    """
    return [
        f"{detector.name.upper()}{number}-{x}-{y}"
        for detector in setup.read_out.values()
        for number, section in enumerate(detector.sections)
        for x in range(section.grid.shape[0])
        for y in range(section.grid.shape[1])
    ]


def channel_pedestals(setup: Setup) -> Floats:
    """
    Return the pedestals of even and of odd samples, (n_cells, 2) [ADC].

    They belong to the detector: they are the same in all files of a setup, whatever the seed.

    Raises
    ------
    ConfigError
        If a detector has no readout.
    """
    rng = stream(0, f"{setup.name}/pedestals", 0)
    parts = []
    for detector in setup.read_out.values():
        readout = _readout_of(detector.name, setup)
        around = rng.normal(readout.pedestal, readout.pedestal_spread, (detector.n_cells, 2))
        parts.append(np.clip(around, 0.0, readout.saturation - readout.threshold - 1.0))
    return np.concatenate(parts)


def converter_tables(setup: Setup) -> Converters:
    """
    Lay out the converters of all cells of a setup.

    Raises
    ------
    ConfigError
        If a detector has no readout, or two of them have different numbers of samples.
    """
    rows = []
    for detector in setup.read_out.values():
        r = _readout_of(detector.name, setup)
        peak = np.exp(-r.peak_time / r.fall_time) - np.exp(-r.peak_time / r.rise_time)
        for section in detector.sections:
            start = r.trigger_sample * r.sampling_period + section.time_offset
            row = (r.gain / peak, r.rise_time, r.fall_time, r.sampling_period, start, r.noise, r.threshold)
            rows += [(*row, float(r.saturation))] * section.grid.n_cells
    numbers = [np.array(column) for column in zip(*rows, strict=True)]
    columns: list[Any] = [_n_samples(setup), *numbers, channel_pedestals(setup)]
    return Converters(*columns)


def _readout_of(name: str, setup: Setup) -> Digitizer:
    readout = setup.read_out[name].readout
    if readout is None:
        msg = (
            f"setup {setup.name}: detector '{name}' has no 'readout', so there are no raw digits of it; add "
            f"one, or simulate with --level simulated"
        )
        raise ConfigError(msg)
    return readout


def _n_samples(setup: Setup) -> int:
    """Return the number of samples of all detectors: a file has waveforms of one length."""
    lengths = {name: _readout_of(name, setup).n_samples for name in setup.read_out}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        msg = f"setup {setup.name}: all detectors need the same n_samples in one file, they have {listed}"
        raise ConfigError(msg)
    return next(iter(lengths.values()))


def sample_light(
    light: Light, primary_event: Ints, n_events: int, converters: Converters, rng: np.random.Generator
) -> Waveforms:
    """
    Sample the pulses of all cells and keep the channels where one of the samples is above threshold.

    The pulses of all beam particles of an event add up on the pedestals of the two converters; each sample
    has Gaussian noise, is rounded and cut at 0 and at the largest number of the converter. Every sample of
    every channel is drawn, so that noise passes the threshold as often as it should.

    Parameters
    ----------
    light : Light, arrays of shape (n_primaries, n_cells)
    primary_event : int64, shape (n_primaries,)
        Sorted.
    n_events : int
    converters : Converters
    rng : numpy.random.Generator

    Returns
    -------
    Waveforms
        Channels of an event in rising order.
    """
    starts = np.searchsorted(primary_event, np.arange(n_events + 1)).astype(np.int64)
    return Waveforms(*_sample(light.energy, light.time, starts, converters, rng))


@numba.njit(cache=True)
def _sample(
    energy: Floats, time: Floats, starts: Ints, converters: Converters, rng: np.random.Generator
) -> tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.uint16]]:
    c, n = converters, converters.n_samples
    n_events, n_cells = len(starts) - 1, energy.shape[1]
    offsets = np.zeros(n_events + 1, dtype=np.int64)
    channel = np.empty(n_events * n_cells, dtype=np.int32)
    samples = np.empty((n_events * n_cells, n), dtype=np.uint16)
    wave, used = np.empty(n), 0
    for event in range(n_events):
        for cell in range(n_cells):
            for k in range(n):
                wave[k] = c.pedestal[cell, k % 2] + c.noise[cell] * rng.standard_normal()
            for i in range(starts[event], starts[event + 1]):
                if energy[i, cell] > 0.0:
                    height, begin = c.scale[cell] * energy[i, cell], c.start[cell] + time[i, cell]
                    _add_pulse(wave, height, begin, c.period[cell], c.rise[cell], c.fall[cell])
            is_seen = False
            for k in range(n):
                digit = min(max(np.floor(wave[k] + 0.5), 0.0), c.saturation[cell])
                is_seen |= digit - c.pedestal[cell, k % 2] >= c.threshold[cell]
                samples[used, k] = np.uint16(digit)
            channel[used] = cell
            used += is_seen
        offsets[event + 1] = used
    return offsets, channel[:used].copy(), samples[:used].copy()


@numba.njit(cache=True)
def _add_pulse(wave: Floats, height: float, begin: float, period: float, rise: float, fall: float) -> None:
    """Add height (exp(-t / fall) - exp(-t / rise)) from `begin` [ns] on, each sample from the last one."""
    first = max(0, int(np.ceil(begin / period)))
    since = first * period - begin
    slow, fast = height * np.exp(-since / fall), height * np.exp(-since / rise)
    slow_step, fast_step = np.exp(-period / fall), np.exp(-period / rise)
    for k in range(first, len(wave)):
        wave[k] += slow - fast
        slow *= slow_step
        fast *= fast_step
