"""
Electromagnetic showers: mean shape, fluctuations and lateral profile.

Parametrisation of G. Grindhammer and S. Peters, "The parameterized simulation of electromagnetic showers in
homogeneous and sampling calorimeters", arXiv:hep-ex/0001020. Depths t are in radiation lengths, radii in
Moliere radii, y is the energy in units of the critical energy, Z the effective atomic number. The
longitudinal profile is a gamma distribution

    dE/dt = E (beta t)^(alpha - 1) beta exp(-beta t) / Gamma(alpha),    T = (alpha - 1) / beta

whose ln T and ln alpha fluctuate as correlated Gaussians. The lateral profile sums a core and a tail,

    f(r) = p 2 r R_C^2 / (r^2 + R_C^2)^2 + (1 - p) 2 r R_T^2 / (r^2 + R_T^2)^2,

with R_C, R_T and p functions of tau = t / T.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

__all__ = [
    "CORE_SCALE",
    "DEPTH_SCALE",
    "TAIL_SCALE",
    "Fluctuation",
    "LateralProfile",
    "corner_integral",
    "gamma_fraction",
    "lateral_profile",
    "shower_shape",
]

# Scales of the parametrisation for layers of lead and plastic: radii fitted to the even points of the
# impact scan of the Geant4 samples (checked on the odd ones), depth to the preshower share; see
# docs/simulation.md.
CORE_SCALE = 1.54
TAIL_SCALE = 1.44
DEPTH_SCALE = 1.05

_LEAST_LOG = 2.8  # of y, 0.14 GeV in lead and plastic: below, the widths of the fluctuations diverge


class Fluctuation(NamedTuple):
    """Distribution of ln T and ln alpha over showers."""

    log_maximum: float  # mean of ln T
    log_maximum_rms: float
    log_alpha: float  # mean of ln alpha
    log_alpha_rms: float
    correlation: float


class LateralProfile(NamedTuple):
    """Core and tail at one depth."""

    core: float  # [Moliere radii]
    tail: float  # [Moliere radii]
    core_share: float


@numba.njit(cache=True)
def shower_shape(y: float, z: float, frequency: float, e_mip: float) -> Fluctuation:
    """
    Return the distribution of the longitudinal shape of individual showers (appendix, A.1 and A.2).

    Parameters
    ----------
    y : float
        Energy over critical energy. Below exp(2.8) = 16 the shape is that of 16: the widths would diverge.
    z : float
        Effective atomic number.
    frequency : float
        Sampling frequency F_S: radiation length over the thickness of an absorber and an active layer
        together; infinite if homogeneous.
    e_mip : float
        Ratio of the responses to electrons and to minimum-ionising particles; of no effect if homogeneous.

    Returns
    -------
    Fluctuation
        NaN where the layers are so thick that they leave no maximum (``frequency`` below about 0.3 at low
        energies).
    """
    log_y = max(np.log(y), _LEAST_LOG)
    maximum, alpha = log_y - 0.812, 0.81 + (0.458 + 2.26 / z) * log_y
    if np.isinf(frequency):
        return Fluctuation(
            np.log(maximum),
            1 / (-1.4 + 1.26 * log_y),
            np.log(alpha),
            1 / (-0.58 + 0.86 * log_y),
            0.705 - 0.023 * log_y,
        )
    return Fluctuation(
        np.log(maximum - 0.55 / frequency - 0.69 * (1 - e_mip)),
        1 / (-2.5 + 1.25 * log_y),
        np.log(alpha - 0.476 / frequency),
        1 / (-0.82 + 0.79 * log_y),
        0.784 - 0.023 * log_y,
    )


@numba.njit(cache=True)
def lateral_profile(tau: float, energy: float, z: float, frequency: float, e_mip: float) -> LateralProfile:
    """
    Return core, tail and share of the core (appendix, A.1 and A.2).

    Parameters
    ----------
    tau : float
        Depth over the depth T of the maximum.
    energy : float
        [GeV] of the shower.
    z, frequency, e_mip : float
        As for `shower_shape`.

    Returns
    -------
    LateralProfile
        Radii of at least 0.001 and 0.01, a share from 0 to 1: the formulas for layers leave these ranges far
        from the maximum.
    """
    log_e = np.log(energy)
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * z) * tau
    rise = 0.3585 + 0.0421 * log_e
    tail = (0.659 - 0.00309 * z) * (np.exp(-2.59 * (tau - 0.645)) + np.exp(rise * (tau - 0.645)))
    scaled = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log_e)
    share = (2.632 - 0.00094 * z) * np.exp(scaled - np.exp(scaled))
    if not np.isinf(frequency):
        core += -0.0203 * (1 - e_mip) + 0.0397 / frequency * np.exp(-tau)
        tail += -0.14 * (1 - e_mip) - 0.495 / frequency * np.exp(-tau)
        share += (1 - e_mip) * (0.348 - 0.642 / frequency * np.exp(-((tau - 1) ** 2)))
    return LateralProfile(max(core, 1e-3), max(tail, 1e-2), min(max(share, 0.0), 1.0))


@numba.njit(cache=True)
def corner_integral(a: float, b: float, radius: float) -> float:
    """
    Return the integral of R^2 / (pi (x^2 + y^2 + R^2)^2) over 0 < x < a, 0 < y < b.

    It is (a/c atan(b/c) + b/d atan(a/d)) / 2 pi with c^2 = a^2 + R^2, d^2 = b^2 + R^2, odd in a and in b; it
    tends to 1/4 for large a and b. A cell is the sum over its corners, with alternating signs.

    Parameters
    ----------
    a, b : float
        Finite.
    radius : float
        R, above 0, in the unit of a and b.
    """
    c, d = np.sqrt(a * a + radius * radius), np.sqrt(b * b + radius * radius)
    return float((a / c * np.arctan(b / c) + b / d * np.arctan(a / d)) / (2 * np.pi))


@numba.njit(cache=True)
def gamma_fraction(alpha: float, x: float) -> float:
    """
    Return the regularised lower incomplete gamma function P(alpha, x).

    By its series below alpha + 1 (DLMF 8.11.4), above by its continued fraction (the even part of DLMF 8.9.2)
    with Lentz's method; `scipy.special.gammainc` cannot be called from compiled loops.

    Parameters
    ----------
    alpha : float
        Above 0.
    x : float
        Finite; 0 comes back where it is negative.
    """
    if x <= 0.0:
        return 0.0
    front = np.exp(alpha * np.log(x) - x - math.lgamma(alpha))
    if x < alpha + 1.0:
        term = total = 1.0 / alpha
        n = alpha
        while term > 1e-12 * total:
            n += 1.0
            term *= x / n
            total += term
        return float(front * total)
    b = x + 1.0 - alpha
    c, d = 1e300, 1.0 / b
    fraction = d
    for i in range(1, 500):
        factor = -i * (i - alpha)
        b += 2.0
        d = 1.0 / (factor * d + b)
        c = b + factor / c
        fraction *= c * d
        if abs(c * d - 1.0) < 1e-12:
            break
    return float(1.0 - front * fraction)
