"""Calibrate from runs of electrons: sums over events of calibration triggers, addable, pass by pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt
from coffea import processor

from datasets.conditions import Conditions
from datasets.decode import Quantities
from datasets.digits import Waveforms
from datasets.profiles import load_profile
from processors.analysis import AnalysisProcessor
from processors.context import Context
from processors.reconstruction import Measured, project_sections
from recon.calibrate import GainEquations, add_events
from recon.expected_sum import Expected, cell_centres, contained, expect_sum
from recon.front_share import front_share, radiation_lengths
from recon.geometry import Detector, Setup
from recon.shower import ShowerConfig, reconstruct_shower
from recon.spectra import count_values

__all__ = [
    "RATIO_EDGES",
    "SAMPLE_EDGES",
    "TIME_EDGES",
    "CalibrationChunk",
    "CalibrationProcessor",
    "CalibrationState",
    "CalibrationSums",
    "Candidates",
    "ElectronConfig",
    "count_readout",
    "expected_below",
    "sum_electrons",
    "without_the_rest",
]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

RATIO_EDGES = np.linspace(0.5, 1.5, 2001)  # sum over expected energy
TIME_EDGES = np.linspace(-40.0, 40.0, 801)  # [ns] against the old offset
SAMPLE_EDGES = np.linspace(-32.5, 32.5, 66)  # [ADC] around the old pedestal, rounded
_LEADING = 8  # samples before a pulse of the trigger particle
_CALIBRATION = 0.01  # relative error of cells that is allowed for in the fit of positions
_N_NODES = 5  # of the Gauss-Hermite quadrature over the spot of the beam, in x and in y
_TIMED = 50.0  # [ADC] least amplitude of a pulse whose time counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectronConfig:
    """Which events are one clean electron, and of which energy."""

    detector: str = "ecal"
    energies: Mapping[str, float] = field(default_factory=dict)  # [GeV] by dataset; others: the setup's beam
    hcal_max: float = 2.0  # [GeV]
    pile_up_max: float = 1.0  # [GeV] in the detector, of other particles in the readout window


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationState:
    """What is known from the passes before: of the cells of the detector that is calibrated."""

    ratio: Floats  # (n_cells,) new over old gain
    suppression: float = 1.0  # factor of the suppressed energy that the profile expects
    centre: Floats | None = None  # (n_towers,) window of sum over expected energy, by the brightest cell
    half_width: float = 0.0


@dataclass(frozen=True, slots=True)
class CalibrationSums:
    """Sums of arrays by name; those of two samples are added, whatever the order."""

    arrays: Mapping[str, Array] = field(default_factory=dict)

    def __add__(self, other: CalibrationSums) -> CalibrationSums:
        """Add up arrays of the same name."""
        names = sorted({*self.arrays, *other.arrays})
        joined: dict[str, Array] = {}
        for name in names:
            parts = [of.arrays[name] for of in (self, other) if name in of.arrays]
            joined[name] = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return CalibrationSums(joined)

    def equations(self) -> GainEquations | None:
        """Return the normal equations; None without any event in the window."""
        if "gain_matrix" not in self.arrays:
            return None
        return GainEquations(*(self.arrays[f"gain_{name}"] for name in GainEquations._fields))


class _Showers(NamedTuple):
    """Clean electrons."""

    cells: Floats  # [GeV] (n_events, n_cells)
    brightest: npt.NDArray[np.int64]  # (n_events,) cell of the last section
    expected: Expected


class Candidates(NamedTuple):
    """Clean electrons of a chunk as they were read, and what it takes to go over them again and again."""

    cells: npt.NDArray[np.float32]  # [GeV] (n_events, n_cells), with the old gains
    energy: float  # [GeV] of the beam
    threshold: Floats  # [GeV] (n_cells,) of zero suppression, with the old gains


class CalibrationChunk(NamedTuple):
    """What one chunk gives: sums that no gain changes, and electrons."""

    sums: CalibrationSums
    electrons: Candidates | None


class CalibrationProcessor(processor.ProcessorABC):
    """
    Return the clean electrons of a chunk and count times and leading samples; files are read only once.

    Parameters
    ----------
    analysis : AnalysisProcessor
        Reads and says which events these are.
    config : ElectronConfig
    """

    def __init__(self, analysis: AnalysisProcessor, config: ElectronConfig) -> None:
        self.analysis, self.config = analysis, config

    def process(self, events: ak.Array) -> CalibrationChunk:
        """Go over the events of a chunk; of data the result is a function of calibration triggers alone."""
        context, quantities = without_the_rest(*self.analysis.open(events))
        with np.errstate(all="ignore"):
            quantities, measured = self.analysis.measure(context, quantities)
            allowed = self.analysis.is_for_calibration(measured, context)
            arrays: dict[str, Array] = {"events": np.array([np.count_nonzero(allowed)])}
            electrons = None
            if allowed.any():
                arrays |= count_readout(quantities, context, allowed)
                electrons = self._select(measured, context, allowed, arrays)
        return CalibrationChunk(CalibrationSums(arrays), electrons)

    def postprocess(self, accumulator: Any) -> Any:
        """Return the accumulator as it is."""
        return accumulator

    def _select(
        self, measured: Measured, context: Context, allowed: Mask, arrays: dict[str, Array]
    ) -> Candidates:
        """Return the clean electrons, and count what each requirement leaves."""
        detector = context.setup.detectors[self.config.detector]
        energy = self.config.energies.get(context.dataset, context.setup.beam.momentum)
        clean = allowed.copy()
        for name, passed in self._reasons(measured).items():
            clean &= passed
            arrays[f"after {name}"] = np.array([np.count_nonzero(clean)])
        cells = measured.cells[detector.name][clean].astype(np.float32)
        return Candidates(cells, energy, _thresholds(detector, context.conditions))

    def _reasons(self, measured: Measured) -> dict[str, Mask]:
        """
        Return which events meet each requirement, in order.

        The SRD tag is not among them: it would take three of ten electrons at 100 GeV, holds at the energy of
        the run alone, and rests on gains too. The window on the sum and the quiet HCAL leave no hadrons.
        """
        columns, name = measured.columns, self.config.detector
        reasons = {
            "known energies": columns[f"{name}_is_valid"] & np.isfinite(measured.cells[name]).all(axis=1)
        }
        if f"{name}_pile_up_energy" in columns:
            others = columns[f"{name}_pile_up_energy"] + columns[f"{name}_out_of_time_energy"]
            reasons["no pile-up"] = others < self.config.pile_up_max
        if "hcal_energy" in columns:
            reasons["quiet HCAL"] = columns["hcal_energy"] < self.config.hcal_max
        return reasons


def without_the_rest(context: Context, quantities: Quantities) -> tuple[Context, Quantities]:
    """Leave out digits of trackers, which cost time, and the suppressed energy, which is to be found."""
    if context.conditions is not None:
        context = replace(context, conditions=replace(context.conditions, suppression={}))
    digits = quantities.digits._replace(strips=None, straws=None)
    return context, quantities._replace(digits=digits)


def sum_electrons(
    electrons: Candidates, setup: Setup, detector: Detector, state: CalibrationState
) -> CalibrationSums:
    """
    Return spectra of the sum of the cells of all electrons, and the equations of those in the window.

    Parameters
    ----------
    electrons : Candidates
    setup : Setup
    detector : Detector
    state : CalibrationState
    """
    showers = _showers(electrons, setup, detector, state)
    expected, energy = showers.expected, electrons.energy
    seen = _sum(showers.cells)
    ratio = (seen + state.suppression * expected.suppressed) / expected.inside
    n = detector.sections[-1].grid.n_cells
    below = np.bincount(showers.brightest, expected.suppressed, minlength=n)
    arrays: dict[str, Array] = {
        "peaks": count_values(showers.brightest, ratio, n, RATIO_EDGES),
        # as the reconstruction sums it
        f"sums {energy:g}": count_values(showers.brightest, seen / expected.inside, n, RATIO_EDGES),
        f"below {energy:g}": np.stack([below, np.bincount(showers.brightest, minlength=n)]),
    }
    inside = np.ones(len(ratio), dtype=bool)
    if state.centre is not None:
        inside = np.abs(ratio - state.centre[showers.brightest]) < state.half_width
    arrays |= _sum_front(showers, inside, setup, detector, energy, state)
    if state.centre is None:
        return CalibrationSums(arrays)
    spread = _relative_spread(detector, setup, energy) * energy
    equations = add_events(
        showers.cells[inside] / state.ratio,
        expected.suppressed[inside],
        expected.inside[inside],
        np.full(np.count_nonzero(inside), spread**-2.0),
        1.0 / ratio[inside],
    )
    return CalibrationSums(arrays | {f"gain_{name}": value for name, value in equations._asdict().items()})


def _sum_front(
    showers: _Showers,
    inside: Mask,
    setup: Setup,
    detector: Detector,
    energy: float,
    state: CalibrationState,
) -> dict[str, Array]:
    """Sum the energy in front of the brightest cell, with the old gains, and what should be there."""
    last, at = detector.sections[-1], np.flatnonzero(inside)
    tower = showers.brightest[at]
    whole = contained(last, load_profile(setup.shower_profile), _beam_position(detector))
    rows = []
    for first, share in zip(detector.offsets[:-2], _front_shares(detector, energy), strict=True):
        column = first + tower
        values = showers.cells[at, column] / state.ratio[column]
        counts = np.bincount(tower, minlength=last.grid.n_cells).astype(np.float64)
        sums = [np.bincount(tower, values**power, minlength=last.grid.n_cells) for power in (1, 2)]
        rows.append(np.stack([counts, *sums, counts * energy * share / whole]))
    return {"front": np.stack(rows)} if rows else {}


def _front_shares(detector: Detector, energy: float) -> list[float]:
    """Return the mean share of a shower in its cell of each section but the last; NaN where unknown."""
    shares, before = [], 0.0
    for section in detector.sections[:-1]:
        try:
            shares.append(front_share(energy, section, before))
            before += radiation_lengths(section)
        except ValueError:
            shares.append(np.nan)
            before = np.nan
    return shares


def _beam_position(detector: Detector) -> tuple[float, float]:
    """Return the centre of the beam cell [mm], or of the middle cell."""
    section = detector.sections[-1]
    beam = detector.beam_cell or (section.grid.shape[0] // 2, section.grid.shape[1] // 2)
    centre = cell_centres(section)[beam[0] * section.grid.shape[1] + beam[1]]
    return float(centre[0]), float(centre[1])


def _showers(electrons: Candidates, setup: Setup, detector: Detector, state: CalibrationState) -> _Showers:
    """Apply the ratios of the passes before and expect what an electron there leaves."""
    cells = electrons.cells.astype(np.float64) * state.ratio
    section, towers = project_sections(cells, detector)
    profile, response = load_profile(setup.shower_profile), detector.response
    config = ShowerConfig(noise=response.noise, calibration=max(response.constant, _CALIBRATION))
    shower = reconstruct_shower(towers, section, profile, config)
    brightest = towers.reshape(len(towers), section.grid.n_cells).argmax(axis=1)
    good = shower.is_valid
    last = slice(detector.n_cells - section.grid.n_cells, detector.n_cells)
    expected = expect_sum(
        np.full(np.count_nonzero(good), electrons.energy),
        *(shower.x[good], shower.y[good], electrons.threshold[last] * state.ratio[last]),
        *(section, profile, _beam_position(detector)),
    )
    return _Showers(cells[good], brightest[good], expected)


def expected_below(setup: Setup, detector: Detector, gain: Floats) -> Callable[[float], float]:
    """Return a function of the energy [GeV]: what the profile expects below threshold in the beam's spot."""
    section, profile = detector.sections[-1], load_profile(setup.shower_profile)
    threshold = _energy_at_threshold(detector, gain)[-section.grid.n_cells :]
    at = _beam_position(detector)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_N_NODES)
    grid = np.meshgrid(at[0] + setup.beam.spot[0] * nodes, at[1] + setup.beam.spot[1] * nodes, indexing="ij")
    weight = np.outer(weights, weights).ravel() / weights.sum() ** 2

    def expected(energy: float) -> float:
        where = (grid[0].ravel(), grid[1].ravel())
        found = expect_sum(np.full(weight.size, energy), *where, threshold, section, profile, at)
        return float(found.suppressed @ weight)

    return expected


