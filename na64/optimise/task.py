"""From run directories to what thresholds are judged by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from datasets.setups import load_setup
from na64.background.estimate import measure_benchmark
from na64.errors import UserError
from na64.run.alike import check_runs, require_alike
from na64.run.event_file import EventList, read_events
from na64.run.simulated import Simulation, simulations_of
from na64.run.stored import StoredRun, exposure_of
from selections.background.config import BackgroundConfig, load_background
from selections.background.config import Simulated as SimulatedSource
from selections.blinding import BlindingError
from selections.cut import Cut
from selections.optimisation.config import BOX, OptimisationConfig
from selections.optimisation.problem import Band, FigureName, Problem, Signal, Simulated
from selections.optimisation.samples import Point, Sample
from selections.regions import Margin, Region
from selections.selection import Selection, load_selection

__all__ = ["Reference", "Task", "check_scans", "make_task"]


class Reference(NamedTuple):
    """A simulated signal whose strength is known, so that limits on it can be told."""

    name: str  # of the dataset
    parameters: Mapping[str, float]
    expected: float | None  # events in the data's exposure before the cuts; None: not known


class Task(NamedTuple):
    """A problem with all that its tables tell."""

    problem: Problem
    start: Point
    selection: Selection
    signals: tuple[Reference, ...]
    data: StoredRun | None
    setup: str
    eot: float | None
    runs: Mapping[str, Sequence[str]]  # "signal", "data", "simulation" -> paths
    notes: tuple[str, ...]


def make_task(
    signals: Sequence[StoredRun],
    data: StoredRun | None,
    simulations: Sequence[StoredRun],
    eot: float | None = None,
    figure: FigureName = "limit",
    level: float = 0.90,
) -> Task:
    """
    Put run directories together.

    Parameters
    ----------
    signals : sequence of StoredRun
        Simulated signal, at least one run.
    data : StoredRun, optional
        Closed data, whose side bands are used.
    simulations : sequence of StoredRun
        Background, a process each.
    eot : float, optional
        Particles on target of the data, where its run does not say.
    figure, level
        See `Problem`.

    Raises
    ------
    UserError
        If runs do not belong together, or lack their events.
    BlindingError
        If the data were opened.
    """
    _require_closed(data)
    if data is None and not simulations:
        msg = "without a background nothing limits a threshold; give --data, --simulation, or both"
        raise UserError(msg)
    first = data or signals[0]
    _check(first, data, [*signals, *simulations])
    setup = load_setup(first.record["setup"])
    selection = load_selection(
        first.record["analysis"],
        setup.name,
        tuple(setup.detectors),
        changes=first.record["changed_cuts"],
        without=first.record["without_cuts"],
    )
    cuts = tuple(cut for cut in selection.cuts if cut.name not in selection.base.cuts)
    config = load_background(first.record["analysis"])
    found = simulations_of(simulations, first)
    exposure = _exposure(data, eot, needed=bool(found))
    sources, notes = _sources(config, found, data, selection, exposure, cuts)
    box = {column: limit[1] for column, limit in selection.signal_box.limits.items() if limit[1] is not None}
    problem = Problem(
        cuts=cuts,
        box_columns=tuple(box),
        signals=tuple(
            Signal(_sample(run, name, cuts), _total(run, name)) for run in signals for name in run.datasets
        ),
        simulated=sources,
        data=None if data is None else _data_sample(data, cuts),
        bands=() if data is None else _bands(config, data),
        figure=figure,
        level=level,
    )
    return Task(
        problem,
        problem.start(box),
        selection,
        tuple(_reference(run, name, exposure) for run in signals for name in run.datasets),
        data,
        setup.name,
        exposure,
        {
            "signal": [str(run.path) for run in signals],
            "data": [str(data.path)] if data else [],
            "simulation": [str(run.path) for run in simulations],
        },
        tuple(notes),
    )


def _require_closed(data: StoredRun | None) -> None:
    if data is not None and data.state == "open":
        mark = data.record["blinding"].get("mark", "")
        msg = (
            f"{data.path} holds opened data ({mark}): thresholds that are chosen with them follow what is in "
            f"the box. Optimise before the box is opened, on a closed run"
        )
        raise BlindingError(msg)


def _check(first: StoredRun, data: StoredRun | None, others: Sequence[StoredRun]) -> None:
    """Refuse runs that do not belong together."""
    if data is not None:
        check_runs(data, others)
        return
    for other in others:
        if other.kinds != {"simulation"}:
            msg = f"{other.path} must hold simulation alone, and holds {', '.join(sorted(other.kinds))}"
            raise UserError(msg)
        require_alike(first, other)


def _exposure(data: StoredRun | None, eot: float | None, *, needed: bool) -> float | None:
    if data is not None:
        return exposure_of(data, eot, needed=needed)
    if eot is None and needed:
        msg = "without data nobody knows to which exposure simulation is scaled; give --eot NUMBER"
        raise UserError(msg)
    return eot


def _events(run: StoredRun) -> EventList:
    events = read_events(run.path / "events.parquet")
    if events is None or not events.values:
        msg = f"{run.path} does not hold what its cuts read; run `na64 run` again with --save-events"
        raise UserError(msg)
    return events


def _sample(run: StoredRun, dataset: str, cuts: Sequence[Cut]) -> Sample:
    """Return the events of one dataset."""
    events = _events(run)
    chosen = events.datasets == dataset
    columns = {name: values[chosen] for name, values in {**events.columns, **events.values}.items()}
    lacking = sorted({name for cut in cuts for name in cut.needs if name not in columns})
    if lacking:
        msg = f"{run.path} was made without the columns {', '.join(lacking)}; all runs need the same cuts"
        raise UserError(msg)
    weights = columns.get("weight", np.ones(np.count_nonzero(chosen)))
    return Sample(dataset, columns, np.asarray(weights, dtype=np.float64))


def _data_sample(run: StoredRun, cuts: Sequence[Cut]) -> Sample:
    """Return the shown events of all datasets, after a look that none of them is closed."""
    parts = [_sample(run, dataset, cuts) for dataset in run.datasets]
    for dataset, part in zip(run.datasets, parts, strict=True):
        for name, limits in run.record["blinding"]["region"].get(dataset, {}).items():
            region = Region(name=name, limits={c: (low, high) for c, (low, high) in limits.items()})
            if region.contains(part.columns).any():
                msg = f"{run.path} says that its data are closed, and its events are not; run it again"
                raise BlindingError(msg)
    names = set.intersection(*(set(part.columns) for part in parts))
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in names}
    return Sample("data", columns, np.ones(sum(len(part.weights) for part in parts)))


def _total(run: StoredRun, dataset: str) -> float:
    """Return the weights of all events of a simulated signal."""
    every = run.datasets[dataset]["cuts"][0]
    total = float(every.get("in_order_weighted", every["in_order"]))
    if not total > 0:
        msg = f"dataset '{dataset}' of {run.path} has no events"
        raise UserError(msg)
    return total


def _reference(run: StoredRun, dataset: str, exposure: float | None) -> Reference:
    """Return how strong a simulated signal is, if its files say so."""
    parents = [source.get("parent") or {} for source in run.inputs_of(dataset)]
    processes = [row for parent in parents for row in parent.get("processes", [])]
    parameters = processes[0].get("parameters", {}) if processes else {}
    alike = all(row.get("parameters", {}) == parameters for row in processes)
    if not parameters or not alike or "epsilon" not in parameters:
        return Reference(dataset, parameters if alike else {}, None)
    eot = sum(float(parent.get("eot") or 0.0) for parent in parents)
    events = run.record["events"]
    eot *= events["processed"] / events["input"] if events["input"] else 0.0
    return Reference(
        dataset, parameters, _total(run, dataset) * exposure / eot if exposure and eot > 0 else None
    )


def _bands(config: BackgroundConfig, data: StoredRun) -> tuple[Band, ...]:
    """Return the side bands; their fits begin where the margins of the closed regions end."""
    found = []
    for name, band in config.side_bands.items():
        low, high = band.fit.fit
        start = max(low, _first_shown(data, band.column, low))
        if band.in_total:
            found.append(Band(name, band.label, band.column, replace(band.fit, fit=(start, high))))
    return tuple(found)


def _first_shown(data: StoredRun, column: str, edge: float) -> float:
    """Return the first whole GeV of a column from which on a side band has all of its events."""
    ends = [edge]
    for margins in data.record["blinding"].get("guard", {}).values():
        region = Region(name="closed", limits={column: (None, edge)})
        wide = region.widened({name: Margin(**margin) for name, margin in margins.items()})
        ends.append(wide.limits[column][1] or edge)
    return float(math.ceil(max(ends)))


def _sources(
    config: BackgroundConfig,
    found: Sequence[Simulation],
    data: StoredRun | None,
    selection: Selection,
    exposure: float | None,
    cuts: Sequence[Cut],
) -> tuple[tuple[Simulated, ...], list[str]]:
    """Return the simulated sources; those that a side band holds already only where there is none."""
    sources, notes = [], []
    measured = None
    if data is not None:
        measured = measure_benchmark(config, data, found, selection, exposure)
    for part in found:
        name = config.source_of(part.process)
        if name is None:
            notes.append(f"{part.process} belongs to no source of the background and is left out")
            continue
        source = config.simulated[name]
        if data is not None and not source.in_total:
            notes.append(f"{part.process} is left out: a side band of the data holds it")
            continue
        assert exposure is not None
        scale, error = _scale(part, source, selection)
        if source.is_scaled_by_benchmark and measured is not None and measured.ratio is not None:
            scale *= measured.ratio.value
            error = math.hypot(error, 0.5 * sum(measured.ratio.errors) / measured.ratio.value)
        sample = _sample(part.run, part.dataset, cuts)
        sources.append(
            Simulated(
                part.process, source.label, sample, scale * exposure / part.eot, error, part.mean_weight
            )
        )
    there = {part.process for part in found}
    for name, source in config.simulated.items():
        absent = [process for process in source.processes if process not in there]
        if absent and (source.in_total or data is None):
            notes.append(
                f"{name}: no simulation of {', '.join(absent)} was given, so the background is without it"
            )
    return tuple(sources), notes


def _scale(part: Simulation, source: SimulatedSource, selection: Selection) -> tuple[float, float]:
    """Return the factor for cuts that a run lacks, and the relative error of a source."""
    unknown = sorted(set(part.without) - (set(source.factors) & set(selection.base.cuts)))
    if unknown:
        msg = f"{part.run.path} was run without the cut {', '.join(unknown)}, whose efficiency is not known"
        raise UserError(msg)
    factors = [source.factors[cut].interval for cut in part.without]
    errors = [*source.systematics.values(), *(0.5 * sum(f.errors) / f.value for f in factors)]
    return math.prod(f.value for f in factors), math.hypot(*errors)


def check_scans(config: OptimisationConfig, task: Task, asked: Sequence[str]) -> OptimisationConfig:
    """
    Leave out scans of cuts that the selection does not have, and refuse what the blinding forbids.

    Parameters
    ----------
    config : OptimisationConfig
    task : Task
    asked : sequence of str
        What a user named: that must be possible.

    Raises
    ------
    BlindingError
        For a cut of the base requirement, or an edge of the box beyond the closed region.
    UserError
        For a threshold that the selection does not have.
    """
    base = task.selection.base.cuts
    for name in config.thresholds:
        cut = name.partition(".")[0]
        if cut in base:
            msg = (
                f"'{name}' belongs to the base requirement of the blinding, and events that fail it are not "
                f"shown: it cannot be optimised with data. Study it on simulation (na64 run --set)"
            )
            raise BlindingError(msg)
        if name not in task.start and asked:
            msg = f"the selection has no threshold '{name}'; it has: {', '.join(sorted(task.start))}"
            raise UserError(msg)
    for column, wanted in config.box.items():
        limit = _closed_edge(task, column)
        if wanted.high > limit:
            msg = (
                f"the box cannot reach {column} = {wanted.high:g} GeV: beyond {limit:g} GeV, the end of the "
                f"period's closed region, data are shown. Enlarge it in datasets/periods.yaml first"
            )
            raise BlindingError(msg)
    return config


def _closed_edge(task: Task, column: str) -> float:
    """Return up to where a column of the box is closed in all of the data."""
    if f"{BOX}.{column}" not in task.start:
        msg = f"the signal box has no edge '{column}'; it has: {', '.join(task.problem.box_columns)}"
        raise UserError(msg)
    if task.data is None:  # the box that comes with the selection lies in the closed region
        selection = task.selection
        whole = load_selection(selection.analysis, task.setup, tuple(load_setup(task.setup).detectors))
        return float(whole.signal_box.limits[column][1] or 0.0)
    regions = task.data.record["blinding"]["region"].values()
    return min(float(region[task.selection.analysis][column][1]) for region in regions)
