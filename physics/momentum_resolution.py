"""How well tracker planes before and behind a magnet measure a momentum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["bending_angle", "bending_angle_error"]

Floats = npt.NDArray[np.float64]

_LIGHT = 0.299792458  # [GeV / (T m)] speed of light in these units, exact


def bending_angle(field_integral: float, momentum: float) -> float:
    """
    Return the angle by which a unit charge bends, ``0.2998 B L / p``, for small angles.

    Parameters
    ----------
    field_integral : float [T m]
    momentum : float [GeV]

    Returns
    -------
    float [rad]
        Not negative.
    """
    return _LIGHT * abs(field_integral) / momentum


def bending_angle_error(
    z: npt.ArrayLike,
    resolution: npt.ArrayLike,
    layer_z: npt.ArrayLike = (),
    layer_angle: npt.ArrayLike = (),
    *,
    meet: bool = True,
) -> float:
    """
    Return the standard error of the bending angle in a thin magnet at z = 0, by least squares.

    With u the distance from the magnet, x is ``x0 + a u`` before it and ``x0 + (a + angle) u`` behind.
    Without matter, and with ``S_k = sum u^k / resolution^2`` over one arm (- before, + behind) ::

        variance = 1 / S2- + 1 / S2+ + (S1+ / S2+ - S1- / S2-)^2 / (S0 - S1-^2 / S2- - S1+^2 / S2+)

    where S0 is summed over both. The last term is that of x0, which both arms share. If they need not meet,
    each has an x0 of its own, and a pair of planes at the distance L gives ``2 resolution^2 / L^2`` per arm.
    Matter adds ``angle_i^2 max(u_k - v_i, 0) max(u_l - v_i, 0)``, summed over its layers at v_i, to the
    covariance of planes k and l (R. L. Gluckstern, NIM 24 (1963) 381; G. R. Lutz, NIM A 273 (1988) 349). The
    momentum has the relative error of the angle.

    Parameters
    ----------
    z : float64, shape (n_planes,) [mm]
        From the middle of the magnet; negative before it.
    resolution : float64, shape (n_planes,) [mm]
        In the bending plane.
    layer_z : float64, shape (n_layers,) [mm]
        Of matter.
    layer_angle : float64, shape (n_layers,) [rad]
        Rms of its projected scattering angle.
    meet : bool
        Whether the two arms meet in the magnet.

    Returns
    -------
    float [rad]

    Raises
    ------
    ValueError
        If the planes do not determine the angle.
    """
    u, sigma = np.asarray(z, dtype=np.float64), np.asarray(resolution, dtype=np.float64)
    behind = (u > 0).astype(np.float64)
    design = [np.ones_like(u), u, behind * u] + ([] if meet else [behind])
    moved = np.maximum(u[:, None] - np.asarray(layer_z, dtype=np.float64), 0.0)
    moved = moved * np.asarray(layer_angle, dtype=np.float64)
    weight = np.linalg.inv(np.diag(sigma**2) + moved @ moved.T)
    scale = np.linalg.norm(design, axis=1)
    unit = (np.array(design) / scale[:, None]).T if scale.all() else np.zeros((len(u), 1))
    if np.linalg.matrix_rank(unit) < len(design):
        msg = f"planes at {u.tolist()} mm from the magnet do not determine its bending angle"
        raise ValueError(msg)
    covariance = np.linalg.inv(unit.T @ weight @ unit)
    return float(np.sqrt(covariance[2, 2]) / scale[2])
