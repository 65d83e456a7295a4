"""Read fields of NanoEvents now, each of them once, with errors that name them."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

__all__ = ["EventReader", "ReadError", "plain", "raw_field"]

Array = npt.NDArray[Any]


class ReadError(OSError):
    """A branch of a file cannot be read or does not hold what its layout says."""


def raw_field(branch: str) -> str:
    """Return the name of the field that holds a branch which is only a part of a quantity."""
    return f"branch:{branch}"


def plain(array: ak.Array) -> Any:
    """Return a NumPy array where the array is regular, else the awkward array itself."""
    try:
        return ak.to_numpy(array, allow_missing=False)
    except ValueError:
        return array


class EventReader:
    """
    A stretch of events whose fields are read on demand and kept.

    Parameters
    ----------
    events : NanoEvents
    """

    def __init__(self, events: ak.Array) -> None:
        self.n_events = len(events)
        self._events = events
        self._fields: dict[tuple[str, ...], ak.Array] = {}
        self._flat: dict[tuple[str, str], Array] = {}

    def has(self, *path: str) -> bool:
        """Return whether there is such a field; may read the structure of a collection."""
        array = self._events
        for depth, name in enumerate(path):
            if name not in array.fields:
                return False
            if depth + 1 < len(path):
                array = self._get(path[: depth + 1])
        return True

    def field(self, *path: str) -> ak.Array:
        """
        Return one field, read now.

        Raises
        ------
        ReadError
            If it cannot be read: a damaged basket, for example.
        """
        if path not in self._fields:
            self._fields[path] = self._get(path)
        return self._fields[path]

    def _get(self, path: tuple[str, ...]) -> ak.Array:
        try:
            array = self._events
            for name in path:
                array = array[name]
            return ak.materialize(array) if not array.fields else array
        except Exception as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            msg = f"cannot read '{'.'.join(path)}': {type(error).__name__}: {' '.join(lines[:2])}"
            raise ReadError(msg) from error

    def flat(self, collection: str, name: str) -> Array:
        """Return a field of a collection without its event structure, (n_entries,)."""
        key = (collection, name)
        if key not in self._flat:
            self._flat[key] = ak.to_numpy(ak.flatten(self.field(collection, name)))
        return self._flat[key]

    def event_of(self, collection: str, name: str) -> Array:
        """Return the event number of each entry of a collection, (n_entries,)."""
        counts = ak.to_numpy(ak.num(self.field(collection, name)))
        return np.repeat(np.arange(self.n_events), counts)
