"""From the sums of a calibration to new conditions, and what there is to say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.conditions import CellConditions, Conditions, Suppression
from datasets.conditions.channels import names_of
from processors.calibration import (
    RATIO_EDGES,
    SAMPLE_EDGES,
    TIME_EDGES,
    CalibrationSums,
    ElectronConfig,
    expected_below,
)
from processors.calibration_loop import GainCalibration
from recon.geometry import Setup
from recon.response import add_suppressed
from recon.spectra import Peaks, measure_peaks, quantile

__all__ = ["Calibration", "SumOfCells", "make_calibration", "new_cells", "peaks_of_channels"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_TIMES = 50  # pulses of a channel that give its time
_MAX_TIME_ERROR = 0.3  # [ns] a time that is known less well stays as it was
_LOWER = (0.25, 0.5)  # of the lowest energy that was measured: where the profile says what is suppressed
_LEAST_SAMPLES = 200  # leading samples of a channel that give its pedestals


class SumOfCells(NamedTuple):
    """Sum of the cells over the expected energy, of electrons of one energy on the beam cell or near it."""

    energy: float  # [GeV] of the beam
    median: float
    error: float  # of the median, statistical
    mean: float  # within 3 sigma
    sigma: float
    counts: Ints  # (n_bins,) in `RATIO_EDGES`

    @property
    def resolution(self) -> float:
        """Return sigma over the mean, which does not change with a common factor of all gains."""
        return self.sigma / self.mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """New conditions and how they were found; arrays of channels in the order of the setup."""

    detector: str
    labels: tuple[str, ...]  # of the detector that has new gains
    all_labels: tuple[str, ...]
    found: GainCalibration
    old: Conditions
    conditions: Conditions
    before: tuple[SumOfCells, ...]
    after: tuple[SumOfCells, ...]
    times: Peaks  # [ns] against the old offsets, all channels
    pedestals: tuple[Peaks, Peaks]  # [ADC] against the rounded old ones: even, odd
    warnings: tuple[str, ...]
    least_events: int = 50  # on a cell that has beam

    @property
    def flags(self) -> list[str]:
        """Return of each cell "new", "kept" (electrons do not tell it well enough) or "no beam"."""
        on_tower = self.found.first.arrays["peaks"].sum(axis=1)
        n = len(on_tower)
        return [
            "new" if not kept else "kept" if on_tower[cell % n] >= self.least_events else "no beam"
            for cell, kept in enumerate(self.found.gains.is_kept)
        ]

    @property
    def time_counts(self) -> Ints:
        """Return the times of all channels in `TIME_EDGES`, (n_channels, n_bins)."""
        return np.asarray(self.found.first.arrays["times"])

    @property
    def n_electrons(self) -> int:
        """Return the number of clean electrons."""
        return int(self.found.first.arrays["peaks"].sum())

    def restored(self) -> list[float]:
        """Return the medians after the calibration with the energy of suppressed cells."""
        curve = self.conditions.suppression.get(self.detector)
        return [one.median if curve is None else _restore(one, curve) for one in self.after]


def _restore(one: SumOfCells, curve: Suppression) -> float:
    """Return the median with the energy of suppressed cells, as `recon.response.add_suppressed` adds it."""
    seen = one.energy * one.median
    return float(add_suppressed(np.array([[seen]]), *curve)[0, 0]) / one.energy


def make_calibration(
    found: GainCalibration, old: Conditions, setup: Setup, config: ElectronConfig
) -> Calibration:
    """
    Make new conditions; what was not measured well enough keeps its old value.

    Parameters
    ----------
    found : GainCalibration
    old : Conditions
        The ones that the passes used.
    setup : Setup
    config : ElectronConfig
    """
    names = names_of(setup)
    times, pedestals = peaks_of_channels(found.first)
    parts: dict[str, CellConditions] = {}
    for name, cells in old.detectors.items():
        part = names.slices[name]
        parts[name] = new_cells(cells, times, pedestals, part)
    gain = parts[config.detector].gain * found.gains.ratio
    parts[config.detector] = replace(parts[config.detector], gain=gain)
    after = _sums(found.last, setup, config.detector)
    curve = _expected_suppression(found, after)
    if found.is_suppression_measured:
        gain = parts[config.detector].gain
        curve = _suppression(after, expected_below(setup, setup.detectors[config.detector], gain))
    suppression = {**old.suppression, config.detector: curve} if curve else dict(old.suppression)
    return Calibration(
        detector=config.detector,
        labels=names.labels[names.slices[config.detector]],
        all_labels=names.labels,
        found=found,
        old=old,
        conditions=replace(old, detectors=parts, suppression=suppression),
        before=_sums(found.first, setup, config.detector),
        after=after,
        times=times,
        pedestals=pedestals,
        warnings=tuple(_warnings(found, after)),
    )


def peaks_of_channels(sums: CalibrationSums) -> tuple[Peaks, tuple[Peaks, Peaks]]:
    """Return the peaks of times and of leading samples of all channels."""
    times = measure_peaks(sums.arrays["times"], TIME_EDGES, _LEAST_TIMES)
    times = times._replace(mean=np.where(times.error <= _MAX_TIME_ERROR, times.mean, np.nan))
    n = len(sums.arrays["samples"]) // 2
    even, odd = sums.arrays["samples"][:n], sums.arrays["samples"][n:]
    return times, (
        measure_peaks(even, SAMPLE_EDGES, _LEAST_SAMPLES),
        measure_peaks(odd, SAMPLE_EDGES, _LEAST_SAMPLES),
    )


def new_cells(
    cells: CellConditions, times: Peaks, pedestals: tuple[Peaks, Peaks], part: slice
) -> CellConditions:
    """Return the conditions of a detector with new times, pedestals and noise where they are known."""
    shift = times.mean[part]
    offset = np.where(np.isfinite(shift), cells.time_offset + shift, cells.time_offset)
    away = np.stack([peak.mean[part] for peak in pedestals], axis=1)
    pedestal = np.where(np.isfinite(away), np.rint(cells.pedestal) + away, cells.pedestal)
    both = np.stack([peak.sigma[part] for peak in pedestals])
    sigma = np.sqrt((both**2).mean(axis=0))
    noise = np.where(np.isfinite(sigma), sigma, cells.noise)
    return replace(cells, time_offset=offset, pedestal=np.maximum(pedestal, 0.0), noise=noise)


def _sums(sums: CalibrationSums, setup: Setup, name: str) -> tuple[SumOfCells, ...]:
    """Return the sums at each energy, of electrons on the beam cell; on any where too few came there."""
    detector = setup.detectors[name]
    found = []
    for key, counts in sums.arrays.items():
        if not key.startswith("sums "):
            continue
        chosen = counts.sum(axis=0)
        if detector.beam_cell is not None:
            at = detector.beam_cell[0] * detector.sections[-1].grid.shape[1] + detector.beam_cell[1]
            chosen = counts[at] if counts[at].sum() >= _LEAST_TIMES else chosen
        row = chosen[None, :]
        if not row.sum():
            continue
        peak = measure_peaks(row, RATIO_EDGES)
        median = float(quantile(row, RATIO_EDGES, 0.5)[0])
        # of a Gaussian the median's error is sqrt(pi / 2) times that of the mean
        error = float(np.sqrt(np.pi / 2) * peak.error[0])
        found.append(
            SumOfCells(
                float(key.split()[1]), median, error, float(peak.mean[0]), float(peak.sigma[0]), chosen
            )
        )
    return tuple(sorted(found, key=lambda one: one.energy))


def _suppression(sums: tuple[SumOfCells, ...], expected: Callable[[float], float]) -> Suppression | None:
    """Return the energy that the sums of each energy miss; below the lowest one it falls as the profile's."""
    lowest = sums[0]
    at = [part * lowest.energy for part in _LOWER]
    here = max(lowest.energy * (1.0 - lowest.median), 0.0)
    lower = [here * expected(energy) / max(expected(lowest.energy), 1e-9) for energy in at]
    missing = np.array([*lower, *(max(one.energy * (1.0 - one.median), 0.0) for one in sums)])
    seen = np.array([*at, *(one.energy for one in sums)]) - missing
    if not (seen > 0).all() or not (np.diff(seen) > 0).all():
        return None
    return Suppression(seen, missing)


