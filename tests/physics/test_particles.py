"""Particles: masses, charges and lifetimes of the PDG."""

import numpy as np
import pytest

from physics.particles import antiparticles, charge_of, decay_length_of, like_charged, mass_of, pdg_of


@pytest.mark.parametrize(
    ("name", "pdg", "mass", "charge", "length"),
    [
        ("e-", 11, 0.51100e-3, -1, np.inf),
        ("e+", -11, 0.51100e-3, 1, np.inf),
        ("mu-", 13, 0.105658, -1, 658.6e3),
        ("pi-", -211, 0.139570, -1, 7.8045e3),
        ("K+", 321, 0.493677, 1, 3.711e3),
        ("K0L", 130, 0.497611, 0, 15.34e3),
        ("p", 2212, 0.938272, 1, np.inf),
        ("gamma", 22, 0.0, 0, np.inf),
    ],
)
def test_values_of_pdg(name: str, pdg: int, mass: float, charge: int, length: float) -> None:
    assert pdg_of(name) == pdg
    assert mass_of(pdg) == pytest.approx(mass, rel=1e-4)
    assert charge_of(pdg) == charge
    assert decay_length_of(pdg) == pytest.approx(length, rel=2e-3)


def test_shapes_are_kept() -> None:
    codes = np.array([[11, 13, 22], [13, 13, -211]])
    assert mass_of(codes).shape == (2, 3)
    assert charge_of(codes).tolist() == [[-1, -1, 0], [-1, -1, -1]]
    assert mass_of(np.zeros(0, dtype=np.int64)).shape == (0,)


def test_unknown_name_is_told() -> None:
    with pytest.raises(ValueError, match="no particle is called 'electron'"):
        pdg_of("electron")


def test_antiparticles_have_the_other_charge_and_neutrals_may_be_their_own() -> None:
    assert antiparticles([11, -211, 22, 14]).tolist() == [-11, 211, 22, -14]
    assert like_charged("pi-", 1) == "pi+"
    assert like_charged("pi-", -1) == "pi-"
    assert like_charged("p", -1) == "p"  # a name without a sign is what it is
