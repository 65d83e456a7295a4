"""The linear algebra of a spectrometer: what all its tracks share.

Everything is taken along the nominal beam: where it crosses the planes, how the crossings move with the five
parameters, and how they scatter together (Lutz, NIM A 273 (1988) 349). A pattern of hit planes is a choice of
rows, so that a missing plane costs nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from physics.scattering import scattering_angle
from recon.field import CURVATURE, State, field_pieces, jacobian, propagate
from recon.geometry import Beam, Spectrometer

__all__ = ["SCALE_RANGE", "FitTables", "TrackProblem", "track_problem"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SCALE_RANGE = (0.04, 25.0)  # of the variance of scattering: momenta from a fifth to five times the beam's

_MAX_CONDITION = 1e12  # of the scaled normal matrix; above, hits do not determine the parameters
_MAX_PLANES = 12  # the patterns are tabulated


class FitTables(NamedTuple):
    """
    Arrays for the kernels.

    Rows 2 i and 2 i + 1 are x and y of plane i, parameters those of `State`. Bit i of a pattern is plane i;
    its matrices have the rows of its planes alone, one after the other.
    """

    z: Floats  # [mm] (n_planes,)
    variance: Floats  # [mm2] (2 n_planes,) of a hit by the plane's resolution
    start: Floats  # (5,) the nominal beam at the first plane
    nominal: Floats  # [mm] (2 n_planes,) where it crosses the planes
    pieces: Floats  # (n_pieces, 2) length [mm] and field [T] on the way to each plane
    piece_stop: Ints  # (n_planes,) pieces up to plane i
    design: Floats  # (2 n_planes, 5) derivatives of the crossings
    scatter: Floats  # [mm2] (2 n_planes, 2 n_planes) covariance of the crossings by scattering
    # (2**n_planes, 2 n_planes, 2 n_planes) by residual, for hits of the plane's resolution: the five
    # parameters, then unit combinations that no parameter changes
    solution: Floats
    pull: Floats  # [GeV] (2**n_planes,) standard errors that crossings move by q/p alone
    log_det: Floats  # (2**n_planes,) of the covariance of such hits
    q_error: Floats  # [1/GeV] (2**n_planes,) standard error of q/p of such hits
    scattered: Floats  # (2**n_planes,) largest share of scattering in the variance of any combination
    is_solvable: Mask  # (2**n_planes,) of each pattern of hit planes
    # [mm2] (n_planes,) * 3: by scattering, of y at the third plane around the line of two
    bend_variance: Floats
    bend: float  # [rad] of the nominal beam
    is_thin: bool  # magnets bend in their middle


class TrackProblem(NamedTuple):
    """What all tracks of a spectrometer share."""

    fit: FitTables
    kicks: Floats  # [mm] (2 n_planes, n_kicks) by one rad in each layer and direction
    faces: tuple[float, ...]  # [mm]
    face_design: Floats  # (n_faces, 4, 5) derivatives of x, y and slopes there
    face_scatter: Floats  # (n_faces, 4, 2 n_planes) their covariance with the crossings
    face_variance: Floats  # (n_faces, 4, 4)


def track_problem(
    spectrometer: Spectrometer, beam: Beam, faces: tuple[float, ...] = (), *, is_thin: bool = False
) -> TrackProblem:
    """
    Prepare the fits of a spectrometer.

    Parameters
    ----------
    spectrometer : Spectrometer
    beam : Beam
        Where the fit starts, and the momentum that scattering is taken at first.
    faces : tuple of float [mm]
        Where tracks are wanted besides the last plane, which is face 0 of the result.
    is_thin : bool
        Whether magnets bend in their middle.

    Raises
    ------
    ValueError
        If the spectrometer has no magnet, too many planes, or planes not in the order of z.
    """
    nominal = _Nominal(beam.momentum, beam.charge, beam.direction)
    return _solve(spectrometer, nominal, faces, is_thin)


class _Nominal(NamedTuple):
    """The nominal beam."""

    momentum: float  # [GeV]
    charge: int
    direction: tuple[float, float]


@lru_cache(maxsize=16)
def _solve(
    spectrometer: Spectrometer, beam: _Nominal, faces: tuple[float, ...], is_thin: bool
) -> TrackProblem:
    _check(spectrometer)
    z = np.array([plane.z for plane in spectrometer.planes])
    ends = [*z.tolist(), *((z[-1].item(), *faces) if len(z) else ())]
    ways = [_derivatives(spectrometer, beam, to, is_thin) for to in ends]
    moved = [_kicks(spectrometer, beam, to, is_thin) for to in ends]
    width = _widths(spectrometer, beam)
    n = len(z)
    design = np.vstack([np.zeros((0, 5)), *(way[:2] for way in ways[:n])])
    kicks = np.vstack([np.zeros((0, len(width))), *(k[:2] for k in moved[:n])])
    scattered = kicks * width
    variance = np.repeat([plane.resolution**2 for plane in spectrometer.planes], 2).astype(np.float64)
    far = [k * width for k in moved[n:]]
    pieces, stop = _pieces(spectrometer, z)
    scatter = scattered @ scattered.T
    start = _start(beam)
    crossings = [propagate(start, z[0], to, spectrometer.magnets, is_thin=is_thin)[:2] for to in z]
    first = np.concatenate(start)
    bend = CURVATURE * np.abs(pieces.prod(axis=1) * first[4]).sum().item()
    tables = FitTables(
        z, variance, first, np.array(crossings, dtype=np.float64).ravel(), pieces, stop, design, scatter,
        *_patterns(design, scatter, variance, max(spectrometer.min_planes, 3)),
        _bend_variance(z, scattered[1::2]), bend, is_thin,
    )  # fmt: skip
    return TrackProblem(
        tables, kicks, tuple(ends[n:]), np.array([way[:4] for way in ways[n:]]).reshape(-1, 4, 5),
        np.array([f @ scattered.T for f in far]).reshape(len(far), 4, 2 * n),
        np.array([f @ f.T for f in far]).reshape(-1, 4, 4),
    )  # fmt: skip


def _check(spectrometer: Spectrometer) -> None:
    """Raise unless a momentum can be asked of this spectrometer."""
    if not spectrometer.magnets:
        msg = f"spectrometer '{spectrometer.name}' has no magnet: it cannot measure a momentum"
        raise ValueError(msg)
    z = [plane.z for plane in spectrometer.planes]
    if z != sorted(z):
        msg = f"planes of spectrometer '{spectrometer.name}' must be in the order of z, got z = {z} mm"
        raise ValueError(msg)
    if len(z) > _MAX_PLANES:
        msg = f"spectrometer '{spectrometer.name}' has {len(z)} planes, at most {_MAX_PLANES} are foreseen"
        raise ValueError(msg)


def _start(beam: _Nominal) -> State:
    nominal = (0.0, 0.0, *beam.direction, beam.charge / beam.momentum)
    return State(*(np.array([value]) for value in nominal))


def _derivatives(spectrometer: Spectrometer, beam: _Nominal, z: float, is_thin: bool) -> Floats:
    first = spectrometer.planes[0].z
    return jacobian(_start(beam), first, z, spectrometer.magnets, is_thin=is_thin)[:, :, 0]


def _layers(spectrometer: Spectrometer) -> list[tuple[float, float]]:
    """Return z and thickness [X0] of matter; the track does not see what is in front of the first plane."""
    first = spectrometer.planes[0].z if spectrometer.planes else 0.0
    layers = [(plane.z, plane.radiation_lengths) for plane in spectrometer.planes]
    return layers + [layer for layer in spectrometer.window_radiation_lengths if layer[0] >= first]


def _widths(spectrometer: Spectrometer, beam: _Nominal) -> Floats:
    """Return the rms scattering angle [rad] of each layer, once per direction."""
    thickness = np.array([layer[1] for layer in _layers(spectrometer)])
    return np.repeat(scattering_angle(beam.momentum, thickness, charge=beam.charge), 2)


def _kicks(spectrometer: Spectrometer, beam: _Nominal, z: float, is_thin: bool) -> Floats:
    """Return how one rad in each layer moves x, y and slopes at z: (4, 2 n_layers)."""
    first, columns = spectrometer.planes[0].z, []
    for z_layer, _ in _layers(spectrometer):
        if z <= z_layer:
            columns.append(np.zeros((4, 2)))
            continue
        there = propagate(_start(beam), first, z_layer, spectrometer.magnets, is_thin=is_thin)
        columns.append(jacobian(there, z_layer, z, spectrometer.magnets, is_thin=is_thin)[:4, 2:4, 0])
    return np.hstack(columns)


def _pieces(spectrometer: Spectrometer, z: Floats) -> tuple[Floats, Ints]:
    """Return the pieces from plane to plane, and where those to each plane end."""
    cut = [field_pieces(a, b, spectrometer.magnets) for a, b in zip([*z[:1], *z[:-1]], z, strict=True)]
    flat = np.array([piece for way in cut for piece in way], dtype=np.float64).reshape(-1, 2)
    return flat, np.cumsum([len(way) for way in cut], dtype=np.int64)


def _patterns(
    design: Floats, scatter: Floats, variance: Floats, min_planes: int
) -> tuple[Floats, Floats, Floats, Floats, Floats, Mask]:
    """Return the entries of `FitTables` from `solution` to `is_solvable`."""
    m = len(design)
    n = 1 << m // 2
    solution = np.zeros((n, m, m))
    pull, log_det, q_error, scattered = np.zeros((4, n))
    is_solvable = np.zeros(n, dtype=np.bool_)
    for pattern in range(n):
        rows = np.flatnonzero(np.repeat(pattern >> np.arange(m // 2) & 1, 2))
        if len(rows) < 2 * min_planes:
            continue
        covariance = scatter[np.ix_(rows, rows)] + np.diag(variance[rows])
        whiten = np.linalg.inv(np.linalg.cholesky(covariance))
        weighted = whiten @ design[rows]
        scale = np.linalg.norm(weighted, axis=0)
        if not scale.all():
            continue
        basis, widths, _ = np.linalg.svd(weighted / scale)
        if widths[0] ** 2 > _MAX_CONDITION * widths[-1] ** 2:
            continue
        inverse = np.linalg.pinv(weighted / scale, rcond=1e-15) / scale[:, None]
        combined = np.concatenate([inverse @ whiten, basis[:, 5:].T @ whiten])
        solution[pattern, : len(rows), : len(rows)] = combined.T
        pull[pattern], log_det[pattern] = scale[4], np.linalg.slogdet(covariance)[1]
        q_error[pattern] = np.linalg.norm(inverse[4])
        scattered[pattern] = np.linalg.eigvalsh(whiten @ scatter[np.ix_(rows, rows)] @ whiten.T)[-1]
        is_solvable[pattern] = True
    return solution, pull, log_det, q_error, scattered, is_solvable


def _bend_variance(z: Floats, scattered: Floats) -> Floats:
    """Return the variance by scattering of y_c - y_a - (y_b - y_a) (z_c - z_a) / (z_b - z_a)."""
    n = len(z)
    variance = np.zeros((n, n, n))
    for a in range(n):
        for b in range(a + 1, n):
            for c in range(b + 1, n):
                share = (z[c] - z[a]) / (z[b] - z[a]) if z[b] > z[a] else 0.0
                away = scattered[c] - (1 - share) * scattered[a] - share * scattered[b]
                variance[a, b, c] = away @ away
    return variance
