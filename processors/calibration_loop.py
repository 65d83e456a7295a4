"""The passes of a calibration: each solves for the gains with the windows of the pass before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from coffea.processor import ProcessorABC
from coffea.processor.executor import WorkItem

from processors.calibration import (
    RATIO_EDGES,
    CalibrationChunk,
    CalibrationState,
    CalibrationSums,
    Candidates,
    sum_electrons,
)
from processors.runner import Account, Execution, Prepared, Progress, run_items
from recon.calibrate import GainConfig, Gains, solve_gains
from recon.geometry import Detector, Setup
from recon.spectra import measure_peaks, quantile

__all__ = ["GainCalibration", "LoopConfig", "calibrate_gains", "read_electrons"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """How long the gains are iterated, and which events enter."""

    gains: GainConfig = field(default_factory=GainConfig)
    first_half_width: float = 0.15  # of sum over expected energy, around the peak of the brightest cell
    second_half_width: float = 0.1  # with gains that are nearly right
    n_sigmas: float = 3.0  # half width from the third pass on
    tolerance: float = 0.001  # of all ratios: closer ones end the passes
    max_passes: int = 8
    least_peak: int = 20  # electrons on a cell that make a peak
    least_energies: int = 3  # of the beam: fewer do not tell the suppressed energy from the gains


@dataclass(frozen=True, slots=True, kw_only=True)
class GainCalibration:
    """What the passes found."""

    gains: Gains
    first: CalibrationSums  # with the old gains
    last: CalibrationSums  # with the new ones
    events: npt.NDArray[np.int64]  # (n_cells,) electrons with energy in the cell, of those that were used
    n_passes: int
    change: float  # of the last pass, of any ratio
    is_converged: bool
    is_suppression_measured: bool  # else the factor is that of the profile


def read_electrons(
    prepared: Prepared,
    processor: ProcessorABC,
    execution: Execution,
    progress: Progress | None = None,
) -> tuple[CalibrationSums, list[Candidates], Account]:
    """
    Read all files once, with a processor whose chunks are `CalibrationChunk`.

    Returns
    -------
    (CalibrationSums, list of Candidates, Account)
        Counts of times and samples; the electrons of each chunk in the order of the files, so that sums over
        them do not depend on the executor.
    """
    found: list[tuple[tuple[str, str, int], CalibrationChunk]] = []

    def keep(item: WorkItem, chunk: CalibrationChunk | None) -> None:
        if chunk is not None:
            found.append(((item.dataset, item.filename, item.entrystart), chunk))

    _, account = run_items(prepared, processor, execution, CalibrationSums(), progress, consume=keep)
    chunks = [chunk for _, chunk in sorted(found, key=lambda pair: pair[0])]
    counts = sum((chunk.sums for chunk in chunks), start=CalibrationSums())
    return counts, [chunk.electrons for chunk in chunks if chunk.electrons is not None], account


def calibrate_gains(
    electrons: Sequence[Candidates],
    counts: CalibrationSums,
    setup: Setup,
    detector: Detector,
    config: LoopConfig,
    progress: Progress | None = None,
) -> GainCalibration | None:
    """
    Iterate the gains until they stay.

    Parameters
    ----------
    electrons : sequence of Candidates
    counts : CalibrationSums
        Counted when they were read; kept with the sums of the first pass.
    setup : Setup
    detector : Detector
    config : LoopConfig
    progress : callable, optional

    Returns
    -------
    GainCalibration or None
        None without a single clean electron.
    """

    def one_pass(state: CalibrationState) -> CalibrationSums:
        total = CalibrationSums()
        for part in electrons:
            total = total + sum_electrons(part, setup, detector, state)
        return total

    n_cells, n = detector.n_cells, 1
    first = one_pass(CalibrationState(ratio=np.ones(n_cells)))
    if "peaks" not in first.arrays or not first.arrays["peaks"].sum():
        return None
    front = _solve_front(first, detector, config)
    state = CalibrationState(ratio=front.ratio)
    held = np.arange(n_cells) < detector.offsets[-2]
    few_energies = sum(name.startswith("sums ") for name in first.arrays) < config.least_energies
    centre, half_width = _centres(first, config), config.first_half_width
    gains, used, change = None, np.zeros(n_cells, dtype=np.int64), np.inf
    while n < config.max_passes and change > config.tolerance:
        if progress is not None:
            progress("solving for gains", n, config.max_passes)
        state = replace(state, centre=centre, half_width=half_width)
        sums = one_pass(state)
        equations, n = sums.equations(), n + 1
        if equations is None:
            return None
        front = _solve_front(sums, detector, config)
        gains = solve_gains(equations, config.gains, held, front.ratio, hold_suppression=few_energies)
        used = equations.events
        change = float(np.abs(gains.ratio - state.ratio).max())
        state = CalibrationState(ratio=gains.ratio, suppression=gains.suppression)
        centre = np.ones_like(centre)
        half_width = config.second_half_width if n == 2 else min(half_width, _width(sums, config))
    if gains is None:
        return None
    return GainCalibration(
        gains=gains._replace(
            error=np.where(held, front.error, gains.error),
            is_kept=np.where(held, front.is_kept, gains.is_kept),
        ),
        first=counts + first,
        last=one_pass(state),
        events=used,
        n_passes=n + 1,
        change=change,
        is_converged=change <= config.tolerance,
        is_suppression_measured=not few_energies,
    )


class _Front(NamedTuple):
    """Gains of the sections in front of the last one, (n_cells,)."""

    ratio: Floats
    error: Floats
    is_kept: Mask


def _solve_front(sums: CalibrationSums, detector: Detector, config: LoopConfig) -> _Front:
    """
    Find the gains that give showers the mean share that they have in front of the last section.

    The sum does not tell these gains: how early a shower starts changes its width and its losses too, so that
    the gain that makes the sum narrowest is not the right one.
    """
    ratio, error = np.ones(detector.n_cells), np.full(detector.n_cells, config.gains.prior)
    kept = np.ones(detector.n_cells, dtype=bool)
    for first, found in zip(detector.offsets[:-2], sums.arrays.get("front", ()), strict=False):
        counts, seen, square, expected = found
        with np.errstate(divide="ignore", invalid="ignore"):
            statistical = np.sqrt(square / seen**2 - 1.0 / counts)
            wanted = expected / seen
        good = (counts >= config.gains.least_events) & (statistical <= config.gains.max_error)
        good &= np.isfinite(wanted) & (wanted > 0)
        at = first + np.flatnonzero(good)
        ratio[at], error[at], kept[at] = wanted[good], statistical[good], False
    return _Front(ratio, error, kept)


def _centres(sums: CalibrationSums, config: LoopConfig) -> Floats:
    """Return where the sums of each brightest cell peak, (n_towers,); 1 where there are too few."""
    peaks = sums.arrays["peaks"]
    median = quantile(peaks, RATIO_EDGES, 0.5)
    return np.where(peaks.sum(axis=1) >= config.least_peak, median, 1.0)


def _width(sums: CalibrationSums, config: LoopConfig) -> float:
    """Return the half width of the window for the next pass, from the peak of all electrons."""
    sigma = measure_peaks(sums.arrays["peaks"].sum(axis=0, keepdims=True), RATIO_EDGES).sigma[0]
    return float(config.n_sigmas * sigma) if np.isfinite(sigma) else config.second_half_width
