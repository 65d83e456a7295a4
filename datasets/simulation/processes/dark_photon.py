"""Signal: a dark photon A' that decays to dark matter and takes its energy out of the shower."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Particles, Shower, join
from datasets.simulation.process import Parameters, Process, Yield
from datasets.simulation.processes.target import Nuclei, at_depth, nuclei_of, started_by, target_of
from datasets.simulation.stack import Stack
from physics.dark_photon import (
    annihilation_section,
    bremsstrahlung_section,
    energy_shares,
    invisible_width,
    resonance_energy,
)
from physics.particles import pdg_of
from physics.shower_tracks import (
    electron_track_density,
    electron_track_lengths,
    sample_electrons,
    secondary_positron_track_density,
)
from recon.geometry import Setup

__all__ = ["BREMSSTRAHLUNG", "RESONANT", "bremsstrahlung_rate", "radiate"]

Floats = npt.NDArray[np.float64]

_SQUARE_CM = 1e-36  # of a picobarn
_POINTS = 200  # electron energies of a table
_RESONANT_POINTS = 4000
_SOFTEST = 0.05  # of the beam's energy: electrons of less do not count
_POSITRON = -11


class EnergyTable(NamedTuple):
    """How often electrons of an energy make the A'."""

    energy: Floats  # [GeV] rising
    section: Floats  # [cm2] times nuclei or electrons per cm2 and X0
    density: Floats  # dN/dE per beam particle [1/GeV]

    @property
    def total(self) -> float:
        """Return the A' per beam particle."""
        return float(np.trapezoid(self.density, self.energy))


class BremsstrahlungTable(NamedTuple):
    """How often electrons of an energy radiate the A'."""

    energy: Floats  # [GeV] rising
    section: Floats  # [cm2] times nuclei per cm2 and X0
    total: float  # A' per beam particle


@lru_cache(maxsize=64)
def _bremsstrahlung_table(
    nuclei: tuple[Nuclei, ...], beam: float, mass: float, epsilon: float
) -> BremsstrahlungTable:
    """Tabulate A' bremsstrahlung by the electron's energy."""
    energy = beam * (1.0 - np.geomspace(1e-4, 1.0 - max(_SOFTEST, 1.05 * mass / beam), _POINTS)[::-1])
    section = np.array(
        [
            sum(
                n.per_radiation_length
                * _SQUARE_CM
                * bremsstrahlung_section(mass, float(e), epsilon, n.z, n.a)
                for n in nuclei
            )
            for e in energy
        ]
    )
    # lengths between energies: the density diverges at the beam's, where a tenth of the length lies
    length = electron_track_lengths(beam, energy)
    total = section[-1] * length[-1] + (0.5 * (section[1:] + section[:-1]) * -np.diff(length)).sum()
    return BremsstrahlungTable(energy, section, float(total))


def bremsstrahlung_rate(setup: Setup, parameters: Parameters) -> Yield:
    """Return the A' per electron on target."""
    table = _bremsstrahlung_table(
        target_of(setup), setup.beam.momentum, parameters["mass"], parameters["epsilon"]
    )
    return Yield(
        table.total,
        "computed: electron track length times the tree-level cross section (physics/dark_photon.py)",
    )


def radiate(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator
) -> tuple[Particles, Particles]:
    """
    Let an electron of the shower, at its depth, radiate an A' along its way.

    Parameters
    ----------
    particles : Particles
        Beam electrons at the front of the target.
    stack : Stack
    parameters : mapping
        With `mass` [GeV] and `epsilon`.
    rng : numpy.random.Generator

    Returns
    -------
    (what is left of the shower, the A' of each particle with its energy as momentum)
    """
    beam = float(np.max(particles.momentum))
    table = _bremsstrahlung_table(nuclei_of(stack), beam, parameters["mass"], parameters["epsilon"])
    share, depth = sample_electrons(
        len(particles.pdg), rng, weight=lambda x: np.interp(x * beam, table.energy, table.section, left=0.0)
    )
    electron = share * particles.momentum
    x, cumulative = energy_shares(parameters["mass"], beam)
    taken = np.interp(rng.random(len(electron)), cumulative, x) * electron
    radiated = started_by(particles, particles.momentum - electron)
    there = at_depth(particles, stack, depth)
    rest = there._replace(momentum=electron - taken).select(electron > taken)
    return join([radiated, rest]), there._replace(momentum=taken)


