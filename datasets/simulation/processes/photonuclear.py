"""Hadrons that electrons make: in the target out of bremsstrahlung photons, upstream out of virtual ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets.simulation.hadronic import INTERACTING
from datasets.simulation.model import Particles, Shower, join
from datasets.simulation.process import Parameters, Process, Yield
from datasets.simulation.processes.breakup import break_up
from datasets.simulation.processes.target import (
    at_depth,
    nuclei_of,
    photon_table,
    sample_photons,
    started_by,
    target_of,
)
from datasets.simulation.stack import Stack
from physics.photonuclear import ATOMS_PER_RADIATION_LENGTH, photonuclear_section, virtual_photons
from recon.geometry import Setup

__all__ = ["ELECTROPRODUCTION", "UPSTREAM"]

Floats = npt.NDArray[np.float64]

_SOURCE = "computed: thick-target photons times 115 ub A^0.92 per nucleus (physics/photonuclear.py)"


def _electroproduction_rate(setup: Setup, parameters: Parameters) -> Yield:
    table = photon_table(
        target_of(setup), photonuclear_section, setup.beam.momentum, parameters["least_energy"]
    )
    return Yield(table.total, _SOURCE)


def _electroproduction(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator
) -> Shower:
    """Take a photon out of the shower; it becomes hadrons as if it were a rho meson that interacts there."""
    table = photon_table(
        nuclei_of(stack), photonuclear_section, float(np.max(particles.momentum)), parameters["least_energy"]
    )
    photon, depth = sample_photons(table, particles.momentum, rng)
    hadron = at_depth(particles, stack, depth)._replace(
        pdg=np.full(len(photon), INTERACTING), momentum=photon
    )
    return Shower(
        join([started_by(particles, particles.momentum - photon), hadron]), np.zeros(len(particles.pdg))
    )


def _upstream_matter(setup: Setup) -> tuple[Floats, Floats]:
    """Return z [mm] and thickness [X0] of planes and windows in front of the target."""
    planes = [(p.z, p.radiation_lengths) for s in setup.spectrometers.values() for p in s.planes]
    windows = [w for s in setup.spectrometers.values() for w in s.window_radiation_lengths]
    target = min(s.z for d in setup.detectors.values() if d.is_target for s in d.sections)
    found = np.array([row for row in (*planes, *windows) if row[0] < target and row[1] > 0])
    return found.reshape(-1, 2).T[0], found.reshape(-1, 2).T[1]


def _upstream_rate(setup: Setup, parameters: Parameters) -> Yield:
    _, thickness = _upstream_matter(setup)
    energy = setup.beam.momentum
    section = float(photonuclear_section(np.array(energy), 6.0, 12.0))
    photons = virtual_photons(energy, parameters["least_energy"])
    value = thickness.sum() * ATOMS_PER_RADIATION_LENGTH * section * photons
    return Yield(float(value), "computed: virtual photons in trackers and windows, taken as carbon")


def _upstream_place(
    particles: Particles, setup: Setup, parameters: Parameters, rng: np.random.Generator
) -> Floats:
    z, thickness = _upstream_matter(setup)
    return np.asarray(rng.choice(z, len(particles.pdg), p=thickness / thickness.sum()) + 1e-3)


def _upstream(particles: Particles, setup: Setup, parameters: Parameters, rng: np.random.Generator) -> Shower:
    """Let the electron lose a virtual photon (dk/k) that becomes hadrons, wide and with fast neutrals."""
    least = np.minimum(parameters["least_energy"], 0.99 * particles.momentum)
    photon = least * (particles.momentum / least) ** rng.random(len(particles.pdg))
    electron = started_by(particles, particles.momentum - photon)
    hadrons = break_up(particles._replace(momentum=photon), rng)
    return Shower(join([electron, hadrons]), np.zeros(len(particles.pdg)))


ELECTROPRODUCTION = Process(
    name="electroproduction",
    code=4,
    title="a photon of the shower makes hadrons in the target: E_ECAL + E_HCAL = beam energy",
    source="G. Clement, C. Kessler, Nuovo Cim. 37 (1965) 876; T. Bauer et al., Rev. Mod. Phys. 50 (1978) 261",
    rate=_electroproduction_rate,
    parameters={"least_energy": 5.0},
    units={"least_energy": "GeV, of the photon"},
    target=_electroproduction,
)
UPSTREAM = Process(
    name="upstream",
    code=5,
    title="the electron makes hadrons in a tracker or window; wide and neutral ones miss the calorimeters",
    source="virtual photons of Weizsaecker and Williams; T. Bauer et al., Rev. Mod. Phys. 50 (1978) 261",
    rate=_upstream_rate,
    parameters={"least_energy": 10.0},
    units={"least_energy": "GeV, of all hadrons together"},
    place=_upstream_place,
    upstream=_upstream,
)
