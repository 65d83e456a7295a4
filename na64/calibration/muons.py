"""What a calibration with muons leaves beside its tables: a summary, statistics of each cell, plots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from na64.calibration.report import (
    channel_lines,
    describe_channels,
    plot_gains,
    plot_pedestals,
    plot_times,
    say_empty,
)
from na64.plotting.style import COLOURS, label_axes, new_figure, save_figure, styled
from processors.muon_calibration import MuonCalibration
from recon.geometry import Detector, Setup
from recon.muon_peak import PEAK_EDGES

__all__ = ["describe_muons", "muon_lines", "plot_muons"]

_BINS = 20  # of the finest ones in one of the plot


def describe_muons(c: MuonCalibration) -> dict[str, Any]:
    """Return the statistics of all cells, for `calibration.json`."""
    return {
        "version": 1,
        "particle": "muon",
        "energy": c.config.energy,
        "events": {n: int(v[0]) for n, v in c.sums.arrays.items() if n == "events" or n.startswith("after ")},
        "detectors": {
            name: {
                "sections": [
                    {
                        "energy": expected.median[i],
                        "height": expected.height[i],
                        "is_seen": expected.is_seen[i],
                    }
                    for i in range(len(expected.median))
                ],
                "cells": _cells(c, name),
            }
            for name, expected in c.expected.items()
        },
        "channels": describe_channels(c),
        "warnings": c.warnings,
    }


def _cells(c: MuonCalibration, name: str) -> list[dict[str, Any]]:
    gains, flags = c.gains[name], c.flags(name)
    old, new = c.old.detectors[name].gain, c.conditions.detectors[name].gain
    labels = c.all_labels[c.slices[name]]
    return [
        {
            "label": label,
            "old_gain": old[i],
            "new_gain": new[i],
            "ratio": gains.ratio[i],
            "error": gains.error[i],
            "events": gains.events[i],
            "flag": flags[i],
        }
        for i, label in enumerate(labels)
    ]


def muon_lines(c: MuonCalibration) -> Iterator[str]:
    """Yield what the command prints."""
    counts = c.sums.arrays
    yield f"calibration triggers {int(counts['events'][0])}, muons of {c.config.energy:g} GeV"
    for name, value in counts.items():
        if name.startswith("after "):
            yield f"  left by '{name.removeprefix('after ')}': {int(value[0])}"
    for name, gains in c.gains.items():
        flags, new = c.flags(name), np.asarray(~gains.is_kept)
        others = ", ".join(f"{flags.count(f)} {f}" for f in ("kept", "no beam", "below threshold"))
        yield f"{name}: {np.count_nonzero(new)} of {len(new)} cells have new gains; {others}"
        if new.any():
            yield (
                f"  new / old gain {gains.ratio[new].min():.3f} to {gains.ratio[new].max():.3f}, "
                f"median error {100 * np.nanmedian(gains.error[new]):.2f}%"
            )
    yield from channel_lines(c)


@styled
def plot_muons(c: MuonCalibration, setup: Setup, folder: Path) -> list[str]:
    """Draw ratios, peaks, times and pedestals; return the names of the figures."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, gains in c.gains.items():
        detector = setup.detectors[name]
        plot_gains(np.where(gains.is_kept, np.nan, gains.ratio), detector, folder, f"gains_{name}")
        _plot_peaks(c, detector, folder)
        drawn += [f"gains_{name}", f"muons_{name}"]
    plot_times(c, folder)
    plot_pedestals(c, folder)
    return [*drawn, "times", "pedestals"]


def _plot_peaks(c: MuonCalibration, detector: Detector, folder: Path) -> None:
    """Draw the energies of all cells of a section, with old and new gains, and what is expected."""
    n = len(detector.sections)
    figure = new_figure(6.0 * n, 5.0)
    panels = figure.subplots(1, n, squeeze=False)[0]
    for i, axes in enumerate(panels):
        part = slice(int(detector.offsets[i]), int(detector.offsets[i + 1]))
        title = f"{detector.name.upper()} {detector.sections[i].name}"
        if why := _no_peak(c, detector.name, i, part):
            say_empty(axes, f"{title}:\n{why}")
            continue
        _draw_peak(axes, c, detector.name, i, part)
        label_axes(axes, "calibration", title=title)
    figure.tight_layout()
    save_figure(figure, folder, f"muons_{detector.name}")


def _no_peak(c: MuonCalibration, name: str, index: int, part: slice) -> str:
    """Return why a section has no peak to draw, "" where it has one."""
    expected = c.expected[name]
    if not expected.is_seen[index]:
        return f"a muon leaves {expected.height[index]:.1f} ADC,\ntoo little for the readout"
    return "" if c.sums.arrays[f"muons {name}"][part].sum() else "no muons"


def _draw_peak(axes: Axes, c: MuonCalibration, name: str, index: int, part: slice) -> None:
    expected = c.expected[name]
    counts, middle = c.sums.arrays[f"muons {name}"][part], 0.5 * (PEAK_EDGES[1:] + PEAK_EDGES[:-1])
    before = counts.sum(axis=0)
    after = sum(
        np.histogram(middle * r, PEAK_EDGES, weights=row)[0]
        for r, row in zip(c.gains[name].ratio[part], counts, strict=True)
    )
    goal = expected.counts[index] * (before.sum() / max(expected.counts[index].sum(), 1))
    edges = PEAK_EDGES[::_BINS]
    for values, colour, label in (
        (before, COLOURS[4], "old gains"),
        (after, COLOURS[0], "new gains"),
        (goal, COLOURS[1], "expected"),
    ):
        axes.stairs(np.asarray(values).reshape(-1, _BINS).sum(axis=1), edges, color=colour, label=label)
    axes.set(xlim=(0, 3), xlabel=f"energy of a cell / {expected.median[index]:.2f} GeV", ylabel="muons")
    axes.legend()
