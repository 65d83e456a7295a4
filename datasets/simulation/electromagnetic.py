"""Electromagnetic showers in the cells of all detectors."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from datasets.simulation.model import Particles
from datasets.simulation.stack import Stack, Tables, cell_at
from physics.electromagnetic_shower import gamma_fraction, lateral_profile, shower_shape

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


# Scales of the parametrisation for layers of lead and plastic: radii fitted to the even points of the
# impact scan of the Geant4 samples (checked on the odd ones), depth to the preshower share; see
# docs/simulation.md.
_CORE_SCALE = 1.54
_TAIL_SCALE = 1.44
_DEPTH_SCALE = 1.05
_CONTAINED = 0.985  # of a shower in the middle of the target's grid: the response is calibrated to its sum


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
                volume.material.moliere_radius * (_CORE_SCALE if layered else 1.0),
                volume.material.moliere_radius * (_TAIL_SCALE if layered else 1.0),
                _DEPTH_SCALE if layered else 1.0,
                volume.material.radiation_length / pitch if layered else np.inf,
                1.0 / (1.0 + 0.007 * (absorber_z - volume.active.z)) if layered else 1.0,
                volume.em_fraction / (_CONTAINED if volume.detector.is_target else 1.0),
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
        _shower(*particles, stack.tables, media_of(stack), rng, deposits)


@numba.njit(cache=True)
def _shower(
    primary: Ints,
    pdg: Ints,
    momentum: Floats,
    x: Floats,
    y: Floats,
    z: Floats,
    slope_x: Floats,
    slope_y: Floats,
    tables: Tables,
    media: Media,
    rng: np.random.Generator,
    deposits: Floats,
) -> None:
    n_cells = deposits.shape[1]
    cells = np.zeros(n_cells)
    for i in range(len(primary)):
        first = _first_volume(tables, x[i], y[i], z[i], slope_x[i], slope_y[i])
        if first < 0:
            continue
        energy = momentum[i]
        if energy < _LEAST_SHOWER:
            at = max(z[i], tables.z[first])
            px, py = x[i] + (at - z[i]) * slope_x[i], y[i] + (at - z[i]) * slope_y[i]
            cell = cell_at(tables, first, px, py)
            if cell >= 0:
                deposits[primary[i], cell] += energy * media.fraction[first]
            continue
        delay = rng.exponential(_CONVERSION) if pdg[i] == _PHOTON else 0.0
        shape = shower_shape(
            energy / tables.critical_energy[first],
            media.z_eff[first],
            media.frequency[first],
            media.e_mip[first],
        )
        one, two = rng.standard_normal(), rng.standard_normal()
        other = shape.correlation * one + np.sqrt(1 - shape.correlation**2) * two
        maximum = media.depth_unit[first] * np.exp(shape.log_maximum + shape.log_maximum_rms * one)
        alpha = max(np.exp(shape.log_alpha + shape.log_alpha_rms * other), 1.1)
        beta = (alpha - 1.0) / maximum
        cells[:] = 0.0
        used = _walk(
            cells,
            tables,
            media,
            first,
            energy,
            alpha,
            beta,
            maximum,
            delay,
            x[i],
            y[i],
            z[i],
            slope_x[i],
            slope_y[i],
        )
        for v in range(first, used):
            shift = np.log(max(energy, _LEAST_ENERGY) / media.reference[v])
            scale = media.fraction[v] * (1.0 + media.nonlinearity[v] * shift)
            variance = media.variance[v]
            start = tables.first_cell[v]
            for c in range(start, start + tables.n_x[v] * tables.n_y[v]):
                visible = cells[c] * scale
                if visible > 0.0:
                    if variance > 0.0:
                        visible = variance * rng.standard_gamma(visible / variance)
                    deposits[primary[i], c] += visible


@numba.njit(cache=True)
def _first_volume(tables: Tables, x: float, y: float, z: float, slope_x: float, slope_y: float) -> int:
    """Return the first volume that a straight line meets with a cell; -1: none."""
    for v in range(len(tables.z)):
        if tables.z[v] + tables.length[v] <= z:
            continue
        step = max(tables.z[v], z) - z
        if cell_at(tables, v, x + step * slope_x, y + step * slope_y) >= 0:
            return v
    return -1


@numba.njit(cache=True)
def _walk(
    cells: Floats,
    tables: Tables,
    media: Media,
    first: int,
    energy: float,
    alpha: float,
    beta: float,
    maximum: float,
    delay: float,
    x: float,
    y: float,
    z: float,
    slope_x: float,
    slope_y: float,
) -> int:
    """Put the deposited energy [GeV] of a shower into cells; return one more than the last volume met."""
    depth, before = -delay, 0.0  # [X0], share of the energy in front of it
    for v in range(first, len(tables.z)):
        begin, end = max(tables.z[v], z), tables.z[v] + tables.length[v]
        if end <= begin:
            continue
        halfway = 0.5 * (begin + end) - z
        half_x = 0.5 * tables.n_x[v] * tables.pitch_x[v]
        half_y = 0.5 * tables.n_y[v] * tables.pitch_y[v]
        if abs(x + halfway * slope_x - tables.centre_x[v]) > 1.5 * half_x:
            continue
        if abs(y + halfway * slope_y - tables.centre_y[v]) > 1.5 * half_y:
            continue
        back = depth + (end - begin) / tables.radiation_length[v]
        # In a thin counter the particles of the shower lose its critical energy per radiation length, not
        # that of the matter that they come from.
        is_counter = tables.layers[v] == 1 and v > first
        gain = tables.critical_energy[v] / tables.critical_energy[first] if is_counter else 1.0
        inside = cell_at(tables, v, x + halfway * slope_x, y + halfway * slope_y) >= 0
        front, reached = depth, before
        while front < back:
            stop = back
            for edge in _STEPS:
                if edge > front + _SHORTEST:
                    stop = min(edge, back)
                    break
            if back - stop < _SHORTEST:
                stop = back
            share = gamma_fraction(alpha, beta * stop) if stop > 0.0 else 0.0
            if share - reached > 1e-7:
                start = max(front, 0.0)
                middle = start + 0.5 * min(stop - start, _REACH)
                at = begin + (middle - depth) * tables.radiation_length[v] - z
                tau = middle / maximum
                profile = lateral_profile(tau, energy, media.z_eff[v], media.frequency[v], media.e_mip[v])
                _spread(
                    cells, tables, v, gain * energy * (share - reached), profile.core * media.core_unit[v],
                    profile.tail * media.tail_unit[v], profile.core_share, x + at * slope_x, y + at * slope_y,
                )  # fmt: skip
            reached, front = share, stop
        if inside:
            depth, before = back, reached  # matter beside the axis does not absorb the core of the shower
        if 1.0 - before < 1e-6:
            return v + 1
    return len(tables.z)


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
