"""Tests of synchrotron radiation: numbers by hand and the spectrum against its integral."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import kv

from physics.synchrotron import MEAN_FRACTION, critical_energy, photon_number, spectrum_quantiles

ELECTRON, PION = 0.51099895e-3, 0.13957039  # [GeV]


def emitted_above(x: float) -> tuple[float, float]:
    """Return the shares of photons and of energy above x = E / E_c: single integrals over K_5/3."""
    photons = quad(lambda v: (v - x) * kv(5 / 3, v), x, 60.0, epsabs=1e-13, limit=400)[0]
    energy = quad(lambda v: 0.5 * (v**2 - x**2) * kv(5 / 3, v), x, 60.0, epsabs=1e-13, limit=400)[0]
    return photons / (5 * np.pi / 3), energy / (8 * np.pi / 9 / np.sqrt(3))


@pytest.mark.parametrize(
    ("momentum", "length", "number", "critical", "lost"),
    [  # in 7 T m [m], photons, [GeV], [GeV]
        pytest.param(100.0, 4.0, 43.25, 11.64e-3, 0.155, id="100-GeV-4-m"),
        pytest.param(100.0, 5.0, 43.25, 9.31e-3, 0.124, id="100-GeV-5-m"),
        pytest.param(70.0, 4.0, 43.25, 5.70e-3, 0.076, id="70-GeV"),
        pytest.param(150.0, 4.0, 43.25, 26.2e-3, 0.349, id="150-GeV"),
    ],
)
def test_electron_in_7_tesla_metres(
    momentum: float, length: float, number: float, critical: float, lost: float
) -> None:
    """The number does not depend on the momentum: 5 / (2 sqrt 3) / 137.036 * 0.299792 * 7 / 0.000510999."""
    gamma = momentum / ELECTRON
    photons = photon_number(gamma, -0.299792458 * 7 / momentum)
    energy = critical_energy(gamma, momentum, -7 / length)
    assert photons == pytest.approx(number, rel=1e-3)
    assert energy == pytest.approx(critical, rel=3e-3)
    assert photons * energy * MEAN_FRACTION == pytest.approx(lost, rel=5e-3)


def test_loss_agrees_with_the_classical_formula() -> None:
    """Larmor: 2/3 alpha hbar c gamma^4 theta / rho, from the mean energy of the photons and their number."""
    gamma, theta, radius = 2e5, 0.02, 2e5  # radius in mm
    momentum = 0.299792458e-3 * 1.5 * radius
    lost = photon_number(gamma, theta) * critical_energy(gamma, momentum, 1.5) * MEAN_FRACTION
    assert lost == pytest.approx(2 / 3 / 137.036 * 0.19732698e-12 * gamma**4 * theta / radius, rel=1e-5)


def test_a_pion_is_dark() -> None:
    """Of equal momentum: E_c smaller by (m_e / m_pi)^3 = 4.9e-8, the power by (m_e / m_pi)^4 = 1.8e-10."""
    electron, pion = 100 / ELECTRON, 100 / PION
    critical = critical_energy([electron, pion], 100.0, 1.75)
    power = critical * photon_number([electron, pion], 0.021)
    assert critical[1] / critical[0] == pytest.approx(4.9e-8, rel=0.01)
    assert power[1] / power[0] == pytest.approx(1.8e-10, rel=0.01)


@given(st.floats(1e3, 1e6), st.floats(1.0, 200.0), st.floats(0.01, 2.0), st.floats(1.1, 5.0))
def test_powers(gamma: float, momentum: float, field: float, factor: float) -> None:
    one = critical_energy(gamma, momentum, field)
    assert critical_energy(factor * gamma, factor * momentum, field) == pytest.approx(factor**2 * one)
    assert critical_energy(gamma, momentum, -factor * field) == pytest.approx(factor * one)
    assert photon_number(gamma, -factor * 0.01) == pytest.approx(factor * photon_number(gamma, 0.01))


@pytest.mark.parametrize("x", [1e-4, 0.01, 0.1, 0.3, 1.0, 3.0, 6.0])
def test_quantiles_against_the_integral(x: float) -> None:
    table = spectrum_quantiles()
    below = np.interp(x, table, np.linspace(0.0, 1.0, len(table)))
    assert 1 - below == pytest.approx(emitted_above(x)[0], rel=2e-3, abs=1e-7)


def test_mean_energy_and_the_half_below_the_critical_energy() -> None:
    table = spectrum_quantiles()
    mean = 0.5 * (table[1:] + table[:-1])  # of each step of probability
    assert mean.mean() == pytest.approx(8 / (15 * np.sqrt(3)), rel=1e-4)
    assert emitted_above(1.0)[1] == pytest.approx(0.5, rel=1e-3)
    assert mean[mean < 1].sum() / mean.sum() == pytest.approx(0.5, abs=1e-3)


def test_no_photon_is_far_above_the_critical_energy() -> None:
    """The last step is one in 40000; above 11 E_c are 2e-6 of the photons."""
    table = spectrum_quantiles()
    assert table.shape == (40001,)
    assert (np.diff(table[1:]) >= 0).all()
    assert emitted_above(11.0)[0] < 5e-6
    assert 8 < table[-1] < 11
    share, energy = emitted_above(table[-2])
    assert share * (len(table) - 1) == pytest.approx(1, rel=1e-3)
    step = energy * MEAN_FRACTION * (len(table) - 1)
    assert 0.5 * (table[-1] + table[-2]) == pytest.approx(step, rel=1e-3)
