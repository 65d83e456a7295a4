"""`na64 efficiency`: efficiencies of finished runs, and how they fall with the beam's intensity."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from na64.efficiency import (
    Table,
    efficiency_json,
    efficiency_tables,
    efficiency_text,
    intensity_csv,
    intensity_latex,
    intensity_text,
)
from na64.efficiency_plots import draw_intensity
from na64.errors import UserError
from na64.outputs import check_output, replace_path
from na64.stored_run import read_json, read_record
from na64.style import save_figure

__all__ = ["compare_intensities"]

_DRAWN = 5  # factors beside the product, those that fall most


def compare_intensities(runs: Sequence[Path], output: Path | None) -> int:
    """
    Print the efficiencies of simulated runs, side by side where their intensities differ.

    Parameters
    ----------
    runs : sequence of Path
        Run directories.
    output : Path or None
        Folder to write tables and a figure to; it must not be there.

    Returns
    -------
    int
        Exit status.
    """
    found = [part for run in runs for part in _samples(run)]
    if not found:
        listed = ", ".join(str(run) for run in runs)
        msg = f"no simulated sample with efficiencies in {listed}; run simulated files with `na64 run` first"
        raise UserError(msg)
    points = _by_intensity(found) if len(found) > 1 else {}
    if output is not None and not points:
        msg = (
            f"--output is for several intensities; the table of one sample is in {runs[0] / 'efficiency.txt'}"
        )
        raise UserError(msg)
    if not points:
        typer.echo(efficiency_text([found[0][1]]))
        return 0
    typer.echo(intensity_text(points))
    if output is not None:
        _write(output, points, found[0][2], runs)
    return 0


def _samples(run: Path) -> list[tuple[float | None, Table, str]]:
    """Return intensity, efficiencies and setup of each simulated sample of a run."""
    record = read_record(run)
    intensities: dict[str, set[float | None]] = {}
    for entry in record["inputs"]:
        value = entry.get("parent", {}).get("intensity")
        intensities.setdefault(entry["dataset"], set()).add(value)
    found = []
    for table in efficiency_tables(read_json(run / "cutflow.json")):
        values = intensities.get(table.dataset, {None})
        if table.kind != "simulation":
            continue
        if len(values) > 1:
            listed = ", ".join(sorted(map(str, values)))
            msg = f"dataset '{table.dataset}' of {run} mixes the intensities {listed}; name them apart"
            raise UserError(msg)
        found.append((next(iter(values)), table, str(record["setup"])))
    return found


def _by_intensity(found: Sequence[tuple[float | None, Table, str]]) -> dict[float, Table]:
    """Return efficiencies by intensity, in rising order."""
    points: dict[float, Table] = {}
    for value, table, _ in found:
        if value is None:
            msg = f"files of dataset '{table.dataset}' do not say their intensity; `na64 simulate` writes it"
            raise UserError(msg)
        if value in points:
            msg = (
                f"datasets '{points[value].dataset}' and '{table.dataset}' both have {value:g} particles per "
                f"spill; give one run per intensity"
            )
            raise UserError(msg)
        points[value] = table
    names = {tuple(factor.name for factor in table.factors) for table in points.values()}
    if len(names) > 1:
        msg = "the runs have different cuts, so their efficiencies cannot stand side by side"
        raise UserError(msg)
    return dict(sorted(points.items()))


def _write(output: Path, points: Mapping[float, Table], setup: str, runs: Sequence[Path]) -> None:
    """Write the tables and the figure; they appear when complete."""
    check_output(output, [str(run) for run in runs], overwrite=False, is_directory=True)
    partial = output.with_name(f".{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    content: dict[str, Any] = {
        "intensities": [
            {"intensity": value, **next(iter(efficiency_json([table])["datasets"].values()))}
            for value, table in points.items()
        ]
    }
    try:
        for name, text in (
            ("intensity.txt", intensity_text(points)),
            ("intensity.csv", intensity_csv(points)),
            ("intensity.tex", intensity_latex(points)),
            ("intensity.json", json.dumps(content, indent=2) + "\n"),
        ):
            (partial / name).write_text(text, encoding="utf-8")
        save_figure(draw_intensity(points, _most_falling(points), setup), partial, "intensity")
        replace_path(partial, output, overwrite=False)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    typer.echo(f"tables and figure: {output}")


def _most_falling(points: Mapping[float, Table]) -> list[str]:
    """Return the factors that differ most between the lowest and the highest intensity."""
    first, *_, last = points.values()
    fall = {f.name: abs(f.value - g.value) for f, g in zip(first.factors, last.factors, strict=True)}
    chosen = sorted(fall, key=lambda name: -fall[name])[:_DRAWN]
    return [factor.name for factor in first.factors if factor.name in chosen]
