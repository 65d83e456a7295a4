"""Passes of a calibration over showers that are made from the profile, with gains that are known."""

import numpy as np
import pytest

from datasets.conditions import ideal_conditions
from datasets.profiles import load_profile
from datasets.setups import load_setup
from processors.calibration import CalibrationSums, Candidates, expected_below
from processors.calibration_loop import GainCalibration, LoopConfig, calibrate_gains
from recon.expected_sum import cell_centres, contained
from recon.front_share import front_share
from recon.profile import cell_fractions

SETUP = load_setup("na64e_2018")
ECAL = SETUP.detectors["ecal"]
SECTION, PROFILE = ECAL.sections[-1], load_profile(SETUP.shower_profile)
BEAM = 3 * 6 + 3
FRONT_RMS = 0.2  # of the preshower share: less than in nature, so that few electrons do


def showers(towers: np.ndarray, energy: float, gains: np.ndarray, seed: int) -> Candidates:
    """Return electrons on the middle of towers; gains are what the energies are divided by."""
    rng = np.random.default_rng(seed)
    n, centres = len(towers), cell_centres(SECTION)
    x, y = (centres[towers, axis] + rng.normal(0, 4.0, n) for axis in range(2))
    share = cell_fractions(
        PROFILE, centres[:, 0] - x[:, None], centres[:, 1] - y[:, None], SECTION.grid.pitch
    )
    spread = PROFILE.stochastic**2 / energy + PROFILE.constant**2
    whole = contained(SECTION, PROFILE, (centres[BEAM, 0], centres[BEAM, 1]))
    main = rng.gamma(np.maximum(share, 1e-6) / spread) * spread / whole
    front = np.zeros((n, ECAL.n_cells - SECTION.grid.n_cells))
    mean = front_share(energy, ECAL.sections[0]) / whole
    front[np.arange(n), towers] = mean * rng.gamma(FRONT_RMS**-2, FRONT_RMS**2, n)
    # what is in front is missing behind it
    main *= 1.0 - front.sum(axis=1, keepdims=True) / share.sum(axis=1, keepdims=True) * whole
    cells = np.concatenate([front, main], axis=1) * energy * rng.normal(1, 0.01, (n, 1))
    return Candidates((cells / gains).astype(np.float32), energy, np.zeros(ECAL.n_cells))


def calibrated(electrons: list[Candidates]) -> GainCalibration:
    found = calibrate_gains(electrons, CalibrationSums(), SETUP, ECAL, LoopConfig())
    assert found is not None
    return found


def test_wrong_gains_of_all_cells_are_found() -> None:
    gains = np.random.default_rng(1).uniform(0.8, 1.2, ECAL.n_cells)
    found = calibrated([showers(np.repeat(np.arange(36), 120), 100.0, gains, 2)])
    assert not found.gains.is_kept.any()
    assert found.is_converged
    away = found.gains.ratio / gains - 1.0
    pulls = away / found.gains.error
    assert np.sqrt((pulls**2).mean()) < 1.5
    assert np.abs(away[36:]).max() < 0.015
    assert (found.gains.error[36:] < 0.01).all()


def test_beam_on_one_cell_leaves_right_gains() -> None:
    found = calibrated([showers(np.full(600, BEAM), 100.0, np.ones(ECAL.n_cells), 3)])
    assert np.flatnonzero(~found.gains.is_kept).tolist() == [BEAM, 36 + BEAM]
    assert np.abs(found.gains.ratio[36:] - 1).max() < 0.01
    assert abs(found.gains.ratio[BEAM] - 1) < 4 * found.gains.error[BEAM]
    assert (found.gains.suppression, found.is_suppression_measured) == (1.0, False)


@pytest.mark.parametrize(("energies", "is_measured"), [((50.0, 100.0), False), ((20.0, 50.0, 100.0), True)])
def test_suppression_needs_three_energies(energies: tuple[float, ...], is_measured: bool) -> None:
    tower = np.full(300, BEAM)
    found = calibrated([showers(tower, energy, np.ones(ECAL.n_cells), 4) for energy in energies])
    assert found.is_suppression_measured is is_measured
    assert (found.gains.suppression_error > 0) is is_measured


def test_nothing_is_found_without_electrons() -> None:
    none = Candidates(np.zeros((0, ECAL.n_cells), np.float32), 100.0, np.zeros(ECAL.n_cells))
    assert calibrate_gains([none], CalibrationSums(), SETUP, ECAL, LoopConfig()) is None


def test_sums_add_up_in_any_order() -> None:
    one, two = (
        CalibrationSums({"a": np.array([1])}),
        CalibrationSums({"a": np.array([2]), "b": np.array([5])}),
    )
    for total in (one + two, two + one):
        assert {name: values.tolist() for name, values in total.arrays.items()} == {"a": [3], "b": [5]}


def test_energy_below_threshold_rises_with_gain_and_energy() -> None:
    gain = ideal_conditions(SETUP).detectors["ecal"].gain
    expected, twice = (expected_below(SETUP, ECAL, factor * gain) for factor in (1.0, 2.0))
    assert 0.2 < expected(5.0) < expected(20.0) < expected(80.0) < 2.0
    assert twice(20.0) > 1.3 * expected(20.0)
