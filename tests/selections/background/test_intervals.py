import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from selections.background.intervals import (
    Interval,
    add,
    join_errors,
    poisson_interval,
    poisson_limits,
    weighted_interval,
)

TAIL = 0.158655


@pytest.mark.parametrize("count", [0, 1, 4, 30])
def test_poisson_ends_leave_one_tail_each(count: int) -> None:
    value, low, high = poisson_interval(count)
    assert value == count
    assert poisson.cdf(count, high) == pytest.approx(TAIL, rel=1e-4)
    if count:
        assert poisson.sf(count - 1, low) == pytest.approx(TAIL, rel=1e-4)
    else:
        assert low == 0


def test_no_count_has_the_upper_end_of_the_textbook() -> None:
    assert poisson_interval(0).high == pytest.approx(1.841, abs=1e-3)
    assert poisson_interval(1)[1:] == pytest.approx((0.173, 3.300), abs=1e-3)


def test_fewer_sigmas_make_a_narrower_interval() -> None:
    low, high = poisson_limits(9, np.array([0.2, 1.0, 2.0]))
    assert (np.diff(low) < 0).all()
    assert (np.diff(high) > 0).all()


@given(st.integers(1, 200), st.floats(1e-3, 1e3))
def test_equal_weights_scale_the_interval_of_their_count(count: int, weight: float) -> None:
    found = weighted_interval(count * weight, count * weight**2, weight)
    assert found == pytest.approx(poisson_interval(count).scaled(weight), rel=1e-9)


def test_unequal_weights_are_worth_fewer_events() -> None:
    equal = weighted_interval(10.0, 10.0, 1.0)
    uneven = weighted_interval(10.0, 5.0**2 + 5.0, 1.0)  # one event of 5 and five of 1
    assert uneven.high - uneven.low > equal.high - equal.low


def test_no_weight_gives_what_one_event_would_count() -> None:
    assert weighted_interval(0.0, 0.0, 0.01) == pytest.approx((0.0, 0.0, 0.01841), abs=1e-5)


@pytest.mark.parametrize("wrong", [(-1.0, 1.0, 1.0), (np.nan, 1.0, 1.0), (1.0, 1.0, 0.0)])
def test_senseless_sums_are_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="weights must not add up below 0"):
        weighted_interval(*wrong)


def test_errors_join_in_quadrature_on_each_side() -> None:
    assert join_errors(Interval(10.0, 7.0, 14.0), [(4.0, 3.0)]) == pytest.approx((10.0, 5.0, 15.0))
    assert join_errors(Interval(1.0, 0.5, 2.0), [(5.0, 0.0)]).low == 0


def test_sums_add_errors_in_quadrature() -> None:
    assert add([Interval(2.0, 2.0, 5.0), Interval(1.0, 0.0, 5.0)]) == pytest.approx((3.0, 2.0, 8.0))
