"""From what a user asks for to a simulation that can be run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from datasets.config import ConfigError, nearest
from datasets.simulation.generator import Simulation
from datasets.simulation.mixture import Component, Mixture, TriggerName, load_mixture, shares
from datasets.simulation.process import Process, Yield
from datasets.simulation.processes import PROCESSES
from datasets.simulation.stack import build_stack
from recon.geometry import Setup

__all__ = ["MIXTURE", "describe", "parse_changes", "plan"]

MIXTURE = "mixture"  # in place of the name of a process


def plan(
    setup: Setup,
    process: str,
    *,
    mixture: str | None = None,
    changes: Mapping[str, float] | None = None,
    seed: int = 1,
    trigger: TriggerName | None = None,
    has_pile_up: bool = True,
) -> Simulation:
    """
    Make a simulation of one process or of a mixture.

    Parameters
    ----------
    setup : Setup
    process : str
        Name of a process, or "mixture".
    mixture : str, optional
        Name or path of the mixture; the default one if none is given.
    changes : mapping, optional
        Parameters of the process that replace its defaults.
    seed : int
    trigger : "physics", "beam" or "none", optional
        What events must pass: counters and energies, counters alone, or nothing. None: as the mixture says;
        for a process alone nothing.
    has_pile_up : bool

    Raises
    ------
    ConfigError
        If a process, a mixture or a parameter is not known, or the setup cannot be simulated.
    """
    if process != MIXTURE and mixture is not None:
        msg = f"--mixture goes with the process '{MIXTURE}', not with '{process}'"
        raise ConfigError(msg)
    chosen = load_mixture(mixture or "default") if process == MIXTURE else _alone(process)
    if process == MIXTURE and changes:
        msg = (
            f"parameters are set for one process; those of a mixture stand in its file ({', '.join(changes)})"
        )
        raise ConfigError(msg)
    processes = tuple(find_process(component.process) for component in chosen.components)
    parameters = tuple(
        _parameters(kind, {**component.parameters, **(changes or {})})
        for kind, component in zip(processes, chosen.components, strict=True)
    )
    triggers = tuple(trigger or component.trigger or chosen.trigger for component in chosen.components)
    _check(setup, triggers, has_pile_up=has_pile_up)
    rates = tuple(
        _recorded(_rate(kind, setup, values), component.prescale)
        for kind, values, component in zip(processes, parameters, chosen.components, strict=True)
    )
    return Simulation(
        setup=setup,
        name=chosen.name,
        processes=processes,
        parameters=parameters,
        rates=rates,
        sampling=shares(chosen, rates),
        seed=seed,
        triggers=triggers,
        has_pile_up=has_pile_up,
    )


def _rate(kind: Process, setup: Setup, parameters: Mapping[str, float]) -> Yield:
    """Return how often a process happens; parameters out of range are the user's mistake."""
    try:
        return kind.rate(setup, parameters)
    except ValueError as error:
        msg = f"process {kind.name}: {error}"
        raise ConfigError(msg) from error


def _recorded(rate: Yield, prescale: float) -> Yield:
    """Return how often an event is recorded, given how often it happens."""
    if prescale == 1:
        return rate
    return Yield(rate.value / prescale, f"{rate.source}; one of {prescale:g} is recorded")


def find_process(name: str) -> Process:
    """
    Return a process by name.

    Raises
    ------
    ConfigError
        With the nearest name.
    """
    if name not in PROCESSES:
        known = ", ".join([*PROCESSES, MIXTURE])
        msg = f"unknown process '{name}'{nearest(name, [*PROCESSES, MIXTURE]) or '.'} Processes: {known}"
        raise ConfigError(msg)
    return PROCESSES[name]


def parse_changes(texts: Sequence[str]) -> dict[str, float]:
    """
    Read `KEY=VALUE` texts.

    Raises
    ------
    ConfigError
        If one of them is no such text.
    """
    changes: dict[str, float] = {}
    for text in texts:
        key, _, value = (part.strip() for part in text.partition("="))
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not key or not math.isfinite(number):
            msg = f"--set takes KEY=NUMBER, got '{text}'"
            raise ConfigError(msg)
        if key in changes:
            msg = f"--set gives {key} twice: {changes[key]:g} and {number:g}"
            raise ConfigError(msg)
        changes[key] = number
    return changes


def describe(simulation: Simulation) -> list[dict[str, Any]]:
    """Return what a file says of each process: name, code, fraction, weight, yield and parameters."""
    sampling = simulation.sampling
    rows = []
    for index, (kind, values) in enumerate(zip(simulation.processes, simulation.parameters, strict=True)):
        rate = simulation.rates[index]
        rows.append(
            {
                "name": kind.name,
                "code": kind.code,
                "fraction": float(sampling.fractions[index]),
                "weight": float(sampling.weights[index]),
                "yield": rate.value,
                "source": rate.source,
                "trigger": simulation.triggers[index],
                "parameters": dict(values),
            }
        )
    return rows


def _alone(process: str) -> Mixture:
    """Return a process alone as a mixture."""
    kind = find_process(process)
    return Mixture(
        name=kind.name,
        title=kind.title,
        components=(Component(process=kind.name, fraction=1.0, parameters={}),),
        trigger="none",
    )


def _parameters(kind: Process, changes: Mapping[str, float]) -> dict[str, float]:
    unknown = [name for name in changes if name not in kind.parameters]
    if unknown:
        known = ", ".join(kind.parameters) or "none"
        hint = nearest(unknown[0], kind.parameters) or "."
        msg = f"process {kind.name} has no parameter '{unknown[0]}'{hint} Parameters: {known}"
        raise ConfigError(msg)
    senseless = {name: value for name, value in changes.items() if not value > 0}
    if senseless:
        name, value = next(iter(senseless.items()))
        msg = f"parameter {name} of process {kind.name} must be above 0, got {value:g}"
        raise ConfigError(msg)
    return {**kind.parameters, **changes}


def _check(setup: Setup, triggers: Sequence[TriggerName], *, has_pile_up: bool) -> None:
    """Refuse what the setup does not say enough for."""
    try:
        build_stack(setup)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    asked = setup.trigger
    if set(triggers) != {"none"} and not (asked.limits or asked.beam_limits or asked.counters):
        msg = (
            f"setup {setup.name} has no trigger; give --trigger none, or add 'trigger: {{limits: ...}}' to it"
        )
        raise ConfigError(msg)
    if has_pile_up and not setup.beam.intensity:
        msg = (
            f"setup {setup.name} says nothing of the beam's intensity, so there is no pile-up; give "
            f"--no-pile-up, or add 'intensity' to its beam"
        )
        raise ConfigError(msg)
