"""Declared histograms and how they are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from hist import Hist, axis, storage

from selections.cut import Cut, Mask
from selections.regions import Region

__all__ = ["Axis", "HistogramSpec", "View", "fill", "fill_views", "nminus1_spec"]

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
    region: str = ""  # of the selection, in which the events lie; empty: anywhere

    def is_possible(self, columns: Columns) -> bool:
        """Return whether all columns are there."""
        return all(part.column in columns for part in self.axes)


class View(NamedTuple):
    """Events as one variation sees them."""

    variation: str
    columns: Columns
    changed: frozenset[str]  # columns that are not the nominal ones
    base: Mask  # (n_events,)
    masks: Sequence[Mask]  # of each cut


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


def fill_views(
    specs: Sequence[HistogramSpec],
    cuts: Sequence[Cut],
    views: Sequence[View],
    weight: npt.NDArray[np.float64],
    dataset: str,
    regions: Sequence[Region] = (),
) -> dict[str, Hist[Any]]:
    """
    Fill the declared histograms and the N-1 histogram of each cut, an entry per variation.

    Parameters
    ----------
    specs : sequence of HistogramSpec
    cuts : sequence of Cut
    views : sequence of View
        The nominal one first.
    weight : float64, shape (n_events,)
    dataset : str
    regions : sequence of Region
        Those that specs name.

    Returns
    -------
    dict of Hist
        What a variation does not change is not filled again: its entry is a copy.
    """
    filled = {}
    for spec in specs:
        if spec.is_possible(views[0].columns):
            masks = [_mask(spec, cuts, view, regions) for view in views]
            filled[spec.name] = _fill_each(spec, views, masks, weight, dataset)
    for index, cut in enumerate(cuts):
        left_out = nminus1_spec(cut)
        if left_out is not None and left_out.is_possible(views[0].columns):
            every = np.ones(len(weight), dtype=bool)
            masks = [np.logical_and.reduce([every, *v.masks[:index], *v.masks[index + 1 :]]) for v in views]
            filled[left_out.name] = _fill_each(left_out, views, masks, weight, dataset)
    return filled


def _mask(spec: HistogramSpec, cuts: Sequence[Cut], view: View, regions: Sequence[Region]) -> Mask:
    """Return the events that a histogram takes; the base requirement stays."""
    asked = [view.base]
    if spec.stage == "final":
        asked += [mask for cut, mask in zip(cuts, view.masks, strict=True) if cut.name not in spec.without]
    asked += [region.contains(view.columns) for region in regions if region.name == spec.region]
    return np.asarray(np.logical_and.reduce(asked))


def _fill_each(
    spec: HistogramSpec,
    views: Sequence[View],
    masks: Sequence[Mask],
    weight: npt.NDArray[np.float64],
    dataset: str,
) -> Hist[Any]:
    """Fill a histogram for each variation."""
    nominal = fill(spec, views[0].columns, masks[0], weight, dataset=dataset, variation=views[0].variation)
    if len(views) == 1 or len(spec.axes) > 1:  # of planes, the nominal one: all would be 13 MB in JSON
        return nominal
    names = axis.StrCategory([v.variation for v in views], growth=True, name="variation", label="variation")
    together: Hist[Any] = Hist(nominal.axes[0], names, *nominal.axes[2:], storage=storage.Weight())
    content = together.view(flow=True)
    for index, (view, mask) in enumerate(zip(views, masks, strict=True)):
        is_moved = any(part.column in view.changed for part in spec.axes)
        is_same = not is_moved and np.array_equal(mask, masks[0])
        part = nominal if is_same else fill(spec, view.columns, mask, weight, dataset=dataset)
        content[0, index] = part.view(flow=True)[0, 0]
    return together


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
