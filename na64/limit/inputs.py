"""From run directories, background estimates and signals to what a limit is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from datasets.setups import load_setup
from limits.run_input import RunInput
from limits.signal import Settings
from na64.errors import UserError
from na64.limit.data import Assumed, Estimate, background_of, read_data, source_of
from na64.limit.signals import SignalRuns, beam_of, bins_of_box, read_signals, selection_of
from na64.run.stored import StoredRun
from selections.background.plane import sum_region
from selections.selection import Selection

__all__ = ["LimitInputs", "read_inputs", "read_projection"]

_PLANE = "edep_plane_final"
_BAND = "side_band_a"


class LimitInputs(NamedTuple):
    """Runs, and what a reader must know of them."""

    runs: tuple[RunInput, ...]
    state: str  # "closed", "open" or "projection"
    sources: tuple[Mapping[str, Any], ...]  # directories that were read, with their digests
    notes: tuple[str, ...]


def read_inputs(
    runs: Sequence[StoredRun],
    backgrounds: Sequence[Path],
    signals: Sequence[StoredRun],
    settings: Settings,
    *,
    eot: Mapping[str, float],
    assumed: Assumed | None,
    edges: Sequence[float] = (),
    with_dimuons: bool = False,
    extrapolate: bool = False,
) -> LimitInputs:
    """
    Put run directories together, as `na64.limit.data.read_data` finds them.

    Parameters
    ----------
    runs : sequence of StoredRun
        Of data.
    backgrounds : sequence of Path
        Directories of `na64 background`.
    signals : sequence of StoredRun
        Of simulated signal, a mass each.
    settings : Settings
    eot : mapping of float
        Particles on target by name of a run, where neither the run nor its background says.
    assumed : Assumed, optional
        The background of runs without an estimate.
    edges : sequence of float [GeV]
        Inner edges of bins of missing energy.
    with_dimuons : bool
        Correct the yield by the measured ratio of dimuons.
    extrapolate : bool
        Beyond the simulated masses.

    Raises
    ------
    UserError
        If something is lacking, double, or does not belong together.
    """
    groups = read_signals(signals, settings, edges, extrapolate=extrapolate)
    data = read_data(runs, backgrounds, signals, eot=eot, assumed=assumed)
    by_setup = {str(group.first.record["setup"]): group for group in groups}
    found = []
    for one in data.runs:
        group = by_setup[str(one.run.record["setup"])]
        made = _make(one.name, one.run, group, one.exposure, one.estimate, assumed, edges)
        found.append(_corrected(made, one.estimate) if with_dimuons else made)
    sources = (*data.sources, *(source_of("signal", run) for run in signals))
    return LimitInputs(tuple(found), data.state, sources, tuple(_notes(found, settings)))


def read_projection(
    signals: Sequence[StoredRun],
    settings: Settings,
    exposure: float,
    *,
    assumed: Assumed | None,
    edges: Sequence[float] = (),
    extrapolate: bool = False,
) -> LimitInputs:
    """Return one run without data: the exposure that the user names, no event but the assumed background."""
    groups = read_signals(signals, settings, edges, extrapolate=extrapolate)
    if len(groups) > 1:
        setups = ", ".join(str(g.first.record["setup"]) for g in groups)
        msg = f"a projection is of one setup, the signals are of {setups}"
        raise UserError(msg)
    found = _make("projection", groups[0].first, groups[0], exposure, None, assumed, edges)
    sources = tuple(source_of("signal", run) for run in signals)
    return LimitInputs((found,), "projection", sources, tuple(_notes([found], settings)))


def _make(
    name: str,
    run: StoredRun,
    signals: SignalRuns,
    exposure: float,
    estimate: Estimate | None,
    assumed: Assumed | None,
    edges: Sequence[float],
) -> RunInput:
    selection, setup = selection_of(run), load_setup(run.record["setup"])
    beam = beam_of(setup)
    bins = bins_of_box(selection, beam.energy, edges)
    observed = None
    if run.state == "open" and run.kinds == {"data"}:
        plane = run.plane(_PLANE)
        observed = tuple(round(sum_region(plane, region).total) for region in bins)
    shares = (
        np.ones(len(bins)) / len(bins)
        if estimate is None
        else _shares(estimate, selection, beam.energy, edges)
    )
    return RunInput(
        name=name,
        setup=setup.name,
        beam=beam,
        least=selection.signal.missing_energy,
        exposure=exposure,
        radiated=signals.radiated,
        resonant=signals.resonant,
        background=background_of(estimate, assumed, shares),
        observed=observed,
    )


def _shares(
    estimate: Estimate, selection: Selection, beam: float, edges: Sequence[float]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return how the background is divided among the bins: side band A by its slope, the rest evenly."""
    high = next(iter(selection.signal_box.limits.values()))[1]
    assert high is not None or not edges
    ends = np.array([high or 0.0, *(beam - edge for edge in edges), 0.0])
    widths = -np.diff(ends)
    if len(widths) == 1:
        return np.ones(1)
    even = widths / widths.sum()
    counted = [s for s in estimate.content["sources"] if s["in_total"]]
    total = sum(s["expected"] for s in counted)
    band = next((s["expected"] for s in counted if s["name"] == _BAND), 0.0)
    slope = (estimate.content["side_bands"].get(_BAND, {}).get("nominal") or {}).get("slope")
    if not (total > 0 and band > 0 and slope):
        return np.asarray(even)
    shape = np.abs(np.diff(np.exp(slope * ends)))
    part = band / total
    return np.asarray(part * shape / shape.sum() + (1 - part) * even)


def _corrected(run: RunInput, estimate: Estimate | None) -> RunInput:
    ratio = (estimate.content.get("benchmark") or {}).get("ratio") if estimate else None
    if not ratio:
        msg = f"the background of {run.name} knows no ratio of dimuons; leave --dimuon-correction out"
        raise UserError(msg)
    return replace(run, correction=(ratio["value"], ratio["low"], ratio["high"]))


def _notes(runs: Sequence[RunInput], settings: Settings) -> list[str]:
    notes = []
    if settings.with_resonance and any(run.resonant is None and not run.is_muon for run in runs):
        notes.append(
            "resonant production has the efficiency of what is radiated: no run of it among --signal"
        )
    for run in runs:
        if settings.with_resonance and run.resonant is not None:
            low, high = (1e3 * mass for mass in (run.resonant.masses[0], run.resonant.masses[-1]))
            notes.append(
                f"{run.name}: resonant production outside of {low:.4g} to {high:.4g} MeV, where it was "
                f"simulated, has the efficiency of what is radiated"
            )
    if any(run.radiated.is_extrapolated for run in runs):
        notes.append("beyond the simulated masses the efficiency is that of the nearest")
    return notes
