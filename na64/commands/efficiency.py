"""`na64 efficiency`: efficiencies of finished runs, and how they fall with the beam's intensity."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import typer

from na64.efficiency.correction import (
    Correction,
    correct,
    correction_json,
    correction_line,
    read_correction,
)
from na64.efficiency.plots import draw_intensity
from na64.efficiency.tables import (
    Table,
    efficiency_json,
    efficiency_latex,
    efficiency_tables,
    efficiency_text,
    intensity_csv,
    intensity_latex,
    intensity_text,
)
from na64.errors import UserError
from na64.plotting.style import save_figure
from na64.run.outputs import check_output, replace_path
from na64.run.stored import read_json, read_record

__all__ = ["compare_intensities"]

_DRAWN = 5  # factors beside the product, those that fall most


def compare_intensities(runs: Sequence[Path], output: Path | None, background: Path | None = None) -> int:
    """
    Print the efficiencies of simulated runs, side by side where their intensities differ.

    Parameters
    ----------
    runs : sequence of Path
        Run directories.
    output : Path or None
        Folder to write tables and a figure to; it must not be there.
    background : Path, optional
        Directory of `na64 background`, whose dimuon ratio corrects the efficiency.

    Returns
    -------
    int
        Exit status.
    """
    correction = None if background is None else read_correction(background)
    found = [part for run in runs for part in _samples(run, correction)]
    if not found:
        listed = ", ".join(str(run) for run in runs)
        msg = f"no simulated sample with efficiencies in {listed}; run simulated files with `na64 run` first"
        raise UserError(msg)
    points = _by_intensity(found) if len(found) > 1 else {}
    if output is not None and not points and correction is None:
        msg = (
            f"--output is for several intensities or --background; the table of one sample is in "
            f"{runs[0] / 'efficiency.txt'}"
        )
        raise UserError(msg)
    table = found[0][1]
    typer.echo(
        intensity_text(points) if points else efficiency_text([table]), nl=bool(points) or not correction
    )
    if correction is not None:
        typer.echo(correction_line(correction))
    if output is not None:
        inputs = [*runs, *([background] if background is not None else [])]
        check_output(output, [str(path) for path in inputs], overwrite=False, is_directory=True)
        write = partial(_write_intensities, points, found[0][2]) if points else partial(_write_table, table)
        _write(output, write, correction)
    return 0


def _samples(run: Path, correction: Correction | None) -> list[tuple[float | None, Table, str]]:
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
        whole = table if correction is None else correct(table, correction, record, run)
        found.append((next(iter(values)), whole, str(record["setup"])))
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


def _write(
    output: Path, write: Callable[[Path, Correction | None], None], correction: Correction | None
) -> None:
    """Write tables and figures; they appear when complete."""
    working = output.with_name(f".{output.name}.partial")
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir(parents=True)
    try:
        write(working, correction)
        replace_path(working, output, overwrite=False)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    typer.echo(f"tables and figures: {output}")


def _write_table(table: Table, folder: Path, correction: Correction | None) -> None:
    """Write the efficiencies of one sample."""
    _write_texts(
        folder,
        "efficiency",
        efficiency_json([table]),
        correction,
        {
            "txt": efficiency_text([table]),
            "tex": efficiency_latex([table]),
        },
    )


def _write_intensities(
    points: Mapping[float, Table], setup: str, folder: Path, correction: Correction | None
) -> None:
    """Write the efficiencies of several intensities, with a figure."""
    content: dict[str, Any] = {
        "intensities": [
            {"intensity": value, **next(iter(efficiency_json([table])["datasets"].values()))}
            for value, table in points.items()
        ]
    }
    _write_texts(
        folder,
        "intensity",
        content,
        correction,
        {
            "txt": intensity_text(points),
            "csv": intensity_csv(points),
            "tex": intensity_latex(points),
        },
    )
    save_figure(draw_intensity(points, _most_falling(points), setup), folder, "intensity")


def _write_texts(
    folder: Path, stem: str, content: dict[str, Any], correction: Correction | None, texts: dict[str, str]
) -> None:
    """Write a table in all its forms, with what it was corrected by."""
    if correction is not None:
        line = correction_line(correction)
        content = {**content, "correction": correction_json(correction)}
        texts = {**texts, "txt": f"{texts['txt']}{line}\n", "tex": f"% {line}\n{texts['tex']}"}
    for ending, text in (texts | {"json": json.dumps(content, indent=2) + "\n"}).items():
        (folder / f"{stem}.{ending}").write_text(text, encoding="utf-8")


def _most_falling(points: Mapping[float, Table]) -> list[str]:
    """Return the factors that differ most between the lowest and the highest intensity."""
    first, *_, last = points.values()
    fall = {f.name: abs(f.value - g.value) for f, g in zip(first.factors, last.factors, strict=True)}
    chosen = sorted(fall, key=lambda name: -fall[name])[:_DRAWN]
    return [factor.name for factor in first.factors if factor.name in chosen]
