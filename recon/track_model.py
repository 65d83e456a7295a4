"""The linear model of a track with one hit in each plane, around the nominal beam."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from physics.momentum_resolution import bending_angle, bending_angle_error
from physics.scattering import scattering_angle
from recon.field import field_pieces
from recon.geometry import Beam, Spectrometer
from recon.track_problem import track_problem

__all__ = ["linear_model", "nominal_crossings", "predicted_resolution"]

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
        As `recon.track_problem.track_problem`.
    """
    fit = track_problem(spectrometer, beam).fit
    return fit.design, np.diag(fit.variance) + fit.scatter


def nominal_crossings(spectrometer: Spectrometer, beam: Beam) -> Floats:
    """Return x and y of the nominal beam at each plane, (2 n_planes,) [mm]; (0, 0) at the first one."""
    return track_problem(spectrometer, beam).fit.nominal


def predicted_resolution(spectrometer: Spectrometer, beam: Beam, *, meet: bool = True) -> float:
    """
    Return sigma_p / p at the beam momentum by formula, for a track with a hit in each plane.

    `physics.momentum_resolution.bending_angle_error` over the bending angle, with all magnets as one thin one
    in the middle of their field. It shares with the fit where planes and matter are, but no derivative.

    Parameters
    ----------
    spectrometer : Spectrometer
    beam : Beam
    meet : bool
        Whether both arms meet in the magnet, as the fitted trajectory does.

    Raises
    ------
    ValueError
        If the planes do not determine the angle.
    """
    first, last = spectrometer.planes[0].z, spectrometer.planes[-1].z
    length, field = np.transpose(field_pieces(first, last, spectrometer.magnets))
    centre = first + np.cumsum(length) - 0.5 * length
    middle = float(np.average(centre, weights=length * field))
    layers = [(plane.z, plane.radiation_lengths) for plane in spectrometer.planes]
    layers += [window for window in spectrometer.window_radiation_lengths if window[0] >= first]
    z, thickness = np.transpose(layers)
    error = bending_angle_error(
        [plane.z - middle for plane in spectrometer.planes],
        [plane.resolution for plane in spectrometer.planes],
        z - middle,
        scattering_angle(beam.momentum, thickness, charge=beam.charge),
        meet=meet,
    )
    return error / bending_angle(1e-3 * float(length @ field), beam.momentum)
