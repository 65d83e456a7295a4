"""The linear model of a track with one hit in each plane, around the nominal beam."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from physics.scattering import scattering_angle
from recon.field import State, jacobian, propagate
from recon.geometry import Beam, Spectrometer

__all__ = ["linear_model", "nominal_crossings"]

Floats = npt.NDArray[np.float64]


def linear_model(spectrometer: Spectrometer, beam: Beam) -> tuple[Floats, Floats]:
    """
    Return how hits in all planes depend on the track, and how they spread around it.

    Parameters
    ----------
    spectrometer : Spectrometer
        Planes in the order of z.
    beam : Beam
        The derivatives are taken along its nominal trajectory, and matter scatters at its momentum.

    Returns
    -------
    design : float64, shape (2 n_planes, 5)
        Derivatives of x and y [mm] at each plane to (x, y, dx/dz, dy/dz, q/p) [mm, mm, 1, 1, 1/GeV] at the
        first one.
    covariance : float64, shape (2 n_planes, 2 n_planes) [mm^2]
        Of the resolution of the planes and multiple scattering in planes and windows; matter in front of
        the first plane is not seen by the track.

    Raises
    ------
    ValueError
        As `recon.field.propagate`.
    """
    planes, magnets = spectrometer.planes, spectrometer.magnets
    first, start = planes[0].z, _start(beam)
    design = np.vstack([jacobian(start, first, plane.z, magnets)[:2, :, 0] for plane in planes])
    covariance = np.diag(np.repeat([plane.resolution**2 for plane in planes], 2))
    layers = [(plane.z, plane.radiation_lengths) for plane in planes]
    for z, thickness in (*layers, *spectrometer.window_radiation_lengths):
        if z >= first:
            at_layer = propagate(start, first, z, magnets)
            moved = [jacobian(at_layer, z, p.z, magnets)[:2, 2:4, 0] * (p.z > z) for p in planes]
            kick = np.vstack(moved) * scattering_angle(beam.momentum, thickness, charge=beam.charge)
            covariance = covariance + kick @ kick.T
    return design, covariance


def nominal_crossings(spectrometer: Spectrometer, beam: Beam) -> Floats:
    """Return x and y of the nominal beam at each plane, (2 n_planes,) [mm]; (0, 0) at the first one."""
    first, start = spectrometer.planes[0].z, _start(beam)
    ends = [propagate(start, first, plane.z, spectrometer.magnets) for plane in spectrometer.planes]
    return np.array([[end.x[0], end.y[0]] for end in ends]).ravel()


def _start(beam: Beam) -> State:
    values = (0.0, 0.0, *beam.direction, beam.charge / beam.momentum)
    return State(*(np.full(1, value) for value in values))
