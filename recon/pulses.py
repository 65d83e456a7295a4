"""Shape of pulses and the channels they come from, tables of it, and the unfolding of overlapping pulses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = [
    "N_FIT",
    "PHASES",
    "PulseShape",
    "Templates",
    "make_templates",
    "pulse_at",
    "unfold",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

PHASES = 64  # steps of the tables between two samples
N_FIT = 8  # samples from the start of a pulse on that the fit of one pulse alone reads
EARLY = 8  # samples before the first one where a pulse may start whose tail is seen
_SCAN = 4  # starts per sample that are tried for a further pulse
_STEPS = 40  # of a fit, at most
_STILL = 1e-3  # [samples] a fit that moves no start by more has converged


@dataclass(frozen=True, slots=True)
class PulseShape:
    """A pulse ``exp(-t / fall_time) - exp(-t / rise_time)`` from its start on, 1 at its maximum."""

    rise_time: float  # [ns]
    fall_time: float  # [ns]

    def __post_init__(self) -> None:
        if not 0 < self.rise_time < self.fall_time < np.inf:
            msg = f"a pulse needs 0 < rise_time < fall_time, got {self.rise_time:g} and {self.fall_time:g} ns"
            raise ValueError(msg)

    @property
    def peak_time(self) -> float:
        """Return how long after its start the pulse has its maximum [ns]."""
        rise, fall = self.rise_time, self.fall_time
        return float(rise * fall / (fall - rise) * np.log(fall / rise))

    @property
    def area(self) -> float:
        """Return the integral of the pulse [ns]."""
        return (self.fall_time - self.rise_time) / self._top

    @property
    def _top(self) -> float:
        at = self.peak_time
        return float(np.exp(-at / self.fall_time) - np.exp(-at / self.rise_time))

    def value(self, time: npt.ArrayLike) -> Floats:
        """Return the pulse at times after its start [ns], of any shape; 0 before it."""
        t = np.maximum(np.asarray(time, dtype=np.float64), 0.0)
        return np.asarray((np.exp(-t / self.fall_time) - np.exp(-t / self.rise_time)) / self._top)

    def slope(self, time: npt.ArrayLike) -> Floats:
        """Return the derivative of the pulse [1 / ns]; 0 before the start and at it."""
        t = np.maximum(np.asarray(time, dtype=np.float64), 0.0)
        fast, slow = np.exp(-t / self.rise_time), np.exp(-t / self.fall_time)
        return np.where(t > 0, (fast / self.rise_time - slow / self.fall_time) / self._top, 0.0)


class Templates(NamedTuple):
    """
    Pulses that start a part ``p / PHASES`` of a sample after sample 0, for each shape and each p.

    Times are in samples. The rows ``p = PHASES`` are those of 0, one sample later: what lies between two
    rows is interpolated.
    """

    value: Float32s  # (n_shapes, PHASES + 1, length) at sample k
    slope: Float32s  # (n_shapes, PHASES + 1, length) change of it when the start moves one sample later
    padded_value: Float32s  # (n_shapes, PHASES + 1, 2 n_samples) the same, behind n_samples zeros
    padded_slope: Float32s  # (n_shapes, PHASES + 1, 2 n_samples)
    amplitude_weight: Float32s  # (n_shapes, PHASES + 1, N_FIT) times the samples: amplitude
    time_weight: (
        Float32s  # (n_shapes, PHASES + 1, N_FIT) times the samples: amplitude times shift of the start
    )
    time_error: Float32s  # (n_shapes, PHASES + 1) error of the start, times amplitude over noise
    edge: Float32s  # (n_shapes, PHASES + 1) from start to crossing, by the crossing's part of a sample


def make_templates(
    shapes: Sequence[PulseShape], *, period: float, n_samples: int, fraction: float
) -> Templates:
    """
    Tabulate pulses and the fit of one pulse alone.

    Parameters
    ----------
    shapes : sequence of PulseShape
    period : float [ns]
        Between two samples.
    n_samples : int
        Of a waveform.
    fraction : float
        Of the largest sample: where the rising edge crosses it, on the straight line between two samples, is
        the first guess of the start.
    """
    phase = np.arange(PHASES + 1) / PHASES
    time = (np.arange(n_samples + EARLY + 1) - phase[:, None]) * period
    value = np.stack([shape.value(time) for shape in shapes])
    slope = np.stack([-period * shape.slope(time) for shape in shapes])
    y, d = value[:, :, :N_FIT], slope[:, :, :N_FIT]
    yy, yd, dd = (y * y).sum(axis=2), (y * d).sum(axis=2), (d * d).sum(axis=2)
    det = yy * dd - yd * yd
    weights = (dd[..., None] * y - yd[..., None] * d, yy[..., None] * d - yd[..., None] * y)
    edge = np.stack([_edge(rows, phase, fraction) for rows in value])
    empty = np.zeros((len(shapes), PHASES + 1, n_samples))
    padded = [np.concatenate([empty, rows[:, :, :n_samples]], axis=2) for rows in (value, slope)]
    tables = (value, slope, *padded, *(w / det[..., None] for w in weights), np.sqrt(yy / det), edge)
    return Templates(*(np.ascontiguousarray(table, dtype=np.float32) for table in tables))


def _edge(value: Floats, phase: Floats, fraction: float) -> Floats:
    """Return the time from start to crossing [samples], tabulated in the crossing's part of a sample."""
    level = fraction * value.max(axis=1)
    after = np.argmax(value > level[:, None], axis=1)
    row = np.arange(len(value))
    low, high = value[row, after - 1], value[row, after]
    crossing = after - 1 + (level - low) / (high - low)
    # of a pulse that is highest at once the edge tells little: then the guess is rough, and the fit goes on
    crossing = np.maximum.accumulate(crossing)
    around = np.concatenate([crossing[:-1] - 1, crossing[:-1], crossing[:-1] + 1])
    starts = np.concatenate([phase[:-1] - 1, phase[:-1], phase[:-1] + 1])
    first = np.floor(crossing[0])
    at = first + phase
    return np.asarray(at - np.interp(at, around, starts))