def _sum(cells: Floats) -> Floats:
    """Add up cells in their order, (n_events,): the same sum in any chunk."""
    total = np.zeros(len(cells))
    for cell in range(cells.shape[1]):
        total += cells[:, cell]
    return total


def _relative_spread(detector: Detector, setup: Setup, energy: float) -> float:
    """Return the relative spread of the sum: resolution and momentum of the beam."""
    response = detector.response
    stochastic = max(response.stochastic, 0.05) / np.sqrt(energy)
    return float(np.sqrt(stochastic**2 + response.constant**2 + setup.beam.spread**2))


def _thresholds(detector: Detector, conditions: Conditions | None) -> Floats:
    """Return the energy at the threshold of zero suppression of each cell, (n_cells,) [GeV]."""
    if conditions is None:
        return np.zeros(detector.n_cells)
    return _energy_at_threshold(detector, conditions.detectors[detector.name].gain)


def _energy_at_threshold(detector: Detector, gain: Floats) -> Floats:
    if detector.readout is None:
        return np.zeros(detector.n_cells)
    return np.where(np.isfinite(gain), gain * detector.readout.threshold, 0.0)


def count_readout(quantities: Quantities, context: Context, allowed: Mask) -> dict[str, Array]:
    """Count times of large pulses, and samples before the pulse, of all channels."""
    waveforms, conditions = quantities.digits.waveforms, context.conditions
    if waveforms is None or conditions is None:
        return {}
    times = [
        _count_times(quantities, detector, conditions, allowed)
        for detector in context.setup.read_out.values()
    ]
    return {"times": np.concatenate(times), "samples": _count_samples(waveforms, conditions, allowed)}


