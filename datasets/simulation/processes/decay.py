"""Beam hadrons that decay on their way to the target, with neutrinos that take energy along."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Particles, Shower, join
from datasets.simulation.process import Parameters, Process, Yield
from physics.decay import Daughters, three_body, two_body
from physics.particles import decay_length_of, mass_of, pdg_of
from recon.geometry import Setup

__all__ = ["KAON_DECAY", "PION_DECAY"]

Floats = npt.NDArray[np.float64]

_NEUTRINOS = (12, 14, 16)


class Channel(NamedTuple):
    """One way to decay."""

    fraction: float  # PDG 2024
    daughters: tuple[str, ...]


_PION = (Channel(0.999877, ("mu-", "nu(mu)~")), Channel(1.23e-4, ("e-", "nu(e)~")))
_KAON = (  # decays to three pions (7.3%) leave no energy missing and are left out
    Channel(0.6356, ("mu-", "nu(mu)~")),
    Channel(0.2067, ("pi-", "gamma")),  # the neutral pion as one photon
    Channel(0.0507, ("e-", "gamma", "nu(e)~")),
    Channel(0.0335, ("mu-", "gamma", "nu(mu)~")),
)
_CODES = {"nu(mu)~": -14, "nu(e)~": -12}


def _code(name: str) -> int:
    return _CODES.get(name) or pdg_of(name)


def _mass(name: str) -> float:
    """Return the mass [GeV]; a photon stands for a neutral pion."""
    return float(mass_of(pdg_of("pi0") if name == "gamma" else _code(name)))


def _span(setup: Setup) -> tuple[float, float]:
    """Return where the beam line begins and the target stands [mm]."""
    first = min(p.z for s in setup.spectrometers.values() for p in s.planes)
    return first, min(s.z for d in setup.detectors.values() if d.is_target for s in d.sections)


def _decay_length(setup: Setup, parent: str) -> float:
    """Return the decay length at the beam momentum [mm]."""
    code = pdg_of(parent)
    return float(setup.beam.momentum / mass_of(code) * decay_length_of(code))


def _rate(setup: Setup, parameters: Parameters, *, parent: str, channels: tuple[Channel, ...]) -> Yield:
    first, last = _span(setup)
    share = setup.beam.share_of("pi-") * parameters.get("kaons", 1.0)
    decays = 1.0 - np.exp((first - last) / _decay_length(setup, parent))
    branching = sum(channel.fraction for channel in channels)
    return Yield(float(share * decays * branching), "computed: contamination times decays before the target")


def _place(
    particles: Particles, setup: Setup, parameters: Parameters, rng: np.random.Generator, *, parent: str
) -> Floats:
    del parameters
    first, last = _span(setup)
    length = _decay_length(setup, parent)
    most = 1.0 - np.exp((first - last) / length)
    return np.asarray(first - length * np.log1p(-most * rng.random(len(particles.pdg))))


def _act(
    particles: Particles,
    setup: Setup,
    parameters: Parameters,
    rng: np.random.Generator,
    *,
    parent: str,
    channels: tuple[Channel, ...],
) -> Shower:
    del setup, parameters
    fractions = np.array([channel.fraction for channel in channels])
    chosen = rng.choice(len(channels), len(particles.pdg), p=fractions / fractions.sum())
    missing = np.zeros(len(particles.pdg))
    made = [Particles.empty()]
    for index, channel in enumerate(channels):
        rows = np.flatnonzero(chosen == index)
        masses = tuple(_mass(name) for name in channel.daughters)
        decay = two_body if len(masses) == 2 else three_body
        found = decay(float(mass_of(pdg_of(parent))), masses, particles.momentum[rows], rng)
        for name, daughter in zip(channel.daughters, found, strict=True):
            if abs(_code(name)) in _NEUTRINOS:
                missing[rows] += daughter.momentum
            else:
                made.append(_flying(particles.select(rows), _code(name), daughter))
    return Shower(join(made), missing)


def _flying(parents: Particles, code: int, daughter: Daughters) -> Particles:
    """Return daughters where their parents were."""
    return parents._replace(
        pdg=np.full(len(parents.pdg), code),
        momentum=daughter.momentum,
        slope_x=parents.slope_x + daughter.slope_x,
        slope_y=parents.slope_y + daughter.slope_y,
    )


PION_DECAY = Process(
    name="pion_decay",
    code=6,
    title="a beam pion decays in flight: pi -> mu nu, and rarely e nu",
    source="PDG 2024 (branching fractions, lifetime); two-body kinematics",
    particle="pi-",
    rate=partial(_rate, parent="pi-", channels=_PION),
    place=partial(_place, parent="pi-"),
    upstream=partial(_act, parent="pi-", channels=_PION),
)
KAON_DECAY = Process(
    name="kaon_decay",
    code=11,
    title="a beam kaon decays in flight: K -> mu nu, pi pi0, e nu pi0, mu nu pi0",
    source="PDG 2024 (branching fractions, lifetime); phase space",
    particle="K-",
    rate=partial(_rate, parent="K-", channels=_KAON),
    parameters={"kaons": 0.03},
    units={"kaons": "per beam pion; 0.03 is published for the M2 beam and assumed here"},
    place=partial(_place, parent="K-"),
    upstream=partial(_act, parent="K-", channels=_KAON),
)
