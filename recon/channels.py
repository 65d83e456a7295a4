"""The channels of sampling converters: pulse shape, pedestal, gain and expected time of each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.geometry import Setup
from recon.pulses import PulseShape

__all__ = ["ChannelTable", "channel_table", "check_table"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ROUNDING = 0.29  # [ADC] rms that is left to whole numbers without noise


class ChannelTable(NamedTuple):
    """Properties of all channels of a setup; `channel_table` makes one, `check_table` refuses a bad one."""

    shapes: tuple[PulseShape, ...]
    shape: Ints  # (n_channels,) index of the pulse shape
    period: float  # [ns] between two samples
    pedestal: Floats  # [ADC] (n_channels, 2) of even and of odd samples; NaN: take the leading samples
    noise: Floats  # [ADC] (n_channels,) rms of a sample
    threshold: Floats  # [ADC] (n_channels,) least amplitude of a pulse
    saturation: Floats  # [ADC] (n_channels,) largest sample
    gain: Floats  # [ADC / GeV] (n_channels,) at the maximum of a pulse
    start: Floats  # [ns] (n_channels,) from the first sample to the start of a pulse in time
    window: Floats  # [ns] (n_channels, 2) around the expected time; NaN: n_sigmas time errors


def channel_table(setup: Setup, pedestal: Floats | None = None) -> ChannelTable:
    """
    Lay out the channels of a setup: detectors, counters and sections in its order, x slow and y fast.

    Parameters
    ----------
    setup : Setup
    pedestal : float64, shape (n_channels, 2) [ADC], optional
        From conditions; NaN or none: from the leading samples.

    Raises
    ------
    ValueError
        If a detector has no readout, the sampling differs between detectors, or the pedestals do not fit.
    """
    shapes: list[PulseShape] = []
    periods, rows = set(), []
    for detector in setup.read_out.values():
        r = detector.readout
        if r is None:
            msg = f"setup {setup.name}: detector '{detector.name}' has no 'readout' to read waveforms"
            raise ValueError(msg)
        shape = PulseShape(r.rise_time, r.fall_time)
        if shape not in shapes:
            shapes.append(shape)
        periods.add(r.sampling_period)
        for section in detector.sections:
            start = r.trigger_sample * r.sampling_period + section.time_offset
            row = (r.noise, r.threshold, float(r.saturation), r.gain, start, *detector.time_window)
            rows += [(float(shapes.index(shape)), *row)] * section.grid.n_cells
    if len(periods) != 1:
        msg = (
            f"setup {setup.name}: all detectors need the same sampling_period, they have {sorted(periods)} ns"
        )
        raise ValueError(msg)
    index, noise, threshold, saturation, gain, begin, early, late = np.array(rows).T
    given = np.full((len(rows), 2), np.nan) if pedestal is None else np.asarray(pedestal, dtype=np.float64)
    table = ChannelTable(
        *(tuple(shapes), index.astype(np.int64), periods.pop(), given),
        *(np.maximum(noise, _ROUNDING), threshold, saturation, gain, begin, np.stack([early, late], axis=1)),
    )
    check_table(table)
    return table


def check_table(table: ChannelTable) -> None:
    """
    Refuse a table with a column of the wrong length or a number that makes no sense.

    Raises
    ------
    ValueError
        It names the column and the first channel at fault.
    """
    n = len(table.shape)
    for name, width in {"pedestal": (n, 2), "window": (n, 2)}.items():
        if getattr(table, name).shape != width:
            msg = f"the channel table's {name} must have the shape {width}, got {getattr(table, name).shape}"
            raise ValueError(msg)
    for name in ("noise", "threshold", "saturation", "gain"):
        _refuse(name, n, getattr(table, name), getattr(table, name) > 0, "above 0")
    _refuse("start", n, table.start, np.isfinite(table.start), "finite")
    known = (table.shape >= 0) & (table.shape < len(table.shapes))
    _refuse("shape", n, table.shape, known, f"one of 0 to {len(table.shapes) - 1}")
    finite = np.isfinite(table.pedestal).sum(axis=1)
    _refuse("pedestal", n, table.pedestal[:, 0], finite != 1, "known for both converters or for neither")
    if not 0 < table.period < np.inf:
        msg = f"the channel table's period must be above 0 ns, got {table.period:g}"
        raise ValueError(msg)


def _refuse(
    name: str, n: int, values: npt.NDArray[np.generic], fits: npt.NDArray[np.bool_], wanted: str
) -> None:
    if values.shape != (n,):
        msg = f"the channel table's {name} must have the shape {(n,)}, got {values.shape}"
        raise ValueError(msg)
    wrong = np.flatnonzero(~fits)
    if len(wrong):
        msg = f"the channel table's {name} of channel {wrong[0]} must be {wanted}, got {values[wrong[0]]}"
        raise ValueError(msg)
