"""Systematic variations of a chunk of events, evaluated after its one reconstruction."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets.probe import Kind
from processors.histograms import View
from processors.result import Varied
from processors.selected import Columns, Selected
from recon.srd import SrdTagConfig, tag_electrons
from selections.blinding import Blinding, BlindingError
from selections.cut import Cut, Mask, decidable, passes
from selections.cutflow import Cutflow, count
from selections.selection import Selection, SelectionError
from selections.variations import NOMINAL, Variation

__all__ = [
    "applicable",
    "count_views",
    "make_views",
    "outside_in_all",
    "require_base_kept",
    "require_guarded",
    "variations_of_kind",
]


def require_base_kept(variations: Sequence[Variation], selection: Selection) -> None:
    """
    Refuse variations of the base requirement on closed data.

    Raises
    ------
    BlindingError
        Its rows would tell of events that may not be seen.
    """
    for variation in variations:
        names = sorted(variation.touched_cuts & set(selection.base.cuts))
        if names:
            msg = (
                f"variation '{variation.name}' changes {', '.join(names)}, which belongs to the base "
                f"requirement of the blinding; on closed data it cannot be varied. Take it from simulation"
            )
            raise BlindingError(msg)


def require_guarded(variations: Sequence[Variation], blinding: Blinding) -> None:
    """
    Refuse variations of closed data that could move events over the edge of a closed region.

    Raises
    ------
    BlindingError
        If the guard of the period is smaller than what a variation does to a column that decides.
    """
    for variation in variations:
        shifts = {column: variation.shift(column) for column in blinding.columns}
        blinding.require_guard(shifts, f"variation '{variation.name}'")


def applicable(
    variations: Sequence[Variation], columns: Columns, cuts: Sequence[Cut], *, is_asked: bool
) -> tuple[list[Variation], set[str]]:
    """
    Tell which variations can be computed, and say of the others why not.

    Parameters
    ----------
    variations : sequence of Variation
    columns : mapping of arrays
    cuts : sequence of Cut
        Without those that a user left out.
    is_asked : bool
        A user named the variations.

    Returns
    -------
    (list of Variation, set of str)
        And a note for each that is left out.

    Raises
    ------
    SelectionError
        If one of those that a user named cannot be computed.
    """
    names, possible, notes = {cut.name for cut in cuts}, [], set()
    for variation in variations:
        lacking = [f"column {name}" for name in variation.lacking(columns)]
        lacking += [f"cut {name}" for name in sorted(variation.touched_cuts - names)]
        if not lacking:
            possible.append(variation)
            continue
        note = f"variation {variation.name} is not computed: there is no {', no '.join(lacking)}"
        if is_asked:
            msg = f"{note}. Leave it out of --variation"
            raise SelectionError(msg)
        notes.add(note)
    return possible, notes


def outside_in_all(
    variations: Sequence[Variation], blinding: Blinding, shown: Mask, columns: Columns
) -> Mask:
    """
    Withhold events that are closed in any of the variations.

    The guard of the period holds them already (`require_guarded`): this is a second lock, and its margin is
    not counted twice.

    Parameters
    ----------
    variations : sequence of Variation
    blinding : Blinding
    shown : bool, shape (n_events,)
        What may be seen nominally.
    columns : mapping of arrays

    Returns
    -------
    bool, shape (n_events,)
    """
    blinding = replace(blinding, guard=())
    for variation in variations:
        missing = variation.lacking(columns)
        if missing:
            msg = f"variation '{variation.name}' needs {', '.join(missing)}, which the layout does not give"
            raise SelectionError(msg)
        shown = blinding.shown(shown, ChainMap(variation.apply_columns(columns), columns))  # type: ignore[arg-type]
    return shown


def make_views(selected: Selected, masks: Sequence[Mask], variations: Sequence[Variation]) -> list[View]:
    """
    Evaluate the cuts for each variation.

    Parameters
    ----------
    selected : Selected
    masks : sequence of bool arrays, shape (n_events,)
        What each cut keeps nominally.
    variations : sequence of Variation

    Returns
    -------
    list of View
        The nominal one first. Only cuts whose columns or thresholds change are evaluated again. On data the
        base requirement is the nominal one in all of them: events that fail it are not there to be let in.
    """
    views = [View(NOMINAL, selected.columns, frozenset(), selected.base, masks)]
    selection = selected.context.selection
    is_simulation = selected.context.kind == "simulation"
    for variation in variations:
        cuts = variation.apply_cuts(selection.cuts)
        columns = _columns(selected.columns, variation, cuts, selection)
        changed = frozenset(columns.maps[0])
        varied = []
        for cut, old, mask in zip(cuts, selection.cuts, masks, strict=True):
            is_held = cut.name in selection.base.cuts and not is_simulation
            if is_held or (cut is old and changed.isdisjoint((*cut.needs, *cut.optional))):
                varied.append(mask)
            else:
                varied.append(passes(cut, columns, selected.n_events))
        base = selected.base
        if is_simulation:
            own = [m for cut, m in zip(cuts, varied, strict=True) if cut.name in selection.base.cuts]
            base = np.logical_and.reduce([*_before_cuts(selection, columns, selected.n_events), *own])
        views.append(View(variation.name, columns, changed, base, varied))
    return views


def _columns(
    columns: Columns, variation: Variation, cuts: Sequence[Cut], selection: Selection
) -> ChainMap[str, Any]:
    """Return all columns of a variation, its own before the nominal ones; the SRD tag follows modules."""
    applied = variation.apply_columns(columns)
    varied: ChainMap[str, Any] = ChainMap(applied, columns)  # type: ignore[arg-type]  # only read below
    is_touched = "srd" in variation.touched_cuts or "srd_module_energy" in applied
    if "srd_module_energy" in columns and is_touched and "srd" in selection.params:
        params = next((cut.params for cut in cuts if cut.name == "srd"), selection.params["srd"])
        varied["srd_is_tagged"] = tag_electrons(varied["srd_module_energy"], SrdTagConfig(**params))
    return varied


def _before_cuts(selection: Selection, columns: Columns, n_events: int) -> tuple[Mask, Mask]:
    """Return which events the detectors measured, and which have the physics trigger."""
    base = selection.base
    measured = decidable(columns, base.columns, base.valid, n_events)
    for name, (low, high) in base.plausible.items():
        measured &= (columns[name] >= low) & (columns[name] <= high)
    return measured, decidable(columns, (), (base.trigger,), n_events)


def count_views(
    selected: Selected, views: Sequence[View], variations: Sequence[Variation]
) -> dict[str, Varied]:
    """
    Count events cut by cut for each variation, to the signal box.

    Parameters
    ----------
    selected : Selected
    views : sequence of View
    variations : sequence of Variation

    Returns
    -------
    dict of Varied
        Of simulation the rows are: all, signal, measured, trigger, the cuts, then the limits of the signal
        box, that of the missing energy last. Of data: all, shown, the cuts.
    """
    named = {variation.name: variation for variation in variations}
    if selected.context.kind == "simulation":
        flows = [_count_simulation(selected, view, named.get(view.variation)) for view in views]
    else:
        flows = [_count_shown(selected, view, named.get(view.variation)) for view in views]
    labels = [named[v.variation].label or v.variation if v.variation in named else NOMINAL for v in views]
    return {v.variation: Varied(label, flow) for v, label, flow in zip(views, labels, flows, strict=True)}


def _count_shown(selected: Selected, view: View, variation: Variation | None) -> Cutflow:
    cuts = _cuts(selected, variation)
    return count(
        ["shown", *(cut.name for cut in cuts)],
        ["base requirement, outside of the closed region", *(cut.describe() for cut in cuts)],
        view.masks,
        selected.base,
        selected.weight,
        (selected.entries, *selected.total_weight),
    )


def _count_simulation(selected: Selected, view: View, variation: Variation | None) -> Cutflow:
    selection, columns, n = selected.context.selection, view.columns, selected.n_events
    cuts, box = _cuts(selected, variation), selection.signal_box
    limits = list(box.limits.items())[::-1]
    rows = ["signal", "measured", "trigger", *(cut.name for cut in cuts), *(name for name, _ in limits)]
    labels = [
        f"signal with {selection.signal.missing_energy:g} GeV or more missing, or no signal",
        "calorimeters measured",
        "physics trigger",
        *(cut.describe() for cut in cuts),
        *(_limit_text(name, *limit) for name, limit in limits),
    ]
    with np.errstate(invalid="ignore"):
        inside = [_within(columns[name], *limit) for name, limit in limits]
    return count(
        rows,
        labels,
        [*_before_cuts(selection, columns, n), *view.masks, *inside],
        _is_signal(selection, columns, n),
        selected.weight,
        (selected.entries, *selected.total_weight),
    )


def _cuts(selected: Selected, variation: Variation | None) -> tuple[Cut, ...]:
    cuts = selected.context.selection.cuts
    return cuts if variation is None else variation.apply_cuts(cuts)


def _is_signal(selection: Selection, columns: Columns, n_events: int) -> Mask:
    """Return the events of which an efficiency is taken: of a signal those that could fall into the box."""
    if not {"truth_process", "truth_missing_energy"} <= columns.keys():
        return np.ones(n_events, dtype=bool)
    is_other = ~np.isin(columns["truth_process"], selection.signal.processes)
    return np.asarray(is_other | (columns["truth_missing_energy"] >= selection.signal.missing_energy))


def _within(values: npt.NDArray[np.float64], low: float | None, high: float | None) -> Mask:
    inside = np.isfinite(values)
    if low is not None:
        inside &= values >= low
    if high is not None:
        inside &= values < high
    return inside


def _limit_text(name: str, low: float | None, high: float | None) -> str:
    left = "" if low is None else f"{low:g} <= "
    right = "" if high is None else f" < {high:g}"
    return f"{left}{name}{right} GeV"


def variations_of_kind(selection: Selection, kind: Kind, *, is_asked: bool) -> tuple[Variation, ...]:
    """Return the variations of a sample: on data and calibration only those that a user asks for."""
    return selection.variations if kind == "simulation" or is_asked else ()
