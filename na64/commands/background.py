"""`na64 background`: what is expected in the closed region."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import typer

from na64.background.estimate import Background, estimate_background
from na64.background.plots import plot_background
from na64.background.tables import background_json, background_latex, background_markdown
from na64.errors import UserError
from na64.run.outputs import check_output, replace_path
from na64.run.stored import read_run
from selections.background.config import load_background

__all__ = ["BackgroundOptions", "write_background"]

_MARK = "background.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundOptions:
    """The options of `na64 background`."""

    run: Path
    simulation: tuple[Path, ...]
    output: Path
    eot: float | None = None
    beam: Path | None = None
    overwrite: bool = False


def write_background(options: BackgroundOptions) -> int:
    """
    Estimate the background of a run directory and write tables and figures.

    Returns
    -------
    int
        Exit status.
    """
    if options.eot is not None and not options.eot > 0:
        msg = f"--eot must be above 0, got {options.eot:g}"
        raise UserError(msg)
    beams = () if options.beam is None else (options.beam,)
    inputs = [str(path) for path in (options.run, *options.simulation, *beams)]
    check_output(options.output, inputs, overwrite=options.overwrite, is_directory=True, mark=_MARK)
    simulations = [read_run(path) for path in options.simulation]
    beam = None if options.beam is None else read_run(options.beam)
    background = estimate_background(read_run(options.run), simulations, options.eot, beam)
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        _write(partial, background)
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    typer.echo(background_markdown(background), nl=False)
    typer.echo(f"tables and figures: {options.output}")
    return 0


def _write(folder: Path, background: Background) -> None:
    for name, text in (
        ("background.md", background_markdown(background)),
        ("background.tex", background_latex(background)),
        (_MARK, json.dumps(background_json(background), indent=2, allow_nan=False) + "\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    config = load_background(background.data.record["analysis"])
    plot_background(background, dict(config.side_bands), folder / "plots")
