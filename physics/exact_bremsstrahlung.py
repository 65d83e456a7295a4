"""
Exact tree level of e Z -> e Z A': one photon between electron and nucleus, nothing else approximated.

What `physics.dark_photon` reaches by factors K of a publication is calculated here from the amplitude, as a
check: explicit spinors, the electron's mass kept, a nucleus without spin, the elastic form factor of
`physics.dark_photon.photon_flux`, on request the inelastic one beside it. The same process is treated by
Y.-S. Liu and G. Miller, Phys. Rev. D 96 (2017) 016004, and S. Gninenko et al., Phys. Lett. B 782 (2018) 406.

The variables are those of virtual Compton scattering gamma* e -> e A' in the rest frame of the electron and
the A' behind, where each peak of the cross section lies along one variable: s, the square of their mass; t,
minus that of the photon; u = m_e^2 minus the square of (electron before - A'), above 0; and phi, the azimuth
of the A' from the plane of the nucleus. Energies and masses in GeV, cross sections in pb; the metric is
(+, -, -, -).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from physics.dark_photon import ALPHA, ELECTRON, PICOBARN

__all__ = [
    "Grid", "Momenta", "amplitude", "elastic_form_factor", "exact_grid", "exact_section",
    "full_form_factor", "momenta", "share_above", "squared_amplitude", "transfer_limits", "u_limits",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

UNIFIED_MASS = 0.93149410  # [GeV] per unit of A
PROTON, PROTON_MOMENT = 0.93827209, 2.79284734  # [GeV], in nuclear magnetons
NODES = (24, 32, 20)  # of s, t and u: some 1e-4 of the section
_AZIMUTHS = np.pi * (np.arange(3) + 0.5) / 3  # the mean over cos(phi) and cos(2 phi) is exact on three
_PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_GAMMA = np.zeros((4, 4, 4), dtype=np.complex128)  # of Dirac, upper index first
_GAMMA[0] = np.diag([1, 1, -1, -1])
_GAMMA[1:, :2, 2:], _GAMMA[1:, 2:, :2] = _PAULI, -_PAULI
_METRIC = np.array([1.0, -1.0, -1.0, -1.0])


class Momenta(NamedTuple):
    """Four-momenta in the rest frame of electron and A' behind, float64 of shape (n, 4) [GeV]."""

    electron: Floats  # before, along z
    boson: Floats
    scattered: Floats  # the electron behind
    photon: Floats  # what the nucleus gives: scattered + boson - electron
    nucleus: Floats  # before
    source: Floats  # the nucleus less a multiple of the photon: the same amplitude, no cancellation


class Grid(NamedTuple):
    """Points of the integral over all phase space, float64 of shape (n,) each."""

    x: Floats  # energy of the A' over that of the electron, in the laboratory
    weight: Floats  # [pb]; their sum is the cross section


def elastic_form_factor(t: Floats, z: float, a: float) -> Floats:
    """
    Return the form factor of a nucleus, its charge in it, screened by the atom; t in GeV^2.

    ``Z t / (1/a^2 + t) d / (d + t)`` with a = 111 Z^(-1/3) / m_e and d = 0.164 A^(-2/3) GeV^2, as in
    `physics.dark_photon.photon_flux` (J. Bjorken et al., Phys. Rev. D 80 (2009) 075018, appendix A).
    """
    atom = (z ** (1 / 3) * ELECTRON / 111.0) ** 2
    nucleus = 0.164 * a ** (-2 / 3)
    return np.asarray(z * t / (atom + t) * nucleus / (nucleus + t))


def full_form_factor(t: Floats, z: float, a: float) -> Floats:
    """
    Return the root of the squared form factors, elastic and inelastic, of a nucleus; t in GeV^2.

    What the protons add one by one, with a' = 773 Z^(-2/3) / m_e (J. Bjorken et al., Phys. Rev. D 80 (2009)
    075018, appendix A)::

        Z (a'^2 t / (1 + a'^2 t))^2 ((1 + t (mu_p^2 - 1) / 4 m_p^2) / (1 + t / 0.71 GeV^2)^4)^2
    """
    atom = (z ** (2 / 3) * ELECTRON / 773.0) ** 2
    proton = (1 + t * (PROTON_MOMENT**2 - 1) / (4 * PROTON**2)) / (1 + t / 0.71) ** 4
    return np.asarray(np.sqrt(elastic_form_factor(t, z, a) ** 2 + z * (t / (atom + t) * proton) ** 2))


