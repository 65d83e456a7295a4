"""What a calibration leaves beside its tables: a summary, statistics of each cell, plots."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes

from datasets.conditions import Conditions
from na64.plotting.style import ACCENT, COLOURS, INK, label_axes, new_figure, save_figure, styled
from processors.calibration import RATIO_EDGES, TIME_EDGES
from processors.calibration_tables import Calibration
from recon.geometry import Detector, Setup
from recon.spectra import Peaks

__all__ = [
    "ReadoutCalibration",
    "channel_lines",
    "describe_calibration",
    "describe_channels",
    "plot_calibration",
    "plot_gains",
    "plot_pedestals",
    "plot_times",
    "say_empty",
    "summary_lines",
    "write_json",
]


def write_json(path: Path, content: Any) -> None:
    """Write JSON; what is not known is null."""
    path.write_text(json.dumps(_plain(content), indent=1) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def describe_calibration(calibration: Calibration) -> dict[str, Any]:
    """Return the statistics of all cells and sums, for `calibration.json`."""
    c, gains = calibration, calibration.found.gains
    sums = c.found.first.arrays
    old, new = c.old.detectors[c.detector], c.conditions.detectors[c.detector]
    events, flags = c.found.events, c.flags
    cells = [
        {
            "label": label,
            "old_gain": old.gain[i],
            "new_gain": new.gain[i],
            "ratio": gains.ratio[i],
            "error": gains.error[i],
            "events": events[i],
            "flag": flags[i],
        }
        for i, label in enumerate(c.labels)
    ]
    energies = [
        {"energy": b.energy, "electrons": int(a.counts.sum()), "before": _sum(b), "after": _sum(a)}
        for b, a in zip(c.before, c.after, strict=True)
    ]
    return {
        "version": 1,
        "particle": "electron",
        "detector": c.detector,
        "passes": c.found.n_passes,
        "is_converged": c.found.is_converged,
        "events": {
            name: int(v[0]) for name, v in sums.items() if name == "events" or name.startswith("after ")
        },
        "suppressed_energy_factor": [gains.suppression, gains.suppression_error],
        "is_suppression_measured": c.found.is_suppression_measured,
        "cells": cells,
        "channels": describe_channels(c),
        "sums": energies,
        "warnings": list(c.warnings),
    }


def _sum(one: Any) -> dict[str, float]:
    return {"median": one.median, "error": one.error, "resolution": one.resolution}


class ReadoutCalibration(Protocol):
    """Times and pedestals of all channels, whatever found the gains."""

    @property
    def all_labels(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def old(self) -> Conditions: ...  # noqa: D102
    @property
    def conditions(self) -> Conditions: ...  # noqa: D102
    @property
    def times(self) -> Peaks: ...  # noqa: D102
    @property
    def time_counts(self) -> Any: ...  # noqa: D102
    @property
    def pedestals(self) -> tuple[Peaks, Peaks]: ...  # noqa: D102


def describe_channels(c: ReadoutCalibration) -> list[dict[str, Any]]:
    """Return times and pedestals of all channels."""
    old, new = c.old.cells, c.conditions.cells
    even, odd = c.pedestals
    return [
        {
            "label": label,
            "time_offset": [old.time_offset[i], new.time_offset[i]],
            "time_error": c.times.error[i],
            "pulses": c.times.entries[i],
            "pedestal_even": [old.pedestal[i, 0], new.pedestal[i, 0]],
            "pedestal_odd": [old.pedestal[i, 1], new.pedestal[i, 1]],
            "noise": [old.noise[i], new.noise[i]],
            "samples": even.entries[i] + odd.entries[i],
            "has_time": bool(np.isfinite(c.times.mean[i])),
            "has_pedestals": bool(np.isfinite(even.mean[i]) and np.isfinite(odd.mean[i])),
        }
        for i, label in enumerate(c.all_labels)
    ]


def summary_lines(calibration: Calibration) -> Iterator[str]:
    """Yield what the command prints: counts, and each energy before and after."""
    c, gains = calibration, calibration.found.gains
    new = np.asarray(~gains.is_kept)
    counts = c.found.first.arrays
    yield f"calibration triggers {int(counts['events'][0])}, clean electrons {c.n_electrons}"
    for name, value in counts.items():
        if name.startswith("after "):
            yield f"  left by '{name.removeprefix('after ')}': {int(value[0])}"
    count = np.count_nonzero(new)
    dark = c.flags.count("no beam")
    yield (
        f"{c.detector}: {count} of {len(new)} cells have new gains, in {c.found.n_passes} passes; "
        f"{len(new) - count - dark} kept, {dark} without beam"
    )
    if new.any():
        yield (
            f"  new / old gain {gains.ratio[new].min():.3f} to {gains.ratio[new].max():.3f}, "
            f"median error {100 * np.nanmedian(gains.error[new]):.2f}%"
        )
    yield from channel_lines(c)
    yield "sum of the cells over the expected energy, by the old and by the new gains"
    yield "  energy [GeV]  electrons  median before  sigma/mean  median after  sigma/mean  with suppressed"
    restored = c.restored()
    for before, after, final in zip(c.before, c.after, restored, strict=True):
        yield (
            f"  {before.energy:12g}  {int(after.counts.sum()):9d}  {before.median:13.4f}  "
            f"{before.resolution:10.4f}  {after.median:12.4f}  {after.resolution:10.4f}  {final:.4f}"
        )


def channel_lines(c: ReadoutCalibration) -> Iterator[str]:
    """Yield how many channels have new times and pedestals."""
    times, pedestals = np.isfinite(c.times.mean), np.isfinite(c.pedestals[0].mean)
    known = f"times of {np.count_nonzero(times)}, pedestals of {np.count_nonzero(pedestals)}"
    yield f"{known} of {len(times)} channels"
    if times.any():
        yield f"  largest change of a time {np.nanmax(np.abs(c.times.mean)):.2f} ns"


@styled
def plot_calibration(calibration: Calibration, setup: Setup, folder: Path) -> list[str]:
    """Draw ratios, energies, times and pedestals; return the names of the figures."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = ["gains", "energies", "times", "pedestals"]
    _plot_gains(calibration, setup, folder)
    _plot_energies(calibration, folder)
    plot_times(calibration, folder)
    plot_pedestals(calibration, folder)
    return drawn


