"""The commands that read finished run directories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["diff", "efficiency"]


def efficiency(
    runs: Annotated[
        list[Path], typer.Argument(help="Run directories of simulated signal.", metavar="RUN...")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write tables and a figure to.")
    ] = None,
    background: Annotated[
        Path | None,
        typer.Option(
            "--background",
            help="Directory of na64 background: its dimuon ratio data/simulation corrects the efficiency.",
            metavar="DIR",
        ),
    ] = None,
) -> None:
    """Show signal efficiencies cut by cut; of runs at several intensities side by side."""
    from na64.commands.efficiency import compare_intensities

    raise typer.Exit(compare_intensities(runs, output, background))


def diff(
    first: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN1")],
    second: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN2")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    events: Annotated[int, typer.Option("--events", min=0, help="Moved events to list.")] = 10,
    everything: Annotated[
        bool, typer.Option("--all", help="List every histogram, dataset and variation that differs.")
    ] = False,
) -> None:
    """Say what differs between two runs, and which events moved; status 0 equal, 1 different, 2 error."""
    from na64.commands.diff import compare_runs

    raise typer.Exit(compare_runs(first, second, as_json=as_json, n_events=events, everything=everything))
