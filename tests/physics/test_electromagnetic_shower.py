"""Tests of the shower parametrisation: numbers by hand, integrals, and what is known of showers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad
from scipy.special import gammainc, gammaincinv

from physics.electromagnetic_shower import (
    corner_integral,
    gamma_fraction,
    lateral_profile,
    shower_shape,
)
from physics.materials import MATERIALS, blend

HOMOGENEOUS = (np.inf, 1.0)  # F_S, e/mip
SIDES = st.floats(-20.0, 20.0)
RADII = st.floats(0.01, 5.0)


@pytest.mark.parametrize(
    ("frequency", "e_mip", "expected"),
    [
        # ln y = 10, Z = 82: T = 9.188, alpha = 0.81 + (0.458 + 0.0275610) 10 = 5.66561
        pytest.param(
            np.inf, 1.0, (np.log(9.188), 1 / 11.2, np.log(5.66561), 1 / 8.02, 0.475), id="homogeneous"
        ),
        # T - 0.55 / 4 - 0.69 (1 - 0.5) = 8.7055, alpha - 0.476 / 4 = 5.54661
        pytest.param(4.0, 0.5, (np.log(8.7055), 1 / 10, np.log(5.54661), 1 / 7.08, 0.554), id="layers"),
    ],
)
def test_shower_shape_by_hand(frequency: float, e_mip: float, expected: tuple[float, ...]) -> None:
    assert shower_shape(np.exp(10.0), 82.0, frequency, e_mip) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("tau", "energy", "frequency", "e_mip", "expected"),
    [
        # core 0.0251 + 0.1162 - 0.01905, tail 0.5045 (exp(-2.59 * 0.355) + exp(0.3585 * 0.355)),
        # share 2.585 exp(v - exp(v)) with v = (0.4945 - 1) / 1.313
        pytest.param(1.0, 1.0, *HOMOGENEOUS, (0.12225, 0.774135, 0.890722), id="maximum"),
        # core 0.03148 + 2 * 0.09715, tail 0.5045 (exp(-2.59 * 1.355) + exp(0.4427 * 1.355)),
        # share as before but for v, which is -1.5055 / 1.1758 here
        pytest.param(2.0, np.exp(2.0), *HOMOGENEOUS, (0.22578, 0.934220, 0.544106), id="deep"),
        # core less by 0.0203 * 0.4 and more by 0.0397 / 5 / e, tail less by 0.14 * 0.4 and 0.495 / 5 / e,
        # share more by 0.4 of 0.348 - 0.642 / 5
        pytest.param(1.0, 1.0, 5.0, 0.6, (0.117051, 0.681715, 0.978562), id="layers"),
    ],
)
def test_lateral_profile_by_hand(
    tau: float, energy: float, frequency: float, e_mip: float, expected: tuple[float, ...]
) -> None:
    assert lateral_profile(tau, energy, 50.0, frequency, e_mip) == pytest.approx(expected, rel=2e-5)


@given(st.floats(0.5, 200.0), st.floats(10.0, 82.0))
def test_layers_without_end_and_of_equal_response_have_the_homogeneous_mean(y: float, z: float) -> None:
    """The corrections of layers vanish for F_S to infinity and e/mip = 1; the widths are fitted apart."""
    fine, whole = shower_shape(1e3 * y, z, 1e9, 1.0), shower_shape(1e3 * y, z, *HOMOGENEOUS)
    assert (fine.log_maximum, fine.log_alpha) == pytest.approx((whole.log_maximum, whole.log_alpha))
    for tau in (0.2, 1.0, 2.5):
        layers = lateral_profile(tau, y, z, 1e9, 1.0)
        assert layers == pytest.approx(lateral_profile(tau, y, z, *HOMOGENEOUS))


def test_shape_below_the_least_energy_is_that_of_it() -> None:
    least = np.exp(2.8)
    assert shower_shape(0.5, 50.0, 3.7, 0.65) == shower_shape(least, 50.0, 3.7, 0.65)
    assert shower_shape(1.5 * least, 50.0, 3.7, 0.65) != shower_shape(least, 50.0, 3.7, 0.65)
    assert np.isfinite(shower_shape(least, 50.0, 3.7, 0.65)).all()


def test_layers_that_are_too_thick_have_no_shape() -> None:
    """T = ln(16.4) - 0.812 - 0.55 / 0.25 is negative."""
    assert np.isnan(shower_shape(10.0, 50.0, 0.25, 1.0).log_maximum)


@given(
    st.floats(0.0, 20.0),
    st.floats(0.05, 300.0),
    st.floats(5.0, 82.0),
    st.floats(0.5, 50.0),
    st.floats(0.5, 1.0),
)
def test_profile_is_one(tau: float, energy: float, z: float, frequency: float, e_mip: float) -> None:
    found = lateral_profile(tau, energy, z, frequency, e_mip)
    assert found.core > 0
    assert found.tail > 0
    assert 0 <= found.core_share <= 1


@pytest.mark.parametrize(("energy", "name"), [(10.0, "lead"), (50.0, "PbWO4"), (100.0, "lead")])
def test_showers_are_those_of_pdg(energy: float, name: str) -> None:
    """PDG: the maximum is at ln y - 0.5, beta is about 0.5, 90% are within one Moliere radius."""
    matter = MATERIALS[name]
    y = energy / matter.critical_energy
    shape = shower_shape(y, matter.z, *HOMOGENEOUS)
    maximum, alpha = np.exp(shape.log_maximum), np.exp(shape.log_alpha)
    beta = (alpha - 1) / maximum
    assert maximum == pytest.approx(np.log(y) - 0.5, abs=0.5)
    assert beta == pytest.approx(0.5, rel=0.15)

    def within(share: float) -> float:
        tau = gammaincinv(alpha, share) / beta / maximum
        core, tail, p = lateral_profile(tau, energy, matter.z, *HOMOGENEOUS)
        return p / (1 + core**2) + (1 - p) / (1 + tail**2)

    assert quad(within, 0.0, 1.0)[0] == pytest.approx(0.9, abs=0.03)


def test_maximum_in_lead_and_in_a_shashlik_by_hand() -> None:
    """
    100 GeV in lead, y = 13459: (9.507 - 0.812) 5.612 mm.

    Layers of 1.5 mm, E_c = 8.578 MeV, F_S = 11.07 / 3, e/mip = 1 / 1.532: (9.364 - 0.812 - 0.149 - 0.240)
    11.07 mm.
    """
    lead = MATERIALS["lead"]
    layers = blend([(lead, 1.5), (MATERIALS["polystyrene"], 1.5)])
    depth = []
    for matter, sampling in ((lead, HOMOGENEOUS), (layers, (layers.radiation_length / 3, 1 / 1.532))):
        shape = shower_shape(100 / matter.critical_energy, matter.z, *sampling)
        depth.append(np.exp(shape.log_maximum) * matter.radiation_length)
    assert depth == pytest.approx([48.80, 90.4], rel=1e-3)


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.7), (2.0, 0.1), (5.0, 9.0)])
@pytest.mark.parametrize("radius", [0.2, 1.0, 3.0])
def test_corner_integral_against_the_integral(a: float, b: float, radius: float) -> None:
    def profile(y: float, x: float) -> float:
        return radius**2 / (np.pi * (x**2 + y**2 + radius**2) ** 2)

    expected = dblquad(profile, 0.0, a, 0.0, b, epsabs=1e-11)[0]
    assert corner_integral(a, b, radius) == pytest.approx(expected, rel=1e-8)


def test_corner_integral_of_large_areas() -> None:
    """A quadrant is 1/4; a strip 0 < x < a of the half plane y > 0 is a / (4 sqrt(a^2 + R^2))."""
    assert corner_integral(1e9, 1e9, 0.7) == pytest.approx(0.25, rel=1e-8)
    assert corner_integral(0.3, 1e9, 0.4) == pytest.approx(0.25 * 0.3 / 0.5, rel=1e-8)
    assert corner_integral(0.0, 3.0, 0.4) == 0.0


@given(SIDES, SIDES, RADII, st.floats(0.1, 10.0))
def test_corner_integral_is_odd_symmetric_and_without_a_scale(
    a: float, b: float, radius: float, factor: float
) -> None:
    found = corner_integral(a, b, radius)
    assert corner_integral(-a, b, radius) == pytest.approx(-found, abs=1e-15)
    assert corner_integral(b, a, radius) == pytest.approx(found, abs=1e-15)
    assert corner_integral(factor * a, factor * b, factor * radius) == pytest.approx(found, abs=1e-13)


@given(SIDES, SIDES, RADII)
def test_cells_share_all_of_the_energy(x: float, y: float, radius: float) -> None:
    """The cells and what is around them are the whole; no share is negative."""
    edges = np.array([-1e9, 0.0, 0.5, 1.0, 1e9])
    corners = np.array([[corner_integral(a - x, b - y, radius) for b in edges] for a in edges])
    cells = np.diff(np.diff(corners, axis=0), axis=1)
    assert cells.sum() == pytest.approx(1.0, abs=1e-8)
    assert (cells > -1e-12).all()


@given(st.floats(0.05, 60.0), st.floats(0.0, 200.0))
def test_gamma_fraction_is_that_of_scipy(alpha: float, x: float) -> None:
    assert gamma_fraction(alpha, x) == pytest.approx(gammainc(alpha, x), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("alpha", [1.1, 5.0, 40.0])
def test_gamma_fraction_where_the_methods_meet(alpha: float) -> None:
    for x in (alpha + 1 - 1e-9, alpha + 1, alpha + 1 + 1e-9):
        assert gamma_fraction(alpha, x) == pytest.approx(gammainc(alpha, x), rel=1e-10)


def test_gamma_fraction_by_hand() -> None:
    """P(1, x) = 1 - exp(-x), P(2, x) = 1 - (1 + x) exp(-x)."""
    assert gamma_fraction(1.0, 0.5) == pytest.approx(1 - np.exp(-0.5))
    assert gamma_fraction(2.0, 4.0) == pytest.approx(1 - 5 * np.exp(-4.0))
    assert gamma_fraction(3.0, 0.0) == 0.0
    assert gamma_fraction(3.0, -1.0) == 0.0
    assert gamma_fraction(3.0, 1e3) == 1.0
