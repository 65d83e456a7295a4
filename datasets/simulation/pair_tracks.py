"""Electrons and photons in front of the calorimeter that they shower in: through thin counters, as tracks."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.ionisation import TrackMedia, ionise, track_media
from datasets.simulation.model import Particles, join
from datasets.simulation.processes.dimuon import sample_angles, sample_shares
from datasets.simulation.stack import Stack, Tables, cell_at
from physics.dark_photon import ELECTRON
from physics.scattering import scattering_angle

__all__ = ["convert", "cross_counters"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_PHOTON, _ELECTRON = 22, 11
_PAIRS = 7.0 / 9.0  # conversions of a photon per X0
_THIN = 0.2  # [X0] in more, showers start
_SLOWEST = 1e-3  # [GeV]


def cross_counters(
    particles: Particles, stack: Stack, rng: np.random.Generator, deposits: Floats
) -> tuple[Particles, Particles]:
    """
    Let electrons and photons cross counters until they meet a calorimeter.

    In a counter (a volume of less than a fifth of a radiation length) electrons ionise as a track does and
    scatter by Highland's formula; photons convert with 7/9 per radiation length. What electrons
    radiate in counters is left out: it flies along and showers with its electron.

    Parameters
    ----------
    particles : Particles
        PDG codes 11, -11 and 22.
    stack : Stack
        One stretch without planes and magnets in between.
    rng : numpy.random.Generator
    deposits : float64, shape (n_primaries, n_cells) [GeV visible]
        Added to.

    Returns
    -------
    (particles that meet a calorimeter of the stretch, particles that leave it)
    """
    media, showering = track_media(stack), [Particles.empty()]
    for v, volume in enumerate(stack.volumes):
        if not len(particles.pdg):
            break
        back = volume.section.z + volume.length
        here = particles.at(np.maximum(volume.section.z, particles.z))
        meets = (particles.z < back) & _has_cell(here, v, stack.tables)
        if volume.length > _THIN * volume.material.radiation_length:
            showering.append(particles.select(meets))
            particles = particles.select(~meets)
            continue
        crossing = _convert_in(here.select(meets), back, volume.material.radiation_length, rng)
        is_charged = crossing.pdg != _PHOTON
        tracks = crossing.select(is_charged)
        _ionise(tracks.primary, _rows(tracks), v, back, stack.tables, media, rng, deposits)
        scattered = _scatter(tracks, back, volume.material.radiation_length, rng)
        particles = join([particles.select(~meets), crossing.select(~is_charged), scattered])
    return join(showering), particles


def convert(photons: Particles, rng: np.random.Generator) -> Particles:
    """Return the electrons and positrons that photons become where they are."""
    share = sample_shares(len(photons.pdg), rng)
    pairs = []
    for code, part in ((_ELECTRON, share), (-_ELECTRON, 1.0 - share)):
        energy = np.maximum(part * photons.momentum, _SLOWEST)
        kick = ELECTRON * sample_angles(len(part), rng) / energy
        angle = rng.uniform(0.0, 2.0 * np.pi, len(part))
        pairs.append(
            photons._replace(
                pdg=np.full(len(part), code),
                momentum=energy,
                slope_x=photons.slope_x + kick * np.cos(angle),
                slope_y=photons.slope_y + kick * np.sin(angle),
            )
        )
    return join(pairs)


def _convert_in(
    particles: Particles, back: float, radiation_length: float, rng: np.random.Generator
) -> Particles:
    """Let photons convert on their way to the back of a counter; the pairs are where they were made."""
    way = rng.exponential(radiation_length / _PAIRS, len(particles.pdg))
    converts = (particles.pdg == _PHOTON) & (particles.z + way < back)
    made = particles.select(converts)
    return join([particles.select(~converts), convert(made.at(made.z + way[converts]), rng)])


def _scatter(tracks: Particles, back: float, radiation_length: float, rng: np.random.Generator) -> Particles:
    """Return electrons at the back of a counter, turned by its matter."""
    width = scattering_angle(tracks.momentum, (back - tracks.z) / radiation_length)
    there = tracks.at(back)
    turn = width * rng.standard_normal((2, len(width)))
    return there._replace(slope_x=there.slope_x + turn[0], slope_y=there.slope_y + turn[1])


def _rows(particles: Particles) -> Floats:
    """Return x, y, z and slopes, (n, 5)."""
    p = particles
    return np.stack([p.x, p.y, p.z, p.slope_x, p.slope_y], axis=1).astype(np.float64)


def _has_cell(particles: Particles, v: int, tables: Tables) -> Mask:
    """Return which particles are in a cell of a volume, as seen from the front."""
    return _in_cell(_rows(particles), v, tables)


@numba.njit(cache=True)
def _in_cell(rows: Floats, v: int, tables: Tables) -> Mask:
    found = np.zeros(len(rows), dtype=np.bool_)
    for i in range(len(rows)):
        found[i] = cell_at(tables, v, rows[i, 0], rows[i, 1]) >= 0
    return found


@numba.njit(cache=True)
def _ionise(
    primary: Ints,
    rows: Floats,
    v: int,
    back: float,
    tables: Tables,
    media: TrackMedia,
    rng: np.random.Generator,
    deposits: Floats,
) -> None:
    """Let tracks ionise from where they are to the back of a counter."""
    for i in range(len(primary)):
        way = back - rows[i, 2]
        x, y = rows[i, 0] + 0.5 * way * rows[i, 3], rows[i, 1] + 0.5 * way * rows[i, 4]
        cell = cell_at(tables, v, x, y)
        if cell >= 0 and way > 0.0:
            deposits[primary[i], cell] += ionise(media, v, way, rng)
