"""Tests of the motion in the field against an integration of the Lorentz force and by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from recon.field import State, jacobian, propagate
from recon.geometry import Magnet

DIPOLE = Magnet(name="mbpl", z=0.0, length=4000.0, field=-1.75)
PAIR = (
    Magnet(name="second", z=3000.0, length=2000.0, field=0.9),
    Magnet(name="first", z=0.0, length=2000.0, field=1.8),
)


def state(*values: float) -> State:
    """Return one particle."""
    return State(*(np.array([value]) for value in values))


def lorentz(start: State, z_from: float, z_to: float, magnets: tuple[Magnet, ...]) -> list[float]:
    """Integrate dp/dz = q v x B / v_z numerically for one particle, from edge to edge of the fields."""
    x, y, slope_x, slope_y, q_over_p = (float(v[0]) for v in start)
    charge = np.sign(q_over_p)
    direction = np.array([slope_x, slope_y, 1.0])
    p = direction / np.linalg.norm(direction) / abs(q_over_p)
    edges = sorted({z_from, z_to, *(z for m in magnets for z in (m.z, m.z + m.length) if z_from < z < z_to)})
    vector = np.array([x, y, *p])
    for a, b in pairwise(edges):
        inside = [m.field for m in magnets if m.z <= 0.5 * (a + b) < m.z + m.length]
        field = np.array([0.0, sum(inside), 0.0])

        def slope(_: float, v: np.ndarray, field: np.ndarray = field) -> np.ndarray:
            force = charge * 299792458e-12 * np.cross(v[2:], field)  # [GeV/mm], times v_z / c
            return np.array([v[2], v[3], *force]) / v[4]

        vector = solve_ivp(slope, (a, b), vector, rtol=1e-11, atol=1e-11, method="DOP853").y[:, -1]
    return [vector[0], vector[1], vector[2] / vector[4], vector[3] / vector[4], q_over_p]


@pytest.mark.parametrize("momentum", [5.0, 20.0, 100.0, 200.0])
@pytest.mark.parametrize("charge", [-1, 1])
@pytest.mark.parametrize("magnets", [(DIPOLE,), PAIR], ids=["dipole", "pair"])
def test_propagation_agrees_with_the_lorentz_force(
    momentum: float, charge: int, magnets: tuple[Magnet, ...]
) -> None:
    start = state(3.0, -4.0, 0.02, 0.03, charge / momentum)
    end = np.concatenate(propagate(start, -1500.0, 18000.0, magnets))
    assert end == pytest.approx(np.array(lorentz(start, -1500.0, 18000.0, magnets)), rel=1e-8, abs=1e-9)


def test_geant4_electron_by_hand() -> None:
    # sin = 0.299792458e-3 * 1.75 * 4000 / 100 = 0.02098547; R = 4000 / sin = 190608.2 mm; x = -R (1 - cos)
    end = propagate(state(0, 0, 0, 0, -0.01), 0.0, 4000.0, [DIPOLE])
    assert np.arctan(end.slope_x) == pytest.approx(-20.98701e-3, rel=1e-6)
    assert end.x == pytest.approx(-41.97556, rel=1e-5)
    assert end.y == 0


@pytest.mark.parametrize(
    ("field", "charge", "sign"), [(1.0, 1, -1), (1.0, -1, 1), (-1.0, -1, -1), (-1.0, 1, 1), (0.0, 1, 0)]
)
def test_sign_of_the_bend(field: float, charge: int, sign: int) -> None:
    end = propagate(state(0, 0, 0, 0, charge / 50), 0, 1000, [Magnet(name="m", z=0, length=500, field=field)])
    assert np.sign(end.x) == sign
    assert np.sign(end.slope_x) == sign


def test_drift_by_hand() -> None:
    end = propagate(state(1, 2, 0.01, -0.02, 0.01), 4000.0, 5000.0, [DIPOLE])
    assert np.concatenate(end) == pytest.approx([11, -18, 0.01, -0.02, 0.01])


positions, slopes = st.floats(-100, 100), st.floats(-0.1, 0.1)
starts = st.builds(state, positions, positions, slopes, slopes, st.floats(-0.05, 0.05))


@given(start=starts, cut=st.floats(-2000, 9000))
def test_way_in_two_parts_and_way_back(start: State, cut: float) -> None:
    whole = propagate(start, -1000.0, 8000.0, PAIR)
    parts = propagate(propagate(start, -1000.0, cut, PAIR), cut, 8000.0, PAIR)
    back = propagate(whole, 8000.0, -1000.0, PAIR)
    assert np.concatenate(parts) == pytest.approx(np.concatenate(whole), abs=1e-8)
    assert np.concatenate(back) == pytest.approx(np.concatenate(start), abs=1e-8)


@given(start=starts)
def test_the_vertical_momentum_is_kept(start: State) -> None:
    end = propagate(start, -1000.0, 8000.0, PAIR)
    before, after = (s.slope_y / np.sqrt(1 + s.slope_x**2 + s.slope_y**2) for s in (start, end))
    assert after == pytest.approx(before, abs=1e-14)


@given(
    start=starts,
    change=st.tuples(positions, positions, *[st.floats(-1e-4, 1e-4)] * 2, st.floats(-1e-5, 1e-5)),
)
def test_jacobian_foretells_a_small_change(start: State, change: tuple[float, ...]) -> None:
    moved = State(*(value + by for value, by in zip(start, change, strict=True)))
    difference = np.concatenate(propagate(moved, -1000.0, 8000.0, PAIR)) - np.concatenate(
        propagate(start, -1000.0, 8000.0, PAIR)
    )
    linear = jacobian(start, -1000.0, 8000.0, PAIR)[:, :, 0] @ change
    assert linear[[0, 1, 4]] == pytest.approx(difference[[0, 1, 4]], abs=2e-3)
    assert linear[2:4] == pytest.approx(difference[2:4], abs=1e-6)


def test_jacobian_of_the_bend_by_hand() -> None:
    # d(slope_x)/d(q/p) = -0.299792458e-3 * B * L for a straight track, where cos = 1.
    matrix = jacobian(state(0, 0, 0, 0, 0), -1000, 5000, [DIPOLE])[:, :, 0]
    assert matrix[2, 4] == pytest.approx(2.098547206, rel=1e-8)
    assert matrix[0, 4] == pytest.approx(2.098547206 * 3000, rel=1e-8)  # pivot at z = 2000
    assert matrix[[0, 0, 1], [0, 2, 3]] == pytest.approx([1, 6000, 6000])


def test_a_particle_that_turns_around_is_nan() -> None:
    slow_and_fast = State(
        *(np.array([value, value]) for value in (0.0, 0.0, 0.0, 0.0)), np.array([-1.0, -0.01])
    )
    end = propagate(slow_and_fast, -10.0, 5000.0, [DIPOLE])
    for component in end[:4]:
        assert np.isnan(component).tolist() == [True, False]


def test_no_particles() -> None:
    end = propagate(State(*[np.empty(0)] * 5), -10.0, 5000.0, [DIPOLE])
    assert [component.shape for component in end] == [(0,)] * 5


def test_overlapping_magnets_are_named() -> None:
    other = Magnet(name="other", z=3999.0, length=10.0, field=1.0)
    with pytest.raises(ValueError, match=r"'other'.*overlaps"):
        propagate(state(0, 0, 0, 0, 0.01), -10.0, 5000.0, [other, DIPOLE])
