"""Shape of pulses worked out by hand, its tables, and pulses that overlap."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.geometry import Digitizer
from recon.pulse_fit import make_workspace
from recon.pulses import N_FIT, PHASES, PulseShape, make_templates
from recon.unfolding import unfold

# From sample to sample the slow part of this pulse halves and the fast one falls to a quarter: it is highest
# one sample after its start, and k samples after it 4 (2^-k - 4^-k) of that: 0, 1, 3/4, 7/16, 15/64.
FALL = 12.5 / np.log(2.0)
HALVES = PulseShape(FALL / 2, FALL)
REAL = PulseShape(15.0, 30.0)
TEMPLATES = make_templates([REAL], period=12.5, n_samples=32, fraction=0.5)


def test_shape_by_hand() -> None:
    at = 12.5 * np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    assert HALVES.value(at) == pytest.approx([0, 0, 1, 0.75, 0.4375, 0.234375])
    assert HALVES.peak_time == pytest.approx(12.5)
    assert HALVES.area == pytest.approx(4 * (FALL - FALL / 2))
    assert HALVES.slope(12.5) == pytest.approx(0.0, abs=1e-12)


def test_slope_is_the_derivative() -> None:
    at, step = np.linspace(0.1, 200.0, 50), 1e-5
    rise = (REAL.value(at + step) - REAL.value(at - step)) / (2 * step)
    assert REAL.slope(at) == pytest.approx(rise, abs=1e-6)


def test_shape_is_that_of_the_digitizer() -> None:
    readout = Digitizer(
        pedestal=50.0, noise=1.0, gain=1.0, rise_time=15.0, fall_time=30.0, trigger_sample=12.0, threshold=6.0
    )
    assert REAL.peak_time == pytest.approx(readout.peak_time)


@pytest.mark.parametrize(("rise", "fall"), [(30.0, 30.0), (0.0, 30.0), (15.0, np.inf), (np.nan, 30.0)])
def test_senseless_shape_is_refused(rise: float, fall: float) -> None:
    with pytest.raises(ValueError, match="0 < rise_time < fall_time"):
        PulseShape(rise, fall)


def test_tables_hold_the_shape_between_samples() -> None:
    half = PHASES // 2
    value = TEMPLATES.value[:, :, 32:]
    assert value[0, 0, :4] == pytest.approx(REAL.value([0.0, 12.5, 25.0, 37.5]))
    assert value[0, half, :4] == pytest.approx(REAL.value([-6.25, 6.25, 18.75, 31.25]))
    assert value[0, PHASES, 1:] == pytest.approx(value[0, 0, :-1])
    assert (TEMPLATES.value[0, :, :32] == 0).all()


def test_weights_return_amplitude_and_shift() -> None:
    """Weighing a pulse gives its amplitude and no shift; weighing its derivative the other way round."""
    value, slope = TEMPLATES.value[0, :, 32 : 32 + N_FIT], TEMPLATES.slope[0, :, 32 : 32 + N_FIT]
    for weight, on_value, on_slope in (
        (TEMPLATES.amplitude_weight[0], 1.0, 0.0),
        (TEMPLATES.time_weight[0], 0.0, 1.0),
    ):
        assert (weight * value).sum(axis=1) == pytest.approx(np.full(PHASES + 1, on_value), abs=1e-5)
        assert (weight * slope).sum(axis=1) == pytest.approx(np.full(PHASES + 1, on_slope), abs=1e-5)


class Found(NamedTuple):
    start: np.ndarray
    amplitude: np.ndarray
    baseline: np.ndarray


def find(y: np.ndarray, full: float = np.inf, *, fits_baseline: bool = False, n_max: int = 5) -> Found:
    space = make_workspace(len(y), n_max)
    space.y[:], space.good[:] = np.minimum(y, full), y < full
    n = unfold(space, TEMPLATES.value[0], TEMPLATES.scan_norm[0], (1.0, 6.0, 5.0, 0.01, 1.2), fits_baseline)
    return Found(space.pulses[:n, 0].copy(), space.pulses[:n, 1].copy(), space.baseline)


def wave(*pulses: tuple[float, float]) -> np.ndarray:
    """Return the sum of pulses (start [samples], amplitude)."""
    return sum((a * REAL.value((np.arange(32) - s) * 12.5) for s, a in pulses), np.zeros(32))


@pytest.mark.parametrize(
    "pulses",
    [
        pytest.param([], id="none"),
        pytest.param([(12.3, 100.0)], id="one"),
        pytest.param([(-3.4, 900.0), (12.0, 100.0)], id="tail-of-an-early-one"),
        pytest.param([(12.0, 100.0), (15.2, 100.0)], id="40-ns-equal"),
        pytest.param([(12.5, 400.0), (15.7, 100.0)], id="40-ns-large-small"),
        pytest.param([(12.5, 100.0), (15.7, 400.0)], id="40-ns-small-large"),
        pytest.param([(5.1, 300.0), (12.4, 80.0), (20.2, 700.0)], id="three"),
        # a fit that comes from the late side of a sample does not find back over it
        pytest.param([(11.9, 300.0), (13.7, 300.0)], id="22-ns-next-to-a-sample"),
        pytest.param([(11.84, 300.0), (13.64, 360.0), (25.0, 90.0)], id="22-ns-and-a-third"),
        pytest.param([(12.4, 500.0), (28.9, 500.0)], id="at-the-end"),
    ],
)
def test_pulses_are_unfolded(pulses: list[tuple[float, float]]) -> None:
    found = find(wave(*pulses))
    assert found.start == pytest.approx([s for s, _ in pulses], abs=0.01)
    assert found.amplitude == pytest.approx([a for _, a in pulses], rel=0.005)


def test_baselines_are_fitted_with_the_pulses() -> None:
    found = find(wave((2.2, 400.0), (12.4, 200.0)) + np.tile([4.0, -2.0], 16), fits_baseline=True)
    assert found.amplitude == pytest.approx([400, 200], rel=0.005)
    assert found.baseline == pytest.approx([4, -2], abs=0.1)


def test_saturated_samples_are_left_out() -> None:
    found = find(wave((12.4, 6000.0), (22.0, 500.0)), full=4045.0)
    assert found.amplitude == pytest.approx([6000, 500], rel=0.005)


def test_of_more_pulses_than_allowed_the_first_are_kept() -> None:
    assert len(find(wave((3.0, 300.0), (10.0, 300.0), (17.0, 300.0)), n_max=2).start) <= 2


@given(start=st.floats(9, 14), ratio=st.floats(0.25, 4), gap=st.floats(3.2, 10), scale=st.floats(1, 8))
def test_scale_and_phase_change_nothing(start: float, ratio: float, gap: float, scale: float) -> None:
    found = find(scale * wave((start, 400.0), (start + gap, 400.0 * ratio)))
    assert found.amplitude == pytest.approx([scale * 400, scale * 400 * ratio], rel=0.02)
    assert found.start == pytest.approx([start, start + gap], abs=0.05)
