"""How every figure looks: one matplotlib style, one label, and the parts that figures are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import mplhep as hep
import numpy as np
import numpy.typing as npt
from matplotlib import patheffects, ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from scipy.ndimage import distance_transform_edt

__all__ = [
    "ACCENT",
    "COLOURS",
    "INK",
    "METADATA",
    "OVER_AXES",
    "STYLE",
    "add_note",
    "add_text",
    "add_window",
    "clip_polygon",
    "colour_map",
    "colour_of",
    "count_label",
    "deepest_place",
    "energy_label",
    "label_axes",
    "new_figure",
    "pretty",
    "save_figure",
    "scale_counts",
    "scatter_bins",
    "stretch_below",
    "styled",
    "symbol_of",
    "unit_of",
    "write_figure",
]

_SYMBOLS = {
    "calorimeter_energy": "E_ECAL + E_VHCAL + E_HCAL",
    "electromagnetic_energy": "E_WCAL + E_ECAL",
    "missing_energy": "E_miss",
    "track_momentum": "p_1",
    "scattered_momentum": "p_2",
}

P = ParamSpec("P")
R = TypeVar("R")
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# The ten colours of M. Petroff, arXiv:2107.02270, which stay apart for the colour-blind.
COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
ACCENT = "#bd1f01"  # thresholds and closed regions
INK = "#222222"  # other lines and words over the events
OVER_AXES: Any = {"xycoords": "axes fraction", "textcoords": "offset points"}  # for Axes.annotate
STYLE: Any = {  # for rc_context
    **hep.style.ROOT,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,  # plain numbers look the same, and need no parser
    "font.size": 13,
    "font.sans-serif": ["TeX Gyre Heros", "DejaVu Sans"],
    "axes.linewidth": 1.0,
    **{f"{axis}tick.major.size": 7 for axis in "xy"},
    **{f"{axis}tick.minor.size": 3.5 for axis in "xy"},
    "legend.fontsize": 11,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.5,
    "hatch.linewidth": 0.8,
    "savefig.dpi": 150,
    "pdf.fonttype": 42,  # text stays text
    "svg.hashsalt": "na64",
}
METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "ModDate": None, "Creator": "na64", "Producer": None},
    ".svg": {"Date": None, "Creator": "na64"},
}


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function in the house style; the caller's own matplotlib settings stay as they are."""

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(STYLE):
            return function(*args, **kwargs)

    return inside


@styled
def new_figure(width: float, height: float) -> Figure:
    """
    Make an empty figure that no window and no global list of figures knows of.

    Parameters
    ----------
    width, height : float [inch]
    """
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


@styled
def label_axes(axes: Axes, text: str, *, title: str = "", right: str = "") -> Figure:
    """
    Write "NA64" and what the events are above some axes, and a title above both; return their figure.

    Parameters
    ----------
    axes : Axes
    text : str
        "simulation", "data, blinded", ...
    title : str
        Of the figure, one line.
    right : str
        At the right end of the label's line: setup or period.
    """
    figure = _figure_of(axes)  # mplhep's exp_text would draw it to learn where the second word begins
    name = axes.annotate("NA64", (0, 1), (0, 5), fontsize=17, fontweight="bold", **OVER_AXES)
    width = name.get_window_extent().width * 72 / figure.dpi  # [points]
    axes.annotate(text, (0, 1), (width + 6, 5), fontsize=13, fontstyle="italic", **OVER_AXES)
    axes.annotate(right, (1, 1), (0, 5), ha="right", fontsize=11, **OVER_AXES)
    axes.annotate(title, (0, 1), (0, 25), fontsize=12 if len(title) < 75 else 10, **OVER_AXES)
    return figure


