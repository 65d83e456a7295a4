"""Electrons and positrons in a thick target, against independent integrals."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma as gamma_function

from physics.shower_tracks import (
    electron_track_density,
    electron_track_lengths,
    sample_electrons,
    secondary_positron_track_density,
)
from physics.thick_target import electron_track_length, shower_photon_track_length


def density_by_quad(start: float, at: float) -> float:
    """Integrate Tsai's spectrum over depth: (1 / E0) ln(E0 / E)^(4t/3 - 1) / Gamma(4t/3)."""
    u = np.log(start / at)
    found, _ = quad(lambda t: u ** (4 * t / 3 - 1) / gamma_function(4 * t / 3), 1e-9, 15.0, limit=400)
    return found / start


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8, 0.95, 0.999])
def test_track_density_is_the_integral_over_depth(share: float) -> None:
    found = float(electron_track_density(100.0, 100.0 * share))
    assert found == pytest.approx(density_by_quad(100.0, 100.0 * share), rel=0.005)


def test_track_density_scales_with_the_energy() -> None:
    assert electron_track_density(50.0, 20.0) == pytest.approx(2 * electron_track_density(100.0, 40.0))


def test_track_density_adds_up_to_the_track_length() -> None:
    """Between 20 and 90 GeV: the difference of two track lengths above an energy."""
    energy = np.linspace(20.0, 90.0, 4001)
    total = np.trapezoid(electron_track_density(100.0, energy), energy)
    expected = electron_track_length(100.0, 20.0) - electron_track_length(100.0, 90.0)
    assert total == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("at", [2.0, 5.0, 20.0, 50.0])
def test_secondary_positrons_are_the_double_integral(at: float) -> None:
    """Photons, their pairs and the pairs' losses, by nested quadrature."""

    def made(start: float) -> float:
        return (
            7
            / 9
            * quad(lambda k: float(shower_photon_track_length(100.0, k)) / k, start, 99.9999, limit=200)[0]
        )

    # the density diverges as the loss goes to 0: u = ln(start / at) on a logarithmic scale
    log_u = np.linspace(np.log(1e-7), np.log(np.log(99.99 / at)), 120)
    start = at * np.exp(np.exp(log_u))
    values = np.array(
        [made(s) * density_by_quad(s, at) * s * np.exp(w) for s, w in zip(start, log_u, strict=True)]
    )
    expected = np.trapezoid(values, log_u)
    assert secondary_positron_track_density(100.0, at) == pytest.approx(expected, rel=0.05)


def test_sampled_electrons_follow_the_track_density() -> None:
    share, depth = sample_electrons(
        40_000, np.random.default_rng(1), weight=lambda x: np.where(x > 0.3, 1.0, 0.0)
    )
    assert share.min() > 0.3
    edges = np.array([0.3, 0.45, 0.6, 0.75, 0.9, 0.97])
    counts = np.histogram(share, edges)[0]
    grids = np.linspace(edges[:-1], edges[1:], 2001)
    expected = np.trapezoid(electron_track_density(1.0, grids), grids, axis=0)
    assert counts / counts.sum() == pytest.approx(expected / expected.sum(), abs=0.01)
    assert np.corrcoef(share, depth)[0, 1] < -0.3  # deeper electrons have less


def test_without_a_possible_energy_nothing_is_sampled() -> None:
    with pytest.raises(ValueError, match="its weight is 0 at all energies"):
        sample_electrons(1, np.random.default_rng(1), weight=np.zeros_like)


@pytest.mark.parametrize("share", [0.999999, 0.999, 0.9, 0.5, 0.05])
def test_table_of_lengths_is_the_integral_over_depth(share: float) -> None:
    expected = electron_track_length(100.0, 100.0 * share)
    assert electron_track_lengths(100.0, 100.0 * share) == pytest.approx(expected, rel=1e-3)
