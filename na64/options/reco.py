"""The command `na64 reco`; as in `na64.cli`, its work is in `na64.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from na64.options.common import (
    TIMEOUT,
    CatalogueOption,
    ChunkOption,
    ClusterOption,
    ConditionsOption,
    DryRunOption,
    ExecutorOption,
    Inputs,
    KindOption,
    LayoutOption,
    LossOption,
    OverwriteOption,
    SeedOption,
    SetupOption,
    TimeoutOption,
    VerifyOption,
    WorkersOption,
)

__all__ = ["reco"]


def reco(
    inputs: Inputs,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .root or .parquet.")],
    keep: Annotated[
        str,
        typer.Option("--keep", help="Cuts that an event must pass, separated by commas.", metavar="CUT,CUT"),
    ] = "",
    analysis: Annotated[
        str, typer.Option("--analysis", help="Whose base requirement says which data may be seen.")
    ] = "invisible",
    setup: SetupOption = None,
    layout: LayoutOption = None,
    kind: KindOption = None,
    conditions: ConditionsOption = None,
    catalogue: CatalogueOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    chunk_size: ChunkOption = None,
    seed: SeedOption = 1,
    max_loss: LossOption = 0.0,
    timeout: TimeoutOption = TIMEOUT,
    verify: VerifyOption = None,
    overwrite: OverwriteOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write derived columns per event; of data the shown events only."""
    from na64.commands.reco import RecoOptions, write_columns

    raise typer.Exit(
        write_columns(
            RecoOptions(
                inputs=tuple(inputs),
                output=output,
                keep=tuple(name.strip() for name in keep.split(",") if name.strip()),
                analysis=analysis,
                setup=setup,
                layout=layout,
                kind=kind,
                conditions=tuple(str(path) for path in conditions or ()),
                catalogue=catalogue,
                executor=executor,
                workers=workers,
                cluster=cluster,
                chunk_size=chunk_size,
                seed=seed,
                max_loss=max_loss,
                timeout=timeout,
                verify=verify,
                overwrite=overwrite,
                dry_run=dry_run,
            )
        )
    )
