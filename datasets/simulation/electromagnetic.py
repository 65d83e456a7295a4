"""Electromagnetic showers in the cells of all detectors."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Particles
from datasets.simulation.stack import Stack, Tables, cell_at
from physics.electromagnetic_shower import (
    CORE_SCALE,
    DEPTH_SCALE,
    TAIL_SCALE,
    gamma_fraction,
    lateral_profile,
    shower_shape,
)

__all__ = ["arctangent", "deposit_electromagnetic"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_PHOTON = 22
_LEAST_SHOWER = 0.05  # [GeV] below it all energy stays where the particle enters
_LEAST_ENERGY = 0.1  # [GeV] below it the non-linearity is frozen, as in recon.response
_CONVERSION = 9.0 / 7.0  # [X0] mean depth of pair production at high energies
# Steps of depth end here [X0]: finer around the maximum of the shower.
_STEPS = np.array([1.5, 3.0, 4.5, 6.5, 8.5, 11.0, 14.0, 18.0, np.inf])
_REACH = 4.0  # [X0] a longer step has its energy near its front
_SHORTEST = 0.3  # [X0] a shorter step is joined to the next one
_CONTAINED = 0.985  # of a shower in the middle of a grid: the electron scale is calibrated to its sum


class Media(NamedTuple):
    """What showers need of each volume, each of shape (n_volumes,)."""

    z_eff: Floats
    core_unit: Floats  # [mm] of the core's radius
    tail_unit: Floats  # [mm] of the tail's radius
    depth_unit: Floats  # [X0] of the depth of the maximum
    frequency: Floats  # radiation lengths per layer, inverse; infinite if homogeneous
    e_mip: Floats
    fraction: Floats  # visible per deposited energy
    reference: Floats  # [GeV]
    nonlinearity: Floats
    variance: Floats  # [GeV] of the visible energy per visible GeV


def media_of(stack: Stack) -> Media:
    """Return what showers need of the volumes of a stack."""
    rows = []
    for volume in stack.volumes:
        matter, response = volume.section.matter, volume.detector.response
        assert matter is not None
        layered = matter.layers > 1
        pitch = volume.length / matter.layers
        absorber_z = volume.absorber.z if volume.absorber is not None else volume.active.z
        rows.append(
            (
                volume.material.z,
                volume.material.moliere_radius * (CORE_SCALE if layered else 1.0),
                volume.material.moliere_radius * (TAIL_SCALE if layered else 1.0),
                DEPTH_SCALE if layered else 1.0,
                volume.material.radiation_length / pitch if layered else np.inf,
                1.0 / (1.0 + 0.007 * (absorber_z - volume.active.z)) if layered else 1.0,
                volume.em_fraction / (_CONTAINED if volume.detector.has_electron_scale else 1.0),
                response.reference_energy,
                response.nonlinearity,
                response.stochastic**2 * volume.em_fraction,
            )
        )
    return Media(*(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)))


def deposit_electromagnetic(
    particles: Particles, stack: Stack, rng: np.random.Generator, deposits: Floats
) -> None:
    """
    Let electrons, positrons and photons shower.

    The shower starts where the particle is, or at the first volume on its straight way; a photon first
    flies through matter of an exponential depth. Its energy is cut into steps of depth by the gamma
    distribution of `physics.electromagnetic_shower`, each step into cells by the lateral profile in its
    middle. The visible energy of a cell then fluctuates as a gamma distribution of variance a^2 E (a: the
    stochastic term of the detector), so that the sum has sigma / E = a / sqrt(E). What leaves the last
    volume or the side of a grid is lost.

    Parameters
    ----------
    particles : Particles
        PDG codes 11, -11 and 22.
    stack : Stack
    rng : numpy.random.Generator
    deposits : float64, shape (n_primaries, n_cells) [GeV visible]
        Added to.
    """
    if len(particles.pdg):
        _shower(particles, stack.tables, media_of(stack), rng, deposits)


class Ray(NamedTuple):
    """A straight way."""

    x: float  # [mm] at z
    y: float
    z: float
    slope_x: float
    slope_y: float


class Development(NamedTuple):
    """How one shower develops in depth."""

    energy: float  # [GeV]
    alpha: float
    beta: float  # [1/X0]
    maximum: float  # [X0]
    delay: float  # [X0] before it starts


@numba.njit(cache=True)
def _shower(
    particles: Particles, tables: Tables, media: Media, rng: np.random.Generator, deposits: Floats
) -> None:
    p = particles
    cells = np.zeros(deposits.shape[1])
    for i in range(len(p.primary)):
        ray = Ray(p.x[i], p.y[i], p.z[i], p.slope_x[i], p.slope_y[i])
        first = _first_volume(tables, ray)
        if first < 0:
            continue
        if p.momentum[i] < _LEAST_SHOWER:
            cell = _cell_on(tables, first, ray, max(ray.z, tables.z[first]))
            if cell >= 0:
                deposits[p.primary[i], cell] += p.momentum[i] * media.fraction[first]
            continue
        cells[:] = 0.0
        delay = rng.exponential(_CONVERSION) if p.pdg[i] == _PHOTON else 0.0
        shower = _develop(p.momentum[i], delay, first, tables, media, rng)
        last = _walk(cells, tables, media, first, shower, ray)
        _sample(cells, deposits[p.primary[i]], tables, media, first, last, p.momentum[i], rng)


@numba.njit(cache=True)
def _develop(
    energy: float, delay: float, v: int, tables: Tables, media: Media, rng: np.random.Generator
) -> Development:
    """Draw the development of a shower in the matter of a volume."""
    y = energy / tables.critical_energy[v]
    shape = shower_shape(y, media.z_eff[v], media.frequency[v], media.e_mip[v])
    one, two = rng.standard_normal(), rng.standard_normal()
    other = shape.correlation * one + np.sqrt(1 - shape.correlation**2) * two
    maximum = media.depth_unit[v] * np.exp(shape.log_maximum + shape.log_maximum_rms * one)
    alpha = max(np.exp(shape.log_alpha + shape.log_alpha_rms * other), 1.1)
    return Development(energy, alpha, (alpha - 1.0) / maximum, maximum, delay)


@numba.njit(cache=True)
def _sample(
    cells: Floats,
    seen: Floats,
    tables: Tables,
    media: Media,
    first: int,
    last: int,
    energy: float,
    rng: np.random.Generator,
) -> None:
    """Add what is visible of the energy in cells [GeV], with its sampling fluctuations."""
    for v in range(first, last):
        shift = np.log(max(energy, _LEAST_ENERGY) / media.reference[v])
        scale = media.fraction[v] * (1.0 + media.nonlinearity[v] * shift)
        start = tables.first_cell[v]
        for c in range(start, start + tables.n_x[v] * tables.n_y[v]):
            visible = cells[c] * scale
            if visible > 0.0 and media.variance[v] > 0.0:
                visible = media.variance[v] * rng.standard_gamma(visible / media.variance[v])
            seen[c] += max(visible, 0.0)


@numba.njit(cache=True, inline="always")
def _cell_on(tables: Tables, v: int, ray: Ray, z: float) -> int:
    """Return the cell of a volume where a straight way is at ``z`` [mm]; -1: none."""
    step = z - ray.z
    return int(cell_at(tables, v, ray.x + step * ray.slope_x, ray.y + step * ray.slope_y))


@numba.njit(cache=True)
def _first_volume(tables: Tables, ray: Ray) -> int:
    """Return the first volume that a straight way meets with a cell; -1: none."""
    for v in range(len(tables.z)):
        is_ahead = tables.z[v] + tables.length[v] > ray.z
        if is_ahead and _cell_on(tables, v, ray, max(tables.z[v], ray.z)) >= 0:
            return v
    return -1


@numba.njit(cache=True, inline="always")
def _is_far(tables: Tables, v: int, ray: Ray, z: float) -> bool:
    """Return whether a straight way passes a volume at more than one and a half times its half width."""
    x, y = ray.x + (z - ray.z) * ray.slope_x, ray.y + (z - ray.z) * ray.slope_y
    half_x, half_y = 0.5 * tables.n_x[v] * tables.pitch_x[v], 0.5 * tables.n_y[v] * tables.pitch_y[v]
    return bool(abs(x - tables.centre_x[v]) > 1.5 * half_x or abs(y - tables.centre_y[v]) > 1.5 * half_y)


@numba.njit(cache=True)
def _walk(cells: Floats, tables: Tables, media: Media, first: int, shower: Development, ray: Ray) -> int:
    """Put the deposited energy [GeV] of a shower into cells; return one more than the last volume met."""
    depth, before = -shower.delay, 0.0  # [X0], share of the energy in front of it
    for v in range(first, len(tables.z)):
        begin, end = max(tables.z[v], ray.z), tables.z[v] + tables.length[v]
        halfway = 0.5 * (begin + end)
        if end <= begin or _is_far(tables, v, ray, halfway):
            continue
        back = depth + (end - begin) / tables.radiation_length[v]
        # In a thin counter the particles of the shower lose its critical energy per radiation length, not
        # that of the matter that they come from.
        is_counter = tables.layers[v] == 1 and v > first
        gain = tables.critical_energy[v] / tables.critical_energy[first] if is_counter else 1.0
        share = before
        front = depth
        while front < back:
            stop = _end_of_step(front, back)
            now = gamma_fraction(shower.alpha, shower.beta * stop) if stop > 0.0 else 0.0
            if now - share > 1e-7:
                start = max(front, 0.0)
                middle = start + 0.5 * min(stop - start, _REACH)
                z = begin + (middle - depth) * tables.radiation_length[v]
                energy = gain * shower.energy * (now - share)
                _deposit(cells, tables, media, v, energy, middle / shower.maximum, shower.energy, ray, z)
            share, front = now, stop
        if _cell_on(tables, v, ray, halfway) >= 0:
            depth, before = back, share  # matter beside the axis does not absorb the core of the shower
        if 1.0 - before < 1e-6:
            return v + 1
    return len(tables.z)


@numba.njit(cache=True, inline="always")
def _end_of_step(front: float, back: float) -> float:
    """Return the depth [X0] where a step ends that begins at ``front``."""
    stop = back
    for edge in _STEPS:
        if edge > front + _SHORTEST:
            stop = min(edge, back)
            break
    return back if back - stop < _SHORTEST else stop


@numba.njit(cache=True, inline="always")
def _deposit(
    cells: Floats,
    tables: Tables,
    media: Media,
    v: int,
    energy: float,
    tau: float,
    of_shower: float,
    ray: Ray,
    z: float,
) -> None:
    """Put the energy [GeV] of a step at ``z`` [mm], at tau times the maximum's depth, into cells."""
    profile = lateral_profile(tau, of_shower, media.z_eff[v], media.frequency[v], media.e_mip[v])
    core, tail = profile.core * media.core_unit[v], profile.tail * media.tail_unit[v]
    x, y = ray.x + (z - ray.z) * ray.slope_x, ray.y + (z - ray.z) * ray.slope_y
    _spread(cells, tables, v, energy, core, tail, profile.core_share, x, y)


