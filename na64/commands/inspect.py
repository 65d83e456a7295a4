"""`na64 inspect`: what files hold, and what an analysis would miss."""

from __future__ import annotations

import typer

from datasets.config import ConfigError
from datasets.probe import Probe, UnreadableError, probe_file
from datasets.setups import load_setup, setup_names
from datasets.sources import InputFile, find_inputs
from datasets.trees import read_trees
from na64.commands.common import processor_class
from processors.reconstruction import provided_columns
from selections.selection import ANALYSES

__all__ = ["inspect_files"]


def inspect_files(inputs: tuple[str, ...], *, setup: str | None, layout: str | None, branches: bool) -> int:
    """
    Print what each file is.

    Returns
    -------
    int
        Exit status: 1 where a file cannot be used.
    """
    failed = 0
    for file in find_inputs(inputs):
        typer.echo(f"{file.path}")
        try:
            _show_trees(file, branches=branches)
            _show(file, setup, layout)
        except (UnreadableError, ConfigError) as error:
            typer.echo(f"  not usable: {error}")
            failed += 1
        typer.echo("")
    return 1 if failed else 0


def _show_trees(file: InputFile, *, branches: bool) -> None:
    trees, _, _ = read_trees(file.path)
    for tree in trees:
        typer.echo(
            f"  tree     {tree.name} ({tree.type}, {tree.entries} entries, {len(tree.branches)} branches)"
        )
        if branches:
            for name in tree.branches:
                typer.echo(f"             {name}")
    if not trees:
        typer.echo("  tree     none")


def _show(file: InputFile, setup: str | None, layout: str | None) -> None:
    """Print layout, kind and what each analysis would miss of one file."""
    probe = probe_file(file, layout=layout, setup=setup, need_setup=False)
    typer.echo(f"  layout   {probe.layout.name} ({probe.layout.title})")
    typer.echo(f"  level    {probe.layout.level}")
    typer.echo(f"  kind     {probe.kind}: {probe.kind_reason}")
    period = f", period {probe.period.name}" if probe.period is not None else ""
    typer.echo(f"  setup    {probe.setup or 'not known (no run number): give --setup NAME'}{period}")
    typer.echo(f"  entries  {probe.tree.entries}")
    known = load_setup(probe.setup) if probe.setup else None
    absent = [name for name in probe.layout.branches(known) if name not in probe.tree.branches]
    if absent:
        typer.echo(f"  absent   branches that the layout names: {', '.join(absent)}")
    for analysis in ANALYSES:
        typer.echo(f"  analysis {analysis}: {_missing(probe, analysis)}")


def _missing(probe: Probe, analysis: str) -> str:
    """Return what an analysis would miss of a file; without a setup, what it would miss with any."""
    lacking = [_lacking(probe, analysis, name) for name in ([probe.setup] if probe.setup else setup_names())]
    common = {
        cut: [column for column in columns if all(column in other.get(cut, []) for other in lacking)]
        for cut, columns in lacking[0].items()
    }
    parts = [f"{', '.join(columns)} for {cut}" for cut, columns in common.items() if columns]
    return f"misses {'; '.join(parts)}" if parts else "everything is there"


def _lacking(probe: Probe, analysis: str, setup_name: str) -> dict[str, list[str]]:
    setup = load_setup(setup_name)
    selection = processor_class(analysis)(setup_name).selection_for(setup)
    return selection.needs(provided_columns(probe.quantities, probe.layout, setup))
