"""What the kernels of waveforms read and fill."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["Constants", "Limits", "Out", "Quality", "allocate", "fill_pulse"]

Float32s = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Quality(IntFlag):
    """What is to be said of a waveform; 0: nothing."""

    SHORT = 1  # fewer samples than a pulse and its pedestal need
    ALL_ZERO = 2
    ALL_SATURATED = 4
    NOISY_BASELINE = 8  # leading samples spread too far, or lie off the pedestal of the conditions
    SATURATED = 16  # samples at full scale; the pulse is fitted to the others
    NO_PULSE = 32  # none above threshold
    BAD_FIT = 64  # the pulses do not explain all samples


class Constants(NamedTuple):
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


class Limits(NamedTuple):
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
    emptiness: np.float32


class Out(NamedTuple):
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


def allocate(n: int) -> Out:
    """
    Return columns that say: no pulse.

    Parameters
    ----------
    n : int
        Waveforms.
    """

    def unknown() -> Float32s:
        return np.full(n, np.nan, dtype=np.float32)

    flags = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.uint8), np.zeros(n, dtype=np.uint8)
    columns = unknown(), unknown(), unknown(), unknown(), unknown(), unknown()
    return Out(*columns, *flags, np.full((n, 2), np.nan, dtype=np.float32))


@njit(cache=True)
def fill_pulse(
    i: int,
    c: int,
    amplitude: np.float32,
    start: np.float32,
    error: np.float32,
    table: Constants,
    limits: Limits,
    out: Out,
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
