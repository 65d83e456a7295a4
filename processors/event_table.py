"""Which events may be seen, which cuts each of them passes, and the values that these cuts read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.result import EventTable
from processors.selected import Selected
from selections.cut import Cut, Mask

__all__ = ["IDENTITY", "event_table"]

IDENTITY = ("run", "spill", "event")


def event_table(selected: Selected, masks: Sequence[Mask]) -> EventTable:
    """
    List the events of the row `shown` (data) or `base` (simulation) of a chunk.

    Parameters
    ----------
    selected : Selected
    masks : sequence of bool arrays, shape (n_events,)
        What each cut keeps.

    Returns
    -------
    EventTable
        Columns `entry` and `cuts` (int64), those of `IDENTITY` that the layout gives, and those of
        the signal box; as values what the cuts outside of the base requirement read, and of simulation the
        weight.
    """
    selection, base = selected.context.selection, selected.base
    bits = np.zeros(selected.n_events, dtype=np.int64)
    for index, mask in enumerate(masks):
        bits |= mask.astype(np.int64) << index
    columns: dict[str, npt.NDArray[Any]] = {"entry": selected.entry[base], "cuts": bits[base]}
    for name in (*IDENTITY, *selection.signal_box.columns):
        if name in selected.columns:
            columns[name] = np.asarray(selected.columns[name])[base]
    names = [name for cut in selection.cuts if cut.name not in selection.base.cuts for name in _read_by(cut)]
    given = {name: selected.columns[name] for name in dict.fromkeys(names) if name in selected.columns}
    if selected.context.kind == "simulation":
        given["weight"] = selected.weight
    return EventTable(
        selected.context.dataset,
        selected.context.file,
        tuple(cut.name for cut in selection.cuts),
        columns,
        {name: np.asarray(values)[base] for name, values in given.items() if name not in columns},
    )


def _read_by(cut: Cut) -> tuple[str, ...]:
    return (*cut.needs, *cut.optional)
