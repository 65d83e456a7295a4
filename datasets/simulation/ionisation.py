"""Tracks of charged particles through the cells: ionisation, and the radiation of muons."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Particles
from datasets.simulation.stack import Stack, Tables, cell_at
from physics.ionisation import landau_quantiles, landau_width, loss_of_track, radiative_slope

__all__ = [
    "BREMSSTRAHLUNG_SHARE",
    "LEAST_TRANSFER",
    "PAIR_SHARE",
    "PAIR_TURN",
    "TrackMedia",
    "deposit_muons",
    "deposit_tracks",
    "draw_transfer",
    "ionise",
    "track_media",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Radiation of muons. The shares of b follow D. Groom, N. Mokhov, S. Striganov, At. Data Nucl. Data Tables
# 78 (2001) 183, for iron and lead at 100 GeV; the spectrum of pairs is 1/v at small and 1/v^3 at large v
# (R. Kokoulin, A. Petrukhin, 1971), with the turn at v = 0.002, which is assumed.
BREMSSTRAHLUNG_SHARE = 0.4
PAIR_SHARE = 0.6
PAIR_TURN = 2e-3
LEAST_TRANSFER = 1e-4  # of the muon's energy; less is part of the ionisation
_DELTA_LOSS = 1.02  # visible ionisation with the knock-on electrons that enter from the absorber


class TrackMedia(NamedTuple):
    """What tracks need of each volume, each of shape (n_volumes,)."""

    width: Floats  # [GeV visible/mm] xi per depth
    density: Floats  # [g/cm3] of the active part
    z_over_a: Floats
    active_share: Floats
    radiation: Floats  # [1/mm] b
    em_fraction: Floats
    quantiles: Floats  # (n,) of the Landau distribution


def track_media(stack: Stack) -> TrackMedia:
    """Return what tracks need of the volumes of a stack."""
    rows = []
    for v in stack.volumes:
        heavy = v.material if v.absorber is None else v.absorber
        rows.append(
            (
                landau_width(v.active.z_over_a, v.active.density, v.active_share),
                v.active.density,
                v.active.z_over_a,
                v.active_share,
                radiative_slope(heavy.z, v.material.minimum_ionisation),
                v.em_fraction,
            )
        )
    columns: list[Any] = [np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)]
    return TrackMedia(*[*columns, landau_quantiles()])


def deposit_muons(particles: Particles, stack: Stack, rng: np.random.Generator, deposits: Floats) -> None:
    """
    Let muons cross all volumes on their straight ways.

    Per volume the visible energy of ionisation is a Landau variable of the whole active thickness (sums of
    Landau variables are one); radiated photons and pairs of more than 1e-4 of the muon's energy shower
    where they are made. Scattering inside of calorimeters is left out: it is millimetres where cells are
    centimetres. Where muons are to come out again, `datasets.simulation.muon_tracks` has the same losses with
    scattering, and showers of their own.

    Parameters
    ----------
    particles : Particles
        PDG codes 13 and -13.
    stack : Stack
    rng : numpy.random.Generator
    deposits : float64, shape (n_primaries, n_cells) [GeV visible]
        Added to.
    """
    if len(particles.pdg):
        _cross(particles, stack.tables, track_media(stack), rng, deposits)


def deposit_tracks(
    particles: Particles, ends: Floats, stack: Stack, rng: np.random.Generator, deposits: Floats
) -> None:
    """
    Let charged particles ionise on their straight ways, up to where something happens to them.

    Parameters
    ----------
    particles : Particles
    ends : float64, shape (n_particles,) [mm]
        z of the ends of the tracks.
    stack : Stack
    rng : numpy.random.Generator
    deposits : float64, shape (n_primaries, n_cells) [GeV visible]
        Added to.
    """
    if len(particles.pdg):
        _draw_tracks(particles, ends, stack.tables, track_media(stack), rng, deposits)


@numba.njit(cache=True)
def ionise(media: TrackMedia, v: int, thickness: float, rng: np.random.Generator) -> float:
    """Return the visible energy [GeV] of a track over a depth [mm] of a volume."""
    table = media.quantiles
    at = rng.random() * (len(table) - 1)
    low = int(at)
    landau = table[low] + (at - low) * (table[low + 1] - table[low])
    electrons = media.density[v] * media.z_over_a[v]
    return _DELTA_LOSS * loss_of_track(media.width[v] * thickness, electrons, landau)


@numba.njit(cache=True)
def draw_transfer(is_photon: bool, rng: np.random.Generator) -> float:
    """
    Return the part v of its energy that a muon gives to a photon or pair, 0 where the proposal is rejected.

    Both are proposed as 1/v above `LEAST_TRANSFER`. Photons: dN/dv = b (4/3 (1 - v) + v^2) / v, proposed with
    4/3 of b. Pairs: dN/dv = b v0 / (v (v0 + v)^2), whose mean loss is b, proposed with b / v0.
    """
    v = np.exp(np.log(LEAST_TRANSFER) * rng.random())
    keep = 1.0 - v + 0.75 * v * v if is_photon else (PAIR_TURN / (PAIR_TURN + v)) ** 2
    return float(v) if rng.random() < keep else 0.0


@numba.njit(cache=True)
def _radiate(energy: float, strength: float, rng: np.random.Generator) -> float:
    """
    Return the energy [GeV] that a muon radiates over a stretch of matter.

    Parameters
    ----------
    energy : float
        [GeV]
    strength : float
        b times the length of the stretch.
    """
    span = -np.log(LEAST_TRANSFER)
    lost = 0.0
    for _ in range(rng.poisson(BREMSSTRAHLUNG_SHARE * strength * 4.0 / 3.0 * span)):
        lost += draw_transfer(True, rng) * energy
    for _ in range(rng.poisson(PAIR_SHARE * strength / PAIR_TURN * span)):
        lost += draw_transfer(False, rng) * energy
    return float(min(lost, energy))


@numba.njit(cache=True)
def _cross(
    muons: Particles, tables: Tables, media: TrackMedia, rng: np.random.Generator, deposits: Floats
) -> None:
    for i in range(len(muons.primary)):
        energy = muons.momentum[i]
        for v in range(len(tables.z)):
            begin, end = max(tables.z[v], muons.z[i]), tables.z[v] + tables.length[v]
            middle = 0.5 * (begin + end) - muons.z[i]
            if end <= begin:
                continue
            cell = cell_at(
                tables, v, muons.x[i] + middle * muons.slope_x[i], muons.y[i] + middle * muons.slope_y[i]
            )
            if cell < 0:
                continue
            way = min(end - begin, energy / tables.ionisation[v])  # where it stops, if it does
            lost = _radiate(energy, media.radiation[v] * way, rng)
            deposits[muons.primary[i], cell] += ionise(media, v, way, rng) + lost * media.em_fraction[v]
            energy -= lost + tables.ionisation[v] * way
            if energy <= 0.2:
                break


@numba.njit(cache=True)
def _draw_tracks(
    particles: Particles,
    ends: Floats,
    tables: Tables,
    media: TrackMedia,
    rng: np.random.Generator,
    deposits: Floats,
) -> None:
    for i in range(len(particles.primary)):
        for v in range(len(tables.z)):
            begin = max(tables.z[v], particles.z[i])
            end = min(tables.z[v] + tables.length[v], ends[i])
            if end <= begin:
                continue
            step = 0.5 * (begin + end) - particles.z[i]
            x, y = (
                particles.x[i] + step * particles.slope_x[i],
                particles.y[i] + step * particles.slope_y[i],
            )
            cell = cell_at(tables, v, x, y)
            if cell >= 0:
                deposits[particles.primary[i], cell] += ionise(media, v, end - begin, rng)
