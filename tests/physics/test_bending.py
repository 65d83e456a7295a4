"""Tests of the way through a field: numbers by hand, the equation of motion, and what must not change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from physics.bending import bend

LIGHT = 0.299792458  # [GeV / (T m)]
MOMENTA, SLOPES = st.floats(1.0, 200.0), st.floats(-0.05, 0.05)
FIELDS, CHARGES, LENGTHS = st.floats(-2.0, 2.0), st.sampled_from([-1.0, 1.0]), st.floats(10.0, 1500.0)


def integrate(
    x: float, y: float, slope_x: float, slope_y: float, p: float, charge: float, field: float, length: float
) -> tuple[float, float, float, float]:
    """Integrate dp/ds = q B (direction x e_y) along the path s [mm] up to z = length."""
    start = np.array([slope_x, slope_y, 1.0])
    start /= np.linalg.norm(start)
    curvature = charge * LIGHT * 1e-3 * field / p  # [1/mm]

    def derivative(_: float, state: np.ndarray) -> np.ndarray:
        direction = state[3:]
        return np.concatenate([direction, curvature * np.cross(direction, [0.0, 1.0, 0.0])])

    def at_the_end(_: float, state: np.ndarray) -> float:
        return float(state[2] - length)

    at_the_end.terminal = True  # type: ignore[attr-defined]
    start = np.concatenate([[x, y, 0.0], start])
    way = solve_ivp(derivative, (0.0, 3 * length), start, events=at_the_end, rtol=1e-11, atol=1e-11)
    end = way.y_events[0][0]
    return end[0], end[1], end[3] / end[5], end[4] / end[5]


def test_electron_of_100_gev_in_7_tesla_metres_by_hand() -> None:
    """sin(theta) = 0.299792 * 7 / 100; x = R (1 - cos theta) with R = 100 / (0.299792 * 1.75) m."""
    x, y, slope_x, slope_y, angle = bend(0.0, 0.0, 0.0, 0.0, 100.0, -1.0, 1.75, 4000.0)
    assert angle == pytest.approx(20.987e-3, rel=1e-4)
    assert slope_x == pytest.approx(20.990e-3, rel=1e-4)
    assert x == pytest.approx(190.61e3 * 2.2023e-4, rel=2e-4)  # 41.98 mm
    assert (y, slope_y) == (0.0, 0.0)


@pytest.mark.parametrize("charge", [-1.0, 1.0])
@pytest.mark.parametrize("field", [-1.8, 0.9])
@pytest.mark.parametrize("momentum", [1.0, 3.0, 30.0, 200.0])
def test_equation_of_motion(momentum: float, field: float, charge: float) -> None:
    start = (3.0, -5.0, 0.03, -0.04, momentum, charge, field, 1500.0)
    expected = integrate(*start)
    assert bend(*start)[:4] == pytest.approx(expected, rel=1e-7, abs=1e-7)


@given(p=MOMENTA, q=CHARGES, field=FIELDS, length=LENGTHS, slope_x=SLOPES, slope_y=SLOPES)
def test_two_halves_are_the_whole(
    p: float, q: float, field: float, length: float, slope_x: float, slope_y: float
) -> None:
    *whole, angle = bend(1.0, 2.0, slope_x, slope_y, p, q, field, length)
    *middle, first = bend(1.0, 2.0, slope_x, slope_y, p, q, field, length / 2)
    *halves, second = bend(*middle, p, q, field, length / 2)
    assert halves == pytest.approx(whole, rel=1e-9, abs=1e-9)
    assert first + second == pytest.approx(angle, rel=1e-9, abs=1e-12)


@given(p=MOMENTA, q=CHARGES, field=FIELDS, length=LENGTHS, slope_x=SLOPES, slope_y=SLOPES)
def test_there_and_back_again(
    p: float, q: float, field: float, length: float, slope_x: float, slope_y: float
) -> None:
    *there, angle = bend(1.0, 2.0, slope_x, slope_y, p, q, field, length)
    *back, returned = bend(*there, p, q, field, -length)
    assert back == pytest.approx((1.0, 2.0, slope_x, slope_y), rel=1e-9, abs=1e-9)
    assert returned == pytest.approx(-angle, rel=1e-9, abs=1e-12)


@given(p=MOMENTA, field=FIELDS, length=LENGTHS, slope_x=SLOPES, slope_y=SLOPES)
def test_the_opposite_charge_takes_the_mirrored_way(
    p: float, field: float, length: float, slope_x: float, slope_y: float
) -> None:
    one = bend(1.0, 2.0, slope_x, slope_y, p, 1.0, field, length)
    mirrored = bend(-1.0, 2.0, -slope_x, slope_y, p, -1.0, field, length)
    assert (-mirrored[0], mirrored[1], -mirrored[2], mirrored[3], -mirrored[4]) == one


@given(p=MOMENTA, q=CHARGES, field=FIELDS, length=LENGTHS, slope_x=SLOPES, slope_y=SLOPES)
def test_momentum_along_the_field_stays(
    p: float, q: float, field: float, length: float, slope_x: float, slope_y: float
) -> None:
    _, _, after_x, after_y, _ = bend(0.0, 0.0, slope_x, slope_y, p, q, field, length)
    before = slope_y / np.sqrt(1 + slope_x**2 + slope_y**2)
    assert after_y / np.sqrt(1 + after_x**2 + after_y**2) == pytest.approx(before, rel=1e-12)


@pytest.mark.parametrize("field", [0.0, 1e-300, 1e-20, 1e-12])
def test_a_vanishing_field_is_a_straight_line(field: float) -> None:
    found = bend(1.0, 2.0, 0.03, -0.04, 100.0, -1.0, field, 2000.0)
    assert found == pytest.approx((61.0, -78.0, 0.03, -0.04, 0.0), rel=1e-12, abs=1e-12)


def test_a_particle_that_turns_back_is_lost() -> None:
    """0.2 GeV in 1 T has a radius of 0.667 m: it leaves 0.6 m of field but not 0.7 m."""
    assert np.isfinite(bend(0.0, 0.0, 0.0, 0.0, 0.2, 1.0, 1.0, 600.0)).all()
    assert np.isnan(bend(0.0, 0.0, 0.0, 0.0, 0.2, 1.0, 1.0, 700.0)).all()


def test_nan_stays_nan() -> None:
    assert np.isnan(bend(0.0, 0.0, 0.0, 0.0, np.nan, 1.0, 1.0, 600.0)).all()
