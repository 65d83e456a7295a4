"""Straws: the drift time of a track in each of the two layers of a coordinate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from datasets.digits import StrawDigits
from datasets.simulation.event import EventHits
from datasets.simulation.strips import planes_of
from recon.geometry import Setup, StrawReadout

__all__ = ["read_straws"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def read_straws(hits: EventHits, setup: Setup, rng: np.random.Generator) -> StrawDigits:
    """
    Draw the drift times of hits in the planes that have straws.

    A straw is silent if no ionisation happens on the track's way through it. Of several hits it gives the
    first.

    Parameters
    ----------
    hits : EventHits
        True positions. Hits in planes without straws are left out.
    setup : Setup
    rng : numpy.random.Generator

    Returns
    -------
    StrawDigits
        Per event in the order of detector and straw.
    """
    n_events = len(hits.offsets) - 1
    event = np.repeat(np.arange(n_events), np.diff(hits.offsets))
    chance, blur = rng.spawn(2)
    luck, shift = chance.random((len(event), 2, 2)), blur.standard_normal((len(event), 2, 2))
    parts = [np.zeros((4, 0), dtype=np.int64)]
    for index, plane in enumerate(planes_of(setup)):
        if not isinstance(plane.readout, StrawReadout):
            continue
        here = hits.plane == index
        for axis, position in enumerate((hits.x[here] - plane.centre[0], hits.y[here] - plane.centre[1])):
            for layer in (0, 1):
                chances = luck[here, axis, layer], shift[here, axis, layer]
                row, straw, count = _cross(position, hits.time[here], layer, plane.readout, *chances)
                detector = np.full(len(row), 2 * index + axis)
                parts.append(np.stack([event[here][row], detector, straw, count]))
    return _first(np.concatenate(parts, axis=1), n_events)


def _cross(
    position: Floats, time: Floats, layer: int, straws: StrawReadout, luck: Floats, shift: Floats
) -> tuple[Ints, Ints, Ints]:
    """Return which hits a layer sees, in which straws, and the counts of their times."""
    radius = 0.5 * straws.diameter
    straw = 2 * np.floor(0.5 * (position / radius + straws.n_straws + 0.5 - layer)).astype(np.int64) + layer
    inside = (straw >= 0) & (straw < 2 * straws.n_straws)
    distance = np.abs(position - straws.wires[np.where(inside, straw, 0)])
    chord = 2 * np.sqrt(np.maximum(radius**2 - distance**2, 0.0))
    is_seen = inside & (luck >= np.exp(-chord * straws.ionisations))
    measured = np.abs(distance + straws.resolution * shift)
    drift = straws.drift_time(np.minimum(measured, radius))
    count = np.rint((straws.time_zero + time + drift) / straws.tdc_period).astype(np.int64)
    return np.flatnonzero(is_seen), straw[is_seen], count[is_seen]


def _first(rows: Ints, n_events: int) -> StrawDigits:
    """Return the earliest of each straw, from rows of event, detector, straw and count."""
    event, detector, straw, count = rows[:, np.lexsort(rows[::-1])]
    is_first = np.ones(len(event), dtype=bool)
    is_first[1:] = (np.diff(event) != 0) | (np.diff(detector) != 0) | (np.diff(straw) != 0)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(event[is_first], minlength=n_events))])
    columns = (values[is_first].astype(np.int32) for values in (detector, straw, count))
    return StrawDigits(offsets.astype(np.int64), *columns)
