"""
Models of the signal: how many events a run expects of a mass and a coupling.

N = sum over runs of n_EOT efficiency n(coupling, mass): Y. Andreev et al. (NA64), Phys. Rev. Lett. 129 (2022)
161801, eq. (7) and (8), with B - L and L_mu - L_tau bosons lost where their decays to charged leptons are
seen, ``exp(-path / (hbar c p / (m Gamma)))``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from limits.model import ModelError
from limits.run_input import Beam, RunInput
from limits.yields import Yield, bremsstrahlung_yield, mean_energy, muon_yield, resonant_yield
from physics.boson_decays import (
    b_minus_l_invisible_share,
    b_minus_l_width,
    epsilon_of_coupling,
    l_mu_tau_epsilon,
    l_mu_tau_width,
    neutrino_width,
    survival,
)
from physics.relic import DarkMatter

__all__ = ["MODELS", "Model", "Settings", "expected_events", "radiated", "resonance", "track_error"]

Floats = npt.NDArray[np.float64]

_NARROW = 1e-4  # alpha_D of a resonance whose own width does not matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the dark sector is, beside its mass and coupling."""

    alpha_d: float = 0.1
    mass_ratio: float = 1 / 3  # m_chi / m_A'
    dark_matter: DarkMatter = "dirac"
    with_resonance: bool = True
    electron_motion: bool = False  # of atoms, in resonant production


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A hypothesis with one coupling."""

    name: str
    title: str
    symbol: str  # of the coupling, for tables
    mathematical: str  # the same for figures
    boson: str  # of the mass, for figures
    mixing: Callable[[float], float]  # coupling -> epsilon of a dark photon that electrons radiate as often
    lost: Callable[[float, float, float, float], float] | None = None  # mass, coupling, energy, path -> share
    is_narrow: bool = False
    beams: tuple[str, ...] = ("e-", "e+")


def _identity(coupling: float) -> float:
    return coupling


def _b_minus_l_lost(mass: float, coupling: float, energy: float, path: float) -> float:
    """Return the share of B - L bosons that decay to charged leptons on their path [mm]."""
    seen = 1.0 - survival(mass, energy, b_minus_l_width(mass, coupling), path)
    return (1.0 - b_minus_l_invisible_share(mass)) * seen


def _l_mu_tau_lost(mass: float, coupling: float, energy: float, path: float) -> float:
    """Return the share of L_mu - L_tau bosons that decay to charged leptons on their path [mm]."""
    width = l_mu_tau_width(mass, coupling)
    charged = 1.0 - neutrino_width(mass, coupling, 2) / width
    return charged * (1.0 - survival(mass, energy, width, path))


MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model(
            name="invisible",
            title="dark photon, invisible decays",
            symbol="epsilon",
            mathematical=r"$\varepsilon$",
            boson="A'",
            mixing=_identity,
        ),
        Model(
            name="b-l",
            title="B - L boson",
            symbol="g_B-L",
            mathematical="$g_{B-L}$",
            boson="Z'",
            mixing=epsilon_of_coupling,
            lost=_b_minus_l_lost,
            is_narrow=True,
        ),
        Model(
            name="lmu-ltau",
            title="L_mu - L_tau boson",
            symbol="g_mu",
            mathematical=r"$g_{\mu}$",
            boson="Z'",
            mixing=l_mu_tau_epsilon,
            lost=_l_mu_tau_lost,
            is_narrow=True,
            beams=("e-", "e+", "mu-", "mu+"),
        ),
    )
}


@lru_cache(maxsize=4096)
def radiated(beam: Beam, mass: float, least: float) -> Yield:
    """Return the bosons that electrons radiate; see `limits.yields.bremsstrahlung_yield`."""
    return bremsstrahlung_yield(beam.nuclei, beam.energy, mass, least, beam.tracks)


@lru_cache(maxsize=4096)
def resonance(beam: Beam, mass: float, least: float, settings: Settings, *, is_narrow: bool) -> Yield:
    """Return the bosons that positrons become; see `limits.yields.resonant_yield`."""
    is_scalar = settings.dark_matter in {"scalar", "majorana"} and not is_narrow
    twice = (
        2.0 if settings.dark_matter == "majorana" else 1.0
    )  # half as wide as a Dirac fermion's, twice a scalar's
    return resonant_yield(
        beam.nuclei,
        beam.energy,
        mass,
        least,
        alpha_d=_NARROW if is_narrow else twice * settings.alpha_d,
        mass_ratio=settings.mass_ratio,
        is_positron=beam.particle == "e+",
        is_scalar=is_scalar,
        tracks=beam.tracks,
        atoms=beam.atoms if settings.electron_motion else (),
    )


def track_error(run: RunInput, model: Model, settings: Settings, mass: float) -> float:
    """
    Return the relative error of the events that a run expects, of the statistics of its track lengths.

    Errors of what is radiated and of the resonance add up, since both come from the same showers; 0 for the
    analytic form and for muons.

    Parameters
    ----------
    run, model, settings, mass
        As for `expected_events`.
    """
    if run.is_muon or run.beam.tracks is None:
        return 0.0
    parts = [radiated(run.beam, mass, run.least)]
    if settings.with_resonance:
        parts.append(resonance(run.beam, mass, run.least, settings, is_narrow=model.is_narrow))
    return sum(part.error for part in parts) / sum(part.total for part in parts)


def expected_events(run: RunInput, model: Model, settings: Settings, mass: float, coupling: float) -> Floats:
    """
    Return the events that a run expects in the bins of its signal box, (n_bins,).

    Parameters
    ----------
    run : RunInput
    model : Model
    settings : Settings
    mass : float [GeV]
    coupling : float

    Raises
    ------
    ModelError
        If the beam does not make this signal, or the mass is not where the cross section is known.
    """
    if run.beam.particle not in model.beams:
        msg = (
            f"{run.name} has a beam of {run.beam.particle}, and model '{model.name}' is for "
            f"{', '.join(model.beams)}"
        )
        raise ModelError(msg)
    efficiency, _ = run.radiated.at(mass)
    if run.is_muon:
        per_square = muon_yield(run.beam.nuclei, run.beam.energy, mass, run.least, run.beam.thickness)
        made = efficiency * per_square * coupling**2
    else:
        try:
            made = efficiency * radiated(run.beam, mass, run.least).total
        except ValueError as error:
            raise ModelError(str(error)) from error
        if settings.with_resonance:
            own = efficiency
            if run.resonant is not None and run.resonant.covers(mass):
                own, _ = run.resonant.at(mass)
            share = resonance(run.beam, mass, run.least, settings, is_narrow=model.is_narrow)
            made = made + own * share.total
        made = made * model.mixing(coupling) ** 2
    if model.lost is not None:
        energy = run.least if run.is_muon else mean_energy(mass, run.beam.energy, run.least)
        made = made * (1.0 - model.lost(mass, coupling, max(energy, 1.01 * mass), run.beam.path))
    return np.asarray(run.exposure * run.correction[0] * made)
