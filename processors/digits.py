"""From raw digits to the quantities of an event: calibrated cells and tracker hits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.conditions import Conditions, ideal_conditions, load_conditions
from datasets.decode import Quantities
from datasets.digits import Digits, Waveforms
from datasets.hits import HitArrays
from datasets.setups import load_setup
from recon.channels import ChannelTable, channel_table
from recon.geometry import Setup
from recon.hits import TrackerHits, join_hits, select_planes
from recon.response import correct_nonlinearity
from recon.straws import find_straw_hits, straw_table
from recon.strips import find_strip_hits, strip_table
from recon.waveforms import Quality, WaveformConfig, measure_waveforms

__all__ = ["calibrate_digits", "conditions_of"]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_PULSE = 0.5  # of the threshold of zero suppression


class _Cells(NamedTuple):
    """All cells of a setup in one row."""

    energy: Floats  # [GeV] (n_events, n_cells) of the pulse next to the expected time
    time: Floats  # [ns] (n_events, n_cells) against the expected time; NaN without energy
    pile_up: Floats  # [GeV] (n_events, n_cells) of all other pulses


@lru_cache(maxsize=16)
def conditions_of(setup: str, run: int | None, overrides: tuple[str, ...]) -> Conditions:
    """
    Return the conditions of a run, or the ideal ones of a simulation.

    Parameters
    ----------
    setup : str
        Name or path.
    run : int or None
        None: a simulation, whose conditions follow from the setup unless tables are given.
    overrides : tuple of str
        Tables of the user.

    Raises
    ------
    ConfigError
        If a table is wrong or a condition is missing.
    """
    found = load_setup(setup)
    if run is None and not overrides:
        return ideal_conditions(found)
    return load_conditions(found, run or 0, overrides)


def calibrate_digits(quantities: Quantities, setup: Setup, conditions: Conditions) -> Quantities:
    """
    Make cell energies, times and hits of raw digits.

    Channels that are bad in the conditions stay empty. A cell whose waveform is not understood, or that has
    two of them, is NaN, so that its event fails closed; so does an event of a bad spill, which is no physics
    trigger.

    Parameters
    ----------
    quantities : Quantities
        With digits, from `datasets.decode.decode`.
    setup : Setup
    conditions : Conditions
        Of the run.

    Returns
    -------
    Quantities
        With `*_cell_energy` [GeV], `*_cell_time` [ns], `*_pile_up_energy` [GeV] (n_events,) and hits.
    """
    digits = quantities.digits
    arrays = dict(quantities.arrays)
    n = quantities.n_events
    if digits.waveforms is not None:
        cells = _measure_cells(digits.waveforms, n, setup, conditions)
        arrays |= _by_detector(cells, setup, conditions, arrays.get("spill"))
    if len(conditions.bad_spills) and "spill" in arrays and "trigger_is_physics" in arrays:
        is_good = ~np.isin(arrays["spill"], conditions.bad_spills)
        arrays["trigger_is_physics"] = arrays["trigger_is_physics"].astype(bool) & is_good
    return Quantities(n, arrays, _find_hits(digits, setup, n), digits)


def _measure_cells(waveforms: Waveforms, n_events: int, setup: Setup, conditions: Conditions) -> _Cells:
    cells = conditions.cells
    energy = np.zeros((n_events, cells.n_cells))
    time, pile_up = np.full_like(energy, np.nan), np.zeros_like(energy)
    row = conditions.cell_of_channel(waveforms.channel)
    event = np.repeat(np.arange(n_events), np.diff(waveforms.offsets))
    used = (row >= 0) & ~cells.is_bad[row]
    row, event = row[used], event[used]
    gain = np.where(cells.is_bad, 1.0, cells.gain)
    pulses = measure_waveforms(
        waveforms.samples[used], row, _channel_table(setup, conditions), WaveformConfig()
    )
    is_empty = (pulses.quality & ~np.uint8(Quality.NOISY_BASELINE)) == Quality.NO_PULSE
    energy[event, row] = np.where(is_empty, 0.0, pulses.amplitude * gain[row])
    time[event, row] = np.where(is_empty, np.nan, pulses.time)
    others = pulses.others
    np.add.at(
        pile_up, (event[others.waveform], row[others.waveform]), others.amplitude * gain[row[others.waveform]]
    )
    found, counts = np.unique(event * cells.n_cells + row, return_counts=True)
    twice = found[counts > 1]
    energy[twice // max(cells.n_cells, 1), twice % max(cells.n_cells, 1)] = np.nan
    return _Cells(energy, time, pile_up)


def _channel_table(setup: Setup, conditions: Conditions) -> ChannelTable:
    """Return the setup's channels with the calibration of the run; that of bad channels is not used."""
    cells, table = conditions.cells, channel_table(setup)
    good = ~cells.is_bad & np.isfinite(cells.gain)
    return table._replace(
        pedestal=np.where(good[:, None], cells.pedestal, np.nan),
        # of a channel that was written, smaller pulses than those that make it be written are looked at too
        threshold=_LEAST_PULSE * table.threshold,
        noise=np.where(good, np.maximum(cells.noise, table.noise), table.noise),
        gain=np.where(good, 1.0 / np.where(good, cells.gain, 1.0), table.gain),
        start=np.where(good, cells.time_offset, table.start),
    )


