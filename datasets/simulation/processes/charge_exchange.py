"""Beam pions that become a neutral meson and a neutron in the target: ordinary decays, and invisible ones."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from datasets.simulation.model import Particles, Shower, join
from datasets.simulation.process import Parameters, Process, Yield
from datasets.simulation.processes.pions import interaction_places, target_lengths
from datasets.simulation.stack import Stack, Volume, build_stack
from physics.charge_exchange import NUCLEON, exchange_section, sample_transfers
from physics.decay import three_body, two_body
from physics.materials import elements_of
from physics.particles import mass_of, pdg_of
from recon.geometry import Setup

__all__ = ["EXCHANGES", "INVISIBLE", "exchanges_per_length"]

_AVOGADRO = 6.02214076e23
_NEUTRON, _PHOTON = 2112, 22
_CODES = {"pi0": "pi0", "eta": "eta", "eta'": "eta'(958)"}  # names of the PDG


class Channel(NamedTuple):
    """One way to decay."""

    fraction: float  # PDG 2024
    daughters: tuple[str, ...]  # a photon stands for a neutral pion or an eta that is made


_ORDINARY = {  # decays to photons alone as those to two of them
    "pi0": (Channel(1.0, ("gamma", "gamma")),),
    "eta": (Channel(0.7193, ("gamma", "gamma")), Channel(0.2720, ("pi+", "pi-", "gamma"))),
    "eta'": (Channel(0.247, ("gamma", "gamma")), Channel(0.745, ("pi+", "pi-", "gamma"))),
}


def exchanges_per_length(volume: Volume, meson: str, momentum: float) -> float:
    """
    Return how many pions exchange their charge, per pion and millimetre of a volume.

    Parameters
    ----------
    volume : Volume
    meson : str
        That they become.
    momentum : float [GeV]

    Returns
    -------
    float [1/mm]
        Sum over the elements of absorber and active part of atoms per volume times cross section.
    """
    share, total = volume.active_share, 0.0
    parts = [(volume.active, share), *([(volume.absorber, 1.0 - share)] if volume.absorber else [])]
    for matter, thickness in parts:
        for z, a, mass in elements_of(matter):
            atoms = matter.density * thickness * mass * _AVOGADRO / a  # [1/cm3]
            total += 0.1 * atoms * float(exchange_section(meson, momentum, z))
    return total


def _rate(setup: Setup, parameters: Parameters, *, meson: str) -> Yield:
    """Return exchanges per beam particle: of pions that have not interacted yet, at the beam momentum."""
    stack = build_stack(setup)
    first = stack.volumes[int(stack.index(stack.target.name)[0])]
    _, depth = target_lengths(stack)
    path = first.material.pion_interaction_length * -np.expm1(-depth[-1])
    number = path * exchanges_per_length(first, meson, setup.beam.momentum)
    value = setup.beam.share_of("pi-") * number * parameters.get("branching", 1.0)
    return Yield(float(value), "computed: physics/charge_exchange.py times the path of pions in the target")


def _exchange(
    particles: Particles, stack: Stack, meson: str, rng: np.random.Generator
) -> tuple[Particles, Particles]:
    """Return mesons and neutrons where pions exchange their charge; of neutrons the kinetic energy."""
    there = particles.at(interaction_places(stack, len(particles.pdg), rng))
    recoil = sample_transfers(meson, particles.momentum, rng) / (2.0 * NUCLEON)
    neutron = there._replace(pdg=np.full(len(recoil), _NEUTRON), momentum=recoil)
    mesons = there._replace(
        pdg=np.full(len(recoil), pdg_of(_CODES[meson])),
        momentum=np.maximum(particles.momentum - recoil, 1e-3),
    )
    return mesons, neutron


def _vanish(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator, *, meson: str
) -> Shower:
    """Let the meson decay to what nothing sees: of the pion its track is left, and a slow neutron."""
    del parameters
    mesons, neutrons = _exchange(particles, stack, meson, rng)
    return Shower(neutrons, mesons.momentum, neutrons.z)


def _decay(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator, *, meson: str
) -> Shower:
    """Let the meson decay as most do, where it is made."""
    del parameters
    mesons, neutrons = _exchange(particles, stack, meson, rng)
    channels, made = _ORDINARY[meson], [neutrons]
    fractions = np.array([channel.fraction for channel in channels])
    chosen = rng.choice(len(channels), len(mesons.pdg), p=fractions / fractions.sum())
    mass = float(mass_of(pdg_of(_CODES[meson])))
    for index, channel in enumerate(channels):
        parents = mesons.select(chosen == index)
        masses = tuple(float(mass_of(pdg_of(name))) for name in channel.daughters)
        decay = two_body if len(masses) == 2 else three_body
        for name, found in zip(channel.daughters, decay(mass, masses, parents.momentum, rng), strict=True):
            made.append(
                parents._replace(
                    pdg=np.full(len(parents.pdg), pdg_of(name)),
                    momentum=found.momentum,
                    slope_x=parents.slope_x + found.slope_x,
                    slope_y=parents.slope_y + found.slope_y,
                )
            )
    return Shower(join(made), np.zeros(len(mesons.pdg)), neutrons.z)


_SOURCE = "V. Lyubovitskij, as in Geant4's G4ChargeExchangeXS"
EXCHANGES = tuple(
    Process(
        name=f"exchange_{name}",
        code=code,
        title=f"charge exchange pi- A -> {meson} n in the target, the {meson} decays as most do",
        source=_SOURCE,
        particle="pi-",
        rate=partial(_rate, meson=meson),
        target=partial(_decay, meson=meson),
    )
    for code, name, meson in ((55, "pi0", "pi0"), (56, "eta", "eta"), (57, "eta_prime", "eta'"))
)
INVISIBLE = tuple(
    Process(
        name=f"invisible_{name}",
        code=code,
        title=f"signal: charge exchange pi- A -> {meson} n in the target, {meson} -> invisible",
        source=_SOURCE,
        particle="pi-",
        rate=partial(_rate, meson=meson),
        parameters={"branching": 1.0},
        units={"branching": "invisible decays per meson"},
        is_signal=True,
        target=partial(_vanish, meson=meson),
    )
    for code, name, meson in ((58, "pi0", "pi0"), (59, "eta", "eta"), (60, "eta_prime", "eta'"))
)
