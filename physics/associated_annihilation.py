"""
A dark photon and a photon of an electron and a positron: e+ e- -> gamma A'.

With c the cosine of the A' in the centre of mass and b^2 = 1 - 4 m_e^2 / s,
``dsigma/dc = 4 pi alpha^2 eps^2 / s [(s - m^2) / 2s (1 + c^2) + 2 m^2 / (s - m^2)] / (1 - b^2 c^2)``:
L. Marsicano et al., Phys. Rev. D 98 (2018) 015031; without a mass it is eps^2 times that of two photons, of
which either may be the A'. In the laboratory the A' has the share ``(s + m^2 + (s - m^2) c) / 2s`` of the
positron's energy. Masses and energies in GeV, cross sections in pb per electron at rest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from physics.dark_photon import ALPHA, ELECTRON, PICOBARN

__all__ = ["associated_section"]

Floats = npt.NDArray[np.float64]


def associated_section(
    energy: npt.ArrayLike,
    mass: float,
    epsilon: float,
    least_share: npt.ArrayLike = 0.0,
    *,
    softest: float = 0.01,
) -> Floats:
    """
    Return the cross section of e+ e- -> gamma A' with an A' of at least a share of the positron's energy.

    Photons that are too soft to tell the process from e+ e- -> A', of which they are a correction, are left
    out; without that the cross section grows without end towards the resonance.

    Parameters
    ----------
    energy : float64, any shape [GeV]
        Of the positron.
    mass : float [GeV]
        Of the A'.
    epsilon : float
    least_share : float64, broadcast with ``energy``
        Of the positron's energy, for the A'.
    softest : float
        Share of the positron's energy that the photon has to take.

    Returns
    -------
    float64 [pb]
        0 where the mass leaves no such photon.
    """
    s = 2 * ELECTRON * np.asarray(energy, dtype=np.float64) + 2 * ELECTRON**2
    free = s - mass**2
    is_open = free > softest * s
    free = np.where(is_open, free, s)
    b = np.sqrt(1 - 4 * ELECTRON**2 / s)
    tilt, level = free / (2 * s), 2 * mass**2 / free

    def below(c: Floats) -> Floats:
        """Return the integral of [...] / (1 - b^2 c^2) up to c."""
        slope = np.arctanh(b * c) / b
        return np.asarray((tilt * (1 + 1 / b**2) + level) * slope - tilt * c / b**2)

    def cosine(share: npt.ArrayLike) -> Floats:
        return np.asarray(np.clip((2 * s * np.asarray(share) - s - mass**2) / free, -1.0, 1.0))

    last = cosine(1 - softest)
    first = np.minimum(cosine(least_share), last)
    section = 4 * np.pi * ALPHA**2 * epsilon**2 / s * (below(last) - below(first)) * PICOBARN
    return np.asarray(np.where(is_open, section, 0.0))
