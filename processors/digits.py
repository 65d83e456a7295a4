"""From raw digits to the quantities of an event: calibrated cells and tracker hits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from datasets.conditions import Conditions, ideal_conditions, load_conditions
from datasets.decode import Quantities
from datasets.digits import Digits, Waveforms
from datasets.hits import HitArrays
from datasets.reader import ReadError
from datasets.setups import load_setup
from processors.event_pulses import find_master_time, pick_pulses
from processors.planes import align_hits
from processors.quality import of_pulses, of_trackers, repeated
from recon.channels import ChannelTable, channel_table
from recon.geometry import Setup
from recon.hits import TrackerHits, join_hits, select_planes
from recon.master_time import is_hidden, nearest_pulses
from recon.pulses import PulseShape
from recon.response import add_suppressed, correct_nonlinearity
from recon.straws import StrawTable, find_straw_hits, straw_table
from recon.strip_channels import StripTable
from recon.strips import find_strip_hits, strip_table
from recon.waveforms import Pulses, Quality, WaveformConfig, measure_waveforms

__all__ = [
    "FittedWaveform",
    "calibrate_digits",
    "conditions_of",
    "fit_waveforms",
    "refuse_spills",
    "spills_in",
]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_LEAST_PULSE = 0.5  # of the threshold of zero suppression


class _Cells(NamedTuple):
    """All cells of a setup in one row."""

    energy: Floats  # [GeV] (n_events, n_cells) of the pulse next to the expected time
    time: Floats  # [ns] (n_events, n_cells) against master time and expected time; NaN without energy
    pile_up: Floats  # [GeV] (n_events, n_cells) of all other pulses
    damage: Mapping[str, Ints]  # quality counter -> (n_events,) waveforms
    master_time: Floats | None  # [ns] (n_events,) of the counters, else of the file; NaN: neither


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
    two of them, is NaN, so that its event fails closed; so does an event of a bad spill, which is no
    trigger at all, and one without master time, whose cells have no time.

    The master time is that of the beam counters; of an event without a pulse in time in any of them, that of
    the file, if it states one. Of two particles that the counters cannot tell apart nobody knows which one
    fired the trigger: then it is the file's too, or the time at which the trigger is expected, which is right
    within half a sampling period. The pulse of a cell is the one nearest the expected time behind it.

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
        With `*_cell_energy` [GeV], `*_cell_time` [ns], `*_pile_up_energy` [GeV] (n_events,), hits where the
        alignment puts them (its dz is for `processors.planes.align_setup`), and the damage of
        `processors.quality.COUNTERS`.
    """
    digits = quantities.digits
    arrays = dict(quantities.arrays)
    n = quantities.n_events
    damage: dict[str, Ints] = {}
    master = arrays.get("master_time")
    if digits.waveforms is not None:
        cells = _measure_cells(digits, n, setup, conditions, master)
        damage |= cells.damage
        master = cells.master_time
        arrays |= _by_detector(cells, setup, conditions, arrays.get("spill"))
    if master is not None:
        arrays["master_time"] = master
        damage["master_time_is_unknown"] = (~np.isfinite(master)).astype(np.int64)
        arrays = _without_time(arrays, ~np.isfinite(master), setup)
    planes = [plane for s in setup.spectrometers.values() for plane in s.planes]
    strips, straws = strip_table(planes), straw_table(planes)
    damage |= of_trackers(digits, strips, straws, n)
    hits = align_hits(_find_hits(digits, setup, strips, straws, master), setup, conditions.alignment)
    found = Quantities(n, arrays, hits, digits, damage)
    return (
        refuse_spills(found, np.isin(arrays["spill"], conditions.bad_spills)) if "spill" in arrays else found
    )


def refuse_spills(quantities: Quantities, is_bad: Mask) -> Quantities:
    """
    Take the triggers from the events of bad spills, and count them.

    Parameters
    ----------
    quantities : Quantities
    is_bad : bool, shape (n_events,)
        In addition to those that are bad already.
    """
    arrays, damage = dict(quantities.arrays), dict(quantities.damage)
    before = damage.get("spill_is_bad", np.zeros(quantities.n_events, dtype=np.int64))
    damage["spill_is_bad"] = np.maximum(before, is_bad.astype(np.int64))
    for trigger in sorted({"trigger_is_physics", "trigger_is_calibration"} & set(arrays)):
        arrays[trigger] = arrays[trigger].astype(bool) & ~is_bad
    return quantities._replace(arrays=arrays, damage=damage)


