"""e+ e- -> gamma A' against integrals, the closed formula, and annihilation to two photons."""

import numpy as np
import pytest

from physics.associated_annihilation import associated_section
from physics.dark_photon import ALPHA, ELECTRON, PICOBARN

RADIUS = ALPHA / ELECTRON  # [1/GeV] classical, of the electron


def test_whole_section_is_the_closed_formula() -> None:
    """Marsicano et al., equation (6), where s is far above the electron's mass."""
    energy, mass = 80.0, 0.1
    s = 2 * ELECTRON * energy + 2 * ELECTRON**2
    free, log = s - mass**2, np.log(s / ELECTRON**2)
    bracket = (free / (2 * s) + mass**2 / free) * log - free / (2 * s)
    expected = 8 * np.pi * ALPHA**2 * 1e-8 / s * bracket * PICOBARN
    assert float(associated_section(energy, mass, 1e-4, softest=0.0)) == pytest.approx(expected, rel=1e-4)


def test_without_a_mass_it_is_twice_the_annihilation_to_two_photons() -> None:
    """Heitler at high energy, pi r^2 m_e / E (ln(2 E / m_e) - 1); either photon may be the A'."""
    energy = 50.0
    two = np.pi * RADIUS**2 * ELECTRON / energy * (np.log(2 * energy / ELECTRON) - 1) * PICOBARN
    found = float(associated_section(energy, 1e-6, 1.0, softest=0.0))
    assert found == pytest.approx(2 * two, rel=1e-3)


@pytest.mark.parametrize("mass", [0.05, 0.2])
@pytest.mark.parametrize("least", [0.0, 0.5, 0.9])
def test_share_of_energy_is_the_integral_over_the_angle(mass: float, least: float) -> None:
    energy, softest = 100.0, 0.02
    s = 2 * ELECTRON * energy + 2 * ELECTRON**2
    beta = np.sqrt(1 - 4 * ELECTRON**2 / s)
    rapidity = np.linspace(-1, 1, 400_001) * np.arctanh(beta)  # even in it, the peaks at both ends are flat
    c = np.tanh(rapidity) / beta
    density = ((s - mass**2) / (2 * s) * (1 + c**2) + 2 * mass**2 / (s - mass**2)) / beta
    share = (s + mass**2 + (s - mass**2) * c) / (2 * s)
    kept = (share >= least) & (share <= 1 - softest)
    total = np.trapezoid(np.where(kept, density, 0.0), rapidity)
    expected = 4 * np.pi * ALPHA**2 / s * total * PICOBARN
    assert float(associated_section(energy, mass, 1.0, least, softest=softest)) == pytest.approx(
        expected, rel=1e-3
    )


def test_nothing_at_and_below_the_resonance() -> None:
    resonance = 0.2**2 / (2 * ELECTRON)
    found = associated_section(np.array([0.5, 0.99, 1.005, 1.1]) * resonance, 0.2, 1e-4)
    assert found[:3].tolist() == [0.0, 0.0, 0.0]
    assert found[3] > 0
