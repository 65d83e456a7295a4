"""Time and height of a shaped pulse from its samples."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["fit_pulse"]

Floats = npt.NDArray[np.float64]


@njit(cache=True)
def fit_pulse(
    samples: Floats, noise: float, latency: float, period: float, shaping: float
) -> tuple[float, float, float]:
    """
    Fit time and height of a pulse ``t / shaping exp(1 - t / shaping)``.

    Multiplied by ``exp(k period / shaping)``, sample k lies on a straight line in k, whose zero is the start
    of the pulse; for two samples this is the time from their ratio. Samples before the start are left out. Of
    a pulse that starts between the last two, the time is known to within a period, not its height.

    Parameters
    ----------
    samples : float64, shape (n_samples,)
    noise : float
        Rms of a sample, in its unit.
    latency : float [ns]
        From the trigger particle's passage to sample 0.
    period, shaping : float [ns]

    Returns
    -------
    time, time_error : float [ns]
        Relative to the trigger particle. Where fewer than two samples come after the start, by two rms: the
        middle of the last period, and the rms of a time in it. NaN for samples that no pulse has.
    height : float
        At the maximum; where the last sample alone or no pulse is seen, the largest sample.
    """
    for first in range(len(samples) - 1):
        s0 = s1 = s2 = y0 = y1 = 0.0
        for k in range(first, len(samples)):
            stretch = math.exp(k * period / shaping)
            weight = 1.0 / (stretch * stretch)
            s0 += weight
            s1 += weight * k
            s2 += weight * k * k
            y0 += weight * samples[k] * stretch
            y1 += weight * samples[k] * stretch * k
        det = s0 * s2 - s1 * s1
        constant, slope = (s2 * y0 - s1 * y1) / det, (s0 * y1 - s1 * y0) / det
        if slope <= 0.0:
            return np.nan, np.nan, samples.max()
        if first == len(samples) - 2 and samples[first] < 2.0 * noise:
            break
        start = -constant / slope  # in samples
        if start > first:
            continue
        variance = (s2 - 2.0 * start * s1 + start * start * s0) / det / (slope * slope)
        since = -start * period  # from the start of the pulse to sample 0
        height = slope / period * shaping * math.exp(since / shaping - 1.0)
        return latency - since, noise * period * math.sqrt(max(variance, 0.0)), height
    middle = latency + (len(samples) - 1.5) * period
    return middle, period / math.sqrt(12.0), samples.max()
