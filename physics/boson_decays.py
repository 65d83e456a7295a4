"""
Decays of vector bosons that couple to B - L or to L_mu - L_tau, and the path that they fly before.

Widths into a pair of Dirac fermions of unit charge, ``g^2 m / (12 pi) (1 + 2 r) sqrt(1 - 4 r)`` with
r = (m_f / m)^2, and half of it for a neutrino of one handedness: Y. Andreev et al. (NA64), Phys. Rev. Lett.
129 (2022) 161801 (B - L); P. Foldenauer, Phys. Rev. D 99 (2019) 035007 (L_mu - L_tau). Masses in GeV, g is
the coupling. Decays to hadrons are not in: the B - L widths hold below the mass of two pions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from physics.dark_photon import ALPHA, ELECTRON
from physics.muon_boson import MUON

__all__ = [
    "b_minus_l_invisible_share", "b_minus_l_width", "coupling_of_epsilon", "decay_length",
    "epsilon_of_coupling", "l_mu_tau_epsilon", "l_mu_tau_width", "neutrino_width", "pair_width", "survival",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

_TAU = 1.77693  # [GeV]
_CHARGE = float(np.sqrt(4 * np.pi * ALPHA))
_LENGTH = 1.973269804e-13  # [mm GeV] hbar c


def pair_width(mass: float, coupling: float, fermion: float) -> float:
    """Return the width into a pair of Dirac fermions of a mass [GeV]; 0 below their threshold."""
    ratio = (fermion / mass) ** 2
    phase_space = (1 + 2 * ratio) * np.sqrt(max(1 - 4 * ratio, 0.0))
    return float(coupling**2 * mass / (12 * np.pi) * phase_space)


def neutrino_width(mass: float, coupling: float, flavours: int) -> float:
    """Return the width into light neutrinos of one handedness [GeV]."""
    return flavours * coupling**2 * mass / (24 * np.pi)


def b_minus_l_width(mass: float, coupling: float) -> float:
    """Return the width of a B - L boson into neutrinos, electrons and muons [GeV]."""
    charged = sum(pair_width(mass, coupling, lepton) for lepton in (ELECTRON, MUON))
    return neutrino_width(mass, coupling, 3) + charged


def b_minus_l_invisible_share(mass: float) -> float:
    """Return the branching ratio of a B - L boson to neutrinos: 0.6 between the two thresholds."""
    return neutrino_width(mass, 1.0, 3) / b_minus_l_width(mass, 1.0)


def l_mu_tau_width(mass: float, coupling: float) -> float:
    """Return the width of an L_mu - L_tau boson into neutrinos, muons and taus [GeV]."""
    charged = sum(pair_width(mass, coupling, lepton) for lepton in (MUON, _TAU))
    return neutrino_width(mass, coupling, 2) + charged


def l_mu_tau_epsilon(coupling: float) -> float:
    """Return the kinetic mixing that loops of muons and taus make: e g / (12 pi^2) ln(m_tau^2 / m_mu^2)."""
    return float(_CHARGE * coupling / (12 * np.pi**2) * np.log((_TAU / MUON) ** 2))


def coupling_of_epsilon(epsilon: float) -> float:
    """Return the coupling to electrons that radiates as much as a dark photon of that mixing: epsilon e."""
    return epsilon * _CHARGE


def epsilon_of_coupling(coupling: float) -> float:
    """Return the mixing of a dark photon that electrons radiate as often: g / e."""
    return coupling / _CHARGE


def decay_length(mass: float, energy: npt.ArrayLike, width: float) -> Floats:
    """
    Return the mean path before the decay, ``hbar c p / (m Gamma)``.

    Parameters
    ----------
    mass : float [GeV]
    energy : float64, any shape [GeV]
    width : float [GeV]

    Returns
    -------
    float64, same shape [mm]
        0 at energies up to the mass; infinite for a width of 0.
    """
    momentum = np.sqrt(np.maximum(np.asarray(energy, dtype=np.float64) ** 2 - mass**2, 0.0))
    if width <= 0:
        return np.full_like(momentum, np.inf)
    return np.asarray(_LENGTH / (mass * width) * momentum)


def survival(mass: float, energy: float, width: float, length: float) -> float:
    """Return the probability to fly a length [mm] without a decay; masses, energies and widths in GeV."""
    return float(np.exp(-length / decay_length(mass, energy, width)))
