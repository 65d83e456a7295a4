"""
How many dark photons an electron makes in the target, above a missing energy.

N = sum over nuclei of n X0 times the integral of dL/dE sigma(E) P(x E > E_miss) over the energy of the
electrons and positrons of the shower: S. Gninenko et al., Phys. Lett. B 782 (2018) 406. All yields are for
epsilon = 1 and grow with its square. Energies in GeV.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.simulation.processes.target import Nuclei
from limits.track_table import TrackTable
from physics.dark_matter import scalar_annihilation_section, scalar_width
from physics.dark_photon import (
    annihilation_section,
    bremsstrahlung_section,
    energy_shares,
    invisible_width,
    resonance_energy,
)
from physics.electron_motion import Atoms, seen_track_density
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
_PAIRS = ("electron", "positron")
_CLOSEST = 1e-6  # 1 - E / E0 of the first point: where the beam electron has lost next to nothing
_EDGES, _SEEN = 1500, 2000  # energies of positrons, and of those that they seem to have on moving electrons
_SLOWEST, _FASTEST = 0.2, 3.0  # of the ratio of both


class Yield(NamedTuple):
    """Dark photons per beam particle above the missing energy, for epsilon = 1."""

    primary: float  # off the beam particle
    secondary: float  # off the electrons and positrons that it makes
    per_length: float  # [1/X0] at the beam's energy, without a threshold; NaN for a resonance
    error: float = 0.0  # of the total, of the statistics of a table of track lengths

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


def bremsstrahlung_yield(
    nuclei: Sequence[Nuclei], beam: float, mass: float, least: float, tracks: TrackTable | None = None
) -> Yield:
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
    tracks : TrackTable, optional
        Of simulated showers, instead of both forms.

    Raises
    ------
    ValueError
        If the mass is not where the cross section is known, ``least`` is not below the beam's energy, or the
        table does not reach down to the energies that count.
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
    per_length = _per_length(nuclei, mass, beam)
    if tracks is not None:
        own, others = (_summed(rate, tracks.above(kinds)(energy)) for kinds in (("beam",), _PAIRS))
        return _averaged(own, others, per_length)
    # lengths between two energies, not a density, which diverges at the beam's energy
    primary = _summed(rate, electron_track_lengths(beam, energy))
    secondary = np.trapezoid(rate * 2 * secondary_positron_track_density(beam, energy), energy)
    return Yield(float(primary), float(secondary), per_length)


def _summed(rate: Floats, above: Floats) -> Floats:
    """Return rates (n,) summed over tracks above energies (..., n) [X0]; the last rate holds beyond."""
    return np.asarray(
        rate[-1] * above[..., -1] - (0.5 * (rate[1:] + rate[:-1]) * np.diff(above)).sum(axis=-1)
    )


def _averaged(primary: Floats, secondary: Floats, per_length: float) -> Yield:
    """Return the mean of batches (n_batches,), with its error; one alone has none."""
    both = primary + secondary
    error = both.std(ddof=1) / np.sqrt(len(both)) if len(both) > 1 else 0.0
    return Yield(float(primary.mean()), float(secondary.mean()), per_length, float(error))


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
    tracks: TrackTable | None = None,
    atoms: tuple[Atoms, ...] = (),
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
    tracks : TrackTable, optional
        Of simulated showers, instead of the analytic form.
    atoms : tuple of Atoms
        Whose electrons move (`physics.electron_motion`); none: electrons at rest.

    Raises
    ------
    ValueError
        If the table does not reach down to the energies that count.
    """
    width_of, section = (
        (scalar_width, scalar_annihilation_section) if is_scalar else (invisible_width, annihilation_section)
    )
    width = 2 * width_of(mass, alpha_d, mass_ratio) / mass
    peak = resonance_energy(mass)
    near = peak * (1 + width * np.tan(np.linspace(-0.499, 0.499, _RESONANT) * np.pi))
    low, high = max(least, _SOFTEST * beam), beam * (1 - _CLOSEST)
    wide = beam * (1.0 - np.geomspace(_CLOSEST, 1.0 - low / beam, _RESONANT)[::-1])
    if atoms:
        seen = _seen_lengths(atoms, beam, low, tracks)
        low, high = float(seen.energy[0]), float(seen.energy[-1])
        wide = np.geomspace(low, high, _RESONANT)
    energy = np.unique(np.concatenate([near[(near > low) & (near < high)], wide]))
    rate = _SQUARE_CM * section(energy, mass, 1.0, alpha_d, mass_ratio)
    if atoms:
        made = [np.trapezoid(rate * _interpolated(energy, seen.energy, part), energy) for part in seen[1:]]
    elif tracks is not None:
        rate *= sum(n.electrons for n in nuclei)
        made = [_summed(rate, tracks.above((kind,))(energy)) for kind in ("beam", "positron")]
    else:
        rate *= sum(n.electrons for n in nuclei)
        densities = (electron_track_density, secondary_positron_track_density)
        made = [np.atleast_1d(np.trapezoid(rate * density(beam, energy), energy)) for density in densities]
    return _averaged(made[0] if is_positron else np.zeros_like(made[0]), made[1], float("nan"))


class _Seen(NamedTuple):
    """Track lengths of positrons by the energy that they seem to have on electrons at rest."""

    energy: Floats  # (n,) [GeV]
    primary: Floats  # (n_batches, n) [1/cm2/GeV] times the electrons, as if the beam were of positrons
    secondary: Floats  # the same


@lru_cache(maxsize=16)
def _seen_lengths(atoms: tuple[Atoms, ...], beam: float, least: float, tracks: TrackTable | None) -> _Seen:
    """Return what moving electrons see of positrons above an energy [GeV]; the same for all masses."""
    edges = np.append(np.geomspace(least, beam * (1 - _CLOSEST), _EDGES), beam)
    if tracks is not None:
        primary, secondary = (-np.diff(tracks.above((kind,))(edges)) for kind in ("beam", "positron"))
    else:
        primary = -np.diff(np.append(electron_track_lengths(beam, edges[:-1]), 0.0))[None, :]
        middle = 0.5 * (edges[1:] + edges[:-1])
        secondary = (secondary_positron_track_density(beam, middle) * np.diff(edges))[None, :]
    energy = np.geomspace(_SLOWEST * least, _FASTEST * beam, _SEEN)
    return _Seen(energy, *(seen_track_density(atoms, edges, part, energy) for part in (primary, secondary)))


def _interpolated(energy: Floats, known: Floats, values: Floats) -> Floats:
    """Return values (n_batches, n) at known energies, straight between them."""
    return np.array([np.interp(energy, known, row) for row in values])


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
