"""Conditions of several modes: limits are outside, and what is not a number is not kept."""

import numpy as np
import pytest

from selections.keep import all_below, all_in_window, below, in_time, window

NAN = float("nan")


def test_limits_and_unknown_numbers_are_outside() -> None:
    values = np.array([0.0, 0.5, 1.0, NAN])
    assert below(values, limit=1.0).tolist() == [True, True, False, False]
    assert window(values, low=0.0, high=1.0).tolist() == [False, True, False, False]


def test_one_part_decides() -> None:
    parts = np.array([[0.5, 0.5], [0.5, 1.0], [NAN, 0.5], [0.5, -1.0]])
    assert all_below(parts, limit=1.0).tolist() == [True, False, False, True]
    assert all_in_window(parts, low=0.0, high=1.0).tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("time", "ecal", "hcal", "kept"),
    [(0.0, 1.0, 1.0, True), (NAN, 1.0, 1.0, False), (0.0, 2.0, 1.0, False), (0.0, 1.0, NAN, False)],
)
def test_in_time_needs_all_that_is_given(time: float, ecal: float, hcal: float, *, kept: bool) -> None:
    given = (np.array([time]), np.array([ecal]), np.array([hcal]))
    limits = {"ecal_out_of_time_limit": 2.0, "hcal_out_of_time_limit": 3.0}
    assert in_time(*given, **limits).tolist() == [kept]
    assert in_time(None, None, None, **limits).all()
