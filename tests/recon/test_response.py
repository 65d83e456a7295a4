"""Tests of what the readout makes of simulated deposits and crossings."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from recon.geometry import Detector, Grid, Response, Section
from recon.noise import event_keys, keyed_normal
from recon.response import add_suppressed, measure_deposits, measure_hits

NAN = float("nan")
N = 20_000
Floats = npt.NDArray[np.float64]


def detector(name: str = "ecal", **response: Any) -> Detector:
    grid = Grid(shape=(2, 2), pitch=(1.0, 1.0))
    section = Section(name="main", z=0.0, length=1.0, centre=(0.0, 0.0), grid=grid)
    return Detector(name=name, sections=(section,), time_window=(-1.0, 1.0), response=Response(**response))


def keys(n: int, seed: int = 1) -> npt.NDArray[np.uint64]:
    return event_keys([np.arange(n)], seed)


def test_perfect_readout_changes_nothing() -> None:
    visible = np.array([[0.0, 1.0, 2.5, -1.0]])
    assert measure_deposits(visible, detector(), keys(1)).tolist() == visible.tolist()


def test_sampling_fraction_by_hand() -> None:
    found = measure_deposits(np.array([[0.0, 0.5, 1.0, 2.0]]), detector(sampling_fraction=0.1), keys(1))
    assert found == pytest.approx(np.array([[0, 5, 10, 20]]))


@pytest.mark.parametrize(
    ("total", "factor"),
    [
        pytest.param(100.0, 1.0, id="reference"),
        pytest.param(100.0 / np.e, 1 / 0.98, id="one-e-fold-below"),
        pytest.param(100.0 * np.e, 1 / 1.02, id="one-e-fold-above"),
        pytest.param(0.1, 1 / (1 + 0.02 * np.log(1e-3)), id="least"),
        pytest.param(0.001, 1 / (1 + 0.02 * np.log(1e-3)), id="frozen-below"),
    ],
)
def test_nonlinearity_by_hand(total: float, factor: float) -> None:
    """f(E) = f0 (1 + k ln(E / E_ref)), at the energy of the whole detector."""
    model = detector(sampling_fraction=0.5, nonlinearity=0.02, reference_energy=100.0)
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    found = measure_deposits(0.5 * total * shares[None], model, keys(1))
    assert found == pytest.approx(factor * total * shares[None])


def test_empty_detector_of_nonlinear_response_stays_empty() -> None:
    assert measure_deposits(np.zeros((1, 4)), detector(nonlinearity=0.02), keys(1)).tolist() == [[0.0] * 4]


@pytest.mark.parametrize(
    "response",
    [{}, {"nonlinearity": 0.02}, {"noise": 0.1}, {"constant": 0.1}],
    ids=["perfect", "nonlinear", "noise", "spread"],
)
def test_nan_stays_nan(response: dict[str, float]) -> None:
    found = measure_deposits(np.array([[NAN, 1.0, 2.0, 3.0], [1.0] * 4]), detector(**response), keys(2))
    assert np.isnan(found[0, 0])
    assert np.isfinite(found[1]).all()


@pytest.mark.parametrize("response", [{"noise": 0.1}, {"constant": 0.1}], ids=["noise", "spread"])
def test_nan_stays_in_its_cell(response: dict[str, float]) -> None:
    found = measure_deposits(np.array([[NAN, 1.0, 2.0, 3.0]]), detector(**response), keys(1))
    assert np.isfinite(found[0, 1:]).all()


def test_noise_has_its_width_whatever_the_energy() -> None:
    visible = np.tile([0.0, 1.0, 10.0, 100.0], (N, 1))
    pull = (measure_deposits(visible, detector(noise=0.2), keys(N)) - visible) / 0.2
    assert all(stats.kstest(pull[:, cell], "norm").pvalue > 0.01 for cell in range(4))


def test_spread_is_relative_to_the_cell() -> None:
    visible = np.tile([0.0, 1.0, 10.0, 100.0], (N, 1))
    found = measure_deposits(visible, detector(constant=0.05), keys(N))
    assert not found[:, 0].any()
    pull = (found[:, 1:] / visible[:, 1:] - 1) / 0.05
    assert all(stats.kstest(pull[:, cell], "norm").pvalue > 0.01 for cell in range(3))


def test_noise_and_spread_add_in_quadrature() -> None:
    found = measure_deposits(np.full((N, 4), 10.0), detector(noise=0.3, constant=0.04), keys(N))
    assert found.std() == pytest.approx(0.5, rel=0.02)
    assert found.mean() == pytest.approx(10.0, abs=0.01)


def test_noise_is_of_measured_energy() -> None:
    """The noise is given in GeV after calibration: a small sampling fraction does not enlarge it."""
    found = measure_deposits(np.zeros((N, 4)), detector(sampling_fraction=0.01, noise=0.2), keys(N))
    assert found.std() == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize("kind", ["noise", "constant"])
def test_cells_and_detectors_have_numbers_of_their_own(kind: str) -> None:
    models = [detector(name, **{kind: 1.0}) for name in ("ecal", "hcal")]
    ecal, hcal = (measure_deposits(np.ones((N, 4)), model, keys(N)) for model in models)
    matrix = np.corrcoef(np.concatenate([ecal, hcal], axis=1).T)
    assert np.abs(matrix - np.eye(8)).max() < 5 / np.sqrt(N)


def test_noise_and_spread_have_numbers_of_their_own() -> None:
    spread, noise = (
        measure_deposits(np.ones((N, 4)), detector(**{kind: 1.0}), keys(N))[:, 0]
        for kind in ("constant", "noise")
    )
    assert abs(np.corrcoef(spread, noise)[0, 1]) < 5 / np.sqrt(N)


def test_seed_changes_noise() -> None:
    blank, model = np.zeros((5, 4)), detector(noise=1.0)
    assert (measure_deposits(blank, model, keys(5, 1)) != measure_deposits(blank, model, keys(5, 2))).all()


def test_deposits_are_left_alone() -> None:
    visible = np.ones((3, 4))
    measure_deposits(visible, detector(noise=0.1, nonlinearity=0.02, constant=0.1), keys(3))
    assert visible.tolist() == [[1.0] * 4] * 3


FULL = detector(sampling_fraction=0.1056, nonlinearity=0.0045, noise=0.003, constant=0.005)


@settings(deadline=None, max_examples=50)
@given(visible=arrays(float, (21, 4), elements=st.floats(0, 30)), at=st.integers(0, 21))
def test_parts_of_a_sample_are_the_whole(visible: Floats, at: int) -> None:
    whole = measure_deposits(visible, FULL, keys(21))
    pieces = [measure_deposits(visible[part], FULL, keys(21)[part]) for part in (slice(at), slice(at, None))]
    assert np.array_equal(np.concatenate(pieces), whole)


# --- hits ----------------------------------------------------------------------------------------------

OFFSETS = np.array([0, 2, 2, 5])  # three events of two, no and three hits
POSITION = np.array([1.0, 2.0, 3.0, 4.0, NAN])


def test_hits_by_hand() -> None:
    """The n-th hit of an event takes the n-th number of its key, times the resolution of its plane."""
    resolution = np.array([0.1, 0.2, 0.0, 0.4, 0.1])
    normal = keyed_normal(keys(3), "hits x", 3)
    moved = POSITION + resolution * [normal[0, 0], normal[0, 1], normal[2, 0], normal[2, 1], normal[2, 2]]
    found = measure_hits(POSITION, OFFSETS, resolution, keys(3), "x")
    assert np.array_equal(found, moved, equal_nan=True)
    assert found[2] == 3.0
    assert (found[[0, 1, 3]] != POSITION[[0, 1, 3]]).all()


def test_hits_have_their_resolution() -> None:
    resolution = np.tile([0.1, 0.5], N)
    found = measure_hits(np.zeros(2 * N), 2 * np.arange(N + 1), resolution, keys(N), "x")
    pull = (found / resolution).reshape(N, 2)
    assert all(stats.kstest(pull[:, plane], "norm").pvalue > 0.01 for plane in range(2))
    assert abs(np.corrcoef(pull.T)[0, 1]) < 5 / np.sqrt(N)


def test_coordinates_are_blurred_apart() -> None:
    zero, offsets = np.zeros(N), np.arange(N + 1)
    x, y = (measure_hits(zero, offsets, np.ones(N), keys(N), axis) for axis in "xy")
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(N)


@settings(deadline=None, max_examples=40)
@given(counts=st.lists(st.integers(0, 4), min_size=1, max_size=6), at=st.integers(0, 6))
def test_hits_do_not_depend_on_other_events(counts: list[int], at: int) -> None:
    at = min(at, len(counts))
    offsets = np.cumsum([0, *counts])
    position, resolution = np.arange(offsets[-1], dtype=float), np.full(offsets[-1], 0.1)
    whole = measure_hits(position, offsets, resolution, keys(len(counts)), "x")
    cut = offsets[at]
    head = measure_hits(position[:cut], offsets[: at + 1], resolution[:cut], keys(len(counts))[:at], "x")
    tail = measure_hits(position[cut:], offsets[at:] - cut, resolution[cut:], keys(len(counts))[at:], "x")
    assert np.concatenate([head, tail]).tolist() == whole.tolist()


@pytest.mark.parametrize("n_events", [0, 3])
def test_no_hits(n_events: int) -> None:
    offsets = np.zeros(n_events + 1, dtype=np.int64)
    assert measure_hits(np.empty(0), offsets, np.empty(0), keys(n_events), "x").shape == (0,)


def test_suppressed_energy_by_hand() -> None:
    """Linear in the logarithm between points, the same above them, the same share of the sum below."""
    seen, suppressed = np.array([10.0, 40.0]), np.array([1.0, 2.0])
    cells = np.array([[6.0, 4.0], [15.0, 5.0], [80.0, 0.0], [4.0, 1.0], [0.0, 0.0]])
    found = add_suppressed(cells, seen, suppressed)
    np.testing.assert_allclose(found.sum(axis=1), [11.0, 21.5, 82.0, 5.5, 0.0])
    np.testing.assert_allclose(found[:, 0] * cells[:, 1], found[:, 1] * cells[:, 0])
    assert np.isnan(add_suppressed(np.array([[NAN, 1.0]]), seen, suppressed)).all()
