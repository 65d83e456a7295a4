"""Peaks of histograms."""

import numpy as np
import pytest

from recon.spectra import count_values, measure_peaks, quantile

EDGES = np.linspace(-10.0, 10.0, 401)


def test_values_are_counted_in_their_rows_and_others_not_at_all() -> None:
    row = np.array([0, 1, 1, 1, 0])
    values = np.array([0.5, 1.5, 1.6, np.nan, 7.0])
    counts = count_values(row, values, 2, np.linspace(0.0, 2.0, 3))
    assert counts.tolist() == [[1, 0], [0, 2]]


def test_quantile_is_linear_within_a_bin() -> None:
    counts = np.array([[2, 2], [0, 0]])
    edges = np.array([0.0, 1.0, 2.0])
    assert quantile(counts, edges, 0.75)[0] == 1.5
    assert np.isnan(quantile(counts, edges, 0.5)[1])


@pytest.mark.parametrize(("mean", "sigma"), [(0.3, 1.0), (-2.0, 0.4), (0.013, 0.05)])
def test_peak_with_a_background_far_away_is_found(mean: float, sigma: float) -> None:
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.normal(mean, sigma, 20_000), rng.uniform(-10, 10, 200)])
    counts = count_values(np.zeros(len(values), dtype=np.int64), values, 1, EDGES)
    found = measure_peaks(counts, EDGES)
    assert abs(found.mean[0] - mean) < 4 * found.error[0]
    assert found.sigma[0] == pytest.approx(sigma, rel=0.04)


def test_few_entries_are_not_a_peak() -> None:
    counts = count_values(np.zeros(5, dtype=np.int64), np.zeros(5), 1, EDGES)
    assert np.isnan(measure_peaks(counts, EDGES, least=20).mean[0])
