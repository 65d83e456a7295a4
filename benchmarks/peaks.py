"""The arithmetic that the pipeline and ROOT are compared by: peaks of waveforms to sums of two calorimeters.

Plain on purpose, and the same in numba and in C++: pedestals of both converters from the leading samples, the
largest sample, the time at which the edge crosses half of it, a gain, and a window. The reconstruction proper
(`recon.waveforms`) fits pulses instead, which ROOT code of the same length cannot do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from datasets.conditions import Conditions
from recon.geometry import Setup

__all__ = ["PeakTable", "as_json", "find_peaks", "peak_table", "sum_events"]

N_SAMPLES, N_LEADING = 32, 8
_QUARTERS = np.int32(N_LEADING // 2)  # samples of the pedestal of one converter
_WINDOW = 25.0  # [ns] on either side of the expected time
_LEAST = 6.0  # [ADC]
_PERIOD = 12.5  # [ns]

Floats = npt.NDArray[np.float64]


class PeakTable(NamedTuple):
    """Constants of each number of the readout, (n_channels,)."""

    gain: Floats  # [GeV / ADC]
    expected: Floats  # [ns] of the crossing of half the height
    sum_of: npt.NDArray[np.int32]  # 0: ECAL, 1: HCAL, -1: neither


def peak_table(setup: Setup, conditions: Conditions) -> PeakTable:
    """Lay out the constants by number of the readout."""
    cells, rise = conditions.cells, 0.5 * _PERIOD
    sum_of = [np.full(d.n_cells, {"ecal": 0, "hcal": 1}.get(n, -1)) for n, d in setup.read_out.items()]
    table = PeakTable(*(np.zeros(cells.channel.max() + 1, dtype=kind) for kind in (float, float, np.int32)))
    for column, values in zip(
        table, (cells.gain, cells.time_offset + rise, np.concatenate(sum_of)), strict=True
    ):
        column[cells.channel] = values
    return table


@njit(cache=True, error_model="numpy")
def find_peaks(
    samples: npt.NDArray[np.uint16], channel: npt.NDArray[np.int32], table: PeakTable
) -> tuple[Floats, Floats]:
    """Return energy [GeV] (0: none in time) and time [ns] of each waveform, both (n_waveforms,)."""
    n, y = len(samples), np.empty(N_SAMPLES, np.int32)  # in quarters of a count: whole numbers are faster
    energy, time, is_odd = np.empty(n), np.empty(n), np.zeros(N_SAMPLES, np.int32)
    is_odd[1::2] = 1
    gain, expected = table.gain, table.expected
    for i in range(n):
        even, odd = np.int32(0), np.int32(0)
        for k in range(0, N_LEADING, 2):
            even += np.int32(samples[i, k])
            odd += np.int32(samples[i, k + 1])
        for k in range(N_SAMPLES):
            y[k] = np.int32(samples[i, k]) * _QUARTERS - even - (odd - even) * is_odd[k]
        top = y[0]
        for k in range(1, N_SAMPLES):
            top = max(top, y[k])
        at = 0
        while y[at] < top:
            at += 1
        while at > 0 and 2 * y[at - 1] > top:
            at -= 1
        height, t = top / _QUARTERS, np.nan
        if at > 0 and height >= _LEAST:
            part = (0.5 * top - y[at - 1]) / (y[at] - y[at - 1])
            t = (at - 1 + part) * _PERIOD - expected[channel[i]]
        time[i] = t
        energy[i] = height * gain[channel[i]] if abs(t) < _WINDOW else 0.0
    return energy, time


@njit(cache=True)
def sum_events(
    offsets: npt.NDArray[np.int64], channel: npt.NDArray[np.int32], energy: Floats, table: PeakTable
) -> Floats:
    """Return the sums of ECAL and HCAL of each event, (2, n_events) [GeV]."""
    sums, sum_of = np.zeros((2, len(offsets) - 1)), table.sum_of
    for event in range(len(offsets) - 1):
        for i in range(offsets[event], offsets[event + 1]):
            if sum_of[channel[i]] >= 0:
                sums[sum_of[channel[i]], event] += energy[i]
    return sums


def as_json(table: PeakTable) -> dict[str, Any]:
    """Return the table as ROOT's side reads it."""
    return {name: values.tolist() for name, values in table._asdict().items()}