class _Wave(NamedTuple):
    """A waveform and the shape of its pulses, as `unfold` takes them."""

    y: Floats
    good: Mask
    value: Float32s
    slope: Float32s


@njit(cache=True)
def unfold(
    y: Floats,
    good: Mask,
    value: Float32s,
    slope: Float32s,
    limits: tuple[float, float, float, float, float],
    fits_baseline: bool,
    pulses: Floats,
    baseline: Floats,
    work: Floats,
) -> int:
    """
    Find the pulses of a waveform, one after the other, and fit all of them together.

    A further pulse starts where the residuals of those before it are best explained by one. All amplitudes
    and starts, and if need be the two baselines, are then fitted anew to all samples (least squares, damped
    Gauss-Newton steps). Pulses below threshold or that two starts share are dropped.

    Parameters
    ----------
    y : float64, shape (n_samples,) [ADC]
        Above the baselines.
    good : bool, shape (n_samples,)
        False where saturated: there the pulses must reach the sample, and may exceed it.
    value, slope : float32, shape (PHASES + 1, length)
        Of `Templates`, for the shape of this channel.
    limits : noise [ADC], threshold [ADC], significance [noise], shape tolerance, least distance [samples]
    fits_baseline : bool
    pulses : float64, shape (n_max, 3)
        Filled with start [samples], amplitude [ADC] and error of the start [samples], in order of time.
    baseline : float64, shape (2,) [ADC]
        Filled with the fitted shift of the two baselines.
    work : float64, shape (3, 2 n_max + 2 + n_samples, 2 n_max + 2 + n_samples)

    Returns
    -------
    int
        The number of pulses.
    """
    noise, threshold, significance, tolerance, distance = limits
    wave = _Wave(y, good, value, slope)
    n_max, n = len(pulses), 0
    baseline[:] = 0.0
    best = pulses.copy()
    for _ in range(2 * n_max):
        allowed = significance * noise + tolerance * _largest(pulses[:n])
        if n == n_max or _worst(y, good, value, pulses[:n], baseline) < allowed:
            break
        start, amplitude, gain = _scan(y, good, value, pulses[:n], baseline, work[2])
        if amplitude < 0.7 * threshold or gain < significance * noise:
            break
        if n == 0 and not good.all():
            start, amplitude = _first_saturated(y, good, value, start, amplitude)
        best[:n] = pulses[:n]
        before, shift0, shift1 = n, baseline[0], baseline[1]
        pulses[n, 0], pulses[n, 1], pulses[n, 2] = start, amplitude, np.nan
        n = _fit(wave, pulses, n + 1, noise, fits_baseline, baseline, work)
        kept = _drop(pulses, n, threshold, distance)
        if kept < n:
            n = _fit(wave, pulses, kept, noise, fits_baseline, baseline, work)
        if n <= before:
            if before > 0:  # the new pulse did not stand: back to what was there
                n, baseline[0], baseline[1] = before, shift0, shift1
                pulses[:n] = best[:n]
            break
    n = _drop(pulses, n, threshold, distance)
    if n > 2:
        n = _thin(wave, limits, fits_baseline, pulses, n, baseline, work)
    pulses[:n] = pulses[:n][np.argsort(pulses[:n, 0].copy())]
    _fill_errors(wave, pulses[:n], noise, fits_baseline, baseline, work)
    return n


