"""events.parquet of a run directory: which shown events pass which cuts, and what the cuts read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from na64.errors import UserError
from processors.result import EventTable

__all__ = ["EventList", "read_events", "write_events"]

_VERSION = 1


class EventList(NamedTuple):
    """The events of a run, of one dataset each."""

    cuts: tuple[str, ...]
    datasets: npt.NDArray[np.str_]  # (n_events,)
    files: npt.NDArray[np.str_]  # (n_events,) names without folder
    columns: dict[str, npt.NDArray[Any]]  # "entry", "cuts", identity and box columns; (n_events,)
    values: Mapping[str, npt.NDArray[Any]] = MappingProxyType(
        {}
    )  # (n_events, ...) what cuts read beside these

    def passes(self, cut: int) -> npt.NDArray[np.bool_]:
        """Return which events pass the cut of a number, shape (n_events,)."""
        return ((self.columns["cuts"] >> cut) & 1).astype(bool)


def write_events(path: Path, tables: Sequence[EventTable]) -> None:
    """
    Write the events of all chunks, sorted by dataset, file and entry: the same whichever chunk came first.

    Parameters
    ----------
    path : Path
    tables : sequence of EventTable
        With the same cuts. A column that only some of them have is null in the others.
    """
    ordered = sorted(
        tables,
        key=lambda t: (t.dataset, t.file, int(t.columns["entry"][0]) if len(t.columns["entry"]) else -1),
    )
    values = list(dict.fromkeys(name for table in ordered for name in table.values))
    about = {"version": _VERSION, "cuts": list(ordered[0].cuts), "values": values}
    metadata = {b"na64": json.dumps(about).encode()}
    parts = []
    for table in ordered:
        n = len(table.columns["entry"])
        names = {"dataset": np.full(n, table.dataset), "file": np.full(n, Path(table.file).name)}
        words = {name: pa.array(word.tolist(), pa.string()) for name, word in names.items()}
        parts.append(pa.table({**words, **table.columns, **{k: _packed(v) for k, v in table.values.items()}}))
    joined = pa.concat_tables(parts, promote_options="default")
    pq.write_table(joined.replace_schema_metadata(metadata), path, compression="zstd")


def _packed(values: npt.NDArray[Any]) -> Any:
    """Return a column of numbers, or of lists of equal length."""
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def _unpacked(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """Return what `_packed` was given."""
    if not pa.types.is_fixed_size_list(column.type):
        return np.asarray(column.to_numpy())
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(len(column), column.type.list_size))


def read_events(path: Path) -> EventList | None:
    """
    Read the events of a run directory, None if it has none.

    Raises
    ------
    UserError
        If the file is not one of ours.
    """
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"na64"])
        columns = {name: _unpacked(table[name]) for name in table.column_names}
        values = {name: columns.pop(name) for name in about.get("values", ())}
        datasets, files = columns.pop("dataset"), columns.pop("file")
        return EventList(tuple(about["cuts"]), datasets, files, columns, values)
    except (OSError, pa.ArrowException, TypeError, KeyError, ValueError) as error:
        msg = f"cannot read the events of {path}: {error}. Run again with --save-events"
        raise UserError(msg) from error