def _by_detector(
    cells: _Cells, setup: Setup, conditions: Conditions, spill: Array | None
) -> Mapping[str, Array]:
    """Return the arrays of each detector, corrected for the drift of gains and its own response."""
    arrays: dict[str, Array] = {}
    start = 0
    for name, detector in setup.detectors.items():
        where = slice(start, start + detector.n_cells)
        start += detector.n_cells
        energy, pile_up = cells.energy[:, where], cells.pile_up[:, where]
        if len(conditions.led_spills) and spill is not None:
            factor = conditions.led_factors(name, spill)
            energy, pile_up = energy * factor, pile_up * factor
        arrays[f"{name}_cell_energy"] = correct_nonlinearity(energy, detector)
        arrays[f"{name}_cell_time"] = np.where(energy == 0, 0.0, cells.time[:, where])
        in_beam = np.repeat(detector.is_in_beam, np.diff(detector.offsets))
        arrays[f"{name}_pile_up_energy"] = np.where(in_beam, pile_up, 0.0).sum(axis=1)
    return arrays


def _find_hits(digits: Digits, setup: Setup, n_events: int) -> dict[str, HitArrays]:
    """Return the hits in time of each spectrometer."""
    planes = [plane for s in setup.spectrometers.values() for plane in s.planes]
    parts: list[TrackerHits] = []
    if digits.strips is not None:
        d = digits.strips
        parts.append(find_strip_hits(d.offsets, d.detector, d.channel, d.samples, strip_table(planes))[0])
    if digits.straws is not None:
        t = digits.straws
        parts.append(find_straw_hits(t.offsets, t.detector, t.number, t.time, straw_table(planes))[0])
    if not parts:
        return {}
    found, first = join_hits(*parts), 0
    hits = {}
    for name, spectrometer in setup.spectrometers.items():
        here = select_planes(found, first, len(spectrometer.planes))
        first += len(spectrometer.planes)
        windows = np.array([plane.time_window for plane in spectrometer.planes])[here.plane]
        # a hit whose time is not known may be in time
        kept = ~((here.time < windows[:, 0]) | (here.time > windows[:, 1]))
        before = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        hits[name] = HitArrays(
            here.plane[kept],
            here.x[kept],
            here.y[kept],
            before[here.offsets],
            here.x_error[kept],
            here.y_error[kept],
            here.time[kept],
            here.x_source[kept],
            here.y_source[kept],
        )
    return hits