@njit(cache=True)
def _thin(
    wave: _Wave,
    limits: tuple[float, float, float, float, float],
    fits_baseline: bool,
    pulses: Floats,
    n: int,
    baseline: Floats,
    work: Floats,
) -> int:
    """Leave out the pulses that the others can do without, and return how many stay."""
    noise, _, significance, tolerance, _ = limits
    i = 0
    while i < n and n > 1:
        before, shift = pulses[:n].copy(), baseline.copy()
        pulses[i : n - 1] = before[i + 1 : n]
        _fit(wave, pulses, n - 1, noise, fits_baseline, baseline, work)
        allowed = significance * noise + tolerance * _largest(pulses[: n - 1])
        if _worst(wave.y, wave.good, wave.value, pulses[: n - 1], baseline) < allowed:
            n, i = n - 1, 0
            continue
        pulses[:n] = before
        baseline[:] = shift
        i += 1
    return n


@njit(cache=True)
def pulse_at(value: Float32s, start: float, k: int) -> float:
    """Return the value (or slope) at sample k of a pulse of amplitude 1, interpolated in the start."""
    first = int(np.floor(start))
    if k <= first or k - first >= value.shape[1] - 1:
        return 0.0
    part = (start - first) * PHASES
    row = int(part)
    part -= row
    return float((1.0 - part) * value[row, k - first] + part * value[row + 1, k - first])


@njit(cache=True)
def _residual(y: Floats, value: Float32s, pulses: Floats, baseline: Floats, k: int) -> float:
    r = y[k] - baseline[k % 2]
    for i in range(len(pulses)):
        r -= pulses[i, 1] * pulse_at(value, pulses[i, 0], k)
    return float(r)


@njit(cache=True)
def _largest(pulses: Floats) -> float:
    top = 0.0
    for i in range(len(pulses)):
        top = max(top, pulses[i, 1])
    return top


@njit(cache=True)
def _worst(y: Floats, good: Mask, value: Float32s, pulses: Floats, baseline: Floats) -> float:
    """Return the largest residual of a sample, of either sign [ADC]."""
    worst = 0.0
    for k in range(len(y)):
        r = _residual(y, value, pulses, baseline, k)
        if good[k] or r > 0.0:
            worst = max(worst, abs(r))
    return worst


@njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
def _scan(
    y: Floats, good: Mask, value: Float32s, pulses: Floats, baseline: Floats, work: Floats
) -> tuple[float, float, float]:
    """Return start, amplitude and significance [ADC] of the pulse that explains most of the residuals."""
    n, r, weight = len(y), work[0], work[1]
    for k in range(n):
        weight[k] = 1.0 if good[k] else 0.0
        r[k] = weight[k] * _residual(y, value, pulses, baseline, k)
    at, height, gain = 0.0, 0.0, 0.0
    for first in range(-EARLY, n - 1):
        begin = max(first + 1, 0)
        behind, counts = r[begin:n], weight[begin:n]
        for part in range(_SCAN):
            shape = value[part * (PHASES // _SCAN), begin - first :]
            up, norm = 0.0, 0.0
            for k in range(len(behind)):
                up += shape[k] * behind[k]
                norm += shape[k] * shape[k] * counts[k]
            if up > 0.0 and up * up > gain * norm:
                at, height, gain = first + part / _SCAN, up / norm, up * up / norm
    return at, height, np.sqrt(gain)


@njit(cache=True)
def _first_saturated(
    y: Floats, good: Mask, value: Float32s, start: float, amplitude: float
) -> tuple[float, float]:
    """Return start and amplitude of the first saturated pulse: its edge is steep, its tail comes next."""
    first = 0
    while good[first]:
        first += 1
    last = first
    while last < len(y) and not good[last]:
        last += 1
    if first == 0 or last == len(y):
        return start, amplitude
    begin = first - 0.5 if y[first - 1] < 0.1 * y[first] else first - 1.2
    return begin, max(y[last] / pulse_at(value, begin, last), y[first])


@njit(cache=True)
def _fit(
    wave: _Wave,
    pulses: Floats,
    n: int,
    noise: float,
    fits_baseline: bool,
    baseline: Floats,
    work: Floats,
) -> int:
    """Fit amplitudes, starts and baselines together, return n."""
    m = 2 * n + (2 if fits_baseline else 0)
    if m == 0:
        return n
    matrix, trial = work[0, : m + 1, : m + 1], work[1, : m + 1, : m + 1]
    old = pulses[:n].copy()
    damping, chi2 = 1e-3, _normal(wave, pulses[:n], baseline, m, matrix, work[2])
    for _ in range(_STEPS):
        trial[:] = matrix
        for i in range(m):
            trial[i, i] += damping * matrix[i, i] + 1e-9
        step, shift = _solve(trial, m), baseline.copy()
        old[:] = pulses[:n]
        moved = _move(pulses[:n], baseline, step, m, len(wave.y))
        new = _normal(wave, pulses[:n], baseline, m, trial, work[2])
        close = moved < _STILL and abs(chi2 - new) < 1e-2 * noise * noise
        if new <= chi2:
            matrix[:] = trial
            chi2, damping = new, max(0.1 * damping, 1e-9)
        else:
            pulses[:n] = old
            baseline[:] = shift
            damping *= 10.0
        if close or damping > 1e6:
            break
    return n


@njit(cache=True)
def _fill_errors(
    wave: _Wave,
    pulses: Floats,
    noise: float,
    fits_baseline: bool,
    baseline: Floats,
    work: Floats,
) -> None:
    """Fill the errors of the starts, correlations with all other parameters of the fit included."""
    m = 2 * len(pulses) + (2 if fits_baseline else 0)
    matrix, trial = work[0, : m + 1, : m + 1], work[1, : m + 1, : m + 1]
    _normal(wave, pulses, baseline, m, matrix, work[2])
    for i in range(len(pulses)):
        trial[:] = matrix
        trial[:m, m] = 0.0
        trial[2 * i + 1, m] = 1.0
        for j in range(m):
            trial[j, j] += 1e-9
        pulses[i, 2] = noise * np.sqrt(max(_solve(trial, m)[2 * i + 1], 0.0))


@njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
def _normal(
    wave: _Wave,
    pulses: Floats,
    baseline: Floats,
    m: int,
    matrix: Floats,
    design: Floats,
) -> float:
    """Fill the normal equations, right side in the last column, and return the sum of squares."""
    n = len(wave.y)
    r = design[m]
    for k in range(n):
        r[k] = wave.y[k] - baseline[k % 2]
    for i in range(len(pulses)):
        _add_columns(wave.value, wave.slope, pulses[i], n, design[2 * i : 2 * i + 2], r)
    for i in range(2 * len(pulses), m):
        for k in range(n):
            design[i, k] = 1.0 - (k + i) % 2
    for k in range(n):
        if not wave.good[k] and r[k] <= 0.0:
            design[: m + 1, k] = 0.0
    for i in range(m + 1):
        for j in range(i + 1):
            one, other, total = design[i], design[j], 0.0
            for k in range(n):
                total += one[k] * other[k]
            matrix[i, j] = total
            matrix[j, i] = total
    return float(matrix[m, m])


@njit(cache=True)
def _add_columns(value: Float32s, slope: Float32s, pulse: Floats, n: int, columns: Floats, r: Floats) -> None:
    """Fill the derivatives of the samples by amplitude and start of a pulse, and take it off ``r``."""
    start, amplitude, by_amplitude, by_start = pulse[0], pulse[1], columns[0], columns[1]
    first = int(np.floor(start))
    row = int((start - first) * PHASES)
    part = (start - first) * PHASES - row
    begin = max(first + 1, 0)
    by_amplitude[:begin] = 0.0
    by_start[:begin] = 0.0
    for k in range(begin, n):
        shape = (1.0 - part) * value[row, k - first] + part * value[row + 1, k - first]
        by_amplitude[k] = shape
        by_start[k] = amplitude * ((1.0 - part) * slope[row, k - first] + part * slope[row + 1, k - first])
        r[k] -= amplitude * shape


@njit(cache=True)
def _solve(matrix: Floats, m: int) -> Floats:
    """Solve the m equations whose right side is the last column; the matrix is used up."""
    for i in range(m):
        pivot = matrix[i, i]
        if pivot <= 1e-12:  # nothing depends on it: leave it where it is
            matrix[i, :] = 0.0
            matrix[:, i] = 0.0
            matrix[i, i] = pivot = 1.0
        for j in range(i + 1, m):
            factor = matrix[j, i] / pivot
            for k in range(i, m + 1):
                matrix[j, k] -= factor * matrix[i, k]
    solution = np.zeros(m)
    for i in range(m - 1, -1, -1):
        rest = matrix[i, m]
        for j in range(i + 1, m):
            rest -= matrix[i, j] * solution[j]
        solution[i] = rest / matrix[i, i]
    return solution


@njit(cache=True)
def _move(pulses: Floats, baseline: Floats, step: Floats, m: int, n_samples: int) -> float:
    """Take a step of the fit, at most a sample in time, and return the farthest move of a start."""
    n, farthest = len(pulses), 0.0
    for i in range(n):
        pulses[i, 1] += step[2 * i]
        shift = min(max(step[2 * i + 1], -1.0), 1.0)
        start = min(max(pulses[i, 0] + shift, -float(EARLY)), n_samples - 1.001)
        farthest = max(farthest, abs(start - pulses[i, 0]))
        pulses[i, 0] = start
    if m > 2 * n:
        baseline[0] += step[2 * n]
        baseline[1] += step[2 * n + 1]
    return farthest


@njit(cache=True)
def _drop(pulses: Floats, n: int, threshold: float, distance: float) -> int:
    """Drop pulses below threshold, and of two starts too close to each other the smaller one."""
    for i in range(n):
        stands = pulses[i, 1] >= threshold
        for j in range(n):
            close = j != i and abs(pulses[j, 0] - pulses[i, 0]) < distance
            stands &= not (close and (pulses[j, 1], j) > (pulses[i, 1], i))
        if not stands:
            pulses[i, 1] = -np.inf
    kept = 0
    for i in range(n):
        if pulses[i, 1] > -np.inf:
            pulses[kept] = pulses[i]
            kept += 1
    return kept
