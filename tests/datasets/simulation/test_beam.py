"""Beam particles: where they fly, what comes beside them, and how often."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm, poisson

from datasets.setups import load_setup
from datasets.simulation.beam import sample_beam
from datasets.simulation.model import Primaries
from recon.geometry import Setup

SETUP = load_setup("na64e_2018")
RATE = 5e6 / 4.8 * 1e-9  # [1/ns] of beam particles at 5e6 per spill
HALO = 0.002  # muons around the beam come in addition
N = 100_000


def with_beam(**changes: Any) -> Setup:
    return replace(SETUP, beam=replace(SETUP.beam, **changes))


def draw(setup: Setup, n_events: int = N, seed: int = 1, **options: Any) -> Primaries:
    return sample_beam(setup, n_events, np.random.default_rng(seed), **options)


@pytest.fixture(scope="module")
def beam() -> Primaries:
    return draw(SETUP)


def others(beam: Primaries) -> Primaries:
    return Primaries(*(values[~beam.is_trigger] for values in beam))


def assert_gaussian(values: np.ndarray, mean: float, width: float) -> None:
    assert kstest(values, norm(mean, width).cdf).pvalue > 1e-4


def test_one_trigger_particle_per_event_comes_first_and_at_zero(beam: Primaries) -> None:
    assert (np.diff(beam.event) >= 0).all()
    first = np.concatenate([[True], np.diff(beam.event) > 0])
    assert np.array_equal(first, beam.is_trigger)
    assert np.array_equal(beam.event[beam.is_trigger], np.arange(N))
    assert (beam.time[beam.is_trigger] == 0.0).all()
    assert (beam.pdg[beam.is_trigger] == 11).all()
    assert {len(values) for values in beam} == {len(beam.event)}


def test_spot_divergence_and_direction() -> None:
    """Different widths in x and y, so that none can stand for the other."""
    setup = with_beam(spot=(4.0, 2.0), divergence=(1e-4, 3e-4), direction=(0.01, -0.02))
    beam = draw(setup, 20_000, pile_up=False)
    assert_gaussian(beam.x, 0.0, 4.0)
    assert_gaussian(beam.y, 0.0, 2.0)
    assert_gaussian(beam.slope_x, 0.01, 1e-4)
    assert_gaussian(beam.slope_y, -0.02, 3e-4)
    assert abs(np.corrcoef([beam.x, beam.y, beam.slope_x, beam.slope_y]) - np.eye(4)).max() < 5 / np.sqrt(2e4)


def test_it_starts_before_the_first_plane(beam: Primaries) -> None:
    assert (beam.z == -1510.0).all()


def test_the_spread_is_cut_at_three_rms() -> None:
    """2 x 0.135% of a Gaussian lie beyond 3 rms; they stand at the edge."""
    beam = draw(with_beam(spread=0.02), pile_up=False)
    pull = (beam.momentum - 100.0) / 2.0
    assert abs(pull).max() == pytest.approx(3.0)
    at_edge = np.count_nonzero(abs(pull) > 3.0 - 1e-9)
    assert at_edge == pytest.approx(2.69980e-3 * N, abs=5 * np.sqrt(270))
    assert kstest(pull[abs(pull) < 2.999], _cut_gaussian).pvalue > 1e-4


def _cut_gaussian(x: np.ndarray) -> np.ndarray:
    return np.asarray((norm.cdf(x) - norm.cdf(-2.999)) / (norm.cdf(2.999) - norm.cdf(-2.999)))


def test_pile_up_of_the_readout_window_is_poisson(beam: Primaries) -> None:
    """5e6 / 4.8 s x 400 ns = 0.417 beam particles, and 0.2% more muons of the halo."""
    mean = RATE * 400.0 * (1 + HALO)
    assert mean == pytest.approx(0.42, abs=0.005)
    counts = np.bincount(others(beam).event, minlength=N)
    assert counts.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean / N))
    for k in range(4):
        expected = poisson.pmf(k, mean)
        assert (counts == k).mean() == pytest.approx(expected, abs=5 * np.sqrt(expected / N))
    time = others(beam).time
    assert kstest(time, lambda t: (t + 150.0) / 400.0).pvalue > 1e-4


def test_another_particle_within_10_ns(beam: Primaries) -> None:
    """2.1% at 5e6 per spill; counted, and from the Poisson law of the rate."""
    close = others(beam)
    seen = len(np.unique(close.event[abs(close.time) < 10.0])) / N
    error = np.sqrt(0.021 / N)
    assert seen == pytest.approx(1 - np.exp(-RATE * (1 + HALO) * 20.0), abs=4 * error)
    assert seen == pytest.approx(0.021, abs=4 * error)


@pytest.mark.parametrize(("intensity", "expected"), [(1e7, 0.041), (3e7, 0.118)])
def test_close_particles_at_higher_intensities(intensity: float, expected: float) -> None:
    close = others(draw(with_beam(intensity=intensity), 40_000))
    seen = len(np.unique(close.event[abs(close.time) < 10.0])) / 40_000
    assert seen == pytest.approx(expected, abs=5 * np.sqrt(expected / 40_000) + 0.0005)


def test_what_comes_beside_the_trigger_particle() -> None:
    """Of 1.3 particles 0.7 are electrons, 0.2 pions, 0.1 protons and 0.3 muons of the halo."""
    setup = with_beam(contamination={"pi-": 0.2, "p": 0.1}, halo=0.3, halo_size=(150.0, 90.0))
    found = others(draw(setup))
    n = len(found.pdg)
    assert n / N == pytest.approx(1.3 * RATE * 400.0, abs=5 * np.sqrt(1.3 * RATE * 400.0 / N))
    for code, share in ((11, 0.7), (-211, 0.2), (2212, 0.1), (13, 0.3)):
        assert (found.pdg == code).mean() == pytest.approx(share / 1.3, abs=5 * np.sqrt(0.25 / n))
    halo = found.pdg == 13
    assert_gaussian(found.x[halo], 0.0, 150.0)
    assert_gaussian(found.y[halo], 0.0, 90.0)
    assert_gaussian(found.x[~halo], 0.0, 4.0)
    assert_gaussian(found.y[~halo], 0.0, 4.0)


@pytest.mark.parametrize("ripple", [0.5, 1.0])
def test_ripple_brings_more_pile_up(ripple: float) -> None:
    """Trigger particles see the rate's mean square over its mean: 1 + r^2 / 2."""
    setup = with_beam(ripple=ripple)
    counts = np.bincount(others(draw(setup)).event, minlength=N)
    mean = RATE * 400.0 * (1 + HALO) * (1 + ripple**2 / 2)
    assert counts.mean() == pytest.approx(mean, abs=5 * np.sqrt(2 * mean / N))
    assert counts.var() > counts.mean() + 5 * np.sqrt(2.0 / N) * counts.mean()


