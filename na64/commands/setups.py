"""`na64 setups`, `layouts`, `columns`: what the project knows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from datasets.layouts import layout_names, load_layout
from datasets.setups import load_setup, setup_names
from recon.columns import COLUMNS
from recon.geometry import Setup

__all__ = ["list_columns", "list_layouts", "list_setups", "show"]


def list_setups() -> None:
    """Print each setup with its runs and where its numbers come from."""
    for name in setup_names():
        setup = load_setup(name)
        runs = ", ".join(f"{first}-{last}" for first, last in setup.runs) or "no runs"
        typer.echo(f"{name:<16} {setup.title} ({runs}; {_sources(setup)})")


def _sources(setup: Setup) -> str:
    """Return how many numbers are published, assumed, ..."""
    counts = Counter(source.partition(":")[0] for source in setup.sources.values())
    return ", ".join(f"{number} numbers {what}" for what, number in sorted(counts.items()))


def show(name: str, output: Path | None, *, numbers: bool) -> None:
    """Draw a setup and print its elements."""
    from na64.errors import UserError
    from na64.plotting.beamline import draw_setup

    setup = load_setup(name)
    path = output or Path(f"{setup.name}.png")
    if path.suffix not in {".png", ".pdf"}:
        msg = f"cannot draw {path.name}: the name must end in .png or .pdf"
        raise UserError(msg)
    typer.echo(f"{setup.name}: {setup.title}")
    typer.echo(f"  beam {setup.beam.particle} {setup.beam.momentum:g} GeV; {_sources(setup)}")
    if setup.beam.intensity:
        typer.echo(f"  {setup.beam.intensity:g} particles in a spill of {setup.beam.spill_length:g} s")
    if str(setup.trigger):
        typer.echo(f"  trigger: {setup.trigger}")
    for spectrometer in setup.spectrometers.values():
        typer.echo(f"  spectrometer {spectrometer.name}: {spectrometer.field_integral:g} T m")
        for magnet in spectrometer.magnets:
            typer.echo(
                f"    z {magnet.z:>8.0f} mm  {magnet.name} ({magnet.field:g} T over {magnet.length:g} mm)"
            )
        for plane in spectrometer.planes:
            typer.echo(f"    z {plane.z:>8.0f} mm  {plane.name} ({plane.resolution:g} mm resolution)")
    for detector in setup.detectors.values():
        typer.echo(f"  detector {detector.name}")
        for section in detector.sections:
            cells = "x".join(str(n) for n in section.grid.shape)
            typer.echo(f"    z {section.z:>8.0f} mm  {section.name} ({cells} cells) {section.matter or ''}")
    if numbers:
        for where, source in setup.sources.items():
            typer.echo(f"  {where:<60} {source}")
    draw_setup(setup, path)
    typer.echo(f"drawing: {path}")


def list_layouts() -> None:
    """Print each layout with its tree and level."""
    for name in layout_names():
        layout = load_layout(name)
        typer.echo(f"{name:<12} tree {layout.tree:<10} {layout.level:<14} {layout.title}")


def list_columns() -> None:
    """Print each declared column."""
    for column in COLUMNS.values():
        unit = f" [{column.unit}]" if column.unit else ""
        many = {"event": "", "parts": ", one per part", "list": ", a list"}[column.kind]
        typer.echo(f"{column.name:<26} {column.dtype}{many}: {column.meaning}{unit}")
