"""The commands `na64 freeze` and `na64 unblind`; as in `na64.cli`, their work is in `na64.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from na64.options.common import (
    ClusterOption,
    ExecutorOption,
    OverwriteOption,
    ResumeOption,
    WorkersOption,
)

__all__ = ["freeze", "unblind"]


def freeze(
    run: Annotated[Path, typer.Argument(help="Run directory of closed data.", metavar="RUN")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: RUN.frozen.json.")
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Write what decided a closed run, by digests, and a statement to sign before its box is opened."""
    from na64.commands.unblind import freeze_run

    raise typer.Exit(freeze_run(run, output, overwrite=overwrite))


def unblind(
    statement: Annotated[
        Path,
        typer.Option(
            "--statement", metavar="FILE", help="YAML: who, when, why, and the digest of what is frozen."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Run directory to write.")],
    periods: Annotated[
        list[str] | None,
        typer.Option("--period", help="Open only this one of the statement's periods; repeat.", metavar="P"),
    ] = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    chunk_size: Annotated[int | None, typer.Option("--chunk-size", min=1, help="Events per chunk.")] = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """
    Run a frozen analysis once more with its box open; refuse if anything differs, and mark every output.

    All other commands keep all data closed, before and after.
    """
    from na64.commands.unblind import UnblindOptions
    from na64.commands.unblind import unblind as open_box

    raise typer.Exit(
        open_box(
            UnblindOptions(
                statement=statement,
                output=output,
                periods=tuple(periods or ()),
                executor=executor,
                workers=workers,
                cluster=cluster,
                chunk_size=chunk_size,
                resume=resume,
                overwrite=overwrite,
            )
        )
    )
