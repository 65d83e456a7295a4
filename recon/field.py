"""Exact motion of a charged particle through blocks of uniform vertical field.

Sign convention: a ``Magnet.field`` B > 0 points along +y of the right-handed frame (z along the beam, y
up). The force q v x B then pushes a positive particle towards -x and an electron towards +x. The slope
dx/dz of a stiff track changes by ``-0.2998 B[T] L[m] q / p[GeV]`` rad. In the Geant4 sample 100 GeV electrons
bend towards -x by 20.99 mrad in 7 T m: its field of 1.75 T points along -y and is written ``field = -1.75``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.geometry import Magnet

__all__ = ["CURVATURE", "State", "field_pieces", "jacobian", "propagate"]

Floats = npt.NDArray[np.float64]

CURVATURE = 0.299792458e-3  # [GeV / (T mm)] speed of light in these units, exact
_SLICE = 50.0  # [mm] of a field that changes
# Half-steps of the central differences: derivatives good to 1e-8 of themselves above 10 GeV.
_STEPS = (1.0, 1.0, 1e-4, 1e-4, 1e-5)  # [mm, mm, 1, 1, 1/GeV]


class State(NamedTuple):
    """A charged particle where it crosses a plane of constant z."""

    x: Floats  # [mm] (n,)
    y: Floats  # [mm] (n,)
    slope_x: Floats  # dx/dz (n,)
    slope_y: Floats  # dy/dz (n,)
    q_over_p: Floats  # [1/GeV] signed charge in e over momentum (n,)


def propagate(
    state: State, z_from: float, z_to: float, magnets: Sequence[Magnet], *, is_thin: bool = False
) -> State:
    """
    Move particles from one z to another: helix in the magnets, straight line between them.

    In a uniform field along y the momentum component along x changes linearly in z, so that the circle
    in the x-z plane has a closed form in z (exact for any angle below 90 degrees). Matter and radiation
    are left out. ``z_to`` may lie before ``z_from``.

    Parameters
    ----------
    state : State of float64, shape (n,) each [mm, mm, 1, 1, 1/GeV]
        At ``z_from``.
    z_from, z_to : float [mm]
    magnets : sequence of Magnet
        Blocks that do not overlap in z, in any order.
    is_thin : bool
        Bend at once in the middle of each piece of field instead of along it.

    Returns
    -------
    State of float64, shape (n,) each
        At ``z_to``; NaN for a particle that turns around on the way, except ``q_over_p``.

    Raises
    ------
    ValueError
        If two magnets overlap or one has a negative length.
    """
    for length, field in field_pieces(z_from, z_to, magnets):
        if not field:
            state = _drift(state, length)
        elif is_thin:
            state = _drift(_kick(_drift(state, 0.5 * length), length, field), 0.5 * length)
        else:
            state = _cross(state, length, field)
    return state


def jacobian(
    state: State, z_from: float, z_to: float, magnets: Sequence[Magnet], *, is_thin: bool = False
) -> Floats:
    """
    Differentiate the state at one z with respect to the state at another.

    Central differences of `propagate`, exact in x and y.

    Parameters
    ----------
    state : State of float64, shape (n,) each
        At ``z_from``, where the derivatives are taken.
    z_from, z_to : float [mm]
    magnets : sequence of Magnet
    is_thin : bool
        As for `propagate`.

    Returns
    -------
    float64, shape (5, 5, n)
        ``[i, j]``: derivative of component i at ``z_to`` with respect to component j at ``z_from``, in the
        order and units of `State`.

    Raises
    ------
    ValueError
        As `propagate`.
    """
    columns = []
    for j, step in enumerate(_STEPS):
        ahead, behind = (
            np.stack(propagate(_shift(state, j, by), z_from, z_to, magnets, is_thin=is_thin))
            for by in (step, -step)
        )
        columns.append((ahead - behind) / (2 * step))
    return np.stack(columns, axis=1)


def _shift(state: State, component: int, by: float) -> State:
    """Return ``state`` with one component moved."""
    return State(*(v + by if i == component else v for i, v in enumerate(state)))


def field_pieces(z_from: float, z_to: float, magnets: Sequence[Magnet]) -> list[tuple[float, float]]:
    """
    Cut the way from one z to another into pieces of constant field.

    Parameters
    ----------
    z_from, z_to : float [mm]
    magnets : sequence of Magnet
        The field of a table is linear between its points; slices of at most 50 mm have its mean, so that the
        integral of the field is exact and that of its square, which bends no first order, nearly so.

    Returns
    -------
    list of (signed length [mm], field [T])

    Raises
    ------
    ValueError
        If two magnets overlap or one has a negative length.
    """
    low, high = min(z_from, z_to), max(z_from, z_to)
    pieces, z = [], low
    for first, last, at_first, at_last in _blocks(magnets):
        start, stop = max(first, low), min(last, high)
        if start < stop:
            share = 0.5 * (start + stop - 2 * first) / (last - first)
            pieces += [(start - z, 0.0), (stop - start, at_first + share * (at_last - at_first))]
            z = stop
    pieces.append((high - z, 0.0))
    pieces = [piece for piece in pieces if piece[0] > 0]
    return pieces if z_to >= z_from else [(-length, field) for length, field in reversed(pieces)]


def _blocks(magnets: Sequence[Magnet]) -> list[tuple[float, float, float, float]]:
    """Return (first z, last z, field at the first, field at the last) of blocks of linear field."""
    blocks, end = [], -np.inf
    for magnet in sorted(magnets, key=lambda m: m.z):
        if magnet.length < 0 or magnet.z < end:
            msg = f"magnet '{magnet.name}' at z = {magnet.z} mm overlaps another or has a negative length"
            raise ValueError(msg)
        end = magnet.z + magnet.length
        if not magnet.table:
            blocks.append((magnet.z, end, magnet.field, magnet.field))
        for (a, field_a), (b, field_b) in pairwise(magnet.table):
            edges = np.linspace(a, b, int(np.ceil((b - a) / _SLICE)) + 1)
            fields = np.interp(edges, (a, b), (field_a, field_b)).tolist()
            z = (magnet.z + edges).tolist()
            blocks += list(zip(z, z[1:], fields, fields[1:], strict=False))
    return blocks


def _drift(state: State, length: float) -> State:
    """Move along straight lines."""
    x, y, slope_x, slope_y, q_over_p = state
    return State(x + length * slope_x, y + length * slope_y, slope_x, slope_y, q_over_p)


def _kick(state: State, length: float, field: float) -> State:
    """Bend by as much as a block of this length does, and stay."""
    x, y, slope_x, slope_y, q_over_p = state
    cos_in = 1 / np.sqrt(1 + slope_x**2)
    dip = slope_y * cos_in
    sin_out = slope_x * cos_in - CURVATURE * field * q_over_p * np.sqrt(1 + dip**2) * length
    with np.errstate(invalid="ignore"):
        cos_out = np.sqrt(np.where(np.abs(sin_out) < 1, 1 - sin_out**2, np.nan))
    return State(x, y, sin_out / cos_out, dip / cos_out, q_over_p)


def _cross(state: State, length: float, field: float) -> State:
    """Move along helices around y; angles are those of the projection on the x-z plane."""
    x, y, slope_x, slope_y, q_over_p = state
    cos_in = 1 / np.sqrt(1 + slope_x**2)
    dip = slope_y * cos_in  # p_y over the momentum in the x-z plane, a constant of the motion
    curvature = -CURVATURE * field * q_over_p * np.sqrt(1 + dip**2)  # [1/mm] d(sin)/dz
    sin_in = slope_x * cos_in
    sin_out = sin_in + curvature * length
    with np.errstate(invalid="ignore"):
        cos_out = np.sqrt(np.where(np.abs(sin_out) < 1, 1 - sin_out**2, np.nan))
        mean_slope = (sin_in + sin_out) / (cos_in + cos_out)  # of the chord
        chord = length * np.sqrt(1 + mean_slope**2)
        arc = chord * _arcsin_over(0.5 * curvature * chord)
    return State(x + length * mean_slope, y + dip * arc, sin_out / cos_out, dip / cos_out, q_over_p)


def _arcsin_over(w: Floats) -> Floats:
    """Return arcsin(w) / w, by its series where w is small."""
    is_small = np.abs(w) < 1e-4
    return np.where(is_small, 1 + w**2 / 6, np.arcsin(w) / np.where(is_small, 1.0, w))
