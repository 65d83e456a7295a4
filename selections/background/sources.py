"""Sources of background and their sum."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from selections.background.extrapolation import Extrapolation
from selections.background.intervals import Interval, add, join_errors, weighted_interval
from selections.background.plane import Sum

__all__ = ["Benchmark", "Estimate", "Source", "benchmark", "from_side_band", "from_simulation", "total"]


class Source(NamedTuple):
    """A source as a table names it."""

    name: str
    label: str
    in_total: bool  # False: a comparison, which a side band holds already


class Estimate(NamedTuple):
    """Events that are expected in the closed region from one source."""

    source: Source
    method: str
    statistical: Interval
    systematics: Mapping[str, tuple[float, float]]  # name -> (down, up), events

    @property
    def systematic(self) -> tuple[float, float]:
        """Return the systematic errors down and up, in quadrature."""
        return math.hypot(*(s[0] for s in self.systematics.values())), math.hypot(
            *(s[1] for s in self.systematics.values())
        )

    @property
    def interval(self) -> Interval:
        """Return the estimate with the interval of all errors."""
        return join_errors(self.statistical, self.systematics.values())


class Benchmark(NamedTuple):
    """Dimuons in the data over dimuons in the simulation, in area I."""

    observed: int
    others: float  # expected from other processes, of the data's exposure
    predicted: float  # dimuons, of the data's exposure
    ratio: Interval | None  # None where it cannot be measured


def from_side_band(source: Source, found: Extrapolation) -> Estimate:
    """Return the estimate of a side band."""
    fit = found.nominal
    method = f"fit of {fit.events} events from {fit.window[0]:g} to {fit.window[1]:g} GeV, {fit.shape.name}"
    return Estimate(
        source, method, fit.expected, {"fit range": found.range_errors, "shape": found.model_errors}
    )


def benchmark(observed: int, predicted: Interval, others: Sequence[Interval]) -> Benchmark:
    """
    Compare dimuons in data and simulation.

    Parameters
    ----------
    observed : int
        Events of the data in area I.
    predicted : Interval
        Dimuons of the simulation there, scaled to the data's exposure.
    others : sequence of Interval
        Other processes of the simulation there, scaled likewise; they are taken off.

    Returns
    -------
    Benchmark
        Without a ratio where data or simulation have no dimuons.
    """
    beside = add(others) if others else Interval(0.0, 0.0, 0.0)
    if observed == 0 or predicted.value <= 0 or observed <= beside.value:
        return Benchmark(observed, beside.value, predicted.value, None)
    seen = weighted_interval(float(observed), float(observed), 1.0)
    pairs = seen.value - beside.value
    errors = [seen.errors, beside.errors[::-1]]
    numerator = join_errors(Interval(pairs, pairs, pairs), errors)
    ratio = numerator.value / predicted.value
    relative = [
        (ratio * numerator.errors[0] / pairs, ratio * numerator.errors[1] / pairs),
        (ratio * predicted.errors[1] / predicted.value, ratio * predicted.errors[0] / predicted.value),
    ]
    return Benchmark(
        observed, beside.value, predicted.value, join_errors(Interval(ratio, ratio, ratio), relative)
    )


def from_simulation(
    source: Source,
    found: Sum,
    *,
    scale: float,
    mean_weight: float,
    systematics: Mapping[str, float],
    factors: Mapping[str, Interval] | None = None,
) -> Estimate:
    """
    Return the estimate of a simulated process.

    Parameters
    ----------
    source : Source
    found : Sum
        Of the closed region.
    scale : float
        Particles on target of the data over those of the simulation.
    mean_weight : float
        Of a simulated event; what one event would count where there is none.
    systematics : mapping
        Name -> relative error, of the estimate or, where that is 0, of its upper end.
    factors : mapping, optional
        Name -> measured factor above 0 that the simulation lacks; its error is a systematic one.

    Raises
    ------
    ValueError
        If a factor is not above 0: of an upper limit give the limit as value, and 0 as lower end.
    """
    known = dict(factors or {})
    wrong = {name: factor.value for name, factor in known.items() if not factor.value > 0}
    if wrong:
        msg = f"factors must be above 0, got {wrong}; of an upper limit give the limit, with 0 as lower end"
        raise ValueError(msg)
    weights = weighted_interval(found.total, found.squares, mean_weight)
    statistical = weights.scaled(scale * math.prod(factor.value for factor in known.values()))
    named: dict[str, tuple[float, float]] = {}
    size = statistical.value or statistical.high
    for name, factor in known.items():
        down, up = (error / factor.value for error in factor.errors)
        named[name] = (down * statistical.value, up * size)
    for name, relative in systematics.items():
        named[name] = (relative * statistical.value, relative * size)
    times = "".join(f" × {name}" for name in known)
    return Estimate(source, f"simulation{times}", statistical, named)


def total(estimates: Sequence[Estimate]) -> Estimate:
    """Return the sum of the estimates that count; errors in quadrature, sources being independent."""
    parts = [estimate for estimate in estimates if estimate.source.in_total]
    down = math.hypot(*(part.systematic[0] for part in parts))
    up = math.hypot(*(part.systematic[1] for part in parts))
    source = Source("total", "total", in_total=True)
    return Estimate(source, "sum", add([part.statistical for part in parts]), {"all": (down, up)})
