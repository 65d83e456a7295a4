"""The options of `na64 run`."""

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
    ResumeOption,
    SeedOption,
    SetupOption,
    TimeoutOption,
    VerifyOption,
    WorkersOption,
)

__all__ = ["run"]


def run(
    analysis: Annotated[str, typer.Argument(help="invisible, muon, visible, hadron or positron")],
    inputs: Inputs,
    output: Annotated[Path, typer.Option("--output", "-o", help="Run directory to write.")],
    setup: SetupOption = None,
    layout: LayoutOption = None,
    kind: KindOption = None,
    conditions: ConditionsOption = None,
    catalogue: CatalogueOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    chunk_size: ChunkOption = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="CUT.KEY=VALUE: change a threshold.", metavar="CUT.KEY=VALUE"),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without-cut", help="Leave a cut out; repeat for more.", metavar="CUT"),
    ] = None,
    variations: Annotated[
        list[str] | None,
        typer.Option(
            "--variation",
            help="Systematic variation: a name, all, none, or a YAML file; repeat for more. Default: all on "
            "simulation, none on data, where a shift over the edge of the closed region needs a guard.",
            metavar="NAME",
        ),
    ] = None,
    save_events: Annotated[
        bool,
        typer.Option(
            "--save-events",
            help="Write which shown events pass which cuts, and what these read: for na64 diff and optimise.",
        ),
    ] = False,
    seed: SeedOption = 1,
    max_loss: LossOption = 0.0,
    timeout: TimeoutOption = TIMEOUT,
    verify: VerifyOption = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Run an analysis: cut-flow, histograms, plots and report, blind on data."""
    from na64.commands.run import RunOptions, run_analysis

    raise typer.Exit(
        run_analysis(
            RunOptions(
                analysis=analysis,
                inputs=tuple(inputs),
                output=output,
                setup=setup,
                layout=layout,
                kind=kind,
                conditions=tuple(str(path) for path in conditions or ()),
                catalogue=catalogue,
                executor=executor,
                workers=workers,
                cluster=cluster,
                chunk_size=chunk_size,
                changes=tuple(changes or ()),
                without=tuple(without or ()),
                variations=tuple(variations or ()),
                save_events=save_events,
                resume=resume,
                seed=seed,
                max_loss=max_loss,
                timeout=timeout,
                verify=verify,
                overwrite=overwrite,
                dry_run=dry_run,
            )
        )
    )
