"""How charges become digits: sampling converters of photomultipliers, strips and straws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recon.geometry.strict import Strict

__all__ = ["Digitizer", "StrawReadout", "StripReadout"]

Floats = npt.NDArray[np.float64]


def _check(who: str, *, positive: Mapping[str, float], others: Mapping[str, float]) -> None:
    """Refuse numbers that are not above 0, or of the others those that are negative; NaN is both."""
    wrong = [f"{name} > 0 (got {value:g})" for name, value in positive.items() if not 0 < value < math.inf]
    wrong += [f"{name} >= 0 (got {value:g})" for name, value in others.items() if not 0 <= value < math.inf]
    if wrong:
        msg = f"{who} needs {', '.join(wrong)}"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digitizer(Strict):
    """
    A sampling converter behind each cell of a detector (MSADC).

    Two converters take turns: even samples are of one, odd samples of the other, each with a pedestal of
    its own. A pulse is ``exp(-t / fall_time) - exp(-t / rise_time)``, scaled to 1 at its maximum.
    """

    n_samples: int = 32
    sampling_period: float = 12.5  # [ns]
    saturation: int = 4095  # [ADC] largest sample
    pedestal: float  # [ADC] mean over channels
    pedestal_spread: float = 0.0  # [ADC] rms over channels and over their two converters
    noise: float  # [ADC] rms of a sample
    gain: float  # [ADC / GeV visible] at the maximum of a pulse
    rise_time: float  # [ns]
    fall_time: float  # [ns]
    trigger_sample: float  # sample at which a pulse of the trigger particle starts; may lie between two
    threshold: float  # [ADC] a channel is written if one of its samples is that far above its pedestal

    def __post_init__(self) -> None:
        if self.n_samples < 2 or self.n_samples % 2:
            msg = f"a digitizer needs an even n_samples, for two converters take turns, got {self.n_samples}"
            raise ValueError(msg)
        _check(
            "a digitizer",
            positive={
                "sampling_period": self.sampling_period,
                "gain": self.gain,
                "rise_time": self.rise_time,
                "fall_time": self.fall_time,
                "threshold": self.threshold,
            },
            others={"pedestal": self.pedestal, "pedestal_spread": self.pedestal_spread, "noise": self.noise},
        )
        if not self.rise_time < self.fall_time:
            msg = f"a pulse needs rise_time < fall_time, got {self.rise_time:g} and {self.fall_time:g} ns"
            raise ValueError(msg)
        if not self.pedestal + self.threshold < self.saturation < 2**16:
            msg = (
                f"a digitizer needs pedestal + threshold < saturation < 65536, got {self.pedestal:g} + "
                f"{self.threshold:g} and {self.saturation}"
            )
            raise ValueError(msg)
        if not 0 <= self.trigger_sample < self.n_samples:
            msg = f"trigger_sample must lie in [0, {self.n_samples}), got {self.trigger_sample:g}"
            raise ValueError(msg)

    @property
    def peak_time(self) -> float:
        """Return how long after its start a pulse has its maximum [ns]."""
        rise, fall = self.rise_time, self.fall_time
        return rise * fall / (fall - rise) * math.log(fall / rise)


@dataclass(frozen=True, slots=True, kw_only=True)
class StripReadout(Strict):
    """
    Charge samples of strips along x and y (APV25 of micromegas and GEM), both coordinates alike.

    Strip 0 lies at the low edge, the strips together are centred on the plane. The shaper makes a pulse
    ``t / shaping_time exp(1 - t / shaping_time)`` of a charge, 1 at its maximum. Samples count from the
    pedestal.
    """

    pitch: float  # [mm]
    n_strips: int  # per coordinate
    n_channels: int  # per coordinate
    channel_of_strip: tuple[int, ...] = ()  # several strips may share one; empty: one channel per strip
    n_samples: int = 3
    sampling_period: float = 25.0  # [ns]
    latency: float  # [ns] from the trigger particle's passage to the first sample
    shaping_time: float  # [ns]
    cluster_width: float  # [mm] rms of the charge on the strips
    gain: float  # [ADC] most probable sum over strips, at the maximum, of a minimum-ionising particle
    gain_spread: float = 0.0  # Landau width over the most probable charge
    cross_talk: float = 0.0  # part of a channel's charge that each of the two neighbouring channels sees
    noise: float  # [ADC] rms of a sample
    saturation: int = 1023  # [ADC] largest sample
    threshold: float  # [ADC] a channel is written if one of its samples reaches it
    dead_strips: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())  # of x and of y

    def __post_init__(self) -> None:
        _check(
            "a strip readout",
            positive={
                "pitch": self.pitch,
                "n_strips": self.n_strips,
                "n_channels": self.n_channels,
                "n_samples": self.n_samples,
                "sampling_period": self.sampling_period,
                "shaping_time": self.shaping_time,
                "cluster_width": self.cluster_width,
                "gain": self.gain,
                "threshold": self.threshold,
            },
            others={"gain_spread": self.gain_spread, "cross_talk": self.cross_talk, "noise": self.noise},
        )
        if not math.isfinite(self.latency) or not self.threshold < self.saturation < 2**16:
            msg = (
                f"a strip readout needs a finite latency and threshold < saturation < 65536, got "
                f"{self.latency:g} ns, {self.threshold:g} and {self.saturation}"
            )
            raise ValueError(msg)
        self._check_channels()
        wrong = [strip for strips in self.dead_strips for strip in strips if not 0 <= strip < self.n_strips]
        if wrong:
            msg = f"dead_strips names strip {wrong[0]}, strips are 0 to {self.n_strips - 1}"
            raise ValueError(msg)

    def _check_channels(self) -> None:
        if not self.channel_of_strip:
            if self.n_channels != self.n_strips:
                msg = (
                    f"{self.n_strips} strips on {self.n_channels} channels need channel_of_strip; without it "
                    f"each strip has a channel"
                )
                raise ValueError(msg)
            return
        if len(self.channel_of_strip) != self.n_strips:
            msg = f"channel_of_strip lists {len(self.channel_of_strip)} strips, n_strips is {self.n_strips}"
            raise ValueError(msg)
        wrong = [channel for channel in self.channel_of_strip if not 0 <= channel < self.n_channels]
        if wrong:
            msg = f"channel_of_strip names channel {wrong[0]}, channels are 0 to {self.n_channels - 1}"
            raise ValueError(msg)

    @property
    def channels(self) -> npt.NDArray[np.int64]:
        """Return the channel of each strip, (n_strips,)."""
        return np.array(self.channel_of_strip or range(self.n_strips), dtype=np.int64)

    @property
    def centres(self) -> Floats:
        """Return the centre of each strip relative to that of the plane, (n_strips,) [mm]."""
        return (np.arange(self.n_strips, dtype=np.float64) - 0.5 * (self.n_strips - 1)) * self.pitch


@dataclass(frozen=True, slots=True, kw_only=True)
class StrawReadout(Strict):
    """
    Drift times of straws along x and y, both coordinates alike.

    Each coordinate has two layers, the second shifted by half a diameter: a track has a wire of the one on
    its left and a wire of the other on its right, which tells the side. Straws of both layers are counted
    together from low to high position: straw ``2 i`` is number i of the first layer, ``2 i + 1`` of the
    second.
    """

    diameter: float  # [mm]
    n_straws: int  # of one layer
    max_drift_time: float  # [ns] from the wall
    drift_slowing: float = 0.0  # part of the drift time that grows as the square of the distance, from 0 to 1
    resolution: float  # [mm] of the distance to the wire
    ionisations: float  # [1/mm] along the track: few of them near the wall, where a straw may stay silent
    tdc_period: float  # [ns] of a count
    time_zero: float = 0.0  # [ns] read for a trigger particle through a wire

    def __post_init__(self) -> None:
        _check(
            "a straw readout",
            positive={
                "diameter": self.diameter,
                "n_straws": self.n_straws,
                "max_drift_time": self.max_drift_time,
                "ionisations": self.ionisations,
                "tdc_period": self.tdc_period,
            },
            others={"drift_slowing": self.drift_slowing, "resolution": self.resolution},
        )
        if not self.drift_slowing <= 1 or not math.isfinite(self.time_zero):
            msg = (
                f"a straw readout needs drift_slowing <= 1 and a finite time_zero, got "
                f"{self.drift_slowing:g} and {self.time_zero:g} ns"
            )
            raise ValueError(msg)

    @property
    def wires(self) -> Floats:
        """Return the wire of each straw relative to the centre of the plane, (2 n_straws,) [mm]."""
        return (np.arange(2 * self.n_straws, dtype=np.float64) - self.n_straws + 0.5) * 0.5 * self.diameter

    def drift_time(self, distance: npt.ArrayLike) -> Floats:
        """
        Return the drift time over a distance to the wire.

        ``t = max_drift_time ((1 - c) rho + c rho^2)`` with rho the distance over the radius and c =
        `drift_slowing`: the field falls with the distance, and with it the drift velocity.

        Parameters
        ----------
        distance : float64, any shape [mm]

        Returns
        -------
        float64, same shape [ns]
        """
        rho = np.asarray(distance, dtype=np.float64) / (0.5 * self.diameter)
        return self.max_drift_time * ((1 - self.drift_slowing) * rho + self.drift_slowing * rho**2)

    def drift_distance(self, time: npt.ArrayLike) -> Floats:
        """
        Return the distance to the wire of a drift time, the inverse of `drift_time`.

        Parameters
        ----------
        time : float64, any shape [ns]
            Less than 0 counts as 0, more than `max_drift_time` as that.

        Returns
        -------
        float64, same shape [mm]
        """
        share = np.clip(np.asarray(time, dtype=np.float64) / self.max_drift_time, 0.0, 1.0)
        linear = 1 - self.drift_slowing
        root = np.sqrt(linear**2 + 4 * self.drift_slowing * share)
        rho = np.divide(2 * share, linear + root, out=np.zeros_like(share), where=share > 0)
        return np.asarray(0.5 * self.diameter * rho)
