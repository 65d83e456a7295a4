"""The reference lateral profile of an electromagnetic shower: how its energy spreads over cells."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import ndtr

from recon.geometry import ShowerProfile

__all__ = ["SCurve", "ShowerProfile", "cell_fractions", "fraction_rms", "invert", "s_curve", "strip_shares"]

Floats = npt.NDArray[np.float64]

S_CURVE_POINTS = 1201
_SIGMAS, _NODES = 6, 64  # the normal distribution is tabulated at so many points per sigma
S_CURVE_REACH = 0.6  # in pitches: fluctuations can give a neighbour of the true cell the most energy


def _tabulate_normal() -> Floats:
    """Return the cumulative normal distribution less 1/2 and the density at the nodes, (n, 2)."""
    z = np.arange(-_SIGMAS * _NODES, _SIGMAS * _NODES + 1) / _NODES
    return np.stack([ndtr(z) - 0.5, np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)], axis=1)


_NORMAL = _tabulate_normal()


def cell_fractions(
    profile: ShowerProfile, dx: npt.ArrayLike, dy: npt.ArrayLike, pitch: tuple[float, float]
) -> Floats:
    """
    Return the mean fraction of a shower's energy in a cell.

    Parameters
    ----------
    profile : ShowerProfile
    dx, dy : float, broadcast against each other [mm]
        From the shower axis to the cell's centre.
    pitch : (float, float) [mm]
        Size of the cell in x and y.

    Returns
    -------
    float64, shape of ``dx`` and ``dy`` broadcast
        The fractions of all cells of an endless grid add up to 1. NaN where an offset is NaN.
    """
    share, width = np.array(profile.share), np.array(profile.width)
    in_x, in_y = _strips(dx, pitch[0], width), _strips(dy, pitch[1], width)
    return np.asarray((in_x * in_y * share).sum(axis=-1))


def fraction_rms(profile: ShowerProfile, fraction: npt.ArrayLike, energy: npt.ArrayLike) -> Floats:
    """
    Return how much a cell's fraction varies from shower to shower around the shower's own axis.

    The energy is shared as if it came in independent pieces: ``rms^2 = k^2 f (1 - f)`` with
    ``k^2 = stochastic^2 / E + constant^2``; two cells are then correlated as in a multinomial distribution,
    by ``-k^2 f_1 f_2``.

    Parameters
    ----------
    profile : ShowerProfile
    fraction : float
        Mean fractions in the cell, 0..1.
    energy : float [GeV]
        Of the shower; broadcast against ``fraction``.

    Returns
    -------
    float64, shape of ``fraction`` and ``energy`` broadcast
    """
    mean = np.asarray(fraction, dtype=np.float64)
    spread = profile.stochastic**2 / np.asarray(energy, dtype=np.float64) + profile.constant**2
    return np.asarray(np.sqrt(spread * mean * (1 - mean)))


class SCurve(NamedTuple):
    """How the balance of neighbouring columns rises with the offset of the axis from the middle one."""

    offset: Floats  # [mm] (n_points,) rising
    balance: Floats  # (n_points,) (right - left) / (left + middle + right)
    edge_offset: Floats  # [mm] (n_edge_points,) for a column without left neighbour; rising
    edge_balance: Floats  # (n_edge_points,) right / (middle + right)


def s_curve(profile: ShowerProfile, pitch: float) -> SCurve:
    """
    Tabulate the S-curves of columns of one pitch.

    Parameters
    ----------
    profile : ShowerProfile
    pitch : float [mm]
        Width of a column across the coordinate.

    Returns
    -------
    SCurve
        For columns without end along the other coordinate. The curve of the edge starts where it begins to
        rise: farther out, the middle column loses faster than the right one, and the balance is ambiguous.
    """
    offset = np.linspace(-S_CURVE_REACH, S_CURVE_REACH, S_CURVE_POINTS) * pitch
    column = np.array([-1.0, 0.0, 1.0])[:, None] * pitch - offset
    left, middle, right = (_strips(c, pitch, np.array(profile.width)) @ profile.share for c in column)
    edge = right / (middle + right)
    first = int(edge.argmin())
    return SCurve(offset, (right - left) / (left + middle + right), offset[first:], edge[first:])


@njit(cache=True)
def invert(value: float, balance: Floats, offset: Floats) -> float:
    """Return where a rising tabulated ``balance`` has ``value`` [mm], the table's ends beyond it."""
    last = len(balance) - 1
    if value <= balance[0]:
        return float(offset[0])
    if value >= balance[last]:
        return float(offset[last])
    above = np.searchsorted(balance, value)
    step = (value - balance[above - 1]) / (balance[above] - balance[above - 1])
    return float(offset[above - 1] + step * (offset[above] - offset[above - 1]))


@njit(cache=True)
def strip_shares(low: float, pitch: float, n: int, width: Floats, share: Floats, slope: Floats) -> None:
    """
    Fill what each component puts into adjoining strips, and how fast that changes with the axis.

    Parameters
    ----------
    low : float [mm]
        From the shower axis to the low edge of the first strip.
    pitch : float [mm]
        Width of a strip.
    n : int
        Number of strips.
    width : float64, shape (n_components,) [mm]
    share : float64, shape (n_components, at least n)
        Output: fraction of the component between the edges.
    slope : float64, shape (n_components, at least n) [1/mm]
        Output: its derivative with respect to the position of the axis.
    """
    for k in range(len(width)):
        scale = 1 / width[k]
        below, density_below = _normal(low * scale)
        for i in range(n):
            above, density_above = _normal((low + (i + 1) * pitch) * scale)
            share[k, i] = above - below
            slope[k, i] = (density_below - density_above) * scale
            below, density_below = above, density_above


@njit(cache=True)
def _normal(z: float) -> tuple[float, float]:
    """
    Return the cumulative normal distribution less 1/2 and the density, rounded off beyond 6 sigma.

    Both from their Taylor series around the next node of a table, with Hermite polynomials; the first terms
    left out are less than 1e-13. Error function and exponential themselves take several times as long.
    """
    if z > _SIGMAS:
        return 0.5, 0.0
    if z < -_SIGMAS:
        return -0.5, 0.0
    node = math.floor(z * _NODES + 0.5)
    at = node / _NODES
    d, square = z - at, at * at
    below, density = _NORMAL[node + _SIGMAS * _NODES, 0], _NORMAL[node + _SIGMAS * _NODES, 1]
    h2, h3, h4 = square - 1.0, at * (square - 3.0), square * (square - 6.0) + 3.0
    integral = 1.0 - d * (0.5 * at - d * (h2 / 6.0 - d * (h3 / 24.0 - d * h4 / 120.0)))
    return below + density * d * integral, density * (
        1.0 - d * (at - d * (0.5 * h2 - d * (h3 / 6.0 - d * h4 / 24.0)))
    )


def _strips(centre: npt.ArrayLike, pitch: float, width: Floats) -> Floats:
    """Return what each component puts into strips around ``centre``, shape (*centre, n_components)."""
    scaled = np.asarray(centre, dtype=np.float64)[..., None] / width
    half = 0.5 * pitch / width
    return np.asarray(ndtr(scaled + half) - ndtr(scaled - half))
