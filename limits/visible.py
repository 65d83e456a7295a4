"""
Dark photons that decay to e+ e- behind a dense calorimeter: what a setup makes and sees of them.

N = n_EOT n X0 times the integral of dL/dE dt sigma(E) dN/dx share efficiency, with the share of decays
(`physics.visible_decays.decay_share`) between the veto behind the calorimeter and the end of the decay
volume: D. Banerjee et al. (NA64), Phys. Rev. Lett. 120 (2018) 231802. The A' are those of the beam's own
electron, as in the simulation: pairs of the shower radiate theirs at low energies, and are left out. Lengths
in mm, energies in GeV.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.processes.target import Nuclei, target_of
from datasets.simulation.stack import build_stack
from limits.model import ModelError
from physics.dark_photon import bremsstrahlung_section, energy_shares
from physics.thick_target import survival
from physics.visible_decays import decay_lengths, decay_share
from recon.geometry import Setup

__all__ = ["DecayEfficiency", "DenseTarget", "dense_target", "visible_yield"]

Floats = npt.NDArray[np.float64]

_SQUARE_CM = 1e-36  # of a picobarn
_DEPTHS, _ENERGIES, _SHARES = 48, 40, 64
_DEEPEST = 12.0  # [X0]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayEfficiency:
    """Share of the decays in the decay volume that pass all cuts, by mass and epsilon."""

    points: tuple[tuple[float, float, float], ...]  # mass [GeV], epsilon, efficiency
    error: float = 0.0  # relative, of the simulation's statistics
    scale: tuple[float, float] = (0.0, 0.0)  # relative (down, up) of calibrations
    selection: tuple[float, float] = (0.0, 0.0)  # of thresholds and pile-up

    def at(self, mass: float, epsilon: float) -> float:
        """Return it straight in ln(epsilon), then in ln(mass); beyond the points that of the last one."""
        masses = sorted({point[0] for point in self.points})
        column = []
        for known in masses:
            epsilons, values = zip(*sorted(p[1:] for p in self.points if p[0] == known), strict=True)
            column.append(np.interp(np.log(epsilon), np.log(epsilons), values))
        return float(np.interp(np.log(mass), np.log(masses), column))


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseTarget:
    """A dense calorimeter, a veto behind it, and a decay volume."""

    name: str
    beam: float  # [GeV]
    nuclei: tuple[Nuclei, ...]
    radiation_length: float  # [mm]
    to_veto: float  # [mm] from the front of the calorimeter to the back of the veto
    to_end: float  # [mm] from there to the end of the decay volume
    least: float  # [GeV] energy of the A'
    left: float = 0.0  # [GeV] least energy in the calorimeter


def dense_target(setup: Setup) -> DenseTarget:
    """
    Return the target of a setup of the visible mode.

    Parameters
    ----------
    setup : Setup
        With ``wcal``, ``v2`` and ``s4``; its trigger has an upper limit of the energy in the WCAL.

    Raises
    ------
    ModelError
        If it has not what a decay is seen by.
    """
    limit = setup.trigger.limits.get("wcal_energy", (None, None))[1]
    lacking = [name for name in ("wcal", "v2", "s4") if name not in setup.detectors]
    if lacking or limit is None:
        what = ", ".join(lacking) or "trigger limit on wcal_energy"
        msg = f"setup {setup.name} has no {what}: visible decays need a setup of the visible mode"
        raise ModelError(msg)
    stack = build_stack(setup)
    first = next(v for v in stack.volumes if v.detector.name == stack.target.name)
    veto, end = (setup.detectors[name].sections for name in ("v2", "s4"))
    return DenseTarget(
        name=setup.name,
        beam=setup.beam.momentum,
        nuclei=target_of(setup),
        radiation_length=first.material.radiation_length,
        to_veto=veto[-1].z + veto[-1].length - stack.target_z,
        to_end=end[0].z - stack.target_z,
        least=setup.beam.momentum - limit,
    )


class _Grid(NamedTuple):
    """A' of one mass: how many, where, and with which energy."""

    weights: Floats  # (n_depths, n_energies) per beam particle, epsilon = 1, and A' of a share
    depth: Floats  # (n_depths,) [mm]
    boson: Floats  # (n_energies, n_shares) [GeV]


@lru_cache(maxsize=512)
def _grid(target: DenseTarget, mass: float) -> _Grid:
    nuclei, length = target.nuclei, target.radiation_length
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
    quantiles = (np.arange(_SHARES) + 0.5) / _SHARES
    boson = np.empty((len(energy), _SHARES))
    for index, e in enumerate(energy):
        x, cumulative = energy_shares(mass, float(e), 1000)
        boson[index] = e * np.interp(quantiles, cumulative, x)
    return _Grid(there * np.array(rate) / _SHARES, middle * length, boson)


def visible_yield(target: DenseTarget, mass: float, epsilon: float) -> float:
    """
    Return the A' per beam particle that decay in the decay volume.

    Parameters
    ----------
    target : DenseTarget
    mass : float [GeV]
        Above twice the electron's, where the cross section is known.
    epsilon : float

    Raises
    ------
    ValueError
        If the A' is too light to decay.
    """
    grid = _grid(target, mass)
    depth = grid.depth[:, None, None]
    length = decay_lengths(mass, epsilon, grid.boson)
    decays = decay_share(length, target.to_veto - depth, target.to_end - depth)
    is_seen = (grid.boson > target.least) & (grid.boson < target.beam - target.left)
    seen = np.where(is_seen, decays, 0.0).sum(axis=2)
    return float(epsilon**2 * (grid.weights * seen).sum())
