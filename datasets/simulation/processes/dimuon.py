"""Muon pairs of a photon of the shower in the field of a nucleus."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Particles, Shower, join
from datasets.simulation.process import Parameters, Process, Yield
from datasets.simulation.processes.target import (
    at_depth,
    nuclei_of,
    photon_table,
    sample_photons,
    started_by,
    target_of,
)
from datasets.simulation.stack import Stack
from physics.particles import mass_of
from physics.thick_target import muon_pair_section
from recon.geometry import Setup

__all__ = ["DIMUON", "muon_pair"]

Floats = npt.NDArray[np.float64]

_MUON = 13


def _rate(setup: Setup, parameters: Parameters) -> Yield:
    table = photon_table(target_of(setup), muon_pair_section, setup.beam.momentum, parameters["least_energy"])
    return Yield(
        table.total, "computed: thick-target photons times the pair cross section (physics/thick_target.py)"
    )


def _act(particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator) -> Shower:
    """Take a photon out of the shower; both muons go on from where it converts."""
    table = photon_table(
        nuclei_of(stack), muon_pair_section, float(np.max(particles.momentum)), parameters["least_energy"]
    )
    photon, depth = sample_photons(table, particles.momentum, rng)
    there = at_depth(particles, stack, depth)._replace(momentum=photon)
    pairs = muon_pair(there, rng)
    rest = started_by(particles, particles.momentum - photon)
    return Shower(join([rest, *pairs]), np.zeros(len(photon)))


def muon_pair(photons: Particles, rng: np.random.Generator) -> list[Particles]:
    """Return the muons of both charges that photons become where they are."""
    photon, mass = photons.momentum, float(mass_of(_MUON))
    share = sample_shares(len(photon), rng)
    pairs = []
    for sign, part in ((1, share), (-1, 1.0 - share)):
        energy = part * photon
        kick = mass * sample_angles(len(photon), rng) / np.maximum(energy, mass)
        angle = rng.uniform(0.0, 2.0 * np.pi, len(photon))
        pairs.append(
            photons._replace(
                pdg=np.full(len(photon), sign * _MUON),
                momentum=np.maximum(energy, 1e-3),
                slope_x=photons.slope_x + kick * np.cos(angle),
                slope_y=photons.slope_y + kick * np.sin(angle),
            )
        )
    return pairs


def sample_shares(n: int, rng: np.random.Generator) -> Floats:
    """Draw energy shares x of one muon, ``dN/dx ~ 1 - 4/3 x (1 - x)`` (complete screening), (n,)."""
    found = np.zeros(0)
    while len(found) < n:
        x = rng.random(2 * n + 8)
        found = np.concatenate([found, x[rng.random(len(x)) < 1.0 - 4.0 / 3.0 * x * (1.0 - x)]])
    return found[:n]


def sample_angles(n: int, rng: np.random.Generator) -> Floats:
    """Draw angles u in units of m / E, ``dN/du ~ u / (1 + u^2)^2`` (Burkhardt et al., eq. (26)), (n,)."""
    uniform = rng.random(n) * 0.999  # pairs beyond 30 m / E are cut by the nuclear form factor
    return np.asarray(np.sqrt(uniform / (1.0 - uniform)))


DIMUON = Process(
    name="dimuon",
    code=3,
    title="a photon of the shower makes a muon pair in the target: the QED benchmark",
    source="H. Burkhardt, S. Kelner, R. Kokoulin, CERN-SL-2002-016",
    rate=_rate,
    parameters={"least_energy": 5.0},
    units={"least_energy": "GeV, of the photon"},
    target=_act,
)
