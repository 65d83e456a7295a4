"""Gains from electrons of known energy, on events whose gains are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.calibrate import GainConfig, GainEquations, add_events, solve_gains


def _events(n: int, gains: np.ndarray, seed: int, energy: float = 100.0) -> np.ndarray:
    """Return showers that share their energy among cells, each event around another cell, 1% resolution."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([0.5] * len(gains), n)
    return energy * shares * rng.normal(1.0, 0.01, (n, 1)) / gains


def _equations(cells: np.ndarray, energy: float = 100.0) -> GainEquations:
    n = len(cells)
    total = np.maximum(cells.sum(axis=1), 1e-9)
    return add_events(cells, np.zeros(n), np.full(n, energy), np.full(n, 1.0), energy / total)


def test_equations_of_two_events_by_hand() -> None:
    sums = add_events(
        *(np.array([[2.0, 0.0], [1.0, 3.0]]), np.array([0.5, 0.0]), np.array([4.0, 5.0])),
        *(np.array([1.0, 2.0]), np.array([1.0, 1.0])),
    )
    np.testing.assert_array_equal(sums.matrix, [[6.0, 6.0, 1.0], [6.0, 18.0, 0.0], [1.0, 0.0, 0.25]])
    np.testing.assert_array_equal(sums.vector, [18.0, 30.0, 2.0])
    np.testing.assert_array_equal(sums.events, [1, 1])
    assert sums.square[0] == 66.0
    assert sums.total[0] == 2


def test_wrong_gains_are_found_within_their_errors() -> None:
    truth = np.random.default_rng(3).uniform(0.8, 1.2, 8)
    found = solve_gains(_equations(_events(4000, truth, 4)), GainConfig(floor=0.0))
    assert not found.is_kept.any()
    pull = (found.ratio - truth) / found.error
    assert (pull**2).sum() < 26.1  # of 8 degrees of freedom, 0.1%
    assert (found.error < 0.002).all()


@given(st.integers(1, 399))
def test_split_and_add_is_the_whole(at: int) -> None:
    cells = _events(400, np.ones(5), 9)
    whole, one, two = _equations(cells), _equations(cells[:at]), _equations(cells[at:])
    for total, a, b in zip(whole, one, two, strict=True):
        np.testing.assert_allclose(a + b, total, rtol=1e-12)


def test_cell_without_electrons_keeps_its_gain_and_spoils_no_other() -> None:
    truth = np.array([1.1, 0.9, 1.0])
    cells = _events(2000, truth, 5)
    dark = np.column_stack([cells, np.zeros(len(cells))])
    dark[0, 3] = 1e-3
    found = solve_gains(_equations(dark), GainConfig())
    assert found.is_kept.tolist() == [False, False, False, True]
    assert found.ratio[3] == 1.0
    np.testing.assert_allclose(found.ratio[:3], truth, rtol=0.005)


def test_nothing_is_found_without_events() -> None:
    found = solve_gains(_equations(np.zeros((0, 3))), GainConfig())
    assert found.is_kept.all()
    assert (found.ratio == 1.0).all()


def test_energy_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="leave them out"):
        _equations(np.array([[1.0, np.nan]]))


def test_suppressed_energy_follows_from_several_energies() -> None:
    rng = np.random.default_rng(2)
    energy = np.repeat([20.0, 50.0, 100.0, 150.0], 1500)
    lost = 0.5 + 0.2 * np.log(energy)
    seen = (energy - 1.2 * lost) / 1.1 * rng.normal(1.0, 0.01, len(energy))
    sums = add_events(seen[:, None], lost, energy, (0.01 * energy) ** -2.0, energy / (seen + lost))
    found = solve_gains(sums, GainConfig(suppression_prior=1.0))
    assert abs(found.suppression - 1.2) < 4 * found.suppression_error
    assert abs(found.ratio[0] - 1.1) < 4 * found.error[0]


def test_error_of_the_expected_sum_is_part_of_the_error_of_gains() -> None:
    cells = _events(4000, np.ones(4), 4)
    without = solve_gains(_equations(cells), GainConfig(floor=0.0))
    floor = solve_gains(_equations(cells), GainConfig(floor=0.01))
    np.testing.assert_array_equal(without.ratio, floor.ratio)
    # sum e^2 / sum e t of shares of a Dirichlet distribution of 4 halves is (1/2 + 1) / (2 + 1)
    assert without.error.max() < 0.002
    np.testing.assert_allclose(floor.error, 0.01 / 0.5, rtol=0.1)


def test_side_of_showers_tells_no_gain() -> None:
    """Beam on one cell: a neighbour with a twentieth of the energy would take up any error of the model."""
    rng = np.random.default_rng(6)
    side = rng.normal(0.05, 0.01, 3000)
    cells = 100.0 * np.column_stack([1.0 - side, 0.9 * side]) * rng.normal(1.0, 0.01, (3000, 1))
    found = solve_gains(_equations(cells), GainConfig(), hold_suppression=True)
    assert found.is_kept.tolist() == [False, True]
    assert found.ratio[1] == 1.0
    assert found.ratio[0] == pytest.approx(1.0, abs=0.01)


def test_suppression_that_is_held_stays_one() -> None:
    cells = _events(2000, np.ones(3), 5) * 0.99
    sums = add_events(cells, np.full(2000, 1.0), *(np.full(2000, v) for v in (100.0, 1.0, 1.0)))
    held = solve_gains(sums, GainConfig(), hold_suppression=True)
    assert (held.suppression, held.suppression_error) == (1.0, 0.0)
    np.testing.assert_allclose(held.ratio, 1.0, atol=0.002)


def test_gain_config_is_checked() -> None:
    with pytest.raises(ValueError, match="floor >= 0"):
        GainConfig(floor=-0.1)
