"""Tests of energy loss: Landau's integral, Bethe's formula and numbers by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from physics.ionisation import (
    LANDAU_MODE,
    landau_quantiles,
    landau_width,
    loss_of_track,
    most_probable_loss,
    radiative_slope,
)
from physics.materials import MATERIALS

ELECTRON, MUON = 0.51099895e-3, 0.1056583755  # [GeV]
POLYSTYRENE = MATERIALS["polystyrene"]
SILICON = (0.49848, 2.329)  # Z/A, density


def landau_density(value: float) -> float:
    """Integrate Landau's function 1/pi exp(-t ln t - lambda t) sin(pi t) over t > 0."""
    return quad(
        lambda t: np.exp(-t * np.log(t) - value * t) * np.sin(np.pi * t) / np.pi, 0.0, 60.0, limit=1000
    )[0]


def bethe_of_muon(energy: float, z_over_a: float, excitation: float, plasma: float) -> float:
    """Return the mean ionisation [GeV cm2/g]: Bethe's formula where the density effect is complete."""
    gamma = energy / MUON
    most = 2 * ELECTRON * gamma**2 / (1 + 2 * gamma * ELECTRON / MUON + (ELECTRON / MUON) ** 2)
    density_effect = np.log(plasma / excitation) + np.log(gamma) - 0.5
    bracket = 0.5 * np.log(2 * ELECTRON * gamma**2 * most / excitation**2) - 1 - density_effect
    return 0.307075e-3 * z_over_a * bracket


@pytest.mark.parametrize(
    ("z_over_a", "density", "thickness", "width", "expected"),
    [
        # xi = 0.1535375 MeV * 0.53768 * 1.06 * 5; ln(1.021998e6 * 0.43754e6 / (28.816^2 * 0.56994)) = 20.6665
        pytest.param(0.53768, 1.06, 50.0, 0.43754e-3, 9.130e-3, id="5-cm-of-polystyrene"),
        # 84 keV is the known most probable loss; ln(1.021998e6 * 5347.7 / (28.816^2 * 1.16096)) = 15.5505
        pytest.param(*SILICON, 0.3, 5.3477e-6, 84.23e-6, id="300-um-of-silicon"),
        pytest.param(*SILICON, 0.6, 10.695e-6, 175.87e-6, id="600-um-of-silicon"),
    ],
)
def test_most_probable_loss_by_hand(
    z_over_a: float, density: float, thickness: float, width: float, expected: float
) -> None:
    assert landau_width(z_over_a, density, thickness) == pytest.approx(width, rel=1e-4)
    assert most_probable_loss(z_over_a, density, thickness) == pytest.approx(expected, rel=2e-4)


@given(st.floats(0.1, 500.0), st.floats(1.1, 10.0))
def test_thickness_times_a_factor_adds_its_logarithm(thickness: float, factor: float) -> None:
    matter = POLYSTYRENE.z_over_a, POLYSTYRENE.density
    one, many = (most_probable_loss(*matter, t) for t in (thickness, factor * thickness))
    xi = landau_width(*matter, thickness)
    assert many == pytest.approx(factor * (one + xi * np.log(factor)))


def test_loss_of_track_by_hand() -> None:
    xi, electrons = landau_width(0.53768, 1.06, 50.0), 0.53768 * 1.06
    most_probable = most_probable_loss(0.53768, 1.06, 50.0)
    assert loss_of_track(xi, electrons, LANDAU_MODE) == pytest.approx(most_probable)
    assert loss_of_track(xi, electrons, LANDAU_MODE + 10) == pytest.approx(most_probable + 10 * xi)
    assert loss_of_track(xi, electrons, LANDAU_MODE - 25) == 0.0


def test_mode_and_width_of_landau_s_function() -> None:
    """The mode is -0.2228, the full width at half maximum 4.018."""
    table = landau_quantiles()
    density = 1 / np.diff(table)  # of equal steps of probability
    middle = 0.5 * (table[1:] + table[:-1])
    smooth = np.convolve(density / density.max(), np.ones(101) / 101, mode="same")
    assert middle[np.argmax(smooth)] == pytest.approx(LANDAU_MODE, abs=0.02)
    half = middle[smooth > 0.5 * smooth.max()]
    assert half[-1] - half[0] == pytest.approx(4.018, abs=0.02)
    near = [landau_density(LANDAU_MODE + step) for step in (-0.01, 0.0, 0.01)]
    assert max(near) == near[1]


@pytest.mark.parametrize("value", [-2.0, -0.22278, 1.0, 4.0, 12.0])
def test_quantiles_against_landau_s_integral(value: float) -> None:
    table = landau_quantiles()
    steps = np.linspace(1e-5, 0.9998, len(table))
    density = (np.interp(value + 0.05, table, steps) - np.interp(value - 0.05, table, steps)) / 0.1
    assert density == pytest.approx(landau_density(value), rel=2e-3)


def test_tail_is_cut_at_5000_and_keeps_its_mean() -> None:
    """P(lambda > L) ~ 1 / L; the mean below L is ln L - 1 + 0.57722 up to terms of ln L / L."""
    table = landau_quantiles()
    assert (np.diff(table) > 0).all()
    assert table[-1] == pytest.approx(5000, rel=5e-3)
    drawn_on_lines = np.mean(0.5 * (table[1:] + table[:-1]))
    assert drawn_on_lines == pytest.approx(np.log(table[-1]) - 1 + 0.57722, abs=0.01)


def test_mean_loss_is_bethe_s_of_transfers_below_the_cut() -> None:
    """The restricted loss, xi ln(2 m_e W / (hbar omega_p)^2) with W = 5000 xi (PDG 2024, sec. 34.2.6)."""
    xi, electrons = landau_width(0.53768, 1.06, 50.0), 0.53768 * 1.06
    losses = np.array([loss_of_track(xi, electrons, value) for value in landau_quantiles()])
    expected = xi * np.log(2 * ELECTRON * 5000 * xi / (28.816e-9**2 * electrons))
    assert losses.mean() == pytest.approx(expected, rel=5e-3)


def test_radiation_of_muons_in_iron_by_hand() -> None:
    """E_c = 5700 / 27.47^0.838 = 354.9 GeV; 1.45 * 1.1425 MeV/mm / 354.9 GeV."""
    assert radiative_slope(26.0, 1.1425e-3) * 1e6 == pytest.approx(4.6678, rel=2e-4)


@pytest.mark.parametrize(
    ("name", "excitation", "plasma", "critical"),
    [("iron", 286e-9, 55.17e-9, 347.0), ("lead", 823e-9, 61.07e-9, 141.0)],
)
def test_radiation_of_muons_against_their_ionisation(
    name: str, excitation: float, plasma: float, critical: float
) -> None:
    """At the tabulated critical energy b E is the ionisation; b at 100 GeV is smaller by up to 20%."""
    found = MATERIALS[name]
    slope = radiative_slope(found.z, found.minimum_ionisation) / found.density * 10  # [cm2/g]
    there = bethe_of_muon(critical, found.z_over_a, excitation, plasma) / critical
    assert 0.8 < slope / there < 1.0
