"""`na64 tracks`: showers of a setup's beam in its target, and the track length of their particles."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import typer

from datasets.setups import load_setup
from limits.track_simulation import measure_tracks
from limits.track_table import write_tracks
from na64.commands.common import show_progress
from na64.errors import UserError
from na64.run.outputs import check_output, replace_path
from na64.run.record import versions
from na64.tracks.comparison import tracks_csv, tracks_text
from na64.tracks.plots import plot_tracks

__all__ = ["TracksOptions", "write_track_lengths"]

_MARK = "tracks.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracksOptions:
    """The options of `na64 tracks`."""

    setup: str
    output: Path
    showers: int = 100_000
    energy: float | None = None  # [GeV] of the beam; None: the setup's
    threshold: float = 1.0  # [GeV]
    seed: int = 1
    overwrite: bool = False


def write_track_lengths(options: TracksOptions) -> int:
    """
    Simulate showers and write table, summary and figures.

    Returns
    -------
    int
        Exit status.
    """
    if options.energy is not None and not (math.isfinite(options.energy) and options.energy > 0):
        msg = f"--energy must be above 0, got {options.energy:g}"
        raise UserError(msg)
    setup = load_setup(options.setup)
    check_output(options.output, [], overwrite=options.overwrite, is_directory=True, mark=_MARK)
    with show_progress() as tell:
        table = measure_tracks(
            setup,
            options.showers,
            energy=options.energy,
            least=options.threshold,
            seed=options.seed,
            versions=versions(),
            tell=lambda done, total: tell("parts of the showers", done, total),
        )
    text = tracks_text(table)
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        write_tracks(table, partial / _MARK)
        (partial / "tracks.csv").write_text(tracks_csv(table), encoding="utf-8")
        (partial / "tracks.txt").write_text(text, encoding="utf-8")
        plot_tracks(table, partial / "plots")
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    typer.echo(text, nl=False)
    typer.echo(f"table for `na64 limit --track-length`, summary and figures: {options.output}")
    return 0
