"""The tables of conditions: which there are, their columns with units, and how a file becomes one."""

from __future__ import annotations

import difflib
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from datasets.conditions.runs import RunRange
from datasets.conditions.sdc import Block, Document, SdcError, parse_sdc
from datasets.config import nearest

__all__ = ["TABLES", "Column", "Key", "Table", "TableBlock", "TableFile", "TableRow", "read_table"]

Key = tuple[str | int, ...]
Scalar = float | int | str

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_METADATA = ("table", "setup", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: what it means, and which values may stand in it."""

    name: str
    meaning: str
    kind: Literal["number", "integer", "flag", "word"] = "number"
    unit: str = ""
    units: Mapping[str, float] = field(default_factory=dict)  # other units -> factor to `unit`
    low: float = -math.inf  # least value
    is_positive: bool = False  # 0 is not allowed either
    is_optional: bool = False  # a row need not have it

    def parse(self, text: str) -> Scalar:
        """
        Return the value of a text.

        Raises
        ------
        ValueError
            Saying what was expected.
        """
        if self.kind == "word":
            return text
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            msg = f"expected a {'number' if self.kind == 'number' else 'whole number'}, got '{text}'"
            raise ValueError(msg)
        if self.kind == "number":
            return self._check(float(text), text)
        if not text.isdecimal() or (self.kind == "flag" and text not in {"0", "1"}):
            msg = f"expected {'0 or 1' if self.kind == 'flag' else 'a whole number >= 0'}, got '{text}'"
            raise ValueError(msg)
        return int(text)

    def _check(self, value: float, text: str) -> float:
        if value < self.low or (self.is_positive and value <= 0):
            msg = f"expected a number {'> 0' if self.is_positive else f'>= {self.low:g}'}, got '{text}'"
            raise ValueError(msg)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One kind of table."""

    name: str
    title: str
    keys: tuple[Column, ...]  # what a row is about
    columns: tuple[Column, ...]
    needs: Literal["keys", "blocks", "nothing"]  # what must be there for each run: see `docs/conditions.md`

    @property
    def all_columns(self) -> dict[str, Column]:
        """Return keys and columns by name."""
        return {column.name: column for column in (*self.keys, *self.columns)}


class TableRow(NamedTuple):
    """The values of a row in the declared units."""

    key: Key
    values: Mapping[str, Scalar]  # by column, keys left out
    line: int


class TableBlock(NamedTuple):
    """Rows for the same runs."""

    runs: RunRange
    columns: frozenset[str]  # keys left out
    rows: tuple[TableRow, ...]
    line: int


class TableFile(NamedTuple):
    """One file that was read and found valid by itself."""

    table: Table
    path: Path
    setup: str  # that the file says it belongs to; empty: any
    source: str  # where the numbers are from; empty: not said
    digest: str  # SHA-256 of its bytes
    blocks: tuple[TableBlock, ...]


_LABEL = Column(name="label", kind="word", meaning="channel, as ECAL0-2-3: detector, section, x, y")
_SPILL = Column(name="spill", kind="integer", meaning="spill of the run")
_DETECTOR = Column(name="detector", kind="word", meaning="name in the setup, as ecal")
_POINT = Column(name="point", kind="integer", meaning="of the curve, counted from 0")
_REASON = Column(name="reason", kind="word", meaning="why, in one word", is_optional=True)
_LENGTHS = {"um": 1e-3, "cm": 10.0, "m": 1e3}
_LIST = (
    Table(
        name="gains",
        title="energy per pulse height",
        keys=(_LABEL,),
        columns=(
            Column(
                name="gain",
                unit="GeV/ADC",
                units={"MeV/ADC": 1e-3},
                is_positive=True,
                meaning="true energy per ADC count at the maximum of a pulse",
            ),
        ),
        needs="keys",
    ),
    Table(
        name="times",
        title="time of a prompt signal",
        keys=(_LABEL,),
        columns=(
            Column(
                name="time_offset",
                unit="ns",
                units={"ps": 1e-3},
                meaning="from the first sample to the start of a pulse of the trigger particle",
            ),
        ),
        needs="keys",
    ),
    Table(
        name="pedestals",
        title="baselines of the two converters of a channel",
        keys=(_LABEL,),
        columns=(
            Column(name="pedestal_even", unit="ADC", low=0.0, meaning="baseline of samples 0, 2, ..."),
            Column(name="pedestal_odd", unit="ADC", low=0.0, meaning="baseline of samples 1, 3, ..."),
            Column(name="noise", unit="ADC", low=0.0, meaning="rms of a sample"),
        ),
        needs="keys",
    ),
    Table(
        name="bad_channels",
        title="channels that are not to be used",
        keys=(_LABEL,),
        columns=(Column(name="is_bad", kind="flag", meaning="1: bad, 0: good after all"), _REASON),
        needs="blocks",
    ),
    Table(
        name="bad_spills",
        title="spills that are not to be used",
        keys=(_SPILL,),
        columns=(Column(name="is_bad", kind="flag", meaning="1: bad, 0: good after all"), _REASON),
        needs="blocks",
    ),
    Table(
        name="led",
        title="drift of the gains, from light pulses",
        keys=(_SPILL, _LABEL),
        columns=(
            Column(name="led_factor", unit="1", is_positive=True, meaning="by which energies are multiplied"),
        ),
        needs="nothing",
    ),
    Table(
        name="temperature",
        title="temperature of crystals, which their light depends on",
        keys=(_DETECTOR,),
        columns=(
            Column(name="temperature", unit="degC", meaning="of the detector in that run"),
            Column(name="reference", unit="degC", meaning="at which the gains hold"),
            Column(
                name="slope",
                unit="1/K",
                units={"%/K": 0.01},
                meaning="relative change of the light per kelvin; below 0 where it falls",
            ),
        ),
        needs="nothing",
    ),
    Table(
        name="suppression",
        title="energy of showers in cells below the threshold of the readout",
        keys=(_DETECTOR, _POINT),
        columns=(
            Column(
                name="seen",
                unit="GeV",
                units={"MeV": 1e-3},
                is_positive=True,
                meaning="sum of the cells of a shower that were read; rises with the points",
            ),
            Column(
                name="suppressed",
                unit="GeV",
                units={"MeV": 1e-3},
                low=0.0,
                meaning="what such a shower has in the other cells, on average",
            ),
        ),
        needs="nothing",
    ),
    Table(
        name="alignment",
        title="places of tracker planes against those of the setup",
        keys=(Column(name="plane", kind="word", meaning="name in the setup, as MM1"),),
        columns=(
            Column(name="dx", unit="mm", units=_LENGTHS, meaning="added to x of the plane's centre"),
            Column(name="dy", unit="mm", units=_LENGTHS, meaning="added to y of the plane's centre"),
            Column(name="dz", unit="mm", units=_LENGTHS, meaning="added to z of the plane"),
            Column(
                name="rotation",
                unit="rad",
                units={"mrad": 1e-3, "deg": math.pi / 180.0},
                meaning="of the plane around z, from x to y",
            ),
        ),
        needs="keys",
    ),
    Table(
        name="channel_map",
        title="numbers of the readout's channels",
        keys=(_LABEL,),
        columns=(Column(name="msadc", kind="integer", meaning="number of the channel in raw files"),),
        needs="nothing",
    ),
)
TABLES: Mapping[str, Table] = {table.name: table for table in _LIST}


def read_table(path: Path) -> TableFile:
    """
    Read one file and check all that can be checked without a setup.

    Raises
    ------
    SdcError
        Names file and line, what was expected, and the nearest valid name.
    """
    try:
        content = path.read_bytes()
        document = parse_sdc(content.decode("utf-8-sig"), path)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read {path}: {error}"
        raise SdcError(msg) from error
    table = _find_table(document)
    factors = _factors(document, table)
    return TableFile(
        table,
        path,
        document.metadata.get("setup", ""),
        document.metadata.get("source", ""),
        hashlib.sha256(content).hexdigest(),
        tuple(_read_block(document, block, table, factors) for block in document.blocks),
    )


def _find_table(document: Document) -> Table:
    """Return the table that a file says it is."""
    for name, line in document.lines.items():
        close = difflib.get_close_matches(name.lower(), _METADATA, n=1, cutoff=0.75)
        if close and name not in _METADATA:
            raise document.error(line, f"unknown key '{name}'; did you mean '{close[0]}'?")
    name = document.metadata.get("table", "")
    if name not in TABLES:
        names = {column for block in document.blocks for column in block.columns}
        likely = [t.name for t in TABLES.values() if names and names <= set(t.all_columns)]
        what = f"unknown table '{name}'" if name else "the file does not say which table it is"
        hint = nearest(name, TABLES) or (f"; its columns are those of '{likely[0]}'." if likely else ".")
        known = f"Write table=NAME with one of {', '.join(TABLES)}"
        raise document.error(document.lines.get("table", 0), f"{what}{hint} {known}")
    return TABLES[name]


def _factors(document: Document, table: Table) -> dict[str, float]:
    """Return for each column by how much its values are multiplied to be in the declared unit."""
    factors = dict.fromkeys(table.all_columns, 1.0)
    for name, value in document.metadata.items():
        prefix, dot, column = name.partition(".")
        if prefix != "unit" or not dot:
            continue
        line, columns = document.lines[name], {c.name: c for c in table.columns if c.unit}
        if column not in columns:
            hint = nearest(column, columns) or f"; those of '{table.name}' are {', '.join(columns) or 'none'}"
            raise document.error(line, f"'{name}': no column '{column}' with a unit{hint}")
        units = {columns[column].unit: 1.0, **columns[column].units}
        if value not in units:
            hint = nearest(value, units) or "."
            what = f"unknown unit '{value}' of '{column}'{hint} Units: {', '.join(units)}"
            raise document.error(line, what)
        factors[column] = units[value]
    return factors


def _read_block(document: Document, block: Block, table: Table, factors: Mapping[str, float]) -> TableBlock:
    known = table.all_columns
    for name in block.columns:
        if name not in known:
            hint = nearest(name, known) or "."
            what = f"table '{table.name}' has no column '{name}'{hint} Columns: {', '.join(known)}"
            raise document.error(block.line, what)
    keys = [key.name for key in table.keys]
    columns = frozenset(block.columns) - set(keys)
    if not set(keys) <= set(block.columns) or not columns:
        what = (
            f"columns={','.join(block.columns)}: table '{table.name}' needs {', '.join(keys)} and at least "
            f"one of {', '.join(c.name for c in table.columns)}"
        )
        raise document.error(block.line, what)
    rows, seen = [], dict[Key, int]()
    for row in block.rows:
        values: dict[str, Scalar] = {}
        for name, text in zip(block.columns, row.values, strict=True):
            try:
                value = known[name].parse(text)
            except ValueError as error:
                raise document.error(row.line, f"column '{name}': {error}") from error
            values[name] = value * factors[name] if isinstance(value, float) else value
        key = tuple(_as_key(values.pop(name)) for name in keys)
        if key in seen:
            what = f"{' '.join(map(str, key))} stands in line {seen[key]} already, for the same runs"
            raise document.error(row.line, what)
        seen[key] = row.line
        rows.append(TableRow(key, values, row.line))
    return TableBlock(block.runs, columns, tuple(rows), block.line)


def _as_key(value: Scalar) -> str | int:
    return value if isinstance(value, str) else int(value)
