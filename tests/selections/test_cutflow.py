"""Tests of the table of counts: by hand, against an independent interval, and as a sum of parts."""

import json
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import brentq

from selections.cutflow import Cutflow, clopper_pearson, count

NAMES, LABELS = ["base", "a", "b", "c"], ["base requirement", "A < 1", "B < 2", "C < 3"]

# Event n has the weight 2**n, so that a weighted sum tells which events were counted.
WEIGHT = 2.0 ** np.arange(6)


def mask(*kept: int) -> np.ndarray:
    return np.isin(np.arange(6), kept)


BASE = mask(0, 1, 2, 3, 4)
MASKS = [mask(0, 1, 2, 5), mask(0, 1, 3, 4, 5), mask(0, 2, 3, 5)]
TABLE = {  # events counted: in order, alone, all but one
    "base": ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [0]),
    "a": ([0, 1, 2], [0, 1, 2, 5], [0, 3, 5]),
    "b": ([0, 1], [0, 1, 3, 4, 5], [0, 2, 5]),
    "c": ([0], [0, 2, 3, 5], [0, 1, 5]),
}
TOTAL = (10, 100.0, 5000.0)


def flow() -> Cutflow:
    return count(NAMES, LABELS, MASKS, BASE, WEIGHT, TOTAL)


@pytest.mark.parametrize("name", list(TABLE))
def test_counts_by_hand(name: str) -> None:
    row = flow().names.index(name)
    assert flow().counts[row].tolist() == [len(events) for events in TABLE[name]]


@pytest.mark.parametrize("name", list(TABLE))
def test_weighted_sums_by_hand(name: str) -> None:
    row = flow().names.index(name)
    assert flow().sums[row].tolist() == [sum(2.0**n for n in events) for events in TABLE[name]]
    assert flow().squares[row].tolist() == [sum(4.0**n for n in events) for events in TABLE[name]]


def test_first_row_has_all_entries() -> None:
    """Entries are those of the file, also the ones that are not given here; all cuts leave 0 and 5."""
    found = flow()
    assert found.names == ("all", "base", "a", "b", "c")
    assert found.labels == ("all entries", *LABELS)
    assert found.counts[0].tolist() == [10, 10, 2]
    assert found.sums[0].tolist() == [100.0, 100.0, 33.0]
    assert found.squares[0].tolist() == [5000.0, 5000.0, 1025.0]


def test_masks_are_left_alone() -> None:
    before = [one.copy() for one in (BASE, *MASKS)]
    flow()
    assert all(np.array_equal(*pair) for pair in zip(before, (BASE, *MASKS), strict=True))


def test_no_cuts() -> None:
    found = count(["shown"], ["shown"], [], BASE, WEIGHT, TOTAL)
    assert found.counts.tolist() == [[10, 10, 6], [5, 5, 5]]


def test_no_events() -> None:
    none = np.empty(0, dtype=bool)
    found = count(NAMES, LABELS, [none] * 3, none, np.empty(0), (7, 7.0, 7.0))
    assert found.counts.tolist() == [[7, 7, 0], *[[0, 0, 0]] * 4]


# --- efficiencies --------------------------------------------------------------------------------------

TAIL = (1 - 0.6827) / 2


def at_least(k: int, n: int, p: float) -> float:
    """Return the chance of k or more successes out of n."""
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [
        # Worked out by hand where nothing or everything passes: (1 - high)**n and low**n are the tail.
        pytest.param(0, 10, 0.0, 1 - TAIL**0.1, id="none-of-10"),
        pytest.param(10, 10, TAIL**0.1, 1.0, id="all-of-10"),
        pytest.param(0, 1, 0.0, 1 - TAIL, id="none-of-1"),
        pytest.param(1, 1, TAIL, 1.0, id="one-of-1"),
        pytest.param(1, 2, 1 - (1 - TAIL) ** 0.5, (1 - TAIL) ** 0.5, id="one-of-2"),
        # Rare successes are Poisson: printed limits divided by the number of trials.
        pytest.param(0, 100_000, 0.0, pytest.approx(1.841e-5, rel=1e-3), id="gehrels-0"),
        pytest.param(
            1,
            1_000_000,
            pytest.approx(0.1727e-6, rel=1e-3),
            pytest.approx(3.300e-6, rel=1e-3),
            id="gehrels-1",
        ),
    ],
)
def test_interval_by_hand(passed: int, total: int, low: float, high: float) -> None:
    """Poisson limits: N. Gehrels, ApJ 303 (1986) 336, tables 1 and 2, one standard deviation."""
    found = clopper_pearson(passed, total)
    assert found.value == passed / total
    assert found.low == (pytest.approx(low, abs=1e-12) if isinstance(low, float) else low)
    assert found.high == (pytest.approx(high, abs=1e-12) if isinstance(high, float) else high)


@pytest.mark.parametrize(("passed", "total"), [(5, 10), (1, 10), (9, 10), (3, 7), (40, 50)])
def test_interval_against_binomial_sums(passed: int, total: int) -> None:
    found = clopper_pearson(passed, total)
    low = brentq(lambda p: at_least(passed, total, p) - TAIL, 0, 1, xtol=1e-14)
    high = brentq(lambda p: (1 - at_least(passed + 1, total, p)) - TAIL, 0, 1, xtol=1e-14)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-10)
    assert found.low < passed / total < found.high


