"""What of the data may be seen: the closed regions of a period, and the events outside of them.

The promise is non-interference: every output is the same when a closed event is replaced by another
closed one, or by one that fails the base selection. It guards against accidents, not against a person who
opens the file by hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from selections.cut import Events, Mask
from selections.regions import Limit, Region

__all__ = ["Blinding", "BlindingError", "State"]

State = Literal["closed", "open", "not applicable"]


class BlindingError(ValueError):
    """Something was asked for that would show, or help to infer, what closed events are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blinding:
    """Whether events of a sample are closed, and which."""

    state: State
    regions: tuple[Region, ...] = ()
    period: str = ""

    def __post_init__(self) -> None:
        if self.state == "closed" and not self.regions:
            msg = "closed blinding needs a region: without one every event would be shown"
            raise BlindingError(msg)

    @classmethod
    def of_period(cls, period: str, closed: Mapping[str, Mapping[str, Limit]]) -> Blinding:
        """Close all regions that are registered for a data-taking period."""
        regions = tuple(
            Region(name=name, label=f"closed for {name}", limits=limits) for name, limits in closed.items()
        )
        if not regions:
            msg = f"period '{period}' registers no closed region; its data cannot be read"
            raise BlindingError(msg)
        return cls(state="closed", regions=regions, period=period)

    @classmethod
    def none(cls) -> Blinding:
        """Close nothing: simulation, or calibration triggers."""
        return cls(state="not applicable")

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
        if self.state != "closed":
            return base.copy()
        mask = base & np.logical_and.reduce([np.isfinite(events[name]) for name in self.columns])
        for region in self.regions:
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

    def digest(self) -> str:
        """Return the digest of state and regions, for run.json."""
        content = {
            "state": self.state,
            "regions": {r.name: {k: list(v) for k, v in sorted(r.limits.items())} for r in self.regions},
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def region_table(self) -> dict[str, dict[str, list[float | None]]]:
        """Return the closed regions as plain values."""
        return {r.name: {column: list(limit) for column, limit in r.limits.items()} for r in self.regions}


def _text(region: Region) -> str:
    parts = [
        f"{'' if low is None else f'{low:g} <= '}{name}{'' if high is None else f' < {high:g}'}"
        for name, (low, high) in region.limits.items()
    ]
    return " and ".join(parts)
