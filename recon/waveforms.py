"""Waveforms of sampling converters to pulses: pedestals, amplitudes, times, pile-up, saturation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from recon.channels import ChannelTable, check_table
from recon.pulses import N_FIT, make_templates
from recon.several_pulses import measure_several
from recon.single_pulses import measure_alone
from recon.waveform_columns import Constants, Limits, Quality, allocate

__all__ = ["PileUp", "Pulses", "Quality", "WaveformConfig", "measure_waveforms"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Samples = npt.NDArray[np.uint16]


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
    emptiness: float = 7.0  # [noise] largest residual of a waveform without a pulse: noise makes 5 too often
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
        widths = (self.max_spread, self.significance, self.emptiness, self.min_distance, self.n_sigmas)
        if not all(width > 0 for width in widths) or not self.shape_tolerance >= 0:
            msg = (
                f"waveforms need max_spread, significance, emptiness, min_distance and n_sigmas above 0 and "
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


def measure_waveforms(
    samples: Samples, channel: npt.NDArray[np.integer], table: ChannelTable, config: WaveformConfig
) -> Pulses:
    """
    Find the pulses of each waveform and pick the one nearest the expected time.

    A waveform that one pulse explains takes a short way: the rising edge gives the start, one linear fit of
    the next samples amplitude and time. All others are unfolded (`recon.unfolding.unfold`).

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
    out = allocate(n)
    if n_samples < config.n_leading + N_FIT:
        out.quality[:] = int(Quality.SHORT)
        return Pulses(*out, _no_others())
    templates = make_templates(
        table.shapes, period=table.period, n_samples=n_samples, fraction=config.fraction
    )
    constants, limits = _constants(table), _limits(config, table.period)
    todo = np.empty(n, dtype=np.int64)
    waves = np.ascontiguousarray(samples, dtype=np.uint16)
    n_todo = measure_alone(waves, rows, constants, limits, templates, out, todo)
    others = measure_several(waves, rows, todo[:n_todo], constants, limits, templates, out)
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


def _no_others() -> PileUp:
    return PileUp(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32))


def _constants(table: ChannelTable) -> Constants:
    def narrow(values: Floats) -> Float32s:
        return np.ascontiguousarray(values, dtype=np.float32)

    return Constants(
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


def _limits(config: WaveformConfig, period: float) -> Limits:
    f = np.float32
    return Limits(
        *(config.n_leading, config.baseline == "leading", f(config.max_spread), f(config.fraction)),
        *(f(config.significance), f(config.shape_tolerance), f(config.min_distance / period)),
        *(config.max_pulses, f(config.n_sigmas), f(period)),
        emptiness=f(config.emptiness),
    )
