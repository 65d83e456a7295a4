"""Front views of calorimeters, and the parts of SRD and vetoes beside their thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from na64.display.line import TRACK
from na64.display.scale import CMAP, LEAST_ENERGY, hatched
from na64.plotting import style
from processors.pick import Picked
from recon.geometry import Detector, Section

__all__ = ["draw_front", "draw_parts", "mark_ecal"]

_POINTS = 72  # in an inch
Floats = npt.NDArray[np.float64]
_WRITTEN = 64  # cells of a section whose energies are written into them
_SLENDER = 5  # length over width of cells that have no room for it


def draw_front(axes: Axes, picked: Picked, detector: Detector, index: int, norm: LogNorm) -> None:
    """
    Draw the cells of a section as the beam sees them, x to the right.

    Parameters
    ----------
    axes : Axes
    picked : Picked
    detector : Detector
    index : int
        Of the section.
    norm : LogNorm
        Colours of energies [GeV].
    """
    section = detector.sections[index]
    cells = picked.measured.cells.get(detector.name)
    x, y = _edges(section)
    total = picked.columns.get(f"{detector.name}_{detector.part}_energy")
    energy = "unknown" if total is None or np.isnan(total[0, index]) else f"{total[0, index]:.3g} GeV"
    is_long = section.name.startswith(detector.name) or section.name[-1].isdigit()
    name = section.name if is_long else f"{detector.name} {section.name}"
    axes.set_title(f"{name}: {energy}", fontsize=10, pad=4)
    axes.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()), aspect="equal")
    axes.tick_params(labelsize=8)
    axes.minorticks_off()
    if cells is None:
        frame = [(x[i, j], y[i, j]) for i, j in ((0, 0), (-1, 0), (-1, -1), (0, -1))]
        axes.add_patch(hatched(frame, f"{section.name} unknown"))
        axes.text(0.5, 0.5, "no cells\nin this file", **_centred(axes))
        return
    values = list(detector.views(cells))[index][1][0]
    shown = np.ma.masked_invalid(np.where(values > LEAST_ENERGY, values, np.nan))
    axes.pcolormesh(x, y, shown, norm=norm, cmap=CMAP, edgecolor="0.75", linewidth=0.4, gid=section.name)
    _write_cells(axes, section, values, x, y, norm)


def _edges(section: Section) -> tuple[Floats, Floats]:
    """Return x and y of the corners of the cells, (n_x + 1, n_y + 1) each [mm]."""
    u, v = (
        (np.arange(n + 1) - 0.5 * n) * pitch
        for n, pitch in zip(section.grid.shape, section.grid.pitch, strict=True)
    )
    u, v = np.meshgrid(u, v, indexing="ij")
    cos, sin = np.cos(section.rotation), np.sin(section.rotation)
    return section.centre[0] + cos * u - sin * v, section.centre[1] + sin * u + cos * v


def _write_cells(axes: Axes, section: Section, values: Floats, x: Floats, y: Floats, norm: LogNorm) -> None:
    """Hatch cells that are not known, and write energies into few cells."""
    middle = [0.25 * (v[1:, 1:] + v[:-1, 1:] + v[1:, :-1] + v[:-1, :-1]) for v in (x, y)]
    has_room = values.size <= _WRITTEN and max(section.grid.pitch) < _SLENDER * min(section.grid.pitch)
    for i, j in np.ndindex(values.shape):
        if np.isnan(values[i, j]):
            corners = [(x[a, b], y[a, b]) for a, b in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))]
            axes.add_patch(hatched(corners, f"{section.name} unknown"))
        elif has_room and values[i, j] > LEAST_ENERGY:
            colour = "white" if norm(values[i, j]) > 0.6 else style.INK
            text = f"{values[i, j]:.2g}" if values[i, j] < 99.5 else f"{values[i, j]:.0f}"
            place = float(middle[0][i, j]), float(middle[1][i, j])
            axes.text(*place, text, ha="center", va="center", fontsize=7, color=colour)


def _centred(axes: Axes) -> Any:
    return {"transform": axes.transAxes, "ha": "center", "va": "center", "fontsize": 10, "color": "0.25"}


def mark_ecal(axes: Axes, picked: Picked) -> None:
    """Mark where the track and the shower cross an ECAL section, if known."""
    marks = (("track_ecal", "x", TRACK, "track"), ("ecal", "+", style.INK, "shower"))
    for name, marker, colour, label in marks:
        place = [picked.columns.get(f"{name}_{axis}", np.full(1, np.nan))[0] for axis in "xy"]
        if np.isfinite(place).all():
            look: Any = {"color": colour, "markersize": 11, "markeredgewidth": 2}
            axes.plot(*place, marker, label=label, gid=f"{label} at ecal", **look)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", fontsize=8, frameon=True, framealpha=0.7, borderpad=0.2)


def draw_parts(axes: Axes, picked: Picked, detector: Detector, limits: Sequence[float]) -> None:
    """
    Draw the parts of a detector as bars, with thresholds.

    Parameters
    ----------
    axes : Axes
    picked : Picked
    detector : Detector
    limits : sequence of float [GeV]
        Thresholds on each part.
    """
    energy = picked.columns.get(f"{detector.name}_{detector.part}_energy")
    values = np.full(len(detector.sections), np.nan) if energy is None else energy[0].astype(np.float64)
    known = values[np.isfinite(values)]
    top = max((*known, *limits, 0.0))  # noise alone may be below 0
    factor, unit = (1e3, "MeV") if top < 1 else (1.0, "GeV")
    right = 1.15 * factor * top or 1.0
    for index, (section, value) in enumerate(zip(detector.sections, values, strict=True)):
        if np.isnan(value):
            corners = [(0, index - 0.35), (right, index - 0.35), (right, index + 0.35), (0, index + 0.35)]
            axes.add_patch(hatched(corners, f"{section.name} unknown"))
            continue
        axes.barh(index, factor * value, height=0.7, color=style.COLOURS[0], gid=section.name)
    for limit in limits:
        axes.axvline(factor * limit, color=style.ACCENT, linestyle="--", linewidth=1.2, gid="threshold")
    axes.set(xlim=(min(0.0, factor * known.min(initial=0.0)), right), ylim=(-0.6, len(values) - 0.4))
    texts = ["unknown" if np.isnan(value) else f"{factor * value:.3g}" for value in values]
    names = [f"{section.name}: {text}" for section, text in zip(detector.sections, texts, strict=True)]
    inches = axes.get_window_extent().height / axes.figure.dpi / (len(values) + 0.2)
    axes.set_yticks(range(len(values)), names, fontsize=min(8.0, 0.9 * _POINTS * inches))  # one line a bar
    axes.minorticks_off()
    axes.tick_params(axis="x", labelsize=8)
    told = "" if energy is not None else ", not in this file"
    axes.set_title(f"{detector.name.upper()} [{unit}]{told}", fontsize=10, pad=4)