def _count_times(quantities: Quantities, detector: Detector, conditions: Conditions, allowed: Mask) -> Array:
    if (
        f"{detector.name}_cell_time" not in quantities.arrays
    ):  # beam counters: they are what times are against
        return np.zeros((detector.n_cells, len(TIME_EDGES) - 1), dtype=np.int64)
    energy = quantities.arrays[f"{detector.name}_cell_energy"][allowed]
    time = quantities.arrays[f"{detector.name}_cell_time"][allowed]
    gain = conditions.detectors[detector.name].gain
    event, cell = np.nonzero(energy > _TIMED * np.where(np.isfinite(gain), gain, np.inf))
    return count_values(cell, time[event, cell], detector.n_cells, TIME_EDGES)


def _count_samples(waveforms: Waveforms, conditions: Conditions, allowed: Mask) -> Array:
    """Count the leading samples against the old pedestals, (2 n_channels, n_bins): even, then odd."""
    cells = conditions.cells
    event = np.repeat(np.arange(len(allowed)), np.diff(waveforms.offsets))
    row = conditions.cell_of_channel(waveforms.channel)
    used = allowed[event] & (row >= 0)
    row, samples = row[used], waveforms.samples[used, :_LEADING].astype(np.float64)
    counts = []
    for parity in range(2):
        base = np.rint(cells.pedestal[row, parity])
        away = (samples[:, parity::2] - base[:, None]).ravel()
        rows = np.repeat(row, _LEADING // 2)
        counts.append(count_values(rows, away, cells.n_cells, SAMPLE_EDGES))
    return np.concatenate(counts)
