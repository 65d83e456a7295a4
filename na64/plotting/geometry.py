"""What is marked in a figure: the window that a cut keeps, and the outlines of regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from scipy.ndimage import distance_transform_edt

from recon.columns import SUMS
from selections.cut import Cut
from selections.regions import Region

__all__ = ["deepest_place", "elsewhere", "is_of_box", "kept_window", "parts_of", "region_polygon"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def kept_window(cut: Cut) -> tuple[float, float] | None:
    """
    Return what a cut keeps on the axis of its N-1 histogram.

    Parameters
    ----------
    cut : Cut
        Parameters named in ``plot.marks`` are upper limits, or lower ones if their names end with "low". A
        centre with a half width, a count and a largest distance in cells are known too.

    Returns
    -------
    (low, high) in the unit of the axis, infinite where open; None where the cut has no threshold
    """
    if cut.plot is None:
        return None
    params, low, high = cut.params, -np.inf, np.inf
    for mark in cut.plot.marks:
        if mark.endswith("low"):
            low = params[mark]
        else:
            high = params[mark]
    if {"centre", "half_width"} <= params.keys():
        low, high = params["centre"] - params["half_width"], params["centre"] + params["half_width"]
    elif not cut.plot.marks and "count" in params:
        low, high = params["count"] - 0.5, params["count"] + 0.5
    elif not cut.plot.marks and "distance" in params:
        high = params["distance"] + 0.5
    return None if (low, high) == (-np.inf, np.inf) else (low * cut.plot.scale, high * cut.plot.scale)


def parts_of(column: str) -> tuple[str, ...]:
    """Return the columns that a column is the sum of; itself if it is none."""
    return SUMS.get(column, (column,))


def _among(column: str, axes: set[str]) -> set[str]:
    """Return the axes of a plane that a limit on a column is on: itself, or all that it is the sum of."""
    parts = {column} if column in axes else set(parts_of(column))
    return parts if parts <= axes else set()


def region_polygon(region: Region, x: str, y: str, bounds: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """
    Return the corners of a region within the frame of a figure.

    Parameters
    ----------
    region : Region
    x, y : str
        Columns of the axes; limits on other columns are not seen.
    bounds : (x low, x high, y low, y high)

    Returns
    -------
    float64, shape (n_corners, 2)
        In order around the region; no corners where it lies outside of the frame.
    """
    corners = np.array([(bounds[i], bounds[j]) for i, j in ((0, 2), (1, 2), (1, 3), (0, 3))])
    drawn = {name: _among(name, {x, y}) for name in region.limits}
    windows = [((x in drawn[name], y in drawn[name]), limit) for name, limit in region.limits.items()]
    if region.sum_of:
        windows.append(((x in region.sum_of, y in region.sum_of), region.sum_limit))
    for (a, b), (low, high) in windows:
        if not (a or b):
            continue
        if low is not None:
            corners = clip_polygon(corners, a, b, -low)
        if high is not None:
            corners = clip_polygon(corners, -float(a), -float(b), high)
    return corners


def is_of_box(columns: set[str], box: Region) -> bool:
    """Return whether the axes of a plane are what the signal box limits, alone or in a sum."""
    return columns <= {part for name in box.columns for part in (name, *parts_of(name))}


def elsewhere(region: Region, columns: set[str]) -> str:
    """Return what a region asks for beside the columns of a plane."""
    ends = [
        f"{name} {sign} {end:g}"
        for name, limit in region.limits.items()
        for sign, end in zip(("≥", "<"), limit, strict=True)
        if end is not None and not _among(name, columns)
    ]
    return f" where {' and '.join(ends)}" if ends else ""


def clip_polygon(corners: Floats, a: float, b: float, c: float) -> Floats:
    """
    Keep the part of a convex polygon where a x + b y + c >= 0 (Sutherland and Hodgman, CACM 17 (1974) 32).

    Parameters
    ----------
    corners : float64, shape (n, 2)
    a, b, c : float

    Returns
    -------
    float64, shape (m, 2)
    """
    kept: list[Floats] = []
    for before, after in zip(np.roll(corners, 1, axis=0), corners, strict=True):
        start, stop = np.array([before, after]) @ (a, b) + c
        if (start < 0) != (stop < 0):
            kept.append(before + start / (start - stop) * (after - before))
        if stop >= 0:
            kept.append(after)
    return np.array(kept, dtype=np.float64).reshape(-1, 2)


def deepest_place(axes: Axes, masks: Callable[[Floats, Floats], Sequence[Mask]]) -> tuple[float, float]:
    """
    Return the place of a label: in data coordinates, farthest on paper from the edge of an area.

    Parameters
    ----------
    axes : Axes
    masks : callable
        Given x and y of places all over the frame, areas that may be used, the best first: the next one
        is tried where an area is too narrow.
    """
    n = 200
    steps = (np.arange(n) + 0.5) / n
    frame = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    places = (axes.transAxes - axes.transData).transform(frame)
    best = 0
    for mask in masks(places[:, 0], places[:, 1]):
        depth = distance_transform_edt(np.pad(mask.reshape(n, n), 1))[1:-1, 1:-1]
        cells = np.argwhere(depth > 0)
        middle = cells.mean(axis=0) if len(cells) else np.zeros(2)
        away = np.hypot(*(np.indices(depth.shape) - middle[:, None, None]))
        best = int((depth - 0.05 * away).argmax())
        if depth.max() >= 6:
            break
    return float(places[best, 0]), float(places[best, 1])
