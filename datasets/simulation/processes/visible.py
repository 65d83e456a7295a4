"""Behind a dense target: a dark photon A' that decays to e+ e-, and neutral kaons that look like it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets.simulation.hadronic import INTERACTING
from datasets.simulation.model import Particles, Shower, join
from datasets.simulation.process import Parameters, Process, Yield
from datasets.simulation.processes.dark_photon import bremsstrahlung_rate, radiate
from datasets.simulation.processes.target import (
    at_depth,
    nuclei_of,
    photon_table,
    sample_photons,
    started_by,
    target_of,
)
from datasets.simulation.stack import Stack
from physics.dark_photon import ELECTRON
from physics.decay import Daughters, two_body
from physics.particles import decay_length_of, mass_of, pdg_of
from physics.photonuclear import photonuclear_section
from physics.visible_decays import decay_lengths
from recon.geometry import Setup

__all__ = ["KAON_SHORT", "VISIBLE_DARK_PHOTON"]

Floats = npt.NDArray[np.float64]

_ELECTRON, _PHOTON, _PION = 11, 22, 211
_TO_NEUTRAL_PIONS = 0.3069  # PDG 2024; the rest as charged pions
_TRANSVERSE = 0.35  # [GeV] mean transverse momentum, as in datasets.simulation.hadronic


def _decay_visibly(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator
) -> Shower:
    """Let the A' fly and decay to e+ e-, isotropically; behind all detectors nothing sees it."""
    rest, dark = radiate(particles, stack, parameters, rng)
    length = decay_lengths(parameters["mass"], parameters["epsilon"], dark.momentum)
    there = dark.at(dark.z + rng.exponential(size=len(length)) * length)
    is_seen = there.z < max(volume.section.z + volume.length for volume in stack.volumes)
    pair = _decay(there.select(is_seen), parameters["mass"], (_ELECTRON, -_ELECTRON), rng)
    return Shower(join([rest, *pair]), np.where(is_seen, 0.0, dark.momentum))


def _decay(
    parents: Particles, mass: float, codes: tuple[int, int], rng: np.random.Generator
) -> list[Particles]:
    """Return the two daughters of particles whose momentum is their energy, where these are."""
    momentum = np.sqrt(np.maximum(parents.momentum**2 - mass**2, 0.0))
    masses = tuple(float(mass_of(abs(code))) for code in codes)
    found = two_body(mass, masses, momentum, rng)
    return [_flying(parents, code, daughter) for code, daughter in zip(codes, found, strict=True)]


def _flying(parents: Particles, code: int, daughter: Daughters) -> Particles:
    return parents._replace(
        pdg=np.full(len(parents.pdg), code),
        momentum=daughter.momentum,
        slope_x=parents.slope_x + daughter.slope_x,
        slope_y=parents.slope_y + daughter.slope_y,
    )


def _visible_rate(setup: Setup, parameters: Parameters) -> Yield:
    """Return the A' per electron on target, of a mass that decays to e+ e-."""
    mass = parameters["mass"]
    if mass <= 2 * ELECTRON:
        msg = f"an A' decays to e+ e- above {2 * ELECTRON:.6f} GeV alone, got mass={mass:g}; set more"
        raise ValueError(msg)
    return bremsstrahlung_rate(setup, parameters)


def _kaon_rate(setup: Setup, parameters: Parameters) -> Yield:
    table = photon_table(
        target_of(setup), photonuclear_section, setup.beam.momentum, parameters["least_energy"]
    )
    return Yield(
        table.total * parameters["kaons"],
        "computed: thick-target photons times 115 ub A^0.92 per nucleus; K0S per interaction assumed",
    )


def _make_kaon(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator
) -> Shower:
    """
    Let a photon of the shower make hadrons, of which one is a K0S.

    Its share x of the photon's energy has the density 2 (1 - x), which is assumed; the other hadrons interact
    where they are made. The kaon flies until it decays or interacts.
    """
    energy = float(np.max(particles.momentum))
    table = photon_table(nuclei_of(stack), photonuclear_section, energy, parameters["least_energy"])
    photon, depth = sample_photons(table, particles.momentum, rng)
    there = at_depth(particles, stack, depth)
    mass = float(mass_of(pdg_of("K0S")))
    kaon = np.maximum((1.0 - np.sqrt(rng.random(len(photon)))) * photon, 1.01 * mass)
    others = there._replace(pdg=np.full(len(photon), INTERACTING), momentum=np.maximum(photon - kaon, 0.0))
    beam = started_by(particles, particles.momentum - photon)
    parts = [
        beam,
        others.select(others.momentum > 0),
        *_fly_kaon(_kicked(there, kaon, rng), stack, mass, rng),
    ]
    return Shower(join(parts), np.zeros(len(photon)))


