"""The events of a chunk that may be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.digits import Digits
from processors.context import Context
from processors.quality import Counts
from processors.reconstruction import Measured
from selections.cut import Mask

__all__ = ["Columns", "Details", "Selected"]

Columns = Mapping[str, npt.NDArray[Any]]


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
    quality: Counts = field(default_factory=dict)
