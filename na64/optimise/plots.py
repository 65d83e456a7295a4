"""Figures of an optimisation: the figure of merit against each threshold, and over the box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from na64.optimise.tables import figure_name
from na64.optimise.task import Task
from na64.plotting import style
from selections.optimisation.config import BOX
from selections.optimisation.search import Curve, Optimum

__all__ = ["draw_box", "draw_thresholds", "plot_optimum"]

_COLUMNS = 3
_ENERGIES = frozenset({"preshower", "veto", "vhcal"})  # cuts whose thresholds are in GeV


def plot_optimum(task: Task, optimum: Optimum, folder: Path) -> list[Path]:
    """
    Draw every figure as PNG and PDF.

    Parameters
    ----------
    task : Task
    optimum : Optimum
    folder : Path
        Is made if it is not there.

    Returns
    -------
    list of Path
        The PNG files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = [("thresholds", draw_thresholds(task, optimum))] if optimum.curves else []
    if optimum.box is not None:
        figures.append(("box", draw_box(task, optimum)))
    return [style.save_figure(figure, folder, name)[0] for name, figure in figures]


def _label(task: Task) -> str:
    return "simulation" if task.data is None else "simulation and data, blinded"


@style.styled
def draw_thresholds(task: Task, optimum: Optimum) -> Figure:
    """
    Draw the figure of merit against each threshold, the others being at the best point.

    Returns
    -------
    matplotlib Figure, not saved
    """
    n_rows = -(-len(optimum.curves) // _COLUMNS)
    height = 2.45 * n_rows + 1.0
    figure = style.new_figure(11.5, height)
    grid = figure.add_gridspec(
        n_rows,
        _COLUMNS,
        left=0.07,
        right=0.985,
        bottom=0.6 / height,
        top=1 - 0.85 / height,
        hspace=0.5,
        wspace=0.25,
    )
    best = optimum.best.figure[0, 0]
    start, at = optimum.nominal.points[0], optimum.best.points[0]
    panels = [figure.add_subplot(grid[i // _COLUMNS, i % _COLUMNS]) for i in range(len(optimum.curves))]
    for axes, curve in zip(panels, optimum.curves, strict=True):
        _draw_curve(axes, curve, best, (start[curve.name], at[curve.name]))
    panels[0].legend(loc="best", fontsize=9, frameon=True, framealpha=0.9, edgecolor="0.8", fancybox=False)
    for axes in panels[::_COLUMNS]:
        axes.set_ylabel("figure / best point", fontsize=11)
    title = f"{figure_name(task)}, less is better; band: 68% of {optimum.best.figure.shape[1] - 1} replicas"
    return style.label_axes(panels[0], _label(task), title=title, right="")


def _draw_curve(axes: Axes, curve: Curve, best: float, marks: tuple[float, float]) -> None:
    ratio = curve.scanned.figure / best
    value = ratio[:, 0]
    here = int(np.flatnonzero(curve.values == marks[1])[0])
    replicas = curve.scanned.figure / curve.scanned.figure[here]  # of the same events
    low, high = np.quantile(replicas, [0.16, 0.84], axis=1)
    top = min(float(value.max()) * 1.03, 2.0)
    axes.fill_between(curve.values, low, np.minimum(high, 10.0), color=style.COLOURS[0], alpha=0.3, lw=0)
    axes.plot(curve.values, value, color=style.COLOURS[0], marker="o", ms=3)
    axes.axvspan(*curve.optimum[1:], color=style.COLOURS[4], alpha=0.25, lw=0, label="best value, 68%")
    axes.axvline(marks[0], color=style.INK, linestyle="--", lw=1.2, label="as it is")
    if marks[1] != marks[0]:
        axes.axvline(marks[1], color=style.ACCENT, lw=1.5, label="best point")
    axes.set_ylim(min(0.97, float(low.min()) - 0.01), max(top, 1.03))
    margin = 0.03 * (curve.values[-1] - curve.values[0])
    axes.set_xlim(curve.values[0] - margin, curve.values[-1] + margin)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(5))
    axes.tick_params(labelsize=10)
    axes.set_xlabel(_axis_name(curve.name), fontsize=11, loc="right")


def _axis_name(name: str) -> str:
    """Return the name of a threshold with its unit."""
    cut, _, key = name.partition(".")
    if cut == BOX:
        energy = style.pretty({"ecal_energy": "E_ECAL", "hcal_energy": "E_HCAL"}.get(key, key))
        return f"upper edge of the box, {energy} [GeV]"
    unit = "rad" if cut == "track_angle" else "GeV" if cut in _ENERGIES or key == "half_width" else ""
    return f"{name} [{unit}]" if unit else name


@style.styled
def draw_box(task: Task, optimum: Optimum) -> Figure:
    """
    Draw the figure of merit over both edges of the box.

    Returns
    -------
    matplotlib Figure, not saved
    """
    scanned = optimum.box
    assert scanned is not None
    names = [name for name in scanned.points[0] if name.startswith(f"{BOX}.")]
    places = [np.unique([point[name] for point in scanned.points]) for name in names]
    ratio = (scanned.figure[:, 0] / optimum.best.figure[0, 0]).reshape([len(p) for p in places])
    axes = style.new_figure(8, 6).add_axes((0.1, 0.12, 0.74, 0.74))
    shown = np.minimum(ratio, 2.0)
    edges = [_between(p) for p in places]
    mesh = axes.pcolormesh(*edges, shown.T, cmap="viridis_r", rasterized=True)
    look: Any = {"colors": style.INK, "linewidths": 1.0}
    levels = [level for level in (1.01, 1.05, 1.2) if ratio.min() < level < shown.max()]
    if levels and min(len(p) for p in places) > 1:
        lines = axes.contour(*places, shown.T, levels=levels, **look)
        axes.clabel(lines, fmt=lambda level: f"+{100 * (level - 1):.0f}%", fontsize=10)
    for point, marker, label in (
        (optimum.nominal.points[0], "s", "as it is"),
        (optimum.best.points[0], "*", "best point"),
    ):
        x, y = (point[name] for name in names)
        axes.plot(
            x,
            y,
            marker,
            ms=10 if marker == "s" else 15,
            color=style.ACCENT,
            mec="white",
            label=label,
            clip_on=False,
            zorder=5,
        )
    axes.legend(loc="lower left", frameon=True, framealpha=0.9, edgecolor="0.8", fancybox=False)
    axes.set_xlabel(_axis_name(names[0]))
    axes.set_ylabel(_axis_name(names[1]))
    bar = axes.get_figure(root=True).colorbar(mesh, cax=axes.inset_axes((1.03, 0.0, 0.04, 1.0)))  # type: ignore[union-attr]
    bar.set_label("figure / best point")
    return style.label_axes(
        axes, _label(task), title=f"{figure_name(task)}, less is better", right=task.setup
    )


def _between(places: Any) -> Any:
    """Return edges of bins around points."""
    middle = 0.5 * (places[1:] + places[:-1])
    return np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])
