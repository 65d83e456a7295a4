"""Planes that are turned see hits in their own axes."""

import numpy as np
import pytest

from datasets.setups import load_setup
from datasets.simulation.event import EventHits
from datasets.simulation.turned import seen_by_planes

SETUP = load_setup("na64e_2018")
CENTRE = np.array([plane.centre for plane in SETUP.spectrometers["incoming"].planes])


def hits_at(away: np.ndarray) -> EventHits:
    """Return a hit in each plane, by how far it is from the centre."""
    x, y = (CENTRE + away).T
    return EventHits(np.array([0, 4]), np.arange(4), x, y, np.zeros(4))


def test_a_quarter_turn_takes_the_axis_of_x_to_that_of_y() -> None:
    """By hand: what is above the centre is on the x axis of a plane turned from x to y."""
    hits = hits_at(np.array([[1.0, 2.0], [0.0, 5.0], [3.0, 0.0], [-7.0, 0.5]]))
    seen = seen_by_planes(hits, SETUP, (0.0, np.pi / 2, np.pi / 2, 0.0))
    away = np.stack([seen.x, seen.y], axis=1) - CENTRE
    np.testing.assert_allclose(away, [[1, 2], [5, 0], [0, -3], [-7, 0.5]], atol=1e-12)


def test_every_plane_needs_its_rotation() -> None:
    hits = hits_at(np.ones((4, 2)))
    assert seen_by_planes(hits, SETUP, ()) is hits
    with pytest.raises(ValueError, match="2 rotations do not belong to the 4 planes"):
        seen_by_planes(hits, SETUP, (0.1, 0.0))
