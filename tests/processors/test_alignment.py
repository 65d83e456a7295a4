"""From hits of clean events to displacements of planes."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.conditions import Conditions, ideal_conditions
from datasets.config import ConfigError
from datasets.hits import HitArrays
from datasets.setups import load_setup
from processors.alignment import (
    Aligned,
    CleanHits,
    align_planes,
    clean_events,
    common_conditions,
    find_spectrometer,
)
from recon.alignment import AlignmentConfig, return_hits
from recon.geometry import Setup
from recon.track_model import linear_model, nominal_crossings

SETUP = load_setup("na64e_2018")
PLANES = SETUP.spectrometers["incoming"].planes
CONFIG = AlignmentConfig(reference=(0, 3))
MOVES = np.zeros((3, 4))
MOVES[:, 1:3] = np.array([[0.7, -0.4], [-0.3, 0.5], [0.004, -0.003]])


def field_off() -> Setup:
    """Return the setup without field, its planes around the straight beam."""
    incoming = SETUP.spectrometers["incoming"]
    planes = tuple(replace(plane, centre=(0.0, 0.0)) for plane in incoming.planes)
    return replace(SETUP, spectrometers={"incoming": replace(incoming, planes=planes)})


def measure(n: int, seed: int, setup: Setup = SETUP, *, is_off: bool = False) -> np.ndarray:
    """Return hits of planes that are off by MOVES, (n, 8) [mm], with scattering and resolution."""
    spectrometer = setup.spectrometers["incoming"]
    if is_off:
        magnets = tuple(replace(magnet, field=0.0) for magnet in spectrometer.magnets)
        spectrometer = replace(spectrometer, magnets=magnets)
    design, covariance = linear_model(spectrometer, setup.beam)
    rng = np.random.default_rng(seed)
    widths = [6.0, 6.0, 3e-4, 3e-4, 0.01 / setup.beam.momentum]
    true = nominal_crossings(spectrometer, setup.beam) + rng.normal(0, widths, (n, 5)) @ design.T
    true += rng.multivariate_normal(np.zeros(8), covariance, n)
    plane = np.tile(np.arange(4), n)
    x, y = return_hits(plane, true[:, ::2].ravel(), true[:, 1::2].ravel(), spectrometer.planes, MOVES)
    return np.stack([x, y], axis=1).reshape(n, 8)


def errors_of(found: Aligned) -> np.ndarray:
    return np.stack([found.fit.dx_error, found.fit.dy_error, found.fit.rotation_error])


def check(found: Aligned) -> None:
    assert found.is_settled
    assert found.fit.is_determined[1:, 1:3].all()
    assert (np.abs(found.new - MOVES)[:, 1:3] < 4 * errors_of(found)[:, 1:3]).all()
    assert found.median_chi2[0] > 5 * found.median_chi2[1]
    assert found.median_chi2[1] == pytest.approx(found.expected_chi2, rel=0.1)
    assert np.abs(found.residuals[1].mean(axis=0)).max() < 0.02


def test_displacements_are_found_in_spite_of_outliers() -> None:
    positions = measure(4000, 1)
    positions[::25, 4] += 30.0
    found = align_planes(positions, SETUP, ideal_conditions(SETUP), "incoming", CONFIG)
    check(found)
    assert 160 <= found.sums.n_rejected < 180


def test_straight_tracks_align_x_as_well_as_y() -> None:
    setup = field_off()
    positions = measure(2000, 2, setup, is_off=True)
    conditions = ideal_conditions(setup)
    found = align_planes(positions, setup, conditions, "incoming", CONFIG, field_off=True)
    check(found)
    np.testing.assert_allclose(found.fit.dx_error, found.fit.dy_error, rtol=0.1)


def with_alignment(moves: np.ndarray) -> Conditions:
    ideal = ideal_conditions(SETUP)
    dx, dy, rotation = moves
    return replace(ideal, alignment=replace(ideal.alignment, dx=dx, dy=dy, rotation=rotation))


def test_an_alignment_goes_on_from_the_one_before() -> None:
    """Also where planes of reference are not at their nominal places."""
    start = np.zeros((3, 4))
    start[0, 0], start[1, 3] = 0.5, -0.2
    positions = measure(2000, 3)
    positions[:, 0] -= 0.5
    positions[:, 7] += 0.2
    found = align_planes(positions, SETUP, with_alignment(start), "incoming", CONFIG)
    assert (found.new[:, [0, 3]] == start[:, [0, 3]]).all()
    check(found)
    again = align_planes(positions, SETUP, with_alignment(found.new), "incoming", CONFIG)
    assert again.n_passes == 1
    np.testing.assert_allclose(again.new, found.new, atol=1e-3)


def test_a_fixed_number_stays() -> None:
    config = AlignmentConfig(reference=(0, 3), fixed=((2, 2), (0, 1)))
    positions = measure(1000, 4)
    found = align_planes(positions, SETUP, ideal_conditions(SETUP), "incoming", config)
    assert found.new[2, 2] == found.new[0, 1] == 0
    assert errors_of(found)[2, 2] == errors_of(found)[0, 1] == 0
    assert found.new[1, 2] == pytest.approx(MOVES[1, 2], abs=0.1)


def test_clean_events_have_one_good_hit_in_each_plane() -> None:
    plane = np.array([0, 1, 0, 1, 1, 1, 1, 0, 0, 1])
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, np.nan])
    hits = HitArrays(plane, x, -x, np.array([0, 2, 5, 6, 8, 10, 10]))
    counts, positions = clean_events(hits, [True, True])
    assert positions.tolist() == [[1, -1, 2, -2], [8, -8, 7, -7]]
    assert counts.tolist() == [[2, 4, 0], [2, 3, 1]]
    counts, positions = clean_events(hits, [False, True])  # of the second plane alone
    assert positions.tolist() == [[2, -2], [6, -6], [7, -7]]
    assert counts.tolist() == [[2, 3, 1]]


def test_runs_with_other_planes_are_not_added() -> None:
    none = np.zeros((2, 3), dtype=np.int64)
    ideal = ideal_conditions(SETUP)
    bad = replace(ideal, bad_spills=np.array([3]))
    one, same, other, moved = (
        CleanHits(0, none, np.zeros((0, 8)), SETUP, conditions)
        for conditions in (ideal, ideal, bad, with_alignment(MOVES))
    )
    assert common_conditions([one, same])[1]
    assert not common_conditions([one, other])[1]
    with pytest.raises(ConfigError, match="align them apart"):
        common_conditions([one, moved])


def test_unknown_spectrometer_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="incoming"):
        find_spectrometer(SETUP, "incomming")
