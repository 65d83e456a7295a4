"""One point of an exclusion curve: from runs, a model and a mass to the limits on its coupling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from limits.model import Channel, Nuisance, moving, shifted, symmetric
from limits.run_input import RunInput
from limits.signal import Model, Settings, expected_events, radiated, resonance, track_error
from limits.toys import Limits
from limits.upper import Method, upper_limits

__all__ = ["Point", "Problem", "channels_of", "limit_point", "project", "seed_of"]

_START = 1e-4  # coupling of the first guess
_EVENTS = 3.0  # of signal for the coupling of a workspace
_STEPS = 40
_CLOSE = 1e-3  # relative, of the coupling whose decays count


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What all points of a curve share."""

    runs: tuple[RunInput, ...]
    model: Model
    settings: Settings = field(default_factory=Settings)
    yield_error: float = 0.1  # relative, of the cross section and the dimuon comparison
    level: float = 0.90
    method: Method = "auto"
    n_toys: int = 10_000
    seed: int = 1


class Point(NamedTuple):
    """Limits on the coupling at a mass."""

    mass: float  # [GeV]
    observed: float | None  # None: blinded
    expected: tuple[float, ...]  # at -2, -1, 0, 1 and 2 standard deviations
    events: float  # signal in all runs at the limit: the observed one, else the median expected
    reference: float  # coupling of `signal`
    signal: tuple[float, ...]  # of the runs, all bins together
    efficiency: tuple[float, ...]  # of the runs
    track_length: float  # [X0] effective, of the first run's beam; NaN for muons
    resonant: float  # share of resonant production in the first run
    method: str

    @property
    def best(self) -> float:
        """Return the observed limit, or the median expected one."""
        return self.expected[2] if self.observed is None else self.observed


def seed_of(seed: int, mass: float) -> int:
    """Return the seed of a point: by its mass, so that order and other points do not matter."""
    state = np.random.SeedSequence([seed, round(mass * 1e12)]).generate_state(1, np.uint64)
    return int(state[0])


def channels_of(problem: Problem, mass: float, coupling: float) -> list[Channel]:
    """
    Return the channels of a mass and a coupling, one per run and bin.

    Nuisances: ``yield`` of all runs, ``track_length_SETUP`` of the statistics of simulated showers,
    ``efficiency_SETUP`` of those of the signal's simulation, ``scale`` and ``selection`` of the variations,
    ``dimuon_RUN`` where the yield is corrected, ``background_RUN`` and ``extrapolation``.
    """
    found = []
    for run in problem.runs:
        signal = expected_events(run, problem.model, problem.settings, mass, coupling)
        of_signal, of_background = _nuisances(problem, run, mass)
        many = len(signal) > 1
        for index, (s, b) in enumerate(zip(signal, run.background.values, strict=True)):
            found.append(
                Channel(
                    name=f"{run.name}_{index}" if many else run.name,
                    signal=float(s),
                    background=b,
                    observed=None if run.observed is None else run.observed[index],
                    signal_nuisances=of_signal,
                    background_nuisances=of_background if b > 0 else (),
                )
            )
    return found


def _nuisances(
    problem: Problem, run: RunInput, mass: float
) -> tuple[tuple[Nuisance, ...], tuple[Nuisance, ...]]:
    """Return those of the signal and of the background; what moves nothing is left out."""
    value, low, high = run.correction
    signal = (
        symmetric("yield", problem.yield_error),
        symmetric(f"track_length_{run.setup}", track_error(run, problem.model, problem.settings, mass)),
        symmetric(f"efficiency_{run.setup}", run.radiated.at(mass)[1]),
        shifted("scale", *run.radiated.scale),
        shifted("selection", *run.radiated.selection),
        Nuisance(f"dimuon_{run.name}", low / value, high / value),
    )
    background = (
        Nuisance(f"background_{run.name}", *run.background.own),
        Nuisance("extrapolation", *run.background.shared),
    )
    return moving(signal), moving(background)


