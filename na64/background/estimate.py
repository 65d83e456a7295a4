"""The background estimate of run directories: which may be put together, and what they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from datasets.setups import load_setup
from na64.background.advice import advice
from na64.background.beam_tag import tag_of_beam
from na64.background.contamination import Rescaling, rescale
from na64.errors import UserError
from na64.run.closed_bins import closed_bins
from na64.run.stored import StoredRun
from selections.background.beam_tag import BeamTag
from selections.background.config import BackgroundConfig, load_background
from selections.background.extrapolation import Extrapolation, Spectrum, extrapolate
from selections.background.intervals import Interval, weighted_interval
from selections.background.plane import Sum, spectrum, sum_region
from selections.background.sources import (
    Benchmark,
    Estimate,
    benchmark,
    from_side_band,
    from_simulation,
    total,
)
from selections.regions import Region
from selections.selection import Selection, load_selection

__all__ = [
    "Background",
    "SideBandFit",
    "Simulation",
    "check_runs",
    "estimate_background",
    "exposure_of",
    "measure_benchmark",
    "require_alike",
    "simulation_of",
    "simulations_of",
]


class Simulation(NamedTuple):
    """One simulated process: a dataset of a run directory."""

    process: str
    run: StoredRun
    dataset: str
    eot: float  # particles on target that it stands for
    mean_weight: float
    without: tuple[str, ...]  # cuts that it lacks and the data have
    trigger: str

    def sum_of(self, plane: str, region: Region) -> Sum:
        """Return the weights in a region of a plane."""
        return sum_region(self.run.plane(plane, [self.dataset]), region)


class SideBandFit(NamedTuple):
    """A side band and its fit, to be drawn."""

    name: str
    spectrum: Spectrum
    found: Extrapolation


class Background(NamedTuple):
    """The whole estimate."""

    data: StoredRun
    eot: float | None  # of the data
    estimates: tuple[Estimate, ...]
    total: Estimate
    side_bands: tuple[SideBandFit, ...]
    benchmark: Benchmark | None
    notes: tuple[str, ...]
    simulations: tuple[StoredRun, ...] = ()
    beam: StoredRun | None = None  # without the cut on the tag
    tag: BeamTag | None = None
    hadrons: Rescaling | None = None  # of the simulated hadrons, by the contamination of that beam


def check_runs(data: StoredRun, simulations: Sequence[StoredRun]) -> None:
    """
    Refuse runs that do not belong together.

    Raises
    ------
    UserError
        Naming both runs and what differs.
    """
    if data.kinds != {"data"}:
        msg = f"{data.path} must hold data alone, and holds {', '.join(sorted(data.kinds)) or 'nothing'}"
        raise UserError(msg)
    regions = data.record["blinding"]["region"]
    if data.state not in {"closed", "open"} or set(regions) != set(data.datasets):
        msg = f"{data.path} mixes open and closed data; estimate the background of each apart"
        raise UserError(msg)
    for other in simulations:
        if other.kinds != {"simulation"}:
            msg = (
                f"{other.path} must hold simulation alone, and holds {', '.join(sorted(other.kinds))} "
                f"({other.state}); open and closed runs are not mixed"
            )
            raise UserError(msg)
        require_alike(data, other)
        missing = sorted(set(data.record["without_cuts"]) - set(other.record["without_cuts"]))
        if missing:
            msg = f"{data.path} was run without the cut {', '.join(missing)}, and {other.path} with it"
            raise UserError(msg)


def require_alike(one: StoredRun, other: StoredRun) -> None:
    """
    Refuse runs of different analyses, setups, thresholds or signal boxes.

    Raises
    ------
    UserError
        Naming both runs and what differs.
    """
    for what in ("analysis", "setup"):
        _require_same(one, other, what, one.record[what], other.record[what])
    for what, key in (("thresholds", "params"), ("edges", "signal_box")):
        _require_same(one, other, what, *(run.record["selection"].get(key, {}) for run in (one, other)))


def _require_same(data: StoredRun, other: StoredRun, what: str, one: object, two: object) -> None:
    if one == two:
        return
    if isinstance(one, dict) and isinstance(two, dict):
        differing = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
        name = differing[0]
        of = f"the signal box in {name}" if what == "edges" else f"cut {name}"
        what, one, two = f"{what} of {of}", one.get(name), two.get(name)
    msg = f"{data.path} and {other.path} have different {what}: {one} and {two}; run one of them again"
    raise UserError(msg)


def simulations_of(runs: Sequence[StoredRun], data: StoredRun) -> list[Simulation]:
    """
    Return the simulated processes of run directories.

    Raises
    ------
    UserError
        If a dataset is no single process, has no exposure, or a process is there twice.
    """
    found: dict[str, Simulation] = {}
    for run in runs:
        without = tuple(sorted(set(run.record["without_cuts"]) - set(data.record["without_cuts"])))
        for dataset in run.datasets:
            made = simulation_of(run, dataset, without)
            if made.process in found:
                msg = f"process {made.process} is there twice: {found[made.process].run.path}, {run.path}"
                raise UserError(msg)
            found[made.process] = made
    return list(found.values())


def simulation_of(run: StoredRun, dataset: str, without: tuple[str, ...] = ()) -> Simulation:
    """
    Return what the files of one simulated dataset say of themselves.

    Raises
    ------
    UserError
        If it is no single process, or has no exposure or no events.
    """
    parents = [source.get("parent") or {} for source in run.inputs_of(dataset)]
    names = {row["name"] for parent in parents for row in parent.get("processes", [])}
    if len(names) != 1:
        what = f"holds the processes {', '.join(sorted(names))}" if names else "does not say its process"
        msg = (
            f"dataset '{dataset}' of {run.path} {what}; sources are told apart by files of one process each "
            f"(na64 simulate SETUP PROCESS)"
        )
        raise UserError(msg)
    eot = [float(parent.get("eot") or 0.0) for parent in parents]
    if not all(value > 0 for value in eot):
        msg = f"dataset '{dataset}' of {run.path} has no particles on target (its process has yield 0)"
        raise UserError(msg)
    events = run.record["events"]
    kept = events["processed"] / events["input"] if events["input"] else 0.0
    every = run.datasets[dataset]["cuts"][0]
    if not every["in_order"] or not kept:
        msg = f"dataset '{dataset}' of {run.path} has no events"
        raise UserError(msg)
    triggers = {row["trigger"] for parent in parents for row in parent["processes"]}
    return Simulation(
        names.pop(),
        run,
        dataset,
        sum(eot) * kept,
        every["in_order_weighted"] / every["in_order"],
        without,
        ", ".join(sorted(triggers)),
    )


def estimate_background(
    data: StoredRun,
    runs: Sequence[StoredRun],
    eot: float | None = None,
    beam: StoredRun | None = None,
) -> Background:
    """
    Estimate the background of a run of data.

    Parameters
    ----------
    data : StoredRun
    runs : sequence of StoredRun
        Of simulation.
    eot : float, optional
        Particles on target of the data, where its run does not say.
    beam : StoredRun, optional
        Of calibration triggers or simulated beam, without the cut on the SRD tag.

    Raises
    ------
    UserError
        If runs do not belong together or lack something.
    """
    check_runs(data, runs)
    config = load_background(data.record["analysis"])
    setup = load_setup(data.record["setup"])
    moved = [word for word in data.record["changed_cuts"] if word.startswith("signal_box.")]
    selection = load_selection(data.record["analysis"], setup.name, tuple(setup.detectors), changes=moved)
    simulations = simulations_of(runs, data)
    tag = None if beam is None else tag_of_beam(beam, data)
    hadrons = _rescaling(config, simulations, beam, tag)
    exposure = exposure_of(data, eot, needed=bool(simulations))
    side_bands = tuple(_side_band(name, config, data, selection) for name in config.side_bands)
    measured = measure_benchmark(config, data, simulations, selection, exposure)
    estimates = [from_side_band(config.source(band.name), band.found) for band in side_bands]
    notes = []
    for name, source in config.simulated.items():
        parts = [s for s in simulations if s.process in source.processes]
        absent = [p for p in source.processes if p not in {s.process for s in parts}]
        if absent:
            notes.append(f"{name}: no simulation of {', '.join(absent)}, which is not in the table")
        if parts and exposure is not None:
            estimates.append(_simulated(name, config, parts, selection, exposure, measured, hadrons))
    notes += _remarks(config, simulations, measured)
    notes += advice(config, data, {band.name: band.found.nominal.events for band in side_bands}, measured)
    return Background(
        data,
        exposure,
        tuple(estimates),
        total(estimates),
        side_bands,
        measured,
        tuple(notes),
        tuple(runs),
        beam,
        tag,
        hadrons,
    )


def exposure_of(data: StoredRun, eot: float | None, *, needed: bool) -> float | None:
    """
    Return the particles on target of a run of data.

    Raises
    ------
    UserError
        If two numbers contradict each other, or one is needed and there is none.
    """
    known = data.record["exposure"].get("eot_used")
    if known and eot is not None and eot != known:
        msg = f"{data.path} has {known:g} particles on target; --eot {eot:g} says otherwise"
        raise UserError(msg)
    if known is None and eot is None and needed:
        msg = (
            f"{data.path} does not know its particles on target, to which simulation is scaled; give --eot "
            f"NUMBER, or enter its runs into the catalogue"
        )
        raise UserError(msg)
    return float(known) if known else eot


def _region(selection: Selection, name: str) -> Region:
    for region in selection.regions:
        if region.name == name:
            return region
    msg = f"the selection has no region '{name}'; it has: {', '.join(r.name for r in selection.regions)}"
    raise UserError(msg)


def _side_band(name: str, config: BackgroundConfig, data: StoredRun, selection: Selection) -> SideBandFit:
    band = config.side_bands[name]
    low, high = selection.signal_box.limits[band.column]
    edge = low if band.fit.is_below else high
    if edge != band.fit.edge:
        msg = (
            f"side band {name} is fitted from {band.fit.edge:g} GeV, and the signal box ends at {edge} GeV, "
            f"where no bin ends: run data and simulation with the box as it comes"
        )
        raise UserError(msg)
    region = _region(selection, band.region)
    seen = spectrum(data.plane(band.plane), region, band.column)
    found = closed_bins(seen.edges, band.column, data.record["blinding"], region, with_guard=False)
    first, last = band.fit.fit
    if not found.is_open[(seen.edges[:-1] >= first) & (seen.edges[1:] <= last)].all():
        msg = (
            f"side band {name} is fitted from {first:g} to {last:g} GeV of {band.column}, and a part of that "
            f"is closed in {data.path}: there is no side band to extend"
        )
        raise UserError(msg)
    return SideBandFit(name, seen, extrapolate(seen, band.fit))


def measure_benchmark(
    config: BackgroundConfig,
    data: StoredRun,
    simulations: Sequence[Simulation],
    selection: Selection,
    exposure: float | None,
) -> Benchmark | None:
    """Compare dimuons in area I, or return None without a simulation of them."""
    wanted = config.benchmark
    if wanted is None or exposure is None or wanted.process not in {s.process for s in simulations}:
        return None
    region = _region(selection, wanted.region)
    observed = round(sum_region(data.plane(wanted.plane), region).total)
    scaled: dict[str, Interval] = {}
    for s in simulations:
        if s.without:
            continue  # it has another selection
        weights = weighted_interval(*s.sum_of(wanted.plane, region), s.mean_weight)
        scaled[s.process] = weights.scaled(exposure / s.eot)
    predicted = scaled.pop(wanted.process)
    return benchmark(observed, predicted, list(scaled.values()))


def _simulated(
    name: str,
    config: BackgroundConfig,
    parts: Sequence[Simulation],
    selection: Selection,
    exposure: float,
    measured: Benchmark | None,
    hadrons: Rescaling | None,
) -> Estimate:
    """Return the estimate of a source, of one or more processes scaled to the data's exposure."""
    source = config.simulated[name]
    lacking = {cut for part in parts for cut in part.without}
    unknown = sorted(lacking - set(source.factors))
    if unknown or any(set(part.without) != lacking for part in parts):
        part = next(p for p in parts if p.without)
        msg = (
            f"{part.run.path} was run without the cut {', '.join(part.without)}, which {name} needs in all "
            f"its runs; cuts whose efficiency is known for it: {', '.join(source.factors) or 'none'}"
        )
        raise UserError(msg)
    factors = {f"{cut} mistag": source.factors[cut].interval for cut in sorted(lacking)}
    if source.is_scaled_by_benchmark and measured is not None and measured.ratio is not None:
        factors["data/simulation"] = measured.ratio
    systematics = dict(source.systematics)
    if source.is_scaled_by_contamination and hadrons is not None and hadrons.factor is not None:
        factors["measured contamination"] = hadrons.factor
        systematics.pop("contamination", None)  # it was measured
    plane = next(iter(config.side_bands.values())).plane
    found = [part.sum_of(plane, selection.signal_box) for part in parts]
    scales = [exposure / part.eot for part in parts]
    return from_simulation(
        config.source(name),
        Sum(
            sum(k * f.total for k, f in zip(scales, found, strict=True)),
            sum(k**2 * f.squares for k, f in zip(scales, found, strict=True)),
        ),
        scale=1.0,
        mean_weight=max(k * part.mean_weight for k, part in zip(scales, parts, strict=True)),
        systematics=systematics,
        factors=factors,
    )


def _rescaling(
    config: BackgroundConfig, simulations: Sequence[Simulation], beam: StoredRun | None, tag: BeamTag | None
) -> Rescaling | None:
    """Compare the contamination of a beam with the simulated one, where there are both."""
    parts = [s for s in simulations if s.process == config.contamination]
    if beam is None or tag is None or not parts:
        return None
    (source, *_) = parts[0].run.inputs_of(parts[0].dataset)
    return rescale(float(source["parent"]["processes"][0]["yield"]), beam, tag)


def _remarks(
    config: BackgroundConfig, simulations: Sequence[Simulation], measured: Benchmark | None
) -> list[str]:
    """Return what a reader must know of the table."""
    remarks = [
        f"{s.process} was simulated with trigger '{s.trigger}', not with that of the data"
        for s in simulations
        if s.trigger != "physics"
    ]
    remarks += [
        f"{s.process} belongs to no source of the estimate and is left out"
        for s in simulations
        if config.source_of(s.process) is None
    ]
    if measured is not None and measured.ratio is None:
        remarks.append("the dimuon ratio is not known (no dimuons in area I): their prediction is not scaled")
    return remarks
