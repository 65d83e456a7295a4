"""Tests of cells to energies: time windows, panels of two photomultipliers, and who is dead."""

import operator
from collections.abc import Iterable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recon.cells import (
    DetectorEnergy,
    geometric_mean,
    in_time_cells,
    is_alive,
    measure_energy,
    sum_parts,
)
from recon.geometry import Detector, Grid, Section

NAN, INF = float("nan"), float("inf")
Floats = npt.NDArray[np.float64]


def section(name: str, shape: tuple[int, int], combine: Any = "sum") -> Section:
    grid = Grid(shape=shape, pitch=(10.0, 10.0))
    return Section(name=name, z=0.0, length=1.0, centre=(0.0, 0.0), grid=grid, combine=combine)


def detector(*sections: Section, **changes: Any) -> Detector:
    return Detector(**{"name": "hcal", "sections": sections, "time_window": (-10.0, 20.0), **changes})


ONE = detector(section("only", (1, 2)))
TWO = detector(section("front", (1, 2)), section("back", (2, 1)))
PANEL = detector(section("panel", (1, 2), "geometric_mean"))
MIXED = detector(
    section("front", (1, 2)),
    section("panel", (1, 2), "geometric_mean"),
    section("off", (2, 2)),
    in_beam=("front", "panel"),
    pedestal="section",
)


def measure(cells: Floats, time: Floats | None, model: Detector) -> DetectorEnergy:
    return measure_energy(cells, time, model, is_alive(cells, model, zeros_are_dead=True))


def assert_same(left: NamedTuple, right: NamedTuple) -> None:
    """Require equal bits: results must not depend on the neighbours of an event."""
    for name, a, b in zip(left._fields, left, right, strict=True):
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), name


# --- who is dead ---------------------------------------------------------------------------------------

EMPTY, FRONT, BACK, BOTH = [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("pedestal", "is_target", "measured", "alive"),
    [
        # of the events EMPTY, FRONT, BACK, BOTH: (front, back)
        pytest.param("none", False, True, ["yy", "yy", "yy", "yy"], id="none"),
        pytest.param("detector", False, True, ["nn", "yy", "yy", "yy"], id="detector"),
        pytest.param("section", False, True, ["nn", "yn", "ny", "yy"], id="section"),
        pytest.param("none", True, True, ["nn", "yy", "yy", "yy"], id="target"),
        pytest.param("section", True, True, ["nn", "yn", "ny", "yy"], id="target-section"),
        pytest.param("none", False, False, ["yy", "yy", "yy", "yy"], id="none-simulated"),
        pytest.param("detector", False, False, ["yy", "yy", "yy", "yy"], id="detector-simulated"),
        pytest.param("section", False, False, ["yy", "yy", "yy", "yy"], id="section-simulated"),
        pytest.param("section", True, False, ["nn", "yy", "yy", "yy"], id="target-simulated"),
    ],
)
def test_who_is_alive(pedestal: str, is_target: bool, measured: bool, alive: list[str]) -> None:
    model = detector(*TWO.sections, pedestal=pedestal, is_target=is_target)
    found = is_alive(np.array([EMPTY, FRONT, BACK, BOTH], dtype=float), model, zeros_are_dead=measured)
    assert found.tolist() == [[letter == "y" for letter in event] for event in alive]


def test_negative_pedestal_noise_is_life() -> None:
    model = detector(*TWO.sections, pedestal="section")
    assert is_alive(np.array([[-1e-3, 0, 0, 1e-3]]), model, zeros_are_dead=True).all()


def test_dead_section_makes_the_energy_unknown() -> None:
    found = measure(np.array([[1.0, 2.0, 0.0, 0.0]]), None, detector(*TWO.sections, pedestal="section"))
    assert np.array_equal(found.parts, [[3.0, NAN]], equal_nan=True)
    assert np.isnan(found.energy).all()
    assert not found.is_valid.any()


def test_dead_section_outside_of_the_beam_does_not_matter() -> None:
    model = detector(*TWO.sections, pedestal="section", in_beam=("front",))
    found = measure(np.array([[1.0, 2.0, 0.0, 0.0]]), None, model)
    assert np.array_equal(found.parts, [[3.0, NAN]], equal_nan=True)
    assert (found.energy.tolist(), found.is_valid.tolist()) == ([3.0], [True])


