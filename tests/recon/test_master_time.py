"""The reference time of an event: means of beam counters, and events without any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recon.master_time import NearestPulses, add_close, is_hidden, master_time, nearest_pulses
from recon.waveforms import PileUp, Pulses

NAN = float("nan")


@pytest.mark.parametrize(
    ("times", "valid", "mean", "n"),
    [
        pytest.param([1.0, 2.0, 6.0], [True, True, True], 3.0, 3, id="all"),
        pytest.param([1.0, 2.0, 6.0], [True, False, True], 3.5, 2, id="one-did-not-measure"),
        pytest.param([1.0, NAN, 6.0], [True, True, True], 3.5, 2, id="nan-never-counts"),
        pytest.param([1.0, np.inf, 2.0], [True, True, False], 1.0, 1, id="nor-does-infinity"),
        pytest.param([1.0, 2.0, 6.0], [False, False, False], NAN, 0, id="none"),
        pytest.param([NAN, NAN, NAN], [True, True, True], NAN, 0, id="all-nan"),
        pytest.param([], [], NAN, 0, id="no-counters"),
    ],
)
def test_mean_of_the_counters_that_measured(times: list, valid: list, mean: float, n: int) -> None:
    found = master_time(np.array([times], dtype=float), np.array([valid], dtype=bool))
    assert found.time == pytest.approx([mean], nan_ok=True)
    assert (found.n_counters.tolist(), found.is_valid.tolist()) == ([n], [n > 0])


def test_counters_that_saw_two_particles_leave_the_time_unknown() -> None:
    """Nor do those beside them count: they took the two for one."""
    close = np.array([[False, True, False], [False, False, False]])
    found = master_time(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]), np.ones((2, 3), dtype=bool), close)
    assert found.is_ambiguous.tolist() == [True, False]
    assert found.n_counters.tolist() == [0, 3]
    assert found.time == pytest.approx([NAN, 2.0], nan_ok=True)


def _pulses(amplitude: list[float], time: list[float], others: PileUp) -> Pulses:
    n = len(amplitude)
    unused = np.zeros(n, dtype=np.float32)
    return Pulses(
        np.array(amplitude, dtype=np.float32),
        unused,
        np.array(time, dtype=np.float32),
        *(unused, unused, unused),
        *(np.ones(n, dtype=bool), unused.astype(np.uint8), unused.astype(np.uint8), unused, others),
    )


OTHERS = PileUp(
    np.array([0, 0, 2]), np.array([30, 40, 10], dtype=np.float32), np.array([-50, 10, 30], dtype=np.float32)
)


def test_the_pulse_nearest_the_master_time_is_picked() -> None:
    pulses = _pulses([100.0, np.nan, 20.0], [-4.0, np.nan, 1.0], OTHERS)
    found = nearest_pulses(pulses, np.array([6.0, 6.0, 6.0]))
    assert found.amplitude == pytest.approx([40.0, NAN, 20.0], nan_ok=True)  # 10 is nearer 6 than -4 is
    assert found.time == pytest.approx([10.0, NAN, 1.0], nan_ok=True)
    assert sorted(found.others.time[found.others.waveform == 0].tolist()) == [-50.0, -4.0]
    assert found.others.amplitude.sum() + np.nansum(found.amplitude) == 200.0  # nothing is lost


def test_pulses_too_close_to_tell_apart_are_one() -> None:
    pulses = NearestPulses(
        *_pulses([60.0, np.nan, 20.0], [2.0, np.nan, 1.0], OTHERS)[0:3:2], np.zeros(3), OTHERS
    )
    found = add_close(pulses, 25.0)
    assert found.n_close.tolist() == [1, 0, 0]
    assert found.amplitude == pytest.approx([100.0, NAN, 20.0], nan_ok=True)
    assert found.time == pytest.approx([(60 * 2 + 40 * 10) / 100, NAN, 1.0], nan_ok=True)
    assert found.others.time.tolist() == [-50.0, 30.0]


@pytest.mark.parametrize(
    ("full", "hidden"),
    [
        pytest.param([9, 10, 11], True, id="until-the-start"),
        pytest.param([7, 8, 9, 10], True, id="two-samples-before"),
        pytest.param([6, 7, 8, 9], False, id="long-before"),
        pytest.param([13, 14, 15], False, id="its-own-pulse"),
        pytest.param([8, 9, 10, 11, 12, 13, 14], True, id="over-it"),
        pytest.param([], False, id="none"),
    ],
)
def test_a_pulse_behind_a_saturated_one_is_hidden(full: list[int], hidden: bool) -> None:
    samples = np.full((1, 32), 60, dtype=np.uint16)
    samples[0, full] = 4095
    assert is_hidden(samples, np.array([4095.0]), np.array([12.3])).tolist() == [hidden]


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n_counters.*\(2, 3\), \(3, 2\)"):
        master_time(np.zeros((2, 3)), np.ones((3, 2), dtype=bool))


@given(
    times=arrays(float, (6, 4), elements=st.floats(-100, 100)),
    valid=arrays(bool, (6, 4)),
    shift=st.floats(-50, 50),
    seed=st.integers(0, 99),
)
def test_shift_and_order_of_the_counters(
    times: np.ndarray, valid: np.ndarray, shift: float, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(4)
    found, moved = master_time(times, valid), master_time((times + shift)[:, order], valid[:, order])
    assert moved.time == pytest.approx(found.time + shift, abs=1e-9, nan_ok=True)
    assert (moved.n_counters == found.n_counters).all()
