"""Columns that are made when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy.typing as npt

__all__ = ["Later", "LazyColumns", "put_off"]

Array = npt.NDArray[Any]


class Later:
    """
    Columns that belong together and are made together, once.

    Parameters
    ----------
    make : callable
        Returns the columns by name.
    """

    def __init__(self, make: Callable[[], Mapping[str, Array]]) -> None:
        self._make = make

    @cached_property
    def made(self) -> Mapping[str, Array]:
        """Return the columns."""
        return self._make()


def put_off(names: Sequence[str], make: Callable[[], Mapping[str, Array]]) -> dict[str, Any]:
    """
    Return entries of `LazyColumns` for columns that ``make`` makes.

    Parameters
    ----------
    names : sequence of str
    make : callable
        Returns just these columns.
    """
    return dict.fromkeys(names, Later(make))


class LazyColumns(Mapping[str, Array]):
    """
    Columns by name, some of them not made yet.

    Parameters
    ----------
    entries : mapping of str to array or Later
    """

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Array:
        entry = self._entries[name]
        if isinstance(entry, Later):
            self._entries[name] = entry = entry.made[name]
        column: Array = entry
        return column

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
