"""Yields of dark photons, against an independent integral, kinematics and scaling."""

import numpy as np
import pytest
from scipy.stats import gamma

from datasets.setups import load_setup
from datasets.simulation.processes import PROCESSES
from datasets.simulation.processes.target import target_of
from limits.yields import bremsstrahlung_yield, resonant_yield, share_above
from physics.dark_photon import bremsstrahlung_section

NUCLEI = target_of(load_setup("na64e_2016"))
BEAM = 100.0


def test_yield_of_beam_electrons_is_the_double_integral() -> None:
    """Over depth and ln(E0 / E), by the gamma distribution, instead of over track lengths."""
    depth = np.linspace(1e-4, 20.0, 8001)
    quantiles = (np.arange(200) + 0.5) / 200
    share = np.exp(-gamma.ppf(quantiles, 4 / 3 * depth[:, None]))  # E / E0 of equal parts of the electrons
    grid = np.linspace(30.0, 100.0, 141)
    density = [n.per_radiation_length * 1e-36 for n in NUCLEI]
    rate = [
        share_above(0.05, e, 30.0)
        * sum(
            d * bremsstrahlung_section(0.05, e, 1.0, n.z, n.a) for d, n in zip(density, NUCLEI, strict=True)
        )
        for e in grid
    ]
    expected = np.trapezoid(np.interp(share * BEAM, grid, rate, left=0.0).mean(axis=1), depth)
    assert bremsstrahlung_yield(NUCLEI, BEAM, 0.05, 30.0).primary == pytest.approx(expected, rel=0.01)


def test_yield_falls_with_the_threshold_and_the_mass() -> None:
    low, high = (bremsstrahlung_yield(NUCLEI, BEAM, 0.05, least) for least in (30.0, 60.0))
    assert low.total > high.total > bremsstrahlung_yield(NUCLEI, BEAM, 0.1, 60.0).total
    assert 0.5 < high.track_length < low.track_length < 1.5


def test_share_above() -> None:
    assert share_above(0.1, 100.0, 0.0) == pytest.approx(1.0)
    assert share_above(0.1, 40.0, 50.0) == 0.0


@pytest.mark.parametrize(("mass", "reaches"), [(0.222, False), (0.230, True), (0.316, True), (0.324, False)])
def test_reach_of_the_resonance(mass: float, reaches: bool) -> None:
    """Between E = 50 GeV at 226 MeV and 100 GeV at 320 MeV a narrow resonance outshines bremsstrahlung."""
    narrow = resonant_yield(NUCLEI, BEAM, mass, 50.0, alpha_d=1e-4, mass_ratio=1 / 3)
    ratio = narrow.total / bremsstrahlung_yield(NUCLEI, BEAM, mass, 50.0).total
    assert (ratio > 0.05) is reaches


def test_threshold_above_the_beam_is_refused() -> None:
    with pytest.raises(ValueError, match="below the beam's 100 GeV, got 120 GeV"):
        bremsstrahlung_yield(NUCLEI, BEAM, 0.1, 120.0)


@pytest.mark.parametrize("mass", [0.001, 0.05, 0.4])
def test_simulated_files_stand_for_as_many_beam_particles_as_the_yield_says(mass: float) -> None:
    """The beam electron has lost less than 1e-4 of its energy on 0.06 X0 of its 0.87 X0 above 50 GeV."""
    process = PROCESSES["dark_photon"]
    rate = process.rate(load_setup("na64e_2016"), {"mass": mass, "epsilon": 1e-4})
    expected = bremsstrahlung_yield(NUCLEI, BEAM, mass, 0.0).primary * 1e-8
    assert rate.value == pytest.approx(expected, rel=3e-3)
