"""The options of `na64 report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(
    run: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN")],
    background: Annotated[
        Path, typer.Option("--background", help="Directory that na64 background wrote.", metavar="DIR")
    ],
) -> None:
    """Put the expected background into report.html of a run directory."""
    from na64.commands.report import renew_report

    raise typer.Exit(renew_report(run, background))