def test_measured_zero_of_a_living_detector_is_zero() -> None:
    found = measure(np.zeros((1, 4)), None, detector(*TWO.sections, pedestal="none"))
    assert (found.energy.tolist(), found.is_valid.tolist()) == ([0.0], [True])


# --- time windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "inside", "outside"),
    [
        pytest.param(0.0, 7.0, 0.0, id="prompt"),
        pytest.param(-10.0, 7.0, 0.0, id="at-the-early-edge"),
        pytest.param(20.0, 7.0, 0.0, id="at-the-late-edge"),
        pytest.param(np.nextafter(-10.0, -11), 3.0, 4.0, id="just-early"),
        pytest.param(np.nextafter(20.0, 21), 3.0, 4.0, id="just-late"),
        pytest.param(1e6, 3.0, 4.0, id="far-away"),
    ],
)
def test_time_window(time: float, inside: float, outside: float) -> None:
    found = measure(np.array([[3.0, 4.0]]), np.array([[0.0, time]]), ONE)
    assert (found.energy.tolist(), found.out_of_time.tolist()) == ([inside], [outside])


def test_window_of_cells_is_that_of_sums() -> None:
    times = np.array([[-10.0, 20.0], [-10.1, 20.1], [NAN, 0.0], [NAN, 0.0], [NAN, NAN]])
    cells = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [-0.1, 2.0], [0.0, 0.0]])
    kept = in_time_cells(cells, times, ONE)
    assert np.array_equal(kept, [[1, 2], [0, 0], [NAN, 2], [NAN, 2], [0, 0]], equal_nan=True)
    assert np.array_equal(kept.sum(axis=1), sum_parts(cells, times, ONE)[0][:, 0], equal_nan=True)


def test_without_times_all_is_in_time() -> None:
    cells = np.array([[3.0, 4.0]])
    assert in_time_cells(cells, None, ONE).tolist() == cells.tolist()
    assert measure(cells, None, ONE).energy.tolist() == [7.0]


def test_without_times_the_time_is_unknown() -> None:
    assert np.isnan(measure(np.array([[3.0, 4.0]]), None, ONE).time).all()


def test_time_is_weighted_with_energy() -> None:
    found = measure(np.array([[3.0, 1.0]]), np.array([[2.0, 10.0]]), ONE)
    assert found.time.tolist() == [4.0]


def test_time_ignores_what_is_out_of_time() -> None:
    found = measure(np.array([[3.0, 1.0]]), np.array([[2.0, 1000.0]]), ONE)
    assert found.time.tolist() == [2.0]


def test_time_ignores_sections_outside_of_the_beam() -> None:
    model = detector(*TWO.sections, in_beam=("front",))
    found = measure(np.array([[1.0, 1.0, 5.0, 5.0]]), np.array([[3.0, 3.0, 9.0, 9.0]]), model)
    assert found.time.tolist() == [3.0]
    assert found.energy.tolist() == [2.0]


def test_time_of_an_empty_detector_is_unknown() -> None:
    assert np.isnan(measure(np.zeros((1, 2)), np.zeros((1, 2)), ONE).time).all()


@pytest.mark.parametrize(
    "pair",
    [(1.0, 1.0), (1.0, 4.0), (0.1, 1.0), (1.0, -2.0)],
    ids=["equal", "unequal", "one-sided", "one-negative"],
)
def test_time_of_a_panel_is_that_of_its_photomultipliers(pair: tuple[float, float]) -> None:
    found = measure(np.array([pair]), np.array([[5.0, 5.0]]), PANEL)
    assert found.time == pytest.approx([5.0])


def test_out_of_time_sums_sections_in_the_beam() -> None:
    model = detector(*TWO.sections, in_beam=("front",))
    found = measure(np.array([[1.0, 2.0, 4.0, 8.0]]), np.array([[99.0, 0.0, 99.0, 99.0]]), model)
    assert found.out_of_time.tolist() == [1.0]


