"""Expected sums of cells and the energy below their thresholds."""

import numpy as np
import pytest
from scipy.special import gammainc

from datasets.profiles import load_profile
from datasets.setups import load_setup
from recon.expected_sum import cell_centres, contained, expect_sum
from recon.profile import cell_fractions

SETUP = load_setup("na64e_2018")
SECTION = SETUP.detectors["ecal"].sections[-1]
PROFILE = load_profile(SETUP.shower_profile)


def test_expected_sum_of_a_shower_on_the_reference_is_its_energy() -> None:
    section, profile = SECTION, PROFILE
    centre = cell_centres(section)[21]
    x, y = np.array([centre[0], centre[0] - 95.5]), np.array([centre[1], centre[1]])
    energy = np.full(2, 100.0)
    none = expect_sum(energy, x, y, np.zeros(36), section, profile, (centre[0], centre[1]))
    assert none.inside[0] == pytest.approx(100.0, rel=1e-12)
    assert none.inside[1] < 99.0  # it leaks through the side
    np.testing.assert_allclose(none.suppressed, 0.0, atol=1e-12)
    every = expect_sum(energy, x, y, np.full(36, 1e6), section, profile, (centre[0], centre[1]))
    offsets = cell_centres(section) - centre
    inside = cell_fractions(profile, offsets[:, 0], offsets[:, 1], section.grid.pitch).sum()
    assert every.suppressed[0] == pytest.approx(100.0 * inside, rel=1e-6)


def test_suppressed_energy_is_that_of_gamma_distributions() -> None:
    centre = cell_centres(SECTION)[21]
    x, y, threshold = centre[:1] + 7.0, centre[1:] - 3.0, np.linspace(0.05, 0.4, 36)
    found = expect_sum(np.array([50.0]), x, y, threshold, SECTION, PROFILE, (centre[0], centre[1]))
    offsets = cell_centres(SECTION) - np.array([x[0], y[0]])
    share = cell_fractions(PROFILE, offsets[:, 0], offsets[:, 1], SECTION.grid.pitch)
    spread = PROFILE.stochastic**2 / 50.0 + PROFILE.constant**2
    shape = share / (spread * (1 - share))
    below = 50.0 * share * gammainc(shape + 1, threshold / 50.0 * shape / share)
    assert found.suppressed[0] == pytest.approx(below.sum(), rel=1e-6)
    reference = contained(SECTION, PROFILE, (centre[0], centre[1]))
    assert found.inside[0] == pytest.approx(50.0 * share.sum() / reference, rel=1e-6)
