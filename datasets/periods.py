"""Data-taking periods: runs, setup, and the regions that are closed on their data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from datasets.config import ConfigError, build, nearest, read_yaml
from recon.columns import COLUMNS

__all__ = ["Limits", "Period", "data_period", "load_periods", "period_of_run", "period_of_setup"]

_FILE = Path(__file__).parent / "periods.yaml"

Limits = Mapping[str, tuple[float | None, float | None]]  # column -> [low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of runs with one setup, one kind of trigger and its closed regions."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: str
    setup: str
    runs: tuple[tuple[int, int], ...] = ()  # inclusive ranges
    kind: Literal["data", "calibration"] = "data"
    closed: Mapping[str, Limits] = field(default_factory=dict)  # analysis -> closed region

    def covers(self, run: int) -> bool:
        """Return whether ``run`` belongs to the period."""
        return any(first <= run <= last for first, last in self.runs)

    def cover(self, runs: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Return which of the runs, (n_events,), belong to the period."""
        inside = np.zeros(len(runs), dtype=bool)
        for first, last in self.runs:
            inside |= (runs >= first) & (runs <= last)
        return inside


@cache
def load_periods(path: Path | None = None) -> tuple[Period, ...]:
    """
    Load all periods.

    Parameters
    ----------
    path : Path, optional
        YAML file; by default the one that comes with the project.

    Raises
    ------
    ConfigError
        If a key is wrong, a name stands twice, runs of two periods overlap, or a data period has no
        closed region.
    """
    path = path or _FILE
    tree = read_yaml(path)
    if not isinstance(tree, list):
        msg = f"{path.name} must hold a list of periods"
        raise ConfigError(msg)
    periods = tuple(build(Period, entry, f"{path.name}, period {i}") for i, entry in enumerate(tree))
    _check(periods, path.name)
    return periods


def _check(periods: tuple[Period, ...], where: str) -> None:
    """Refuse periods that contradict each other or leave data open."""
    names = [period.name for period in periods]
    if len(set(names)) < len(names):
        msg = f"{where}: a period stands twice in {names}"
        raise ConfigError(msg)
    ranges = sorted((first, last, p.name) for p in periods for first, last in p.runs)
    for (_, last, left), (first, _, right) in pairwise(ranges):
        if first <= last:
            msg = f"{where}: runs of '{left}' and '{right}' overlap at run {first}"
            raise ConfigError(msg)
    for period in periods:
        _check_ranges(period, where)
        if period.kind == "data" and not period.closed:
            msg = f"{where}: period '{period.name}' has data and no closed region"
            raise ConfigError(msg)


def _check_ranges(period: Period, where: str) -> None:
    """Refuse a closed region that would close nothing, or everything by mistake, and runs that fall."""
    for analysis, limits in period.closed.items():
        for column, (low, high) in limits.items():
            place = f"{where}: period '{period.name}', region '{analysis}', {column}"
            if column not in COLUMNS:
                msg = f"{place}: no such column{nearest(column, COLUMNS)}"
                raise ConfigError(msg)
            numbers = [value for value in (low, high) if value is not None]
            if not numbers or not all(math.isfinite(v) for v in numbers) or numbers != sorted(set(numbers)):
                msg = f"{place}: limits must be finite and rise, one of them may be null, got {[low, high]}"
                raise ConfigError(msg)
        if not limits:
            msg = f"{where}: period '{period.name}': region '{analysis}' has no limits"
            raise ConfigError(msg)
    for first, last in period.runs:
        if first > last:
            msg = f"{where}: period '{period.name}': runs {[first, last]} must rise"
            raise ConfigError(msg)


def period_of_run(run: int) -> Period:
    """
    Return the period of a run.

    Raises
    ------
    ConfigError
        If no period covers it: data of an unknown period could not be blinded.
    """
    for period in load_periods():
        if period.covers(run):
            return period
    known = "; ".join(f"{p.name} {list(map(list, p.runs))}" for p in load_periods() if p.runs)
    msg = (
        f"run {run} lies in no data-taking period, so nothing says which region of its data is closed. "
        f"Known periods: {known}. Add yours to datasets/periods.yaml"
    )
    raise ConfigError(msg)


def data_period(run: int) -> Period | None:
    """Return the period in which data of this run were taken, None where there is none."""
    return next((p for p in load_periods() if p.kind == "data" and p.covers(run)), None)


def period_of_setup(setup: str) -> Period:
    """
    Return one period that closes all that any period of a setup closes, for files without run numbers.

    Raises
    ------
    ConfigError
        If no period of the setup is registered.
    """
    found = [period for period in load_periods() if period.setup == setup and period.kind == "data"]
    if not found:
        msg = (
            f"no data-taking period is registered for setup '{setup}', so nothing says which region of "
            f"data without run numbers is closed; add one to datasets/periods.yaml"
        )
        raise ConfigError(msg)
    closed: dict[str, Limits] = {}
    for period in found:
        for analysis, limits in period.closed.items():
            if closed.setdefault(analysis, limits) != limits:
                msg = (
                    f"the periods of setup '{setup}' close different regions for '{analysis}'; "
                    f"files without run numbers cannot be attributed to one of them"
                )
                raise ConfigError(msg)
    return Period(name=found[0].name if len(found) == 1 else setup, setup=setup, closed=closed)
