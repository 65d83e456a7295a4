"""The options of `na64 calibrate`."""

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
    LayoutOption,
    LossOption,
    OverwriteOption,
    SetupOption,
    TimeoutOption,
    VerifyOption,
    WorkersOption,
)

__all__ = ["calibrate"]


def calibrate(
    inputs: Inputs,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Directory to write: tables and statistics.")
    ],
    detector: Annotated[
        list[str] | None,
        typer.Option("--detector", help="Whose gains to find; repeat for muons. Default: ecal."),
    ] = None,
    particle: Annotated[
        str, typer.Option("--particle", help="Of the beam: electron, or muon (peak of each cell).")
    ] = "electron",
    energy: Annotated[
        list[str] | None,
        typer.Option(
            "--energy",
            help="Of the beam, of all files or of a dataset; repeat. Default: the setup's.",
            metavar="GEV|DATASET=GEV",
        ),
    ] = None,
    runs: Annotated[
        str, typer.Option("--runs", help="For which the tables hold: 5, 1-10, 123-...")
    ] = "0-...",
    setup: SetupOption = None,
    layout: LayoutOption = None,
    conditions: ConditionsOption = None,
    catalogue: CatalogueOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    chunk_size: ChunkOption = None,
    max_loss: LossOption = 0.0,
    timeout: TimeoutOption = TIMEOUT,
    verify: VerifyOption = None,
    overwrite: OverwriteOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Find gains, times, pedestals and noise from calibration runs; write tables of conditions."""
    from na64.commands.calibrate import CalibrateOptions
    from na64.commands.calibrate import calibrate as run_calibration

    raise typer.Exit(
        run_calibration(
            CalibrateOptions(
                inputs=tuple(inputs),
                output=output,
                detectors=tuple(detector or ("ecal",)),
                particle=particle,
                energies=tuple(energy or ()),
                runs=runs,
                setup=setup,
                layout=layout,
                conditions=tuple(str(path) for path in conditions or ()),
                catalogue=catalogue,
                executor=executor,
                workers=workers,
                cluster=cluster,
                chunk_size=chunk_size,
                max_loss=max_loss,
                timeout=timeout,
                verify=verify,
                overwrite=overwrite,
                dry_run=dry_run,
            )
        )
    )
