"""What the kernels of the track search hand to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["Candidates", "Limits", "SortedHits", "candidates", "inner", "kernel"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_OPTIONS: dict[str, Any] = {"error_model": "numpy"}

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a loop over candidates or events, for calls from Python."""
    compiler: Any = njit
    return compiler(**_OPTIONS, cache=True)(function)  # type: ignore[no-any-return]


def inner(function: F) -> F:
    """
    Compile a part of such a loop, for calls from kernels alone.

    It makes no arrays and is short: then the compiler leaves out the counting of who holds an array, which
    takes longer than all the arithmetic.
    """
    compiler: Any = njit
    return compiler(**_OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)  # type: ignore[no-any-return]


class SortedHits(NamedTuple):
    """Good hits in the order of event, plane, x, y: independent of the order they came in."""

    first: Ints  # (n_events * n_planes + 1,) hits of event i in plane j start at [i n_planes + j]
    x: Floats  # [mm] (n_hits,)
    y: Floats  # [mm] (n_hits,)
    x_variance: Floats  # [mm2] (n_hits,)
    y_variance: Floats  # [mm2] (n_hits,)
    time: Floats  # [ns] (n_hits,) relative to the trigger particle; NaN where not known
    time_variance: Floats  # [ns2] (n_hits,)
    x_source: Ints  # (n_hits,) equal in a plane: of one signal
    y_source: Ints  # (n_hits,)
    index: Ints  # type: ignore[assignment]  # (n_hits,) in the order they came in


class Limits(NamedTuple):
    """Numbers of a `TrackConfig`."""

    min_planes: int
    max_chi2_per_ndf: float
    road: float  # [standard errors]
    max_candidates: int
    iterations: int
    missing_penalty: float
    max_time_chi2: float
    time_outlier: float
    time_tail: float  # [ns]
    unknown_time: float  # chi2 of a hit without time
    trigger_variance: float  # [ns2]
    max_lateness: float


class Candidates(NamedTuple):
    """Combinations of hits, and the tracks through them; the memory of some events."""

    event: Ints  # (n,)
    hits: Ints  # (n, n_planes) -1 where there is none
    state: Floats  # (n, 5)
    q_error: Floats  # [1/GeV] (n,) of q/p
    chi2: Floats  # (n,)
    p_value: Floats  # (n,)
    score: Floats  # (n,) the less the better; NaN: not a track
    time: Floats  # [ns] (n,) relative to the trigger particle; NaN where no hit has one
    time_error: Floats  # [ns] (n,)
    is_late: Mask  # (n,) too far from the trigger particle in time


def candidates(n: int, n_planes: int) -> Candidates:
    """Return the memory for so many candidates."""
    numbers = [np.empty(n) for _ in range(6)]
    columns: list[Any] = [
        np.empty(n, np.int64),
        np.empty((n, n_planes), np.int64),
        np.empty((n, 5)),
        *numbers,
        np.empty(n, np.bool_),
    ]
    return Candidates(*columns)
