"""Unfolding of overlapping pulses: how many there are, and where each one starts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.pulse_fit import Workspace, fit_pulses, invert
from recon.pulses import EARLY, N_SCAN, PHASES, SCAN

__all__ = ["unfold"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]
Limits = tuple[float, float, float, float, float]

_ROUGH = 3e-2  # [samples] good enough to see what the pulses leave
_FINE = 1e-3  # [samples] of the fit that is kept
_NEAR = 4.0  # [samples] from the first to the last of three pulses that may be two
_SURE = 4.0  # times the chi2 that would be allowed: a pulse that adds more is not tried to be left out


@njit(cache=True)
def unfold(
    space: Workspace, value: Float32s, scan_norm: Float32s, limits: Limits, fits_baseline: bool
) -> int:
    """
    Find the pulses of a waveform, one after the other, and fit all of them together.

    A further pulse starts where the residuals of those before it are best explained by one. All amplitudes
    and starts, and if need be the two baselines, are then fitted anew to all samples (least squares, damped
    Gauss-Newton steps): roughly as long as pulses are added, precisely at the end. Pulses below threshold
    or that two starts share are dropped.

    Parameters
    ----------
    space : Workspace
        ``y`` and ``good`` are read. ``pulses`` is filled in order of time, ``baseline`` with the shift of the
        baselines, ``residual`` and ``columns`` with what belongs to them.
    value : float32, shape (PHASES + 1, 2 n_samples + EARLY)
    scan_norm : float32, shape (SCAN, EARLY + n_samples)
        Of `recon.pulses.Templates`, for the shape of this channel.
    limits : noise [ADC], threshold [ADC], significance [noise], shape tolerance, least distance [samples]
    fits_baseline : bool

    Returns
    -------
    int
        The number of pulses.
    """
    noise, _, significance, tolerance, _ = limits
    all_good = True
    for k in range(len(space.y)):
        all_good &= space.good[k] > 0
    n = _search(space, value, scan_norm, limits, all_good, fits_baseline, _ROUGH)
    allowed = significance * noise + tolerance * _largest(space.pulses, n)
    if _worst(space.residual, space.good, all_good) >= allowed:  # perhaps it went astray in a rough fit
        n = _search(space, value, scan_norm, limits, all_good, fits_baseline, _FINE)
    _fill_errors(space, n, noise, fits_baseline)
    return n


@njit(cache=True)
def _search(
    space: Workspace,
    value: Float32s,
    scan_norm: Float32s,
    limits: Limits,
    all_good: bool,
    fits_baseline: bool,
    still: float,
) -> int:
    """Find and fit the pulses, each new one to the precision ``still`` [samples]; return how many."""
    noise, threshold, significance, tolerance, distance = limits
    pulses, held, baseline = space.pulses, space.held, space.baseline
    y, good, residual, n = space.y, space.good, space.residual, 0
    behind, overlap = space.behind, space.overlap
    baseline[:] = 0.0
    for k in range(len(y)):
        residual[k] = y[k]
    is_fine, chi2 = False, -1.0
    for _ in range(2 * len(pulses)):
        worst = _worst(residual, good, all_good)
        allowed = significance * noise + tolerance * _largest(pulses, n)
        if n == len(pulses) or worst < allowed:
            break
        # perhaps the pulses are only not yet in place: then a pulse in between would never leave again
        if n and not is_fine and (n > 1 or worst < 3.0 * allowed):
            chi2 = fit_pulses(space, value, n, noise, all_good, fits_baseline, _FINE, chi2)
            is_fine = True
            continue
        start, amplitude, gain = _scan(residual, good, value, scan_norm, all_good, behind, overlap)
        if amplitude < 0.7 * threshold or gain < significance * noise:
            break
        if n == 0 and not all_good:
            start, amplitude = _first_saturated(space, value, start, amplitude)
        _copy(pulses, held, n)
        before, shift0, shift1 = n, baseline[0], baseline[1]
        pulses[n, 0], pulses[n, 1], pulses[n, 2] = start, amplitude, np.nan
        n, is_fine = n + 1, still == _FINE
        chi2 = fit_pulses(space, value, n, noise, all_good, fits_baseline, still, -1.0)
        kept = _drop(pulses, n, threshold, distance)
        if kept < n:
            n = kept
            chi2 = fit_pulses(space, value, n, noise, all_good, fits_baseline, still, -1.0)
        if n <= before:
            if before > 0:  # the new pulse did not stand: back to what was there
                n, baseline[0], baseline[1], chi2 = before, shift0, shift1, -1.0
                _copy(held, pulses, n)
            break
    for _ in range(2):
        has_moved = _sort(pulses, n)
        chi2 = fit_pulses(space, value, n, noise, all_good, fits_baseline, _FINE, -1.0 if has_moved else chi2)
        kept = _drop(pulses, n, threshold, distance)
        if kept == n:
            break
        n, chi2 = kept, -1.0
    if n > 2:
        n = _thin(space, value, limits, n, all_good, fits_baseline)
    return n


@njit(cache=True)
def _copy(pulses: Floats, other: Floats, n: int) -> None:
    """Copy starts and amplitudes of the first n pulses: much faster than slices."""
    for i in range(n):
        other[i, 0], other[i, 1] = pulses[i, 0], pulses[i, 1]


@njit(cache=True)
def _thin(
    space: Workspace, value: Float32s, limits: Limits, n: int, all_good: bool, fits_baseline: bool
) -> int:
    """Leave out the pulses that the others can do without, and return how many stay."""
    noise, _, significance, tolerance, _ = limits
    pulses, held, baseline = space.pulses, space.held, space.baseline
    residual, good, i = space.residual, space.good, 0
    has_moved = False
    while i < n and n > 1:
        allowed = significance * noise + tolerance * _largest(pulses, n)
        if not has_moved:
            invert(space.matrix, 2 * n + (2 if fits_baseline else 0), space.inverse)
        # where pulses are apart, the sum of squares grows by the amplitude squared over its variance
        is_between = 0 < i < n - 1 and pulses[i + 1, 0] - pulses[i - 1, 0] < _NEAR
        least = _SURE * len(space.y) * allowed**2 * max(space.inverse[2 * i, 2 * i], 1e-9)
        if not is_between and pulses[i, 1] ** 2 > least:
            i += 1
            continue
        _copy(pulses, held, n)
        shift0, shift1, fits = baseline[0], baseline[1], False
        for way in range(2 if is_between else 1):
            _leave_out(pulses, i, n, way)
            fit_pulses(space, value, n - 1, noise, all_good, fits_baseline, _FINE, -1.0)
            has_moved = True
            allowed = significance * noise + tolerance * _largest(pulses, n - 1)
            fits = _worst(residual, good, all_good) < allowed
            if fits:
                break
            _copy(held, pulses, n)
            baseline[0], baseline[1] = shift0, shift1
        if fits:
            n, i, has_moved = n - 1, 0, False
        else:
            i += 1
    if has_moved or _sort(pulses, n):
        fit_pulses(space, value, n, noise, all_good, fits_baseline, _FINE, -1.0)
    return n


@njit(cache=True)
def _leave_out(pulses: Floats, i: int, n: int, way: int) -> None:
    """
    Take out pulse i of n and share its amplitude among its neighbours, so that the mean time stays.

    Two pulses that overlap are often found as a large one in between and the rest of them at its sides. In
    the second way the later neighbour moves towards it: a start is found from before rather than from after
    it, where the samples say nothing of it.
    """
    start, amplitude = pulses[i, 0], pulses[i, 1]
    if 0 < i < n - 1 and pulses[i - 1, 0] < start < pulses[i + 1, 0]:
        part = (start - pulses[i - 1, 0]) / (pulses[i + 1, 0] - pulses[i - 1, 0])
        pulses[i - 1, 1] += (1.0 - part) * amplitude
        pulses[i + 1, 1] += part * amplitude
        if way == 1:
            pulses[i + 1, 0] += (start - pulses[i + 1, 0]) * part * amplitude / pulses[i + 1, 1]
    for j in range(i, n - 1):
        pulses[j, 0], pulses[j, 1] = pulses[j + 1, 0], pulses[j + 1, 1]


@njit(cache=True)
def _largest(pulses: Floats, n: int) -> float:
    top = 0.0
    for i in range(n):
        top = max(top, pulses[i, 1])
    return top


@njit(cache=True)
def _worst(residual: Float32s, good: Float32s, all_good: bool) -> float:
    """Return the largest residual of a sample, of either sign [ADC]."""
    worst = np.float32(0.0)
    for k in range(len(residual)):
        r = residual[k]
        if all_good or good[k] > 0 or r > 0:
            worst = max(worst, abs(r))
    return float(worst)


@njit(cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def _scan(
    residual: Float32s,
    good: Float32s,
    value: Float32s,
    scan_norm: Float32s,
    all_good: bool,
    behind: Float32s,
    overlap: Float32s,
) -> tuple[float, float, float]:
    """Return start, amplitude and significance [ADC] of the pulse that explains most of the residuals."""
    n, up = len(residual), overlap[0]
    for k in range(n):
        behind[EARLY + k] = residual[k] * good[k]
    at, height, gain = 0.0, np.float32(0.0), np.float32(0.0)
    for part in range(SCAN):
        shape = value[part * (PHASES // SCAN), n:]
        up[:] = np.float32(0.0)
        for k in range(1, N_SCAN + 1, 4):
            w0, w1, w2, w3 = shape[k], shape[k + 1], shape[k + 2], shape[k + 3]
            moved = behind[k:]
            for s in range(len(up)):
                up[s] += w0 * moved[s] + w1 * moved[s + 1] + w2 * moved[s + 2] + w3 * moved[s + 3]
        if all_good:
            norm = scan_norm[part]
        else:
            norm = overlap[1]
            _fill_norm(shape, good, norm)
        for s in range(len(up) - 1):
            if up[s] > 0 and up[s] * up[s] * norm[s] > gain:
                gain = up[s] * up[s] * norm[s]
                at, height = s - EARLY + part / SCAN, up[s] * norm[s]
    return at, float(height), np.sqrt(float(gain))


@njit(cache=True)
def _fill_norm(shape: Float32s, good: Float32s, norm: Float32s) -> None:
    """Fill 1 / sum of squares of the samples that are not saturated; 0 where none is."""
    for s in range(len(norm)):
        first, total = s - EARLY, np.float32(0.0)
        for k in range(max(1, -first), min(N_SCAN + 1, len(good) - first)):
            total += shape[k] * shape[k] * good[first + k]
        norm[s] = np.float32(1.0) / total if total > 0 else np.float32(0.0)


@njit(cache=True)
def _first_saturated(
    space: Workspace, value: Float32s, start: float, amplitude: float
) -> tuple[float, float]:
    """Return start and amplitude of the first saturated pulse: its edge is steep, its tail comes next."""
    y, good, first = space.y, space.good, 0
    while good[first] > 0:
        first += 1
    last = first
    while last < len(y) and good[last] == 0:
        last += 1
    if first == 0 or last == len(y):
        return start, amplitude
    begin = first - 0.5 if y[first - 1] < 0.1 * y[first] else first - 1.2
    base = int(np.floor(begin))
    shape = value[int((begin - base) * PHASES), len(y) + last - base]
    return begin, max(float(y[last]) / shape, float(y[first]))


@njit(cache=True)
def _drop(pulses: Floats, n: int, threshold: float, distance: float) -> int:
    """Drop pulses below threshold, and of two starts too close to each other the smaller one."""
    kept = 0
    for i in range(n):
        stands = pulses[i, 1] >= threshold
        for j in range(n):
            close = j != i and abs(pulses[j, 0] - pulses[i, 0]) < distance
            larger = pulses[j, 1] > pulses[i, 1] or (pulses[j, 1] == pulses[i, 1] and j > i)
            stands &= not (close and larger)
        if not stands:
            pulses[i, 1] = -np.inf
    for i in range(n):
        if pulses[i, 1] > -np.inf:
            pulses[kept] = pulses[i]
            kept += 1
    return kept


@njit(cache=True)
def _sort(pulses: Floats, n: int) -> bool:
    """Sort the pulses by time, and return whether they were not."""
    has_moved = False
    for i in range(1, n):
        j = i
        while j > 0 and pulses[j - 1, 0] > pulses[j, 0]:
            for k in range(2):
                pulses[j - 1, k], pulses[j, k] = pulses[j, k], pulses[j - 1, k]
            j, has_moved = j - 1, True
    return has_moved


@njit(cache=True)
def _fill_errors(space: Workspace, n: int, noise: float, fits_baseline: bool) -> None:
    """Fill the errors of the starts, correlations with all other parameters of the fit included."""
    invert(space.matrix, 2 * n + (2 if fits_baseline else 0), space.inverse)
    for i in range(n):
        space.pulses[i, 2] = noise * np.sqrt(max(space.inverse[2 * i + 1, 2 * i + 1], 0.0))
