"""`na64 demo`: the shipped samples, as open simulation and as closed data."""

from __future__ import annotations

from pathlib import Path

import typer

import datasets
from na64.commands.run import RunOptions, run_analysis

__all__ = ["run_demo"]

_SAMPLES = Path(datasets.__file__).parent / "samples"
_MIXTURE = ("electrons_100gev", "dimuon_enriched", "pions_100gev", "muons_100gev")
_NOT_IN_P348RECO = ("single_track", "track_momentum", "track_chi2", "track_angle", "hcal_r")


def run_demo(output: Path, workers: int) -> int:
    """
    Run both samples on Dask workers and say what to look at.

    Returns
    -------
    int
        Exit status of the first run that fails, else 0.
    """
    typer.echo(
        "1. Geant4 electrons, dimuons, pions and muons: simulation, never blinded. The SRD tag is left"
    )
    typer.echo(
        "   out, so that hadrons show their diagonal of constant energy in the (E_ECAL, E_HCAL) plane.\n"
    )
    status = run_analysis(
        RunOptions(
            analysis="invisible",
            inputs=tuple(str(_SAMPLES / "geant4" / f"{name}.root") for name in _MIXTURE),
            output=output / "demo_geant4",
            executor="dask",
            workers=workers,
            without=("srd",),
            overwrite=True,
        )
    )
    typer.echo(
        "\n2. A p348reco ntuple of run 3661, treated as data: its signal box is closed. It has neither"
    )
    typer.echo("   tracks nor HCAL cells, so the cuts on them are left out, which every output records.\n")
    return status or run_analysis(
        RunOptions(
            analysis="invisible",
            inputs=(str(_SAMPLES / "p348reco_tree.root"),),
            output=output / "demo_p348reco",
            executor="dask",
            workers=workers,
            without=_NOT_IN_P348RECO,
            overwrite=True,
        )
    )