def _kicked(particles: Particles, energy: Floats, rng: np.random.Generator) -> Particles:
    """Return hadrons of an energy with the transverse momentum of secondaries."""
    kick = rng.exponential(_TRANSVERSE, len(energy)) / np.maximum(energy, _TRANSVERSE)
    angle = rng.uniform(0.0, 2.0 * np.pi, len(energy))
    return particles._replace(
        momentum=energy,
        slope_x=particles.slope_x + kick * np.cos(angle),
        slope_y=particles.slope_y + kick * np.sin(angle),
    )


def _fly_kaon(kaons: Particles, stack: Stack, mass: float, rng: np.random.Generator) -> list[Particles]:
    """Return what kaons become: photons of two neutral pions, two charged pions, or an interaction."""
    momentum = np.sqrt(kaons.momentum**2 - mass**2)
    decay = kaons.z + rng.exponential(size=len(momentum)) * momentum / mass * float(
        decay_length_of(pdg_of("K0S"))
    )
    interaction = _interaction_place(kaons.z, stack, rng)
    interacting = kaons.at(interaction).select(interaction <= decay)
    decaying = kaons.at(decay).select(decay < interaction)
    is_neutral = rng.random(len(decaying.pdg)) < _TO_NEUTRAL_PIONS
    charged = _decay(decaying.select(~is_neutral), mass, (_PION, -_PION), rng)
    neutral = _decay(decaying.select(is_neutral), mass, (pdg_of("pi0"), pdg_of("pi0")), rng)
    photons = [part for pions in neutral for part in _decay_pions(pions, rng)]
    hadrons = interacting._replace(pdg=np.full(len(interacting.pdg), INTERACTING))
    return [hadrons, *charged, *photons]


def _decay_pions(pions: Particles, rng: np.random.Generator) -> list[Particles]:
    """Return the photons of neutral pions."""
    mass = float(mass_of(pdg_of("pi0")))
    return _decay(pions._replace(momentum=np.hypot(pions.momentum, mass)), mass, (_PHOTON, _PHOTON), rng)


def _interaction_place(z: Floats, stack: Stack, rng: np.random.Generator) -> Floats:
    """Return where mesons on the axis interact, from ``z`` [mm] on: infinite behind all matter."""
    left, place = rng.exponential(size=len(z)), np.full(len(z), np.inf)
    for volume in stack.volumes:
        begin = np.maximum(volume.section.z, z)
        way = np.maximum(volume.section.z + volume.length - begin, 0.0)
        depth = way / volume.material.pion_interaction_length
        here = np.isinf(place) & (left < depth)
        place[here] = (begin + left * volume.material.pion_interaction_length)[here]
        left = left - depth
    return place


VISIBLE_DARK_PHOTON = Process(
    name="visible_dark_photon",
    code=31,
    title="signal: e Z -> e Z A', A' -> e+ e- at its decay length, off an electron of the shower",
    source="S. Gninenko et al., Phys. Lett. B 782 (2018) 406; D. Banerjee et al., arXiv:1912.11389",
    rate=_visible_rate,
    parameters={"mass": 0.0167, "epsilon": 3e-4},
    units={"mass": "GeV, from 0.0011 to 0.2"},
    is_signal=True,
    target=_decay_visibly,
)
KAON_SHORT = Process(
    name="kaon_short",
    code=32,
    title="a photon of the shower makes hadrons and a K0S, which decays to two pions behind the target",
    source="PDG 2024 (branching fractions, lifetime); T. Bauer et al., Rev. Mod. Phys. 50 (1978) 261",
    rate=_kaon_rate,
    parameters={"least_energy": 10.0, "kaons": 0.1},
    units={"least_energy": "GeV, of the photon", "kaons": "K0S per interaction, assumed"},
    target=_make_kaon,
)
