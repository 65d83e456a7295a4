"""The panel that lists all cuts with what they say of the event."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes

from na64.plotting import style
from processors.pick import Picked, verdicts_of
from recon.columns import COLUMNS
from selections.verdicts import Verdict, regions_of, rejected_by

__all__ = ["conclusion", "draw_verdicts"]

_MARKS = {
    "pass": ("pass", "#3f7a2f"),
    "fail": ("FAIL", style.ACCENT),
    "undecidable": ("unknown", style.ACCENT),
    "not given": ("not given", "0.45"),
}


def draw_verdicts(axes: Axes, picked: Picked) -> None:
    """Write base requirement, cuts, the cut that rejects the event in bold, and the regions it lies in."""
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    base, cuts = verdicts_of(picked)
    selection = picked.context.selection
    first = rejected_by((*base, *cuts))
    lines = 2 * (len(base) + len(cuts)) + 8
    height, y = 1 / lines, 1 - 0.5 / lines
    look: Any = {"fontsize": 11, "fontweight": "bold", "va": "center"}
    told = f"rejected by {first.name}" if first else conclusion(cuts)
    axes.text(0, y, told, gid="told", color=style.ACCENT if first else "#3f7a2f", **look | {"fontsize": 14})
    y -= 1.6 * height
    in_base = [cut for cut in cuts if cut.name in selection.base.cuts]
    others = [cut for cut in cuts if cut.name not in selection.base.cuts]
    for title, verdicts in (("base requirement", [*base, *in_base]), (f"cuts: {selection.analysis}", others)):
        axes.text(0, y, title, **look)
        y -= height
        y = _write(axes, verdicts, first, y, height)
    names = {region.name: region.label for region in (selection.signal_box, *selection.regions)}
    there = [f"{name} ({names[name]})" for name in regions_of(selection, picked.columns, 0)]
    axes.text(0, y, f"region: {', '.join(there) or 'none'}", va="center", fontsize=9)


def _write(axes: Axes, verdicts: Sequence[Verdict], first: Verdict | None, y: float, height: float) -> float:
    """Write two lines for each requirement; return where the next line goes."""
    for verdict in verdicts:
        mark, colour = _MARKS[verdict.outcome]
        weight = "bold" if verdict is first else "normal"
        look: Any = {"va": "center", "fontsize": 9, "fontweight": weight}
        axes.text(0.0, y, mark, color=colour, gid=f"{verdict.name}: {verdict.outcome}", **look)
        axes.text(0.17, y, style.pretty(verdict.label), **look)
        shown = [str(value) for value in verdict.values if COLUMNS[value.column].dtype != "bool"]
        text = verdict.reason or ", ".join(shown) or ", ".join(map(str, verdict.values))
        axes.text(0.17, y - 0.5 * height, "\n".join(wrap(text, 78)), va="top", fontsize=7.5, color="0.35")
        y -= 2 * height
    return y


def conclusion(cuts: Sequence[Verdict]) -> str:
    """Say that no cut rejects the event, and how many could not be asked."""
    silent = sum(cut.outcome == "not given" for cut in cuts)
    return f"no cut rejects it{f' ({silent} not given)' if silent else ''}"
