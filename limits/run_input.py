"""What a limit needs of a run: exposure, efficiency of the signal, background, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.processes.target import Nuclei
from limits.model import ModelError
from limits.track_table import TrackTable
from physics.electron_motion import Atoms

__all__ = ["Beam", "BinnedBackground", "Efficiency", "RunInput"]

Floats = npt.NDArray[np.float64]

_CLOSE = 1e-6  # relative


class Beam(NamedTuple):
    """What flies into what."""

    particle: str  # "e-", "e+", "mu-"
    energy: float  # [GeV]
    nuclei: tuple[Nuclei, ...]
    thickness: float  # [X0] of the target
    path: float  # [mm] from the middle of the first 10 X0 of the target to the end of what sees a decay
    atoms: tuple[Atoms, ...] = ()  # of the target; for electrons in motion
    tracks: TrackTable | None = None  # of showers of this beam; None: the analytic form


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """Share of the signal above the missing energy that is in the signal box, against the mass."""

    masses: tuple[float, ...]  # [GeV] rising
    values: tuple[tuple[float, ...], ...]  # (n_masses, n_bins)
    errors: tuple[float, ...]  # (n_masses,) relative, of the simulation's statistics
    scale: tuple[float, float] = (0.0, 0.0)  # relative (down, up) of calibrations
    selection: tuple[float, float] = (0.0, 0.0)  # of thresholds and pile-up
    is_extrapolated: bool = False  # beyond the masses the value of the last one is taken

    def covers(self, mass: float) -> bool:
        """Return whether a mass [GeV] lies among those that were simulated."""
        return self.masses[0] * (1 - _CLOSE) <= mass <= self.masses[-1] * (1 + _CLOSE)

    def at(self, mass: float) -> tuple[Floats, float]:
        """
        Return efficiency (n_bins,) and relative error at a mass [GeV], straight in ln(mass).

        Raises
        ------
        ModelError
            Beyond the simulated masses, unless that is allowed.
        """
        if not (self.covers(mass) or self.is_extrapolated):
            low, high = 1e3 * self.masses[0], 1e3 * self.masses[-1]
            msg = (
                f"the signal was simulated for masses from {low:.4g} to {high:.4g} MeV, and the "
                f"grid asks for {1e3 * mass:.4g} MeV: simulate more masses (--signal), or take the "
                f"nearest with --extrapolate"
            )
            raise ModelError(msg)
        place, known = np.log(mass), np.log(self.masses)
        values = np.array([np.interp(place, known, column) for column in np.transpose(self.values)])
        return values, float(np.interp(place, known, self.errors))


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedBackground:
    """Events expected in the signal box; the factors are those of one standard deviation down and up."""

    values: tuple[float, ...]  # (n_bins,)
    own: tuple[float, float] = (1.0, 1.0)  # of this run alone
    shared: tuple[float, float] = (1.0, 1.0)  # of the extrapolation, in all runs alike


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInput:
    """One run, or several of one exposure."""

    name: str
    setup: str
    beam: Beam
    least: float  # [GeV] missing energy above which the efficiency is taken
    exposure: float  # particles on target
    radiated: Efficiency
    resonant: Efficiency | None = None  # None, and beyond its masses: that of what is radiated
    background: BinnedBackground
    observed: tuple[int, ...] | None = None  # (n_bins,); None: blinded
    correction: tuple[float, float, float] = (1.0, 1.0, 1.0)  # of the yield by dimuons: value, low, high

    @property
    def is_muon(self) -> bool:
        """Return whether muons make the signal."""
        return self.beam.particle.startswith("mu")

    def scaled(self, factor: float) -> RunInput:
        """Return the run with another exposure, nothing observed, and its background as often."""
        values = tuple(factor * b for b in self.background.values)
        background = replace(self.background, values=values)
        return replace(self, exposure=factor * self.exposure, background=background, observed=None)
