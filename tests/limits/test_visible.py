"""The visible band, against the integral over one energy and depth, and the published lower edge."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.setups import load_setup
from limits.model import ModelError
from limits.visible import DecayEfficiency, dense_target, visible_band, visible_yield
from na64.limit.curves import read_curve
from physics.boson_decays import decay_length
from physics.dark_photon import visible_width

EXPOSURE = 5.4e10
WCAL_2017 = dense_target(load_setup("na64vis_2017"))
FLAT = DecayEfficiency(points=((0.01, 1e-4, 0.6),))


def test_decays_between_two_walls() -> None:
    """A long-lived boson decays in proportion to the volume; a short-lived one falls with the way to it."""
    twice = replace(WCAL_2017, to_end=2 * WCAL_2017.to_end - WCAL_2017.to_veto)
    assert visible_yield(twice, 0.002, 1e-5) == pytest.approx(
        2 * visible_yield(WCAL_2017, 0.002, 1e-5), rel=0.01
    )
    longer = replace(WCAL_2017, to_veto=WCAL_2017.to_veto + 50.0, to_end=WCAL_2017.to_end + 50.0)
    epsilon = 6e-4
    at_most = np.exp(-50.0 / decay_length(0.0167, 100.0, visible_width(0.0167, epsilon)))
    assert 0 < visible_yield(longer, 0.0167, epsilon) < at_most * visible_yield(WCAL_2017, 0.0167, epsilon)


def test_band_has_the_events_at_both_edges() -> None:
    band = visible_band(WCAL_2017, FLAT, 0.01, EXPOSURE, 2.3)
    for edge in (band.lower, band.upper):
        assert 0.6 * EXPOSURE * visible_yield(WCAL_2017, 0.01, edge) == pytest.approx(2.3, rel=2e-3)
    assert band.most > 2.3


@pytest.mark.parametrize("mass", [0.003, 0.0167])
def test_lower_edge_is_near_the_published_one(mass: float) -> None:
    band = visible_band(WCAL_2017, FLAT, mass, EXPOSURE, np.log(10))
    assert band.lower == pytest.approx(read_curve("na64_visible_2017").at(mass), rel=0.3)


def test_nothing_is_excluded_where_too_little_is_made() -> None:
    band = visible_band(WCAL_2017, FLAT, 0.04, EXPOSURE, np.log(10))
    assert np.isnan([band.lower, band.upper]).all()
    assert band.most < np.log(10)


def test_target_of_a_setup() -> None:
    assert WCAL_2017.to_veto == pytest.approx(254.0)
    assert 46 * 5.0 / WCAL_2017.radiation_length == pytest.approx(40.0, abs=0.5)  # [X0]
    assert WCAL_2017.least == 30.0
    with pytest.raises(ModelError, match="na64e_2018 has no wcal, v2, s4"):
        dense_target(load_setup("na64e_2018"))


def test_efficiency_between_masses_and_couplings() -> None:
    found = DecayEfficiency(points=((0.01, 1e-4, 0.8), (0.01, 1e-2, 0.4), (0.001, 1e-3, 0.2)))
    assert found.at(0.01, 1e-3) == pytest.approx(0.6)
    assert found.at(np.sqrt(1e-5), 1e-3) == pytest.approx(0.4)
    assert found.at(0.1, 1e-6) == pytest.approx(0.8)
