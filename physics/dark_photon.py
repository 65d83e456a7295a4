"""
Production and decay of a dark photon A' that mixes with the photon by epsilon.

Bremsstrahlung in the improved Weizsaecker-Williams approximation, brought to the exact tree level by factors
K(mass, energy): S. Gninenko, D. Kirpichnikov, M. Kirsanov, N. Krasnikov, Phys. Lett. B 782 (2018) 406, and
the public code DMG4 (A. Celentano et al., Comput. Phys. Commun. 269 (2021) 108129). Energies and masses in
GeV, cross sections in pb.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from physics import dark_photon_table as table

__all__ = [
    "PICOBARN", "angle_density", "annihilation_section", "bremsstrahlung_section", "energy_shares",
    "invisible_width", "photon_flux", "resonance_energy", "share_density", "tree_level_factor",
    "visible_width",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

ALPHA = 1 / 137.036
ELECTRON = 0.51099895e-3  # [GeV]
PICOBARN = 3.894e8  # [pb GeV2]


def photon_flux(mass: float, energy: float, z: float, a: float) -> float:
    """
    Return the effective photon flux chi of a nucleus: elastic form factor with atomic screening.

    The integral of ``(t - t_min) / t^2 Z^2 (t / (1/a^2 + t))^2 (d / (d + t))^2`` from t_min = (m^2 / 2 E)^2
    to t_max = m^2, with the atom's radius a = 111 Z^(-1/3) / m_e and the nucleus' d = 0.164 A^(-2/3) GeV^2
    (J. Bjorken et al., Phys. Rev. D 80 (2009) 075018, appendix A).

    Parameters
    ----------
    mass, energy : float [GeV]
        Of the A' and of the electron.
    z, a : float
        Of the nucleus.
    """
    atom = (z ** (1 / 3) * ELECTRON / 111.0) ** 2  # 1/a^2
    nucleus = 0.164 * a ** (-2 / 3)
    low, high = mass**4 / (4 * energy**2), mass**2
    first = (atom - nucleus) * (atom + nucleus + 2 * high) * (high - low) / ((atom + high) * (nucleus + high))
    logarithm = np.log((atom + high) * (nucleus + low) / ((nucleus + high) * (atom + low)))
    second = (atom + nucleus + 2 * low) * logarithm
    return float(-(z**2) * nucleus**2 * (first + second) / (atom - nucleus) ** 3)


def bremsstrahlung_section(mass: float, energy: float, epsilon: float, z: float, a: float) -> float:
    """
    Return the cross section of e Z -> e Z A' per nucleus [pb].

    Parameters
    ----------
    mass : float [GeV]
        From 1 MeV to 1 GeV, where the factors K are known.
    energy : float [GeV]
        Of the electron, above the mass.
    epsilon : float
    z, a : float
        Of the nucleus.

    Raises
    ------
    ValueError
        If the mass is out of that range or not below the energy.
    """
    lightest, heaviest = table.SECTIONS[0][0] * 1e-3, table.SECTIONS[-1][0] * 1e-3
    if not (lightest <= mass <= heaviest and mass < energy):
        msg = (
            f"the cross section is known for masses from {lightest:g} to {heaviest:g} GeV that are below the "
            f"electron's energy, got {mass:g} GeV at {energy:g} GeV"
        )
        raise ValueError(msg)
    return _approximate_section(mass, energy, epsilon, z, a) / tree_level_factor(mass, energy)


def tree_level_factor(mass: float, energy: float) -> float:
    """
    Return K: the approximate over the exact cross section.

    K is known on lead at 60 and 100 GeV and taken to be the same for all nuclei. Between the masses of the
    table it is a straight line in ln(mass); at other energies ln K is one in ln(energy), between 60 and 100
    GeV and beyond. DMG4's cross sections at 40 and 160 GeV are met within some 3%, those at 20 GeV within 6%.
    `physics.exact_bremsstrahlung` is met within 2.6% at 60 and 100 GeV, and on carbon within 7.5%; at 10 GeV
    within 10% with the inelastic form factor, else within 8% below 0.2 GeV and within 21% up to 0.9 GeV.

    Parameters
    ----------
    mass : float [GeV]
        From 1 MeV to 1 GeV; beyond, K is that of the end.
    energy : float [GeV]
        Of the electron.
    """
    log_energy, log_mass, factors = _factors()
    low, high = (np.log(np.interp(np.log(mass), log_mass, column)) for column in factors)
    slope = (high - low) / (log_energy[1] - log_energy[0])
    return float(np.exp(low + slope * (np.log(energy) - log_energy[0])))


@lru_cache(maxsize=1)
def _factors() -> tuple[Floats, Floats, Floats]:
    """Return ln(energy) (2,), ln(mass) (n,) and K (2, n) of the table."""
    mass, *sections = np.array(table.SECTIONS, dtype=np.float64).T
    mass = mass * 1e-3
    factors = [
        [_approximate_section(float(m), e, table.EPSILON, table.Z, table.A) for m in mass] / exact
        for e, exact in zip(table.ENERGIES, sections, strict=True)
    ]
    return np.log(table.ENERGIES), np.log(mass), np.array(factors)


def _approximate_section(mass: float, energy: float, epsilon: float, z: float, a: float) -> float:
    """
    Return the cross section in the improved Weizsaecker-Williams approximation [pb].

    ``4/3 alpha^3 eps^2 chi beta ln(1 / delta^2) / m^2`` with delta the larger of m_e / m and m / E.
    """
    beta = np.sqrt(1 - (mass / energy) ** 2)
    delta = max(ELECTRON / mass, mass / energy)
    flux = photon_flux(mass, energy, z, a)
    section = 4 / 3 * ALPHA**3 * epsilon**2 * flux * beta * np.log(1 / delta**2) / mass**2
    return float(section * PICOBARN)


def energy_shares(
    mass: float, energy: float, n_points: int = 4000, lepton: float = ELECTRON
) -> tuple[Floats, Floats]:
    """
    Return x = E_A' / E and the cumulative distribution of the A' energy, (n_points,) each.

    The improved Weizsaecker-Williams spectrum of `share_density` from x = m / E to 1.

    Parameters
    ----------
    mass, energy : float [GeV]
        Of the A' and of the lepton; mass below energy.
    n_points : int
        Denser towards x = 1, where the spectrum peaks.
    lepton : float [GeV]
        Mass of what radiates.

    Raises
    ------
    ValueError
        If the mass is not above 0 and below the energy.
    """
    if not 0 < mass < energy:
        msg = (
            f"an A' needs a mass above 0 and below the electron's energy, got {mass:g} GeV at {energy:g} GeV"
        )
        raise ValueError(msg)
    low = mass / energy
    # the peak of heavy A' is as narrow as 1 - x = (m_e / m)^2
    rest = np.geomspace(1.0 - low, 1e-3 * min((lepton / mass) ** 2, 1e-4), n_points)
    x = 1.0 - rest
    density = share_density(x, rest, mass, energy, lepton)
    total = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(x))])
    return x, total / total[-1]


def share_density(x: Floats, rest: Floats, mass: float, energy: float, lepton: float = ELECTRON) -> Floats:
    """
    Return the spectrum of x = E_A' / E in the improved Weizsaecker-Williams approximation.

    With ``u = -m^2 (1 - x) / x - m_l^2 x``::

        dsigma/dx = 2 alpha^3 eps^2 chi / E
                    sqrt(x^2 E^2 - m^2) (m_l^2 x (-2 + 2 x + x^2) - 2 u (3 - 3 x + x^2)) / (3 x u^2)

    Parameters
    ----------
    x, rest : float64, shape (n,)
        The share and 1 - x, which near the peak is known better than their difference.
    mass, energy, lepton : float [GeV]
        Mass of the A', energy and mass of what radiates it.

    Returns
    -------
    float64, shape (n,) [1/GeV]
        What stands behind ``2 alpha^3 eps^2 chi / E``.
    """
    u = -(mass**2) * rest / x - lepton**2 * x
    root = np.sqrt(np.maximum(x**2 * energy**2 - mass**2, 0.0))
    return np.asarray(
        root * (lepton**2 * x * (-2 + 2 * x + x**2) - 2 * u * (3 - 3 * x + x**2)) / (3 * x * u**2)
    )


def angle_density(angle: Floats, x: float, mass: float, energy: float, lepton: float = ELECTRON) -> Floats:
    """
    Return the spectrum of x and of the angle between A' and lepton; over all angles it is `share_density`.

    J. Bjorken et al., Phys. Rev. D 80 (2009) 075018, eq. (5), with the lepton's mass kept::

        dsigma / dx dtheta ~ 4 E^2 theta sqrt(x^2 E^2 - m^2)
                             (1 - x + x^2 / 2 - x (1 - x) (m^2 + 2 m_l^2) (U - U_0) / U^2) / U^2,
        U = U_0 + E^2 x theta^2,    U_0 = m^2 (1 - x) / x + m_l^2 x

    Parameters
    ----------
    angle : float64, shape (n,) [rad]
        Small.
    x : float
        Energy of the A' over that of the lepton, below 1.
    mass, energy, lepton : float [GeV]
        Mass of the A', energy and mass of what radiates it.

    Returns
    -------
    float64, shape (n,) [1/GeV/rad]
        What stands behind ``2 alpha^3 eps^2 chi / E``.
    """
    least = mass**2 * (1 - x) / x + lepton**2 * x
    u = least + energy**2 * x * angle**2
    slope = x * (1 - x) * (mass**2 + 2 * lepton**2)
    root = np.sqrt(max(x**2 * energy**2 - mass**2, 0.0))
    return np.asarray(4 * energy**2 * angle * root * (1 - x + 0.5 * x**2 - slope * (u - least) / u**2) / u**2)


def visible_width(mass: float, epsilon: float) -> float:
    """Return the width of A' -> e+ e- [GeV] for a mass [GeV]; 0 below twice the electron's."""
    ratio = (ELECTRON / mass) ** 2
    return float(mass * ALPHA * epsilon**2 / 3 * (1 + 2 * ratio) * np.sqrt(max(1 - 4 * ratio, 0.0)))


def invisible_width(mass: float, alpha_d: float, mass_ratio: float) -> float:
    """
    Return the width of A' -> chi chi [GeV], chi a Dirac fermion; 0 for a mass ratio of 1/2 and more.

    Parameters
    ----------
    mass : float [GeV]
        Of the A'.
    alpha_d : float
        Coupling of A' and chi, g^2 / 4 pi.
    mass_ratio : float
        Mass of chi over that of the A'.
    """
    ratio = mass_ratio**2
    return float(mass * alpha_d / 3 * (1 + 2 * ratio) * np.sqrt(max(1 - 4 * ratio, 0.0)))


def resonance_energy(mass: float) -> float:
    """Return the positron energy [GeV] at which e+ e- -> A' is resonant: (m^2 - 2 m_e^2) / 2 m_e."""
    return (mass**2 - 2 * ELECTRON**2) / (2 * ELECTRON)


