"""Energy that becomes several hadrons which fly apart: for thin matter, where each of them matters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Particles
from physics.particles import pdg_of

__all__ = ["break_up"]

Floats = npt.NDArray[np.float64]

# Multiplicity and transverse momentum are those of the cascade in datasets.simulation.hadronic; the kinds
# follow isospin (a third of the pions neutral) and an assumed share of kaons and nucleons among the others.
_MULTIPLICITY = 2.2  # hadrons per unit of ln E
_TRANSVERSE = 0.35  # [GeV] mean transverse momentum
_LEAST = 1.0  # [GeV] hadrons; what is left over joins the last one
_KINDS = ("pi+", "pi-", "gamma", "K0L", "n")  # a neutral pion is one photon: its two are a millimetre apart
_SHARES = (0.29, 0.29, 0.29, 0.05, 0.08)


def break_up(particles: Particles, rng: np.random.Generator) -> Particles:
    """
    Let each particle become hadrons of the same total energy, flying apart by their transverse momenta.

    Parameters
    ----------
    particles : Particles
        Their momentum is the energy that is shared.
    rng : numpy.random.Generator

    Returns
    -------
    Particles
        Charged pions, photons (of neutral pions), neutral kaons and neutrons, more of them than given.
    """
    energy = particles.momentum
    counts = 1 + rng.poisson(_MULTIPLICITY * np.log(np.maximum(energy, 1.0)))
    counts = np.minimum(counts, np.maximum(energy // _LEAST, 1)).astype(np.int64)
    parent = np.repeat(np.arange(len(energy)), counts)
    part = rng.exponential(1.0, len(parent)) ** 2  # squared: one of the hadrons leads
    total = np.zeros(len(energy))
    np.add.at(total, parent, part)
    momentum = part / total[parent] * energy[parent]
    kick = rng.exponential(_TRANSVERSE, len(parent)) / np.maximum(momentum, _TRANSVERSE)
    angle = rng.uniform(0.0, 2.0 * np.pi, len(parent))
    codes = np.array([pdg_of(name) for name in _KINDS])
    kind = np.searchsorted(np.cumsum(_SHARES)[:-1], rng.random(len(parent)), side="right")
    made = particles.select(parent)
    return made._replace(
        pdg=codes[kind],
        momentum=momentum,
        slope_x=made.slope_x + kick * np.cos(angle),
        slope_y=made.slope_y + kick * np.sin(angle),
    )
