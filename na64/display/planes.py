"""Tracker planes as the beam sees them, with hits and track."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from na64.display.line import BEAM, TRACK, Hits, track_at
from na64.plotting import style
from na64.plotting.beamline import beam_path
from processors.pick import Picked

__all__ = ["draw_plane"]


def draw_plane(axes: Axes, picked: Picked, name: str, index: int, hits: Hits | None) -> None:
    """
    Draw the active area of a plane, its hits, and where track and nominal beam cross it.

    Parameters
    ----------
    axes : Axes
    picked : Picked
    name : str
        Of the spectrometer.
    index : int
        Of the plane.
    hits : Hits or None
        Of the spectrometer; None: the file has none.
    """
    setup = picked.context.aligned_setup
    spectrometer = setup.spectrometers[name]
    plane = spectrometer.planes[index]
    half_x, half_y = (0.5 * size for size in plane.size)
    axes.set(
        xlim=(plane.centre[0] - half_x, plane.centre[0] + half_x),
        ylim=(plane.centre[1] - half_y, plane.centre[1] + half_y),
    )
    axes.tick_params(labelsize=7)
    axes.minorticks_off()
    beam = beam_path(setup, np.array([plane.z]))
    axes.plot(*beam, "D", color=BEAM, markersize=4, fillstyle="none")
    if name == "incoming":
        axes.plot(*track_at(picked, spectrometer, [plane.z]), "x", color=TRACK, markersize=9, gid="track")
    if hits is None:
        axes.set_title(f"{plane.name}: not in file", fontsize=9, pad=3)
        return
    here = hits.plane == index
    look: Any = {"s": 22, "ec": style.INK, "zorder": 4}
    for mask, face in ((here & ~hits.is_near, "none"), (here & hits.is_near, TRACK)):
        axes.scatter(hits.x[mask], hits.y[mask], fc=face, gid="hits", **look)
    n = int(np.count_nonzero(here))
    axes.set_title(f"{plane.name}: {n or 'no'} hit{'s' * (n != 1)}", fontsize=9, pad=3)