def annihilation_section(
    energy: npt.ArrayLike, mass: float, epsilon: float, alpha_d: float, mass_ratio: float
) -> Floats:
    """
    Return the cross section of e+ e- -> A' -> chi chi per atomic electron at rest [pb], chi a Dirac fermion.

    ``4 pi alpha eps^2 alpha_D (q / sqrt s) (s - 4 q^2 / 3) / ((s - m^2)^2 + m^2 Gamma^2)`` with the momentum
    q of chi and the width Gamma into chi alone: that into e+ e- is smaller by eps^2 alpha / alpha_D.

    Parameters
    ----------
    energy : float64, any shape [GeV]
        Of the positron.
    mass : float [GeV]
        Of the A'.
    epsilon : float
    alpha_d, mass_ratio : float
        As for `invisible_width`.

    Returns
    -------
    float64, shape of ``energy`` [pb]
        0 below the threshold of the pair of chi.
    """
    s = 2 * ELECTRON * np.asarray(energy, dtype=np.float64) + 2 * ELECTRON**2
    width = invisible_width(mass, alpha_d, mass_ratio)
    momentum = 0.5 * np.sqrt(s * np.maximum(1 - 4 * (mass_ratio * mass) ** 2 / s, 0.0))
    top = 4 * np.pi * ALPHA * epsilon**2 * alpha_d * momentum / np.sqrt(s) * (s - 4 * momentum**2 / 3)
    return np.asarray(top / ((s - mass**2) ** 2 + mass**2 * width**2) * PICOBARN)