def transfer_limits(
    s: Floats, energy: float, nucleus: float, lepton: float = ELECTRON
) -> tuple[Floats, Floats]:
    """
    Return the least and largest t [GeV^2] for each s [GeV^2].

    The roots of the Gram determinant of both initial momenta and the photon. The least is taken from the
    product ``M^2 (s - m_l^2)^2 / S`` of both, where no digits cancel.

    Parameters
    ----------
    s : float64, any shape [GeV^2]
    energy : float [GeV]
        Of the electron, in the laboratory.
    nucleus, lepton : float [GeV]
        Masses.
    """
    total = nucleus**2 + lepton**2 + 2 * nucleus * energy
    half = nucleus**2 * (energy**2 - 0.5 * (s + lepton**2)) + nucleus * energy * (
        lepton**2 - 0.5 * (s + lepton**2)
    )
    product = (nucleus * (s - lepton**2)) ** 2
    largest = 2 * (half + np.sqrt(np.maximum(half**2 - 0.25 * total * product, 0.0))) / total
    return product / (total * largest), largest


def momenta(
    s: npt.ArrayLike, t: npt.ArrayLike, u: npt.ArrayLike, phi: npt.ArrayLike, mass: float, energy: float,
    nucleus: float, lepton: float = ELECTRON,
) -> Momenta:  # fmt: skip
    """
    Return the momenta of points of phase space.

    Parameters
    ----------
    s, t, u, phi : float64, any shapes that fit together [GeV^2, phi in rad]
        Inside of `transfer_limits` and `u_limits`.
    mass, energy : float [GeV]
        Of the A', and of the electron in the laboratory.
    nucleus, lepton : float [GeV]
        Masses.
    """
    s, t, u, phi = (np.asarray(v, dtype=np.float64) for v in np.broadcast_arrays(s, t, u, phi))
    root = np.sqrt(s)
    product = 0.5 * (s + lepton**2 + t)  # of the electron before and the whole
    before, after = product / root, 0.5 * (s + mass**2 - lepton**2) / root
    p, k = np.sqrt(before**2 - lepton**2), _boson_momentum(s, mass, lepton)
    least, largest = u_limits(s, t, mass, lepton)
    cosine = (2 * before * after - mass**2 - u) / (2 * p * k)
    transverse = np.sqrt(np.maximum((u - least) * (largest - u), 0.0)) / (2 * p)
    zero = np.zeros_like(s)
    boson = np.stack([after, transverse * np.cos(phi), transverse * np.sin(phi), k * cosine], axis=-1)
    electron = np.stack([before, zero, zero, p], axis=-1)
    scattered = np.stack([root, zero, zero, zero], axis=-1) - boson
    photon = np.stack([0.5 * (s - lepton**2 - t) / root, zero, zero, -p], axis=-1)
    low, high = transfer_limits(s, energy, nucleus, lepton)
    total = nucleus**2 + lepton**2 + 2 * nucleus * energy
    aside = np.sqrt(np.maximum(total * (t - low) * (high - t), 0.0) / s) / (2 * p)
    upright = (nucleus * energy - 0.5 * t) / root
    along = (upright * before - nucleus * energy) / p
    target = np.stack([upright, aside, zero, along], axis=-1)
    scalar = 0.5 * t * (2 * nucleus * energy - product + lepton**2) / (root * p**2)
    return Momenta(electron, boson, scattered, photon, target, np.stack([scalar, aside, zero, zero], axis=-1))


