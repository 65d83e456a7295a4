"""Photons that make hadrons on nuclei, real ones and the virtual ones of a fast electron.

The hadronic cross section of photons above some GeV is nearly constant, 115 ub per nucleon (PDG, Review of
Particle Physics 2024, sec. 53); nuclei are shadowed, sigma(A) = sigma(N) A^0.92 (T. Bauer, R. Spital,
D. Yennie, F. Pipkin, Rev. Mod. Phys. 50 (1978) 261, whose A_eff / A at tens of GeV is about 0.65 for lead and
0.8 for carbon).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["ATOMS_PER_RADIATION_LENGTH", "photonuclear_section", "virtual_photons"]

Floats = npt.NDArray[np.float64]

_PER_NUCLEON = 115e-30  # [cm2]
_SHADOWING = 0.92
_ALPHA = 1 / 137.035999
_ELECTRON = 0.51099895e-3  # [GeV]
_MOST_VIRTUAL = 0.77  # [GeV] mass of the rho meson: photons of larger virtuality are suppressed
ATOMS_PER_RADIATION_LENGTH = 42.70 / 12.011 * 6.02214076e23  # [1/cm2] of carbon, PDG 2024


def photonuclear_section(photon: npt.ArrayLike, z: float, a: float) -> Floats:
    """
    Return the cross section of gamma + nucleus -> hadrons [cm2].

    Parameters
    ----------
    photon : float64, any shape [GeV]
        Above some GeV.
    z, a : float
        Of the nucleus; the charge does not matter.
    """
    del z
    return np.full(np.shape(photon), _PER_NUCLEON * a**_SHADOWING)


def virtual_photons(energy: float, least: float) -> float:
    """
    Return the number of virtual photons above an energy that accompany an electron.

    ``2 alpha / pi ln(E / k) ...``: the spectrum dN = (2 alpha / pi) ln(q_max / q_min) dk / k of Weizsaecker
    and Williams, virtualities from q_min = m_e k / E (taken at k = E / 2) to the mass of the rho meson.

    Parameters
    ----------
    energy : float [GeV]
        Of the electron.
    least : float [GeV]
        Softest photon.

    Raises
    ------
    ValueError
        If that is not between 0 and the electron's energy.
    """
    if not 0 < least < energy:
        msg = f"virtual photons are counted from above 0 to the electron's {energy:g} GeV, got {least:g} GeV"
        raise ValueError(msg)
    virtualities = np.log(_MOST_VIRTUAL / (0.5 * _ELECTRON))
    return float(2 * _ALPHA / np.pi * virtualities * np.log(energy / least))
