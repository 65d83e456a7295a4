import pytest

from selections.background.intervals import Interval
from selections.background.plane import Sum
from selections.background.sources import Source, benchmark, from_simulation, total

SOURCE = Source("dimuon", "muon pairs", in_total=True)
KNOWN = {"scale": 0.1, "mean_weight": 1.0, "systematics": {"yield": 0.2}}


def test_simulation_is_scaled_with_its_errors() -> None:
    found = from_simulation(SOURCE, Sum(40.0, 40.0), **KNOWN)
    assert found.statistical == pytest.approx((4.0, 3.371, 4.738), abs=1e-3)
    assert found.systematics["yield"] == pytest.approx((0.8, 0.8))


def test_no_simulated_event_still_has_an_upper_end_and_an_error_of_it() -> None:
    found = from_simulation(SOURCE, Sum(0.0, 0.0), **KNOWN)
    assert found.statistical == pytest.approx((0.0, 0.0, 0.1841), abs=1e-4)
    assert found.systematics["yield"] == pytest.approx((0.0, 0.2 * 0.1841), abs=1e-4)
    assert found.interval.low == 0.0


def test_factors_multiply_and_their_errors_are_systematic() -> None:
    found = from_simulation(
        SOURCE,
        Sum(40.0, 40.0),
        **KNOWN,
        factors={"mistag": Interval(0.5, 0.4, 0.7), "ratio": Interval(2.0, 1.0, 3.0)},
    )
    assert found.statistical.value == pytest.approx(4.0)
    assert found.systematics["mistag"] == pytest.approx((0.8, 1.6))
    assert found.systematics["ratio"] == pytest.approx((2.0, 2.0))
    assert found.method == "simulation × mistag × ratio"
    with pytest.raises(ValueError, match="of an upper limit give the limit, with 0 as lower end"):
        from_simulation(SOURCE, Sum(1.0, 1.0), **KNOWN, factors={"mistag": Interval(0.0, 0.0, 1e-6)})


def test_benchmark_takes_other_processes_off() -> None:
    found = benchmark(120, Interval(50.0, 45.0, 55.0), [Interval(20.0, 16.0, 24.0)])
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(2.0)
    by_hand = ((11.0**2 + 4.0**2) / 100**2 + 0.1**2) ** 0.5 * 2.0
    assert found.ratio.high - 2.0 == pytest.approx(by_hand, rel=0.05)


@pytest.mark.parametrize(
    ("observed", "predicted"),
    [(0, Interval(5.0, 4.0, 6.0)), (15, Interval(5.0, 4.0, 6.0)), (50, Interval(0.0, 0.0, 1.0))],
)
def test_benchmark_without_dimuons_has_no_ratio(observed: int, predicted: Interval) -> None:
    assert benchmark(observed, predicted, [Interval(20.0, 16.0, 24.0)]).ratio is None


def test_total_leaves_comparisons_out() -> None:
    counted = from_simulation(SOURCE, Sum(40.0, 40.0), **KNOWN)
    compared = from_simulation(SOURCE._replace(in_total=False), Sum(900.0, 900.0), **KNOWN)
    found = total([counted, compared, counted])
    assert found.statistical.value == pytest.approx(8.0)
    assert found.systematic == pytest.approx((0.8 * 2**0.5,) * 2)
