"""What the cells of a calorimeter should tell of an electron, and the energy below their thresholds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from physics.electromagnetic_shower import gamma_fraction
from recon.geometry import Section
from recon.profile import ShowerProfile, strip_shares

__all__ = ["Expected", "cell_centres", "contained", "expect_sum"]

Floats = npt.NDArray[np.float64]

_LEAST = 1e-9  # of a shower: a cell with less is not followed


class Expected(NamedTuple):
    """What the cells of a calorimeter should tell of showers of known energy, (n_events,) [GeV]."""

    inside: Floats  # energy in the calorimeter, over that of a shower at the reference point
    suppressed: Floats  # in cells below the threshold of the readout


def expect_sum(
    energy: Floats,
    x: Floats,
    y: Floats,
    threshold: Floats,
    section: Section,
    profile: ShowerProfile,
    reference: tuple[float, float],
) -> Expected:
    """
    Return what showers leave in the calorimeter, and how much of it in cells below their threshold.

    A cell with the mean energy m = f E, f of the profile, and the variance of
    `recon.profile.fraction_rms` has a gamma distribution with the shape a = m^2 / var; of it
    ``m P(a + 1, t a / m)`` lies below the threshold t on average, P the regularised incomplete gamma
    function (NIST DLMF 8.2.4).

    Parameters
    ----------
    energy : float64, shape (n_events,) [GeV]
        Of the electrons.
    x, y : float64, shape (n_events,) [mm]
        Of the shower axis, global.
    threshold : float64, shape (n_cells,) [GeV]
        Of each cell of the section.
    section : Section
        Not rotated.
    profile : ShowerProfile
    reference : (float, float) [mm]
        Where an electron has just its own energy, by the definition of the energy scale.

    Returns
    -------
    Expected
    """
    inside, suppressed = _expect(
        energy, x, y, threshold, section.grid.shape, _grid(section), _components(profile), _variance(profile)
    )
    return Expected(inside / contained(section, profile, reference), suppressed)


def contained(section: Section, profile: ShowerProfile, at: tuple[float, float]) -> float:
    """Return the share of a shower whose axis is ``at`` [mm] that is within the grid of a section."""
    x, y, none = np.array([at[0]]), np.array([at[1]]), np.zeros(section.grid.n_cells)
    return float(
        _expect(
            np.ones(1),
            x,
            y,
            none,
            section.grid.shape,
            _grid(section),
            _components(profile),
            _variance(profile),
        )[0][0]
    )


def _grid(section: Section) -> Floats:
    """Return low corner and pitch in x and y [mm], (2, 2)."""
    pitch = np.array(section.grid.pitch, dtype=np.float64)
    return np.stack([cell_centres(section)[0] - 0.5 * pitch, pitch])


def _components(profile: ShowerProfile) -> Floats:
    """Return shares and widths [mm], (2, n_components)."""
    return np.array([profile.share, profile.width], dtype=np.float64)


def _variance(profile: ShowerProfile) -> tuple[float, float]:
    return profile.stochastic**2, profile.constant**2


@njit(cache=True)
def _expect(
    energy: Floats,
    x: Floats,
    y: Floats,
    threshold: Floats,
    shape: tuple[int, int],
    grid: Floats,
    components: Floats,
    variance: tuple[float, float],
) -> tuple[Floats, Floats]:
    """Return the energy inside of the grid and that below the thresholds, (n_events,) [GeV]."""
    n_x, n_y = shape
    low, pitch, share, width = grid[0], grid[1], components[0], components[1]
    in_x, in_y = np.empty((len(width), n_x)), np.empty((len(width), n_y))
    slope = np.empty((len(width), max(n_x, n_y)))  # not used
    inside, suppressed = np.zeros(len(energy)), np.zeros(len(energy))
    for event in range(len(energy)):
        strip_shares(low[0] - x[event], pitch[0], n_x, width, in_x, slope)
        strip_shares(low[1] - y[event], pitch[1], n_y, width, in_y, slope)
        spread = variance[0] / energy[event] + variance[1]
        for i in range(n_x):
            for j in range(n_y):
                fraction = 0.0
                for k in range(len(width)):
                    fraction += share[k] * in_x[k, i] * in_y[k, j]
                inside[event] += fraction * energy[event]
                below = _share_below(fraction, threshold[i * n_y + j] / energy[event], spread)
                suppressed[event] += below * energy[event]
    return inside, suppressed


@njit(cache=True)
def _share_below(fraction: float, threshold: float, spread: float) -> float:
    """Return the share of a shower in a cell below its threshold, all over the energy of the shower."""
    if threshold <= 0.0:
        return 0.0
    mean = max(fraction, _LEAST)
    shape = max(mean / (spread * max(1.0 - mean, _LEAST)), _LEAST)
    return float(mean * gamma_fraction(shape + 1.0, threshold * shape / mean))


def cell_centres(section: Section) -> Floats:
    """Return the centres of the cells of an unrotated section, (n_cells, 2) [mm]."""
    (n_x, n_y), (pitch_x, pitch_y) = section.grid.shape, section.grid.pitch
    along_x = section.centre[0] + (np.arange(n_x) - (n_x - 1) / 2) * pitch_x
    along_y = section.centre[1] + (np.arange(n_y) - (n_y - 1) / 2) * pitch_y
    grid = np.meshgrid(along_x, along_y, indexing="ij")
    return np.stack([part.ravel() for part in grid], axis=1)
