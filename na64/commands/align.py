"""`na64 align`: where tracker planes are."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import typer
from coffea.processor.executor import WorkItem

from datasets.conditions import Conditions, write_conditions
from datasets.conditions.catalogue import load_catalogue
from datasets.conditions.model import frozen
from datasets.conditions.runs import RunRange
from datasets.config import nearest
from datasets.probe import Kind
from datasets.setups import load_setup
from na64.alignment.plots import plot_alignment
from na64.alignment.tables import PARAMETERS, alignment_json, alignment_text
from na64.commands.common import (
    ReadOptions,
    account_line,
    loss_lines,
    loss_status,
    processor_class,
    require_events,
    show_progress,
)
from na64.errors import UserError
from na64.run.execution import describe_execution, keep_logs
from na64.run.exposure import compare
from na64.run.outputs import check_output, replace_path
from na64.run.record import describe_inputs, versions
from processors.alignment import (
    Aligned,
    CleanHits,
    HitsProcessor,
    align_planes,
    common_conditions,
    find_spectrometer,
)
from processors.planes import leave_out, plane_rows
from processors.runner import Prepared, check_conditions, make_items, prepare, run_items
from recon.alignment import AlignmentConfig
from recon.geometry import Setup, Spectrometer

__all__ = ["AlignOptions", "write_alignment"]

_MARK = "alignment.json"
_LEAST = 100  # clean events
_EVENTS = {"data": "shown events", "calibration": "events of calibration triggers", "simulation": "events"}
_WHY = {  # there may be so few, which says nothing of what the files hold
    "data": (
        "; of data, an event without an SRD tag is not shown, and without field there is none: such runs are "
        "read in a calibration period (docs/alignment.md)"
    ),
    "calibration": "; of a calibration run, calibration triggers alone are read",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignOptions(ReadOptions):
    """The options of `na64 align`."""

    spectrometer: str = "incoming"
    reference: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    field_off: bool = False
    momentum_spread: float | None = None
    passes: int = 10
    runs: str | None = None
    analysis: str = "invisible"


def write_alignment(options: AlignOptions) -> int:
    """
    Align the planes of a spectrometer and write tables of conditions, JSON and figures.

    Returns
    -------
    int
        Exit status: 0, or 1 where more events were lost than allowed.
    """
    catalogue = load_catalogue(options.catalogue)
    analysis = processor_class(options.analysis)(
        options.setup, conditions=options.conditions, bad_spills=catalogue.bad_spills()
    )
    execution, request, wished = options.execution(), options.request(catalogue), _runs(options.runs)
    inputs = [file.path for file in request.files] + list(options.conditions)
    check_output(options.output, inputs, overwrite=options.overwrite, is_directory=True, mark=_MARK)
    if options.dry_run:
        typer.echo(describe_execution(execution))
        return 0
    with show_progress() as tell:
        prepared = compare(catalogue, prepare(request, None, tell))
        check_conditions(prepared.probes, analysis)
        _check(prepared)
        config = _config(options, load_setup(prepared.setup))
        chunks: dict[WorkItem, CleanHits] = {}
        _, account = run_items(
            prepared,
            HitsProcessor(analysis, options.spectrometer, options.without),
            execution,
            _Nothing(),
            tell,
            consume=lambda item, chunk: chunks.update({item: chunk}) if chunk is not None else None,
        )
    require_events(account)
    order = [item for _, items in make_items(prepared.probes, execution.chunk_size) for item in items]
    clean = [chunks[item] for item in order if item in chunks]
    found, is_same = _solve(options, clean, config, prepared.probes[0].kind)
    runs = wished or _runs_of(clean, prepared)
    record = _record(options, prepared, clean, config) | {"runs": str(runs)}
    record["events"] |= {"processed": account.processed, "lost": account.lost}
    _write(options, found, clean[0], record, runs, is_same=is_same)
    keep_logs(options.output)
    typer.echo(alignment_text(found, _spectrometer(options, clean[0].setup)))
    typer.echo(account_line(account))
    events = _EVENTS[record["kind"]]
    typer.echo("{clean} of {shown} ".format(**record["events"]) + f"{events} have one hit in each plane")
    tables = "all tables" if is_same else "alignment.txt alone, since the runs differ in other conditions,"
    typer.echo(f"{options.output}: {tables} for runs {runs}; use with --conditions {options.output}")
    for line in loss_lines(account):
        print(f"na64: {line}", file=sys.stderr)  # noqa: T201
    return loss_status(account, options.max_loss)


def _solve(
    options: AlignOptions, clean: Sequence[CleanHits], config: AlignmentConfig, kind: Kind
) -> tuple[Aligned, bool]:
    """Align with all chunks; say too whether all have the same conditions."""
    setup, (conditions, is_same) = clean[0].setup, common_conditions(clean)
    positions = np.concatenate([chunk.positions for chunk in clean])
    _require_tracks(clean, len(positions), _spectrometer(options, setup), kind)
    found = align_planes(
        positions,
        setup,
        conditions,
        options.spectrometer,
        config,
        field_off=options.field_off,
        passes=options.passes,
        without=options.without,
    )
    return found, is_same


def _spectrometer(options: AlignOptions, setup: Setup) -> Spectrometer:
    """Return the spectrometer without the planes that are left out."""
    return leave_out(find_spectrometer(setup, options.spectrometer), options.without)


def _record(
    options: AlignOptions, prepared: Prepared, clean: Sequence[CleanHits], config: AlignmentConfig
) -> dict[str, Any]:
    """Return what alignment.json says besides the numbers of the planes."""
    planes = _spectrometer(options, clean[0].setup).planes
    return {
        "version": 1,
        "setup": clean[0].setup.name,
        "spectrometer": options.spectrometer,
        "kind": prepared.probes[0].kind,
        "reference": [planes[index].name for index in config.reference],
        "fixed": list(options.fix),
        "without": list(options.without),
        "field_off": options.field_off,
        "momentum_spread": config.momentum_spread,
        "events": {
            "shown": sum(chunk.n_shown for chunk in clean),
            "clean": sum(len(chunk.positions) for chunk in clean),
        },
        "inputs": describe_inputs(prepared),
        "versions": versions(),
    }


class _Nothing:
    """The sum of results that were all consumed."""

    def __add__(self, other: object) -> _Nothing:
        return self


def _check(prepared: Prepared) -> None:
    """Refuse files without raw digits, and data with simulation."""
    other = next((probe for probe in prepared.probes if probe.layout.level != "raw"), None)
    if other is not None:
        msg = (
            f"an alignment is a table of conditions, which hold for raw digits; {other.file.path} has layout "
            f"{other.layout.name} of level {other.layout.level}"
        )
        raise UserError(msg)
    kinds = sorted({probe.kind for probe in prepared.probes})
    if len(kinds) > 1:
        msg = f"the files are {' and '.join(kinds)}; align them apart"
        raise UserError(msg)


def _runs(text: str | None) -> RunRange | None:
    try:
        return RunRange.parse(text) if text is not None else None
    except ValueError as error:
        msg = f"--runs {text}: {error}"
        raise UserError(msg) from error


def _runs_of(chunks: Sequence[CleanHits], prepared: Prepared) -> RunRange:
    """Return the runs of the files; a simulation has none, and its tables hold for all."""
    runs = [chunk.conditions.run for chunk in chunks if chunk.conditions.run is not None]
    if prepared.probes[0].kind == "simulation" or not runs:
        return RunRange(0)
    return RunRange(min(runs), max(runs))


def _config(options: AlignOptions, setup: Setup) -> AlignmentConfig:
    """Return what is believed, from the names that the user gave."""
    spectrometer = find_spectrometer(setup, options.spectrometer)
    for name in options.without:
        _plane(name, [plane.name for plane in spectrometer.planes], "--without")
    names = [plane.name for plane in _spectrometer(options, setup).planes]
    least = 3
    if len(names) < least:
        left = f"{len(names)} planes{' left' if options.without else ''}"
        msg = f"spectrometer '{spectrometer.name}' has {left}: tracks need {least} to align them"
        raise UserError(msg)
    reference = tuple(
        _plane(name, names, "--reference") for name in options.reference or (names[0], names[-1])
    )
    if len(set(reference)) == len(names):
        msg = "all planes are of reference, so that none is left to align"
        raise UserError(msg)
    spread = setup.beam.spread if options.momentum_spread is None else options.momentum_spread
    if not spread > 0:
        msg = (
            f"--momentum-spread must be above 0, got {spread:g}"
            if options.momentum_spread is not None
            else f"setup {setup.name} gives no spread of the beam momentum; give --momentum-spread"
        )
        raise UserError(msg)
    fixed = tuple(_number(text, names) for text in options.fix)
    return AlignmentConfig(momentum_spread=spread, reference=reference, fixed=fixed)


def _plane(name: str, names: Sequence[str], option: str) -> int:
    if name not in names:
        hint = nearest(name, names) or "."
        msg = f"{option}: no plane '{name}'{hint} Planes: {', '.join(names)}"
        raise UserError(msg)
    return names.index(name)


def _number(text: str, names: Sequence[str]) -> tuple[int, int]:
    """Read PLANE.dx as (parameter, plane)."""
    plane, _, parameter = text.rpartition(".")
    if parameter not in PARAMETERS or not plane:
        msg = f"--fix {text}: write PLANE.dx, PLANE.dy or PLANE.rotation, such as {names[-1]}.rotation"
        raise UserError(msg)
    return PARAMETERS.index(parameter), _plane(plane, names, "--fix")


def _require_tracks(
    chunks: Sequence[CleanHits], n_clean: int, spectrometer: Spectrometer, kind: Kind
) -> None:
    """Refuse to align with too few events, and say which plane leaves them without a hit."""
    if n_clean >= _LEAST:
        return
    shown = sum(chunk.n_shown for chunk in chunks)
    hits = np.sum([chunk.hits_per_plane for chunk in chunks], axis=0)
    planes = "; ".join(
        f"{plane.name} {none}, {one}, {more}"
        for plane, (none, one, more) in zip(spectrometer.planes, hits.tolist(), strict=True)
    )
    msg = (
        f"{n_clean} events have one hit in each plane, and an alignment needs {_LEAST}. Of {shown} events "
        f"that may be seen, none, one and several hits in time have: {planes}. Give more files, or look at "
        f"the plane without hits, which --without leaves out{_WHY.get(kind, '')}"
    )
    raise UserError(msg)


def _aligned(
    conditions: Conditions, setup: Setup, found: Aligned, name: str, without: Sequence[str]
) -> Conditions:
    """Return the conditions with the planes where they were found, and those left out as they were."""
    planes, alignment = setup.spectrometers[name].planes, conditions.alignment
    rows = plane_rows(setup)[name].start + np.flatnonzero([plane.name not in without for plane in planes])
    changed: dict[str, Any] = {}
    for parameter, values in zip(PARAMETERS, found.new, strict=True):
        column = getattr(alignment, parameter).copy()
        column[rows] = values
        changed[parameter] = frozen(column)
    return replace(conditions, alignment=replace(alignment, **changed))


def _write(
    options: AlignOptions,
    found: Aligned,
    chunk: CleanHits,
    record: dict[str, Any],
    runs: RunRange,
    *,
    is_same: bool,
) -> None:
    """Write the folder, which gets its name when it is complete; tables of one run only are left out."""
    partial = options.output.with_name(f".{options.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    label = "data, blinded" if record["kind"] == "data" else record["kind"]
    setup, spectrometer = chunk.setup, _spectrometer(options, chunk.setup)
    conditions = _aligned(chunk.conditions, setup, found, options.spectrometer, options.without)
    try:
        source = f"na64 align, {found.sums.n_used} tracks"
        for path in write_conditions(conditions, setup, partial, runs, source):
            if not is_same and path.stem != "alignment":
                path.unlink()
        content = record | alignment_json(found, spectrometer)
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        (partial / _MARK).write_text(text, encoding="utf-8")
        plot_alignment(found, spectrometer, partial / "plots", label, setup.name)
        replace_path(partial, options.output, overwrite=options.overwrite)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
