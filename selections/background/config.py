"""The numbers of a background estimate, from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from selections.background.extrapolation import ExtrapolationConfig
from selections.background.intervals import Interval
from selections.background.sources import Source
from selections.described import load_described

__all__ = ["BackgroundConfig", "BenchmarkConfig", "Factor", "SideBand", "Simulated", "load_background"]

_FOLDER = Path(__file__).resolve().parent
_STRICT: Any = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBand:
    """A side band whose spectrum is extended into the closed region."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    label: str
    column: str  # along which it is extended
    region: str  # of the selection
    plane: str  # histogram that holds it
    fit: ExtrapolationConfig
    in_total: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A measured factor; ``low`` and ``high`` are the ends of its 68% interval."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.value <= self.high and self.value > 0):
            msg = f"a factor lies between its ends and above 0, got {self.low} <= {self.value} <= {self.high}"
            raise ValueError(msg)

    @property
    def interval(self) -> Interval:
        """Return value and ends."""
        return Interval(self.value, self.low, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A source that is taken from simulation."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    label: str
    processes: tuple[str, ...]
    systematics: Mapping[str, float]  # name -> relative error
    factors: Mapping[str, Factor] = field(default_factory=dict)  # cut that a run lacks -> efficiency
    is_scaled_by_benchmark: bool = False
    is_scaled_by_contamination: bool = False  # that was measured in a beam
    in_total: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkConfig:
    """Where data and simulation of one process are compared."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    region: str
    plane: str
    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundConfig:
    """All numbers of the estimate of one analysis."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    side_bands: Mapping[str, SideBand]
    simulated: Mapping[str, Simulated]
    benchmark: BenchmarkConfig | None = None  # without one, no simulation is scaled to data
    contamination: str | None = None  # process whose yield is the share of hadrons in the simulated beam

    def source(self, name: str) -> Source:
        """Return a source by its name."""
        found = self.side_bands.get(name) or self.simulated[name]
        return Source(name, found.label, found.in_total)

    def source_of(self, process: str) -> str | None:
        """Return the name of the source that a simulated process belongs to, None for none."""
        return next((name for name, s in self.simulated.items() if process in s.processes), None)


def load_background(analysis: str) -> BackgroundConfig:
    """
    Load the numbers of an analysis.

    Raises
    ------
    SelectionError
        If there are none, or they are wrong.
    """
    return load_described(
        BackgroundConfig, _FOLDER, analysis, "no background estimate is described", "there is one for"
    )
