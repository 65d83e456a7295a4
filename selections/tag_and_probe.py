"""Who is tagged: counts of a beam and of purer samples of its particles, tag-and-probe style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from selections.cut import Events, Mask
from selections.regions import Region

__all__ = ["BEAM", "STATES", "ProbeCounts", "TagAndProbe", "count_probes"]

BEAM = "beam"  # all particles, whatever they are
STATES = ("all", "tagged", "side_band")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagAndProbe:
    """A tag, the side band of those that are surely without it, and the samples that it is probed on."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    cut: str  # that asks for the tag; runs without it tell who is tagged
    flag: str  # column that is True where an event is tagged
    beam: Region  # particles of the beam whose energy is seen, so that none lost its own before the tag
    side_band: Region
    probes: Mapping[str, Region]  # name -> where the calorimeters say what a particle was

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that are read."""
        regions = (self.beam, self.side_band, *self.probes.values())
        return tuple(dict.fromkeys([self.flag, *(name for region in regions for name in region.columns)]))


@dataclass(frozen=True, slots=True)
class ProbeCounts:
    """Events of the beam and of each probe; adds up over chunks and files."""

    names: tuple[str, ...]  # "beam", then the probes
    sums: npt.NDArray[np.float64]  # (n_names, 3, 3): all, tagged, side band; count, weights, their squares

    def __add__(self, other: ProbeCounts) -> ProbeCounts:
        if self.names != other.names:
            msg = f"counts of {', '.join(self.names)} and of {', '.join(other.names)} cannot be added"
            raise ValueError(msg)
        return ProbeCounts(self.names, self.sums + other.sums)

    def table(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return plain values: name -> state -> events, their weights, and the error of these."""
        return {
            name: {
                state: {"events": int(n), "weighted": float(w), "weighted_error": float(np.sqrt(squares))}
                for state, (n, w, squares) in zip(STATES, rows, strict=True)
            }
            for name, rows in zip(self.names, self.sums, strict=True)
        }

    @classmethod
    def of_table(cls, table: Mapping[str, Mapping[str, Mapping[str, float]]]) -> ProbeCounts:
        """Return the counts that `table` wrote."""
        parts = [[row[state] for state in STATES] for row in table.values()]
        sums = [[[p["events"], p["weighted"], p["weighted_error"] ** 2] for p in row] for row in parts]
        return cls(tuple(table), np.array(sums, dtype=np.float64))


def count_probes(
    what: TagAndProbe, events: Events, base: Mask, weight: npt.NDArray[np.float64]
) -> ProbeCounts:
    """
    Count who is tagged, and who lies in the side band.

    Parameters
    ----------
    what : TagAndProbe
    events : mapping of arrays, shape (n_events,)
    base : bool, shape (n_events,)
        Events to count; the tag must not be asked for in it.
    weight : float64, shape (n_events,)

    Returns
    -------
    ProbeCounts
    """
    base = base & np.logical_and.reduce([np.isfinite(events[name]) for name in what.side_band.columns])
    states = (np.ones(len(base), dtype=bool), events[what.flag], what.side_band.contains(events))
    seen = base & what.beam.contains(events)
    groups = {BEAM: seen, **{name: base & region.contains(events) for name, region in what.probes.items()}}
    sums = [[_sums(weight[group & state]) for state in states] for group in groups.values()]
    return ProbeCounts(tuple(groups), np.array(sums, dtype=np.float64))


def _sums(weight: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    return float(len(weight)), float(weight.sum()), float((weight**2).sum())