def test_no_intensity_or_no_wish_means_no_pile_up() -> None:
    for found in (draw(with_beam(intensity=0.0), 1000), draw(SETUP, 1000, pile_up=False)):
        assert found.is_trigger.all()
        assert np.array_equal(found.event, np.arange(1000))


def test_the_trigger_particle_of_a_process() -> None:
    found = draw(SETUP, 5000, particle="mu-", is_halo=True)
    trigger = Primaries(*(values[found.is_trigger] for values in found))
    assert (trigger.pdg == 13).all()
    assert_gaussian(trigger.x, 0.0, 150.0)
    assert (others(found).pdg == 11).mean() > 0.98


@settings(max_examples=20, deadline=None)
@given(
    intensity=st.floats(0.0, 5e7),
    early=st.floats(-500.0, -1.0),
    late=st.floats(1.0, 500.0),
    n_events=st.integers(1, 50),
    seed=st.integers(0, 2**32),
)
def test_beams_of_any_kind_are_sorted_and_in_time(
    intensity: float, early: float, late: float, n_events: int, seed: int
) -> None:
    found = draw(with_beam(intensity=intensity, window=(early, late)), n_events, seed)
    assert found.is_trigger.sum() == n_events
    assert (np.diff(found.event) >= 0).all()
    assert ((found.time >= early) & (found.time <= late)).all()
    assert (abs(found.momentum - 100.0) <= 3.0 + 1e-9).all()
    again = draw(with_beam(intensity=intensity, window=(early, late)), n_events, seed)
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))


@pytest.mark.parametrize("pile_up", [True, False])
def test_one_more_beam_particle_follows_when_it_is_asked_for(pile_up: bool) -> None:
    found = draw(SETUP, 2000, particle="p", pile_up=pile_up, follower=(30.0, 90.0))
    inside = others(found)
    late = (inside.time > 30.0) & (inside.time < 90.0) & (inside.pdg == 11)
    assert set(inside.event[late]) == set(range(2000))
    assert (found.pdg[found.is_trigger] == 2212).all()
    if not pile_up:
        assert len(inside.time) == 2000
        assert kstest(inside.time, "uniform", (30.0, 60.0)).pvalue > 1e-4
