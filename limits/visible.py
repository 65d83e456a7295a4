"""
Dark photons that decay to e+ e- behind a dense calorimeter: yield, and the two edges of an excluded band.

N = n_EOT n X0 times the integral of dL/dE dt sigma(E) dN/dx (exp(-L_1 / l) - exp(-L_2 / l)) efficiency, with
the decay length l = hbar c p / (m Gamma), the way L_1 from where the A' is made to the end of the veto
behind the calorimeter, and L_2 to the end of the decay volume: D. Banerjee et al. (NA64), Phys. Rev. Lett.
120 (2018) 231802. Lengths in mm, energies in GeV.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from datasets.simulation.processes.target import Nuclei
from limits.yields import bremsstrahlung_yield
from physics.boson_decays import decay_length
from physics.dark_photon import bremsstrahlung_section, energy_shares, visible_width
from physics.materials import MATERIALS
from physics.thick_target import survival

__all__ = ["WCAL_2017", "Band", "DenseTarget", "visible_band", "visible_yield"]

Floats = npt.NDArray[np.float64]

_AVOGADRO = 6.02214076e23
_SQUARE_CM = 1e-36  # of a picobarn
_DEPTHS, _ENERGIES, _SHARES = 48, 40, 64
_DEEPEST = 12.0  # [X0]
_EPSILONS = 120
_LOWEST, _HIGHEST = 1e-6, 1e-1  # of the scan of epsilon


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseTarget:
    """A calorimeter of tungsten and plastic, a veto behind it, and a decay volume."""

    name: str
    beam: float  # [GeV]
    layers: int
    tungsten: float  # [mm] per layer
    plastic: float  # [mm] per layer
    to_veto: float  # [mm] from the front of the calorimeter to the back of the veto
    to_end: float  # [mm] from there to the end of the decay volume
    least: float  # [GeV] energy of the A'
    left: float  # [GeV] least energy in the calorimeter: its first layers must see a shower
    efficiency: float  # of all other cuts
    source: str


WCAL_2017 = DenseTarget(
    name="2017",
    beam=100.0,  # published: arXiv:1803.07748
    layers=46,
    tungsten=3.0,
    plastic=2.0,
    to_veto=254.0,
    to_end=3254.0,
    least=30.0,  # the trigger wants less than 70 GeV in the WCAL
    left=0.0,
    efficiency=0.6,
    source="assumed: 40 X0 of tungsten and plastic, a decay volume of 3 m, an efficiency of 0.6",
)


class Band(NamedTuple):
    """What is excluded at a mass: from the lower to the upper epsilon; NaN where nothing is."""

    mass: float  # [GeV]
    lower: float
    upper: float
    most: float  # events at the best epsilon


class _Grid(NamedTuple):
    """A' of one mass: how many, where, and with which energy."""

    weights: Floats  # (n_depths, n_energies) per beam particle, epsilon = 1, and A' of a share
    depth: Floats  # (n_depths,) [mm]
    boson: Floats  # (n_energies, n_shares) [GeV]


def _matter(target: DenseTarget) -> tuple[tuple[Nuclei, ...], float]:
    """Return the nuclei per X0 and the length of an X0 [mm]."""
    parts = [(MATERIALS["tungsten"], target.tungsten), (MATERIALS["polystyrene"], target.plastic)]
    layer = sum(thickness / m.radiation_length for m, thickness in parts)  # [X0]
    nuclei = tuple(
        Nuclei(m.z, m.a, grams * _AVOGADRO / m.a, grams * _AVOGADRO * m.z_over_a)
        for m, grams in ((m, 0.1 * m.density * thickness / layer) for m, thickness in parts)
    )
    return nuclei, (target.tungsten + target.plastic) / layer


@lru_cache(maxsize=512)
def _grid(target: DenseTarget, mass: float) -> _Grid:
    nuclei, length = _matter(target)
    beam, lowest = target.beam, target.least * 1.001
    edges = np.concatenate([[beam], beam - np.geomspace(1e-5 * beam, beam - lowest, _ENERGIES)])
    energy = 0.5 * (edges[1:] + edges[:-1])
    depths = np.linspace(0.0, _DEEPEST, _DEPTHS + 1)
    middle, step = 0.5 * (depths[1:] + depths[:-1]), depths[1]
    there = np.diff(survival(middle[:, None], np.log(beam / edges)), axis=1) * step  # [X0] in each bin
    rate = [
        sum(
            n.per_radiation_length * _SQUARE_CM * bremsstrahlung_section(mass, float(e), 1.0, n.z, n.a)
            for n in nuclei
        )
        for e in energy
    ]
    made = bremsstrahlung_yield(nuclei, beam, mass, target.least)
    whole = made.total / made.primary  # pairs radiate too
    quantiles = (np.arange(_SHARES) + 0.5) / _SHARES
    boson = np.empty((len(energy), _SHARES))
    for index, e in enumerate(energy):
        x, cumulative = energy_shares(mass, float(e), 1000)
        boson[index] = e * np.interp(quantiles, cumulative, x)
    return _Grid(whole * there * np.array(rate) / _SHARES, middle * length, boson)


def visible_yield(target: DenseTarget, mass: float, epsilon: float) -> float:
    """
    Return the A' per beam particle that decay in the decay volume and pass the cuts.

    Parameters
    ----------
    target : DenseTarget
    mass : float [GeV]
        Above twice the electron's, where the cross section is known.
    epsilon : float
    """
    grid = _grid(target, mass)
    path = decay_length(mass, target.beam, visible_width(mass, epsilon)) * grid.boson / target.beam
    first = (target.to_veto - grid.depth)[:, None, None]
    decays = np.exp(-first / path) - np.exp(-(first + target.to_end - target.to_veto) / path)
    is_seen = (grid.boson > target.least) & (grid.boson < target.beam - target.left)
    seen = np.where(is_seen, decays, 0.0).sum(axis=2)
    return float(target.efficiency * epsilon**2 * (grid.weights * seen).sum())


def visible_band(target: DenseTarget, mass: float, exposure: float, events: float) -> Band:
    """
    Return the band of epsilon in which more events are expected than are excluded.

    Parameters
    ----------
    target : DenseTarget
    mass : float [GeV]
    exposure : float
        Particles on target.
    events : float
        Upper limit on the number of signal events.
    """
    scan = np.geomspace(_LOWEST, _HIGHEST, _EPSILONS)
    expected = exposure * np.array([visible_yield(target, mass, float(e)) for e in scan])
    best = int(np.argmax(expected))
    if expected[best] < events:
        return Band(mass, float("nan"), float("nan"), float(expected[best]))

    def root(low: int, high: int) -> float:
        def above(log_epsilon: float) -> float:
            found = exposure * visible_yield(target, mass, float(np.exp(log_epsilon)))
            return float(np.log(max(found, 1e-300) / events))

        return float(np.exp(brentq(above, np.log(scan[low]), np.log(scan[high]), xtol=1e-4)))

    return Band(mass, root(0, best), root(best, len(scan) - 1), float(expected[best]))
