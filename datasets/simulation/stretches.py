"""Calorimeters with trackers and magnets in between: stretches of volumes without such an element."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from datasets.simulation.beamline import transport
from datasets.simulation.electromagnetic import deposit_electromagnetic
from datasets.simulation.hadronic import cross_hadrons
from datasets.simulation.model import Floats, Hits, Particles, join
from datasets.simulation.muon_tracks import cross_muons
from datasets.simulation.pair_tracks import cross_counters
from datasets.simulation.stack import Stack, tables_of
from recon.geometry import Setup

__all__ = ["fly_behind", "stretches_of"]

_ELECTROMAGNETIC = (11, 22)
_MUON = 13
_NEUTRINOS = (12, 14, 16)


def stretches_of(stack: Stack, setup: Setup) -> tuple[Stack, ...]:
    """
    Cut the volumes of a setup where planes and magnets stand behind the front of the target.

    Returns
    -------
    tuple of Stack
        In the order of the beam, with the cells of the whole; one where no such element stands.
    """
    spectrometers = setup.spectrometers.values()
    places = [plane.z for s in spectrometers for plane in s.planes]
    places += [magnet.z for s in spectrometers for magnet in s.magnets]
    elements = sorted(z for z in places if z > stack.target_z)
    place = np.searchsorted(elements, [volume.section.z for volume in stack.volumes])
    groups = [tuple(v for v, p in zip(stack.volumes, place, strict=True) if p == k) for k in np.unique(place)]
    return tuple(replace(stack, volumes=group, tables=tables_of(group)) for group in groups)


def fly_behind(
    particles: Particles,
    stretches: tuple[Stack, ...],
    setup: Setup,
    rng: np.random.Generator,
    visible: Floats,
) -> Hits:
    """
    Let particles deposit energy stretch by stretch; what leaves one flies on to the next.

    In between they bend, scatter and leave hits as in `datasets.simulation.beamline.transport`. Electrons and
    photons that meet a calorimeter shower straight through all that is left, and leave no hits; before they
    do, counters see them as tracks.

    Parameters
    ----------
    particles : Particles
        In front of the first stretch or in it.
    stretches : tuple of Stack
    setup : Setup
    rng : numpy.random.Generator
    visible : float64, shape (n_primaries, n_cells) [GeV]
        Added to.
    """
    hits = [Hits.empty()]
    for index, stack in enumerate(stretches):
        kind = np.abs(particles.pdg)
        is_em, is_muon = np.isin(kind, _ELECTROMAGNETIC), kind == _MUON
        rest = _join_stacks(stretches[index:])
        showering, light = cross_counters(particles.select(is_em), stack, rng, visible)
        deposit_electromagnetic(showering, rest, rng, visible)
        muons, showers = cross_muons(particles.select(is_muon), stack, rng, visible)
        deposit_electromagnetic(showers, rest, rng, visible)
        others = ~is_em & ~is_muon & ~np.isin(kind, _NEUTRINOS)
        hadrons = cross_hadrons(particles.select(others), stack, rng, visible)
        if index + 1 < len(stretches):
            front = stretches[index + 1].volumes[0].section.z
            arrival = transport(join([muons, hadrons, light]), setup, rng, front)
            hits.append(arrival.hits)
            particles = arrival.particles
    return join(hits)


def _join_stacks(stacks: tuple[Stack, ...]) -> Stack:
    """Return the volumes of several stretches as one."""
    volumes = tuple(volume for stack in stacks for volume in stack.volumes)
    return replace(stacks[0], volumes=volumes, tables=tables_of(volumes))
