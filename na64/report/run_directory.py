"""The run directory: tables, histograms, plots, report and run.json."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import hist
import uhi.io.json
import uproot

from na64.efficiency.plots import draw_shifts
from na64.efficiency.tables import (
    efficiency_csv,
    efficiency_json,
    efficiency_latex,
    efficiency_tables,
    efficiency_text,
)
from na64.plotting.plots import Figure, plot_run
from na64.plotting.style import save_figure
from na64.report.page import write_report
from na64.run.event_file import write_events
from na64.run.outputs import replace_path
from na64.run.record import RunRecord, describe_run
from na64.run.resume import PARTS_FOLDER, working_folder
from na64.run.tables import cutflow_csv, cutflow_json, cutflow_latex, cutflow_text
from processors.partial_results import sync_folder
from processors.result import AnalysisResult
from processors.runner import Progress

__all__ = ["sort_categories", "write_run_directory"]


def write_run_directory(
    path: Path,
    record: RunRecord,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    parts: Path | None = None,
) -> None:
    """
    Write all outputs of a run; they appear under the final name only when complete.

    Parameters
    ----------
    path : Path
    record : RunRecord
    overwrite : bool
        Replace a directory that is there.
    progress : callable, optional
    parts : Path, optional
        Folder of partial results to keep, for a run that lost events.
    """
    partial = working_folder(path) / "output"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write_all(partial, record, progress)
        if parts is not None and parts.is_dir():
            shutil.copytree(parts, partial / PARTS_FOLDER)
        sync_folder(partial)
        replace_path(partial, path, overwrite=overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_all(folder: Path, record: RunRecord, progress: Progress | None) -> None:
    """Write everything into a new folder."""
    start = time.perf_counter()
    (folder / "plots").mkdir(parents=True)
    _write_tables(folder, record.result)
    _write_histograms(folder, record.result)
    figures = plot_run(record.result, record.selection, folder / "plots", progress)
    figures += _write_efficiencies(folder, record.result)
    if record.result.events:
        write_events(folder / "events.parquet", record.result.events)
    record.seconds["write"] = time.perf_counter() - start
    run = describe_run(record)
    (folder / "run.json").write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
    write_report(folder / "report.html", run, record.result, record.selection, figures)


def _write_tables(folder: Path, result: AnalysisResult) -> None:
    for name, text in (
        ("cutflow.txt", cutflow_text(result)),
        ("cutflow.csv", cutflow_csv(result)),
        ("cutflow.tex", cutflow_latex(result)),
        ("cutflow.json", json.dumps(cutflow_json(result), indent=2) + "\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")


def _write_efficiencies(folder: Path, result: AnalysisResult) -> list[Figure]:
    """Write efficiencies with the shifts of systematic variations, and a figure of each dataset's shifts."""
    cutflow = cutflow_json(result)
    tables = efficiency_tables(cutflow)
    if not tables:
        return []
    for name, text in (
        ("efficiency.txt", efficiency_text(tables)),
        ("efficiency.csv", efficiency_csv(cutflow)),
        ("efficiency.tex", efficiency_latex(tables)),
        ("efficiency.json", json.dumps(efficiency_json(tables), indent=2) + "\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    figures = []
    for table in tables:
        if table.variations:
            name = f"efficiency_shifts_{table.dataset}"
            drawn = draw_shifts(table, result.samples[table.dataset].setup)
            files = save_figure(drawn, folder / "plots", name)
            caption = f"{table.dataset}: shifts of the efficiency by systematic variations."
            figures.append(Figure(name, caption, *files, caption))
    return figures


def _write_histograms(folder: Path, result: AnalysisResult) -> None:
    """Write histograms.json (UHI, with the category axes) and histograms.root (TH1, TH2 by dataset)."""
    content = {name: sort_categories(h) for name, h in sorted(result.histograms.items())}
    openings = {s.blinding.opening for s in result.samples.values() if s.blinding.opening is not None}
    mark = "; ".join(sorted(opening.mark for opening in openings))
    for histogram in content.values() if mark else ():
        histogram.metadata = {"blinding": mark}
    text = json.dumps(content, default=uhi.io.json.default)
    (folder / "histograms.json").write_text(text, encoding="utf-8")
    one_kind = len({sample.kind for sample in result.samples.values()}) == 1
    with uproot.recreate(folder / "histograms.root") as file:
        if mark:
            file["blinding"] = mark
        for name, histogram in content.items():
            for dataset in histogram.axes["dataset"]:
                for variation in histogram.axes["variation"]:
                    file[f"{dataset}/{variation}/{name}"] = histogram[dataset, variation, ...]
            if one_kind:
                file[name] = histogram[:: hist.sum, "nominal", ...]


def sort_categories(histogram: hist.Hist[Any]) -> hist.Hist[Any]:
    """Return a histogram with its datasets in alphabetic order: the same whichever chunk came first."""
    names = sorted(histogram.axes["dataset"])
    axes = [hist.axis.StrCategory(names, name="dataset", label="dataset"), *histogram.axes[1:]]
    ordered = hist.Hist(*axes, storage=histogram.storage_type())
    source = histogram.view(flow=True)
    target = ordered.view(flow=True)
    for index, name in enumerate(names):
        target[index] = source[histogram.axes["dataset"].index(name)]
    return ordered
