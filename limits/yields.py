"""
How many dark photons an electron makes in the target, above a missing energy.

N = sum over nuclei of n X0 times the integral of dL/dE sigma(E) P(x E > E_miss) over the energy of the
electrons and positrons of the shower: S. Gninenko et al., Phys. Lett. B 782 (2018) 406. All yields are for
epsilon = 1 and grow with its square. Energies in GeV.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.processes.target import Nuclei
from physics.dark_matter import scalar_annihilation_section, scalar_width
from physics.dark_photon import (
    annihilation_section,
    bremsstrahlung_section,
    energy_shares,
    invisible_width,
    resonance_energy,
)
from physics.muon_boson import boson_section, boson_shares
from physics.shower_tracks import (
    electron_track_density,
    electron_track_lengths,
    secondary_positron_track_density,
)

__all__ = ["Yield", "bremsstrahlung_yield", "mean_energy", "muon_yield", "resonant_yield", "share_above"]

Floats = npt.NDArray[np.float64]

_SQUARE_CM = 1e-36  # of a picobarn
_SOFTEST = 0.05  # of the beam's energy: electrons of less do not count
_ENERGIES = 120  # points of the electron's energy
_SHARES = 1500  # points of the spectrum of x
_RESONANT = 3000
_CLOSEST = 1e-6  # 1 - E / E0 of the first point: where the beam electron has lost next to nothing


class Yield(NamedTuple):
    """Dark photons per beam particle above the missing energy, for epsilon = 1."""

    primary: float  # off the beam particle
    secondary: float  # off the electrons and positrons that it makes
    per_length: float  # [1/X0] at the beam's energy, without a threshold; NaN for a resonance

    @property
    def total(self) -> float:
        """Return those of the whole shower."""
        return self.primary + self.secondary

    @property
    def track_length(self) -> float:
        """Return the effective track length [X0]: the yield over that of 1 X0 at the beam's energy."""
        return self.total / self.per_length


def share_above(mass: float, energy: float, least: float) -> float:
    """
    Return the part of the A' of an electron that takes more than an energy.

    Parameters
    ----------
    mass, energy, least : float [GeV]
        Of the A', of the electron, and what the A' has to take.
    """
    if energy <= max(least, mass):
        return 0.0
    x, cumulative = energy_shares(mass, energy, _SHARES)
    return float(1.0 - np.interp(least / energy, x, cumulative))


def mean_energy(mass: float, energy: float, least: float) -> float:
    """Return the mean energy [GeV] of the A' of an electron that take more than an energy [GeV]."""
    x, cumulative = energy_shares(mass, energy, _SHARES)
    kept = 0.5 * (x[1:] + x[:-1]) * energy > least
    return float(energy * np.average(0.5 * (x[1:] + x[:-1])[kept], weights=np.diff(cumulative)[kept]))


def bremsstrahlung_yield(nuclei: Sequence[Nuclei], beam: float, mass: float, least: float) -> Yield:
    """
    Return the yield of A' bremsstrahlung off electrons and positrons of a shower.

    The beam electron's track length is that of Y.-S. Tsai, Phys. Rev. D 34 (1986) 1326. Electrons and
    positrons of pairs are counted by `physics.shower_tracks.secondary_positron_track_density`.

    Parameters
    ----------
    nuclei : sequence of Nuclei
        Of the target.
    beam, mass, least : float [GeV]
        Energy of the beam, mass of the A', and the missing energy; 0: all A' of electrons above 5% of the
        beam's energy, which are those of the simulation.

    Raises
    ------
    ValueError
        If the mass is not where the cross section is known, or ``least`` is not below the beam's energy.
    """
    if not 0 <= least < beam:
        msg = f"the missing energy must be from 0 to below the beam's {beam:g} GeV, got {least:g} GeV"
        raise ValueError(msg)
    lowest = max(least, 1.05 * mass, _SOFTEST * beam)
    # dense at both ends: here lengths diverge, there the A' of electrons begin to pass the threshold
    steps = np.geomspace(_CLOSEST, 1.0, _ENERGIES) * (beam - lowest)
    energy = np.unique(np.concatenate([beam - steps, lowest + steps[:-2:2]]))
    rate = np.array(
        [_per_length(nuclei, mass, float(e)) * share_above(mass, float(e), least) for e in energy]
    )
    # lengths between two energies, not a density, which diverges at the beam's energy
    length = electron_track_lengths(beam, energy)
    primary = rate[-1] * length[-1] + (0.5 * (rate[1:] + rate[:-1]) * (length[:-1] - length[1:])).sum()
    secondary = np.trapezoid(rate * 2 * secondary_positron_track_density(beam, energy), energy)
    return Yield(float(primary), float(secondary), _per_length(nuclei, mass, beam))


