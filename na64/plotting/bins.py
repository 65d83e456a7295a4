"""Bins on paper: counts with room for a legend, colour maps, a marker per filled bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm

from na64.plotting.style import figure_of, styled

__all__ = ["colour_map", "scale_counts", "scatter_bins", "stretch_below"]

Floats = npt.NDArray[np.float64]


@styled
def scale_counts(axes: Axes, values: Floats) -> None:
    """
    Choose the y axis, logarithmic for a large range, with room for a legend above the events.

    Parameters
    ----------
    axes : Axes
        Its legend is drawn here.
    values : float64, shape (n,)
        Contents of all bins.
    """
    entries = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    names = sorted(entries, key=lambda name: (name.startswith("threshold"), name))
    handles = [entries[name] for name in names]
    columns = 1 if len(handles) <= 3 else 2
    if handles:
        look: Any = {"frameon": True, "framealpha": 0.9, "edgecolor": "0.8", "fancybox": False}
        axes.legend(handles, names, loc="upper right", ncol=columns, **look)
    room = 0.08 + 0.06 * -(-len(handles) // columns)
    filled = values[values > 0]
    if not filled.size:
        axes.set_ylim(0, 1)
        return
    top, low = float(filled.max()), 0.5 * min(1.0, float(filled.min()))
    if top > 50 * filled.min():
        axes.set_yscale("log")
        axes.set_ylim(low, top * (1.5 * top / low) ** (room / (1 - room)))
    else:
        axes.set_ylim(0, 1.1 * (top + np.sqrt(top)) / (1 - room))
        if not 1e-3 < top < 1e5:  # else a power of ten would stand where the label is
            axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:.3g}"))


@styled
def stretch_below(axes: Axes, limit: float, factor: float, unit: str) -> str:
    """
    Draw y below a limit larger than above it, and return the note that the figure must have.

    Parameters
    ----------
    axes : Axes
        Its limits along y must be set.
    limit : float
        > 0
    factor : float
        How many times larger.
    unit : str
        Of the limit.
    """
    (low, high), shift = axes.get_ylim(), (factor - 1) * limit

    def forward(y: Floats) -> Floats:
        return np.where(y < limit, factor * y, y + shift)

    def inverse(y: Floats) -> Floats:
        return np.where(y < factor * limit, y / factor, y - shift)

    axes.set_yscale("function", functions=(forward, inverse))
    axes.set_ylim(low, high)
    ticks = ticker.MaxNLocator(7).tick_values(limit, high)
    axes.set_yticks([0, limit, *(tick for tick in ticks if 5 * limit < tick <= high)])
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    axes.axhline(limit, color="0.6", linewidth=0.6, zorder=0.5)
    return f"scale of y ×{factor:g} below {limit:g} {unit}".rstrip()


@styled
def colour_map(axes: Axes, edges: tuple[Floats, Floats], values: Floats, label: str) -> None:
    """
    Draw bins on a logarithmic colour scale, with a bar to the right; empty bins stay white.

    Parameters
    ----------
    axes : Axes
    edges : (float64, shape (n_x + 1,); float64, shape (n_y + 1,))
    values : float64, shape (n_x, n_y)
    label : str
        Of the bar.
    """
    filled = np.ma.masked_less_equal(values, 0)
    low = min(1.0, float(filled.min())) if filled.count() else 1.0
    high = max(10 * low, float(filled.max())) if filled.count() else 10.0
    mesh = axes.pcolormesh(*edges, filled.T, norm=LogNorm(low, high), cmap="viridis", rasterized=True)
    frame, figure = axes.get_position(), figure_of(axes)
    bar = figure.colorbar(mesh, cax=figure.add_axes((frame.x1 + 0.02, frame.y0, 0.025, frame.height)))
    bar.set_label(label)


@styled
def scatter_bins(
    axes: Axes, centres: tuple[Floats, Floats], parts: Mapping[str, Floats], colours: Sequence[str]
) -> None:
    """
    Draw a marker in each filled bin, its area growing with the logarithm of the content, and a legend.

    Parameters
    ----------
    axes : Axes
    centres : (float64, shape (n_x,); float64, shape (n_y,))
    parts : mapping from the name in the legend to float64, shape (n_x, n_y)
    colours : sequence of str
    """
    x, y = centres
    shifts = (x[1] - x[0]) * np.linspace(-0.25, 0.25, max(2, len(parts)))
    for shift, colour, (name, values) in zip(shifts, colours, parts.items(), strict=False):
        i, j = np.nonzero(values > 0)
        area = 8 + 10 * np.log10(values[i, j] / values[i, j].min(initial=np.inf))
        order = 3 - 1e-3 * np.log10(1 + values.sum())  # the rarest on top
        drawn = axes.scatter(x[i] + shift, y[j], s=area, c=colour, linewidth=0, alpha=0.8, label=name)
        drawn.set(zorder=order, rasterized=True)
    legend = axes.legend(loc="upper right", frameon=True, framealpha=0.9, edgecolor="none", fontsize=10)
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([40])
