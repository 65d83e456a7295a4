"""Tracker hits of a file as flat arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from datasets.layouts import Hits
from datasets.reader import EventReader, raw_field
from recon.geometry import Setup, Spectrometer

__all__ = ["HitArrays", "hits_are_there", "read_hits", "select_hits"]

Array = npt.NDArray[Any]
# PDG codes without charge: neutrinos, photon, mesons and baryons that live long enough to reach a plane
_NEUTRAL = (12, 14, 16, 22, 111, 130, 221, 310, 311, 331, 421, 511, 531, 2112, 3122, 3212, 3322)


class HitArrays(NamedTuple):
    """Tracker hits of all events, flat."""

    plane: npt.NDArray[np.int64]  # (n_hits,) index into the planes of the spectrometer
    x: npt.NDArray[np.float64]  # [mm] (n_hits,)
    y: npt.NDArray[np.float64]  # [mm] (n_hits,)
    offsets: npt.NDArray[np.int64]  # (n_events + 1,)
    # None where the file has no such thing: the fit then takes the resolution of the plane, no time, and hits
    # that do not exclude each other
    x_error: npt.NDArray[np.float64] | None = None  # [mm] (n_hits,)
    y_error: npt.NDArray[np.float64] | None = None  # [mm] (n_hits,)
    time: npt.NDArray[np.float64] | None = None  # [ns] (n_hits,) relative to the trigger particle, or NaN
    x_source: npt.NDArray[np.int64] | None = None  # (n_hits,) equal in a plane: readings of one signal
    y_source: npt.NDArray[np.int64] | None = None  # (n_hits,)
    time_error: npt.NDArray[np.float64] | None = None  # [ns] (n_hits,) NaN where the time is not known


def hits_are_there(reader: EventReader, hits: Hits, setup: Setup) -> bool:
    """Return whether the events have all that hits in the planes of a setup need."""
    if hits.collection:
        return all(reader.has(hits.collection, key) for key in hits.fields)
    return all(reader.has(raw_field(branch)) for branch in hits.branches(setup))


def read_hits(
    reader: EventReader, hits: Hits, spectrometer: Spectrometer, numbers: Mapping[int, str]
) -> HitArrays:
    """
    Read the hits of one spectrometer, neutral particles left out.

    Parameters
    ----------
    reader : EventReader
    hits : Hits
    spectrometer : Spectrometer
        Hits in planes of other names are left out.
    numbers : mapping
        Plane number of a collection -> name, for a layout that names none.

    Raises
    ------
    ReadError
        If a branch cannot be read.
    """
    index = {plane.name: i for i, plane in enumerate(spectrometer.planes)}
    if hits.planes:
        return _join_planes(reader, hits, index, spectrometer)
    plane = np.full(len(reader.flat(hits.collection, hits.x)), -1, dtype=np.int64)
    for number, name in (hits.names or numbers).items():
        plane[reader.flat(hits.collection, hits.plane) == number] = index.get(name, -1)
    kept = plane >= 0
    if hits.pdg:
        kept &= ~np.isin(np.abs(reader.flat(hits.collection, hits.pdg)), _NEUTRAL)
    event = reader.event_of(hits.collection, hits.x)[kept]
    x, y = (
        reader.flat(hits.collection, key)[kept].astype(np.float64) * hits.factor for key in (hits.x, hits.y)
    )
    return HitArrays(plane[kept], x, y, _offsets(event, reader.n_events))


def select_hits(hits: HitArrays, mask: npt.NDArray[np.bool_]) -> HitArrays:
    """Return the hits of the events where ``mask``, shape (n_events,), is True."""
    counts = np.diff(hits.offsets)
    kept = np.repeat(mask, counts)
    offsets = np.concatenate([[0], np.cumsum(counts[mask])]).astype(np.int64)
    optional: list[Any] = [None if values is None else values[kept] for values in hits[4:]]
    return HitArrays(hits.plane[kept], hits.x[kept], hits.y[kept], offsets, *optional)


def _offsets(event: Array, n_events: int) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.bincount(event, minlength=n_events))]).astype(np.int64)


def _join_planes(
    reader: EventReader, hits: Hits, index: Mapping[str, int], spectrometer: Spectrometer
) -> HitArrays:
    """Join the branches of the planes; x and y of a hit stand at the same place of their branches."""
    parts: list[tuple[Array, Array, Array, Array]] = []
    for name, (x_branch, y_branch) in hits.planes.items():
        if name not in index:
            continue
        x, y = reader.field(raw_field(x_branch)), reader.field(raw_field(y_branch))
        counts = np.minimum(ak.to_numpy(ak.num(x)), ak.to_numpy(ak.num(y)))
        event = np.repeat(np.arange(reader.n_events), counts)
        rank = ak.local_index(x) < counts
        x, y = x[rank], y[ak.local_index(y) < counts]
        flat_x, flat_y = (ak.to_numpy(ak.flatten(v)).astype(np.float64) * hits.factor for v in (x, y))
        if name in hits.beam:  # from where the beam is in the file to where it is in the setup
            centre = spectrometer.planes[index[name]].centre
            flat_x, flat_y = flat_x - hits.beam[name][0] + centre[0], flat_y - hits.beam[name][1] + centre[1]
        parts.append((event, np.full(len(event), index[name], dtype=np.int64), flat_x, flat_y))
    if not parts:
        empty = np.zeros(0)
        return HitArrays(empty.astype(np.int64), empty, empty, np.zeros(reader.n_events + 1, dtype=np.int64))
    event, plane, all_x, all_y = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(event, kind="stable")
    return HitArrays(plane[order], all_x[order], all_y[order], _offsets(event, reader.n_events))
