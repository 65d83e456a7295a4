"""The Z' of a muon, and virtual photons."""

import numpy as np
import pytest

from physics.dark_photon import ALPHA, ELECTRON, PICOBARN, energy_shares, photon_flux, share_density
from physics.exact_bremsstrahlung import exact_grid, share_above
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


@pytest.mark.parametrize("mass", [0.01, 0.3])
def test_section_and_spectrum_are_exact(mass: float) -> None:
    """Beside an integral with more points, which `test_exact_bremsstrahlung` checks for itself."""
    epsilon = 1e-4 / np.sqrt(4 * np.pi * ALPHA)
    grid = exact_grid(mass, 160.0, epsilon, 82.0, 207.0, nodes=(64, 32, 32), lepton=MUON)
    assert boson_section(mass, 160.0, 1e-4, 82.0, 207.0) == pytest.approx(grid.weight.sum(), rel=1e-3)
    x, cumulative = boson_shares(mass, 160.0)
    assert (np.diff(x) > 0).all()
    for share in (0.2, 0.5, 0.9):
        assert 1 - np.interp(share, x, cumulative) == pytest.approx(share_above(grid, share), rel=0.02)
    mean = np.trapezoid(1 - cumulative, x) + x[0]
    assert mean == pytest.approx(np.average(grid.x, weights=grid.weight), rel=2e-3)


def test_the_approximation_is_above_the_exact_section_of_heavy_bosons() -> None:
    """Improved Weizsaecker-Williams is too large, more so for heavy bosons, as it is for electrons (K)."""
    ratios = []
    for mass in (0.03, 0.3, 1.0):
        x, _ = energy_shares(mass, 160.0, lepton=MUON)
        spectrum = np.trapezoid(share_density(x, 1 - x, mass, 160.0, MUON), x)
        flux = photon_flux(mass, 160.0, *LEAD)
        approximate = 2 * ALPHA**2 * 1e-8 / (4 * np.pi) * flux / 160.0 * spectrum * PICOBARN
        ratios.append(approximate / boson_section(mass, 160.0, 1e-4, *LEAD))
    assert ratios == pytest.approx([1.29, 1.82, 2.51], rel=0.02)
    assert ratios == sorted(ratios)


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
