"""events.parquet of a run directory: which shown events pass which cuts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
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
    metadata = {b"na64": json.dumps({"version": _VERSION, "cuts": list(ordered[0].cuts)}).encode()}
    parts = []
    for table in ordered:
        n = len(table.columns["entry"])
        names = {"dataset": np.full(n, table.dataset), "file": np.full(n, Path(table.file).name)}
        parts.append(
            pa.table({**{k: pa.array(v.tolist(), pa.string()) for k, v in names.items()}, **table.columns})
        )
    joined = pa.concat_tables(parts, promote_options="default")
    pq.write_table(joined.replace_schema_metadata(metadata), path, compression="zstd")


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
        columns = {name: table[name].to_numpy() for name in table.column_names}
        return EventList(tuple(about["cuts"]), columns.pop("dataset"), columns.pop("file"), columns)
    except (OSError, pa.ArrowException, TypeError, KeyError, ValueError) as error:
        msg = f"cannot read the events of {path}: {error}. Run again with --save-events"
        raise UserError(msg) from error
