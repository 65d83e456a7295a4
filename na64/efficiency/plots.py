"""Figures of efficiencies: shifts by systematic variations, and efficiencies against the beam's intensity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from na64.efficiency.tables import Factor, Table, spread
from na64.plotting import style

__all__ = ["draw_intensity", "draw_shifts"]


@style.styled
def draw_shifts(table: Table, right: str = "") -> Figure:
    """
    Draw what each variation moves the efficiency by, before the cut on the missing energy.

    Parameters
    ----------
    table : Table
        With at least one variation.
    right : str
        Setup or period, at the right end of the label.
    """
    factor, names = table.products[0], list(table.variations)
    shifts = 100 * np.array([factor.shift(name) for name in names])
    axes = style.new_figure(9.5, 1.9 + 0.32 * len(names)).add_axes((0.35, 0.14, 0.61, 0.7))
    place = np.arange(len(names))[::-1]
    known = np.isfinite(shifts)
    colours = np.where(shifts[known] < 0, style.ACCENT, style.COLOURS[0])
    axes.barh(place[known], shifts[known], height=0.62, color=colours)
    for where, shift in zip(place, shifts, strict=True):
        text = f"{shift:+.2f}" if np.isfinite(shift) else "not known"
        axes.annotate(
            text,
            (max(shift, 0.0) if np.isfinite(shift) else 0.0, where),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
        )
    stat = 100 * (factor.high - factor.low) / 2 / factor.value if factor.value > 0 else 0.0
    axes.axvspan(-stat, stat, color="0.9", zorder=0)
    axes.axvline(0, color=style.INK, lw=0.8)
    reach = 1.35 * max(float(np.abs(shifts[known]).max(initial=0.0)), stat, 0.05)
    axes.set(xlim=(-reach, reach), ylim=(-0.7, len(names) - 0.3), xlabel="shift of the efficiency [%]")
    axes.set_yticks(place, [style.pretty(table.variations[name]) for name in names], fontsize=11)
    axes.tick_params(axis="y", which="both", left=False, right=False)
    title = f"{style.pretty(factor.label)}: {100 * factor.value:.1f}%; grey: statistical error"
    return style.label_axes(axes, f"{table.kind}, {table.dataset}", title=title, right=right)


@style.styled
def draw_intensity(points: Mapping[float, Table], chosen: Sequence[str], right: str = "") -> Figure:
    """
    Draw efficiencies against the intensity.

    Parameters
    ----------
    points : mapping
        Beam particles per spill -> efficiencies.
    chosen : sequence of str
        Factors to draw beside the product of all cuts but that on the missing energy.
    right : str
        Setup, at the right end of the label.
    """
    axes = style.new_figure(8, 6).add_axes((0.11, 0.12, 0.85, 0.76))
    intensities = np.array(sorted(points))
    tables = [points[value] for value in intensities]
    main = [table.products[0] for table in tables]
    _points(axes, intensities, main, style.INK, "o", style.pretty(main[0].label))
    for index, name in enumerate(chosen):
        factors = [next(f for f in table.factors if f.name == name) for table in tables]
        _points(axes, intensities, factors, style.COLOURS[index], "s^vD*PX"[index % 7], factors[0].label)
    if any(table.variations for table in tables):
        low, high = (
            np.array([f.value * (1 + sign * spread_of) for f, spread_of in zip(main, part, strict=True)])
            for sign, part in ((-1, [spread(f)[0] for f in main]), (1, [spread(f)[1] for f in main]))
        )
        axes.fill_between(intensities, low, high, color="0.85", zorder=0, label="systematic variations")
    axes.set(xscale="log", ylim=(0, 1.05), xlabel="beam particles per spill", ylabel="efficiency")
    axes.legend(loc="lower left", fontsize=10)
    title = "signal efficiency against the intensity of the beam"
    return style.label_axes(axes, tables[0].kind, title=title, right=right)


def _points(
    axes: Axes, x: npt.NDArray[np.float64], factors: Sequence[Factor], colour: str, marker: str, label: str
) -> None:
    value, low, high = (np.array([getattr(f, key) for f in factors]) for key in ("value", "low", "high"))
    look: Any = {
        "color": colour,
        "marker": marker,
        "ms": 6,
        "lw": 1,
        "capsize": 2,
        "label": style.pretty(label),
    }
    axes.errorbar(x, value, (value - low, high - value), **look)
