"""
A new vector boson Z' radiated by a muon in the field of a nucleus.

The improved Weizsaecker-Williams approximation of `physics.dark_photon` with the muon in place of the
electron and ``alpha eps^2 = g^2 / 4 pi``: C.-Y. Chen et al., Phys. Rev. D 95 (2017) 115005;
H. Sieber et al., Phys. Rev. D 105 (2022) 052006. No factor brings it to the exact tree level. The flux has
t_min = (m^2 / 2 E)^2 and t_max = m^2, so that masses below the muon's are described the less well the smaller
they are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from physics.dark_photon import ALPHA, PICOBARN, energy_shares, photon_flux, share_density

__all__ = ["MUON", "boson_angles", "boson_section", "boson_shares"]

Floats = npt.NDArray[np.float64]

MUON = 0.1056583755  # [GeV]
_POINTS = 4000


def boson_shares(mass: float, energy: float) -> tuple[Floats, Floats]:
    """Return x = E_Z' / E and the cumulative distribution of it, (n,) each; masses and energy in GeV."""
    return energy_shares(mass, energy, _POINTS, MUON)


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
    x, _ = boson_shares(mass, energy)
    density = share_density(x, 1.0 - x, mass, energy, MUON)
    flux = photon_flux(mass, energy, z, a)
    factor = 2 * ALPHA**2 * coupling**2 / (4 * np.pi) * flux / energy
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
