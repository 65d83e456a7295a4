"""The band of visible decays, of `na64 limit --model visible`: by its yield, without run directories."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence

import typer

from datasets.setups import load_setup
from limits.model import Nuisance, make_channel
from limits.upper import upper_limits
from limits.visible import Band, DecayEfficiency, DenseTarget, dense_target, visible_band, visible_yield
from na64.errors import UserError
from na64.limit.curves import Curve
from na64.limit.options import LimitOptions, parse_assumed
from na64.limit.plots import plot_visible
from na64.limit.tables import thinned
from na64.run.outputs import replace_path
from na64.run.record import versions
from na64.run.simulated import simulation_of
from na64.run.stored import StoredRun, read_run
from physics.dark_photon import ELECTRON
from recon.geometry import Setup

__all__ = ["write_band"]

_SETUP = "na64vis_2017"
_PROCESS = "visible_dark_photon"
_ASSUMED = 0.6  # efficiency, without a simulation


def write_band(options: LimitOptions, masses: Sequence[float], curves: Sequence[Curve]) -> int:
    """
    Write the band that an exposure excludes if nothing but the background is seen.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    UserError
        If there are run directories, which this model does not read, no exposure, or a mass without decays.
    """
    _require_decays(masses)
    if options.runs or options.background or options.projection is None:
        msg = (
            "--model visible is a projection: give --projection with the particles on target, --signal or "
            "--setup, and neither --runs nor --background"
        )
        raise UserError(msg)
    setup, efficiency, source = _efficiency(options)
    target = dense_target(setup)
    assumed = parse_assumed(options.assume_background)
    errors = [Nuisance("yield", 1 / (1 + options.yield_error), 1 + options.yield_error)]
    channel = make_channel("visible", 1.0, assumed or (0.0, 0.0, 0.0), errors=errors)
    limit = upper_limits([channel], level=options.level, n_toys=options.toys, seed=options.seed)
    events = limit.expected[2]
    bands = [visible_band(target, efficiency, mass, options.projection, events) for mass in masses]
    text = _text(options, bands, events, curves, source)
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        (partial / "limits.txt").write_text(text, encoding="utf-8")
        (partial / "limits.csv").write_text(_csv(bands), encoding="utf-8")
        content = {
            "version": 1,
            "model": "visible",
            "level": options.level,
            "eot": options.projection,
            "events": events,
            "setup": setup.name,
            "target": {name: getattr(target, name) for name in ("to_veto", "to_end", "least")},
            "efficiency": [list(point) for point in efficiency.points],
            "points": [
                {k: v if math.isfinite(v) else None for k, v in band._asdict().items()} for band in bands
            ],
            "versions": versions(),
        }
        (partial / "limits.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        plot_visible(bands, options.projection, curves, partial / "plots")
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    typer.echo(text, nl=False)
    typer.echo(f"tables and figures: {options.output}")
    return 0


def _require_decays(masses: Sequence[float]) -> None:
    light = [mass for mass in masses if mass <= 2 * ELECTRON]
    if light:
        msg = (
            f"--grid has {1e3 * light[-1]:g} MeV, and an A' decays to e+ e- above {2e3 * ELECTRON:.4g} "
            f"MeV alone, twice the electron's mass: begin --grid there, or take --model invisible"
        )
        raise UserError(msg)


def _csv(bands: Sequence[Band]) -> str:
    rows = [f"{b.mass:.9g},{b.lower:.6g},{b.upper:.6g},{b.most:.6g}".replace("nan", "") for b in bands]
    return "\n".join(["mass_GeV,eps_lower,eps_upper,events_at_best", *rows]) + "\n"


def _efficiency(options: LimitOptions) -> tuple[Setup, DecayEfficiency, str]:
    """Return setup and efficiency of simulated signals, or those that the options assume."""
    runs = [read_run(path) for path in options.signal]
    names = {str(run.record["setup"]) for run in runs} or {options.setup or _SETUP}
    if len(names) > 1 or (runs and options.setup not in {None, *names}):
        msg = f"a band is of one setup, got signals of {', '.join(sorted(names))} and --setup {options.setup}"
        raise UserError(msg)
    setup = load_setup(names.pop())
    if not runs:
        assumed = DecayEfficiency(points=((0.01, 1e-4, _ASSUMED),))
        return setup, assumed, f"efficiency assumed to be {_ASSUMED:g}; give --signal for a simulated one"
    target = dense_target(setup)
    points = [_point(run, name, target) for run in runs for name in run.datasets]
    if len({point[:2] for point in points}) < len(points):
        msg = "a mass and epsilon are among the signals twice; give one run of each"
        raise UserError(msg)
    low, high = (end(point[2] for point in points) for end in (min, max))
    source = f"efficiency of {len(points)} simulated signals: {low:.3f} to {high:.3f} of decays in the volume"
    return setup, DecayEfficiency(points=tuple(points)), source


def _point(run: StoredRun, dataset: str, target: DenseTarget) -> tuple[float, float, float]:
    """Return mass, epsilon and efficiency of a simulated dataset."""
    made = simulation_of(run, dataset)
    if made.process != _PROCESS:
        msg = f"dataset '{dataset}' of {run.path} is {made.process}; --model visible takes {_PROCESS}"
        raise UserError(msg)
    parameters = run.inputs_of(dataset)[0]["parent"]["processes"][0]["parameters"]
    mass, epsilon = float(parameters["mass"]), float(parameters["epsilon"])
    region = next(r for r in run.datasets[dataset]["regions"] if r["name"] == "signal_box")
    passed = float(region["events"]) * made.mean_weight
    if not passed > 0:
        msg = f"no event of dataset '{dataset}' of {run.path} is in the signal box; simulate more"
        raise UserError(msg)
    return mass, epsilon, passed / made.eot / visible_yield(target, mass, epsilon)


def _text(
    options: LimitOptions, bands: Sequence[Band], events: float, curves: Sequence[Curve], source: str
) -> str:
    lines = [
        f"A' -> e+ e-: epsilon excluded at {100 * options.level:g}% CL by {options.projection:.3g} electrons",
        f"  {events:.3f} events; {source}",
        "",
        "  mass [MeV]       from          to   events at best",
    ]
    for band in bands:
        ends = f"{band.lower:10.3e}  {band.upper:10.3e}" if math.isfinite(band.lower) else f"{'nothing':>22}"
        lines.append(f"  {1e3 * band.mass:10.4g} {ends}  {band.most:14.3g}")
    for curve in curves:
        ratios = [(b.mass, b.lower / curve.at(b.mass), b.upper / curve.upper_at(b.mass)) for b in bands]
        ratios = thinned([row for row in ratios if math.isfinite(row[1])])
        found = [
            f"{low:.3f} and {high:.3f} at {1e3 * mass:.4g}"
            for mass, low, high in ratios
            if math.isfinite(low)
        ]
        if found:
            lines.append(f"  lower and upper edge over {curve.label}: {', '.join(found)} MeV")
    return "\n".join(lines) + "\n"