def limit_point(problem: Problem, mass: float) -> Point:
    """
    Return the limits on the coupling at a mass [GeV].

    Where the boson's decays depend on the coupling, the model is made for the coupling of the limit itself,
    by iteration; of the expected band, the signal grows as the sum of all runs does.

    Parameters
    ----------
    problem : Problem
    mass : float [GeV]

    Raises
    ------
    ModelError
        If the mass is out of the range that is known, or a run does not fit to the model.
    """

    def total(coupling: float) -> float:
        return float(sum(s.signal for s in channels_of(problem, mass, coupling)))

    seed = seed_of(problem.seed, mass)
    reference = _grow(total, _START, _EVENTS)
    for _ in range(_STEPS):
        channels = channels_of(problem, mass, reference)
        limits = upper_limits(
            channels, level=problem.level, method=problem.method, n_toys=problem.n_toys, seed=seed
        )
        signal = sum(channel.signal for channel in channels)
        best = limits.expected[2] if limits.observed is None else limits.observed
        if problem.model.lost is None:
            break
        closer = _grow(total, reference, best * signal)
        is_there = abs(closer / reference - 1) < _CLOSE or not math.isfinite(closer)
        reference = closer if math.isfinite(closer) else reference
        if is_there:
            break
    return _point(problem, mass, reference, limits, total)


def _grow(total: Callable[[float], float], start: float, wanted: float) -> float:
    """Return the least coupling with so many events; NaN if there is none below 10."""
    here = total(start)
    if not here > 0 or not math.isfinite(wanted):
        return float("nan") if here > 0 else start
    coupling = start * math.sqrt(wanted / here)  # exact where nothing decays
    for _ in range(60):
        here = total(coupling)
        if abs(here / wanted - 1) < 1e-6:
            return coupling
        coupling *= math.sqrt(wanted / here) if here > 0 else 0.5
        if coupling > 10:
            return float("nan")
    return coupling


def _point(
    problem: Problem, mass: float, reference: float, limits: Limits, total: Callable[[float], float]
) -> Point:
    channels = channels_of(problem, mass, reference)
    signal = sum(channel.signal for channel in channels)

    def coupling(strength: float | None) -> float | None:
        return None if strength is None else _grow(total, reference, strength * signal)

    expected = tuple(coupling(strength) or float("nan") for strength in limits.expected)
    best = limits.expected[2] if limits.observed is None else limits.observed
    first = problem.runs[0]
    length, resonant = float("nan"), 0.0
    if not first.is_muon:
        made = radiated(first.beam, mass, first.least)
        length = made.track_length
        if problem.settings.with_resonance:
            other = resonance(
                first.beam, mass, first.least, problem.settings, is_narrow=problem.model.is_narrow
            ).total
            resonant = other / (other + made.total)
    return Point(
        mass=mass,
        observed=coupling(limits.observed),
        expected=expected,
        events=float(best * signal),
        reference=reference,
        signal=tuple(
            float(expected_events(run, problem.model, problem.settings, mass, reference).sum())
            for run in problem.runs
        ),
        efficiency=tuple(float(run.radiated.at(mass)[0].sum()) for run in problem.runs),
        track_length=length,
        resonant=float(resonant),
        method=limits.method,
    )


def project(problem: Problem, mass: float, factors: Sequence[float]) -> list[tuple[float, float, float]]:
    """
    Return what more exposure would give: particles on target, median limit, and that without background.

    Parameters
    ----------
    problem : Problem
    mass : float [GeV]
    factors : sequence of float
        Of the exposure of all runs; the background grows as much, its relative error stays.
    """
    found = []
    for factor in factors:
        runs = tuple(run.scaled(factor) for run in problem.runs)
        empty = tuple(
            replace(run, background=replace(run.background, values=tuple(0.0 for _ in run.background.values)))
            for run in runs
        )
        both = [limit_point(replace(problem, runs=chosen), mass).expected[2] for chosen in (runs, empty)]
        found.append((sum(run.exposure for run in runs), both[0], both[1]))
    return found
