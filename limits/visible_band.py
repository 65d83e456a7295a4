"""
The band of epsilon that visible decays exclude: runs of one or more setups, each with its own acceptance.

A point of the plane of mass and epsilon is excluded where CLs of its signal is below 1 - level. The limit on
the events of all runs together depends on their shares of the signal alone: it is found once for each share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from limits.model import Channel, ModelError, Nuisance, moving, shifted, symmetric
from limits.run_input import BinnedBackground
from limits.toys import BAND
from limits.upper import Method, upper_limits
from limits.visible import DecayEfficiency, DenseTarget, visible_yield

__all__ = [
    "Allowed",
    "Band",
    "Count",
    "Edges",
    "VisibleSetup",
    "allowed_events",
    "visible_band",
    "visible_channels",
]

Floats = npt.NDArray[np.float64]

_EPSILONS = 120
_LOWEST, _HIGHEST = 1e-6, 1e-1  # of the scan of epsilon
_SHARES = 40  # steps of the share of a setup in the signal: the limit on the events moves by 1% at most
_LEAST = 1e-300  # events: the logarithm of the scan stays finite


class Count(NamedTuple):
    """A run, or a projection."""

    name: str
    exposure: float  # particles on target
    background: BinnedBackground  # of one bin
    observed: int | None = None  # None: blinded


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleSetup:
    """The runs of one setup, which share target and efficiency."""

    target: DenseTarget
    efficiency: DecayEfficiency
    counts: tuple[Count, ...]

    @property
    def exposure(self) -> float:
        """Return the particles on target of all runs."""
        return sum(count.exposure for count in self.counts)

    def events(self, mass: float, epsilon: float) -> float:
        """Return the events that are expected of a mass [GeV] and epsilon."""
        made = visible_yield(self.target, mass, epsilon)
        return self.exposure * self.efficiency.at(mass, epsilon) * made


class Edges(NamedTuple):
    """From the lower to the upper epsilon; NaN where nothing is excluded."""

    lower: float
    upper: float


class Band(NamedTuple):
    """What is excluded at a mass: what runs without a signal would exclude, and what the data do."""

    mass: float  # [GeV]
    expected: tuple[Edges, ...]  # at -2, -1, 0, 1 and 2 standard deviations of what is seen
    observed: Edges | None  # None: blinded
    reference: float  # the best epsilon, of which most events are expected
    events: tuple[float, ...]  # of the setups at the best epsilon

    @property
    def median(self) -> Edges:
        """Return the edges that are expected in the median."""
        return self.expected[BAND.index(0)]

    @property
    def most(self) -> float:
        """Return the events of all setups at the best epsilon."""
        return sum(self.events)

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the shares of the setups in these."""
        return tuple(events / self.most for events in self.events)


class Allowed(NamedTuple):
    """Upper limits on the events of all runs together."""

    expected: tuple[float, ...]  # at the five places of `limits.toys.BAND`
    observed: float | None


def allowed_events(
    setups: Sequence[VisibleSetup],
    *,
    yield_error: float,
    level: float,
    method: Method = "auto",
    n_toys: int = 10_000,
    seed: int = 1,
) -> Callable[[Floats], Allowed]:
    """
    Return the limits on the events as a function of the shares of the setups, (n_setups,), in steps of 1/40.

    Parameters
    ----------
    setups : sequence of VisibleSetup
    yield_error : float
        Relative, of all setups together.
    level, method, n_toys, seed
        See `limits.upper.upper_limits`.

    Raises
    ------
    ModelError
        If some runs are blinded and others are not, or there is none.
    """
    states = {count.observed is None for setup in setups for count in setup.counts}
    if len(states) != 1:
        msg = f"a band is of closed or of opened runs, got {'both' if states else 'none'}"
        raise ModelError(msg)
    found: dict[tuple[int, ...], Allowed] = {}

    def allowed(shares: Floats) -> Allowed:
        key = tuple(int(n) for n in np.rint(_SHARES * shares))
        if key not in found:
            channels = visible_channels(setups, np.array(key) / sum(key), yield_error=yield_error)
            limits = upper_limits(channels, level=level, method=method, n_toys=n_toys, seed=seed)
            found[key] = Allowed(limits.expected, limits.observed)
        return found[key]

    return allowed


