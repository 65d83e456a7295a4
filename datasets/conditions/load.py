"""From tables to the conditions of a run: what comes later overrides, what is missing is an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from datasets.conditions.channels import Names, check_names, names_of
from datasets.conditions.coverage import check_overlaps
from datasets.conditions.model import (
    Alignment,
    CellConditions,
    Conditions,
    SourceFile,
    Suppression,
    frozen,
)
from datasets.conditions.tables import TABLES, Key, Scalar, TableFile, read_table
from datasets.conditions.temperature import TEMPERATURE, temperature_factors
from datasets.config import ConfigError
from recon.geometry import Setup

__all__ = [
    "TABLE_FOLDER",
    "ConditionError",
    "Value",
    "build_conditions",
    "find_files",
    "load_alignment",
    "load_conditions",
    "read_tables",
    "resolve",
]

TABLE_FOLDER = Path(__file__).parent / "tables"
_SUFFIXES = {".txt", ".sdc"}
_ALIGNMENT = "alignment"

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)


class ConditionError(ConfigError):
    """A condition is missing; the text names detector, run and file."""


class Value(NamedTuple):
    """A value and the line that it comes from."""

    value: Scalar  # in the declared unit
    path: Path
    line: int

    @property
    def origin(self) -> str:
        """Return file and line."""
        return f"{self.path}:{self.line}"


Values = Mapping[Key, Mapping[str, Value]]  # channel, plane or spill -> column -> value


def load_conditions(setup: Setup, run: int, overrides: Sequence[str | Path] = ()) -> Conditions:
    """
    Load what holds for a run.

    Parameters
    ----------
    setup : Setup
    run : int
    overrides : sequence of paths
        Tables, or folders of them (`*.txt`, `*.sdc`), that override ours column by column; a later one
        overrides those before it.

    Raises
    ------
    ConditionError
        If a condition is missing, naming detector, run and file.
    SdcError
        If a table is wrong, naming file and line.
    """
    return build_conditions(read_tables(setup, overrides), setup, run)


def load_alignment(setup: Setup, run: int, overrides: Sequence[str | Path] = ()) -> Alignment:
    """
    Load where planes are, of tables that need not hold any other condition.

    Parameters and errors as for `load_conditions`.
    """
    return _Reader(read_tables(setup, overrides), setup.name, names_of(setup), run).alignment()


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """
    Return the tables that paths stand for: files as given, of folders those that are tables, by name.

    Raises
    ------
    ConditionError
        If a path is not there, or a folder has no table.
    """
    found: list[Path] = []
    for name in paths:
        path = Path(name).expanduser()
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
            if not inside:
                msg = f"folder {path} has no tables of conditions (*.txt, *.sdc)"
                raise ConditionError(msg)
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            msg = f"table of conditions {path} is not there"
            raise ConditionError(msg)
    return found


def read_tables(
    setup: Setup, overrides: Sequence[str | Path] = (), folder: Path = TABLE_FOLDER
) -> tuple[TableFile, ...]:
    """
    Read and check all tables of a setup: ours, then those of a user.

    Parameters
    ----------
    setup : Setup
    overrides : sequence of paths
    folder : Path
        Holds a folder of tables for each setup that has some.

    Returns
    -------
    tuple of TableFile
        In the order in which they override each other.

    Raises
    ------
    SdcError
        If a table is wrong, names something that the setup does not have, or overlaps with itself.
    """
    own = folder / setup.name
    read: list[TableFile] = []
    for path in [*([own] if own.is_dir() else []), *overrides]:
        files = [read_table(file) for file in find_files([path])]
        for file in files:
            check_names(file, setup)
        check_overlaps(files)
        read += files
    return tuple(read)


def resolve(files: Sequence[TableFile], table: str, run: int) -> dict[Key, dict[str, Value]]:
    """
    Return what a table says for a run: the last value of each column of each name.

    Parameters
    ----------
    files : sequence of TableFile
        Of any tables.
    table : str
        One of `TABLES`.
    run : int
    """
    values: dict[Key, dict[str, Value]] = {}
    for file in files:
        for block in file.blocks if file.table.name == table else ():
            if block.runs.covers(run):
                for row in block.rows:
                    of_key = values.setdefault(row.key, {})
                    for name, value in row.values.items():
                        of_key[name] = Value(value, file.path, row.line)
    return values


def build_conditions(files: Sequence[TableFile], setup: Setup, run: int) -> Conditions:
    """
    Put the values of tables for a run into arrays; errors as for `load_conditions`.

    Parameters
    ----------
    files : sequence of TableFile
        From `read_tables`.
    setup : Setup
    run : int
    """
    if not files:
        msg = (
            f"run {run}: there are no conditions of setup '{setup.name}': no tables in "
            f"{TABLE_FOLDER / setup.name}, and none was given. Name yours with --conditions; tables to start "
            f"from: na64 conditions ideal {setup.name} -o FOLDER"
        )
        raise ConditionError(msg)
    names = names_of(setup)
    reader = _Reader(files, setup.name, names, run)
    is_bad = reader.bad_channels()
    columns = {
        name: reader.cells(table, name, is_bad)
        for table in ("gains", "times", "pedestals")
        for name in (column.name for column in TABLES[table].columns)
    }
    columns["gain"] = columns["gain"] * reader.temperature()
    channel = reader.channels(is_bad)
    led_spills, led_factor, has_led = reader.led()
    detectors = {
        detector: CellConditions(
            gain=_part(columns["gain"], part),
            time_offset=_part(columns["time_offset"], part),
            pedestal=frozen(
                np.stack([columns["pedestal_even"][part], columns["pedestal_odd"][part]], axis=1)
            ),
            noise=_part(columns["noise"], part),
            is_bad=_part(is_bad, part),
            channel=_part(channel, part),
            led_factor=frozen(led_factor[:, part].copy()),
            has_led=_part(has_led, part),
        )
        for detector, part in names.slices.items()
    }
    return Conditions(
        setup=setup.name,
        run=run,
        detectors=detectors,
        alignment=reader.alignment(),
        led_spills=frozen(led_spills),
        bad_spills=frozen(reader.bad_spills()),
        files=tuple(SourceFile(str(file.path), file.digest) for file in files),
        suppression=reader.suppression(),
    )


def _part(values: npt.NDArray[T], part: slice) -> npt.NDArray[T]:
    return frozen(values[part].copy())


class _Reader:
    """Looks up the tables for one run and says what is missing."""

    def __init__(self, files: Sequence[TableFile], setup: str, names: Names, run: int) -> None:
        self.files, self.setup, self.names, self.run = files, setup, names, run

    def _missing(self, table: str, what: str) -> ConditionError:
        own = [str(file.path) for file in self.files if file.table.name == table]
        folder = TABLE_FOLDER / self.setup
        where = f"searched {', '.join(own)}" if own else f"no file with table={table} in {folder} or given"
        columns = ",".join(column for column in TABLES[table].all_columns if column != "reason")
        return ConditionError(
            f"run {self.run}, setup '{self.setup}': {what} ({where}); add 'runs={self.run}' and "
            f"'columns={columns}' with its rows, or give a table of your own"
        )

    def _declared(self, table: str, what: str) -> dict[Key, dict[str, Value]]:
        """Return the values of a list that may be empty, but must be there for the run."""
        covered = any(
            block.runs.covers(self.run)
            for file in self.files
            if file.table.name == table
            for block in file.blocks
        )
        if not covered:
            raise self._missing(table, f"nothing says which {what} are bad, not even that none is")
        return resolve(self.files, table, self.run)

    def bad_channels(self) -> Mask:
        values = self._declared("bad_channels", f"channels of {', '.join(self.names.slices)}")
        bad = {key for key, row in values.items() if "is_bad" in row and row["is_bad"].value == 1}
        return np.array([(label,) in bad for label in self.names.labels], dtype=bool)

    def bad_spills(self) -> npt.NDArray[np.int64]:
        values = self._declared("bad_spills", "spills")
        bad = [key[0] for key, row in values.items() if "is_bad" in row and row["is_bad"].value == 1]
        return np.array(sorted(map(int, bad)), dtype=np.int64)

    def cells(self, table: str, column: str, is_bad: Mask) -> Floats:
        """Return a column for all cells; NaN for bad cells without a value."""
        values = resolve(self.files, table, self.run)
        out = np.full(len(self.names.labels), np.nan)
        for at, label in enumerate(self.names.labels):
            row = values.get((label,), {})
            if column in row:
                out[at] = row[column].value
        self._require(table, column, np.isfinite(out) | is_bad)
        return out

    def _require(self, table: str, column: str, is_there: Mask) -> None:
        """Refuse a detector with a cell that has no value."""
        for detector, part in self.names.slices.items():
            absent = np.flatnonzero(~is_there[part])
            if len(absent):
                first = self.names.labels[part.start + absent[0]]
                more = f" and {len(absent) - 1} more of its channels" if len(absent) > 1 else ""
                raise self._missing(table, f"no {column} of detector '{detector}', {first}{more}")

    def channels(self, is_bad: Mask) -> npt.NDArray[np.int64]:
        """Return the readout's numbers: of the map, or without one the places in the row of all cells."""
        values = resolve(self.files, "channel_map", self.run)
        if not values:
            return np.arange(len(self.names.labels), dtype=np.int64)
        out = np.full(len(self.names.labels), -1, dtype=np.int64)
        owner: dict[int, tuple[str, Value]] = {}
        for at, label in enumerate(self.names.labels):
            if (label,) in values:
                value = values[label,]["msadc"]
                out[at] = number = int(value.value)
                if number in owner:
                    other, first = owner[number]
                    msg = (
                        f"{value.path}, line {value.line}: run {self.run}: channel {number} of the readout "
                        f"is {label} here and {other} in {first.path}, line {first.line}"
                    )
                    raise ConditionError(msg)
                owner[number] = label, value
        self._require("channel_map", "msadc", (out >= 0) | is_bad)
        return out

    def led(self) -> tuple[npt.NDArray[np.int64], Floats, Mask]:
        """Return spills, factors (n_spills, n_cells) and which cells have any."""
        values = resolve(self.files, "led", self.run)
        spills = np.array(sorted({int(spill) for spill, _ in values}), dtype=np.int64)
        rows, columns = (
            {name: i for i, name in enumerate(of)} for of in (spills.tolist(), self.names.labels)
        )
        factor = np.full((len(spills), len(columns)), np.nan)
        for (spill, label), value in values.items():
            factor[rows[int(spill)], columns[str(label)]] = value["led_factor"].value
        has_led = np.isfinite(factor).any(axis=0) if len(spills) else np.zeros(len(columns), dtype=bool)
        factor[:, ~has_led] = 1.0
        return spills, factor, has_led

    def temperature(self) -> Floats:
        """Return by what gains are multiplied for the temperature of the run, (n_cells,)."""
        values = resolve(self.files, TEMPERATURE, self.run)
        rows = {str(key[0]): {n: float(v.value) for n, v in row.items()} for key, row in values.items()}
        return temperature_factors(rows, self.names, self._missing)

    def suppression(self) -> dict[str, Suppression]:
        """Return the curve of each detector that has one, by rising points."""
        values = resolve(self.files, "suppression", self.run)
        curves: dict[str, list[dict[str, Value]]] = {}
        for key in sorted(values, key=lambda key: (str(key[0]), int(key[1]))):
            curves.setdefault(str(key[0]), []).append(values[key])
        found = {}
        for detector, rows in curves.items():
            for row in rows:
                if not {"seen", "suppressed"} <= set(row):
                    what, table = f"a point of '{detector}' lacks one of its two numbers", "suppression"
                    raise self._missing(table, what)
            for before, row in pairwise(rows):
                if not before["seen"].value < row["seen"].value:  # type: ignore[operator]
                    msg = (
                        f"{row['seen'].path}, line {row['seen'].line}: the curve of '{detector}' must "
                        f"rise in 'seen', got {row['seen'].value:g} after {before['seen'].value:g}"
                    )
                    raise ConditionError(msg)
            found[detector] = Suppression(
                *(
                    frozen(np.array([row[name].value for row in rows], dtype=np.float64))
                    for name in ("seen", "suppressed")
                )
            )
        return found

    def alignment(self) -> Alignment:
        values = resolve(self.files, _ALIGNMENT, self.run)
        numbers = {}
        for column in TABLES[_ALIGNMENT].columns:
            for plane in self.names.planes:
                if column.name not in values.get((plane,), {}):
                    what = f"no {column.name} of plane '{plane}'"
                    raise self._missing(_ALIGNMENT, what)
            found = [values[plane,][column.name].value for plane in self.names.planes]
            numbers[column.name] = frozen(np.array(found, dtype=np.float64))
        return Alignment(planes=self.names.planes, **numbers)
