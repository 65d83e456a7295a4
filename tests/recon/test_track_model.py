"""The linear model of all planes is that of the track fit."""

import numpy as np
import pytest

from datasets.setups import load_setup
from recon.field import State, propagate
from recon.track_model import linear_model, nominal_crossings, predicted_resolution
from recon.tracks import find_tracks

SETUPS = ["na64e_2016", "na64e_2018", "na64e_2022"]


@pytest.mark.parametrize("name", SETUPS)
def test_small_changes_of_a_track_follow_the_design(name: str) -> None:
    setup = load_setup(name)
    spectrometer, beam = setup.spectrometers["incoming"], setup.beam
    change = np.array([0.5, -0.3, 1e-4, -2e-4, 1e-5])
    values = np.array([0.0, 0.0, *beam.direction, beam.charge / beam.momentum]) + change
    state = State(*(np.array([value]) for value in values))
    z = spectrometer.planes[0].z
    exact = [propagate(state, z, plane.z, spectrometer.magnets)[:2] for plane in spectrometer.planes]
    moved = np.array(exact).ravel() - nominal_crossings(spectrometer, beam)
    np.testing.assert_allclose(linear_model(spectrometer, beam)[0] @ change, moved, atol=2e-3)


@pytest.mark.parametrize("name", SETUPS)
def test_covariance_gives_the_error_of_the_track_fit(name: str) -> None:
    setup = load_setup(name)
    spectrometer, beam = setup.spectrometers["incoming"], setup.beam
    design, covariance = linear_model(spectrometer, beam)
    n = len(spectrometer.planes)
    at = nominal_crossings(spectrometer, beam).reshape(n, 2)
    track = find_tracks(np.arange(n), at[:, 0], at[:, 1], np.array([0, n]), spectrometer, beam)
    error = np.sqrt(np.linalg.inv(design.T @ np.linalg.inv(covariance) @ design)[4, 4])
    assert track.momentum_error[0] == pytest.approx(beam.momentum**2 * error, rel=1e-5)
    by_formula = predicted_resolution(spectrometer, beam)
    assert track.momentum_error[0] / beam.momentum == pytest.approx(by_formula, rel=1e-3)
    assert predicted_resolution(spectrometer, beam, meet=False) > 1.05 * by_formula


def test_scattering_is_behind_its_layer() -> None:
    setup = load_setup("na64e_2018")
    covariance = linear_model(setup.spectrometers["incoming"], setup.beam)[1]
    resolution = setup.spectrometers["incoming"].planes[0].resolution
    assert covariance[0, 0] == pytest.approx(resolution**2)
    assert covariance[6, 6] > covariance[4, 4] > resolution**2
    assert (np.linalg.eigvalsh(covariance) > 0).all()
