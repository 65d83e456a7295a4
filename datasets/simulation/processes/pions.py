"""Beam pions: that interact in the target, behind it or before it, and electrons that come with them."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from datasets.simulation.hadronic import INTERACTING
from datasets.simulation.model import Particles, Shower
from datasets.simulation.process import Parameters, Process, Yield
from datasets.simulation.processes.breakup import break_up
from datasets.simulation.stack import Stack, build_stack
from recon.geometry import Setup

__all__ = ["PIONS", "interaction_places", "target_lengths"]

Floats = npt.NDArray[np.float64]

_PION = "pi-"
# Trackers and windows are taken as carbon: a radiation length has 42.70 g/cm2, a pion's interaction length
# 117.8 g/cm2 (PDG 2024).
_INTERACTIONS = 42.70 / 117.8
_ELASTIC = 0.25  # elastic over inelastic cross section; assumed
_SLOPE = 10.0  # [1/GeV^2] of the elastic scattering off single nucleons, the widest part; assumed


def target_lengths(stack: Stack) -> tuple[Floats, Floats]:
    """Return faces of the target's sections [mm], and the pion interaction lengths before each of them."""
    z, depth = [], [0.0]
    for v in (stack.volumes[i] for i in stack.index(stack.target.name)):
        z += [v.section.z, v.section.z + v.length]
        depth += [depth[-1] + v.length / v.material.pion_interaction_length] * 2
    return np.array(z), np.array(depth[:-1])


def interaction_places(stack: Stack, n: int, rng: np.random.Generator) -> Floats:
    """Draw z [mm], shape (n,), where pions interact that do so in the target."""
    z, depth = target_lengths(stack)
    way = -np.log1p(-rng.random(n) * -np.expm1(-depth[-1]))
    return np.asarray(np.interp(way, depth, z))


def _surviving(setup: Setup) -> float:
    """Return the probability that a pion crosses the target without interaction."""
    _, depth = target_lengths(build_stack(setup))
    return float(np.exp(-depth[-1]))


def _target_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    value = setup.beam.share_of(_PION) * (1.0 - _surviving(setup))
    return Yield(value, "computed: pion interaction lengths of the target (PDG 2024)")


def _late_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    value = setup.beam.share_of(_PION) * _surviving(setup)
    return Yield(value, "computed: pion interaction lengths of the target (PDG 2024)")


def _interact(particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator) -> Shower:
    """Let pions interact in the target; before, they leave their track there."""
    del parameters
    ends = interaction_places(stack, len(particles.pdg), rng)
    hadrons = particles.at(ends)._replace(pdg=np.full(len(ends), INTERACTING))
    return Shower(hadrons, np.zeros(len(ends)), ends)


def _pass(particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator) -> Shower:
    """Let pions cross the target and go on behind it."""
    del parameters, rng
    ends = np.full(len(particles.pdg), target_lengths(stack)[0][-1])
    return Shower(particles.at(ends), np.zeros(len(ends)), ends)


def _matter(setup: Setup) -> tuple[Floats, Floats]:
    """Return z [mm] and thickness [interaction lengths] of trackers and windows in front of the target."""
    rows = [
        row
        for s in setup.spectrometers.values()
        for row in (*((p.z, p.radiation_lengths) for p in s.planes), *s.window_radiation_lengths)
    ]
    target = min(s.z for d in setup.detectors.values() if d.is_target for s in d.sections)
    z, thickness = np.array([row for row in rows if row[0] < target and row[1] > 0]).reshape(-1, 2).T
    return z, thickness * _INTERACTIONS


def _upstream_rate(setup: Setup, parameters: Parameters, *, share: float) -> Yield:
    del parameters
    value = setup.beam.share_of(_PION) * share * float(_matter(setup)[1].sum())
    return Yield(value, "computed: interaction lengths of trackers and windows, taken as carbon")


def _upstream_place(
    particles: Particles, setup: Setup, parameters: Parameters, rng: np.random.Generator
) -> Floats:
    del parameters
    z, thickness = _matter(setup)
    return np.asarray(rng.choice(z, len(particles.pdg), p=thickness / thickness.sum()) + 1e-3)


def _break_up(particles: Particles, setup: Setup, parameters: Parameters, rng: np.random.Generator) -> Shower:
    """Let pions become hadrons that fly apart."""
    del setup, parameters
    return Shower(break_up(particles, rng), np.zeros(len(particles.pdg)))


def _scatter(particles: Particles, setup: Setup, parameters: Parameters, rng: np.random.Generator) -> Shower:
    """Let pions scatter elastically: dN/d|t| falls as exp(-10 |t| / GeV^2), the angle is sqrt(|t|) / p."""
    del setup, parameters
    n = len(particles.pdg)
    angle = np.sqrt(rng.exponential(1.0 / _SLOPE, n)) / particles.momentum
    around = rng.uniform(0.0, 2.0 * np.pi, n)
    turned = particles._replace(
        slope_x=particles.slope_x + angle * np.cos(around),
        slope_y=particles.slope_y + angle * np.sin(around),
    )
    return Shower(turned, np.zeros(n))


def _arrive(particles: Particles, stack: Stack, parameters: Parameters, rng: np.random.Generator) -> Shower:
    """Let electrons leave a track in the counters before the target, where their shower begins."""
    del parameters, rng
    n = len(particles.pdg)
    return Shower(particles, np.zeros(n), np.full(n, stack.target_z))


def _electron_rate(setup: Setup, parameters: Parameters) -> Yield:
    del parameters
    return Yield(setup.beam.share_of("e-"), "the setup: beam.contamination")


PIONS = (
    Process(
        name="pion_interaction",
        code=50,
        title="a beam pion interacts in the target",
        source="cascade of datasets/simulation/hadronic.py",
        particle=_PION,
        rate=_target_rate,
        target=_interact,
    ),
    Process(
        name="late_pion",
        code=51,
        title="a beam pion crosses the target without interaction, and interacts late: in the HCAL",
        source="cascade of datasets/simulation/hadronic.py",
        particle=_PION,
        rate=_late_rate,
        target=_pass,
    ),
    Process(
        name="upstream_pion",
        code=52,
        title="a beam pion interacts in a tracker or window; wide and neutral ones miss the calorimeters",
        source="multiplicity and transverse momentum of datasets/simulation/hadronic.py",
        particle=_PION,
        rate=partial(_upstream_rate, share=1.0),
        place=_upstream_place,
        upstream=_break_up,
    ),
    Process(
        name="scattered_pion",
        code=53,
        title="a beam pion scatters elastically in a tracker or window, and comes from aside or not at all",
        source="slope of elastic scattering off nucleons; assumed",
        particle=_PION,
        rate=partial(_upstream_rate, share=_ELASTIC),
        place=_upstream_place,
        upstream=_scatter,
    ),
    Process(
        name="beam_electron",
        code=54,
        title="an electron that comes with a beam of other particles",
        source="G. Grindhammer, S. Peters, arXiv:hep-ex/0001020",
        particle="e-",
        rate=_electron_rate,
        target=_arrive,
    ),
)
