"""Which bins of a spectrum of closed data hold all of their events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from selections.regions import Margin, Region

__all__ = ["ClosedBins", "closed_bins"]


class ClosedBins(NamedTuple):
    """What a closed region takes out of a spectrum."""

    is_open: npt.NDArray[np.bool_]  # (n_bins,) no closed region touches the bin
    stretches: tuple[tuple[float, float], ...]  # [unit of the column] that are closed


def closed_bins(
    edges: npt.NDArray[np.float64],
    column: str,
    blinding: Mapping[str, Any],
    box: Region,
    *,
    with_guard: bool = True,
) -> ClosedBins:
    """
    Return which bins of a spectrum no closed region touches.

    Parameters
    ----------
    edges : float64, shape (n_bins + 1,)
    column : str
        Of the spectrum.
    blinding : mapping
        Of run.json.
    box : Region
        What else the events of the spectrum fulfil: a region beside it closes none of them.
    with_guard : bool
        Whether margins around a region count too.
    """
    is_open, closed = np.ones(len(edges) - 1, dtype=bool), set()
    for dataset, regions in blinding["region"].items():
        guard = blinding.get("guard", {}).get(dataset, {}) if with_guard else {}
        margins = {name: Margin(**margin) for name, margin in guard.items()}
        for name, limits in regions.items():
            region = Region(name=name, limits={c: tuple(v) for c, v in limits.items()}).widened(margins)
            others = {c: limit for c, limit in box.limits.items() if c != column}
            if not all(_overlap(region.limits.get(c), limit) for c, limit in others.items()):
                continue
            low, high = region.limits.get(column, (None, None))
            first, last = float(edges[0] if low is None else low), float(edges[-1] if high is None else high)
            is_open &= (edges[1:] <= first) | (edges[:-1] >= last)
            closed.add((first, last))
    return ClosedBins(is_open, tuple(sorted(closed)))


def _overlap(one: Any, other: Any) -> bool:
    """Return whether two windows have something in common; None is open."""
    if one is None:
        return True
    low = max(v for v in (one[0], other[0], -np.inf) if v is not None)
    high = min(v for v in (one[1], other[1], np.inf) if v is not None)
    return bool(low < high)
