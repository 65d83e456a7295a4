"""
`na64 conditions` and `na64 catalogue`: tables that hold for runs, checked and shown.

These commands read tables and the catalogue, never a file of events, so that nothing about events, closed
or not, can show in what they print.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import typer

from datasets.conditions.catalogue import Catalogue, RunRecord, load_catalogue
from datasets.conditions.channels import Names, check_names, names_of
from datasets.conditions.coverage import expected_keys, find_overlaps, list_gaps
from datasets.conditions.ideal import ideal_conditions, write_conditions
from datasets.conditions.load import TABLE_FOLDER, Value, build_conditions, find_files, read_tables, resolve
from datasets.conditions.runs import RunRange
from datasets.conditions.sdc import SdcError
from datasets.conditions.tables import TABLES, Column, Key, Table, TableFile, read_table
from datasets.config import ConfigError, nearest
from datasets.periods import period_of_run
from datasets.setups import load_setup
from na64.errors import UserError
from recon.geometry import Setup

__all__ = ["check_conditions", "list_catalogue", "show_conditions", "write_ideal"]

_HEAD = ("run", "period", "kind", "trigger", "prescale", "live", "files", "spills", "bad", "EOT", "quality")
_Values = Mapping[Key, Mapping[str, Value]]


def check_conditions(paths: Sequence[Path], setup: str | None) -> int:
    """
    Check tables and list what they override and leave out. Reads no event data.

    Parameters
    ----------
    paths : sequence of Path
        Tables, or folders of them; none: all that come with the project.
    setup : str or None
        Name or YAML path. Then the tables, with ours of that setup, must be complete for each of its runs.

    Returns
    -------
    int
        Exit status: 1 where a table is wrong, or is not complete for the setup that was named.
    """
    chosen = load_setup(setup) if setup is not None else None
    groups, faults = [], 0
    for place in _places(paths, chosen):
        group, wrong = _check_group(find_files([place]), chosen)
        groups.append(group)
        faults += wrong
    files = [file for group in groups for file in group]
    together = [files] if chosen is not None or paths else groups
    gaps = [gap for group in together for gap in list_gaps(group, chosen)]
    for gap in gaps:
        typer.echo(f"gap: {gap}")
    typer.echo(f"{len(files)} tables read, {faults} faults, {len(gaps)} gaps")
    return 1 if faults or (chosen is not None and gaps) else 0


def _places(paths: Sequence[Path], setup: Setup | None) -> list[Path]:
    """Return the files and folders to check, ours first."""
    if setup is not None:
        own = TABLE_FOLDER / setup.name
        return [*([own] if own.is_dir() else []), *paths]
    return list(paths) or sorted(path for path in TABLE_FOLDER.iterdir() if path.is_dir())


def _check_group(paths: Sequence[Path], setup: Setup | None) -> tuple[list[TableFile], int]:
    """Print what the tables of one folder are and what is wrong; return them and the number of faults."""
    files, faults = [], 0
    for path in paths:
        file, wrong = _check_file(path, setup)
        faults += wrong
        files += [file] if file is not None else []
    for overlap in find_overlaps(files):
        typer.echo(f"{'note' if overlap.is_override else 'fault'}: {overlap}")
        faults += not overlap.is_override
    return files, faults


def _check_file(path: Path, setup: Setup | None) -> tuple[TableFile | None, int]:
    """Print what one table is and what is wrong with it; return it and the number of faults."""
    try:
        file = read_table(path)
    except SdcError as error:
        typer.echo(f"fault: {error}")
        return None, 1
    runs = f"runs {', '.join(dict.fromkeys(str(block.runs) for block in file.blocks)) or 'none'}"
    rows = sum(len(block.rows) for block in file.blocks)
    typer.echo(f"{path}: {file.table.name}, {file.setup or 'any setup'}, {rows} rows, {runs}")
    try:
        own = setup or (load_setup(file.setup) if file.setup else None)
        if own is None:
            typer.echo("note: its names are not checked: give --setup NAME, or write setup=NAME in it")
        else:
            check_names(file, own)
    except ConfigError as error:
        typer.echo(f"fault: {error}")
        return file, 1
    return file, 0


def show_conditions(
    run: int, setup: str | None, tables: Sequence[Path], only: str | None, *, every: bool
) -> int:
    """
    Print what holds for a run and the lines that say so. Reads no event data.

    Parameters
    ----------
    run : int
    setup : str or None
        Name or YAML path; by default that of the run's data-taking period.
    tables : sequence of Path
        A user's own tables, or folders of them, that override ours.
    only : str or None
        A table to show alone.
    every : bool
        List each channel, not each detector.

    Returns
    -------
    int
        Exit status: 1 where a condition is missing.
    """
    if only is not None and only not in TABLES:
        msg = f"unknown table '{only}'{nearest(only, TABLES) or '.'} Tables: {', '.join(TABLES)}"
        raise UserError(msg)
    chosen = load_setup(setup if setup is not None else period_of_run(run).setup)
    files = read_tables(chosen, tables)
    typer.echo(f"run {run}, setup {chosen.name}")
    for file in files:
        typer.echo(f"file {file.path}{f' ({file.source})' if file.source else ''}")
    for table in TABLES.values():
        if only in {None, table.name}:
            typer.echo(f"{table.name}: {table.title}")
            for line in _table_lines(files, table, chosen, run, every=every):
                typer.echo(f"  {line}")
    try:
        conditions = build_conditions(files, chosen, run)
    except ConfigError as error:
        typer.echo(f"not usable: {error}")
        return 1
    typer.echo(f"digest {conditions.digest}")
    return 0


def _table_lines(
    files: Sequence[TableFile], table: Table, setup: Setup, run: int, *, every: bool
) -> Iterator[str]:
    """Yield one line per value, or per detector and column."""
    values = resolve(files, table.name, run)
    if every:
        for key, row in values.items():
            for name, value in row.items():
                number = f"{value.value:g}" if isinstance(value.value, float) else value.value
                unit = table.all_columns[name].unit
                yield f"{' '.join(map(str, key)):<12} {name:<14} {number} {unit:<8} {value.origin}"
    elif table.needs == "keys":
        yield from _summary(values, table, setup)
    else:
        for column in table.columns:
            found = {key: row[column.name] for key, row in values.items() if column.name in row}
            if column.kind == "flag":
                found = {key: value for key, value in found.items() if value.value == 1}
            if column.kind == "flag" and found:
                yield f"{', '.join(' '.join(map(str, key)) for key in found)}  {_origins(found.values())}"
            elif not column.is_optional and found:
                yield f"{column.name} of {len(found)} {table.keys[-1].name}s  {_origins(found.values())}"
    if not values and table.needs != "keys":
        blocks = [b for f in files if f.table is table for b in f.blocks if b.runs.covers(run)]
        yield "none" if blocks or table.needs == "nothing" else "not said"


def _summary(values: _Values, table: Table, setup: Setup) -> Iterator[str]:
    """Yield how many channels of each detector, or planes, have a value, and in which range."""
    names = names_of(setup)
    expected = [str(key[0]) for key in expected_keys(table, setup)]
    for group, labels in _groups(names, expected, is_planes=table.keys[0].name == "plane").items():
        for column in table.columns:
            rows = [values.get((label,), {}) for label in labels]
            found = [row[column.name] for row in rows if column.name in row]
            span = _range(found, column, len(labels))
            yield f"{group:<8} {column.name:<14} {span}  {_origins(found)}".rstrip()


def _groups(names: Names, expected: list[str], *, is_planes: bool) -> dict[str, list[str]]:
    if is_planes:
        return {"planes": expected}
    return {detector: expected[part] for detector, part in names.slices.items()}


def _range(found: Sequence[Value], column: Column, wanted: int) -> str:
    numbers = [float(value.value) for value in found]
    if not numbers:
        return f"0 of {wanted}, not known"
    low, high = f"{min(numbers):g}", f"{max(numbers):g}"
    return f"{len(found)} of {wanted}, {low if low == high else f'{low} to {high}'} {column.unit}"


def _origins(values: Iterable[Value]) -> str:
    """Return the files of values with their lines, stretches of lines together."""
    lines: dict[Path, set[int]] = {}
    for value in values:
        lines.setdefault(value.path, set()).add(value.line)
    return ", ".join(f"{path}:{_stretches(sorted(numbers))}" for path, numbers in lines.items())


def _stretches(numbers: Sequence[int]) -> str:
    """Return rising numbers as `3-7,9`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(RunRange(first, last)) for first, last in runs)


