"""What a vector boson adds to the anomalous magnetic moment of the muon."""

from __future__ import annotations

import numpy as np

__all__ = ["coupling_of_moment", "vector_moment"]

_MUON = 0.1056583755  # [GeV]


def vector_moment(mass: float, coupling: float) -> float:
    """
    Return a_mu of a boson with a vector coupling to muons.

    ``g^2 / (4 pi^2)`` times the integral of ``x^2 (1 - x) / (x^2 + (1 - x) m^2 / m_mu^2)`` from 0 to 1:
    M. Pospelov, Phys. Rev. D 80 (2009) 095002, eq. (6).

    Parameters
    ----------
    mass : float [GeV]
    coupling : float
        1 is a unit charge: of a dark photon epsilon e.
    """
    x = np.linspace(0.0, 1.0, 20001)[1:-1]
    integrand = x**2 * (1 - x) / (x**2 + (1 - x) * (mass / _MUON) ** 2)
    return float(coupling**2 / (4 * np.pi**2) * np.trapezoid(integrand, x))


def coupling_of_moment(mass: float, moment: float) -> float:
    """Return the coupling of a boson of a mass [GeV] that gives an a_mu; NaN for one below 0."""
    return float(np.sqrt(moment / vector_moment(mass, 1.0))) if moment >= 0 else float("nan")
