"""Waveforms that one pulse does not explain: unfolded, and the pulse nearest the expected time picked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.pulse_fit import Workspace, make_workspace
from recon.pulses import PHASES, Templates
from recon.unfolding import unfold
from recon.waveform_columns import Constants, Limits, Out, Quality, fill_pulse

__all__ = ["measure_several"]

Float32s = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Samples = npt.NDArray[np.uint16]

_ALL_ZERO, _ALL_SATURATED = int(Quality.ALL_ZERO), int(Quality.ALL_SATURATED)
_NOISY, _SATURATED = int(Quality.NOISY_BASELINE), int(Quality.SATURATED)
_NO_PULSE, _BAD_FIT = int(Quality.NO_PULSE), int(Quality.BAD_FIT)


@njit(cache=True)
def measure_several(
    samples: Samples,
    channel: npt.NDArray[np.int32],
    todo: Ints,
    table: Constants,
    limits: Limits,
    templates: Templates,
    out: Out,
) -> tuple[Ints, Float32s, Float32s]:
    """
    Unfold the listed waveforms and fill their columns.

    Parameters
    ----------
    samples : uint16, shape (n_waveforms, n_samples) [ADC]
    channel : int32, shape (n_waveforms,)
        Row of the table.
    todo : int64, shape (n_todo,)
        Which waveforms.
    table : Constants
    limits : Limits
    templates : recon.pulses.Templates
    out : Out
        Filled; pedestals and noisy baselines must be there already.

    Returns
    -------
    waveform : int64, shape (n_others,)
    amplitude : float32, shape (n_others,) [ADC]
    time : float32, shape (n_others,) [ns]
        Of the pulses that are not picked.
    """
    space = make_workspace(samples.shape[1], limits.max_pulses)
    pulses = space.pulses
    of, n_others = np.empty(16, np.int64), 0
    amplitude, time = np.empty(16, np.float32), np.empty(16, np.float32)
    for i in todo:
        c = channel[i]
        out.quality[i] |= _judge(samples[i], table.saturation[c], space.good)
        if out.quality[i] & (_ALL_ZERO | _ALL_SATURATED | _NO_PULSE):
            continue
        fits = _subtract(samples[i], i, c, table, out, space.y)
        s = table.shape[c]
        value = templates.value[s]
        cuts = (
            float(table.noise[c]),
            float(table.threshold[c]),
            float(limits.significance),
            float(limits.tolerance),
            float(limits.distance),
        )
        m = unfold(space, value, templates.scan_norm[s], cuts, fits)
        out.pedestal[i, 0] += np.float32(space.baseline[0])
        out.pedestal[i, 1] += np.float32(space.baseline[1])
        best = _pick(space, value, m, i, c, table, limits, out)
        if n_others + m > len(of):
            of = np.concatenate((of, np.empty(len(of) + m, np.int64)))
            amplitude = np.concatenate((amplitude, np.empty(len(amplitude) + m, np.float32)))
            time = np.concatenate((time, np.empty(len(time) + m, np.float32)))
        for p in range(m):
            if p != best:
                of[n_others] = i
                amplitude[n_others] = pulses[p, 1]
                time[n_others] = (pulses[p, 0] - table.start[c]) * limits.period
                n_others += 1
    return of[:n_others].copy(), amplitude[:n_others].copy(), time[:n_others].copy()


@njit(cache=True)
def _judge(row: Samples, saturation: int, good: Float32s) -> int:
    """Mark the samples below full scale and return what is wrong with the waveform."""
    n_full, is_constant = 0, True
    for k in range(len(row)):
        is_full = row[k] >= saturation
        good[k] = np.float32(0.0 if is_full else 1.0)
        n_full += is_full
        is_constant &= row[k] == row[0]
    if n_full == len(row):
        return _ALL_SATURATED
    if is_constant:
        return _NO_PULSE | (_ALL_ZERO if row[0] == 0 else 0)
    return _SATURATED if n_full else 0


@njit(cache=True)
def _subtract(row: Samples, i: int, c: int, table: Constants, out: Out, y: Float32s) -> bool:
    """Fill the samples above the pedestals and return whether the pedestals are to be fitted."""
    is_unknown = not table.has_pedestal[c] and out.quality[i] & _NOISY > 0
    if is_unknown:
        for parity in range(2):
            lowest = row[parity]
            for k in range(parity, len(row), 2):
                lowest = min(lowest, row[k])
            out.pedestal[i, parity] = np.float32(lowest)
    for k in range(len(row)):
        y[k] = np.float32(row[k]) - out.pedestal[i, k % 2]
    return is_unknown


@njit(cache=True)
def _pick(
    space: Workspace, value: Float32s, n: int, i: int, c: int, table: Constants, limits: Limits, out: Out
) -> int:
    """Fill the columns with the pulse nearest the expected time and return its index; -1 without any."""
    pulses, best, total, largest = space.pulses, -1, 0.0, 0.0
    for p in range(n):
        total += pulses[p, 1]
        largest = max(largest, pulses[p, 1])
        if best < 0 or abs(pulses[p, 0] - table.start[c]) < abs(pulses[best, 0] - table.start[c]):
            best = p
    out.n_pulses[i] = n
    sigmas = limits.significance if n else limits.emptiness
    allowed = sigmas * table.noise[c] + limits.tolerance * largest
    n_off, n_samples = 0, len(space.y)
    for k in range(n_samples):
        # residuals of saturated samples are those of pulses that do not reach them
        n_off += abs(space.residual[k]) > allowed
    out.quality[i] |= _BAD_FIT if n_off else 0
    if n == 0:
        out.quality[i] |= _NO_PULSE
        return best
    first = int(np.floor(pulses[best, 0]))
    row = min(int((pulses[best, 0] - first) * PHASES + 0.5), PHASES)
    integral = 0.0
    for k in range(max(first, 0), n_samples):
        integral += pulses[best, 1] * value[row, n_samples + k - first] + space.residual[k] * space.good[k]
    amplitude, start = np.float32(pulses[best, 1]), np.float32(pulses[best, 0])
    error = np.float32(pulses[best, 2] * limits.period)
    fill_pulse(i, c, amplitude, start, error, table, limits, out)
    out.integral[i] = integral * limits.period
    out.pile_up[i] = max(total - pulses[best, 1], 0.0)
    return best