def write_ideal(setup: str, output: Path, runs: str) -> int:
    """
    Write the conditions that the simulation of a setup has, as tables to start from. Reads no event data.

    Parameters
    ----------
    setup : str
        Name or YAML path.
    output : Path
        Folder that is not there yet; it gets its name when it is complete.
    runs : str
        For which the tables shall hold: 5, 1-10 or 123-...

    Returns
    -------
    int
        Exit status.
    """
    chosen = load_setup(setup)
    try:
        valid = RunRange.parse(runs)
    except ValueError as error:
        msg = f"--runs {runs}: {error}"
        raise UserError(msg) from error
    if output.exists():
        msg = f"{output} is there already; choose another --output"
        raise UserError(msg)
    conditions = ideal_conditions(chosen)
    source = f"computed from setup {chosen.name}, as its simulation has it"
    partial = output.with_name(f".{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        paths = write_conditions(conditions, chosen, partial, valid, source)
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for path in paths:
        typer.echo(f"wrote {output / path.name}")
    return 0


def list_catalogue(path: Path | None) -> int:
    """
    Print a table of the runs of a catalogue. Reads no event data.

    Parameters
    ----------
    path : Path or None
        YAML file; None: the one that comes with the project.

    Returns
    -------
    int
        Exit status.
    """
    catalogue = load_catalogue(path)
    rows = [_HEAD, *(_run_row(record) for record in catalogue.runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    typer.echo(_total(catalogue))
    return 0


def _run_row(record: RunRecord) -> tuple[str, ...]:
    spills = sum(len(file.spills) for file in record.files)
    return (
        str(record.run),
        record.period,
        record.kind,
        record.trigger,
        _or_unknown(record.prescale),
        _or_unknown(record.live_fraction),
        str(len(record.files)),
        str(spills) if spills else "-",
        str(len(record.bad_spills)) if spills else "-",
        _or_unknown(record.eot),
        record.quality,
    )


def _or_unknown(value: float | None) -> str:
    return "unknown" if value is None else str(value)


def _total(catalogue: Catalogue) -> str:
    counts = [record.eot for record in catalogue.runs]
    known = [count for count in counts if count is not None]
    rest = f", of {len(counts) - len(known)} runs unknown" if len(known) < len(counts) else ""
    return f"{len(counts)} runs, EOT {sum(known) if known else 'unknown'}{rest if known else ''}"
