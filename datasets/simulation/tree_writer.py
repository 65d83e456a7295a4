"""Write blocks of events to a tree, with the metadata of the file beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot

__all__ = ["Container", "TreeWriter"]

Arrays = Mapping[str, npt.NDArray[Any]]
Container = Literal["ttree", "rntuple"]

_METADATA = "na64"
_ZSTD = uproot.ZSTD(1)
_OFFSETS = "_offsets"


class TreeWriter:
    """
    Write columns of events to one tree.

    A column `NAME_offsets` of shape (n_events + 1,) says which rows of all columns `NAME_*` belong to which
    event.

    Parameters
    ----------
    path : Path
    metadata : dict
        Written as JSON beside the tree when the file is closed; values may be added until then.
    tree, title : str
    container : "ttree" or "rntuple"
        A list of rows that hold several numbers each is written as such to an RNTuple; to a TTree, in which
        uproot cannot write it so, as one flat list per event.
    n_buffered : int
        Blocks written at once: larger baskets read faster.
    compression : uproot.compression.Compression
    """

    def __init__(
        self,
        path: Path,
        metadata: dict[str, Any],
        *,
        tree: str,
        title: str,
        container: Container = "ttree",
        n_buffered: int = 16,
        compression: Any = _ZSTD,
    ) -> None:
        self.metadata = metadata
        self._name, self._title, self._container, self._n_buffered = tree, title, container, n_buffered
        self._file = uproot.recreate(path, compression=compression)
        self._tree: Any = None
        self._waiting: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
            self._file[_METADATA] = json.dumps(self.metadata)
        self._file.close()

    def write(self, columns: Arrays) -> None:
        """Append the events of a block."""
        self._waiting.append(_lists(columns) if self._container == "rntuple" else _records(columns))
        if len(self._waiting) == self._n_buffered:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        data = {name: _concatenate([w[name] for w in self._waiting]) for name in self._waiting[0]}
        self._waiting = []
        if self._tree is not None:
            self._tree.extend(data)
        elif self._container == "rntuple":  # with its first events: ROOT refuses an empty cluster
            self._tree = self._file.mkrntuple(self._name, data)
        else:
            types = {name: _branch_type(values) for name, values in data.items()}
            self._tree = self._file.mktree(
                self._name, types, title=self._title, counter_name=lambda counted: f"n_{counted}"
            )
            self._tree.extend(data)


def _lists(columns: Arrays) -> dict[str, Any]:
    """Return one list per event of each column that has rows."""
    data: dict[str, Any] = {}
    for name, values in columns.items():
        group = _group(name, columns)
        if group is None:
            data[name] = values
        elif not name.endswith(_OFFSETS):
            rows = values if values.ndim == 1 else ak.from_numpy(values, regulararray=True)
            data[name] = ak.unflatten(rows, np.diff(columns[f"{group}{_OFFSETS}"]))
    return data


def _records(columns: Arrays) -> dict[str, Any]:
    """Join the columns of a group to lists of records, which share a counter; longer rows go apart."""
    data: dict[str, Any] = {}
    for name, values in columns.items():
        group = _group(name, columns)
        if group is None:
            data[name] = values
        elif not name.endswith(_OFFSETS):
            counts = np.diff(columns[f"{group}{_OFFSETS}"])
            if values.ndim == 1:
                data.setdefault(group, {})[name.removeprefix(f"{group}_")] = ak.unflatten(values, counts)
            else:
                data[name] = ak.unflatten(values.ravel(), counts * values.shape[1])
    return {name: ak.zip(v) if isinstance(v, dict) else v for name, v in data.items()}


def _group(name: str, columns: Arrays) -> str | None:
    """Return the group of rows that a column belongs to: the longest whose name it begins with."""
    groups = [other.removesuffix(_OFFSETS) for other in columns if other.endswith(_OFFSETS)]
    return max((group for group in groups if name.startswith(f"{group}_")), key=len, default=None)


def _concatenate(parts: list[Any]) -> Any:
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else ak.concatenate(parts)


def _branch_type(values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return np.dtype((values.dtype, values.shape[1:])) if values.ndim > 1 else values.dtype
    return ak.type(values).content
