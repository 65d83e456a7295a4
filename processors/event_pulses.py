"""When the trigger particle of an event passed, and the pulses that belong to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.geometry import Setup
from recon.master_time import NearestPulses, add_close, master_time, nearest_pulses
from recon.waveforms import Pulses, Quality

__all__ = ["EventTime", "find_master_time", "pick_pulses"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_RESOLVED = 2.0  # sampling periods: closer pulses count as one (`recon.master_time.add_close`)


class EventTime(NamedTuple):
    """When the trigger particle passed, by event."""

    time: Floats | None  # [ns] NaN: not known; None: the file has no such number
    is_ambiguous: Mask


def find_master_time(
    pulses: Pulses, event: Ints, row: Ints, n_events: int, setup: Setup, of_file: Floats | None
) -> EventTime:
    """Return the master time: of the beam counters, where none measured of the file."""
    if setup.counters is None:
        return EventTime(of_file, np.zeros(n_events, dtype=bool))
    assert setup.counters.readout is not None
    counter = row - sum(detector.n_cells for detector in setup.detectors.values())
    early, late = setup.counters.time_window
    here = (counter >= 0) & (pulses.time >= early) & (pulses.time <= late)
    is_close = add_close(_as_picked(pulses), _RESOLVED * setup.counters.readout.sampling_period).n_close > 0
    is_close |= (pulses.quality & np.uint8(Quality.BAD_FIT)) > 0
    shape = (n_events, setup.counters.n_cells)
    times, counts, close = (
        np.full(shape, np.nan),
        np.zeros(shape, dtype=np.int64),
        np.zeros(shape, dtype=bool),
    )
    at = event[here], counter[here]
    times[at], close[at] = pulses.time[here], is_close[here]
    np.add.at(counts, (event[counter >= 0], counter[counter >= 0]), 1)
    once = counts == 1  # of a counter that is read twice, neither is known
    found = master_time(times, once, close & once)
    other = np.where(found.is_ambiguous, 0.0, np.nan)
    if of_file is not None:
        other = np.where(np.isfinite(of_file), of_file, other)
    return EventTime(np.where(found.is_valid, found.time, other), found.is_ambiguous)


def _as_picked(pulses: Pulses) -> NearestPulses:
    """Return the pulses as they were picked at the expected time."""
    return NearestPulses(pulses.amplitude, pulses.time, np.zeros(len(pulses.time), np.int64), pulses.others)


def pick_pulses(
    pulses: Pulses, event: Ints, n_events: int, master: Floats | None, period: float
) -> NearestPulses:
    """Return the pulses that belong to the event, each with what cannot be told from it."""
    shift = np.zeros(n_events) if master is None else np.nan_to_num(master)
    return add_close(nearest_pulses(pulses, shift[event]), _RESOLVED * period)
