import numpy as np
import pytest

from selections.background.closure import Truth, run_closure
from selections.background.config import load_background

BANDS = load_background("invisible").side_bands


@pytest.mark.parametrize(
    ("band", "slope", "expected"),
    [
        ("side_band_a", 0.12, 0.1),
        ("side_band_a", 0.12, 1.0),
        ("side_band_c", 0.05, 0.2),
        ("side_band_c", 0.05, 3.0),
    ],
)
def test_interval_covers_the_truth(band: str, slope: float, expected: float) -> None:
    truth = Truth(BANDS[band].fit.shape, slope, expected)
    n = 120
    found = run_closure(BANDS[band].fit, truth, n, np.random.default_rng(1))
    least = 0.63 * n - 2 * np.sqrt(0.63 * 0.37 * n)  # the full test has 500: docs/background.md
    assert found.covers.sum() > least
    assert found.coverage_with_model >= found.coverage
    if expected >= 0.5:
        assert found.covers.sum() < 0.80 * n + 2 * np.sqrt(0.8 * 0.2 * n)
        assert abs(np.median(found.pulls)) < 0.4


def test_a_wrong_shape_is_noticed_by_the_coverage() -> None:
    fit = BANDS["side_band_a"].fit
    truth = Truth(fit.other_shapes[1], 0.15, 5.0)
    found = run_closure(fit, truth, 40, np.random.default_rng(1))
    assert found.coverage < 0.3
    assert found.coverage_with_model > found.coverage
