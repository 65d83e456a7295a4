"""Figures of track lengths: against the energy beside the analytic forms, and against depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from limits.track_table import KINDS, TrackTable
from na64.plotting import style
from na64.tracks.comparison import Spectrum, spectra
from physics.thick_target import survival

__all__ = ["draw_depths", "draw_spectra", "plot_tracks"]

_RATIOS = (0.5, 1.9)
_LEAST = 1e-5  # particles at a depth
_SIZES = (4, 6, 3)  # of markers: those of pairs lie on each other


def plot_tracks(table: TrackTable, folder: Path) -> list[Path]:
    """Draw both figures as PNG and PDF, and return the PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"spectrum": draw_spectra(table), "depth": draw_depths(table)}
    return [style.save_figure(figure, folder, name)[0] for name, figure in figures.items()]


def _label(table: TrackTable, kind: str) -> str:
    names = {"beam": f"beam ${table.particle[0]}^{table.particle[1]}$"}
    return names.get(kind) or {"electron": "other $e^-$", "positron": "other $e^+$"}[kind]


@style.styled
def draw_spectra(table: TrackTable) -> Figure:
    """
    Draw the track length per energy of each kind above its ratio to the analytic form.

    Returns
    -------
    matplotlib Figure, not saved
    """
    figure = style.new_figure(8, 7.5)
    above = figure.add_axes((0.12, 0.4, 0.84, 0.49))
    below = figure.add_axes((0.12, 0.1, 0.84, 0.27), sharex=above)
    above.set(xscale="log", yscale="log", ylabel="dT/dE [$X_0$/GeV]")
    for index, (kind, spectrum) in enumerate(spectra(table).items()):
        _draw(above, below, table, spectrum, _label(table, kind), index)
    above.plot([], [], color=style.INK, lw=1.2, label="analytic form")
    above.legend(loc="lower left")
    above.tick_params(labelbottom=False)
    below.axhline(1.0, color=style.INK, lw=0.8)
    below.set(xlabel="E [GeV]", ylabel="over analytic", ylim=_RATIOS)
    above.set_xlim(table.least, 1.25 * table.energy)  # the beam's peak is within the frame
    style.add_note(below, "triangles: ratios outside of the frame")
    return style.label_axes(
        above, "simulation", title=f"track length, {table.showers:,} showers", right=table.setup
    )


def _draw(above: Axes, below: Axes, table: TrackTable, spectrum: Spectrum, label: str, index: int) -> None:
    widths, filled = np.diff(table.energies), spectrum.lengths > 0
    middle = np.sqrt(table.energies[1:] * table.energies[:-1])
    colour = style.colour_of(index)[0]
    above.errorbar(
        middle[filled],
        (spectrum.lengths / widths)[filled],
        (spectrum.errors / widths)[filled],
        fmt="o",
        ms=_SIZES[index],
        mfc="none",
        color=colour,
        label=label,
    )
    above.plot(middle[filled], (spectrum.analytic / widths)[filled], color=colour, lw=1.2)
    known = filled & (spectrum.analytic > 0) & (spectrum.errors < 0.3 * spectrum.lengths)
    ratio = spectrum.lengths[known] / spectrum.analytic[known]
    error = spectrum.errors[known] / spectrum.analytic[known]
    below.errorbar(middle[known], ratio, error, fmt="o", ms=_SIZES[index], mfc="none", color=colour)
    frame: Any = {"color": colour, "ms": 7, "ls": "none", "transform": below.get_xaxis_transform()}
    for outside, place, marker in ((ratio < _RATIOS[0], 0.03, "v"), (ratio > _RATIOS[1], 0.97, "^")):
        below.plot(middle[known][outside], np.full(outside.sum(), place), marker, **frame)


@style.styled
def draw_depths(table: TrackTable) -> Figure:
    """
    Draw the particles above two energies against depth, the beam particle beside its analytic form.

    Returns
    -------
    matplotlib Figure, not saved
    """
    figure = style.new_figure(8, 6)
    axes = figure.add_axes((0.12, 0.12, 0.84, 0.75))
    widths, middle = np.diff(table.depths), 0.5 * (table.depths[1:] + table.depths[:-1])
    half = int(np.abs(table.energies - 0.5 * table.energy).argmin())
    fine = np.linspace(table.depths[0], table.depths[-1], 400)
    for row, kind in enumerate(KINDS):
        colour = style.colour_of(row)[0]
        for first, marker in ((0, "o"), (half, "^")):
            counts = table.lengths[row, first:].sum(axis=0) / widths
            name = f"{_label(table, kind)} above {table.energies[first]:.3g} GeV"
            look: Any = {"ms": _SIZES[row], "mfc": "none", "color": colour, "label": name}
            axes.plot(middle[counts > 0], counts[counts > 0], marker, **look)
            if kind == "beam":
                loss = np.log(table.energy / table.energies[first])
                axes.plot(fine, survival(fine, np.full(fine.shape, loss)), color=colour, lw=1.2)
    largest = table.lengths.sum(axis=1).max()
    axes.set(xlabel="depth [$X_0$]", ylabel="particles", yscale="log", ylim=(_LEAST, 30 * largest))
    reached = np.flatnonzero((table.lengths.sum(axis=1) / widths).max(axis=0) > _LEAST)
    axes.set_xlim(table.depths[0], table.depths[min(reached[-1] + 2, len(widths))])
    axes.plot([], [], color=style.INK, lw=1.2, label=f"analytic, {_label(table, 'beam')} alone")
    axes.legend(loc="upper right", ncol=2, fontsize=10)
    return style.label_axes(axes, "simulation", title=f"{table.showers:,} showers", right=table.setup)