def _expected_suppression(found: GainCalibration, sums: tuple[SumOfCells, ...]) -> Suppression | None:
    """Return the energy that the profile expects below threshold: what a sum lacks may be due to gains."""
    if not sums:
        return None
    missing = []
    for one in sums:
        energy, electrons = found.last.arrays[f"below {one.energy:g}"].sum(axis=1)
        missing.append(energy / electrons)
    return Suppression(np.array([one.energy for one in sums]) - missing, np.array(missing))


def _warnings(found: GainCalibration, sums: tuple[SumOfCells, ...]) -> list[str]:
    """Return what a user should know."""
    warnings = []
    kept = int(found.gains.is_kept.sum())
    if kept:
        warnings.append(
            f"{kept} of {len(found.gains.ratio)} cells keep their old gain: no beam on them, or too few "
            f"electrons (flags 'no beam' and 'kept' in calibration.json). The others rest on these gains: a "
            f"wrong one passes its share of showers on. Add runs with the beam on them"
        )
    if not found.is_converged:
        warnings.append(f"gains still change by {found.change:.2g} after {found.n_passes} passes")
    if not found.is_suppression_measured:
        warnings.append(
            f"runs of {len(sums)} beam energies do not tell the suppressed energy from the gains: it is "
            f"taken from the shower profile; add runs of other energies"
        )
    return warnings
