"""How the blocks of tables lie to each other: overrides, overlaps, and runs that nothing covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from datasets.conditions.channels import names_of
from datasets.conditions.runs import RunRange, find_gaps
from datasets.conditions.sdc import SdcError
from datasets.conditions.tables import TABLES, Key, Table, TableBlock, TableFile
from recon.geometry import Setup

__all__ = ["Gap", "Overlap", "check_overlaps", "expected_keys", "find_overlaps", "list_gaps"]


class Overlap(NamedTuple):
    """Two blocks that give values of the same columns to the same names and runs."""

    earlier: tuple[str, int]  # file and line of the first such row of a name
    later: tuple[str, int]
    runs: RunRange  # that both cover
    columns: tuple[str, ...]
    names: tuple[Key, ...]
    is_override: bool  # the later block lies inside of the earlier one: legal
    is_same: bool  # both have the same runs

    def __str__(self) -> str:
        what = f"{', '.join(self.columns)} of {_some(self.names)}"
        (path, line), (place, first) = self.later, self.earlier
        other = f"line {first}" if place == path else f"{place}, line {first}"
        if self.is_override:
            return f"{path}, line {line}: for runs {self.runs} overrides {what} of {other}"
        if self.is_same:
            return f"{path}, line {line}: {what} stands for runs {self.runs} in {other} already; keep one"
        return (
            f"{path}, line {line}: {what} overlaps with {other} in runs {self.runs}, and neither block lies "
            f"inside of the other as an override does; let the ranges touch, or write the wider range first"
        )


class Gap(NamedTuple):
    """Runs for which a column has no value."""

    table: Table
    columns: tuple[str, ...]
    names: tuple[Key, ...]  # empty: no block at all covers the runs
    runs: RunRange
    files: tuple[str, ...]  # that were searched

    def __str__(self) -> str:
        where = ", ".join(self.files) or f"no file with table={self.table.name}"
        if not self.names:
            return f"{where}: table '{self.table.name}': no block covers runs {self.runs}"
        return f"{where}: no {', '.join(self.columns)} of {_some(self.names)} for runs {self.runs}"


def _some(names: Sequence[Key]) -> str:
    """Return the first of many names, and how many more there are."""
    first = " ".join(map(str, names[0]))
    return first if len(names) == 1 else f"{first} and {len(names) - 1} more"


def find_overlaps(files: Sequence[TableFile]) -> Iterator[Overlap]:
    """
    Yield the pairs of blocks that overlap.

    A later block that lies inside of an earlier one overrides it (runs 4000 inside of 3855-4207, or 200-...
    inside of 123-...). The same runs twice, ranges that cross, and a later range around an earlier one are
    taken for mistakes.

    Parameters
    ----------
    files : sequence of TableFile
        One file, or all of a folder, by name: they are looked at as one file per table.
    """
    placed = [(file, block) for file in files for block in file.blocks]
    for at, (file, later) in enumerate(placed):
        for other, earlier in placed[:at]:
            runs = earlier.runs.overlap(later.runs)
            columns = earlier.columns & later.columns
            if other.table is not file.table or runs is None or not columns:
                continue
            lines = {row.key: row.line for row in earlier.rows}
            shared = [row for row in later.rows if row.key in lines]
            if shared:
                yield Overlap(
                    (str(other.path), lines[shared[0].key]),
                    (str(file.path), shared[0].line),
                    runs,
                    tuple(sorted(columns)),
                    tuple(row.key for row in shared),
                    later.runs.is_inside(earlier.runs),
                    later.runs == earlier.runs,
                )


def check_overlaps(files: Sequence[TableFile]) -> None:
    """
    Refuse overlaps that are no overrides, within one file or one folder.

    Raises
    ------
    SdcError
        Names file and line of both.
    """
    for overlap in find_overlaps(files):
        if not overlap.is_override:
            raise SdcError(str(overlap))


def list_gaps(files: Sequence[TableFile], setup: Setup | None = None) -> list[Gap]:
    """
    Return the runs that tables leave out.

    Parameters
    ----------
    files : sequence of TableFile
        All that hold together, of any table.
    setup : Setup, optional
        Then every channel and plane of it needs a value in each of its runs. Without it, what a table
        names at all must be there from the first to the last run of that table.

    Returns
    -------
    list of Gap
        Of the tables that must be complete (`Table.needs`). Without a setup, of those that were given. A
        channel needs no values where it is bad.
    """
    gaps: list[Gap] = []
    bad = _bad_ranges(files)
    for table in TABLES.values():
        own = [file for file in files if file.table is table]
        blocks = [block for file in own for block in file.blocks]
        if table.needs == "nothing" or (setup is None and not blocks):
            continue
        searched = tuple(str(file.path) for file in own)
        for within in _wanted_runs(blocks, setup):
            if table.needs == "blocks":
                missing = find_gaps((block.runs for block in blocks), within)
                gaps += [Gap(table, (), (), runs, searched) for runs in missing]
            else:
                gaps += _key_gaps(table, blocks, setup, within, searched, bad)
    return gaps


def _bad_ranges(files: Sequence[TableFile]) -> dict[Key, list[RunRange]]:
    """Return the runs in which channels are bad and need no values; one that is good again needs them all."""
    bad: dict[Key, list[RunRange]] = {}
    good = set[Key]()
    for file in files:
        for block in file.blocks if file.table.name == "bad_channels" else ():
            for row in block.rows:
                if row.values.get("is_bad") == 1:
                    bad.setdefault(row.key, []).append(block.runs)
                elif "is_bad" in row.values:
                    good.add(row.key)
    return {key: ranges for key, ranges in bad.items() if key not in good}


def _wanted_runs(blocks: Sequence[TableBlock], setup: Setup | None) -> list[RunRange]:
    if setup is not None:
        return [RunRange(first, last) for first, last in setup.runs]
    ends = [block.runs.last for block in blocks]
    known = [end for end in ends if end is not None]
    last = None if len(known) < len(ends) else max(known)
    return [RunRange(min(block.runs.first for block in blocks), last)]


def _key_gaps(
    table: Table,
    blocks: Sequence[TableBlock],
    setup: Setup | None,
    within: RunRange,
    files: tuple[str, ...],
    bad: Mapping[Key, list[RunRange]],
) -> list[Gap]:
    """Return the gaps of a table that needs all names, those with the same gaps together."""
    covered: dict[tuple[Key, str], list[RunRange]] = {}
    for block in blocks:
        for row in block.rows:
            for name in row.values:
                covered.setdefault((row.key, name), []).append(block.runs)
    keys = expected_keys(table, setup) if setup is not None else list(dict.fromkeys(k for k, _ in covered))
    grouped: dict[RunRange, dict[tuple[str, ...], list[Key]]] = {}
    for key in keys:
        missing: dict[RunRange, list[str]] = {}
        for column in table.columns:
            for runs in find_gaps([*covered.get((key, column.name), ()), *bad.get(key, ())], within):
                missing.setdefault(runs, []).append(column.name)
        for runs, columns in missing.items():
            grouped.setdefault(runs, {}).setdefault(tuple(columns), []).append(key)
    return [
        Gap(table, columns, tuple(names), runs, files)
        for runs, groups in sorted(grouped.items(), key=lambda item: (item[0].first, item[0].end))
        for columns, names in groups.items()
    ]


def expected_keys(table: Table, setup: Setup) -> list[Key]:
    """Return what a table of a setup must name: channels or planes."""
    names = names_of(setup)
    found: Iterable[str] = names.planes if table.keys[0].name == "plane" else names.labels
    return [(name,) for name in found]
