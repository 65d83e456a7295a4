"""The options of `na64 demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the run directories go.")] = Path(
        "runs"
    ),
    workers: Annotated[int, typer.Option("--workers", min=1, help="Dask worker processes.")] = 2,
) -> None:
    """Run the shipped samples: an open simulation and closed data, each with cut-flow, plane and report."""
    from na64.commands.demo import run_demo

    raise typer.Exit(run_demo(output, workers))
