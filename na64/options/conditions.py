"""The commands `na64 conditions` and `na64 catalogue`; as in `na64.cli`, their work is in `na64.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["catalogue", "conditions_app"]

conditions_app = typer.Typer(
    help="Calibration, alignment and bad channels that hold for a run.", no_args_is_help=True
)


@conditions_app.command("check")
def check(
    tables: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Tables, or folders of them. Default: those of the project.", metavar="[PATH]..."
        ),
    ] = None,
    setup: Annotated[
        str | None,
        typer.Option("--setup", help="Name or YAML path: with ours, they must be complete for its runs."),
    ] = None,
) -> None:
    """Check tables, list what they override and leave out."""
    from na64.commands.conditions import check_conditions

    raise typer.Exit(check_conditions(tuple(tables or ()), setup))


@conditions_app.command("show")
def show(
    run: Annotated[int, typer.Argument(min=0, help="Number of the run.")],
    setup: Annotated[
        str | None, typer.Option("--setup", help="Name or YAML path. Default: that of the run's period.")
    ] = None,
    tables: Annotated[
        list[Path] | None,
        typer.Option("--conditions", help="Your own tables, or folders of them; repeat.", metavar="PATH"),
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="Show one table alone.")] = None,
    every: Annotated[bool, typer.Option("--all", help="List each channel, not each detector.")] = False,
) -> None:
    """Show what holds for a run, and the lines of the tables that say so."""
    from na64.commands.conditions import show_conditions

    raise typer.Exit(show_conditions(run, setup, tuple(tables or ()), table, every=every))


@conditions_app.command("ideal")
def ideal(
    setup: Annotated[str, typer.Argument(help="Detector setup, by name or YAML path.", metavar="SETUP")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    runs: Annotated[str, typer.Option("--runs", help="For which they hold: 5, 1-10 or 123-...")] = "0-...",
) -> None:
    """Write the conditions of a setup's simulation as tables to start from."""
    from na64.commands.conditions import write_ideal

    raise typer.Exit(write_ideal(setup, output, runs))


def catalogue(
    path: Annotated[Path | None, typer.Argument(help="YAML file. Default: that of the project.")] = None,
) -> None:
    """List the runs of a catalogue with quality and particles on target."""
    from na64.commands.conditions import list_catalogue

    raise typer.Exit(list_catalogue(path))
