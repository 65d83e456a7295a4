"""From run directories, background estimates and signals to what a limit is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from datasets.setups import load_setup
from limits.run_input import BinnedBackground, RunInput
from limits.signal import Settings
from na64.errors import UserError
from na64.limit.signals import SignalRuns, beam_of, bins_of_box, read_signals, selection_of
from na64.run.alike import require_alike
from na64.run.stored import StoredRun, exposure_of, read_json
from selections.background.plane import sum_region
from selections.selection import Selection

__all__ = ["Assumed", "LimitInputs", "read_inputs", "read_projection"]

_PLANE = "edep_plane_final"
_BAND = "side_band_a"
_LEAST_FACTOR = 0.05  # as `limits.model.make_channel` has it


class Assumed(NamedTuple):
    """A background that the user names."""

    value: float
    low: float
    high: float


class LimitInputs(NamedTuple):
    """Runs, and what a reader must know of them."""

    runs: tuple[RunInput, ...]
    state: str  # "closed", "open" or "projection"
    sources: tuple[Mapping[str, Any], ...]  # directories that were read, with their digests
    notes: tuple[str, ...]


class _Estimate(NamedTuple):
    path: Path
    content: Mapping[str, Any]
    key: tuple[str, ...]


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
    Put run directories together.

    Backgrounds belong to the run whose files they name with the same digests and selection; signals to runs
    of the same analysis, setup, thresholds and box.

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
    names = _names(runs)
    strange = sorted(set(eot) - {*names, ""})
    if strange:
        msg = f"--eot names '{strange[0]}', which is no run; the runs are: {', '.join(names)}"
        raise UserError(msg)
    estimates = [_estimate(path) for path in backgrounds]
    groups = read_signals(signals, settings, edges, extrapolate=extrapolate)
    found = [
        _run(name, run, _signals_of(run, groups), _background_of(run, estimates), eot, assumed, edges)
        for name, run in zip(names, runs, strict=True)
    ]
    used = {estimate.path for estimate in (_background_of(run, estimates) for run in runs) if estimate}
    for estimate in estimates:
        if estimate.path not in used:
            msg = f"{estimate.path} was estimated of other data or another selection than any of the --runs"
            raise UserError(msg)
    if with_dimuons:
        found = [
            _corrected(run, _background_of(stored, estimates))
            for run, stored in zip(found, runs, strict=True)
        ]
    states = {run.state for run in runs}
    if len(states) > 1:
        msg = f"the runs mix {' and '.join(sorted(states))} data; a limit is of one kind"
        raise UserError(msg)
    return LimitInputs(
        tuple(found),
        states.pop(),
        tuple(
            [_source("data", run) for run in runs]
            + [{"role": "background", "path": str(e.path)} for e in estimates]
            + [_source("signal", run) for run in signals]
        ),
        tuple(_notes(found, settings)),
    )


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
    sources = tuple(_source("signal", run) for run in signals)
    return LimitInputs((found,), "projection", sources, tuple(_notes([found], settings)))


def _names(runs: Sequence[StoredRun]) -> list[str]:
    names = [run.path.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [f"{run.path.resolve().parent.name}_{name}" for run, name in zip(runs, names, strict=True)]
    if len(set(names)) < len(names):
        msg = f"runs are told apart by the names of their directories, which are: {', '.join(names)}"
        raise UserError(msg)
    return names


def _source(role: str, run: StoredRun) -> dict[str, Any]:
    return {"role": role, "path": str(run.path), "digest": run.digest, "setup": run.record["setup"]}


def _digests(files: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(str((file.get("digest") or {}).get("value")) for file in files))


def _key(run: StoredRun) -> tuple[str, ...]:
    return (str(run.record["selection"]["digest"]), *_digests(run.record["inputs"]))


def _estimate(path: Path) -> _Estimate:
    content = read_json(path / "background.json", "background estimate of `na64 background`")
    try:
        data = next(part for part in content["inputs"] if part["role"] == "data")
        key = (str(content["selection"]["digest"]), *_digests(data["files"]))
    except (KeyError, StopIteration) as error:
        msg = f"{path} does not say of which data it is; run `na64 background` again with this version"
        raise UserError(msg) from error
    return _Estimate(path, content, key)


def _background_of(run: StoredRun, estimates: Sequence[_Estimate]) -> _Estimate | None:
    fitting = [estimate for estimate in estimates if estimate.key == _key(run)]
    if len(fitting) > 1:
        paths = " and ".join(str(estimate.path) for estimate in fitting)
        msg = f"{paths} are both estimates of {run.path}; give one"
        raise UserError(msg)
    return fitting[0] if fitting else None


def _signals_of(run: StoredRun, groups: Sequence[SignalRuns]) -> SignalRuns:
    same = [group for group in groups if group.first.record["setup"] == run.record["setup"]]
    if not same:
        there = ", ".join(str(group.first.record["setup"]) for group in groups) or "none"
        msg = (
            f"{run.path} is of setup {run.record['setup']}, and there are signals of: {there}; give --signal"
        )
        raise UserError(msg)
    signals = same[0].first
    require_alike(run, signals)
    lacking = [set(one.record["without_cuts"]) for one in (run, signals)]
    if lacking[0] != lacking[1]:
        cuts = ", ".join(sorted(lacking[0] ^ lacking[1]))
        msg = f"one of {run.path} and {signals.path} was run without the cut {cuts}, the other with it"
        raise UserError(msg)
    return same[0]


def _run(
    name: str,
    run: StoredRun,
    signals: SignalRuns,
    estimate: _Estimate | None,
    eot: Mapping[str, float],
    assumed: Assumed | None,
    edges: Sequence[float],
) -> RunInput:
    if run.kinds != {"data"}:
        msg = f"{run.path} must hold data alone, and holds {', '.join(sorted(run.kinds)) or 'nothing'}"
        raise UserError(msg)
    told = eot.get(name, eot.get(""))
    if told is None and estimate is not None and run.record["exposure"].get("eot_used") is None:
        told = estimate.content.get("eot")
    exposure = exposure_of(run, told, needed=True)
    assert exposure is not None
    if estimate is None and assumed is None:
        msg = (
            f"{run.path} has no background; give --background DIR of `na64 background`, or "
            f"--assume-background"
        )
        raise UserError(msg)
    return _make(name, run, signals, exposure, estimate, assumed, edges)


def _make(
    name: str,
    run: StoredRun,
    signals: SignalRuns,
    exposure: float,
    estimate: _Estimate | None,
    assumed: Assumed | None,
    edges: Sequence[float],
) -> RunInput:
    selection, setup = selection_of(run), load_setup(run.record["setup"])
    beam = beam_of(setup)
    bins = bins_of_box(selection, beam.energy, edges)
    observed = None
    if run.state == "open" and run.kinds == {"data"}:
        _require_open(run)
        plane = run.plane(_PLANE)
        observed = tuple(round(sum_region(plane, region).total) for region in bins)
    background = (
        _binned(_assumed_total(assumed), np.ones(len(bins)) / len(bins))
        if estimate is None
        else _binned(_estimated_total(estimate), _shares(estimate, selection, beam.energy, edges))
    )
    return RunInput(
        name=name,
        setup=setup.name,
        beam=beam,
        least=selection.signal.missing_energy,
        exposure=exposure,
        radiated=signals.radiated,
        resonant=signals.resonant,
        background=background,
        observed=observed,
    )


def _require_open(run: StoredRun) -> None:
    """Refuse opened data of which a part is still closed: nothing of it is in the box, which looks empty."""
    closed = [
        name
        for name, dataset in run.datasets.items()
        if not any(r["name"] == "signal_box" and r["events"] is not None for r in dataset.get("regions", ()))
    ]
    if closed:
        msg = (
            f"{run.path} was opened, but the signal box of {', '.join(closed)} is closed; run open and "
            f"closed data apart"
        )
        raise UserError(msg)


class _Total(NamedTuple):
    value: float
    own: tuple[float, float]  # ends of the interval of the run's own errors
    shared: tuple[float, float]  # relative, down and up, of the extrapolation


def _assumed_total(assumed: Assumed | None) -> _Total:
    value, low, high = assumed or Assumed(0.0, 0.0, 0.0)
    return _Total(value, (low, high), (0.0, 0.0))


def _estimated_total(estimate: _Estimate) -> _Total:
    total = estimate.content["total"]
    value = float(total["expected"])
    own = total["statistical"]
    errors = total["systematic"]
    relative = (errors["down"] / value, errors["up"] / value) if value > 0 else (0.0, 0.0)
    high = own["high"] if value > 0 else total["interval"]["high"]
    return _Total(value, (float(own["low"]), float(high)), (float(relative[0]), float(relative[1])))


def _binned(total: _Total, shares: np.ndarray[Any, np.dtype[np.float64]]) -> BinnedBackground:
    """Divide a background; nothing with an upper end stands as half of it within a factor of 2."""
    value, (low, high), (down, up) = total
    if value == 0 < high:
        value, low = 0.5 * high, 0.25 * high
    own = (max(low / value, _LEAST_FACTOR), high / value) if value > 0 else (1.0, 1.0)
    return BinnedBackground(
        values=tuple(float(value * share) for share in shares),
        own=own,
        shared=(max(1.0 - down, _LEAST_FACTOR), 1.0 + up),
    )


def _shares(
    estimate: _Estimate, selection: Selection, beam: float, edges: Sequence[float]
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


def _corrected(run: RunInput, estimate: _Estimate | None) -> RunInput:
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
    if any(run.radiated.is_extrapolated for run in runs):
        notes.append("beyond the simulated masses the efficiency is that of the nearest")
    return notes
