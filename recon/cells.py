"""Cells to section and detector energies: in time, out of time, and whether the detector lives."""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from recon.geometry import Detector

__all__ = ["DetectorEnergy", "geometric_mean", "in_time_cells", "is_alive", "measure_energy", "sum_parts"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class DetectorEnergy(NamedTuple):
    """What a detector of cells measured in each event."""

    parts: Floats  # [GeV] (n_events, n_sections), in time; NaN where the section is not known
    energy: Floats  # [GeV] (n_events,), in time, sections in the beam
    out_of_time: Floats  # [GeV] (n_events,), sections in the beam
    time: Floats  # [ns] (n_events,), energy-weighted, in time; NaN without energy or times
    is_valid: Mask  # (n_events,), every section in the beam is known


class PartSums(NamedTuple):
    """Sums over the cells of each section, each of shape (n_events, n_sections)."""

    inside: Floats  # [GeV] in time; of a panel the mean of its photomultipliers
    outside: Floats  # [GeV] out of time
    weight: Floats  # [GeV] in time, positive cells only
    moment: Floats  # [GeV ns] of those, energy times time


def is_alive(cells: Floats, detector: Detector, *, zeros_are_dead: bool) -> Mask:
    """
    Tell in which sections the detector can be believed.

    Parameters
    ----------
    cells : float64, shape (n_events, n_cells) [GeV]
        As read, before any smearing.
    detector : Detector
        ``pedestal`` says where exact zeros everywhere mean dead electronics, ``is_target`` that an empty
        detector is dead in any case.
    zeros_are_dead : bool
        Whether these cells were measured (True) or are the exact deposits of a simulation (False).

    Returns
    -------
    bool, shape (n_events, n_sections)
        NaN cells are not judged here; they make the sums NaN.
    """
    lit = _is_lit(np.asarray(cells), detector.offsets)
    anywhere = lit.any(axis=1, keepdims=True)
    alive = np.ones_like(lit)
    if detector.is_target:
        alive &= anywhere
    if zeros_are_dead and detector.pedestal == "section":
        alive &= lit
    elif zeros_are_dead and detector.pedestal == "detector":
        alive &= anywhere
    return alive


@nb.njit(cache=True)
def _is_lit(cells: Floats, offsets: npt.NDArray[np.int64]) -> Mask:
    """Return whether any cell of a section is not 0, (n_events, n_sections)."""
    lit = np.zeros((len(cells), len(offsets) - 1), np.bool_)
    for event in range(len(cells)):
        for section in range(len(offsets) - 1):
            for cell in range(offsets[section], offsets[section + 1]):
                lit[event, section] |= cells[event, cell] != 0.0
    return lit


@nb.njit(cache=True)
def _sum_cells(
    cells: Floats, time: Floats, offsets: npt.NDArray[np.int64], early: float, late: float
) -> tuple[Floats, Floats, Floats, Floats]:
    n_events, n_sections = len(cells), len(offsets) - 1
    inside = np.zeros((n_events, n_sections))
    outside = np.zeros((n_events, n_sections))
    weight = np.zeros((n_events, n_sections))
    moment = np.zeros((n_events, n_sections))
    for event in range(n_events):
        for section in range(n_sections):
            for cell in range(offsets[section], offsets[section + 1]):
                energy = cells[event, cell]
                if energy == 0.0:
                    continue
                t = time[event, cell]
                if energy != energy:
                    inside[event, section] = np.nan
                elif early <= t <= late:
                    inside[event, section] += energy
                    if energy > 0.0:  # noise below the pedestal has no time
                        weight[event, section] += energy
                        moment[event, section] += energy * t
                elif t == t:
                    outside[event, section] += energy
                else:
                    inside[event, section] = np.nan
    return inside, outside, weight, moment


def geometric_mean(amplitudes: Floats) -> Floats:
    """
    Combine the two photomultipliers of a panel.

    The mean is geometric, so that light attenuation along the panel drops out; the larger one is taken
    where the smaller is below 0.3 of it (collaboration's convention).

    Parameters
    ----------
    amplitudes : float64, shape (..., 2) [GeV]

    Returns
    -------
    float64, shape (...) [GeV]
        NaN where one of the two is NaN.
    """
    pairs = np.require(amplitudes, np.float64, ["C"]).reshape(-1, 2)
    return np.asarray(_means_of_pairs(pairs).reshape(amplitudes.shape[:-1]))


@nb.njit(cache=True)
def _means_of_pairs(pairs: Floats) -> Floats:
    means = np.empty(len(pairs))
    for index in range(len(pairs)):
        one, other = pairs[index]
        means[index] = np.nan if one != one or other != other else _mean_of_pair(one, other)
    return means


def in_time_cells(cells: Floats, time: Floats | None, detector: Detector) -> Floats:
    """
    Return the cells with those outside of the detector's time window emptied.

    Parameters
    ----------
    cells : float64, shape (n_events, n_cells) [GeV]
    time : float64, same shape [ns], or None
    detector : Detector

    Returns
    -------
    float64, shape (n_events, n_cells) [GeV]
        NaN where a cell has energy and no time.
    """
    if time is None:
        return cells
    if time.shape != cells.shape:
        msg = f"cells of '{detector.name}' have the shape {cells.shape}, their times {time.shape}"
        raise ValueError(msg)
    return np.asarray(_empty_late(cells, time, *detector.time_window))


@nb.njit(cache=True)
def _empty_late(cells: Floats, time: Floats, early: float, late: float) -> Floats:
    kept = np.empty(cells.shape)
    for event in range(cells.shape[0]):
        for cell in range(cells.shape[1]):
            energy, t = cells[event, cell], time[event, cell]
            if t != t and energy != 0.0:
                kept[event, cell] = np.nan
            else:
                kept[event, cell] = energy if early <= t <= late or energy != energy else 0.0
    return kept


def sum_parts(cells: Floats, time: Floats | None, detector: Detector) -> PartSums:
    """
    Sum cells per section, inside and outside of the detector's time window.

    Parameters
    ----------
    cells : float64, shape (n_events, n_cells) [GeV]
    time : float64, same shape [ns], or None
        Relative to the expected time of the trigger particle. None: all cells count as in time.
    detector : Detector

    Raises
    ------
    ValueError
        If the arrays do not have the cells of the detector.

    Returns
    -------
    PartSums
        A cell with energy and without a time makes its section NaN.
    """
    times = np.zeros_like(cells) if time is None else time
    if cells.shape != (len(cells), detector.n_cells) or times.shape != cells.shape:
        msg = (
            f"detector '{detector.name}' has {detector.n_cells} cells; energies have the shape "
            f"{cells.shape}, times {times.shape}"
        )
        raise ValueError(msg)
    sums = PartSums(*_sum_cells(cells, times, detector.offsets, *detector.time_window))
    for index, section in enumerate(detector.sections):
        if section.combine == "geometric_mean":
            start = int(detector.offsets[index])
            sums.inside[:, index] = _panel(cells, times, start, *detector.time_window)
    return sums


@nb.njit(cache=True)
def _panel(cells: Floats, times: Floats, start: int, early: float, late: float) -> Floats:
    """Return the in-time energy of the panel read by cells ``start`` and the next, (n_events,) [GeV]."""
    energy = np.empty(len(cells))
    pair = np.empty(2)
    for event in range(len(cells)):
        is_known = True
        for side in range(2):
            amplitude, when = cells[event, start + side], times[event, start + side]
            is_known &= np.isfinite(amplitude) and (np.isfinite(when) or amplitude == 0.0)
            pair[side] = amplitude if early <= when <= late else 0.0
        energy[event] = _mean_of_pair(pair[0], pair[1]) if is_known else np.nan
    return energy


@nb.njit(cache=True)
def _mean_of_pair(one: float, other: float) -> float:
    low, high = min(one, other), max(one, other)
    return float(np.sqrt(low * high)) if low > 0.0 and low >= 0.3 * high else high


def measure_energy(cells: Floats, time: Floats | None, detector: Detector, alive: Mask) -> DetectorEnergy:
    """
    Reduce the cells of a detector to its energies.

    Parameters
    ----------
    cells : float64, shape (n_events, n_cells) [GeV]
    time : float64, same shape [ns], or None
    detector : Detector
    alive : bool, shape (n_events, n_sections)
        From `is_alive`.

    Returns
    -------
    DetectorEnergy
        A section that is dead or holds a NaN is NaN, and so is a sum that contains it.
    """
    sums = sum_parts(cells, time, detector)
    parts = np.where(alive, sums.inside, np.nan)
    used = detector.is_in_beam
    energy, weight = _fold(parts, used), _fold(sums.weight, used)
    mean_time = np.full(len(energy), np.nan)
    if time is not None:
        known = np.isfinite(energy) & (weight > 0) & np.isfinite(weight)
        np.divide(_fold(sums.moment, used), weight, out=mean_time, where=known)
    return DetectorEnergy(parts, energy, _fold(sums.outside, used), mean_time, np.isfinite(energy))


def _fold(parts: Floats, used: Mask) -> Floats:
    """Add up the used sections in their order, (n_events,): the same sum for any number of events."""
    total = np.zeros(len(parts))
    for index in np.flatnonzero(used):
        total += parts[:, index]
    return total
