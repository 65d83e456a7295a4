"""The scales of an event display: places along the beam line, and colours of energies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm
from matplotlib.patches import Polygon

__all__ = ["CMAP", "LEAST_ENERGY", "ZScale", "energy_norm", "hatched"]

Floats = npt.NDArray[np.float64]

CMAP = "viridis_r"
LEAST_ENERGY = 1e-3  # [GeV] cells with less are white


class ZScale:
    """
    Draw each stretch between two edges in the root of its length, so that cm and tens of m are seen together.

    Parameters
    ----------
    edges : iterable of float [mm]
        Where elements start and end.
    """

    def __init__(self, edges: Iterable[float]) -> None:
        self.edges = np.unique(np.array(list(edges), dtype=np.float64))
        self._drawn = np.concatenate([[0.0], np.cumsum(np.sqrt(np.diff(self.edges)))])

    def __call__(self, z: npt.ArrayLike) -> Floats:
        """Return where places are drawn; those before the first and behind the last edge are drawn there."""
        drawn: Floats = np.interp(np.asarray(z, dtype=np.float64), self.edges, self._drawn)
        return drawn

    def ticks(self, n: int) -> Floats:
        """Return up to n edges [mm] that are not too close for their labels."""
        kept: list[float] = []
        least = self._drawn[-1] / n
        for edge, drawn in zip(self.edges, self._drawn, strict=True):
            if not kept or drawn - float(self(kept[-1])) >= least:
                kept.append(float(edge))
        return np.array(kept)


def energy_norm(cells: Iterable[Floats]) -> LogNorm:
    """Return the colour scale [GeV] of all cells of an event; NaN is left out."""
    largest = max((float(np.nanmax(c, initial=0.0)) for c in cells), default=0.0)
    return LogNorm(LEAST_ENERGY, max(largest, 100 * LEAST_ENERGY), clip=False)


def hatched(corners: npt.ArrayLike, gid: str) -> Polygon:
    """Return a polygon, shape (n, 2), that stands for what is not known."""
    return Polygon(np.asarray(corners), fc="none", ec="0.55", hatch="xxxx", linewidth=0.6, gid=gid)
