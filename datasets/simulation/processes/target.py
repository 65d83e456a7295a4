"""What processes in the target share: the nuclei that a shower meets, its photons, and depths."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Particles
from datasets.simulation.stack import Stack, build_stack
from physics.electron_motion import Atoms
from physics.materials import Material, elements_of
from physics.thick_target import photon_depth_rates, shower_photon_track_length
from recon.geometry import Setup

__all__ = [
    "Nuclei", "PhotonTable", "at_depth", "atoms_of", "nuclei_of", "photon_table", "sample_photons",
    "started_by", "target_depth", "target_of",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Section = Callable[[Floats, float, float], Floats]  # (photon energies [GeV], Z, A) -> [cm2] per nucleus

_AVOGADRO = 6.02214076e23
_POINTS = 4000  # of the photon spectrum
_HARDEST = 1e-5  # 1 - k / E0 of the last point
_DEEPEST = 30.0  # [X0] where the tables of depths end


class Nuclei(NamedTuple):
    """One kind of nucleus in the target."""

    z: float
    a: float  # [g/mol]
    per_radiation_length: float  # [1/cm2] per X0 of the whole
    electrons: float  # [1/cm2] of their atoms, per X0 of the whole


class PhotonTable(NamedTuple):
    """Spectrum of the photons that a process takes out of a shower."""

    share: Floats  # photon energy over the beam's
    cumulative: Floats  # from 0 to 1
    total: float  # photons per beam particle


def target_of(setup: Setup) -> tuple[Nuclei, ...]:
    """Return the nuclei of the target of a setup."""
    return nuclei_of(build_stack(setup))


def nuclei_of(stack: Stack) -> tuple[Nuclei, ...]:
    """Return the nuclei of the target's first section."""
    return tuple(
        Nuclei(m.z, m.a, grams * _AVOGADRO / m.a, grams * _AVOGADRO * m.z_over_a)
        for m, grams in _parts(stack)
    )


def _parts(stack: Stack) -> list[tuple[Material, float]]:
    """Return the materials of the target's first section, and the [g/cm2] of each per X0 of the whole."""
    volume = stack.volumes[int(stack.index(stack.target.name)[0])]
    matter = volume.section.matter
    assert matter is not None
    parts = [(volume.active, matter.active_thickness)]
    if volume.absorber is not None:
        parts.append((volume.absorber, matter.absorber_thickness))
    layers = matter.layers / volume.length * volume.material.radiation_length  # per X0
    return [(m, m.density * thickness * 0.1 * layers) for m, thickness in parts]


def atoms_of(stack: Stack) -> tuple[Atoms, ...]:
    """Return the electrons of each element of the target's first section, per X0 of the whole."""
    return tuple(
        Atoms(round(z), grams * share * _AVOGADRO / a * z)
        for m, grams in _parts(stack)
        for z, a, share in elements_of(m)
    )


@lru_cache(maxsize=64)
def photon_table(nuclei: tuple[Nuclei, ...], section: Section, energy: float, least: float) -> PhotonTable:
    """
    Tabulate the photons of a shower that undergo a process.

    Track length of the photons (Clement and Kessler) times cross section times density of nuclei.

    Parameters
    ----------
    nuclei : tuple of Nuclei
    section : function
        Cross section per nucleus [cm2] of photon energies [GeV], Z and A.
    energy : float [GeV]
        Of the beam electron.
    least : float [GeV]
        Softest photon.

    Raises
    ------
    ValueError
        If that is not between 0 and the beam's energy.
    """
    if not 0 < least < 0.999 * energy:
        msg = f"least_energy must be above 0 and below the beam's {energy:g} GeV, got {least:g} GeV"
        raise ValueError(msg)
    share = 1.0 - np.geomspace(_HARDEST, 1.0 - least / energy, _POINTS)[::-1]
    photon = share * energy
    density = shower_photon_track_length(energy, photon) * sum(
        kind.per_radiation_length * section(photon, kind.z, kind.a) for kind in nuclei
    )
    steps = 0.5 * (density[1:] + density[:-1]) * np.diff(photon)
    total = np.concatenate([[0.0], np.cumsum(steps)])
    return PhotonTable(share, total / total[-1], float(total[-1]))


def sample_photons(table: PhotonTable, energy: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """
    Draw photons and the depths where they interact.

    Parameters
    ----------
    table : PhotonTable
    energy : float64, shape (n,) [GeV]
        Of the beam particles.
    rng : numpy.random.Generator

    Returns
    -------
    photon energy [GeV], depth [X0], both (n,)
    """
    share = np.interp(rng.random(len(energy)), table.cumulative, table.share)
    return share * energy, _sample_depths(share, rng)


def _sample_depths(share: Floats, rng: np.random.Generator) -> Floats:
    """Draw depths [X0] from exp(-a t) - exp(-b t), by inversion on a grid of a."""
    slow, fast = photon_depth_rates(share)
    # a gamma-like sum of two exponential ways: the density of t1 + t2 with rates a and b is this one
    return np.minimum(rng.exponential(1.0 / slow) + rng.exponential(1.0 / fast, len(share)), _DEEPEST)


def at_depth(particles: Particles, stack: Stack, depth: Floats) -> Particles:
    """Return particles on their straight lines at a depth [X0] of the target, at most at its back."""
    first = stack.volumes[int(stack.index(stack.target.name)[0])]
    back = max(v.section.z + v.length for v in stack.volumes if v.detector.name == stack.target.name)
    return particles.at(np.minimum(stack.target_z + depth * first.material.radiation_length, back - 1e-3))


def target_depth(stack: Stack) -> float:
    """Return the thickness of the target [X0]."""
    parts = [v for v in stack.volumes if v.detector.name == stack.target.name]
    return sum(v.length / v.material.radiation_length for v in parts)


def started_by(particles: Particles, energy: Floats) -> Particles:
    """Return the beam particles as they enter, with another energy [GeV]: what is left of them to shower."""
    return particles._replace(momentum=np.maximum(energy, 0.0)).select(energy > 0)
