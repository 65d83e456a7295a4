"""The background estimate of run directories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from datasets.setups import load_setup
from na64.background.advice import advice
from na64.background.beam_tag import tag_of_beam
from na64.background.contamination import Rescaling, rescale
from na64.errors import UserError
from na64.run.alike import check_runs
from na64.run.closed_bins import closed_bins
from na64.run.simulated import Simulation, simulations_of
from na64.run.stored import StoredRun, events_in_box, exposure_of
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
    "estimate_background",
    "measure_benchmark",
]


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
    observed: int | None = None  # events of opened data in the signal box


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
        events_in_box(data),
    )


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
