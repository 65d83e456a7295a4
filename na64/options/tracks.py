"""The options of `na64 tracks`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["tracks"]


def tracks(
    setup: Annotated[str, typer.Argument(help="Detector setup, by name or YAML path.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write.")],
    showers: Annotated[
        int, typer.Option("-n", "--showers", min=100, help="Showers; rounded up to a multiple of 50.")
    ] = 100_000,
    energy: Annotated[
        float | None, typer.Option("--energy", help="Of the beam, GeV. Default: the setup's.")
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="Energy down to which particles are followed, GeV.")
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the showers.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there.")] = False,
) -> None:
    """Simulate the track length of electrons and positrons in a target, for na64 limit --track-length."""
    from na64.commands.tracks import TracksOptions, write_track_lengths

    options = TracksOptions(
        setup=setup,
        output=output,
        showers=showers,
        energy=energy,
        threshold=threshold,
        seed=seed,
        overwrite=overwrite,
    )
    raise typer.Exit(write_track_lengths(options))
