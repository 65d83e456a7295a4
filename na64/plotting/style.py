"""How every figure looks: one matplotlib style, one label, and the parts that figures are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import mplhep as hep
import numpy as np
import numpy.typing as npt
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

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
    "colour_of",
    "count_label",
    "energy_label",
    "figure_of",
    "label_axes",
    "new_figure",
    "pretty",
    "save_figure",
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
_FREE = 4.0  # [pixels] between a word and the frame
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
    figure = figure_of(axes)  # mplhep's exp_text would draw it to learn where the second word begins
    name = axes.annotate("NA64", (0, 1), (0, 5), fontsize=17, fontweight="bold", **OVER_AXES)
    width = name.get_window_extent().width * 72 / figure.dpi  # [points]
    axes.annotate(text, (0, 1), (width + 6, 5), fontsize=13, fontstyle="italic", **OVER_AXES)
    axes.annotate(right, (1, 1), (0, 5), ha="right", fontsize=11, **OVER_AXES)
    axes.annotate(title, (0, 1), (0, 25), fontsize=12 if len(title) < 75 else 10, **OVER_AXES)
    return figure


def figure_of(axes: Axes) -> Figure:
    """Return the figure of some axes; ValueError if they were taken out of it."""
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
    """
    Write a bold word with a white edge, readable over events.

    Parameters
    ----------
    axes : Axes
    text : str
    x, y : float
        The middle of the word in data coordinates; near the frame it is moved until the word is inside.
    colour : str
    """
    edge = patheffects.withStroke(linewidth=4, foreground="white")
    place: Any = {"ha": "center", "va": "center", "zorder": 5}
    word = axes.text(x, y, text, fontsize=14, fontweight="bold", color=colour, path_effects=[edge], **place)
    box, frame = word.get_window_extent(), axes.get_window_extent()
    away = [
        max(low + _FREE - one, 0.0) - max(other - (high - _FREE), 0.0)
        for one, other, low, high in zip(box.min, box.max, frame.min, frame.max, strict=True)
    ]
    if any(away):
        moved = axes.transData.inverted().transform(axes.transData.transform((x, y)) + away)
        word.set_position((float(moved[0]), float(moved[1])))


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
