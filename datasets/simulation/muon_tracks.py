"""Muons through a stretch of calorimeters and out of it: energy loss, scattering, and showers on the way."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.ionisation import (
    BREMSSTRAHLUNG_SHARE,
    LEAST_TRANSFER,
    PAIR_SHARE,
    PAIR_TURN,
    TrackMedia,
    draw_transfer,
    ionise,
    track_media,
)
from datasets.simulation.model import Particles
from datasets.simulation.stack import Stack, Tables, cell_at

__all__ = ["cross_muons"]

Floats = npt.NDArray[np.float64]

_PHOTON, _ELECTRON = 22, 11
_LEAST_SHOWER = 1.0  # [GeV] less is seen in the cell where it was lost
_STOPPED = 0.2  # [GeV] a muon of less ends where it is
_MUON_MASS = 0.1056583755  # [GeV]
_WIDTH = 8  # of a row of showers: muon, energy, x, y, z, slopes, whether it is a photon


def cross_muons(
    particles: Particles, stack: Stack, rng: np.random.Generator, deposits: Floats
) -> tuple[Particles, Particles]:
    """
    Let muons cross the volumes of a stack.

    Ionisation is a Landau variable as in `datasets.simulation.ionisation`. Photons and pairs of more than
    1e-4 of the muon's energy are radiated anywhere along a volume; those above 1 GeV shower on their own.
    The muon scatters in each volume by Highland's formula (PDG 2024, eq. (34.16)), angle and place together
    (eq. (34.22)).

    Parameters
    ----------
    particles : Particles
        PDG codes 13 and -13.
    stack : Stack
    rng : numpy.random.Generator
    deposits : float64, shape (n_primaries, n_cells) [GeV visible]
        Added to.

    Returns
    -------
    (muons that leave the stack, photons and electrons of more than 1 GeV where they were made)
    """
    if not len(particles.pdg):
        return Particles.empty(), Particles.empty()
    p = particles
    states = np.stack([p.momentum, p.x, p.y, p.z, p.slope_x, p.slope_y], axis=1).astype(np.float64)
    rows = _cross(p.primary, states, stack.tables, track_media(stack), rng, deposits)
    alive = states[:, 0] > _STOPPED
    muons = Particles(p.primary, p.pdg, *np.ascontiguousarray(states.T)).select(alive)
    parent = rows[:, 0].astype(np.int64)
    pdg = np.where(rows[:, 7] > 0, _PHOTON, _ELECTRON)
    return muons, Particles(p.primary[parent], pdg, *np.ascontiguousarray(rows[:, 1:7].T))


@numba.njit(cache=True)
def _cross(
    primary: npt.NDArray[np.int64],
    states: Floats,
    tables: Tables,
    media: TrackMedia,
    rng: np.random.Generator,
    deposits: Floats,
) -> Floats:
    rows, used = np.empty((len(states) + 16, _WIDTH)), 0
    for i in range(len(states)):
        state = states[i]
        for v in range(len(tables.z)):
            begin, end = max(tables.z[v], state[3]), tables.z[v] + tables.length[v]
            if end <= begin or state[0] <= _STOPPED:
                continue
            middle = 0.5 * (begin + end) - state[3]
            cell = cell_at(tables, v, state[1] + middle * state[4], state[2] + middle * state[5])
            if cell < 0:
                continue
            way = min(end - begin, state[0] / tables.ionisation[v])
            seen, rows, used = _radiate(i, state, begin, way, media.radiation[v], rows, used, rng)
            deposits[primary[i], cell] += ionise(media, v, way, rng) + seen * media.em_fraction[v]
            state[0] = max(state[0] - tables.ionisation[v] * way, 0.0)
            if state[0] > _STOPPED:
                _scatter(state, begin, way, way / tables.radiation_length[v], rng)
    return rows[:used]


@numba.njit(cache=True)
def _radiate(
    i: int,
    state: Floats,
    begin: float,
    way: float,
    radiation: float,
    rows: Floats,
    used: int,
    rng: np.random.Generator,
) -> tuple[float, Floats, int]:
    """Let a muon lose energy to photons and pairs; return what of it makes no shower of its own [GeV]."""
    span = -np.log(LEAST_TRANSFER)
    strength, seen = radiation * way, 0.0
    photons = rng.poisson(BREMSSTRAHLUNG_SHARE * strength * 4.0 / 3.0 * span)
    pairs = rng.poisson(PAIR_SHARE * strength / PAIR_TURN * span)
    for k in range(photons + pairs):
        is_photon = k < photons
        lost = draw_transfer(is_photon, rng) * state[0]
        state[0] -= lost
        if lost < _LEAST_SHOWER:
            seen += lost
            continue
        if used == len(rows):
            larger = np.empty((2 * len(rows), _WIDTH))
            larger[:used] = rows
            rows = larger
        z = begin + way * rng.random()
        step = z - state[3]
        rows[used, 0], rows[used, 1] = i, lost
        rows[used, 2], rows[used, 3] = state[1] + step * state[4], state[2] + step * state[5]
        rows[used, 4], rows[used, 5], rows[used, 6] = z, state[4], state[5]
        rows[used, 7] = 1.0 if is_photon else 0.0
        used += 1
    return seen, rows, used


@numba.njit(cache=True)
def _scatter(state: Floats, begin: float, way: float, thickness: float, rng: np.random.Generator) -> None:
    """Move a muon to the end of its way in a volume and turn it."""
    beta = state[0] / np.hypot(state[0], _MUON_MASS)
    bracket = max(1.0 + 0.038 * np.log(thickness / beta**2), 0.0)
    width = 13.6e-3 / (beta * state[0]) * np.sqrt(thickness) * bracket
    step = begin + way - state[3]
    for axis in range(2):
        one, two = rng.standard_normal(), rng.standard_normal()
        shift = way * width * (one / np.sqrt(12.0) + 0.5 * two)
        state[1 + axis] += step * state[4 + axis] + shift
        state[4 + axis] += two * width
    state[3] = begin + way
