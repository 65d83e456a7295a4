"""Waveforms that one pulse explains: pedestals, start from the rising edge, one linear fit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.pulses import N_FIT, PHASES, Templates
from recon.waveform_columns import Constants, Limits, Out, Quality, fill_pulse

__all__ = ["measure_alone"]

Float32s = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Samples = npt.NDArray[np.uint16]

_LEAST = np.float32(0.7)  # of the threshold: a largest sample below it belongs to no pulse, at any phase
_FAST = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order; NaN keeps its meaning
_NOISY, _NO_PULSE = int(Quality.NOISY_BASELINE), int(Quality.NO_PULSE)


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def measure_alone(
    samples: Samples,
    channel: npt.NDArray[np.int32],
    table: Constants,
    limits: Limits,
    templates: Templates,
    out: Out,
    todo: Ints,
) -> int:
    """
    Measure the waveforms that one pulse explains, list the others in ``todo``, return how many.

    Parameters
    ----------
    samples : uint16, shape (n_waveforms, n_samples) [ADC]
    channel : int32, shape (n_waveforms,)
        Row of the table.
    table : Constants
    limits : Limits
    templates : recon.pulses.Templates
    out : Out
        Filled.
    todo : int64, shape (n_waveforms,)
        Filled at its beginning.
    """
    # One long function, for each call that hands tables on costs as much as all the arithmetic.
    n_todo, n = 0, samples.shape[1]
    y, gate, is_odd = np.empty(n, np.float32), np.zeros(2 * n, np.float32), np.zeros(n, np.float32)
    gate[n:], is_odd[1::2] = np.float32(1.0), np.float32(1.0)
    part = np.float32(2.0) / np.float32(limits.n_leading)
    for i in range(samples.shape[0]):
        c = channel[i]
        s, noise, least = table.shape[c], table.noise[c], table.threshold[c]

        # pedestals, from the leading samples or given
        sum_even, sum_odd = np.int32(0), np.int32(0)
        low_even, high_even = samples[i, 0], samples[i, 0]
        low_odd, high_odd = samples[i, 1], samples[i, 1]
        for k in range(0, limits.n_leading, 2):
            a, b = samples[i, k], samples[i, k + 1]
            sum_even += np.int32(a)
            sum_odd += np.int32(b)
            low_even, high_even = min(low_even, a), max(high_even, a)
            low_odd, high_odd = min(low_odd, b), max(high_odd, b)
        spread = max(np.int32(high_even) - np.int32(low_even), np.int32(high_odd) - np.int32(low_odd))
        even, odd = np.float32(sum_even) * part, np.float32(sum_odd) * part
        is_noisy, is_given = np.float32(spread) > limits.max_spread * noise, table.has_pedestal[c]
        if is_given:
            given_even, given_odd = table.pedestal[c, 0], table.pedestal[c, 1]
            away = max(abs(even - given_even), abs(odd - given_odd))
            if is_noisy or not limits.prefers_leading:
                even, odd = given_even, given_odd
            is_noisy = is_noisy or away > limits.max_spread * noise
        out.pedestal[i, 0], out.pedestal[i, 1] = even, odd
        out.quality[i] = _NOISY if is_noisy else 0

        # is there a pulse, and is the waveform a plain one?
        top, bottom = samples[i, 0], samples[i, 0]
        for k in range(n):
            sample = samples[i, k]
            if sample > top:
                top = sample
            if sample < bottom:
                bottom = sample
        if top == bottom or np.int64(top) >= table.saturation[c] or (is_noisy and not is_given):
            todo[n_todo] = i
            n_todo += 1
            continue
        if np.float32(top) - min(even, odd) < _LEAST * least:
            out.quality[i] |= _NO_PULSE
            continue
        for k in range(n):
            y[k] = np.float32(samples[i, k]) - even - (odd - even) * is_odd[k]

        # the rising edge before the largest sample gives the first guess of the start
        k, start = 0, np.float32(-1.0)
        while samples[i, k] != top:
            k += 1
        if k > 0 and y[k - 1] > y[k]:  # larger with the pedestals taken away
            k -= 1
        elif k < n - 1 and y[k + 1] > y[k]:
            k += 1
        if y[k] < _LEAST * least:
            out.quality[i] |= _NO_PULSE
            continue
        level = limits.fraction * y[k]
        while k > 0 and y[k - 1] > level:
            k -= 1
        if k > 0:
            across = (level - y[k - 1]) / (y[k] - y[k - 1])
            row = int(across * np.float32(PHASES) + np.float32(0.5))
            start = np.float32(k - 1) + across - templates.edge[s, row]

        # amplitude and start from one linear fit, again where the guess was too far off
        first, phase = 0, 0
        amplitude, shift = np.float32(0.0), np.float32(1.0)
        for _ in range(4):
            if not np.float32(limits.n_leading - 1) <= start < np.float32(n - N_FIT):
                break
            first = int(start)
            phase = int((start - np.float32(first)) * np.float32(PHASES) + np.float32(0.5))
            amplitude, moment = np.float32(0.0), np.float32(0.0)
            for k in range(N_FIT):
                amplitude += templates.amplitude_weight[s, phase, k] * y[first + k]
                moment += templates.time_weight[s, phase, k] * y[first + k]
            if amplitude < least:
                shift = np.float32(1.0)
                break
            shift = moment / amplitude
            start = np.float32(first) + np.float32(phase) * np.float32(1.0 / PHASES) + shift
            if abs(shift) < np.float32(0.1):
                break

        # does it explain all samples?
        total, n_off, fits = np.float32(0.0), np.int32(0), abs(shift) < np.float32(0.3)
        if fits:
            allowed, move = limits.significance * noise + limits.tolerance * amplitude, amplitude * shift
            value = templates.value[s, phase, n - first :]
            slope = templates.slope[s, phase, n - first :]
            behind = gate[n - first :]
            for k in range(n):
                total += y[k] * behind[k]
                n_off += np.int32(abs(y[k] - amplitude * value[k] - move * slope[k]) > allowed)
        if not fits or n_off > 0:
            todo[n_todo] = i
            n_todo += 1
            continue
        error = templates.time_error[s, phase] * noise / amplitude * limits.period
        fill_pulse(i, c, amplitude, start, error, table, limits, out)
        out.integral[i] = total * limits.period
        out.pile_up[i] = np.float32(0.0)
        out.n_pulses[i] = 1
    return n_todo
