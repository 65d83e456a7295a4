"""The options of `na64 optimise`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["optimise"]


def optimise(
    signal: Annotated[
        list[Path], typer.Argument(help="Run directories of simulated signal.", metavar="SIGNAL...")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Run directory of closed data, for its side bands.", metavar="RUN"),
    ] = None,
    simulation: Annotated[
        list[Path] | None,
        typer.Option("--simulation", help="Run directory of one background; repeat.", metavar="RUN"),
    ] = None,
    eot: Annotated[
        float | None,
        typer.Option("--eot", help="Particles on target of the data, where the run does not say."),
    ] = None,
    scans: Annotated[
        list[str] | None,
        typer.Option(
            "--scan",
            help="Threshold to scan, CUT.KEY or signal_box.COLUMN, and between what; repeat. Default: those "
            "of the analysis.",
            metavar="NAME[=LOW:HIGH:STEPS]",
        ),
    ] = None,
    figure: Annotated[
        str, typer.Option("--figure", help="limit (expected upper limit) or punzi (discovery).")
    ] = "limit",
    replicas: Annotated[
        int, typer.Option("--replicas", min=20, max=2000, help="Bootstrap samples, for the errors.")
    ] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the replicas and halves.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there.")] = False,
) -> None:
    """Find the thresholds of the best expected sensitivity, on simulation and side bands.

    The box stays closed. All runs need `na64 run --save-events`.
    """
    from na64.commands.optimise import OptimiseOptions
    from na64.commands.optimise import optimise as find

    raise typer.Exit(
        find(
            OptimiseOptions(
                signal=tuple(signal),
                output=output,
                data=data,
                simulation=tuple(simulation or ()),
                eot=eot,
                scans=tuple(scans or ()),
                figure=figure,
                replicas=replicas,
                seed=seed,
                overwrite=overwrite,
            )
        )
    )
