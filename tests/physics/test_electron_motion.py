"""Shells of atoms, against energies of whole atoms and integrals."""

from itertools import pairwise

import numpy as np
import pytest

from physics.electron_motion import Atoms, seen_track_density, share_density, shells

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


def test_seen_positrons_are_drawn_ones() -> None:
    """Against positrons and electrons that are drawn: how often the pair seems to have an energy, by flux."""
    rng = np.random.default_rng(1)
    edges = np.linspace(50.0, 100.0, 2001)
    lengths = (100.0 - 0.5 * (edges[1:] + edges[:-1])) ** 2
    atoms = [Atoms(6, 2.0), Atoms(82, 1.0)]
    n = 1_000_000
    energy = rng.choice(0.5 * (edges[1:] + edges[:-1]), n, p=lengths / lengths.sum())
    every = [(a.electrons * s.electrons / a.z, s) for a in atoms for s in shells(a.z)]
    chosen = rng.choice(len(every), n, p=[w / 3.0 for w, _ in every])
    momentum, binding = (np.array([getattr(s, k) for _, s in every])[chosen] for k in ("momentum", "binding"))
    # one component of |p|, whose density 32 p0^5 p^2 / (pi (p^2 + p0^2)^4) is that of tan(a), a ~ sin^2 cos^4
    angle = np.linspace(0.0, np.pi / 2, 20_001)
    cumulative = np.cumsum(np.sin(angle) ** 2 * np.cos(angle) ** 4)
    size = momentum * np.tan(np.interp(rng.random(n), cumulative / cumulative[-1], angle))
    share = 1.0 - binding - size * rng.uniform(-1.0, 1.0, n)
    bins = np.array([20.0, 40.0, 48.0, 52.0, 60.0, 75.0, 95.0, 105.0, 150.0])
    drawn = np.histogram(energy * share, bins, weights=share)[0] * 3.0 * lengths.sum() / n
    grid = np.linspace(20.0, 150.0, 6501)
    seen = seen_track_density(atoms, edges, lengths, grid)
    inside = [(grid >= a - 1e-9) & (grid <= b + 1e-9) for a, b in pairwise(bins)]
    expected = [np.trapezoid(seen[chosen], grid[chosen]) for chosen in inside]
    assert drawn == pytest.approx(expected, rel=0.06)


def test_seen_positrons_keep_their_shape() -> None:
    edges = np.linspace(50.0, 100.0, 101)
    found = seen_track_density([Atoms(6, 1.0)], edges, np.ones((3, 100)), np.array([60.0, 70.0]))
    assert found.shape == (3, 2)
    assert (found[0] == found[2]).all()
