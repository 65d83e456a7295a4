"""Energies in units of what a minimum-ionising particle leaves: how many of them crossed a section."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from physics.ionisation import most_probable_loss
from physics.materials import material
from recon.geometry import Detector, Section

__all__ = ["count_mips", "mip_energies"]

Floats = npt.NDArray[np.float64]


def mip_energies(detector: Detector) -> Floats:
    """
    Return the most probable energy of a fast muon in each section.

    The most probable loss in all of the active thickness (PDG 2024, eq. (34.12), highly relativistic) over
    the sampling fraction: in the scale in which the detector measures showers.

    Parameters
    ----------
    detector : Detector

    Returns
    -------
    float64, shape (n_sections,) [GeV]
        NaN where the setup does not say what a section is made of.
    """
    return (
        np.array([_of_section(section) for section in detector.sections])
        / detector.response.sampling_fraction
    )


def _of_section(section: Section) -> float:
    matter = section.matter
    if matter is None:
        return float("nan")
    active = material(matter.active)
    return most_probable_loss(active.z_over_a, active.density, matter.layers * matter.active_thickness)


def count_mips(parts: Floats, detector: Detector) -> Floats:
    """
    Return the energy of each section over that of one minimum-ionising particle.

    Parameters
    ----------
    parts : float64, shape (n_events, n_sections) [GeV]
    detector : Detector

    Returns
    -------
    float64, shape (n_events, n_sections)
        About 1 for a muon, 2 for two; NaN where either energy is unknown.
    """
    return np.asarray(parts / mip_energies(detector))
