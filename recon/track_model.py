"""The linear model of a track with one hit in each plane, around the nominal beam."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recon.geometry import Beam, Spectrometer
from recon.track_problem import track_problem

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
        As `recon.track_problem.track_problem`.
    """
    fit = track_problem(spectrometer, beam).fit
    return fit.design, np.diag(fit.variance) + fit.scatter


def nominal_crossings(spectrometer: Spectrometer, beam: Beam) -> Floats:
    """Return x and y of the nominal beam at each plane, (2 n_planes,) [mm]; (0, 0) at the first one."""
    return track_problem(spectrometer, beam).fit.nominal
