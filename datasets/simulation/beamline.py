"""The beam line: magnets, tracker planes and windows on the way to the target."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Arrival, Hits, Particles, join
from physics.bending import bend
from physics.particles import charge_of, mass_of
from physics.synchrotron import HBAR_C, PHOTONS_PER_ANGLE, spectrum_quantiles
from recon.geometry import Setup

__all__ = ["Elements", "elements_of", "transport"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ELECTRON = 11
_PHOTON = 22
_MOMENTUM, _X, _Y, _Z, _SLOPE_X, _SLOPE_Y = range(6)  # columns of a particle's state
_LEAST_SYNCHROTRON = 50e-6  # [GeV] softer photons end in the windows and in the air
_LEAST_BREMSSTRAHLUNG = 0.005  # of the electron's energy
_ROOM = 64  # synchrotron photons per electron at first; the room grows
_NO_AREA = (0.0, 0.0, 0.0, 0.0, 0.0)


class Elements(NamedTuple):
    """What stands in the beam line, sorted by z; each of shape (n_elements,)."""

    z: Floats  # [mm]
    length: Floats  # [mm]; 0 for planes and windows
    field: Floats  # [T]
    radiation_lengths: Floats
    plane: Ints  # index of the plane; -1: none
    centre_x: Floats  # [mm]
    centre_y: Floats
    half_x: Floats  # [mm] of the active area
    half_y: Floats
    efficiency: Floats


def elements_of(setup: Setup) -> Elements:
    """Return the elements of all spectrometers of a setup."""
    rows: list[tuple[float, ...]] = []
    planes = 0
    for spectrometer in setup.spectrometers.values():
        for plane in spectrometer.planes:
            area = (*plane.centre, 0.5 * plane.size[0], 0.5 * plane.size[1], plane.efficiency)
            rows.append((plane.z, 0.0, 0.0, plane.radiation_lengths, planes, *area))
            planes += 1
        rows += [(m.z, m.length, m.field, 0.0, -1, *_NO_AREA) for m in spectrometer.magnets]
        rows += [(z, 0.0, 0.0, x0, -1, *_NO_AREA) for z, x0 in spectrometer.window_radiation_lengths]
    columns = np.array(sorted(rows), dtype=np.float64).reshape(-1, 10).T
    z, length, field, thickness, index, *area_columns = np.ascontiguousarray(columns)
    return Elements(z, length, field, thickness, index.astype(np.int64), *area_columns)


def transport(particles: Particles, setup: Setup, rng: np.random.Generator, stop: float | Floats) -> Arrival:
    """
    Fly particles to a place, or to one each.

    Charged particles follow exact circles in the magnets, scatter in planes and windows (Highland's formula,
    PDG 2024, eq. (34.16)) and leave hits. Electrons radiate: bremsstrahlung of more than 0.5% of their energy
    in planes and windows (PDG 2024, eq. (34.28)), and synchrotron photons in magnets. Photons fly straight.

    Parameters
    ----------
    particles : Particles
        In any place; those behind `stop` stay as they are.
    setup : Setup
    rng : numpy.random.Generator
    stop : float or float64, shape (n_primaries,) [mm]
        Where to, for all particles or by the primary.

    Returns
    -------
    Arrival
        A particle that a field turns round is lost.
    """
    n = len(particles.pdg)
    goal = np.asarray(stop, dtype=np.float64)
    ends = np.full(n, float(goal)) if goal.ndim == 0 else goal[particles.primary]
    p = particles
    states = np.stack([p.momentum, p.x, p.y, p.z, p.slope_x, p.slope_y], axis=1).astype(np.float64)
    kinds = np.stack([charge_of(p.pdg), mass_of(p.pdg), np.abs(p.pdg) == _ELECTRON], axis=1)
    alive, hits, photons, radiated = _transport(
        states, kinds.astype(np.float64), ends, elements_of(setup), spectrum_quantiles(), rng
    )
    arrived = Particles(p.primary, p.pdg, *np.ascontiguousarray(states.T)).select(alive)
    light = _photons(radiated, p.primary)
    return Arrival(
        join([arrived, light.at(ends[radiated[:, 0].astype(np.int64)])]),
        Hits(p.primary[hits[:, 0].astype(np.int64)], hits[:, 1].astype(np.int64), hits[:, 2], hits[:, 3]),
        _photons(photons, p.primary),
    )


def _photons(rows: Floats, primary: Ints) -> Particles:
    """Return photons from rows of (particle, energy, x, y, z, slopes), where they were made."""
    parent = rows[:, 0].astype(np.int64)
    return Particles(primary[parent], np.full(len(rows), _PHOTON), *np.ascontiguousarray(rows[:, 1:].T))


@numba.njit(cache=True)
def _transport(
    states: Floats,
    kinds: Floats,
    ends: Floats,
    elements: Elements,
    spectrum: Floats,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.bool_], Floats, Floats, Floats]:
    """Fly rows of (momentum, x, y, z, slopes), in place; return who arrived, hits, both kinds of photons."""
    n = len(states)
    alive = np.ones(n, dtype=np.bool_)
    hits = np.empty((n * max(1, len(elements.z)), 4))
    photons, radiated = np.empty((_ROOM * n + 16, 7)), np.empty((n + 16, 7))
    n_hits = n_photons = n_radiated = 0
    for i in range(n):
        state, charge, mass, is_electron = states[i], kinds[i, 0], kinds[i, 1], kinds[i, 2] > 0.0
        if state[_Z] >= ends[i]:
            continue
        for k in range(len(elements.z)):
            front, back = elements.z[k], elements.z[k] + elements.length[k]
            is_magnet = elements.length[k] > 0.0
            is_behind = back < state[_Z] or (is_magnet and back == state[_Z])
            if charge == 0.0 or front >= ends[i] or is_behind:
                continue
            _fly(state, max(front, state[_Z]))
            if is_magnet:
                before = state.copy()
                angle = _bend(state, charge, elements.field[k], min(back, ends[i]))
                if np.isnan(angle):
                    alive[i] = False
                    break
                if is_electron:
                    photons, n_photons = _shine(
                        i,
                        before,
                        state,
                        angle,
                        mass,
                        charge,
                        elements.field[k],
                        spectrum,
                        photons,
                        n_photons,
                        rng,
                    )
                continue
            if _is_seen(state, elements, k, rng):
                hits[n_hits, 0], hits[n_hits, 1] = i, elements.plane[k]
                hits[n_hits, 2], hits[n_hits, 3] = state[_X], state[_Y]
                n_hits += 1
            if elements.radiation_lengths[k] > 0.0:
                _scatter(state, mass, elements.radiation_lengths[k], rng)
                if is_electron:
                    radiated, n_radiated = _radiate(
                        i, state, elements.radiation_lengths[k], radiated, n_radiated, rng
                    )
        if alive[i]:
            _fly(state, ends[i])
    return alive, hits[:n_hits], photons[:n_photons], radiated[:n_radiated]


@numba.njit(cache=True)
def _fly(state: Floats, z: float) -> None:
    """Fly straight to ``z`` [mm]."""
    step = z - state[_Z]
    state[_X] += step * state[_SLOPE_X]
    state[_Y] += step * state[_SLOPE_Y]
    state[_Z] = z


@numba.njit(cache=True)
def _bend(state: Floats, charge: float, field: float, z: float) -> float:
    """Follow the circle in a field [T] to ``z`` [mm]; return the angle [rad], NaN if it turns back."""
    x, y, slope_x, slope_y, angle = bend(
        state[_X], state[_Y], state[_SLOPE_X], state[_SLOPE_Y], state[_MOMENTUM], charge, field, z - state[_Z]
    )
    state[_X], state[_Y], state[_Z], state[_SLOPE_X], state[_SLOPE_Y] = x, y, z, slope_x, slope_y
    return float(angle)


@numba.njit(cache=True)
def _is_seen(state: Floats, elements: Elements, k: int, rng: np.random.Generator) -> bool:
    """Return whether a plane has a hit of a particle that is there."""
    if elements.plane[k] < 0:
        return False
    inside_x = abs(state[_X] - elements.centre_x[k]) < elements.half_x[k]
    inside_y = abs(state[_Y] - elements.centre_y[k]) < elements.half_y[k]
    return bool(inside_x and inside_y and rng.random() < elements.efficiency[k])


@numba.njit(cache=True)
def _scatter(state: Floats, mass: float, thickness: float, rng: np.random.Generator) -> None:
    """Scatter in matter [X0]: `physics.scattering.scattering_angle`, for compiled loops."""
    beta = state[_MOMENTUM] / np.hypot(state[_MOMENTUM], mass)
    bracket = max(1 + 0.038 * np.log(thickness / beta**2), 0.0)
    width = 13.6e-3 / (beta * state[_MOMENTUM]) * np.sqrt(thickness) * bracket
    state[_SLOPE_X] += width * rng.standard_normal()
    state[_SLOPE_Y] += width * rng.standard_normal()


@numba.njit(cache=True)
def _radiate(
    i: int, state: Floats, thickness: float, rows: Floats, used: int, rng: np.random.Generator
) -> tuple[Floats, int]:
    """Let an electron radiate in matter [X0]: by (4/3 - 4/3 y + y^2) / y, y the photon's share."""
    span = -np.log(_LEAST_BREMSSTRAHLUNG)
    for _ in range(rng.poisson(4.0 / 3.0 * thickness * span)):
        share = np.exp(-span * rng.random())
        if rng.random() > 1.0 - share + 0.75 * share * share:
            continue
        rows = _grown(rows, used)
        rows[used, 0], rows[used, 1] = i, share * state[_MOMENTUM]
        rows[used, 2:] = state[_X:]
        used += 1
        state[_MOMENTUM] *= 1.0 - share
    return rows, used


