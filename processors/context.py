"""What a chunk of events is: data, calibration or simulation, of which setup and period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np

from datasets.conditions import Conditions
from datasets.decode import Quantities
from datasets.layouts import Layout, layout_names, load_layout
from datasets.periods import Period, data_period, load_periods, period_of_run, period_of_setup
from datasets.probe import Kind
from datasets.reader import ReadError
from datasets.setups import load_setup, setup_names
from processors.planes import align_setup
from recon.geometry import Setup
from selections.blinding import Blinding
from selections.selection import Selection
from selections.variations import Variation

__all__ = ["Context", "check_length", "find_period", "has_truth", "own_words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a chunk of events is."""

    dataset: str
    kind: Kind
    layout: Layout
    setup: Setup
    period: Period | None  # None for simulation
    blinding: Blinding
    selection: Selection
    conditions: Conditions | None = None  # of raw digits
    has_own_conditions: bool = False  # tables of the user's own
    variations: tuple[Variation, ...] = ()
    file: str = ""

    @property
    def aligned_setup(self) -> Setup:
        """Return the setup with its planes at the z of the conditions."""
        return self.setup if self.conditions is None else align_setup(self.setup, self.conditions.alignment)


def own_words(context: Context) -> set[str]:
    """Note the conditions, and where the blinding of data rests on what does not come with the project."""
    layout, setup = context.layout, context.setup
    notes = set()
    if context.conditions is not None:
        notes.add(f"raw digits are calibrated by conditions {context.conditions.digest[:16]}")
    if context.kind != "data":
        return notes
    if context.variations:
        names = ", ".join(v.name for v in context.variations)
        notes.add(f"data that are closed in any of the variations {names} are withheld")
    if context.has_own_conditions:
        notes.add("blinding rests on conditions of the user's own")
    if layout.name not in layout_names() or layout != load_layout(layout.name):
        notes.add(f"blinding rests on a layout of the user's own, '{layout.name}'")
    if setup.name not in setup_names() or setup != load_setup(setup.name):
        notes.add(f"blinding rests on a setup of the user's own, '{setup.name}'")
    return notes


def has_truth(quantities: Quantities, layout: Layout, metadata: Mapping[str, Any]) -> bool:
    """Return whether the events have what only a simulation has."""
    if layout.level == "columns":
        return metadata.get("parent_kind") == "simulation" and any(
            name.startswith("truth_") for name in quantities.arrays
        )
    if not layout.truth or not set(layout.truth) <= set(quantities.arrays):
        return False
    runs = np.unique(quantities.arrays.get("run", np.zeros(0, dtype=np.int64)))
    is_taken = any(data_period(int(run)) is not None for run in runs)
    return not is_taken or metadata.get("parent_kind") == "simulation"


def find_period(quantities: Quantities, setup: Setup, metadata: Mapping[str, Any]) -> Period:
    """Return the data-taking period of a chunk."""
    named = [period for period in load_periods() if period.name == metadata.get("period")]
    if named:
        return named[0]
    runs = quantities.arrays.get("run")
    if runs is not None and len(runs) and runs[0] > 0:
        return period_of_run(int(runs[0]))
    return period_of_setup(setup.name)


def check_length(events: ak.Array, metadata: Mapping[str, Any]) -> None:
    """Refuse a chunk that is shorter than it should be: entries would be lost in silence."""
    start, stop = metadata.get("entrystart"), metadata.get("entrystop")
    if start is not None and stop is not None and len(events) != stop - start:
        msg = f"entries {start} to {stop} were asked for and {len(events)} came: the file has changed"
        raise ReadError(msg)
