"""Calibrate several detectors at once from runs of muons: the peak of each cell, in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea import processor

from datasets.conditions import Conditions
from datasets.conditions.channels import names_of
from datasets.simulation.muons import muon_light
from processors.analysis import AnalysisProcessor
from processors.calibration import CalibrationChunk, CalibrationSums, count_readout, without_the_rest
from processors.calibration_tables import new_cells, peaks_of_channels
from processors.reconstruction import Measured
from recon.geometry import Detector, Setup
from recon.muon_peak import PEAK_EDGES, MuonGains, MuonPeakConfig, amplitude_noise, lonely_cells, muon_gains
from recon.response import correct_nonlinearity
from recon.spectra import Peaks, count_values

__all__ = [
    "ExpectedPeak",
    "MuonCalibration",
    "MuonConfig",
    "MuonProcessor",
    "expect_peak",
    "make_muon_calibration",
]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SEED = 1  # of the expected peak
_N_EXPECTED = 20_000  # muons of the expected peak: its error is 0.2%, less than any cell's


@dataclass(frozen=True, slots=True, kw_only=True)
class MuonConfig:
    """Which detectors are calibrated, and with which muons."""

    detectors: tuple[str, ...]
    energy: float  # [GeV] of the muons, by which they radiate
    pile_up_max: float = 1.0  # [GeV] in the detector, of other particles in the readout window
    total_max: float = 3.0  # [what muons leave in all sections] more is a shower
    peak: MuonPeakConfig = field(default_factory=MuonPeakConfig)


class ExpectedPeak(NamedTuple):
    """What muons should leave in the cells of a detector."""

    median: Floats  # (n_sections,) [GeV]
    height: Floats  # (n_sections,) [ADC] of it, with the setup's gain
    is_seen: npt.NDArray[np.bool_]  # (n_sections,) the height is well above zero suppression
    section: Ints  # (n_cells,) of each cell
    counts: Ints  # (n_sections, n_bins) over the median, in `PEAK_EDGES`


def expect_peak(setup: Setup, detector: Detector, config: MuonConfig) -> ExpectedPeak:
    """
    Simulate the peak of muons: light, noise, and the corrections that measured cells get too.

    Parameters
    ----------
    setup : Setup
    detector : Detector
        With a readout.
    config : MuonConfig
    """
    readout = detector.readout
    assert readout is not None
    rng = np.random.default_rng(_SEED)
    light = muon_light(setup, detector.name, config.energy, _N_EXPECTED, rng)
    height = np.median(light, axis=1) * readout.gain
    visible = light + amplitude_noise(readout) / readout.gain * rng.standard_normal(light.shape)
    is_seen = height >= config.peak.least_height * readout.threshold
    visible[~is_seen] = 0.0  # sections that are not read do not add to the sum
    cells = correct_nonlinearity(visible.T / detector.response.sampling_fraction, detector).T
    median = np.median(cells, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        over = cells / median[:, None]
    section = np.repeat(np.arange(len(cells)), cells.shape[1])
    counts = count_values(section, over.ravel(), len(cells), PEAK_EDGES)
    of_cell = np.repeat(np.arange(len(cells)), np.diff(detector.offsets))
    return ExpectedPeak(median, height, is_seen, of_cell, counts)


class MuonProcessor(processor.ProcessorABC):
    """
    Count the energies of cells that one muon crossed, times and leading samples.

    Parameters
    ----------
    analysis : AnalysisProcessor
        Reads and says which events these are.
    config : MuonConfig
    expected : mapping of detector to ExpectedPeak
    """

    def __init__(
        self, analysis: AnalysisProcessor, config: MuonConfig, expected: Mapping[str, ExpectedPeak]
    ) -> None:
        self.analysis, self.config, self.expected = analysis, config, expected

    def process(self, events: ak.Array) -> CalibrationChunk:
        """Go over the events of a chunk; of data the result is a function of calibration triggers alone."""
        context, quantities = without_the_rest(*self.analysis.open(events))
        with np.errstate(all="ignore"):
            quantities, measured = self.analysis.measure(context, quantities)
            allowed = self.analysis.is_for_calibration(measured, context)
            arrays: dict[str, Array] = {"events": np.array([np.count_nonzero(allowed)])}
            if allowed.any():
                arrays |= count_readout(quantities, context, allowed)
                for name in self.config.detectors:
                    arrays |= self._count(measured, context.setup.detectors[name], allowed)
        return CalibrationChunk(CalibrationSums(arrays), None)

    def postprocess(self, accumulator: Any) -> Any:
        """Return the accumulator as it is."""
        return accumulator

    def _count(
        self, measured: Measured, detector: Detector, allowed: npt.NDArray[np.bool_]
    ) -> dict[str, Array]:
        """Count the energies of lonely cells over the expected ones, of events with one muon at most."""
        name, columns, expected = detector.name, measured.columns, self.expected[detector.name]
        cells = measured.cells[name]
        good = allowed & np.isfinite(cells).all(axis=1)
        steps = {f"after {name}: known energies": good}
        if f"{name}_pile_up_energy" in columns:
            good = good & (columns[f"{name}_pile_up_energy"] < self.config.pile_up_max)
            steps[f"after {name}: no pile-up"] = good
        good = good & (cells.sum(axis=1) < self.config.total_max * expected.median.sum())
        steps[f"after {name}: no shower"] = good
        event, cell = lonely_cells(cells[good], detector, self.config.peak.share)
        over = cells[good][event, cell] / expected.median[expected.section[cell]]
        counted = count_values(cell, over, detector.n_cells, PEAK_EDGES)
        return {step: np.array([np.count_nonzero(mask)]) for step, mask in steps.items()} | {
            f"muons {name}": counted
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MuonCalibration:
    """New conditions and how they were found; arrays of channels in the order of the setup."""

    gains: Mapping[str, MuonGains]  # by detector
    expected: Mapping[str, ExpectedPeak]
    sums: CalibrationSums
    all_labels: tuple[str, ...]
    slices: Mapping[str, slice]  # detector -> its channels
    old: Conditions
    conditions: Conditions
    times: Peaks  # [ns] against the old offsets, all channels
    pedestals: tuple[Peaks, Peaks]  # [ADC] against the rounded old ones: even, odd
    config: MuonConfig

    @property
    def time_counts(self) -> Ints:
        """Return the times of all channels in `processors.calibration.TIME_EDGES`, (n_channels, n_bins)."""
        return np.asarray(self.sums.arrays["times"])

    @property
    def n_muons(self) -> int:
        """Return how often a muon was seen in a section."""
        return sum(int(self.sums.arrays[f"muons {name}"].sum()) for name in self.gains)

    def flags(self, name: str) -> list[str]:
        """Return of each cell "new", "kept" (too few muons), "no beam", or "below threshold"."""
        gains, least = self.gains[name], self.config.peak.least_events
        is_seen = self.expected[name].is_seen[self.expected[name].section]
        return [
            "new" if not kept else "below threshold" if not seen else "no beam" if n < least else "kept"
            for kept, seen, n in zip(gains.is_kept, is_seen, gains.events, strict=True)
        ]

    @property
    def warnings(self) -> list[str]:
        """Return what a user should know."""
        told = []
        for name in self.gains:
            flags = self.flags(name)
            dark = flags.count("below threshold")
            kept = len(flags) - flags.count("new") - dark
            if dark:
                told.append(
                    f"{name}: a muon leaves too little in {dark} of {len(flags)} cells, less than "
                    f"{self.config.peak.least_height:g} times the threshold of zero suppression; their "
                    f"gains stay"
                )
            if kept:
                told.append(
                    f"{name}: {kept} of {len(flags)} cells keep their old gain, for lack of muons (flags 'no "
                    f"beam' and 'kept' in calibration.json); add runs with muons on them"
                )
        return told


def make_muon_calibration(
    sums: CalibrationSums,
    expected: Mapping[str, ExpectedPeak],
    old: Conditions,
    setup: Setup,
    config: MuonConfig,
) -> MuonCalibration | None:
    """
    Make new conditions; what was not measured well enough keeps its old value.

    Returns
    -------
    MuonCalibration or None
        None without a single muon.
    """
    if not any(sums.arrays.get(f"muons {name}", np.zeros(1)).any() for name in config.detectors):
        return None
    names, gains = names_of(setup), {}
    times, pedestals = peaks_of_channels(sums)
    parts = {
        name: new_cells(cells, times, pedestals, names.slices[name]) for name, cells in old.detectors.items()
    }
    for name in config.detectors:
        section = expected[name].section
        wanted, is_seen = expected[name].counts[section], expected[name].is_seen[section]
        gains[name] = muon_gains(sums.arrays[f"muons {name}"], wanted, is_seen, config.peak)
        parts[name] = replace(parts[name], gain=parts[name].gain * gains[name].ratio)
    return MuonCalibration(
        gains=gains,
        expected=expected,
        sums=sums,
        all_labels=names.labels,
        slices=names.slices,
        old=old,
        conditions=replace(old, detectors=parts),
        times=times,
        pedestals=pedestals,
        config=config,
    )
