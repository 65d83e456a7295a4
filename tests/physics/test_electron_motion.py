"""Shells of atoms, against energies of whole atoms and integrals."""

import numpy as np
import pytest

from physics.electron_motion import Atoms, share_density, shells

HARTREE = 137.035999**-2  # of the electron's mass


@pytest.mark.parametrize(("z", "energy"), [(1, 0.5), (6, 37.6886), (26, 1262.444), (82, 19524.0)])
def test_virial_theorem(z: int, energy: float) -> None:
    """Kinetic energies add up to the energy of the atom (Hartree-Fock, E. Clementi, C. Roetti, 1974)."""
    total = sum(shell.electrons * 0.5 * shell.momentum**2 for shell in shells(z))
    assert total == pytest.approx(energy * HARTREE, rel=0.02)
    assert sum(shell.electrons for shell in shells(z)) == z


def test_shells_of_iron_by_hand() -> None:
    """Slater's own example: 25.70, 21.85, 14.75, 6.25 and 3.75 for 1s, 2s 2p, 3s 3p, 3d and 4s."""
    charges = (25.70, 21.85, 14.75, 6.25, 3.75)
    expected = [charge / 137.035999 / n for charge, n in zip(charges, (1, 2, 3, 3, 3.7), strict=True)]
    assert [shell.momentum for shell in shells(26)] == pytest.approx(expected)
    assert [shell.electrons for shell in shells(26)] == [2, 8, 8, 6, 2]


@pytest.mark.parametrize("z", [6, 82])
def test_density_holds_all_electrons_with_their_momenta(z: int) -> None:
    """Its integral are the electrons, its variance a third of the mean p^2, beside that of bindings."""
    u = np.linspace(-8.0, 10.0, 1_800_001)
    density = share_density([Atoms(z, 3.0)], u)
    assert np.trapezoid(density, u) == pytest.approx(3.0, rel=1e-3)
    mean = np.trapezoid(density * u, u) / 3.0
    binding = sum(s.electrons * s.binding for s in shells(z)) / z
    assert mean == pytest.approx(1.0 - binding, abs=1e-4)
    square = np.trapezoid(density * (u - 1.0) ** 2, u) / 3.0
    expected = sum(s.electrons * (s.momentum**2 / 3 + s.binding**2) for s in shells(z)) / z
    assert square == pytest.approx(expected, rel=0.01)


def test_atoms_add_up() -> None:
    u = np.linspace(0.5, 1.5, 11)
    both = share_density([Atoms(6, 1.0), Atoms(82, 2.0)], u)
    assert both == pytest.approx(share_density([Atoms(6, 1.0)], u) + 2 * share_density([Atoms(82, 1.0)], u))


@pytest.mark.parametrize("z", [0, 101])
def test_no_such_element(z: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 100 electrons, got {z}"):
        shells(z)
