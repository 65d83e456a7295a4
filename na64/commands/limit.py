"""`na64 limit`: from run directories to an exclusion curve."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

import numpy as np
import typer

from datasets.config import nearest
from limits.impacts import Impact, impacts
from limits.model import counts_of, workspace
from limits.scan import Point, Problem, channels_of, project, seed_of
from limits.signal import MODELS, Settings
from limits.upper import Method
from na64.commands.common import show_progress
from na64.commands.limit_visible import write_band
from na64.errors import UserError
from na64.limit.applicable import require_applicable
from na64.limit.curves import Curve, notes_on, read_curve
from na64.limit.data import Assumed
from na64.limit.hepdata import hepdata
from na64.limit.inputs import LimitInputs, read_inputs, read_projection
from na64.limit.options import (
    LimitOptions,
    masses_of_grid,
    named_numbers,
    notes_of,
    numbers,
    parse_assumed,
    parse_moment,
)
from na64.limit.plots import Extras, plot_limits
from na64.limit.scan import Store, scan
from na64.limit.tables import impacts_csv, limits_csv, limits_json, limits_text, ratios_text
from na64.run.execution import choose_execution, keep_logs, log_folder
from na64.run.identity import digest_of
from na64.run.outputs import check_output, replace_path
from na64.run.record import versions
from na64.run.resume import PARTS_FOLDER, own_folder, working_folder
from na64.run.stored import read_run
from na64.tracks.attached import attach_tracks
from physics.relic import DarkMatter
from processors.executors import open_pool
from processors.runner import Execution

__all__ = ["compute_limits"]

_MARK = "limits.json"
_FACTORS = 7  # exposures of a projection


class _Found(NamedTuple):
    problem: Problem
    inputs: LimitInputs
    points: list[Point]
    impacts: list[Impact]
    impacts_at: float  # [GeV]
    extras: Extras


def compute_limits(options: LimitOptions) -> int:
    """
    Compute the limits of a grid of masses, and write tables, figures and the workspace.

    Returns
    -------
    int
        Exit status.
    """
    _check(options)
    paths = [*options.runs, *options.background, *options.signal, *options.track_length]
    check_output(
        options.output,
        [str(path) for path in paths],
        overwrite=options.overwrite,
        is_directory=True,
        mark=_MARK,
    )
    masses = masses_of_grid(options.grid)
    dark_sector = (options.alpha_d, options.mass_ratio) if options.model == "invisible" else None
    curves = [read_curve(word, dark_sector, options.model) for word in options.overlay]
    if options.model == "visible":
        return write_band(options, masses, curves)
    inputs = _with_tracks(_inputs(options), options.track_length)
    notes = (*notes_of(options), *notes_on(curves, masses, is_band=False))
    inputs = inputs._replace(notes=(*inputs.notes, *notes))
    problem = Problem(
        runs=inputs.runs,
        model=MODELS[options.model],
        settings=_settings(options),
        yield_error=options.yield_error,
        level=options.level,
        method=cast("Method", options.method),
        n_toys=options.toys,
        seed=options.seed,
    )
    workers = options.workers
    execution = choose_execution(options.executor, workers, options.cluster, 1, log_folder(options.output))
    with own_folder(options.output) as folder:
        points = _scan(options, problem, masses, execution, folder)
        found = _describe(options, problem, inputs, points, curves)
        made = folder / "output"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        text = _write(made, found)
        replace_path(made, options.output, overwrite=options.overwrite)
        shutil.rmtree(folder / PARTS_FOLDER, ignore_errors=True)
    keep_logs(options.output)
    typer.echo(text, nl=False)
    typer.echo(f"tables, figures and workspace: {options.output}")
    return 0


def _check(options: LimitOptions) -> None:
    known = (*MODELS, "visible")
    if options.model not in known:
        hint = nearest(options.model, known) or "."
        msg = f"unknown model '{options.model}'{hint} Models: {', '.join(known)}"
        raise UserError(msg)
    for name, value, choices in (
        ("--method", options.method, get_args(Method)),
        ("--dark-matter", options.dark_matter, get_args(DarkMatter)),
    ):
        if value not in choices:
            hint = nearest(value, choices) or "."
            msg = f"{name} {value} is not known{hint} There are: {', '.join(choices)}"
            raise UserError(msg)
    _check_numbers(options)
    if bool(options.runs) == bool(options.projection):
        msg = "give --runs of data, or --projection with the particles on target, and not both"
        raise UserError(msg)
    require_applicable(options)
    if not options.signal and options.model != "visible":
        msg = "give --signal: run directories of simulated signals, a mass each (docs/limits.md)"
        raise UserError(msg)


def _check_numbers(options: LimitOptions) -> None:
    if not 0 < options.mass_ratio < 0.5:
        msg = f"--mass-ratio must be above 0 and below 0.5, got {options.mass_ratio:g}"
        raise UserError(msg)
    if not 0 < options.alpha_d < math.inf:
        msg = f"--alpha-d must be a number above 0, got {options.alpha_d:g}"
        raise UserError(msg)
    if not 0 <= options.yield_error <= 1:
        msg = f"--yield-error is relative, from 0 to 1 (0.1 is 10%), got {options.yield_error:g}"
        raise UserError(msg)
    parse_moment(options.moment)


def _settings(options: LimitOptions) -> Settings:
    return Settings(
        alpha_d=options.alpha_d,
        mass_ratio=options.mass_ratio,
        dark_matter=cast("DarkMatter", options.dark_matter),
        with_resonance=not options.without_resonance,
        electron_motion=options.electron_motion,
    )


def _inputs(options: LimitOptions) -> LimitInputs:
    signals = [read_run(path) for path in options.signal]
    assumed: Assumed | None = parse_assumed(options.assume_background)
    edges = numbers("--bins", options.bins)
    if options.projection:
        exposures = named_numbers("--projection", options.projection, "EOT")
        if set(exposures) != {""}:
            msg = f"--projection SETUP=EOT is of --model visible; {options.model} takes one --projection EOT"
            raise UserError(msg)
        return read_projection(
            signals,
            _settings(options),
            exposures[""],
            assumed=assumed,
            edges=edges,
            extrapolate=options.extrapolate,
        )
    return read_inputs(
        [read_run(path) for path in options.runs],
        options.background,
        signals,
        _settings(options),
        eot=named_numbers("--eot", options.eot, "[RUN=]NUMBER"),
        assumed=assumed,
        edges=edges,
        with_dimuons=options.dimuon_correction,
        extrapolate=options.extrapolate,
    )


def _with_tracks(inputs: LimitInputs, paths: Sequence[Path]) -> LimitInputs:
    runs, sources, notes = attach_tracks(inputs.runs, paths)
    return inputs._replace(runs=runs, sources=(*inputs.sources, *sources), notes=(*inputs.notes, *notes))


def _identity(problem: Problem) -> list[Any]:
    """Return all that decides the value of a point, but its mass."""
    runs = [asdict(run) for run in problem.runs]
    tracks = [None if run.beam.tracks is None else run.beam.tracks.digest for run in problem.runs]
    rest = [tracks, problem.yield_error, problem.level, problem.method, problem.n_toys, problem.seed]
    return [problem.model.name, asdict(problem.settings), runs, rest, versions()]


def _scan(
    options: LimitOptions, problem: Problem, masses: Sequence[float], execution: Execution, folder: Path
) -> list[Point]:
    parts = folder / PARTS_FOLDER
    store = Store(parts / digest_of(_identity(problem))[:32])
    if not options.resume:
        _require_none_kept(options, store.kept(masses), len(masses))
        shutil.rmtree(parts, ignore_errors=True)
    try:
        with show_progress() as tell:
            return scan(
                problem,
                masses,
                partial(open_pool, execution.executor, execution.workers, execution.cluster),
                width=1 if execution.executor == "iterative" else 2 * _most(execution),
                store=store,
                tell=lambda done, total: tell("masses", done, total),
            )
    except KeyboardInterrupt:
        kept = store.kept(masses)
        typer.echo(f"na64: {kept} of {len(masses)} masses are kept; --resume goes on from there", err=True)
        raise


def _require_none_kept(options: LimitOptions, kept: int, total: int) -> None:
    """Refuse to lose masses that an interrupted scan has kept, unless the user says so."""
    if kept and not options.overwrite:
        msg = (
            f"{kept} of {total} masses of this very scan, which was interrupted, are kept in "
            f"{working_folder(options.output)}; go on from there with --resume, or begin anew with "
            f"--overwrite"
        )
        raise UserError(msg)


def _most(execution: Execution) -> int:
    most = None if execution.cluster is None else execution.cluster.most
    return max(execution.workers, most or 0)


def _describe(
    options: LimitOptions,
    problem: Problem,
    inputs: LimitInputs,
    points: list[Point],
    curves: Sequence[Curve],
) -> _Found:
    """Return what is told beside the points: impacts and a projection at one mass."""
    middle = np.sqrt(points[0].mass * points[-1].mass)
    wanted = middle if options.impacts_at is None else 1e-3 * options.impacts_at
    at = min(points, key=lambda point: abs(np.log(point.mass / wanted)))
    found = impacts(
        channels_of(problem, at.mass, at.reference),
        level=problem.level,
        method=problem.method,
        n_toys=problem.n_toys,
        seed=seed_of(problem.seed, at.mass),
    )
    projection: list[tuple[float, float, float]] = []
    if options.project is not None:
        factors = np.geomspace(1.0, options.project, _FACTORS)
        projection = project(problem, at.mass, [float(f) for f in factors])
    extras = Extras(curves, parse_moment(options.moment), projection, at.mass)
    return _Found(problem, inputs, points, found, at.mass, extras)


def _write(folder: Path, found: _Found) -> str:
    problem, inputs, points, impacts_found, at, extras = found
    text = limits_text(problem, points, inputs.state, inputs.notes, impacts_found)
    text += ratios_text(points, extras.curves)
    content = limits_json(
        problem,
        points,
        state=inputs.state,
        sources=inputs.sources,
        notes=inputs.notes,
        impacts=impacts_found,
        impacts_at=at,
    )
    if extras.projection:
        names = ("eot", "limit", "limit_without_background")
        content["projection"] = [dict(zip(names, row, strict=True)) for row in extras.projection]
    point = next(p for p in points if p.mass == at)
    for name, words in (
        ("limits.txt", text),
        ("limits.csv", limits_csv(problem, points)),
        ("impacts.csv", impacts_csv(impacts_found)),
        (_MARK, _json(content)),
        ("workspace.json", _json(_workspace(problem, point))),
    ):
        (folder / name).write_text(words, encoding="utf-8")
    (folder / "hepdata").mkdir()
    for name, words in hepdata(problem, points, impacts_found).items():
        (folder / "hepdata" / name).write_text(words, encoding="utf-8")
    plot_limits(problem, points, impacts_found, inputs.state, extras, folder / "plots")
    return text


def _workspace(problem: Problem, point: Point) -> Mapping[str, Any]:
    """Return the workspace of one mass; mu = 1 is the coupling that `point` calls its reference."""
    channels = channels_of(problem, point.mass, point.reference)
    return workspace(channels, counts_of(channels))


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"
