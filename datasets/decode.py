"""From NanoEvents to plain arrays: the quantities of an event in our units and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from datasets.config import ConfigError
from datasets.digits import Digits, read_digits, select_digits
from datasets.hits import HitArrays, hits_are_there, read_hits, select_hits
from datasets.layouts import Branch, Combined, Constant, Layout, Source, Sparse, Stack, detector_of
from datasets.reader import EventReader, ReadError, plain, raw_field
from recon.columns import COLUMNS
from recon.geometry import Detector, Setup

__all__ = ["HitArrays", "Quantities", "ReadError", "available", "decode", "select_events"]

Array = npt.NDArray[Any]
_LIGHT = 299.792458  # [mm/ns]


class Quantities(NamedTuple):
    """Everything that a layout gives of a stretch of events."""

    n_events: int
    arrays: Mapping[str, Array]  # (n_events, ...)
    hits: Mapping[str, HitArrays]  # spectrometer -> hits
    digits: Digits = Digits()  # of level raw
    damage: Mapping[str, Array] = MappingProxyType({})  # quality counter -> (n_events,) digits of each event


def available(layout: Layout, branches: set[str], setup: Setup | None = None) -> set[str]:
    """
    Return the quantities, truth columns, "hits" and kinds of digits for which a file has all branches.

    Parameters
    ----------
    layout : Layout
    branches : set of str
        Names of the branches (or fields) of the file.
    setup : Setup, optional
        Hits need no branches of planes that it does not have.
    """
    if layout.level == "columns":
        return branches & set(COLUMNS)
    names = (
        {name for name, _ in layout.sources()}
        | ({"hits"} if layout.hits else set())
        | set(layout.digit_kinds())
    )
    return {name for name in names if set(layout.branches_of(name, setup)) <= branches}


def decode(events: ak.Array, layout: Layout, setup: Setup) -> Quantities:
    """
    Read all quantities of a layout that the file has.

    Parameters
    ----------
    events : NanoEvents
        Read with `datasets.schema.schema_for(layout)`.
    layout : Layout
    setup : Setup
        Gives the number of cells of each detector and the names of the planes.

    Returns
    -------
    Quantities
        Energies [GeV] of shape (n_events, n_cells), times [ns] relative to the expected time of the trigger
        particle, positions [mm]. A quantity whose branches are absent is absent.

    Raises
    ------
    ReadError
        If a branch cannot be read.
    ConfigError
        If the shape of a branch does not fit the detector of the setup.
    """
    reader = EventReader(events)
    if layout.level == "columns":
        columns = {name: _column(reader, name) for name in events.fields if name in COLUMNS}
        return Quantities(reader.n_events, columns, {})
    arrays: dict[str, Array] = {}
    for name, source in layout.sources():
        owner = detector_of(name)
        if owner is not None and owner not in setup.detectors:
            continue
        detector = None if owner is None else setup.detectors[owner]
        if _present(reader, name, source, layout):
            arrays[name] = _read(reader, name, source, detector, setup.name)
    _shift_times(arrays, layout, setup)
    hits = {}
    if layout.hits is not None and hits_are_there(reader, layout.hits, setup):
        planes = [plane.name for s in setup.spectrometers.values() for plane in s.planes]
        numbers = dict(enumerate(planes, start=1))
        hits = {s.name: read_hits(reader, layout.hits, s, numbers) for s in setup.spectrometers.values()}
    digits = Digits() if layout.digits is None else read_digits(reader, layout.digits)
    return Quantities(reader.n_events, arrays, hits, digits)


def _column(reader: EventReader, name: str) -> Any:
    """Return a derived column; a list stays one, also where all events have equally many."""
    values = reader.field(name)
    return ak.from_regular(values) if COLUMNS[name].kind == "list" else plain(values)


def select_events(quantities: Quantities, mask: npt.NDArray[np.bool_]) -> Quantities:
    """Return the quantities of the events where ``mask``, shape (n_events,), is True."""
    arrays = {name: values[mask] for name, values in quantities.arrays.items()}
    hits = {name: select_hits(found, mask) for name, found in quantities.hits.items()}
    damage = {name: values[mask] for name, values in quantities.damage.items()}
    return Quantities(
        int(np.count_nonzero(mask)), arrays, hits, select_digits(quantities.digits, mask), damage
    )


def _present(reader: EventReader, name: str, source: object, layout: Layout) -> bool:
    """Return whether the events have what a quantity needs."""
    if isinstance(source, Branch):
        return reader.has(name)
    if isinstance(source, Sparse):
        fields, needed = layout.collections[source.collection], set(layout.branches_of(name))
        return all(reader.has(source.collection, key) for key, branch in fields.items() if branch in needed)
    if isinstance(source, Stack | Combined):
        return all(reader.has(raw_field(branch)) for branch in source.branches())
    return True


def _read(reader: EventReader, name: str, source: Source, detector: Detector | None, setup: str) -> Array:
    """Read one quantity in our units, flags as bool, cells as (n_events, n_cells)."""
    if isinstance(source, Constant):
        return np.full(reader.n_events, source.constant)
    if isinstance(source, Combined):
        flags = np.stack([_numbers(reader, raw_field(branch)).astype(bool) for branch in source.branches()])
        return np.asarray(flags.all(axis=0) if source.every else flags.any(axis=0))
    if isinstance(source, Sparse):
        if detector is None:
            msg = f"'{name}' lists cells, which only a detector of the setup has"
            raise ConfigError(msg)
        return _fill_cells(reader, source, detector)
    if detector is not None and reader.n_events == 0:
        return np.zeros((0, _width(name, detector)))
    if isinstance(source, Stack):
        values = np.stack([_numbers(reader, raw_field(branch)) for branch in source.branches()], axis=1)
    elif detector is None:
        return _number(_numbers(reader, name), source)
    else:
        values = _reorder(_cells(reader, name, source, detector), source)
    if detector is not None and values.shape[1] != _width(name, detector):
        msg = (
            f"'{name}' has {values.shape[1]} values per event, detector '{detector.name}' of setup '{setup}' "
            f"has {_width(name, detector)} ({_grids(detector)}): layout and setup do not belong together; "
            f"choose another with --setup or --layout"
        )
        raise ConfigError(msg)
    return _number(values, source)


def _numbers(reader: EventReader, name: str) -> Array:
    """Read a field that holds one number per event, (n_events,)."""
    values = plain(reader.field(name))
    if not isinstance(values, np.ndarray) or values.ndim != 1:
        msg = f"'{name}' should hold one number per event, it has the type {reader.field(name).type}"
        raise ReadError(msg)
    return values


def _cells(reader: EventReader, name: str, source: Branch, detector: Detector) -> Array:
    """Read a branch of cells as (n_events, n_values); every event must have the same number of values."""
    values = plain(reader.field(name))
    if not isinstance(values, np.ndarray):
        msg = f"'{source.branch}' should hold the same number of cells in each event, and does not"
        raise ReadError(msg)
    shape = source.shape or (values.shape[1:] if values.ndim == 4 else ())
    expected = {(len(detector.sections), *section.grid.shape) for section in detector.sections}
    if shape and not source.take and expected != {shape}:
        msg = (
            f"'{source.branch}' has cells of shape {list(shape)} [sections, x, y], detector "
            f"'{detector.name}' of the setup {_grids(detector)}; choose another --setup or --layout"
        )
        raise ConfigError(msg)
    return values.reshape(reader.n_events, -1)


def _grids(detector: Detector) -> str:
    shapes = dict.fromkeys(section.grid.shape for section in detector.sections)
    return f"{len(detector.sections)} sections of {' or '.join(f'{x} x {y}' for x, y in shapes)} cells"


def _width(name: str, detector: Detector) -> int:
    """Return how many values per event a quantity of a detector has."""
    return len(detector.sections) if name.endswith("_section_energy") else detector.n_cells


def _number(values: Array, source: Branch | Stack) -> Array:
    """Apply unit and scale, and turn values that mark missing data into NaN."""
    if values.dtype == np.bool_ or (
        values.dtype.kind in "iu" and source.factor == 1.0 and not source.missing
    ):
        return values if values.dtype == np.bool_ else values.astype(np.int64)
    number = values.astype(np.float64)
    for marker in source.missing:
        number[values == _as_written(marker, values.dtype)] = np.nan
    return number * source.factor if source.factor != 1.0 else number


def _as_written(marker: float, dtype: np.dtype[Any]) -> Any:
    """Return a marker as a branch of that type holds it: 999.9 is another number in 32 bits."""
    return dtype.type(marker) if dtype.kind == "f" else marker


def _reorder(values: Array, source: Branch) -> Array:
    """Bring the flat cells of a branch into our order: section, x slow, y fast."""
    if source.shape and values.shape[1] != int(np.prod(source.shape)):
        msg = f"branch '{source.branch}' has {values.shape[1]} values, its layout says {source.shape}"
        raise ReadError(msg)
    if source.fastest == "x" and source.shape:
        n_sections, n_x, n_y = source.shape
        values = values.reshape(len(values), n_sections, n_y, n_x).swapaxes(2, 3).reshape(len(values), -1)
    if source.take and max(source.take) >= values.shape[1]:
        last = max(source.take)
        msg = f"branch '{source.branch}' has {values.shape[1]} values, its layout takes number {last}"
        raise ReadError(msg)
    return values[:, list(source.take)] if source.take else values


def _fill_cells(reader: EventReader, source: Sparse, detector: Detector) -> Array:
    """Put listed cells into a dense array; absent cells have energy 0 and time NaN."""
    kept = np.ones(len(reader.flat(source.collection, source.value)), dtype=bool)
    for key, wanted in source.where.items():
        kept &= reader.flat(source.collection, key) == wanted
    section, x, y = (reader.flat(source.collection, key)[kept].astype(np.int64) for key in source.index)
    cell, is_known = _cell_index(section, x, y, detector)
    event = reader.event_of(source.collection, source.value)[kept]
    if not is_known.all():
        msg = (
            f"collection '{source.collection}' lists cells that detector '{detector.name}' of the setup does "
            f"not have: layout and setup do not belong together, or the file is damaged"
        )
        raise ReadError(msg)
    shape, where = (reader.n_events, detector.n_cells), event * detector.n_cells + cell
    n_values = reader.n_events * detector.n_cells
    value = reader.flat(source.collection, source.value)[kept].astype(np.float64) * source.factor
    if not source.weight:
        total: Array = np.bincount(where, weights=value, minlength=n_values)
        return total.reshape(shape)
    weight = reader.flat(source.collection, source.weight)[kept].astype(np.float64)
    norm = np.bincount(where, weights=weight, minlength=n_values)
    moment = np.bincount(where, weights=value * weight, minlength=n_values)
    mean: Array = np.full(n_values, np.nan)
    np.divide(moment, norm, out=mean, where=norm != 0)
    return mean.reshape(shape)


def _cell_index(section: Array, x: Array, y: Array, detector: Detector) -> tuple[Array, Array]:
    """Return the flat cell index of (section, x, y) and whether the detector has that cell."""
    shapes = np.array([s.grid.shape for s in detector.sections])
    inside = (section >= 0) & (section < len(shapes))
    n_x, n_y = shapes[np.where(inside, section, 0)].T
    known = inside & (x >= 0) & (x < n_x) & (y >= 0) & (y < n_y)
    return detector.offsets[np.where(inside, section, 0)] + x * n_y + y, known


def _shift_times(arrays: dict[str, Array], layout: Layout, setup: Setup) -> None:
    """Make all times relative to the expected time of the trigger particle."""
    master = arrays.get("master_time")
    for name, detector in setup.detectors.items():
        times = arrays.get(f"{name}_cell_time")
        if times is None:
            continue
        expected = np.concatenate(
            [np.full(s.grid.n_cells, _expected_time(s, layout)) for s in detector.sections]
        )
        shifted = times.astype(np.float64, copy=False)  # in place: `_read` gives arrays of its own
        if expected.any():
            shifted -= expected
        if master is not None:
            shifted -= master[:, None]
        arrays[f"{name}_cell_time"] = shifted


def _expected_time(section: Any, layout: Layout) -> float:
    flight = (section.z + 0.5 * section.length) / _LIGHT if layout.time_of_flight else 0.0
    return flight + float(section.time_offset)
