"""The nominal beam behind magnets."""

import pytest

from datasets.setups import load_setup
from recon.nominal import beam_before, nominal_beam

SETUP = load_setup("na64mu_2022")


def test_muons_fly_along_z_behind_bend6() -> None:
    assert nominal_beam(SETUP, 20_000.0).slope_x[0] == pytest.approx(0.0, abs=1e-7)
    assert nominal_beam(SETUP, 0.0).x[0] == 0.0


@pytest.mark.parametrize("name", ["incoming", "scattered"])
def test_planes_stand_in_the_beam(name: str) -> None:
    for plane in SETUP.spectrometers[name].planes:
        there = nominal_beam(SETUP, plane.z)
        assert (there.x[0], there.y[0]) == pytest.approx(plane.centre, abs=0.15), plane.name


def test_beam_before_a_spectrometer_has_its_direction_there() -> None:
    spectrometers = SETUP.spectrometers
    assert beam_before(SETUP, spectrometers["incoming"]).direction == pytest.approx(SETUP.beam.direction)
    assert beam_before(SETUP, spectrometers["scattered"]).direction == pytest.approx((0.0, 0.0), abs=1e-7)
    electrons = load_setup("na64e_2022")
    assert beam_before(electrons, electrons.spectrometers["incoming"]) is electrons.beam