def _per_length(nuclei: Sequence[Nuclei], mass: float, energy: float) -> float:
    """Return the A' per X0 for epsilon = 1."""
    return sum(
        n.per_radiation_length * _SQUARE_CM * bremsstrahlung_section(mass, energy, 1.0, n.z, n.a)
        for n in nuclei
    )


def resonant_yield(
    nuclei: Sequence[Nuclei],
    beam: float,
    mass: float,
    least: float,
    *,
    alpha_d: float,
    mass_ratio: float,
    is_positron: bool = False,
    is_scalar: bool = False,
) -> Yield:
    """
    Return the yield of e+ e- -> A' -> chi chi by positrons of a shower, which vanish with all their energy.

    The rate times the track length of the positrons is integrated over a Breit-Wigner resonance with steps
    that follow its width.

    Parameters
    ----------
    nuclei, beam, mass, least
        As for `bremsstrahlung_yield`; the mass may be any.
    alpha_d, mass_ratio : float
        Coupling of A' and chi, and m_chi / m_A'.
    is_positron : bool
        Whether the beam is one of positrons.
    is_scalar : bool
        Whether chi is a complex scalar and not a Dirac fermion.
    """
    width_of, section = (
        (scalar_width, scalar_annihilation_section) if is_scalar else (invisible_width, annihilation_section)
    )
    width = 2 * width_of(mass, alpha_d, mass_ratio) / mass
    peak = resonance_energy(mass)
    near = peak * (1 + width * np.tan(np.linspace(-0.499, 0.499, _RESONANT) * np.pi))
    low, high = max(least, _SOFTEST * beam), beam * (1 - _CLOSEST)
    wide = beam * (1.0 - np.geomspace(_CLOSEST, 1.0 - low / beam, _RESONANT)[::-1])
    energy = np.unique(np.concatenate([near[(near > low) & (near < high)], wide]))
    electrons = sum(n.electrons for n in nuclei) * _SQUARE_CM
    rate = electrons * section(energy, mass, 1.0, alpha_d, mass_ratio)
    secondary = np.trapezoid(rate * secondary_positron_track_density(beam, energy), energy)
    primary = np.trapezoid(rate * electron_track_density(beam, energy), energy) if is_positron else 0.0
    return Yield(float(primary), float(secondary), float("nan"))


def muon_yield(nuclei: Sequence[Nuclei], beam: float, mass: float, least: float, thickness: float) -> float:
    """
    Return the Z' per beam muon for a coupling of 1, above a missing energy.

    Thickness of the target times cross section at the beam's energy: a muon loses some 0.3 GeV on 40 X0 by
    ionisation (H. Sieber et al., Phys. Rev. D 105 (2022) 052006, eq. 6).

    Parameters
    ----------
    nuclei, beam, mass, least
        As for `bremsstrahlung_yield`; the mass may be any.
    thickness : float [X0]
        Of the target.
    """
    x, cumulative = boson_shares(mass, beam)
    per_length = sum(n.per_radiation_length * boson_section(mass, beam, 1.0, n.z, n.a) for n in nuclei)
    return float(per_length * _SQUARE_CM * thickness * (1.0 - np.interp(least / beam, x, cumulative)))
