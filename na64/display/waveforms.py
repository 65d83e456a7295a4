"""The waveforms of the hottest cells with the pulses that were fitted to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from na64.plotting import style
from processors.digits import FittedWaveform, fit_waveforms
from processors.pick import Picked
from recon.geometry import Setup

__all__ = ["cell_name", "draw_waveforms"]


def draw_waveforms(panels: Sequence[Axes], picked: Picked) -> None:
    """
    Draw the waveforms with most energy, the largest first.

    Parameters
    ----------
    panels : sequence of Axes
        One for each waveform; those left over say that there is none.
    picked : Picked
    """
    context = picked.context
    found: list[FittedWaveform] = []
    if picked.digits.waveforms is not None and context.conditions is not None:
        found = fit_waveforms(picked.digits.waveforms, context.setup, context.conditions)
    for axes in panels[len(found) :]:
        axes.set_axis_off()
    if not found:
        panels[0].text(0, 0.5, "no waveforms in this file", fontsize=12, transform=panels[0].transAxes)
    for axes, waveform in zip(panels, found, strict=False):
        _draw(axes, waveform, cell_name(context.setup, waveform.cell))


def _draw(axes: Axes, waveform: FittedWaveform, name: str) -> None:
    n = len(waveform.samples)
    time = waveform.period * np.arange(n)
    base = np.resize(waveform.pedestal, n)
    axes.plot(time, waveform.samples - base, "o", color=style.INK, markersize=3, gid="samples")
    fine = np.linspace(0, time[-1], 12 * n)
    pulses = [
        amplitude * waveform.shape.value(fine - start)
        for start, amplitude in zip(waveform.start, waveform.amplitude, strict=True)
    ]
    for index, pulse in enumerate(pulses):
        colour = style.ACCENT if index == 0 else style.COLOURS[0]
        axes.plot(fine, pulse, color=colour, linewidth=1.0, linestyle="--" if index else "-", gid="pulse")
    if len(pulses) > 1:
        axes.plot(fine, np.sum(pulses, axis=0), color="0.5", linewidth=0.8, gid="sum")
    energy = "not understood" if np.isnan(waveform.energy) else f"{waveform.energy:.3g} GeV"
    axes.set_title(f"{name}: {energy}", fontsize=9, pad=3)
    axes.set_xlabel("time [ns]", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.minorticks_off()


def cell_name(setup: Setup, cell: int) -> str:
    """Return detector, section and (x, y) index of a cell in the row of all cells of a setup."""
    left = cell
    for name, detector in setup.read_out.items():
        for section in detector.sections:
            if left < section.grid.n_cells:
                x, y = divmod(left, section.grid.shape[1])
                told = section.name if section.name.startswith(name) else f"{name} {section.name}"
                return f"{told} ({x}, {y})"
            left -= section.grid.n_cells
    msg = f"setup {setup.name} has no cell {cell}"
    raise ValueError(msg)
