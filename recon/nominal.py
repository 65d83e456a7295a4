"""The nominal beam particle along the whole beam line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recon.field import State, propagate
from recon.geometry import Beam, Magnet, Setup, Spectrometer

__all__ = ["all_magnets", "beam_before", "nominal_beam"]


def all_magnets(setup: Setup) -> list[Magnet]:
    """Return the magnets of all spectrometers, each once."""
    return list(dict.fromkeys(magnet for s in setup.spectrometers.values() for magnet in s.magnets))


def nominal_beam(setup: Setup, z: float) -> State:
    """
    Return the nominal beam particle at a place.

    Parameters
    ----------
    setup : Setup
        The beam crosses x = y = 0 where the first magnet starts, or at z = 0 without magnets.
    z : float [mm]

    Returns
    -------
    State of float64, shape (1,) each
    """
    magnets = all_magnets(setup)
    origin = min((magnet.z for magnet in magnets), default=0.0)
    at_origin = (0.0, 0.0, *setup.beam.direction, setup.beam.charge / setup.beam.momentum)
    return propagate(State(*(np.array([value]) for value in at_origin)), origin, z, magnets)


def beam_before(setup: Setup, spectrometer: Spectrometer) -> Beam:
    """Return the beam with its nominal direction at the first plane of a spectrometer."""
    if not spectrometer.planes or not setup.beam.charge:
        return setup.beam
    there = nominal_beam(setup, min(spectrometer.planes[0].z, *(m.z for m in spectrometer.magnets)))
    direction = (float(there.slope_x[0]), float(there.slope_y[0]))
    return setup.beam if direction == setup.beam.direction else replace(setup.beam, direction=direction)
