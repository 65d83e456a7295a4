"""
The statistical model: one counting channel per run, nuisances with normal constraints, as a pyhf workspace.

The HistFactory model (K. Cranmer et al., CERN-OPEN-2012-016) in the JSON form of L. Heinrich et al., JOSS 6
(2021) 2823, which pyhf and cabinetry read. The parameter of interest ``mu`` multiplies the signal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Channel",
    "ModelError",
    "Nuisance",
    "counts_of",
    "make_channel",
    "moving",
    "shifted",
    "symmetric",
    "workspace",
]

_LEAST_FACTOR = 0.05  # of a lower end: a factor of 0 has no logarithm


class ModelError(ValueError):
    """A model cannot be made of what was given."""


@dataclass(frozen=True, slots=True)
class Nuisance:
    """A relative uncertainty: its factors one deviation down and up; equal names are one parameter."""

    name: str
    low: float
    high: float


def shifted(name: str, down: float, up: float) -> Nuisance:
    """Return the nuisance of relative shifts down and up, both above 0."""
    return Nuisance(name, 1 / (1 + down), 1 + up)


def symmetric(name: str, error: float) -> Nuisance:
    """Return the nuisance of a relative error."""
    return shifted(name, error, error)


def moving(nuisances: Iterable[Nuisance]) -> tuple[Nuisance, ...]:
    """Return the nuisances that move anything."""
    return tuple(one for one in nuisances if not one.low == one.high == 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A run: what is expected in the signal box and what was seen."""

    name: str
    signal: float  # events for mu = 1
    background: float  # events
    observed: int | None = None  # None: blinded
    signal_nuisances: tuple[Nuisance, ...] = ()
    background_nuisances: tuple[Nuisance, ...] = ()


def make_channel(
    name: str,
    signal: float,
    background: tuple[float, float, float],
    *,
    observed: int | None = None,
    errors: Sequence[Nuisance] = (),
) -> Channel:
    """
    Make a channel of an estimate of the background and its 68% interval.

    A constraint of factors needs ends above 0: an estimate of 0 stands as half of its upper end
    within a factor of 2, so that the upper end is kept, and a lower end is at least 5% of the estimate.

    Parameters
    ----------
    name : str
    signal : float
        Events for mu = 1.
    background : (float, float, float)
        Estimate, lower and upper end; three zeros for none at all.
    observed : int, optional
    errors : sequence of Nuisance
        Of the signal.

    Raises
    ------
    ModelError
        If a number is negative, not finite, or outside of its interval.
    """
    value, low, high = background
    if not (0 <= low <= value <= high and math.isfinite(high) and signal >= 0 and math.isfinite(signal)):
        msg = (
            f"channel '{name}': signal and background must be finite and not negative, and the background "
            f"within its interval; got signal {signal}, background {value} from {low} to {high}"
        )
        raise ModelError(msg)
    nuisances: tuple[Nuisance, ...] = ()
    if value == 0 < high:
        value, low = 0.5 * high, 0.25 * high
    if value > 0 and high > low:
        nuisances = (Nuisance(f"background_{name}", max(low / value, _LEAST_FACTOR), high / value),)
    return Channel(
        name=name,
        signal=signal,
        background=value,
        observed=observed,
        signal_nuisances=tuple(errors),
        background_nuisances=nuisances,
    )


def counts_of(channels: Sequence[Channel]) -> list[float]:
    """Return the events of each channel: those seen, or the background of all if any of them is blinded."""
    seen = [float(c.observed) for c in channels if c.observed is not None]
    return seen if len(seen) == len(channels) else [c.background for c in channels]


def workspace(channels: Sequence[Channel], observed: Sequence[float]) -> dict[str, Any]:
    """
    Return the workspace of a model, as plain values for JSON.

    Parameters
    ----------
    channels : sequence of Channel
    observed : sequence of float
        Events in each, as of `counts_of`.

    Raises
    ------
    ModelError
        If there is no channel, or two have the same name.
    """
    names = [channel.name for channel in channels]
    if not names or len(set(names)) < len(names):
        msg = f"a model needs channels of different names, got: {', '.join(names) or 'none'}"
        raise ModelError(msg)
    return {
        "version": "1.0.0",
        "channels": [{"name": c.name, "samples": _samples(c)} for c in channels],
        "observations": [{"name": name, "data": [float(n)]} for name, n in zip(names, observed, strict=True)],
        "measurements": [{"name": "limit", "config": {"poi": "mu", "parameters": []}}],
    }


def _samples(channel: Channel) -> list[dict[str, Any]]:
    strength = {"name": "mu", "type": "normfactor", "data": None}
    signal = [strength, *(_modifier(nuisance) for nuisance in channel.signal_nuisances)]
    return [
        {"name": "signal", "data": [channel.signal], "modifiers": signal},
        {
            "name": "background",
            "data": [channel.background],
            "modifiers": [_modifier(nuisance) for nuisance in channel.background_nuisances],
        },
    ]


def _modifier(nuisance: Nuisance) -> dict[str, Any]:
    return {"name": nuisance.name, "type": "normsys", "data": {"hi": nuisance.high, "lo": nuisance.low}}
