"""Regions of the (E_ECAL, E_HCAL) plane and of any other columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from selections.cut import Events, Mask

__all__ = ["Limit", "Margin", "Region"]

Limit = tuple[float | None, float | None]


class Margin(NamedTuple):
    """How far a measured value may lie from the one that another calibration, or a variation, would give."""

    relative: float = 0.0
    absolute: float = 0.0  # in the unit of the column


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A box in columns, with an optional window on the sum of some of them."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: str
    label: str = ""
    limits: Mapping[str, Limit] = field(default_factory=dict)  # column -> [low, high)
    sum_of: tuple[str, ...] = ()  # columns whose sum has a window too
    sum_limit: Limit = (None, None)

    def __post_init__(self) -> None:
        windows = [*self.limits.values(), self.sum_limit]
        if not all(_rises(low, high) for low, high in windows):
            msg = f"region '{self.name}': a window must rise, got {dict(self.limits)}, sum {self.sum_limit}"
            raise ValueError(msg)
        if self.sum_limit != (None, None) and not self.sum_of:
            msg = f"region '{self.name}' has a sum_limit and no sum_of: name the columns to add up"
            raise ValueError(msg)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that decide."""
        return tuple(dict.fromkeys((*self.limits, *self.sum_of)))

    def contains(self, events: Events) -> Mask:
        """
        Tell which events lie in the region; NaN lies in none.

        Parameters
        ----------
        events : mapping of float64 arrays, shape (n_events,)

        Returns
        -------
        bool, shape (n_events,)

        Raises
        ------
        KeyError
            If a column of the region is absent.
        """
        missing = [name for name in self.columns if name not in events]
        if missing:
            msg = f"region '{self.name}' needs the columns {missing}; the events have {sorted(events)}"
            raise KeyError(msg)
        n_events = len(next(iter(events.values()), ()))
        inside: Mask = np.ones(n_events, dtype=bool)
        for name in self.columns:
            inside &= np.isfinite(events[name])
        with np.errstate(invalid="ignore"):
            for name, limit in self.limits.items():
                inside &= _within(events[name], limit)
            if self.sum_of:
                inside &= _within(np.sum([events[name] for name in self.sum_of], axis=0), self.sum_limit)
        return inside

    def widened(self, margins: Mapping[str, Margin]) -> Region:
        """
        Return the region of all events that lie in this one for some value within their margins.

        Parameters
        ----------
        margins : mapping of Margin
            By column; a column without one is exact. With relative margin r and absolute margin a, a value v
            stands for all values from v - r |v| - a to v + r |v| + a.
        """
        limits = {name: _widen(limit, margins.get(name, Margin())) for name, limit in self.limits.items()}
        return replace(self, limits=limits)

    def is_inside(self, other: Region) -> bool:
        """Return whether each limit of this box lies within those of ``other`` (sums aside)."""
        if other.sum_of:
            return False
        for name, (low, high) in other.limits.items():
            own_low, own_high = self.limits.get(name, (None, None))
            if low is not None and (own_low is None or own_low < low):
                return False
            if high is not None and (own_high is None or own_high > high):
                return False
        return True


def _rises(low: float | None, high: float | None) -> bool:
    """Return whether a window is one: NaN would make it empty."""
    if any(limit is not None and math.isnan(limit) for limit in (low, high)):
        return False
    return low is None or high is None or low < high


def _widen(limit: Limit, margin: Margin) -> Limit:
    """Return the window of values that could be within ``limit``."""
    low, high = limit
    r, a = margin
    if high is not None and (r or a):  # the largest v with v - r |v| - a < high
        high = (high + a) / (1.0 - r if high + a > 0 else 1.0 + r)
    if low is not None and (r or a):
        low = (low - a) / (1.0 - r if low - a < 0 else 1.0 + r)
    return low, high


def _within(values: npt.NDArray[np.float64], limit: Limit) -> Mask:
    low, high = limit
    inside = np.ones(len(values), dtype=bool)
    if low is not None:
        inside &= values >= low
    if high is not None:
        inside &= values < high
    return inside
