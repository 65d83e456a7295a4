"""Write derived columns to one ROOT tree or one Parquet file, chunk by chunk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import awkward as ak
import numpy as np
import uproot

from recon.columns import COLUMNS, column, title

__all__ = ["ColumnWriter", "open_writer"]

TREE = "events"
_METADATA = "na64"


class ColumnWriter:
    """
    Write the tree `events`; each branch has meaning and unit as its title.

    Parameters
    ----------
    path : Path
    metadata : mapping
        Written as JSON beside the tree when the file is closed; values may be added until then.
    """

    def __init__(self, path: Path, metadata: dict[str, Any]) -> None:
        self.path = path
        self.metadata = metadata
        self._file = uproot.recreate(path, compression=uproot.ZSTD(5))
        self._tree: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._file[_METADATA] = json.dumps(self.metadata)
        self._file.close()

    def write(self, columns: Mapping[str, Any]) -> None:
        """
        Append events.

        Parameters
        ----------
        columns : mapping from declared column names to arrays of one length
            The same columns in each call.
        """
        data = _group(columns)
        if self._tree is None:
            self._tree = self._file.mktree(
                TREE,
                {name: _branch_type(values) for name, values in data.items()},
                title="NA64 derived columns",
                counter_name=lambda counted: f"n_{counted}",
            )
            _set_titles(self._tree)
        self._tree.extend(data)


def _group(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Zip jagged columns of one object, so that they share one counter branch."""
    lists: dict[str, dict[str, Any]] = {}
    data: dict[str, Any] = {}
    for name, values in columns.items():
        if column(name).kind == "list":
            prefix, _, field = name.rpartition("_")
            lists.setdefault(prefix, {})[field] = values
        else:
            data[name] = values
    return data | {prefix: ak.zip(fields) for prefix, fields in lists.items()}


def _branch_type(values: Any) -> Any:
    """Return the type of a branch from its values."""
    if isinstance(values, np.ndarray):
        return np.dtype((values.dtype, values.shape[1:])) if values.ndim > 1 else values.dtype
    return ak.type(values).content


def _set_titles(tree: Any) -> None:
    """
    Give each branch the title of its column.

    uproot has no public way to say so, hence the reach into its bookkeeping; a test reads the titles back.
    """
    cascading = tree._cascading
    for branch in cascading._branch_data:
        if branch.get("fName") in COLUMNS:
            branch["fTitle"] = title(branch["fName"])
    before = cascading._key.seek_location
    cascading.write_anew(tree._file.sink)
    tree._file._move_tree(before, cascading._key.seek_location)


class ParquetColumnWriter:
    """Write a Parquet file; each field has meaning and unit in its metadata. See `ColumnWriter`."""

    def __init__(self, path: Path, metadata: dict[str, Any]) -> None:
        self.path = path
        self.metadata = metadata
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            if kind is None:
                self._writer.add_key_value_metadata({_METADATA: json.dumps(self.metadata)})
            self._writer.close()

    def write(self, columns: Mapping[str, Any]) -> None:
        """Append events as one row group."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        arrays = {
            name: ak.to_arrow(ak.from_numpy(v) if isinstance(v, np.ndarray) else v, extensionarray=False)
            for name, v in columns.items()
        }
        fields = [pa.field(name, a.type, metadata={"title": title(name)}) for name, a in arrays.items()]
        table = pa.Table.from_arrays(list(arrays.values()), schema=pa.schema(fields))
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema, compression="zstd")
        self._writer.write_table(table)


def open_writer(path: Path, metadata: dict[str, Any]) -> ColumnWriter | ParquetColumnWriter:
    """
    Open an output by the ending of its name.

    Raises
    ------
    ValueError
        If the ending is neither `.root` nor `.parquet`.
    """
    if path.suffix == ".root":
        return ColumnWriter(path, metadata)
    if path.suffix == ".parquet":
        return ParquetColumnWriter(path, metadata)
    msg = f"cannot write {path.name}: the name must end in .root or .parquet"
    raise ValueError(msg)
