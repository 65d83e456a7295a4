"""The options of `na64 background`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["background"]


def background(
    run: Annotated[Path, typer.Argument(help="Run directory of closed data.", metavar="RUN")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write.")],
    simulation: Annotated[
        list[Path] | None,
        typer.Option("--simulation", help="Run directory of one process; repeat.", metavar="RUN"),
    ] = None,
    eot: Annotated[
        float | None,
        typer.Option("--eot", help="Particles on target of the data, where the run does not say."),
    ] = None,
    beam: Annotated[
        Path | None,
        typer.Option(
            "--beam",
            help="Run directory of calibration triggers or simulated beam, made with --without-cut srd: "
            "electron efficiency, hadron mistag and contamination.",
            metavar="RUN",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there.")] = False,
) -> None:
    """Estimate the background in the closed region, from side bands and simulation."""
    from na64.commands.background import BackgroundOptions, write_background

    raise typer.Exit(
        write_background(
            BackgroundOptions(
                run=run,
                simulation=tuple(simulation or ()),
                output=output,
                eot=eot,
                beam=beam,
                overwrite=overwrite,
            )
        )
    )
