"""Gains of cells from the peak of muons that cross them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recon.geometry import Detector, Digitizer
from recon.pulses import PulseShape
from recon.spectra import measure_peaks

__all__ = ["PEAK_EDGES", "MuonGains", "MuonPeakConfig", "amplitude_noise", "lonely_cells", "muon_gains"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

PEAK_EDGES = np.linspace(0.2, 4.0, 761)  # energy of a cell over the median that is expected
_N_PHASES = 16  # of the sampling clock that the noise of an amplitude is averaged over


@dataclass(frozen=True, slots=True, kw_only=True)
class MuonPeakConfig:
    """Which peaks make a gain."""

    least_events: int = 50  # muons in the cell
    max_error: float = 0.03  # relative: a cell that is known less well keeps its gain
    share: float = 0.8  # of the energy of the section, in the cell that the muon crosses
    least_height: float = 1.5  # [threshold of zero suppression] expected; below it the peak is cut

    def __post_init__(self) -> None:
        if not (self.least_events > 0 and self.max_error > 0 and 0.5 < self.share <= 1):
            msg = f"peaks of muons need least_events, max_error > 0 and 0.5 < share <= 1, got {self}"
            raise ValueError(msg)


class MuonGains(NamedTuple):
    """Gains of a detector, (n_cells,)."""

    ratio: Floats  # new over old gain; 1 where the old one is kept
    error: Floats  # statistical; NaN without a peak
    events: Ints  # muons in the window of the peak
    is_kept: Mask


def amplitude_noise(readout: Digitizer) -> float:
    """Return the rms of the fitted amplitude of a pulse [ADC]: that of a sample over the shape's norm."""
    shape = PulseShape(readout.rise_time, readout.fall_time)
    phase = readout.sampling_period * np.arange(_N_PHASES)[:, None] / _N_PHASES
    values = shape.value(readout.sampling_period * np.arange(readout.n_samples) + phase)
    return float(readout.noise / np.sqrt((values**2).sum(axis=1).mean()))


def lonely_cells(cells: Floats, detector: Detector, share: float) -> tuple[Ints, Ints]:
    """
    Find the cells that one muon crossed: they have nearly all of the energy of their section.

    Both photomultipliers of a panel see the muon, and count.

    Parameters
    ----------
    cells : float64, shape (n_events, n_cells) [GeV]
        In time; 0 where empty.
    detector : Detector
    share : float

    Returns
    -------
    (int64, int64), each of shape (n_found,)
        Event and cell.
    """
    total = np.zeros_like(cells)
    for section, first, last in zip(
        detector.sections, detector.offsets[:-1], detector.offsets[1:], strict=True
    ):
        here = cells[:, first:last]
        alone = here if section.combine == "geometric_mean" else here.sum(axis=1, keepdims=True)
        total[:, first:last] = alone
    event, cell = np.nonzero((cells > 0) & (cells >= share * total))
    return event, cell


def muon_gains(counts: Ints, expected: Ints, is_seen: Mask, config: MuonPeakConfig) -> MuonGains:
    """
    Compare the peak of each cell with the expected one.

    Both are the mean within 3 sigma of the peak, of energies over the same number: Landau's tail cannot pull
    them apart, and only its ratio counts.

    Parameters
    ----------
    counts : int64, shape (n_cells, n_bins)
        Energies with the old gains, in `PEAK_EDGES`.
    expected : int64, shape (n_cells, n_bins)
        What the simulation says, with noise.
    is_seen : bool, shape (n_cells,)
        False where the peak lies so low that zero suppression cuts it.
    config : MuonPeakConfig
    """
    found, goal = (measure_peaks(c, PEAK_EDGES, config.least_events) for c in (counts, expected))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = goal.mean / found.mean
        error = np.hypot(found.error / found.mean, goal.error / goal.mean)
    good = is_seen & (error <= config.max_error) & (ratio > 0)
    return MuonGains(np.where(good, ratio, 1.0), error, found.entries, ~good)