# --- what is not known ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "time"),
    [
        pytest.param([NAN, 1.0], [0.0, 0.0], id="nan-cell"),
        pytest.param([NAN, 1.0], [99.0, 0.0], id="nan-cell-out-of-time"),
        pytest.param([NAN, 1.0], [NAN, 0.0], id="nan-cell-without-time"),
        pytest.param([2.0, 1.0], [NAN, 0.0], id="energy-without-time"),
        pytest.param([1.0, -0.001], [0.0, NAN], id="negative-energy-without-time"),
        pytest.param([INF, 1.0], [0.0, 0.0], id="infinite-cell"),
    ],
)
@pytest.mark.parametrize("model", [ONE, PANEL], ids=["sum", "panel"])
def test_unknown_cell_makes_the_detector_unknown(
    model: Detector, cells: list[float], time: list[float]
) -> None:
    found = measure(np.array([cells]), np.array([time]), model)
    assert not found.is_valid.any()
    assert not np.isfinite(found.energy).any()


@pytest.mark.parametrize("model", [ONE, PANEL], ids=["sum", "panel"])
def test_empty_cell_needs_no_time(model: Detector) -> None:
    found = measure(np.array([[0.0, 2.0]]), np.array([[NAN, 0.0]]), model)
    assert (found.energy.tolist(), found.is_valid.tolist()) == ([2.0], [True])


def test_unknown_section_leaves_the_others() -> None:
    found = measure(np.array([[NAN, 1.0, 2.0, 3.0]]), np.zeros((1, 4)), TWO)
    assert np.array_equal(found.parts, [[NAN, 5.0]], equal_nan=True)


def test_nan_stays_in_cells() -> None:
    assert np.isnan(in_time_cells(np.array([[NAN, 1.0]]), np.array([[99.0, 0.0]]), ONE)).tolist() == [
        [True, False]
    ]


@pytest.mark.parametrize("shape", [(3, 1), (1, 2), (3, 3)], ids=["narrow", "short", "wide"])
def test_times_of_another_shape_are_refused(shape: tuple[int, int]) -> None:
    """The kernel does not check bounds: it would read memory that is not its own."""
    for function in (sum_parts, in_time_cells):
        with pytest.raises(ValueError, match=r"shape|time"):
            function(np.ones((3, 2)), np.zeros(shape), ONE)


# --- panels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        pytest.param((4.0, 9.0), 6.0, id="balanced"),
        pytest.param((9.0, 4.0), 6.0, id="either-order"),
        pytest.param((3.0, 10.0), np.sqrt(30.0), id="at-0.3"),
        pytest.param((2.99, 10.0), 10.0, id="below-0.3"),
        pytest.param((0.0, 5.0), 5.0, id="one-silent"),
        pytest.param((0.0, 0.0), 0.0, id="both-silent"),
        pytest.param((-0.1, 5.0), 5.0, id="one-negative"),
        pytest.param((-0.1, 0.0), 0.0, id="negative-and-silent"),
        pytest.param((-0.2, -0.1), -0.1, id="both-negative"),
        pytest.param((-0.1, -0.1), -0.1, id="both-negative-equal"),
        pytest.param((NAN, 5.0), NAN, id="nan-first"),
        pytest.param((5.0, NAN), NAN, id="nan-last"),
        pytest.param((NAN, NAN), NAN, id="both-nan"),
    ],
)
def test_geometric_mean(pair: tuple[float, float], expected: float) -> None:
    assert geometric_mean(np.array([pair])) == pytest.approx([expected], nan_ok=True)


@settings(deadline=None, max_examples=50)
@given(pairs=arrays(float, (5, 2), elements=st.floats(-1, 0) | st.floats(1e-9, 100)))
def test_panel_lies_between_its_photomultipliers(pairs: Floats) -> None:
    """A VETO that measured less than both would let events pass."""
    mean, low, high = geometric_mean(pairs), pairs.min(axis=1), pairs.max(axis=1)
    rounding = 1e-12 * np.abs(pairs).max(axis=1)
    assert ((mean >= low - rounding) & (mean <= high + rounding)).all()
    assert (mean >= np.sqrt(0.3) * high - rounding)[high > 0].all()


def test_panel_takes_the_photomultiplier_that_is_in_time() -> None:
    found = measure(np.array([[4.0, 9.0]]), np.array([[0.0, 99.0]]), PANEL)
    assert (found.energy.tolist(), found.out_of_time.tolist()) == ([4.0], [9.0])


