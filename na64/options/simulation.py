"""The commands `na64 simulate` and `na64 processes`; as in `na64.cli`, their work is in `na64.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from na64.options.common import (
    OverwriteOption,
)

__all__ = ["processes", "simulate"]


def simulate(
    setup: Annotated[str, typer.Argument(help="Detector setup, by name or YAML path.", metavar="SETUP")],
    process: Annotated[
        str, typer.Argument(help="A process (na64 processes lists them), or: mixture.", metavar="PROCESS")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="ROOT file to write.")],
    n_events: Annotated[int, typer.Option("-n", "--events", min=1, help="Events to write.")] = 10_000,
    level: Annotated[
        str, typer.Option("--level", help="simulated (energies per cell, true hits) or raw (digits).")
    ] = "simulated",
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**63 - 1, help="Of all random numbers.")] = 1,
    mixture: Annotated[
        str | None,
        typer.Option("--mixture", help="With PROCESS 'mixture': name or YAML path. [default: default]"),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change a parameter of the process; repeat for more.", metavar="KEY=VALUE"
        ),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(
            "--trigger",
            help="physics (counters, energies), beam (counters) or none. Default: the mixture's, or none.",
        ),
    ] = None,
    pile_up: Annotated[
        bool | None,
        typer.Option(
            "--pile-up/--no-pile-up",
            help="Other beam particles in the readout window, by the beam's intensity.",
        ),
    ] = None,
    intensity: Annotated[
        float | None,
        typer.Option(
            "--intensity",
            help="Beam particles per spill, for pile-up. Default: the setup's.",
            metavar="N",
        ),
    ] = None,
    run: Annotated[
        int,
        typer.Option(
            "--run",
            min=0,
            max=2**31 - 1,
            help="Run number of all events. One of a data-taking period makes pseudo-data, which "
            "na64 run --kind data reads as closed data. 0: no run of data.",
            metavar="N",
        ),
    ] = 0,
    alignment: Annotated[
        list[Path] | None,
        typer.Option(
            "--alignment",
            help="Tables that say where the planes really are, for --level raw; repeat, later ones override.",
            metavar="PATH",
        ),
    ] = None,
    container: Annotated[
        str | None, typer.Option("--format", help="ttree or rntuple. Default: rntuple for raw, else ttree.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes. Default: the machine's cores.")
    ] = None,
    patient: Annotated[
        bool, typer.Option("--patient", help="Go on where hardly any event passes the trigger.")
    ] = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Simulate events of a setup: from the beam to energies per cell or to raw digits."""
    from na64.commands.simulate import SimulateOptions, write_simulation

    raise typer.Exit(
        write_simulation(
            SimulateOptions(
                setup=setup,
                process=process,
                n_events=n_events,
                output=output,
                level=level,
                seed=seed,
                mixture=mixture,
                changes=tuple(changes or ()),
                trigger=trigger,
                pile_up=pile_up,
                intensity=intensity,
                run=run,
                alignment=tuple(str(path) for path in alignment or ()),
                format=container,
                workers=workers,
                is_patient=patient,
                overwrite=overwrite,
            )
        )
    )


def processes(
    setup: Annotated[str, typer.Argument(help="Detector setup, by name or YAML path.")] = "na64e_2018",
) -> None:
    """List the processes that can be simulated, with their yields and parameters."""
    from na64.commands.simulate import list_processes

    list_processes(setup)
