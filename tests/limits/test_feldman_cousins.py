"""Feldman and Cousins' intervals, made here apart from the project's code, beside its limits."""

import numpy as np
import pytest
from scipy.stats import poisson

from limits.model import make_channel
from limits.upper import upper_limits

LEVEL = 0.9
TRUTHS = np.arange(0.0, 16.0, 0.005)


def belt(background: float, most: int = 60) -> np.ndarray:
    """Return which counts belong to which truth, (n_truths, n_counts): Phys. Rev. D 57 (1998) 3873."""
    n = np.arange(most)
    chance = poisson.pmf(n, TRUTHS[:, None] + background)
    best = np.maximum(n - background, 0.0) + background
    order = np.argsort(-chance / np.where(n == 0, np.exp(-best), poisson.pmf(n, best)), axis=1)
    ranked = np.take_along_axis(chance, order, axis=1)
    before = np.cumsum(ranked, axis=1) - ranked
    accepted = np.zeros_like(chance, dtype=bool)
    np.put_along_axis(accepted, order, before < LEVEL, axis=1)
    return accepted


def interval(n: int, background: float) -> tuple[float, float]:
    inside = TRUTHS[belt(background)[:, n]]
    return float(inside.min()), float(inside.max())


@pytest.mark.parametrize(
    ("n", "background", "low", "high"),
    [
        (0, 0.0, 0.0, 2.44),
        (1, 0.0, 0.11, 4.36),
        (3, 0.0, 1.10, 7.42),
        (5, 0.0, 1.84, 9.99),
        (3, 1.0, 0.1, 6.42),
    ],
)
def test_belt_has_the_published_intervals(n: int, background: float, low: float, high: float) -> None:
    assert interval(n, background) == pytest.approx((low, high), abs=0.011)


def limit(n: int, background: float) -> float:
    channel = make_channel("run", 1.0, (background,) * 3, observed=n)
    found = upper_limits([channel], method="toys", n_toys=10).observed
    assert found is not None
    return found


@pytest.mark.parametrize("background", [0.0, 3.0])
def test_cls_limits_are_near_the_upper_ends_where_events_are_seen(background: float) -> None:
    """One side with 90% and two sides with 90% are different questions: 2.30 and 2.44 for none seen."""
    assert limit(0, background) == pytest.approx(np.log(10), abs=1e-4)
    for n in (4, 8):
        assert 0.85 * interval(n, background)[1] < limit(n, background) < interval(n, background)[1]


@pytest.mark.parametrize(("signal", "background"), [(20.0, 5.0), (40.0, 20.0)])
def test_coverage_is_the_level_where_the_signal_is_large(signal: float, background: float) -> None:
    """Within 2%, by the exact probabilities of the counts; experiments are drawn in `test_upper`."""
    low, high = 0, int(2 * (signal + background))  # limits rise with the count: from `high` on they cover
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if limit(middle, background) >= signal else (middle, high)
    assert float(poisson.sf(low, signal + background)) == pytest.approx(LEVEL, abs=0.02)