def visible_channels(
    setups: Sequence[VisibleSetup], events: Sequence[float] | Floats, *, yield_error: float
) -> list[Channel]:
    """
    Return a channel per run.

    Nuisances are those of `limits.scan.channels_of`: ``yield``, ``efficiency_SETUP``, ``scale`` and
    ``selection``, ``background_RUN`` and ``extrapolation``.

    Parameters
    ----------
    setups : sequence of VisibleSetup
    events : (n_setups,) float
        Of signal, which the runs of a setup share as their exposures.
    yield_error : float
        Relative, of all setups together.
    """
    channels = []
    for setup, signal in zip(setups, events, strict=True):
        found = setup.efficiency
        of_signal = moving(
            (
                symmetric("yield", yield_error),
                symmetric(f"efficiency_{setup.target.name}", found.error),
                shifted("scale", *found.scale),
                shifted("selection", *found.selection),
            )
        )
        for count in setup.counts:
            (background,) = count.background.values
            of_background = moving(
                (
                    Nuisance(f"background_{count.name}", *count.background.own),
                    Nuisance("extrapolation", *count.background.shared),
                )
            )
            channels.append(
                Channel(
                    name=count.name,
                    signal=float(signal * count.exposure / setup.exposure),
                    background=background,
                    observed=count.observed,
                    signal_nuisances=of_signal,
                    background_nuisances=of_background if background > 0 else (),
                )
            )
    return channels


def visible_band(setups: Sequence[VisibleSetup], mass: float, allowed: Callable[[Floats], Allowed]) -> Band:
    """
    Return the bands of epsilon in which more events are expected than are allowed.

    Parameters
    ----------
    setups : sequence of VisibleSetup
    mass : float [GeV]
        Above twice the electron's.
    allowed : callable
        Of `allowed_events`.
    """

    @cache  # limits that are equal, as without a background, have the same edges
    def expect(epsilon: float) -> Floats:
        return np.array([setup.events(mass, epsilon) for setup in setups])

    scan = np.geomspace(_LOWEST, _HIGHEST, _EPSILONS)
    expected = np.array([expect(float(e)) for e in scan])
    at = int(np.argmax(expected.sum(axis=1)))
    best = expected[at]

    def edges(limit: Callable[[Allowed], float | None]) -> Edges:
        def excess(events: Floats) -> float:
            total = float(events.sum())
            most = limit(allowed(events / total)) if total > _LEAST else None
            if most is None or not np.isfinite(most):  # without a limit nothing is excluded
                return float(np.log(_LEAST))
            return float(np.log(total / most))

        return _edges(scan, np.array([excess(row) for row in expected]), lambda e: excess(expect(e)))

    is_open = allowed(best / best.sum()).observed is not None
    return Band(
        mass=mass,
        expected=tuple(edges(_at(index)) for index in range(len(BAND))),
        observed=edges(lambda limits: limits.observed) if is_open else None,
        reference=float(scan[at]),
        events=tuple(float(n) for n in best),
    )


def _at(index: int) -> Callable[[Allowed], float]:
    return lambda limits: limits.expected[index]


def _edges(scan: Floats, excess: Floats, at: Callable[[float], float]) -> Edges:
    """Return the outermost epsilons at which a function that was scanned crosses 0."""
    above = np.flatnonzero(excess > 0)
    if not len(above):
        return Edges(float("nan"), float("nan"))

    def root(low: int, high: int) -> float:
        ends = np.log(scan[[low, high]])
        return float(np.exp(brentq(lambda x: at(float(np.exp(x))), *ends, xtol=1e-4)))

    first, last = int(above[0]), int(above[-1])
    return Edges(
        root(first - 1, first) if first > 0 else float(scan[0]),
        root(last, last + 1) if last + 1 < len(scan) else float(scan[-1]),
    )
