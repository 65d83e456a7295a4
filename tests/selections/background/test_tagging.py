import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recon.srd import SrdTagConfig, tag_electrons
from selections.background.intervals import Interval
from selections.background.tagging import TagCounts, contamination, count_tags, largest_threshold, roc

WINDOWS = {"module_high": 0.08, "sum_low": 0.003, "sum_high": 0.15}


@given(
    arrays(np.float64, (8, 3), elements=st.floats(0.0, 0.12) | st.just(np.nan)),
    st.floats(0.0, 0.02),
)
def test_threshold_tells_what_the_tag_says(modules: np.ndarray, low: float) -> None:
    config = SrdTagConfig(module_low=low, **WINDOWS)
    assert ((largest_threshold(modules, config) > low) == tag_electrons(modules, config)).all()


def test_counts_by_hand_and_added() -> None:
    config = SrdTagConfig(module_low=0.001, **WINDOWS)
    modules = np.array([[5, 4, 3], [5, 2, 2], [0.5, 0.5, 0.5], [90, 90, 5], [9, 0, 9]]) * 1e-3
    thresholds = np.array([0.0, 0.0025, 0.0035])
    counts = count_tags(largest_threshold(modules, config), thresholds)
    assert counts.total == 5
    assert counts.tagged.tolist() == [2, 1, 0]
    twice = counts.joined(counts)
    assert (twice.total, twice.tagged.tolist()) == (10, [4, 2, 0])


def test_none_of_many_is_an_upper_limit() -> None:
    value, low, high = TagCounts(10_000_000, np.array([0])).rate(0)
    assert (value, low) == (0.0, 0.0)
    assert high == pytest.approx(1.841e-7, rel=1e-3)


def test_roc_finds_the_highest_threshold_that_is_efficient() -> None:
    thresholds = np.array([0.0, 0.001, 0.002])
    curve = roc(thresholds, TagCounts(100, np.array([99, 96, 80])), TagCounts(1000, np.array([30, 5, 0])))
    assert curve.at_efficiency(0.95) == 1
    assert curve.mistag[1].value == 0.005
    with pytest.raises(ValueError, match=r"efficiency of 99\.9%; the largest is 99\.00%"):
        curve.at_efficiency(0.999)


def test_contamination_is_what_a_mixed_beam_was_made_of() -> None:
    rng = np.random.default_rng(1)
    n, share, efficiency, mistag = 400_000, 0.02, 0.95, 2e-3
    covered, widths = [], []
    for _ in range(200):
        hadrons = int(rng.binomial(n, share))
        tagged = int(rng.binomial(n - hadrons, efficiency) + rng.binomial(hadrons, mistag))
        found = contamination(
            TagCounts(n, np.array([tagged])).rate(0),
            Interval(*(rng.normal(efficiency, 5e-4) + np.array([0.0, -5e-4, 5e-4]))),
            Interval(mistag, 1e-3, 3e-3),
        )
        covered.append(found.low < share < found.high)
        widths.append(found.high - found.low)
    assert 0.58 < np.mean(covered) < 0.78  # 0.68 by three standard deviations
    assert np.mean(widths) < 2e-3


def test_contamination_needs_a_tag_that_tells_and_is_not_negative() -> None:
    same = Interval(0.5, 0.4, 0.6)
    with pytest.raises(ValueError, match="tells nothing"):
        contamination(same, same, same)
    none = contamination(Interval(0.96, 0.95, 0.97), Interval(0.95, 0.95, 0.95), Interval(0.0, 0.0, 0.0))
    assert none.value == none.low == 0.0
    assert none.high == pytest.approx(0.01 / 0.95)
