"""Read fields of NanoEvents now, each of them once, with errors that name them."""

from __future__ import annotations

import math
import traceback
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from datasets.deadline import DeadlineError, deadline

__all__ = ["EventReader", "ReadError", "plain", "raw_field"]

Array = npt.NDArray[Any]
_PER_EVENT = 1 << 20  # [bytes] of one field of one event, more than any has
_PER_BYTE = 100  # times the size of a compressed file


class ReadError(OSError):
    """A branch of a file cannot be read or does not hold what its layout says."""


def raw_field(branch: str) -> str:
    """Return the name of the field that holds a branch which is only a part of a quantity."""
    return f"branch:{branch}"


def _asked_for(error: MemoryError) -> int:
    """Return the bytes that NumPy could not have; 0 where it was not NumPy that asked."""
    shape, dtype = getattr(error, "shape", None), getattr(error, "dtype", None)
    return 0 if shape is None or dtype is None else math.prod(shape) * int(dtype.itemsize)


def _kind(error: Exception) -> str:
    """Return what kind of error it is, and where: its text may hold numbers of closed events."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    frames = traceback.extract_tb(error.__traceback__)
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"{name} in {Path(frames[-1].filename).name}" if frames else name


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
        Of their metadata, ``timeout`` [s] is for reading one field, ``size`` [bytes] is that of the file.
    """

    def __init__(self, events: ak.Array) -> None:
        self.n_events = len(events)
        metadata = getattr(events, "metadata", None) or {}
        self._timeout = float(metadata.get("timeout", 0.0))
        size = int(metadata.get("size", 0))
        self._most = min(_PER_EVENT * max(1, self.n_events), _PER_BYTE * size or _PER_EVENT * self.n_events)
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
        why = ""
        try:
            array = self._events
            with deadline(self._timeout, "reading"):
                for name in path:
                    array = array[name]
                if array.fields:
                    return array
                values = ak.materialize(array)
        except DeadlineError as error:
            why = str(error)
        except MemoryError as error:
            if _asked_for(error) <= self._most:
                raise
            why = "it asks for more memory than such events can fill"
        except Exception as error:
            msg = f"cannot read '{'.'.join(path)}': {_kind(error)}"
            raise ReadError(msg) from error
        if why:  # raised here, where the error itself is not its context: the file is to blame
            msg = f"cannot read '{'.'.join(path)}': {why}"
            raise ReadError(msg)
        if not ak.is_valid(values):  # lists that end before they begin would be read from anywhere
            msg = f"cannot read '{'.'.join(path)}': its lists have impossible lengths"
            raise ReadError(msg)
        return values

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
