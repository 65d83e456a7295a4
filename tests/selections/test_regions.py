"""Tests of boxes in columns: half-open limits, sums, and which box lies in which."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import TypeAdapter, ValidationError

from selections.regions import Region

NAN, INF = float("nan"), float("inf")
BOX = Region(name="box", limits={"ecal_energy": (None, 50.0), "hcal_energy": (None, 1.0)})
AREA = Region(name="area", limits={"ecal_energy": (10.0, 95.0), "hcal_energy": (5.0, 17.0)})
BAND = Region(
    name="band",
    limits={"hcal_energy": (17.0, None)},
    sum_of=("ecal_energy", "hcal_energy"),
    sum_limit=(80.0, 120.0),
)


def contains(region: Region, ecal: float, hcal: float) -> bool:
    (inside,) = region.contains({"ecal_energy": np.array([ecal]), "hcal_energy": np.array([hcal])})
    return bool(inside)


@pytest.mark.parametrize(
    ("region", "ecal", "hcal", "inside"),
    [
        pytest.param(BOX, 20.0, 0.1, True, id="box"),
        pytest.param(BOX, -0.5, -0.5, True, id="box-negative-noise"),
        pytest.param(BOX, np.nextafter(50, 0), np.nextafter(1, 0), True, id="box-just-inside"),
        pytest.param(BOX, 50.0, 0.1, False, id="box-at-ecal-limit"),
        pytest.param(BOX, 20.0, 1.0, False, id="box-at-hcal-limit"),
        pytest.param(AREA, 10.0, 5.0, True, id="area-at-low-limits"),
        pytest.param(AREA, np.nextafter(10, 0), 5.0, False, id="area-below-ecal"),
        pytest.param(AREA, 10.0, np.nextafter(5, 0), False, id="area-below-hcal"),
        pytest.param(AREA, 95.0, 5.0, False, id="area-at-high-ecal"),
        pytest.param(AREA, 10.0, 17.0, False, id="area-at-high-hcal"),
        pytest.param(BAND, 60.0, 20.0, True, id="band-at-low-sum"),
        pytest.param(BAND, 59.0, 20.0, False, id="band-below-sum"),
        pytest.param(BAND, 99.0, 20.0, True, id="band-in-sum"),
        pytest.param(BAND, 100.0, 20.0, False, id="band-at-high-sum"),
        pytest.param(BAND, 80.0, 16.0, False, id="band-sum-without-limit"),
    ],
)
def test_limits(region: Region, ecal: float, hcal: float, inside: bool) -> None:
    assert contains(region, ecal, hcal) is inside


@pytest.mark.parametrize("region", [BOX, AREA, BAND], ids=lambda region: region.name)
@pytest.mark.parametrize("value", [NAN, INF, -INF], ids=str)
def test_unknown_lies_nowhere(region: Region, value: float) -> None:
    assert not contains(region, value, 20.0)
    assert not contains(region, 20.0, value)


def test_open_window_still_asks_for_a_number() -> None:
    region = Region(name="any", limits={"ecal_energy": (None, None)})
    found = region.contains({"ecal_energy": np.array([NAN, -5.0, 1e9])})
    assert found.tolist() == [False, True, True]


def test_region_without_limits_answers_per_event() -> None:
    found = Region(name="all").contains({"ecal_energy": np.zeros(3)})
    assert np.shape(found) == (3,)


@pytest.mark.parametrize("name", ["ecal_energy", "hcal_energy"])
def test_missing_column_is_named(name: str) -> None:
    there = {"ecal_energy": np.zeros(1), "hcal_energy": np.zeros(1)}
    del there[name]
    with pytest.raises(KeyError, match=rf"region 'band' needs the columns \['{name}'\]"):
        BAND.contains(there)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"limits": {"ecal_energy": (50.0, 10.0)}}, id="falling"),
        pytest.param({"limits": {"ecal_energy": (50.0, 50.0)}}, id="empty"),
        pytest.param({"limits": {"a": (0.0, 1.0), "b": (2.0, 1.0)}}, id="second-of-two"),
        pytest.param({"sum_of": ("a", "b"), "sum_limit": (5.0, 1.0)}, id="falling-sum"),
        # Nothing is above or below NaN: the region would be empty, and a closed one open.
        pytest.param({"limits": {"ecal_energy": (NAN, 50.0)}}, id="nan-low"),
        pytest.param({"limits": {"ecal_energy": (None, NAN)}}, id="nan-high"),
        pytest.param({"sum_of": ("a", "b"), "sum_limit": (NAN, None)}, id="nan-sum"),
    ],
)
def test_senseless_window_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="region 'bad': a window must rise"):
        Region(name="bad", **spec)


def test_window_on_the_sum_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="sum"):
        Region(name="bad", limits={"ecal_energy": (0.0, 1.0)}, sum_limit=(80.0, 120.0))


def test_undeclared_key_is_refused() -> None:
    """With `limit` for `limits` the region would hold everything."""
    with pytest.raises(ValidationError, match="limit"):
        TypeAdapter(Region).validate_python({"name": "box", "limit": {"ecal_energy": (0.0, 1.0)}})


def test_columns_name_each_once() -> None:
    assert BAND.columns == ("hcal_energy", "ecal_energy")


CLOSED = {"ecal_energy": (None, 50.0), "hcal_energy": (0.0, 1.0)}


@pytest.mark.parametrize(
    ("limits", "inside"),
    [
        pytest.param(CLOSED, True, id="equal"),
        pytest.param({"ecal_energy": (None, 40.0), "hcal_energy": (0.1, 0.9)}, True, id="smaller"),
        pytest.param({"ecal_energy": (3.0, 40.0), "hcal_energy": (0.0, 1.0)}, True, id="closed-below"),
        pytest.param({**CLOSED, "veto_energy": (0.0, 1.0)}, True, id="one-limit-more"),
        pytest.param({**CLOSED, "ecal_energy": (None, 50.1)}, False, id="higher"),
        pytest.param({**CLOSED, "hcal_energy": (-0.1, 1.0)}, False, id="lower"),
        pytest.param({**CLOSED, "hcal_energy": (None, 1.0)}, False, id="open-below"),
        pytest.param({**CLOSED, "hcal_energy": (0.0, None)}, False, id="open-above"),
        pytest.param({"ecal_energy": (None, 50.0)}, False, id="one-limit-less"),
        pytest.param({}, False, id="no-limits"),
    ],
)
def test_is_inside(limits: dict[str, Any], inside: bool) -> None:
    assert Region(name="box", limits=limits).is_inside(Region(name="closed", limits=CLOSED)) is inside


def test_nothing_is_known_to_lie_in_a_region_with_a_sum() -> None:
    assert not BAND.is_inside(BAND)


def test_box_with_a_sum_may_lie_in_a_box() -> None:
    closed = Region(name="closed", limits={"hcal_energy": (10.0, None)})
    assert BAND.is_inside(closed)


LIMIT = st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(5, 9))
LIMITS = st.fixed_dictionaries({}, optional={"x": LIMIT, "y": LIMIT})
VALUES = arrays(float, 40, elements=st.integers(-2, 12))


@settings(deadline=None, max_examples=100)
@given(inner=LIMITS, outer=LIMITS, x=VALUES, y=VALUES)
def test_what_lies_inside_holds_no_more(inner: Any, outer: Any, x: np.ndarray, y: np.ndarray) -> None:
    small, large = Region(name="small", limits=inner), Region(name="large", limits=outer)
    if small.is_inside(large):
        events = {"x": x, "y": y}
        assert not (small.contains(events) & ~large.contains(events)).any()
