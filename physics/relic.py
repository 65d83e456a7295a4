"""
The coupling with which dark matter that annihilates through a dark photon is as frequent as it is observed.

Annihilation chi chi -> A'* -> e+ e- and mu+ mu- with ``y = alpha_D eps^2 (m_chi / m_A')^4``: E. Izaguirre et
al., Phys. Rev. Lett. 115 (2015) 251301; density after freeze-out: E. Kolb and M. Turner, The Early Universe,
eq. (5.42 to 5.47). Hadrons are left out, so that lines above some 100 MeV lie too high, and the 10.75 degrees
of freedom of electrons, photons and neutrinos are those of freeze-out at 1 to 10 MeV. The approximate
solution of the Boltzmann equation is good to 15%. Masses in GeV.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from physics.dark_photon import ALPHA, ELECTRON

__all__ = ["RELIC_DENSITY", "DarkMatter", "relic_yield"]

DarkMatter = Literal["scalar", "majorana", "pseudo-dirac", "dirac"]

RELIC_DENSITY = 0.120  # Omega h^2, Planck, Astron. Astrophys. 641 (2020) A6
_MUON = 0.1056583755
_PLANCK = 1.220890e19  # [GeV]
_DEGREES = 10.75
_CLOSE = 1e-5  # where iterations end
_STATES = {"scalar": 2, "majorana": 2, "pseudo-dirac": 4, "dirac": 4}  # of particles and antiparticles


def relic_yield(mass: float, mass_ratio: float, kind: DarkMatter) -> float:
    """
    Return the y of the observed density.

    Parameters
    ----------
    mass : float [GeV]
        Of chi.
    mass_ratio : float
        m_chi / m_A', below 1/2: at the resonance the formulas do not hold.
    kind : "scalar", "majorana", "pseudo-dirac" or "dirac"
        A complex scalar, a Majorana fermion with an axial current, two states of nearly the same mass that
        annihilate with each other, a Dirac fermion.

    Raises
    ------
    ValueError
        If chi is lighter than the electron, the ratio is not below 0.5, or there is no such kind.
    """
    if kind not in get_args(DarkMatter):
        msg = f"unknown dark matter '{kind}'; there are: {', '.join(get_args(DarkMatter))}"
        raise ValueError(msg)
    if not (mass > ELECTRON and 0 < mass_ratio < 0.49):
        msg = (
            f"a relic needs m_chi above {ELECTRON:g} GeV and m_chi / m_A' below 0.49, "
            f"got {mass:g} GeV and {mass_ratio:g}"
        )
        raise ValueError(msg)
    unit = _rate(mass, mass_ratio)
    wave = 0 if kind in {"pseudo-dirac", "dirac"} else 1
    # pairs of unlike particles are half of all pairs; a Majorana fermion is its own antiparticle
    pairs = 1.0 if kind == "majorana" else 0.5
    strength = pairs * (16 * np.pi if wave == 0 else 8 * np.pi / 3) * ALPHA * unit  # sigma v = it * y v^(2 n)
    y = 1e-12
    for _ in range(50):
        freeze = _freeze_out(mass, strength * y, wave, _STATES[kind])
        averaged = strength / freeze if wave == 0 else 6 * strength / (2 * freeze**2)  # of 1/x_f on, per y
        density = 1.07e9 / (_PLANCK * np.sqrt(_DEGREES) * averaged * y)
        y *= density / RELIC_DENSITY
        if abs(density / RELIC_DENSITY - 1) < _CLOSE:
            break
    return float(y)


def _rate(mass: float, mass_ratio: float) -> float:
    """Return ``sum over leptons of phase space / m_chi^2 / (1 - 4 r^2)^2`` [1/GeV2]."""
    ratios = [(lepton / mass) ** 2 for lepton in (ELECTRON, _MUON)]
    channels = sum((1 + 0.5 * r) * np.sqrt(max(1 - r, 0.0)) for r in ratios)
    return float(channels / mass**2 / (1 - 4 * mass_ratio**2) ** 2)


def _freeze_out(mass: float, strength: float, wave: int, states: int) -> float:
    """Return x = m / T at freeze-out, by iteration."""
    x = 15.0
    for _ in range(30):
        velocity = 1.0 if wave == 0 else 6.0 / x
        inside = 0.038 * (wave + 1) * states * mass * _PLANCK * strength * velocity / np.sqrt(_DEGREES * x)
        before, x = x, max(np.log(max(inside, 3.0)), 1.0)
        if abs(x - before) < _CLOSE:
            break
    return float(x)
