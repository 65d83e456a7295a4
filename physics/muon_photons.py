"""Virtual photons that accompany a fast muon: equivalent photons of a lepton with mass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["NUCLEAR_SCALE", "PAIR_SCALE", "muon_photons"]

Floats = npt.NDArray[np.float64]

_ALPHA = 1 / 137.035999
_MUON = 0.1056583755  # [GeV]
NUCLEAR_SCALE = 0.77  # [GeV] mass of the rho meson: photons of larger virtuality make few hadrons
PAIR_SCALE = 2 * _MUON  # [GeV] likewise for pairs of muons


def muon_photons(photon: npt.ArrayLike, energy: float, scale: float) -> Floats:
    """
    Return the spectrum dN/dk of virtual photons per muon.

    V. Budnev et al., Phys. Rep. 15 (1975) 181, sec. 6, with x = k / E and Q_min^2 = m^2 x^2 / (1 - x)::

        dN/dk = alpha / 2 pi / E
                ((1 + (1 - x)^2) / x ln(Q_max^2 / Q_min^2) - 2 m^2 x (1 / Q_min^2 - 1 / Q_max^2))

    Parameters
    ----------
    photon : float64, any shape [GeV]
        Above 0, below the muon's energy.
    energy : float [GeV]
        Of the muon.
    scale : float [GeV]
        Q_max.

    Returns
    -------
    float64, same shape [1/GeV]
        0 where no virtuality is below the scale.
    """
    x = np.asarray(photon, dtype=np.float64) / energy
    low, high = _MUON**2 * x**2 / (1 - x), scale**2
    log = np.log(np.maximum(high / low, 1.0))
    soft = 2 * _MUON**2 * x * np.maximum(1 / low - 1 / high, 0.0)
    return np.asarray(np.maximum(_ALPHA / (2 * np.pi) * ((1 + (1 - x) ** 2) / x * log - soft) / energy, 0.0))
