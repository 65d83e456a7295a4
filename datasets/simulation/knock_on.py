"""Hits that a knocked-on electron pulls away from the track: the tails of measured positions."""

from __future__ import annotations

import numpy as np

from datasets.simulation.model import Hits
from recon.geometry import Setup

__all__ = ["displace_hits"]


def displace_hits(hits: Hits, setup: Setup, rng: np.random.Generator) -> Hits:
    """
    Move a share of the hits of each plane, by an exponential distance in any direction.

    Parameters
    ----------
    hits : Hits
    setup : Setup
        With `knock_on` of its planes: share and mean distance [mm].
    rng : numpy.random.Generator
        Is not used where no plane has such hits.
    """
    planes = [plane for spectrometer in setup.spectrometers.values() for plane in spectrometer.planes]
    share, reach = np.array([plane.knock_on for plane in planes], dtype=np.float64).reshape(-1, 2).T
    if not share.any():
        return hits
    n = len(hits.plane)
    distance = np.where(rng.random(n) < share[hits.plane], rng.exponential(reach[hits.plane]), 0.0)
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    return hits._replace(x=hits.x + distance * np.cos(angle), y=hits.y + distance * np.sin(angle))
