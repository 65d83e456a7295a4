"""Reference time of an event, from its beam counters, and the pulses that belong to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.waveforms import Float32s, PileUp, Pulses

__all__ = ["MasterTime", "NearestPulses", "add_close", "is_hidden", "master_time", "nearest_pulses"]

Floats = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]

_EDGE, _BEFORE = 0.5, 2.5  # [samples] before the start, which is known to half a sample


class MasterTime(NamedTuple):
    """When the beam particle passed, each of shape (n_events,)."""

    time: npt.NDArray[np.float64]  # [ns] mean over the counters that measured; NaN without any
    n_counters: npt.NDArray[np.int64]  # that measured
    is_valid: Mask  # at least one counter measured
    is_ambiguous: Mask  # a counter saw two particles that it cannot tell apart; then none counts


class NearestPulses(NamedTuple):
    """Pulses of waveforms, all but `others` of shape (n_waveforms,)."""

    amplitude: Float32s  # [ADC] of the pulse nearest the time it is expected at; NaN without a pulse
    time: Float32s  # [ns] of its start, against the channel's expected time as in `Pulses`
    n_close: npt.NDArray[np.int64]  # other pulses that were added to it
    others: PileUp


def master_time(times: Floats, is_valid: Mask, is_ambiguous: Mask | None = None) -> MasterTime:
    """
    Average the times of the beam counters of each event.

    A counter that two particles crossed too close to each other gives a time between them, or that of the
    wrong one; a counter beside it, which took the two for one, is no better.

    Parameters
    ----------
    times : float, shape (n_events, n_counters) [ns]
        Each relative to the expected time of its counter.
    is_valid : bool, shape (n_events, n_counters)
        Whether the counter measured; a time that is not finite never counts.
    is_ambiguous : bool, shape (n_events, n_counters), optional
        Whether it saw more than one particle at that time.

    Returns
    -------
    MasterTime

    Raises
    ------
    ValueError
        If the arrays do not have the same two axes.
    """
    close = np.zeros_like(is_valid) if is_ambiguous is None else is_ambiguous
    if times.ndim != 2 or not times.shape == is_valid.shape == close.shape:
        msg = (
            f"times, is_valid and is_ambiguous must all be (n_events, n_counters), got {times.shape}, "
            f"{is_valid.shape} and {close.shape}"
        )
        raise ValueError(msg)
    both = np.asarray(close.any(axis=1), dtype=np.bool_)
    used = is_valid & np.isfinite(times) & ~both[:, None]
    n_counters = used.sum(axis=1)
    total = np.where(used, times, 0.0).sum(axis=1, dtype=np.float64)
    mean = np.full(len(times), np.nan)
    np.divide(total, n_counters, out=mean, where=n_counters > 0)
    return MasterTime(mean, n_counters, n_counters > 0, both)


def nearest_pulses(pulses: Pulses, expected: Floats) -> NearestPulses:
    """
    Pick the pulse nearest the master time of each waveform, where another one is nearer than the one picked.

    The pulses of a waveform do not depend on the time at which one is expected, so that it need not be
    measured again when the master time is known.

    Parameters
    ----------
    pulses : Pulses
        Picked at the channel's expected time.
    expected : float, shape (n_waveforms,) [ns]
        Of the event's pulse, against the channel's expected time; finite.
    """
    others = pulses.others
    amplitude, time = pulses.amplitude.copy(), pulses.time.copy()
    away = np.abs(others.time - expected[others.waveform])
    order = np.lexsort((away, others.waveform))
    waveform, first = np.unique(others.waveform[order], return_index=True)
    best = order[first]
    nearer = away[best] < np.abs(time[waveform] - expected[waveform])
    waveform, best = waveform[nearer], best[nearer]
    left_amplitude, left_time = others.amplitude.copy(), others.time.copy()
    left_amplitude[best], left_time[best] = amplitude[waveform], time[waveform]
    amplitude[waveform], time[waveform] = others.amplitude[best], others.time[best]
    none = np.zeros(len(amplitude), dtype=np.int64)
    return NearestPulses(amplitude, time, none, PileUp(others.waveform, left_amplitude, left_time))


def add_close(pulses: NearestPulses, resolving_time: float) -> NearestPulses:
    """
    Add to the picked pulse of each waveform those that cannot be told from it; their mean time is its time.

    A pulse of two exponentials is, behind its start, a sum of these two whenever it starts. Behind the second
    of two starts the samples thus hold two numbers, and only those between the starts tell more. Two pulses
    have four: less than two sampling periods apart their times and shares may be anything, while their sum
    and mean time hold.

    Parameters
    ----------
    pulses : NearestPulses
    resolving_time : float [ns]
        Two sampling periods.
    """
    others, amplitude, time = pulses.others, pulses.amplitude.copy(), pulses.time.copy()
    close = np.abs(others.time - time[others.waveform]) < resolving_time
    of, n = others.waveform[close], len(amplitude)
    n_close = np.bincount(of, minlength=n)
    more = np.bincount(of, others.amplitude[close], minlength=n)
    moment = np.bincount(of, others.amplitude[close] * others.time[close].astype(np.float64), minlength=n)
    at = np.flatnonzero(n_close)
    total = amplitude[at] + more[at]
    time[at] = (amplitude[at] * time[at] + moment[at]) / total
    amplitude[at] = total
    return NearestPulses(amplitude, time, n_close, PileUp(*(values[~close] for values in others)))


def is_hidden(samples: npt.NDArray[np.uint16], saturation: Floats, start: Floats) -> Mask:
    """
    Tell where an earlier pulse is at full scale when the pulse of the event begins.

    Samples at full scale tell nothing. If the last one lies less than two samples before the start, what is
    left does not separate the tail of the earlier pulse from the edge of this one. A pulse of the event that
    is itself too large has its samples at full scale behind its start.

    Parameters
    ----------
    samples : uint16, shape (n_waveforms, n_samples) [ADC]
    saturation : float, shape (n_waveforms,) [ADC]
    start : float, shape (n_waveforms,) [samples]
        Where the pulse of the event begins.

    Returns
    -------
    bool, shape (n_waveforms,)
    """
    before = start[:, None] - np.arange(samples.shape[1])
    near = (before > _EDGE) & (before <= _BEFORE)
    return np.asarray(((samples >= saturation[:, None]) & near).any(axis=1))
