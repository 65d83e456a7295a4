"""The way of beam particles through the experiment: beam line, processes, calorimeters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.beamline import transport
from datasets.simulation.electromagnetic import deposit_electromagnetic
from datasets.simulation.hadronic import deposit_hadrons
from datasets.simulation.ionisation import deposit_muons, deposit_tracks
from datasets.simulation.model import Hits, Particles, Primaries, join
from datasets.simulation.muon_tracks import cross_muons
from datasets.simulation.process import Process
from datasets.simulation.srd import deposit_srd_mistags, deposit_synchrotron
from datasets.simulation.stack import Stack, Volume, tables_of
from datasets.simulation.stretches import fly_behind, stretches_of
from physics.particles import charge_of
from recon.geometry import Setup

__all__ = ["Flight", "fly"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Mask = npt.NDArray[np.bool_]

_TAG = "srd"
_ELECTROMAGNETIC = (11, 22)
_MUON = 13
_NEUTRINOS = (12, 14, 16)


class Flight(NamedTuple):
    """What beam particles leave behind."""

    visible: Floats  # [GeV] (n_primaries, n_cells)
    hits: Hits
    missing: Floats  # [GeV] (n_primaries,) carried away by what no detector can see
    counted: Mask  # (n_primaries,) where all trigger counters fire


class Line(NamedTuple):
    """Particles in front of the target and where they come from."""

    particles: Particles  # at the front face of the target
    origin: Floats  # [mm] (n_particles,) z from where on they fly straight as they are; -inf: with the beam
    hits: Hits
    photons: Particles  # of synchrotron radiation

    def select(self, which: npt.NDArray[Any]) -> Line:
        """Return the particles of a mask or of indices, without hits and photons."""
        return Line(self.particles.select(which), self.origin[which], Hits.empty(), Particles.empty())


@dataclass(frozen=True, slots=True)
class Stage:
    """Where beam particles fly, and what may happen to them."""

    setup: Setup
    stack: Stack
    processes: Sequence[Process]
    parameters: Sequence[Mapping[str, float]]  # of each process


def fly(stage: Stage, primaries: Primaries, process: Ints, rng: np.random.Generator) -> Flight:
    """
    Fly beam particles through a setup.

    Parameters
    ----------
    stage : Stage
    primaries : Primaries
    process : int64, shape (n_events,)
        Index of the process that the trigger particle of each event undergoes; pile-up undergoes none.
    rng : numpy.random.Generator
    """
    stack = stage.stack
    of_primary = np.where(primaries.is_trigger, process[primaries.event], -1)
    missing = np.zeros(len(of_primary))
    visible = np.zeros((len(of_primary), stack.n_cells))
    beam = Particles.of(primaries)
    line = _fly_upstream(stage, beam, of_primary, missing, rng)
    deposit_synchrotron(line.photons, stack, rng, visible)
    _deposit_knock_ons(line, stack, rng, visible)
    leads = _leads(line.particles, beam) & _is_inside(line.particles, stack.volumes[_target(stack)])
    acting, others = line.particles.select(leads), line.select(~leads)
    made, taken, ends = _act_in_target(stage, acting, of_primary, missing, rng)
    _pass_counters(line.select(np.flatnonzero(leads)[taken]), stack, rng, visible)
    tracked = np.isfinite(ends)
    tracks = _start(line.select(np.flatnonzero(leads)[tracked]), stack)
    deposit_tracks(tracks, ends[tracked], stack, rng, visible)
    rest = _start(line.select(np.flatnonzero(leads)[~taken]), stack)
    ready, stretches = join([made, rest, _start(others, stack)]), stretches_of(stack, stage.setup)
    hits = line.hits
    if len(stretches) > 1:
        hits = join([hits, fly_behind(ready, stretches, stage.setup, rng, visible)])
    else:
        _deposit(ready, stack, rng, visible)
    return Flight(visible, hits, missing, _fires_counters(line, stage.setup, len(missing)))


def _fires_counters(line: Line, setup: Setup, n_primaries: int) -> Mask:
    """Return for which primaries a charged particle crosses each of the trigger counters, (n_primaries,)."""
    fired = np.ones(n_primaries, dtype=bool)
    for counter in setup.trigger.counters:
        there = line.particles.at(counter.z)
        crossed = (line.origin < counter.z) & (charge_of(line.particles.pdg) != 0)
        crossed &= np.abs(there.x - counter.centre[0]) < 0.5 * counter.size[0]
        crossed &= np.abs(there.y - counter.centre[1]) < 0.5 * counter.size[1]
        fired &= np.bincount(line.particles.primary[crossed], minlength=n_primaries) > 0
    return fired


def _deposit_knock_ons(line: Line, stack: Stack, rng: np.random.Generator, visible: Floats) -> None:
    """Let charged particles other than electrons pass the SRD."""
    tag_z, _ = _faces(stack)
    if np.isfinite(tag_z):
        passing = (line.origin < tag_z) & (charge_of(line.particles.pdg) != 0)
        passing &= ~_is_electromagnetic(line.particles)
        deposit_srd_mistags(line.particles.select(passing).at(tag_z), stack, rng, visible)


def _pass_counters(line: Line, stack: Stack, rng: np.random.Generator, visible: Floats) -> None:
    """Let muons that undergo something in the target leave their tracks in what stands before it."""
    before = tuple(v for v in stack.volumes if v.section.z < stack.target_z and v.detector.name != _TAG)
    muons = line.select(np.abs(line.particles.pdg) == _MUON)
    if before and len(muons.particles.pdg):
        front = replace(stack, volumes=before, tables=tables_of(before))
        cross_muons(_start(muons, stack), front, rng, visible)


def _target(stack: Stack) -> int:
    """Return the first volume of the target."""
    return int(stack.index(stack.target.name)[0])


def _fly_upstream(
    stage: Stage, beam: Particles, of_primary: Ints, missing: Floats, rng: np.random.Generator
) -> Line:
    """Fly to the target; where a process happens upstream, go on with what it leaves."""
    end = stage.stack.target_z
    stop = np.full(len(of_primary), end)
    for index, kind in enumerate(stage.processes):
        rows = np.flatnonzero(of_primary == index)
        if kind.place is not None and len(rows):
            place = kind.place(beam.select(rows), stage.setup, stage.parameters[index], rng)
            stop[rows] = np.minimum(place, end)
    first = transport(beam, stage.setup, rng, stop)
    is_there = stop[first.particles.primary] >= end
    leaving = [first.particles.select(~is_there & ~_leads(first.particles, beam))]
    for index, kind in enumerate(stage.processes):
        if kind.upstream is None:
            continue
        chosen = ~is_there & _leads(first.particles, beam) & (of_primary[first.particles.primary] == index)
        acting = first.particles.select(chosen)
        shower = kind.upstream(acting, stage.setup, stage.parameters[index], rng)
        missing[acting.primary] += shower.missing
        leaving.append(shower.particles)
    second = transport(join(leaving), stage.setup, rng, end)
    arrived = first.particles.select(is_there)
    return Line(
        join([arrived, second.particles]),
        np.concatenate([np.full(len(arrived.pdg), -np.inf), stop[second.particles.primary]]),
        join([first.hits, second.hits]),
        join([first.photons, second.photons]),
    )


def _leads(particles: Particles, beam: Particles) -> npt.NDArray[np.bool_]:
    """Return which particles are the beam particles themselves, not what they radiated."""
    return np.asarray(particles.pdg == beam.pdg[particles.primary])


def _act_in_target(
    stage: Stage, particles: Particles, of_primary: Ints, missing: Floats, rng: np.random.Generator
) -> tuple[Particles, Mask, Floats]:
    """Return what processes in the target leave, which particles they took, and where tracks of these end."""
    taken, ends = np.zeros(len(particles.pdg), dtype=bool), np.full(len(particles.pdg), np.nan)
    left = [Particles.empty()]
    index_of = of_primary[particles.primary]
    for index, kind in enumerate(stage.processes):
        acting = index_of == index
        if kind.target is None or not acting.any():
            continue
        shower = kind.target(particles.select(acting), stage.stack, stage.parameters[index], rng)
        np.add.at(missing, particles.primary[acting], shower.missing)
        left.append(shower.particles)
        taken |= acting
        if shower.ends is not None:
            ends[acting] = shower.ends
    return join(left), taken, ends


def _start(line: Line, stack: Stack) -> Particles:
    """
    Return the particles where their deposits begin.

    Electrons and photons that meet a module of the SRD shower there (synchrotron photons apart); all others
    start at the first detector behind it, or where they were made.
    """
    tag_z, next_z = _faces(stack)
    meets = _is_electromagnetic(line.particles) & (line.origin < tag_z) & _meets_tag(line.particles, stack)
    return line.particles.at(np.where(meets, tag_z, np.clip(line.origin, next_z, stack.target_z)))


def _faces(stack: Stack) -> tuple[float, float]:
    """Return the front faces of the SRD (infinite without one) and of the first other detector [mm]."""
    faces = [(v.detector.name == _TAG, v.section.z) for v in stack.volumes]
    tag = min((z for is_tag, z in faces if is_tag), default=np.inf)
    return tag, min(z for is_tag, z in faces if not is_tag)


def _is_electromagnetic(particles: Particles) -> Mask:
    return np.isin(np.abs(particles.pdg), _ELECTROMAGNETIC)


def _meets_tag(particles: Particles, stack: Stack) -> Mask:
    """Return which particles fly through a cell of the SRD."""
    met = np.zeros(len(particles.pdg), dtype=bool)
    for volume in stack.volumes:
        if volume.detector.name == _TAG:
            met |= _is_inside(particles, volume)
    return met


def _is_inside(particles: Particles, volume: Volume) -> Mask:
    """Return which particles cross the front face of a section."""
    section = volume.section
    there = particles.at(section.z)
    half_x, half_y = (
        0.5 * n * pitch for n, pitch in zip(section.grid.shape, section.grid.pitch, strict=True)
    )
    inside = np.abs(there.x - section.centre[0]) < half_x
    return np.asarray(inside & (np.abs(there.y - section.centre[1]) < half_y))


def _deposit(particles: Particles, stack: Stack, rng: np.random.Generator, visible: Floats) -> None:
    """Let every particle deposit its energy, each kind by its model."""
    kind = np.abs(particles.pdg)
    is_em, is_muon = _is_electromagnetic(particles), kind == _MUON
    deposit_electromagnetic(particles.select(is_em), stack, rng, visible)
    deposit_muons(particles.select(is_muon), stack, rng, visible)
    others = ~is_em & ~is_muon & ~np.isin(kind, _NEUTRINOS)
    deposit_hadrons(particles.select(others), stack, rng, visible)
