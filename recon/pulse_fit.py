"""Fit of all pulses of a waveform together: amplitudes, starts and, if need be, the two baselines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.pulses import EARLY, PHASES

__all__ = ["Workspace", "fit_pulses", "invert", "make_workspace"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

_STEPS = 40  # of a fit, at most
_SUM = {"reassoc", "contract", "nsz"}  # sums in any order; NaN keeps its meaning


class Workspace(NamedTuple):
    """Arrays of one waveform, made once for all: a small array costs more than the sums over it."""

    y: Float32s  # [ADC] (n_samples,) above the baselines
    good: (
        Float32s  # (n_samples,) 0 where saturated: there the pulses must reach the sample, and may exceed it
    )
    odd: Float32s  # (n_samples,) 0, 1, 0, 1, ...: which converter
    residual: Float32s  # [ADC] (n_samples,) of the last fit
    columns: Float32s  # (n_max parameters, n_samples) by amplitude, start, ..., and the two baselines
    pulses: Floats  # (n_max, 3) start [samples], amplitude [ADC], error of the start [samples]
    kept: Floats  # (n_max, 3) the pulses before a step or a trial
    held: Floats  # (n_max, 3) the pulses before one of them was left out
    baseline: Floats  # [ADC] (2,) shift of the two baselines
    matrix: Floats  # (n_max parameters, one more) normal equations, right side in the last column
    trial: Floats  # (n_max parameters, one more)
    solved: Floats  # (n_max parameters, one more) the step in the last column
    inverse: Floats  # (n_max parameters, one more) of ``matrix``
    behind: Float32s  # (EARLY + 2 n_samples,) residuals with zeros around them
    overlap: Float32s  # (2, EARLY + n_samples) sums of the scan


@njit(cache=True)
def make_workspace(n_samples: int, n_max: int) -> Workspace:
    """
    Return arrays for waveforms of ``n_samples`` and at most ``n_max`` pulses.

    Parameters
    ----------
    n_samples : int
    n_max : int
    """
    f, m = np.float32, 2 * n_max + 2
    odd = np.zeros(n_samples, f)
    odd[1::2] = f(1.0)
    return Workspace(
        np.zeros(n_samples, f),
        np.ones(n_samples, f),
        odd,
        np.zeros(n_samples, f),
        np.zeros((m, n_samples), f),
        np.full((n_max, 3), np.nan),
        np.zeros((n_max, 3)),
        np.zeros((n_max, 3)),
        np.zeros(2),
        np.zeros((m, m + 1)),
        np.zeros((m, m + 1)),
        np.zeros((m, m + 1)),
        np.zeros((m, m + 1)),
        np.zeros(EARLY + 2 * n_samples, f),
        np.zeros((2, EARLY + n_samples), f),
    )


@njit(cache=True)
def fit_pulses(
    space: Workspace,
    value: Float32s,
    n: int,
    noise: float,
    all_good: bool,
    fits_baseline: bool,
    still: float,
    chi2: float,
) -> float:
    """
    Fit the first ``n`` pulses of the workspace by damped Gauss-Newton steps, from where they are.

    Parameters
    ----------
    space : Workspace
        ``pulses`` and ``baseline`` are moved; ``residual``, ``columns`` and ``matrix`` belong to them.
    value : float32, shape (PHASES + 1, 2 n_samples + EARLY)
        Of `recon.pulses.Templates`.
    n : int
    noise : float [ADC]
    all_good : bool
        No sample is saturated.
    fits_baseline : bool
    still : float [samples]
        The fit ends where it would move no start by more.
    chi2 : float [ADC^2]
        What this function returned for just these pulses; negative if it did not.

    Returns
    -------
    float
        The sum of squares [ADC^2].
    """
    pulses, baseline, matrix, trial = space.pulses, space.baseline, space.matrix, space.trial
    m = 2 * n + (2 if fits_baseline else 0)
    last = len(space.y) - 1.001
    damping, before = 1e-3, 0.1
    if chi2 < 0:
        chi2 = _normal_equations(space, value, n, m, all_good, matrix)
    if m == 0:
        return chi2
    for _ in range(_STEPS):
        _solve(matrix, m, damping, space.solved)
        step, farthest = space.solved, 0.0
        shift0, shift1 = baseline[0], baseline[1]
        for i in range(n):
            space.kept[i, 0], space.kept[i, 1] = pulses[i, 0], pulses[i, 1]
            pulses[i, 1] += step[2 * i, m]
            shift = min(max(step[2 * i + 1, m], -1.0), 1.0)
            pulses[i, 0] = min(max(pulses[i, 0] + shift, -float(EARLY)), last)
            farthest = max(farthest, abs(pulses[i, 0] - space.kept[i, 0]))
        if m > 2 * n:
            baseline[0] += step[m - 2, m]
            baseline[1] += step[m - 1, m]
        new = _normal_equations(space, value, n, m, all_good, trial)
        # the steps shrink by a factor each: what is left is about this step times that factor
        left = farthest * min(farthest / before, 1.0)
        gain = abs(chi2 - new) / max(noise * noise, 1e-12)
        # a step that gains 0.001 moves no parameter by more than 3% of its error
        if all_good:
            is_close = gain < 1e-3 or (left < still and gain < (1e3 * still) ** 2)
        else:  # samples join the fit and leave it: small steps need not be near the end
            is_close = farthest < 1e-3 and gain < 1e-2
        before = max(farthest, 1e-9)
        if new <= chi2:
            for i in range(m):
                for j in range(m + 1):
                    matrix[i, j] = trial[i, j]
            chi2, damping = new, max(0.1 * damping, 1e-9)
        else:
            for i in range(n):
                pulses[i, 0], pulses[i, 1] = space.kept[i, 0], space.kept[i, 1]
            baseline[0], baseline[1] = shift0, shift1
            damping *= 10.0
            if is_close or damping > 1e6:
                return _normal_equations(space, value, n, m, all_good, matrix)
        if is_close:
            return chi2
    return _normal_equations(space, value, n, m, all_good, matrix)


@njit(cache=True, fastmath=_SUM, error_model="numpy")
def _normal_equations(
    space: Workspace, value: Float32s, n: int, m: int, all_good: bool, matrix: Floats
) -> float:
    """Fill residuals, derivatives and the normal equations of them, and return the sum of squares."""
    n_samples, r, columns, pulses = len(space.y), space.residual, space.columns, space.pulses
    low, high = np.float32(space.baseline[0]), np.float32(space.baseline[1] - space.baseline[0])
    for k in range(n_samples):
        r[k] = space.y[k] - low - high * space.odd[k]
    for i in range(n):
        first = int(np.floor(pulses[i, 0]))
        at = (pulses[i, 0] - first) * PHASES
        row = min(int(at), PHASES - 1)
        part, amplitude = np.float32(at - row), np.float32(pulses[i, 1])
        by_start = amplitude * np.float32(PHASES)
        one, other = columns[2 * i], columns[2 * i + 1]
        early, late = value[row, n_samples - first :], value[row + 1, n_samples - first :]
        for k in range(n_samples):
            change = late[k] - early[k]
            one[k] = early[k] + part * change
            other[k] = by_start * change
        for k in range(n_samples):  # apart from the loop above, else neither is vectorised
            r[k] -= amplitude * one[k]
    for i in range(2 * n, m):
        for k in range(n_samples):
            columns[i, k] = space.odd[k] if i > 2 * n else np.float32(1.0) - space.odd[k]
    if not all_good:
        for k in range(n_samples):
            if space.good[k] == 0 and r[k] <= 0:
                r[k] = np.float32(0.0)
                for i in range(m):
                    columns[i, k] = np.float32(0.0)
    for i in range(0, m, 2):
        a, b = columns[i], columns[i + 1]
        ar, br = np.float32(0.0), np.float32(0.0)
        for k in range(n_samples):
            ar += a[k] * r[k]
            br += b[k] * r[k]
        matrix[i, m], matrix[i + 1, m] = ar, br
        for j in range(0, i + 1, 2):
            c, d = columns[j], columns[j + 1]
            ac, ad, bc, bd = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
            for k in range(n_samples):
                ac += a[k] * c[k]
                ad += a[k] * d[k]
                bc += b[k] * c[k]
                bd += b[k] * d[k]
            matrix[i, j], matrix[i, j + 1], matrix[i + 1, j], matrix[i + 1, j + 1] = ac, ad, bc, bd
            matrix[j, i], matrix[j + 1, i], matrix[j, i + 1], matrix[j + 1, i + 1] = ac, ad, bc, bd
    chi2 = np.float32(0.0)
    for k in range(n_samples):
        chi2 += r[k] * r[k]
    return float(chi2)


@njit(cache=True, error_model="numpy")
def _solve(matrix: Floats, m: int, damping: float, a: Floats) -> None:
    """Solve the m damped equations whose right side is the last column: the solution is the last of ``a``."""
    for i in range(m):
        for j in range(m + 1):
            a[i, j] = matrix[i, j]
        a[i, i] += damping * matrix[i, i] + 1e-9
    for i in range(m):
        if a[i, i] <= 1e-12:  # nothing depends on it: leave it where it is
            for j in range(i, m + 1):
                a[i, j] = 0.0
            a[i, i] = 1.0
            continue
        inverse = 1.0 / a[i, i]
        for j in range(i + 1, m):
            factor = a[i, j] * inverse
            for k in range(j, m + 1):
                a[j, k] -= factor * a[i, k]
    for i in range(m - 1, -1, -1):
        for j in range(i + 1, m):
            a[i, m] -= a[i, j] * a[j, m]
        a[i, m] /= a[i, i]


@njit(cache=True, error_model="numpy")
def invert(matrix: Floats, m: int, a: Floats) -> None:
    """
    Invert a symmetric matrix, by Gauss-Jordan elimination.

    Parameters
    ----------
    matrix : float64, shape (at least m, at least m)
    m : int
        Rows that count.
    a : float64, shape (at least m, at least m)
        Filled with the inverse; the diagonal of a parameter on which nothing depends is 1e9.
    """
    for i in range(m):
        for j in range(m):
            a[i, j] = matrix[i, j]
        a[i, i] += 1e-9
    for i in range(m):
        inverse = 1.0 / max(a[i, i], 1e-9)
        a[i, i] = 1.0
        for k in range(m):
            a[i, k] *= inverse
        for j in range(m):
            if j != i:
                factor = a[j, i]
                a[j, i] = 0.0
                for k in range(m):
                    a[j, k] -= factor * a[i, k]