def test_panel_is_a_mean_and_not_a_sum() -> None:
    assert measure(np.array([[4.0, 9.0]]), np.zeros((1, 2)), PANEL).energy.tolist() == [6.0]


# --- invariances ---------------------------------------------------------------------------------------

ENERGIES = st.sampled_from([0.0, -0.01, 0.1, 1 / 3, 1.7, 40.0, NAN])
TIMES = st.sampled_from([-30.0, -10.0, 0.3, 7.0, 20.0, 90.0, NAN])
EVENTS = {
    "cells": arrays(float, (6, 8), elements=ENERGIES),
    "time": st.none() | arrays(float, (6, 8), elements=TIMES),
}


@settings(deadline=None, max_examples=60)
@given(**EVENTS, order=st.permutations(range(6)))
def test_permuted_events_give_permuted_results(cells: Floats, time: Floats | None, order: list[int]) -> None:
    whole = measure(cells, time, MIXED)
    moved = measure(cells[order], None if time is None else time[order], MIXED)
    assert_same(moved, DetectorEnergy(*(column[order] for column in whole)))


@settings(deadline=None, max_examples=60)
@given(**EVENTS, at=st.integers(0, 6))
def test_parts_of_a_sample_are_the_whole(cells: Floats, time: Floats | None, at: int) -> None:
    pieces = [
        measure(cells[piece], None if time is None else time[piece], MIXED)
        for piece in (slice(None, at), slice(at, None))
    ]
    joined = DetectorEnergy(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))
    assert_same(joined, measure(cells, time, MIXED))


@settings(deadline=None, max_examples=60)
@given(
    cells=arrays(float, (4, 4), elements=st.integers(-8, 1000).map(lambda n: n / 8)),
    time=arrays(float, (4, 4), elements=st.floats(-50, 50)),
)
def test_in_time_and_out_of_time_add_to_the_total(cells: Floats, time: Floats) -> None:
    """Energies are multiples of 1/8 GeV, so that sums are exact in any order."""
    found = measure(cells, time, TWO)
    assert (found.energy + found.out_of_time).tolist() == cells.sum(axis=1).tolist()


@settings(deadline=None, max_examples=60)
@given(
    cells=arrays(float, (4, 8), elements=st.sampled_from([0.0, 0.1, 1 / 3, 1.7, 40.0])),
    time=arrays(float, (4, 8), elements=st.floats(-30, 40)),
)
def test_mean_time_lies_in_the_window(cells: Floats, time: Floats) -> None:
    found = measure(cells, time, MIXED)
    known = np.isfinite(found.time)
    assert (known == (found.energy > 0)).all()
    assert ((found.time >= -10 - 1e-9) & (found.time <= 20 + 1e-9))[known].all()


@settings(deadline=None, max_examples=30)
@given(cells=arrays(float, (4, 8), elements=ENERGIES), time=arrays(float, (4, 8), elements=TIMES))
def test_inputs_are_left_alone(cells: Floats, time: Floats) -> None:
    before = cells.copy(), time.copy()
    measure(cells, time, MIXED)
    in_time_cells(cells, time, MIXED)
    assert np.array_equal(cells, before[0], equal_nan=True)
    assert np.array_equal(time, before[1], equal_nan=True)


@pytest.mark.parametrize("n_events", [1, 2, 7])
def test_sums_are_taken_in_order(n_events: int) -> None:
    """Library sums add in another order for other shapes: the last bit would depend on the chunk."""
    model = detector(*(section(f"s{i}", (3, 3)) for i in range(20)))
    cells = np.random.default_rng(5).exponential(1.0, (n_events, model.n_cells))

    def add(values: Iterable[float]) -> float:  # from Python 3.12 on, sum() carries the rounding error along
        return reduce(operator.add, values, 0.0)

    expected = [add(add(event[at : at + 9]) for at in range(0, 180, 9)) for event in cells.tolist()]
    assert measure(cells, np.zeros_like(cells), model).energy.tolist() == expected


def test_no_events() -> None:
    found = measure(np.empty((0, 8)), np.empty((0, 8)), MIXED)
    assert [column.shape for column in found] == [(0, 3), (0,), (0,), (0,), (0,)]
