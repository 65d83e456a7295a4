"""
Where a dark photon A' decays to e+ e-: the acceptance of a decay volume.

An A' decays at a distance l with the density exp(-l / L) / L, with L of `physics.boson_decays.decay_length`
and the width of `physics.dark_photon.visible_width`: S. Gninenko, Phys. Rev. D 89 (2014) 075008;
D. Banerjee et al. (NA64), arXiv:1912.11389. Masses and energies in GeV, lengths in mm.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from physics.boson_decays import decay_length
from physics.dark_photon import visible_width

__all__ = ["decay_lengths", "decay_share", "mean_decay_share"]

Floats = npt.NDArray[np.float64]


def decay_lengths(mass: float, epsilon: float, energy: npt.ArrayLike) -> Floats:
    """
    Return the mean path of A' before they decay to e+ e-.

    Parameters
    ----------
    mass : float [GeV]
        Above twice the electron's; below that of two muons, where e+ e- is all there is.
    epsilon : float
    energy : float64, any shape [GeV]
        Of the A'; 0 at energies up to the mass.

    Returns
    -------
    float64, same shape [mm]

    Raises
    ------
    ValueError
        If the A' is too light to decay, or does not mix.
    """
    width = visible_width(mass, epsilon)
    if not width > 0:
        msg = f"an A' of {mass:g} GeV with epsilon = {epsilon:g} does not decay to e+ e-"
        raise ValueError(msg)
    return decay_length(mass, energy, width)


def decay_share(length: npt.ArrayLike, first: npt.ArrayLike, last: npt.ArrayLike) -> Floats:
    """
    Return the part of the A' that decay between two distances: exp(-L1 / L) - exp(-L2 / L).

    Parameters
    ----------
    length : float64, any shape [mm]
        Mean path L.
    first, last : float64, shapes that fit [mm]
        L1 and L2, from where the A' is made.

    Returns
    -------
    float64
        0 for a path of 0.
    """
    path, begin, end = (np.asarray(v, dtype=np.float64) for v in (length, first, last))
    rate = np.divide(1.0, path, out=np.full(path.shape, np.inf), where=path > 0)
    with np.errstate(invalid="ignore"):
        share = np.exp(-begin * rate) * -np.expm1((begin - end) * rate)
    return np.asarray(np.where(np.isfinite(rate), share, 0.0))


def mean_decay_share(
    mass: float,
    epsilon: float,
    energy: npt.ArrayLike,
    first: npt.ArrayLike,
    last: npt.ArrayLike,
    efficiency: npt.ArrayLike = 1.0,
) -> float:
    """
    Return the acceptance of a decay volume: of a sample of A', the part that decay in it and are seen.

    Parameters
    ----------
    mass : float [GeV]
    epsilon : float
    energy : float64, shape (n,) [GeV]
        Of the A' of a sample.
    first, last : float or float64, shape (n,) [mm]
        Where the decay volume begins and ends, from where the A' is made.
    efficiency : float or float64, shape (n,)
        That a decay there is seen.
    """
    share = decay_share(decay_lengths(mass, epsilon, energy), first, last)
    return float(np.mean(np.asarray(efficiency) * share))
