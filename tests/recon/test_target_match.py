"""Tracks before and behind the target."""

import numpy as np
import pytest

from datasets.setups import load_setup
from recon.target_match import TargetTrack, match_tracks, target_matter

TARGET = load_setup("na64mu_2022").detectors["ecal"]


def track(x: float, y: float, slope: float = 0.0, error: float = 0.3) -> TargetTrack:
    return TargetTrack(*(np.array([value]) for value in (x, y, error, error, slope, 0.0)))


def test_target_is_forty_radiation_lengths() -> None:
    middle, length, depth = target_matter(TARGET)
    assert (middle, length) == (60_225.0, 450.0)
    assert depth == pytest.approx(40.0, rel=0.03)


def test_distance_over_its_error_by_hand() -> None:
    found = match_tracks(track(0.0, 0.0), track(3.0, 4.0, slope=2e-3), np.array([1e6]), TARGET)
    assert found.distance[0] == pytest.approx(5.0)
    assert found.pull[0] == pytest.approx(5.0 / np.hypot(0.3, 0.3), rel=1e-3)  # at 1 PeV nothing scatters
    assert found.angle[0] == pytest.approx(2e-3)


def test_slow_muons_scatter_more() -> None:
    fast, slow = (
        match_tracks(track(0.0, 0.0), track(1.0, 0.0), np.array([p]), TARGET).pull[0] for p in (160.0, 10.0)
    )
    assert slow < fast


def test_without_a_track_nothing_is_known() -> None:
    found = match_tracks(track(0.0, 0.0), track(np.nan, 0.0), np.array([np.nan]), TARGET)
    assert np.isnan([found.distance[0], found.pull[0]]).all()
