"""Beam muons in the target: that undergo nothing special, that make hadrons or muon pairs, and the signal."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from datasets.simulation.hadronic import INTERACTING
from datasets.simulation.model import Particles, Shower, join
from datasets.simulation.process import Parameters, Process, Yield
from datasets.simulation.processes.dimuon import muon_pair
from datasets.simulation.processes.target import (
    Nuclei,
    PhotonTable,
    Section,
    at_depth,
    nuclei_of,
    target_depth,
)
from datasets.simulation.stack import Stack, build_stack
from physics.muon_boson import boson_angles, boson_section, boson_shares
from physics.muon_photons import NUCLEAR_SCALE, PAIR_SCALE, muon_photons
from physics.photonuclear import photonuclear_section
from physics.thick_target import muon_pair_section
from recon.geometry import Setup

__all__ = ["BEAM_MUON", "MUON_NUCLEAR", "MUON_PAIR", "Z_PRIME"]

Floats = npt.NDArray[np.float64]

_POINTS = 2000
_HARDEST = 0.999  # of the muon's energy
_SQUARE_CM = 1e-36  # of a picobarn


def _beam_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    return Yield(1.0 - sum(setup.beam.contamination.values()), "all that is not contamination")


@lru_cache(maxsize=64)
def _photon_table(
    nuclei: tuple[Nuclei, ...], section: Section, scale: float, energy: float, least: float
) -> PhotonTable:
    """Tabulate the virtual photons that undergo a process, per muon and radiation length."""
    if not 0 < least < _HARDEST * energy:
        msg = f"least_energy must be above 0 and below the muon's {energy:g} GeV, got {least:g} GeV"
        raise ValueError(msg)
    share = np.geomspace(least / energy, _HARDEST, _POINTS)
    photon = share * energy
    density = muon_photons(photon, energy, scale) * sum(
        kind.per_radiation_length * section(photon, kind.z, kind.a) for kind in nuclei
    )
    steps = 0.5 * (density[1:] + density[:-1]) * np.diff(photon)
    total = np.concatenate([[0.0], np.cumsum(steps)])
    return PhotonTable(share, total / total[-1], float(total[-1]))


def _photon_rate(setup: Setup, parameters: Parameters, *, section: Section, scale: float) -> Yield:
    stack = build_stack(setup)
    table = _photon_table(nuclei_of(stack), section, scale, setup.beam.momentum, parameters["least_energy"])
    return Yield(
        table.total * target_depth(stack),
        "computed: virtual photons (physics/muon_photons.py) times the cross section of real ones",
    )


def _emit(
    particles: Particles,
    stack: Stack,
    parameters: Parameters,
    rng: np.random.Generator,
    *,
    section: Section,
    scale: float,
) -> tuple[Particles, Particles]:
    """Return the muons with what is left to them, and their photons where they interact."""
    beam = float(np.max(particles.momentum))
    table = _photon_table(nuclei_of(stack), section, scale, beam, parameters["least_energy"])
    share = np.interp(rng.random(len(particles.pdg)), table.cumulative, table.share)
    photon = share * particles.momentum
    there = at_depth(particles, stack, target_depth(stack) * rng.random(len(photon)))
    return particles._replace(momentum=particles.momentum - photon), there._replace(momentum=photon)


def _make_hadrons(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator
) -> Shower:
    """Let a virtual photon become hadrons, as if it were a rho meson that interacts where it is."""
    muons, photons = _emit(
        particles, stack, parameters, rng, section=photonuclear_section, scale=NUCLEAR_SCALE
    )
    hadrons = photons._replace(pdg=np.full(len(photons.pdg), INTERACTING))
    return Shower(join([muons, hadrons]), np.zeros(len(muons.pdg)))


def _make_pair(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator
) -> Shower:
    """Let a virtual photon become a pair of muons, which go on with the first one."""
    muons, photons = _emit(particles, stack, parameters, rng, section=muon_pair_section, scale=PAIR_SCALE)
    return Shower(join([muons, *muon_pair(photons, rng)]), np.zeros(len(muons.pdg)))


def _signal_rate(setup: Setup, parameters: Parameters) -> Yield:
    stack = build_stack(setup)
    per_length = sum(
        kind.per_radiation_length
        * boson_section(parameters["mass"], setup.beam.momentum, parameters["coupling"], kind.z, kind.a)
        for kind in nuclei_of(stack)
    )
    return Yield(
        per_length * _SQUARE_CM * target_depth(stack),
        "computed: thickness of the target times the cross section (physics/muon_boson.py)",
    )


def _radiate_boson(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator
) -> Shower:
    """Let a muon lose a share of its energy for good, and recoil."""
    del stack
    mass, energy = parameters["mass"], particles.momentum
    # of the mean in whole GeV: the spectrum of x hardly changes, and blocks share one integral
    shares, cumulative = boson_shares(mass, float(np.rint(np.mean(energy))))
    x = np.interp(rng.random(len(energy)), cumulative, shares)
    recoil = boson_angles(x, mass, energy, rng) * x / (1.0 - x)  # momenta across balance
    angle = rng.uniform(0.0, 2.0 * np.pi, len(x))
    muons = particles._replace(
        momentum=(1.0 - x) * energy,
        slope_x=particles.slope_x + np.tan(np.minimum(recoil, 1.0)) * np.cos(angle),
        slope_y=particles.slope_y + np.tan(np.minimum(recoil, 1.0)) * np.sin(angle),
    )
    return Shower(muons.select(muons.momentum > 0), x * energy)


BEAM_MUON = Process(
    name="beam_muon",
    code=12,
    title="a beam muon that undergoes nothing special: it ionises, radiates and scatters",
    source="PDG 2024, sec. 34",
    rate=_beam_rate,
)
MUON_NUCLEAR = Process(
    name="muon_nuclear",
    code=13,
    title="a beam muon makes hadrons in the target by a virtual photon",
    source="V. Budnev et al., Phys. Rep. 15 (1975) 181; T. Bauer et al., Rev. Mod. Phys. 50 (1978) 261",
    rate=partial(_photon_rate, section=photonuclear_section, scale=NUCLEAR_SCALE),
    parameters={"least_energy": 5.0},
    units={"least_energy": "GeV, of all hadrons together"},
    target=_make_hadrons,
)
MUON_PAIR = Process(
    name="muon_pair",
    code=14,
    title="a beam muon makes a muon pair in the target by a virtual photon: three muons fly on",
    source="V. Budnev et al., Phys. Rep. 15 (1975) 181; H. Burkhardt et al., CERN-SL-2002-016",
    rate=partial(_photon_rate, section=muon_pair_section, scale=PAIR_SCALE),
    parameters={"least_energy": 10.0},
    units={"least_energy": "GeV, of the pair"},
    target=_make_pair,
)
Z_PRIME = Process(
    name="z_prime",
    code=15,
    title="signal: mu N -> mu N Z', Z' -> invisible, in the target",
    source="C.-Y. Chen et al., PRD 95 (2017) 115005; H. Sieber et al., PRD 105 (2022) 052006",
    rate=_signal_rate,
    parameters={"mass": 0.1, "coupling": 1e-3},
    units={"mass": "GeV"},
    is_signal=True,
    target=_radiate_boson,
)
