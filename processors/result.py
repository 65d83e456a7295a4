"""What a processor returns: cut-flows and histograms that add up, and that refuse what must not be added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy.typing as npt
from hist import Hist

from datasets.probe import Kind
from processors.quality import Counts, add_counts
from selections.blinding import Blinding, BlindingError
from selections.cutflow import Cutflow
from selections.tag_and_probe import ProbeCounts

__all__ = ["AnalysisResult", "EventTable", "Sample", "Varied"]


class Varied(NamedTuple):
    """The cut-flow of one variation, to the signal box: what an efficiency is made of."""

    label: str
    cutflow: Cutflow


class EventTable(NamedTuple):
    """Which events of one chunk may be seen, and which cuts each of them passes."""

    dataset: str
    file: str
    cuts: tuple[str, ...]  # bit i of "cuts" is set where an event passes the i-th
    columns: Mapping[str, npt.NDArray[Any]]  # "entry", "cuts", identity and box columns; shape (n_events,)
    values: Mapping[str, npt.NDArray[Any]] = MappingProxyType(
        {}
    )  # (n_events, ...) what cuts read beside these


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The events of one dataset."""

    kind: Kind
    setup: str
    blinding: Blinding
    entries: int
    cutflow: Cutflow
    regions: Mapping[str, tuple[str, int | None]] = field(
        default_factory=dict
    )  # name -> label, events; None: closed
    quality: Counts = field(default_factory=dict)  # of raw digits
    variations: Mapping[str, Varied] = field(default_factory=dict)  # "nominal" first; empty: not asked for
    probes: ProbeCounts | None = None  # of runs without the tag's cut, never of data

    def __add__(self, other: Sample) -> Sample:
        if self.blinding.state != other.blinding.state:
            msg = (
                f"open and closed results cannot be added: one part is {self.blinding.state}, the other "
                f"{other.blinding.state}"
            )
            raise BlindingError(msg)
        if (self.kind, self.setup, self.blinding) != (other.kind, other.setup, other.blinding):
            msg = (
                f"one dataset name stands for two samples: {self.kind} of {self.setup} "
                f"({self.blinding.period or 'no period'}) and {other.kind} of {other.setup} "
                f"({other.blinding.period or 'no period'}); give them different names"
            )
            raise ValueError(msg)
        return Sample(
            kind=self.kind,
            setup=self.setup,
            blinding=self.blinding,
            entries=self.entries + other.entries,
            cutflow=self.cutflow + other.cutflow,
            regions={
                name: (label, None if events is None else events + (other.regions[name][1] or 0))
                for name, (label, events) in self.regions.items()
            },
            quality=add_counts(self.quality, other.quality),
            variations=_add_variations(self.variations, other.variations),
            probes=None if self.probes is None or other.probes is None else self.probes + other.probes,
        )


def _add_variations(one: Mapping[str, Varied], two: Mapping[str, Varied]) -> dict[str, Varied]:
    """Add the cut-flows of each variation; a part without one would count for nothing in its sum."""
    if one.keys() != two.keys():
        names = ", ".join(sorted(one.keys() ^ two.keys()))
        msg = (
            f"one dataset holds files that do not all have the columns of the variations {names}; give the "
            f"files different dataset names, or leave these variations out"
        )
        raise ValueError(msg)
    return {name: Varied(v.label, v.cutflow + two[name].cutflow) for name, v in one.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisResult:
    """The accumulator of an analysis; `+` joins chunks, files and datasets."""

    samples: Mapping[str, Sample] = field(default_factory=dict)
    histograms: Mapping[str, Hist[Any]] = field(default_factory=dict)
    notes: frozenset[str] = frozenset()
    events: tuple[EventTable, ...] = ()  # one per chunk, where they were asked for

    def __add__(self, other: AnalysisResult) -> AnalysisResult:
        samples = dict(self.samples)
        for name, sample in other.samples.items():
            samples[name] = samples[name] + sample if name in samples else sample
        histograms = dict(self.histograms)
        for name, histogram in other.histograms.items():
            histograms[name] = histograms[name] + histogram if name in histograms else histogram
        return AnalysisResult(
            samples=samples,
            histograms=histograms,
            notes=self.notes | other.notes,
            events=self.events + other.events,
        )

    @property
    def entries(self) -> int:
        """Return the number of entries processed."""
        return sum(sample.entries for sample in self.samples.values())
