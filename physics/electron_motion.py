"""
Momenta of the electrons of atoms along a direction, in shells like those of hydrogen.

J. C. Slater, Phys. Rev. 36 (1930) 57, gives each group of electrons a charge Z and a quantum number n;
V. Fock, Z. Phys. 98 (1935) 145, the momenta of a full shell of hydrogen, ``8 p0^5 / (pi^2 (p^2 + p0^2)^4)``
with p0 = Z alpha m / n, whose component along a direction has the density ``8 p0^5 / (3 pi (q^2 + p0^2)^3)``.
By the virial theorem p0^2 / 2 m per electron is the energy of the atom. It is taken as what binds the
electron, which inside heavy atoms is some half more than it takes to remove it. Not relativistic: p0 of K
electrons of lead is 0.6 m.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Atoms", "Shell", "seen_track_density", "share_density", "shells"]

Floats = npt.NDArray[np.float64]

_ALPHA = 1 / 137.035999
_EFFECTIVE = (1.0, 2.0, 3.0, 3.7, 4.0, 4.2, 4.3)  # n* of Slater; the seventh continues them
_HEAVIEST = 100
_MOST, _STEPS = 4.0, 20_001  # of the shares of a table


class Atoms(NamedTuple):
    """Electrons of one element."""

    z: int
    electrons: float  # [1/cm2] per X0 of the whole


class Shell(NamedTuple):
    """Electrons with the same momenta."""

    electrons: int
    momentum: float  # p0 in units of the electron's mass
    binding: float  # in the same


@lru_cache(maxsize=128)
def shells(z: int) -> tuple[Shell, ...]:
    """
    Return the shells of an atom by Slater's rules, filled in the order of n + l.

    Raises
    ------
    ValueError
        If there is no such element.
    """
    if not 1 <= z <= _HEAVIEST:
        msg = f"elements have 1 to {_HEAVIEST} electrons, got {z}"
        raise ValueError(msg)
    groups: dict[tuple[int, int], int] = {}  # by n, and l of d and f, 0 of s and p together
    left = z
    orbitals = ((n, turn) for n in range(1, 8) for turn in range(min(n, 4)))
    for n, turn in sorted(orbitals, key=lambda orbital: (sum(orbital), orbital[0])):
        taken = min(left, 2 * (2 * turn + 1))
        if taken:
            group = (n, turn if turn > 1 else 0)
            groups[group] = groups.get(group, 0) + taken
        left -= taken
    found = []
    for group, count in sorted(groups.items()):
        momentum = (z - _screen(group, groups)) * _ALPHA / _EFFECTIVE[group[0] - 1]
        found.append(Shell(count, momentum, 0.5 * momentum**2))
    return tuple(found)


def _screen(group: tuple[int, int], groups: Mapping[tuple[int, int], int]) -> float:
    """Return how much of the nucleus' charge the other electrons hide from one of a group."""
    n, turn = group
    total = (groups[group] - 1) * (0.30 if n == 1 else 0.35)
    for other, electrons in groups.items():
        if turn > 1:
            total += electrons * (other < group)
        elif other[0] < n:
            total += electrons * (0.85 if other[0] == n - 1 else 1.0)
    return total


def share_density(atoms: Sequence[Atoms], share: npt.ArrayLike) -> Floats:
    """
    Return the density of u = (e - q) / m of electrons, per X0 and u.

    A fast particle of energy E sees an electron of energy e = m - B and of momentum q along its way at
    ``s = 2 m^2 + 2 E (e - q)`` [B: binding energy], as if it had the energy u E on an electron at rest.

    Parameters
    ----------
    atoms : sequence of Atoms
    share : float64, any shape
        u

    Returns
    -------
    float64, shape of ``share`` [1/cm2]
    """
    u = np.asarray(share, dtype=np.float64)
    total = np.zeros(u.shape)
    for kind in atoms:
        for shell in shells(kind.z):
            q = 1.0 - shell.binding - u
            density = 8 * shell.momentum**5 / (3 * np.pi * (q**2 + shell.momentum**2) ** 3)
            total += kind.electrons * shell.electrons / kind.z * density
    return total


def seen_track_density(
    atoms: Sequence[Atoms], energies: Floats, lengths: Floats, at: npt.ArrayLike
) -> Floats:
    """
    Return electrons times track length of positrons, per energy E' that these seem to have on one at rest.

    ``sum of L g(E' / E) E' / E^2`` with g of `share_density`; one factor E' / E is the flux of electrons,
    larger for those that come towards the positron.

    Parameters
    ----------
    atoms : sequence of Atoms
    energies : float64, shape (n + 1,) [GeV]
        Rising edges, closer to each other than 1e-3.
    lengths : float64, shape (..., n) [X0]
        Track length between them.
    at : float64, shape (m,) [GeV]
        E'

    Returns
    -------
    float64, shape (..., m) [1/cm2/GeV]
    """
    middle = 0.5 * (energies[1:] + energies[:-1])
    share = np.asarray(at, dtype=np.float64)[None, :] / middle[:, None]
    table = np.linspace(0.0, _MOST, _STEPS)
    density = np.interp(share, table, share_density(atoms, table), right=0.0)
    return np.asarray(lengths @ (density * share / middle[:, None]))
