"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "TIMEOUT",
    "CatalogueOption",
    "ChunkOption",
    "ClusterOption",
    "ConditionsOption",
    "DryRunOption",
    "ExecutorOption",
    "Inputs",
    "KindOption",
    "LayoutOption",
    "LossOption",
    "OverwriteOption",
    "ResumeOption",
    "SeedOption",
    "SetupOption",
    "TimeoutOption",
    "VerifyOption",
    "WorkersOption",
]

Inputs = Annotated[
    list[str],
    typer.Argument(
        help="ROOT files, globs, directories, URLs, or a fileset (YAML, JSON). NAME=PATH names the dataset.",
        metavar="INPUTS...",
        show_default=False,
    ),
]
SetupOption = Annotated[
    str | None,
    typer.Option("--setup", help="Detector setup, by name or YAML path. Default: by layout or run."),
]
LayoutOption = Annotated[
    str | None, typer.Option("--layout", help="Layout of the files, by name or YAML path. Default: found.")
]
KindOption = Annotated[
    str | None,
    typer.Option("--kind", help="data: treat simulation as data. Can only make a file stricter than it is."),
]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor", help="iterative (this process), futures (processes) or dask. Default: by --workers."
    ),
]
WorkersOption = Annotated[
    str | None,
    typer.Option("--workers", help="Worker processes; N:MAX follows the work (Dask).", metavar="N[:MAX]"),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        "--scheduler",
        help="Where Dask workers run: local, slurm, lxplus, a profile of your own (na64 clusters), or the "
        "address of a scheduler.",
        metavar="NAME|ADDRESS",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the job script of the cluster and do nothing.")
]
ChunkOption = Annotated[
    int | None,
    typer.Option("--chunk-size", min=1, help="Events per chunk.", show_default="100000; of raw digits 25000"),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**63 - 1, help="Of the smearing of simulated events.")
]
LossOption = Annotated[
    float,
    typer.Option(
        "--max-loss",
        min=0,
        max=1,
        help="Fraction of events that may be lost with exit status 0; otherwise any loss gives 1.",
    ),
]
ConditionsOption = Annotated[
    list[Path] | None,
    typer.Option("--conditions", help="Tables that override ours, for raw digits; repeat.", metavar="PATH"),
]
CatalogueOption = Annotated[
    Path | None,
    typer.Option("--catalogue", help="Runs, bad spills and particles on target. Default: the project's."),
]
ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with a run that was interrupted, or read again what was lost: only what is missing is "
        "processed. Without such a run, begin.",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there.")]
TIMEOUT = 600.0  # [s] that of `datasets.deadline`, which cannot be imported before the rooms are checked
TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=0.0,
        metavar="SECONDS",
        help="For the headers of a file, or one branch of a chunk; what takes longer is lost. 0: any time.",
    ),
]
VerifyOption = Annotated[
    bool | None,
    typer.Option(
        "--verify/--no-verify",
        help="Hash whole files, all of them or none. By default, those with a full digest in the catalogue.",
        show_default=False,
    ),
]
