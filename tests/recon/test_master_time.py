"""The reference time of an event: means of beam counters, and events without any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recon.master_time import master_time

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


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n_counters.*\(2, 3\) and \(3, 2\)"):
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
