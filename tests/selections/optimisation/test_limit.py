import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import poisson

from selections.optimisation.limit import LimitTable, expected_limit, upper_limits


def helene(n: int, b: float, level: float) -> float:
    """Return the limit of a known background, by the formula."""
    return float(brentq(lambda s: poisson.cdf(n, s + b) / poisson.cdf(n, b) - (1 - level), 0, 100))


@pytest.mark.parametrize(("b", "level"), [(0.3, 0.90), (3.0, 0.90), (3.0, 0.95), (12.0, 0.90)])
def test_limits_of_a_known_background(b: float, level: float) -> None:
    limits, probabilities = upper_limits(b, 0.0, level=level)
    n = min(len(limits), 8)
    assert limits[:n] == pytest.approx([helene(i, b, level) for i in range(n)], rel=2e-3)
    assert probabilities == pytest.approx(poisson.pmf(np.arange(len(limits)), b), abs=3e-5)


def test_without_background_the_limit_is_that_of_no_event() -> None:
    assert expected_limit(0.0) == pytest.approx(math.log(10), rel=1e-6)


def test_ignorance_of_the_background_costs() -> None:
    known, unknown = expected_limit(4.0), expected_limit(4.0, 4.0)
    assert unknown > 1.1 * known


def test_uncertain_background_against_pseudo_experiments() -> None:
    """The mean over draws of b has the same distribution of counts."""
    rng = np.random.default_rng(3)
    mean, variance = 2.0, 3.0
    drawn = rng.poisson(rng.gamma(mean**2 / variance, variance / mean, 200_000))
    _, probabilities = upper_limits(mean, variance)
    shares = np.bincount(drawn, minlength=len(probabilities))[: len(probabilities)] / len(drawn)
    assert probabilities == pytest.approx(shares, abs=5e-3)


def test_table_is_the_limit() -> None:
    table = LimitTable.covering(8.0, 2.0)
    means, variances = np.array([0.0, 0.01, 0.4, 3.3, 7.9]), np.array([0.0, 0.02, 0.1, 6.0, 0.0])
    direct = [expected_limit(m, v) for m, v in zip(means, variances, strict=True)]
    assert table(means, variances) == pytest.approx(direct, rel=2e-3)
    beyond = table(np.array([8.0, 16.0, 64.0, 256.0]), np.zeros(4))
    assert (np.diff(beyond) > 0).all()
    assert beyond[3] / beyond[2] == pytest.approx(2.0)