@numba.njit(cache=True)
def _shine(
    i: int,
    before: Floats,
    state: Floats,
    angle: float,
    mass: float,
    charge: float,
    field: float,
    spectrum: Floats,
    rows: Floats,
    used: int,
    rng: np.random.Generator,
) -> tuple[Floats, int]:
    """Let an electron radiate synchrotron photons along its way in a field; it loses energy at the end."""
    gamma = np.hypot(before[_MOMENTUM], mass) / mass
    length = state[_Z] - before[_Z]
    critical = 1.5 * HBAR_C * gamma**3 * abs(angle) / (length * np.sqrt(1.0 + before[_SLOPE_X] ** 2))
    lost, there = 0.0, before.copy()
    for _ in range(rng.poisson(PHOTONS_PER_ANGLE * gamma * abs(angle))):
        at = rng.random() * (len(spectrum) - 1)
        low = int(at)
        photon = critical * (spectrum[low] + (at - low) * (spectrum[low + 1] - spectrum[low]))
        where = length * rng.random()
        lost += photon
        if photon < _LEAST_SYNCHROTRON:
            continue
        there[:] = before
        _bend(there, charge, field, before[_Z] + where)
        rows = _grown(rows, used)
        rows[used, 0], rows[used, 1] = i, photon
        rows[used, 2:] = there[_X:]
        used += 1
    state[_MOMENTUM] = max(state[_MOMENTUM] - lost, 1e-3)
    return rows, used


@numba.njit(cache=True)
def _grown(rows: Floats, used: int) -> Floats:
    """Return the table, twice as long with the same rows if it is full."""
    if used < len(rows):
        return rows
    larger = np.empty((2 * len(rows) + 16, rows.shape[1]))
    larger[:used] = rows
    return larger
