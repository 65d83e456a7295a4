"""Where a quantity comes from: a branch, several, cells listed one by one, flags, or a constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Tag

__all__ = ["UNITS", "Branch", "Combined", "Constant", "Source", "Sparse", "Stack", "Strict"]

UNITS = {
    "GeV": 1.0,
    "MeV": 1e-3,
    "keV": 1e-6,
    "mm": 1.0,
    "cm": 10.0,
    "m": 1e3,
    "ns": 1.0,
    "ps": 1e-3,
    "us": 1e3,
}


def _check_unit(unit: str) -> None:
    if unit and unit not in UNITS:
        msg = f"unknown unit '{unit}'; known: {', '.join(UNITS)}"
        raise ValueError(msg)


class Strict:
    """Base of the model: unknown keys in a file are errors."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scaled(Strict):
    """A number with its unit in the file and the values that mark it as missing."""

    unit: str = ""
    scale: float = 1.0  # applied on top of the unit
    missing: tuple[float, ...] = ()  # values that mean "not measured"

    def __post_init__(self) -> None:
        _check_unit(self.unit)

    @property
    def factor(self) -> float:
        """Return the factor to GeV, mm or ns."""
        return self.scale * UNITS.get(self.unit, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch(_Scaled):
    """One branch: a number, or the cells of a detector."""

    branch: str
    shape: tuple[int, ...] = ()  # of the cells of one event, where the branch is flat: [section, x, y]
    fastest: Literal["x", "y"] = "y"  # which index runs fastest in a flat branch
    take: tuple[int, ...] = ()  # which of the flat cells to use; empty: all

    def __post_init__(self) -> None:
        _check_unit(self.unit)
        if self.shape and (len(self.shape) != 3 or min(self.shape) < 1):
            msg = f"shape of '{self.branch}' must be [sections, x, y], got {list(self.shape)}"
            raise ValueError(msg)
        if self.fastest == "x" and not self.shape:
            msg = f"'fastest: x' of '{self.branch}' needs the shape [sections, x, y] of its cells"
            raise ValueError(msg)
        if any(index < 0 for index in self.take):
            msg = f"'take' of '{self.branch}' must list cells from 0 on, got {list(self.take)}"
            raise ValueError(msg)

    def branches(self) -> tuple[str, ...]:
        """Return the branches read."""
        return (self.branch,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack(_Scaled):
    """Several scalar branches, one per section or cell."""

    stack: tuple[str, ...]

    def branches(self) -> tuple[str, ...]:
        """Return the branches read."""
        return self.stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparse(_Scaled):
    """Cells that are listed one by one with their indices; absent ones are empty."""

    collection: str
    where: Mapping[str, int]  # field -> value that selects the detector
    value: str  # field summed (energies) or averaged by energy (times)
    weight: str = ""  # field of the energies, for times
    index: tuple[str, str, str] = ("section", "x", "y")  # fields

    def __post_init__(self) -> None:
        _check_unit(self.unit)
        if self.missing:
            msg = "cells that are listed one by one need no 'missing': leave the missing ones out of the list"
            raise ValueError(msg)

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields of the collection that are read."""
        return (*self.where, self.value, *self.index, *((self.weight,) if self.weight else ()))

    def branches(self) -> tuple[str, ...]:
        """Return the branches read: none of its own, its collection names them."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined(Strict):
    """A flag made of several boolean branches."""

    every: tuple[str, ...] = ()
    any: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.every) == bool(self.any):
            msg = "give either 'every' or 'any', with the branches of a flag"
            raise ValueError(msg)

    def branches(self) -> tuple[str, ...]:
        """Return the branches read."""
        return self.every or self.any


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Strict):
    """The same value for each event of such files."""

    constant: bool | int | float

    def branches(self) -> tuple[str, ...]:
        """Return the branches read: none."""
        return ()


def _kind(value: Any) -> str | None:
    """Return which kind of source a mapping of a layout file, or an object, is."""
    if not isinstance(value, Mapping):
        return type(value).__name__
    for key, name in _KEYS.items():
        if key in value:
            return name
    return None


_KEYS = {
    "branch": "Branch",
    "stack": "Stack",
    "collection": "Sparse",
    "constant": "Constant",
    "every": "Combined",
    "any": "Combined",
}
Source = Annotated[
    Annotated[Branch, Tag("Branch")]
    | Annotated[Stack, Tag("Stack")]
    | Annotated[Sparse, Tag("Sparse")]
    | Annotated[Combined, Tag("Combined")]
    | Annotated[Constant, Tag("Constant")],
    Discriminator(
        _kind,
        custom_error_type="source",
        custom_error_message="a source needs one of the keys branch, stack, collection, constant, every, any",
    ),
]
