"""The options of commands that say what files hold, and what is known: setups, layouts, columns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from na64.options.common import Inputs, LayoutOption, SetupOption

__all__ = ["columns", "inspect", "layouts", "setups_app"]

setups_app = typer.Typer(help="List the detector setups, or show one.", invoke_without_command=True)


def inspect(
    inputs: Inputs,
    setup: SetupOption = None,
    layout: LayoutOption = None,
    branches: Annotated[bool, typer.Option("--branches", help="List the branches of each tree too.")] = False,
) -> None:
    """Say what files hold: trees, layout, level, kind and why, entries, and what each analysis would miss."""
    from na64.commands.inspect import inspect_files

    raise typer.Exit(inspect_files(tuple(inputs), setup=setup, layout=layout, branches=branches))


@setups_app.callback()
def setups(context: typer.Context) -> None:
    """List the detector setups."""
    if context.invoked_subcommand is None:
        from na64.commands.setups import list_setups

        list_setups()


@setups_app.command("show")
def show_setup(
    name: Annotated[str, typer.Argument(help="Name of a setup, or path of a YAML file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PNG or PDF to draw. Default: NAME.png here.")
    ] = None,
    numbers: Annotated[bool, typer.Option("--numbers", help="List every number with its source.")] = False,
) -> None:
    """Draw the beam line of a setup to scale and say which of its numbers are published or assumed."""
    from na64.commands.setups import show

    show(name, output, numbers=numbers)


def layouts() -> None:
    """List the layouts of ROOT files that are known."""
    from na64.commands.setups import list_layouts

    list_layouts()


def columns() -> None:
    """List the derived columns with type, unit and meaning."""
    from na64.commands.setups import list_columns

    list_columns()
