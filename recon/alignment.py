"""Where tracker planes are, from the tracks that cross them.

The residuals of a straight or bent track against the nominal beam are linear in the track's own five
parameters and in the small displacements of the planes. The track's parameters are taken out by weighting the
residuals with the inverse of ``V + A C A^T``: V is the covariance of hits and multiple scattering, A the
derivative to the track's parameters and C how widely these are spread, very widely but for q/p of a beam
of known momentum. What is left are normal equations of the displacements, which add up over
events and chunks (global chi2 fit; V. Blobel, NIM A 566 (2006) 5).

Tracks do not see every displacement: a shift or tilt of all planes together moves the tracks with them, and a
bend of the planes like that of the beam is a change of its momentum. Planes of reference stay where they are,
and the beam's momentum is believed within its spread; a displacement that is not determined even then
is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from recon.geometry import Plane

__all__ = [
    "AlignmentConfig",
    "AlignmentFit",
    "AlignmentSums",
    "accumulate",
    "add",
    "empty_sums",
    "fitted_residuals",
    "move_hits",
    "solve",
    "weights_of",
]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

PARAMETERS = ("dx", "dy", "rotation")
_WIDE = (1e3, 1e3, 0.1, 0.1)  # [mm, mm, 1, 1] spread of a track's x, y and slopes: as if unknown
_FIXED = 1e-9  # of the spread of a parameter, for planes of reference


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentConfig:
    """What is believed before tracks are looked at."""

    shift: float = 2.0  # [mm] how far a plane may be off, one standard deviation
    rotation: float = 0.01  # [rad] by how much it may be turned
    momentum_spread: float = 0.01  # of the beam momentum, relative
    reference: tuple[int, ...] = (0, 1)  # planes that stay where they are
    min_gain: float = 3.0  # a parameter is determined if tracks shrink its error that much

    def __post_init__(self) -> None:
        if not (self.shift > 0 and self.rotation > 0 and self.momentum_spread > 0 and self.min_gain > 1):
            msg = (
                "alignment needs shift, rotation and momentum_spread above 0 and min_gain above 1, got "
                f"{self.shift}, {self.rotation}, {self.momentum_spread} and {self.min_gain}"
            )
            raise ValueError(msg)


class AlignmentSums(NamedTuple):
    """Normal equations of the displacements: dx, dy, rotation of the first plane, and so on."""

    matrix: Floats  # (3 n_planes, 3 n_planes)
    vector: Floats  # (3 n_planes,)
    chi2: float  # sum over the events used, before any move
    n_used: int  # events
    n_rejected: int  # events whose chi2 is above the limit, or that are not finite


class AlignmentFit(NamedTuple):
    """Displacements of the planes with standard errors; to be added to where the planes are."""

    dx: Floats  # [mm] (n_planes,)
    dy: Floats  # [mm] (n_planes,)
    rotation: Floats  # [rad] (n_planes,) around z, from x to y
    dx_error: Floats  # [mm] (n_planes,) 0 for planes of reference
    dy_error: Floats  # [mm] (n_planes,)
    rotation_error: Floats  # [rad] (n_planes,)
    is_determined: Mask  # (3, n_planes) tracks say more than what was believed before


def weights_of(
    design: Floats, covariance: Floats, beam_momentum: float, config: AlignmentConfig | None = None
) -> Floats:
    """
    Return the weight of residuals in which a track's own parameters do not count.

    Parameters
    ----------
    design : float64, shape (2 n_planes, 5)
        Derivatives of x and y at each plane to (x, y, dx/dz, dy/dz, q/p) at the first one.
    covariance : float64, shape (2 n_planes, 2 n_planes) [mm^2]
        Of hits and multiple scattering.
    beam_momentum : float [GeV]
    config : AlignmentConfig, optional

    Returns
    -------
    float64, shape (2 n_planes, 2 n_planes) [1/mm^2]
    """
    config = config or AlignmentConfig()
    spread = np.array([*_WIDE, config.momentum_spread / beam_momentum])
    moved = design * spread
    return np.linalg.inv(covariance + moved @ moved.T)


def empty_sums(n_planes: int) -> AlignmentSums:
    """Return the sums of no events."""
    n = len(PARAMETERS) * n_planes
    return AlignmentSums(np.zeros((n, n)), np.zeros(n), 0.0, 0, 0)


def add(left: AlignmentSums, right: AlignmentSums) -> AlignmentSums:
    """Join the sums of two sets of events."""
    return AlignmentSums(
        left.matrix + right.matrix,
        left.vector + right.vector,
        left.chi2 + right.chi2,
        left.n_used + right.n_used,
        left.n_rejected + right.n_rejected,
    )


def accumulate(
    residuals: Floats, positions: Floats, weights: Floats, max_chi2: float = np.inf
) -> AlignmentSums:
    """
    Sum up the normal equations of events with one hit in each plane.

    Parameters
    ----------
    residuals : float64, shape (n_events, 2 n_planes) [mm]
        Measured minus nominal beam: x and y of the first plane, and so on.
    positions : float64, shape (n_events, 2 n_planes) [mm]
        Measured, from the centre of each plane, which is what it turns around.
    weights : float64, shape (2 n_planes, 2 n_planes) [1/mm^2]
        From `weights_of`.
    max_chi2 : float
        Events above it are left out.

    Returns
    -------
    AlignmentSums

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    n = len(weights)
    if residuals.shape != positions.shape or residuals.shape[1:] != (n,) or n % 2:
        msg = (
            f"residuals {residuals.shape}, positions {positions.shape} and weights {weights.shape} do not fit"
        )
        raise ValueError(msg)
    sums = empty_sums(n // 2)
    chi2, used = _sum_events(
        np.ascontiguousarray(residuals),
        np.ascontiguousarray(positions),
        np.ascontiguousarray(weights),
        max_chi2,
        sums.matrix,
        sums.vector,
    )
    return sums._replace(chi2=float(chi2), n_used=int(used), n_rejected=len(residuals) - int(used))


@nb.njit(cache=True)
def _sum_events(
    residuals: Floats, positions: Floats, weights: Floats, max_chi2: float, matrix: Floats, vector: Floats
) -> tuple[float, int]:
    """Add the events with a chi2 up to a limit to the sums; return their chi2 and number."""
    n = weights.shape[0]
    n_planes = n // 2
    pull = np.empty(n)
    moves = np.empty((3 * n_planes, 2))  # of x and y of its plane, per unit of each parameter
    total, used = 0.0, 0
    for event in range(len(residuals)):
        chi2 = 0.0
        for row in range(n):
            pull[row] = 0.0
            for other in range(n):
                pull[row] += weights[row, other] * residuals[event, other]
            chi2 += pull[row] * residuals[event, row]
        if not chi2 <= max_chi2:
            continue
        total += chi2
        used += 1
        for plane in range(n_planes):
            moves[3 * plane] = 1.0, 0.0
            moves[3 * plane + 1] = 0.0, 1.0
            moves[3 * plane + 2] = -positions[event, 2 * plane + 1], positions[event, 2 * plane]
        for i in range(3 * n_planes):
            p = 2 * (i // 3)
            vector[i] += moves[i, 0] * pull[p] + moves[i, 1] * pull[p + 1]
            for j in range(3 * n_planes):
                q = 2 * (j // 3)
                matrix[i, j] += moves[i, 0] * (
                    weights[p, q] * moves[j, 0] + weights[p, q + 1] * moves[j, 1]
                ) + moves[i, 1] * (weights[p + 1, q] * moves[j, 0] + weights[p + 1, q + 1] * moves[j, 1])
    return total, used


def solve(sums: AlignmentSums, moved: Floats, config: AlignmentConfig | None = None) -> AlignmentFit:
    """
    Return where the planes are.

    Parameters
    ----------
    sums : AlignmentSums
        Of residuals after the planes were moved by ``moved``.
    moved : float64, shape (3, n_planes) [mm, mm, rad]
        By how much they were, in x, y and rotation.
    config : AlignmentConfig, optional

    Returns
    -------
    AlignmentFit
        All of it, ``moved`` included.

    Raises
    ------
    ValueError
        If no event was used, or a plane of reference does not exist.
    """
    config = config or AlignmentConfig()
    n_planes = len(sums.vector) // 3
    wrong = [plane for plane in config.reference if not 0 <= plane < n_planes]
    if wrong:
        msg = f"plane of reference {wrong[0]} does not exist, planes are 0 to {n_planes - 1}"
        raise ValueError(msg)
    if sums.n_used == 0:
        msg = f"none of {sums.n_rejected} tracks can be used for the alignment"
        raise ValueError(msg)
    believed = np.tile([config.shift, config.shift, config.rotation], (n_planes, 1))
    believed[list(config.reference)] *= _FIXED
    scale = believed.ravel()  # parameters in units of what is believed: a well-conditioned matrix
    start = moved.T.ravel() / scale
    curvature = sums.matrix * np.outer(scale, scale) + np.eye(len(scale))
    step = -np.linalg.solve(curvature, sums.vector * scale + start)
    error = np.sqrt(np.diag(np.linalg.inv(curvature)))
    values = ((start + step) * scale).reshape(n_planes, 3).T
    is_free = ~np.isin(np.arange(n_planes), config.reference)
    errors = np.where(is_free, (error * scale).reshape(n_planes, 3).T, 0.0)
    is_determined = ((error * config.min_gain).reshape(n_planes, 3).T < 1) & is_free
    dx, dy, rotation = np.where(is_free, values, moved)
    return AlignmentFit(dx, dy, rotation, errors[0], errors[1], errors[2], is_determined)


def fitted_residuals(residuals: Floats, design: Floats, covariance: Floats) -> Floats:
    """
    Return the residuals after each track was fitted, for the eye.

    Parameters
    ----------
    residuals : float64, shape (n_events, 2 n_planes) [mm]
        Measured minus nominal beam.
    design : float64, shape (2 n_planes, 5)
    covariance : float64, shape (2 n_planes, 2 n_planes) [mm^2]

    Returns
    -------
    float64, shape (n_events, 2 n_planes) [mm]
    """
    whiten = np.linalg.inv(np.linalg.cholesky(covariance))
    fit = np.linalg.pinv(whiten @ design) @ whiten
    return np.asarray(residuals - residuals @ (design @ fit).T)


def move_hits(
    plane: npt.NDArray[np.integer],
    x: Floats,
    y: Floats,
    planes: tuple[Plane, ...],
    moves: Floats,
) -> tuple[Floats, Floats]:
    """
    Put hits where their planes are.

    Parameters
    ----------
    plane : int, shape (n_hits,)
        Index into ``planes``.
    x, y : float64, shape (n_hits,) [mm]
        As if the planes were where the setup says.
    planes : tuple of Plane
    moves : float64, shape (3, n_planes) [mm, mm, rad]
        In x, y, and the rotation around the centre of the plane, from x to y.

    Returns
    -------
    x, y : float64, shape (n_hits,) [mm]
    """
    centre = np.array([p.centre for p in planes], dtype=np.float64).reshape(-1, 2)[plane]
    dx, dy, angle = moves[:, plane]
    local_x, local_y = x - centre[:, 0], y - centre[:, 1]
    cos, sin = np.cos(angle), np.sin(angle)
    return (
        centre[:, 0] + dx + cos * local_x - sin * local_y,
        centre[:, 1] + dy + sin * local_x + cos * local_y,
    )
