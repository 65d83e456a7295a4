"""The options of `na64 limit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from na64.options.common import (
    ClusterOption,
    ExecutorOption,
    OverwriteOption,
    WorkersOption,
)

__all__ = ["limit"]

_Paths = list[Path] | None


def limit(
    grid: Annotated[
        str,
        typer.Option(
            "--grid",
            help="Masses in MeV: even in ln(m), or 1,10,100.",
            metavar="LOW:HIGH:N",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write.")],
    runs: Annotated[
        _Paths, typer.Option("--runs", help="Run directory of data, closed or opened; repeat.", metavar="DIR")
    ] = None,
    background: Annotated[
        _Paths,
        typer.Option(
            "--background", help="Directory of na64 background; repeat. Each finds its run.", metavar="DIR"
        ),
    ] = None,
    signal: Annotated[
        _Paths,
        typer.Option("--signal", help="Run directory of a simulated signal; repeat.", metavar="DIR"),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", help="invisible, b-l, lmu-ltau, or visible.")
    ] = "invisible",
    toys: Annotated[int, typer.Option("--toys", min=100, help="Toys of a point of few counts.")] = 10_000,
    level: Annotated[float, typer.Option("--level", min=0.5, max=0.999, help="Of confidence.")] = 0.90,
    method: Annotated[
        str, typer.Option("--method", help="auto (toys below 20 events), toys, or asymptotic.")
    ] = "auto",
    eot: Annotated[
        list[str] | None,
        typer.Option(
            "--eot",
            help="Particles on target, where neither run nor background says; repeat.",
            metavar="[RUN=]NUMBER",
        ),
    ] = None,
    projection: Annotated[
        list[str] | None,
        typer.Option(
            "--projection",
            help="Instead of --runs: particles on target; of --model visible by setup: repeat.",
            metavar="[SETUP=]EOT",
        ),
    ] = None,
    setup: Annotated[
        str | None,
        typer.Option("--setup", help="Of --model visible without --signal."),
    ] = None,
    assume_efficiency: Annotated[
        float,
        typer.Option(
            "--assume-efficiency", min=1e-6, max=1.0, help="Of decays, for --model visible without --signal."
        ),
    ] = 0.6,
    assume_background: Annotated[
        str | None,
        typer.Option(
            "--assume-background",
            help="Of a run without --background, with its 68% interval.",
            metavar="EVENTS[:LOW:HIGH]",
        ),
    ] = None,
    yield_error: Annotated[
        float, typer.Option("--yield-error", help="Relative error of the signal's yield, up to 1.")
    ] = 0.1,
    dimuon_correction: Annotated[
        bool,
        typer.Option("--dimuon-correction", help="Multiply yields by the measured ratio of dimuons."),
    ] = False,
    alpha_d: Annotated[float, typer.Option("--alpha-d", help="Coupling of A' and dark matter.")] = 0.1,
    mass_ratio: Annotated[float, typer.Option("--mass-ratio", help="m_chi / m_A'.")] = 1 / 3,
    dark_matter: Annotated[
        str, typer.Option("--dark-matter", help="dirac, scalar, majorana or pseudo-dirac.")
    ] = "dirac",
    without_resonance: Annotated[
        bool, typer.Option("--without-resonance", help="Leave out e+ e- -> A' of the shower's positrons.")
    ] = False,
    electron_motion: Annotated[
        bool,
        typer.Option("--electron-motion", help="Atomic electrons move in e+ e- -> A'. Default: at rest."),
    ] = False,
    track_length: Annotated[
        _Paths,
        typer.Option(
            "--track-length",
            help="Of na64 tracks; one per target and beam. Default: the analytic form.",
            metavar="DIR",
        ),
    ] = None,
    bins: Annotated[
        str,
        typer.Option("--bins", help="Inner edges of bins of missing energy, GeV: 60,80.", metavar="LIST"),
    ] = "",
    extrapolate: Annotated[
        bool, typer.Option("--extrapolate", help="Beyond the simulated masses, take the nearest efficiency.")
    ] = False,
    overlay: Annotated[
        list[str] | None,
        typer.Option(
            "--overlay",
            help="Published curve: CSV with a header (docs/limits.md), na64_2016, na64_visible_2017; repeat.",
            metavar="FILE[:LABEL]",
        ),
    ] = None,
    moment: Annotated[
        str | None,
        typer.Option("--moment", help="Of the muon, to draw its band (lmu-ltau).", metavar="VALUE:ERROR"),
    ] = None,
    impacts_at: Annotated[
        float | None,
        typer.Option("--impacts-at", help="Mass in MeV of workspace and impacts. Default: the middle."),
    ] = None,
    project: Annotated[
        float | None,
        typer.Option("--project", min=1.01, help="Draw the limit up to this multiple of the exposure."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Of the toys; each mass draws its own from it.")
    ] = 1,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a scan that was interrupted: its masses are kept.")
    ] = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Upper limits on the coupling of a boson against its mass, by CLs, from run directories."""
    from na64.commands.limit import compute_limits
    from na64.limit.options import LimitOptions

    raise typer.Exit(
        compute_limits(
            LimitOptions(
                output=output,
                grid=grid,
                runs=tuple(runs or ()),
                background=tuple(background or ()),
                signal=tuple(signal or ()),
                model=model,
                toys=toys,
                level=level,
                method=method,
                seed=seed,
                eot=tuple(eot or ()),
                projection=tuple(projection or ()),
                setup=setup,
                assume_efficiency=assume_efficiency,
                assume_background=assume_background,
                yield_error=yield_error,
                dimuon_correction=dimuon_correction,
                alpha_d=alpha_d,
                mass_ratio=mass_ratio,
                dark_matter=dark_matter,
                without_resonance=without_resonance,
                electron_motion=electron_motion,
                track_length=tuple(track_length or ()),
                bins=bins,
                extrapolate=extrapolate,
                overlay=tuple(overlay or ()),
                moment=moment,
                impacts_at=impacts_at,
                project=project,
                executor=executor,
                workers=workers,
                cluster=cluster,
                resume=resume,
                overwrite=overwrite,
            )
        )
    )
