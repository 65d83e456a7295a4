"""
A new vector boson Z' radiated by a muon in the field of a nucleus.

The exact tree level of `physics.exact_bremsstrahlung` with the muon in place of the electron and
``alpha eps^2 = g^2 / 4 pi``, calculated on lead. On other nuclei the improved Weizsaecker-Williams
approximation (C.-Y. Chen et al., Phys. Rev. D 95 (2017) 115005) is scaled by the ratio of both on lead, as K
does it for electrons in `physics.dark_photon`. The same process is treated by H. Sieber et al., Phys. Rev. D
105 (2022) 052006.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from physics.dark_photon import ALPHA, PICOBARN, energy_shares, photon_flux, share_density
from physics.exact_bremsstrahlung import exact_grid, share_above

__all__ = ["MUON", "boson_angles", "boson_section", "boson_shares"]

Floats = npt.NDArray[np.float64]

MUON = 0.1056583755  # [GeV]
_LEAD = (82.0, 207.0)
_NODES = (40, 24, 40)  # of s, t and u: good to 1e-3
_POINTS, _CLOSEST = 120, 1e-4  # of half of the spectrum of x, and the first of them
_SMOOTH = 0.02  # of x, over which the points of the integral are spread


def boson_shares(mass: float, energy: float) -> tuple[Floats, Floats]:
    """
    Return x = E_Z' / E and the cumulative distribution of it, exact on lead, (n,) each.

    Parameters
    ----------
    mass, energy : float [GeV]
        Of the Z' and of the muon.
    """
    made = _exact(mass, energy)
    return made.x, made.cumulative


def boson_section(mass: float, energy: float, coupling: float, z: float, a: float) -> float:
    """
    Return the cross section of mu N -> mu N Z' per nucleus [pb].

    Parameters
    ----------
    mass : float [GeV]
        Of the Z'.
    energy : float [GeV]
        Of the muon, above the mass.
    coupling : float
        g of the Z' and muons.
    z, a : float
        Of the nucleus.
    """
    exact = _exact(mass, energy).section * coupling**2 / (4 * np.pi * ALPHA)
    return exact * _approximate(mass, energy, z, a) / _approximate(mass, energy, *_LEAD)


class _Exact(NamedTuple):
    """On lead."""

    section: float  # [pb] for epsilon = 1
    x: Floats  # (n,)
    cumulative: Floats  # (n,)


@lru_cache(maxsize=256)
def _exact(mass: float, energy: float) -> _Exact:
    """Return the exact cross section and spectrum; the integral's many points are not kept."""
    grid, low = exact_grid(mass, energy, 1.0, *_LEAD, nodes=_NODES, lepton=MUON), mass / energy
    edge = 0.5 * (1 - low) * np.geomspace(_CLOSEST, 1.0, _POINTS)  # dense at both ends
    x = np.concatenate([low + edge, 1.0 - edge[-2::-1]])
    widths = np.minimum(_SMOOTH, 0.5 * np.minimum(x - low, 1.0 - x))  # a grid is made of points
    inside = np.maximum.accumulate([1.0 - share_above(grid, *at) for at in zip(x, widths, strict=True)])
    ends = np.concatenate([[low], x, [1.0]]), np.concatenate([[0.0], inside, [1.0]])
    for array in ends:
        array.flags.writeable = False  # shared by all callers
    return _Exact(float(grid.weight.sum()), *ends)


@lru_cache(maxsize=1024)
def _approximate(mass: float, energy: float, z: float, a: float) -> float:
    """Return the improved Weizsaecker-Williams cross section for g = 1 [pb]."""
    x, _ = energy_shares(mass, energy, lepton=MUON)
    density = share_density(x, 1.0 - x, mass, energy, MUON)
    factor = 2 * ALPHA**2 / (4 * np.pi) * photon_flux(mass, energy, z, a) / energy
    return float(factor * np.trapezoid(density, x) * PICOBARN)


def boson_angles(x: Floats, mass: float, energy: Floats, rng: np.random.Generator) -> Floats:
    """
    Draw the angle between the Z' and the muon before.

    J. Bjorken et al., Phys. Rev. D 80 (2009) 075018, eq. (5)::

        dsigma / dx dcos(theta) ~ (a - b (U - U_0) / U^2) / U^2,    U = U_0 + E^2 x theta^2,
        U_0 = m^2 (1 - x) / x + m_mu^2 x,    a = 1 - x + x^2 / 2,    b = x (1 - x) m^2

    Parameters
    ----------
    x : float64, shape (n,)
        Energy of the Z' over that of the muon.
    mass : float [GeV]
    energy : float64, shape (n,) [GeV]
        Of the muon.
    rng : numpy.random.Generator

    Returns
    -------
    float64, shape (n,) [rad]
    """
    least = mass**2 * (1 - x) / x + MUON**2 * x
    most, slope = 1 - x + 0.5 * x**2, x * (1 - x) * mass**2
    ratio = np.ones(len(x))  # r = U_0 / U, by rejection from a flat one
    waiting = np.arange(len(x))
    while len(waiting):
        r = rng.random(len(waiting))
        share = 1 - slope[waiting] / (least[waiting] * most[waiting]) * (r - r**2)
        accepted = rng.random(len(waiting)) < share
        ratio[waiting[accepted]] = np.maximum(r[accepted], 1e-6)
        waiting = waiting[~accepted]
    return np.asarray(np.sqrt((least / ratio - least) / (energy**2 * x)))
