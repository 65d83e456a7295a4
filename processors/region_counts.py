"""How many events lie in the regions of an analysis, and which particles of the beam are tagged."""

from __future__ import annotations

import numpy as np

from processors.selected import Selected
from selections.cut import Mask
from selections.tag_and_probe import ProbeCounts, count_probes

__all__ = ["count_regions", "count_tagged"]


def count_regions(selected: Selected, final: Mask) -> dict[str, tuple[str, int | None]]:
    """Count events after all cuts in the signal box and the regions; a closed box has no count."""
    selection, blinding = selected.context.selection, selected.context.blinding
    counts: dict[str, tuple[str, int | None]] = {}
    for region in (selection.signal_box, *selection.regions):
        inside = int(np.count_nonzero(final & region.contains(selected.columns)))
        counts[region.name] = region.label, None if blinding.hides(region) else inside
    return counts


def count_tagged(selected: Selected) -> ProbeCounts | None:
    """Count who is tagged; of data, and where the tag is asked for, nothing can be said."""
    context = selected.context
    what = context.selection.tag_and_probe
    if what is None or context.kind == "data" or what.cut in {cut.name for cut in context.selection.cuts}:
        return None
    if any(name not in selected.columns for name in what.columns):
        return None
    return count_probes(what, selected.columns, selected.base, selected.weight)