@numba.njit(cache=True)
def arctangent(x: float) -> float:
    """Return the arc tangent within 2e-8 (M. Abramowitz, I. Stegun, eq. 4.4.49), faster than exactly."""
    size = abs(x)
    t = 1.0 / size if size > 1.0 else size
    u = t * t
    series = 0.0429096138 + u * (-0.0161657367 + u * 0.0028662257)
    series = 0.1065626393 + u * (-0.0752896400 + u * series)
    series = 1.0 + u * (-0.3333314528 + u * (0.1999355085 + u * (-0.1420889944 + u * series)))
    value = 0.5 * np.pi - t * series if size > 1.0 else t * series
    return float(value if x >= 0.0 else -value)


@numba.njit(cache=True)
def _spread(
    cells: Floats,
    tables: Tables,
    v: int,
    energy: float,
    core: float,
    tail: float,
    share: float,
    x: float,
    y: float,
) -> None:
    """
    Share energy among the cells of a volume: differences of the profile's integral over their corners.

    The integral is `physics.electromagnetic_shower.corner_integral`, of core and tail together.
    """
    n_x, n_y = tables.n_x[v], tables.n_y[v]
    left = tables.centre_x[v] - 0.5 * n_x * tables.pitch_x[v] - x
    low = tables.centre_y[v] - 0.5 * n_y * tables.pitch_y[v] - y
    across = np.empty((3, n_y + 1))  # b, 1 / sqrt(b^2 + R^2) of core and tail
    for j in range(n_y + 1):
        b = low + j * tables.pitch_y[v]
        across[0, j] = b
        across[1, j], across[2, j] = 1.0 / np.sqrt(b * b + core * core), 1.0 / np.sqrt(b * b + tail * tail)
    rest = 1.0 - share
    scale = energy / (2.0 * np.pi)
    previous, current = np.zeros(n_y + 1), np.zeros(n_y + 1)
    for i in range(n_x + 1):
        a = left + i * tables.pitch_x[v]
        core_c, tail_c = 1.0 / np.sqrt(a * a + core * core), 1.0 / np.sqrt(a * a + tail * tail)
        for j in range(n_y + 1):
            b, core_d, tail_d = across[0, j], across[1, j], across[2, j]
            inner = a * core_c * arctangent(b * core_c) + b * core_d * arctangent(a * core_d)
            outer = a * tail_c * arctangent(b * tail_c) + b * tail_d * arctangent(a * tail_d)
            current[j] = scale * (share * inner + rest * outer)
        if i > 0:
            start = tables.first_cell[v] + (i - 1) * n_y
            for j in range(n_y):
                cells[start + j] += current[j + 1] - current[j] - previous[j + 1] + previous[j]
        previous[:] = current
