"""
A bump on a smooth spectrum: local p-values against the mass, and the global one by toys.

For each mass the events in a window around the peak are compared with a smooth background, fitted to the
bins beside the window. Background: a Poisson mean ``exp(polynomial)``, by maximum likelihood (P. McCullagh,
J. Nelder, Generalized Linear Models). Local p-value: the probability of so many events or more, averaged
over the background's own uncertainty as a gamma distribution (R. Cousins, J. Linnemann, J. Tucker, NIM A
595 (2008) 480, Z_Gamma). Global p-value: how often spectra of the background alone have as small a local
p-value at any mass (E. Gross, O. Vitells, Eur. Phys. J. C 70 (2010) 525). Energies in GeV.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import nbinom

from physics.dark_photon import invisible_width, resonance_energy

__all__ = ["Bump", "Scan", "Spectrum", "line_width", "mass_grid", "mass_of_peak", "scan_masses", "smooth"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_GAUSSIAN = 2.0 * np.sqrt(2.0 * np.log(2.0))  # full width at half maximum over sigma
_HALF = 0.6  # of the full width: half of the window, where s / sqrt(b) of a Gaussian is largest
_BESIDE = 1.2  # likewise: bins nearer than that are not in the fit
_FEWEST = 4  # bins of a fit
_LEAST_PEAK = 1.0  # [GeV]
_FEW = 50  # events: fewer are fitted by a straight line in the logarithm
_LOG_LIMIT = 30.0  # of the logarithm of a mean
_ITERATIONS = 40


class Spectrum(NamedTuple):
    """Counts in bins, of which some may be closed."""

    edges: Floats  # (n_bins + 1,) [GeV]
    counts: npt.NDArray[np.int64]  # (n_bins,); of closed bins nothing is used
    is_open: Mask  # (n_bins,)

    @property
    def centres(self) -> Floats:
        """Return the middle of each bin, (n_bins,) [GeV]."""
        return np.asarray(0.5 * (self.edges[1:] + self.edges[:-1]))

    def beside(self, peak: float, width: float) -> Mask:
        """Return the open bins that are far enough from a peak of a width [GeV] to be fitted, (n_bins,)."""
        return np.asarray(self.is_open & (np.abs(self.centres - peak) > _BESIDE * width))

    @property
    def degree(self) -> int:
        """Return the degree of the background's polynomial that so many events allow for."""
        return 1 if self.counts[self.is_open].sum() < _FEW else 2


class Bump(NamedTuple):
    """One mass: what is seen in its window and what is expected there."""

    mass: float  # [GeV]
    peak: float  # [GeV]
    width: float  # [GeV] full width at half maximum
    window: tuple[float, float]  # [GeV] at edges of bins
    observed: int | None  # None: closed, or no bins beside it to fit
    expected: float  # NaN likewise
    error: float  # of what is expected
    p_value: float  # local; NaN likewise


class Scan(NamedTuple):
    """All masses together."""

    bumps: tuple[Bump, ...]
    best: Bump | None  # with the smallest local p-value
    global_p: float  # NaN without toys or without any mass
    global_p_error: float  # statistical, of the toys
    n_toys: int


def mass_of_peak(peak: float) -> float:
    """Return the mass [GeV] whose resonance lies at a positron energy [GeV]."""
    low, high = 1e-3, 10.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if resonance_energy(middle) < peak else (low, middle)
    return 0.5 * (low + high)


def line_width(mass: float, alpha_d: float, mass_ratio: float, resolution: float) -> float:
    """
    Return the full width at half maximum of the peak [GeV].

    That of a Voigt profile (J. Olivero, R. Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17 (1977)
    233): the Breit-Wigner's ``2 E_R Gamma / m`` and a Gaussian.

    Parameters
    ----------
    mass : float [GeV]
    alpha_d, mass_ratio : float
        Coupling of A' and chi, and m_chi / m_A'.
    resolution : float [GeV]
        Standard deviation of the missing energy.
    """
    lorentz = 2.0 * resonance_energy(mass) * invisible_width(mass, alpha_d, mass_ratio) / mass
    gauss = _GAUSSIAN * resolution
    return float(0.5346 * lorentz + np.sqrt(0.2166 * lorentz**2 + gauss**2))


