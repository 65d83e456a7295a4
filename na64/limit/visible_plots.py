"""The figure of the band that visible decays exclude."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from limits.toys import BAND
from limits.visible_band import Band
from na64.limit.curves import Curve
from na64.limit.plots import BAND_COLOURS, LABELS, fill_area, finite
from na64.plotting import style

__all__ = ["plot_visible"]

Floats = npt.NDArray[np.float64]

_X17 = 0.0167  # [GeV]
_WITHOUT_BAND = (1e-5, 1e-2)  # epsilon
_HEADROOM = 6.0  # above all curves, for the legend
_VISIBLE = 0.01  # relative: edges that are closer look like one line


def plot_visible(
    bands: Sequence[Band], state: str, level: float, exposure: float, curves: Sequence[Curve], to: Path
) -> Path:
    """Draw the band into a folder, as PNG and PDF; return the PNG."""
    to.mkdir(parents=True, exist_ok=True)
    return style.save_figure(draw_visible(bands, state, level, exposure, curves), to, "band")[0]


@style.styled
def draw_visible(
    bands: Sequence[Band], state: str, level: float, exposure: float, curves: Sequence[Curve]
) -> Figure:
    """
    Draw the band that visible decays exclude, and the expected one beside it, with the line of the X17.

    Returns
    -------
    matplotlib Figure, not saved
    """
    axes = style.new_figure(8, 6.4).add_axes((0.14, 0.13, 0.82, 0.75))
    is_open = any(band.observed is not None for band in bands)
    masses = 1e3 * np.array([band.mass for band in bands])
    median = np.array([band.median for band in bands])
    seen = np.array([band.observed or (np.nan, np.nan) for band in bands])
    mass, lower, upper = finite(masses, *(seen if is_open else median).T)
    label = "excluded" if is_open else "excluded, expected"
    fill_area(axes, mass, lower, upper, color=style.COLOURS[0], alpha=0.35, lw=0, label=label)
    _draw_sides(axes, masses, np.array([band.expected for band in bands]))
    marker = "o" if len(bands) == 1 else ""
    for edge in (lower, upper):
        axes.plot(mass, edge, color=style.COLOURS[0], marker=marker)
    if is_open:
        mass, lower, upper = finite(masses, *median.T)
        axes.plot(mass, lower, color=style.INK, ls="--", marker=marker, label="expected, median")
        axes.plot(mass, upper, color=style.INK, ls="--", marker=marker)
    for index, curve in enumerate(curves):
        colour = style.COLOURS[2 + index]
        axes.plot(1e3 * curve.mass, curve.lower, color=colour, ls="-.", label=curve.label)
        if curve.upper is not None:
            axes.plot(1e3 * curve.mass, curve.upper, color=colour, ls="-.")
    axes.axvline(1e3 * _X17, color=style.INK, ls=":", label="X17")
    axes.set_xscale("log")
    axes.set_yscale("log")
    if not (np.isfinite([median, seen]).any() or curves):  # axes without data have no limits of their own
        axes.set_xlim(0.8 * masses.min(), 1.2 * masses.max())
        axes.set_ylim(*_WITHOUT_BAND)
    axes.set_xlabel("$m_{A'}$ [MeV]")
    axes.set_ylabel(r"$\varepsilon$")
    axes.set_ylim(top=axes.get_ylim()[1] * _HEADROOM)
    axes.legend(loc="upper right", frameon=True, framealpha=0.9, edgecolor="0.8", fancybox=False)
    title = rf"$A' \rightarrow e^+ e^-$, {100 * level:g}% CL"
    return style.label_axes(axes, LABELS[state], title=title, right=f"{exposure:.3g} EOT")


def _draw_sides(axes: Axes, masses: Floats, expected: Floats) -> None:
    """
    Fill between the expected edges on both sides of the median, where they differ from one another.

    Parameters
    ----------
    axes : matplotlib Axes
    masses : (n_masses,) float [MeV]
    expected : (n_masses, 5, 2) float
        Edges at the places of `BAND`; NaN where nothing is excluded.
    """
    for place in (2, 1):
        wide, narrow = (expected[:, BAND.index(side * place)] for side in (-1, 1))
        between = np.sqrt(wide.prod(axis=1, keepdims=True))  # where the narrow band is empty, both sides meet
        narrow = np.where(np.isfinite(narrow), narrow, between)
        label = f"expected ± {place} s.d."
        for edge in (0, 1):
            mass, outer, inner = finite(masses, wide[:, edge], narrow[:, edge])
            if (np.abs(np.log(outer / inner)) > _VISIBLE).any():
                fill_area(axes, mass, outer, inner, color=BAND_COLOURS[place - 1], lw=0.5, label=label)
                label = "_"  # one entry of the legend for both edges
