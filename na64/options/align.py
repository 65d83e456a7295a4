"""The options of `na64 align`."""

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
    SetupOption,
    TimeoutOption,
    VerifyOption,
    WorkersOption,
)

__all__ = ["align"]


def align(
    inputs: Inputs,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of tables to write.")],
    spectrometer: Annotated[str, typer.Option("--spectrometer", help="Whose planes.")] = "incoming",
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            help="Plane that stays where it is; repeat. Default: first and last.",
            metavar="PLANE",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            help="Plane whose hits are not used, and that keeps its numbers; repeat.",
            metavar="PLANE",
        ),
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(
            "--fix", help="Keep one number of a plane: dx, dy or rotation; repeat.", metavar="PLANE.NUMBER"
        ),
    ] = None,
    field_off: Annotated[bool, typer.Option("--field-off", help="The magnets had no field.")] = False,
    momentum_spread: Annotated[
        float | None,
        typer.Option(
            "--momentum-spread",
            help="Relative, of the beam around its nominal momentum. Default: the setup's.",
        ),
    ] = None,
    passes: Annotated[int, typer.Option("--passes", min=1, help="At most so many.")] = 10,
    runs: Annotated[
        str | None,
        typer.Option(
            "--runs",
            help="For which the tables hold: 5, 1-10 or 123-... Default: those of the files.",
        ),
    ] = None,
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
    max_loss: LossOption = 0.0,
    timeout: TimeoutOption = TIMEOUT,
    verify: VerifyOption = None,
    overwrite: OverwriteOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Find where tracker planes are, from the tracks of raw files; of data by shown events only.

    Of runs of a calibration period, which may be without field, all events of calibration triggers are used.
    """
    from na64.commands.align import AlignOptions, write_alignment

    raise typer.Exit(
        write_alignment(
            AlignOptions(
                inputs=tuple(inputs),
                output=output,
                spectrometer=spectrometer,
                reference=tuple(reference or ()),
                without=tuple(without or ()),
                fix=tuple(fix or ()),
                field_off=field_off,
                momentum_spread=momentum_spread,
                passes=passes,
                runs=runs,
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
                max_loss=max_loss,
                timeout=timeout,
                verify=verify,
                overwrite=overwrite,
                dry_run=dry_run,
            )
        )
    )
