"""The Z' of a muon, and virtual photons."""

import numpy as np
import pytest

from physics.dark_photon import ALPHA, ELECTRON, PICOBARN, photon_flux, share_density
from physics.muon_boson import MUON, boson_angles, boson_section, boson_shares
from physics.muon_photons import NUCLEAR_SCALE, muon_photons

LEAD = (82.0, 207.2)


def test_of_an_electron_the_spectrum_adds_up_to_the_total() -> None:
    """Its integral is 4/3 alpha^3 eps^2 chi ln(1 / delta^2) / m^2, up to logarithms of 1."""
    mass, energy = 0.1, 100.0
    rest = np.geomspace(1 - mass / energy, 1e-9, 20_000)
    integral = np.trapezoid(share_density(1 - rest, rest, mass, energy, ELECTRON), 1 - rest)
    by_spectrum = 2 * ALPHA**3 / energy * integral
    delta = max(ELECTRON / mass, mass / energy)
    total = 4 / 3 * ALPHA**3 * np.log(1 / delta**2) / mass**2
    assert by_spectrum == pytest.approx(total, rel=0.35)


def test_cross_section_grows_as_the_coupling_squared_and_falls_with_the_mass() -> None:
    one, two = (boson_section(0.1, 160.0, g, *LEAD) for g in (1e-3, 2e-3))
    assert two == pytest.approx(4 * one)
    assert boson_section(1.0, 160.0, 1e-3, *LEAD) < 0.05 * one
    naive = ALPHA**2 * 1e-6 / (4 * np.pi) * photon_flux(0.1, 160.0, *LEAD) / MUON**2 * PICOBARN
    assert one == pytest.approx(naive, rel=0.9)  # of the size that dimensions give


def test_heavy_bosons_take_more_of_the_energy() -> None:
    light, heavy = (np.interp(0.5, *boson_shares(m, 160.0)[::-1]) for m in (0.02, 1.0))
    assert heavy > light


def test_angles_follow_their_density() -> None:
    """The median of r = U_0 / U is where a r - b / U_0 (r^2 / 2 - r^3 / 3) is half of that at 1."""
    n, x, mass, energy = 40_000, 0.6, 0.1, 160.0
    angle = boson_angles(np.full(n, x), mass, np.full(n, energy), np.random.default_rng(1))
    least = mass**2 * (1 - x) / x + MUON**2 * x
    r = least / (least + energy**2 * x * angle**2)
    a, b = 1 - x + 0.5 * x**2, x * (1 - x) * mass**2 / least
    grid = np.linspace(0, 1, 2001)
    integral = a * grid - b * (grid**2 / 2 - grid**3 / 3)
    assert np.median(r) == pytest.approx(np.interp(0.5 * integral[-1], integral, grid), abs=0.01)


def test_nuclear_energy_loss_of_muons() -> None:
    """By Groom et al., At. Data Nucl. Data Tables 78 (2001), b is 0.4e-6 cm2/g at 100 GeV."""
    photon = np.geomspace(0.5, 99.9, 4000)
    per_gram = 6.022e23 / 55.85 * 115e-30 * 55.85**0.92
    loss = np.trapezoid(photon * muon_photons(photon, 100.0, NUCLEAR_SCALE), photon) * per_gram / 100.0
    assert loss == pytest.approx(0.4e-6, rel=0.3)


def test_photons_end_with_the_virtuality() -> None:
    assert (muon_photons(np.array([1.0, 50.0]), 100.0, NUCLEAR_SCALE) > 0).all()
    assert muon_photons(np.array([99.9]), 100.0, 0.01)[0] == 0.0
