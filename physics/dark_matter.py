"""
Dark matter to which a dark photon decays: widths, its production by positrons, and the target of its relic.

Widths: A. Berlin et al., Phys. Rev. D 99 (2019) 075001; annihilation: E. Nardi et al., Phys. Rev. D 97 (2018)
095004; atomic electrons in motion: F. Arias-Aragon et al., Phys. Rev. Lett. 132 (2024) 261801. Masses,
energies and widths in GeV, cross sections in pb per electron.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from physics.dark_photon import ALPHA, ELECTRON, PICOBARN, invisible_width

__all__ = [
    "annihilation_in_motion", "mixing_of_yield", "pseudo_dirac_width", "scalar_annihilation_section",
    "scalar_width", "yield_of_mixing",
]  # fmt: skip

Floats = npt.NDArray[np.float64]


def scalar_width(mass: float, alpha_d: float, mass_ratio: float) -> float:
    """Return the width of A' into a pair of complex scalars, ``m alpha_D / 12 (1 - 4 r^2)^(3/2)`` [GeV]."""
    return float(mass * alpha_d / 12 * max(1 - 4 * mass_ratio**2, 0.0) ** 1.5)


def pseudo_dirac_width(mass: float, alpha_d: float, light: float, heavy: float) -> float:
    """
    Return the width of A' into the two states of a pseudo-Dirac fermion [GeV].

    ``m alpha_D / 3 (1 + M^2 / 2 m^2) sqrt(1 - M^2 / m^2) (1 - D^2 / m^2)^(3/2)``, M the sum and D the
    difference of their masses; without a splitting that of a Dirac fermion.

    Parameters
    ----------
    mass, light, heavy : float [GeV]
        Of the A' and of the two states.
    alpha_d : float
    """
    total, split = ((light + heavy) / mass) ** 2, ((heavy - light) / mass) ** 2
    shape = (1 + 0.5 * total) * np.sqrt(max(1 - total, 0.0)) * max(1 - split, 0.0) ** 1.5
    return float(mass * alpha_d / 3 * shape)


def scalar_annihilation_section(
    energy: npt.ArrayLike, mass: float, epsilon: float, alpha_d: float, mass_ratio: float
) -> Floats:
    """
    Return the cross section of e+ e- -> A' -> two complex scalars, per electron at rest [pb].

    That of `physics.dark_photon.annihilation_section` with ``2 q^2 / 3`` for ``s - 4 q^2 / 3``; the width is
    that into scalars.

    Parameters
    ----------
    energy : float64, any shape [GeV]
        Of the positron.
    mass, epsilon, alpha_d, mass_ratio : float
        As there.
    """
    s = 2 * ELECTRON * np.asarray(energy, dtype=np.float64) + 2 * ELECTRON**2
    momentum = 0.5 * np.sqrt(s * np.maximum(1 - 4 * (mass_ratio * mass) ** 2 / s, 0.0))
    width = scalar_width(mass, alpha_d, mass_ratio)
    top = 4 * np.pi * ALPHA * epsilon**2 * alpha_d * momentum / np.sqrt(s) * 2 * momentum**2 / 3
    return np.asarray(top / ((s - mass**2) ** 2 + mass**2 * width**2) * PICOBARN)


def annihilation_in_motion(
    energy: npt.ArrayLike, electron: float, mass: float, epsilon: float, alpha_d: float, mass_ratio: float
) -> Floats:
    """
    Return the cross section of e+ e- -> A' -> Dirac fermions on electrons in motion [pb].

    Averaged over all directions of the electron: the resonance's denominator exactly, by an integral over s,
    ``[atan((s - m^2) / (m Gamma))] / (4 m Gamma P+ P-)`` between parallel and opposite momenta; the slowly
    varying rest is taken at the mean s that the denominator leaves.

    Parameters
    ----------
    energy : float64, any shape [GeV]
        Of the positron.
    electron : float [GeV]
        Momentum of the electron, above 0.
    mass, epsilon, alpha_d, mass_ratio : float
        As for `physics.dark_photon.annihilation_section`.
    """
    positron = np.asarray(energy, dtype=np.float64)
    momentum = np.sqrt(positron**2 - ELECTRON**2)
    middle = 2 * ELECTRON**2 + 2 * positron * np.sqrt(electron**2 + ELECTRON**2)
    spread = 2 * momentum * electron
    width = mass * invisible_width(mass, alpha_d, mass_ratio)
    ends = [(middle + side * spread - mass**2) / width for side in (-1, 1)]
    low, high = (np.arctan(end) for end in ends)
    at = mass**2 + 0.5 * width * np.log((ends[1] ** 2 + 1) / (ends[0] ** 2 + 1)) / (high - low)
    q = 0.5 * np.sqrt(at * np.maximum(1 - 4 * (mass_ratio * mass) ** 2 / at, 0.0))
    top = 4 * np.pi * ALPHA * epsilon**2 * alpha_d * q / np.sqrt(at) * (at - 4 * q**2 / 3)
    return np.asarray(top * (high - low) / (2 * width * spread) * PICOBARN)


def yield_of_mixing(epsilon: npt.ArrayLike, alpha_d: float, mass_ratio: float) -> Floats:
    """Return y = alpha_D epsilon^2 (m_chi / m_A')^4, on which the annihilation of dark matter depends."""
    return np.asarray(alpha_d * np.asarray(epsilon, dtype=np.float64) ** 2 * mass_ratio**4)


def mixing_of_yield(y: npt.ArrayLike, alpha_d: float, mass_ratio: float) -> Floats:
    """Return the epsilon of a y: the inverse of `yield_of_mixing`."""
    return np.asarray(np.sqrt(np.asarray(y, dtype=np.float64) / alpha_d) / mass_ratio**2)
