"""`na64 optimise`: which thresholds promise the best sensitivity, without opening the box."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np
import typer

from datasets.config import nearest
from na64.errors import UserError
from na64.optimise.plots import plot_optimum
from na64.optimise.tables import apply_options, optimise_json, optimise_markdown
from na64.optimise.task import Task, check_scans, make_task
from na64.run.outputs import check_output, replace_path
from na64.run.stored import read_run
from selections.optimisation.config import load_optimisation
from selections.optimisation.problem import FigureName
from selections.optimisation.search import Optimum, find_optimum

__all__ = ["OptimiseOptions", "optimise"]

_MARK = "optimise.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiseOptions:
    """The options of `na64 optimise`."""

    signal: tuple[Path, ...]
    output: Path
    data: Path | None = None
    simulation: tuple[Path, ...] = ()
    eot: float | None = None
    scans: tuple[str, ...] = ()
    figure: str = "limit"
    replicas: int = 100
    seed: int = 1
    overwrite: bool = False


def optimise(options: OptimiseOptions) -> int:
    """
    Find the best thresholds and write tables and figures.

    Returns
    -------
    int
        Exit status.
    """
    _check(options)
    inputs = [*options.signal, *options.simulation, *([options.data] if options.data else [])]
    check_output(
        options.output,
        [str(path) for path in inputs],
        overwrite=options.overwrite,
        is_directory=True,
        mark=_MARK,
    )
    signals = [read_run(path) for path in options.signal]
    data = read_run(options.data) if options.data else None
    config = load_optimisation(signals[0].record["analysis"]).chosen(options.scans)
    simulations = [read_run(path) for path in options.simulation]
    figure = cast("FigureName", options.figure)
    task = make_task(signals, data, simulations, options.eot, figure, config.level)
    config = check_scans(config, task, options.scans)
    rng = np.random.default_rng(options.seed)
    optimum = find_optimum(task.problem, task.start, config, rng, n_replicas=options.replicas)
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        _write(partial, task, optimum, options.seed)
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    typer.echo(optimise_markdown(task, optimum), nl=False)
    typer.echo(f"\ntables and figures: {options.output}")
    return 0


def _check(options: OptimiseOptions) -> None:
    if options.eot is not None and not options.eot > 0:
        msg = f"--eot must be above 0, got {options.eot:g}"
        raise UserError(msg)
    known = get_args(FigureName)
    if options.figure not in known:
        hint = nearest(options.figure, known) or "."
        msg = f"unknown figure of merit '{options.figure}'{hint} There are: {', '.join(known)}"
        raise UserError(msg)


def _write(folder: Path, task: Task, optimum: Optimum, seed: int) -> None:
    for name, text in (
        ("optimise.md", optimise_markdown(task, optimum)),
        ("options.txt", apply_options(optimum) + "\n"),
        (_MARK, json.dumps(optimise_json(task, optimum, seed), indent=2, allow_nan=False) + "\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    plot_optimum(task, optimum, folder / "plots")
