"""The figure of the bump search: spectrum with its smooth background, and p-values against the mass."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from limits.bump import smooth
from na64.bump.search import COLUMN, BumpSearch
from na64.plotting import style
from selections.background.intervals import poisson_limits

__all__ = ["draw_bump"]


@style.styled
def draw_bump(search: BumpSearch) -> Figure:
    """
    Draw the spectrum above the local p-values, along the same missing energy.

    Returns
    -------
    matplotlib Figure, not saved
    """
    figure = style.new_figure(8, 7.5)
    above = figure.add_axes((0.11, 0.47, 0.85, 0.42))
    below = figure.add_axes((0.11, 0.1, 0.85, 0.34), sharex=above)
    edges = search.spectrum.edges
    above.set_xlim(edges[0], edges[-1])
    for axes in (above, below):
        for low, high in search.closed:
            low, high = max(low, edges[0]), min(high, edges[-1])
            axes.axvspan(low, high, hatch="xx", fc="none", ec=style.ACCENT, lw=0, alpha=0.6)
    _draw_spectrum(above, search)
    _draw_p_values(below, search)
    above.tick_params(labelbottom=False)
    below.set_xlabel(f"{style.pretty(style.symbol_of(COLUMN))} [GeV]")
    run = search.run
    label = {"closed": "data, blinded", "open": "data, UNBLINDED"}.get(run.state, "simulation")
    return style.label_axes(
        above, label, title="bump search: events after all cuts, HCAL quiet", right=str(run.record["setup"])
    )


def _draw_spectrum(axes: Axes, search: BumpSearch) -> None:
    spectrum = search.spectrum
    shown = spectrum.is_open & (spectrum.counts > 0)
    low, high = poisson_limits(spectrum.counts)
    errors = np.stack([spectrum.counts - low, high - spectrum.counts])[:, shown]
    look: Any = {"fmt": "o", "ms": 4, "color": style.INK, "label": f"{spectrum.counts.sum():,} events"}
    axes.errorbar(spectrum.centres[shown], spectrum.counts[shown], errors, **look)
    best = search.scan.best
    if best is not None:
        words = f"window of {1e3 * best.mass:.0f} MeV, smallest p-value"
        axes.axvspan(*best.window, color=style.COLOURS[1], alpha=0.25, lw=0, label=words)
        used = spectrum.beside(best.peak, best.width)
        mean, _ = smooth(spectrum.counts[None, :], spectrum.centres, used, spectrum.degree)
        axes.plot(spectrum.centres, mean[0], color=style.COLOURS[0], label="background, fitted beside it")
    axes.set_yscale("log")
    axes.set_ylim(0.2, 20 * max(1.0, float(spectrum.counts.max(initial=0))))
    axes.set_ylabel(f"events / {np.diff(spectrum.edges)[0]:g} GeV".replace("/ 1 GeV", "/ GeV"))
    axes.legend(loc="upper right", frameon=True, framealpha=0.9, edgecolor="0.8", fancybox=False)


def _draw_p_values(axes: Axes, search: BumpSearch) -> None:
    known = [bump for bump in search.scan.bumps if bump.observed is not None]
    least = min([1e-3, *(max(bump.p_value, 1e-30) for bump in known)])
    axes.plot([b.peak for b in known], [max(b.p_value, 1e-30) for b in known], "o-", color=style.INK, ms=4)
    for sigma in range(1, 9):
        tail = float(norm.sf(sigma))
        if tail < 0.1 * least:
            break
        axes.axhline(tail, color="0.7", lw=0.8, ls=":")
        axes.annotate(
            f"{sigma}σ",
            (1, tail),
            (4, -4),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=9,
        )
    axes.set_yscale("log")
    axes.set_ylim(0.2 * least, 2.0)
    axes.set_ylabel("local p-value")
    if search.scan.n_toys:
        style.add_note(axes, f"as small a p-value anywhere without a signal: {search.scan.global_p:.2g}")