def _bremsstrahlung(
    particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator
) -> Shower:
    """Let the A' take its energy away for good."""
    rest, dark = radiate(particles, stack, parameters, rng)
    return Shower(rest, dark.momentum)


@lru_cache(maxsize=64)
def _resonant_table(
    nuclei: tuple[Nuclei, ...], beam: float, is_positron: bool, key: tuple[float, ...]
) -> EnergyTable:
    """Tabulate the annihilation of positrons by their energy."""
    mass, epsilon, alpha_d, ratio = key
    peak = resonance_energy(mass)
    width = peak * 2 * invisible_width(mass, alpha_d, ratio) / mass
    near = peak + width * np.tan(np.linspace(-0.499 * np.pi, 0.499 * np.pi, _RESONANT_POINTS))
    wide = np.linspace(_SOFTEST * beam, beam * (1 - 1e-6), _RESONANT_POINTS)
    energy = np.unique(np.concatenate([near[(near > _SOFTEST * beam) & (near < beam)], wide]))
    electrons = sum(n.electrons for n in nuclei)
    section = electrons * _SQUARE_CM * annihilation_section(energy, mass, epsilon, alpha_d, ratio)
    tracks = electron_track_density if is_positron else secondary_positron_track_density
    return EnergyTable(energy, section, section * tracks(beam, energy))


def _key(parameters: Parameters) -> tuple[float, ...]:
    return tuple(parameters[name] for name in ("mass", "epsilon", "alpha_d", "mass_ratio"))


def _resonant_rate(setup: Setup, parameters: Parameters) -> Yield:
    is_positron = pdg_of(setup.beam.particle) == _POSITRON
    table = _resonant_table(target_of(setup), setup.beam.momentum, is_positron, _key(parameters))
    whose = "beam" if is_positron else "secondary"
    return Yield(
        table.total, f"computed: track length of {whose} positrons times the annihilation cross section"
    )


def _resonant(particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator) -> Shower:
    """Take a positron of the shower out of it; what the beam particle lost before stays."""
    beam = float(np.max(particles.momentum))
    is_positron = bool((particles.pdg == _POSITRON).all())
    table = _resonant_table(nuclei_of(stack), beam, is_positron, _key(parameters))
    steps = 0.5 * (table.density[1:] + table.density[:-1]) * np.diff(table.energy)
    cumulative = np.concatenate([[0.0], np.cumsum(steps)])
    missing = np.interp(rng.random(len(particles.pdg)) * cumulative[-1], cumulative, table.energy)
    missing = np.minimum(missing, particles.momentum)
    return Shower(started_by(particles, particles.momentum - missing), missing)


BREMSSTRAHLUNG = Process(
    name="dark_photon",
    code=7,
    title="signal: e Z -> e Z A', A' -> invisible, off an electron of the shower",
    source="S. Gninenko et al., Phys. Lett. B 782 (2018) 406",
    rate=bremsstrahlung_rate,
    parameters={"mass": 0.01, "epsilon": 1e-4},
    units={"mass": "GeV, from 0.001 to 1"},
    is_signal=True,
    target=_bremsstrahlung,
)
RESONANT = Process(
    name="resonant_dark_photon",
    code=8,
    title="signal: e+ e- -> A' -> chi chi of a positron of the shower, at E = m^2 / 2 m_e",
    source="E. Nardi et al., Phys. Rev. D 97 (2018) 095004",
    rate=_resonant_rate,
    parameters={"mass": 0.25, "epsilon": 1e-4, "alpha_d": 0.1, "mass_ratio": 1 / 3},
    units={"mass": "GeV", "mass_ratio": "m_chi / m_A'"},
    is_signal=True,
    target=_resonant,
)
