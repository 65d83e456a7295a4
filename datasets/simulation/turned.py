"""Planes that are turned around the beam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.simulation.event import EventHits
from datasets.simulation.strips import planes_of
from recon.geometry import Setup

__all__ = ["seen_by_planes"]


def seen_by_planes(hits: EventHits, setup: Setup, rotation: Sequence[float]) -> EventHits:
    """
    Return hits where turned planes see them: in axes that turn with each plane.

    Parameters
    ----------
    hits : EventHits
        In the axes of the setup.
    setup : Setup
        With planes at their true centres.
    rotation : sequence of float [rad]
        Of each plane around its centre, from x to y; empty: none is turned.

    Returns
    -------
    EventHits
        As if the planes were not turned.

    Raises
    ------
    ValueError
        If there is not one rotation for each plane.
    """
    if not np.any(rotation):
        return hits
    planes = planes_of(setup)
    if len(rotation) != len(planes):
        msg = f"{len(rotation)} rotations do not belong to the {len(planes)} planes of setup {setup.name}"
        raise ValueError(msg)
    centre_x, centre_y = np.array([plane.centre for plane in planes], dtype=np.float64)[hits.plane].T
    angle = np.asarray(rotation, dtype=np.float64)[hits.plane]
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = hits.x - centre_x, hits.y - centre_y
    return hits._replace(x=centre_x + cos * x + sin * y, y=centre_y - sin * x + cos * y)