def spills_in(arrays: Mapping[str, Array], spills: Mapping[int, Collection[int] | None]) -> Mask:
    """Return the events of listed spills, (n_events,); None lists all spills of a run."""
    run = arrays["run"]
    inside = np.zeros(len(run), dtype=bool)
    for number, listed in spills.items():
        inside |= (run == number) & (True if listed is None else np.isin(arrays["spill"], list(listed)))
    return inside


def _without_time(arrays: Mapping[str, Array], is_unknown: Mask, setup: Setup) -> dict[str, Array]:
    """Return arrays in which nothing is known of events that have no time."""
    found = dict(arrays)
    for name in setup.detectors:
        if f"{name}_cell_energy" in found:
            found[f"{name}_cell_energy"] = np.where(is_unknown[:, None], np.nan, found[f"{name}_cell_energy"])
    return found


def _measure_cells(
    digits: Digits, n_events: int, setup: Setup, conditions: Conditions, of_file: Floats | None
) -> _Cells:
    cells, waveforms = conditions.cells, digits.waveforms
    assert waveforms is not None
    energy = np.zeros((n_events, cells.n_cells))
    time, pile_up = np.full_like(energy, np.nan), np.zeros_like(energy)
    row = conditions.cell_of_channel(waveforms.channel)
    event = np.repeat(np.arange(n_events), np.diff(waveforms.offsets))
    unknown = np.bincount(event[row < 0], minlength=n_events)
    used = (row >= 0) & ~cells.is_bad[row]
    row, event = row[used], event[used]
    gain = np.where(cells.is_bad, 1.0, cells.gain)
    table = _channel_table(setup, conditions)
    pulses = measure_waveforms(waveforms.samples[used], row, table, WaveformConfig())
    is_empty = (pulses.quality & ~np.uint8(Quality.NOISY_BASELINE)) == Quality.NO_PULSE
    master, is_ambiguous = find_master_time(pulses, event, row, n_events, setup, of_file)
    picked = pick_pulses(pulses, event, n_events, master, table.period)
    energy[event, row] = np.where(is_empty, 0.0, picked.amplitude * gain[row])
    time[event, row] = np.where(is_empty, np.nan, picked.time)
    if master is not None:
        time -= master[:, None]
    others = picked.others
    np.add.at(
        pile_up, (event[others.waveform], row[others.waveform]), others.amplitude * gain[row[others.waveform]]
    )
    full = np.flatnonzero(pulses.quality & np.uint8(Quality.SATURATED))
    start = table.start[row] + (0.0 if master is None else np.nan_to_num(master)[event])
    samples, limit = waveforms.samples[np.flatnonzero(used)[full]], table.saturation[row[full]]
    hidden = full[is_hidden(samples, limit, start[full] / table.period)]
    energy[event[hidden], row[hidden]] = np.nan
    damage = of_pulses(pulses.quality, event, n_events)
    damage["waveform_is_hidden"] = np.bincount(event[hidden], minlength=n_events)
    damage["master_time_is_ambiguous"] = is_ambiguous.astype(np.int64)
    if digits.short is not None:
        short_event = np.repeat(np.arange(n_events), np.diff(digits.short.offsets))
        short = conditions.cell_of_channel(digits.short.channel)
        unknown += np.bincount(short_event[short < 0], minlength=n_events)
        is_used = (short >= 0) & ~cells.is_bad[short]
        damage["waveform_is_short"] += np.bincount(short_event[is_used], minlength=n_events)
        energy[short_event[is_used], short[is_used]] = np.nan
        event, row = np.append(event, short_event[is_used]), np.append(row, short[is_used])
    events, channels, damage["waveform_channel_is_repeated"] = repeated(event, row, cells.n_cells, n_events)
    energy[events, channels] = np.nan
    return _Cells(energy, time, pile_up, damage | {"waveform_channel_is_unknown": unknown}, master)


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
    if len(conditions.led_spills) and spill is None:
        msg = (
            f"the conditions have LED factors for spills {conditions.led_spills[0]} to "
            f"{conditions.led_spills[-1]}, and the file does not say the spill of an event; add a branch "
            f"'spill' to its layout, or leave the table 'led' out"
        )
        raise ReadError(msg)
    arrays: dict[str, Array] = {}
    start = 0
    for name, detector in setup.detectors.items():
        where = slice(start, start + detector.n_cells)
        start += detector.n_cells
        energy, pile_up = cells.energy[:, where], cells.pile_up[:, where]
        if spill is not None and len(conditions.led_spills):
            factor = conditions.led_factors(name, spill)
            energy, pile_up = energy * factor, pile_up * factor
        corrected = correct_nonlinearity(energy, detector)
        if name in conditions.suppression:
            corrected = add_suppressed(corrected, *conditions.suppression[name])
        arrays[f"{name}_cell_energy"] = corrected
        arrays[f"{name}_cell_time"] = np.where(energy == 0, 0.0, cells.time[:, where])
        in_beam = np.repeat(detector.is_in_beam, np.diff(detector.offsets))
        arrays[f"{name}_pile_up_energy"] = np.where(in_beam, pile_up, 0.0).sum(axis=1)
    return arrays


