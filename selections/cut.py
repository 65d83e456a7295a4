"""Cuts that fail closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Cut", "Events", "Mask", "Plot", "build_cuts", "decidable", "passes"]

Events = Mapping[str, npt.NDArray[Any]]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Plot:
    """The N-1 histogram of a cut."""

    column: str
    bins: int
    low: float
    high: float
    label: str  # of the axis, with unit
    _: KW_ONLY
    per_event_max: bool = False  # of a column with several parts
    marks: tuple[str, ...] = ()  # parameters of the cut to draw as thresholds
    scale: float = 1.0  # from the unit of the column to that of the axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One named requirement on an event."""

    name: str  # snake_case, unique, never renumbered
    label: str  # for tables and plots: "$E_{HCAL} < 1$ GeV"
    columns: tuple[str, ...]  # quantities read; must be finite
    keep: Callable[..., Mask]  # keep(*columns, *undefined, *optional, **params): the condition to KEEP
    valid: tuple[str, ...] = ()  # flags that must be True for a decision
    undefined: tuple[str, ...] = ()  # read, may be NaN: keep says what that means
    optional: tuple[str, ...] = ()  # read where the layout has them, else None
    params: Mapping[str, float] = field(default_factory=dict)  # from YAML
    plot: Plot | None = None
    detector: str | None = None  # in a setup without it the cut does not exist

    @property
    def needs(self) -> tuple[str, ...]:
        """Return all columns without which the cut cannot decide."""
        return (*self.columns, *self.valid, *self.undefined)

    def describe(self) -> str:
        """Return the label with the parameters filled in."""
        return self.label.format(**{key: f"{value:g}" for key, value in self.params.items()})


def build_cuts(declared: Sequence[Cut], params: Mapping[str, Mapping[str, float]]) -> tuple[Cut, ...]:
    """
    Return the cuts of a mode in its order, with their parameters.

    Parameters
    ----------
    declared : sequence of Cut
        `CUTS` of the module of a mode.
    params : mapping from the name of a cut to its parameters
        A cut that is not named there is left out.
    """
    return tuple(replace(cut, params=params[cut.name]) for cut in declared if cut.name in params)


def decidable(events: Events, columns: Sequence[str], flags: Sequence[str], n_events: int) -> Mask:
    """
    Tell where all columns are finite and all flags True.

    Parameters
    ----------
    events : mapping of arrays, each of shape (n_events, ...)
    columns, flags : sequence of str
    n_events : int

    Returns
    -------
    bool, shape (n_events,)

    Raises
    ------
    KeyError
        If a column or flag is absent.
    """
    missing = [name for name in (*columns, *flags) if name not in events]
    if missing:
        msg = f"columns {missing} are needed; the events have {sorted(events)}"
        raise KeyError(msg)
    mask = np.ones(n_events, dtype=bool)
    for name in columns:
        mask &= _finite(events[name])
    for name in flags:
        mask &= events[name]
    return mask


def passes(cut: Cut, events: Events, n_events: int) -> Mask:
    """
    Tell which events a cut keeps: False wherever it cannot decide.

    Parameters
    ----------
    cut : Cut
    events : mapping of arrays, each of shape (n_events, ...)
    n_events : int

    Returns
    -------
    bool, shape (n_events,)

    Raises
    ------
    KeyError
        If a column that the cut needs is absent.
    """
    missing = [name for name in cut.needs if name not in events]
    if missing:
        msg = f"cut '{cut.name}' needs {missing}; the events have {sorted(events)}"
        raise KeyError(msg)
    given = [name for name in cut.optional if name in events]
    known = decidable(events, (*cut.columns, *given), cut.valid, n_events)
    read = [events[name] for name in (*cut.columns, *cut.undefined)]
    extra = [events.get(name) for name in cut.optional]
    with np.errstate(invalid="ignore"):
        return known & cut.keep(*read, *extra, **cut.params)


def _finite(values: npt.NDArray[Any]) -> Mask:
    """Return per event whether every element of ``values`` is finite."""
    finite: Mask = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    return finite
