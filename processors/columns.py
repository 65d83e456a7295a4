"""Derived columns per event, for files instead of histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea import processor

from processors.analysis import AnalysisProcessor
from processors.quality import Counts
from recon.columns import COLUMNS
from selections.cut import Cut, Mask, passes
from selections.selection import Selection, SelectionError

__all__ = ["ColumnChunk", "ColumnsProcessor"]


class ColumnChunk(NamedTuple):
    """Columns of one chunk of events."""

    n_events: int
    columns: dict[str, Any]  # declared columns in their order and type; jagged ones as awkward arrays
    quality: Counts = MappingProxyType({})


class ColumnsProcessor(processor.ProcessorABC):
    """
    Return the columns of shown events (data) or of all events (simulation).

    Parameters
    ----------
    analysis : AnalysisProcessor
        Reconstructs, and says what an event needs to be shown.
    keep : sequence of str
        Names of cuts that an event has to pass.
    """

    def __init__(self, analysis: AnalysisProcessor, keep: Sequence[str] = ()) -> None:
        self.analysis = analysis
        self.keep = tuple(keep)

    def process(self, events: ak.Array) -> ColumnChunk:
        """Reconstruct a chunk and return its columns."""
        selected = self.analysis.select(events, need_base_of_simulation=False)
        mask = np.ones(selected.n_events, dtype=bool)
        with np.errstate(all="ignore"):
            for cut in find_cuts(selected.context.selection, self.keep):
                mask &= passes(cut, selected.columns, selected.n_events)
        return ColumnChunk(int(np.count_nonzero(mask)), _pack(selected.columns, mask), selected.quality)

    def postprocess(self, accumulator: Any) -> Any:
        """Return the accumulator as it is."""
        return accumulator


def find_cuts(selection: Selection, names: Sequence[str]) -> list[Cut]:
    """
    Return the cuts of the given names.

    Raises
    ------
    SelectionError
        If the selection has no cut of a name.
    """
    unknown = [name for name in names if name not in {cut.name for cut in selection.cuts}]
    if unknown:
        there = ", ".join(cut.name for cut in selection.cuts)
        msg = f"unknown cut '{unknown[0]}' to keep; the selection of '{selection.analysis}' has {there}"
        raise SelectionError(msg)
    return [selection.cut(name) for name in names]


def _pack(columns: Mapping[str, npt.NDArray[Any]], mask: Mask) -> dict[str, Any]:
    """Return the declared columns of the kept events, in the declared order and type."""
    packed: dict[str, Any] = {}
    for name, declared in COLUMNS.items():
        if name not in columns:
            continue
        values = columns[name][mask]
        if declared.kind == "list":
            packed[name] = ak.to_packed(ak.values_astype(values, declared.dtype))
        else:
            packed[name] = np.asarray(values).astype(declared.dtype)
    return packed