def _find_hits(
    digits: Digits, setup: Setup, strips: StripTable, straws: StrawTable, master: Floats | None
) -> dict[str, HitArrays]:
    """Return the hits in time of each spectrometer, with times after the master time where there is one."""
    parts: list[TrackerHits] = []
    if digits.strips is not None:
        d = digits.strips
        of_strips = find_strip_hits(d.offsets, d.detector, d.channel, d.samples, strips)[0]
        if master is not None:
            passed = np.repeat(np.nan_to_num(master), np.diff(of_strips.offsets))
            of_strips = of_strips._replace(time=of_strips.time - passed)
        parts.append(of_strips)
    if digits.straws is not None:
        t = digits.straws
        parts.append(find_straw_hits(t.offsets, t.detector, t.number, t.time, straws, start=master)[0])
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
            here.time_error[kept],
        )
    return hits


class FittedWaveform(NamedTuple):
    """One waveform and the pulses that it was unfolded into."""

    cell: int  # in the row of all cells of the setup
    samples: npt.NDArray[np.uint16]  # (n_samples,) [ADC]
    period: float  # [ns] between two samples
    pedestal: Floats  # (2,) [ADC] of even and odd samples
    shape: PulseShape
    start: Floats  # (n_pulses,) [ns] after the first sample; the pulse of the event is the first one
    amplitude: Floats  # (n_pulses,) [ADC]
    energy: float  # [GeV] of the first pulse; NaN: the waveform is not understood, or has no pulse


def fit_waveforms(waveforms: Waveforms, setup: Setup, conditions: Conditions) -> list[FittedWaveform]:
    """
    Unfold the waveforms of good cells again, for pictures of them.

    Parameters
    ----------
    waveforms : Waveforms
    setup : Setup
    conditions : Conditions
        Of the run.

    Returns
    -------
    list of FittedWaveform
        The largest energy first.
    """
    row = conditions.cell_of_channel(waveforms.channel)
    used = (row >= 0) & ~conditions.cells.is_bad[row]
    row, samples = row[used], waveforms.samples[used]
    table = _channel_table(setup, conditions)
    found = measure_waveforms(samples, row, table, WaveformConfig())
    n_events = len(waveforms.offsets) - 1
    event = np.repeat(np.arange(n_events), np.diff(waveforms.offsets))[used]
    master = find_master_time(found, event, row, n_events, setup, None).time
    energy = pick_pulses(found, event, n_events, master, table.period).amplitude * conditions.cells.gain[row]
    if master is not None:
        one = nearest_pulses(found, np.nan_to_num(master)[event])
        found = found._replace(amplitude=one.amplitude, time=one.time, others=one.others)
    order = np.argsort(-np.nan_to_num(energy, nan=-1.0), kind="stable")
    return [_fitted(int(index), row, samples, table, found, float(energy[index])) for index in order]


def _fitted(
    index: int, row: Ints, samples: npt.NDArray[np.uint16], table: ChannelTable, found: Pulses, energy: float
) -> FittedWaveform:
    cell, here = int(row[index]), found.others.waveform == index
    amplitude = np.append(found.amplitude[index], found.others.amplitude[here]).astype(np.float64)
    time = np.append(found.time[index], found.others.time[here]).astype(np.float64)
    known = np.isfinite(amplitude) & np.isfinite(time)
    return FittedWaveform(
        cell=cell,
        samples=samples[index],
        period=table.period,
        pedestal=found.pedestal[index].astype(np.float64),
        shape=table.shapes[int(table.shape[cell])],
        start=table.start[cell] + time[known],
        amplitude=amplitude[known],
        energy=energy,
    )
