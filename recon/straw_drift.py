"""Straws as the kernels know them: where the wires are, and the drift of charge towards them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from recon.geometry import Plane, StrawReadout
from recon.straw_edges import edge_table

__all__ = [
    "StrawTable",
    "distance_error",
    "distance_excess",
    "drift_distance",
    "drift_speed",
    "straw_table",
    "track_time",
    "wire_position",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_STEPS = 40  # of the search for a time, each halves the interval


class StrawTable(NamedTuple):
    """Both coordinates of all planes, row 2 * plane + (0 for x, 1 for y); mostly of shape (n_rows,)."""

    centre: Floats  # [mm]
    radius: Floats  # [mm]
    max_drift_time: Floats  # [ns]
    drift_slowing: Floats
    resolution: Floats  # [mm] of the distance to a wire
    tdc_period: Floats  # [ns]
    time_zero: Floats  # [ns]
    n_straws: Ints  # of both layers; 0 where a plane has other digits
    is_bad: Mask  # (n_rows, most straws)
    edge_shift: Floats  # (n,) `recon.straw_edges.edge_table`
    edge_scale: Floats  # (n,)


def straw_table(planes: Sequence[Plane], is_bad: Mask | None = None) -> StrawTable:
    """
    Lay out the straws of planes.

    Parameters
    ----------
    planes : sequence of Plane
        Of all spectrometers, in the order that the digits count them in.
    is_bad : bool, shape (2 n_planes, most straws of a coordinate), optional
        Straws to be left out.

    Raises
    ------
    ValueError
        If `is_bad` has another shape.
    """
    n_rows = 2 * len(planes)
    numbers, count = np.ones((7, n_rows)), np.zeros(n_rows, dtype=np.int64)
    for row in range(n_rows):
        plane = planes[row // 2]
        straws = plane.readout
        if isinstance(straws, StrawReadout):
            count[row] = 2 * straws.n_straws
            numbers[:, row] = (
                plane.centre[row % 2], 0.5 * straws.diameter, straws.max_drift_time, straws.drift_slowing,
                straws.resolution, straws.tdc_period, straws.time_zero,
            )  # fmt: skip
    shape = n_rows, int(count.max(initial=0))
    if is_bad is not None and is_bad.shape != shape:
        msg = f"is_bad of straws must have the shape (2 n_planes, most straws) = {shape}, got {is_bad.shape}"
        raise ValueError(msg)
    bad = np.zeros(shape, dtype=bool) if is_bad is None else np.array(is_bad, dtype=bool)
    columns: list[Any] = [*numbers, count, bad, *edge_table()]
    return StrawTable(*columns)


@njit(cache=True)
def drift_distance(time: float, row: int, table: StrawTable) -> float:
    """
    Return the distance to the wire [mm], as `StrawReadout.drift_distance` does.

    Parameters
    ----------
    time : float [ns]
        Of the drift.
    row : int
    table : StrawTable
    """
    share = min(max(time / table.max_drift_time[row], 0.0), 1.0)
    if share == 0.0:
        return 0.0
    linear = 1.0 - table.drift_slowing[row]
    root = math.sqrt(linear * linear + 4.0 * table.drift_slowing[row] * share)
    return float(table.radius[row] * 2.0 * share / (linear + root))


@njit(cache=True)
def drift_speed(distance: float, row: int, table: StrawTable) -> float:
    """
    Return how fast charge drifts [mm / ns].

    Parameters
    ----------
    distance : float [mm]
        To the wire.
    row : int
    table : StrawTable
    """
    slowing, radius = table.drift_slowing[row], table.radius[row]
    slope = table.max_drift_time[row] / radius * (1.0 - slowing + 2.0 * slowing * distance / radius)
    return float(1.0 / max(slope, 1e-3 * table.max_drift_time[row] / radius))


@njit(cache=True)
def distance_excess(one: float, other: float, row: int, table: StrawTable) -> float:
    """
    Return by how much the distances of two drift times are more than the radius [mm].

    Parameters
    ----------
    one, other : float [ns]
    row : int
    table : StrawTable
    """
    return drift_distance(one, row, table) + drift_distance(other, row, table) - float(table.radius[row])


@njit(cache=True)
def track_time(one: float, other: float, row: int, table: StrawTable) -> float:
    """
    Return the time of a track [ns] at which the distances of two drift times add up to the radius.

    Parameters
    ----------
    one, other : float [ns]
    row : int
    table : StrawTable
    """
    low, high = min(one, other) - table.max_drift_time[row], max(one, other)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if distance_excess(one - middle, other - middle, row, table) > 0.0:
            low = middle
        else:
            high = middle
    return float(0.5 * (low + high))


@njit(cache=True)
def distance_error(row: int, distance: float, table: StrawTable) -> float:
    """
    Return the error of a distance [mm]: resolution and TDC count.

    Parameters
    ----------
    row : int
    distance : float [mm]
    table : StrawTable
    """
    count = table.tdc_period[row] / math.sqrt(12.0) * drift_speed(distance, row, table)
    return float(math.hypot(table.resolution[row], count))


@njit(cache=True)
def wire_position(straw: int, row: int, table: StrawTable) -> float:
    """
    Return the position of a wire [mm]; straws of both layers together are half a diameter apart.

    Parameters
    ----------
    straw : int
        Of both layers, by position.
    row : int
    table : StrawTable
    """
    return float(table.centre[row] + (straw - 0.5 * (table.n_straws[row] - 1)) * table.radius[row])