def _plot_gains(c: Calibration, setup: Setup, folder: Path) -> None:
    gains = c.found.gains
    plot_gains(np.where(gains.is_kept, np.nan, gains.ratio), setup.detectors[c.detector], folder, "gains")


def plot_gains(ratio: Any, detector: Detector, folder: Path, name: str) -> None:
    """Draw new over old gain, section by section; cells that keep their gain are NaN, and grey."""
    figure = new_figure(6.5 * len(detector.sections), 5.8)
    panels = figure.subplots(1, len(detector.sections), squeeze=False)[0]
    reach = max(float(np.nanmax(np.abs(ratio - 1), initial=0.0)), 0.01)
    for i, (axes, section) in enumerate(zip(panels, detector.sections, strict=True)):
        first, last = detector.offsets[i], detector.offsets[i + 1]
        values = ratio[first:last].reshape(section.grid.shape)
        title = f"{detector.name.upper()} {section.name}"
        if np.isnan(values).all():
            say_empty(axes, f"{title}:\nall cells keep their gain")
            continue
        axes.set_facecolor("#dddddd")
        image = axes.imshow(values.T, origin="lower", cmap="RdBu_r", vmin=1 - reach, vmax=1 + reach)
        for (x, y), value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = _readable(image.cmap(image.norm(value)))
                axes.text(x, y, f"{value:.3f}", ha="center", va="center", fontsize=8, color=colour)
        axes.set(xlabel="cell in x", ylabel="cell in y")
        axes.minorticks_off()
        figure.colorbar(image, ax=axes, label="new gain / old gain", fraction=0.046)
        label_axes(axes, "calibration", title=title)
    figure.tight_layout()
    save_figure(figure, folder, name)


def _readable(background: tuple[float, float, float, float]) -> str:
    """Return the colour of text on a background, by its luminance (ITU-R BT.709)."""
    luminance = 0.2126 * background[0] + 0.7152 * background[1] + 0.0722 * background[2]
    return INK if luminance > 0.5 else "white"


