"""Figures of the background estimate: side bands with their fits, and the sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from na64.background.estimate import Background, SideBandFit
from na64.plotting import style
from selections.background.config import SideBand
from selections.background.extrapolation import Spectrum, fitted_curve
from selections.background.intervals import poisson_limits

__all__ = ["draw_side_band", "draw_sources", "plot_background"]

_FINE = 4  # points of a curve per bin


def plot_background(background: Background, bands: dict[str, SideBand], folder: Path) -> list[Path]:
    """
    Draw every figure as PNG and PDF.

    Parameters
    ----------
    background : Background
    bands : mapping
        Name of a side band -> its configuration.
    folder : Path
        Is made if it is not there.

    Returns
    -------
    list of Path
        The PNG files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    label = "data, blinded" if background.data.state == "closed" else "open data"
    origin = str(background.data.record["setup"])
    figures = [
        (band.name, draw_side_band(band, bands[band.name], label, origin)) for band in background.side_bands
    ]
    figures.append(("sources", draw_sources(background, label, origin)))
    return [style.save_figure(figure, folder, name)[0] for name, figure in figures]


@style.styled
def draw_side_band(band: SideBandFit, config: SideBand, label: str, origin: str = "") -> Figure:
    """
    Draw a side band, its fit with the statistical band, other shapes, and what is expected beside it.

    Parameters
    ----------
    band : SideBandFit
    config : SideBand
    label, origin : str
        What the events are; setup or period.

    Returns
    -------
    matplotlib Figure, not saved
    """
    axes = style.new_figure(8, 5.6).add_axes((0.11, 0.12, 0.85, 0.74))
    closed, found = config.fit.closed, band.found
    windows = [fit.window for fit in (found.nominal, *found.variations)]
    first, last = min(closed[0], *(w[0] for w in windows)), max(closed[1], *(w[1] for w in windows))
    axes.set_xlim(first, last)
    axes.axvspan(*closed, hatch="xx", fc="none", ec=style.ACCENT, lw=0, alpha=0.6, label="closed region")
    beside = (first, closed[0]) if config.fit.is_below else (closed[1], last)
    shown = band.spectrum.within(beside)
    largest = _draw_points(axes, shown)
    if found.nominal.events:
        _draw_fit(axes, band, config, (first, last), float(np.diff(shown.edges)[0]))
    axes.set_yscale("log")
    expected = found.expected
    lowest = max(1e-5, 0.1 * expected.value / (closed[1] - closed[0])) if largest else 0.02
    axes.set_ylim(min(0.02, lowest), 40 * max(1.0, largest))
    axes.set_xlabel(f"{style.pretty(style.symbol_of(config.column))} [GeV]")
    axes.set_ylabel(f"events / {np.diff(shown.edges)[0]:g} GeV".replace("/ 1 GeV", "/ GeV"))
    axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="0.8", fancybox=False, ncol=2)
    text = f"{expected.value:.3g}  (68%: {expected.low:.3g} to {expected.high:.3g}) events expected"
    style.add_note(axes, f"in the closed region {text}; fitted from {_window(found.nominal.window)} GeV")
    if not largest:
        style.add_text(axes, "no events", 0.5 * sum(beside), 1.0)
    name = f"side band {band.name.rpartition('_')[2].upper()}"
    return style.label_axes(axes, label, title=f"{name}: {config.label}", right=origin)


def _window(window: tuple[float, float]) -> str:
    return f"{window[0]:g} to {window[1]:g}"


def _draw_points(axes: Axes, shown: Spectrum) -> float:
    """Draw counts with the intervals of their means, and return the largest count."""
    centres = 0.5 * (shown.edges[1:] + shown.edges[:-1])
    low, high = poisson_limits(shown.counts)
    filled = shown.counts > 0
    errors = np.stack([shown.counts - low, high - shown.counts])[:, filled]
    look: Any = {"fmt": "o", "ms": 4, "color": style.INK, "label": f"{shown.counts.sum():,} events"}
    axes.errorbar(centres[filled], shown.counts[filled], errors, **look)
    return float(shown.counts.max(initial=0))


def _draw_fit(
    axes: Axes, band: SideBandFit, config: SideBand, span: tuple[float, float], width: float
) -> None:
    """Draw the nominal fit with its band, over the whole span, and other shapes."""
    fit = band.found.nominal
    steps = round((span[1] - span[0]) / width) * _FINE
    edges = np.linspace(*span, steps + 1)
    centres = 0.5 * (edges[1:] + edges[:-1])
    value, low, high = (_FINE * curve for curve in fitted_curve(fit, config.fit.closed, edges))
    colour = style.COLOURS[0]
    axes.fill_between(centres, low, high, color=colour, alpha=0.3, lw=0, label="statistical band")
    inside = (centres >= fit.window[0]) & (centres < fit.window[1])
    axes.plot(centres[inside], value[inside], color=colour, label=f"{fit.shape.name} fit")
    for part in (centres <= fit.window[0], centres >= fit.window[1]):
        axes.plot(centres[part], value[part], color=colour, linestyle="--")
    for index, other in enumerate(band.found.models):
        curve = _FINE * fitted_curve(other, config.fit.closed, edges)[0]
        look: Any = {"color": style.COLOURS[2 + index], "linestyle": ":"}
        axes.plot(centres, curve, label=f"{other.shape.name}", **look)


@style.styled
def draw_sources(background: Background, label: str, origin: str = "") -> Figure:
    """
    Draw every estimate with its statistical and complete interval.

    Returns
    -------
    matplotlib Figure, not saved
    """
    counted = [e for e in background.estimates if e.source.in_total]
    rows = [*counted, background.total, *(e for e in background.estimates if not e.source.in_total)]
    figure = style.new_figure(9, 1.8 + 0.5 * len(rows))
    bottom, top = 0.75 / figure.get_figheight(), 1 - 0.65 / figure.get_figheight()
    axes = figure.add_axes((0.42, bottom, 0.55, top - bottom))
    for place, estimate in enumerate(rows):
        is_total = estimate is background.total
        colour = style.INK if is_total else style.COLOURS[0 if estimate.source.in_total else 4]
        for interval, width in ((estimate.interval, 1.2), (estimate.statistical, 4.0)):
            axes.plot(interval[1:], [place, place], color=colour, lw=width, solid_capstyle="butt")
        axes.plot(estimate.statistical.value, place, "o", color=colour, ms=6)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    names = [e.source.label if e.source.in_total else f"({e.source.label})" for e in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=10)
    axes.minorticks_off()
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left=0)
    axes.set_xlabel("events expected in the closed region")
    style.add_note(axes, "thick: statistical, thin: all errors, 68%; in brackets: not in the total")
    return style.label_axes(axes, label, title="", right=origin)
