"""Reference time of an event, from its beam counters, and the pulses that belong to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.waveforms import Float32s, PileUp, Pulses

__all__ = ["MasterTime", "NearestPulses", "master_time", "nearest_pulses"]

Floats = npt.NDArray[np.floating]


class MasterTime(NamedTuple):
    """When the beam particle passed, each of shape (n_events,)."""

    time: npt.NDArray[np.float64]  # [ns] mean over the counters that measured; NaN without any
    n_counters: npt.NDArray[np.int64]  # that measured
    is_valid: npt.NDArray[np.bool_]  # at least one counter measured


class NearestPulses(NamedTuple):
    """Pulses of waveforms, the first two of shape (n_waveforms,)."""

    amplitude: Float32s  # [ADC] of the pulse nearest the time it is expected at; NaN without a pulse
    time: Float32s  # [ns] of its start, against the channel's expected time as in `Pulses`
    others: PileUp


def master_time(times: Floats, is_valid: npt.NDArray[np.bool_]) -> MasterTime:
    """
    Average the times of the beam counters of each event.

    Parameters
    ----------
    times : float, shape (n_events, n_counters) [ns]
        Each relative to the expected time of its counter.
    is_valid : bool, shape (n_events, n_counters)
        Whether the counter measured; a time that is not finite never counts.

    Returns
    -------
    MasterTime

    Raises
    ------
    ValueError
        If the arrays do not have the same two axes.
    """
    if times.ndim != 2 or times.shape != is_valid.shape:
        msg = (
            f"times and is_valid must both be (n_events, n_counters), got {times.shape} and {is_valid.shape}"
        )
        raise ValueError(msg)
    used = is_valid & np.isfinite(times)
    n_counters = used.sum(axis=1)
    total = np.where(used, times, 0.0).sum(axis=1, dtype=np.float64)
    mean = np.full(len(times), np.nan)
    np.divide(total, n_counters, out=mean, where=n_counters > 0)
    return MasterTime(mean, n_counters, n_counters > 0)


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
    return NearestPulses(amplitude, time, PileUp(others.waveform, left_amplitude, left_time))