def mass_grid(low: float, high: float, width_of: Callable[[float], float]) -> Floats:
    """
    Return masses whose peaks lie half a width apart, from one missing energy to another [GeV].

    Parameters
    ----------
    low, high : float [GeV]
        Missing energies.
    width_of : function
        Full width [GeV] of a mass [GeV].
    """
    peaks, peak = [], max(low, _LEAST_PEAK)
    while peak <= high:
        peaks.append(peak)
        peak += 0.5 * width_of(mass_of_peak(peak))
    return np.array([mass_of_peak(peak) for peak in peaks])


def smooth(counts: npt.ArrayLike, x: Floats, used: Mask, degree: int) -> tuple[Floats, Floats]:
    """
    Fit ``exp(polynomial)`` to counts by Newton's method, to many spectra at once.

    Parameters
    ----------
    counts : int, shape (n_spectra, n_bins)
    x : float64, shape (n_bins,)
        Where the bins are.
    used : bool, shape (n_bins,)
        Bins of the fit.
    degree : int
        Of the polynomial.

    Returns
    -------
    mean : float64, shape (n_spectra, n_bins)
        Expected counts in all bins.
    log_error : float64, shape (n_spectra, n_bins, degree + 1)
        Rows A with ``A A^T`` the covariance of the logarithms of the means.
    """
    n = np.asarray(counts, dtype=np.float64)[:, used]
    scaled = (x - x[used].mean()) / max(float(np.ptp(x[used])), 1e-9)
    design = scaled[:, None] ** np.arange(degree + 1)
    at = design[used]
    theta = np.zeros((len(n), degree + 1))
    theta[:, 0] = np.log(n.mean(axis=1) + 0.5 / n.shape[1])
    ridge = 1e-6 * np.eye(degree + 1)  # a slope that no counts hold stays where it is
    for _ in range(_ITERATIONS):
        mean = np.exp(np.clip(theta @ at.T, -_LOG_LIMIT, _LOG_LIMIT))
        information = np.einsum("sb,bi,bj->sij", mean, at, at) + ridge
        step = np.linalg.solve(information, ((n - mean) @ at)[:, :, None])[:, :, 0]
        theta += np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-6:
            break
    mean = np.exp(np.clip(theta @ at.T, -_LOG_LIMIT, _LOG_LIMIT))
    information = np.einsum("sb,bi,bj->sij", mean, at, at) + ridge
    root = np.linalg.cholesky(np.linalg.inv(information))
    everywhere = np.exp(np.clip(theta @ design.T, -_LOG_LIMIT, _LOG_LIMIT))
    return everywhere, np.einsum("bi,sij->sbj", design, root)


class _Place(NamedTuple):
    """Bins of one mass."""

    inside: Mask
    beside: Mask  # of the fit


