"""Efficiencies of simulated signals: from run directories, one mass each, to a function of the mass."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from datasets.setups import load_setup
from datasets.simulation.processes.target import atoms_of, target_depth, target_of
from datasets.simulation.stack import build_stack
from limits.run_input import Beam, Efficiency
from limits.signal import Settings, radiated, resonance
from limits.yields import muon_yield
from na64.efficiency.tables import efficiency_tables
from na64.errors import UserError
from na64.run.simulated import simulation_of
from na64.run.stored import StoredRun
from recon.geometry import Setup
from selections.regions import Region
from selections.selection import Selection, load_selection

__all__ = ["SignalRuns", "averaged", "beam_of", "bins_of_box", "read_signals", "selection_of", "shifts_of"]

Shifts = tuple[float, float]  # relative, down and up

_RADIATED = {"dark_photon", "z_prime"}
_RESONANT = "resonant_dark_photon"
_VISIBLE = "visible_dark_photon"
_PLANE = "edep_plane_final"
_EARLY = 5.0  # [X0] where most are made


class SignalRuns(NamedTuple):
    """The signals of one setup."""

    first: StoredRun  # with which runs must be alike
    radiated: Efficiency
    resonant: Efficiency | None


class _One(NamedTuple):
    process: str
    mass: float
    values: tuple[float, ...]
    error: float
    scale: Shifts
    selection: Shifts


def selection_of(run: StoredRun) -> Selection:
    """Return the selection that a run was made with."""
    setup = load_setup(run.record["setup"])
    moved = [word for word in run.record["changed_cuts"] if word.startswith("signal_box.")]
    return load_selection(run.record["analysis"], setup.name, tuple(setup.detectors), changes=moved)


def beam_of(setup: Setup) -> Beam:
    """Return beam and target of a setup, and the way on which a decay would be seen."""
    stack = build_stack(setup)
    length = next(v for v in stack.volumes if v.detector.name == stack.target.name).material.radiation_length
    end = max(v.section.z + v.length for v in stack.volumes)
    return Beam(
        setup.beam.particle,
        setup.beam.momentum,
        target_of(setup),
        target_depth(stack),
        end - stack.target_z - _EARLY * length,
        atoms_of(stack),
    )


def bins_of_box(selection: Selection, beam: float, edges: Sequence[float]) -> list[Region]:
    """
    Divide the signal box along its first axis.

    Parameters
    ----------
    selection : Selection
    beam : float [GeV]
    edges : sequence of float [GeV]
        Inner edges of the missing energy, which rise; none for the plain box.

    Raises
    ------
    UserError
        If an edge is not within the box.
    """
    box = selection.signal_box
    column, (low, high) = next(iter(box.limits.items()))
    if edges and high is None:
        msg = f"the signal box has no upper edge in {column}, so it cannot be divided; leave --bins out"
        raise UserError(msg)
    inner = [beam - edge for edge in edges]
    ends = [high, *inner, low]
    falling = [end for end in ends if end is not None]
    if any(b >= a for a, b in pairwise(falling)) or (inner and inner[-1] <= 0):
        msg = (
            f"--bins must rise from the {beam - (high or 0):g} GeV where the box begins to below the beam's "
            f"{beam:g} GeV, got {', '.join(f'{edge:g}' for edge in edges)}"
        )
        raise UserError(msg)
    return [
        Region(name=f"signal box, bin {k}", limits={**box.limits, column: (ends[k + 1], ends[k])})
        for k in range(len(ends) - 1)
    ]


def read_signals(
    runs: Sequence[StoredRun], settings: Settings, edges: Sequence[float], *, extrapolate: bool
) -> list[SignalRuns]:
    """
    Return the efficiencies of signals, by setup.

    Parameters
    ----------
    runs : sequence of StoredRun
        Of simulated signal; a dataset has one mass.
    settings : Settings
    edges : sequence of float [GeV]
        See `bins_of_box`.
    extrapolate : bool
        Take the nearest mass beyond those simulated.

    Raises
    ------
    UserError
        If a dataset is no signal, its box is empty, or a mass is there twice.
    """
    groups: dict[str, list[StoredRun]] = {}
    for run in runs:
        groups.setdefault(str(run.record["setup"]), []).append(run)
    found = []
    for members in groups.values():
        every = [_read(run, name, settings, edges) for run in members for name in run.datasets]
        made = [
            _efficiency([one for one in every if (one.process == _RESONANT) is wanted], is_open=extrapolate)
            for wanted in (False, True)
        ]
        if made[0] is None:
            setup = members[0].record["setup"]
            msg = f"signals of {setup} are all of {_RESONANT}; give runs of dark_photon too"
            raise UserError(msg)
        found.append(SignalRuns(members[0], made[0], made[1]))
    return found


def _read(run: StoredRun, dataset: str, settings: Settings, edges: Sequence[float]) -> _One:
    """Return the efficiency of one dataset: events in the box over those that the yield expects."""
    made = simulation_of(run, dataset)
    if made.process not in {*_RADIATED, _RESONANT}:
        wanted = ", ".join((*sorted(_RADIATED), _RESONANT))
        hint = "use --model visible" if made.process == _VISIBLE else f"signals are runs of {wanted}"
        msg = f"dataset '{dataset}' of {run.path} is {made.process}; {hint}"
        raise UserError(msg)
    parameters = run.inputs_of(dataset)[0]["parent"]["processes"][0]["parameters"]
    selection, setup = selection_of(run), load_setup(run.record["setup"])
    beam = beam_of(setup)
    sums = [made.sum_of(_PLANE, region) for region in bins_of_box(selection, beam.energy, edges)]
    total = sum(part.total for part in sums)
    if not total > 0:
        msg = f"no event of dataset '{dataset}' of {run.path} is in the signal box; simulate more"
        raise UserError(msg)
    per_particle = _per_particle(made.process, beam, parameters, selection.signal.missing_energy, settings)
    error = float(np.sqrt(sum(part.squares for part in sums)) / total)
    scale, other = shifts_of(run, dataset)
    values = tuple(part.total / made.eot / per_particle for part in sums)
    return _One(made.process, float(parameters["mass"]), values, error, scale, other)


def _per_particle(
    process: str, beam: Beam, parameters: dict[str, Any], least: float, settings: Settings
) -> float:
    """Return what the files' own coupling makes per beam particle above the missing energy."""
    mass = float(parameters["mass"])
    if process == "z_prime":
        per_square = muon_yield(beam.nuclei, beam.energy, mass, least, beam.thickness)
        return per_square * float(parameters["coupling"]) ** 2
    square = float(parameters["epsilon"]) ** 2
    if process == _RESONANT:
        own = Settings(alpha_d=float(parameters["alpha_d"]), mass_ratio=float(parameters["mass_ratio"]))
        made = resonance(beam, mass, least, own, is_narrow=False)
        return square * (made.primary if beam.particle == "e+" else made.secondary)
    return square * radiated(beam, mass, least).primary


