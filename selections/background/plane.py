"""Sums and spectra of regions out of the bins of an (E_ECAL, E_HCAL) plane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from selections.background.extrapolation import Spectrum
from selections.regions import Region

__all__ = ["Plane", "Sum", "spectrum", "sum_region"]

Floats = npt.NDArray[np.float64]
_CLOSE = 1e-9  # [GeV]


class Plane(NamedTuple):
    """A two-dimensional histogram; the first and last bins along each axis hold what lies outside."""

    columns: tuple[str, str]  # names of the axes
    edges: tuple[Floats, Floats]  # (n_x + 1,), (n_y + 1,) [GeV]
    values: Floats  # (n_x + 2, n_y + 2)
    variances: Floats  # (n_x + 2, n_y + 2)


class Sum(NamedTuple):
    """Weights of the events in a region."""

    total: float
    squares: float


def _bins(plane: Plane, axis: int, region: Region) -> slice:
    """Return the bins along an axis that a region holds, with what lies outside where it is open."""
    edges, column = plane.edges[axis], plane.columns[axis]
    low, high = region.limits.get(column, (None, None))
    places = []
    for limit, open_end in ((low, 0), (high, len(edges) + 1)):
        if limit is None:
            places.append(open_end)
            continue
        index = int(np.argmin(np.abs(edges - limit)))
        if abs(edges[index] - limit) > _CLOSE:
            msg = (
                f"region '{region.name}' ends at {column} {limit:g} GeV, which is not an edge of the plane's "
                f"bins ({edges[0]:g} to {edges[-1]:g} GeV in steps of {edges[1] - edges[0]:g} GeV)"
            )
            raise ValueError(msg)
        places.append(index + 1)
    return slice(*places)


def _slices(plane: Plane, region: Region) -> tuple[slice, slice]:
    strange = set(region.columns) - set(plane.columns)
    if strange or region.sum_of:
        what = "has a window on a sum" if region.sum_of else f"has limits on {', '.join(sorted(strange))}"
        msg = f"region '{region.name}' {what}, which the plane of {' and '.join(plane.columns)} cannot tell"
        raise ValueError(msg)
    return _bins(plane, 0, region), _bins(plane, 1, region)


def sum_region(plane: Plane, region: Region) -> Sum:
    """
    Add up the bins of a region.

    Raises
    ------
    ValueError
        If the region does not begin and end at edges of bins.
    """
    inside = _slices(plane, region)
    return Sum(float(plane.values[inside].sum()), float(plane.variances[inside].sum()))


def spectrum(plane: Plane, region: Region, column: str) -> Spectrum:
    """
    Return the spectrum of one axis of all events of a region, over the whole axis.

    Parameters
    ----------
    plane : Plane
        Of unweighted events.
    region : Region
    column : str
        One of the plane's.

    Raises
    ------
    ValueError
        If the region does not begin and end at edges of bins, or bins hold no whole numbers.
    """
    axis = plane.columns.index(column)
    inside = _slices(plane, region)
    kept = np.zeros_like(plane.values)
    kept[inside] = plane.values[inside]
    counts = kept.sum(axis=1 - axis)[1:-1]
    if not np.array_equal(counts, np.round(counts)):
        msg = f"region '{region.name}' holds weighted events; a side band of data holds counts"
        raise ValueError(msg)
    return Spectrum(plane.edges[axis], counts.astype(np.int64))
