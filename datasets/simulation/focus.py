"""Beams whose optics bring all momenta to one place behind magnets: particles are traced back from there."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from physics.bending import bend
from recon.geometry import Setup

__all__ = ["trace"]

Floats = npt.NDArray[np.float64]


def trace(
    setup: Setup, tracks: Floats, momentum: Floats, charge: Floats, ends: tuple[float, float]
) -> Floats:
    """
    Follow particles through all magnets of a setup, forwards or backwards, without matter.

    Parameters
    ----------
    setup : Setup
    tracks : float64, shape (n, 4)
        x, y [mm] and slopes.
    momentum : float64, shape (n,) [GeV]
    charge : float64, shape (n,) [e]
    ends : (float, float) [mm]
        From one z to another.

    Returns
    -------
    float64, shape (n, 4)
        NaN for a particle that turns back.
    """
    magnets = {m for s in setup.spectrometers.values() for m in s.magnets}
    blocks = sorted((m.z, m.z + m.length, m.field) for m in magnets)
    if ends[1] < ends[0]:
        blocks = [(b, a, field) for a, b, field in reversed(blocks)]
    moved = tracks.copy()
    _trace(moved, momentum, charge, np.array(blocks, dtype=np.float64).reshape(-1, 3), *ends)
    return moved


@numba.njit(cache=True)
def _trace(
    tracks: Floats, momentum: Floats, charge: Floats, blocks: Floats, start: float, stop: float
) -> None:
    low, high = min(start, stop), max(start, stop)
    for i in range(len(tracks)):
        x, y, slope_x, slope_y = tracks[i]
        z = start
        for block in blocks:
            begin, end = min(max(block[0], low), high), min(max(block[1], low), high)
            if begin == end:
                continue
            x, y = x + (begin - z) * slope_x, y + (begin - z) * slope_y
            x, y, slope_x, slope_y, _ = bend(
                x, y, slope_x, slope_y, momentum[i], charge[i], block[2], end - begin
            )
            z = end
        tracks[i, 0], tracks[i, 1] = x + (stop - z) * slope_x, y + (stop - z) * slope_y
        tracks[i, 2], tracks[i, 3] = slope_x, slope_y
