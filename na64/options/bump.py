"""The options of `na64 bump`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["bump"]


def bump(
    run: Annotated[Path, typer.Argument(help="Run directory of na64 run positron.", metavar="RUN")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write.")],
    alpha_d: Annotated[float, typer.Option("--alpha-d", help="Coupling of A' and dark matter.")] = 0.1,
    mass_ratio: Annotated[float, typer.Option("--mass-ratio", help="m_chi / m_A'.")] = 1 / 3,
    first: Annotated[
        float | None,
        typer.Option("--from", help="Least missing energy [GeV]; 5 GeV above the trigger's threshold."),
    ] = None,
    last: Annotated[
        float | None, typer.Option("--to", help="Largest missing energy [GeV]; that of the beam.")
    ] = None,
    toys: Annotated[int, typer.Option("--toys", help="Spectra drawn for the global p-value.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of these.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there.")] = False,
) -> None:
    """Look for the peak of e+ e- -> A' in the missing energy; what is closed in data is left out."""
    from na64.bump.search import SearchOptions
    from na64.commands.bump import BumpOptions, write_bump

    search = SearchOptions(alpha_d, mass_ratio, first, last, toys, seed)
    raise typer.Exit(write_bump(BumpOptions(run=run, output=output, search=search, overwrite=overwrite)))
