"""Synchrotron photons in the SRD and beside it, and what makes a hadron look like an electron there."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.ionisation import TrackMedia, ionise, track_media
from datasets.simulation.model import Particles
from datasets.simulation.stack import Stack, Tables, cell_at

__all__ = ["deposit_srd_mistags", "deposit_synchrotron"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Attenuation and escape of photons of some MeV in lead and plastic are set by the mean energy and the low
# quantiles of the modules in the electron sample of Geant4; the differences of the modules, and the
# spectra, are then predicted.
_ATTENUATION = 0.9  # [X0] of photons of 1 to 20 MeV
_SAMPLING = 0.06  # [sqrt(GeV)] fluctuation of the visible energy
_COMPTON = 170.0  # [mm] attenuation length of MeV photons in plastic
_MUON = 13
_SPLASH = 0.021  # hadrons that leave energy in the SRD from behind
_SPLASH_ENERGY = 1.4e-3  # [GeV visible] on average
_SPLASH_EVERYWHERE = 0.033  # of these, in all modules
_SOFT = 0.3e-3  # [GeV] photons below are absorbed in the lead
_ESCAPE = 0.35  # of a photon's energy that leaves a module sideways or backwards


def deposit_synchrotron(photons: Particles, stack: Stack, rng: np.random.Generator, deposits: Floats) -> None:
    """
    Absorb synchrotron photons in the SRD, in the target, or in a counter that is not shielded from them.

    Parameters
    ----------
    photons : Particles
        Where they were emitted; they fly straight.
    stack : Stack
    rng : numpy.random.Generator
    deposits : float64, shape (n_primaries, n_cells) [GeV visible]
        Added to.
    """
    if not len(photons.pdg):
        return
    use = np.array([not v.detector.is_shielded for v in stack.volumes])
    fraction = np.array([v.em_fraction for v in stack.volumes])
    is_sandwich = np.array([v.absorber is not None for v in stack.volumes])
    _absorb(photons, stack.tables, use, fraction, is_sandwich, rng, deposits)


@numba.njit(cache=True)
def _absorb(
    photons: Particles,
    tables: Tables,
    use: npt.NDArray[np.bool_],
    fraction: Floats,
    is_sandwich: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    deposits: Floats,
) -> None:
    for i in range(len(photons.primary)):
        for v in range(len(tables.z)):
            if not use[v] or tables.z[v] < photons.z[i]:
                continue
            step = tables.z[v] - photons.z[i]
            cell = cell_at(
                tables, v, photons.x[i] + step * photons.slope_x[i], photons.y[i] + step * photons.slope_y[i]
            )
            if cell < 0:
                continue
            if not is_sandwich[v]:
                if rng.random() < 1.0 - np.exp(-tables.length[v] / _COMPTON):
                    deposits[photons.primary[i], cell] += (
                        photons.momentum[i] * rng.random()
                    )  # of the electron
                continue
            depth = tables.length[v] / tables.radiation_length[v] / _ATTENUATION
            at = rng.exponential()
            if at > depth:
                continue
            if photons.momentum[i] > _SOFT:
                kept = (1.0 - _ESCAPE) * (1.0 - np.exp(at - depth))
                mean = photons.momentum[i] * fraction[v] * kept
                scale = _SAMPLING**2 * fraction[v]
                deposits[photons.primary[i], cell] += scale * rng.standard_gamma(mean / scale)
            break


def deposit_srd_mistags(
    particles: Particles, stack: Stack, rng: np.random.Generator, deposits: Floats
) -> None:
    """
    Let charged particles other than electrons leave energy in the SRD.

    They ionise the modules that they cross. Hadrons also splash back from the target: in 2.1% of the 1450
    pions of the Geant4 sample some energy is seen in the SRD (of 93% of these the pion interacted in the
    target), 1.4 MeV on average, in one of 30 in all modules. These three numbers are taken from that sample
    and make up for a model. Knock-on electrons of a 0.2 mm window reach the modules with a probability of
    3e-4 (Rossi's formula), which is left out.

    Parameters
    ----------
    particles : Particles
        In front of the SRD.
    stack : Stack
    rng : numpy.random.Generator
    deposits : float64, shape (n_primaries, n_cells) [GeV visible]
        Added to.
    """
    modules = stack.index("srd")
    p = particles
    if not len(p.pdg) or not len(modules):
        return
    _cross(particles, stack.tables, modules, track_media(stack), rng, deposits)
    splashes = np.flatnonzero((np.abs(p.pdg) != _MUON) & (rng.random(len(p.pdg)) < _SPLASH))
    first = np.array([stack.volumes[v].first_cell for v in modules])
    everywhere = rng.random(len(splashes)) < _SPLASH_EVERYWHERE
    chosen = rng.integers(0, len(first), len(splashes))
    hit = everywhere[:, None] | (chosen[:, None] == np.arange(len(first)))
    energy = rng.exponential(_SPLASH_ENERGY, hit.shape) * hit
    np.add.at(deposits, (p.primary[splashes][:, None], first[None, :]), energy)


@numba.njit(cache=True)
def _cross(
    particles: Particles,
    tables: Tables,
    modules: Ints,
    media: TrackMedia,
    rng: np.random.Generator,
    deposits: Floats,
) -> None:
    for i in range(len(particles.primary)):
        for v in modules:
            step = tables.z[v] + 0.5 * tables.length[v] - particles.z[i]
            cell = cell_at(
                tables,
                v,
                particles.x[i] + step * particles.slope_x[i],
                particles.y[i] + step * particles.slope_y[i],
            )
            if cell >= 0:
                deposits[particles.primary[i], cell] += ionise(media, v, tables.length[v], rng)
