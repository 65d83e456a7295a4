"""Tests of the synchrotron-radiation tag: the rule by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recon.srd import SrdTagConfig, tag_electrons

NAN, INF = float("nan"), float("inf")
# In GeV, and multiples of 1/1024, so that sums and comparisons at an edge are exact.
UNIT = 1 / 1024
CONFIG = SrdTagConfig(module_low=1 * UNIT, module_high=80 * UNIT, sum_low=6 * UNIT, sum_high=150 * UNIT)


def tag(*modules: float) -> bool:
    (tagged,) = tag_electrons(np.array([modules]) * UNIT, CONFIG)
    return bool(tagged)


@pytest.mark.parametrize(
    ("modules", "tagged"),
    [
        pytest.param((10, 20, 30), True, id="synchrotron-radiation"),
        pytest.param((0, 0, 0), False, id="empty"),
        pytest.param((0, 20, 30), False, id="one-silent"),
        pytest.param((1, 20, 30), False, id="one-at-the-lower-cut"),
        pytest.param((1.1, 20, 30), True, id="one-just-above-the-lower-cut"),
        pytest.param((-5, 20, 30), False, id="one-negative"),
        pytest.param((100, 20, 20), True, id="one-above-the-upper-cut"),
        pytest.param((20, 20, 100), True, id="whichever-it-is"),
        pytest.param((80, 20, 20), True, id="one-at-the-upper-cut"),
        pytest.param((80, 60, 5), True, id="the-other-two-below"),
        pytest.param((2, 2, 2), False, id="at-the-lower-sum"),
        pytest.param((2, 2, 2.5), True, id="just-above-the-lower-sum"),
        pytest.param((50, 50, 50), False, id="at-the-upper-sum"),
        pytest.param((50, 50, 49), True, id="just-below-the-upper-sum"),
        pytest.param((500, 20, 30), False, id="pile-up-in-one"),
        pytest.param((NAN, 20, 30), False, id="nan-first"),
        pytest.param((10, 20, NAN), False, id="nan-last"),
        pytest.param((NAN, NAN, NAN), False, id="all-nan"),
        pytest.param((INF, 20, 30), False, id="infinite"),
    ],
)
def test_tag(modules: tuple[float, ...], tagged: bool) -> None:
    assert tag(*modules) is tagged


@pytest.mark.parametrize(
    ("modules", "tagged"),
    [((81, 20, 20), True), ((80, 80, 20), False), ((81, 81, 20), False), ((81, 81, 81), False)],
    ids=["one-above", "two-at-the-cut", "two-above", "all-above"],
)
def test_at_most_one_module_is_above_the_upper_cut(modules: tuple[float, ...], tagged: bool) -> None:
    wide = SrdTagConfig(module_low=UNIT, module_high=80 * UNIT, sum_low=0.0, sum_high=1.0)
    assert tag_electrons(np.array([modules]) * UNIT, wide).tolist() == [tagged]


def test_one_module_may_be_above() -> None:
    """With a single module "all but one below" asks for nothing, and the sum decides."""
    assert [tag(100), tag(149), tag(150)] == [True, True, False]


@pytest.mark.parametrize(
    "change",
    [
        {"module_low": 0.08},
        {"module_high": 0.001},
        {"sum_low": 0.15},
        {"sum_high": NAN},
        {"module_low": NAN},
    ],
    ids=["low-at-high", "high-at-low", "sum", "nan-sum", "nan-module"],
)
def test_senseless_windows_are_refused(change: dict[str, Any]) -> None:
    right = {"module_low": 0.001, "module_high": 0.08, "sum_low": 0.003, "sum_high": 0.15}
    with pytest.raises(ValueError, match="windows must rise"):
        SrdTagConfig(**{**right, **change})


MODULES = arrays(float, (6, 3), elements=st.sampled_from([0.0, 1.0, 1.5, 2.0, 50.0, 80.0, 100.0, NAN]))


@settings(deadline=None, max_examples=50)
@given(modules=MODULES, order=st.permutations(range(6)), at=st.integers(0, 6))
def test_events_do_not_know_each_other(modules: np.ndarray, order: list[int], at: int) -> None:
    whole = tag_electrons(modules * UNIT, CONFIG)
    assert tag_electrons(modules[order] * UNIT, CONFIG).tolist() == whole[order].tolist()
    pieces = [tag_electrons(part * UNIT, CONFIG) for part in (modules[:at], modules[at:])]
    assert np.concatenate(pieces).tolist() == whole.tolist()


@settings(deadline=None, max_examples=50)
@given(modules=MODULES, order=st.permutations(range(3)))
def test_modules_are_equal(modules: np.ndarray, order: list[int]) -> None:
    """Energies are multiples of half a unit, so that the sum has no rounding that depends on the order."""
    tagged = tag_electrons(modules * UNIT, CONFIG)
    assert tag_electrons(modules[:, order] * UNIT, CONFIG).tolist() == tagged.tolist()


def test_no_events() -> None:
    assert tag_electrons(np.empty((0, 3)), CONFIG).shape == (0,)
