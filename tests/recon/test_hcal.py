"""Tests of the off-axis ratio R of the HCAL, by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recon.geometry import Detector, Grid, Section
from recon.hcal import off_axis_ratio

NAN = float("nan")


def hcal(*shapes: tuple[int, int], in_beam: tuple[str, ...] = ()) -> Detector:
    sections = tuple(
        Section(
            name=f"hcal{i}", z=0.0, length=1.0, centre=(0.0, 0.0), grid=Grid(shape=shape, pitch=(1.0, 1.0))
        )
        for i, shape in enumerate(shapes)
    )
    return Detector(name="hcal", sections=sections, time_window=(-1.0, 1.0), in_beam=in_beam)


def ratio(model: Detector, *grids: object) -> float:
    (found,) = off_axis_ratio(np.concatenate([np.ravel(grid) for grid in grids])[None].astype(float), model)
    return float(found)


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        pytest.param([[0, 0, 0], [0, 5, 0], [0, 0, 0]], 0.0, id="all-central"),
        pytest.param([[1, 0, 0], [0, 0, 0], [0, 0, 3]], 1.0, id="all-off"),
        pytest.param([[1, 1, 1], [1, 2, 1], [1, 1, 1]], 0.8, id="flat"),
        pytest.param([[0, 0, 0], [0, 6, 2], [0, 0, 0]], 0.25, id="beside"),
        pytest.param([[0, 0, 0], [0, 2, -1], [0, 0, 0]], -1.0, id="negative-noise-beside"),
    ],
)
def test_three_by_three(grid: list[list[float]], expected: float) -> None:
    assert ratio(hcal((3, 3)), grid) == pytest.approx(expected)


@pytest.mark.parametrize("bright", [(x, y) for x in range(6) for y in range(3)], ids=str)
def test_six_by_three_has_two_central_cells(bright: tuple[int, int]) -> None:
    grid = np.zeros((6, 3))
    grid[bright] = 4.0
    assert ratio(hcal((6, 3)), grid) == (0.0 if bright in {(2, 1), (3, 1)} else 1.0)


def test_four_by_two_has_four_central_cells() -> None:
    grid = np.array([[1, 2], [4, 8], [16, 32], [64, 128]])
    assert ratio(hcal((4, 2)), grid) == pytest.approx((255 - 60) / 255)


def test_single_cell_is_central() -> None:
    assert ratio(hcal((1, 1)), [[3.0]]) == 0.0


def test_modules_add_before_the_ratio() -> None:
    """(1 + 3) of (2 + 8) is off axis: not the mean of the ratios of the modules."""
    near, far = np.zeros((3, 3)), np.zeros((3, 3))
    near[1, 1], near[0, 0], far[1, 1], far[2, 1] = 1, 1, 5, 3
    assert ratio(hcal((3, 3), (3, 3)), near, far) == pytest.approx(0.4)


def test_only_modules_in_the_beam_count() -> None:
    near, far = np.zeros((3, 3)), np.ones((3, 3))
    near[1, 1], near[0, 0] = 3, 1
    assert ratio(hcal((3, 3), (3, 3), in_beam=("hcal0",)), near, far) == 0.25
    assert ratio(hcal((3, 3), (3, 3), in_beam=("hcal1",)), near, far) == pytest.approx(8 / 9)


@pytest.mark.parametrize(
    "grid",
    [
        pytest.param(np.zeros((3, 3)), id="empty"),
        pytest.param(np.full((3, 3), -0.1), id="negative"),
        pytest.param(np.where(np.eye(3) > 0, NAN, 1.0), id="nan-cells"),
        pytest.param([[0, 0, 0], [0, NAN, 0], [0, 0, 5]], id="nan-centre"),
        pytest.param([[NAN, 0, 0], [0, 5, 0], [0, 0, 0]], id="nan-corner"),
        pytest.param([[-1, 0, 0], [0, 1, 0], [0, 0, 0]], id="sum-of-zero"),
    ],
)
def test_no_shape_is_nan(grid: object) -> None:
    assert np.isnan(ratio(hcal((3, 3)), grid))


def test_nan_outside_of_the_beam_does_not_matter() -> None:
    far = np.full((3, 3), NAN)
    assert ratio(hcal((3, 3), (3, 3), in_beam=("hcal0",)), np.ones((3, 3)), far) == pytest.approx(8 / 9)


CELLS = arrays(float, (5, 27), elements=st.sampled_from([0.0, -0.02, 1 / 3, 1.7, 40.0, NAN]))
MODEL = hcal((3, 3), (6, 3), in_beam=("hcal0", "hcal1"))


@settings(deadline=None, max_examples=50)
@given(cells=CELLS, cuts=st.tuples(st.integers(0, 5), st.integers(0, 5)).map(sorted))
def test_parts_of_a_sample_are_the_whole(cells: np.ndarray, cuts: list[int]) -> None:
    pieces = [off_axis_ratio(cells[start:stop], MODEL) for start, stop in pairwise([0, *cuts, 5])]
    assert np.array_equal(np.concatenate(pieces), off_axis_ratio(cells, MODEL), equal_nan=True)


@settings(deadline=None, max_examples=50)
@given(
    cells=arrays(float, (5, 27), elements=st.just(0.0) | st.floats(1e-6, 50)),
    scale=st.sampled_from([0.25, 2.0, 64.0]),
)
def test_scale_does_not_matter(cells: np.ndarray, scale: float) -> None:
    here, there = off_axis_ratio(cells, MODEL), off_axis_ratio(scale * cells, MODEL)
    known = np.isfinite(here) & np.isfinite(there)
    assert there[known] == pytest.approx(here[known])
    assert ((here >= -1e-12) & (here <= 1 + 1e-12))[np.isfinite(here)].all()


@pytest.mark.parametrize(("energy", "is_known"), [(0.4, False), (0.5, False), (0.51, True)])
def test_noise_has_no_shape(energy: float, is_known: bool) -> None:
    grid = np.zeros((3, 3))
    grid[0, 0] = energy
    assert np.isfinite(ratio(hcal((3, 3)), grid)) == is_known


def test_no_events() -> None:
    assert off_axis_ratio(np.empty((0, 27)), MODEL).shape == (0,)
