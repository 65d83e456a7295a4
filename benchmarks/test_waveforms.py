"""Waveforms to pulses: one pulse, empty channels, and waveforms that have to be unfolded."""

from typing import Any

import numpy as np
import pytest

from recon.channels import ChannelTable
from recon.pulses import PulseShape, make_templates
from recon.single_pulses import measure_alone
from recon.waveform_columns import allocate
from recon.waveforms import WaveformConfig, _constants, _limits, measure_waveforms

N_WAVEFORMS = 200_000
SHAPE = PulseShape(15.0, 30.0)
CONFIG = WaveformConfig()


def one_channel(pedestal: float) -> ChannelTable:
    row = {"noise": 1.0, "threshold": 6.0, "saturation": 4095.0, "gain": 300.0, "start": 150.0}
    return ChannelTable(
        shapes=(SHAPE,),
        shape=np.zeros(1, dtype=np.int64),
        period=12.5,
        pedestal=np.full((1, 2), pedestal),
        window=np.array([[-10.0, 10.0]]),
        **{name: np.array([value]) for name, value in row.items()},
    )


def sample(*pulses: tuple[float, float], n: int = N_WAVEFORMS) -> Any:
    """Return waveforms with pulses (mean amplitude, mean start [ns]) of exponential heights."""
    rng, at = np.random.default_rng(1), np.arange(32) * 12.5
    y = 50.0 + rng.standard_normal((n, 32))
    for amplitude, start in pulses:
        since = at - rng.normal(start, 1.0, n)[:, None]
        y += (20.0 + rng.exponential(amplitude, n))[:, None] * SHAPE.value(since)
    return np.clip(np.floor(y + 0.5), 0, 4095).astype(np.uint16)


@pytest.mark.parametrize("pedestal", [50.0, np.nan], ids=["given", "leading"])
@pytest.mark.parametrize("pulses", [[(100.0, 150.0)], []], ids=["one-pulse", "empty"])
def test_kernel_of_one_pulse(benchmark: Any, pulses: list[tuple[float, float]], pedestal: float) -> None:
    samples, table = sample(*pulses), one_channel(pedestal)
    templates = make_templates(table.shapes, period=12.5, n_samples=32, fraction=CONFIG.fraction)
    channel, todo = np.zeros(N_WAVEFORMS, np.int32), np.empty(N_WAVEFORMS, np.int64)
    rest = _constants(table), _limits(CONFIG, 12.5), templates, allocate(N_WAVEFORMS), todo
    benchmark.extra_info["waveforms"] = N_WAVEFORMS
    n_todo = benchmark(measure_alone, samples, channel, *rest)
    assert n_todo < 0.01 * N_WAVEFORMS


@pytest.mark.parametrize(
    ("pulses", "n"),
    [
        pytest.param([(100.0, 150.0)], N_WAVEFORMS, id="one-pulse"),
        pytest.param([(100.0, 150.0), (100.0, 220.0)], 10_000, id="two-pulses"),
        pytest.param([(9000.0, 150.0)], 10_000, id="saturated"),
    ],
)
def test_waveforms(benchmark: Any, pulses: list[tuple[float, float]], n: int) -> None:
    benchmark.extra_info["waveforms"] = n
    found = benchmark(
        measure_waveforms, sample(*pulses, n=n), np.zeros(n, np.int32), one_channel(50.0), CONFIG
    )
    assert np.isfinite(found.amplitude).mean() > 0.98