def shifts_of(run: StoredRun, dataset: str) -> tuple[Shifts, Shifts]:
    """Return the relative shifts (down, up) of the efficiency in quadrature: scales, and all others."""
    scales = {v["name"] for v in run.record.get("variations", []) if v.get("scale")}
    tables = efficiency_tables({"datasets": {dataset: run.datasets[dataset]}})
    if not tables:
        return (0.0, 0.0), (0.0, 0.0)
    product = tables[0].products[-1]
    sums = []
    for wanted in (True, False):
        shifts = np.array([product.shift(name) for name in product.varied if (name in scales) is wanted])
        shifts = shifts[np.isfinite(shifts)]
        parts = (shifts[shifts < 0], shifts[shifts > 0])
        sums.append(tuple(float(np.sqrt((part**2).sum())) for part in parts))
    return sums[0], sums[1]  # type: ignore[return-value]


def averaged(shifts: Sequence[Shifts], errors: Sequence[float]) -> Shifts:
    """Return the mean shifts of several efficiencies, weighted by their relative errors."""
    down, up = np.average(np.array(shifts), axis=0, weights=1 / np.array(errors) ** 2)
    return float(down), float(up)


def _efficiency(found: Sequence[_One], *, is_open: bool) -> Efficiency | None:
    if not found:
        return None
    rising = sorted(found, key=lambda one: one.mass)
    masses = [one.mass for one in rising]
    if len(set(masses)) < len(masses):
        twice = next(m for m in masses if masses.count(m) > 1)
        msg = f"the signal of {1e3 * twice:g} MeV is there twice; give one run per mass and setup"
        raise UserError(msg)

    errors = tuple(one.error for one in rising)
    return Efficiency(
        masses=tuple(masses),
        values=tuple(one.values for one in rising),
        errors=errors,
        scale=averaged([one.scale for one in rising], errors),
        selection=averaged([one.selection for one in rising], errors),
        is_extrapolated=is_open,
    )
