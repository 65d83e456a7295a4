"""Widths and annihilation into dark matter, against limits and independent averages."""

import numpy as np
import pytest

from physics.dark_matter import (
    annihilation_in_motion,
    mixing_of_yield,
    pseudo_dirac_width,
    scalar_annihilation_section,
    scalar_width,
    yield_of_mixing,
)
from physics.dark_photon import ELECTRON, PICOBARN, annihilation_section, invisible_width, resonance_energy


def test_scalar_width_by_hand() -> None:
    assert scalar_width(0.3, 0.1, 0.3) == pytest.approx(0.3 * 0.1 / 12 * 0.64**1.5)
    assert scalar_width(0.3, 0.1, 0.6) == 0.0


def test_pseudo_dirac_without_a_splitting_is_dirac() -> None:
    assert pseudo_dirac_width(0.3, 0.1, 0.1, 0.1) == pytest.approx(invisible_width(0.3, 0.1, 1 / 3))
    assert pseudo_dirac_width(0.3, 0.1, 0.1, 0.12) < pseudo_dirac_width(0.3, 0.1, 0.11, 0.11)
    assert pseudo_dirac_width(0.3, 0.1, 0.15, 0.151) == 0.0


def test_scalars_at_the_resonance_have_the_unitary_section() -> None:
    """12 pi / s B_ee B_chichi: the peak of a narrow vector resonance, each width small against the mass."""
    mass, epsilon, alpha_d, ratio = 0.25, 1e-4, 1e-4, 0.3
    visible = mass * epsilon**2 / 137.036 / 3
    expected = 12 * np.pi / mass**2 * visible / scalar_width(mass, alpha_d, ratio) * PICOBARN
    found = scalar_annihilation_section(resonance_energy(mass), mass, epsilon, alpha_d, ratio)
    assert float(found) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("energy", [40.0, 61.2, 90.0])
def test_electrons_in_motion_are_the_average_over_directions(energy: float) -> None:
    mass, momentum = 0.25, 0.03e-3
    key = (mass, 1e-4, 0.1, 1 / 3)
    cosine = np.linspace(-1, 1, 4001)
    s = 2 * ELECTRON**2 + 2 * energy * (np.hypot(momentum, ELECTRON) - momentum * cosine)
    at_rest = (s - 2 * ELECTRON**2) / (2 * ELECTRON)  # positron energy of the same s on an electron at rest
    expected = 0.5 * np.trapezoid(annihilation_section(at_rest, *key), cosine)
    assert float(annihilation_in_motion(energy, momentum, *key)) == pytest.approx(expected, rel=0.05)


def test_y_and_mixing() -> None:
    assert float(yield_of_mixing(1e-4, 0.1, 1 / 3)) == pytest.approx(0.1 * 1e-8 / 81)
    assert mixing_of_yield(yield_of_mixing([1e-4, 1e-5], 0.1, 1 / 3), 0.1, 1 / 3) == pytest.approx(
        [1e-4, 1e-5]
    )
