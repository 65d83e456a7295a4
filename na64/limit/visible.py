"""What a band of visible decays is made of: runs of data or projections, and efficiencies, by setup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from datasets.setups import load_setup
from limits.visible import DecayEfficiency, DenseTarget, dense_target, visible_yield
from limits.visible_band import Count, VisibleSetup
from na64.errors import UserError
from na64.limit.data import Assumed, background_of, read_data, source_of
from na64.limit.options import LimitOptions, named_numbers, notes_of, parse_assumed
from na64.limit.signals import averaged, shifts_of
from na64.run.simulated import simulation_of
from na64.run.stored import StoredRun, read_run

__all__ = ["VisibleInputs", "read_visible"]

_SETUP = "na64vis_2017"
_PROCESS = "visible_dark_photon"
_BOX = "signal_box"


class VisibleInputs(NamedTuple):
    """Setups, and what a reader must know of them."""

    setups: tuple[VisibleSetup, ...]
    state: str  # "closed", "open" or "projection"
    sources: tuple[Mapping[str, Any], ...]  # directories that were read, with their digests
    notes: tuple[str, ...]


class _Signal(NamedTuple):
    """One simulated dataset."""

    mass: float  # [GeV]
    epsilon: float
    efficiency: float
    error: float  # relative
    scale: tuple[float, float]  # relative shifts, down and up
    selection: tuple[float, float]


def read_visible(options: LimitOptions, masses: Sequence[float]) -> VisibleInputs:
    """
    Return the setups of the runs of data, or of the exposures that the options project.

    Parameters
    ----------
    options : LimitOptions
    masses : sequence of float [GeV]
        Of the grid, for a note where no signal was simulated.

    Raises
    ------
    UserError
        If something is lacking, double, or does not belong together.
    """
    signals = [read_run(path) for path in options.signal]
    assumed = parse_assumed(options.assume_background)
    counts: dict[str, list[Count]] = {}
    if options.runs:
        data = read_data(
            [read_run(path) for path in options.runs],
            options.background,
            signals,
            eot=named_numbers("--eot", options.eot, "[RUN=]NUMBER"),
            assumed=assumed,
        )
        for one in data.runs:
            background = background_of(one.estimate, assumed, np.ones(1))
            count = Count(one.name, one.exposure, background, one.observed)
            counts.setdefault(str(one.run.record["setup"]), []).append(count)
        state, sources = data.state, data.sources
    else:
        counts = _projected(options, signals, assumed)
        state, sources = "projection", ()
    notes = notes_of(options)
    setups = tuple(
        VisibleSetup(
            target=dense_target(load_setup(name)),
            efficiency=_efficiency(options, name, signals, masses, notes),
            counts=tuple(members),
        )
        for name, members in counts.items()
    )
    unused = sorted({str(signal.record["setup"]) for signal in signals} - set(counts))
    if unused:
        msg = f"there are signals of {', '.join(unused)}, and neither --runs nor --projection of it"
        raise UserError(msg)
    sources = (*sources, *(source_of("signal", run) for run in signals))
    return VisibleInputs(setups, state, sources, tuple(notes))


def _projected(
    options: LimitOptions, signals: Sequence[StoredRun], assumed: Assumed | None
) -> dict[str, list[Count]]:
    """Return an exposure of each setup, by its name."""
    exposures = named_numbers("--projection", options.projection, "[SETUP=]EOT")
    if "" in exposures:
        names = {str(run.record["setup"]) for run in signals} or {options.setup or _SETUP}
        if len(exposures) > 1 or len(names) > 1 or options.setup not in {None, *names}:
            msg = (
                f"--projection {options.projection[-1]} does not say of which setup it is; give "
                f"--projection SETUP=EOT for each, without --setup"
            )
            raise UserError(msg)
        exposures = {names.pop(): exposures[""]}
    elif options.setup is not None:
        msg = "--setup goes with --projection EOT; with --projection SETUP=EOT leave it out"
        raise UserError(msg)
    background = background_of(None, assumed, np.ones(1))
    return {name: [Count(name, eot, background)] for name, eot in exposures.items()}


def _efficiency(
    options: LimitOptions,
    setup: str,
    signals: Sequence[StoredRun],
    masses: Sequence[float],
    notes: list[str],
) -> DecayEfficiency:
    """Return the efficiency of simulated signals, or the one that is assumed."""
    runs = [run for run in signals if run.record["setup"] == setup]
    if not runs:
        if options.runs or signals:
            msg = f"there is no signal of setup {setup}; give --signal with runs of {_PROCESS} in it"
            raise UserError(msg)
        value = options.assume_efficiency
        notes.append(f"{setup}: the efficiency is assumed to be {value:g}; give --signal for a simulated one")
        return DecayEfficiency(points=((0.01, 1e-4, value),))
    target = dense_target(load_setup(setup))
    found = [_signal(run, name, target) for run in runs for name in run.datasets]
    if len({one[:2] for one in found}) < len(found):
        msg = f"a mass and epsilon are among the signals of {setup} twice; give one run of each"
        raise UserError(msg)
    values = [one.efficiency for one in found]
    notes.append(
        f"{setup}: efficiency of {len(found)} simulated signals, {min(values):.3f} to {max(values):.3f} of "
        f"the decays in the volume"
    )
    known = [one.mass for one in found]
    if masses[0] < min(known) * (1 - 1e-6) or masses[-1] > max(known) * (1 + 1e-6):
        notes.append(f"{setup}: beyond the simulated masses the efficiency is that of the nearest")
    errors = [one.error for one in found]
    return DecayEfficiency(
        points=tuple(one[:3] for one in found),
        error=max(errors),
        scale=averaged([one.scale for one in found], errors),
        selection=averaged([one.selection for one in found], errors),
    )


def _signal(run: StoredRun, dataset: str, target: DenseTarget) -> _Signal:
    """Return the efficiency of a simulated dataset: events in the box over the decays in the volume."""
    made = simulation_of(run, dataset)
    if made.process != _PROCESS:
        msg = f"dataset '{dataset}' of {run.path} is {made.process}; --model visible takes {_PROCESS}"
        raise UserError(msg)
    parameters = run.inputs_of(dataset)[0]["parent"]["processes"][0]["parameters"]
    mass, epsilon = float(parameters["mass"]), float(parameters["epsilon"])
    events = next(float(r["events"]) for r in run.datasets[dataset]["regions"] if r["name"] == _BOX)
    if not events > 0:
        msg = f"no event of dataset '{dataset}' of {run.path} is in the signal box; simulate more"
        raise UserError(msg)
    share = events * made.mean_weight / made.eot / visible_yield(target, mass, epsilon)
    return _Signal(mass, epsilon, share, float(1 / np.sqrt(events)), *shifts_of(run, dataset))
