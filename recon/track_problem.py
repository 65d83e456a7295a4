"""The linear algebra of a spectrometer: what all its tracks share.

Everything is taken along the nominal beam: where it crosses the planes, how the crossings move with the five
parameters, and how they scatter together (Lutz, NIM A 273 (1988) 349). A pattern of hit planes is a choice of
rows, so that a missing plane costs nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from physics.scattering import scattering_angle
from recon.field import State, field_pieces, jacobian, propagate
from recon.geometry import Beam, Spectrometer

__all__ = ["TrackProblem", "track_problem"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MAX_CONDITION = 1e12  # of the scaled normal matrix; above, hits do not determine the parameters
_MAX_PLANES = 12  # the patterns are tabulated


class TrackProblem(NamedTuple):
    """Arrays for the kernels; rows 2 i and 2 i + 1 are x and y of plane i, parameters those of `State`."""

    z: Floats  # [mm] (n_planes,)
    resolution: Floats  # [mm] (n_planes,)
    min_planes: int
    is_thin: bool  # magnets bend in their middle
    start: Floats  # (5,) the nominal beam at the first plane
    nominal: Floats  # [mm] (2 n_planes,) where it crosses the planes
    pieces: Floats  # (n_pieces, 2) length [mm] and field [T] on the way to each plane
    piece_stop: Ints  # (n_planes,) pieces up to plane i
    design: Floats  # (2 n_planes, 5) derivatives of the crossings
    scatter: Floats  # [mm2] (2 n_planes, 2 n_planes) covariance of the crossings by scattering
    kicks: Floats  # [mm] (2 n_planes, n_kicks) by one rad in each layer and direction
    gain: Floats  # (2**n_planes, 5, 2 n_planes) parameters per residual, for hits of the plane's resolution
    is_solvable: npt.NDArray[np.bool_]  # (2**n_planes,) of each pattern of hit planes
    log_det: Floats  # (2**n_planes,) of the covariance of such hits
    bend_variance: (
        Floats  # [mm2] (n_planes,) * 3: of y at the third plane around the line of two, by scattering
    )
    face_pieces: Floats  # (n_pieces, 2) on the way from the first plane to each face
    face_stop: Ints  # (n_faces,)
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
    _check(spectrometer)
    z = np.array([plane.z for plane in spectrometer.planes])
    ends = [*z, *((z[-1], *faces) if len(z) else ())]
    ways = [_derivatives(spectrometer, beam, to, is_thin) for to in ends]
    moved = [_kicks(spectrometer, beam, to, is_thin) for to in ends]
    width = _widths(spectrometer, beam)
    n = len(z)
    design = np.vstack([np.zeros((0, 5)), *(way[:2] for way in ways[:n])])
    kicks = np.vstack([np.zeros((0, len(width))), *(k[:2] for k in moved[:n])])
    scattered = kicks * width
    resolution = np.array([plane.resolution for plane in spectrometer.planes])
    far = [k * width for k in moved[n:]]
    pieces, stop = _pieces(spectrometer, [(a, b) for a, b in zip([*z[:1], *z[:-1]], z, strict=True)])
    face_pieces, face_stop = _pieces(spectrometer, [(z[0], face) for face in ends[n:]])
    scatter = scattered @ scattered.T
    patterns = _patterns(design, scatter, np.repeat(resolution**2, 2))
    start = _start(beam)
    crossings = [propagate(start, z[0], to, spectrometer.magnets, is_thin=is_thin)[:2] for to in z]
    return TrackProblem(
        z, resolution, max(spectrometer.min_planes, 3), is_thin, np.concatenate(start),
        np.array(crossings, dtype=np.float64).ravel(), pieces, stop, design, scatter, kicks, *patterns,
        _bend_variance(z, scattered[1::2]), face_pieces, face_stop,
        np.array([way[:4] for way in ways[n:]]).reshape(-1, 4, 5),
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


def _start(beam: Beam) -> State:
    nominal = (0.0, 0.0, *beam.direction, beam.charge / beam.momentum)
    return State(*(np.array([value]) for value in nominal))


def _derivatives(spectrometer: Spectrometer, beam: Beam, z: float, is_thin: bool) -> Floats:
    first = spectrometer.planes[0].z
    return jacobian(_start(beam), first, z, spectrometer.magnets, is_thin=is_thin)[:, :, 0]


def _layers(spectrometer: Spectrometer) -> list[tuple[float, float]]:
    """Return z and thickness [X0] of matter; the track does not see what is in front of the first plane."""
    first = spectrometer.planes[0].z if spectrometer.planes else 0.0
    layers = [(plane.z, plane.radiation_lengths) for plane in spectrometer.planes]
    return layers + [layer for layer in spectrometer.window_radiation_lengths if layer[0] >= first]


def _widths(spectrometer: Spectrometer, beam: Beam) -> Floats:
    """Return the rms scattering angle [rad] of each layer, once per direction."""
    thickness = np.array([layer[1] for layer in _layers(spectrometer)])
    return np.repeat(scattering_angle(beam.momentum, thickness, charge=beam.charge), 2)


def _kicks(spectrometer: Spectrometer, beam: Beam, z: float, is_thin: bool) -> Floats:
    """Return how one rad in each layer moves x, y and slopes at z: (4, 2 n_layers)."""
    first, columns = spectrometer.planes[0].z, []
    for z_layer, _ in _layers(spectrometer):
        if z <= z_layer:
            columns.append(np.zeros((4, 2)))
            continue
        there = propagate(_start(beam), first, z_layer, spectrometer.magnets, is_thin=is_thin)
        columns.append(jacobian(there, z_layer, z, spectrometer.magnets, is_thin=is_thin)[:4, 2:4, 0])
    return np.hstack(columns)


def _pieces(spectrometer: Spectrometer, ways: list[tuple[float, float]]) -> tuple[Floats, Ints]:
    """Return the pieces of all ways and where those of each end."""
    cut = [field_pieces(a, b, spectrometer.magnets) for a, b in ways]
    flat = [piece for way in cut for piece in way]
    return np.array(flat, dtype=np.float64).reshape(-1, 2), np.cumsum(
        [len(way) for way in cut], dtype=np.int64
    )


def _patterns(
    design: Floats, scatter: Floats, variance: Floats
) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Return gain, solvability and log determinant of each pattern."""
    n = len(design) // 2
    gain, solvable, log_det = np.zeros((1 << n, 5, 2 * n)), np.zeros(1 << n, dtype=np.bool_), np.zeros(1 << n)
    for pattern in range(1 << n):
        rows = np.flatnonzero(np.repeat(pattern >> np.arange(n) & 1, 2))
        if len(rows) < 6:
            continue
        covariance = scatter[np.ix_(rows, rows)] + np.diag(variance[rows])
        whiten = np.linalg.inv(np.linalg.cholesky(covariance))
        weighted = whiten @ design[rows]
        scale = np.linalg.norm(weighted, axis=0)
        if not scale.all() or np.linalg.cond(weighted / scale) ** 2 > _MAX_CONDITION:
            continue
        inverse = np.linalg.inv(weighted.T @ weighted / np.outer(scale, scale)) / np.outer(scale, scale)
        gain[pattern][:, rows] = inverse @ weighted.T @ whiten
        solvable[pattern], log_det[pattern] = True, np.linalg.slogdet(covariance)[1]
    return gain, solvable, log_det


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
