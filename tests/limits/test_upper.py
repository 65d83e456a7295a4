"""Upper limits against closed formulas, pyhf and coverage."""

import numpy as np
import pytest
from scipy.stats import chi2, poisson

from limits.model import ModelError, Nuisance, make_channel, workspace
from limits.toys import poisson_counts
from limits.upper import mean_limit, upper_limits


def closed_formula(n: int, b: float, level: float = 0.9) -> float:
    """Return the CLs limit of a count on a known background, by the chi2 distribution (PDG, statistics)."""
    p = 1 - (1 - level) * (1 - chi2.cdf(2 * b, 2 * (n + 1)))
    return float(0.5 * chi2.ppf(p, 2 * (n + 1)) - b)


def counting(n: int, b: float) -> float:
    found = upper_limits([make_channel("run", 1.0, (b, b, b), observed=n)], n_toys=10).observed
    assert found is not None
    return found


@pytest.mark.parametrize(("n", "b"), [(0, 0.0), (0, 1.0), (3, 0.0), (3, 1.0), (10, 8.0)])
def test_a_count_has_the_limit_of_the_closed_formula(n: int, b: float) -> None:
    assert counting(n, b) == pytest.approx(closed_formula(n, b), rel=2e-3)


def test_nothing_seen_and_nothing_expected_is_2_30_events() -> None:
    assert counting(0, 0.0) == pytest.approx(2.302585, abs=1e-5)


@pytest.mark.parametrize(
    ("runs", "yield_error", "limit", "error"),
    [
        pytest.param([(1.0, (1.0, 0.4, 2.5), 3)], 1.5, 6.803, 0.059, id="one-run"),
        pytest.param(
            [(1.0, (0.5, 0.3, 0.8), 1), (2.0, (0.4, 0.2, 0.7), 0)], 1.1, 0.944, 0.010, id="two-runs"
        ),
    ],
)
def test_limits_with_nuisances_are_those_of_roostats(
    runs: list[tuple[float, tuple[float, float, float], int]], yield_error: float, limit: float, error: float
) -> None:
    """Numbers of RooStats with their errors, by docs/examples/limits_beside_roostats.py (ROOT 6.40)."""
    errors = (Nuisance("yield", 1 / yield_error, yield_error),)
    channels = [
        make_channel(f"run{i}", signal, background, observed=seen, errors=errors)
        for i, (signal, background, seen) in enumerate(runs)
    ]
    found = upper_limits(channels, n_toys=50_000).observed
    assert found == pytest.approx(limit, abs=3 * error)


def test_two_runs_are_as_one_of_their_sum() -> None:
    halves = [make_channel(f"run{i}", 0.5, (0.5, 0.5, 0.5), observed=n) for i, n in ((1, 2), (2, 1))]
    found = upper_limits(halves, n_toys=20_000)
    assert found.observed == pytest.approx(closed_formula(3, 1.0), rel=0.03)
    assert found.expected[2] == pytest.approx(counting(1, 1.0), rel=0.03)


@pytest.mark.parametrize("mean", [0.0, 1e-3, 0.7, 12.0, 250.0, 3000.0])
def test_counts_are_quantiles_of_poisson(mean: float) -> None:
    shares = np.append(np.linspace(1e-6, 1 - 1e-6, 501), [0.0, 1 - 1e-16])[None]
    found = poisson_counts(shares, np.full(shares.shape, mean))[0]
    assert found[:-2] == pytest.approx(poisson.ppf(shares[0, :-2], mean))
    assert found[-2] <= poisson.ppf(1e-9, mean)
    assert poisson.ppf(1 - 1e-12, mean) <= found[-1] < mean + 12 * np.sqrt(mean) + 40


@pytest.mark.parametrize("background", [0.4, 2.5])
def test_mean_limit_is_that_of_counts_by_their_probability(background: float) -> None:
    """Of the central 95%, whose outer counts stand with the part that is within."""
    channel = make_channel("run", 1.0, (background, background, background))
    counts = np.arange(30)
    ends = np.append(0.0, poisson.cdf(counts, background)).clip(0.025, 0.975)
    limits = [closed_formula(int(n), background) for n in counts]
    expected = float(np.diff(ends) @ limits) / 0.95
    assert mean_limit([channel], level=0.9, n_toys=10, seed=1) == pytest.approx(expected, rel=5e-3)


def test_asymptotic_limit_meets_the_toys_where_counts_are_large() -> None:
    errors = (Nuisance("yield", 1 / 1.1, 1.1),)
    channel = make_channel("run", 1.0, (50.0, 45.0, 56.0), observed=48, errors=errors)
    exact, approximate = (upper_limits([channel], method=m) for m in ("toys", "asymptotic"))
    assert upper_limits([channel]).method == "asymptotic"
    assert approximate.observed == pytest.approx(exact.observed, rel=0.05)
    assert approximate.expected[2] == pytest.approx(exact.expected[2], rel=0.05)


def test_blinded_runs_have_expected_limits_alone() -> None:
    found = upper_limits([make_channel("run", 1.0, (0.5, 0.2, 1.0))])
    assert found.observed is None
    assert list(found.expected) == sorted(found.expected)


@pytest.mark.parametrize(("signal", "background"), [(2.31, 0.0), (4.0, 0.0), (4.0, 1.0), (6.0, 3.0)])
def test_limits_cover(signal: float, background: float) -> None:
    """At least 90% of experiments have a limit above the truth, in each of which the count is drawn."""
    limits = np.array([counting(n, background) for n in range(19)])
    counts = np.random.default_rng(1).poisson(signal + background, 20_000).clip(max=18)
    covered = float((limits[counts] >= signal).mean())
    exact = float(poisson.pmf(np.arange(19), signal + background)[limits >= signal].sum())
    assert covered == pytest.approx(exact, abs=0.01)
    assert covered > 0.895


def test_pyhf_reads_the_workspace() -> None:
    pyhf = pytest.importorskip("pyhf")
    errors = (Nuisance("yield", 0.9, 1.1),)
    runs = [make_channel(name, 1.0, (0.5, 0.2, 1.0), errors=errors) for name in ("one", "two")]
    model = pyhf.Workspace(workspace(runs, [0, 1])).model()
    assert sorted(model.config.parameters) == ["background_one", "background_two", "mu", "yield"]
    assert model.expected_data(model.config.suggested_init(), include_auxdata=False) == pytest.approx(
        [1.5, 1.5]
    )


def test_an_estimate_of_nothing_keeps_its_upper_end() -> None:
    channel = make_channel("run", 1.0, (0.0, 0.0, 1.84))
    (nuisance,) = channel.background_nuisances
    assert channel.background * nuisance.high == pytest.approx(1.84)


def test_what_makes_no_model_is_refused() -> None:
    with pytest.raises(ModelError, match="background 1 from 2 to 3"):
        make_channel("run", 1.0, (1, 2, 3))
    with pytest.raises(ModelError, match="different names, got: run, run"):
        workspace([make_channel("run", 1.0, (0, 0, 0))] * 2, [0, 0])
    with pytest.raises(ValueError, match="no limit without a signal"):
        upper_limits([make_channel("run", 0.0, (0, 0, 0), observed=0)])
