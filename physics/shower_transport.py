"""
Electrons, positrons and photons of a shower followed one by one: track length by energy and depth.

Bremsstrahlung and pairs: H. Bethe, W. Heitler with the screening functions of J. C. Butcher and H. Messel,
Nucl. Phys. 20 (1960) 15, and the Coulomb correction of H. Davies, H. Bethe, L. Maximon, Phys. Rev. 93 (1954)
788, over the radiation length. Bremsstrahlung is suppressed as A. B. Migdal, Phys. Rev. 103 (1956) 1811,
found, by the formulas of T. Stanev et al., Phys. Rev. D 25 (1982) 1291. Positrons annihilate in flight,
photons scatter off electrons. Along one axis: no angles, and no knock-on electrons, of which a track makes
4e-4 above 1 GeV per X0 of lead. Energies in GeV, depths and lengths in radiation lengths.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["BEAM", "ELECTRON", "LPM", "POSITRON", "Medium", "Tracks", "energy_edges", "follow_showers",
           "pair_density", "radiation_density"]  # fmt: skip

Floats = npt.NDArray[np.float64]

BEAM, ELECTRON, POSITRON, _PHOTON = 0, 1, 2, 3  # rows of `Tracks`; a photon leaves no track
LPM = 770.0  # [GeV] per mm of radiation length: alpha m^2 / (4 pi hbar c)
_MASS = 0.51099895e-3  # [GeV]
_AREA = 2.49467e-25  # [cm2] pi r_e^2
_ALPHA = 1 / 137.035999
_SOFT = 1e-3  # of the least energy: photons of less are a steady loss
_CLOSEST = 1e-4  # 1 - E / E0 of the last bin
_BINS_NEAR, _BINS_FAR = 12, 48  # of the energy above and below _NEAR of the beam's
_NEAR = 0.9


class Medium(NamedTuple):
    """What a shower flies through."""

    z: float  # atomic number that screens
    loss: float  # [GeV/X0] by ionisation
    electrons: float  # [1/cm2] of the atoms, per X0
    lpm: float = np.inf  # [GeV] `LPM` times X0 [mm] of what radiates; infinite: no suppression


class Tracks(NamedTuple):
    """Sums over showers."""

    showers: int
    lengths: Floats  # (3, n_energies, n_depths) [X0] of the beam particle, other electrons, other positrons
    squares: Floats  # the same, of the square of the length of each shower
    energies: Floats  # (3,) [GeV] lost on the tracks, left below the least energy, behind the last depth


def energy_edges(energy: float, least: float) -> Floats:
    """
    Return edges of bins of the energy [GeV], even in ln(E), above 0.9 of the beam's in ln(E0 - E).

    The edge that is nearest to half of the beam's energy is moved there.

    Parameters
    ----------
    energy : float [GeV]
        Of the beam.
    least : float [GeV]
        First edge, below 0.9 of the beam's energy.

    Returns
    -------
    float64, shape (61,)
        The last is the beam's energy.
    """
    far = np.geomspace(least, _NEAR * energy, _BINS_FAR + 1)
    if least < 0.5 * energy:
        far[1 + np.abs(np.log(far[1:-1] / (0.5 * energy))).argmin()] = 0.5 * energy
    near = energy * (1.0 - np.geomspace(1.0 - _NEAR, _CLOSEST, _BINS_NEAR))
    return np.concatenate([far[:-1], near, [energy]])


def follow_showers(
    medium: Medium,
    energy: float,
    n: int,
    rng: np.random.Generator,
    edges: Floats,
    depths: Floats,
    *,
    is_positron: bool = False,
) -> Tracks:
    """
    Follow the particles of showers down to the first edge of the energy.

    Each step puts its length into the bin of one place on it, which is drawn evenly.

    Parameters
    ----------
    medium : Medium
    energy : float [GeV]
        Of the beam particle.
    n : int
        Showers.
    rng : numpy.random.Generator
    edges : float64, shape (n_energies + 1,) [GeV]
        Rising.
    depths : float64, shape (n_depths + 1,) [X0]
        Rising from 0; the shower ends at the last one.
    is_positron : bool
        Whether the beam is one of positrons.

    Raises
    ------
    ValueError
        If edges do not rise, or do not begin above 0 and below the beam's energy, and at a depth of 0.
    """
    rises = (np.diff(edges) > 0).all() and (np.diff(depths) > 0).all()
    if not rises or not 0 < edges[0] < energy or depths[0] != 0:
        msg = (
            f"edges must rise, of energies from above 0 and below the beam's {energy:g} GeV, of depths "
            f"from 0; they begin at {edges[0]:g} GeV and {depths[0]:g} X0"
        )
        raise ValueError(msg)
    shape = (3, len(edges) - 1, len(depths) - 1)
    sums = Tracks(n, np.zeros(shape), np.zeros(shape), np.zeros(3))
    _showers(medium, energy, n, rng, edges, depths, is_positron, sums.lengths, sums.squares, sums.energies)
    return sums


@numba.njit(cache=True)
def _screening(z: float, delta: float) -> tuple[float, float, float]:
    """Return phi_1 / 4 - ln(Z) / 3 - f and the same with phi_2 at delta, and the first at 0."""
    squared = (z * _ALPHA) ** 2
    coulomb = squared * (
        1 / (1 + squared) + 0.20206 - 0.0369 * squared + 0.0083 * squared**2 - 0.002 * squared**3
    )
    charge = np.log(z) / 3 + coulomb
    if delta <= 1.0:
        first = 20.867 - 3.242 * delta + 0.625 * delta**2
        second = 20.209 - 1.930 * delta - 0.086 * delta**2
    else:
        first = second = 21.12 - 4.184 * np.log(delta + 0.952)
    return max(first / 4 - charge, 0.0), max(second / 4 - charge, 0.0), 20.867 / 4 - charge


@numba.njit(cache=True)
def _suppression(ratio: float, z: float) -> tuple[float, float]:
    """Return xi G and xi phi of Migdal at s^2 xi = ``ratio``."""
    first = np.sqrt(2.0) * (z ** (1 / 3) / 184.15) ** 2
    root = np.sqrt(ratio)
    if root >= 1.0:
        xi = 1.0
    elif root <= first:
        xi = 2.0
    else:
        h = np.log(root) / np.log(first)
        xi = 1 + h - 0.08 * (1 - h) * h * (2 - h) / np.log(first)
    s = root / np.sqrt(xi)
    if s < 0.01:
        phi = 6 * s * (1 - np.pi * s)
        g = 12 * s - 2 * phi
    elif s >= 1.55:
        phi, g = 1 - 0.011670 / s**4, 1 - 0.0230655 / s**4
    else:
        phi = 1 - np.exp(-6 * s * (1 + (3 - np.pi) * s) + s**3 / (0.623 + 0.796 * s + 0.658 * s**2))
        if s < 0.415827:
            psi = 1 - np.exp(-4 * s - 8 * s**2 / (1 + 3.936 * s + 4.97 * s**2 - 0.05 * s**3 + 7.5 * s**4))
            g = 3 * psi - 2 * phi
        else:
            g = np.tanh(-0.160723 + 3.755030 * s - 1.798138 * s**2 + 0.672827 * s**3 - 0.120772 * s**4)
    return xi * g, xi * phi


@numba.njit(cache=True)
def radiation_density(y: float, energy: float, z: float, lpm: float) -> float:
    """
    Return y times the photons of a share y of an electron's energy, per X0 and y.

    Without suppression and with complete screening ``4/3 - 4/3 y + y^2 + (1 - y) / 9 L`` with L =
    ln(184 Z^(-1/3)) - f.

    Parameters
    ----------
    y : float
        Above 0 and below 1.
    energy : float [GeV]
        Of the electron.
    z, lpm : float
        Of the `Medium`.
    """
    delta = 136.0 * z ** (-1 / 3) * _MASS / energy * y / (1 - y)
    first, second, full = _screening(z, delta)
    g, phi = 1.0, 1.0
    if lpm < np.inf:
        g, phi = _suppression(0.125 * lpm * y / (energy * (1 - y)), z)
    main = (y * y * g + 2 * (1 + (1 - y) ** 2) * phi) / 3
    return float((main * first + 2 / 3 * (1 - y) * (first - second)) / full)


@numba.njit(cache=True)
def pair_density(x: float, energy: float, z: float) -> float:
    """
    Return the pairs of a photon whose positron has the share x, per X0 and x.

    With complete screening ``1 - 4/3 x (1 - x) - x (1 - x) / 9 L``, L as in `radiation_density`.

    Parameters
    ----------
    x : float
        Above 0 and below 1.
    energy : float [GeV]
        Of the photon.
    z : float
        Of the `Medium`.
    """
    both = x * (1 - x)
    first, second, full = _screening(z, 136.0 * z ** (-1 / 3) * _MASS / energy / both)
    return float(((1 - 2 * both) * first + 2 / 3 * both * second) / full)


@numba.njit(cache=True)
def _showers(
    medium: Medium,
    beam: float,
    n: int,
    rng: np.random.Generator,
    edges: Floats,
    depths: Floats,
    is_positron: bool,
    lengths: Floats,
    squares: Floats,
    energies: Floats,
) -> None:
    """Add up showers: each particle of a stack is followed until it has gone."""
    own = np.zeros(lengths.shape)
    size = int(4 * beam / edges[0]) + 16
    kinds, stack, places = np.zeros(size, np.int64), np.zeros(size), np.zeros(size)
    for _ in range(n):
        own[:] = 0.0
        stack[0], places[0], kinds[0] = beam, 0.0, BEAM
        count = 1
        while count > 0:
            count -= 1
            kind, energy, depth = kinds[count], stack[count], places[count]
            if kind == _PHOTON:
                made = _photon(medium, energy, depth, rng, depths[-1])
            else:
                annihilates = kind == POSITRON or (kind == BEAM and is_positron)
                made = _step(medium, energy, depth, rng, edges, depths, own[kind], energies, annihilates)
            goes_on, energy, depth, first, second, is_pair = made
            # first and second are photons, or of a pair the positron and the electron
            for k in range(3):
                part = (energy if goes_on else 0.0, first, second)[k]
                if part <= 0.0:
                    continue
                if depth >= depths[-1]:
                    energies[2] += part
                elif part < edges[0]:
                    energies[1] += part
                else:
                    kinds[count] = kind if k == 0 else ((POSITRON, ELECTRON)[k - 1] if is_pair else _PHOTON)
                    stack[count], places[count] = part, depth
                    count += 1
        lengths += own
        squares += own * own


@numba.njit(cache=True)
def _step(
    medium: Medium,
    energy: float,
    depth: float,
    rng: np.random.Generator,
    edges: Floats,
    depths: Floats,
    own: Floats,
    energies: Floats,
    annihilates: bool,
) -> tuple[bool, float, float, float, float, bool]:
    """Bring a charged particle to its next photon, and return what is there; its track goes into ``own``."""
    soft = _SOFT * edges[0]
    most = 1.03 * (4 / 3 + 2 / 3 * 0.1645 / _screening(medium.z, 0.0)[2])  # of radiation_density
    gamma = energy / _MASS
    radiates = most * np.log(energy / soft)
    vanishes = medium.electrons * _AREA / gamma * (np.log(2 * gamma) - 1) if annihilates else 0.0
    slope = medium.loss + most * soft
    free = rng.exponential(1.0 / (radiates + vanishes))
    length = min(free, depths[-1] - depth, (energy - edges[0]) / slope)
    at = length * rng.random()
    bin_e = np.searchsorted(edges, energy - slope * at, side="right") - 1
    bin_d = np.searchsorted(depths, depth + at, side="right") - 1
    own[max(min(bin_e, own.shape[0] - 1), 0), min(bin_d, own.shape[1] - 1)] += length
    energies[0] += slope * length
    energy -= slope * length
    depth += length
    if length < free:
        if depth < depths[-1]:
            energy = min(energy, edges[0] * (1 - 1e-12))  # it ends just below the least energy
        return True, energy, depth, 0.0, 0.0, False
    if rng.random() * (radiates + vanishes) < vanishes:
        share = _annihilation_share(gamma, rng)
        return False, 0.0, depth, share * energy, (1 - share) * energy, False
    photon = soft * ((energy + slope * length) / soft) ** rng.random()
    y = photon / energy
    if y >= 1.0 or rng.random() * most >= radiation_density(y, energy, medium.z, medium.lpm):
        return True, energy, depth, 0.0, 0.0, False
    return True, energy - photon, depth, photon, 0.0, False


@numba.njit(cache=True)
def _annihilation_share(gamma: float, rng: np.random.Generator) -> float:
    """Draw the share of one of two photons (W. Heitler, The Quantum Theory of Radiation, 1954, sec. 27)."""
    least = 0.5 / gamma
    while True:
        share = least * ((1 - least) / least) ** rng.random()
        if rng.random() < 1 - share + (2 * gamma * share - 1) / (share * (gamma + 1) ** 2):
            return float(share)


@numba.njit(cache=True)
def _photon(
    medium: Medium, energy: float, depth: float, rng: np.random.Generator, last: float
) -> tuple[bool, float, float, float, float, bool]:
    """Bring a photon to its pair, or to the electron that it hits, and return what is there."""
    ratio = energy / _MASS
    scatters = (
        medium.electrons * _AREA / ratio * (np.log(2 * ratio) + 0.5)
    )  # O. Klein, Y. Nishina, high energies
    while True:
        depth += rng.exponential(1.0 / (1.0 + scatters))
        if depth >= last:
            return True, energy, depth, 0.0, 0.0, False
        if rng.random() * (1.0 + scatters) < scatters:
            share = (0.5 / ratio) ** rng.random()
            if 2 * rng.random() < 1 + share * share:
                # the electron stands as the second of a pair without a positron
                return True, share * energy, depth, 0.0, (1 - share) * energy, True
            continue
        x = rng.random()
        if 0.0 < x < 1.0 and rng.random() < pair_density(x, energy, medium.z):
            return False, 0.0, depth, x * energy, (1 - x) * energy, True
