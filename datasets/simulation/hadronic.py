"""Hadron showers: a cascade of few, straight generations in all volumes.

Each hadron flies an exponential depth to its inelastic interaction, ionising if it is charged. There its
energy is shared among secondaries: a leading one whose share is the square of a uniform number, the rest by
breaking a stick. A third of the secondaries are neutral pions, which deposit their energy close by as an
electromagnetic shower; the others go on, with a transverse momentum of 0.35 GeV on average, until they have
too little energy to interact. So the electromagnetic fraction, the leakage and the lateral width come out
of the cascade, fluctuations included; see docs/simulation.md for how they compare. Energy that ends in
hadrons is seen h/e times less than that of electrons.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.hadron_media import HadronMedia, hadron_media
from datasets.simulation.ionisation import TrackMedia, ionise, track_media
from datasets.simulation.model import Particles
from datasets.simulation.neutral_pions import LIGHT, put, shower_pion
from datasets.simulation.stack import Stack, Tables, cell_at
from physics.particles import charge_of

__all__ = ["INTERACTING", "cross_hadrons", "deposit_hadrons"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

INTERACTING = 113  # a rho meson stands for the hadronic state of a photon: it interacts where it is

_BARYONS = (2212, 2112, 3122, 3112, 3222)
_LEAST_INTERACTION = 1.5  # [GeV] a hadron of less energy stops
_TRANSVERSE = 0.35  # [GeV] mean transverse momentum of secondaries
_NEUTRAL_PIONS = 1.0 / 3.0
_NEUTRALS = 0.2  # of the other secondaries: neutrons and neutral kaons
_EXCHANGE = 0.1  # probability that the leading secondary is a neutral pion
_SLOW_PARTS = 2
_SOFTNESS = 2.0  # of the leading secondary: its share is a uniform number to this power
_MULTIPLICITY = 2.2  # of secondaries per unit of ln E
_MOST = 512  # hadrons of a cascade
_AS_IT_CAME = 2.0  # of `charged`: a charged hadron that has not interacted; those made in the cascade have 1
_WIDTH = 9  # numbers per hadron: energy, x, y, z, slopes, charged, baryon, way left in interaction lengths


def deposit_hadrons(particles: Particles, stack: Stack, rng: np.random.Generator, deposits: Floats) -> None:
    """
    Let hadrons interact in all volumes on their way.

    Parameters
    ----------
    particles : Particles
        Any hadron; mesons interact as pions, baryons as nucleons.
    stack : Stack
    rng : numpy.random.Generator
    deposits : float64, shape (n_primaries, n_cells) [GeV visible]
        Added to.
    """
    cross_hadrons(particles, stack, rng, deposits)


def cross_hadrons(
    particles: Particles, stack: Stack, rng: np.random.Generator, deposits: Floats
) -> Particles:
    """
    Let hadrons interact as `deposit_hadrons` does, and return those that leave the stack.

    Returns
    -------
    Particles
        On their straight lines: beam hadrons as they came; pions of either charge, protons, neutrons and
        neutral kaons that they made.
    """
    if not len(particles.pdg):
        return Particles.empty()
    p = particles
    is_baryon = np.isin(np.abs(p.pdg), _BARYONS)
    way = np.where(p.pdg == INTERACTING, 0.0, rng.exponential(size=len(p.pdg)))
    charged = np.where(charge_of(p.pdg) != 0, _AS_IT_CAME, 0.0)
    hadrons = (p.momentum, p.x, p.y, p.z, p.slope_x, p.slope_y, charged, is_baryon, way)
    states = np.stack(hadrons, axis=1).astype(np.float64)
    left = _cascades(p.primary, states, stack.tables, track_media(stack), hadron_media(stack), rng, deposits)
    return _leaving(left, particles)


def _leaving(rows: Floats, parents: Particles) -> Particles:
    """Return particles of rows of (parent, energy, x, y, z, slopes, charged, baryon)."""
    parent = rows[:, 0].astype(np.int64)
    charged, is_baryon = rows[:, 7], rows[:, 8] > 0.0
    sign = np.where(np.arange(len(rows)) % 2 == 0, 1, -1)
    made = np.where(charged > 0.0, np.where(is_baryon, 2212, 211 * sign), np.where(is_baryon, 2112, 130))
    pdg = np.where(charged == _AS_IT_CAME, parents.pdg[parent], np.where(charged == LIGHT, 22, made))
    return Particles(parents.primary[parent], pdg, *np.ascontiguousarray(rows[:, 1:7].T))


@numba.njit(cache=True)
def _cascades(
    primary: Ints,
    states: Floats,
    tables: Tables,
    tracks: TrackMedia,
    media: HadronMedia,
    rng: np.random.Generator,
    deposits: Floats,
) -> Floats:
    cells = np.zeros(deposits.shape[1])
    stack = np.zeros((_MOST, _WIDTH))
    leaving, gone, total = np.zeros((_MOST, _WIDTH)), np.zeros(1, dtype=np.int64), 0
    rows = np.empty((2 * len(primary) + 16, _WIDTH))
    for i in range(len(primary)):
        gone[0] = 0
        cells[:] = 0.0
        # Before it interacts a hadron is a track as a muon is: layers add no fluctuation to that of its
        # ionisation.
        waiting = _follow(
            states[i], stack, 0, cells, deposits[primary[i]], leaving, gone, tables, tracks, media, rng
        )
        while waiting > 0:
            waiting -= 1
            waiting = _follow(
                stack[waiting].copy(), stack, waiting, cells, cells, leaving, gone, tables, tracks, media, rng
            )
        while total + gone[0] > len(rows):
            larger = np.empty((2 * len(rows), _WIDTH))
            larger[:total] = rows[:total]
            rows = larger
        for k in range(gone[0]):
            rows[total, 0] = i
            rows[total, 1:] = leaving[k, :-1]
            total += 1
        for v in range(len(tables.z)):
            first = tables.first_cell[v]
            for c in range(first, first + tables.n_x[v] * tables.n_y[v]):
                visible = cells[c]
                if visible > 0.0:
                    if media.variance[v] > 0.0:
                        visible = media.variance[v] * rng.standard_gamma(visible / media.variance[v])
                    deposits[primary[i], c] += visible
    return rows[:total]


@numba.njit(cache=True)
def _follow(
    hadron: Floats,
    stack: Floats,
    waiting: int,
    cells: Floats,
    ionised: Floats,
    leaving: Floats,
    gone: Ints,
    tables: Tables,
    tracks: TrackMedia,
    media: HadronMedia,
    rng: np.random.Generator,
) -> int:
    """
    Follow a hadron to its end; return how many wait in the stack.

    Its track goes to `ionised`; if it leaves all volumes, it goes to `leaving`, of which `gone` are used.
    """
    energy, x, y, z = hadron[0], hadron[1], hadron[2], hadron[3]
    slope_x, slope_y, charged, baryon = hadron[4], hadron[5], hadron[6], hadron[7]
    if energy < _LEAST_INTERACTION:
        _stop_slow(hadron, cells, tables, media, rng)
        return waiting
    left = hadron[8]
    for v in range(len(tables.z)):
        begin, end = max(tables.z[v], z), tables.z[v] + tables.length[v]
        if end <= begin:
            continue
        middle = 0.5 * (begin + end) - z
        cell = cell_at(tables, v, x + middle * slope_x, y + middle * slope_y)
        if cell < 0:
            continue
        length = tables.nuclear_length[v] if baryon > 0.0 else tables.pion_length[v]
        depth = (end - begin) / length
        stop = end if left > depth else begin + left * length
        if charged > 0.0 and stop > begin:
            seen = ionise(tracks, v, stop - begin, rng)
            lost = tables.ionisation[v] * (stop - begin)
            if lost >= energy:
                cells[cell] += energy * media.hadronic_fraction[v]
                return waiting
            ionised[cell] += seen
            energy -= lost
        if left > depth:
            left -= depth
            continue
        at = stop - z
        return _interact(
            energy, x + at * slope_x, y + at * slope_y, stop, slope_x, slope_y, charged, baryon, v, stack,
            waiting, cells, leaving, gone, tables, media, rng,
        )  # fmt: skip
    if gone[0] < len(leaving):
        leaving[gone[0]] = hadron
        leaving[gone[0], 0] = energy
        gone[0] += 1
    return waiting


@numba.njit(cache=True)
def _stop_slow(
    hadron: Floats, cells: Floats, tables: Tables, media: HadronMedia, rng: np.random.Generator
) -> None:
    """Let a slow hadron and the neutrons that it frees end somewhere around, in equal parts."""
    for _ in range(_SLOW_PARTS):
        height = 2.0 * rng.random() - 1.0
        angle = 2.0 * np.pi * rng.random()
        v = _volume_at(tables, hadron[3])
        if v < 0:
            return
        step = rng.exponential(media.stop[v])
        across = step * np.sqrt(1.0 - height * height)
        z = hadron[3] + step * height
        w = _volume_at(tables, z)
        if w >= 0:
            visible = hadron[0] * media.hadronic_fraction[w] / _SLOW_PARTS
            put(
                cells,
                tables,
                w,
                hadron[1] + across * np.cos(angle),
                hadron[2] + across * np.sin(angle),
                visible,
            )


@numba.njit(cache=True)
def _volume_at(tables: Tables, z: float) -> int:
    """Return the calorimeter at a depth; in a gap or a thin counter the one behind; -1: behind all."""
    for v in range(len(tables.z)):
        if tables.layers[v] > 1 and z < tables.z[v] + tables.length[v]:
            return v
    return -1


@numba.njit(cache=True)
def _interact(
    energy: float,
    x: float,
    y: float,
    z: float,
    slope_x: float,
    slope_y: float,
    charged: float,
    baryon: float,
    v: int,
    stack: Floats,
    waiting: int,
    cells: Floats,
    leaving: Floats,
    gone: Ints,
    tables: Tables,
    media: HadronMedia,
    rng: np.random.Generator,
) -> int:
    """Share the energy of an interaction; return how many hadrons wait in the stack."""
    left, is_leading = energy, True
    n_mean = 1.0 + _MULTIPLICITY * np.log(energy)
    while left > 0.0:
        if is_leading:
            part = left * rng.random() ** _SOFTNESS
        elif left < 0.5:
            part = left
        else:
            part = left * (1.0 - rng.random() ** (1.0 / max(n_mean - 1.0, 1.0)))
            part = min(max(part, 0.3), left)
        left -= part
        kick = rng.exponential(_TRANSVERSE) / max(part, _TRANSVERSE)
        angle = 2.0 * np.pi * rng.random()
        new_x, new_y = slope_x + kick * np.cos(angle), slope_y + kick * np.sin(angle)
        if rng.random() < (
            _EXCHANGE if is_leading and baryon == 0.0 else (0.0 if is_leading else _NEUTRAL_PIONS)
        ):
            shower_pion(part, x, y, z, new_x, new_y, v, cells, leaving, gone, tables, media, rng)
        elif waiting < _MOST:
            stays_baryon = baryon if is_leading else 0.0
            neutral = rng.random() < (0.0 if is_leading and baryon == 0.0 else _NEUTRALS)
            hadron = stack[waiting]
            hadron[0], hadron[1], hadron[2], hadron[3] = part, x, y, z
            hadron[4], hadron[5] = new_x, new_y
            hadron[6], hadron[7] = 0.0 if neutral else 1.0, stays_baryon
            hadron[8] = rng.exponential()
            waiting += 1
        is_leading = False
    return waiting
