"""From the quantities of a file to derived columns, in two steps.

`measure` makes what decides whether an event may be seen: energies, times, the SRD tag. `complete` makes all
other columns, of the events that are left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from datasets.decode import Quantities
from datasets.hits import HitArrays, select_hits
from datasets.layouts import Layout
from datasets.profiles import load_profile
from processors.later import LazyColumns, put_off
from processors.track_columns import columns_of_spectrometer, track_columns
from recon.cells import in_time_cells, is_alive, measure_energy
from recon.clusters import ClusterConfig, find_clusters
from recon.columns import COLUMNS
from recon.geometry import Detector, Section, Setup
from recon.hcal import off_axis_ratio
from recon.mips import count_mips
from recon.noise import event_keys
from recon.response import measure_deposits, measure_hits
from recon.shower import ShowerConfig, reconstruct_shower
from recon.srd import SrdTagConfig, tag_electrons

__all__ = ["Measured", "ReconstructionConfig", "complete", "measure", "project_sections", "provided_columns"]

Array = npt.NDArray[Any]
Columns = dict[str, Array]
Mask = npt.NDArray[np.bool_]

_CLUSTER_COLUMNS = tuple(f"ecal_cluster_{name}" for name in ("count", "energy", "x", "y", "size", "time"))
# sums over all of these that a setup has; a setup without the first one has no such sum
_SUMS = {
    "calorimeter_energy": ("ecal", "vhcal", "hcal"),
    "electromagnetic_energy": ("wcal", "ecal"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructionConfig:
    """What the reconstruction is told besides the setup."""

    srd: SrdTagConfig | None = None  # None: electrons are not tagged
    seed: int = 1  # of the smearing of simulated events
    deciding: tuple[str, ...] = ()  # spectrometers whose tracks decide whether an event may be seen


class Measured(NamedTuple):
    """Events after the first step: columns, and what the second step needs."""

    n_events: int
    columns: Columns
    cells: Mapping[str, Array]  # detector -> measured in-time cells [GeV] (n_events, n_cells)
    times: Mapping[str, Array]  # detector -> [ns] (n_events, n_cells)
    hits: Mapping[str, HitArrays]

    def select(self, mask: Mask) -> Measured:
        """Return the events where ``mask``, shape (n_events,), is True."""
        return Measured(
            int(np.count_nonzero(mask)),
            {name: values[mask] for name, values in self.columns.items()},
            {name: values[mask] for name, values in self.cells.items()},
            _select_later(self.times, mask),
            {name: select_hits(found, mask) for name, found in self.hits.items()},
        )


def _select_later(arrays: Mapping[str, Array], mask: Mask) -> LazyColumns:
    """Return the events of a mask of large arrays that are seldom looked at."""
    entries: dict[str, Any] = {}
    for name in arrays:
        entries |= put_off((name,), lambda name=name: {name: arrays[name][mask]})  # type: ignore[misc]
    return LazyColumns(entries)


def measure(quantities: Quantities, layout: Layout, setup: Setup, config: ReconstructionConfig) -> Measured:
    """
    Reduce each detector to its energies and tag electrons.

    Parameters
    ----------
    quantities : Quantities
        From `datasets.decode.decode`.
    layout : Layout
        Says whether cells were measured or are deposits of a simulation, and whether zeros mean dead.
    setup : Setup
    config : ReconstructionConfig

    Returns
    -------
    Measured
        Columns of a detector that the layout does not give are absent.
    """
    arrays = quantities.arrays
    if layout.level == "columns":
        derived: Columns = dict(arrays)
        if (
            "srd_module_energy" in derived and config.srd is not None
        ):  # the tag of these thresholds, not of those that wrote the file
            derived["srd_is_tagged"] = tag_electrons(derived["srd_module_energy"], config.srd)
        return Measured(quantities.n_events, derived, {}, {}, {})
    columns: Columns = {name: values for name, values in arrays.items() if name in COLUMNS}
    keys = _keys(arrays, layout, config.seed)
    cells, times = {}, {}
    for name, detector in setup.detectors.items():
        if f"{name}_cell_energy" in arrays:
            energy, time = arrays[f"{name}_cell_energy"], arrays.get(f"{name}_cell_time")
            alive = is_alive(energy, detector, zeros_are_dead=layout.zeros == "dead")
            if layout.deposits == "visible":
                energy, time = _respond(energy, time, detector, keys)
            columns |= _energies(energy, time, detector, alive)
            if f"{name}_pile_up_energy" in arrays:
                columns[f"{name}_pile_up_energy"] = arrays[f"{name}_pile_up_energy"]
            cells[name] = in_time_cells(energy, time, detector)
            if time is not None:
                times[name] = time
        elif f"{name}_section_energy" in arrays:
            columns |= _sums(
                arrays[f"{name}_section_energy"], detector, zeros_are_dead=layout.zeros == "dead"
            )
    if "srd_module_energy" in columns and config.srd is not None:
        columns["srd_is_tagged"] = tag_electrons(columns["srd_module_energy"], config.srd)
    columns |= _sums_of_calorimeters(columns, setup)
    if "track_momentum" in columns:  # fitted by another program
        columns["track_is_valid"] = columns["track_momentum"] > 0
    hits = quantities.hits
    if layout.hits is not None and layout.hits.are_true:
        hits = {name: _blur(found, setup, name, keys) for name, found in hits.items()}
    for name in config.deciding:
        if name in hits and name in setup.spectrometers:
            columns |= columns_of_spectrometer(hits[name], setup, name, {})
    return Measured(quantities.n_events, columns, cells, times, hits)


def _keys(arrays: Mapping[str, Array], layout: Layout, seed: int) -> npt.NDArray[np.uint64]:
    """Return the noise keys of the events; none are needed where everything was measured."""
    identity = [arrays[name] for name in layout.identity if name in arrays]
    return event_keys(identity, seed) if identity else np.zeros(0, dtype=np.uint64)


def _respond(
    visible: Array, time: Array | None, detector: Detector, keys: npt.NDArray[np.uint64]
) -> tuple[Array, Array | None]:
    """Measure deposits; a cell that only has noise is in time."""
    energy = measure_deposits(visible, detector, keys)
    if time is not None:
        time = np.where(np.isnan(time) & (visible == 0), 0.0, time)
    return energy, time


def _energies(energy: Array, time: Array | None, detector: Detector, alive: Mask) -> Columns:
    """Return the columns of a detector that is read cell by cell."""
    measured = measure_energy(energy, time, detector, alive)
    name = detector.name
    columns: Columns = {
        f"{name}_energy": measured.energy,
        f"{name}_{detector.part}_energy": measured.parts,
        f"{name}_is_valid": measured.is_valid,
    }
    if time is not None:
        columns[f"{name}_out_of_time_energy"] = measured.out_of_time
        columns[f"{name}_time"] = measured.time
    return columns | _named_parts(detector, measured.parts)


def _sums_of_calorimeters(columns: Columns, setup: Setup) -> Columns:
    """Return energies of several calorimeters together, if the layout gives each that the setup has."""
    sums: Columns = {}
    for total, members in _SUMS.items():
        names = [f"{name}_energy" for name in members if name in setup.detectors]
        if f"{members[0]}_energy" in names and set(names) <= columns.keys():
            sums[total] = np.sum([columns[name] for name in names], axis=0)
    return sums


def _sums(parts: Array, detector: Detector, *, zeros_are_dead: bool) -> Columns:
    """Return the columns of a detector of which only section sums are given."""
    if zeros_are_dead and detector.pedestal == "section":
        parts = np.where(parts == 0, np.nan, parts)
    elif zeros_are_dead and detector.pedestal == "detector":
        parts = np.where((parts == 0).all(axis=1, keepdims=True), np.nan, parts)
    total = np.zeros(len(parts))
    for index in np.flatnonzero(detector.is_in_beam):
        total += parts[:, index]
    name = detector.name
    columns: Columns = {
        f"{name}_energy": total,
        f"{name}_{detector.part}_energy": parts,
        f"{name}_is_valid": np.isfinite(total),
    }
    return columns | _named_parts(detector, parts)


def _named_parts(detector: Detector, parts: Array) -> Columns:
    """Return the columns of sections that have one of their own."""
    columns: Columns = {f"{detector.name}_{detector.part}_mips": count_mips(parts, detector)}
    names = [section.name for section in detector.sections]
    if detector.name == "ecal" and "preshower" in names:
        columns["ps_energy"] = parts[:, names.index("preshower")]
    if detector.name == "veto":
        columns["veto_max_energy"] = parts.max(axis=1)
    return columns


def _blur(hits: HitArrays, setup: Setup, name: str, keys: npt.NDArray[np.uint64]) -> HitArrays:
    """Blur true crossings with the resolution of their planes."""
    resolution = np.array([plane.resolution for plane in setup.spectrometers[name].planes])[hits.plane]
    x, y = (
        measure_hits(values, hits.offsets, resolution, keys, f"{name} {axis}")
        for axis, values in (("x", hits.x), ("y", hits.y))
    )
    return hits._replace(x=x, y=y)


def complete(measured: Measured, setup: Setup) -> LazyColumns:
    """
    Add shower shapes, clusters and tracks.

    Parameters
    ----------
    measured : Measured
        Of the events that may be seen.
    setup : Setup

    Returns
    -------
    LazyColumns of arrays, each of length n_events
        All columns; jagged ones are awkward arrays. Clusters are made when they are asked for.
    """
    columns: dict[str, Any] = dict(measured.columns)
    if "ecal" in measured.cells and setup.shower_profile:
        columns |= _ecal_columns(measured, setup)
    if "hcal" in measured.cells:
        columns["hcal_r"] = off_axis_ratio(measured.cells["hcal"], setup.detectors["hcal"])
    columns |= track_columns(measured.hits, setup, columns)
    return LazyColumns(columns)


def _ecal_columns(measured: Measured, setup: Setup) -> dict[str, Any]:
    """Return shower position, shape and clusters from all ECAL sections together."""
    detector = setup.detectors["ecal"]
    section, cells = project_sections(measured.cells["ecal"], detector)
    profile = load_profile(setup.shower_profile)
    shower = reconstruct_shower(
        cells,
        section,
        profile,
        ShowerConfig(noise=detector.response.noise, calibration=detector.response.constant),
    )
    columns: dict[str, Any] = {
        "ecal_x": shower.x,
        "ecal_y": shower.y,
        "ecal_shower_chi2": shower.chi2,
        "ecal_shower_is_valid": shower.is_valid,
        "ecal_max_x": shower.max_x,
        "ecal_max_y": shower.max_y,
    }
    if detector.beam_cell is not None:
        away = [
            np.abs(at - beam)
            for at, beam in zip((shower.max_x, shower.max_y), detector.beam_cell, strict=True)
        ]
        distance = np.maximum(*away).astype(np.float64)
        columns["ecal_cell_distance"] = np.where(shower.max_x < 0, np.nan, distance)
    return columns | put_off(_CLUSTER_COLUMNS, lambda: _cluster_columns(measured, setup, section, cells))


def _cluster_columns(measured: Measured, setup: Setup, section: Section, cells: Array) -> Columns:
    """Return the clusters of the ECAL, cells summed along the shower."""
    detector, profile = setup.detectors["ecal"], load_profile(setup.shower_profile)
    times, config = _mean_times(measured, detector), ClusterConfig(seed_energy=detector.seed_energy)
    found = find_clusters(cells, section, profile, config, times)
    counts = np.diff(found.offsets)
    lists = {
        f"ecal_cluster_{name}": ak.unflatten(getattr(found, name), counts)
        for name in ("energy", "x", "y", "size", "time")
    }
    return {"ecal_cluster_count": counts, **lists}


def project_sections(cells: Array, detector: Detector) -> tuple[Section, Array]:
    """Sum the sections that share the cells of the last one, along the shower."""
    views = list(detector.views(cells))
    last = views[-1][0]
    total = np.zeros((len(cells), *last.grid.shape))
    for section, view in views:
        if section.grid == last.grid and section.centre == last.centre:
            total += view
    return last, total


def _mean_times(measured: Measured, detector: Detector) -> Array | None:
    """Return the energy-weighted time of each cell over the sections, (n_events, n_x, n_y) [ns]."""
    if detector.name not in measured.times:
        return None
    energy = np.maximum(measured.cells[detector.name], 0.0)
    _, total = project_sections(energy, detector)
    moment = np.where(energy > 0, energy * measured.times[detector.name], 0.0)
    _, weighted = project_sections(moment, detector)
    mean = np.full(total.shape, np.nan)
    np.divide(weighted, total, out=mean, where=total > 0)
    return mean


def provided_columns(quantities: frozenset[str] | set[str], layout: Layout, setup: Setup) -> set[str]:
    """
    Return the columns that the reconstruction makes of a file.

    Parameters
    ----------
    quantities : set of str
        What the file has, from `datasets.decode.available`.
    layout : Layout
    setup : Setup

    Returns
    -------
    set of str
        Found by reconstructing no events, so that it cannot differ from what is made of real ones.
    """
    if layout.level == "columns":
        return set(quantities) & set(COLUMNS)
    if layout.level == "raw":
        quantities = _made_of_digits(set(quantities), setup)
    made = {name: _empty_quantity(name, setup) for name in quantities if name != "hits"}
    arrays = {name: values for name, values in made.items() if values is not None}
    none = np.zeros(0)
    hits = {
        name: HitArrays(none.astype(np.int64), none, none, np.zeros(1, np.int64))
        for name in setup.spectrometers
    }
    fake = Quantities(0, arrays, hits if "hits" in quantities else {})
    tag = SrdTagConfig(module_low=0.0, module_high=1.0, sum_low=0.0, sum_high=1.0)
    empty = measure(fake, layout, setup, ReconstructionConfig(srd=tag))
    return set(complete(empty, setup))


def _made_of_digits(quantities: set[str], setup: Setup) -> set[str]:
    """Return the quantities that `processors.digits` makes of a raw file that has these."""
    if "waveforms" in quantities:
        quantities |= {f"{name}_cell_{what}" for name in setup.detectors for what in ("energy", "time")}
    if quantities & {"strips", "straws"}:
        quantities.add("hits")
    return quantities - {"waveforms", "strips", "straws"}


def _empty_quantity(name: str, setup: Setup) -> Array | None:
    """Return no events of a quantity, or None for a detector that the setup does not have."""
    for suffix in ("_cell_energy", "_cell_time", "_section_energy"):
        if name.endswith(suffix):
            detector = setup.detectors.get(name.removesuffix(suffix))
            if detector is None:
                return None
            width = len(detector.sections) if suffix == "_section_energy" else detector.n_cells
            return np.zeros((0, width))
    return np.zeros(0, dtype=bool if name.startswith("trigger_") else np.float64)
