"""Decays of B - L and L_mu - L_tau bosons, against ratios and lengths by hand."""

import numpy as np
import pytest

from physics.boson_decays import (
    b_minus_l_invisible_share,
    b_minus_l_width,
    coupling_of_epsilon,
    decay_length,
    epsilon_of_coupling,
    l_mu_tau_epsilon,
    l_mu_tau_width,
    pair_width,
    survival,
)
from physics.dark_photon import visible_width


def test_a_pair_width_is_that_of_the_dark_photon() -> None:
    found = pair_width(0.02, coupling_of_epsilon(1e-3), 0.51099895e-3)
    assert found == pytest.approx(visible_width(0.02, 1e-3), rel=1e-6)


@pytest.mark.parametrize(("mass", "share"), [(1.0e-3, 1.0), (0.1, 0.6), (10.0, 1.5 / 3.5)])
def test_share_of_neutrinos(mass: float, share: float) -> None:
    """None but neutrinos; 3/2 to 1 with electrons; 3/2 to 2 with muons (far above their threshold)."""
    assert b_minus_l_invisible_share(mass) == pytest.approx(share, rel=1e-4)


def test_l_mu_tau_has_two_neutrinos_below_the_muons() -> None:
    assert l_mu_tau_width(0.1, 1e-3) == pytest.approx(2 * 1e-6 * 0.1 / (24 * np.pi))
    assert l_mu_tau_width(0.3, 1e-3) > 2 * 1e-6 * 0.3 / (24 * np.pi)


def test_loops_give_one_seventieth() -> None:
    assert 1 / l_mu_tau_epsilon(1.0) == pytest.approx(69.2, abs=0.5)


def test_coupling_and_mixing() -> None:
    assert epsilon_of_coupling(coupling_of_epsilon(2e-4)) == pytest.approx(2e-4)
    assert coupling_of_epsilon(1.0) == pytest.approx(0.30282, rel=1e-4)


def test_path_before_the_decay() -> None:
    """A lifetime of 1 ns is a width of 6.582e-16 GeV: 299.8 mm times p / m."""
    width, length = 6.582119569e-16, 299.792458 * np.sqrt(100.0**2 - 1.0)
    assert decay_length(1.0, 100.0, width) == pytest.approx(length, rel=1e-6)
    assert survival(1.0, 100.0, width, length) == pytest.approx(np.exp(-1.0), rel=1e-5)
    assert survival(1.0, 100.0, 0.0, length) == 1.0
    assert decay_length(1.0, [100.0, 1.0, 0.5], width) == pytest.approx([length, 0.0, 0.0], rel=1e-6)
    assert np.isinf(decay_length(1.0, [[100.0, 2.0]], 0.0)).tolist() == [[True, True]]
    assert b_minus_l_width(0.1, 2.0) == pytest.approx(4 * b_minus_l_width(0.1, 1.0))
