"""Energies and depths of electrons and positrons in a thick target.

Y.-S. Tsai, Phys. Rev. D 34 (1986) 1326, and Y.-S. Tsai, V. Whitis, Phys. Rev. 149 (1966) 1248: at the depth t
an electron of the beam energy E0 has the energy E with the density ``(1 / E0) ln(E0 / E)^(4t/3 - 1) /
Gamma(4t/3)``, that is, ln(E0 / E) is a gamma variable of shape 4t/3. Depths in radiation lengths, energies in
GeV.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from physics.thick_target import electron_track_length, shower_photon_track_length

__all__ = [
    "electron_track_density", "electron_track_lengths", "sample_electrons",
    "secondary_positron_track_density",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

_STRENGTH = 4.0 / 3.0  # radiation per X0
_PAIR = 7.0 / 9.0  # pairs per X0 of a photon
_DEEPEST = 15.0  # [X0] behind which no electron of a useful energy is left
_LEAST_LOSS, _MOST_LOSS = 1e-7, 7.0  # of ln(E0 / E) in the table


@lru_cache(maxsize=1)
def _track_table() -> tuple[Floats, Floats]:
    """Return ln u and ln of the integral of u^(4t/3 - 1) / Gamma(4t/3) over depths t, u = ln(E0 / E)."""
    log_u = np.linspace(np.log(_LEAST_LOSS), np.log(_MOST_LOSS), 2000)
    depth = np.concatenate([np.geomspace(1e-5, 0.1, 500, endpoint=False), np.linspace(0.1, _DEEPEST, 1500)])
    shape = _STRENGTH * depth
    density = np.exp((shape - 1.0) * log_u[:, None] - gammaln(shape))
    return log_u, np.log(np.trapezoid(density, depth, axis=1))


def electron_track_density(energy: npt.ArrayLike, at: npt.ArrayLike) -> Floats:
    """
    Return the track length of an electron per energy, dL/dE [X0/GeV].

    Parameters
    ----------
    energy : float64, any shape [GeV]
        Where it starts.
    at : float64, any shape [GeV]
        Above 0 and below that energy.
    """
    start = np.asarray(energy, dtype=np.float64)
    loss = np.clip(np.log(start / np.asarray(at, dtype=np.float64)), _LEAST_LOSS, _MOST_LOSS)
    return np.asarray(np.exp(np.interp(np.log(loss), *_track_table())) / start)


@lru_cache(maxsize=1)
def _length_table() -> tuple[Floats, Floats]:
    """Return ln u and the track length [X0] of a beam electron before it has lost u = ln(E0 / E)."""
    log_u, log_density = _track_table()
    rate = np.exp(log_density - np.exp(log_u) + log_u)  # dL / d ln u
    first = electron_track_length(1.0, float(np.exp(-_LEAST_LOSS)))  # the density diverges towards u = 0
    steps = 0.5 * (rate[1:] + rate[:-1]) * np.diff(log_u)
    return log_u, first + np.concatenate([[0.0], np.cumsum(steps)])


def electron_track_lengths(energy: float, at: npt.ArrayLike) -> Floats:
    """
    Return the track lengths [X0] of a beam electron, without those that it makes, above energies.

    Those of `physics.thick_target.electron_track_length`, from a table. Differences of them are exact where
    `electron_track_density` diverges, at the beam's energy.

    Parameters
    ----------
    energy : float [GeV]
        Of the beam.
    at : float64, any shape [GeV]
        Above 1e-3 of it and below it.
    """
    loss = np.clip(np.log(energy / np.asarray(at, dtype=np.float64)), _LEAST_LOSS, _MOST_LOSS)
    log_u, lengths = _length_table()
    return np.asarray(np.interp(np.log(loss), log_u, lengths))


def secondary_positron_track_density(energy: float, at: npt.ArrayLike) -> Floats:
    """
    Return the track length of all positrons of a shower per energy, dL/dE [X0/GeV].

    Photons (Clement and Kessler's track length) make pairs 7/9 times per X0, the energy shared evenly; each
    positron then loses energy as an electron does.

    Parameters
    ----------
    energy : float [GeV]
        Of the beam.
    at : float64, any shape [GeV]
    """
    # dense at both ends: soft photons are as k^-2, hard ones end at the beam's energy
    first = energy * np.union1d(np.geomspace(0.01, 0.9, 400), 1.0 - np.geomspace(1e-4, 0.99, 400))
    photon = shower_photon_track_length(energy, first) / first
    below = np.concatenate([[0.0], np.cumsum(0.5 * (photon[1:] + photon[:-1]) * np.diff(first))])
    source = _PAIR * (below[-1] - below)  # positrons made per GeV
    grid = energy * np.geomspace(0.01, 1.0 - 2e-4, 200)
    # Steps that grow away from the diverging end, where a positron has lost next to nothing.
    steps = np.geomspace(1e-6, 1.0, 800)
    start = grid[:, None] + (energy - grid[:, None]) * steps
    tracks = electron_track_density(start, grid[:, None]) * np.interp(start, first, source)
    density = np.trapezoid(tracks, start, axis=1)
    return np.asarray(np.interp(np.asarray(at, dtype=np.float64), grid, density))


def sample_electrons(
    n: int, rng: np.random.Generator, weight: Callable[[Floats], Floats]
) -> tuple[Floats, Floats]:
    """
    Draw electrons of a shower, weighted by what happens to them.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    weight : function
        Of E / E0; not negative and finite.

    Returns
    -------
    E / E0 and depth [X0], (n,) each

    Raises
    ------
    ValueError
        If no energy has a weight above 0.
    """
    most = float(np.max(weight(np.linspace(0.0, 1.0, 1001))))
    if not most > 0:
        msg = "no electron of the shower can do that: its weight is 0 at all energies"
        raise ValueError(msg)
    shares, depths = [np.zeros(0)], [np.zeros(0)]
    found = 0
    while found < n:
        depth = rng.uniform(0.0, _DEEPEST, 8 * n + 64)
        share = np.exp(-rng.standard_gamma(_STRENGTH * depth))
        kept = rng.random(len(depth)) * most < weight(share)
        shares.append(share[kept])
        depths.append(depth[kept])
        found += int(kept.sum())
    return np.concatenate(shares)[:n], np.concatenate(depths)[:n]
