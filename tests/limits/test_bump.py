"""The bump search: widths, p-values worked out otherwise, a planted peak, and closed bins."""

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from limits.bump import Scan, Spectrum, line_width, mass_grid, mass_of_peak, scan_masses, smooth
from physics.dark_photon import invisible_width, resonance_energy

EDGES = np.arange(25.0, 101.0)
BACKGROUND = 40.0 * np.exp(-(EDGES[:-1] - 25.0) / 20.0)


def width_of(mass: float) -> float:
    return line_width(mass, 0.1, 1 / 3, 1.2)


MASSES = mass_grid(30.0, 98.0, width_of).tolist()


def scan(counts: np.ndarray, is_open: np.ndarray | None = None, n_toys: int = 0) -> Scan:
    mask = np.ones(len(counts), dtype=bool) if is_open is None else is_open
    rng = np.random.default_rng(3)
    return scan_masses(Spectrum(EDGES, counts, mask), MASSES, width_of, n_toys=n_toys, rng=rng)


def test_width_is_that_of_its_larger_part() -> None:
    assert line_width(0.264, 1e-9, 1 / 3, 1.2) == pytest.approx(2.3548 * 1.2, rel=1e-3)
    gamma = invisible_width(0.264, 0.1, 1 / 3)
    assert line_width(0.264, 0.1, 1 / 3, 0.0) == pytest.approx(2 * 68.2 * gamma / 0.264, rel=1e-3)


def test_peaks_of_the_grid_lie_half_a_width_apart() -> None:
    peaks = np.array([resonance_energy(mass) for mass in MASSES])
    assert np.diff(peaks) == pytest.approx([0.5 * width_of(mass) for mass in MASSES[:-1]])
    assert mass_of_peak(68.2) == pytest.approx(0.264, abs=1e-4)


def test_smooth_background_is_the_likelihoods_best() -> None:
    """No other slope or height has a larger Poisson likelihood; all spectra are fitted as if alone."""
    x = np.linspace(0.0, 10.0, 30)
    counts = np.random.default_rng(1).poisson(20.0 * np.exp(-0.2 * x), (2, 30))
    mean, _ = smooth(counts, x, np.ones(30, dtype=bool), 1)
    alone, _ = smooth(counts[1:], x, np.ones(30, dtype=bool), 1)
    assert mean[1] == pytest.approx(alone[0])
    assert mean.sum(axis=1) == pytest.approx(counts.sum(axis=1), rel=1e-5)
    best = poisson.logpmf(counts[0], mean[0]).sum()
    for factor in (np.exp(0.01 * (x - 5)), np.exp(-0.01 * (x - 5)), 1.02, 0.98):
        assert poisson.logpmf(counts[0], mean[0] * factor).sum() < best


def test_p_value_of_a_flat_background_is_that_of_two_counts() -> None:
    """With one number beside the window, the gamma distribution gives the binomial one (Cousins et al.)."""
    counts = np.full(75, 4)
    found = scan_masses(
        Spectrum(EDGES, counts, np.ones(75, dtype=bool)), [0.264], width_of, degree=0, n_toys=0,
        rng=np.random.default_rng(1),
    ).bumps[0]  # fmt: skip
    inside = found.window[1] - found.window[0]
    beside = np.count_nonzero(np.abs(EDGES[:-1] + 0.5 - found.peak) > 1.2 * found.width)
    exact = nbinom.sf(4 * inside - 1, 4 * beside + 1, 1 / (1 + inside / beside))
    assert found.p_value == pytest.approx(exact, rel=1e-3)
    assert found.expected == pytest.approx(4 * inside, rel=1e-3)


def test_a_planted_peak_is_found_where_it_is() -> None:
    counts = np.random.default_rng(5).poisson(BACKGROUND)
    quiet = scan(counts, n_toys=300)
    counts[np.abs(EDGES[:-1] + 0.5 - 68.2) < 2.6] += 8
    found = scan(counts, n_toys=300)
    assert quiet.global_p > 0.05
    assert found.best is not None
    assert abs(found.best.peak - 68.2) < 2.0
    assert found.best.p_value < 1e-5
    assert found.global_p == pytest.approx(1 / 301)  # none of the toys


def test_smallest_local_p_value_is_larger_with_its_trials() -> None:
    found = scan(np.random.default_rng(8).poisson(BACKGROUND), n_toys=300)
    assert found.best is not None
    assert found.best.p_value < found.global_p < len(MASSES) * found.best.p_value + 0.2


def test_closed_bins_change_nothing() -> None:
    is_open = EDGES[:-1] < 50.0
    one = np.random.default_rng(5).poisson(BACKGROUND)
    other = np.where(is_open, one, 1000)
    assert str(scan(one, is_open, n_toys=50)) == str(scan(other, is_open, n_toys=50))
    closed = [bump for bump in scan(one, is_open).bumps if bump.observed is None]
    assert {bump.peak > 50.0 for bump in closed} == {True, False}  # windows that reach into it, too
    assert all(bump.window[1] > 50.0 and np.isnan(bump.p_value) for bump in closed)


def test_an_empty_spectrum_has_no_bump() -> None:
    found = scan(np.zeros(75, dtype=np.int64), n_toys=20)
    assert found.best is not None
    assert found.best.p_value == 1.0
