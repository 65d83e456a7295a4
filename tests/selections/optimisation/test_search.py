import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import poisson

from selections.cut import Cut
from selections.optimisation.config import OptimisationConfig, Range, load_optimisation
from selections.optimisation.problem import Problem, Signal, Simulated
from selections.optimisation.samples import Sample
from selections.optimisation.search import Optimum, find_optimum
from selections.selection import SelectionError

EXPECTED, POWER = 8.0, 4  # background below a threshold x: EXPECTED x**POWER; signal: x


def mean_limit(b: float) -> float:
    """Return the mean limit of a known background, by the formula."""
    counts = np.arange(28)
    limits = [brentq(lambda s, n=n: poisson.cdf(n, s + b) - 0.1 * poisson.cdf(n, b), 0, 100) for n in counts]
    return float(poisson.pmf(counts, b) @ limits)


def make_problem(n: int, n_background: int, seed: int, noise: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    names = ["q", *(f"noise{i}" for i in range(noise))]
    cuts = tuple(
        Cut(name=x, label=x, columns=(x,), keep=lambda v, *, limit: v < limit, params={"limit": 1.0})
        for x in names
    )
    signal = Sample("signal", {x: rng.random(n) for x in names}, np.ones(n))
    columns = {x: rng.random(n_background) for x in names}
    columns["q"] = columns["q"] ** (1 / POWER) if not noise else columns["q"]
    weight = EXPECTED / n_background
    background = Sample("other", columns, np.full(n_background, weight))
    return Problem(
        cuts=cuts,
        box_columns=(),
        signals=(Signal(signal, float(n)),),
        simulated=(Simulated("other", "other", background, 1.0, 0.0, weight),),
    )


def find(problem: Problem, steps: int = 46) -> Optimum:
    names = [f"{cut.name}.limit" for cut in problem.cuts]
    config = OptimisationConfig(
        level=0.9,
        least_gain=0.005,
        thresholds={name: Range(low=0.1, high=1.0, steps=steps) for name in names},
        box={},
    )
    return find_optimum(problem, problem.start({}), config, np.random.default_rng(2), n_replicas=60)


def test_known_optimum_is_found() -> None:
    best = minimize_scalar(lambda x: mean_limit(EXPECTED * x**POWER) / x, bounds=(0.3, 1.0), method="bounded")
    found = find(make_problem(20_000, 20_000, 1))
    x = found.changes["q.limit"]
    assert x == pytest.approx(best.x, abs=0.08)
    assert found.best.figure[0, 0] == pytest.approx(best.fun, rel=0.02)
    assert found.gain.value == pytest.approx(mean_limit(EXPECTED) / best.fun, rel=0.02)
    assert found.gain.low > 1.1
    assert found.halves.independent == pytest.approx(found.halves.chosen_on, rel=0.02)
    assert found.warnings == ()
    interval = found.curves[0].optimum
    assert interval.low <= x <= interval.high
    assert 0 < interval.high - interval.low < 0.2


def test_punzi_has_its_own_optimum() -> None:
    problem = make_problem(20_000, 20_000, 1)
    best = minimize_scalar(
        lambda x: (1.5 + np.sqrt(EXPECTED * x**POWER)) / x, bounds=(0.3, 1.0), method="bounded"
    )
    found = find(Problem(cuts=problem.cuts, box_columns=(), signals=problem.signals,
                         simulated=problem.simulated, figure="punzi"))  # fmt: skip
    assert found.best.figure[0, 0] == pytest.approx(best.fun, rel=0.02)


def test_an_optimum_of_fluctuations_is_told() -> None:
    """Cuts that do not tell signal from background remove the few events that there are."""
    found = find(make_problem(500, 10, 4, noise=3), steps=10)
    assert found.halves.chosen_on > 1.1 > 1 > found.halves.independent
    assert any("follows fluctuations" in text for text in found.warnings)


def test_a_threshold_without_a_use_stays() -> None:
    found = find(make_problem(2_000, 40_000, 4, noise=1))
    assert set(found.changes) <= {"q.limit"}
    assert found.curves[1].alone < 1.01


def test_halves_stand_for_the_whole() -> None:
    problem = make_problem(4_000, 40_000, 5)
    start = problem.start({})
    whole = problem.judge([start])
    for half in problem.halves(np.random.default_rng(1)):
        part = half.judge([start])
        assert part.background.mean[0] == pytest.approx(whole.background.mean[0], rel=0.05)
        assert part.efficiency[0, 0] == pytest.approx(whole.efficiency[0, 0], rel=0.05)
        assert part.signal_events[0, 0] < 0.6 * whole.signal_events[0, 0]


def test_words_choose_scans() -> None:
    config = load_optimisation("invisible")
    chosen = config.chosen(["veto.limit", "signal_box.ecal_energy=30:50:5", "hcal_r.quiet=0.5:1:3"])
    assert set(chosen.thresholds) == {"veto.limit", "hcal_r.quiet"}
    assert chosen.box["ecal_energy"].values.tolist() == [30, 35, 40, 45, 50]
    with pytest.raises(SelectionError, match=r"did you mean 'veto\.limit'"):
        config.chosen(["veto.limits"])
    with pytest.raises(SelectionError, match="rises from low to high"):
        config.chosen(["veto.limit=2:1:5"])
    with pytest.raises(SelectionError, match="is not of the form"):
        config.chosen(["veto.limit=2"])
    with pytest.raises(SelectionError, match="there are some for: invisible"):
        load_optimisation("muon")