def _figure_of(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    if figure is None:
        msg = "these axes were taken out of their figure"
        raise ValueError(msg)
    return figure


def save_figure(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write a figure as PNG and PDF into a folder, empty it, and return the two paths."""
    png, pdf = folder / f"{name}.png", folder / f"{name}.pdf"
    write_figure(figure, png)
    write_figure(figure, pdf)
    figure.clear()
    return png, pdf


@styled
def write_figure(figure: Figure, path: Path) -> None:
    """
    Write a figure as PNG, PDF or SVG, without dates, so that equal figures make equal files.

    Raises
    ------
    ValueError
        If the path ends in none of these.
    """
    ending = path.suffix.lower()
    if ending not in METADATA:
        msg = f"cannot draw into {path}: its name must end with one of {', '.join(METADATA)}"
        raise ValueError(msg)
    figure.savefig(path, metadata=METADATA[ending])


def colour_of(index: int) -> tuple[str, str]:
    """Return colour and line style of the dataset with an index; they repeat after thirty."""
    return COLOURS[index % len(COLOURS)], ("-", "--", ":")[index // len(COLOURS) % 3]


def pretty(text: str) -> str:
    """Set E_ECAL, p_2 and their like with an index; other text is not taken for a formula."""
    return re.sub(r"\b([Ep])_([A-Z0-9]+|miss)\b", r"$\1_{\2}$", text.replace("$", r"\$"))


def unit_of(label: str) -> str:
    """Return the unit that an axis label ends with, "" for none."""
    match = re.search(r"\[([^\]]+)\]\s*$", label)
    return match.group(1) if match else ""


def energy_label(axis: Any) -> str:
    """Return the label of an axis of the plane of a signal box, as in publications: E_ECAL [GeV]."""
    return f"{pretty(symbol_of(axis.name))} [{unit_of(axis.label)}]"


def symbol_of(column: str) -> str:
    """Return what publications call a column: E_ECAL, p_2."""
    if column in _SYMBOLS:
        return _SYMBOLS[column]
    return f"E_{column.removesuffix('_energy').upper()}" if column.endswith("_energy") else column


def count_label(axes: Sequence[Any], *, weighted: bool) -> str:
    """Return "events / (0.5 GeV)" or "events / (1 GeV × 1 GeV)" for the axes of a histogram."""
    widths = [f"{axis.widths[0]:.4g} {unit_of(axis.label)}".rstrip() for axis in axes]
    per = widths[0].removeprefix("1 ") if len(widths) == 1 else " × ".join(widths)
    per = f"({per})" if " " in per else per
    return f"{'weighted ' * weighted}events{f' / {per}' * (per != '1')}"


@styled
def add_note(axes: Axes, text: str, *, large: bool = False) -> None:
    """Write a remark below the left end of the x axis, or a large one in the middle of the frame."""
    look: Any = {"va": "top", "fontsize": 9, "color": "0.35"}
    if large:
        look = {"ha": "center", "va": "center", "fontsize": 22, "color": "0.5"}
        axes.text(0.5, 0.5, text, transform=axes.transAxes, **look)
        return
    axes.annotate(text, (0, 0), (0, -34), **OVER_AXES, **look)


@styled
def add_text(axes: Axes, text: str, x: float, y: float, *, colour: str = INK) -> None:
    """Write a bold word with a white edge, readable over events, at a place in data coordinates."""
    edge = patheffects.withStroke(linewidth=4, foreground="white")
    place: Any = {"ha": "center", "va": "center", "zorder": 5}
    axes.text(x, y, text, fontsize=14, fontweight="bold", color=colour, path_effects=[edge], **place)


@styled
def add_window(axes: Axes, low: float, high: float) -> None:
    """Draw the limits of what is kept along x, infinite where open, and shade what is removed."""
    left, right = axes.get_xlim()
    name: str | None = "threshold, outside shaded"
    for limit, start, stop in ((low, left, low), (high, high, right)):
        if left < limit < right:
            axes.axvspan(start, stop, facecolor="0.55", alpha=0.2, linewidth=0, zorder=0)
            axes.axvline(limit, color=ACCENT, linestyle="--", label=name)
            name = None
        elif np.isfinite(limit) and not left <= limit <= right:
            axes.plot([], [], linestyle="none", label=f"threshold at {limit:g} off scale")


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
    frame, figure = axes.get_position(), _figure_of(axes)
    bar = figure.colorbar(mesh, cax=figure.add_axes((frame.x1 + 0.02, frame.y0, 0.025, frame.height)))
    bar.set_label(label)


def clip_polygon(corners: Floats, a: float, b: float, c: float) -> Floats:
    """
    Keep the part of a convex polygon where a x + b y + c >= 0 (Sutherland and Hodgman, CACM 17 (1974) 32).

    Parameters
    ----------
    corners : float64, shape (n, 2)
    a, b, c : float

    Returns
    -------
    float64, shape (m, 2)
    """
    kept: list[Floats] = []
    for before, after in zip(np.roll(corners, 1, axis=0), corners, strict=True):
        start, stop = np.array([before, after]) @ (a, b) + c
        if (start < 0) != (stop < 0):
            kept.append(before + start / (start - stop) * (after - before))
        if stop >= 0:
            kept.append(after)
    return np.array(kept, dtype=np.float64).reshape(-1, 2)


def deepest_place(axes: Axes, masks: Callable[[Floats, Floats], Sequence[Mask]]) -> tuple[float, float]:
    """
    Return the place of a label: in data coordinates, farthest on paper from the edge of an area.

    Parameters
    ----------
    axes : Axes
    masks : callable
        Given x and y of places all over the frame, areas that may be used, the best first: the next one
        is tried where an area is too narrow.
    """
    n = 200
    steps = (np.arange(n) + 0.5) / n
    frame = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    places = (axes.transAxes - axes.transData).transform(frame)
    best = 0
    for mask in masks(places[:, 0], places[:, 1]):
        depth = distance_transform_edt(np.pad(mask.reshape(n, n), 1))[1:-1, 1:-1]
        cells = np.argwhere(depth > 0)
        middle = cells.mean(axis=0) if len(cells) else np.zeros(2)
        away = np.hypot(*(np.indices(depth.shape) - middle[:, None, None]))
        best = int((depth - 0.05 * away).argmax())
        if depth.max() >= 6:
            break
    return float(places[best, 0]), float(places[best, 1])


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
