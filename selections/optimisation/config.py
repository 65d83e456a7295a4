"""Which thresholds are scanned, from YAML and from the words of a user."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from selections.described import load_described
from selections.selection import SelectionError

__all__ = ["BOX", "OptimisationConfig", "Range", "load_optimisation"]

BOX = "signal_box"  # what an edge of the box is called: "signal_box.ecal_energy"
_FOLDER = Path(__file__).resolve().parent
_MOST = 200  # values of a scan


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The values of one threshold that are tried."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    low: float
    high: float
    steps: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            msg = f"a scan rises from low to high, got {self.low} to {self.high}"
            raise ValueError(msg)
        if not 2 <= self.steps <= _MOST:
            msg = f"a scan has 2 to {_MOST} steps, got {self.steps}"
            raise ValueError(msg)

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Return the values, both ends among them."""
        return np.round(np.linspace(self.low, self.high, self.steps), 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimisationConfig:
    """What is scanned, and when a threshold may move."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    level: float
    least_gain: float
    thresholds: Mapping[str, Range]  # "cut.key"
    box: Mapping[str, Range]  # column -> upper edge

    def __post_init__(self) -> None:
        if not (0 < self.level < 1 and self.least_gain >= 0):
            msg = f"level lies in 0 to 1 and least_gain is not below 0: {self.level}, {self.least_gain}"
            raise ValueError(msg)

    def chosen(self, words: Sequence[str]) -> OptimisationConfig:
        """
        Return what a user wants to scan.

        Parameters
        ----------
        words : sequence of str
            "NAME" or "NAME=LOW:HIGH:STEPS", NAME being "cut.key" or "signal_box.column". Without a word all.

        Raises
        ------
        SelectionError
            If a name is not known, or a range is none.
        """
        if not words:
            return self
        thresholds: dict[str, Range] = {}
        box: dict[str, Range] = {}
        for word in words:
            name, _, text = word.partition("=")
            part, _, column = name.partition(".")
            known = self.box.get(column) if part == BOX else self.thresholds.get(name)
            if known is None and not text:
                names = [*self.thresholds, *(f"{BOX}.{column}" for column in self.box)]
                close = difflib.get_close_matches(name, names, n=1)
                hint = f"; did you mean '{close[0]}'?" if close else ""
                msg = (
                    f"no range is known for '{name}'{hint} Give NAME=LOW:HIGH:STEPS, or one of "
                    f"{', '.join(names)}"
                )
                raise SelectionError(msg)
            wanted = _range(word, text) if text else known
            assert wanted is not None
            if part == BOX:
                box[column] = wanted
            else:
                thresholds[name] = wanted
        return replace(self, thresholds=thresholds, box=box)


def _range(word: str, text: str) -> Range:
    try:
        low, high, steps = text.split(":")
        return Range(low=float(low), high=float(high), steps=int(steps))
    except ValueError as error:
        msg = f"'{word}' is not of the form NAME=LOW:HIGH:STEPS, for example preshower.low=0.2:2:19 ({error})"
        raise SelectionError(msg) from error


def load_optimisation(analysis: str) -> OptimisationConfig:
    """
    Load the scans of an analysis.

    Raises
    ------
    SelectionError
        If there are none, or they are wrong.
    """
    return load_described(
        OptimisationConfig, _FOLDER, analysis, "no scans are described", "there are some for"
    )
