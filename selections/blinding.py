"""What of the data may be seen: the closed regions of a period, and the events outside of them.

The promise is non-interference: every output is the same when a closed event is replaced by another
closed one, or by one that fails the base selection. It guards against accidents, not against a person who
opens the file by hand.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from selections.cut import Events, Mask
from selections.opening import Opening
from selections.regions import Limit, Margin, Region

__all__ = ["Blinding", "BlindingError", "State", "require_comparable"]

State = Literal["closed", "open", "not applicable"]


class BlindingError(ValueError):
    """Something was asked for that would show, or help to infer, what closed events are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blinding:
    """
    Whether events of a sample are closed, and which.

    Parameters
    ----------
    state : "closed", "open" or "not applicable"
    regions : tuple of Region
        All that are registered for the period, also those that are open.
    period : str
    guard : tuple of (column, Margin)
        How far from a region an event must lie to be shown.
    opening : Opening, optional
        For state "open": which of the regions are open.
    """

    state: State
    regions: tuple[Region, ...] = ()
    period: str = ""
    guard: tuple[tuple[str, Margin], ...] = ()
    opening: Opening | None = None

    def __post_init__(self) -> None:
        if self.state == "closed" and not self.regions:
            msg = "closed blinding needs a region: without one every event would be shown"
            raise BlindingError(msg)
        if (self.state == "open") is not (self.opening is not None):
            msg = f"blinding is open by an opening and not otherwise; the state is '{self.state}'"
            raise BlindingError(msg)

    @classmethod
    def of_period(
        cls,
        period: str,
        closed: Mapping[str, Mapping[str, Limit]],
        guard: Mapping[str, Margin] | None = None,
    ) -> Blinding:
        """Close all regions that are registered for a data-taking period, and their margins."""
        regions = tuple(
            Region(name=name, label=f"closed for {name}", limits=limits) for name, limits in closed.items()
        )
        if not regions:
            msg = f"period '{period}' registers no closed region; its data cannot be read"
            raise BlindingError(msg)
        return cls(state="closed", regions=regions, period=period, guard=tuple((guard or {}).items()))

    @classmethod
    def none(cls) -> Blinding:
        """Close nothing: simulation, or calibration triggers."""
        return cls(state="not applicable")

    def opened(self, opening: Opening) -> Blinding:
        """
        Return this blinding with the regions open that an opening names, if it names the period.

        Raises
        ------
        BlindingError
            If the period has no region of a name.
        """
        if self.state != "closed" or self.period not in opening.periods:
            return self
        names = [region.name for region in self.regions]
        unknown = [name for name in opening.regions if name not in names]
        if unknown:
            msg = (
                f"period '{self.period}' has no closed region of '{unknown[0]}', which the statement opens; "
                f"it has {', '.join(names)}"
            )
            raise BlindingError(msg)
        return replace(self, state="open", opening=opening)

    @property
    def closed(self) -> tuple[Region, ...]:
        """Return the regions that are closed, without their margins."""
        if self.state == "not applicable":
            return ()
        is_open = self.opening.regions if self.opening is not None else ()
        return tuple(region for region in self.regions if region.name not in is_open)

    @property
    def withheld(self) -> tuple[Region, ...]:
        """Return the closed regions with their margins: no event in them is shown."""
        margins = dict(self.guard)
        return tuple(region.widened(margins) for region in self.closed)

    def hides(self, region: Region) -> bool:
        """Return whether a region lies wholly in a closed one, so that it has no number of events."""
        return any(region.is_inside(closed) for closed in self.closed)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns without which nobody can tell whether an event is closed."""
        return tuple(dict.fromkeys(name for region in self.regions for name in region.columns))

    def shown(self, base: Mask, events: Events) -> Mask:
        """
        Tell which events may be seen.

        Parameters
        ----------
        base : bool, shape (n_events,)
            Events that meet the base requirement; box columns are finite there.
        events : mapping of arrays, shape (n_events,)

        Returns
        -------
        bool, shape (n_events,)
        """
        if self.state == "not applicable":
            return base.copy()
        mask = base & np.logical_and.reduce([np.isfinite(events[name]) for name in self.columns])
        for region in self.withheld:
            mask &= ~region.contains(events)
        return np.asarray(mask)

    def require(self, box: Region) -> None:
        """
        Check that a signal box lies in one of the closed regions.

        Raises
        ------
        BlindingError
            If a part of the box would be seen.
        """
        if self.state == "closed" and not any(box.is_inside(region) for region in self.regions):
            msg = (
                f"the signal box {_text(box)} reaches out of the closed region of period '{self.period}' "
                f"({'; '.join(map(_text, self.regions))}): part of it would be seen. Enlarge the "
                f"closed region of the period, or make the box smaller"
            )
            raise BlindingError(msg)

    def require_guard(self, shifts: Mapping[str, Margin], what: str = "a variation") -> None:
        """
        Check that no variation of the data moves an event over the edge of a closed region.

        Parameters
        ----------
        shifts : mapping of Margin
            By column: how far a variation moves its values at most.
        what : str
            The name of the variation, for the message.

        Raises
        ------
        BlindingError
            If the guard of the period is smaller than a shift of a column that decides.
        """
        guard = dict(self.guard)
        for column in dict.fromkeys(name for region in self.closed for name in region.columns):
            shift, margin = shifts.get(column, Margin()), guard.get(column, Margin())
            if shift.relative > margin.relative or shift.absolute > margin.absolute:
                msg = (
                    f"{what} of {column} by {_margin_text(shift)} could move events of period "
                    f"'{self.period}' over the edge of its closed region, whose guard is "
                    f"{_margin_text(margin)}. Vary simulation alone, or, before anybody looks at the data, "
                    f"give the period a guard as large in datasets/periods.yaml"
                )
                raise BlindingError(msg)

    def digest(self) -> str:
        """Return the digest of state, regions, margins and opening, for run.json."""
        content: dict[str, Any] = {
            "state": self.state,
            "regions": {r.name: {k: list(v) for k, v in sorted(r.limits.items())} for r in self.regions},
        }
        if any(any(margin) for _, margin in self.guard):
            content["guard"] = self.guard_table()
        if self.opening is not None:
            content["opening"] = self.opening.table()
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def region_table(self) -> dict[str, dict[str, list[float | None]]]:
        """Return the regions that are closed as plain values."""
        return {r.name: {column: list(limit) for column, limit in r.limits.items()} for r in self.closed}

    def guard_table(self) -> dict[str, dict[str, float]]:
        """Return the margins as plain values, those of zero left out."""
        return {name: margin._asdict() for name, margin in sorted(self.guard) if any(margin)}


def require_comparable(
    one: State, other: State, names: tuple[str, str] = ("the first", "the second")
) -> None:
    """
    Refuse to compare results of which one is open and the other closed.

    Their difference would be the content of the region, as a side effect of something else. Simulation and
    calibration may be compared with either.

    Parameters
    ----------
    one, other : "closed", "open" or "not applicable"
        `Blinding.state`, or `blinding.state` of run.json.
    names : (str, str)
        What the two are called, for the message.

    Raises
    ------
    BlindingError
    """
    if {one, other} == {"open", "closed"}:
        msg = (
            f"open and closed results cannot be compared: {names[0]} is {one} and {names[1]} is {other}. "
            f"Compare two closed runs, or two that were opened"
        )
        raise BlindingError(msg)


def _margin_text(margin: Margin) -> str:
    if not all(map(math.isfinite, margin)):
        return "an amount that nothing limits"
    parts = [f"{100 * margin.relative:g}%"] * bool(margin.relative) + [f"{margin.absolute:g}"] * bool(
        margin.absolute
    )
    return " + ".join(parts) or "none"


def _text(region: Region) -> str:
    parts = [
        f"{'' if low is None else f'{low:g} <= '}{name}{'' if high is None else f' < {high:g}'}"
        for name, (low, high) in region.limits.items()
    ]
    return " and ".join(parts)
