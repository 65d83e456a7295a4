"""Light that a muon leaves on its way through each section of a detector: what its peak should be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets.simulation.ionisation import deposit_muons
from datasets.simulation.model import Particles
from datasets.simulation.stack import build_stack
from physics.particles import pdg_of
from recon.geometry import Setup

__all__ = ["muon_light"]

Floats = npt.NDArray[np.float64]


def muon_light(setup: Setup, detector: str, energy: float, n: int, rng: np.random.Generator) -> Floats:
    """
    Return the visible energy of muons in the cell that they cross, section by section.

    Muons start in front of each section, on the middle of a cell: ionisation with Landau's fluctuations, and
    the photons and pairs that muons radiate (`datasets.simulation.ionisation`), photo-statistics included.

    Parameters
    ----------
    setup : Setup
        With the matter of the detector.
    detector : str
    energy : float [GeV]
    n : int
        Muons of each section.
    rng : numpy.random.Generator

    Returns
    -------
    float64, shape (n_sections, n) [GeV]
    """
    found, stack = setup.detectors[detector], build_stack(setup)
    first = stack.columns[detector].start
    rows = []
    for section, offset in zip(found.sections, found.offsets[:-1], strict=True):
        (pitch_x, pitch_y), (n_x, n_y) = section.grid.pitch, section.grid.shape
        x = section.centre[0] + (n_x // 2 - 0.5 * (n_x - 1)) * pitch_x
        y = section.centre[1] + (n_y // 2 - 0.5 * (n_y - 1)) * pitch_y
        at = (np.full(n, value) for value in (energy, x, y, section.z - 1.0, 0.0, 0.0))
        muons = Particles(np.arange(n), np.full(n, pdg_of("mu-")), *at)
        deposits = np.zeros((n, stack.n_cells))
        deposit_muons(muons, stack, rng, deposits)
        light = deposits[:, first + offset + (n_x // 2) * n_y + n_y // 2]
        per_gev = found.response.light_yield
        rows.append(rng.poisson(light * per_gev) / per_gev if per_gev > 0 else light)
    return np.stack(rows)