def scan_masses(
    spectrum: Spectrum,
    masses: Sequence[float],
    width_of: Callable[[float], float],
    *,
    degree: int | None = None,
    n_toys: int = 1000,
    rng: np.random.Generator,
) -> Scan:
    """
    Look for a bump at each of some masses.

    Parameters
    ----------
    spectrum : Spectrum
        Of the missing energy.
    masses : sequence of float [GeV]
    width_of : function
        Full width [GeV] of a mass [GeV].
    degree : int, optional
        Of the polynomial in the background's logarithm; 2 by default, 1 of fewer than 50 events.
    n_toys : int
        Spectra drawn from the background for the global p-value; 0: none.
    rng : numpy.random.Generator

    Returns
    -------
    Scan
        A mass whose window holds a closed bin, or has fewer than 4 open bins beside it, has no p-value.
    """
    degree = spectrum.degree if degree is None else degree
    places = [_place(spectrum, mass, width_of(mass)) for mass in masses]
    bumps = tuple(
        _bump(spectrum, float(mass), width_of(mass), place, degree)
        for mass, place in zip(masses, places, strict=True)
    )
    known = [bump for bump in bumps if bump.observed is not None]
    if not known:
        return Scan(bumps, None, np.nan, np.nan, 0)
    best = min(known, key=lambda bump: bump.p_value)
    if n_toys == 0:
        return Scan(bumps, best, np.nan, np.nan, 0)
    used = [p for p, bump in zip(places, bumps, strict=True) if p is not None and bump.observed is not None]
    mean, _ = smooth(spectrum.counts[None, :], spectrum.centres, spectrum.is_open, degree)
    toys = rng.poisson(np.where(spectrum.is_open, mean[0], 0.0), (n_toys, len(mean[0])))
    smallest = np.min([_p_values(toys, spectrum.centres, place, degree)[0] for place in used], axis=0)
    found = (1.0 + np.count_nonzero(smallest <= best.p_value * (1 + 1e-9))) / (1.0 + n_toys)
    return Scan(bumps, best, float(found), float(np.sqrt(found * (1 - found) / n_toys)), n_toys)


def _place(spectrum: Spectrum, mass: float, width: float) -> _Place | None:
    """Return the bins of a window and those of its fit; None where it is closed or nothing is left."""
    peak, edges = resonance_energy(mass), spectrum.edges
    first, last = (int(np.argmin(np.abs(edges - peak - side * _HALF * width))) for side in (-1, 1))
    inside = np.zeros(len(spectrum.counts), dtype=bool)
    inside[first : max(last, first + 1)] = True
    is_out = not edges[0] <= peak <= edges[-1]
    beside = spectrum.beside(peak, width) & ~inside
    if is_out or not spectrum.is_open[inside].all() or np.count_nonzero(beside) < _FEWEST:
        return None
    return _Place(inside, beside)


def _bump(spectrum: Spectrum, mass: float, width: float, place: _Place | None, degree: int) -> Bump:
    peak = resonance_energy(mass)
    if place is None:
        window = (peak - _HALF * width, peak + _HALF * width)
        return Bump(mass, peak, width, window, None, np.nan, np.nan, np.nan)
    p_value, expected, error = _p_values(spectrum.counts[None, :], spectrum.centres, place, degree)
    bins = np.flatnonzero(place.inside)
    window = (float(spectrum.edges[bins[0]]), float(spectrum.edges[bins[-1] + 1]))
    observed = int(spectrum.counts[place.inside].sum())
    return Bump(mass, peak, width, window, observed, float(expected[0]), float(error[0]), float(p_value[0]))


def _p_values(
    counts: npt.NDArray[np.int64], x: Floats, place: _Place, degree: int
) -> tuple[Floats, Floats, Floats]:
    """Return the local p-value, what is expected and its error for each spectrum, (n_spectra,) each."""
    most = int(np.clip(np.count_nonzero(place.beside) - 2, 0, degree))
    mean, roots = smooth(counts, x, place.beside, most)
    inside = mean[:, place.inside]
    expected = inside.sum(axis=1)
    gradient = np.einsum("sb,sbj->sj", inside, roots[:, place.inside])
    error = np.sqrt((gradient**2).sum(axis=1))
    # where nothing lies beside the window, what one event there would make of it
    empty = counts[:, place.beside].sum(axis=1) == 0
    flat = np.count_nonzero(place.inside) / np.count_nonzero(place.beside)
    scale = np.where(empty, flat, error**2 / np.maximum(expected, 1e-12))
    shape = np.where(empty, 0.0, (expected / np.maximum(error, 1e-12)) ** 2) + 1.0
    observed = counts[:, place.inside].sum(axis=1)
    p_value = nbinom.sf(observed - 1, shape, 1.0 / (1.0 + scale))
    return np.asarray(p_value), np.where(empty, 0.0, expected), np.where(empty, flat, error)
