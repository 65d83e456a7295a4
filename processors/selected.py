"""What a chunk of events is, and the events of it that may be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.conditions import Conditions
from datasets.digits import Digits
from datasets.layouts import Layout
from datasets.periods import Period
from datasets.probe import Kind
from processors.reconstruction import Measured
from recon.geometry import Setup
from selections.blinding import Blinding
from selections.cut import Mask
from selections.selection import Selection

__all__ = ["Columns", "Context", "Details", "Selected"]

Columns = Mapping[str, npt.NDArray[Any]]


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


class Details(NamedTuple):
    """What lies under the columns of events that may be seen."""

    position: npt.NDArray[np.int64]  # (n_events,) in the chunk
    measured: Measured  # cells, times and hits
    digits: Digits  # of level raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The events of a chunk that may be seen, with all their columns."""

    context: Context
    entries: int
    n_events: int
    columns: Columns
    base: Mask  # (n_events,)
    weight: npt.NDArray[np.float64]
    total_weight: tuple[float, float]  # sum and sum of squares over all entries
    details: Details | None = None  # where asked for
