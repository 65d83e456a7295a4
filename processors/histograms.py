"""Declared histograms and how they are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from hist import Hist, axis, storage

from selections.cut import Cut, Mask

__all__ = ["Axis", "HistogramSpec", "fill", "nminus1_spec"]

Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Axis:
    """A regular axis over one column."""

    column: str
    bins: int
    low: float
    high: float
    label: str
    scale: float = 1.0  # from the column's unit to that of the axis


@dataclass(frozen=True, slots=True)
class HistogramSpec:
    """One histogram: its axes and which events it takes."""

    name: str
    axes: tuple[Axis, ...]
    stage: Literal["base", "final"] = "base"
    without: tuple[str, ...] = ()  # cuts that "final" leaves out

    def is_possible(self, columns: Columns) -> bool:
        """Return whether all columns are there."""
        return all(part.column in columns for part in self.axes)


def nminus1_spec(cut: Cut) -> HistogramSpec | None:
    """Return the N-1 histogram of a cut, if it declares one."""
    plot = cut.plot
    if plot is None:
        return None
    drawn = Axis(plot.column, plot.bins, plot.low, plot.high, plot.label, plot.scale)
    return HistogramSpec(f"nminus1_{cut.name}", (drawn,))


def fill(
    spec: HistogramSpec,
    columns: Columns,
    mask: Mask,
    weight: npt.NDArray[np.float64],
    *,
    dataset: str,
    variation: str = "nominal",
) -> Hist[Any]:
    """
    Make and fill a histogram.

    Parameters
    ----------
    spec : HistogramSpec
    columns : mapping of arrays, shape (n_events,) or (n_events, n_parts)
        Of several parts the largest is taken.
    mask : bool, shape (n_events,)
        Which events to fill.
    weight : float64, shape (n_events,)
    dataset, variation : str
        Values of the category axes.

    Returns
    -------
    Hist
        Weighted storage. Entries that are NaN are in no bin, not even in overflow.
    """
    values = [_values(columns[part.column], mask) * part.scale for part in spec.axes]
    finite = np.logical_and.reduce([np.isfinite(v) for v in values])
    histogram = _empty(spec.axes, dataset, variation)
    histogram.fill(dataset, variation, *(v[finite] for v in values), weight=weight[mask][finite])
    return histogram


def _values(column: npt.NDArray[Any], mask: Mask) -> npt.NDArray[np.float64]:
    chosen = column[mask].astype(np.float64)
    if chosen.ndim == 1:
        return chosen
    return chosen.max(axis=1, initial=-np.inf) if chosen.size else np.zeros(0)


def _empty(axes: Sequence[Axis], dataset: str, variation: str) -> Hist[Any]:
    return Hist(
        axis.StrCategory([dataset], growth=True, name="dataset", label="dataset"),
        axis.StrCategory([variation], growth=True, name="variation", label="variation"),
        *(axis.Regular(a.bins, a.low, a.high, name=a.column, label=a.label) for a in axes),
        storage=storage.Weight(),
    )
