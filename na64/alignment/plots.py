"""Residuals of each plane before and after an alignment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import ticker
from matplotlib.figure import Figure

from na64.plotting import style
from processors.alignment import Aligned
from recon.geometry import Spectrometer

__all__ = ["draw_residuals", "plot_alignment"]

_N_BINS = 60
_WIDE = 5.0  # standard deviations of the widest of both that are shown


def plot_alignment(
    found: Aligned, spectrometer: Spectrometer, folder: Path, label: str, origin: str
) -> tuple[Path, Path]:
    """Write the residuals of all planes as PNG and PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    return style.save_figure(draw_residuals(found, spectrometer, label, origin), folder, "residuals")


@style.styled
def draw_residuals(found: Aligned, spectrometer: Spectrometer, label: str, origin: str = "") -> Figure:
    """
    Draw the residuals of fitted tracks in x and y of each plane.

    Parameters
    ----------
    found : Aligned
    spectrometer : Spectrometer
    label, origin : str
        What the events are; setup.

    Returns
    -------
    matplotlib Figure, not saved
    """
    n = len(spectrometer.planes)
    figure = style.new_figure(3.4 * n, 6.4)
    axes = figure.subplots(2, n, squeeze=False)
    for index, plane in enumerate(spectrometer.planes):
        for row, name in enumerate("xy"):
            ax = axes[row, index]
            both = [values[:, 2 * index + row] for values in found.residuals]
            reach = max(float(np.abs(v.mean()) + _WIDE * v.std()) for v in both) or 1.0
            edges = np.linspace(-reach, reach, _N_BINS + 1)
            for values, colour, text in zip(both, style.COLOURS[1::-1], ("before", "after"), strict=True):
                filled = text == "after"
                counts = np.histogram(values, edges)[0]
                ax.stairs(counts, edges, color=colour, fill=filled, alpha=0.5 if filled else 1.0, label=text)
            ax.set_xlim(-reach, reach)
            ax.set_ylim(0, None)
            ax.set_xlabel(f"{plane.name} {name} - track [mm]")
            ax.tick_params(labelsize=9)
            ax.xaxis.set_major_locator(ticker.MaxNLocator(5))
        axes[0, index].margins(y=0.15)
    for row in range(2):
        axes[row, 0].set_ylabel(f"events / {_N_BINS}th of the axis")
    axes[0, 0].legend()
    title = f"Residuals of fitted tracks, {found.sums.n_used:,} events"
    style.label_axes(axes[0, 0], label, title=title)
    if n > 1:
        axes[0, -1].annotate(origin, (1, 1), (0, 5), ha="right", fontsize=11, **style.OVER_AXES)
    figure.tight_layout()
    return figure