def amplitude(source: Floats, point: Momenta, lepton: float = ELECTRON) -> Complexes:
    """
    Return the amplitude of the electron's line, without couplings and without the photon's 1 / t.

    With the electron's momenta p and p', and k of the A'::

        ubar' (source (p - k + m) gamma / ((p - k)^2 - m^2)
               + gamma (p' + k + m) source / ((p' + k)^2 - m^2)) u

    Parameters
    ----------
    source : float64, shape (n, 4) [GeV]
        What the photon's index is contracted with: a momentum of the nucleus.
    point : Momenta
    lepton : float [GeV]

    Returns
    -------
    complex128, shape (n, 2, 2, 4)
        By spin of the electron behind, of that before, and index (upper) of the A'.
    """
    u = 2 * _dot(point.electron, point.boson) - _dot(point.boson, point.boson)
    s = 2 * _dot(point.scattered, point.boson) + _dot(point.boson, point.boson)
    return _amplitude(source, point, s, u, lepton)


def _amplitude(source: Floats, point: Momenta, s: float | Floats, u: Floats, lepton: float) -> Complexes:
    """Return `amplitude` with both denominators, s less the squared mass of the lepton."""
    before = _spinors(point.electron, lepton)
    after = _spinors(point.scattered, lepton).conj().swapaxes(-1, -2) @ _GAMMA[0]
    vertex, one = _slash(source), lepton * np.eye(4)
    left = (after @ vertex) @ (_slash(point.electron - point.boson) + one) / -np.asarray(u)[..., None, None]
    right = (_slash(point.scattered + point.boson) + one) @ (vertex @ before) / np.asarray(s)[..., None, None]
    return np.stack([left @ (g @ before) + (after @ g) @ right for g in _GAMMA], axis=-1)


def squared_amplitude(point: Momenta, s: float | Floats, u: Floats, lepton: float = ELECTRON) -> Floats:
    """
    Return |amplitude|^2 [GeV^2], summed over spins and the A' polarisations, averaged over the first spin.

    The term k k / m^2 of the sum over polarisations gives nothing, since the current is conserved.

    Parameters
    ----------
    point : Momenta
        Of n points, or of points in any shape.
    s, u : float64, shape (n,) or what fits to it [GeV^2]
        With which the momenta were made: their differences know them less well.
    lepton : float [GeV]

    Returns
    -------
    float64, shape (n,) [GeV^2]
        With the source of ``point``, a momentum of the nucleus.
    """
    found = _amplitude(point.source, point, s - lepton**2, u, lepton)
    return np.asarray(-0.5 * np.sum(np.abs(found) ** 2 * _METRIC, axis=(-3, -2, -1)))


def exact_grid(
    mass: float, energy: float, epsilon: float, z: float, a: float, *,
    nodes: tuple[int, int, int] = NODES, lepton: float = ELECTRON,
    form_factor: Callable[[Floats], Floats] | None = None,
) -> Grid:  # fmt: skip
    """
    Return the points of a Gauss-Legendre integral over the phase space of e Z -> e Z A'.

    The nodes are even in the logarithms of t and u, and in the root of ln((s - m_l^2) / its least).

    Parameters
    ----------
    mass, energy : float [GeV]
        Of the A' and of the electron.
    epsilon : float
    z, a : float
        Of the nucleus, of a mass of ``a`` units.
    nodes : tuple of int
        Numbers of values of s, t and u.
    lepton : float [GeV]
        Mass of what radiates.
    form_factor : callable, optional
        Of t [GeV^2], the charge in it; `elastic_form_factor` unless given.

    Raises
    ------
    ValueError
        If the mass is not above 0 or the energy not enough for it.
    """
    nucleus = a * UNIFIED_MASS
    total = nucleus**2 + lepton**2 + 2 * nucleus * energy
    lowest, highest = (mass + lepton) ** 2, (np.sqrt(total) - nucleus) ** 2
    if not (mass > 0 and energy > lepton and lowest < highest):
        msg = (
            f"an A' needs a mass above 0 and an electron with the energy to make it, got {mass:g} GeV at "
            f"{energy:g} GeV"
        )
        raise ValueError(msg)
    factor = form_factor or partial(elastic_form_factor, z=z, a=a)
    rule_s, rule_t, rule_u = (np.polynomial.legendre.leggauss(n) for n in nodes)
    least = mass**2 + 2 * mass * lepton  # of s - m_l^2
    half = 0.5 * np.sqrt(np.log((highest - lepton**2) / least))
    constant = (4 * np.pi * ALPHA) ** 3 * epsilon**2 * PICOBARN
    constant /= 512 * np.pi**3 * nucleus**2 * (energy**2 - lepton**2)
    x, weight = [], []
    for v, v_weight in zip(half * (rule_s[0] + 1), half * rule_s[1], strict=True):
        above = least * np.exp(v**2)
        s = lepton**2 + above
        t, t_weight = _logarithmic(*transfer_limits(s, energy, nucleus, lepton), rule_t)
        u, u_weight = _logarithmic(*u_limits(s, t, mass, lepton), rule_u)
        flux = (factor(t) / t) ** 2 / np.sqrt((0.5 * (s + lepton**2 + t)) ** 2 - lepton**2 * s)
        volume = 2 * v * above * v_weight * (flux * t_weight)[:, None] * u_weight / len(_AZIMUTHS)
        point = momenta(s, t[:, None, None], u[..., None], _AZIMUTHS, mass, energy, nucleus, lepton)
        squared = squared_amplitude(point, s, u[..., None], lepton)
        x.append(_dot(point.nucleus, point.boson).ravel() / (nucleus * energy))
        weight.append((constant * volume[..., None] * squared).ravel())
    return Grid(np.concatenate(x), np.concatenate(weight))


