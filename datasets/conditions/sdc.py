"""
Tables in the collaboration's text format (SDC): read, written, and checked line by line.

A line is a comment (`# ...`, also behind anything else), `runs=RANGE`, `columns=NAME,NAME`, metadata
`name=value` of the file, or a row of values separated by blanks. Ranges of runs and names of columns hold
until they are changed. What the values mean is the matter of `datasets.conditions.tables`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from datasets.conditions.runs import RunRange
from datasets.config import ConfigError

__all__ = ["Block", "Document", "Row", "SdcError", "format_sdc", "parse_sdc", "read_sdc", "write_sdc"]

_PAIR = re.compile(r"([A-Za-z_][\w.]*)\s*=\s*(.*)")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_KEYS = ("runs", "columns")


class SdcError(ConfigError):
    """A table is wrong; the text names file and line and says what was expected."""


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one line, one per column, as they are written."""

    values: tuple[str, ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    """Rows with the same columns that hold for the same runs; without rows it says that there are none."""

    runs: RunRange
    columns: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    line: int = field(default=0, compare=False)  # where its runs or columns are named


@dataclass(frozen=True, slots=True)
class Document:
    """All that a file says, comments left out."""

    blocks: tuple[Block, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # where metadata stand
    path: Path = field(default=Path(), compare=False)

    def error(self, line: int, text: str) -> SdcError:
        """Return an error that names the file and a line of it (0: none)."""
        return SdcError(f"{self.path}{f', line {line}' if line else ''}: {text}")


def read_sdc(path: Path) -> Document:
    """
    Read a file.

    Raises
    ------
    SdcError
        If it cannot be read, or a line of it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read {path}: {error}"
        raise SdcError(msg) from error
    return parse_sdc(text, path)


def parse_sdc(text: str, path: Path) -> Document:
    """
    Read the text of a file.

    Parameters
    ----------
    text : str
    path : Path
        Named in messages.

    Raises
    ------
    SdcError
        If a line is wrong.
    """
    parser = _Parser(path)
    for number, line in enumerate(text.split("\n"), 1):
        parser.read(line.partition("#")[0].strip(), number)
    return parser.finish()


class _Parser:
    """What has been read so far: the ranges and names that hold, and the rows of the open block."""

    def __init__(self, path: Path) -> None:
        self.document = Document(path=path)
        self.blocks: list[Block] = []
        self.metadata: dict[str, str] = {}
        self.lines: dict[str, int] = {}
        self.runs: RunRange | None = None
        self.columns: tuple[str, ...] = ()
        self.rows: list[Row] = []
        self.start = 0  # line of the open block
        self.is_named = False  # its columns were named after its runs

    def read(self, line: str, number: int) -> None:
        pair = _PAIR.fullmatch(line)
        if not line:
            return
        if pair is None:
            self._read_row(tuple(line.split()), number)
        elif pair[1] == "runs":
            self._read_runs(pair[2], number)
        elif pair[1] == "columns":
            self._read_columns(pair[2], number)
        else:
            self._read_metadata(pair[1], pair[2], number)

    def finish(self) -> Document:
        self._close()
        return Document(tuple(self.blocks), self.metadata, self.lines, self.document.path)

    def _close(self) -> None:
        if self.runs is not None and self.columns:
            self.blocks.append(Block(self.runs, self.columns, tuple(self.rows), self.start))
        self.rows, self.is_named = [], False

    def _read_runs(self, text: str, number: int) -> None:
        self._close()
        try:
            self.runs = RunRange.parse(text)
        except ValueError as error:
            raise self.document.error(number, f"runs={text}: {error}") from error
        self.start = number

    def _read_columns(self, text: str, number: int) -> None:
        if self.rows or self.is_named:
            self._close()
            self.start = number
        names = tuple(name.strip() for name in text.split(","))
        wrong = [name for name in names if not _NAME.fullmatch(name)]
        if wrong:
            what = (
                f"columns={text}: '{wrong[0]}' is no name of a column; write columns=label,gain with commas "
                f"between names of letters, digits, _ and ."
            )
            raise self.document.error(number, what)
        if len(set(names)) < len(names):
            raise self.document.error(number, f"columns={text}: a column stands twice")
        self.columns, self.is_named = names, True

    def _read_metadata(self, name: str, value: str, number: int) -> None:
        close = difflib.get_close_matches(name.lower(), _KEYS, n=1, cutoff=0.75)
        if close:
            what = f"unknown key '{name}'; did you mean '{close[0]}'?"
            raise self.document.error(number, what)
        if not value:
            what = f"'{name}=' has no value; write {name}=VALUE or leave the line out"
            raise self.document.error(number, what)
        if name in self.metadata:
            what = f"'{name}' stands in line {self.lines[name]} already; metadata hold for all of the file"
            raise self.document.error(number, what)
        self.metadata[name], self.lines[name] = value, number

    def _read_row(self, values: tuple[str, ...], number: int) -> None:
        if self.runs is None or not self.columns:
            missing = "runs=RANGE" if self.runs is None else "columns=NAME,NAME"
            raise self.document.error(number, f"a row stands before any '{missing}'")
        if len(values) != len(self.columns):
            what = (
                f"expected {len(self.columns)} values ({', '.join(self.columns)}), got {len(values)}: "
                f"'{' '.join(values)}'"
            )
            raise self.document.error(number, what)
        self.rows.append(Row(values, number))


def format_sdc(document: Document, header: str = "") -> str:
    """
    Return the text of a document, from which `parse_sdc` reads the same document.

    Parameters
    ----------
    document : Document
    header : str
        Written as comments at the top, line by line.

    Raises
    ------
    SdcError
        If a value could not be read again: it is empty, has blanks or `#`, or looks like `name=value`.
    """
    lines = [f"# {line}".rstrip() for line in header.splitlines()]
    for name, value in document.metadata.items():
        _check_metadata(document, name, value)
        lines.append(f"{name}={value}")
    for block in document.blocks:
        lines += ["", f"runs={block.runs}", f"columns={','.join(block.columns)}"]
        lines += _format_rows(document, block)
    return "\n".join(lines).lstrip("\n") + "\n"


def _check_metadata(document: Document, name: str, value: str) -> None:
    line = f"{name}={value}"
    pair = None if "#" in line or "\n" in line else _PAIR.fullmatch(line.strip())
    if pair is None or not value or name in _KEYS or pair.groups() != (name, value):
        raise document.error(0, f"metadata {name}={value!r} cannot be written")
    _Parser(document.path).read(line, 0)


def _format_rows(document: Document, block: Block) -> list[str]:
    """Return the rows of a block with their columns below each other."""
    table = [row.values for row in block.rows]
    for values in table:
        wrong = [v for v in values if v.split() != [v] or "#" in v]
        wrong += [values[0]] if _PAIR.fullmatch(" ".join(values)) else []
        if wrong or len(values) != len(block.columns):
            what = f"the row {values} cannot be written under the columns {block.columns}"
            raise document.error(0, what)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(v.ljust(w) for v, w in zip(row, widths, strict=True)).rstrip() for row in table]


def write_sdc(document: Document, path: Path, header: str = "") -> None:
    """Write a document to a file; parameters and errors as for `format_sdc`."""
    path.write_text(format_sdc(document, header), encoding="utf-8")