def test_interval_covers() -> None:
    """An exact interval holds the truth at least in 68.27% of the experiments, whatever the truth is."""
    intervals = [clopper_pearson(k, 20) for k in range(21)]
    for truth in np.linspace(0.01, 0.99, 99):
        chance = [at_least(k, 20, truth) - at_least(k + 1, 20, truth) for k in range(21)]
        covered = [eff.low <= truth <= eff.high for eff in intervals]
        assert np.dot(chance, covered) >= 0.6827


def test_interval_mirrors() -> None:
    passed, failed = clopper_pearson(3, 10), clopper_pearson(7, 10)
    assert (passed.low, passed.high) == pytest.approx((1 - failed.high, 1 - failed.low))


def test_nothing_of_nothing_is_unknown() -> None:
    assert np.isnan(clopper_pearson(0, 0)).all()


@pytest.mark.parametrize(
    ("row", "passed", "before"),
    [(0, 10, 10), (1, 5, 10), (2, 3, 5), (3, 2, 3), (4, 1, 2)],
    ids=["all", "base", "a", "b", "c"],
)
def test_efficiency_is_relative_to_the_row_before(row: int, passed: int, before: int) -> None:
    assert flow().efficiency(row) == clopper_pearson(passed, before)


# --- rows for JSON -------------------------------------------------------------------------------------


def test_row_has_the_keys_that_others_rely_on() -> None:
    (row,) = flow().rows(weighted=False)[2:3]
    interval = clopper_pearson(3, 5)
    assert row == {
        "name": "a",
        "label": "A < 1",
        "in_order": 3,
        "in_order_error": pytest.approx(3**0.5),
        "alone": 4,
        "all_but_one": 3,
        "efficiency": 0.6,
        "efficiency_low": interval.low,
        "efficiency_high": interval.high,
    }


def test_weighted_row_has_the_counts_too() -> None:
    plain, weighted = (flow().rows(weighted=choice)[2] for choice in (False, True))
    assert {key: weighted.pop(key) for key in plain} == plain
    assert weighted == {
        "in_order_weighted": 7.0,
        "in_order_weighted_error": pytest.approx(21**0.5),
        "alone_weighted": 39.0,
        "alone_weighted_error": pytest.approx(1045**0.5),
        "all_but_one_weighted": 41.0,
        "all_but_one_weighted_error": pytest.approx(1089**0.5),
    }


def test_rows_are_json_without_nan() -> None:
    none = np.zeros(6, dtype=bool)
    rows = count(NAMES, LABELS, [none] * 3, none, WEIGHT, (0, 0.0, 0.0)).rows(weighted=True)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert [row["efficiency"] for row in rows] == [None] * 5


# --- sums ----------------------------------------------------------------------------------------------

RANDOM = {
    "masks": arrays(bool, (4, 30)),
    "weight": arrays(float, 30, elements=st.floats(-2, 5)),
}


def count_of(masks: np.ndarray, weight: np.ndarray) -> Cutflow:
    total = (len(weight), float(weight.sum()), float((weight**2).sum()))
    return count(NAMES, LABELS, list(masks[1:]), masks[0], weight, total)


@settings(deadline=None, max_examples=50)
@given(**RANDOM, at=st.integers(0, 30))
def test_parts_add_to_the_whole(masks: np.ndarray, weight: np.ndarray, at: int) -> None:
    whole = count_of(masks, weight)
    added = count_of(masks[:, :at], weight[:at]) + count_of(masks[:, at:], weight[at:])
    assert (added.names, added.labels) == (whole.names, whole.labels)
    assert added.counts.tolist() == whole.counts.tolist()
    scale = np.abs(weight).sum() + 1
    assert added.sums == pytest.approx(whole.sums, abs=1e-12 * scale)
    assert added.squares == pytest.approx(whole.squares, abs=1e-12 * scale**2)


@settings(deadline=None, max_examples=50)
@given(**RANDOM)
def test_counts_fall_from_row_to_row(masks: np.ndarray, weight: np.ndarray) -> None:
    in_order, alone, all_but_one = count_of(masks, weight).counts.T
    assert (np.diff(in_order) <= 0).all()
    assert (alone >= in_order).all()
    assert (all_but_one[1:] >= in_order[-1]).all()


@settings(deadline=None, max_examples=50)
@given(**RANDOM, order=st.permutations(range(30)))
def test_order_of_events_does_not_matter(masks: np.ndarray, weight: np.ndarray, order: list[int]) -> None:
    moved = count_of(masks[:, order], weight[order])
    assert moved.counts.tolist() == count_of(masks, weight).counts.tolist()


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        pytest.param(["base", "a", "b", "d"], LABELS, id="another-cut"),
        pytest.param(["base", "b", "a", "c"], LABELS, id="another-order"),
        pytest.param(["shown", "a", "b", "c"], LABELS, id="shown-and-base"),
        pytest.param(NAMES, [*LABELS[:3], "C < 4"], id="another-threshold"),
    ],
)
def test_different_cuts_do_not_add(names: list[str], labels: list[str]) -> None:
    other = count(names, labels, MASKS, BASE, WEIGHT, TOTAL)
    with pytest.raises(ValueError, match="cannot add cut-flows with different cuts"):
        flow() + other


def test_fewer_cuts_do_not_add() -> None:
    other = count(NAMES[:3], LABELS[:3], MASKS[:2], BASE, WEIGHT, TOTAL)
    with pytest.raises(ValueError, match="different cuts"):
        flow() + other


def test_adding_leaves_the_parts_alone() -> None:
    first, second = flow(), flow()
    added = first + second
    assert added.counts.tolist() == (2 * flow().counts).tolist()
    assert first.counts.tolist() == second.counts.tolist() == flow().counts.tolist()
