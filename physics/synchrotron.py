"""
Synchrotron radiation of relativistic particles in a dipole.

PDG, Review of Particle Physics 2024, "Electromagnetic relations", and A. Hofmann, "The Physics of Synchrotron
Radiation" (2004): a particle of charge 1 that bends by the angle theta radiates ``5 / (2 sqrt 3) alpha gamma
theta`` photons on average, with the critical energy ``E_c = 3/2 hbar c gamma^3 / rho``; the number of photons
per x = E / E_c goes as the integral of K_5/3 from x to infinity, whose mean x is 8 / (15 sqrt 3). Photons
above E_c carry half of the energy.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.integrate import cumulative_trapezoid
from scipy.special import kv

__all__ = [
    "HBAR_C",
    "MEAN_FRACTION",
    "PHOTONS_PER_ANGLE",
    "critical_energy",
    "photon_number",
    "spectrum_quantiles",
]

Floats = npt.NDArray[np.float64]

_ALPHA = 1 / 137.035999
HBAR_C = 0.1973269804e-12  # [GeV mm]
_LIGHT = 0.299792458e-3  # [GeV / (T mm)]
_STEPS = 40000  # of probability
PHOTONS_PER_ANGLE = 5 / (2 * np.sqrt(3)) * _ALPHA  # times gamma and the angle: their mean number
MEAN_FRACTION = 8 / (15 * np.sqrt(3))  # mean photon energy over the critical energy


def photon_number(gamma: npt.ArrayLike, angle: npt.ArrayLike) -> Floats:
    """
    Return the mean number of photons.

    Parameters
    ----------
    gamma : float64, any shape
        Energy over mass.
    angle : float64, any shape [rad]
        By which the particle bends; its sign does not matter.
    """
    return np.asarray(PHOTONS_PER_ANGLE * np.asarray(gamma) * np.abs(angle))


def critical_energy(gamma: npt.ArrayLike, momentum: npt.ArrayLike, field: npt.ArrayLike) -> Floats:
    """
    Return the critical energy [GeV] of particles of charge 1.

    Parameters
    ----------
    gamma : float64, any shape
        Energy over mass.
    momentum : float64, any shape [GeV]
        Above 0.
    field : float64, any shape [T]
        Across the momentum; its sign does not matter.
    """
    curvature = _LIGHT * np.abs(field) / np.asarray(momentum)  # [1/mm]
    return np.asarray(1.5 * HBAR_C * np.asarray(gamma) ** 3 * curvature)


@lru_cache(maxsize=1)
def spectrum_quantiles() -> Floats:
    """
    Return x = E / E_c at equal steps of probability of the photon number spectrum, (40001,).

    Values drawn on straight lines between the points follow the spectrum. The last point is not infinite, but
    where the last step, of 1 / 40000, keeps its mean: no photon has more than about 10 E_c.
    """
    x = np.geomspace(1e-9, 40.0, 20001)
    log_x = np.log(x)
    tail = -cumulative_trapezoid((x * kv(5 / 3, x))[::-1], log_x[::-1], initial=0.0)[::-1]
    density = tail * x  # per unit of ln x
    # below the first point the spectrum goes as x^(-2/3), its integral as x^(1/3)
    total = 3.0 * density[0] + cumulative_trapezoid(density, log_x, initial=0.0)
    energy = cumulative_trapezoid(density * x, log_x, initial=0.0)
    found = np.interp(np.linspace(0.0, 1.0, _STEPS + 1), total / total[-1], x)
    last_mean = (energy[-1] - np.interp(found[-2], x, energy)) / total[-1] * _STEPS
    found[-1] = 2.0 * last_mean - found[-2]
    return np.asarray(found)