def exact_section(mass: float, energy: float, epsilon: float, z: float, a: float) -> float:
    """Return the cross section of e Z -> e Z A' per nucleus [pb], elastic; parameters as of `exact_grid`."""
    return float(exact_grid(mass, energy, epsilon, z, a).weight.sum())


def share_above(grid: Grid, x: float, width: float = 0.05) -> float:
    """
    Return the share of a spectrum above x, the mean of the shares between x - width and x + width.

    Points of a grid are few for a step: the mean is good to some 1e-3 where the spectrum is smooth.
    """
    kept = np.clip(0.5 + (grid.x - x) / (2 * width), 0.0, 1.0)
    return float(np.sum(grid.weight * kept) / np.sum(grid.weight))


def u_limits(s: Floats, t: Floats, mass: float, lepton: float = ELECTRON) -> tuple[Floats, Floats]:
    """Return the least and largest u [GeV^2] for values of s and t [GeV^2]: A' along z and against it."""
    before = 0.5 * (s + lepton**2 + t)
    after = 0.5 * (s + mass**2 - lepton**2)
    width = 2 * np.sqrt(before**2 - lepton**2 * s) * _boson_momentum(s, mass, lepton) / np.sqrt(s)
    largest = 2 * before * after / s - mass**2 + width
    # the product of both limits, where no digits cancel
    product = lepton**2 * (s - lepton**2) ** 2 + mass**2 * t * (s + t + 3 * lepton**2 - mass**2)
    return product / (s * largest), largest


def _boson_momentum(s: Floats, mass: float, lepton: float) -> Floats:
    """Return the momentum of A' and electron in their rest frame [GeV]."""
    thresholds = (s - (mass + lepton) ** 2) * (s - (mass - lepton) ** 2)
    return np.asarray(np.sqrt(np.maximum(thresholds, 0.0) / s) / 2)


def _logarithmic(low: Floats, high: Floats, nodes: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return values even in the logarithm, and weights, of a rule between -1 and 1; a new last axis."""
    half = 0.5 * np.log(high / low)[..., None]
    value = low[..., None] * np.exp(half * (nodes[0] + 1))
    return value, half * nodes[1] * value


def _dot(first: Floats, second: Floats) -> Floats:
    """Return the product of four-vectors."""
    return np.asarray(np.sum(first * second * _METRIC, axis=-1))


def _slash(vector: Floats) -> Complexes:
    """Return the matrices (n, 4, 4) of four-vectors (n, 4)."""
    return np.asarray(np.tensordot(vector * _METRIC, _GAMMA, axes=1))


def _spinors(momentum: Floats, lepton: float) -> Complexes:
    """Return Dirac spinors (n, 4, 2) of both spins, normalised to 2 m."""
    full = _slash(momentum) + lepton * np.eye(4)
    return np.asarray(full[..., :2] / np.sqrt(momentum[..., 0] + lepton)[..., None, None])