def _plot_energies(c: Calibration, folder: Path) -> None:
    """Draw the sum over the expected energy before and after, one panel per energy."""
    n = len(c.before)
    columns = min(n, 3)
    rows = -(-n // columns)
    figure = new_figure(6.0 * columns, 5.0 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[n:]:
        axes.set_visible(False)
    for axes, before, after in zip(panels, c.before, c.after, strict=False):
        if not after.counts.sum():
            say_empty(axes, f"no clean electrons\nof {before.energy:g} GeV")
            continue
        for one, colour, what in ((before, COLOURS[4], "before"), (after, COLOURS[0], "after")):
            counts, edges = _coarser(one.counts, RATIO_EDGES, 4)
            label = f"{what}: median {one.median:.4f}, $\\sigma$/mean {100 * one.resolution:.2f}%"
            axes.stairs(counts, edges, color=colour, label=label)
            _draw_gauss(axes, one, edges, colour)
        axes.axvline(1.0, color=INK, lw=0.8, ls=":")
        reach = max(6 * after.sigma, abs(before.median - 1) + 4 * before.sigma)
        axes.set(
            xlim=(1 - reach, 1 + reach),
            xlabel=f"sum of {c.detector.upper()} cells / expected energy",
            ylabel="electrons per 0.002",
        )
        axes.set_ylim(0, 1.45 * max(axes.get_ylim()[1], 1))
        axes.legend(loc="upper left")
        label_axes(axes, "calibration", title=f"{before.energy:g} GeV")
    figure.tight_layout()
    save_figure(figure, folder, "energies")


def _coarser(counts: Any, edges: Any, factor: int) -> tuple[Any, Any]:
    return counts.reshape(-1, factor).sum(axis=1), edges[::factor]


def _draw_gauss(axes: Axes, one: Any, edges: Any, colour: str) -> None:
    """Draw the Gaussian of the mean and sigma within 3 sigma."""
    if not np.isfinite(one.sigma) or one.sigma <= 0:
        return
    x = np.linspace(one.mean - 3 * one.sigma, one.mean + 3 * one.sigma, 200)
    total = one.counts.sum() * (edges[1] - edges[0])
    height = total / (one.sigma * np.sqrt(2 * np.pi))
    axes.plot(x, height * np.exp(-0.5 * ((x - one.mean) / one.sigma) ** 2), color=colour, lw=1, ls="--")


def say_empty(axes: Axes, text: str) -> None:
    """Write why there is nothing to draw, in place of empty axes."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
    axes.set_axis_off()


def plot_times(c: ReadoutCalibration, folder: Path) -> None:
    """Draw the times of all pulses before, and after each channel is shifted by its own mean."""
    counts = c.time_counts
    middle = 0.5 * (TIME_EDGES[1:] + TIME_EDGES[:-1])
    known = np.isfinite(c.times.mean)
    shifted = np.zeros(counts.shape[1])
    for row in np.flatnonzero(known):
        shifted += np.histogram(middle - c.times.mean[row], TIME_EDGES, weights=counts[row])[0]
    figure = new_figure(13, 5.2)
    left, right = figure.subplots(1, 2)
    if not known.any():
        say_empty(left, "no channel has enough pulses\nabove 50 ADC for a time")
        right.set_visible(False)
        save_figure(figure, folder, "times")
        return
    left.stairs(counts[known].sum(axis=0), TIME_EDGES, color=COLOURS[4], label="old offsets")
    left.stairs(shifted, TIME_EDGES, color=COLOURS[0], label="new offsets")
    left.set(xlim=(-15, 15), xlabel="time of pulses above 50 ADC [ns]", ylabel="pulses per 0.1 ns")
    left.legend()
    label_axes(left, "calibration", title="all channels")
    at = np.flatnonzero(known)
    right.errorbar(at, c.times.mean[at], c.times.error[at], fmt="o", ms=3, color=COLOURS[0])
    right.axhline(0.0, color=INK, lw=0.8, ls=":")
    right.set(xlabel="channel", ylabel="new - old offset [ns]")
    label_axes(right, "calibration")
    figure.tight_layout()
    save_figure(figure, folder, "times")


def plot_pedestals(c: ReadoutCalibration, folder: Path) -> None:
    """Draw changes of pedestals and the noise of all channels that have them."""
    figure = new_figure(13, 5.2)
    left, right = figure.subplots(1, 2)
    change = (c.conditions.cells.pedestal - c.old.cells.pedestal)[np.isfinite(c.pedestals[0].mean)]
    if not len(change):
        say_empty(left, "no channel has enough samples\nfor a pedestal")
        right.set_visible(False)
        save_figure(figure, folder, "pedestals")
        return
    reach = max(1.2 * float(np.abs(change).max(initial=0.0)), 0.1)
    for parity, name in enumerate(("even", "odd")):
        left.hist(
            change[:, parity],
            np.linspace(-reach, reach, 41),
            histtype="step",
            color=COLOURS[parity],
            label=name,
        )
    left.set(xlabel="new - old pedestal [ADC]", ylabel="channels")
    left.legend(title="samples")
    label_axes(left, "calibration")
    sigma = np.stack([peak.sigma for peak in c.pedestals])
    known = np.asarray(np.isfinite(sigma).all(axis=0))
    right.plot(np.flatnonzero(known), sigma[:, known].mean(axis=0), "o", ms=3, color=COLOURS[0], label="new")
    right.plot(np.arange(len(known)), c.old.cells.noise, "-", color=ACCENT, lw=1, label="old")
    right.set(xlabel="channel", ylabel="noise [ADC]")
    right.set_ylim(0, 1.3 * right.get_ylim()[1])
    right.legend()
    label_axes(right, "calibration")
    figure.tight_layout()
    save_figure(figure, folder, "pedestals")
