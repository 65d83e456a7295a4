"""The way of a charged particle through a constant vertical field, exactly."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["bend"]

_LIGHT = 0.299792458e-3  # [GeV / (T mm)]


@numba.njit(cache=True)
def bend(
    x: float,
    y: float,
    slope_x: float,
    slope_y: float,
    momentum: float,
    charge: float,
    field: float,
    length: float,
) -> tuple[float, float, float, float, float]:
    """
    Follow the circle in the (x, z) plane over a length along z.

    The sine of the angle to the z axis changes in proportion to z: ``d(sin theta)/dz = -q 0.3 B / p_xz``; the
    momentum along the field stays, as does the size of the momentum.

    Parameters
    ----------
    x, y : float [mm]
    slope_x, slope_y : float
        dx/dz and dy/dz.
    momentum : float [GeV]
        Above 0.
    charge : float [e]
    field : float [T]
        Along +y: positive charges bend towards -x.
    length : float [mm]
        Along z; negative: backwards in time.

    Returns
    -------
    x, y [mm], slope_x, slope_y, angle [rad] by which the particle bent in the plane, positive towards +x
        All NaN if the particle turns back inside of the field.
    """
    root = np.sqrt(1.0 + slope_x * slope_x)
    p_plane = momentum * root / np.sqrt(1.0 + slope_x * slope_x + slope_y * slope_y)
    sine, cosine = slope_x / root, 1.0 / root
    dip = slope_y / root  # dy per length in the plane
    rate = -charge * _LIGHT * field / p_plane
    after = sine + rate * length
    if abs(after) >= 1.0:
        return np.nan, np.nan, np.nan, np.nan, np.nan
    cosine_after = np.sqrt(1.0 - after * after)
    # (cos - cos') / rate, and the angle by the chord: without differences of numbers that are nearly equal
    step = length * (sine + after) / (cosine + cosine_after)
    chord = np.copysign(np.sqrt(length * length + step * step), length)
    angle = 2.0 * np.arcsin(0.5 * rate * chord)
    path = chord if angle == 0.0 else angle / rate
    return x + step, y + dip * path, after / cosine_after, dip / cosine_after, angle
