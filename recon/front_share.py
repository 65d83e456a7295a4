"""The share of an electron's energy in a section in front of a calorimeter, on the cell that it hits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from physics.electromagnetic_shower import (
    CORE_SCALE,
    DEPTH_SCALE,
    TAIL_SCALE,
    corner_integral,
    gamma_fraction,
    lateral_profile,
    shower_shape,
)
from physics.materials import Material, blend, material
from recon.geometry import Matter, Section

__all__ = ["front_share", "radiation_lengths"]

Floats = npt.NDArray[np.float64]

_N_NODES = 16  # of the Gauss-Hermite quadrature over each fluctuating parameter
_N_STEPS = 16  # of depth in the section


def front_share(energy: float, section: Section, before: float = 0.0) -> float:
    """
    Return the mean share of an electron's energy in the cell of a section that it hits in the middle.

    Longitudinal shapes are averaged over their correlated fluctuations, the lateral profile is integrated
    over the cell step by step of depth (`physics.electromagnetic_shower`, with its scales for layers of lead
    and plastic).

    Parameters
    ----------
    energy : float [GeV]
    section : Section
        Of layers; it must name its matter.
    before : float [X0]
        Depth of the sections in front of it.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the section has no layers of matter.
    """
    matter = section.matter
    if matter is None or not matter.absorber or not np.isfinite(before):
        msg = f"section '{section.name}' names no layers of matter, so its share of a shower is not known"
        raise ValueError(msg)
    absorber, active = material(matter.absorber), material(matter.active)
    mixed = _mixed(matter)
    frequency = mixed.radiation_length / (matter.absorber_thickness + matter.active_thickness)
    e_mip = 1.0 / (1.0 + 0.007 * (absorber.z - active.z))
    nodes, weights = np.polynomial.hermite_e.hermegauss(_N_NODES)
    layers = (mixed.z, frequency, e_mip)
    depths = np.linspace(before, before + matter.thickness / mixed.radiation_length, _N_STEPS + 1)
    half = (
        0.5 * section.grid.pitch[0] / mixed.moliere_radius,
        0.5 * section.grid.pitch[1] / mixed.moliere_radius,
    )
    return float(
        _share(energy, energy / mixed.critical_energy, layers, depths, half, nodes, weights / weights.sum())
    )


def radiation_lengths(section: Section) -> float:
    """Return the depth of a section of layers [X0]."""
    assert section.matter is not None
    return section.matter.thickness / _mixed(section.matter).radiation_length


def _mixed(matter: Matter) -> Material:
    absorber, active = material(matter.absorber), material(matter.active)
    return blend([(absorber, matter.absorber_thickness), (active, matter.active_thickness)])


@njit(cache=True)
def _share(
    energy: float,
    y: float,
    layers: tuple[float, float, float],
    depths: Floats,
    half: tuple[float, float],
    nodes: Floats,
    weights: Floats,
) -> float:
    """Average the energy between depths [X0] in a cell of half widths [Moliere radii]."""
    shape = shower_shape(y, *layers)
    total = 0.0
    for i in range(len(nodes)):
        maximum = DEPTH_SCALE * np.exp(shape.log_maximum + shape.log_maximum_rms * nodes[i])
        for j in range(len(nodes)):
            other = shape.correlation * nodes[i] + np.sqrt(1 - shape.correlation**2) * nodes[j]
            alpha = max(np.exp(shape.log_alpha + shape.log_alpha_rms * other), 1.1)
            share = gamma_fraction(alpha, (alpha - 1.0) / maximum * depths[0])
            for step in range(len(depths) - 1):
                now = gamma_fraction(alpha, (alpha - 1.0) / maximum * depths[step + 1])
                tau = 0.5 * (depths[step] + depths[step + 1]) / maximum
                total += weights[i] * weights[j] * (now - share) * _contained(tau, energy, layers, half)
                share = now
    return total


@njit(cache=True)
def _contained(
    tau: float, energy: float, layers: tuple[float, float, float], half: tuple[float, float]
) -> float:
    """Return the share of the energy at one depth within a cell around the axis."""
    profile = lateral_profile(tau, energy, *layers)
    core = corner_integral(half[0], half[1], profile.core * CORE_SCALE)
    tail = corner_integral(half[0], half[1], profile.tail * TAIL_SCALE)
    return float(4.0 * (profile.core_share * core + (1.0 - profile.core_share) * tail))
