"""Shape of pulses and tables of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["EARLY", "N_FIT", "N_SCAN", "PHASES", "SCAN", "PulseShape", "Templates", "make_templates"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

PHASES = 64  # steps of the tables between two samples
N_FIT = 8  # samples from the start of a pulse on that the fit of one pulse alone reads
EARLY = 8  # samples before the first one where a pulse may start whose tail is seen
SCAN = 4  # starts per sample that are tried for a further pulse
N_SCAN = EARLY + N_FIT  # samples that such a trial reads


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

    value: Float32s  # (n_shapes, PHASES + 1, 2 n_samples + EARLY) at sample k - n_samples
    slope: Float32s  # (the same) change of the value when the start moves one sample later
    scan_norm: Float32s  # (n_shapes, SCAN, EARLY + n_samples) 1 / sum of squares of the samples that are seen
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
    time = (np.arange(n_samples + EARLY) - phase[:, None]) * period
    value = np.stack([shape.value(time) for shape in shapes])
    slope = np.stack([-period * shape.slope(time) for shape in shapes])
    y, d = value[:, :, :N_FIT], slope[:, :, :N_FIT]
    yy, yd, dd = (y * y).sum(axis=2), (y * d).sum(axis=2), (d * d).sum(axis=2)
    det = yy * dd - yd * yd
    weights = (dd[..., None] * y - yd[..., None] * d, yy[..., None] * d - yd[..., None] * y)
    edge = np.stack([_edge(rows, phase, fraction) for rows in value])
    empty = np.zeros((len(shapes), PHASES + 1, n_samples))
    padded = [np.concatenate([empty, rows], axis=2) for rows in (value, slope)]
    norm = _scan_norm(value, n_samples)
    tables = (*padded, norm, *(w / det[..., None] for w in weights), np.sqrt(yy / det), edge)
    return Templates(*(np.ascontiguousarray(table, dtype=np.float32) for table in tables))


def _scan_norm(value: Floats, n_samples: int) -> Floats:
    """Return 1 / sum of squares of the samples in the window, for starts from EARLY samples before it on."""
    squares = value[:, : PHASES : PHASES // SCAN, : N_SCAN + 1] ** 2
    upto = np.concatenate([np.zeros((*squares.shape[:2], 1)), np.cumsum(squares, axis=2)], axis=2)
    first = np.arange(-EARLY, n_samples)
    end = np.minimum(n_samples - first, squares.shape[2])
    total = upto[..., end] - upto[..., np.minimum(np.maximum(-first, 0), end)]
    return np.asarray(np.divide(1.0, total, out=np.zeros_like(total), where=total > 0))


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
