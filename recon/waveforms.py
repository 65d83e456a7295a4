"""Waveforms of sampling converters to pulses: pedestals, amplitudes, times, pile-up, saturation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.channels import ChannelTable, check_table
from recon.pulses import N_FIT, PHASES, Templates, make_templates, pulse_at, unfold

__all__ = ["PileUp", "Pulses", "Quality", "WaveformConfig", "measure_waveforms"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Samples = npt.NDArray[np.uint16]

_LEAST = np.float32(0.7)  # of the threshold: a largest sample below it belongs to no pulse, at any phase
_FAST = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order; NaN keeps its meaning


class Quality(IntFlag):
    """What is to be said of a waveform; 0: nothing."""

    SHORT = 1  # fewer samples than a pulse and its pedestal need
    ALL_ZERO = 2
    ALL_SATURATED = 4
    NOISY_BASELINE = 8  # leading samples spread too far, or lie off the pedestal of the conditions
    SATURATED = 16  # samples at full scale; the pulse is fitted to the others
    NO_PULSE = 32  # none above threshold
    BAD_FIT = 64  # the pulses do not explain all samples


_SHORT, _ALL_ZERO, _ALL_SATURATED = int(Quality.SHORT), int(Quality.ALL_ZERO), int(Quality.ALL_SATURATED)
_NOISY, _SATURATED = int(Quality.NOISY_BASELINE), int(Quality.SATURATED)
_NO_PULSE, _BAD_FIT = int(Quality.NO_PULSE), int(Quality.BAD_FIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveformConfig:
    """How pulses are found and which of them are in time."""

    n_leading: int = 8  # samples of the pedestal, even: half for each of the two converters
    baseline: Literal["given", "leading"] = "given"  # which is taken where a channel has both
    max_spread: float = (
        6.0  # [noise] of the leading samples of a converter, and of their mean off the given one
    )
    fraction: float = 0.5  # of the largest sample: where the edge gives the first guess of the time
    significance: float = 5.0  # [noise] least residual of a sample that makes a further pulse
    shape_tolerance: float = (
        0.01  # part of the largest amplitude by which true pulses may differ from the shape
    )
    min_distance: float = 15.0  # [ns] two pulses closer than this are taken for one
    max_pulses: int = 5  # of a waveform
    n_sigmas: float = 3.0  # [time error] half width of the window of channels without one in ns

    def __post_init__(self) -> None:
        if self.n_leading < 2 or self.n_leading % 2:
            msg = f"waveforms.n_leading must be even and >= 2, got {self.n_leading}"
            raise ValueError(msg)
        if self.baseline not in ("given", "leading"):
            msg = f"waveforms.baseline must be 'given' or 'leading', got '{self.baseline}'"
            raise ValueError(msg)
        if not 0 < self.fraction < 1:
            msg = f"waveforms.fraction must lie between 0 and 1, got {self.fraction:g}"
            raise ValueError(msg)
        if not 1 <= self.max_pulses <= 16:
            msg = f"waveforms.max_pulses must lie between 1 and 16, got {self.max_pulses}"
            raise ValueError(msg)
        widths = (self.max_spread, self.significance, self.min_distance, self.n_sigmas)
        if not all(width > 0 for width in widths) or not self.shape_tolerance >= 0:
            msg = (
                f"waveforms need max_spread, significance, min_distance and n_sigmas above 0 and "
                f"shape_tolerance of at least 0, got {self}"
            )
            raise ValueError(msg)


class PileUp(NamedTuple):
    """The other pulses of all waveforms, sorted by waveform, then by time."""

    waveform: Ints  # (n_pulses,)
    amplitude: Float32s  # [ADC] (n_pulses,)
    time: Float32s  # [ns] (n_pulses,) of the start, against the expected one


class Pulses(NamedTuple):
    """The pulse nearest the expected time of each waveform, (n_waveforms,) but for the last two."""

    amplitude: Float32s  # [ADC] at the maximum of the pulse shape; NaN without a pulse
    energy: Float32s  # [GeV] amplitude / gain
    time: Float32s  # [ns] of the start, against the expected one
    time_error: Float32s  # [ns] from the noise
    integral: Float32s  # [ADC ns] of the samples from the start on, other pulses taken away
    pile_up: Float32s  # [ADC] sum of the amplitudes of the other pulses; NaN without a pulse
    is_in_time: npt.NDArray[np.bool_]  # False without a pulse
    n_pulses: npt.NDArray[np.uint8]
    quality: npt.NDArray[np.uint8]  # bits of `Quality`
    pedestal: Float32s  # [ADC] (n_waveforms, 2) subtracted from even and odd samples
    others: PileUp


class _Constants(NamedTuple):
    """The channel table as the kernels read it."""

    shape: Ints
    pedestal: Float32s
    has_pedestal: npt.NDArray[np.bool_]
    noise: Float32s
    threshold: Float32s
    saturation: Ints
    inverse_gain: Float32s
    start: Float32s
    window: Float32s
    has_window: npt.NDArray[np.bool_]


class _Limits(NamedTuple):
    """The configuration as the kernels read it."""

    n_leading: int
    prefers_leading: bool
    max_spread: np.float32
    fraction: np.float32
    significance: np.float32
    tolerance: np.float32
    distance: np.float32  # [samples]
    max_pulses: int
    n_sigmas: np.float32
    period: np.float32


class _Out(NamedTuple):
    """Columns that the kernels fill."""

    amplitude: Float32s
    energy: Float32s
    time: Float32s
    time_error: Float32s
    integral: Float32s
    pile_up: Float32s
    is_in_time: npt.NDArray[np.bool_]
    n_pulses: npt.NDArray[np.uint8]
    quality: npt.NDArray[np.uint8]
    pedestal: Float32s


def measure_waveforms(
    samples: Samples, channel: npt.NDArray[np.integer], table: ChannelTable, config: WaveformConfig
) -> Pulses:
    """
    Find the pulses of each waveform and pick the one nearest the expected time.

    A waveform that one pulse explains takes a short way: the rising edge gives the start, one linear fit of
    the next samples amplitude and time. All others are unfolded (`recon.pulses.unfold`).

    Parameters
    ----------
    samples : uint16, shape (n_waveforms, n_samples) [ADC]
    channel : integer, shape (n_waveforms,)
        Row of the table.
    table : ChannelTable
    config : WaveformConfig

    Returns
    -------
    Pulses
        NaN where there is no pulse; ``quality`` says why. Only NO_PULSE alone means an empty channel, all
        other waveforms without amplitude are not known.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or name a channel that the table does not have.
    """
    check_table(table)
    rows = _rows(samples, channel, len(table.shape))
    n, n_samples = samples.shape
    out = _allocate(n)
    if n_samples < config.n_leading + N_FIT:
        out.quality[:] = _SHORT
        return Pulses(*out, _no_others())
    templates = make_templates(
        table.shapes, period=table.period, n_samples=n_samples, fraction=config.fraction
    )
    constants, limits = _constants(table), _limits(config, table.period)
    todo = np.empty(n, dtype=np.int64)
    waves = np.ascontiguousarray(samples, dtype=np.uint16)
    n_todo = _measure_alone(waves, rows, constants, limits, templates, out, todo)
    others = _measure_many(waves, rows, todo[:n_todo], constants, limits, templates, out)
    return Pulses(*out, PileUp(*others))


def _rows(samples: Samples, channel: npt.NDArray[np.integer], n_channels: int) -> npt.NDArray[np.int32]:
    """Return the channel numbers as the kernels read them, all known."""
    if samples.ndim != 2 or channel.shape != samples.shape[:1]:
        msg = (
            f"samples must be (n_waveforms, n_samples) and channel as long, got {samples.shape} and "
            f"{channel.shape}"
        )
        raise ValueError(msg)
    if len(channel) and not 0 <= channel.min() <= channel.max() < n_channels:
        wrong = channel[(channel < 0) | (channel >= n_channels)][0]
        msg = f"a waveform is of channel {wrong}, the table has channels 0 to {n_channels - 1}"
        raise ValueError(msg)
    return np.ascontiguousarray(channel, dtype=np.int32)


def _allocate(n: int) -> _Out:
    """Return columns that say: no pulse."""

    def unknown() -> Float32s:
        return np.full(n, np.nan, dtype=np.float32)

    flags = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.uint8), np.zeros(n, dtype=np.uint8)
    columns = unknown(), unknown(), unknown(), unknown(), unknown(), unknown()
    return _Out(*columns, *flags, np.full((n, 2), np.nan, dtype=np.float32))


def _no_others() -> PileUp:
    return PileUp(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32))


def _constants(table: ChannelTable) -> _Constants:
    def narrow(values: Floats) -> Float32s:
        return np.ascontiguousarray(values, dtype=np.float32)

    return _Constants(
        shape=np.ascontiguousarray(table.shape, dtype=np.int64),
        pedestal=narrow(np.nan_to_num(table.pedestal)),
        has_pedestal=np.isfinite(table.pedestal[:, 0]),
        noise=narrow(table.noise),
        threshold=narrow(table.threshold),
        saturation=np.ceil(table.saturation).astype(np.int64),
        inverse_gain=narrow(1.0 / table.gain),
        start=narrow(table.start / table.period),
        window=narrow(table.window),
        has_window=np.isfinite(table.window[:, 0]) | np.isfinite(table.window[:, 1]),
    )


def _limits(config: WaveformConfig, period: float) -> _Limits:
    f = np.float32
    return _Limits(
        *(config.n_leading, config.baseline == "leading", f(config.max_spread), f(config.fraction)),
        *(f(config.significance), f(config.shape_tolerance), f(config.min_distance / period)),
        *(config.max_pulses, f(config.n_sigmas), f(period)),
    )


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _measure_alone(
    samples: Samples,
    channel: npt.NDArray[np.int32],
    table: _Constants,
    limits: _Limits,
    templates: Templates,
    out: _Out,
    todo: Ints,
) -> int:
    """Measure the waveforms that one pulse explains, list the others in ``todo``, return how many."""
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
            value = templates.padded_value[s, phase, n - first :]
            slope = templates.padded_slope[s, phase, n - first :]
            behind = gate[n - first :]
            for k in range(n):
                total += y[k] * behind[k]
                n_off += np.int32(abs(y[k] - amplitude * value[k] - move * slope[k]) > allowed)
        if not fits or n_off > 0:
            todo[n_todo] = i
            n_todo += 1
            continue
        error = templates.time_error[s, phase] * noise / amplitude * limits.period
        time = (start - table.start[c]) * limits.period
        early, late = table.window[c, 0], table.window[c, 1]
        if not table.has_window[c]:
            late = limits.n_sigmas * error
            early = -late
        out.amplitude[i] = amplitude
        out.energy[i] = amplitude * table.inverse_gain[c]
        out.time[i] = time
        out.time_error[i] = error
        out.integral[i] = total * limits.period
        out.pile_up[i] = np.float32(0.0)
        out.is_in_time[i] = early <= time <= late
        out.n_pulses[i] = 1
    return n_todo


@njit(cache=True)
def _fill(
    i: int,
    c: int,
    amplitude: np.float32,
    start: np.float32,
    error: np.float32,
    table: _Constants,
    limits: _Limits,
    out: _Out,
) -> None:
    """Fill amplitude, energy and time of a waveform and whether it is in time."""
    time = (start - table.start[c]) * limits.period
    early, late = table.window[c, 0], table.window[c, 1]
    if not table.has_window[c]:
        late = limits.n_sigmas * error
        early = -late
    out.amplitude[i] = amplitude
    out.energy[i] = amplitude * table.inverse_gain[c]
    out.time[i] = time
    out.time_error[i] = error
    out.is_in_time[i] = early <= time <= late


@njit(cache=True)
def _measure_many(
    samples: Samples,
    channel: npt.NDArray[np.int32],
    todo: Ints,
    table: _Constants,
    limits: _Limits,
    templates: Templates,
    out: _Out,
) -> tuple[Ints, Float32s, Float32s]:
    """Unfold the listed waveforms; return waveform, amplitude and time of the pulses that are not picked."""
    n, n_max = samples.shape[1], limits.max_pulses
    y, good = np.empty(n), np.empty(n, np.bool_)
    pulses, shift = np.empty((n_max, 3)), np.zeros(2)
    side = 2 * n_max + 2 + n
    work = np.empty((3, side, side))
    of, n_others = np.empty(16, np.int64), 0
    amplitude, time = np.empty(16, np.float32), np.empty(16, np.float32)
    for i in todo:
        c = channel[i]
        out.quality[i] |= _judge(samples[i], table.saturation[c], good)
        if out.quality[i] & (_ALL_ZERO | _ALL_SATURATED | _NO_PULSE):
            continue
        fits = _subtract(samples[i], i, c, table, out, y)
        s = table.shape[c]
        value = templates.value[s]
        cuts = (
            float(table.noise[c]),
            float(table.threshold[c]),
            float(limits.significance),
            float(limits.tolerance),
            float(limits.distance),
        )
        m = unfold(y, good, value, templates.slope[s], cuts, fits, pulses, shift, work)
        out.pedestal[i, 0] += np.float32(shift[0])
        out.pedestal[i, 1] += np.float32(shift[1])
        best = _pick(y, good, shift, value, pulses[:m], i, c, table, limits, out)
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
def _judge(row: Samples, saturation: int, good: npt.NDArray[np.bool_]) -> int:
    """Mark the samples below full scale and return what is wrong with the waveform."""
    n_full, is_constant = 0, True
    for k in range(len(row)):
        good[k] = row[k] < saturation
        n_full += not good[k]
        is_constant &= row[k] == row[0]
    if n_full == len(row):
        return _ALL_SATURATED
    if is_constant:
        return _NO_PULSE | (_ALL_ZERO if row[0] == 0 else 0)
    return _SATURATED if n_full else 0


@njit(cache=True)
def _subtract(row: Samples, i: int, c: int, table: _Constants, out: _Out, y: Floats) -> bool:
    """Fill the samples above the pedestals and return whether the pedestals are to be fitted."""
    is_unknown = not table.has_pedestal[c] and out.quality[i] & _NOISY > 0
    if is_unknown:
        for parity in range(2):
            lowest = row[parity]
            for k in range(parity, len(row), 2):
                lowest = min(lowest, row[k])
            out.pedestal[i, parity] = np.float32(lowest)
    for k in range(len(row)):
        y[k] = float(row[k]) - float(out.pedestal[i, k % 2])
    return is_unknown


@njit(cache=True)
def _pick(
    y: Floats,
    good: npt.NDArray[np.bool_],
    shift: Floats,
    value: Float32s,
    pulses: Floats,
    i: int,
    c: int,
    table: _Constants,
    limits: _Limits,
    out: _Out,
) -> int:
    """Fill the columns with the pulse nearest the expected time and return its index; -1 without any."""
    n, best, total, largest = len(pulses), -1, 0.0, 0.0
    for p in range(n):
        total += pulses[p, 1]
        largest = max(largest, pulses[p, 1])
        if best < 0 or abs(pulses[p, 0] - table.start[c]) < abs(pulses[best, 0] - table.start[c]):
            best = p
    out.n_pulses[i] = n
    integral, allowed = 0.0, limits.significance * table.noise[c] + limits.tolerance * largest
    for k in range(len(y)):
        r = y[k] - shift[k % 2]
        for p in range(n):
            r -= pulses[p, 1] * pulse_at(value, pulses[p, 0], k)
        # a saturated sample must lie on the pulse or below it, never above
        is_off = abs(r) > allowed if good[k] else r > allowed
        out.quality[i] |= _BAD_FIT if is_off else 0
        if n and k >= np.floor(pulses[best, 0]):
            integral += pulses[best, 1] * pulse_at(value, pulses[best, 0], k) + (r if good[k] else 0.0)
    if n == 0:
        out.quality[i] |= _NO_PULSE
        return best
    amplitude, start = np.float32(pulses[best, 1]), np.float32(pulses[best, 0])
    error = np.float32(pulses[best, 2] * limits.period)
    _fill(i, c, amplitude, start, error, table, limits, out)
    out.integral[i] = integral * limits.period
    out.pile_up[i] = max(total - pulses[best, 1], 0.0)
    return best
