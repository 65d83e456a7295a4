"""Energy loss of fast charged particles in thin and thick matter."""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
import numpy.typing as npt
from scipy.stats import landau

__all__ = [
    "LANDAU_MODE",
    "landau_quantiles",
    "landau_width",
    "loss_of_track",
    "most_probable_loss",
    "radiative_slope",
]

Floats = npt.NDArray[np.float64]

# PDG, Review of Particle Physics 2024, "Passage of particles through matter", table 34.1 and sec. 34.2.9
_K = 0.307075e-3  # [GeV cm2 / mol]
_ELECTRON_MASS = 0.51099895e-3  # [GeV]
_PLASMA = 28.816e-9  # [GeV] of sqrt(density Z/A)
_OFFSET = 0.200  # j, H. Bichsel, Rev. Mod. Phys. 60 (1988) 663
LANDAU_MODE = -0.22278  # of the Landau variable
_FIRST, _LAST = (
    1e-5,
    0.9998,
)  # quantiles; the tail is cut: knock-on electrons of more than 5000 xi leave the cell
_RISE = 1.45  # of the ionisation of muons, see `radiative_slope`


def landau_width(z_over_a: float, density: float, thickness: float) -> float:
    """
    Return xi = K/2 Z/A x [GeV] of a particle of charge 1 and velocity 1.

    Parameters
    ----------
    z_over_a : float
        [mol/g]
    density : float
        [g/cm3]
    thickness : float
        [mm]
    """
    return 0.5 * _K * z_over_a * density * thickness * 0.1


def most_probable_loss(z_over_a: float, density: float, thickness: float) -> float:
    """
    Return the most probable energy loss [GeV] of a highly relativistic particle of charge 1.

    ``xi (ln(2 m_e xi / (hbar omega_p)^2) + 0.2)``: the limit of PDG 2024, eq. (34.12), for beta gamma above
    100, where the density effect makes it independent of the energy.

    Parameters
    ----------
    z_over_a, density, thickness
        As for `landau_width`; thickness above 0.
    """
    return float(_most_probable(landau_width(z_over_a, density, thickness), density * z_over_a))


@numba.njit(cache=True)
def loss_of_track(xi: float, electrons: float, landau: float) -> float:
    """
    Return the energy loss [GeV] for a value of the Landau variable, not below 0.

    Parameters
    ----------
    xi : float
        [GeV] from `landau_width`, above 0.
    electrons : float
        Density times Z/A [mol/cm3].
    landau : float
        From `landau_quantiles`.
    """
    return float(max(_most_probable(xi, electrons) + xi * (landau - LANDAU_MODE), 0.0))


@numba.njit(cache=True)
def _most_probable(xi: float, electrons: float) -> float:
    return float(xi * (np.log(2 * _ELECTRON_MASS * xi / (_PLASMA**2 * electrons)) + _OFFSET))


@lru_cache(maxsize=1)
def landau_quantiles() -> Floats:
    """
    Return the Landau variable at equal steps of probability from 1e-5 to 0.9998, (20001,).

    L. Landau, J. Phys. USSR 8 (1944) 201; the most probable value is `LANDAU_MODE`, the full width at half
    maximum 4.018. The steps are so fine that straight lines between the points keep the mean of the tail.
    """
    # The variable of scipy is that of the stable distribution of scale 1: 2 / pi (lambda - ln(pi / 2)).
    stable = landau.ppf(np.linspace(_FIRST, _LAST, 20001))
    return np.asarray(np.pi / 2 * stable + np.log(np.pi / 2))


def radiative_slope(z: float, minimum_ionisation: float) -> float:
    """
    Return b [1/mm]: the mean radiative loss of a muon of about 100 GeV is b E.

    ``b = 1.45 (dE/dx)_min / E_c`` with the critical energy of muons in solids, where they ionise as much as
    they radiate: ``E_c = 5700 GeV / (Z + 1.47)^0.838`` (PDG 2024, "Passage of particles through matter", sec.
    34.6). The ionisation at E_c is 1.6 (dE/dx)_min in iron and 1.7 in lead; 1.45 is less since b still rises
    from 100 GeV to there. Good to some 20%.

    Parameters
    ----------
    z : float
        Atomic number.
    minimum_ionisation : float
        [GeV/mm]
    """
    critical = 5700.0 / float((z + 1.47) ** 0.838)
    return _RISE * minimum_ionisation / critical
